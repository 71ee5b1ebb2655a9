"""Draws the suite's pictures, one job after another, with one model."""

from __future__ import annotations

import logging
import time
from contextlib import nullcontext
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from PIL import Image

from benchmarks.suite.judge import look
from benchmarks.suite.official import official
from benchmarks.suite.store import Row, Store
from benchmarks.suite.variants import canvas, plan_of
from benchmarks.suite.work import Job, Setup, Unit, missing
from benchmarks.tools import Meter
from rpg import metadata
from rpg.critics.toybox import ToyboxCritic
from rpg.diffusion.quiet import quiet_loading
from rpg.metadata import Record
from rpg.pipeline import RPGOutput, RPGPipeline
from rpg.plans.plan import Plan
from rpg.settings import TO_REGIONAL, guided_steps

__all__ = ["SuiteRunner"]


@dataclass(frozen=True)
class _Drawing:
    """A picture at the model's own size; `record` where the loop may go on from it."""

    image: Image.Image
    record: Record | None = None


class SuiteRunner:
    """A model, and a store that its pictures go to."""

    def __init__(self, setup: Setup, store: Store) -> None:
        """Load the model, on the CPU or whatever `RPG_DEVICE` says."""
        logging.getLogger("rpg").setLevel(logging.ERROR)  # of words that Toybox has to spell
        with quiet_loading():
            self.rpg = RPGPipeline.from_pretrained(Path(setup.model))
        self.rpg.pipe.set_progress_bar_config(disable=True)
        self.setup, self.store = setup, store
        self.rows = store.rows()
        self._critic = ToyboxCritic()

    def unit(self, unit: Unit) -> int:
        """Draw what is missing of a unit; says how many pictures that were."""
        count = 0
        while (job := next(missing(unit, self.rows), None)) is not None:
            self.draw(job)
            count += 1
        return count

    def draw(self, job: Job) -> Row:
        """Draw one picture, look at it, and keep both; a loop's first picture has to be there."""
        started = time.perf_counter()
        with Meter().on(self.rpg.pipe.unet) as meter:
            drawn = self._loop(job) if job.method.scheme == "loop" else self._picture(job)
        seconds = time.perf_counter() - started
        file, first = self._kept(job, drawn), self._first(job)
        row = Row(
            key=job.key,
            item=job.item.id,
            scheme=job.method.scheme,
            seed=job.seed,
            file=file,
            seen=look(drawn.image),
            critic=self._critic.review(drawn.image, plan_of(job.item, job.method)).score,
            calls=meter.calls + (first.calls if first else 0),
            cost=meter.cells / self._plain_cells(job) + (first.cost if first else 0),
            seconds=seconds + (first.seconds if first else 0),
        )
        self.store.add(row)
        self.rows[row.key] = row
        return row

    def _kept(self, job: Job, drawn: _Drawing) -> str:
        """The picture's file; a loop that changed nothing shares that of its first picture."""
        first = self._first(job)
        if first is not None:
            with Image.open(self.store.folder / first.file) as before:
                if before.tobytes() == drawn.image.tobytes():
                    return first.file
        path = self.store.path(job.key)
        record = None if drawn.record is None else metadata.rescaled(drawn.record, 1)
        metadata.save(drawn.image, path, record)
        return path.relative_to(self.store.folder).as_posix()

    def _first(self, job: Job) -> Row | None:
        if job.method.scheme != "loop":
            return None
        return self.rows[job.by(job.method.first, job.seed).key]

    def _plain_cells(self, job: Job) -> float:
        """Latent cells of a plain picture: both halves of every step that is guided."""
        width, height = canvas(job.item, self.rpg.defaults)
        cell = int(self.rpg.pipe.vae_scale_factor)
        steps = self.setup.steps
        halves = steps + guided_steps(steps, self.rpg.defaults.guidance_end)
        return halves * width * height / cell**2

    def _picture(self, job: Job) -> _Drawing:
        """Draws a job; plain and official pictures are calls of the pipeline without regions."""
        width, height = canvas(job.item, self.rpg.defaults)
        ours = job.method.scheme == "rpg"
        plan = plan_of(job.item, job.method) if ours else Plan(prompt=job.item.prompt)
        words = {name: getattr(job.method, name) for name in TO_REGIONAL} if ours else {}
        with self._scheme(job):
            out = self.rpg(
                plan=plan,
                seed=job.seed,
                width=width,
                height=height,
                num_inference_steps=self.setup.steps,
                **words,
            )
        assert isinstance(out, RPGOutput)
        return _Drawing(out.images[0], out.records[0] if ours else None)

    def _scheme(self, job: Job) -> Any:
        if job.method.scheme != "official":
            return nullcontext()
        plan = plan_of(job.item, job.method)
        ratio, last = job.method.base_ratio, job.method.last_pooled
        return official(self.rpg.pipe, plan, base_ratio=ratio, last_pooled=last)

    def _loop(self, job: Job) -> _Drawing:
        """Goes on from the picture that the same method drew without the loop."""
        first = self._first(job)
        assert first is not None
        file = self.store.folder / first.file
        with Image.open(file) as picture:
            begin = (picture.convert("RGB"), metadata.read(file))
        out = self.rpg.refine(rounds=job.method.rounds, begin_with=begin, critic=self._critic)
        return _Drawing(out.images[0], out.records[0])
