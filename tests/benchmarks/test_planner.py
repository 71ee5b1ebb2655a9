"""The planner benchmark on all of its prompts."""

from __future__ import annotations

import json
from typing import Any

import pytest
import typer
from typer.testing import CliRunner

from benchmarks import planner
from benchmarks.compbench import CATEGORIES, Verdict
from rpg.plans.plan import Plan

app = typer.Typer()
app.command()(planner.main)


@pytest.fixture(scope="module")
def rows() -> dict[str, dict[str, Any]]:
    """What `python -m benchmarks.planner --json` says, by category."""
    done = CliRunner().invoke(app, ["--json"])
    assert done.exit_code == 0, done.output
    return {row["category"]: row for row in json.loads(done.output)}


def test_every_category_is_there(rows: dict[str, dict[str, Any]]) -> None:
    assert tuple(rows) == CATEGORIES
    assert all(row["prompts"] == 300 for row in rows.values())


def test_every_plan_is_valid(rows: dict[str, dict[str, Any]]) -> None:
    assert all(row["valid"] == row["prompts"] for row in rows.values())


@pytest.mark.parametrize("category", ["color", "shape", "texture", "numeracy", "spatial"])
def test_97_of_100_plans_do_what_the_prompt_asks_for(
    rows: dict[str, dict[str, Any]], category: str
) -> None:
    row = rows[category]
    assert row["judged"] >= 0.95 * row["prompts"]
    assert row["right"] <= row["judged"]
    assert row["share"] >= 0.97
    assert row["share"] == round(row["right"] / row["judged"], 4)


@pytest.mark.parametrize("category", ["3d_spatial", "complex", "non_spatial"])
def test_the_harder_categories_do_not_fall_far_behind(
    rows: dict[str, dict[str, Any]], category: str
) -> None:
    assert rows[category]["share"] >= 0.95
    assert rows[category]["judged"] >= 200


def test_planning_takes_milliseconds(rows: dict[str, dict[str, Any]]) -> None:
    assert all(row["ms_per_prompt"] < 100 for row in rows.values())


def test_failures_are_shown_with_their_reason(monkeypatch: pytest.MonkeyPatch) -> None:
    def wrong(category: str, prompt: str, plan: Plan) -> Verdict:
        return Verdict(True, "far too blue")

    monkeypatch.setattr(planner, "CATEGORIES", ("spatial",))
    monkeypatch.setattr(planner, "judge", wrong)
    done = CliRunner().invoke(app, ["--failures", "3"])
    assert done.output.count("far too blue") == 3
    assert "0.0%" in done.output
