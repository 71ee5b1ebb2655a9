"""Ways to take less memory: each draws the same, and after a lack of it all is as before."""

from __future__ import annotations

import gc
import logging
from collections.abc import Callable, Iterator
from contextlib import nullcontext
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import accelerate  # type: ignore[import-untyped]
import diffusers
import huggingface_hub.constants
import pytest
import torch

from rpg._memory import memory_explained
from rpg.diffusion import load_pipeline, memory, regional, sibling, tiles
from rpg.diffusion.backbones import loading
from rpg.diffusion.memory import memory_state, next_saving
from rpg.diffusion.memory_plan import MemoryPlan
from rpg.diffusion.tiles import decoding_again_in_tiles
from rpg.errors import GenerationError, ModelError
from rpg.events import Failed, Notice
from rpg.pipeline import RPGPipeline
from tests.diffusion.helpers import assert_close, draw, halves
from tests.pipeline.helpers import PROMPT, HalvesPlanner, called, same
from tests.tiny import tiny_controlnet, tiny_sd15, tiny_sdxl

CPU = torch.device("cpu")
AS_IT_IS, IN_TILES = MemoryPlan(), MemoryPlan("model", tiling=True)
OFFLOADED = [
    MemoryPlan("model"),
    MemoryPlan("group", tiling=True),
    MemoryPlan("sequential", tiling=True),
]
_library: Any = diffusers


def full(*_: Any, **__: Any) -> Any:
    raise torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 2 EiB")


def ways(*plans: MemoryPlan) -> pytest.MarkDecorator:
    """Runs a test for each plan."""
    names = [f"{plan.offload}{'+tiles' * plan.tiling}" or "as it is" for plan in plans]
    return pytest.mark.parametrize("plan", plans, ids=names)


def kept(plan: MemoryPlan, make: Callable[[], Any] = tiny_sdxl) -> Any:
    pipe = make()
    if plan.offload != "sequential":
        memory.apply(pipe, CPU, plan)
        return pipe
    tiles.tile(pipe.vae)
    for part in pipe.components.values():  # as diffusers does it, which would say "cpu:0"
        if isinstance(part, torch.nn.Module):
            accelerate.cpu_offload(part, CPU, offload_buffers=bool(part._parameters))
    return pipe


@ways(IN_TILES, *OFFLOADED)
@pytest.mark.parametrize("make", [tiny_sdxl, tiny_sd15])
def test_every_way_draws_the_same_over_several_calls(make: Any, plan: MemoryPlan) -> None:
    expected, pipe = make(), kept(plan, make)
    with regional(expected, halves()):
        first = draw(expected)
    with regional(pipe, halves()):
        assert_close(draw(pipe), first, 1e-6)
        assert_close(draw(pipe), first, 1e-6)
    assert memory_state(pipe) == plan


@ways(*OFFLOADED)
@pytest.mark.filterwarnings("ignore:.*upcast_vae:FutureWarning")  # diffusers calls it itself
def test_float16_is_decoded_in_float32_under_every_way(plan: MemoryPlan) -> None:
    def make() -> Any:
        pipe = tiny_sdxl().to(torch.float16)
        pipe.vae.register_to_config(force_upcast=True)
        return pipe

    stock = RPGPipeline.from_pipe(make(), planner=HalvesPlanner())
    expected = called(stock, PROMPT, seed=1).images[0]
    pipe, seen = kept(plan, make), []
    pipe.vae.decoder.conv_out.register_forward_hook(lambda *io: seen.append(io[-1].dtype))
    rpg = RPGPipeline.from_pipe(pipe, planner=HalvesPlanner())
    for _ in range(2):
        assert same(called(rpg, PROMPT, seed=1).images[0], expected, tolerance=1)
    assert set(seen) == {torch.float32} and pipe.vae.dtype == torch.float16


