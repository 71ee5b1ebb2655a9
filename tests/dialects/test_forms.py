"""All forms in one table, and the one reader that tells them apart."""

from __future__ import annotations

import pytest

from rpg.dialects.forms import FORMS, read
from rpg.errors import PlanError
from rpg.plans.geometry import Box
from rpg.plans.plan import Plan, Region

PLAN = Plan(
    prompt="two",
    base_ratio=0.2,
    regions=(
        Region(id="a", prompt="a fox", box=Box(0, 0, 0.5, 1)),
        Region(id="b", prompt="an owl", box=Box(0.5, 0, 1, 1)),
    ),
)


@pytest.mark.parametrize("form", ["json", "comfyui", "regional-prompter", "forge-couple"])
def test_what_is_written_is_known_and_read(form: str) -> None:
    again = read(FORMS[form](PLAN).text)
    assert [(one.prompt, one.box) for one in again.layers()] == [
        (one.prompt, one.box) for one in PLAN.layers()
    ]
    assert again.prompt == "two"


@pytest.mark.parametrize("form", sorted(FORMS))
def test_no_form_loses_anything_of_a_plan_that_all_can_say(form: str) -> None:
    exported = FORMS[form](PLAN)
    assert "a fox" in exported.text and exported.lost == ()


@pytest.mark.parametrize("text", ["", "a fox", "{}", "[1]"])
def test_other_texts_are_refused(text: str) -> None:
    with pytest.raises(PlanError):
        read(text)
