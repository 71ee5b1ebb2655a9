"""What goes in beside words: generators, pictures, ControlNets, callbacks."""

from __future__ import annotations

from typing import Any

import pytest
import torch
from diffusers.callbacks import SDXLCFGCutoffCallback
from PIL import Image

from rpg.errors import ModelError, SettingsError
from rpg.pipeline import RPGOutput, RPGPipeline
from tests.pipeline.helpers import PROMPT, QUICK, STEPS, HalvesPlanner, called, same
from tests.tiny import tiny_controlnet, tiny_sd15, tiny_sdxl


def test_one_generator_or_one_for_each_picture_are_taken(rpg: RPGPipeline) -> None:
    seeded = called(rpg, PROMPT, seed=1, num_images_per_prompt=2)
    generators = [torch.Generator().manual_seed(seed) for seed in (1, 2)]
    listed = called(rpg, PROMPT, generator=generators, num_images_per_prompt=2)
    assert all(same(a, b) for a, b in zip(seeded.images, listed.images, strict=True))
    assert listed.records == seeded.records
    single = called(rpg, PROMPT, generator=torch.Generator().manual_seed(1))
    assert same(single.images[0], seeded.images[0], tolerance=2)


def test_a_used_generator_has_no_seed_to_report(rpg: RPGPipeline) -> None:
    generator = torch.Generator().manual_seed(1)
    torch.randn(3, generator=generator)
    record = called(rpg, PROMPT, generator=generator).records[0]
    assert (record.settings.seed, record.needs) == (None, ("generator",))


def test_latents_given_are_used_and_named_as_needed(rpg: RPGPipeline) -> None:
    latents = torch.randn(1, 4, 8, 8, generator=torch.Generator().manual_seed(9))
    one, other = (called(rpg, PROMPT, seed=seed, latents=latents) for seed in (1, 2))
    assert same(one.images[0], other.images[0])
    assert one.records[0].needs == ("latents",)


def test_image_to_image_starts_from_the_image(rpg: RPGPipeline) -> None:
    image = Image.new("RGB", (40, 33), (200, 30, 30))
    output = rpg(PROMPT, image=image, strength=0.4, seed=1, num_inference_steps=5)
    assert isinstance(output, RPGOutput)
    assert output.images[0].size == (40, 32)
    record = output.records[0]
    assert (record.task, record.needs, record.settings.strength) == ("img2img", ("image",), 0.4)
    again = rpg(plan=record.plan, settings=record.settings, image=image)
    assert isinstance(again, RPGOutput)
    assert same(again.images[0], output.images[0])


@pytest.mark.parametrize("words", [{"strength": 0.2}, {"num_inference_steps": 2}])
def test_a_strength_that_leaves_no_step_is_refused(rpg: RPGPipeline, words: dict[str, Any]) -> None:
    image = Image.new("RGB", (32, 32))
    with pytest.raises(SettingsError, match="leaves none"):
        rpg(PROMPT, image=image, **{"num_inference_steps": 4, **words})


@pytest.mark.parametrize("words", [{}, {"image": Image.new("RGB", (32, 32)), "strength": 1.0}])
def test_a_model_of_nine_channels_wants_picture_and_mask(words: dict[str, Any]) -> None:
    rpg = RPGPipeline.from_pipe(tiny_sdxl(in_channels=9), planner=HalvesPlanner())
    with pytest.raises(ModelError, match="pass image and mask_image"):
        rpg.stream(PROMPT, **QUICK, **words)


def test_each_prompt_may_have_an_image_of_its_own(rpg: RPGPipeline) -> None:
    images = [Image.new("RGB", (32, 32), colour) for colour in ("red", "blue")]
    words: dict[str, Any] = {"strength": 0.5, "num_inference_steps": 4}
    both = called(rpg, [PROMPT, PROMPT], image=images, seed=1, **words)
    second = called(rpg, PROMPT, image=images[1], seed=2, **words)
    assert same(both.images[1], second.images[0])
    assert not same(both.images[0], both.images[1])


