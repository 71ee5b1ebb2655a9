"""Drawing a batch: what is missing is planned, drawn, written and put into the manifest.

for event in Work(Path("out"), listing(*read(file, wishes), maker)).run(load, planner):
    ...
"""

from __future__ import annotations

import hashlib
import importlib.metadata
from collections.abc import Callable, Generator, Sequence
from concurrent.futures import Future
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from rpg import __version__, metadata
from rpg.batch.events import BatchEvent, Counted, Drawn, Faulty, Progress, Said, Wanted
from rpg.batch.manifest import Entry, Manifest
from rpg.batch.passes import Pass, Shard, passes
from rpg.batch.pictures import Listing
from rpg.batch.plans import Made, ahead
from rpg.batch.redrawing import words
from rpg.batch.rows import Fault
from rpg.batch.state import State, limited, tidy
from rpg.errors import ChatAccessError, MetadataError, SettingsError, StoreError
from rpg.events import Failed, Notice, Rendered, Step
from rpg.metadata import Record

if TYPE_CHECKING:
    from PIL.Image import Image

    from rpg.pipeline import RPGPipeline
    from rpg.planners import Planner

__all__ = ["Work"]

_ENDING = (StoreError, ChatAccessError)  # every other row would fail alike
_LIBRARIES = ("torch", "diffusers")


@dataclass(frozen=True)
class Work:
    """One process's share of a batch.

    Attributes:
        folder: Where pictures and manifest go; made if it is not there.
        listing: What to draw.
        batch_size: The most pictures of one plan that go through the model together, 1 to 64.
        shard: Which share.
        limit: The most pictures to draw now; None for all.
        retry: Times that a pass which failed is tried again at the end.
        look_ahead: Passes that are planned while another one is drawn.
        scale: Times that pictures are enlarged for showing; None leaves it to the model.
    """

    folder: Path
    listing: Listing
    batch_size: int = 1
    shard: Shard = field(default_factory=Shard)
    limit: int | None = None
    retry: int = 0
    look_ahead: int = 4
    scale: int | None = None

    @property
    def share(self) -> list[Pass]:
        """All passes of this process, drawn or not."""
        return self.shard.of(passes(self.listing.pictures, self.batch_size))

    def run(
        self, load: Callable[[], RPGPipeline], planner: Planner
    ) -> Generator[BatchEvent, None, None]:
        """Draws what is missing; closing it stops within a step.

        Whatever a pass fails with is a fault of its rows, and the others are drawn; but for a
        folder that cannot be written and a language model that lets nobody in.

        Args:
            load: Gives the pipeline, once there is something to draw.
            planner: For rows without a plan.

        Raises:
            StoreError: The folder cannot be read or written, or another run draws this share.
            ChatAccessError: The planner's key, address or model is wrong.
            ModelError: The model cannot be loaded.
        """
        with Manifest.open(self.folder, self.shard) as manifest:
            state = State.read(self.folder, self.listing.pictures)
            todo = yield from self._todo(state)
            tidy(self.folder, todo)
            if todo:
                yield from _Run(self, load(), manifest, state).all(planner, todo)

    def rehearse(self, planner: Planner) -> Generator[BatchEvent, None, None]:
        """Plans what is missing, and neither draws nor writes anything.

        Raises:
            StoreError: The folder cannot be read.
            ChatAccessError: As in `run`.
        """
        state = State.read(self.folder, self.listing.pictures)
        todo = yield from self._todo(state)
        for one, future in ahead(planner, todo, state.plans, self.look_ahead):
            try:
                plan, said = future.result()
            except _ENDING:
                raise
            except Exception as error:  # as when it is drawn
                yield from map(Faulty, _faults(one, error))
                continue
            yield from (Said(one.pictures[0].row.line, text) for text in said)
            yield from (Wanted(part, plan) for part in one.missing)

    def _todo(self, state: State) -> Generator[BatchEvent, None, list[Pass]]:
        share = self.share
        missing = state.missing(share)
        todo = limited(missing, self.limit)
        yield _counted(share, missing, todo)
        yield from _remarks(state, todo)
        return todo


