"""Forge Couple's prompts: lines, table and weights, and back to the same plan."""

from __future__ import annotations

import json
import re

import pytest
from hypothesis import given

from rpg.dialects import forge_couple
from rpg.errors import PlanError
from rpg.plans.geometry import Box
from rpg.plans.plan import Plan, Region
from rpg.plans.scene import Scene
from tests.dialects.plans import FREE, told, whole

LEFT, RIGHT, MIDDLE = Box(0, 0, 0.5, 1), Box(0.5, 0, 1, 1), Box(0.25, 0, 0.75, 1)
FOX, OWL = Region(id="f", prompt="a fox", box=LEFT), Region(id="o", prompt="an owl", box=RIGHT)


def data(lines: str, mode: str, **pairs: str) -> str:
    said = ", ".join(f'forge_couple_{name}: "{value}"' for name, value in pairs.items())
    return (
        f"{lines}\nSteps: 20, Size: 512x768, forge_couple: True, forge_couple_mode: {mode}, {said}"
    )


def regions(text: str) -> list[tuple[str, tuple[float, ...], float | None]]:
    found = forge_couple.read(text).regions
    return [
        (one.prompt, (one.box.x0, one.box.y0, one.box.x1, one.box.y1), one.base_ratio)
        for one in found
    ]


@given(FREE)
def test_free_boxes_come_back(plan: Plan) -> None:
    again = forge_couple.read(forge_couple.write(plan).text)
    assert told(again) == told(plan)
    assert whole(again) == whole(plan)


def test_a_line_and_a_row_for_the_base_prompt_and_each_region() -> None:
    plan = Plan(prompt="two", regions=(FOX, OWL), base_ratio=0.2, negative="blurry")
    text, lost = forge_couple.write(plan)
    assert text.splitlines()[:4] == ["two", "a fox", "an owl", "Negative prompt: blurry"]
    table = re.search(r'mapping: "(.*)"', text)
    assert table is not None
    assert json.loads(table[1]) == [
        [0, 1, 0, 1, 0.2], [0, 0.5, 0, 1, 0.8], [0.5, 1, 0, 1, 0.8],
    ]  # fmt: skip
    assert lost == ()


def test_what_it_does_not_say_is_named() -> None:
    middle = Region(id="m", prompt="a moon", box=MIDDLE, base_ratio=0)
    plan = Plan(prompt="two", scene=Scene(style="oil painting"), regions=(FOX, middle))
    lost = forge_couple.write(plan).lost
    assert [
        word for word in ("0.05", "overlap", "oil painting") if any(word in one for one in lost)
    ]
    assert len(lost) == 3


def test_tiles_and_the_line_under_them() -> None:
    lines = "two\na fox\n\nan owl"
    first = {"background": "First Line", "background_weight": "0.25", "direction": "Vertical"}
    assert regions(data(lines, "Basic", **first)) == [
        ("a fox", (0, 0, 1, 0.5), 0.2),
        ("an owl", (0, 0.5, 1, 1), 0.2),
    ]
    last = data("a fox~ \nan owl~two", "Basic", background="Last Line", separator="~")
    assert regions(last) == [
        ("a fox", (0, 0, 0.5, 1), 0.333333),
        ("an owl", (0.5, 0, 1, 1), 0.333333),
    ]
    assert forge_couple.read(last).prompt == "two"
    assert forge_couple.read(last).aspect == pytest.approx(2 / 3)


def test_lines_without_settings_are_columns() -> None:
    assert regions("a fox\nan owl") == [
        ("a fox", (0, 0, 0.5, 1), 0),
        ("an owl", (0.5, 0, 1, 1), 0),
    ]


def test_a_table_without_a_base_row_has_no_base_prompt() -> None:
    table = "[[0, 0.5, 0, 1, 1], [0.5, 1, 0, 1, 1]]"
    found = regions(data("a fox\nan owl", "Advanced", mapping=table))
    assert [ratio for _, _, ratio in found] == [0, 0]


@pytest.mark.parametrize(
    ("text", "words"),
    [
        (data("a", "Advanced", mapping="[[0, 1, 0, 1]]"), "table is none"),
        (data("a", "Advanced", mapping="[[0, 1, 0, 1, -1]]"), "table is none"),
        (data("a", "Advanced", mapping="["), "table is none"),
        (data("a", "Advanced", mapping="[[0, 1, 0, 1, 1], [0, 1, 0, 1, 1]]"), "2 rows for 1 lines"),
        (data("a", "Advanced", mapping="[[0, 0, 0, 1, 1]]"), "box"),
        (data("a", "Mask"), "painted"),
        ("\n\nSteps: 20, forge_couple: True", "no lines"),
    ],
)
def test_what_is_none_is_refused(text: str, words: str) -> None:
    with pytest.raises(PlanError, match=words):
        forge_couple.read(text)


def test_a_word_that_the_web_ui_obeys_and_a_plan_without_regions_are_refused() -> None:
    plan = Plan(prompt="a AND b", regions=(FOX,))
    with pytest.raises(PlanError, match="the base prompt has the word AND"):
        forge_couple.write(plan)
    with pytest.raises(PlanError, match="no regions"):
        forge_couple.write(Plan(prompt="a"))
