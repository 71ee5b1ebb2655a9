"""Instructions change the data that they name; everything else is the same to the letter."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rpg.planners.rules.lifting import lifted
from rpg.plans.geometry import Box, grid
from rpg.plans.plan import Plan, Region
from rpg.plans.scene import Relation, Scene, Thing
from rpg.plans.wording import worded
from tests.planners.rules.commands.helpers import PLANS, follows, prompts, regions, told

NOUNS = ("star", "cat", "house", "boat", "teapot", "owl")
PLACES = ("", "in a garden", "on the beach", "snowy mountain pass, drifting fog")
STYLES = ("", "oil painting, soft light", "35mm photo", "highly detailed")


@st.composite
def plans(draw: st.DrawFn) -> Plan:
    """One to four kinds of things on a grid, worded as a stranger might, some of them several."""
    nouns = draw(st.lists(st.sampled_from(NOUNS), min_size=2, max_size=4, unique=True))
    counts = [draw(st.integers(1, 2)) for _ in nouns]
    looks = [draw(st.sampled_from(["red", "small wooden", "light grey"])) for _ in nouns]
    boxes = iter(grid(2, 4))
    things = tuple(
        Thing(id=f"t-{noun}", name=noun, attributes=(look, "asleep"), count=count)
        for noun, look, count in zip(nouns, looks, counts, strict=True)
    )
    made = tuple(
        Region(id=f"{noun}-{n}", shows=(f"t-{noun}",), prompt=f"A {look} {noun}, asleep",
               box=next(boxes))
        for noun, look, count in zip(nouns, looks, counts, strict=True) for n in range(count)
    )  # fmt: skip
    kind = draw(st.sampled_from(["left of", "near", "between"]))
    objects = tuple(f"t-{noun}" for noun in nouns[1:])
    scene = Scene(
        setting=draw(st.sampled_from(PLACES)),
        style=draw(st.sampled_from(STYLES)),
        things=things,
        relations=(Relation(subject=f"t-{nouns[0]}", kind=kind, objects=objects),),
        absent=("people",),
    )
    return Plan(prompt="a picture", scene=scene, regions=made, base_prompt="as told")


def same_but(before: Plan, after: Plan, **changed: object) -> None:
    """Whether plans are alike but for the texts of the whole and these values of the scene."""
    texts = {"prompt": after.prompt, "base_prompt": after.base_prompt}
    scene = before.scene.model_copy(update=changed)
    assert before.model_copy(update={**texts, "scene": scene}) == after


@given(plans())
def test_a_setting_changes_one_field(plan: Plan) -> None:
    after = follows(plan, "make it night")
    assert after.scene.setting.endswith("at night")
    same_but(plan, after, setting=after.scene.setting)
    again = follows(after, "make it day")
    assert "night" not in again.scene.setting
    same_but(plan, again, setting=again.scene.setting)


@given(plans())
def test_a_style_changes_one_field_and_keeps_what_is_no_medium(plan: Plan) -> None:
    after = follows(plan, "make it a watercolor")
    kept = {"oil painting, soft light": "soft light, ", "highly detailed": "highly detailed, "}
    style = f"{kept.get(plan.scene.style, '')}watercolor"
    same_but(plan, after, style=style)


@given(plans(), st.data())
def test_looks_are_those_of_the_one_thing(plan: Plan, data: st.DataObject) -> None:
    thing = data.draw(st.sampled_from(plan.scene.things))
    after = follows(plan, f"make the {thing.name}{'s' * (thing.count == 2)} blue")
    new = after.scene.thing(thing.id)
    assert new and "blue" in new.attributes and "asleep" in new.attributes
    assert not {"red", "light grey"} & set(new.attributes)
    assert new.count == thing.count
    others = [one for one in plan.scene.things if one != thing]
    assert [one for one in after.scene.things if one != new] == others
    assert after.scene.relations == plan.scene.relations
    for name, region in regions(plan).items():
        now = regions(after)[name]
        if region.shows == (thing.id,):
            assert "blue" in now.prompt and now.prompt.endswith(", asleep")
            region = region.model_copy(update={"prompt": now.prompt})
        assert now == region


@given(plans(), st.data())
def test_one_of_two_becomes_a_thing_of_its_own(plan: Plan, data: st.DataObject) -> None:
    name = data.draw(st.sampled_from(sorted(regions(plan))))
    old = plan.scene.thing(*regions(plan)[name].shows)
    after = follows(plan, f"make {name} green")
    now = after.scene.thing(*regions(after)[name].shows)
    assert old and now and "green" in now.attributes and now.count == 1
    if old.count == 2:
        left = after.scene.thing(old.id)
        assert left and left.attributes == old.attributes and left.count == 1
    else:
        assert now.id == old.id


@given(plans(), st.data())
def test_what_goes_takes_its_thing_along_and_nothing_else(plan: Plan, data: st.DataObject) -> None:
    thing = data.draw(st.sampled_from(plan.scene.things))
    after = follows(plan, f"remove all {thing.name}s")
    left = {name: one for name, one in regions(plan).items() if thing.id not in one.shows}
    assert regions(after) == left
    assert after.scene.things == tuple(one for one in plan.scene.things if one != thing)
    named = {name for one in plan.scene.relations for name in (one.subject, *one.objects)}
    assert after.scene.relations == (() if thing.id in named else plan.scene.relations)


@given(plans())
@settings(max_examples=40)
def test_what_comes_is_a_thing_in_a_region_without_the_setting(plan: Plan) -> None:
    after = follows(plan, "add a purple moon")
    (new,) = [one for one in after.scene.things if one not in plan.scene.things]
    assert (new.name, new.attributes, new.count) == ("moon", ("purple",), 1)
    (region,) = after.shown_by(new.id)
    assert region.prompt == "a purple moon"
    for name, old in regions(plan).items():  # others may make room
        assert regions(after)[name].model_copy(update={"box": old.box}) == old
    same_but(plan, after.model_copy(update={"regions": plan.regions}), things=after.scene.things)


def test_relations_come_and_go_with_the_places_that_words_give() -> None:
    def said(plan: Plan) -> set[tuple[str, str, tuple[str, ...]]]:
        return {(one.subject, one.kind, one.objects) for one in plan.scene.relations}

    assert said(PLANS["pair"]) == {("star", "left of", ("circle",))}
    assert said(told("pair", "swap the star and the circle")) == set()
    assert said(told("pair", "move the star to the right of the circle")) == {
        ("star", "right of", ("circle",))
    }
    assert said(told("pair", "add a moon above the circle")) == {
        ("star", "left of", ("circle",)), ("moon", "above", ("circle",)),
    }  # fmt: skip


def test_numbers_follow_the_regions() -> None:
    def numbers(plan: Plan) -> dict[str, int | None]:
        return {thing.id: thing.count for thing in plan.scene.things}

    assert numbers(PLANS["sky"]) == {"star": 3, "moon": 1}
    assert numbers(told("sky", "two more stars")) == {"star": 5, "moon": 1}
    assert numbers(told("sky", "one star less")) == {"star": 2, "moon": 1}
    assert numbers(told("sky", "make the top left star blue")) == {
        "star": 2, "moon": 1, "star-2": 1,
    }  # fmt: skip
    assert numbers(told("sky", "make the stars blue")) == {"star": 3, "moon": 1}


def test_what_stands_inside_belongs_to_what_is_around_it() -> None:
    inside = told("village", "add a dog inside the house")
    assert inside.scene.thing("dog") == Thing(id="dog", name="dog", owner="house")
    out = follows(inside, "take the dog out of the house")
    assert out.scene.thing("dog") == Thing(id="dog", name="dog")


def test_the_named_one_of_two_things_in_a_region_changes() -> None:
    scene = Scene(
        setting="on a heath",
        things=(Thing(id="k", name="knight"), Thing(id="h", name="horse", attributes=("brown",))),
    )
    rider = Region(
        id="r", shows=("k", "h"), prompt="a knight on a brown horse", box=Box(0, 0, 1, 1)
    )
    after = follows(Plan(prompt="x", scene=scene, regions=(rider,)), "make the horse white")
    assert prompts(after) == {"r": "a knight on a white horse on a heath"}
    assert [one.attributes for one in after.scene.things] == [(), ("white",)]


def test_places_of_single_regions_give_way_to_the_one_of_all() -> None:
    plan = Plan(
        prompt="a cat in a kitchen, a dog in a garden",
        regions=(
            Region(id="cat", prompt="a cat in a kitchen", box=Box(0, 0, 0.5, 1)),
            Region(id="dog", prompt="a dog in a garden", box=Box(0.5, 0, 1, 1)),
        ),
    )
    after = follows(plan, "put it on the beach")
    assert prompts(after) == {"cat": "a cat on the beach", "dog": "a dog on the beach"}
    assert "kitchen" not in after.effective_base_prompt


def test_a_picture_drawn_without_regions_stays_when_something_comes() -> None:
    plan = Plan(prompt="un chat noir")
    assert follows(plan, "make it night").effective_base_prompt == "un chat noir at night"
    after = follows(plan, "add a moon")
    assert [region.prompt for region in after.layers()] == ["un chat noir", "a moon"]


# Plans without a scene ----------------------------------------------------------------------------


def old(*texts: str) -> Plan:
    boxes = grid(1, len(texts))
    made = (Region(id=f"r{n}", prompt=text, box=boxes[n]) for n, text in enumerate(texts))
    return Plan(prompt="as it was", regions=tuple(made))


@pytest.mark.parametrize(
    ("texts", "setting", "style", "own"),
    [
        (("a red star at night", "a cat at night"), "at night", "", ["a red star", "a cat"]),
        (("a star in a garden at dusk, watercolor", "a star in a garden at dusk, watercolor"),
         "in a garden at dusk", "watercolor", ["a star", "a star"]),
        (("a cat in a kitchen", "a dog in a garden"), "", "", ["a cat in a kitchen",
                                                              "a dog in a garden"]),
        (("a cat on the beach",), "on the beach", "", ["a cat"]),
        (("At night, a cat", "At night, a dog"), "", "", ["At night, a cat", "At night, a dog"]),
    ],
)  # fmt: skip
def test_what_all_share_is_lifted_and_the_drawing_stays(
    texts: tuple[str, ...], setting: str, style: str, own: list[str]
) -> None:
    plan = old(*texts)
    made = lifted(plan)
    assert (made.scene.setting, made.scene.style) == (setting, style)
    assert [region.prompt for region in made.layers()] == own
    assert worded(made).regions == worded(plan).regions == texts
    assert lifted(made) is made


def test_things_are_read_from_what_people_typed() -> None:
    made = lifted(
        old("a small red star at night", "a small red star at night", "two cats at night")
    )
    assert made.scene.things == (
        Thing(id="star", name="star", attributes=("small", "red"), count=2),
        Thing(id="cat", name="cat", count=2),
    )
    assert [region.shows for region in made.layers()] == [("star",), ("star",), ("cat",)]


@given(st.lists(st.text(min_size=1, max_size=40).filter(str.strip), min_size=1, max_size=4))
def test_any_words_can_be_lifted(texts: list[str]) -> None:
    plan = old(*texts)
    assert worded(lifted(plan)).regions == worded(plan).regions
