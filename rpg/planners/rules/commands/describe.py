"""A plan's prompt, written anew from its regions after an edit."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from itertools import groupby

from rpg.language.grammar.tokens import join
from rpg.language.positions import position_in_words
from rpg.planners.rules.commands.placement.stacking import hosts_of, is_backdrop
from rpg.planners.rules.commands.plan_editor import PlanEditor, RegionNode
from rpg.planners.rules.commands.text.wording import counted
from rpg.plans.geometry import Box
from rpg.plans.plan import MAX_PROMPT_CHARS, Plan

_LEVEL = 0.05  # centres of one row
_CLEARLY = 1.5  # one distance against the other, for "left of" rather than "above"
_MOST_PLACED = 8
EMPTY = "an empty picture"
_PLACES = {"top": "at the top", "bottom": "at the bottom", "left": "on the left",
           "right": "on the right", "in the middle": "in the middle",
           "the whole canvas": ""}  # fmt: skip


def describe(plan: Plan) -> str:
    """A prompt for the plan: its things and where they are, the setting, the style."""
    items = PlanEditor(plan).items
    full = plan.scene.added_to(_entities(items))
    return full if len(full) <= MAX_PROMPT_CHARS else _short(items)


def _short(items: Sequence[RegionNode]) -> str:
    """The nouns alone, as many as a prompt has room for."""
    text = ", ".join(item.head or item.id for item in items)
    return text if len(text) <= MAX_PROMPT_CHARS else text[:MAX_PROMPT_CHARS].rpartition(", ")[0]


def _entities(items: Sequence[RegionNode]) -> str:
    tops = [item for item in items if not item.parent]
    behind = [item for item in tops if is_backdrop(item, tops)]
    rest = [item for item in tops if item not in behind]
    if not tops:
        return EMPTY
    backdrop = _list([_described(item, items) for item in behind])
    if not rest:
        return backdrop
    ends = f"with {backdrop} in the background" if behind else ""
    return join([_placed(rest, items), ends])


def _placed(tops: Sequence[RegionNode], items: Sequence[RegionNode]) -> str:
    """The things on the canvas with what tells their places."""
    hosts = hosts_of(tops)
    heads = [item for item in tops if item.id not in hosts]
    phrases = {item.id: _described(item, items) for item in tops}
    described = {
        item.id: _with_riders(
            phrases[item.id], [phrases[name] for name, host in hosts.items() if host == item.id]
        )
        for item in heads
    }
    boxes = {item.id: item.box for item in heads}
    if len(heads) == 2 and (relation := _relation(*boxes.values())):
        return f" {relation} ".join(described.values())
    order = _row(boxes)
    if len(heads) > 2 and order and len(set(described.values())) > 1:
        runs = [(text, len(list(run))) for text, run in groupby(described[name] for name in order)]
        return f"from left to right {_list([counted(text, number) for text, number in runs])}"
    return _grouped(described, boxes)


def _described(item: RegionNode, items: Sequence[RegionNode]) -> str:
    """A thing with what is inside it."""
    core = _inside_sentence(item.core)
    inside = [_described(child, items) for child in items if child.parent == item.id
              and (not child.head or child.head not in item.words)]  # fmt: skip
    if not inside:
        return core
    return f"{_tally(inside)} inside {core}" if core else _tally(inside)


def _inside_sentence(core: str) -> str:
    """The text without the capital that opens a sentence; a name of several words keeps it."""
    words = core.split()
    named = len(words) > 1 and words[1][:1].isupper()
    plain = bool(words) and words[0].istitle() and not named
    return core[:1].lower() + core[1:] if plain else core


def _with_riders(host: str, riders: Sequence[str]) -> str:
    return f"{_tally(riders)} in front of {host}" if riders else host


def _tally(texts: Sequence[str]) -> str:
    """A list in which alike things are counted."""
    return _list([counted(text, number) for text, number in Counter(texts).items()])


def _list(parts: Sequence[str]) -> str:
    *most, last = parts or [""]
    return f"{', '.join(most)} and {last}" if most else last


def _relation(first: Box, second: Box) -> str:
    """How the first box stands to the second; empty where that is not plain."""
    dx = first.center[0] - second.center[0]
    dy = first.center[1] - second.center[1]
    if abs(dx) > _CLEARLY * abs(dy):
        return "to the left of" if dx < 0 else "to the right of"
    if abs(dy) > _CLEARLY * abs(dx):
        return "above" if dy < 0 else "below"
    return ""


def _row(boxes: dict[str, Box]) -> list[str]:
    """The ids from left to right, where the boxes stand side by side; else none."""
    order = sorted(boxes, key=lambda name: boxes[name].x0)
    level = max(b.center[1] for b in boxes.values()) - min(b.center[1] for b in boxes.values())
    apart = all(boxes[a].x1 <= boxes[b].x0 + 1e-6 for a, b in zip(order, order[1:], strict=False))
    return order if level < _LEVEL and apart else []


def _grouped(described: dict[str, str], boxes: dict[str, Box]) -> str:
    """A list in which alike things are counted, and single ones have their place."""
    number = Counter(described.values())
    few = 1 < len(number) <= _MOST_PLACED or len(described) == 1
    phrases = {
        text: join([text, _place(boxes[name])]) if number[text] == 1 and few
        else counted(text, number[text])
        for name, text in described.items()
    }  # fmt: skip
    return _list(list(phrases.values()))


def _place(box: Box) -> str:
    where = position_in_words(box)
    return _PLACES.get(where, f"in the {where}")
