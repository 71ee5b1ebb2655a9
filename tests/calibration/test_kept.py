"""What is kept for a model: found by the model's files, and used wherever that is loaded."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from rpg.calibration.kept import Kept, calibrated, forget, journal_path, keep, kept_for, model_id
from rpg.defaults import ModelDefaults
from rpg.errors import ModelError
from rpg.pipeline import RPGPipeline
from tests.cli.helpers import saved_model

OWN = {"composer": "attention", "base_ratio": 0.1}


@pytest.fixture(autouse=True)
def config(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("RPG_CONFIG", str(tmp_path / "config"))
    return tmp_path / "config"


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return saved_model(tmp_path_factory.mktemp("models") / "little", "little")


def kept(**words: Any) -> Kept:
    before = {"composer": "latent", "base_ratio": 0.0}
    return Kept(**{"model": "little", "settings": OWN, "instead_of": before, **words})


def files(folder: Path) -> Path:
    """A model's folder without a model."""
    (folder / "unet").mkdir(parents=True)
    (folder / "model_index.json").write_text("{}")
    (folder / "unet" / "weights.safetensors").write_bytes(bytes(range(256)) * 9000)
    return folder


@pytest.mark.slow
def test_whoever_loads_the_model_has_it_and_calls_go_before(model: Path) -> None:
    plain = RPGPipeline.from_pretrained(model)
    keep(model, kept())
    rpg = RPGPipeline.from_pretrained(model)
    assert (rpg.defaults.composer, rpg.defaults.base_ratio) == ("attention", 0.1)
    assert rpg.defaults.width == plain.defaults.width == 32  # its rpg.json's
    used = rpg("a red star left of a blue moon", seed=1).records[0]
    assert (used.settings.composer, used.settings.base_ratio) == ("attention", 0.1)
    called = rpg("a red star", seed=1, base_ratio=0.7).records[0].settings
    assert (called.composer, called.base_ratio) == ("attention", 0.7)
    assert RPGPipeline.from_pipe(rpg.pipe).defaults == rpg.defaults
    assert kept().undone(rpg.defaults).composer == "latent"
    assert forget(model) and not forget(model)
    assert RPGPipeline.from_pretrained(model).defaults == plain.defaults


def test_a_model_is_known_by_its_files_and_name(tmp_path: Path) -> None:
    one = model_id(files(tmp_path / "here" / "Nice Model"))
    assert one is not None and one.startswith("nice-model-")
    copy = files(tmp_path / "there" / "Nice Model")
    assert model_id(copy) == one
    (copy / "rpg.json").write_text("{}")
    assert model_id(copy) == one  # values of its own go under what is kept for it
    data = bytearray((copy / "unet" / "weights.safetensors").read_bytes())
    data[-1] ^= 1
    (copy / "unet" / "weights.safetensors").write_bytes(data)
    assert model_id(copy) != one
    single = tmp_path / "nice.safetensors"
    single.write_bytes(b"weights")
    assert (model_id(single) or "").startswith("nice-")


def test_what_has_no_files_here_has_nothing_kept(tmp_path: Path) -> None:
    own = ModelDefaults()
    for name in ("", "org/never-fetched", "no hub id at all", str(tmp_path / "missing")):
        assert model_id(name) is None and kept_for(name) is None
        assert calibrated(own, name) is own and not forget(name)
    unknown = "org/never-fetched"
    with pytest.raises(ModelError, match=f"{unknown} has no files here"):
        keep(unknown, kept())
    with pytest.raises(ModelError, match=f"{unknown} has no files here"):
        journal_path(unknown, "vlm")


def test_a_model_of_the_hubs_cache_is_known(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    found = files(tmp_path / "snapshot")
    cache = "huggingface_hub.try_to_load_from_cache"
    monkeypatch.setattr(cache, lambda source, name: str(found / name))
    known = model_id("org/name")
    assert known is not None and known.startswith("org-name-")
    (found / "unet" / "weights.fp16.safetensors").touch()  # what is fetched as it is needed
    assert model_id("org/name") == known


@pytest.mark.parametrize("text", ["", "{}", '{"version": 2}'])
def test_what_cannot_be_read_says_how_to_get_rid_of_it(tmp_path: Path, text: str) -> None:
    found = files(tmp_path / "model")
    keep(found, kept()).write_text(text)
    with pytest.raises(ModelError, match=r"for model cannot be read .*calibrate --forget"):
        kept_for(found)
    assert forget(found) and kept_for(found) is None


def test_only_what_a_model_may_have_is_kept() -> None:
    for settings in ({"seed": 3}, {"base_ratio": 7}):
        with pytest.raises(ValueError, match="is no setting|less than"):
            kept(settings=settings)


def test_nothing_is_written_outside_the_chosen_folder(tmp_path: Path, config: Path) -> None:
    found = files(tmp_path / "model")
    path = keep(found, kept(model="../../x"))
    assert path.parent == config / "models" and kept_for(found) == kept(model="../../x")
    assert journal_path(found, "vlm ../x").parent == config / "calibrations"


def test_without_a_chosen_folder_it_is_the_users_own(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("RPG_CONFIG")
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "c"))
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path / "d"))
    found = files(tmp_path / "model")
    assert keep(found, kept()).is_relative_to(tmp_path / "c" / "rpg" / "models")
    assert journal_path(found, "toybox").is_relative_to(tmp_path / "d" / "rpg")


def test_what_cannot_be_removed_is_told_in_a_line(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    found = files(tmp_path / "model")
    keep(found, kept())

    def refuse(path: Path) -> None:
        raise PermissionError(13, "Permission denied", str(path))

    monkeypatch.setattr(Path, "unlink", refuse)
    with pytest.raises(ModelError, match=r"^what was calibrated for \w+ cannot be removed: Perm"):
        forget(found)
