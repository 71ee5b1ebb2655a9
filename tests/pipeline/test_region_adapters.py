"""LoRAs and reference pictures of single regions, as words of a call."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import torch
from PIL import Image

from rpg.errors import ModelError, SettingsError
from rpg.generation import sampling
from rpg.generation.request import Inputs
from rpg.pipeline import RPGPipeline
from rpg.plans.plan import Plan
from tests.diffusion.test_adapters import add_ip_adapter, reference
from tests.diffusion.test_region_lora import lora_file
from tests.pipeline.helpers import PROMPT, HalvesPlanner, called, columns, same
from tests.tiny import tiny_sd15, tiny_sdxl


@pytest.fixture(scope="module")
def lora(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return lora_file(tmp_path_factory.mktemp("loras"), tiny_sdxl, unet=("conv_out",), texts=())


def latents(rpg: RPGPipeline, **words: Any) -> torch.Tensor:
    drawn = called(rpg, PROMPT, seed=1, output_type="latent", num_inference_steps=1, **words)
    assert isinstance(drawn.images, torch.Tensor)
    return drawn.images


def test_words_name_regions_that_the_planner_makes(rpg: RPGPipeline, lora: Path) -> None:
    plain, left = latents(rpg), latents(rpg, region_loras={"the red star": [(lora, 1.0)]})
    changed = (plain - left).abs().amax((0, 1, 2))
    assert float(changed[:4].min()) > 1e-3 > 1e-5 > float(changed[4:].max())


def test_records_name_them_as_needed(rpg: RPGPipeline, lora: Path) -> None:
    output = called(rpg, PROMPT, seed=1, region_loras={1: [(lora, 1.0)]})
    assert output.records[0].needs == ("region_loras",)
    assert called(rpg, PROMPT, seed=1, region_loras={}).records[0].needs == ()


def test_each_prompt_has_its_own_region_of_that_name(rpg: RPGPipeline, lora: Path) -> None:
    prompts = [PROMPT, "a green sea and a red star"]
    given: dict[str, Any] = {"seed": 1, "region_loras": {"red star": [(lora, 2.0)]}}
    together = called(rpg, prompts, batch_size=2, **given)
    alone = called(rpg, prompts[1], **{**given, "seed": 2})
    assert same(together.images[1], alone.images[0])
    with pytest.raises(SettingsError, match="no region 'blue moon'"):
        called(rpg, prompts, region_loras={"blue moon": [(lora, 2.0)]})


def test_an_edit_keeps_them_to_their_region(rpg: RPGPipeline, lora: Path) -> None:
    """Where a freed place makes a region of its own below the others, numbers would shift."""
    plan = columns(PROMPT, PROMPT.split(" and "))
    image = called(rpg, plan=plan, seed=1).images[0]
    without, other = (columns(PROMPT, [left, "a blue moon"]) for left in ("gone", "a green star"))
    without = without.model_copy(update={"regions": without.regions[1:]})

    def edited(after: Plan, loras: Any) -> Image.Image:
        words: Any = {"seed": 2, "num_inference_steps": 3, "region_loras": loras}
        edited: Image.Image = rpg.edit(image, plan, after, **words).images[0]
        return edited

    assert same(edited(without, None), edited(without, {1: [(lora, 3.0)]}), 1)  # it is kept
    assert not same(edited(other, None), edited(other, {1: [(lora, 3.0)]}), 1)


def test_enlarging_keeps_them_too(
    rpg: RPGPipeline, lora: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each tile has those of the regions that are in it."""
    render, told = sampling.render, []

    def noted(
        pipe: Any, plans: Any, used: Any, noise: Any, inputs: Inputs, *args: Any, **words: Any
    ) -> Any:
        ids = {region.id for region in plans[0].layers()}
        told.append((ids, set(inputs.region_loras or ())))
        return render(pipe, plans, used, noise, inputs, *args, **words)

    monkeypatch.setattr(sampling, "render", noted)
    words: Any = {"upscale": 2.0, "upscale_tile": 32, "upscale_strength": 0.5, "seed": 1}
    called(rpg, PROMPT, region_loras={2: [(lora, 1.0)]}, **words)
    assert {"r0"} in [ids for ids, _ in told]
    assert all(given == ids & {"r1"} for ids, given in told)


def test_a_picture_enlarged_later_without_them_says_so(rpg: RPGPipeline, lora: Path) -> None:
    """At once they would act in the second pass, too: that makes another picture."""
    before = called(rpg, PROMPT, seed=1, num_inference_steps=4, region_loras={2: [(lora, 1.0)]})
    later = rpg.upscale(before.images[0], before.records[0], strength=0.5)
    assert later.records[0].needs == ("enlarged_picture",)


def test_what_cannot_be_is_refused_before_anything_is_planned(lora: Path, tmp_path: Path) -> None:
    planner = HalvesPlanner()
    rpg = RPGPipeline.from_pipe(tiny_sdxl(), planner=planner)
    other = lora_file(tmp_path, tiny_sd15, unet=("attn2.to_k",), texts=())
    with pytest.raises(ModelError, match="made for another kind of model"):
        rpg(PROMPT, region_loras={"star": [(other, 1.0)]})
    for given in ({"region_loras": [("star", lora)]}, {"region_images": [reference(1)]}):
        with pytest.raises(SettingsError, match=f"{next(iter(given))}: expected a mapping"):
            called(rpg, PROMPT, **given)
    with pytest.raises(ModelError, match="needs an IP-Adapter"):
        rpg(PROMPT, region_images={"star": reference(1)})
    with pytest.raises(SettingsError, match="region_image_scale"):
        rpg(PROMPT, region_image_scale=-1)
    with pytest.raises(SettingsError, match="no region 'sun'"):
        rpg(plan=columns(PROMPT, ["a star"]), region_loras={"sun": [(lora, 1.0)]})
    assert planner.asked == []


def test_a_reference_picture_in_one_region() -> None:
    pipe = tiny_sdxl()
    add_ip_adapter(pipe)
    rpg = RPGPipeline.from_pipe(pipe, planner=HalvesPlanner())
    one, two, weak = (
        latents(
            rpg,
            region_images={"blue moon": reference(seed)},
            region_image_scale=scale,
            composer="latent",
            base_ratio=0.0,
        )
        for seed, scale in ((1, 1.0), (2, 1.0), (1, 0.1))
    )
    assert torch.equal(one[..., :4], two[..., :4])
    assert float((one - two)[..., 4:].abs().max()) > float((one - weak)[..., 4:].abs().max()) * 0.1
    assert not torch.equal(one, weak)
