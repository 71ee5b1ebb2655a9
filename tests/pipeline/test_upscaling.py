"""The high-resolution pass: one tile is image to image, several agree, records make it again."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from rpg.errors import GenerationError, ModelError, SettingsError
from rpg.events import Event, Failed, Notice, Refined, Rendered, Step
from rpg.generation.tiles import cut, ramps, spans, tiled
from rpg.generation.upscaling import of_tile
from rpg.pipeline import RPGOutput, RPGPipeline
from rpg.plans.geometry import Box
from rpg.plans.plan import Plan, Region, encode_mask
from rpg.plans.scene import Scene, Thing
from rpg.settings import GenerationSettings
from tests.pipeline.helpers import PROMPT, columns, pixels, same
from tests.processes import ROOT
from tests.tiny import tiny_sd15, tiny_sdxl

QUICK: dict[str, Any] = {"num_inference_steps": 4, "width": 32, "height": 32, "seed": 7}
TILED: dict[str, Any] = {"upscale": 2, "upscale_strength": 0.5, "upscale_tile": 64}
PLAN = columns(PROMPT, PROMPT.split(" and "))
SIDES = st.integers(8, 160).map(lambda cells: 8 * cells)
EDGES = st.integers(0, 64)


def boxes(across: tuple[int, int], down: tuple[int, int], whole: int = 64) -> Box:
    """A box on a grid of 64 x 64, from edges in any order."""
    (x0, x1), (y0, y1) = ((min(one), max(*one, min(one) + 1)) for one in (across, down))
    x0, y0 = min(x0, whole - 1), min(y0, whole - 1)
    return Box(x0 / whole, y0 / whole, min(x1, whole) / whole, min(y1, whole) / whole)


BOXES = st.builds(boxes, st.tuples(EDGES, EDGES), st.tuples(EDGES, EDGES))


@given(SIDES, SIDES, st.sampled_from([8, 16]))
def test_tiles_cover_a_side_and_their_shares_sum_to_one(
    length: int, most: int, multiple: int
) -> None:
    length, most = (-(-side // multiple) * multiple for side in (length, max(most, 2 * multiple)))
    parts = spans(length, most, multiple)
    assert parts[0][0] == 0 and parts[-1][1] == length
    assert len({end - start for start, end in parts}) == 1
    assert all(edge % multiple == 0 for part in parts for edge in part)
    assert parts[0][1] <= most
    for (start, end), (following, _) in pairwise(parts):
        assert start < following <= end - multiple
    shares = ramps(parts, length)
    assert np.allclose(shares.sum(axis=0), 1, atol=1e-6) and shares.min() >= 0
    for (start, end), share in zip(parts, shares, strict=True):
        assert not share[:start].any() and not share[end:].any()
        assert np.abs(np.diff(share)).max(initial=0) <= 1.6 / multiple  # no step


@given(st.lists(BOXES, max_size=4), st.sampled_from([96, 160]), SIDES, st.sampled_from([8, 16]))
def test_shares_of_tiles_sum_to_one_and_no_region_that_fits_is_cut(
    places: list[Box], width: int, most: int, multiple: int
) -> None:
    size, most = (width, 128), max(most, 2 * multiple)
    layers = [Region(id=f"{i}", prompt="x", box=box) for i, box in enumerate(places)]
    plan = Plan(prompt="things", regions=tuple(layers))
    total, owners = np.zeros(size[::-1]), np.full(size[::-1], -1)
    for number, tile in enumerate(tiled(plan, size, most, multiple)):
        rows, columns = slice(*tile.rows), slice(*tile.columns)
        assert max(np.subtract(*tile.rows[::-1]), np.subtract(*tile.columns[::-1])) <= most
        assert not any(edge % multiple for edge in (*tile.rows, *tile.columns))
        assert tile.share.min() >= 0
        total[rows, columns] += tile.share
        owners[rows, columns][tile.share > 0.999] = number
    assert np.allclose(total, 1, atol=1e-5)
    if layers and max(layers[-1].box.width * width, layers[-1].box.height * 128) <= most / 3:
        left, top, right, bottom = layers[-1].box.to_pixels(*size)
        assert len(set(owners[top:bottom, left:right].flat)) == 1  # the uppermost, by one tile
        assert owners[top, left] >= 0


def test_a_side_that_fits_is_one_tile_and_twice_the_models_side_is_two() -> None:
    assert spans(1024, 1280, 8) == ((0, 1024),)
    assert ramps([(0, 16)], 16).tolist() == [[1.0] * 16]
    assert spans(2048, 1280, 8) == ((0, 1104), (944, 2048))


def test_a_feather_is_as_wide_in_a_tile_as_on_the_canvas() -> None:
    used = GenerationSettings(feather=0.1, upscale_strength=0.4, num_images_per_prompt=3)
    tile = of_tile(used, (1024, 2048), (640, 512))
    assert tile.feather == pytest.approx(0.1 * 1024 / 512)
    assert (tile.strength, tile.num_images_per_prompt) == (0.4, 1)
    assert of_tile(used, (1024, 1024), (64, 64)).feather == 0.5  # the most there is


def painted(plan: Plan, side: int) -> np.ndarray:
    """Which region each pixel is, by the order of names; -1 for none."""
    names = sorted(region.id for region in PAIR)
    shown = np.full((side, side), -1)
    for region in plan.layers():
        left, top, right, bottom = region.box.to_pixels(side, side)
        inside = np.zeros((side, side), bool)
        inside[top:bottom, left:right] = True
        if (mask := region.mask_image()) is not None:
            inside &= np.asarray(mask.resize((side, side), Image.Resampling.NEAREST)) > 127
        shown[inside] = names.index(region.id)
    return shown


PAIR = [Region(id=name, prompt=name, box=Box(0, 0, 1, 1)) for name in ("a", "b")]


@given(BOXES, BOXES, st.booleans(), EDGES, EDGES, st.sampled_from([8, 16, 32]))
def test_regions_of_a_tile_lie_on_the_pixels_that_they_had(
    low: Box, high: Box, mask: bool, x: int, y: int, side: int
) -> None:
    form = Image.new("L", (64, 64))
    form.paste(255, (16, 24, 48, 56))
    child = PAIR[1].model_copy(update={"box": high})
    parent = PAIR[0].model_copy(
        update={"box": low, "mask": encode_mask(form) if mask else None, "children": (child,)}
    )
    x, y = min(x, 64 - side), min(y, 64 - side)
    tile = Box(x / 64, y / 64, (x + side) / 64, (y + side) / 64)
    plan = Plan(prompt="two things", regions=(parent,))
    whole = painted(plan, 64)[y : y + side, x : x + side]
    assert (painted(cut(plan, tile), side) == whole).all()


def test_a_tile_is_told_of_the_things_in_it_alone() -> None:
    plan = columns("a star, a moon and a tree", ["a star", "a moon", "a tree"])
    assert cut(plan, Box(0, 0, 0.5, 1)).effective_base_prompt == "a star, a moon"
    assert cut(plan, Box(0.7, 0, 1, 1)).effective_base_prompt == "a tree"
    assert cut(plan, Box(0, 0.5, 1, 1)).effective_base_prompt == plan.prompt


def test_a_tile_without_regions_is_told_what_leftover_canvas_is_told() -> None:
    left = Region(id="a", prompt="a star", shows=("t",), box=Box(0, 0, 0.25, 1))
    scene = Scene(setting="at night", things=(Thing(id="t", name="star"),))
    plan = Plan(prompt="a star at night", regions=(left,), scene=scene)
    right = Box(0.5, 0, 1, 1)
    assert cut(plan, right).effective_base_prompt == "at night"
    bare = plan.model_copy(update={"scene": Scene(things=scene.things)})
    assert cut(bare, right, "on grey").effective_base_prompt == "on grey"
    assert cut(bare, right).effective_base_prompt == "a star at night"
    assert cut(plan, Box(0, 0, 1, 1)) is plan


@pytest.fixture(params=[tiny_sdxl, tiny_sd15], ids=["sdxl", "sd15"], scope="module")
def each(request: pytest.FixtureRequest) -> RPGPipeline:
    return RPGPipeline.from_pipe(request.param())


def drawn(rpg: RPGPipeline, **words: Any) -> RPGOutput:
    output = rpg(**{"plan": PLAN, **QUICK, **words})
    assert isinstance(output, RPGOutput)
    return output


@pytest.mark.parametrize("composer", ["latent+attention", "attention"])
def test_one_tile_is_image_to_image_from_the_enlarged_picture(
    each: RPGPipeline, composer: str
) -> None:
    before = drawn(each, composer=composer).images[0]
    made = drawn(each, composer=composer, upscale=2, upscale_strength=0.5).images[0]
    large = before.resize((64, 64), Image.Resampling.LANCZOS)
    sizes: dict[str, Any] = {"width": 64, "height": 64, "strength": 0.5}
    plain = drawn(each, composer=composer, image=large, **sizes).images[0]
    assert made.size == (64, 64) and made.tobytes() == plain.tobytes()


def test_the_pass_is_recorded_and_makes_the_picture_again(each: RPGPipeline) -> None:
    two = drawn(each, num_images_per_prompt=2, feather=0.2, **TILED)
    assert [one.size for one in two.images] == [(64, 64)] * 2
    for image, record in zip(two.images, two.records, strict=True):
        used = record.settings
        assert (used.width, used.upscale, used.upscale_tile) == (32, 2.0, 64)
        again = each(plan=record.plan, settings=used)
        assert again.records == [record] and same(again.images[0], image, tolerance=1)
    assert two.images[0].tobytes() != two.images[1].tobytes()


def test_what_is_larger_than_a_tile_is_told_before_the_first_step(rpg: RPGPipeline) -> None:
    words: dict[str, Any] = {**QUICK, **TILED, "upscale_tile": 48}
    events = list(rpg.stream(plan=PLAN, **words))
    told = [index for index, one in enumerate(events) if isinstance(one, Notice)]
    (notice,) = [events[index] for index in told]
    assert isinstance(notice, Notice) and "a tile of 48 pixels" in notice.text
    assert notice.text.count("r0, r1") == 1
    assert told[0] < next(i for i, one in enumerate(events) if isinstance(one, Step))
    small = Region(id="small", prompt="a star", box=Box(0.3, 0.3, 0.7, 0.7))
    around = Region(id="all", prompt="a sky", box=Box(0, 0, 1, 1), z=-1)
    plan = Plan(prompt="a star in the sky", regions=(small, around))
    assert not any(isinstance(one, Notice) for one in rpg.stream(plan=plan, **words))


def test_a_picture_upscaled_later_is_the_one_upscaled_at_once(rpg: RPGPipeline) -> None:
    before, at_once = drawn(rpg), drawn(rpg, **TILED)
    later = rpg.upscale(before.images[0], before.records[0], strength=0.5, tile=64)
    assert later.images[0].tobytes() == at_once.images[0].tobytes()
    assert later.records == at_once.records
    again = rpg.upscale(later.images[0], later.records[0], factor=1.5, strength=0.5)
    assert again.images[0].size == (96, 96)
    assert again.records[0].needs == ("enlarged_picture",) and again.records[0].task == "img2img"
    from_plan = rpg.upscale(
        before.images[0], PLAN, strength=0.5, settings=at_once.records[0].settings
    )
    assert from_plan.records[0].needs == ("enlarged_picture",)


def constant(rpg: RPGPipeline, monkeypatch: pytest.MonkeyPatch) -> None:
    """An autoencoder that stores every fourth pixel, so that what happens in latents is seen."""
    vae = rpg.pipe.vae

    def encode(image: torch.Tensor) -> Any:
        small = torch.nn.functional.avg_pool2d(image, 4)
        latents = torch.cat([small, small[:, :1]], dim=1) / vae.config.scaling_factor
        return type("Encoded", (), {"latents": latents})()

    def decode(latents: torch.Tensor, **_: Any) -> Any:
        large = torch.nn.functional.interpolate(latents[:, :3], scale_factor=4.0)
        return (large * vae.config.scaling_factor,)

    monkeypatch.setattr(vae, "encode", encode)
    monkeypatch.setattr(vae, "decode", decode)


def test_tiles_have_their_parts_of_one_noise(
    rpg: RPGPipeline, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A model that predicts nothing hands the noise on, so one tile and four show the same."""
    constant(rpg, monkeypatch)
    family = rpg.pipe.unet

    def nothing(sample: torch.Tensor, *_: Any, **__: Any) -> Any:
        return (torch.zeros_like(sample),)

    monkeypatch.setattr(family, "forward", nothing)
    grey = Image.new("RGB", (64, 64), (90, 128, 160))
    one, four = (
        rpg.upscale(grey, PLAN, strength=0.25, tile=tile, settings=GenerationSettings(**QUICK))
        for tile in (128, 72)
    )
    assert one.images[0].size == four.images[0].size == (128, 128)
    assert pixels(one.images[0]).std() > 5
    assert same(one.images[0], four.images[0], tolerance=1)


