"""Guidance that ends early: half the rows from then on, and the picture that theory says."""

from __future__ import annotations

import functools
from typing import Any

import diffusers
import pytest
import torch
from diffusers.callbacks import SDXLCFGCutoffCallback
from PIL import Image

from rpg.pipeline import RPGPipeline
from rpg.plans.edits import ModifyRegion
from rpg.plans.plan import Plan
from rpg.settings import COMPOSERS
from tests.diffusion.test_adapters import add_ip_adapter, reference
from tests.pipeline.helpers import PROMPT, HalvesPlanner, called, columns, same
from tests.tiny import tiny_controlnet, tiny_sd15, tiny_sdxl

PLAN, PLAIN = columns(PROMPT, PROMPT.split(" and ")), Plan(prompt=PROMPT)
OWN = PLAN.model_copy(  # its regions have negatives of their own
    update={"regions": tuple(one.model_copy(update={"negative": "a cat"}) for one in PLAN.regions)}
)
GREY = Image.new("RGB", (32, 32), (90, 120, 90))
RIGHT = Image.new("L", (32, 32), 0)
RIGHT.paste(255, (16, 0, 32, 32))
CALL: dict[str, Any] = {
    "plan": PLAN,
    "seed": 1,
    "num_inference_steps": 4,
    "num_images_per_prompt": 2,
    "negative_prompt": "grey",
    "output_type": "latent",
}
TASKS: dict[str, dict[str, Any]] = {
    "text2img": {},
    "img2img": {"image": GREY, "strength": 1.0},
    "inpaint": {"image": GREY, "mask_image": RIGHT, "strength": 1.0},
    "inpaint, 9 channels": {"image": GREY, "mask_image": RIGHT, "strength": 1.0},
    "controlnet": {"control_image": GREY},
    "controlnet, guessing": {"control_image": GREY, "guess_mode": True},
    "two controlnets": {"control_image": [GREY, GREY]},
    "ip-adapter": {"ip_adapter_image_embeds": [reference(1)]},
}


def artist(make: Any, task: str) -> tuple[RPGPipeline, dict[str, Any]]:
    """A pipeline for the task, and what its calls bring."""
    pipe = make(in_channels=9) if "9" in task else make()
    words = dict(TASKS[task])
    if "controlnet" in task:
        nets = [tiny_controlnet(pipe, seed) for seed in (1, 2)]
        two: Any = diffusers.MultiControlNetModel(nets)
        words["controlnet"] = two if "two" in task else nets[0]
    if task == "ip-adapter":
        add_ip_adapter(pipe)
    return RPGPipeline.from_pipe(pipe, planner=HalvesPlanner()), words


def drawn(rpg: RPGPipeline, **words: Any) -> tuple[torch.Tensor, list[int]]:
    """The latents, and the rows that went through the UNet in each of its evaluations."""
    rows: dict[float, int] = {}

    def count(_: Any, given: tuple[Any, ...]) -> None:
        when = float(torch.as_tensor(given[1]).flatten()[0])
        rows[when] = rows.get(when, 0) + len(given[0])

    hook = rpg.pipe.unet.register_forward_pre_hook(count)
    try:
        output = called(rpg, **{**CALL, **words})
    finally:
        hook.remove()
    assert output.notices in ([], ["the plan has no regions: the base prompt is drawn alone"])
    return output.images, list(rows.values())


def faded(share: float, steps: int = 4) -> Any:
    """The same by other means: from then on a scale of hardly more than one, both halves drawn."""

    def callback(pipe: Any, i: int, timestep: Any, values: dict[str, Any]) -> dict[str, Any]:
        if i + 1 == round(share * steps):
            pipe._guidance_scale = 1.0 + 1e-6
        return {}

    return callback


