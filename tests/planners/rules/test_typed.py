"""What is typed into a region by hand reaches the scene."""

from __future__ import annotations

import pytest

from rpg.planners.rules.typed import typed_addition, typed_words
from rpg.plans.edits import apply
from rpg.plans.geometry import Box, grid
from rpg.plans.plan import Plan, Region
from rpg.plans.scene import Relation, Scene, Thing

STAR = Thing(id="star", name="star", attributes=("red",))
CAT = Thing(id="cat", name="cat", attributes=("white",), count=2)
ABOVE = Relation(subject="star", kind="above", objects=("cat",))


@pytest.fixture
def plan() -> Plan:
    """A red star above two white cats, at night."""
    shown = (("star", "a red star"), ("cat", "a white cat"), ("cat", "a white cat"))
    regions = tuple(
        Region(id=f"r{n}", shows=(name,), prompt=words, box=box)
        for n, ((name, words), box) in enumerate(zip(shown, grid(1, 3), strict=True))
    )
    scene = Scene(setting="at night", things=(STAR, CAT), relations=(ABOVE,))
    return Plan(prompt="p", scene=scene, regions=regions)


def typed(plan: Plan, at: int, words: str) -> Plan:
    return apply(plan, typed_words(plan, plan.regions[at], words))


def things(plan: Plan) -> dict[str, tuple[str, tuple[str, ...], int | None]]:
    return {one.id: (one.name, one.attributes, one.count) for one in plan.scene.things}


def test_other_looks_stay_the_same_thing(plan: Plan) -> None:
    after = typed(plan, 0, "a green star")
    assert things(after)["star"] == ("star", ("green",), 1)
    assert after.scene.relations == (ABOVE,)
    assert after.regions[0].prompt == "a green star" and after.regions[0].shows == ("star",)


def test_another_thing_takes_its_place_and_relations_go(plan: Plan) -> None:
    after = typed(plan, 0, "a blue moon")
    assert things(after) == {"cat": ("cat", ("white",), 2), "moon": ("moon", ("blue",), 1)}
    assert after.scene.relations == () and after.regions[0].shows == ("moon",)


def test_one_of_several_becomes_a_thing_of_its_own(plan: Plan) -> None:
    after = typed(plan, 2, "a black cat")
    assert things(after) == {
        "star": ("star", ("red",), 1),
        "cat": ("cat", ("white",), 1),
        "cat-2": ("cat", ("black",), 1),
    }
    assert [one.shows for one in after.regions] == [("star",), ("cat",), ("cat-2",)]
    assert after.scene.relations == (ABOVE,)


def test_more_words_for_the_same_thing_change_nothing_else(plan: Plan) -> None:
    after = typed(plan, 1, "a white cat")
    assert after.scene == plan.scene and after.regions[1].shows == ("cat",)


def test_words_that_name_nothing_show_nothing(plan: Plan) -> None:
    after = typed(plan, 0, "glittering")
    assert after.regions[0].prompt == "glittering"
    assert "cat" in things(after)


def test_a_region_that_is_drawn_brings_its_things(plan: Plan) -> None:
    new = Region(id="new", prompt="a blue cup on a table", box=Box(0, 0, 0.5, 0.5))
    after = apply(plan, [typed_addition(plan, new)])
    assert things(after)["cup"] == ("cup", ("blue",), 1)
    assert "cup" in after.regions[-1].shows


def test_a_plan_without_things_stays_without(plan: Plan) -> None:
    bare = Plan(prompt="p", regions=(Region(id="a", prompt="a star", box=Box(0, 0, 1, 1)),))
    assert apply(bare, typed_words(bare, bare.regions[0], "a moon")).scene == Scene()
    new = Region(id="b", prompt="a cup", box=Box(0, 0, 0.5, 1))
    assert apply(bare, [typed_addition(bare, new)]).scene == Scene()


def test_parts_that_are_still_named_and_longer_names_stay() -> None:
    man = Thing(id="m", name="man")
    hat = Thing(id="h", name="hat", attributes=("red",), owner="m")
    balloon = Thing(id="b", name="hot air balloon")
    above = Relation(subject="b", kind="above", objects=("m",))
    left, right = grid(1, 2)
    regions = (
        Region(id="r0", shows=("m", "h"), prompt="a man with a red hat", box=left),
        Region(id="r1", shows=("b",), prompt="a hot air balloon", box=right),
    )
    scene = Scene(things=(man, hat, balloon), relations=(above,))
    start = Plan(prompt="p", scene=scene, regions=regions)
    smiling = typed(start, 0, "a man with a red hat, smiling")
    assert smiling.regions[0].shows == ("m", "h") and {"m", "h"} <= things(smiling).keys()
    glowing = typed(start, 1, "a striped balloon, glowing")
    assert things(glowing)["b"][0] == "hot air balloon"
    assert glowing.scene.relations == (above,)
