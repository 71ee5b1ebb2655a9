"""Loading, and what cannot be loaded."""

from __future__ import annotations

import json
import struct
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import save_file

from rpg.diffusion import load_pipeline, load_single_file, regional
from rpg.diffusion.backbones import family
from rpg.diffusion.canvas import size_multiple, snap_size
from rpg.errors import ModelError, SettingsError
from tests.diffusion.helpers import assert_close, draw, halves
from tests.tiny import tiny_sd15, tiny_sdxl


@pytest.mark.parametrize("make", [tiny_sdxl, tiny_sd15])
def test_saved_and_loaded_is_the_same(make: Any, tmp_path: Path) -> None:
    pipe = make()
    pipe.save_pretrained(tmp_path)
    loaded = load_pipeline(tmp_path, dtype="float32", device="cpu")
    assert type(loaded) is type(pipe)
    assert family(loaded) is family(pipe)
    loaded.set_progress_bar_config(disable=True)
    assert loaded.unet is not pipe.unet
    with regional(pipe, halves()), regional(loaded, halves()):
        assert_close(draw(loaded), draw(pipe))


def test_dtypes(tmp_path: Path) -> None:
    tiny_sdxl().save_pretrained(tmp_path)
    assert load_pipeline(tmp_path, device="cpu").unet.dtype == torch.float32
    assert load_pipeline(tmp_path, device="cpu", dtype="bfloat16").unet.dtype == torch.bfloat16
    with pytest.raises(ModelError, match="dtype 'float7'"):
        load_pipeline(tmp_path, dtype="float7")


@pytest.mark.parametrize("device", ["banana", "cuda:77", "hpu"])
def test_devices_that_are_not_here(device: str, tmp_path: Path) -> None:
    for load in (load_pipeline, load_single_file):
        with pytest.raises(ModelError, match=rf"^device '{device}': .*such as cpu.*\Z"):
            load(tmp_path, device=device)


def test_folders_that_hold_no_model(tmp_path: Path) -> None:
    with pytest.raises(ModelError, match="model_index.json"):
        load_pipeline(tmp_path)
    (tmp_path / "model_index.json").write_text("{")
    with pytest.raises(ModelError, match="cannot load"):
        load_pipeline(tmp_path)
    with pytest.raises(ModelError, match="missing"):
        load_pipeline(tmp_path / "missing")


def test_a_folder_with_parts_missing(tmp_path: Path) -> None:
    tiny_sdxl().save_pretrained(tmp_path)
    (tmp_path / "unet" / "diffusion_pytorch_model.safetensors").write_bytes(b"not weights")
    with pytest.raises(ModelError, match="cannot load"):
        load_pipeline(tmp_path)


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"garbage that is no checkpoint",
        struct.pack("<Q", 10**12),
        struct.pack("<Q", 2) + b"[]",
        struct.pack("<Q", 2) + b"{}",
        struct.pack("<Q", 60)
        + json.dumps({"a": {"dtype": "F32", "shape": [1]}}).encode().ljust(60),
    ],
)
def test_files_that_are_no_checkpoint(content: bytes, tmp_path: Path) -> None:
    path = tmp_path / "model.safetensors"
    path.write_bytes(content)
    with pytest.raises(ModelError, match="model.safetensors"):
        load_single_file(path, config=str(tmp_path))


def test_a_file_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(ModelError, match="missing"):
        load_single_file(tmp_path / "missing.safetensors")


def test_one_file_with_sdxls_weights(tmp_path: Path) -> None:
    """The UNet from the file, by the folder's configuration; the rest is given."""
    pipe = tiny_sdxl()
    pipe.save_pretrained(tmp_path / "folder")
    save_file(pipe.unet.state_dict(), tmp_path / "one.safetensors")
    given = {name: part for name, part in pipe.components.items() if part and name != "unet"}
    loaded = load_single_file(
        tmp_path / "one.safetensors",
        config=str(tmp_path / "folder"),
        device="cpu",
        **given,
    )
    loaded.set_progress_bar_config(disable=True)
    loaded.register_to_config(force_zeros_for_empty_prompt=False)
    assert loaded.unet is not pipe.unet
    with regional(pipe, halves()), regional(loaded, halves()):
        assert_close(draw(loaded), draw(pipe))


def test_sizes_snap_to_what_the_pipeline_takes() -> None:
    multiple = size_multiple(tiny_sdxl())
    assert multiple == 8
    assert snap_size(70, 43, multiple) == (72, 40)
    assert snap_size(1, 3, multiple) == (8, 8)
    for width, height in ((0, 64), (64, -1), (10_000, 64)):
        with pytest.raises(SettingsError, match=f"{width}x{height}"):
            snap_size(width, height, multiple)