@dataclass(frozen=True)
class _Run:
    work: Work
    rpg: RPGPipeline
    manifest: Manifest
    state: State

    def all(self, planner: Planner, todo: Sequence[Pass]) -> Generator[BatchEvent, None, None]:
        """Every pass, and those that failed as often as is asked for."""
        for left in range(self.work.retry, -1, -1):
            failed: list[Pass] = []
            yield from self._round(planner, todo, failed, left)
            todo = failed

    def _round(
        self, planner: Planner, todo: Sequence[Pass], failed: list[Pass], left: int
    ) -> Generator[BatchEvent, None, None]:
        """Each pass once; `failed` takes those to try again, if there are tries left."""
        for one, plan in ahead(planner, todo, self.state.plans, self.work.look_ahead):
            try:
                yield from self._drawn(one, plan)
            except _ENDING:
                raise
            except Exception as error:  # one row's bug must not cost the rows after it
                rest = self.state.missing([one])
                faults = [fault for part in rest for fault in _faults(part, error)]
                del error  # its frames hold tensors
                failed += rest
                if left:
                    again = (f"will be tried again: {fault.text}" for fault in faults)
                    yield from map(Said, (fault.line for fault in faults), again)
                else:
                    yield from map(Faulty, faults)

    def _drawn(self, one: Pass, future: Future[Made]) -> Generator[BatchEvent, None, None]:
        row = one.pictures[0].row
        plan, said = future.result()
        yield from (Said(row.line, text) for text in said)
        call = words(plan, row.settings, one.seeds, row.base_prompt)
        with closing(self.rpg.stream(preview_every=-1.0, **call)) as events:
            for event in events:
                match event:
                    case Step(i=i, n=n):
                        yield Progress(len(one.wanted), i, n)
                    case Notice(text=text):
                        yield Said(row.line, text)
                    case Rendered(images=images, records=records):
                        yield from self._kept(one, images, records)
                    case Failed(error=error):
                        raise error

    def _kept(
        self, one: Pass, images: Sequence[Image], records: Sequence[Record]
    ) -> Generator[Drawn | Faulty, None, None]:
        """Writes the pictures that are wanted; each is in its place before the manifest has it."""
        for index, picture in enumerate(one.pictures):
            if picture.id not in one.wanted:
                continue
            record = metadata.rescaled(records[index], self.work.scale)
            path = self.work.folder / picture.file
            if not self.state.may_write(picture, record):
                said = f"{path} is there and no picture of this batch: move it, or use -o"
                yield Faulty(Fault.of(picture.row.line, SettingsError(said), picture.file))
                continue
            data = metadata.encode(images[index], record)
            _write(path, data)
            entry = self._entry(one, index, record, data)
            self.manifest.add(entry)
            self.state.note(entry)
            yield Drawn(picture, path, record)

    def _entry(self, one: Pass, index: int, record: Record, data: bytes) -> Entry:
        picture = one.pictures[index]
        return Entry(
            id=picture.id,
            subject=picture.subject,
            line=picture.row.line,
            file=picture.file,
            bytes=len(data),
            sha256=hashlib.sha256(data).hexdigest(),
            record=record,
            seeds=one.seeds,
            index=index,
            made=self._made(),
        )

    def _made(self) -> dict[str, str]:
        pipe = self.rpg.pipe
        versions = {name: importlib.metadata.version(name) for name in _LIBRARIES}
        where = {"device": str(pipe._execution_device), "dtype": str(pipe.unet.dtype)}
        return {"rpg": __version__, **versions, **where}


def _faults(one: Pass, error: Exception) -> list[Fault]:
    return [Fault.of(part.row.line, error, part.file) for part in one.missing]


def _write(path: Path, data: bytes) -> None:
    try:
        metadata.write_whole(path, data)
    except MetadataError as error:
        raise StoreError(str(error)) from error


def _counted(share: Sequence[Pass], missing: Sequence[Pass], todo: Sequence[Pass]) -> Counted:
    wanted, now = (sum(len(one.wanted) for one in some) for some in (missing, todo))
    return Counted(sum(len(one.pictures) for one in share) - wanted, now, wanted - now)


def _remarks(state: State, todo: Sequence[Pass]) -> Generator[Said, None, None]:
    if state.damaged:
        yield Said(0, f"{state.damaged} lines of the manifest make no sense and are passed over")
    for one in todo:
        for part in one.missing:
            if remark := state.remark(part):
                yield Said(part.row.line, remark)
