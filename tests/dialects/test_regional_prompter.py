"""Regional Prompter's prompts: read as the extension reads them, and back to the same plan."""

from __future__ import annotations

import pytest
from hypothesis import given

from rpg.dialects import regional_prompter
from rpg.errors import PlanError
from rpg.plans.geometry import Box
from rpg.plans.plan import Plan, Region
from rpg.plans.scene import Scene
from tests.dialects.plans import FREE, TILED, told, whole

HALF, WHOLE = Box(0, 0, 0.5, 1), Box(0, 0, 1, 1)


def boxes(text: str) -> list[tuple[float, ...]]:
    found = regional_prompter.read(text).regions
    return [
        tuple(round(edge, 4) for edge in (one.box.x0, one.box.y0, one.box.x1, one.box.y1))
        for one in found
    ]


def data(prompt: str, **pairs: str) -> str:
    said = ", ".join(f'RP {name.replace("_", " ")}: "{value}"' for name, value in pairs.items())
    return f"{prompt}\nNegative prompt: blurry\nSteps: 20, Size: 768x512, RP Active: True, {said}"


@given(TILED)
def test_rows_of_columns_come_back(plan: Plan) -> None:
    exported = regional_prompter.write(plan)
    again = regional_prompter.read(exported.text)
    assert told(again) == told(plan)
    assert whole(again) == whole(plan)
    assert exported.lost == ()


@given(FREE)
def test_other_plans_keep_every_text_and_say_what_is_lost(plan: Plan) -> None:
    exported = regional_prompter.write(plan)
    again = regional_prompter.read(exported.text)
    assert sorted(text for text, _, _ in told(again)) == sorted(text for text, _, _ in told(plan))
    assert exported.lost or told(again) == told(plan)


def test_side_by_side_with_a_gap_stays_side_by_side() -> None:
    plan = Plan(
        prompt="two",
        scene=Scene(setting="at night"),
        regions=(
            Region(id="b", prompt="an owl", box=Box(0.6, 0.3, 0.9, 0.7)),
            Region(id="a", prompt="a fox", box=Box(0.1, 0.0, 0.4, 1.0)),
        ),
    )
    exported = regional_prompter.write(plan)
    assert boxes(exported.text) == [(0, 0, 0.5, 1), (0.5, 0, 1, 1)]
    assert exported.text.startswith(
        "two at night ADDBASE\na fox at night ADDCOL\nan owl at night\n"
    )
    (lost,) = exported.lost
    assert "moved" in lost and '"at night"' in lost


# The examples of the extension's own README, in other words.
@pytest.mark.parametrize(
    ("text", "found"),
    [
        (
            data("sky BREAK\ncoat BREAK\nskirt", Ratios="1,2,1"),
            [
                (0, 0, 0.25, 1),
                (0.25, 0, 0.75, 1),
                (0.75, 0, 1, 1),
            ],
        ),
        (
            data("sky BREAK coat BREAK skirt", Ratios="1,2,1", Matrix_submode="Vertical"),
            [
                (0, 0, 1, 0.25),
                (0, 0.25, 1, 0.75),
                (0, 0.75, 1, 1),
            ],
        ),
        (
            data("a ADDCOL b ADDCOL c ADDROW d ADDCOL e", Ratios="1,2,1,1;1,4,6"),
            [
                (0, 0, 0.5, 0.5),
                (0.5, 0, 0.75, 0.5),
                (0.75, 0, 1, 0.5),
                (0, 0.5, 0.4, 1),
                (0.4, 0.5, 1, 1),
            ],
        ),
        (
            data("a BREAK b BREAK c", Ratios="1,1,1;3"),
            [
                (0, 0, 0.5, 0.25),
                (0.5, 0, 1, 0.25),
                (0, 0.25, 1, 1),
            ],
        ),
        (data("a ADDROW b", Ratios="1,3"), [(0, 0, 1, 0.25), (0, 0.25, 1, 1)]),
        (
            data("a ADDCOL b", Ratios="1,3", Matrix_submode="Rows"),
            [
                (0, 0, 0.25, 1),
                (0.25, 0, 1, 1),
            ],
        ),
        (
            data("a ADDROW b ADDCOL c", Ratios="1;1;3,1;1", Matrix_submode="Vertical"),
            [
                (0, 0, 0.5, 0.25),
                (0, 0.25, 0.5, 1),
                (0.5, 0, 1, 1),
            ],
        ),
        (
            data("a BREAK b BREAK c", Ratios="1,1"),
            [
                (0, 0, 0.3333, 1),
                (0.3333, 0, 0.6667, 1),
                (0.6667, 0, 1, 1),
            ],
        ),
        ("a ADDROW b ADDCOL c", [(0, 0, 1, 0.5), (0, 0.5, 0.5, 1), (0.5, 0.5, 1, 1)]),
        (data("a ADDCOL b", Ratios="x;1"), [(0, 0, 0.5, 1), (0.5, 0, 1, 1)]),
    ],
)
def test_shares_are_those_of_the_extension(text: str, found: list[tuple[float, ...]]) -> None:
    assert boxes(text) == found


