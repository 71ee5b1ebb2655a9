"""Boxes on the canvas and what a hand does there."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from rpg.plans.edits import MoveRegion, apply
from rpg.plans.geometry import Box
from rpg.plans.overlay import PALETTE
from rpg.plans.plan import MAX_REGIONS, Plan, Region, encode_mask
from ui.plan_boxes import MARGIN, Drawn, drawn, hand, paper, region_named

CANVAS = (64, 64)
LEFT, TOP = MARGIN[:2]


def boxes_of(shown: Drawn) -> list[dict[str, Any]]:
    """What the annotator hands back where nobody touched anything."""
    return [
        {**box, "color": mark.colour} for box, mark in zip(shown.boxes(), shown.marks, strict=True)
    ]


def moved(box: dict[str, Any], x: int, y: int) -> dict[str, Any]:
    return {**box, **{k: box[k] + x for k in ("xmin", "xmax")}, "ymin": box["ymin"] + y,
            "ymax": box["ymax"] + y}  # fmt: skip


def after(plan: Plan, boxes: list[dict[str, Any]]) -> Plan:
    edits, _ = hand(drawn(plan, CANVAS), boxes, plan)
    return apply(plan, edits)


@pytest.fixture
def plan() -> Plan:
    """Thirds, which no pixel says exactly; two regions of the same words; one in another."""
    third = 1 / 3
    return Plan(
        prompt="stars",
        regions=(
            Region(id="a", prompt="a star", box=Box(0.0, 0.0, third, third)),
            Region(id="b", prompt="a star", box=Box(third, 0.0, 2 * third, third)),
            Region(
                id="sky",
                prompt="the sky",
                box=Box(0.0, 0.5, 1.0, 1.0),
                children=(Region(id="moon", prompt="a moon", box=Box(0.25, 0.6, 0.5, 0.9)),),
            ),
        ),
    )


def test_boxes_have_the_palettes_colours_and_numbers_in_painting_order(plan: Plan) -> None:
    marks = list(reversed(drawn(plan, CANVAS).marks))
    assert [mark.id for mark in marks] == ["a", "b", "sky", "moon"]
    assert [mark.label for mark in marks] == ["1 a star", "2 a star", "3 the sky", "4 a moon"]
    assert [mark.colour for mark in marks] == list(PALETTE[:4])


def test_the_paper_has_the_canvas_form() -> None:
    assert paper((64, 64)) == (1024, 1024)
    assert paper((1344, 768)) == (1024, 585)


def test_every_one_of_the_most_regions_has_a_colour_of_its_own() -> None:
    many = tuple(
        Region(id=f"r{i}", prompt="a star", box=Box(0.0, 0.0, 1.0, 1.0)) for i in range(MAX_REGIONS)
    )
    marks = drawn(Plan(prompt="stars", regions=many), CANVAS).marks
    assert len({mark.colour for mark in marks}) == MAX_REGIONS


@given(
    st.lists(st.floats(0, 0.98), min_size=4, max_size=4),
    st.sampled_from([(64, 64), (1344, 768), (832, 1216), (96, 64)]),
)
def test_what_nobody_touched_is_no_edit(edges: list[float], canvas: tuple[int, int]) -> None:
    x, y, wide, high = edges
    box = Box(x, y, min(x + wide + 0.01, 1.0), min(y + high + 0.01, 1.0))
    plan = Plan(prompt="p", regions=(Region(id="r", prompt="a star", box=box),))
    shown = drawn(plan, canvas)
    assert hand(shown, boxes_of(shown), plan) == ((), shown)


def test_a_drag_moves_that_region_alone_however_boxes_are_ordered(plan: Plan) -> None:
    boxes = boxes_of(drawn(plan, CANVAS))
    place = next(i for i, box in enumerate(boxes) if box["label"] == "2 a star")
    boxes[place] = moved(boxes[place], 100, 50)
    result = after(plan, list(reversed(boxes)))
    a, b = region_named(result, "a"), region_named(result, "b")
    was = region_named(plan, "b")
    assert a == region_named(plan, "a")
    assert a and b and was
    assert b.box.width == pytest.approx(was.box.width, abs=1e-12)
    assert (b.box.x0 - was.box.x0) * 1024 == pytest.approx(100, abs=0.5)
    assert b.box.y0 * 1024 == pytest.approx(50, abs=0.5)


def test_an_edge_that_is_pulled_leaves_the_others_exact(plan: Plan) -> None:
    boxes = boxes_of(drawn(plan, CANVAS))
    place = next(i for i, box in enumerate(boxes) if box["label"] == "1 a star")
    boxes[place] = {**boxes[place], "xmax": boxes[place]["xmax"] + 37}
    region = region_named(after(plan, boxes), "a")
    assert region
    assert (region.box.x0, region.box.y0, region.box.y1) == (0.0, 0.0, 1 / 3)
    assert region.box.x1 > 1 / 3


@given(st.integers(-3000, 3000), st.integers(-3000, 3000))
def test_a_drag_ends_on_the_paper_with_the_size_it_had(x: int, y: int) -> None:
    plan = Plan(
        prompt="p", regions=(Region(id="r", prompt="a star", box=Box(0.2, 0.3, 0.7, 0.55)),)
    )
    (box,) = boxes_of(drawn(plan, CANVAS))
    region = region_named(after(plan, [moved(box, x, y)]), "r")
    assert region
    assert region.box.width == pytest.approx(0.5)
    assert region.box.height == pytest.approx(0.25)


def test_what_is_in_a_region_moves_along_and_its_painted_form_too(plan: Plan) -> None:
    mask = Image.new("L", (64, 64))
    mask.paste(255, (16, 38, 32, 58))
    plan = apply(plan, [MoveRegion(id="moon", mask=encode_mask(mask))])
    boxes = boxes_of(drawn(plan, CANVAS))
    place = next(i for i, box in enumerate(boxes) if box["label"] == "3 the sky")
    boxes[place] = moved(boxes[place], 0, -256)
    result = after(plan, boxes)
    moon = region_named(result, "moon")
    assert moon and moon.box.y0 == pytest.approx(0.35)
    form = moon.mask_image()
    assert form is not None and form.getbbox() == (16, 22, 32, 42)


def test_a_box_that_was_drawn_is_a_region_once_it_has_words(plan: Plan) -> None:
    shown = drawn(plan, CANVAS)
    new = {"label": "", "color": (255, 168, 77), "xmin": LEFT + 512, "ymin": TOP + 512,
           "xmax": LEFT + 768, "ymax": TOP + 1024}  # fmt: skip
    edits, seen = hand(shown, [new, *boxes_of(shown)], plan)
    assert edits == () and seen == shown
    result = after(plan, [{**new, "label": "a heart"}, *boxes_of(shown)])
    added = result.regions[-1]
    assert (added.prompt, added.box) == ("a heart", Box(0.5, 0.5, 0.75, 1.0))
    assert result.layers()[-1] is added
    assert result.regions[:-1] == plan.regions


def test_a_box_that_is_gone_takes_its_region_and_what_is_in_it(plan: Plan) -> None:
    boxes = boxes_of(drawn(plan, CANVAS))
    without = [box for box in boxes if box["label"] != "3 the sky"]
    assert [region.id for region in after(plan, without).regions] == ["a", "b"]
    assert after(plan, []).regions == ()


@pytest.mark.parametrize(
    ("label", "prompt"),
    [("1 a red star", "a red star"), ("a red star", "a red star"), ("", "a star")],
)
def test_a_label_that_was_rewritten_is_the_subprompt(plan: Plan, label: str, prompt: str) -> None:
    boxes = boxes_of(drawn(plan, CANVAS))
    boxes[-1] = {**boxes[-1], "label": label}
    result = after(plan, boxes)
    assert [region.prompt for region in result.regions] == [prompt, "a star", "the sky"]
    assert [region.id for region in result.regions] == ["a", "b", "sky"]


def test_a_long_subprompt_keeps_what_its_label_left_out() -> None:
    words = "a lighthouse with a red roof on a rock above the foaming sea"
    plan = Plan(prompt="p", regions=(Region(id="r", prompt=words, box=Box(0, 0, 1, 1)),))
    (box,) = boxes_of(drawn(plan, CANVAS))
    assert len(box["label"]) < len(words)
    result = after(plan, [{**box, "label": box["label"].replace("lighthouse", "castle")}])
    assert result.regions[0].prompt == words.replace("lighthouse", "castle")


def test_a_region_that_changed_colour_is_known_by_its_place(plan: Plan) -> None:
    boxes = boxes_of(drawn(plan, CANVAS))
    boxes[0] = {**boxes[0], "color": (1, 2, 3)}
    assert after(plan, boxes) == plan


def test_a_region_that_only_holds_others_is_a_grey_box() -> None:
    child = Region(id="star", prompt="a star", box=Box(0.2, 0.2, 0.4, 0.4))
    group = Region(id="top", prompt="", box=Box(0.0, 0.0, 1.0, 0.5), children=(child,))
    plan = Plan(prompt="p", regions=(group,))
    star, top = drawn(plan, CANVAS).marks
    assert (star.label, top.label) == ("1 a star", "group top")
    assert len(set(top.colour)) == 1
    boxes = boxes_of(drawn(plan, CANVAS))
    result = after(plan, [boxes[0], moved(boxes[1], 0, 512)])
    inner = region_named(result, "star")
    assert inner and inner.box.y0 == pytest.approx(0.7)


def test_a_region_that_went_meanwhile_is_passed_over(plan: Plan) -> None:
    shown = drawn(plan, CANVAS)
    boxes = [moved(box, 10, 10) for box in boxes_of(shown)]
    alone = plan.model_copy(update={"regions": plan.regions[:1]})
    edits, _ = hand(shown, boxes, alone)
    assert [edit.kind for edit in edits] == ["move"]
