"""Contours: GrabCut, SAM 2 and Toybox's detector."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from PIL import Image, ImageDraw

from rpg.editing.sam import Sam2
from rpg.editing.segmentation import GrabCut
from rpg.errors import ModelError
from rpg.plans.geometry import FULL, Box
from rpg.toybox.contours import ToyboxContours

LEFT, RIGHT = Box(0, 0, 0.5, 1), Box(0.5, 0, 1, 1)


def disc(
    size: tuple[int, int] = (96, 64), at: tuple[int, int] = (24, 32), r: int = 14
) -> Image.Image:
    rng = np.random.default_rng(0)
    noise = rng.integers(180, 200, (size[1], size[0], 3), dtype=np.uint8)
    image = Image.fromarray(noise)
    x, y = at
    ImageDraw.Draw(image).ellipse((x - r, y - r, x + r, y + r), fill=(200, 30, 40))
    return image


def truth(image: Image.Image) -> np.ndarray:
    return np.asarray(image)[..., 1] < 100


def overlap(one: np.ndarray, other: np.ndarray) -> float:
    return float((one & other).sum() / (one | other).sum())


def test_grabcut_finds_the_thing_and_says_none_where_there_is_none() -> None:
    image = disc()
    thing, nothing = GrabCut()(image, [LEFT, RIGHT])
    assert thing is not None and overlap(thing, truth(image)) > 0.9
    flat = Image.new("RGB", (40, 40), "white")
    assert GrabCut()(flat, [FULL, Box(0, 0, 0.01, 0.01)]) == [None, None]
    assert nothing is None or not (nothing & truth(image)).any()


def test_grabcut_is_always_of_the_same_mind_and_copes_with_large_pictures() -> None:
    image = disc((900, 600), (220, 300), 120)
    once, again = (GrabCut()(image, [LEFT])[0] for _ in range(2))
    assert once is not None and again is not None
    assert (once == again).all() and overlap(once, truth(image)) > 0.9


def test_toyboxs_things_may_reach_out_of_their_box() -> None:
    image = Image.new("RGB", (128, 128), (250, 246, 236))
    ImageDraw.Draw(image).ellipse((28, 40, 76, 88), fill=(48, 112, 228))
    thing, nothing = ToyboxContours()(image, [LEFT, RIGHT])
    assert thing is not None and nothing is None
    assert thing[64, 72] and not thing[64, 88]


def test_a_sam_that_is_not_there_is_a_model_error(tmp_path: Path) -> None:
    with pytest.raises(ModelError, match="cannot load SAM 2"):
        Sam2(tmp_path)(disc(), [LEFT])
    assert Sam2(tmp_path)(disc(), []) == []


def test_sam_segments_with_box_prompts(tmp_path: Path) -> None:
    import torch
    from transformers import Sam2Config, Sam2Model

    torch.manual_seed(0)
    small = {
        "backbone_config": {
            "model_type": "sam2_hiera_det_model",
            "hidden_size": 8,
            "blocks_per_stage": [1, 1, 2, 1],
            "embed_dim_per_stage": [8, 16, 32, 64],
            "num_attention_heads_per_stage": [1, 1, 1, 1],
            "global_attention_blocks": [3],
        },
        "backbone_channel_list": [64, 32, 16, 8],
        "fpn_hidden_size": 32,
    }
    config = Sam2Config(
        vision_config=small,
        prompt_encoder_config={"hidden_size": 32},
        mask_decoder_config={"hidden_size": 32, "mlp_dim": 32, "iou_head_hidden_dim": 32},
    )
    Sam2Model(config).save_pretrained(tmp_path)
    found = Sam2(tmp_path)(disc(), [LEFT, RIGHT])
    assert len(found) == 2
    assert all(one is None or (one.shape == (64, 96) and one.dtype == bool) for one in found)
