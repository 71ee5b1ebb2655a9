"""What goes in as words: prompts, plans, sizes, defaults, and what is refused."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image

from rpg.defaults import ModelDefaults
from rpg.errors import LayoutError, PlanError, PromptError, SettingsError
from rpg.events import Notice
from rpg.pipeline import RPGOutput, RPGPipeline
from rpg.plans.plan import Plan
from rpg.settings import GenerationSettings
from tests.pipeline.helpers import PROMPT, QUICK, HalvesPlanner, called, columns, same


def test_each_prompt_of_a_list_is_planned_on_its_own(rpg: RPGPipeline) -> None:
    prompts = [PROMPT, "a cat and a dog and a cow"]
    output = called(rpg, prompts, seed=1)
    assert rpg.planner.asked == prompts  # type: ignore[attr-defined]
    assert [len(plan.regions) for plan in output.plans] == [2, 3]
    assert same(called(rpg, prompts[1], seed=2).images[0], output.images[1])


def test_a_plan_given_is_drawn_and_nothing_is_planned(rpg: RPGPipeline) -> None:
    plan = columns("two", ["a green heart", "a pink square"])
    output = called(rpg, plan=plan, seed=1)
    assert output.plans == [plan]
    assert rpg.planner.asked == []  # type: ignore[attr-defined]
    assert not same(output.images[0], called(rpg, PROMPT, seed=1).images[0])


def test_a_prompt_beside_a_plan_takes_the_place_of_its_prompt(rpg: RPGPipeline) -> None:
    plan = columns("two", ["a green heart", "a pink square"])
    output = called(rpg, "hearts and squares", plan=plan, seed=1)
    assert output.plans[0].prompt == "hearts and squares"
    assert output.plans[0].regions == plan.regions


def test_base_and_negative_prompt_are_written_into_the_plan_and_act(rpg: RPGPipeline) -> None:
    plain = called(rpg, PROMPT, seed=1)
    said = called(rpg, PROMPT, seed=1, base_prompt="winter", negative_prompt="grey")
    assert (said.plans[0].base_prompt, said.plans[0].negative) == ("winter", "grey")
    assert not same(plain.images[0], said.images[0])
    assert same(said.images[0], called(rpg, plan=said.plans[0], seed=1).images[0])


def test_the_official_words_make_the_official_layout(rpg: RPGPipeline) -> None:
    output = called(
        rpg,
        "a red star BREAK a blue moon BREAK grass",
        split_ratio="1,1,1;1",
        base_prompt="a night sky over grass",
        base_ratio=0.5,
        seed=1,
    )
    plan = output.plans[0]
    assert [region.prompt for region in plan.layers()] == ["a red star", "a blue moon", "grass"]
    assert plan.layers()[2].box.width == 1.0
    assert plan.effective_base_prompt == "a night sky over grass"
    assert output.records[0].settings.base_ratio == 0.5


def test_official_words_without_a_base_prompt_join_the_parts(rpg: RPGPipeline) -> None:
    plan = called(rpg, "a star BREAK a moon", split_ratio="1,1", seed=1).plans[0]
    assert plan.prompt == "a star, a moon"


@pytest.mark.parametrize(
    ("words", "error", "says"),
    [
        ({"prompt": ""}, PromptError, "empty"),
        ({"prompt": "  \n"}, PromptError, "empty"),
        ({"prompt": None}, PromptError, "no prompt"),
        ({"prompt": []}, PromptError, "no prompt"),
        ({"prompt": 7}, PromptError, "expected str"),
        ({"prompt": ["a", 7]}, PromptError, "expected str"),
        ({"prompt": ["a", "b"], "negative_prompt": ["x"]}, PromptError, "1 for 2 prompts"),
        ({"prompt": ["a", "b"], "plan": columns("a", ["a"])}, PromptError, "1 for 2 prompts"),
        ({"prompt": "a", "plan": "b"}, PromptError, "expected Plan"),
        ({"prompt": "a", "seed": 2**64}, SettingsError, "seed"),
        ({"prompt": "a", "seed": "text"}, SettingsError, "seed"),
        ({"prompt": "a", "seed": 1, "generator": torch.Generator()}, SettingsError, "not both"),
        ({"prompt": "a", "generator": [torch.Generator()] * 2}, SettingsError, "2 generators"),
        ({"prompt": "a", "width": 0}, SettingsError, "width"),
        ({"prompt": "a", "height": 16384}, SettingsError, "height"),
        ({"prompt": "a", "composer": "collage"}, SettingsError, "composer"),
        ({"prompt": "a", "prompt_embeds": torch.zeros(1)}, SettingsError, "planned from words"),
        ({"prompt": "a", "split_ratio": "1,0"}, LayoutError, "position 2"),
        ({"prompt": "a BREAK b", "split_ratio": "1,1,1"}, PlanError, "3"),
        ({"prompt": "a BREAK b", "split_ratio": "1,1", "plan": columns("a", ["a"])}, SettingsError,
         "split_ratio goes"),
        ({"prompt": "a", "mask_image": Image.new("L", (8, 8))}, SettingsError, "mask_image needs"),
        ({"prompt": "a", "controlnet": object()}, SettingsError, "controlnet needs"),
        ({"prompt": "a", "image": object(), "control_image": 1}, SettingsError, "not both"),
        ({"prompt": "a", "num_inference_step": 3}, TypeError, "did you mean 'num_inference_steps'"),
    ],
)  # fmt: skip
def test_what_cannot_be_is_refused_before_anything_runs(
    rpg: RPGPipeline, words: dict[str, Any], error: type[Exception], says: str
) -> None:
    with pytest.raises(error, match=says):
        rpg(**words)
    with pytest.raises(error, match=says):
        rpg.stream(**words)
    assert rpg.planner.asked == []  # type: ignore[attr-defined]


def test_a_plan_without_regions_is_the_plain_pipeline_with_a_notice(rpg: RPGPipeline) -> None:
    output = called(rpg, plan=Plan(prompt="a red star"), seed=4, output_type="np")
    plain = rpg.pipe(
        "a red star",
        generator=torch.Generator().manual_seed(4),
        guidance_scale=5.0,
        output_type="np",
        **QUICK,
    ).images
    assert np.abs(plain - output.images).max() < 1e-6
    assert output.notices == ["the plan has no regions: the base prompt is drawn alone"]


def test_sizes_off_the_grid_are_snapped_and_that_is_said(rpg: RPGPipeline) -> None:
    output = called(rpg, PROMPT, width=37, height=30, seed=1)
    assert output.images[0].size == (40, 32)
    assert output.records[0].settings.width == 40
    assert output.notices == ["37x30 does not go into the model's grid: drawing 40x32"]


def test_what_calls_leave_open_comes_from_the_models_defaults(pipe: Any) -> None:
    said = ModelDefaults(
        name="tiny",
        width=32,
        height=24,
        num_inference_steps=2,
        display_scale=4,
        region_side=16,
    )
    rpg = RPGPipeline(pipe, HalvesPlanner(), model_defaults=said)
    two, three = rpg("a and b", seed=1), rpg(["a and b", "a and b and c"], seed=1)
    assert isinstance(two, RPGOutput)
    assert isinstance(three, RPGOutput)
    assert two.images[0].size == (32, 24)
    assert {image.size for image in three.images} == {(48, 24)}
    assert (two.records[0].model, two.records[0].scale) == ("tiny", 4)
    assert two.records[0].settings.num_inference_steps == 2


def test_a_preset_goes_between_a_calls_words_and_the_models_defaults(pipe: Any) -> None:
    said = ModelDefaults(width=32, height=32, num_inference_steps=4, guidance_scale=3.0)
    rpg = RPGPipeline(pipe, HalvesPlanner(), model_defaults=said)

    def used(**words: Any) -> GenerationSettings:
        output = rpg(PROMPT, preset="fast", seed=1, **words)
        assert isinstance(output, RPGOutput)
        return output.records[0].settings

    fast = said.preset("fast")
    alone = used()
    assert alone.model_dump().items() >= fast.items()
    assert alone.guidance_scale == 3.0
    assert used(num_inference_steps=3).num_inference_steps == 3
    assert used(num_inference_steps=3).scheduler == fast["scheduler"]
    assert used(settings=GenerationSettings(scheduler="ddim")).scheduler == "ddim"
    again = rpg(PROMPT, settings=alone)
    assert isinstance(again, RPGOutput)
    assert again.records[0].settings == alone


def test_a_preset_that_there_is_not_is_refused_before_planning(rpg: RPGPipeline) -> None:
    with pytest.raises(SettingsError, match="preset 'hasty': one of fast"):
        rpg(PROMPT, preset="hasty")
    assert rpg.planner.asked == []  # type: ignore[attr-defined]


def test_words_that_toybox_does_not_know_are_listed(pipe: Any) -> None:
    said = ModelDefaults(name="toybox", width=32, height=32, num_inference_steps=1)
    rpg = RPGPipeline(pipe, HalvesPlanner(), model_defaults=said)
    output = rpg("a red dragon and a blue circle", seed=1)
    assert isinstance(output, RPGOutput)
    assert "dragon" in output.notices[0]
    assert "circle" in output.notices[0]  # what it does know
    known = rpg("a red star and a blue circle", seed=1)
    assert isinstance(known, RPGOutput)
    assert known.notices == []


def test_settings_in_one_are_overridden_by_single_words(rpg: RPGPipeline) -> None:
    wishes = GenerationSettings(
        seed=1, num_inference_steps=2, width=32, height=32, negative_prompt="grey"
    )
    output = rpg(PROMPT, settings=wishes, seed=9)
    assert isinstance(output, RPGOutput)
    used = output.records[0]
    assert (used.settings.seed, used.settings.num_inference_steps) == (9, 2)
    assert (used.plan.negative, used.settings.negative_prompt) == ("grey", "")


def test_notices_are_events_too(rpg: RPGPipeline) -> None:
    events = list(rpg.stream(PROMPT, num_inference_steps=1, width=33, height=32))
    assert [event.text for event in events if isinstance(event, Notice)] == [
        "33x32 does not go into the model's grid: drawing 32x32"
    ]


def ratios(own: float | None = None, of_plan: float | None = None) -> Plan:
    """Two columns, the first with a base ratio of its own."""
    plan = columns(PROMPT, ["a red star", "a blue moon"])
    first = plan.regions[0].model_copy(update={"base_ratio": own})
    return plan.model_copy(update={"regions": (first, *plan.regions[1:]), "base_ratio": of_plan})


def test_the_calls_base_ratio_goes_before_the_plans(rpg: RPGPipeline) -> None:
    asked = called(rpg, plan=ratios(0.9, 0.1), base_ratio=0.5, seed=1)
    assert same(asked.images[0], called(rpg, plan=ratios(), base_ratio=0.5, seed=1).images[0])
    assert not same(asked.images[0], called(rpg, plan=ratios(0.9, 0.1), seed=1).images[0])
    record = asked.records[0]
    assert (record.settings.base_ratio, record.plan) == (0.5, ratios(0.9, 0.1))
    again = called(rpg, plan=record.plan, settings=record.settings)
    assert same(again.images[0], asked.images[0])


@pytest.mark.parametrize("plan", [ratios(), ratios(0.9), ratios(of_plan=0.9), ratios(0.9, 0.1)])
def test_a_record_draws_the_plans_own_base_ratio_again_with_any_model(
    rpg: RPGPipeline, plan: Plan
) -> None:
    drawn = called(rpg, plan=plan, seed=1)
    record = drawn.records[0]
    assert (record.settings.base_ratio is None) is (plan != ratios())
    rpg.defaults = rpg.defaults.model_copy(update={"base_ratio": 0.77})
    again = called(rpg, plan=record.plan, settings=record.settings)
    assert same(again.images[0], drawn.images[0])
