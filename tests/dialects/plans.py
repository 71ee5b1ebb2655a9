"""Plans for the tests of dialects: free boxes, grids, and texts with what the tools would read."""

from __future__ import annotations

from hypothesis import strategies as st

from rpg.plans.geometry import Box
from rpg.plans.plan import Plan, Region
from rpg.plans.prompt_weights import read

WORDS = ("fox", "owl", "cat(s)", "(red hat:1.3)", "[faint]", r"red\++", r"\[x\]", "16:9", "blue++")
TEXTS = st.lists(st.sampled_from(WORDS), min_size=1, max_size=4).map(" ".join)
RATIOS = st.sampled_from([0.05, 0.2, 0.5, 0.9])
_SPANS = st.tuples(st.integers(0, 63), st.integers(1, 64)).map(
    lambda pair: (min(pair[0], 64 - pair[1]) / 64, (min(pair[0], 64 - pair[1]) + pair[1]) / 64)
)
BOXES = st.tuples(_SPANS, _SPANS).map(lambda xy: Box(xy[0][0], xy[1][0], xy[0][1], xy[1][1]))
_SIZES = st.lists(st.integers(1, 9), min_size=1, max_size=3)


def _tiled(rows: list[tuple[int, list[int]]]) -> list[Box]:
    boxes, height = [], sum(size for size, _ in rows)
    top = 0
    for size, widths in rows:
        left, width = 0, sum(widths)
        for one in widths:
            right = left + one
            boxes.append(Box(left / width, top / height, right / width, (top + size) / height))
            left = right
        top += size
    return boxes


GRIDS = st.lists(st.tuples(st.integers(1, 9), _SIZES), min_size=1, max_size=3).map(_tiled)


@st.composite
def plans(draw: st.DrawFn, boxes: st.SearchStrategy[list[Box]]) -> Plan:
    """Plans with those boxes, in their order."""
    regions = [
        Region(id=f"one-{at}", prompt=draw(TEXTS), box=box, base_ratio=draw(RATIOS | st.none()))
        for at, box in enumerate(draw(boxes), start=1)
    ]
    return Plan(
        prompt=draw(TEXTS), regions=tuple(regions), base_ratio=draw(RATIOS), negative=draw(TEXTS)
    )


FREE = plans(st.lists(BOXES, min_size=1, max_size=6))
TILED = plans(GRIDS)

Told = tuple[tuple[tuple[str, float], ...], tuple[float, ...], float]


def told(plan: Plan) -> list[Told]:
    """What regions are told, where they are to a ten-thousandth, and how much base they have."""
    return [
        (
            runs(one.prompt),
            tuple(round(e, 4) for e in (one.box.x0, one.box.y0, one.box.x1, one.box.y1)),
            round(_first(one.base_ratio, plan.base_ratio), 4),
        )
        for one in plan.layers()
    ]


def runs(text: str) -> tuple[tuple[str, float], ...]:
    """A text by its weights, to the four decimals that they are written with."""
    return tuple((run, round(weight, 4)) for run, weight in read(text).runs)


def _first(*ratios: float | None) -> float:
    return next(ratio for ratio in ratios if ratio is not None)


def whole(plan: Plan) -> tuple[object, object]:
    """What the whole picture is told: base prompt and negative prompt, with weights."""
    return runs(plan.effective_base_prompt), runs(plan.effective_negative)
