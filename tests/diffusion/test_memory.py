"""What memory a picture takes is counted on the real models, and chosen by that."""

from __future__ import annotations

import re
import weakref
from typing import Any

import diffusers
import pytest
import torch
from torch.nn import functional
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_map_only

from benchmarks import sdxl
from rpg.diffusion.memory_plan import MemoryNeed, MemoryPlan, checked_choice, memory_plan
from rpg.errors import ModelError
from tests.processes import ROOT

_library: Any = diffusers
GB = 10**9
# Weights of the published models, by their configurations.
SDXL = {
    "unet": 2_567_463_684,
    "text_encoder": 123_060_480,
    "text_encoder_2": 694_659_840,
    "vae": 83_653_863,
}
SD15 = {"unet": 859_520_964, "text_encoder": 123_060_480, "vae": 83_653_863}
SDXL_NEED = MemoryNeed.counted(SDXL, (1024, 1024), 2, family="sdxl", upcasts=True)
SD15_NEED = MemoryNeed.counted(SD15, (512, 512), 2, family="sd15")
EVERYTHING = MemoryPlan()
ONE_MODEL = MemoryPlan("model")
IN_TILES = MemoryPlan("model", tiling=True)
LAYERS = MemoryPlan("group", tiling=True)
ONE_LAYER = MemoryPlan("sequential", tiling=True)


@pytest.mark.parametrize(
    ("need", "free", "chosen"),
    [  # what cards of 24, 10, 8, 6, 4 and 2 GB have left beside a desktop
        (SDXL_NEED, 22 * GB, EVERYTHING),
        (SDXL_NEED, 9 * GB, ONE_MODEL),
        (SDXL_NEED, 7 * GB, ONE_MODEL),
        (SDXL_NEED, 5 * GB, LAYERS),
        (SDXL_NEED, 3 * GB, LAYERS),
        (SDXL_NEED, GB, ONE_LAYER),
        (SDXL_NEED, 0, ONE_LAYER),
        (SDXL_NEED, None, EVERYTHING),
        (SD15_NEED, 7 * GB, EVERYTHING),
        (SD15_NEED, 3.5 * GB, EVERYTHING),
        (SD15_NEED, 3 * GB, ONE_MODEL),
        (SD15_NEED, 2 * GB, LAYERS),
        (MemoryNeed.counted(SDXL, (2048, 2048), 2, family="sdxl", upcasts=True), 11 * GB, IN_TILES),
    ],
)
def test_the_first_way_that_fits_is_chosen(
    need: MemoryNeed, free: int | None, chosen: MemoryPlan
) -> None:
    assert memory_plan(need, free) == chosen


def test_a_decoder_without_float32_goes_before_offloading() -> None:
    chosen = memory_plan(SDXL_NEED, 11 * GB, decoder="bfloat16")
    assert chosen == MemoryPlan(decoder="bfloat16")
    assert memory_plan(SDXL_NEED, 22 * GB, decoder="bfloat16") == EVERYTHING
    assert memory_plan(SD15_NEED, 3 * GB, decoder="bfloat16") == ONE_MODEL  # it needs no float32


def test_a_device_without_memory_of_its_own_offloads_nothing() -> None:
    tiles = MemoryPlan(tiling=True)
    assert memory_plan(SDXL_NEED, 2 * GB, offloads=False) == tiles
    assert memory_plan(SDXL_NEED, None, offloads=False, saving=True) == tiles


@pytest.mark.parametrize(
    ("free", "chosen"), [(None, IN_TILES), (80 * GB, IN_TILES), (GB, ONE_LAYER)]
)
def test_saving_that_is_asked_for_saves_where_all_fits_and_goes_on_where_it_must(
    free: int | None, chosen: MemoryPlan
) -> None:
    assert memory_plan(SDXL_NEED, free, saving=True) == chosen


