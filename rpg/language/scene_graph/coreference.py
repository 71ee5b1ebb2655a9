"""Coreference: resolves "it", "them", "the star", "a blue one" and "the other" to entities."""

from __future__ import annotations

from dataclasses import replace
from itertools import pairwise

from rpg.language.grammar.elements import NounPhrase, RelationKind
from rpg.language.grammar.heads import head
from rpg.language.lexicon.function_words import DEMONSTRATIVES, PLURALS
from rpg.language.lexicon.nouns import agrees
from rpg.language.scene_graph.graph import (
    Entity,
    Relation,
    SceneGraph,
    attributes_of,
    entity_of,
    singled,
    split_off,
)
from rpg.language.scene_graph.group_members import place_in_group, shape_of_group

_DEFINITE = DEMONSTRATIVES | {"the"}


class Discourse:
    """The entities named so far, in order, with the sentence they came in."""

    def __init__(self, graph: SceneGraph) -> None:
        """Starts from the entities of the graph."""
        self._graph, self._entities = graph, graph.entities
        self._here: list[Entity] = []
        self._previous: list[Entity] = []
        self._group: Entity | None = None
        self._members: list[list[Entity]] = []  # of every group that was told apart

    def end_sentence(self) -> None:
        """Makes the entities of this sentence those of the previous one, unless there are none."""
        if self._here:
            self._previous, self._here = self._here, []

    def add(self, entity: Entity) -> Entity:
        """Adds a new entity."""
        self._entities.append(entity)
        return self._spoken(entity)

    def _spoken(self, entity: Entity) -> Entity:
        if entity not in self._here:
            self._here.append(entity)
        return entity

    def known(self, phrase: NounPhrase) -> Entity | None:
        """The entity that "the X" names again; None if it names a new one."""
        if phrase.determiner not in _DEFINITE:
            return None
        for entity in reversed(self._entities):
            owned = {word.lower() for word in (*entity.attributes, *entity.noun[:-1])}
            same_count = phrase.count is None or phrase.count == entity.count
            if entity.head == head(phrase) and attributes_of(phrase) <= owned and same_count:
                return self._spoken(entity)
        return None

    def member(self, phrase: NounPhrase) -> Entity | None:
        """The one of a group that the phrase names by number or place; None if there is none.

        From then on the group is single entities; left to right or top to bottom if it is by place.
        """
        noun, word = phrase.words[-1].lower(), phrase.member
        groups = (one for one in reversed(self._members) if one[0].head == noun)
        members = next(groups, None) or self._split_members(noun)
        at = place_in_group(word, len(members))
        if at is None:
            return None
        self._line_up(members, members[0].arrangement or shape_of_group(word))
        new = [look for look in phrase.words[:-1] if look not in members[at].attributes]
        members[at].attributes[:0] = new
        members[at].own(phrase.post)
        return self._spoken(members[at])

    def _split_members(self, noun: str) -> list[Entity]:
        found = (one for one in reversed(self._entities) if one.count > 1 and one.head == noun)
        group = next(found, None)
        if group is None:
            return []
        members = singled(self._entities, group, group.count)
        self._members.append(members)
        for at, relation in enumerate(list(self._graph.relations)):
            if group in relation.objects:
                others = [one for one in relation.objects if one is not group]
                relation = replace(relation, objects=(*others, *members))
                self._graph.relations[at] = relation
            if relation.subject is group:
                more = [replace(relation, subject=member) for member in members[1:]]
                self._graph.relations.extend(more)
        return members

    def _line_up(self, members: list[Entity], shape: str) -> None:
        kind = {"row": RelationKind.LEFT, "column": RelationKind.ABOVE}.get(shape)
        for first, second in pairwise(members):
            tied = any(r.subject is first and second in r.objects for r in self._graph.relations)
            if kind is not None and not tied:
                self._graph.relations.append(Relation(kind, first, (second,)))

    def refer(self, word: str, subjects: list[Entity], *, group: bool = False) -> list[Entity]:
        """The antecedents of a pronoun, never `subjects`; empty if there are none.

        Args:
            word: The pronoun, lower case; "it" also where the object is left out.
            subjects: What the pronoun's clause is about; empty if the pronoun is the subject.
            group: Prefer the nearest group, as in "two dogs with a cat between them".
        """
        if word == "other":
            return [self._group] if self._group is not None else []
        others = [t for t in self._entities if t not in subjects and t.parent is None]
        if not others:
            return []
        if word in PLURALS:
            return self._several(others, group)
        others = [t for t in others if agrees(word, t.head)] or others
        previous = [t for t in self._previous if t in others]
        if not subjects and not self._here and previous:
            return [self._spoken(previous[0])]
        first = min((self._entities.index(t) for t in subjects), default=len(self._entities))
        before = [t for t in others if self._entities.index(t) < first]
        return [self._spoken((before or others)[-1])]

    def _several(self, others: list[Entity], group: bool) -> list[Entity]:
        if group and others[-1].count > 1:
            return others[-1:]
        for spoken in (self._here, self._previous):
            found = [t for t in others if t in spoken]
            if sum(t.count for t in found) > 1 or any(t.crowd for t in found):
                return found
        return others

    def elliptic(self, phrase: NounPhrase, next_noun: tuple[str, ...]) -> Entity | None:
        """The entity of a phrase without a noun: one of a group, or one with a neighbour's noun."""
        words = [word for word in phrase.words if word != "one"]
        if next_noun:
            return self.add(entity_of(_with_noun(phrase, words, next_noun)))
        count = phrase.count or 1
        group = next(
            (t for t in reversed(self._entities) if 1 < t.count and t.count >= count), None
        )
        if phrase.words[-1:] != ("one",) and self._group is not None and self._group.count == count:
            self._group.attributes[:0] = words
            self._group.own(phrase.post)
            return self._group
        if phrase.words[-1:] != ("one",) and group is not None:
            return self._split(group, count, words, phrase.post)
        return self.another(words) if self._entities and words else None

    def _split(self, group: Entity, count: int, words: list[str], post: str) -> Entity:
        part = group if group.count == count else split_off(group, count)
        part.attributes[:0] = words
        part.own(post)
        if part is not group:
            self._group = group
            self._entities.insert(self._entities.index(group), part)
        return part

    def another(self, words: list[str]) -> Entity:
        """An entity with these attributes and the noun of the one before."""
        last = self._entities[-1]
        return self.add(Entity("a", list(words), list(last.noun)))


def _with_noun(phrase: NounPhrase, words: list[str], noun: tuple[str, ...]) -> NounPhrase:
    return NounPhrase(
        phrase.determiner, phrase.count, (*words, *noun), phrase.post, phrase.arrangement
    )
