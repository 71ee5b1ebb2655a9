"""What was found for a model, kept in the user's configuration and used whenever it is loaded.

A model is known by the name of its folder or file and a digest of what is in it: another one of the
same name has values of its own, and a copy of the same name elsewhere the same ones. One of the hub
is known by its id and its index; what else of it is here changes with what was asked for.
"""

from __future__ import annotations

import hashlib
import os
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Annotated, Any, Literal

from platformdirs import user_config_path, user_data_path
from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator

from rpg.calibration.arms import checked_settings
from rpg.defaults import FILE_NAME, ModelDefaults
from rpg.environment import environment
from rpg.errors import ModelError
from rpg.metadata import public_name, write_whole
from rpg.settings import explain

__all__ = ["Kept", "calibrated", "forget", "journal_path", "keep", "kept_for", "model_id"]

_WEIGHTS = (".safetensors", ".bin")
_SAMPLE = 2**20  # bytes at either end of a file of weights: its header and some of its values


class Kept(BaseModel):
    """Settings that won on a model.

    Attributes:
        version: Of this form.
        model: Public name.
        settings: What won, by name.
        instead_of: The values that the model had for these before.
        critic: Who judged.
        prompts: How many the winner drew.
        score: Its mean, 0 to 1.
        own_score: That of the model's own way.
        pictures: Judged in all.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    version: Literal[1] = 1
    model: Annotated[str, Field(max_length=200)]
    settings: Annotated[dict[str, Any], Field(min_length=1)]
    instead_of: dict[str, Any]
    critic: Annotated[str, Field(max_length=200)] = ""
    prompts: Annotated[int, Field(ge=0)] = 0
    score: Annotated[float, Field(ge=0.0, le=1.0)] = 0.0
    own_score: Annotated[float, Field(ge=0.0, le=1.0)] = 0.0
    pictures: Annotated[int, Field(ge=0)] = 0

    @field_validator("settings", "instead_of")
    @classmethod
    def _of_a_model(cls, settings: dict[str, Any]) -> dict[str, Any]:
        return checked_settings(settings)

    def undone(self, defaults: ModelDefaults) -> ModelDefaults:
        """The model's own defaults, from those that it has with what is kept."""
        return defaults.model_copy(update=self.instead_of)


def calibrated(defaults: ModelDefaults, model: str | os.PathLike[str]) -> ModelDefaults:
    """A model's defaults with what is kept for it in their place.

    Args:
        defaults: Of its own file or its family.
        model: Where it was loaded from: folder, file or hub id; empty where nobody knows.

    Raises:
        ModelError: What is kept cannot be read.
    """
    kept = kept_for(model)
    return defaults.model_copy(update=kept.settings) if kept is not None else defaults


def kept_for(model: str | os.PathLike[str]) -> Kept | None:
    """What is kept for a model; None where nothing is.

    Raises:
        ModelError: It cannot be read; says how to get rid of it.
    """
    path = _path(model)
    if path is None or not path.is_file():
        return None
    try:
        return Kept.model_validate_json(path.read_bytes())
    except (OSError, ValidationError) as error:
        why = explain(error) if isinstance(error, ValidationError) else error.strerror
        raise ModelError(
            f"what was calibrated for {public_name(model)} cannot be read ({why}): "
            "`rpg calibrate --forget` removes it"
        ) from None


def keep(model: str | os.PathLike[str], kept: Kept) -> Path:
    """Writes what won, in one move.

    Raises:
        ModelError: The model has no files here that it could be known by.
        MetadataError: It cannot be written.
    """
    path = _kept_path(_known(model))
    return write_whole(path, kept.model_dump_json(indent=1).encode())


def forget(model: str | os.PathLike[str]) -> bool:
    """Removes what is kept for a model; False where nothing was.

    Raises:
        ModelError: It cannot be removed.
    """
    path = _path(model)
    if path is None or not path.is_file():
        return False
    try:
        path.unlink()
    except OSError as error:
        name = public_name(model)
        raise ModelError(
            f"what was calibrated for {name} cannot be removed: {error.strerror}"
        ) from None
    return True


def journal_path(model: str | os.PathLike[str], critic: str) -> Path:
    """Where the judgements of a model's pictures by that critic are written.

    Raises:
        ModelError: The model has no files here that it could be known by.
    """
    chosen = environment().config
    root = Path(chosen).expanduser() if chosen else user_data_path("rpg")
    return root / "calibrations" / f"{_known(model)}-{_slug(critic)}.jsonl"


def model_id(model: str | os.PathLike[str]) -> str | None:
    """The model's public name and a digest of its files; None where it has none on this machine.

    Args:
        model: Folder, file or hub id, which is looked for in the hub's cache.
    """
    files = sorted(_files(os.fspath(model)))
    if not files:
        return None
    digest = hashlib.sha256()
    for name, path in files:
        digest.update(f"{name} {path.stat().st_size} ".encode())
        digest.update(_sample(path))
    return f"{_slug(public_name(model))}-{digest.hexdigest()[:16]}"


def _known(model: str | os.PathLike[str]) -> str:
    known = model_id(model)
    if known is None:
        raise ModelError(
            f"{public_name(model)} has no files here that it could be known by: load it from a "
            "folder or a file"
        )
    return known


def _path(model: str | os.PathLike[str]) -> Path | None:
    known = model_id(model)
    return _kept_path(known) if known is not None else None


def _kept_path(known: str) -> Path:
    chosen = environment().config
    root = Path(chosen).expanduser() if chosen else user_config_path("rpg")
    return root / "models" / f"{known}.json"


def _files(source: str) -> Iterator[tuple[str, Path]]:
    """A model's weights and configurations, with what they are called within it."""
    found = Path(source) if source else None
    if found is None or not found.exists():
        if (index := _cached(source)) is not None:
            yield "", Path(index)
        return
    if found.is_file():
        yield "", found
        return
    for path in found.rglob("*"):
        name = path.relative_to(found).as_posix()
        is_configuration = path.suffix == ".json" and name != FILE_NAME
        if (is_configuration or path.suffix in _WEIGHTS) and path.is_file():
            yield name, path


def _cached(source: str) -> str | None:
    """The index of a pipeline in the hub's cache; nothing is fetched."""
    from huggingface_hub import try_to_load_from_cache  # on demand: commands start without it

    try:
        found = try_to_load_from_cache(source, "model_index.json")
    except ValueError:  # no hub id
        return None
    return found if isinstance(found, str) else None


def _sample(path: Path) -> bytes:
    """The beginning and the end of a file."""
    with open(path, "rb") as stream:
        first = stream.read(_SAMPLE)
        stream.seek(max(path.stat().st_size - _SAMPLE, 0))
        return first + stream.read(_SAMPLE)


def _slug(name: str) -> str:
    """A name as part of a file's: letters, digits and dashes."""
    return re.sub(r"[^a-z0-9]+", "-", name.lower()).strip("-")[:80] or "model"
