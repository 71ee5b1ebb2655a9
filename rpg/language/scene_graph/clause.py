"""The state of the clause being parsed: its subjects, and the relation that awaits its object."""

from __future__ import annotations

from dataclasses import dataclass, field

from rpg.language.grammar.elements import Anchor, Rel, RelationKind
from rpg.language.lexicon.function_words import PLURALS
from rpg.language.lexicon.nouns import is_animate
from rpg.language.lexicon.verbs import VERB_RELATIONS
from rpg.language.scene_graph.graph import Entity


@dataclass(frozen=True, slots=True, eq=False)
class Link:
    """What ties the next noun phrase to what came before: a relation, a verb or a preposition.

    `subjects` are those of the relation; None where the subject is still to come.
    """

    relation: Rel | None = None
    subjects: list[Entity] | None = None
    verb: str | None = None
    word: str = ""


def verb_link(verb: str, clause: Clause) -> Link:
    """The link of a participle that says where its object is: "surrounding", "covering"."""
    relation = Rel((RelationKind[VERB_RELATIONS[verb].upper()],), verb)
    return Link(relation=relation, subjects=list(clause.subjects))


@dataclass(slots=True)
class Clause:
    """The parser's state of one clause.

    Attributes:
        subjects: What the clause is about.
        last: What was named last, as subject or object.
        listed: The subjects were joined by "and".
        predicate: Something was said of the subjects.
        join: "and" or "," if one came after the last noun phrase.
        link: Waits for a noun phrase.
        last_link: How the last noun phrase was tied; what follows "and" is tied alike.
        opening: No noun phrase was read in this sentence yet.
        quiet: What the subject does is not drawn: a side clause about a pronoun.
        verb: The clause's verb as a participle.
        owner: What has the subjects: the heart in "a heart with two stars on its left".
        had: What the owner is "with" and has no place yet: an apple and a pear in "a table with an
            apple and a pear on it".
        inverted: A relation, with its objects, whose subject comes after it.
        anchor: A place on the canvas whose entity comes after it; as do all if `anchors_lead`.
    """

    subjects: list[Entity] = field(default_factory=list)
    last: list[Entity] = field(default_factory=list)
    listed: bool = False
    predicate: bool = False
    join: str = ""
    link: Link | None = None
    last_link: Link | None = None
    opening: bool = True
    quiet: bool = False
    verb: str = ""
    owner: list[Entity] = field(default_factory=list)
    had: list[Entity] = field(default_factory=list)
    inverted: Rel | None = None
    inverted_objects: list[Entity] = field(default_factory=list)
    anchor: Anchor | None = None
    anchors_lead: bool = False

    def spoken(self) -> None:
        """A noun phrase was read, whatever became of it."""
        self.opening, self.join, self.link = False, "", None

    def subject(self, entities: list[Entity]) -> None:
        """Adds subjects: to a list that is open, else as a new one."""
        if self.join and self.subjects and not self.predicate:
            self.subjects = list(dict.fromkeys([*self.subjects, *entities]))
        else:
            goes_on = self.join == "and" or self.inverted is not None
            self.owner = self.owner if goes_on else []
            self.had = [*self.had, *entities] if goes_on else []
            self.subjects, self.listed, self.predicate = list(entities), False, False
            self.verb = ""
        self.last, self.last_link = list(entities), None
        self.spoken()

    def linked(self, entities: list[Entity], link: Link) -> None:
        """Takes the objects of a relation or of a verb."""
        self.last, self.last_link, self.predicate = list(entities), link, True
        self.spoken()

    def companion(self, entities: list[Entity], link: Link) -> None:
        """Takes entities that the subjects are "with": they are the next subjects."""
        if link is self.last_link:  # "with an apple, a pear"
            self.had = [*self.had, *entities]
        else:
            self.owner, self.had = self.subjects or self.owner, list(entities)
        self.subjects, self.listed = list(entities), False
        self.linked(entities, link)
        self.verb = ""

    def invert(self, rel: Rel, objects: list[Entity]) -> None:
        """Keeps a relation for the subject to come."""
        self.inverted, self.inverted_objects = rel, list(objects)
        self.subjects, self.predicate, self.listed = [], False, False

    def lead_with(self, anchor: Anchor) -> None:
        """Keeps a place on the canvas for the entity to come."""
        self.anchor, self.anchors_lead = anchor, self.anchors_lead or self.opening
        self.subjects, self.predicate, self.link, self.last_link = [], False, None, None
        self.join = ""

    def relative(self) -> None:
        """What follows "which" is said of what was named last."""
        self.subjects, self.listed, self.predicate = list(self.last), True, True
        self.link, self.last_link, self.join = None, None, ""

    def begin_verb(self) -> None:
        """Says something of the subjects."""
        self.predicate, self.verb, self.link, self.last_link = True, "", None, None

    def subjects_for_relation(self) -> list[Entity]:
        """What a relation that is read now is said of."""
        if self.join or not self.last:
            return list(self.subjects)
        if self.last_link is not None and self.last != self.subjects:
            return list(self.last)
        return list(self.subjects if self.listed or self.verb or self.predicate else self.last)

    def had_for_relation(self) -> list[Entity]:
        """The same of a relation to the owner: all that it has and that has no place yet."""
        subjects = self.subjects_for_relation()
        if not self.owner or not all(entity in self.had for entity in subjects):
            return subjects
        had, self.had = self.had, []
        return had

    def waits_for_second(self) -> bool:
        """Whether one of the two entities is still to come that the subject is between."""
        relation = self.last_link.relation if self.last_link is not None else None
        between = relation is not None and relation.kinds == (RelationKind.BETWEEN,)
        return between and sum(entity.count for entity in self.last) == 1

    def owner_as(self, word: str) -> list[Entity]:
        """The owner of the subjects, if the pronoun agrees with it in number; else nothing."""
        several = sum(entity.count for entity in self.owner) > 1
        return list(self.owner) if several == (word in PLURALS) else []

    def anchor_targets(self) -> list[Entity]:
        """What a place on the canvas that is read now is said of."""
        return list(
            self.subjects if self.join or self.predicate and not self.last_link else self.last
        )

    def acts_alone(self) -> bool:
        """Whether the clause is about one person, one animal, or a group in one region."""
        one = len(self.subjects) == 1 and self.subjects[0].count == 1
        return one and is_animate(self.subjects[0].head)

    def act_together(self, word: str) -> None:
        """Notes what every subject does, unless one of them does something already."""
        if not any(entity.actions for entity in self.subjects):
            for entity in self.subjects:
                entity.actions.append(word)

    def own(self, text: str) -> None:
        """Adds what every subject has to its description."""
        for entity in self.subjects:
            entity.own(text)
        self.spoken()

    def act(self, text: str) -> None:
        """Adds to what the one subject does, as the prompt says it."""
        if not text or not self.acts_alone() or self.quiet:
            return
        actions = self.subjects[0].actions
        if actions and self.join:
            text = f"and {text}" if self.join == "and" else f", {text}"
        actions.append(text)
        self.join = ""
