"""The quality benchmark's prompts, and its judge on pictures drawn to be right or wrong."""

from __future__ import annotations

from dataclasses import replace

import pytest
from PIL import Image

from benchmarks.cases import Case, Verdict, judge, make_cases
from rpg.toybox import COLOURS, FILLS
from rpg.toybox.renderer import render
from rpg.toybox.scene import Scene, Thing

SIDE = 512


def picture(case: Case, kinds: tuple[tuple[str, str], ...], extra: int = 0) -> Image.Image:
    """The kinds in the middles of the case's regions, in this order; and some more in a corner."""
    things = []
    for (colour, name), box in zip(kinds, case.boxes(), strict=False):
        x, y = box.center
        things.append(Thing(name, colour, x * SIDE, y * SIDE, 100))
    corner = [Thing("square", "brown", 40, 40, 60)] * extra
    return render(Scene(SIDE, SIDE, (*things, *corner)))


@pytest.fixture
def case() -> Case:
    return next(
        case
        for case in make_cases(50, 4, seed=1)
        if len({thing for _, thing in case.kinds}) > 1
        and all(colour != "brown" for colour, _ in case.kinds)
    )


def test_what_was_asked_for_is_right(case: Case) -> None:
    verdict = judge(picture(case, case.kinds), case)
    assert verdict == Verdict(True, True, True, True, True)


def test_things_in_each_other_s_places(case: Case) -> None:
    turned = (*case.kinds[1:], case.kinds[0])
    verdict = judge(picture(case, turned), case)
    assert verdict == Verdict(True, False, True, False, True)


def test_things_in_each_other_s_colours(case: Case) -> None:
    (one, first), (two, second) = next(
        (a, b) for a in case.kinds for b in case.kinds if a[1] != b[1]
    )
    swapped = {(one, first): (two, first), (two, second): (one, second)}
    kinds = tuple(swapped.get(kind, kind) for kind in case.kinds)
    verdict = judge(picture(case, kinds), case)
    assert verdict.colours_anywhere
    assert not (verdict.colours_placed or verdict.things_anywhere or verdict.things_placed)


def test_a_colour_that_nobody_asked_for(case: Case) -> None:
    other = next(colour for colour in COLOURS if colour not in {c for c, _ in case.kinds})
    kinds = ((other, case.kinds[0][1]), *case.kinds[1:])
    assert judge(picture(case, kinds), case) == Verdict(False, False, False, False, True)


def test_a_thing_is_missing(case: Case) -> None:
    assert judge(picture(case, case.kinds[:3]), case) == Verdict(False, False, False, False, False)


def test_a_thing_too_many(case: Case) -> None:
    verdict = judge(picture(case, case.kinds, extra=1), case)
    assert verdict.things_placed and not verdict.nothing_else


def test_one_thing_has_a_fill_that_counts() -> None:
    cases = make_cases(20, 1, seed=3)
    assert {case.fill for case in cases} == set(FILLS)
    for case in cases[:5]:
        assert case.fill is not None and (case.fill in case.prompt) == (case.fill != "plain")
        (colour, name), other = case.kinds[0], next(fill for fill in FILLS if fill != case.fill)
        thing = Thing(name, colour, 128, 128, 100, case.fill)
        things = (thing, replace(thing, fill=other))
        right, wrong = (judge(render(Scene(256, 256, (one,))), case) for one in things)
        assert right == Verdict(True, True, True, True, True)
        assert wrong == Verdict(True, True, False, False, True)


def test_an_empty_picture(case: Case) -> None:
    assert judge(render(Scene(SIDE, SIDE, ())), case) == Verdict(False, False, False, False, False)


@pytest.mark.parametrize("things", [1, 2, 4, 6, 9])
def test_prompts_come_with_a_region_for_each_thing(things: int) -> None:
    cases = make_cases(20, things, seed=3)
    assert cases == make_cases(20, things, seed=3)
    assert cases != make_cases(20, things, seed=4)
    for case in cases:
        assert len(case.kinds) == len(case.boxes()) == len(case.plan.layers()) == things
        assert len({colour for colour, _ in case.kinds}) == things
        assert all(f"{colour} {thing}" in case.prompt for colour, thing in case.kinds)
        for (colour, thing), box in zip(case.kinds, case.boxes(), strict=True):
            (region,) = [region for region in case.plan.layers() if region.box == box]
            assert f"{colour} {thing}" in region.prompt
