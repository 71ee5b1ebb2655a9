"""Commands that change the setting: "make it night", "turn the background into a forest"."""

from __future__ import annotations

from functools import partial

from rpg.language.lexicon.attributes import is_adjective
from rpg.language.lexicon.inflect import article
from rpg.planners.rules.commands.patterns import Match, form
from rpg.planners.rules.commands.plan_editor import PlanEditor
from rpg.planners.rules.commands.references import resolve
from rpg.planners.rules.commands.text.setting_phrases import (
    backdrops_of,
    kind_of,
    settings_in,
    settings_of,
    with_setting,
    without,
)
from rpg.plans import edits as e

_ALL = (
    r"(?:it|this|that|them|everything|things|all of it|(?:the )?(?:whole )?"
    r"(?:scene|picture|image|background|setting|backdrop|weather|season|time|time of day|lighting"
    r"|sky|photo|painting|thing))"
)
_GROUND = r"(?:the )?(?:background|backdrop|setting|scene|scenery|surroundings|ground)"
_CHANGE = r"(?:make|turn|change|set|let|have|switch|convert|transform|replace|put)"


def change_setting(editor: PlanEditor, settings: tuple[str, ...]) -> bool:
    """Puts the whole picture into the settings; regions lose what they have of that kind."""
    for setting in settings:
        editor.reword(partial(_without_kind, kind=kind_of(setting)))
        whole = with_setting(editor.scene.setting, setting)
        editor.do(e.SetScene(setting=whole), note=f"everything is {setting} now")
    return bool(settings)


def _without_kind(text: str, kind: str) -> str:
    own = [setting for setting in settings_in(text) if kind_of(setting) == kind]
    return without(text, own) or text


def _general(editor: PlanEditor, match: Match) -> bool:
    """Of everything: only what is a place, a time or weather."""
    settings = settings_of(match["what"])
    entity = bool(settings) and resolve(editor, match["what"]) is not None
    return not entity and change_setting(editor, settings)


def _background(editor: PlanEditor, match: Match) -> bool:
    """Of the background: whatever it may look like."""
    return change_setting(editor, backdrops_of(match["what"]))


def _exchanged(editor: PlanEditor, match: Match) -> bool:
    """Reads "change day to night": the first must be a scene and nothing in the plan."""
    if resolve(editor, match["old"]) or not settings_of(match["old"]):
        return False
    return change_setting(editor, settings_of(match["what"]))


def _sky(editor: PlanEditor, match: Match) -> bool:
    """Reads "make the sky purple", where the sky is no thing of its own."""
    words = match["what"].split()
    if resolve(editor, "the sky") or not all(is_adjective(word.lower()) for word in words):
        return False
    return change_setting(editor, (f"under {article(words[0])} {match['what']} sky",))


_INSTEAD = r"(?: instead(?: of (?:the )?[\w -]+)?)?"

FORMS = (
    form(r"(?:make|turn|paint|colou?r) the sky (?:to |into )?(?P<what>.+?)", _sky),
    form(
        rf"{_CHANGE} {_GROUND} (?:to be |be |look like |to |into |with |by |as |in )?"
        rf"(?P<what>.+?){_INSTEAD}",
        _background,
    ),
    form(
        r"(?:use|add|have|give it) (?:an? )?(?P<what>.+?) (?:as )?(?:the |a )?background",
        _background,
    ),
    form(
        rf"{_CHANGE} {_ALL} (?:to be |be |look like |(?:take )?place |happen |to |into )?"
        rf"(?P<what>.+?){_INSTEAD}",
        _general,
    ),
    form(
        rf"(?:set|put|place|move|stage|show|have|bring|take|transport) {_ALL} (?:to )?"
        r"(?P<what>(?:in|on|at|by|under|into|to|during) .+?)",
        _general,
    ),
    form(r"(?:set|put|place|move|bring|take) (?:it|this|everything) to (?P<what>.+?)", _general),
    form(
        r"(?:change|turn|switch|swap|replace) (?P<old>.+?) (?:to|into|for|with|by) (?P<what>.+?)",
        _exchanged,
    ),
    form(r"(?:make|turn|change) (?P<old>the .+?) (?:into |to )?(?P<what>an? .+?)", _exchanged),
    form(
        rf"(?:it (?:should be|is|should take place|takes place)|let it be) (?P<what>.+?){_INSTEAD}",
        _general,
    ),
    form(
        r"(?P<what>(?:at|in|on|by|during|under) .+|(?:the )?(?:night|day|winter|summer|spring"
        rf"|autumn|dusk|dawn|sunset|sunrise)(?:time)?){_INSTEAD}",
        _general,
    ),
)