@pytest.mark.parametrize("make", [tiny_sdxl, tiny_sd15])
@pytest.mark.parametrize("task", TASKS)
def test_half_the_rows_and_the_same_picture_as_with_a_scale_of_one(make: Any, task: str) -> None:
    rpg, words = artist(make, task)
    full, rows = drawn(rpg, **words)
    cut, fewer = drawn(rpg, **words, guidance_end=0.5)
    assert fewer == [*rows[:2], *(count // 2 for count in rows[2:])]
    assert not torch.allclose(cut, full, atol=1e-3)
    if make is tiny_sdxl and "controlnet" in task:  # whose loop keeps the scale to itself
        return
    if "guessing" in task:  # its ControlNet says nothing to the unguided half
        return
    expected, _ = drawn(rpg, **words, callback_on_step_end=faded(0.5))
    torch.testing.assert_close(cut, expected, atol=1e-4, rtol=1e-4)


@pytest.mark.parametrize("composer", COMPOSERS)
@pytest.mark.parametrize("plan", [PLAN, OWN, PLAIN], ids=["regions", "negatives", "plain"])
def test_under_every_composer_one_is_never(composer: str, plan: Plan) -> None:
    rpg, _ = artist(tiny_sdxl, "text2img")
    words: dict[str, Any] = {"composer": composer, "plan": plan}
    full, rows = drawn(rpg, **words)
    never, as_many = drawn(rpg, **words, guidance_end=1.0)
    assert torch.equal(full, never) and rows == as_many
    cut, fewer = drawn(rpg, **words, guidance_end=0.5)
    assert fewer == [*rows[:2], *(count // 2 for count in rows[2:])]
    expected, _ = drawn(rpg, **words, callback_on_step_end=faded(0.5))
    torch.testing.assert_close(cut, expected, atol=1e-4, rtol=1e-4)


def test_edits_may_end_guidance_too() -> None:
    rpg, _ = artist(tiny_sdxl, "text2img")
    first = called(rpg, PROMPT, seed=1)
    words: dict[str, Any] = {"seed": 2, "num_inference_steps": 4}
    edit = ModifyRegion(id="r1", prompt="a green tree")
    full, cut = (
        rpg.edit(first.images[0], first.plans[0], edit, **words, guidance_end=end)
        for end in (None, 0.5)
    )
    assert not same(full.images[0], cut.images[0])
    assert cut.records[0].settings.guidance_end == 0.5


@pytest.mark.parametrize("composer", COMPOSERS)
def test_several_prompts_in_one_pass_are_as_each_alone(composer: str) -> None:
    rpg, _ = artist(tiny_sdxl, "text2img")
    words: dict[str, Any] = {**CALL, "plan": None, "composer": composer, "guidance_end": 0.5}
    prompts = [PROMPT, "a cat and an old dog and a pink sea"]
    alone, together = (called(rpg, prompts, **words, batch_size=size) for size in (1, 2))
    torch.testing.assert_close(together.images, alone.images, atol=1e-4, rtol=1e-4)


def test_from_a_picture_the_steps_that_are_done_count() -> None:
    rpg, words = artist(tiny_sdxl, "img2img")
    words |= {"num_inference_steps": 8, "strength": 0.5, "plan": PLAIN}
    _, rows = drawn(rpg, **words, guidance_end=0.25)
    assert rows == [4, 2, 2, 2]


def test_a_step_of_several_evaluations_is_guided_wholly_or_not() -> None:
    """Seven evaluations in four steps, each but the last of two."""
    rpg, _ = artist(tiny_sdxl, "text2img")
    rows: list[int] = []
    hook = rpg.pipe.unet.register_forward_pre_hook(lambda _, given: rows.append(len(given[0])))
    called(rpg, **CALL | {"plan": PLAIN}, scheduler="heun", guidance_end=0.4)
    hook.remove()
    assert rows == [4, 4, 4, 4, 2, 2, 2]


def test_the_first_step_is_always_guided_and_without_guidance_nothing_ends() -> None:
    rpg, _ = artist(tiny_sdxl, "text2img")
    assert drawn(rpg, plan=PLAIN, guidance_end=0.01)[1] == [4, 2, 2, 2]
    without, rows = drawn(rpg, plan=PLAIN, guidance_scale=1.0)
    assert rows == [2, 2, 2, 2]
    again, _ = drawn(rpg, plan=PLAIN, guidance_scale=1.0, guidance_end=0.5)
    assert torch.equal(without, again)


def test_guidance_rescaled_ends_too() -> None:
    rpg, _ = artist(tiny_sdxl, "text2img")
    rescaled, _ = drawn(rpg, guidance_rescale=0.7)
    cut, rows = drawn(rpg, guidance_rescale=0.7, guidance_end=0.5)
    assert rows[2:] == [count // 2 for count in drawn(rpg)[1][2:]]
    assert torch.isfinite(cut).all() and not torch.allclose(cut, rescaled, atol=1e-3)


def test_a_callers_own_end_of_guidance_goes_with_ours() -> None:
    rpg, _ = artist(tiny_sdxl, "text2img")
    words = {"plan": PLAIN, "num_images_per_prompt": 1}
    cut, _ = drawn(rpg, **words, guidance_end=0.25)
    for share in (0.25, 0.75):
        own = SDXLCFGCutoffCallback(cutoff_step_ratio=None, cutoff_step_index=0)
        both, rows = drawn(rpg, **words, guidance_end=share, callback_on_step_end=own)
        assert rows == [2, 1, 1, 1]
        assert torch.equal(both, cut)


def test_the_next_call_and_an_ip_adapters_method_are_as_before() -> None:
    rpg, words = artist(tiny_sdxl, "ip-adapter")
    before, _ = drawn(rpg, **words)
    drawn(rpg, **words, guidance_end=0.5)
    assert "prepare_ip_adapter_image_embeds" not in vars(rpg.pipe)
    assert torch.equal(drawn(rpg, **words)[0], before)


class Foreign(diffusers.StableDiffusionXLPipeline):  # type: ignore[misc]
    """A loop that we know nothing about."""

    @functools.wraps(diffusers.StableDiffusionXLPipeline.__call__)
    def __call__(self, *args: Any, **words: Any) -> Any:
        """Draws as its parent does."""
        return super().__call__(*args, **words)


def test_a_loop_that_is_not_known_is_guided_to_the_end_and_says_so() -> None:
    pipe = tiny_sdxl()
    rpg = RPGPipeline.from_pipe(Foreign(**pipe.components, add_watermarker=False))
    rpg.pipe.set_progress_bar_config(disable=True)
    words = {**CALL, "output_type": "pil", "prompt": PROMPT}
    full, cut = called(rpg, **words), called(rpg, **words, guidance_end=0.5)
    assert same(full.images[0], cut.images[0])
    assert full.records == cut.records
    assert "guidance_end does not work with Foreign" in cut.notices[-1]
