"""Commands that resize: "make the house bigger", "shrink it", "twice as wide"."""

from __future__ import annotations

import re

from rpg.errors import PlanError
from rpg.language.lexicon.attributes import SIZES
from rpg.planners.rules.commands.patterns import Match, form
from rpg.planners.rules.commands.placement.shifts import resized
from rpg.planners.rules.commands.plan_editor import PlanEditor, RegionNode
from rpg.planners.rules.commands.references import resolve_list
from rpg.planners.rules.commands.text.wording import with_words
from rpg.plans.scene import Thing

_SIDE = 1.25  # a step of size, as a factor of both sides
_STEPS = {"a bit": 0.5, "slightly": 0.5, "a little": 0.5, "a little bit": 0.5, "somewhat": 0.5,
          "a tad": 0.5, "much": 2.0, "a lot": 2.0, "far": 2.0, "way": 2.0, "even": 1.0,
          "considerably": 2.0, "significantly": 2.0}  # fmt: skip
_BOTH, _WIDE, _TALL = (1, 1), (1, 0), (0, 1)
_WAYS = {
    **dict.fromkeys("bigger larger huger greater".split(), (1, _BOTH)),
    **dict.fromkeys("smaller tinier littler".split(), (-1, _BOTH)),
    **dict.fromkeys("taller higher longer".split(), (1, _TALL)),
    **dict.fromkeys("shorter".split(), (-1, _TALL)),
    **dict.fromkeys("wider broader fatter thicker".split(), (1, _WIDE)),
    **dict.fromkeys("narrower thinner slimmer".split(), (-1, _WIDE)),
}
_MUCH = rf"(?P<much>{'|'.join(sorted(_STEPS, key=len, reverse=True))})"
_HOW = re.compile(
    rf"(?:{_MUCH} )?(?P<way>{'|'.join(_WAYS)})(?: in size)?|(?P<twice>twice|two times|2x|double"
    r"|half|three times) (?:as (?P<dim>big|large|small|wide|tall|high)"
    r"|the (?P<of>size|width|height))",
    re.IGNORECASE,
)
_TIMES = {"twice": 2.0, "two times": 2.0, "2x": 2.0, "double": 2.0, "three times": 3.0, "half": 0.5}
_DIMS = {"wide": _WIDE, "width": _WIDE, "tall": _TALL, "high": _TALL, "height": _TALL}
_RETRIES = (1.0, 0.5, 0.25)

Factors = tuple[float, float]


def factors(text: str) -> Factors | None:
    """How many times as wide and as tall the words ask for; None where they are about nothing such.

    "Twice as big" is twice the area.
    """
    found = _HOW.fullmatch(" ".join(text.split()))
    if found is None:
        return None
    if found["twice"]:
        times = _TIMES[found["twice"].lower()]
        dim = (found["dim"] or found["of"] or "").lower()
        times = 1 / times if dim == "small" else times
        x, y = _DIMS.get(dim, _BOTH)
        side = times**0.5 if (x, y) == _BOTH else times
        return side**x, side**y
    sign, (x, y) = _WAYS[found["way"].lower()]
    step = _SIDE ** (sign * _STEPS.get((found["much"] or "").lower(), 1.0))
    return step**x, step**y


def resize(editor: PlanEditor, item: RegionNode, wanted: Factors) -> None:
    """Makes a thing so many times as wide and tall, or as near to that as there is room for.

    Raises:
        PlanError: There is none.
    """
    for share in _RETRIES:
        x, y = (factor**share for factor in wanted)
        try:
            place = resized(editor, item, x, y)
        except PlanError:
            if share == _RETRIES[-1]:
                raise
            continue
        editor.move({**place.moves, item.id: place.box})
        _mend_words(editor, editor.item(item.id), grows=max(wanted) > 1)
        return


def _mend_words(editor: PlanEditor, item: RegionNode, *, grows: bool) -> None:
    """Takes out a size word that says the contrary: a small star that was made bigger."""

    def is_wrong(word: str) -> bool:
        size = SIZES.get(word.lower(), 1)
        return size < 1 if grows else size > 1

    def change(thing: Thing) -> Thing:
        stays = tuple(one for one in thing.attributes if not is_wrong(one))
        return thing.model_copy(update={"attributes": stays})

    mention = item.subject
    if mention is not None and any(map(is_wrong, mention.attributes)):
        stays = [word for word in mention.attributes if not is_wrong(word)]
        editor.reshape([item], change)
        editor.mend(item, with_words(item.region.prompt, mention, stays, mention.noun))


def _resized(editor: PlanEditor, match: Match, wanted: Factors | None) -> bool:
    items = resolve_list(editor, match["what"]) if wanted is not None else None
    if items is None or wanted is None:
        return False
    for item in items:
        resize(editor, editor.item(item.id), wanted)
    editor.last = tuple(item.id for item in items)
    return True


def _matched(editor: PlanEditor, match: Match) -> bool:
    return _resized(editor, match, factors(match["how"]))


def _enlarge(editor: PlanEditor, match: Match) -> bool:
    side = _SIDE ** _STEPS.get((match["much"] or "").lower(), 1.0)
    return _resized(editor, match, (side, side))


def _shrink(editor: PlanEditor, match: Match) -> bool:
    side = _SIDE ** -_STEPS.get((match["much"] or "").lower(), 1.0)
    return _resized(editor, match, (side, side))


def _double(editor: PlanEditor, match: Match) -> bool:
    return _resized(editor, match, (2**0.5, 2**0.5))


def _halve(editor: PlanEditor, match: Match) -> bool:
    return _resized(editor, match, (0.5**0.5, 0.5**0.5))


_COMPARED = "|".join(_WAYS)
FORMS = (
    form(
        rf"(?:make|turn|let|have) (?P<what>.+?) (?:be |get |become |to be )?(?P<how>(?:{_MUCH} )?"
        rf"(?:{_COMPARED}))(?: in size| than .+)?",
        _matched,
    ),
    form(
        r"(?:make|scale|let) (?P<what>.+?) (?:be |to )?(?P<how>(?:twice|two times|three times|2x"
        r"|double|half) (?:as \w+|the (?:size|width|height)))(?: as .*)?",
        _matched,
    ),
    form(
        r"(?:enlarge|grow|magnify|expand|blow up|scale up|increase the size of) (?P<what>.+?)"
        rf"(?: {_MUCH})?",
        _enlarge,
    ),
    form(rf"(?:scale|blow) (?P<what>.+) up(?: {_MUCH})?", _enlarge),
    form(
        r"(?:shrink|scale down|(?:reduce|decrease) the size of|reduce) (?P<what>.+?)"
        rf"(?: {_MUCH})?",
        _shrink,
    ),
    form(rf"scale (?P<what>.+) down(?: {_MUCH})?", _shrink),
    form(r"double (?:the size of )?(?P<what>.+)", _double),
    form(r"(?:halve|half) (?:the size of )?(?P<what>.+)", _halve),
    form(rf"(?:an? |the )?(?P<how>(?:{_MUCH} )?(?:{_COMPARED})) (?P<what>.+)", _matched),
    form(
        rf"(?P<what>.+?) (?:should be|must be|is) (?P<how>(?:{_MUCH} )?(?:{_COMPARED}))", _matched
    ),
)
