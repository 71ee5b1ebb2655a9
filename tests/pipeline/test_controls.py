"""Pictures that are followed, of every kind, by one set of words; checked before any step."""

from __future__ import annotations

from typing import Any

import diffusers
import pytest
from PIL import Image

from rpg.errors import ModelError, RPGError, SettingsError
from rpg.events import Notice, Rendered, Step
from rpg.pipeline import RPGPipeline
from tests.pipeline.helpers import PROMPT, QUICK, HalvesPlanner, called, same
from tests.tiny import (
    XL_BLOCKS,
    tiny_controlnet,
    tiny_sd15,
    tiny_sdxl,
    tiny_t2i_adapter,
    tiny_union_controlnet,
)

BLACK, WHITE = Image.new("RGB", (32, 32)), Image.new("RGB", (32, 32), "white")


@pytest.fixture(scope="module")
def xl() -> RPGPipeline:
    return RPGPipeline.from_pipe(tiny_sdxl(**XL_BLOCKS), planner=HalvesPlanner())


def follows(rpg: RPGPipeline, **words: Any) -> None:
    """The call draws, and its picture is that of the control image."""
    pictures = [called(rpg, PROMPT, control_image=one, seed=1, **words) for one in (BLACK, WHITE)]
    assert not same(pictures[0].images[0], pictures[1].images[0])
    assert pictures[0].records[0].task == "controlnet"


def test_a_union_controlnet_is_told_its_mode(xl: RPGPipeline) -> None:
    net = tiny_union_controlnet(xl.pipe, types=8)
    for mode in ("canny", 3, ["tile"]):
        follows(xl, controlnet=net, control_mode=mode, controlnet_conditioning_scale=2)
    asked = {"control_image": WHITE, "controlnet": net, "seed": 1}
    named, numbered = (called(xl, PROMPT, **asked, control_mode=one) for one in ("canny", 3))
    assert same(named.images[0], numbered.images[0])
    needs = ("control_image", "control_mode", "controlnet")
    assert named.records[0].needs == needs
    both = called(
        xl,
        PROMPT,
        control_image=[BLACK, WHITE],
        controlnet=net,
        control_mode=["canny", "depth"],
        seed=1,
    )
    assert not same(both.images[0], named.images[0])


@pytest.mark.filterwarnings("ignore:The decode_latents method is deprecated")  # diffusers' own
@pytest.mark.parametrize("make", [lambda: tiny_sdxl(**XL_BLOCKS), tiny_sd15])
@pytest.mark.parametrize("channels", [3, 1])
def test_a_t2i_adapter_is_followed_and_every_step_is_seen(make: Any, channels: int) -> None:
    rpg = RPGPipeline.from_pipe(make(), planner=HalvesPlanner())
    net = tiny_t2i_adapter(rpg.pipe, channels)
    follows(rpg, controlnet=net, controlnet_conditioning_scale=0.5, num_images_per_prompt=2)
    words: dict[str, Any] = {**QUICK, "num_inference_steps": 3, "width": 40, "guidance_end": 0.5}
    events = list(rpg.stream(PROMPT, control_image=WHITE, controlnet=net, **words))
    assert [(one.i, one.n) for one in events if isinstance(one, Step)] == [(1, 3), (2, 3), (3, 3)]
    assert any("guidance_end" in one.text for one in events if isinstance(one, Notice))
    (drawn,) = (one for one in events if isinstance(one, Rendered))
    assert (
        drawn.images[0].width in (40, 48)
        and drawn.images[0].width % net.total_downscale_factor == 0
    )


def test_a_pipeline_that_holds_an_adapter_uses_it(xl: RPGPipeline) -> None:
    kind: Any = diffusers.StableDiffusionXLAdapterPipeline
    parts = {name: part for name, part in xl.pipe.components.items() if part is not None}
    held = RPGPipeline.from_pipe(
        kind(**parts, adapter=tiny_t2i_adapter(xl.pipe)), planner=HalvesPlanner()
    )
    follows(held)
    with pytest.raises(SettingsError, match="holds a T2IAdapter: .*control_image"):
        held(PROMPT, image=WHITE, **QUICK)
    begun = called(held, PROMPT, image=WHITE, strength=0.9, seed=1)
    assert begun.records[0].task == "img2img"
    assert called(held, PROMPT, seed=1).records[0].task == "text2img"


def test_a_pipeline_that_holds_a_union_draws_from_words_alone_too(xl: RPGPipeline) -> None:
    kind: Any = diffusers.StableDiffusionXLControlNetUnionPipeline
    parts = {name: part for name, part in xl.pipe.components.items() if part is not None}
    net = tiny_union_controlnet(xl.pipe)
    held = RPGPipeline.from_pipe(
        kind(**parts, controlnet=net, add_watermarker=False, force_zeros_for_empty_prompt=False),
        planner=HalvesPlanner(),
    )
    follows(held, control_mode="depth")
    assert same(called(held, PROMPT, seed=1).images[0], called(xl, PROMPT, seed=1).images[0])


UNION, ADAPTER = tiny_union_controlnet, tiny_t2i_adapter


@pytest.mark.parametrize(
    ("made", "words", "message"),
    [
        (UNION, {}, "control_mode: 0 for 1 .* openpose, depth"),
        (UNION, {"control_mode": ["canny", "depth"]}, "control_mode: 2 for 1"),
        (UNION, {"control_mode": "tile"}, "control_mode 'tile': this ControlNet has openpose"),
        (UNION, {"control_mode": 6}, "control_mode 6"),
        (UNION, {"control_mode": -1}, "control_mode -1"),
        (UNION, {"control_mode": True}, "control_mode True"),
        (UNION, {"control_mode": "moonlight"}, "control_mode 'moonlight'"),
        (tiny_controlnet, {"control_mode": "canny"}, "a ControlNet has none"),
        (ADAPTER, {"control_mode": "canny"}, "a T2I-Adapter has none"),
        (ADAPTER, {"control_guidance_start": 0.5}, "control_guidance_start: a T2I-Adapter"),
        (lambda pipe: pipe.vae, {}, "controlnet is AutoencoderKL"),
        (lambda pipe: None, {}, "needs a ControlNet"),
        (
            lambda pipe: None,
            {"control_image": None, "control_mode": "canny"},
            "needs control_image",
        ),
    ],
)
def test_what_does_not_go_together_is_told_before_anything_is_planned(
    xl: RPGPipeline, made: Any, words: dict[str, Any], message: str
) -> None:
    asked = {"control_image": WHITE, "controlnet": made(xl.pipe), **QUICK, **words}
    with pytest.raises((SettingsError, ModelError), match=message):
        xl.stream(PROMPT, **asked)


def test_a_callback_that_an_adapters_pipeline_cannot_serve_is_refused(xl: RPGPipeline) -> None:
    with pytest.raises(RPGError, match="callback_on_step_end: StableDiffusionXLAdapterPipeline"):
        xl(
            PROMPT,
            control_image=WHITE,
            controlnet=tiny_t2i_adapter(xl.pipe),
            callback_on_step_end=lambda *_: {},
            **QUICK,
        )
