"""Nothing is computed twice: counted calls."""

from __future__ import annotations

from collections import Counter
from contextlib import ExitStack
from typing import Any

import pytest
from torch.nn import functional as F
from torch.overrides import TorchFunctionMode

from rpg.diffusion import regional
from rpg.diffusion.attention import cross_attention_layers
from rpg.plans.plan import Plan
from tests.diffusion.helpers import BASE, draw, noted_calls, split
from tests.tiny import MAX_TOKENS, tiny_sd15, tiny_sdxl

MAKERS = pytest.mark.parametrize("make", [tiny_sdxl, tiny_sd15])
PLAN = split("1,2,1;2,1,3")
STEPS = 5


def counted(pipe: Any, plan: Plan, **words: Any) -> Counter[str]:
    """Calls of the UNet, of the text encoders and of the text's projections, in one image."""
    layers = list(cross_attention_layers(pipe.unet))
    watched: dict[str, list[Any]] = {
        "unet": [pipe.unet],
        "encoder": [pipe.text_encoder],
        "to_q": [layer.to_q for layer in layers],
        "to_k": [layer.to_k for layer in layers],
        "to_v": [layer.to_v for layer in layers],
        "to_out": [layer.to_out[0] for layer in layers],
    }
    if hasattr(pipe, "text_encoder_2"):
        watched["encoder_2"] = [pipe.text_encoder_2]
    calls: Counter[str] = Counter()
    with ExitStack() as stack:
        for name, modules in watched.items():
            for module in modules:
                hook = module.register_forward_hook(lambda *_, name=name: calls.update([name]))
                stack.callback(hook.remove)
        with regional(pipe, plan, **words):
            draw(pipe, num_inference_steps=STEPS)
    return calls


@MAKERS
def test_attention_computes_each_thing_once(make: Any) -> None:
    pipe = make()
    layers = len(list(cross_attention_layers(pipe.unet)))
    calls = counted(pipe, PLAN, composer="attention")
    assert calls["unet"] == STEPS
    assert calls["to_k"] == calls["to_v"] == layers
    assert calls["to_q"] == calls["to_out"] == layers * STEPS
    assert calls["encoder"] == 1 and calls["encoder_2"] == int(hasattr(pipe, "text_encoder_2"))


@MAKERS
@pytest.mark.parametrize("composer", ["latent", "latent+attention"])
def test_keys_and_values_once_an_image_under_latents_too(make: Any, composer: str) -> None:
    pipe = make()
    layers = len(list(cross_attention_layers(pipe.unet)))
    calls = counted(pipe, PLAN, composer=composer)
    assert calls["to_k"] == calls["to_v"] == layers
    assert calls["encoder"] == 1


def test_equal_crops_are_one_call_and_without_base_no_other() -> None:
    pipe = tiny_sdxl()
    calls = noted_calls(pipe)
    with regional(pipe, split("1,1,1;1,1,1"), composer="latent", window=0, base_ratio=0.0):
        draw(pipe, num_inference_steps=1)
    assert calls == [(8, 4, 8, 8)]  # two halves of four crops
    calls.clear()
    with regional(pipe, split("1,1,1;2,3,1"), composer="latent", window=0, base_ratio=0.2):
        draw(pipe, num_inference_steps=1)
    assert calls[0] == (2, 4, 16, 16)
    assert sorted(calls[1:]) == [(2, 4, 12, 4), (2, 4, 12, 12), (4, 4, 6, 8)]


class Scores(TorchFunctionMode):
    """Notes the sizes of every attention: numbers of scores by length of the keys."""

    def __init__(self) -> None:
        super().__init__()
        self.of_keys: dict[int, list[int]] = {}

    def __torch_function__(
        self, func: Any, types: Any, args: Any = (), kwargs: dict[str, Any] | None = None
    ) -> Any:
        if func is F.scaled_dot_product_attention:
            query, key = args[:2]
            assert not kwargs or kwargs.get("attn_mask") is None
            scores = query.shape[:-1].numel() * key.shape[-2]
            self.of_keys.setdefault(key.shape[-2], []).append(scores)
        return func(*args, **(kwargs or {}))


def test_no_scores_of_every_token_with_every_prompt() -> None:
    """Eight regions: keys of one prompt each, and base and regions together twice the base."""

    def seen(plan: Plan) -> list[int]:
        pipe = tiny_sdxl()
        with regional(pipe, plan, composer="attention"), Scores() as scores:
            draw(pipe, width=128, height=128, num_inference_steps=1, guidance_scale=1)
        found: list[int] = scores.of_keys[MAX_TOKENS]
        cells = {MAX_TOKENS, 32 * 32, 16 * 16}
        assert set(scores.of_keys) == cells
        return found

    plain, ours = seen(Plan(prompt=BASE)), seen(split("1" + ",1" * 7))
    assert max(ours) <= max(plain)
    texts = 1 + 8  # the encoders' own scores, of the prompts
    assert sum(ours) <= 2 * sum(plain) + 2 * 2 * 2 * texts * MAX_TOKENS**2
