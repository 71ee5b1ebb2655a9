"""One process's windows, drawn: plan by plan, call by call, picture by picture."""

from __future__ import annotations

import hashlib
import importlib.metadata
from collections.abc import Generator, Iterable, Sequence
from concurrent.futures import Future
from contextlib import closing
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING

from rpg import __version__, metadata
from rpg.batch.events import BatchEvent, Faulty, PictureDrawn, Progress, Said
from rpg.batch.joining import Joint, Part, joined
from rpg.batch.manifest import Entry, Manifest
from rpg.batch.passes import Pass, Window
from rpg.batch.plans import Made, ahead
from rpg.batch.redrawing import words
from rpg.batch.rows import Fault
from rpg.batch.state import BatchState
from rpg.errors import ChatAccessError, MetadataError, SettingsError, StoreError
from rpg.events import Failed, Notice, Rendered, Step
from rpg.metadata import Record

if TYPE_CHECKING:
    from PIL.Image import Image

    from rpg.pipeline import RPGPipeline
    from rpg.planners import Planner
    from rpg.plans.plan import Plan

__all__ = ["ENDING", "BatchRunner", "faults_of"]

ENDING = (StoreError, ChatAccessError)  # every other row would fail alike
_LIBRARIES = ("torch", "diffusers")


@dataclass(frozen=True)
class BatchRunner:
    """Draws into a folder.

    Attributes:
        folder: Where pictures go.
        rpg: The model.
        manifest: Where a line is added for each.
        state: What is there.
        batch_size: The most pictures that go through the model together.
        retry: Times that a pass which failed is tried again at the end.
        look_ahead: Passes that are planned while another one is drawn.
        scale: Times that pictures are enlarged for showing; None leaves it to the model.
    """

    folder: Path
    rpg: RPGPipeline
    manifest: Manifest
    state: BatchState
    batch_size: int
    retry: int
    look_ahead: int
    scale: int | None

    def all(self, planner: Planner, todo: Sequence[Window]) -> Generator[BatchEvent, None, None]:
        """Every window, and the passes that failed as often as is asked for."""
        for left in range(self.retry, -1, -1):
            failed: list[Pass] = []
            yield from self._round(planner, todo, failed if left else None)
            todo = [(one,) for one in failed]

    def _round(
        self, planner: Planner, todo: Sequence[Window], again: list[Pass] | None
    ) -> Generator[BatchEvent, None, None]:
        """Each window once; `again` takes the passes to try again, if there are tries left."""
        every = [one for window in todo for one in window]
        made = ahead(planner, every, self.state.plans, self.look_ahead, self.rpg.notes)
        for window in todo:
            parts = yield from self._planned(islice(made, len(window)), again)
            for joint in joined(parts, self.batch_size, self._canvas):
                if joint.wanted:
                    yield from self._tried(joint, again)

    def _canvas(self, plan: Plan) -> tuple[int, int]:
        return self.rpg.defaults.canvas_of(plan)

    def _planned(
        self, made: Iterable[tuple[Pass, Future[Made]]], again: list[Pass] | None
    ) -> Generator[BatchEvent, None, list[Part]]:
        """A window's passes that could be planned."""
        parts = []
        for one, future in made:
            try:
                plan, said = future.result()
                self.state.plans.setdefault(one.subject, plan)  # for when it is tried again
                parts.append(Part.of(one, plan))
            except ENDING:
                raise
            except Exception as error:  # one row's bug must not cost the rows after it
                faults = faults_of(one, error)
            else:
                faults = []
                yield from (Said(part.row.line, text) for part in one.missing[:1] for text in said)
            yield from _failed(one, faults, again)
        return parts

    def _tried(self, joint: Joint, again: list[Pass] | None) -> Generator[BatchEvent, None, None]:
        """Draws; where that fails with several pictures, each by itself."""
        try:
            yield from self._drawn(joint)
            return
        except ENDING:
            raise
        except Exception as error:  # likewise; its frames hold tensors, so that it goes here
            rest = [Part(self.state.missing(part.drawn), part.plan) for part in joint.parts]
            faults = [fault for part in rest for fault in faults_of(part.drawn, error)]
        if len(joint.pictures) == 1:
            yield from _failed(rest[0].drawn, faults, again)
            return
        yield from (Said(fault.line, f"drawn one by one: {fault.text}") for fault in faults[:1])
        for part in rest:
            for one in part.alone:
                yield from self._tried(Joint((one,)), again)

    def _drawn(self, joint: Joint) -> Generator[BatchEvent, None, None]:
        settings = joint.row(0).settings
        call = words(joint.plans, settings, [one.seed for one in joint.pictures])
        with closing(self.rpg.stream(preview_every=-1.0, **call)) as events:
            for event in events:
                match event:
                    case Step(i=i, n=n):
                        yield Progress(joint.wanted, i, n)
                    case Notice(text=text, prompt_index=index):
                        yield Said(joint.row(index or 0).line, text)
                    case Rendered(images=images, records=records, prompt_index=index):
                        yield from self._kept(joint, index, images, records)
                    case Failed(error=error):
                        raise error

    def _kept(
        self, joint: Joint, index: int, images: Sequence[Image], records: Sequence[Record]
    ) -> Generator[PictureDrawn | Faulty, None, None]:
        """Writes the pictures that are wanted; each is in its place before the manifest has it."""
        one = joint.parts[index].drawn
        for number, picture in enumerate(one.pictures):
            if picture.id not in one.wanted:
                continue
            record = metadata.rescaled(records[number], self.scale)
            path = self.folder / picture.file
            if not self.state.may_write(picture, record):
                said = f"{path} is there and no picture of this batch: move it, or use -o"
                yield Faulty(Fault.of(picture.row.line, SettingsError(said), picture.file))
                continue
            data = metadata.encode(images[number], record)
            _write(path, data)
            entry = self._entry(joint, index * len(one.pictures) + number, record, data)
            self.manifest.add(entry)
            self.state.note(entry)
            yield PictureDrawn(picture, path, record)

    def _entry(self, joint: Joint, index: int, record: Record, data: bytes) -> Entry:
        picture = joint.pictures[index]
        several = len(joint.parts) > 1
        return Entry(
            id=picture.id,
            subject=picture.subject,
            line=picture.row.line,
            file=picture.file,
            bytes=len(data),
            sha256=hashlib.sha256(data).hexdigest(),
            record=record,
            seeds=tuple(one.seed for one in joint.pictures),
            index=index,
            beside=tuple(part.drawn.pictures[0].id for part in joint.parts) if several else (),
            made=self._made(),
        )

    def _made(self) -> dict[str, str]:
        pipe = self.rpg.pipe
        versions = {name: importlib.metadata.version(name) for name in _LIBRARIES}
        where = {"device": str(pipe._execution_device), "dtype": str(self.rpg.denoiser.dtype)}
        return {"rpg": __version__, **versions, **where}


def _failed(
    one: Pass, faults: Sequence[Fault], again: list[Pass] | None
) -> Generator[BatchEvent, None, None]:
    """Tells of a pass's faults, and puts it with those to try again, if there are tries left."""
    if not faults:
        return
    if again is None:
        yield from map(Faulty, faults)
        return
    again.append(one)
    yield from (Said(fault.line, f"will be tried again: {fault.text}") for fault in faults)


def faults_of(one: Pass, error: Exception) -> list[Fault]:
    """What became of each picture that is to be kept."""
    return [Fault.of(part.row.line, error, part.file) for part in one.missing]


def _write(path: Path, data: bytes) -> None:
    try:
        metadata.write_whole(path, data)
    except MetadataError as error:
        raise StoreError(str(error)) from error
