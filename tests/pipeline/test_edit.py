"""Edits: the part that changes, and all that stays."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from PIL import Image

from rpg.editing.inpaint import flattened
from rpg.errors import PlanError, SettingsError
from rpg.events import Edited, Planned, Rendered, Step
from rpg.pipeline import RPGPipeline
from rpg.plans import edits as e
from rpg.settings import GenerationSettings
from tests.pipeline.helpers import PROMPT, HalvesPlanner, columns, pixels, same
from tests.tiny import tiny_sd15, tiny_sdxl

STEPS: dict[str, Any] = {"num_inference_steps": 3, "seed": 5}
PLAN = columns(PROMPT, PROMPT.split(" and "))
BLUE = e.ModifyRegion(id="r0", prompt="a blue star")


def noise(width: int = 32, height: int = 32, mode: str = "RGB") -> Image.Image:
    data = np.random.default_rng(3).integers(0, 256, len(mode) * width * height, dtype=np.uint8)
    return Image.frombytes(mode, (width, height), data.tobytes())


def planner_of(rpg: RPGPipeline) -> HalvesPlanner:
    assert isinstance(rpg.planner, HalvesPlanner)
    return rpg.planner


@pytest.mark.parametrize("size", [(32, 32), (37, 41), (64, 40)])
@pytest.mark.parametrize("mode", ["RGB", "RGBA", "L"])
def test_every_byte_outside_the_mask_stays(
    rpg: RPGPipeline, size: tuple[int, int], mode: str
) -> None:
    image = noise(*size, mode)
    out = rpg.edit(image, PLAN, BLUE, **STEPS)
    before, after = pixels(rpg.edit(image, PLAN, BLUE, **STEPS).images[0]), pixels(out.images[0])
    assert (before == after).all()
    assert out.images[0].size == out.mask.size == size
    assert out.images[0].mode == "RGB"
    grey = np.asarray(out.mask)
    assert (grey[:, size[0] // 2 + 4 :] == 0).all() and grey.any()  # a cell more at most
    assert (after[grey == 0] == pixels(flattened(image))[grey == 0]).all()
    assert (after[grey == 255] != pixels(flattened(image))[grey == 255]).any()


@pytest.mark.parametrize("make", [tiny_sdxl, tiny_sd15])
def test_unets_of_nine_channels(make: Any) -> None:
    rpg = RPGPipeline.from_pipe(make(in_channels=9), planner=HalvesPlanner())
    image = noise()
    out = rpg.edit(image, PLAN, BLUE, **STEPS)
    grey = np.asarray(out.mask)
    assert (pixels(out.images[0])[grey == 0] == pixels(image)[grey == 0]).all()
    assert not same(out.images[0], image)


def test_an_edit_unpacks_to_pictures_and_their_plan(rpg: RPGPipeline) -> None:
    out = rpg.edit(noise(), PLAN, BLUE, **STEPS)
    images, plans = rpg.edit(noise(), PLAN, BLUE, return_dict=False, **STEPS)
    assert same(images[0], out.images[0]) and out[0] is out.images
    assert plans == out.plans == [out.plan] == [e.apply(PLAN, [BLUE])]
    assert out["edits"] == (BLUE,) and out["mask"] is out.mask


def test_a_painted_mask_goes_before(rpg: RPGPipeline) -> None:
    mask = Image.new("L", (32, 32))
    mask.paste(255, (20, 20, 30, 30))
    mask.paste(100, (4, 4, 9, 9))
    out = rpg.edit(noise(), PLAN, BLUE, mask_image=mask, **STEPS)
    assert same(out.mask, mask)
    changed = (pixels(out.images[0]) != pixels(noise())).any(axis=-1)
    assert not changed[np.asarray(mask) == 0].any() and changed[20:30, 20:30].any()
    alike = rpg.edit(noise(), PLAN, PLAN, mask_image=mask, **STEPS)
    assert alike.edits == () and not same(alike.images[0], noise())


def test_empty_and_full_masks_are_handled_in_words(rpg: RPGPipeline) -> None:
    with pytest.raises(SettingsError, match="black all over"):
        rpg.edit(noise(), PLAN, BLUE, mask_image=Image.new("L", (32, 32)), **STEPS)
    full = rpg.edit(noise(), PLAN, BLUE, mask_image=Image.new("L", (8, 8), 255), **STEPS)
    assert full.notices == ["the mask covers the whole picture: nothing of it stays"]
    with pytest.raises(PlanError, match="changes nothing"):
        rpg.edit(noise(), PLAN, [], **STEPS)


def test_strength_decides_how_many_steps_are_taken(rpg: RPGPipeline) -> None:
    words = {**STEPS, "num_inference_steps": 10}
    other = e.ModifyRegion(id="r0", prompt="a red house")
    for change, strength, steps in ((BLUE, None, 9), (other, None, 10), (other, 0.3, 3)):
        events = list(rpg.edit_stream(noise(), PLAN, change, strength=strength, **words))
        assert sum(isinstance(event, Step) for event in events) == steps
    settings = GenerationSettings(strength=0.5)
    events = list(rpg.edit_stream(noise(), PLAN, BLUE, settings=settings, **words))
    assert sum(isinstance(event, Step) for event in events) == 5


def test_events_come_in_order_and_tell_what_makes_it_again(rpg: RPGPipeline) -> None:
    events = list(rpg.edit_stream(noise(), PLAN, BLUE, preview_every=-1, **STEPS))
    edited, planned, *steps, rendered = events
    assert isinstance(edited, Edited) and edited.edits == (BLUE,) and edited.mask is not None
    assert isinstance(planned, Planned) and planned.plan == edited.plan == e.apply(PLAN, [BLUE])
    assert len(steps) == 2 and isinstance(rendered, Rendered)  # nine tenths of three
    record = rendered.records[0]
    assert record.task == "inpaint" and record.needs == ("image", "mask_image")
    again = rpg(plan=record.plan, settings=record.settings, image=noise(), mask_image=edited.mask)
    assert same(again[0][0], rendered.images[0])


def test_changes_are_plans_edits_or_words(rpg: RPGPipeline) -> None:
    after = e.apply(PLAN, [BLUE])
    by = [rpg.edit(noise(), PLAN, change, **STEPS) for change in (after, BLUE, [BLUE])]
    assert all(same(by[0].images[0], one.images[0]) for one in by)
    assert all(one.edits == (BLUE,) for one in by)
    with pytest.raises(PlanError, match="changes nothing"):
        rpg.edit(noise(), PLAN, "as it is", **STEPS)  # this planner plans the same again
    assert planner_of(rpg).asked == [PROMPT]


def test_several_seeds_of_one_edit_come_at_once(rpg: RPGPipeline) -> None:
    out = rpg.edit(noise(), PLAN, BLUE, num_images_per_prompt=2, **STEPS)
    assert len(out.images) == 2 and not same(out.images[0], out.images[1])
    assert [record.settings.seed for record in out.records] == [5, 6]
    alone = rpg.edit(noise(), PLAN, BLUE, num_inference_steps=3, seed=6)
    assert same(alone.images[0], out.images[1], tolerance=2)


def test_a_base_ratio_that_an_edit_gives_goes_before_that_of_the_picture(rpg: RPGPipeline) -> None:
    before = GenerationSettings(**STEPS, base_ratio=0.2, composer="attention")
    more = e.ModifyRegion(id="r0", prompt="a blue star", base_ratio=0.9)
    low, high = (rpg.edit(noise(), PLAN, one, settings=before) for one in (BLUE, more))
    assert not same(low.images[0], high.images[0])
    assert (high.plan.regions[0].base_ratio, high.plan.base_ratio) == (0.9, 0.2)
