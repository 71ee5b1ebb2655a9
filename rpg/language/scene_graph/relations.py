"""Reads relations, places on the canvas, and what pronouns refer to."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from rpg.language.grammar.elements import Anchor, Arrange, Kind, NounPhrase, Pron, Rel, Verb
from rpg.language.lexicon.function_words import EACH_OTHER, POSSESSIVES
from rpg.language.lexicon.nouns import UPRIGHT, VESSELS, WEARABLES, is_animate
from rpg.language.lexicon.verbs import VERB_RELATIONS
from rpg.language.scene_graph import graph as g
from rpg.language.scene_graph.canvas_positions import place_on_canvas
from rpg.language.scene_graph.clause import Clause, Link, verb_link
from rpg.language.scene_graph.parser_state import State
from rpg.language.scene_graph.places import RESTING, belongs_to_scene

# What has a front on which things are seen.
_FACED = UPRIGHT | VESSELS | WEARABLES
_VAGUE = frozenset({"over", "around", "past", "near", "above", "below"})


def read_relation(state: State, rel: Rel) -> None:
    """A relation: its subjects are known, or come after its object."""
    after = state.near(1)
    if rel.pronoun or rel.implied or not isinstance(after, NounPhrase | Pron):
        _relate_back(state, rel)
        return
    word = after.word if isinstance(after, Pron) else ""
    subjects = None if _is_inverted(state) else _said_of(state.clause, word)
    state.clause.link = Link(relation=rel, subjects=subjects)
    state.clause.predicate = True


def _said_of(clause: Clause, word: str) -> list[g.Thing]:
    """The subjects of a relation to what the pronoun means; to a noun where it is empty."""
    to_owner = word and clause.owner_as(word)
    return clause.had_for_relation() if to_owner else clause.subjects_for_relation()


def _is_inverted(state: State) -> bool:
    """Whether the subject follows the object: "below them a triangle", "next to it is a cat"."""
    if not state.clause.subjects:
        return True
    if not state.clause.join:
        return False
    after, later = state.near(2), state.near(3)
    return isinstance(after, NounPhrase) or (after == Verb("") and isinstance(later, NounPhrase))


def _relate_back(state: State, rel: Rel) -> None:
    """A relation whose object is not said: "with a cherry on top", "two stars on its left"."""
    clause, word = state.clause, rel.pronoun or "it"
    leads = bool(rel.pronoun and clause.join) and isinstance(state.near(1), NounPhrase)
    subjects = _said_of(clause, word)
    objects = clause.owner_as(word) or state.memory.refer(word, subjects)
    if rel.text == "on" and _wear(objects, subjects):
        rel = replace(rel, kinds=(Kind.INSIDE,))
    if objects and (leads or not subjects):
        clause.invert(rel, objects)
        clause.owner = objects
    elif objects:
        state.relate(rel, subjects, objects)
        clause.predicate = True
    elif rel.text not in _VAGUE:
        state.note(rel.text, "relates to nothing that was named")


def _wear(objects: Sequence[g.Thing], subjects: Sequence[g.Thing]) -> bool:
    """Whether what is "on it" is seen within its outline: a star on a mug, a bow on a dog."""
    riding = any(is_animate(thing.head) for thing in subjects)
    return any(thing.head in _FACED or (is_animate(thing.head) and not riding) for thing in objects)


def read_object(state: State, phrase: NounPhrase, link: Link) -> None:
    """The object of the link's relation."""
    assert link.relation is not None
    clause, text = state.clause, f"{link.relation.text} {g.text_of(phrase)}"
    if phrase.determiner in POSSESSIVES and clause.acts_alone():
        clause.act(text)
        clause.link = None
    elif belongs_to_scene(phrase, link.relation):
        state.scene(text, phrase)
    else:
        thing = state.resolve(phrase)
        if thing is not None:
            state.related([thing], link)


def read_pronoun(state: State, pron: Pron) -> None:
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
    things = _meant(state, pron, link)
    if not things:
        clause.link = None
    elif link is not None:
        state.related(things, link)
    else:
        state.subjects(things)
        for thing in things:
            thing.own(pron.post)


def _each_other(state: State, link: Link | None) -> None:
    """Reads "facing each other": side by side; "above each other": in a column."""
    clause, link = state.clause, link or Link()
    kind = link.relation.kinds[0] if link.relation is not None else None
    if clause.acts_alone():  # a couple in one region
        clause.act(f"{link.word} {EACH_OTHER}".strip())
    elif link.verb:
        clause.act_together(link.verb)
    shape = "column" if kind in (Kind.ABOVE, Kind.BELOW, Kind.ON) else "row"
    state.lines.take(Arrange(shape, EACH_OTHER), clause)
    clause.link = None


def _meant(state: State, pron: Pron, link: Link | None) -> list[g.Thing]:
    relation = link.relation if link is not None else None
    subjects = (link.subjects or []) if link is not None else []
    between = relation is not None and relation.kinds == (Kind.BETWEEN,)
    if subjects and not between and (owners := state.clause.owner_as(pron.word)):
        return owners
    return state.memory.refer(pron.word, subjects, group=between)


def read_anchor(state: State, anchor: Anchor) -> None:
    """A place on the canvas: of what was named last, or of what comes next."""
    clause = state.clause
    if anchor.loose and state.reading.things and (not clause.subjects or clause.owner):
        kind = Kind.LEFT if anchor.x == 0 else Kind.RIGHT
        _relate_back(state, Rel((kind,), anchor.text, implied=True))
        return
    targets = clause.anchor_targets()
    if clause.anchors_lead or not targets or all(thing.is_placed for thing in targets):
        clause.lead_with(anchor)
        return
    place_on_canvas(state.reading, targets, anchor)
    clause.predicate = True
