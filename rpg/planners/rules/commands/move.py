"""Commands that move: "move the star to the top right", "a bit left", "swap them"."""

from __future__ import annotations

import re
from collections.abc import Sequence

from rpg.errors import PlanError
from rpg.language.grammar.elements import RelationKind
from rpg.language.lexicon.function_words import DETERMINERS
from rpg.planners.rules.commands.destinations import Where, read_where
from rpg.planners.rules.commands.patterns import Match, form
from rpg.planners.rules.commands.placement.shifts import nudged
from rpg.planners.rules.commands.placement.tree_levels import Placement, riding
from rpg.planners.rules.commands.plan_editor import PlanEditor, RegionNode
from rpg.planners.rules.commands.references import prefixes, resolve, resolve_list, resolve_or_fail
from rpg.planners.rules.commands.relations import relate
from rpg.plans import edits as e

_STEP = 0.2
_MUCH = {"a bit": 0.5, "a little": 0.5, "slightly": 0.5, "a little bit": 0.5, "a tad": 0.5,
         "a touch": 0.5, "somewhat": 0.5, "far": 1.75, "much": 1.75, "a lot": 1.75,
         "way": 1.75}  # fmt: skip
_WAYS = {"up": (0, -1), "upwards": (0, -1), "upward": (0, -1), "higher": (0, -1), "down": (0, 1),
         "downwards": (0, 1), "downward": (0, 1), "lower": (0, 1), "left": (-1, 0), "right": (1, 0),
         "leftwards": (-1, 0), "rightwards": (1, 0), "leftward": (-1, 0),
         "rightward": (1, 0)}  # fmt: skip
_AMOUNT = "|".join(sorted(_MUCH, key=len, reverse=True))
_NUDGE = re.compile(
    rf"(?:(?P<much>{_AMOUNT}) )?(?P<more>further |more |farther )?(?:to(?:wards)? the )?"
    rf"(?P<up>up|down|higher|lower)?(?: and )?(?:(?:to(?:wards)? the )?"
    rf"(?P<way>{'|'.join(_WAYS)}))?(?: (?P<after>{_AMOUNT}))?",
    re.IGNORECASE,
)
_VERBS = {"raise": "up", "lift": "up", "elevate": "up", "lower": "down"}
_FRONT = re.compile(
    r"(?:in)?(?:to )?(?:the )?(?:very )?(?P<end>front|foreground|top of everything|back|rear"
    r"|behind everything)",
    re.IGNORECASE,
)


def _moved(editor: PlanEditor, match: Match) -> bool:
    """Finds where the thing ends and the place begins."""
    text = match["rest"]
    ways = [(what, to) for what, to in prefixes(editor, text)]
    for what, to in reversed(ways):
        definite = what.lower().split()[0] not in ("a", "an", "another", "some", "one", "two")
        items = resolve_list(editor, what) if definite and _is_place(editor, to) else None
        if items:
            return _send(editor, items, to)
    return _unknown(editor, ways)


def _is_place(editor: PlanEditor, to: str) -> bool:
    if _nudge(to) or _FRONT.fullmatch(to):
        return True
    return read_where(editor, to) is not None


def _unknown(editor: PlanEditor, ways: Sequence[tuple[str, str]]) -> bool:
    """Says so where all is plain but the thing."""
    for what, to in reversed(ways):
        words = what.lower().split()
        if (
            words[0] in DETERMINERS - {"a", "an", "another"}
            and len(words) > 1
            and _is_place(editor, to)
        ):
            raise editor.no(what)
    return False


def _send(editor: PlanEditor, items: Sequence[RegionNode], to: str) -> bool:
    """Moves things, one after the other."""
    for item in items:
        now = editor.item(item.id)
        if (shift := _nudge(to)) is not None:
            _settle(editor, now, nudged(editor, now, *shift))
        elif (depth := _FRONT.fullmatch(to)) is not None:
            _restack(
                editor, now, depth["end"].lower() in ("front", "foreground", "top of everything")
            )
        else:
            where = read_where(editor, to)
            assert where is not None
            _settle(editor, now, where.find(editor, moving=now))
            if now.thing:
                relate(editor, now.thing.id, where)
    editor.last = tuple(item.id for item in items)
    return True


def _nudge(text: str) -> tuple[float, float] | None:
    """How far right and down "a bit left" is; None where the words are no direction."""
    found = _NUDGE.fullmatch(" ".join(text.split()))
    if found is None or not (found["up"] or found["way"]):
        return None
    far = _STEP * _MUCH.get((found["much"] or found["after"] or "").lower(), 1.0)
    sideways = found["way"] and found["way"].lower() in ("left", "right")
    whole = re.match(r"(?:far )?to(?:wards)? the ", text, re.IGNORECASE)
    if whole and sideways and not (found["more"] or found["much"] or found["up"]):
        return None  # "to the left": a place, not a direction
    ways = [_WAYS[word.lower()] for word in (found["up"], found["way"]) if word]
    return far * sum(way[0] for way in ways), far * sum(way[1] for way in ways)


def _settle(editor: PlanEditor, item: RegionNode, place: Placement) -> None:
    """Puts a thing into its place, after what makes room for it."""
    editor.move(place.moves)
    editor.move({item.id: place.box})
    parent = None if place.parent == item.parent else place.parent
    if parent is not None or place.z != item.region.z:
        group = editor.emptied(item) if parent is not None else None
        after = (e.RemoveRegion(id=group.id),) if group else ()
        editor.do(e.MoveRegion(id=item.id, parent=parent, z=place.z), *after)
    if parent is not None:
        outer = editor.item(parent).thing if parent else None
        editor.reshape(
            [item], lambda thing: thing.model_copy(update={"owner": outer.id if outer else ""})
        )


