"""Single edits, measured on Toybox; part of `python -m benchmarks.quality --loop`.

Half of them are made in pictures of four things in four corners, half in pictures of five and six
things where the cell of the first is wider than high, or higher than wide. All pictures are right
to begin with.
"""

from __future__ import annotations

import random
from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

import cv2
import numpy as np
from PIL import Image

from benchmarks.cases import Kind, article, inside, laid_out, oblong, rows
from benchmarks.tools import mean, tracked
from rpg.editing.segmentation import Pixels
from rpg.pipeline import EditOutput, RPGPipeline
from rpg.plans.plan import Plan
from rpg.toybox import COLOURS, PLACES, THINGS
from rpg.toybox.detector import Detection, detect

__all__ = ["ALL", "EDITS", "LAYOUTS", "EditRow", "edit_rows"]

EDITS = ("colour", "thing", "add", "remove", "move")
LAYOUTS = ("square", "wide")
ALL = "all"
_SAME = 4  # pixels that an untouched thing's middle may seem to move by
_WHOLE = 0.8  # overlap with its kind's own form that things have which nothing has cut
_CUT = 20  # pixels of a thing's edge that may be as hard as a cut along the mask's edge
_CLEAN = 0.93  # likewise, of things that may end where the mask does: they fill it
_GONE, _SHOWN = 0.15, 0.6  # of the step from the ground to the thing's colour
_TWO_AWAY = ((2, 0), (-2, 0), (0, 2), (0, -2))
_MOST_TRIES = 4  # seeds for a first picture that is right


class Verdict(NamedTuple):
    """About one edit.

    Attributes:
        there: What was asked for is in the picture, once, in its place, and what went is gone.
        whole: It is, in its full form, and the mask's edge has cut nothing off it.
        others: Every other thing is as before, and none has come.
        bytes_kept: Outside the mask nothing changed.
    """

    there: bool
    whole: bool
    others: bool
    bytes_kept: bool


@dataclass(frozen=True, slots=True)
class EditRow:
    """Single edits of one kind in one layout: shares, 0 to 1; see `Verdict`.

    Attributes:
        layout: One of `LAYOUTS`, or `ALL`.
        kind: One of `EDITS`, or `ALL`.
        edits: How many.
        there: Share of them.
        whole: Likewise.
        others: Likewise.
        bytes_kept: Likewise.
    """

    layout: str
    kind: str
    edits: int
    there: float
    whole: float
    others: float
    bytes_kept: float


@dataclass(frozen=True)
class Start:
    """A right picture to edit.

    Attributes:
        image: The picture.
        plan: What it was drawn from.
        kinds: Its things, that to be edited first.
        free: The corner where there is room.
    """

    image: Image.Image
    plan: Plan
    kinds: tuple[Kind, ...]
    free: str = "bottom right"


def edit_rows(rpg: RPGPipeline, each: int, seed: int) -> list[EditRow]:
    """Single edits of every kind in every layout.

    Args:
        rpg: Toybox.
        each: How many of each kind in each layout.
        seed: Of prompts and pictures.
    """
    asked = [(layout, kind, n) for layout in LAYOUTS for kind in EDITS for n in range(each)]
    judged = [
        (layout, kind, _judged(rpg, layout, kind, n, seed + 100 * number))
        for number, (layout, kind, n) in enumerate(tracked(asked, "edits"))
    ]
    rows = []
    for layout in (*LAYOUTS, ALL):
        for kind in (*EDITS, ALL):
            of = [v for a, b, v in judged if layout in (a, ALL) and kind in (b, ALL)]
            shares = (mean(answers) for answers in zip(*of, strict=True))
            rows.append(EditRow(layout, kind, len(of), *shares))
    return rows


def _judged(rpg: RPGPipeline, layout: str, kind: str, number: int, seed: int) -> Verdict:
    """Makes one edit and looks at it."""
    rng = random.Random(f"edits/{layout}/{kind}/{number}/{seed}")
    start = started(rpg, rng, layout, kind, number, seed)
    said, wanted = instruction(rng, kind, start)
    out = rpg.edit(start.image, start.plan, said, seed=seed + 50)
    return verdict(start, kind, wanted, out)


def started(
    rpg: RPGPipeline, rng: random.Random, layout: str, kind: str, number: int, seed: int
) -> Start:
    """A right picture; where room is needed, one thing was removed from it."""
    while True:
        plan, kinds = drawn_up(rng, layout, kind, number)
        for attempt in range(_MOST_TRIES):
            image: Image.Image = rpg(plan=plan, seed=seed + attempt)[0][0]
            start = Start(image, plan, kinds)
            if not _is_right(start):
                continue
            if kind in ("add", "move"):
                wide = plan.layers()[0].box.height < 1 and layout == "wide"
                first = kind == "add" and wide and number % 2 == 1
                start = _cleared(rpg, start, 0 if first else len(kinds) - 1, seed + attempt)
            if _is_right(start):
                return start


def drawn_up(
    rng: random.Random, layout: str, kind: str, number: int
) -> tuple[Plan, tuple[Kind, ...]]:
    """A plan and its things, each of another kind; the first is to be edited."""
    layouts = [rows((2, 2))] if layout == "square" else [*oblong(5), *oblong(6)]
    if kind == "thing":  # six leave no kind to become
        layouts = [boxes for boxes in layouts if len(boxes) < len(THINGS)]
    boxes = layouts[number % len(layouts)]
    colours, names = rng.sample(list(COLOURS), len(boxes)), rng.sample(THINGS, len(boxes))
    kinds = tuple(zip(colours, names, strict=True))
    return laid_out(kinds, boxes, rng.choice(list(PLACES))), kinds


