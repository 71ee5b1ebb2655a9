"""The suite's prompts and its judge, held against pictures that the renderer drew."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace

import pytest
from PIL import Image

from benchmarks.suite.judge import ASPECTS, Verdict, judge, look
from benchmarks.suite.prompts import CATEGORIES, make_items
from benchmarks.suite.truth import CORNERS, Item
from benchmarks.suite.variants import Method, canvas, plan_of
from rpg.defaults import of_model
from rpg.plans.wording import worded
from rpg.toybox import FILLS, PLACES, weights_path
from rpg.toybox.renderer import render
from rpg.toybox.scene import Scene

ITEMS = make_items(50, seed=0)
DEFAULTS = of_model(weights_path(), "sdxl")


def drawn(item: Item) -> Scene:
    return item.scene_of(*canvas(item, DEFAULTS))


def judged(scene: Scene | Image.Image, item: Item) -> Verdict:
    picture = scene if isinstance(scene, Image.Image) else render(scene)
    return judge(look(picture), item)


def first(category: str, **with_: object) -> Item:
    """The first prompt of a category that has these values."""
    return next(
        item
        for item in ITEMS
        if item.category == category
        and all(bool(getattr(item, name)) == value for name, value in with_.items())
    )


def test_prompts_depend_on_the_seed_alone() -> None:
    assert len(ITEMS) == 350 == len({item.id for item in ITEMS})
    assert make_items(50, seed=0) == ITEMS != make_items(50, seed=1)
    assert make_items(3, seed=0) == [item for item in ITEMS if item.number < 3]
    only = make_items(4, seed=0, categories=["scene"])
    assert only == [item for item in ITEMS if item.category == "scene"][:4]


def test_every_category_asks_for_what_it_is_about() -> None:
    totals = {name: {i.total for i in ITEMS if i.category == name} for name in CATEGORIES}
    assert totals["numeracy"] == set(range(2, 10))
    assert totals["complex"] == set(range(4, 10))
    assert set(ASPECTS) == set(CATEGORIES)
    of = {name: [item for item in ITEMS if item.category == name] for name in CATEGORIES}
    assert all(item.relations or item.corners for item in [*of["spatial"], *of["complex"]])
    assert {item.scene for item in of["scene"]} == set(PLACES)
    assert all(len({g.name for g in item.groups}) == len(item.groups) for item in of["shape"])
    assert all(len({g.colour for g in item.groups}) == 1 for item in of["shape"])


@pytest.mark.parametrize("item", ITEMS[::7], ids=lambda item: item.id)
def test_words_layout_and_plan_say_the_same(item: Item) -> None:
    assert len({(g.colour, g.name) for g in item.groups}) == len(item.groups)
    assert all(group.words in item.prompt for group in item.groups)
    assert item.scene is None or item.scene in item.prompt
    cells = Counter(index for index, _ in item.layout)
    assert [cells[i] for i in range(len(item.groups))] == [g.count for g in item.groups]
    assert sum(box.area for _, box in item.layout) == pytest.approx(1)
    regions = item.plan().layers()
    assert [region.box for region in regions] == [box for _, box in item.layout]
    for region, (index, _) in zip(regions, item.layout, strict=True):
        group = item.groups[index]
        assert replace(group, count=1).words in region.prompt
        assert region.prompt.endswith(item.scene or group.name)


def test_the_judge_calls_the_ground_truth_right() -> None:
    some = ITEMS[::5]  # of all categories; the report does it with every prompt
    verdicts = [judged(drawn(item), item) for item in some]
    assert sum(verdict.strict for verdict in verdicts) >= 0.98 * len(some)
    assert all(verdict.score == 1 for verdict in verdicts if verdict.strict)


def test_a_missing_thing_is_missed() -> None:
    for item in ITEMS[:12]:
        scene = drawn(item)
        verdict = judged(replace(scene, things=scene.things[1:]), item)
        assert not verdict.strict and not verdict.nothing_else
        assert verdict.attributes == pytest.approx(1 - 1 / item.total)
        assert verdict.counts < 1


def test_nothing_scores_nothing() -> None:
    for item in ITEMS[:12]:
        verdict = judged(replace(drawn(item), things=()), item)
        assert verdict.score == (0.5 if item.category == "scene" else 0) and not verdict.strict


def test_one_too_many_of_a_kind() -> None:
    item = first("numeracy", scene=False)
    scene = drawn(item)
    extra = replace(scene.things[0], x=36.0, y=36.0, side=60.0)
    crowd = [replace(one, x=one.x + 72, y=one.y + 72) for one in scene.things]
    wider = replace(scene, width=scene.width + 72, height=scene.height + 72)
    verdict = judged(replace(wider, things=(*crowd, extra)), item)
    assert verdict.attributes == 1 and not verdict.nothing_else
    assert verdict.counts == pytest.approx(1 - 0.5 / len(item.groups))


def test_the_wrong_place() -> None:
    item = first("scene")
    other = next(place for place in PLACES if place != item.scene)
    verdict = judged(replace(drawn(item), place=other), item)
    assert (verdict.scene, verdict.score, verdict.strict) == (0, 0.5, False)


@pytest.mark.parametrize("number", range(6))
def test_a_mirrored_picture_keeps_things_and_loses_relations(number: int) -> None:
    item = [item for item in ITEMS if item.category == "spatial"][number]
    scene = drawn(item)
    turned = tuple(
        replace(thing, x=scene.width - thing.x, y=scene.height - thing.y) for thing in scene.things
    )
    verdict = judged(replace(scene, things=turned), item)
    assert (verdict.attributes, verdict.relations, verdict.score) == (1, 0, 0)


def test_things_in_the_wrong_corners() -> None:
    item = first("complex", corners=True)
    scene = drawn(item)
    places = [(thing.x, thing.y) for thing in scene.things]
    moved = [
        replace(thing, x=x, y=y)
        for thing, (x, y) in zip(scene.things, places[1:] + places[:1], strict=True)
    ]
    assert dict(item.corners) == dict(enumerate(CORNERS))
    assert judged(replace(scene, things=tuple(moved)), item).relations == 0


def test_what_is_too_near_in_a_direction_stands_in_none() -> None:
    item = next(i for i in ITEMS if i.category == "spatial" and i.relations[0].way == "left")
    a, b = (item.groups[i] for i in (0, 1))
    thing = drawn(item).things[0]
    things = [
        replace(thing, name=g.name, colour=g.colour, x=x, y=y, side=80.0)
        for g, x, y in ((a, 120.0, 64.0), (b, 132.0, 192.0))
    ]
    level = [replace(things[0], x=64.0, y=128.0), replace(things[1], x=192.0, y=128.0)]
    only = replace(item, relations=item.relations[:1], groups=(a, b))
    assert judged(Scene(256, 256, tuple(things)), only).relations == 0
    assert judged(Scene(256, 256, tuple(level)), only).relations == 1


def test_a_plan_without_the_scene() -> None:
    item = first("scene")
    bare = plan_of(item, Method("rpg", plan="bare"))
    usual = plan_of(item, Method("rpg"))
    assert item.scene is not None
    texts = zip(worded(bare).regions, worded(usual).regions, strict=True)
    assert all(item.scene in other and item.scene not in one for one, other in texts)
    assert bare.regions == usual.regions
    assert plan_of(item, Method("plain")).regions == ()
    unplaced = first("color", scene=False)
    assert plan_of(unplaced, Method("rpg", plan="bare")) == plan_of(unplaced, Method("rpg"))


def test_patterns_are_asked_for_and_judged() -> None:
    items = [item for item in ITEMS if item.category == "pattern"]
    assert {group.fill for item in items for group in item.groups} == set(FILLS) - {"plain"}
    for item in items[:6]:
        scene = drawn(item)
        plain = tuple(replace(thing, fill="plain") for thing in scene.things)
        assert judged(scene, item).strict
        assert judged(replace(scene, things=plain), item).score == 0