def _restack(editor: PlanEditor, item: RegionNode, front: bool) -> None:
    others = [each.region.z for each in editor.siblings(item.parent) if each.id != item.id]
    z = max(others, default=0) + 1 if front else min(others, default=0) - 1
    editor.do(
        e.MoveRegion(id=item.id, z=z),
        note=f"{item.id} is {'before' if front else 'behind'} all else",
    )


def _directed(editor: PlanEditor, match: Match) -> bool:
    """Reads "the star further left", "raise the moon", "lower it a bit"."""
    items = resolve_list(editor, match["what"])
    if items is None and match.groupdict().get("verb"):
        items = resolve_or_fail(editor, match["what"])
    return bool(items) and _send(
        editor, items or (), _VERBS.get(match["way"].lower(), match["way"])
    )


def _belongs(editor: PlanEditor, match: Match) -> bool:
    """Reads "the star should be on the left"."""
    items = resolve(editor, match["what"]) if _is_place(editor, match["to"]) else None
    return bool(items) and _send(editor, items or (), match["to"])


def _taken_out(editor: PlanEditor, match: Match) -> bool:
    """Reads "take the dog out of the box"."""
    outer = resolve(editor, match["outer"])
    items = [item for item in resolve_list(editor, match["what"]) or ()
             if outer and item.parent == outer[0].id]  # fmt: skip
    for item in items:
        where = Where(kinds=(RelationKind.BESIDE,), others=outer or ())
        _settle(editor, item, where.find(editor, moving=item))
    editor.last = tuple(item.id for item in items)
    return bool(items)


def _swapped(editor: PlanEditor, match: Match) -> bool:
    """Reads "swap the star and the moon", "swap them"."""
    groups = match.groupdict()
    if groups.get("pair"):
        items: Sequence[RegionNode] = resolve_or_fail(editor, groups["pair"])
    else:
        first, second = resolve(editor, match["one"]), resolve(editor, match["two"])
        if first is None or second is None:
            if match["two"].lower().startswith(("a ", "an ", "some ")):
                return False  # "swap the star for a circle"
            raise editor.no(match["one"] if first is None else match["two"])
        items = (*first, *second)
    if len(items) != 2:
        raise PlanError(f"only two can change places; meant were: {editor.listing(items)}")
    _swap(editor, *items)
    return True


def _swap(editor: PlanEditor, one: RegionNode, other: RegionNode) -> None:
    if any(name in _above(editor, item) for item, name in ((one, other.id), (other, one.id))):
        raise PlanError(f"one of {editor.listing((one, other))} stands in the other")
    boxes = {one.id: other.box, other.id: one.box}
    along = {**riding(editor, one.parent, boxes), **riding(editor, other.parent, boxes)}
    editor.move({**along, **boxes})
    apart = one.parent != other.parent
    editor.do(
        *(
            e.MoveRegion(id=item.id, z=there.region.z, parent=there.parent if apart else None)
            for item, there in ((one, other), (other, one))
        )
    )
    editor.last = (one.id, other.id)


def _above(editor: PlanEditor, item: RegionNode) -> list[str]:
    """The regions that a thing stands in."""
    names = []
    while item.parent:
        names.append(item.parent)
        item = editor.item(item.parent)
    return names


_PLACES = r"(?:places?|positions?|locations?|spots?)"
_SWAP = r"(?:swap|exchange|switch|flip|trade|interchange|reverse)"
SWAPPING = (
    form(rf"{_SWAP} (?:the )?{_PLACES} of (?P<one>.+?) (?:and|with) (?P<two>.+)", _swapped),
    form(rf"{_SWAP} (?:the )?{_PLACES} of (?P<pair>.+)", _swapped),
    form(
        rf"{_SWAP} (?P<one>.+?)(?:'s (?:{_PLACES} ?)?)? (?:and|with|for) (?P<two>.+?)"
        rf"(?:'s)?(?: (?:around|over|{_PLACES}))?",
        _swapped,
    ),
    form(
        rf"{_SWAP} (?P<pair>them|both|these|those|the two|the \w+s)(?: around| over| {_PLACES})?",
        _swapped,
    ),
    form(
        rf"(?:let |have |make )?(?P<one>.+?) and (?P<two>.+?) (?:should )?(?:{_SWAP}|change)"
        rf"(?: {_PLACES})?",
        _swapped,
    ),
)
_DIRECTIONS = "|".join(_WAYS)
FORMS = (
    form(
        r"(?:take|move|get|bring|pull|put|let) (?P<what>.+?) (?:out|outside) of (?P<outer>.+)",
        _taken_out,
    ),
    form(
        r"(?:move|shift|push|slide|bring|drag|nudge|send|put|place|set|position|relocate|pull"
        r"|transfer|stick|get) (?P<rest>.+)",
        _moved,
    ),
    form(
        r"(?P<verb>(?P<way>raise|lift|lower|elevate)) (?P<what>.+?)(?: up| down)?"
        rf"(?: (?:{_AMOUNT}))?",
        _directed,
    ),
    form(
        rf"(?P<what>.+?) (?P<way>(?:(?:{_AMOUNT}) )?(?:further |more |farther )(?:to the )?"
        rf"(?:{_DIRECTIONS}))",
        _directed,
    ),
    form(rf"(?P<what>.+?) (?P<way>(?:{_AMOUNT}) (?:to the )?(?:{_DIRECTIONS}))", _directed),
    form(
        r"(?P<what>.+?) (?:should|must|has to|needs to) (?:be|go|stand|sit|come) (?P<to>.+)",
        _belongs,
    ),
)
BARE = (form(r"(?P<rest>.+)", _moved),)