def test_a_common_prompt_stands_before_every_region_and_a_base_prompt_under_it() -> None:
    plan = regional_prompter.read("best, ADDCOMM two ADDBASE a fox BREAK big ADDCOL an owl")
    assert [one.prompt for one in plan.regions] == ["best, a fox, big", "best, an owl"]
    assert plan.prompt == "two"
    assert [one.base_ratio for one in plan.regions] == [0.2, 0.2]


def test_settings_say_which_parts_are_common_and_base_and_where_and_is_a_break() -> None:
    said = {
        "Use_Common": "True",
        "Use_Base": "True",
        "Change_AND": "True",
        "Base_Ratios": "0.1,0.4",
    }
    plan = regional_prompter.read(data("best BREAK two BREAK a fox AND an owl", **said))
    assert [one.prompt for one in plan.regions] == ["best, a fox", "best, an owl"]
    assert [one.base_ratio for one in plan.regions] == [0.1, 0.4]
    assert (plan.prompt, plan.negative, plan.aspect) == ("two", "blurry", 1.5)


@pytest.mark.parametrize(
    ("options", "found"),
    [("", ["a fox", "an owl"]), ("disable convert 'AND' to 'BREAK'", ["a fox AND an owl"])],
)
def test_newer_versions_take_and_for_a_break_unless_told_not_to(
    options: str, found: list[str]
) -> None:
    text = data("a fox AND an owl", Change_AND="True", Options=options)
    assert [one.prompt for one in regional_prompter.read(text).regions] == found


def test_flipped_ratios_have_their_signs_changed() -> None:
    assert boxes(data("a ADDROW b ADDCOL c", Ratios="1;1,3;1;1", Flip="True")) == boxes(
        data("a ADDROW b ADDCOL c", Ratios="1,1;3,1,1")
    )


@pytest.mark.parametrize("mode", ["Mask", "Prompt"])
def test_regions_without_shares_are_refused(mode: str) -> None:
    with pytest.raises(PlanError, match=f"mode {mode} has no shares"):
        regional_prompter.read(data("a BREAK b", Divide_mode=mode))


def test_without_a_base_prompt_regions_are_drawn_from_their_own_words_alone() -> None:
    plan = regional_prompter.read("a fox ADDCOL an owl")
    assert [one.base_ratio for one in plan.regions] == [0.0, 0.0]


@pytest.mark.parametrize("word", ["BREAK", "ADDCOL", "AND"])
def test_words_that_the_extension_obeys_are_refused(word: str) -> None:
    plan = Plan(prompt="a", regions=(Region(id="x", prompt=f"a {word} b", box=WHOLE),))
    with pytest.raises(PlanError, match=f"region 'x' has the word {word}"):
        regional_prompter.write(plan)


@pytest.mark.parametrize("text", ["a ADDCOL ADDCOL b", " ADDCOL ".join(["a"] * 65)])
def test_empty_or_too_many_regions_are_refused(text: str) -> None:
    with pytest.raises(PlanError):
        regional_prompter.read(text)


def test_no_regions_are_refused() -> None:
    with pytest.raises(PlanError, match="no regions"):
        regional_prompter.write(Plan(prompt="a"))
