"""Places and prepositions: whether a phrase names the setting, an entity or part of an action."""

from __future__ import annotations

from dataclasses import replace
from enum import Enum, auto

from rpg.language.grammar.elements import Element, NounPhrase, Prep, Rel, RelationKind, Verb
from rpg.language.grammar.heads import head, heads
from rpg.language.lexicon.attributes import is_adjective
from rpg.language.lexicon.function_words import POSSESSIVES
from rpg.language.lexicon.inflect import singular
from rpg.language.lexicon.nouns import (
    BARE_IDEAS,
    BODY,
    BUILDINGS,
    CONTAINERS,
    ON_PLACES,
    OVERHEAD,
    PARTS,
    PLACES,
    SURFACES,
    TIMES,
    UPRIGHT,
    WEARABLES,
    is_abstract,
    is_animate,
    is_person,
)
from rpg.language.lexicon.verbs import CONTACT, POSES
from rpg.language.scene_graph.clause import Clause
from rpg.language.scene_graph.graph import has_visual

_WITHIN = frozenset({RelationKind.INSIDE, RelationKind.AMID, RelationKind.AROUND})
_ALONG = frozenset(
    "through across along down up into over onto around throughout amid among".split()
)
# How an entity stands to one that is drawn already: "a table, and a ball on the table", "on it".
RESTING = {"on": RelationKind.ON, "in": RelationKind.INSIDE}


class PhraseRole(Enum):
    """The role of a phrase after a plain preposition."""

    SETTING = auto()
    ENTITY = auto()
    HELD = auto()
    WORN = auto()
    ACTION = auto()
    LEFT_OUT = auto()


def is_place(phrase: NounPhrase) -> bool:
    """Whether the phrase names a place or a time, and not several counted ones."""
    noun = head(phrase, plural=True)
    return (phrase.count or 1) == 1 and (noun in PLACES or singular(noun) in PLACES)


def is_plain(phrase: NounPhrase) -> bool:
    """Whether no adjective says more of the noun."""
    return not any(is_adjective(word.lower()) for word in phrase.words[:-1])


def is_time(phrase: NounPhrase) -> bool:
    """Whether the phrase names a time or weather."""
    return head(phrase) in TIMES or head(phrase, plural=True) in TIMES


def is_setting(phrase: NounPhrase) -> bool:
    """Whether the phrase names a place, or definite and bare a surface: "the wall"."""
    if is_place(phrase):
        return True
    bare = phrase.determiner == "the" and phrase.count is None and not has_visual(phrase)
    return bare and bool(heads(phrase) & SURFACES)


def opening_place(phrase: NounPhrase, opening: bool, after: Element | None) -> bool:
    """Whether a phrase that opens a sentence is where all that follows is: "a bathroom with..."."""
    if not opening or not phrase.words or not is_place(phrase) or is_time(phrase):
        return False
    if head(phrase) in BUILDINGS:
        return False
    if phrase.words[-1].lower() == "scene":
        return True
    return after in (Prep("with"), Verb("", have=True)) or (
        isinstance(after, Verb)
        and after.text in ("features", "feature", "contains", "includes", "has")
    )


def without_scene(phrase: NounPhrase) -> NounPhrase:
    """Makes "a kitchen" of "Kitchen scene"."""
    words = phrase.words
    if len(words) > 1 and words[-1].lower() == "scene":
        words = words[:-1]
    return replace(phrase, words=words, determiner=phrase.determiner or "a")


def is_owned(phrase: NounPhrase) -> bool:
    """Whether the phrase names a part or a garment of somebody."""
    return bool((PARTS | WEARABLES) & heads(phrase))


def is_bodily(phrase: NounPhrase) -> bool:
    """Whether the phrase names a part of a body, or a garment."""
    return is_owned(phrase) or bool(BODY & heads(phrase))


def _is_made_of_ideas(phrase: NounPhrase) -> bool:
    """Finds "a canvas of endless possibilities": an image for something, not an entity."""
    words = phrase.post.split()
    return (
        words[:1] == ["of"]
        and phrase.determiner in ("a", "an")
        and is_abstract(singular(words[-1].lower()))
    )


def place_of(phrase: NounPhrase) -> str:
    """The preposition that goes before a place: "in" or "on"."""
    return "on" if heads(phrase) & (ON_PLACES | SURFACES) else "in"


def is_idea(phrase: NounPhrase) -> bool:
    """Whether the phrase names something abstract, without a number or a look of its own."""
    bare = not phrase.determiner and head(phrase) in BARE_IDEAS
    idea = bare or is_abstract(head(phrase)) or _is_made_of_ideas(phrase)
    return idea and not has_visual(phrase) and (phrase.count or 1) == 1