def test_the_examples_of_its_page_run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    tiny_sdxl().save_pretrained(tmp_path)
    own = {"width": 32, "height": 32, "num_inference_steps": 4, "guidance_scale": 5.0}
    (tmp_path / "rpg.json").write_text(json.dumps(own))
    monkeypatch.setenv("RPG_MODEL", str(tmp_path))
    monkeypatch.setenv("RPG_DEVICE", "cpu")
    page = (ROOT / "docs/upscaling.md").read_text()
    said: dict[str, Any] = {}
    exec("\n".join(re.findall(r"```python\n(.*?)```", page, re.DOTALL)), said)  # our own page
    assert said["large"].images[0].size == (64, 64) and len(said["near"].images) == 4


def heard(events: Iterator[Event], kind: type[Any]) -> list[Any]:
    return [event for event in events if isinstance(event, kind)]


def test_steps_are_counted_over_both_passes(rpg: RPGPipeline) -> None:
    for scheduler in ("euler", "heun"):
        words: dict[str, Any] = {"num_images_per_prompt": 2, "scheduler": scheduler}
        words["upscale_tile"] = 64
        events = rpg.stream(plan=PLAN, preview_every=0, **{**QUICK, **words, "upscale": 3})
        steps = heard(events, Step)
        assert [step.i for step in steps] == list(range(1, len(steps) + 1))
        assert {step.n for step in steps} == {len(steps)}
        passes = 7 if scheduler == "heun" else 4
        shown = [step.preview for step in steps[passes:]]
        assert shown[0].size == (32, 32) and not any(shown[1:])


