"""Spatial expressions: "to the left of", "in the top right corner", ...

Each is a regular expression over lower-case tokens joined by single spaces, tried at a word.
"""

from __future__ import annotations

import re
from collections.abc import Callable

from rpg.language.grammar.elements import (
    Anchor,
    Arrange,
    Element,
    Order,
    Rel,
    RelationKind,
    RowMark,
)
from rpg.language.grammar.tokens import Token

_WINDOW = 12
_PICTURE = (
    r"(?:the|this|that) (?:picture|image|photo|photograph|canvas|frame|screen|page|scene|painting"
    r"|composition|view|illustration)\b"
)
_TAIL = rf"(?: of {_PICTURE})?"
_NOT_PICTURE = rf"(?! {_PICTURE})"
_IN = (
    r"(?:(?:in|on|at|to|towards?|along|from|across|near) )?(?:the )?(?:very |far |extreme |exact )?"
)
_HAND = r"(?:[ -]hand)?"
_MODIFIER = (
    r"(?:(?:just|directly|immediately|slightly|right|far|closely|partially|partly|completely|fully"
    r"|mostly|almost|entirely|somewhat|mainly|located|positioned|placed|situated) )*"
)
_ITS = r"(?:its|his|her|their)"
_DX = {"left": -1, "right": 1}
_DY = {"upper": -1, "top": -1, "lower": 1, "bottom": 1}
_SIDEWAYS = {"left": RelationKind.LEFT, "right": RelationKind.RIGHT}
_UPRIGHT = {
    "upper": RelationKind.ABOVE,
    "top": RelationKind.ABOVE,
    "lower": RelationKind.BELOW,
    "bottom": RelationKind.BELOW,
    "above": RelationKind.ABOVE,
    "below": RelationKind.BELOW,
    "under": RelationKind.BELOW,
}
_PLACE_IN_ROW = {
    **dict.fromkeys("top upper first left leftmost".split(), 0),
    **dict.fromkeys("second middle next center".split(), 1),
    **{"third": 2, "fourth": 3},
    **dict.fromkeys("bottom lower last right rightmost".split(), 9),
}

Match = re.Match[str]
_Maker = Callable[[Match], Element]


def _side(match: Match) -> Element:
    return Rel((_SIDEWAYS[match["side"]],), match["core"])


def _diagonal(match: Match) -> Element:
    return Rel((_UPRIGHT[match["up"]], _SIDEWAYS[match["side"]]), match["core"])


def _its_side(match: Match) -> Element:
    return Rel((_SIDEWAYS[match["side"]],), match["core"], pronoun=match["its"])


def _rel(kind: RelationKind, *, implied: bool = False) -> _Maker:
    return lambda match: Rel((kind,), match["core"], implied=implied)


def _corner(match: Match) -> Element:
    return Anchor(_DX[match["side"]] + 1, _DY[match["up"]] + 1, match["core"])


def _edge(match: Match) -> Element:
    return Anchor(
        _DX[match["side"]] + 1, None, match["core"], loose=match["core"].startswith("to ")
    )


def _end(match: Match) -> Element:
    return Anchor(None, _DY[match["up"]] + 1, match["core"])


def _middle(match: Match) -> Element:
    return Anchor(1, 1, match["core"])


def _row(match: Match) -> Element:
    return RowMark(_PLACE_IN_ROW[match["place"]], match["line"] == "column", match["core"])


def _order(x: int, y: int) -> _Maker:
    return lambda match: Order(x, y, match["core"])


_UP = r"(?P<up>upper|top|bottom|lower)"
_LR = r"(?P<side>left|right)"
_AND = r"and (?:(?:to|on) the )?"
_OTHER = r"(?:each other|one another|another)"
_NOT_OF = r"(?! (?:of|side of|hand side of)\b)"
# A share of the canvas, which is no entity: "the left half", "the upper two thirds".
_PART = (
    r"[ -](?:half|third|quarter|part|portion|section|(?:two|three)[ -](?:thirds|quarters))"
    rf"{_TAIL}(?! of)"
)
_SHOWS = (
    r"(?: (?:(?:is|are)(?= (?:an?|the|one|two|three|four|\d+) )"
    r"|shows?|has|have|holds|contains|depicts|displays|features))?"
)