def _cleared(rpg: RPGPipeline, start: Start, index: int, seed: int) -> Start:
    """The picture without one of its things."""
    out = rpg.edit(start.image, start.plan, f"remove the {start.kinds[index][1]}", seed=seed)
    left = start.kinds[:index] + start.kinds[index + 1 :]
    return Start(out.images[0], out.plan, left, "top left" if index == 0 else "bottom right")


def _is_right(start: Start) -> bool:
    """Whether the picture shows its things in their places, and nothing else."""
    found = detect(start.image)
    placed = (_there(found, kind, start.plan, start.image) for kind in start.kinds)
    return len(found) == len(start.kinds) and all(placed)


def instruction(rng: random.Random, kind: str, start: Start) -> tuple[str, Kind | None]:
    """What is asked for, and what should then be there; about the first thing or a new one."""
    colour, name = start.kinds[0]
    fresh = rng.choice([one for one in COLOURS if one not in {c for c, _ in start.kinds}])
    taken = {name for _, name in start.kinds}
    other = rng.choice([one for one in THINGS if one not in taken] or THINGS)
    match kind:
        case "colour":
            return f"make the {name} {fresh}", (fresh, name)
        case "thing":
            return f"turn the {name} into {article(other)}", (colour, other)
        case "add":
            return f"add {article(fresh)} {other} in the {start.free}", (fresh, other)
        case "remove":
            return f"remove the {name}", None
        case _:
            return f"move the {name} to the {start.free}", (colour, name)


def verdict(start: Start, kind: str, wanted: Kind | None, out: EditOutput) -> Verdict:
    """What the detector says of an edit."""
    image = out.images[0]
    before, after = detect(start.image), detect(image)
    target = None if kind == "add" else _there(before, start.kinds[0], start.plan, start.image)
    others = [one for one in before if one is not target]
    new = [one for one in after if not any(_alike(one, other) for other in others)]
    shown = _there(new, wanted, out.plan, image) if wanted else None
    there = len(new) == (wanted is not None) and (wanted is None or shown is not None)
    stayed = all(any(_alike(one, now) for now in after) for one in others)
    whole = there and (shown is None or _whole(shown, image, out.mask))
    return Verdict(there, whole, stayed and len(after) <= len(others) + 1, _kept(start.image, out))


def _there(
    found: Sequence[Detection], kind: Kind, plan: Plan, image: Image.Image
) -> Detection | None:
    """The thing of that kind, if it stands in its region."""
    words = " ".join(kind)
    box = next((region.box for region in plan.layers() if words in region.prompt), None)
    standing = inside(found, box, image.size) if box else []
    return next((one for one in standing if (one.colour, one.name) == kind), None)


def _alike(one: Detection, other: Detection) -> bool:
    same = (one.colour, one.name) == (other.colour, other.name)
    near = max(abs(a - b) for a, b in zip(one.centre, other.centre, strict=True))
    return same and near <= _SAME


def _whole(thing: Detection, image: Image.Image, mask: Image.Image) -> bool:
    cut = thing.overlap < _CLEAN and cut_edge(thing, image, mask) > _CUT
    return thing.overlap >= _WHOLE and not cut


def cut_edge(thing: Detection, image: Image.Image, mask: Image.Image) -> int:
    """Pixels along the mask's edge where a thing ends within two pixels, as if cut off."""
    form = cv2.fillPoly(np.zeros(mask.size[::-1], np.uint8), [thing.contour], 1)
    around = cv2.dilate(form, np.ones((9, 9), np.uint8)) - cv2.dilate(
        form, np.ones((5, 5), np.uint8)
    )
    lab = cv2.cvtColor(np.asarray(image, np.float32) / 255, cv2.COLOR_RGB2LAB)
    ground = np.median(lab[around > 0], axis=0)
    step = np.linalg.norm(np.median(lab[form > 0], axis=0) - ground)
    shown = np.linalg.norm(lab - ground, axis=-1) / step  # 0 ground, 1 the thing
    near = cv2.dilate(form, np.ones((5, 5), np.uint8)) > 0
    outside = (np.asarray(mask) == 0) & near & (shown < _GONE)
    inside_it = (np.asarray(mask) > 0) & (form > 0) & (shown > _SHOWN)
    return sum(int((outside & _shifted(inside_it, *by)).sum()) for by in _TWO_AWAY)


def _shifted(pixels: Pixels, down: int, right: int) -> Pixels:
    """The pixels moved; what leaves the picture is lost."""
    moved = np.zeros_like(pixels)
    height, width = pixels.shape
    moved[max(down, 0) : height + min(down, 0), max(right, 0) : width + min(right, 0)] = pixels[
        max(-down, 0) : height + min(-down, 0), max(-right, 0) : width + min(-right, 0)
    ]
    return moved


def _kept(before: Image.Image, out: EditOutput) -> bool:
    outside = np.asarray(out.mask) == 0
    after = np.asarray(out.images[0])
    return bool((after[outside] == np.asarray(before.convert("RGB"))[outside]).all())
