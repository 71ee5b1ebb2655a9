"""The parser's state, and the steps that every kind of element shares."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from rpg.language.grammar.elements import (
    Anchor,
    Delimiter,
    Element,
    NounPhrase,
    Prep,
    Pron,
    Rel,
    RelationKind,
    Verb,
)
from rpg.language.lexicon.attributes import is_adjective
from rpg.language.scene_graph import graph as g
from rpg.language.scene_graph.canvas_positions import Lines, place_on_canvas
from rpg.language.scene_graph.clause import Clause, Link
from rpg.language.scene_graph.coreference import Discourse
from rpg.language.scene_graph.places import is_time

# Relations to several entities at once, not to one after the other.
_GATHERING = frozenset({RelationKind.BETWEEN, RelationKind.AMID, RelationKind.FLANKED})


class ParserState:
    """The graph so far, the open clause, and the position in the elements.

    Attributes:
        graph: What was parsed so far.
        discourse: What pronouns and definite phrases mean.
        clause: The clause that is open.
        lines: Rows and orders of the sentence.
        at: Number of the element being read.
        aside: In a side clause, which is not drawn.
        resume: Elements before this one are taken already.
    """

    def __init__(self, elements: Sequence[Element]) -> None:
        """Begins with the first of the elements."""
        self.graph = g.SceneGraph()
        self.discourse = Discourse(self.graph)
        self.clause = Clause()
        self.lines = Lines(self.graph)
        self.at = 0
        self.aside = False
        self.resume = 0
        self._elements = elements

    def near(self, steps: int) -> Element | None:
        """The element so many steps on, or back; None past either end."""
        at = self.at + steps
        return self._elements[at] if 0 <= at < len(self._elements) else None

    def end_sentence(self) -> None:
        """Closes what a full stop closes."""
        self.lines.end_sentence()
        self.discourse.end_sentence()
        self.clause = Clause()

    def note(self, text: str, why: str = "is left to the whole picture") -> None:
        """Notes what could not be placed."""
        self.graph.notes.append(f'"{text}" {why}')

    def add_setting(self, text: str, phrase: NounPhrase) -> None:
        """Adds a place or a time to the setting."""
        self.graph.settings.append(g.Setting(text, is_time(phrase), len(self.graph.entities)))
        self.clause.link, self.clause.join = None, ""

    # What a phrase names -------------------------------------------------------------------------

    def resolve(self, phrase: NounPhrase) -> g.Entity | None:
        """The entity a phrase names: a new one, one named before, or part of a group."""
        if phrase.member:
            return self.discourse.member(phrase)
        if g.is_elliptic(phrase) or self._is_one_of_two(phrase):
            return self.discourse.elliptic(phrase, self._next_noun() if phrase.words else ())
        known = self.discourse.known(phrase)
        return known if known is not None else self.discourse.add(g.entity_of(phrase))

    def _is_one_of_two(self, phrase: NounPhrase) -> bool:
        """Whether "one orange" means a colour: "..., one orange and the other blue"."""
        followed = (self.near(1), self.near(2)) == (Delimiter("and"), Pron("other"))
        return followed and len(phrase.words) == 1 and is_adjective(phrase.words[0].lower())

    def _next_noun(self) -> tuple[str, ...]:
        """The noun that a phrase without one shares with the phrase after "and"."""
        following = self.near(2)
        if self.near(1) == Delimiter("and") and isinstance(following, NounPhrase):
            return () if g.is_elliptic(following) else following.words[-1:]
        return ()

    def has_own_predicate(self) -> bool:
        """Whether the phrase here begins a statement: "... and a heart above a moon"."""
        if self.clause.join == "," and not self._in_list():
            return True
        after = self.near(1)
        return isinstance(after, Rel | Verb | Anchor) or (
            isinstance(after, Prep) and after.word in ("on", "in")
        )

    def _in_list(self) -> bool:
        """Whether a comma here stands in a list that "and" ends: "between a, b and c"."""
        step = 1
        while self.near(step) == Delimiter(",") and isinstance(self.near(step + 1), NounPhrase):
            step += 2
        last = self.near(step + 1) if self.near(step) == Delimiter(",") else self.near(step)
        return last == Delimiter("and")

    # What becomes of it --------------------------------------------------------------------------

    def subjects(self, entities: list[g.Entity]) -> None:
        """Makes entities what the clause is about, and gives them what waited for them."""
        clause = self.clause
        self.lines.saw(entities)
        if clause.inverted is not None and clause.subjects and self.has_own_predicate():
            clause.inverted, clause.subjects = None, []
        if clause.inverted is not None:
            self.relate(clause.inverted, entities, clause.inverted_objects)
        if clause.anchor is not None:
            first = not clause.subjects
            if first or (clause.join == "and" and not self.has_own_predicate()):
                place_on_canvas(self.graph, entities, clause.anchor)
            else:
                clause.anchor = None
        clause.subject(entities)

    def relate(self, rel: Rel, subjects: list[g.Entity], objects: list[g.Entity]) -> None:
        """Notes a relation of every subject to all objects."""
        if rel.kinds == (RelationKind.AROUND,) and len(subjects) > 1:
            self.relate(replace(rel, kinds=(RelationKind.AMID,)), objects, subjects)
            return
        for kind in rel.kinds:
            for subject in subjects:
                others = tuple(entity for entity in objects if entity is not subject)
                if others:
                    self.graph.relations.append(g.Relation(kind, subject, others))

    def related(self, objects: list[g.Entity], link: Link) -> None:
        """Takes the objects of the link's relation."""
        assert link.relation is not None
        self.lines.saw(objects)
        if link.subjects is None:
            more = self.clause.inverted_objects if link is self.clause.last_link else []
            self.clause.invert(link.relation, [*more, *objects])
        elif link.relation.kinds[0] in _GATHERING and link is self.clause.last_link:
            self._extend(link.relation.kinds[0], link.subjects, objects)
        else:
            self.relate(link.relation, link.subjects, objects)
        self.clause.linked(objects, link)

    def _extend(
        self, kind: RelationKind, subjects: list[g.Entity], objects: list[g.Entity]
    ) -> None:
        """Adds the second entity of "between a and b", "surrounded by a and b"."""
        for at, relation in enumerate(self.graph.relations):
            if relation.kind is kind and relation.subject in subjects:
                everything = (*relation.objects, *objects)
                self.graph.relations[at] = g.Relation(kind, relation.subject, everything)

    def hold(self, phrase: NounPhrase) -> None:
        """An entity in the hands of the one subject: drawn inside its region."""
        entity = self.resolve(phrase)
        if entity is not None:
            entity.put_inside(self.clause.subjects[0], held="hand")
        self.clause.last_link, self.clause.join = None, ""
