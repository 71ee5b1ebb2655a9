"""The official scheme, where it is the same mathematics as ours, and where it must not be."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest
import torch
from torch import Tensor

from benchmarks.suite.official import official
from rpg.diffusion import regional
from rpg.plans.geometry import Box
from rpg.plans.plan import Plan, Region
from tests.diffusion.helpers import assert_close, assert_differ, draw, halves, plan_of, split, whole
from tests.tiny import tiny_sdxl

# Boxes end on cells of every level, so that our masks need no max-pooling.
OVERLAPPING = plan_of(
    Region(id="back", prompt="old dog", box=Box(0, 0, 0.75, 0.5)),
    Region(id="front", prompt="a cat", box=Box(0.25, 0.25, 1, 1), z=1),
)
PLANS: dict[str, tuple[Plan, dict[str, Any]]] = {
    "halves": (halves(), {}),
    "grid": (split("1,1,1;1,1,1"), {}),
    "unequal": (split("1,1,3;1,1,1"), {}),
    "rows": (split("1;3"), {}),
    "not-square": (split("1,1,1;1,1,1"), {"width": 96, "height": 64}),
    "overlapping-with-rest": (OVERLAPPING, {}),
}


def drawn(plan: Plan, *, base_ratio: float, last_pooled: bool = False, **words: Any) -> Tensor:
    pipe = tiny_sdxl()
    with official(pipe, plan, base_ratio=base_ratio, last_pooled=last_pooled):
        return draw(pipe, **words)


@pytest.mark.parametrize("base_ratio", [0.0, 0.2, 0.7])
@pytest.mark.parametrize("case", PLANS)
def test_it_equals_our_attention_composer_with_hard_masks(case: str, base_ratio: float) -> None:
    plan, size = PLANS[case]
    pipe = tiny_sdxl()
    with regional(pipe, plan, composer="attention", base_ratio=base_ratio):
        ours = draw(pipe, **size)
    theirs = drawn(plan, base_ratio=base_ratio, **size)
    assert_close(theirs, ours)
    assert_differ(theirs, draw(tiny_sdxl(), **size))


def test_outputs_are_put_together_by_rows_and_columns() -> None:
    """The same in the other order of thought: rows of columns, concatenated."""
    pipe = tiny_sdxl()
    with concatenated(pipe, [["red star", "blue moon"], ["green tree", "a cat"]], 0.3):
        expected = draw(pipe)
    assert_close(drawn(split("1,1,1;1,1,1"), base_ratio=0.3), expected)


def test_all_base_and_one_region_are_the_plain_pipeline() -> None:
    plain = draw(tiny_sdxl())
    assert_close(drawn(halves(), base_ratio=1.0), plain)
    assert_close(drawn(whole(), base_ratio=0.4), plain)


def test_the_last_region_s_pooled_embedding_changes_the_picture() -> None:
    right = drawn(halves(), base_ratio=0.2)
    assert_differ(drawn(halves(), base_ratio=0.2, last_pooled=True), right)
    same = whole()  # whose text is the base prompt's
    assert_close(drawn(same, base_ratio=0.2, last_pooled=True), draw(tiny_sdxl()))


def test_as_published_it_is_our_attention_under_the_last_region_s_pooled_embedding() -> None:
    """b = 0.5, as in the published code's script."""
    pipe, plan = tiny_sdxl(), halves()
    last = pipe.encode_prompt("blue moon", device="cpu", do_classifier_free_guidance=False)[2]

    def mistaken(_: Any, args: Any, words: dict[str, Any]) -> tuple[Any, dict[str, Any]]:
        added = words["added_cond_kwargs"]
        pooled = torch.cat([added["text_embeds"][:1], last])
        return args, {**words, "added_cond_kwargs": {**added, "text_embeds": pooled}}

    pipe.unet.register_forward_pre_hook(mistaken, with_kwargs=True)
    with regional(pipe, plan, composer="attention", base_ratio=0.5):
        ours = draw(pipe)
    assert_close(drawn(plan, base_ratio=0.5, last_pooled=True), ours)
    assert_differ(ours, drawn(plan, base_ratio=0.5))


def test_what_was_there_is_there_again() -> None:
    pipe = tiny_sdxl()
    before, plain = dict(pipe.unet.attn_processors), draw(pipe)
    with pytest.raises(ZeroDivisionError), official(pipe, halves(), base_ratio=0.2):
        assert pipe.unet.attn_processors != before
        raise ZeroDivisionError
    assert pipe.unet.attn_processors == before
    assert torch.equal(draw(pipe), plain)


@contextmanager
def concatenated(pipe: Any, rows: list[list[str]], b: float) -> Iterator[None]:
    """Equal rows and columns on a square canvas, for good: use a pipeline of your own."""
    texts = [
        [
            pipe.encode_prompt(
                prompt=text,
                device="cpu",
                num_images_per_prompt=1,
                do_classifier_free_guidance=False,
            )[0]
            for text in row
        ]
        for row in rows
    ]

    class Concatenating:
        def __init__(self, inner: Any) -> None:
            self.inner = inner

        def __call__(
            self,
            attn: Any,
            hidden_states: Tensor,
            encoder_hidden_states: Tensor,
            attention_mask: Tensor | None = None,
            temb: Tensor | None = None,
        ) -> Tensor:
            side = int(hidden_states.shape[1] ** 0.5)
            negative = encoder_hidden_states[:1]
            lines = []
            for y, row in enumerate(texts):
                pieces = []
                for x, text in enumerate(row):
                    out = self.inner(attn, hidden_states, torch.cat([negative, text]))
                    image = out.view(2, side, side, -1)
                    high, wide = side // len(texts), side // len(row)
                    pieces.append(image[:, y * high : (y + 1) * high, x * wide : (x + 1) * wide])
                lines.append(torch.cat(pieces, dim=2))
            put = torch.cat(lines, dim=1).flatten(1, 2)
            base: Tensor = self.inner(attn, hidden_states, encoder_hidden_states)
            return b * base + (1 - b) * put

    for name, module in pipe.unet.named_modules():
        if name.endswith("attn2"):
            module.set_processor(Concatenating(module.processor))
    yield
