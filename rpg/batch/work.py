"""Drawing a batch: what is missing is planned, drawn, written and put into the manifest.

for event in Work(Path("out"), listing(*read(file, wishes), maker)).run(load, planner):
    ...
"""

from __future__ import annotations

from collections.abc import Callable, Generator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from rpg.batch.drawing import ENDING, BatchRunner, faults_of
from rpg.batch.events import BatchEvent, Counted, Faulty, Said, Wanted
from rpg.batch.manifest import Manifest
from rpg.batch.passes import Shard, Window, passes, windows
from rpg.batch.pictures import Listing
from rpg.batch.plans import ahead
from rpg.batch.state import BatchState, limited, tidy
from rpg.planners.base import NotedPlanner

if TYPE_CHECKING:
    from rpg.pipeline import RPGPipeline
    from rpg.planners import Planner

__all__ = ["Work"]


@dataclass(frozen=True)
class Work:
    """One process's share of a batch.

    Attributes:
        folder: Where pictures and manifest go; made if it is not there.
        listing: What to draw.
        batch_size: The most pictures that go through the model together, 1 to 64: of one plan, or
            of plans with as many regions, of the same size and settings.
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
    def share(self) -> list[Window]:
        """All that this process draws, drawn or not."""
        all_ = passes(self.listing.pictures, self.batch_size)
        return self.shard.of(windows(all_, self.batch_size))

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
            state = BatchState.read(self.folder, self.listing.pictures)
            todo = yield from self._todo(state)
            tidy(self.folder, todo)
            if todo:
                yield from self._drawing(load(), manifest, state).all(planner, todo)

    def rehearse(
        self, load: Callable[[], RPGPipeline], planner: Planner
    ) -> Generator[BatchEvent, None, None]:
        """Plans what is missing as `run` would, and neither draws nor writes anything.

        Args:
            load: As in `run`; called where the planner has to be told of the model.
            planner: As in `run`.

        Raises:
            StoreError: The folder cannot be read.
            ChatAccessError: As in `run`.
            ModelError: As in `run`.
        """
        state = BatchState.read(self.folder, self.listing.pictures)
        todo = yield from self._todo(state)
        wanted = [one for window in todo for one in window if one.wanted]
        asked = any(
            one.pictures[0].row.plan is None and one.subject not in state.plans for one in wanted
        )
        notes = load().notes if asked and isinstance(planner, NotedPlanner) else None
        for one, future in ahead(planner, wanted, state.plans, self.look_ahead, notes):
            try:
                plan, said = future.result()
            except ENDING:
                raise
            except Exception as error:  # as when it is drawn
                yield from map(Faulty, faults_of(one, error))
                continue
            yield from (Said(one.pictures[0].row.line, text) for text in said)
            yield from (Wanted(part, plan) for part in one.missing)

    def _drawing(self, rpg: RPGPipeline, manifest: Manifest, state: BatchState) -> BatchRunner:
        return BatchRunner(
            folder=self.folder,
            rpg=rpg,
            manifest=manifest,
            state=state,
            batch_size=self.batch_size,
            retry=self.retry,
            look_ahead=self.look_ahead,
            scale=self.scale,
        )

    def _todo(self, state: BatchState) -> Generator[BatchEvent, None, list[Window]]:
        share = self.share
        missing = [tuple(map(state.missing, window)) for window in share]
        todo = limited(missing, self.limit)
        yield _counted(share, missing, todo)
        yield from _remarks(state, todo)
        return todo


def _counted(share: Sequence[Window], missing: Sequence[Window], todo: Sequence[Window]) -> Counted:
    all_, wanted, now = (
        sum(len(one.wanted) for window in some for one in window) for some in (share, missing, todo)
    )
    return Counted(all_ - wanted, now, wanted - now)


def _remarks(state: BatchState, todo: Sequence[Window]) -> Generator[Said, None, None]:
    if state.damaged:
        yield Said(0, f"{state.damaged} lines of the manifest make no sense and are passed over")
    for part in (part for window in todo for one in window for part in one.missing):
        if remark := state.remark(part):
            yield Said(part.row.line, remark)
