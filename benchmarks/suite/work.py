"""What there is to draw: jobs with a key made of all that decides about a picture."""

from __future__ import annotations

import hashlib
import json
import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

from benchmarks.suite.store import Row
from benchmarks.suite.truth import Item
from benchmarks.suite.variants import Method, Variant, canvas, plan_of
from rpg.defaults import ModelDefaults, of_model
from rpg.errors import SettingsError

__all__ = ["Job", "Setup", "Unit", "missing", "pool_size", "shown", "units"]

_BETWEEN = 100  # seeds of one picture and the next; a pool takes fewer
_ROUNDING = 1e-6


@dataclass(frozen=True)
class Setup:
    """What all pictures of a run have in common.

    Attributes:
        model: Folder of weights.
        weights: What is in that folder, as a digest.
        seed: Of the prompts and the pictures.
        steps: Denoising steps.
    """

    model: str
    weights: str
    seed: int
    steps: int

    @classmethod
    def of(cls, folder: Path, *, seed: int = 0, steps: int = 0) -> Setup:
        """For the model in a folder; 0 steps are the model's own.

        Raises:
            SettingsError: There is no model in it.
        """
        if not (folder / "model_index.json").is_file():
            raise SettingsError(f"--model {folder}: the suite needs a folder in diffusers' layout")
        usual = of_model(folder, "sdxl").num_inference_steps
        return cls(str(folder), _digest(folder), seed, steps or usual)

    @property
    def defaults(self) -> ModelDefaults:
        """Of the model."""
        return of_model(Path(self.model), "sdxl")


@dataclass(frozen=True)
class Job:
    """One picture."""

    setup: Setup
    item: Item
    method: Method
    seed: int

    @property
    def key(self) -> str:
        """A digest of all that decides about the picture, but for our own code."""
        plan = plan_of(self.item, self.method)
        said = {
            "weights": self.setup.weights,
            "steps": self.setup.steps,
            "guidance": self.setup.defaults.guidance_scale,
            "canvas": canvas(self.item, self.setup.defaults),
            "seed": self.seed,
            "method": asdict(self.method),
            "plan": plan.model_dump(mode="json", exclude={"reasoning", "source"}),
        }
        return hashlib.sha256(json.dumps(said, sort_keys=True).encode()).hexdigest()[:24]

    def by(self, method: Method, seed: int) -> Job:
        """The same prompt, drawn otherwise."""
        return Job(self.setup, self.item, method, seed)


@dataclass(frozen=True)
class Unit:
    """One prompt with one seed, in all variants: what one process draws in one go."""

    setup: Setup
    item: Item
    seed: int
    variants: tuple[Variant, ...]

    def job(self, method: Method, seed: int | None = None) -> Job:
        """One of its pictures."""
        return Job(self.setup, self.item, method, self.seed if seed is None else seed)


def units(
    setup: Setup, items: Sequence[Item], variants: Sequence[Variant], seeds: int
) -> list[Unit]:
    """Every prompt with so many seeds, which are no other prompt's; the first seed of all first."""
    return [
        Unit(setup, item, _seed(setup, item, number), tuple(variants))
        for number in range(seeds)
        for item in items
    ]


def _seed(setup: Setup, item: Item, number: int) -> int:
    text = f"{setup.seed}/{item.id}/{number}".encode()
    return int.from_bytes(hashlib.sha256(text).digest()[:4], "big") * _BETWEEN


def missing(unit: Unit, rows: Mapping[str, Row]) -> Iterator[Job]:
    """What is to be drawn, in order; how many a pool takes is known once its loop is drawn."""
    for variant in unit.variants:
        if variant.loop is None:
            yield from _absent([unit.job(variant.method)], rows)
        elif unit.job(variant.loop).key not in rows:
            yield from _absent([unit.job(variant.loop)], rows)
        else:
            yield from _absent(_pool(unit, variant, rows), rows)


def _absent(jobs: Sequence[Job], rows: Mapping[str, Row]) -> Iterator[Job]:
    for job in jobs:
        first = job.by(job.method.first, job.seed)
        if job.method.scheme == "loop" and first.key not in rows:
            yield first
        if job.key not in rows:
            yield job


def _pool(unit: Unit, variant: Variant, rows: Mapping[str, Row]) -> list[Job]:
    assert variant.loop is not None
    count = pool_size(unit.job(variant.loop), rows)
    return [unit.job(variant.method, unit.seed + i) for i in range(count)]


def pool_size(loop: Job, rows: Mapping[str, Row]) -> int:
    """Pictures of one seed each that take no fewer UNet evaluations than a loop took."""
    first = rows[loop.by(loop.method.first, loop.seed).key]
    return min(math.ceil(rows[loop.key].calls / first.calls - _ROUNDING), _BETWEEN)


def shown(unit: Unit, variant: Variant, rows: Mapping[str, Row]) -> list[Row] | None:
    """The pictures that a variant took, the one that it shows first; None where one is missing."""
    if variant.loop is None:
        row = rows.get(unit.job(variant.method).key)
        return [row] if row else None
    if unit.job(variant.loop).key not in rows:
        return None
    pool = [rows.get(job.key) for job in _pool(unit, variant, rows)]
    found = [row for row in pool if row is not None]
    if len(found) < len(pool):
        return None
    return sorted(found, key=lambda row: -row.critic)  # stable: of equals the first


def _digest(folder: Path) -> str:
    """Of every file that belongs to a model."""
    found = hashlib.sha256()
    for path in sorted(path for path in folder.rglob("*") if path.is_file()):
        found.update(f"{path.relative_to(folder).as_posix()}\0".encode())
        with open(path, "rb") as stream:
            found.update(hashlib.file_digest(stream, "sha256").digest())
    return found.hexdigest()[:24]
