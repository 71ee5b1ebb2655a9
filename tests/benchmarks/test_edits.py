"""What the benchmark of edits calls there, whole and unchanged, on rendered pictures."""

from __future__ import annotations

import random

import pytest
from PIL import Image

from benchmarks.cases import Kind
from benchmarks.edits import EDITS, LAYOUTS, Start, Verdict, drawn_up, instruction, verdict
from rpg.defaults import of_model
from rpg.pipeline import EditOutput
from rpg.planners import RulePlanner
from rpg.plans import edits as e
from rpg.plans.geometry import grid
from rpg.plans.plan import Plan, Region
from rpg.toybox import PLACES, weights_path
from rpg.toybox.renderer import render
from rpg.toybox.scene import Scene, Thing

STAR, MOON = Thing("star", "red", 68, 64, 88), Thing("moon", "yellow", 288, 64, 88)
GREEN = Thing("star", "green", 68, 64, 88)
PLAN = Plan(
    prompt="a red star and a yellow moon at night",
    regions=tuple(
        Region(id=f"r{i}", prompt=f"{words} at night", box=box)
        for i, (words, box) in enumerate(
            zip(("a red star", "a yellow moon"), grid(1, 2), strict=True)
        )
    ),
)
START = Start(
    render(Scene(384, 128, (STAR, MOON), "at night")), PLAN, (("red", "star"), ("yellow", "moon"))
)
AFTER = e.apply(PLAN, [e.ModifyRegion(id="r0", prompt="a green star at night")])


def masked(box: tuple[int, int, int, int]) -> Image.Image:
    mask = Image.new("L", (384, 128))
    mask.paste(255, box)
    return mask


def judged(
    image: Image.Image, mask: Image.Image, kind: str = "colour", plan: Plan = AFTER
) -> Verdict:
    out = EditOutput([image], [plan], [], [], (), mask)
    wanted: Kind | None = None if kind == "remove" else ("green", "star")
    return verdict(START, kind, wanted, out)


def scene(*things: Thing) -> Image.Image:
    return render(Scene(384, 128, things, "at night"))


def test_an_edit_that_did_what_was_asked() -> None:
    assert judged(scene(GREEN, MOON), masked((0, 0, 192, 128))) == (True, True, True, True)
    gone = e.apply(PLAN, [e.RemoveRegion(id="r0")])
    assert judged(scene(MOON), masked((0, 0, 192, 128)), "remove", gone) == (True, True, True, True)


@pytest.mark.parametrize("lost", [20, 24, 28])
def test_what_the_masks_edge_cut_is_not_whole(lost: int) -> None:
    right = 112 - lost
    cut = scene(GREEN, MOON)
    cut.paste(PLACES["at night"], (right, 0, 192, 128))
    whole = judged(scene(GREEN, MOON), masked((0, 0, 192, 128))).whole
    assert whole and not judged(cut, masked((0, 0, right, 128))).whole


def test_what_went_wrong_is_told_apart() -> None:
    mask = masked((0, 0, 192, 128))
    assert not judged(scene(STAR, MOON), mask).there  # still red
    assert not judged(scene(Thing("star", "green", 214, 64, 60), MOON), mask).there  # elsewhere
    ghost = Thing("circle", "pink", 152, 64, 60)
    assert judged(scene(GREEN, MOON, ghost), mask)[:3] == (False, False, False)
    moved = Thing("moon", "yellow", 272, 64, 88)
    assert judged(scene(GREEN, moved), mask) == (False, False, False, False)
    touched = scene(GREEN, MOON)
    touched.putpixel((383, 127), (0, 0, 0))
    assert judged(touched, mask) == (True, True, True, False)


@pytest.mark.parametrize("layout", LAYOUTS)
@pytest.mark.parametrize("kind", EDITS)
def test_plans_can_be_edited_in_words(layout: str, kind: str) -> None:
    for number in range(4):
        rng = random.Random(number)
        plan, kinds = drawn_up(rng, layout, kind, number)
        prompt = plan.prompt
        assert len(plan.layers()) == len(kinds) == (4 if layout == "square" else len(kinds))
        if kind in ("add", "move"):  # where there is room
            words = f"remove the {kinds[-1][1]}"
            plan = RulePlanner().plan(prompt, previous=plan, instruction=words)
        start = Start(START.image, plan, kinds[:-1] if kind in ("add", "move") else kinds)
        said, wanted = instruction(rng, kind, start)
        after = RulePlanner().plan(prompt, previous=plan, instruction=said)
        shown = [region.prompt for region in after.layers()]
        assert wanted is None or any(" ".join(wanted) in words for words in shown)
        assert wanted is not None or len(shown) == len(kinds) - 1


@pytest.mark.parametrize("kind", EDITS)
def test_the_first_thing_of_a_wide_layout_has_an_oblong_cell(kind: str) -> None:
    defaults = of_model(weights_path(), "sdxl")
    for number in range(12):
        plan, kinds = drawn_up(random.Random(number), "wide", kind, number)
        regions = plan.layers()
        box = next(r.box for r in regions if " ".join(kinds[0]) in r.prompt)
        width, height = defaults.canvas(region.box for region in regions)
        wide, high = box.width * width, box.height * height
        assert max(wide, high) / min(wide, high) >= 1.25
