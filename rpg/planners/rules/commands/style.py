"""Commands that change the style: "make it a watercolor", "in the style of Van Gogh"."""

from __future__ import annotations

from rpg.language.grammar.styles import split_style
from rpg.planners.rules.commands.patterns import Match, form
from rpg.planners.rules.commands.plan_editor import PlanEditor
from rpg.planners.rules.commands.references import resolve
from rpg.planners.rules.commands.text.style_phrases import (
    MONOCHROME,
    is_medium,
    style_of,
    with_style,
)
from rpg.plans import edits as e

_WHOLE = r"(?:the )?(?:whole )?(?:picture|image|scene|photo|painting|drawing|thing)"
_PICTURE = rf"(?:it|this|that|them|everything|all of it|{_WHOLE})"
_DRAW = (
    r"(?:make|turn|change|convert|transform|render|draw|redraw|redo|paint|repaint|show|have|do|let)"
)
_STYLE = r"(?:the )?(?:style|look|medium)(?: of (?:it|everything|the (?:picture|image)))?"


def set_style(editor: PlanEditor, style: str) -> bool:
    """Draws the whole picture in the style; regions lose a medium of their own."""
    editor.reword(_without_medium)
    whole = with_style(editor.scene.style, style)
    editor.do(e.SetScene(style=whole), note=f"everything is drawn so now: {style}")
    return True


def _without_medium(text: str) -> str:
    content, styles = split_style(text)
    if not any(map(is_medium, styles)):
        return text
    return ", ".join([content.strip(" ,"), *(each for each in styles if not is_medium(each))])


def _styled(editor: PlanEditor, match: Match) -> bool:
    """Of everything: only what is a style."""
    style = style_of(match["what"])
    return style is not None and set_style(editor, style)


def _monochrome(editor: PlanEditor, match: Match) -> bool:
    """Reads "make the picture black and white", which said of "it" is a thing's colour."""
    return set_style(editor, MONOCHROME)


def _exchanged(editor: PlanEditor, match: Match) -> bool:
    """Reads "change the oil painting to a watercolor": no thing of the plan, but its style."""
    old = style_of(match["old"])
    known = old is not None and old.lower() in editor.before.scene.style.lower()
    return known and not resolve(editor, match["old"]) and _styled(editor, match)


FORMS = (
    form(rf"{_DRAW} {_WHOLE} black[ -]and[ -]white", _monochrome),
    form(rf"{_DRAW} {_PICTURE} (?:to )?(?P<what>.+?)", _styled),
    form(rf"(?:change|switch|set|turn|make) {_STYLE} (?:to |into |be )?(?P<what>.+?)", _styled),
    form(rf"(?:use|apply|add|try|give {_PICTURE}) (?P<what>.+ (?:style|look))", _styled),
    form(
        r"(?:change|turn|replace|swap|convert) (?P<old>.+?) (?:to|into|with|for|by) (?P<what>.+?)",
        _exchanged,
    ),
    form(r"(?P<what>.+)", _styled),
)
