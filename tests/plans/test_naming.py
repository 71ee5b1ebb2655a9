"""Regions by id, number and words."""

from __future__ import annotations

import pytest

from rpg.errors import SettingsError
from rpg.plans.geometry import Box
from rpg.plans.naming import region_named
from rpg.plans.plan import Plan, Region
from rpg.plans.scene import Scene, Thing

KNIGHT = Thing(id="k", name="knight", attributes=("in silver armour",))
PLAN = Plan(
    prompt="a knight before a dragon, and two crows",
    scene=Scene(
        things=(KNIGHT, Thing(id="d", name="dragon"), Thing(id="2", name="crow", count=2)),
    ),
    regions=(
        Region(
            id="front", shows=("k",), prompt="a knight facing a dragon", box=Box(0, 0, 0.5, 1), z=3
        ),
        Region(id="3", shows=("d",), prompt="a Red Dragon", box=Box(0.5, 0, 1, 1)),
        Region(
            id="sky",
            prompt="",
            box=Box(0, 0, 1, 0.4),
            z=1,
            children=(
                Region(id="crow-1", shows=("2",), prompt="a crow", box=Box(0, 0, 0.2, 0.2)),
                Region(id="crow-2", shows=("2",), prompt="a crow", box=Box(0.8, 0, 1, 0.2)),
            ),
        ),
    ),
)


@pytest.mark.parametrize(
    ("name", "meant"),
    [
        ("front", "front"),
        ("crow-2", "crow-2"),
        (1, "3"),  # painted first
        ("2", "crow-1"),
        (" 4 ", "front"),
        ("3", "3"),  # an id goes before a number
        ("k", "front"),
        ("the knight", "front"),
        ("Silver Knight", "front"),
        ("the dragon", "3"),  # what is shown goes before what a text mentions
        ("red dragon", "3"),
        ("facing", "front"),
    ],
)
def test_what_is_meant(name: str | int, meant: str) -> None:
    assert region_named(PLAN, name).id == meant


@pytest.mark.parametrize("name", ["princess", "knigh", "", "the", 0, 5, -1, "sky"])
def test_what_is_not_there(name: str | int) -> None:
    with pytest.raises(SettingsError) as caught:
        region_named(PLAN, name)
    assert str(caught.value) == (
        f"no region {name!r}; there are: 1 '3' (a Red Dragon), 2 'crow-1' (a crow), "
        "3 'crow-2' (a crow), 4 'front' (a knight facing a dragon)"
    )


def test_what_may_be_several() -> None:
    with pytest.raises(SettingsError, match="'crow-1', 'crow-2': name its id"):
        region_named(PLAN, "the crow")


def test_a_plan_without_regions_and_one_with_many() -> None:
    with pytest.raises(SettingsError, match="no regions"):
        region_named(Plan(prompt="a meadow"), 1)
    many = tuple(Region(id=f"r{i}", prompt="words " * 900, box=Box(0, 0, 1, 1)) for i in range(60))
    with pytest.raises(SettingsError, match="and 48 more") as caught:
        region_named(Plan(prompt="a crowd", regions=many), "gone " * 900)
    assert len(str(caught.value)) < 1000