def test_closing_the_stream_in_the_second_pass_leaves_a_pipeline_that_works(
    rpg: RPGPipeline,
) -> None:
    whole = drawn(rpg, **TILED)
    events = rpg.stream(plan=PLAN, **QUICK, **TILED)
    assert next(event for event in events if isinstance(event, Step) and event.i == 5).n == 6
    events.close()
    assert drawn(rpg, **TILED).images[0].tobytes() == whole.images[0].tobytes()


def test_what_fails_leaves_the_picture_of_before(
    rpg: RPGPipeline, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = drawn(rpg)

    def full(*_: Any, **__: Any) -> Any:
        raise torch.OutOfMemoryError("no memory")

    monkeypatch.setattr(rpg.pipe.vae, "encode", full)
    made = drawn(rpg, **TILED)
    assert made.images[0].tobytes() == before.images[0].tobytes()
    assert made.records == before.records
    assert any(text.startswith("the pictures stay at the size") for text in made.notices)
    with pytest.raises(GenerationError):
        rpg.upscale(before.images[0], before.records[0])
    monkeypatch.undo()
    assert drawn(rpg, **TILED).images[0].size == (64, 64)


@pytest.mark.parametrize(
    ("words", "said"),
    [
        ({"upscale": 5}, "upscale: should be less than or equal to 4"),
        ({"upscale": 4, "width": 2048, "height": 2048}, "2048x2048, upscaled 4 times, is over"),
        ({"upscale": 2, "upscale_strength": 0.1}, "upscale_strength 0.1 of 4 steps leaves none"),
        ({"upscale": 2, "output_type": "np"}, "leave out output_type"),
    ],
)
def test_what_cannot_be_is_said_before_a_step(
    rpg: RPGPipeline, words: dict[str, Any], said: str
) -> None:
    with pytest.raises(SettingsError, match=said):
        drawn(rpg, **words)


def test_who_cannot_upscale_says_so(rpg: RPGPipeline) -> None:
    image = Image.new("RGB", (32, 32))
    with pytest.raises(SettingsError, match="1 leaves the picture as it is"):
        rpg.upscale(image, PLAN, factor=1)
    with pytest.raises(SettingsError, match="an edit keeps every byte"):
        rpg.edit(image, PLAN, PLAN, mask_image=Image.new("L", (32, 32), 255), upscale=2)
    filler = RPGPipeline.from_pipe(tiny_sdxl(in_channels=9))
    with pytest.raises(ModelError, match="cannot upscale"):
        filler.upscale(image, PLAN)


def test_a_loop_upscales_its_best_picture_at_the_end(rpg: RPGPipeline) -> None:
    class Content:
        def review(self, image: Image.Image, plan: Plan, *, checks: Any = None) -> Any:
            from rpg.critique import Critique

            assert image.size == (32, 32)
            return Critique.of(())

    events = list(rpg.refine_stream(plan=PLAN, critic=Content(), **{**QUICK, **TILED, "seed": 3}))
    done = events[-1]
    assert isinstance(done, Refined) and not any(isinstance(one, Failed | Notice) for one in events)
    assert [one.images[0].size for one in heard(iter(events), Rendered)] == [(32, 32), (64, 64)]
    assert done.image.tobytes() == drawn(rpg, **TILED, seed=3).images[0].tobytes()
    assert done.record.settings.upscale == 2
