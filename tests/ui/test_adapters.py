"""LoRAs and ControlNets by name: they act on one drawing and leave no trace in the next."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from diffusers import StableDiffusionXLPipeline
from peft import LoraConfig
from peft.utils import get_peft_model_state_dict
from PIL import Image

from rpg.errors import SettingsError
from rpg.pipeline import RPGPipeline
from rpg.planners import RulePlanner
from rpg.session import Sessions
from rpg.settings import GenerationSettings
from tests.tiny import tiny_controlnet, tiny_union_controlnet
from ui.adapters import Adapters, Extras
from ui.progress import Phase, Snapshot
from ui.workshop import Workshop

PLAN = RulePlanner().plan("a red star above a blue circle")
QUICK = GenerationSettings(
    seed=3, num_inference_steps=2, width=64, height=64, strength=0.6, composer="attention"
)
NOTHING = Extras()
PICTURE = Image.new("RGB", (120, 80), "orange")


@pytest.fixture(scope="module")
def folder(rpg: RPGPipeline, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two LoRAs for Toybox, one file that is none, and a ControlNet."""
    made = tmp_path_factory.mktemp("adapters")
    for seed, name in enumerate(["wild", "wilder"]):
        torch.manual_seed(seed)
        targets = ["to_q", "to_k", "to_v", "to_out.0"]
        rpg.pipe.unet.add_adapter(LoraConfig(r=2, init_lora_weights=False, target_modules=targets))
        layers = get_peft_model_state_dict(rpg.pipe.unet)
        saver: Any = StableDiffusionXLPipeline
        saver.save_lora_weights(
            str(made), unet_lora_layers=layers, weight_name=f"{name}.safetensors"
        )
        rpg.pipe.unload_lora_weights()
    (made / "broken.safetensors").write_bytes(b"nothing of the kind")
    tiny_controlnet(rpg.pipe).save_pretrained(made / "edges")
    tiny_union_controlnet(rpg.pipe).save_pretrained(made / "union")
    return made


@pytest.fixture(scope="module")
def shop(rpg: RPGPipeline, folder: Path) -> Iterator[Workshop]:
    named = [f"{name}={folder / 'union'}" for name in ("canny", "depth", "other")]
    named += [f"edges={folder / 'edges'}", "lost=/no/such/folder"]
    adapters = Adapters.found(str(folder), named)
    made = Workshop(rpg, Sessions(folder / "sessions"), adapters=adapters)
    yield made
    made.jobs.close()


def drawn(shop: Workshop, extras: Extras = NOTHING) -> Snapshot:
    shop.adapters.check(extras)
    within = partial(shop.adapters.at_work, shop.rpg, PLAN, extras)
    return asyncio.run(shop.generate(PLAN, QUICK, within=within).finished())


def pixels(shot: Snapshot) -> Any:
    assert shot.phase is Phase.DONE, shot.error
    return np.asarray(shot.pictures[0])


@pytest.fixture(scope="module")
def before(shop: Workshop) -> Any:
    """The picture that nothing took part in."""
    return pixels(drawn(shop))


def test_files_are_offered_by_their_names(shop: Workshop) -> None:
    assert list(shop.adapters.loras) == ["broken", "wild", "wilder"]
    assert list(shop.adapters.controlnets) == ["canny", "depth", "other", "edges", "lost"]
    assert Adapters.found(None) == Adapters()


@pytest.mark.parametrize(
    ("folder", "named"),
    [("/no/such/folder", []), (None, ["edges"]), (None, ["=x"]), (None, ["a="])],
)
def test_flags_that_cannot_be_are_told(folder: str | None, named: list[str]) -> None:
    with pytest.raises(SettingsError, match=r"--(loras|controlnet) "):
        Adapters.found(folder, named)


