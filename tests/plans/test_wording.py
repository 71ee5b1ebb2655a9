"""The texts that a plan is drawn from."""

from __future__ import annotations

from typing import Any

import pytest

from rpg.plans.geometry import FULL, Box
from rpg.plans.plan import Plan, Region, encode_mask
from rpg.plans.scene import Scene, Thing
from rpg.plans.wording import worded

LEFT, RIGHT = Box(0, 0, 0.5, 1), Box(0.5, 0, 1, 1)
NIGHT = Scene(setting="at night", style="oil painting, soft light", absent=("people",))
STAR = Region(id="star", prompt="a red star", box=LEFT)


def plan(*regions: Region, scene: Scene = NIGHT, **words: Any) -> Plan:
    return Plan(prompt="a star", scene=scene, regions=regions, **words)


def words(count: int) -> Any:
    return lambda text: len(text.replace(",", "").split()) <= count


def test_setting_and_style_are_said_in_every_region_and_alone_where_none_lies() -> None:
    said = worded(plan(STAR, Region(id="moon", prompt="a moon", box=Box(0.5, 0, 1, 0.5))))
    assert said.regions == (
        "a red star at night, oil painting, soft light",
        "a moon at night, oil painting, soft light",
    )
    assert said.leftover == "at night, oil painting, soft light"
    assert said.shortened == ()


def test_a_plan_without_a_scene_is_drawn_as_its_texts_stand() -> None:
    said = worded(plan(STAR, scene=Scene()), empty="on a plain background")
    assert said.regions == ("a red star",) and said.leftover == ""
    assert plan(STAR, scene=Scene()).effective_base_prompt == "a star"


def test_things_without_a_setting_leave_what_the_model_knows_as_empty() -> None:
    scene = Scene(things=(Thing(id="star", name="star"),))
    assert worded(plan(STAR, scene=scene), empty="on a plain background").leftover == (
        "on a plain background"
    )
    assert worded(plan(STAR, scene=scene)).leftover == ""


@pytest.mark.parametrize(
    ("boxes", "covered"),
    [
        ((FULL,), True),
        ((LEFT, RIGHT), True),
        ((LEFT, Box(0.4, 0, 1, 0.6), Box(0.5, 0.6, 1, 1)), True),
        ((LEFT, Box(0.5, 0, 1, 0.99)), False),
        ((Box(0.1, 0.1, 0.9, 0.9),), False),
    ],
)
def test_nothing_is_left_over_where_regions_cover_the_canvas(
    boxes: tuple[Box, ...], covered: bool
) -> None:
    regions = (Region(id=str(n), prompt="x", box=box) for n, box in enumerate(boxes))
    assert (worded(plan(*regions)).leftover == "") is covered


def test_a_painted_region_leaves_room() -> None:
    from PIL import Image

    painted = encode_mask(Image.new("L", (4, 4), 255))
    assert worded(plan(Region(id="a", prompt="x", box=FULL, mask=painted))).leftover


def test_no_regions_leave_no_rest_and_a_container_has_no_text() -> None:
    assert worded(plan()).leftover == "" and worded(plan()).regions == ()
    room = Region(id="room", prompt="", box=FULL, children=(STAR,))
    assert len(worded(plan(room)).regions) == 1


@pytest.mark.parametrize(
    ("room", "text", "gone"),
    [
        (9, "a red star at night, oil painting, soft light", ""),
        (8, "a red star at night, oil painting", "soft light"),
        (5, "a red star at night", "oil painting, soft light"),
        (4, "a red star", "at night, oil painting, soft light"),
        (2, "a red star at night, oil painting, soft light", ""),  # goes in pieces, nothing is lost
    ],
)
def test_style_and_then_setting_give_way_and_that_is_said(room: int, text: str, gone: str) -> None:
    said = worded(plan(STAR), words(room))
    assert said.regions == (text,)
    assert len(said.shortened) == bool(gone)
    assert all(f'"star" is drawn without "{gone}"' in one for one in said.shortened)


def test_the_whole_picture_is_told_setting_style_and_what_is_absent() -> None:
    made = plan(STAR, negative="fog")
    assert made.effective_base_prompt == "a star at night, oil painting, soft light"
    assert made.effective_negative == "fog, people"
    kept = plan(STAR, base_prompt="one star at night")
    assert kept.effective_base_prompt == "one star at night, oil painting, soft light"


@pytest.mark.parametrize(
    ("prompt", "setting", "style", "wanted"),
    [
        ("a man in a night cap", "night", "", "a man in a night cap, night"),
        ("a girl holding an oil painting", "", "oil painting",
         "a girl holding an oil painting, oil painting"),
        ("a garden gnome", "garden", "watercolor", "a garden gnome, garden, watercolor"),
        ("a fox at night, asleep", "at night", "", "a fox at night, asleep"),
        ("an oil painting of a fox", "", "oil painting", "an oil painting of a fox"),
        ("a fox in a foggy forest", "foggy forest", "", "a fox in a foggy forest"),
        ("night, a fox", "night", "ink", "night, a fox, ink"),
    ],
)  # fmt: skip
def test_setting_and_style_are_left_out_only_where_they_are_told(
    prompt: str, setting: str, style: str, wanted: str
) -> None:
    made = plan(
        Region(id="a", prompt=prompt, box=LEFT), scene=Scene(setting=setting, style=style)
    ).with_words(prompt=prompt)
    assert worded(made).regions == (wanted,)
    assert made.effective_base_prompt == wanted


def test_the_base_prompt_names_no_place_twice() -> None:
    def base(prompt: str, setting: str) -> str:
        return Plan(prompt=prompt, scene=Scene(setting=setting)).effective_base_prompt

    told = "A bathroom with two sinks"
    assert base(told, "in a bathroom") == told
    assert base(told, "in a bathroom at night") == f"{told} in a bathroom at night"
    assert base("a star by the sea", "in a sea") == "a star by the sea in a sea"  # short words