def test_inpainting_leaves_what_the_mask_leaves(rpg: RPGPipeline) -> None:
    image, mask = Image.new("RGB", (32, 32), (200, 30, 30)), Image.new("L", (32, 32), 0)
    untouched = called(
        rpg, PROMPT, image=image, mask_image=mask, strength=1.0, seed=1, output_type="latent"
    )
    mask.paste(255, (16, 0, 32, 32))
    half = called(
        rpg, PROMPT, image=image, mask_image=mask, strength=1.0, seed=1, output_type="latent"
    )
    assert torch.allclose(untouched.images[..., :4], half.images[..., :4], atol=1e-5)
    assert not torch.allclose(untouched.images[..., 4:], half.images[..., 4:], atol=1e-2)
    assert half.records[0].task == "inpaint"


def test_a_controlnet_steers(rpg: RPGPipeline) -> None:
    net = tiny_controlnet(rpg.pipe)
    torch.nn.init.ones_(net.controlnet_cond_embedding.conv_out.weight)  # made to be zero at first
    black, white = Image.new("RGB", (32, 32)), Image.new("RGB", (32, 32), "white")
    outputs = [
        called(rpg, PROMPT, control_image=one, controlnet=net, seed=1) for one in (black, white)
    ]
    assert not same(outputs[0].images[0], outputs[1].images[0])
    assert outputs[0].records[0].task == "controlnet"
    assert outputs[0].records[0].needs == ("control_image", "controlnet")


def test_sd15_draws_with_its_own_defaults() -> None:
    rpg = RPGPipeline.from_pipe(tiny_sd15(), planner=HalvesPlanner())
    assert rpg.defaults.width == 512
    assert called(rpg, PROMPT, seed=1).images[0].size == (32, 32)


def test_a_scheduler_is_lent_for_the_call_only(rpg: RPGPipeline) -> None:
    own = rpg.pipe.scheduler
    seen = set()

    def look(pipe: Any, i: int, t: Any, values: dict[str, Any]) -> dict[str, Any]:
        seen.add(type(pipe.scheduler).__name__)
        return values

    output = called(rpg, PROMPT, scheduler="ddim", callback_on_step_end=look)
    assert seen == {"DDIMScheduler"}
    assert rpg.pipe.scheduler is own
    assert output.records[0].settings.scheduler == "ddim"


def test_a_callback_sees_every_step_and_may_change_the_latents(rpg: RPGPipeline) -> None:
    steps = []

    def zero(pipe: Any, i: int, t: Any, values: dict[str, Any]) -> dict[str, Any]:
        steps.append((i, set(values)))
        values["latents"] = torch.zeros_like(values["latents"])
        return values

    output = called(
        rpg,
        PROMPT,
        seed=1,
        output_type="latent",
        callback_on_step_end=zero,
        callback_on_step_end_tensor_inputs=["latents", "prompt_embeds"],
    )
    assert steps == [(i, {"latents", "prompt_embeds"}) for i in range(STEPS)]
    assert not output.images.any()
    assert output.records[0].needs == ("callback_on_step_end",)


def test_an_exception_in_a_callback_comes_out_and_the_pipeline_stays_whole(
    rpg: RPGPipeline,
) -> None:
    reference = called(rpg, PROMPT, seed=1).images[0]

    def burst(*_: Any) -> dict[str, Any]:
        raise ZeroDivisionError("in the callback")

    with pytest.raises(ZeroDivisionError):
        called(rpg, PROMPT, callback_on_step_end=burst, scheduler="ddim")
    with pytest.raises(ZeroDivisionError):
        list(rpg.stream(PROMPT, callback_on_step_end=burst, **QUICK))
    assert same(called(rpg, PROMPT, seed=1).images[0], reference)


def test_diffusers_own_callbacks_work(rpg: RPGPipeline) -> None:
    cutoff = SDXLCFGCutoffCallback(cutoff_step_ratio=None, cutoff_step_index=0)
    output = called(rpg, PROMPT, seed=1, callback_on_step_end=cutoff)
    assert not same(output.images[0], called(rpg, PROMPT, seed=1).images[0])


def test_an_active_lora_is_named_as_needed(
    rpg: RPGPipeline, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(rpg.pipe.unet, "peft_config", {"style": object()}, raising=False)
    assert called(rpg, PROMPT).records[0].needs == ("lora",)