@pytest.mark.parametrize(
    "extras",
    [
        Extras(loras=(("wild", 1.0), ("../../etc/passwd", 1.0))),
        Extras(loras=(("wild", 1.0),) * 9),
        Extras(controlnet="others", control=PICTURE),
        Extras(controlnet="edges"),
        Extras(controlnet="edges", control=PICTURE, image=PICTURE),
    ],
)
def test_what_is_not_there_or_does_not_go_together_is_told(shop: Workshop, extras: Extras) -> None:
    with pytest.raises(SettingsError):
        shop.adapters.check(extras)


@pytest.mark.parametrize(
    "extras",
    [
        Extras(loras=(("wild", 1.0),)),
        Extras(loras=(("wild", 0.7), ("wilder", -0.5))),
        Extras(controlnet="edges", control=PICTURE),
        Extras(controlnet="canny", control=PICTURE),
        Extras(image=PICTURE),
    ],
    ids=["lora", "loras", "controlnet", "union", "image"],
)
def test_what_takes_part_acts_and_goes(shop: Workshop, before: Any, extras: Extras) -> None:
    modules = [name for name, _ in shop.rpg.pipe.unet.named_modules()]
    processors = {name: id(one) for name, one in shop.rpg.pipe.unet.attn_processors.items()}
    acted = pixels(drawn(shop, extras))
    assert (acted != before).any()
    assert (pixels(drawn(shop)) == before).all()
    assert [name for name, _ in shop.rpg.pipe.unet.named_modules()] == modules
    if not extras.loras:
        after = {name: id(one) for name, one in shop.rpg.pipe.unet.attn_processors.items()}
        assert after == processors


def test_a_union_is_one_model_under_the_names_of_its_modes(shop: Workshop) -> None:
    canny, depth = (
        pixels(drawn(shop, Extras(controlnet=name, control=PICTURE))) for name in ("canny", "depth")
    )
    assert (canny != depth).any()
    assert len([source for source in shop.adapters._loaded if source.endswith("union")]) == 1
    unknown = drawn(shop, Extras(controlnet="other", control=PICTURE))
    assert unknown.phase is Phase.FAILED
    assert "control_mode 'other': this ControlNet has openpose, depth" in unknown.error


def test_weights_matter(shop: Workshop, before: Any) -> None:
    zero = pixels(drawn(shop, Extras(loras=(("wild", 0.0),))))
    strong = pixels(drawn(shop, Extras(loras=(("wild", 2.0),))))
    assert (zero == before).all() and (strong != before).any()


@pytest.mark.parametrize(
    "extras",
    [
        Extras(loras=(("wild", 1.0), ("broken", 1.0))),
        Extras(controlnet="lost", control=PICTURE),
    ],
)
def test_what_cannot_be_loaded_fails_in_words_and_leaves_no_trace(
    shop: Workshop, before: Any, extras: Extras, folder: Path
) -> None:
    kept = len(shop.sessions.list())
    shot = drawn(shop, extras)
    assert shot.phase is Phase.FAILED
    assert ("broken" if extras.loras else "ControlNet") in shot.error
    assert str(folder) not in shot.error and "/no/such" not in shot.error
    assert (pixels(drawn(shop)) == before).all()
    assert len(shop.sessions.list()) == kept + 1


def test_a_picture_keeps_its_shape_at_the_usual_number_of_pixels(shop: Workshop) -> None:
    large = Image.new("RGB", (1200, 300))
    with shop.adapters.at_work(shop.rpg, PLAN, Extras(image=large)) as words:
        width, height = words["image"].size
    usual = shop.rpg.defaults.canvas(region.box for region in PLAN.layers())
    assert width == 4 * height
    assert 0.9 < width * height / (usual[0] * usual[1]) < 1.1


def test_each_tells_what_it_needs(shop: Workshop) -> None:
    job = shop.generate(
        PLAN,
        QUICK,
        within=partial(shop.adapters.at_work, shop.rpg, PLAN, Extras(loras=(("wild", 1.0),))),
    )
    (turn,) = asyncio.run(job.finished()).turns
    assert shop.sessions.open(job.session).turn(turn).made.record.needs == ("lora",)
