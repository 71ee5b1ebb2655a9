"""The benchmark of the loop: costs, intervals, and one prompt in few steps of the bundled model."""

from __future__ import annotations

import re

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from benchmarks.cases import make_cases, wide_cases
from benchmarks.loop import ROUNDS, SETS, Trial, gain, row_of, trial
from rpg.defaults import of_model
from rpg.pipeline import RPGPipeline
from rpg.plans.wording import worded
from rpg.settings import GenerationSettings
from rpg.toybox import weights_path


@given(st.lists(st.tuples(st.booleans(), st.booleans()), min_size=1, max_size=30))
def test_an_interval_holds_its_difference(pairs: list[tuple[bool, bool]]) -> None:
    ours, theirs = zip(*pairs, strict=True)
    by, low, high = gain(ours, theirs)
    assert -1 <= low <= by <= high <= 1
    assert gain(theirs, ours)[0] == -by
    assert gain(ours, ours) == (0, 0, 0)


def test_a_sure_gain_has_no_width_and_more_prompts_a_narrower_one() -> None:
    assert gain([True] * 9, [False] * 9) == (1, 1, 1)
    few, many = (gain([True, False] * n, [False] * 2 * n) for n in (5, 50))
    assert few[2] - few[1] > many[2] - many[1] > 0


def test_rows_are_means() -> None:
    of = [Trial(True, False, True, 1.5, 1.2), Trial(True, True, False, 2.5, 1.4)]
    row = row_of("usual", "4", 2, of)
    assert (row.right, row.best_of, row.best_of_pixels) == (1, 0.5, 0.5)
    assert (row.evaluations, row.pixels, row.gain[0]) == (2, 1.3, 0.5)


def test_one_prompt_is_drawn_by_both_sides() -> None:
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    rpg = RPGPipeline.from_pretrained(weights_path())
    rpg.pipe.set_progress_bar_config(disable=True)
    (case,) = make_cases(1, 4, seed=3)
    found = trial(rpg, case, 5, {"num_inference_steps": 2})
    torch.set_num_threads(threads)
    assert tuple(found) == ROUNDS
    assert found[0].right == found[0].best_of == found[0].best_of_pixels
    assert found[0].evaluations == found[0].pixels == 1
    costs = [found[rounds].evaluations for rounds in ROUNDS]
    assert costs == sorted(costs)


@pytest.mark.parametrize("things", [4, 5, 6])
def test_wide_cases_have_oblong_cells(things: int) -> None:
    defaults = of_model(weights_path(), "sdxl")
    cases = wide_cases(6, things, seed=1)
    assert cases == wide_cases(6, things, seed=1)
    for case in cases:
        for (colour, thing), text in zip(case.kinds, worded(case.plan).regions, strict=True):
            assert re.fullmatch(rf"an? {colour} {thing} (at|in|on) .+", text)
            assert f" {colour} {thing}" in case.prompt
        width, height = defaults.canvas(case.boxes())
        sides = [(box.width * width, box.height * height) for box in case.boxes()]
        assert len(sides) == things
        assert max(max(side) / min(side) for side in sides) >= 1.25


@pytest.mark.parametrize("arm", SETS.values())
def test_the_settings_of_every_set_are_settings(arm: object) -> None:
    settings = getattr(arm, "settings")  # noqa: B009
    assert GenerationSettings(**settings).updated({"seed": 1}).seed == 1