@pytest.mark.parametrize("need", [SDXL_NEED, SD15_NEED])
def test_more_memory_never_saves_more_and_what_is_chosen_fits(need: MemoryNeed) -> None:
    order = [EVERYTHING, MemoryPlan(decoder="bfloat16"), ONE_MODEL, IN_TILES, LAYERS, ONE_LAYER]
    before = len(order)
    for free in range(0, 16 * GB, GB // 4):
        chosen = memory_plan(need, free, decoder="bfloat16")
        assert order.index(chosen) <= before
        assert chosen == ONE_LAYER or need.peak(chosen) <= free
        before = order.index(chosen)
    assert before == 0


def test_the_page_has_these_figures() -> None:
    page = (ROOT / "docs/backbones.md").read_text().split("## Small cards")[1]
    figures = [float(one) for one in re.findall(r"\| ([\d.]+) GB", page)]
    ways = [EVERYTHING, MemoryPlan(decoder="bfloat16"), ONE_MODEL, IN_TILES, LAYERS, ONE_LAYER]
    assert figures == [round(SDXL_NEED.peak(way) / GB, 1) for way in ways]


def test_a_plan_in_words() -> None:
    assert str(LAYERS) == ("layers are there only while they work, pictures are decoded in tiles")
    assert "bfloat16" in str(MemoryPlan(decoder="bfloat16"))


@pytest.mark.parametrize("word", ["yes", "", "ON", "x" * 200])
def test_another_word_is_refused(word: str) -> None:
    with pytest.raises(ModelError, match=r"one of auto, on, off\Z"):
        checked_choice(word)


class Living(TorchDispatchMode):  # type: ignore[no-untyped-call]
    """Counts the bytes of tensors that are alive at once, but for those of a model."""

    def __init__(self, model: torch.nn.Module) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self.now = self.peak = 0
        held = (*model.parameters(), *model.buffers())
        self._known = {one.untyped_storage()._cdata for one in held}

    def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        out = func(*args, **(kwargs or {}))
        tree_map_only(torch.Tensor, self._born, out)
        return out

    def _born(self, tensor: torch.Tensor) -> None:
        storage = tensor.untyped_storage()
        if storage._cdata in self._known:
            return
        self._known.add(storage._cdata)
        self.now += storage.nbytes()
        self.peak = max(self.peak, self.now)
        weakref.finalize(storage, self._died, storage._cdata, storage.nbytes())

    def _died(self, known: int, size: int) -> None:
        self._known.discard(known)
        self.now -= size


def meta(*shape: int) -> torch.Tensor:
    return torch.empty(*shape, dtype=torch.float16, device="meta")


UNET15: dict[str, Any] = {"sample_size": 64, "cross_attention_dim": 768}  # the rest is the default


@torch.no_grad()
@pytest.mark.parametrize(
    ("config", "weights", "need", "cells"),
    [(sdxl.UNET, SDXL, SDXL_NEED, 128), (UNET15, SD15, SD15_NEED, 64)],
    ids=["sdxl", "sd15"],
)
def test_a_step_takes_what_is_counted_on_the_real_unet(
    config: dict[str, Any],
    weights: dict[str, int],
    need: MemoryNeed,
    cells: int,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """The kernels of GPUs never hold a layer's whole table of attention."""
    monkeypatch.setattr(functional, "scaled_dot_product_attention", lambda q, *_, **__: q.clone())
    with torch.device("meta"):
        unet = _library.UNet2DConditionModel(**config).half().eval()
    assert sum(one.numel() for one in unet.parameters()) == weights["unet"]
    added = {"text_embeds": meta(2, sdxl.POOLED), "time_ids": meta(2, 6)}
    with Living(unet) as living:
        text = meta(2, 77, config["cross_attention_dim"])
        unet(meta(2, 4, cells, cells), 1, text, added_cond_kwargs=added)
    assert 2 * living.peak < need.step < 4 * living.peak  # twice: room for latents


@torch.no_grad()
@pytest.mark.parametrize(("cells", "named"), [(128, "decode"), (64, "tile")])
def test_decoding_takes_what_is_counted_on_the_real_autoencoder(cells: int, named: str) -> None:
    with torch.device("meta"):
        vae = _library.AutoencoderKL(
            block_out_channels=(128, 256, 512, 512),
            down_block_types=("DownEncoderBlock2D",) * 4,
            up_block_types=("UpDecoderBlock2D",) * 4,
            layers_per_block=2,
        ).eval()
    assert sum(one.numel() for one in vae.parameters()) == SDXL["vae"]
    with Living(vae) as living:
        vae.decode(meta(1, 4, cells, cells).float())
    assert 1.2 * living.peak < getattr(SDXL_NEED, named) < 2 * living.peak