def belongs_to_setting(phrase: NounPhrase, rel: Rel | None = None) -> bool:
    """Whether the object of a verb, or of the relation, is a setting or abstract, no entity."""
    if rel is None:
        bare = phrase.determiner in POSSESSIVES and not has_visual(phrase)
        settled = is_setting(phrase) and phrase.determiner == "the" and is_plain(phrase)
        return bare or settled or (is_idea(phrase))
    kind = rel.kinds[0]
    definite = phrase.determiner in ("the", "") and not has_visual(phrase)
    if is_idea(phrase) and kind is not RelationKind.INSIDE:
        return True
    if rel.text == "over" and is_place(phrase) and definite:
        return True
    if kind is RelationKind.AROUND and head(phrase) in BUILDINGS:
        return False
    if kind in _WITHIN:
        return is_place(phrase) or (kind is RelationKind.INSIDE and is_setting(phrase))
    if kind is RelationKind.BELOW:
        overhead = bool(OVERHEAD & heads(phrase)) and not phrase.count
        return overhead and (phrase.determiner not in ("a", "an") or is_place(phrase))
    return kind is RelationKind.BESIDE and is_place(phrase) and definite and phrase.count is None


def prepositional(  # noqa: C901
    word: str, phrase: NounPhrase, clause: Clause, *, joined: bool = False
) -> PhraseRole | RelationKind:
    """What the phrase after the preposition is: setting, entity, part of an action, relation.

    `joined` says that another with looks of its own follows: "on the icy ground and the hot sand".
    """
    if word in ("with", "in") and clause.verb == "covered":
        return RelationKind.BELOW
    if word == "with":
        return _with(phrase, clause)
    if word == "on":
        return RelationKind.ON if joined else _on(phrase, clause)
    if word in ("in", "within", "inside"):
        return _in(phrase, clause)
    if word in ("at", "during"):
        return _at(phrase, clause)
    if is_setting(phrase) and (word in _ALONG or word == "by"):
        return PhraseRole.SETTING
    if phrase.determiner in POSSESSIVES and clause.acts_alone():
        return PhraseRole.ACTION
    if has_visual(phrase):
        return RelationKind.ON if word in ("onto", "upon", "over") else PhraseRole.ENTITY
    if clause.acts_alone():
        return PhraseRole.ACTION
    if word == "by" and not is_abstract(head(phrase)):
        return RelationKind.BESIDE
    if word in ("onto", "upon"):
        return RelationKind.ON
    return PhraseRole.LEFT_OUT


def _with(phrase: NounPhrase, clause: Clause) -> PhraseRole | RelationKind:
    if is_idea(phrase):
        return PhraseRole.ACTION if clause.acts_alone() and clause.verb else PhraseRole.LEFT_OUT
    if not (clause.acts_alone() and clause.verb) or clause.last_link is not None:
        return PhraseRole.ENTITY
    if phrase.determiner in POSSESSIVES:
        return PhraseRole.ACTION
    if is_animate(head(phrase)):
        return PhraseRole.ENTITY
    countable = phrase.determiner in ("a", "an", "the") or phrase.count is not None
    return PhraseRole.HELD if clause.verb in CONTACT and countable else PhraseRole.ACTION


def _on(phrase: NounPhrase, clause: Clause) -> PhraseRole | RelationKind:
    if head(phrase) in UPRIGHT and not is_setting(phrase):
        return RelationKind.INSIDE
    if clause.verb and not clause.acts_alone() and is_place(phrase) and _is_definite_place(phrase):
        return RelationKind.ON
    if is_setting(phrase):
        rests = clause.acts_alone() and bool(clause.verb) and not is_place(phrase)
        return PhraseRole.ACTION if rests else PhraseRole.SETTING
    if is_idea(phrase):
        return PhraseRole.ACTION if clause.acts_alone() else PhraseRole.LEFT_OUT
    if phrase.determiner in POSSESSIVES and clause.acts_alone():
        return PhraseRole.ACTION
    if _posing(clause) and not has_visual(phrase):
        return PhraseRole.ACTION
    return RelationKind.ON


def _is_definite_place(phrase: NounPhrase) -> bool:
    """Whether a place is known and has looks of its own: "shone on the cool blue water"."""
    return phrase.determiner == "the" and has_visual(phrase)


def _posing(clause: Clause) -> bool:
    """A person does something on or in something: one picture, not two stacked ones."""
    return (
        clause.acts_alone()
        and bool(clause.verb)
        and (is_person(clause.subjects[0].head) or clause.verb not in POSES)
    )


def _in(phrase: NounPhrase, clause: Clause) -> PhraseRole | RelationKind:
    nouns = heads(phrase)
    if is_idea(phrase) and not is_place(phrase):
        return PhraseRole.ACTION if clause.acts_alone() else PhraseRole.LEFT_OUT
    if (
        not is_place(phrase)
        and CONTAINERS & nouns
        and not (_posing(clause) and not has_visual(phrase))
    ):
        return RelationKind.INSIDE
    return PhraseRole.SETTING


def _at(phrase: NounPhrase, clause: Clause) -> PhraseRole | RelationKind:
    if is_setting(phrase) and not clause.verb.startswith(("look", "gaz", "star", "point")):
        return PhraseRole.SETTING
    if clause.acts_alone() and clause.verb:
        return PhraseRole.ENTITY if has_visual(phrase) else PhraseRole.ACTION
    return RelationKind.BESIDE if has_visual(phrase) else PhraseRole.SETTING
