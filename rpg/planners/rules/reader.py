"""Reads elements in order and finds out which things there are and how they stand to each other."""

from __future__ import annotations

from collections.abc import Sequence

from rpg.planners.rules import things as t
from rpg.planners.rules.attributes import is_adjective
from rpg.planners.rules.clause import Clause, Link
from rpg.planners.rules.elements import (
    Anchor,
    Arrange,
    Attr,
    Element,
    Kind,
    Mark,
    NounPhrase,
    Order,
    Prep,
    Pron,
    Rel,
    RowMark,
    Verb,
)
from rpg.planners.rules.nouns import is_animate
from rpg.planners.rules.places import (
    Use,
    belongs_to_scene,
    is_idea,
    is_owned,
    is_time,
    opening_place,
    prepositional,
    without_scene,
)
from rpg.planners.rules.positions import Lines, place_on_canvas
from rpg.planners.rules.reference import Memory
from rpg.planners.rules.scan import head
from rpg.planners.rules.verbs import CARRYING, CONTACT, COPULAS, PASSIVE, STATIVE, VERB_RELATIONS
from rpg.planners.rules.inflect import participle
from rpg.planners.rules.words import POSSESSIVES


class Reader:
    """Takes one element after the other; `reading` holds what came out."""

    def __init__(self, elements: Sequence[Element]) -> None:
        self.reading = t.Reading()
        self._elements = elements
        self._memory = Memory(self.reading)
        self._clause = Clause()
        self._lines = Lines(self.reading)
        self._at = 0

    def read(self) -> t.Reading:
        """Reads all elements."""
        for self._at, element in enumerate(self._elements):
            self._take(element)
        self._end_sentence()
        return self.reading

    def _take(self, element: Element) -> None:
        match element:
            case NounPhrase():
                self._noun_phrase(element)
            case Pron():
                self._pronoun(element)
            case Rel():
                self._relation(element)
            case Anchor():
                self._anchor(element)
            case Prep():
                self._clause.link = Link(word=element.word)
            case Verb():
                self._verb(element)
            case Attr():
                self._attributes(element)
            case Arrange() | Order() | RowMark():
                self._lines.take(element, self._clause)
            case Mark():
                self._mark(element)
            case _:
                pass

    def _ahead(self, steps: int = 1) -> Element | None:
        """The element so many steps on; None past the end."""
        at = self._at + steps
        return self._elements[at] if at < len(self._elements) else None

    # Marks ---------------------------------------------------------------------------------------

    def _mark(self, mark: Mark) -> None:
        if mark.word == ".":
            self._end_sentence()
        elif mark.word == "clause":
            self._clause = Clause(opening=False)
        elif mark.word == "which":
            self._clause.relative()
        elif mark.word == "and":
            self._clause.join = "and"
            self._clause.listed = True
            self._clause.dangle()
        else:
            self._clause.join = self._clause.join or ","
            self._clause.dangle()

    def _end_sentence(self) -> None:
        self._lines.end_sentence()
        self._memory.end_sentence()
        self._clause = Clause()

    # Noun phrases --------------------------------------------------------------------------------

    def _noun_phrase(self, phrase: NounPhrase) -> None:
        if phrase.negated:
            self.reading.negatives.append(" ".join(phrase.words))
            return
        link = self._link_for_phrase()
        if link is None and opening_place(phrase, self._clause.opening, self._ahead()):
            self._scene(f"in {t.text_of(without_scene(phrase))}", phrase)
            self._clause.spoken()
        elif link is None or link.verb is not None:
            self._named(phrase, link)
        elif link.relation is not None:
            self._object(phrase, link)
        else:
            self._prepositional(phrase, link)

    def _link_for_phrase(self) -> Link | None:
        """What ties the phrase to what came before: the relation just read, or the last one's "and"."""
        clause = self._clause
        if clause.link is not None:
            return clause.link
        if clause.join and clause.last_link is not None and not self._has_own_predicate():
            return clause.last_link
        return None

    def _has_own_predicate(self) -> bool:
        """Whether the phrase here begins a statement of its own: "... and a heart above a moon"."""
        if self._clause.join == "," and not self._in_list():
            return True
        after = self._ahead()
        return isinstance(after, Rel | Verb | Anchor) or (
            isinstance(after, Prep) and after.word in ("on", "in")
        )

    def _in_list(self) -> bool:
        """Whether a comma here stands in a list that "and" ends: "between a, b and c"."""
        after = (self._ahead(), self._ahead(2))
        return after[0] == Mark("and") or after == (Mark(","), Mark("and"))

    def _resolve(self, phrase: NounPhrase) -> t.Thing | None:
        """The thing a phrase names: a new one, one named before, or part of a group."""
        if t.is_elliptic(phrase) or self._is_one_of_two(phrase):
            return self._memory.elliptic(phrase, self._next_noun())
        known = self._memory.known(phrase)
        return known if known is not None else self._memory.add(t.thing_of(phrase))

    def _is_one_of_two(self, phrase: NounPhrase) -> bool:
        """Whether "one orange" means a colour: "..., one orange and the other blue"."""
        followed = (self._ahead(), self._ahead(2)) == (Mark("and"), Pron("other"))
        return followed and len(phrase.words) == 1 and is_adjective(phrase.words[0].lower())

    def _next_noun(self) -> tuple[str, ...]:
        """The noun that a phrase without one shares with the phrase after "and"."""
        following = self._ahead(2)
        if self._ahead() == Mark("and") and isinstance(following, NounPhrase):
            return () if t.is_elliptic(following) else following.words[-1:]
        return ()

    def _named(self, phrase: NounPhrase, link: Link | None) -> None:
        """A phrase that is a subject, or the object of a verb."""
        if link is not None and link.verb is not None and self._verb_object(phrase, link):
            return
        if link is None and not self._clause.opening and is_idea(phrase):
            self.reading.notes.append(f"\"{t.text_of(phrase)}\" is left to the whole picture")
            return
        thing = self._resolve(phrase)
        if thing is None:
            self.reading.notes.append(f"\"{t.text_of(phrase)}\" names nothing that could be placed")
            return
        self._subjects([thing], link)

    def _subjects(self, things: list[t.Thing], link: Link | None) -> None:
        clause = self._clause
        self._lines.saw(things)
        if link is not None and link.verb is not None:
            clause.linked(things, link)
            return
        if clause.inverted is not None:
            for thing in things:
                self._relate(clause.inverted, [thing], clause.inverted_objects)
        clause.subject(things)
        if clause.anchor is not None:
            place_on_canvas(self.reading, things, clause.anchor)
            clause.anchor = None if clause.join == "" else clause.anchor
        clause.join = ""

    # Relations -----------------------------------------------------------------------------------

    def _relation(self, rel: Rel) -> None:
        clause = self._clause
        if rel.pronoun or rel.implied or not self._object_follows():
            self._relate_back(rel)
            return
        if self._is_inverted():
            clause.link = Link(relation=rel)
        else:
            clause.link = Link(relation=rel, subjects=clause.subjects_for_relation())
        clause.predicate = True

    def _object_follows(self) -> bool:
        return isinstance(self._ahead(), NounPhrase | Pron)

    def _is_inverted(self) -> bool:
        """Whether the subject comes after the object: "below them a triangle", "next to it is a cat"."""
        clause = self._clause
        if not clause.subjects:
            return True
        if not clause.join:
            return False
        after, later = self._ahead(2), self._ahead(3)
        return isinstance(after, NounPhrase) or (
            after == Verb("") and isinstance(later, NounPhrase)
        )

    def _relate_back(self, rel: Rel) -> None:
        """A relation whose object is not said: "with a cherry on top", "two stars on its left"."""
        clause = self._clause
        subjects = clause.subjects_for_relation()
        objects = self._memory.refer(rel.pronoun or "it", subjects)
        if not objects:
            self.reading.notes.append(f"\"{rel.text}\" relates to nothing that was named")
        elif not subjects:
            clause.invert(rel, objects)
        else:
            self._relate(rel, subjects, objects)
            clause.predicate = True

    def _relate(self, rel: Rel, subjects: list[t.Thing], objects: list[t.Thing]) -> None:
        for kind in rel.kinds:
            for subject in subjects:
                others = tuple(thing for thing in objects if thing is not subject)
                if others:
                    self.reading.relations.append(t.Relation(kind, subject, others))

    def _object(self, phrase: NounPhrase, link: Link) -> None:
        """The object of a relation."""
        assert link.relation is not None
        use = belongs_to_scene(phrase, link.relation)
        if use:
            self._scene(f"{link.relation.text} {t.text_of(phrase)}", phrase)
            self._clause.link = None
            return
        thing = self._resolve(phrase)
        if thing is not None:
            self._related([thing], link)

    def _related(self, objects: list[t.Thing], link: Link) -> None:
        clause = self._clause
        assert link.relation is not None
        self._lines.saw(objects)
        if link.subjects is None:
            clause.invert(link.relation, objects)
        elif link.relation.kinds == (Kind.BETWEEN,) and link is clause.last_link:
            self._extend_between(link, objects)
        else:
            self._relate(link.relation, link.subjects, objects)
        clause.linked(objects, link)

    def _extend_between(self, link: Link, objects: list[t.Thing]) -> None:
        """Adds the second thing of "between a and b"."""
        for at, relation in enumerate(self.reading.relations):
            if relation.kind is Kind.BETWEEN and relation.subject in (link.subjects or ()):
                everything = (*relation.objects, *objects)
                self.reading.relations[at] = t.Relation(Kind.BETWEEN, relation.subject, everything)

    def _pronoun(self, pron: Pron) -> None:
        clause = self._clause
        link = clause.link
        subjects = (link.subjects or []) if link is not None else []
        between = link is not None and link.relation is not None and link.relation.kinds == (Kind.BETWEEN,)
        things = self._memory.refer(pron.word, subjects, group=between)
        if not things:
            clause.link = None
            return
        if link is not None and link.relation is not None:
            self._related(things, link)
        elif link is None:
            self._subjects(things, None)
        else:
            clause.link = None

    # Prepositions --------------------------------------------------------------------------------

    def _prepositional(self, phrase: NounPhrase, link: Link) -> None:
        """A phrase after a preposition that is no relation by itself."""
        clause = self._clause
        use = prepositional(link.word, phrase, clause)
        clause.link = None
        if use is Use.SCENE:
            self._scene(f"{link.word} {t.text_of(phrase)}", phrase)
        elif isinstance(use, Kind):
            self._plain_relation(use, phrase, link)
        elif use is Use.THING:
            self._companion(phrase, link)
        elif use is Use.HELD:
            clause.act(f"{link.word} {t.text_of(phrase)}")
            self._held(phrase)
        elif use is Use.ACTION:
            clause.act(f"{link.word} {t.text_of(phrase)}")
        else:
            text = f"{link.word} {t.text_of(phrase)}"
            self.reading.notes.append(f"\"{text}\" is left to the whole picture")

    def _plain_relation(self, kind: Kind, phrase: NounPhrase, link: Link) -> None:
        rel = Rel((kind,), link.word)
        inverted = not self._clause.subjects
        subjects = None if inverted else self._clause.subjects_for_relation()
        thing = self._resolve(phrase)
        if thing is not None:
            self._related([thing], Link(relation=rel, subjects=subjects))

    def _companion(self, phrase: NounPhrase, link: Link) -> None:
        """ "with a dog": a thing of its own, and the subject of what is said next."""
        thing = self._resolve(phrase)
        if thing is None:
            return
        self._lines.saw([thing])
        self._clause.companion([thing], link)

    def _held(self, phrase: NounPhrase) -> None:
        """A thing in the hands of the one subject: drawn inside its region."""
        subject = self._clause.subjects[0]
        thing = self._memory.add(t.thing_of(phrase))
        if thing.parent is None and thing is not subject:
            thing.parent, thing.held = subject, True
        self._clause.last_link = None
        self._clause.join = ""

    def _scene(self, text: str, phrase: NounPhrase) -> None:
        scene = t.Scene(text, is_time(phrase), len(self.reading.things))
        self.reading.scenes.append(scene)
        self._clause.link = None
        self._clause.join = ""

    # Verbs and attributes ------------------------------------------------------------------------

    def _verb(self, verb: Verb) -> None:
        clause = self._clause
        if clause.inverted is not None and not clause.subjects:
            return
        clause.begin_verb()
        if verb.have:
            clause.link = Link(verb="having")
        elif verb.text in COPULAS and clause.subjects:
            clause.link = Link(verb="being")
        elif verb.text in STATIVE:
            clause.link = Link(verb=verb.text)
        if not verb.text or verb.text in STATIVE:
            return
        passive = verb.passive or verb.text in PASSIVE
        word = verb.text if passive else participle(verb.text)
        clause.verb = word
        follows = isinstance(self._ahead(), NounPhrase)
        if clause.acts_alone():
            if word not in clause.subjects[0].actions:
                clause.act(word)
        elif not follows and not any(thing.actions for thing in clause.subjects):
            self._act_together(word)
        if follows:
            clause.link = Link(verb=word)

    def _act_together(self, word: str) -> None:
        """What several do, or a thing does: only where it stands without an object."""
        for thing in self._clause.subjects:
            if word not in VERB_RELATIONS:
                thing.actions.append(word)

    def _verb_object(self, phrase: NounPhrase, link: Link) -> bool:
        """Takes care of a verb's object that is no thing in the picture's layout; whether it was one."""
        clause, verb = self._clause, link.verb or ""
        if verb == "being":
            self.reading.notes.append(f"\"{t.text_of(phrase)}\" says what something is, not what to draw")
        elif verb == "having" and clause.subjects and is_owned(phrase):
            clause.own(f"with {t.text_of(phrase)}")
        elif belongs_to_scene(phrase):
            self._setting(phrase, verb)
        elif clause.acts_alone() and is_animate(clause.subjects[0].head):
            return self._alone_with_object(phrase, verb)
        else:
            return self._verb_relation(phrase, verb)
        clause.link = None
        return True

    def _setting(self, phrase: NounPhrase, verb: str) -> None:
        """ "filled the gallery": the scene; "shared a laugh": nothing to draw."""
        if opening_place(phrase, True, Verb("", have=True)):
            self._scene(f"in {t.text_of(phrase)}", phrase)
        elif self._clause.acts_alone():
            self._clause.act(t.text_of(phrase))
        else:
            self.reading.notes.append(f"\"{verb} {t.text_of(phrase)}\" is left to the whole picture")

    def _alone_with_object(self, phrase: NounPhrase, verb: str) -> bool:
        """What one person or animal does to something."""
        noun = head(phrase)
        if is_animate(noun) and phrase.determiner not in POSSESSIVES and verb not in CARRYING:
            return False
        self._clause.act(t.text_of(phrase))
        self._clause.link = None
        definite = phrase.determiner in ("a", "an", "the") or phrase.count is not None
        if verb in CONTACT | CARRYING and (definite or t.has_visual(phrase)):
            self._held(phrase)
        self._clause.last_link = None
        return True

    def _verb_relation(self, phrase: NounPhrase, verb: str) -> bool:
        kind = VERB_RELATIONS.get(verb)
        if kind is None or not self._clause.subjects:
            return False
        rel = Rel((_KINDS[kind],), verb)
        thing = self._resolve(phrase)
        if thing is not None:
            self._related([thing], Link(relation=rel, subjects=list(self._clause.subjects)))
        return True

    def _attributes(self, attr: Attr) -> None:
        clause = self._clause
        words = list(attr.words)
        if clause.verb and clause.acts_alone():
            clause.act(" ".join(words))
        elif clause.verb:
            for thing in clause.subjects:
                thing.actions.append(" ".join(words))
        elif clause.last:
            said = self._at > 0 and self._elements[self._at - 1] == Verb("")
            for thing in clause.subjects if said else clause.last:
                thing.attributes.extend([*(["and"] if thing.attributes else []), *words])
        elif self.reading.things:
            self._subjects([self._memory.another(words)], None)

    def _anchor(self, anchor: Anchor) -> None:
        clause = self._clause
        if anchor.loose and self.reading.things and (not clause.subjects or clause.owner):
            kind = Kind.LEFT if anchor.x == 0 else Kind.RIGHT
            self._relate_back(Rel((kind,), anchor.text, implied=True))
            return
        targets = clause.anchor_targets()
        if clause.anchors_lead or not targets or all(_placed(thing) for thing in targets):
            clause.lead_with(anchor)
            return
        place_on_canvas(self.reading, targets, anchor)
        clause.predicate = True


def _placed(thing: t.Thing) -> bool:
    return thing.anchor != (None, None) or thing.back


_KINDS = {"on": Kind.ON, "around": Kind.AROUND, "contains": Kind.CONTAINS, "below": Kind.BELOW,
          "front": Kind.FRONT, "beside": Kind.BESIDE, "above": Kind.ABOVE}  # fmt: skip
