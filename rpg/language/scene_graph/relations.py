"""Parses spatial relations, positions on the canvas, and pronouns as subjects and objects."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from rpg.language.grammar.elements import Anchor, Arrange, NounPhrase, Pron, Rel, RelationKind, Verb
from rpg.language.lexicon.function_words import EACH_OTHER, POSSESSIVES
from rpg.language.lexicon.nouns import UPRIGHT, VESSELS, WEARABLES, is_animate
from rpg.language.lexicon.verbs import VERB_RELATIONS
from rpg.language.scene_graph import graph as g
from rpg.language.scene_graph.canvas_positions import place_on_canvas
from rpg.language.scene_graph.clause import Clause, Link, verb_link
from rpg.language.scene_graph.parser_state import ParserState
from rpg.language.scene_graph.places import RESTING, belongs_to_setting

# What has a front on which entities are seen.
_FACED = UPRIGHT | VESSELS | WEARABLES
_VAGUE = frozenset({"over", "around", "past", "near", "above", "below"})


def read_relation(state: ParserState, rel: Rel) -> None:
    """A relation: its subjects are known, or come after its object."""
    after = state.near(1)
    if rel.pronoun or rel.implied or not isinstance(after, NounPhrase | Pron):
        _relate_back(state, rel)
        return
    word = after.word if isinstance(after, Pron) else ""
    subjects = None if _is_inverted(state) else _subjects_of(state.clause, word)
    state.clause.link = Link(relation=rel, subjects=subjects)
    state.clause.predicate = True


def _subjects_of(clause: Clause, word: str) -> list[g.Entity]:
    """The subjects of a relation to what the pronoun means; to a noun where it is empty."""
    to_owner = word and clause.owner_as(word)
    return clause.had_for_relation() if to_owner else clause.subjects_for_relation()


def _is_inverted(state: ParserState) -> bool:
    """Whether the subject follows the object: "below them a triangle", "next to it is a cat"."""
    if not state.clause.subjects:
        return True
    if not state.clause.join:
        return False
    after, later = state.near(2), state.near(3)
    return isinstance(after, NounPhrase) or (after == Verb("") and isinstance(later, NounPhrase))


def _relate_back(state: ParserState, rel: Rel) -> None:
    """A relation whose object is not said: "with a cherry on top", "two stars on its left"."""
    clause, word = state.clause, rel.pronoun or "it"
    leads = bool(rel.pronoun and clause.join) and isinstance(state.near(1), NounPhrase)
    subjects = _subjects_of(clause, word)
    objects = clause.owner_as(word) or state.discourse.refer(word, subjects)
    if rel.text == "on" and _wear(objects, subjects):
        rel = replace(rel, kinds=(RelationKind.INSIDE,))
    if objects and (leads or not subjects):
        clause.invert(rel, objects)
        clause.owner = objects
    elif objects:
        state.relate(rel, subjects, objects)
        clause.predicate = True
    elif rel.text not in _VAGUE:
        state.note(rel.text, "relates to nothing that was named")


def _wear(objects: Sequence[g.Entity], subjects: Sequence[g.Entity]) -> bool:
    """Whether what is "on it" is seen within its outline: a star on a mug, a bow on a dog."""
    riding = any(is_animate(entity.head) for entity in subjects)
    return any(
        entity.head in _FACED or (is_animate(entity.head) and not riding) for entity in objects
    )


def read_object(state: ParserState, phrase: NounPhrase, link: Link) -> None:
    """The object of the link's relation."""
    assert link.relation is not None
    clause, text = state.clause, f"{link.relation.text} {g.text_of(phrase)}"
    if phrase.determiner in POSSESSIVES and clause.acts_alone():
        clause.act(text)
        clause.link = None
    elif belongs_to_setting(phrase, link.relation):
        state.add_setting(text, phrase)
    else:
        entity = state.resolve(phrase)
        if entity is not None:
            state.related([entity], link)


def read_pronoun(state: ParserState, pron: Pron) -> None:
    """A pronoun as subject, or as object of a relation or a verb."""
    clause, link = state.clause, state.clause.link
    if pron.word == EACH_OTHER:
        _each_other(state, link)
        return
    if clause.acts_alone() and clause.verb and link is None and not clause.join:
        state.aside = True
        return
    if link is not None and link.verb and link.verb in VERB_RELATIONS and clause.subjects:
        link = clause.link = verb_link(link.verb, clause)
    if link is not None and link.word in RESTING and pron.word in ("it", "them"):
        clause.link = None
        _relate_back(state, Rel((RESTING[link.word],), link.word, pronoun=pron.word))
        return
    if link is not None and link.relation is None:
        if link.verb is not None:
            clause.act(pron.word)
        clause.link = None
        return
    entities = _antecedents(state, pron, link)
    if not entities:
        clause.link = None
    elif link is not None:
        state.related(entities, link)
    else:
        state.subjects(entities)
        for entity in entities:
            entity.own(pron.post)


def _each_other(state: ParserState, link: Link | None) -> None:
    """Reads "facing each other": side by side; "above each other": in a column."""
    clause, link = state.clause, link or Link()
    kind = link.relation.kinds[0] if link.relation is not None else None
    if clause.acts_alone():  # a couple in one region
        clause.act(f"{link.word} {EACH_OTHER}".strip())
    elif link.verb:
        clause.act_together(link.verb)
    shape = "column" if kind in (RelationKind.ABOVE, RelationKind.BELOW, RelationKind.ON) else "row"
    state.lines.take(Arrange(shape, EACH_OTHER), clause)
    clause.link = None


def _antecedents(state: ParserState, pron: Pron, link: Link | None) -> list[g.Entity]:
    relation = link.relation if link is not None else None
    subjects = (link.subjects or []) if link is not None else []
    between = relation is not None and relation.kinds == (RelationKind.BETWEEN,)
    if subjects and not between and (owners := state.clause.owner_as(pron.word)):
        return owners
    return state.discourse.refer(pron.word, subjects, group=between)


def read_anchor(state: ParserState, anchor: Anchor) -> None:
    """A place on the canvas: of what was named last, or of what comes next."""
    clause = state.clause
    if anchor.loose and state.graph.entities and (not clause.subjects or clause.owner):
        kind = RelationKind.LEFT if anchor.x == 0 else RelationKind.RIGHT
        _relate_back(state, Rel((kind,), anchor.text, implied=True))
        return
    targets = clause.anchor_targets()
    if clause.anchors_lead or not targets or all(entity.is_placed for entity in targets):
        clause.lead_with(anchor)
        return
    place_on_canvas(state.graph, targets, anchor)
    clause.predicate = True
