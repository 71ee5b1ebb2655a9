"""Pictures that version 0.1.0 drew and saved are drawn again, byte for byte.

Each file in `old_pictures/` is of another kind; `words.png` is enlarged for showing. Another
processor, or another torch, adds up in another order: there the pictures are the same to the eye.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image

from rpg import metadata
from rpg.pipeline import RPGPipeline
from rpg.plans.overlay import enlarge

FOLDER = Path(__file__).parent / "old_pictures"
DRAWN_WITH = ("2.13", "AVX512")
LIKENESS = 40.0  # decibels: what no eye tells apart

# What each was drawn from beside its record.
PICTURES: dict[str, dict[str, str]] = {
    "words": {},
    "attention": {},
    "latent": {},
    "fast": {},
    "official": {},
    "source": {},
    "img2img": {"image": "source"},
    "edited": {"image": "source", "mask_image": "edited_mask"},
    "removed": {"image": "source", "mask_image": "removed_mask"},
}

# Which of how many pictures of one call: a batch adds up in an order of its own.
PLACES = {"fast": (1, 2)}


@pytest.fixture(scope="module")
def pipeline() -> RPGPipeline:
    torch.set_num_threads(1)
    return RPGPipeline.from_pretrained()


def opened(name: str) -> Image.Image:
    with Image.open(FOLDER / f"{name}.png") as image:
        image.load()
    return image


def likeness(first: Image.Image, second: Image.Image) -> float:
    """Peak signal-to-noise ratio in decibels."""
    one, other = np.asarray(first, np.float64), np.asarray(second, np.float64)
    return float(10 * np.log10(255**2 / max(((one - other) ** 2).mean(), 1e-9)))


def test_every_picture_is_tried() -> None:
    kept = {path.stem for path in FOLDER.glob("*.png")}
    assert kept == PICTURES.keys() | {
        one for beside in PICTURES.values() for one in beside.values()
    }


@pytest.mark.parametrize("name", PICTURES)
def test_a_picture_is_drawn_again(pipeline: RPGPipeline, name: str) -> None:
    record = metadata.read(FOLDER / f"{name}.png")
    beside: dict[str, Any] = {word: opened(file) for word, file in PICTURES[name].items()}
    assert set(record.needs) == beside.keys()
    index, count = PLACES.get(name, (0, 1))
    assert record.settings.seed is not None
    whole = {"seed": record.settings.seed - index, "num_images_per_prompt": count}
    made = pipeline(plan=record.plan, settings=record.settings.updated(whole), **beside)
    assert made.records[index].model_copy(update={"scale": record.scale}) == record
    again = enlarge(made.images[index], record.scale)
    here = (torch.__version__, torch.backends.cpu.get_cpu_capability())
    if all(now.startswith(then) for now, then in zip(here, DRAWN_WITH, strict=True)):
        assert again.tobytes() == opened(name).tobytes()
    assert likeness(again, opened(name)) > LIKENESS


def test_what_another_tool_wrote_is_read_as_ever() -> None:
    text = (
        "a red star, night\nNegative prompt: grey\nSteps: 20, Sampler: DPM++ 2M Karras, "
        "CFG scale: 7, Seed: 42, Size: 512x768, Model: somebody, Clip skip: 2"
    )
    record = metadata.parse_parameters(text)
    assert (record.plan.prompt, record.plan.negative) == ("a red star, night", "grey")
    used = record.settings
    assert (used.num_inference_steps, used.scheduler) == (20, "dpm++2m-karras")
    assert (used.guidance_scale, used.seed) == (7.0, 42)
    assert used.clip_skip == 1  # of layers left out; there 1 leaves out none
    assert (used.width, used.height) == (512, 768)
