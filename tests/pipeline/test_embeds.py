"""Embeddings in the place of a plan's base prompt; and weights, in a call and in its record."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor

from rpg.diffusion.text import Encoder
from rpg.errors import SettingsError
from rpg.metadata import a1111
from rpg.pipeline import RPGOutput, RPGPipeline
from rpg.planners import RulePlanner
from rpg.plans.plan import Plan
from tests.pipeline.helpers import QUICK, HalvesPlanner, called, columns, same
from tests.tiny import tiny_sd15

PLAN = columns("a (red:1.3) star", ["a star", "a (moon:1.2)"])
NEGATIVE = "a [blur]"


def embeds(pipe: Any, *texts: str, side: str = "") -> dict[str, Tensor]:
    """The texts as a call takes them."""
    found = Encoder(pipe, texts, [""] * len(texts)).regions("cpu")
    given = {f"{side}prompt_embeds": found.prompts}
    if found.pooled is not None:
        given[f"{side}pooled_prompt_embeds"] = found.pooled
    return given


@pytest.fixture(params=["sdxl", "sd15"])
def any_rpg(request: pytest.FixtureRequest, rpg: RPGPipeline) -> RPGPipeline:
    if request.param == "sdxl":
        return rpg
    return RPGPipeline.from_pipe(tiny_sd15(), planner=HalvesPlanner())


def test_embeddings_draw_what_their_words_draw(any_rpg: RPGPipeline) -> None:
    words = called(any_rpg, plan=PLAN, negative_prompt=NEGATIVE, seed=1, num_images_per_prompt=2)
    given = embeds(any_rpg.pipe, PLAN.prompt)
    both = given | embeds(any_rpg.pipe, NEGATIVE, side="negative_")
    asked = {"plan": PLAN.model_copy(update={"base_prompt": "another"}), "seed": 1}
    for extra in (given | {"negative_prompt": NEGATIVE}, both, both | {"negative_prompt": "x"}):
        output = called(any_rpg, **asked, **extra, num_images_per_prompt=2)
        pairs = zip(output.images, words.images, strict=True)
        assert all(same(one, other, tolerance=1) for one, other in pairs)
    assert set(output.records[0].needs) == set(both)
    assert not same(called(any_rpg, **asked).images[0], words.images[0], tolerance=1)


def test_every_plan_has_its_row(rpg: RPGPipeline) -> None:
    plans = [PLAN, columns("a green tree", ["a tree", "a cat"])]
    words = called(rpg, plan=plans, seed=1)
    given = embeds(rpg.pipe, *(plan.prompt for plan in plans))
    output = called(rpg, plan=plans, seed=1, **given)
    pairs = zip(output.images, words.images, strict=True)
    assert all(same(one, other, tolerance=1) for one, other in pairs)
    one_row = called(rpg, plan=plans, seed=1, **embeds(rpg.pipe, PLAN.prompt))
    assert same(one_row.images[0], words.images[0], tolerance=1)


@pytest.mark.parametrize(
    ("without", "changes", "says"),
    [
        ("plan", {"prompt": "a"}, "pass plan as well"),
        ("pooled_prompt_embeds", {}, "pooled_prompt_embeds is missing"),
        ("prompt_embeds", {}, "prompt_embeds is missing"),
        ("", {"negative_prompt_embeds": torch.zeros(1, 20, 32)},
         "negative_pooled_prompt_embeds is missing"),
        ("", {"prompt_embeds": torch.zeros(1, 20, 16)}, r"shape \(1, tokens, 32\)"),
        ("", {"prompt_embeds": torch.zeros(3, 20, 32)}, r"not \[3, 20, 32\]"),
        ("", {"prompt_embeds": torch.zeros(20, 32)}, r"not \[20, 32\]"),
        ("", {"prompt_embeds": "words"}, r"not \[\]"),
        ("", {"pooled_prompt_embeds": torch.zeros(1, 3)}, r"shape \(1, 16\)"),
        ("", {"negative_prompt_embeds": torch.zeros(1, 40, 32),
              "negative_pooled_prompt_embeds": torch.zeros(1, 16)}, "have to be alike"),
    ],
)  # fmt: skip
def test_what_cannot_be_is_refused_before_anything_runs(
    rpg: RPGPipeline, without: str, changes: dict[str, Any], says: str
) -> None:
    words = {"plan": PLAN, **embeds(rpg.pipe, "a"), **changes}
    words.pop(without, None)
    with pytest.raises(SettingsError, match=says):
        rpg(**words, **QUICK)
    assert rpg.planner.asked == []  # type: ignore[attr-defined]


def test_a_family_without_pooled_embeddings_takes_none() -> None:
    rpg = RPGPipeline.from_pipe(tiny_sd15(), planner=HalvesPlanner())
    words = embeds(rpg.pipe, "a") | {"pooled_prompt_embeds": torch.zeros(1, 16)}
    with pytest.raises(TypeError, match="no argument 'pooled_prompt_embeds'"):
        called(rpg, plan=PLAN, **words)


def test_a_picture_remembers_its_weights(pipe: Any) -> None:
    rpg = RPGPipeline.from_pipe(pipe, planner=RulePlanner())
    prompt = "a (red:1.4) star left of a blue moon"
    output = called(rpg, prompt, seed=1, negative_prompt=NEGATIVE)
    record = output.records[0]
    assert [one.prompt for one in record.plan.layers()] == ["a (red:1.4) star", "a blue moon"]
    assert a1111.read(record.parameters())[:2] == (prompt, NEGATIVE)
    again = called(rpg, plan=Plan.from_json(record.plan.to_json()), settings=record.settings)
    assert same(again.images[0], output.images[0])
    plain = called(rpg, "a red star left of a blue moon", seed=1, negative_prompt=NEGATIVE)
    assert not same(plain.images[0], output.images[0])


def test_toybox_draws_a_colour_more_strongly_that_counts_more() -> None:
    rpg = RPGPipeline.from_pretrained()

    def redness(weight: float) -> float:
        prompt = f"a (red:{weight}) star above a blue circle at night"
        output = rpg(prompt, seed=7, num_inference_steps=4, output_type="np")
        assert isinstance(output, RPGOutput) and not output.notices  # of unknown words
        star = np.asarray(output.images[0])[:128]
        return float((star[..., 0] - star[..., 1:].max(-1)).clip(0).mean())

    faint, usual, strong = map(redness, (0.0, 1.0, 2.0))
    assert faint < usual < strong
