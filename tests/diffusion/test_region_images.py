"""Reference pictures of single regions, by an IP-Adapter, under every composer."""

from __future__ import annotations

from typing import Any

import pytest
import torch
from PIL import Image
from torch import Tensor
from transformers import CLIPImageProcessor, CLIPVisionConfig, CLIPVisionModelWithProjection

from rpg.diffusion import regional
from rpg.errors import ModelError, RPGError, SettingsError
from rpg.plans.plan import Plan
from tests.diffusion.helpers import BASE, assert_close, assert_differ, draw, halves, whole
from tests.diffusion.test_adapters import CLIP, add_ip_adapter, reference
from tests.tiny import tiny_sd15, tiny_sdxl

COMPOSERS = pytest.mark.parametrize("composer", ["attention", "latent", "latent+attention"])
MAKERS = pytest.mark.parametrize("make", [tiny_sdxl, tiny_sd15])
SCALE = 0.8  # of the adapter in these tests


def with_adapter(make: Any = tiny_sdxl, count: int = 1) -> Any:
    pipe = make()
    add_ip_adapter(pipe, count)
    return pipe


def regionally(
    pipe: Any,
    plan: Plan,
    images: Any,
    composer: Any = "attention",
    scale: float = SCALE,
    **words: Any,
) -> Tensor:
    """Drawn without a base prompt, which has no region."""
    with regional(
        pipe,
        plan,
        composer=composer,
        base_ratio=0.0,
        region_images=images,
        region_image_scale=scale,
    ):
        return draw(pipe, **words)


@MAKERS
@COMPOSERS
def test_over_the_whole_canvas_it_is_the_calls_picture(make: Any, composer: Any) -> None:
    """Two pictures are one prompt of twice the tokens, as in diffusers."""
    pipe = with_adapter(make)
    for count in (1, 2):
        image = reference(1, count)
        expected = draw(pipe, ip_adapter_image_embeds=[image])
        assert_close(regionally(pipe, whole(), {"all": image}, composer), expected)


def test_among_windows_that_share_a_negative() -> None:
    pipe, image = with_adapter(tiny_sd15), reference(1)
    words: dict[str, Any] = {"composer": "latent+attention", "share": 0.4, "window": 64}
    sides, images = halves(BASE, BASE), {"left": image, "right": image}
    with regional(
        pipe, sides, base_ratio=0.0, region_images=images, region_image_scale=SCALE, **words
    ):
        drawn = draw(pipe, num_inference_steps=4)
    expected = draw(pipe, ip_adapter_image_embeds=[image], num_inference_steps=4)
    assert_close(drawn, expected)


def test_in_all_regions_without_guidance() -> None:
    pipe, image, plan = with_adapter(), reference(1)[1:], halves(BASE, BASE)
    expected = draw(pipe, guidance_scale=1.0, ip_adapter_image_embeds=[image])
    drawn = regionally(pipe, plan, {1: image, 2: image}, guidance_scale=1.0)
    assert_close(drawn, expected)


def test_sorted_tokens_are_those_of_its_region() -> None:
    """Masks of the call's own pictures keep them in order."""
    pipe, images = with_adapter(), {"right": reference(1)}
    ones = {"ip_adapter_masks": [torch.ones(1, 1, 64, 64)]}
    drawn = [
        regionally(
            pipe,
            halves(),
            images,
            ip_adapter_image_embeds=[reference(2)],
            cross_attention_kwargs=words,
        )
        for words in (None, ones)
    ]
    assert_close(drawn[0], drawn[1])


@COMPOSERS
def test_beside_the_calls_own_pictures(composer: Any) -> None:
    """Over one region: as one more picture in a mask of ones, of which diffusers adds up each."""
    pipe, ones = with_adapter(), torch.ones(1, 2, 64, 64)
    both = torch.cat([reference(1), reference(2)], dim=1)
    masks = {"ip_adapter_masks": [ones]}
    expected = draw(pipe, ip_adapter_image_embeds=[both], cross_attention_kwargs=masks)
    drawn = regionally(
        pipe, whole(), {"all": reference(2)}, composer, ip_adapter_image_embeds=[reference(1)]
    )
    assert_close(drawn, expected)


def test_beside_a_picture_of_the_calls_in_a_mask() -> None:
    pipe, sides = with_adapter(), torch.zeros(1, 2, 64, 64)
    sides[:, 0, :, :32], sides[:, 1, :, 32:] = 1, 1
    both = torch.cat([reference(1), reference(2)], dim=1)

    def drawn(images: Any, embeds: Tensor, masks: Tensor) -> Tensor:
        words = {"ip_adapter_masks": [masks]}
        return regionally(
            pipe,
            halves(),
            images,
            ip_adapter_image_embeds=[embeds],
            cross_attention_kwargs=words,
        )

    expected = drawn(None, both, sides)
    assert_close(drawn({"right": reference(2)}, reference(1), sides[:, :1]), expected)
    assert_differ(drawn(None, reference(1), sides[:, :1]), expected)


def heard(pipe: Any, images: Any) -> Tensor:
    """What the first cross-attention layer says in one step, (2, rows, columns, C)."""
    said: list[Tensor] = []
    layer = pipe.unet.down_blocks[0].attentions[0].transformer_blocks[0].attn2
    handle = layer.register_forward_hook(lambda module, args, out: said.append(out))
    masks = {"ip_adapter_masks": [torch.ones(1, 1, 64, 64)]}  # so that tokens keep their order
    regionally(
        pipe,
        halves(),
        images,
        num_inference_steps=1,
        ip_adapter_image_embeds=[reference(9)],
        cross_attention_kwargs=masks,
    )
    handle.remove()
    return said[0].view(2, 16, 16, -1)


