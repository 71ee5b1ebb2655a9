"""Commands that replace: "replace the star with a circle"."""

from __future__ import annotations

from dataclasses import replace

from rpg.language.grammar.elements import NounPhrase
from rpg.language.grammar.tokens import join
from rpg.language.lexicon.inflect import singular
from rpg.language.scene_graph.graph import entity_of
from rpg.planners.rules.commands.add import each_of, entities_named, put_into, shares
from rpg.planners.rules.commands.complement import read_appearance
from rpg.planners.rules.commands.patterns import Match, form
from rpg.planners.rules.commands.placement.tree_levels import Placement
from rpg.planners.rules.commands.plan_editor import PlanEditor, RegionNode
from rpg.planners.rules.commands.references import resolve_or_fail
from rpg.planners.rules.commands.remove import remove
from rpg.planners.rules.commands.selectors import reading_order
from rpg.planners.rules.commands.text.setting_phrases import settings_in
from rpg.planners.rules.commands.text.wording import Mention, with_name
from rpg.planners.rules.scene import count_of, thing_of
from rpg.plans.scene import Thing


def _replaced(editor: PlanEditor, match: Match) -> bool:
    """Reads "replace the star with a circle"."""
    look = read_appearance(f"into {match['become']}")
    if look is None or look.noun is None:
        return _by_several(editor, match)
    items = resolve_or_fail(editor, match["what"])
    phrase = _alone(look.noun) if len(items) > 1 else look.noun
    editor.reshape(items, lambda thing: _another(thing, phrase))
    for item in items:
        if item.subject is not None:
            editor.mend(item, _exchanged(item, item.subject, phrase))
    editor.last = tuple(item.id for item in items)
    return True


def _by_several(editor: PlanEditor, match: Match) -> bool:
    """Reads "replace the dog by two birds": they share the places of what goes."""
    entities = entities_named(match["become"])
    if not entities:
        return False
    items = reading_order(resolve_or_fail(editor, match["what"]))
    each, more = divmod(len(each_of(entities)), len(items))
    places = [
        Placement(box, item.parent, item.region.z)
        for number, item in enumerate(items)
        if (count := each + (number < more))
        for box in shares(item.box, count)
    ]
    new = put_into(editor, entities, places)
    remove(editor, items)
    editor.last = tuple(new)
    return True


def _another(old: Thing, phrase: NounPhrase) -> Thing:
    entity = entity_of(phrase)
    new = thing_of(entity, old.id, count_of(entity), old.owner)
    return new.model_copy(update={"count": old.count}) if new.count else new


def _exchanged(item: RegionNode, mention: Mention, phrase: NounPhrase) -> str:
    """Another thing in the same place; what the old one did goes with it."""
    entity = entity_of(phrase)
    own = settings_in(item.core[mention.end :])
    return with_name(item.core[: mention.end], mention, join([entity.name, entity.post, *own]))


def _alone(phrase: NounPhrase) -> NounPhrase:
    """Makes "a heart" of "hearts": one for each region."""
    *attributes, noun = phrase.words
    return replace(phrase, determiner="a", words=(*attributes, singular(noun)))


_PUT = r"(?:put|use|draw|add|have|make|place|paint|show|give me|i want|i'd like|want)"
_INSTEAD = r"(?:instead of|in place of|in the place of|rather than)"
FORMS = (
    form(
        r"(?:replace|exchange|substitute|change|swap|switch|trade) (?P<what>.+?)"
        r" (?:with|by|for|out for) (?P<become>.+?)(?: instead)?",
        _replaced,
    ),
    form(rf"{_PUT} (?P<become>.+?) {_INSTEAD} (?P<what>.+)", _replaced),
    form(rf"(?P<become>(?:an?|some|two) .+?) {_INSTEAD} (?P<what>.+)", _replaced),
    form(rf"(?P<become>\w+(?: \w+)?) {_INSTEAD} (?P<what>.+)", _replaced),
    form(rf"{_INSTEAD} (?P<what>.+?),? (?:{_PUT} )?(?P<become>an? .+)", _replaced),
)
