"""Empty canvases and canvases of one thing: what is asked of them, and how they are counted."""

from __future__ import annotations

from typing import Any

import pytest

from benchmarks.canvases import Canvas, make_canvases, row
from rpg.plans.plan import Plan
from rpg.toybox import PLACES
from rpg.toybox.renderer import render
from rpg.toybox.scene import Scene, Thing

STAR = Thing("star", "red", 64, 64, 80)


class Drawing:
    """A pipeline that draws the same things in the meadow, whatever it is told."""

    def __init__(self, *things: Thing) -> None:
        self.things = things

    def __call__(self, *, plan: Plan, seed: int, width: int, height: int) -> Any:
        assert plan.prompt and seed >= 5
        return ([render(Scene(width, height, self.things, "in the meadow"))],)


@pytest.mark.parametrize("things", [0, 1])
def test_every_canvas_has_its_place_and_so_many_things(things: int) -> None:
    canvases = make_canvases(30, things, seed=0)
    assert {one.place for one in canvases} == set(PLACES)
    assert len({one.size for one in canvases}) == 5 + things
    for one in canvases:
        assert len(one.things) == things and one.prompt.endswith(one.place)
        assert (one.prompt == one.place) == (things == 0)


def test_pictures_are_counted_by_what_stands_there() -> None:
    place = "in the meadow"
    empty = [Canvas(place, (256, 128), (), place), Canvas("at night", (256, 128), (), "at night")]
    assert row(Drawing(), empty, seed=5).right == 0.5  # type: ignore[arg-type]
    surplus = row(Drawing(STAR), empty, seed=5)  # type: ignore[arg-type]
    assert (surplus.right, surplus.too_many, surplus.missing) == (0, 1, 0)
    one = [Canvas(f"a red star {place}", (128, 256), (("red", "star"),), place)]
    assert row(Drawing(STAR), one, seed=5).right == 1  # type: ignore[arg-type]
    assert row(Drawing(), one, seed=5).missing == 1  # type: ignore[arg-type]
    twice = Drawing(STAR, Thing("star", "red", 64, 190, 80))
    assert row(twice, one, seed=5).too_many == 1  # type: ignore[arg-type]