@ways(*OFFLOADED)
def test_pictures_edits_and_controls_too(plan: MemoryPlan) -> None:
    """Each task has a pipeline of its own over the same models."""
    stock, pipe = tiny_sdxl(), kept(plan)
    image = RPGPipeline.from_pipe(tiny_sdxl(), planner=HalvesPlanner())(
        PROMPT, seed=1, width=32, height=32, num_inference_steps=2
    ).images[0]
    words = {"seed": 3, "strength": 0.7, "image": image, "num_inference_steps": 3}
    controls = {"control_image": image, "num_inference_steps": 2, "seed": 4}
    for one in (words, controls, words):
        pictures = []
        for held in (stock, pipe):
            own = {"controlnet": tiny_controlnet(tiny_sdxl())} if one is controls else {}
            rpg = RPGPipeline.from_pipe(held, planner=HalvesPlanner())
            pictures.append(rpg(PROMPT, width=32, height=32, **one, **own).images[0])
        assert same(pictures[0], pictures[1], tolerance=2)
    assert memory_state(pipe) == plan


def test_a_sibling_leaves_nothing_on_the_device_after_a_call() -> None:
    pipe = kept(MemoryPlan("model"))
    other = sibling(pipe, "img2img")
    freed = [hook.model for hook in other._all_hooks]
    assert {id(pipe.unet), id(pipe.vae)} <= {id(model) for model in freed}
    assert not hasattr(sibling(tiny_sdxl(), "img2img"), "_offload_device")


def test_tiles_are_smaller_than_the_usual_canvas_of_sdxl() -> None:
    """diffusers' own are as large as that, and then nothing is gained."""
    with torch.device("meta"):
        vae = _library.AutoencoderKL(sample_size=1024, block_out_channels=(32,) * 4,
                                     down_block_types=("DownEncoderBlock2D",) * 4,
                                     up_block_types=("UpDecoderBlock2D",) * 4)  # fmt: skip
    tiles.tile(vae)
    assert (vae.tile_sample_min_size, vae.tile_latent_min_size) == (512, 64)
    assert vae.use_tiling and vae.use_slicing
    tiles.tile(vae)
    assert (vae.tile_sample_min_size, vae.tile_latent_min_size) == (512, 64)


@pytest.mark.parametrize(
    ("free", "way"),
    [(10**12, MemoryPlan()), (0, MemoryPlan("sequential", tiling=True))],
)
def test_loading_counts_and_says_what_it_chose(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
    free: int,
    way: MemoryPlan,
) -> None:
    tiny_sdxl().save_pretrained(tmp_path)
    monkeypatch.setattr(memory, "free_bytes", lambda _: free)
    monkeypatch.setattr(memory, "_offloads", lambda _: True)
    pipe = load_pipeline(tmp_path, device="cpu")
    assert memory_state(pipe) == way
    said = [record.message for record in caplog.records if record.name == "rpg"]
    if way == MemoryPlan():
        assert not said
    else:
        (line,) = said
        assert line.startswith("low-vram: all at once takes about ") and "in tiles" in line
    caplog.clear()
    assert memory_state(load_pipeline(tmp_path, device="cpu", low_vram="off")) == MemoryPlan()
    assert not caplog.records


def test_on_a_cpu_only_what_is_asked_for_is_saved(tmp_path: Path) -> None:
    tiny_sdxl().save_pretrained(tmp_path)
    assert memory_state(load_pipeline(tmp_path, device="cpu")) == MemoryPlan()
    asked = RPGPipeline.from_pretrained(tmp_path, device="cpu", low_vram="on")
    assert memory_state(asked.pipe) == MemoryPlan(tiling=True)
    with pytest.raises(ModelError, match="low_vram 'yes'"):
        RPGPipeline.from_pretrained(tmp_path, low_vram="yes")  # type: ignore[arg-type]


@pytest.mark.parametrize(("any_dtype", "decoder"), [(True, "bfloat16"), (False, "")])
def test_bfloat16_is_taken_where_the_card_has_it_and_no_numbers_are_named(
    monkeypatch: pytest.MonkeyPatch, any_dtype: bool, decoder: str
) -> None:
    monkeypatch.setattr(torch.cuda, "device", lambda _: nullcontext())
    monkeypatch.setattr(torch.cuda, "is_bf16_supported", lambda **_: True)
    assert memory._decoder(torch.device("cuda"), any_dtype) == decoder
    pipe = tiny_sdxl().to(torch.float16)
    memory.apply(pipe, CPU, MemoryPlan(decoder="bfloat16"))
    assert pipe.unet.dtype == pipe.vae.dtype == torch.bfloat16