_TABLE: tuple[tuple[str, _Maker], ...] = (
    # Orders and arrangements.
    (r"(?:from )?(?:the )?left to (?:the )?right", _order(1, 0)),
    (r"(?:from )?(?:the )?right to (?:the )?left", _order(-1, 0)),
    (r"(?:from )?(?:the )?top to (?:the )?bottom", _order(0, 1)),
    (r"(?:from )?(?:the )?bottom to (?:the )?top", _order(0, -1)),
    (rf"{_IN}(?P<place>{'|'.join(_PLACE_IN_ROW)}) (?P<line>row|column){_TAIL}", _row),
    (
        r"(?:arranged |lined up |standing )?in a (?:single |straight |horizontal |neat )?"
        r"(?:row|line)(?! of)",
        lambda m: Arrange("row", m["core"]),
    ),
    (
        r"(?:arranged |stacked )?in a (?:single |vertical |neat )?(?:column|stack)(?! of)",
        lambda m: Arrange("column", m["core"]),
    ),
    (r"(?:arranged )?in a grid", lambda m: Arrange("grid", m["core"])),
    (
        rf"(?:side by side(?! with)|lined up|(?:next to|beside|near|by) {_OTHER})",
        lambda m: Arrange("row", m["core"]),
    ),
    (
        rf"(?:on (?:the )?top of {_OTHER}|stacked vertically)",
        lambda m: Arrange("column", m["core"]),
    ),
    # Relations in two directions.
    (rf"(?P<up>above|below|under) {_AND}{_LR}(?: side)? of", _diagonal),
    (rf"(?:to|on) the {_LR}(?: of)? and (?P<up>above|below|under)", _diagonal),
    (
        rf"(?:to|at|on) the {_UP}[ -]{_LR}{_HAND}(?: side| corner)? of{_NOT_PICTURE}",
        _diagonal,
    ),
    # Places on the canvas.
    (
        r"(?:in|at|on) (?:(?:each|every) corner|(?:all |the |all of the )?(?:(?:four|4) )?corners)"
        rf"{_TAIL}(?! of)",
        lambda m: Anchor(0, 0, m["core"], each=True),
    ),
    (rf"(?:in|at) (?:the|a|one) corner{_TAIL}(?! of)", lambda m: Anchor(0, 0, m["core"])),
    (
        rf"{_IN}{_UP}[ -]?{_HAND}{_LR}{_HAND}(?: corner| side| edge| quarter)?{_TAIL}{_NOT_OF}",
        _corner,
    ),
    (rf"{_IN}{_LR} {_UP}(?: corner| side)?{_TAIL}{_NOT_OF}", _corner),
    (rf"(?:the )?{_LR}(?: side)?(?= :)", _edge),
    (rf"(?:the )?{_UP}(?= :)", _end),
    (r"(?:the )?(?:middle|center|centre)(?= :)", _middle),
    (rf"(?:the )?{_LR}{_PART}{_SHOWS}", _edge),
    (rf"(?:the )?{_UP}{_PART}{_SHOWS}", _end),
    (rf"(?:the )?(?:middle|center|centre|central){_PART}{_SHOWS}", _middle),
    (
        r"(?:in|at|on|near) (?:the )?(?:very |exact )?(?:middle|center|centre)"
        rf"(?:{_PART}|{_TAIL}(?! (?:of|row)))",
        _middle,
    ),
    (r"(?:in|into) the (?:far )?background", lambda m: Anchor(None, None, m["core"], back=True)),
    (r"in the foreground", lambda m: Anchor(None, 2, m["core"])),
    (r"on one side(?! of)", lambda m: Anchor(0, None, m["core"])),
    (r"on the other(?: side)?(?! of)", lambda m: Anchor(2, None, m["core"])),
    # Relations.
    (rf"(?:to|on|at|from) (?P<its>{_ITS}) (?:far |immediate )?{_LR}{_HAND}(?: side)?", _its_side),
    (
        rf"(?:to|on|at|from) the (?:far |immediate |direct )?{_LR}{_HAND}(?:[ -]side)? of"
        rf"{_NOT_PICTURE}",
        _side,
    ),
    (rf"{_LR} of", _side),
    (
        rf"(?:in|on|at|to|towards?|along|from) (?:the )?(?:far |very |extreme )?{_LR}{_HAND}"
        rf"(?:{_PART}|(?:[ -](?:side|edge))?{_TAIL}{_NOT_OF})",
        _edge,
    ),
    (r"(?:on|at) (?:either|each|both) (?:side|sides|end|ends) of", _rel(RelationKind.SIDES)),
    (
        r"(?:on|at) (?:either|each|both) (?:side|sides|end|ends)",
        _rel(RelationKind.SIDES, implied=True),
    ),
    (r"flanked by", _rel(RelationKind.FLANKED)),
    (rf"(?:on|at) (?:the )?top of{_NOT_PICTURE}", _rel(RelationKind.ABOVE)),
    (rf"(?:on|at) (?:the )?bottom of{_NOT_PICTURE}", _rel(RelationKind.BELOW)),
    (rf"on (?:the )?edge of{_NOT_PICTURE}", _rel(RelationKind.ABOVE)),
    (r"on top(?! of)", _rel(RelationKind.ABOVE, implied=True)),
    (
        rf"(?:in|on|at|along|near|across|towards?) (?:the )?(?:very )?{_UP}"
        rf"(?:{_PART}|(?: (?:edge|side))?{_TAIL}{_NOT_OF}(?! row))",
        _end,
    ),
    (r"(?:atop(?: of)?|above|over|higher (?:up )?than|overlooking)", _rel(RelationKind.ABOVE)),
    (r"(?:below|underneath|beneath|under|lower (?:down )?than)", _rel(RelationKind.BELOW)),
    (
        r"(?:next to|near to|close to|adjacent to|beside|near|alongside(?: of)?|side by side with"
        r"|(?:on|at|by) (?:the |one )?side of|next door to|opposite(?: to| of)?|across from|past"
        r"|in the vicinity of|not far from|against|facing)",
        _rel(RelationKind.BESIDE),
    ),
    (r"in (?:the )?front of", _rel(RelationKind.FRONT)),
    (r"(?:in|at) the (?:back|rear) of|in back of|behind", _rel(RelationKind.BEHIND)),
    (
        r"(?:hidden|occluded|blocked|obscured|covered|concealed|obstructed) (?:by|behind)",
        _rel(RelationKind.BEHIND),
    ),
    (r"in front(?! of)", _rel(RelationKind.FRONT, implied=True)),
    (
        r"(?:inside(?: of)?|within|contained in|enclosed (?:in|by|within))",
        _rel(RelationKind.INSIDE),
    ),
    (r"(?:containing|filled with)", _rel(RelationKind.CONTAINS)),
    (r"(?:in )?between", _rel(RelationKind.BETWEEN)),
    (
        r"(?:surrounded|encircled|ringed|circled)(?: on all sides| all around)? (?:by|with)",
        _rel(RelationKind.AMID),
    ),
    (r"(?:in|at) the (?:very |exact )?(?:middle|center|centre) of", _rel(RelationKind.AMID)),
    (r"(?:surrounding|(?:all )?around|encircling)", _rel(RelationKind.AROUND)),
)
_PATTERNS = tuple(
    (re.compile(rf"{_MODIFIER}(?P<core>{pattern})(?= |$)"), make) for pattern, make in _TABLE
)
_FIRST = frozenset(
    """
    from left right top bottom in on at to toward towards along across near arranged lined
    standing stacked side next beside by above below under the second first third upper lower
    middle center centre flanked atop over higher overlooking underneath beneath close adjacent
    alongside
    opposite past against facing hidden occluded blocked obscured covered concealed obstructed
    inside within contained enclosed containing filled between surrounded encircled ringed circled
    surrounding all around encircling behind just directly immediately slightly far closely
    partially partly completely fully mostly almost entirely somewhat mainly not into leftmost
    rightmost last top-left top-right bottom-left bottom-right upper-left upper-right lower-left
    lower-right located positioned placed situated
    """.split()
)


def match_phrase(tokens: tuple[Token, ...], at: int) -> tuple[Element, int] | None:
    """The longest expression that starts at token `at`, and the number of tokens it takes."""
    if tokens[at].low not in _FIRST:
        return None
    text = " ".join(token.low for token in tokens[at : at + _WINDOW])
    matches = [(match, make) for pattern, make in _PATTERNS if (match := pattern.match(text))]
    if not matches:
        return None
    match, make = max(matches, key=lambda pair: pair[0].end())
    return make(match), match[0].count(" ") + 1