def test_in_attention_its_region_alone_hears_it() -> None:
    pipe = with_adapter()
    one, other = (heard(pipe, {"right": reference(seed)}) for seed in (1, 2))
    assert torch.equal(one[:, :, :8], other[:, :, :8])
    assert float((one - other)[1, :, 8:].abs().amax(-1).min()) > 0


def test_under_latents_its_crop_alone_hears_it() -> None:
    pipe = with_adapter()
    one, other, none = (
        regionally(pipe, halves(), images, "latent", num_inference_steps=1)
        for images in ({"right": reference(1)}, {"right": reference(2)}, {"left": reference(1)})
    )
    assert torch.equal(one[..., :8], other[..., :8])
    assert_differ(one[..., 8:], other[..., 8:])
    assert_differ(one[..., :8], none[..., :8])


@COMPOSERS
def test_scale_zero_is_none(composer: Any) -> None:
    pipe, call, images = with_adapter(), [reference(1)], {"left": reference(2)}
    without = regionally(pipe, halves(), None, composer, ip_adapter_image_embeds=call)
    drawn = regionally(pipe, halves(), images, composer, 0.0, ip_adapter_image_embeds=call)
    assert torch.equal(drawn, without)


def test_steps_without_regions_are_stock() -> None:
    """The last step alone is regional; before, an adapter without a picture adds nothing."""
    pipe, stock, seen = with_adapter(), tiny_sdxl(), []

    def note(pipe: Any, step: int, timestep: Any, tensors: dict[str, Any]) -> dict[str, Any]:
        seen.append(tensors["latents"].clone())
        return {}

    draw(stock, callback_on_step_end=note)
    with regional(pipe, halves(), start=0.5, region_images={"left": reference(1)}):
        draw(pipe, callback_on_step_end=note)
    assert_close(seen[2], seen[0])
    assert_differ(seen[3], seen[1])


def test_pictures_by_the_adapters_image_encoder() -> None:
    pipe = with_adapter()
    torch.manual_seed(3)
    config = CLIPVisionConfig(
        hidden_size=16,
        intermediate_size=16,
        projection_dim=CLIP,
        num_hidden_layers=1,
        num_attention_heads=2,
        image_size=16,
        patch_size=8,
    )
    pipe.register_modules(
        image_encoder=CLIPVisionModelWithProjection(config).eval(),
        feature_extractor=CLIPImageProcessor(size=16, crop_size=16),
    )
    red, blue = Image.new("RGB", (20, 30), "red"), Image.new("RGBA", (40, 16), "blue")
    expected = draw(pipe, ip_adapter_image=[[red, blue.convert("RGB")]])
    assert_close(regionally(pipe, whole(), {"all": [red, blue]}, "latent"), expected)
    assert_differ(regionally(pipe, whole(), {"all": red}, "latent"), expected)


def test_two_adapters_are_loaded_and_none_is_given_a_picture() -> None:
    """The first is the regions', and without any for these, nothing is added."""
    first, both = with_adapter(), with_adapter(count=2)
    images = {"left": reference(1)}
    expected = regionally(first, halves(), images)
    assert_close(regionally(both, halves(), images), expected)
    assert_close(
        regionally(both, halves(), images, scale=0), regionally(tiny_sdxl(), halves(), None)
    )


def test_without_regions_an_adapter_needs_no_picture() -> None:
    """As in a tile of an enlarged picture in which none of them lies."""
    plan = Plan(prompt=BASE)
    assert_close(regionally(with_adapter(), plan, None), regionally(tiny_sdxl(), plan, None))


def patched(pipe: Any) -> Any:
    return list(pipe.unet.attn_processors.values()), dict(vars(pipe.unet)), dict(vars(pipe))


def test_nothing_is_left_after_an_exception() -> None:
    pipe, call = with_adapter(), {"ip_adapter_image_embeds": [reference(1)]}
    before, state = draw(pipe, **call), patched(pipe)
    with pytest.raises(ZeroDivisionError):
        regionally(pipe, halves(), {1: reference(2)}, callback_on_step_end=lambda *_: 1 / 0)
    assert patched(pipe) == state
    assert torch.equal(draw(pipe, **call), before)


def test_what_cannot_be_is_said_before_the_first_step() -> None:
    picture, pipe = Image.new("RGB", (8, 8)), with_adapter()

    def refusal(pipe: Any, images: Any, kind: type[RPGError], scale: Any = 0.5) -> str:
        with pytest.raises(kind) as caught:
            with regional(pipe, halves(), region_images=images, region_image_scale=scale):
                raise AssertionError("it has begun")
        return str(caught.value)

    assert "load one by load_ip_adapter" in refusal(tiny_sdxl(), {1: picture}, ModelError)
    assert "image encoder" in refusal(pipe, {1: picture}, ModelError)
    assert "no region 'third'" in refusal(pipe, {"third": picture}, SettingsError)
    for wrong in ([], "ref.png", [picture, "ref.png"], torch.zeros(3, 1, CLIP)):
        assert "picture" in refusal(pipe, {1: wrong}, SettingsError)
    for scale in (-1, float("nan"), "much"):
        assert "region_image_scale" in refusal(pipe, {1: reference(1)}, SettingsError, scale)