def test_the_autoencoder_made_for_float16_is_taken_from_the_cache_alone(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(huggingface_hub.constants, "HF_HUB_CACHE", str(tmp_path))
    assert memory._decoder(torch.device("cuda"), any_dtype=False) == ""
    repository = tmp_path / "models--madebyollin--sdxl-vae-fp16-fix"
    other = tiny_sd15(seed=5).vae
    other.save_pretrained(repository / "snapshots" / "0123")
    (repository / "refs").mkdir()
    (repository / "refs" / "main").write_text("0123")
    assert memory._decoder(torch.device("cuda"), any_dtype=False) == "fp16-fix"
    pipe = tiny_sdxl().to(torch.float16)
    memory.apply(pipe, CPU, MemoryPlan(decoder="fp16-fix"))
    assert torch.equal(pipe.vae.decoder.conv_in.weight, other.decoder.conv_in.weight.half())


def test_only_sdxls_pipelines_decode_float16_in_float32() -> None:
    for make, dtype, forced, upcast in (
        (tiny_sdxl, torch.float16, True, True),
        (tiny_sdxl, torch.bfloat16, True, False),
        (tiny_sdxl, torch.float16, False, False),
        (tiny_sd15, torch.float16, True, False),
    ):
        pipe = make().to(dtype)
        pipe.vae.register_to_config(force_upcast=forced)
        assert memory.upcasts(pipe) is upcast
        assert memory.need_of(pipe, (64, 64)).upcasts is upcast


@ways(AS_IT_IS, IN_TILES, *OFFLOADED)
def test_advice_names_what_is_not_done_yet(
    plan: MemoryPlan, monkeypatch: pytest.MonkeyPatch
) -> None:
    pipe = kept(plan)
    said = {"": "--vae-tiling", "model": "--vae-tiling", "model+": "--cpu-offload group"}
    wanted = said.get(plan.offload + "+" * plan.tiling, "")
    assert wanted in next_saving(pipe) and bool(wanted) is bool(next_saving(pipe))
    monkeypatch.setattr(memory, "_offloads", lambda _: True)  # as on a graphics card
    assert ("--low-vram on" in next_saving(pipe)) is (plan == AS_IT_IS)


# Out of memory -------------------------------------------------------------------------------


def failing(rpg: RPGPipeline, patch: pytest.MonkeyPatch, where: str) -> None:
    """Lets a part of a pipeline run out of memory, in the middle of what it does."""
    unet, vae = rpg.pipe.unet, rpg.pipe.vae
    module = {
        "text encoder": rpg.pipe.text_encoder_2.text_model.encoder,
        "unet": unet.mid_block,
        "decoder": vae.decoder.mid_block,
    }[where]

    patch.setattr(module, "forward", full)


@pytest.fixture
def frozen() -> Iterator[None]:
    """Objects that are there before a test are looked at no more, which would take seconds."""
    gc.collect()
    gc.freeze()
    yield
    gc.unfreeze()


def living() -> int:
    """How many tensors are alive that came with the test."""
    gc.collect()
    return sum(issubclass(type(one), torch.Tensor) for one in gc.get_objects())


@pytest.mark.usefixtures("frozen")
@ways(AS_IT_IS, *OFFLOADED)
@pytest.mark.parametrize("where", ["text encoder", "unet", "decoder"])
def test_the_next_call_draws_as_a_fresh_one_and_nothing_of_the_failed_one_lives(
    monkeypatch: pytest.MonkeyPatch, where: str, plan: MemoryPlan
) -> None:
    rpg = RPGPipeline.from_pipe(kept(plan), planner=HalvesPlanner())
    words = {"seed": 1, "composer": "latent+attention", "share": 0.5}
    expected = called(rpg, PROMPT, **words).images[0]
    before = living()
    with monkeypatch.context() as patch:
        failing(rpg, patch, where)
        with pytest.raises(GenerationError, match="out of memory: ask for a smaller") as held:
            called(rpg, PROMPT, **words)
    after = living()  # with the error in hand
    assert after <= before + 4, held
    assert memory_state(rpg.pipe) == plan
    assert same(called(rpg, PROMPT, **words).images[0], expected)


@pytest.mark.usefixtures("frozen")
def test_a_stream_that_fails_holds_nothing_either(monkeypatch: pytest.MonkeyPatch) -> None:
    rpg = RPGPipeline.from_pipe(tiny_sdxl(), planner=HalvesPlanner())
    called(rpg, PROMPT)
    before = living()
    with monkeypatch.context() as patch:
        failing(rpg, patch, "unet")
        *_, last = rpg.stream(PROMPT, width=32, height=32, num_inference_steps=3)
    assert isinstance(last, Failed) and living() <= before + 4


def test_decoding_is_tried_again_in_tiles_and_that_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    rpg = RPGPipeline.from_pipe(tiny_sdxl(), planner=HalvesPlanner())
    vae = rpg.pipe.vae
    before = {name: getattr(vae, name) for name in tiles._TILING}
    plain = called(rpg, PROMPT, seed=1)
    whole = vae.decoder.forward
    sides = []

    def small(sample: torch.Tensor, *args: Any) -> Any:
        sides.append(sample.shape[-1])
        if sample.shape[-1] > 4:
            full()
        return whole(sample, *args)

    monkeypatch.setattr(vae.decoder, "forward", small)
    done = called(rpg, PROMPT, seed=1)
    assert sides[0] == 8 and max(sides[1:]) == 4
    assert done.notices == [tiles._DECODED_IN_TILES] and not plain.notices
    assert {name: getattr(vae, name) for name in before} == before
    assert "decode" not in vars(vae)


def test_tiles_that_do_not_fit_either_are_the_end() -> None:
    vae, told = tiny_sdxl().vae, list[str]()
    vae.decoder.forward = full
    with pytest.raises(torch.OutOfMemoryError), decoding_again_in_tiles(vae, told.append):
        vae.decode(torch.zeros(1, 4, 8, 8))
    assert told == [] and not vae.use_tiling  # it did not help


def test_an_autoencoder_without_tiles_is_left_alone() -> None:
    vae = SimpleNamespace(decode=len)
    with decoding_again_in_tiles(vae, print):
        assert vae.decode is len


def test_a_model_that_does_not_fit_leaves_no_weights_behind(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    tiny_sdxl().save_pretrained(tmp_path)
    held: list[Any] = []

    def no_room(pipe: Any, *_: Any, **__: Any) -> Any:
        held.append(pipe)
        full()

    own = tiny_sdxl().vae
    with monkeypatch.context() as patch:
        patch.setattr(loading, "place", no_room)
        with pytest.raises(ModelError, match="out of memory: .*--low-vram on"):
            load_pipeline(tmp_path, device="cpu", vae=own)
    assert held[0].unet.device.type == held[0].text_encoder.device.type == "meta"
    assert own.device == CPU
    assert draw(load_pipeline(tmp_path, device="cpu")).isfinite().all()


@pytest.mark.usefixtures("frozen")
def test_what_an_error_came_from_lets_go_too() -> None:
    def inner() -> None:
        big = torch.zeros(3)
        raise RuntimeError(f"out of memory {big.shape}")

    def outer() -> None:
        other = torch.zeros(3)
        try:
            inner()
        except RuntimeError:
            raise MemoryError(str(other.shape)) from None

    before = living()
    with pytest.raises(ModelError, match="out of memory: less") as held:
        with memory_explained(ModelError, "less"):
            outer()
    assert living() == before, held


def test_notices_of_one_call_are_its_prompts(monkeypatch: pytest.MonkeyPatch) -> None:
    rpg = RPGPipeline.from_pipe(tiny_sdxl(), planner=HalvesPlanner())
    whole, calls = rpg.pipe.vae.decoder.forward, []

    def second(sample: torch.Tensor, *args: Any) -> Any:
        calls.append(1)
        if len(calls) == 2:
            full()
        return whole(sample, *args)

    monkeypatch.setattr(rpg.pipe.vae.decoder, "forward", second)
    words: Any = {"num_inference_steps": 2, "width": 32, "height": 32}
    events = list(rpg.stream([PROMPT, "a cat and a dog"], preview_every=-1.0, **words))
    assert [(e.text, e.prompt_index) for e in events if isinstance(e, Notice)] == [
        (tiles._DECODED_IN_TILES, 1)
    ]
    assert logging.getLogger("rpg").handlers == []
