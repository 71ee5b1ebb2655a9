"""Work that goes on whether anybody looks or not: one queue for the model, another for planners.

    jobs = Jobs()
    job = jobs.draw(lambda: rpg.stream("a red star"), session="0123456789ab")
    async for shot in job.watch(): ...
    job.cancel()

A closed or reloaded tab loses nothing: the work goes on, and whoever comes back watches it again.
"""

from __future__ import annotations

import asyncio
import logging
import secrets
import threading
import time
from collections.abc import AsyncGenerator, Callable, Generator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import closing
from dataclasses import replace
from types import TracebackType
from typing import Any, Literal, TypeVar
from weakref import WeakValueDictionary

from rpg.errors import Cancelled, RPGError, SettingsError
from rpg.events import Event, Rendered
from ui.failures import BROKEN
from ui.progress import Phase, Snapshot, heard

__all__ = ["Job", "Jobs", "Kind"]

_LOG = logging.getLogger(__name__)
_PLANNERS = 16  # plans made at once; they wait for servers for the most part
_POLL = 0.05

T = TypeVar("T")
Work = Callable[[], Generator[Event, None, None]]
Turns = Callable[[Rendered], tuple[int, ...]]
After = Callable[[], None]
Kind = Literal["plan", "generate", "plain", "edit", "refine"]


def _no_turns(_: Rendered) -> tuple[int, ...]:
    return ()


def _pass() -> None:
    pass


class Job:
    """One piece of work. Made by `Jobs`.

    Attributes:
        id: For a tab to remember it by; see `Jobs.find`.
        kind: What is done.
        session: Id of the session that its pictures go to; empty for none.
    """

    def __init__(
        self,
        kind: Kind,
        work: Work,
        session: str = "",
        turns: Turns = _no_turns,
        after: After = _pass,
        stop: threading.Event | None = None,
    ) -> None:
        self.id, self.kind, self.session = secrets.token_hex(8), kind, session
        self._work, self._turns, self._after = work, turns, after
        self._shot = Snapshot()
        self._lock = threading.Lock()
        self._cancelled = stop or threading.Event()
        self._place: Callable[[], int] = lambda: 0
        self._needs: Future[Any] | None = None

    @property
    def shot(self) -> Snapshot:
        """As it stands now."""
        shot = self._shot
        return replace(shot, ahead=self._place()) if shot.phase is Phase.WAITING else shot

    @property
    def over(self) -> bool:
        """Whether nothing more will come."""
        return self._shot.phase.over

    @property
    def preparing(self) -> bool:
        """Whether it waits for what it needs, and has no place among those that draw yet."""
        return self._needs is not None and not self._needs.done()

    def cancel(self) -> None:
        """Asks it to stop: at once while it waits or plans, within a step while it draws."""
        self._cancelled.set()
        if self.kind == "plan":  # a planner may wait for a server long; nobody has to wait for it
            self._end(Phase.CANCELLED)
        elif self._shot.phase is Phase.WAITING and self._end(Phase.CANCELLED):
            self._after()

    async def watch(self, every: float = 0.1) -> AsyncGenerator[Snapshot, None]:
        """Snapshots, whenever there is something new; the last one is of a job that is over.

        Args:
            every: Least seconds between two.
        """
        shown: Snapshot | None = None
        while True:
            shot = self.shot
            if shot is not shown and shot != shown:
                shown = shot
                yield shot
            if shot.phase.over:
                return
            await asyncio.sleep(every)

    async def finished(self) -> Snapshot:
        """The last snapshot, once it is over."""
        while not self._shot.phase.over:
            await asyncio.sleep(_POLL)
        return self._shot

    def run(self) -> None:
        """Does the work, in the thread of whoever calls."""
        with self._lock:
            if self._shot.phase.over:
                return
            self._shot = replace(self._shot, phase=Phase.WORKING)
        try:
            self._end(self._worked())
        finally:
            self._after()

    def _worked(self) -> Phase:
        try:
            with closing(self._work()) as events:
                for event in events:
                    turns = self._turns(event) if isinstance(event, Rendered) else ()
                    self._shot = heard(self._shot, event, time.monotonic(), turns)
                    if self._cancelled.is_set():
                        return Phase.CANCELLED
        except Cancelled:
            return Phase.CANCELLED
        except RPGError as error:
            return self._failed(str(error))
        except Exception as error:
            # Never its text: that of a foreign error may hold a key.
            _LOG.error("a job failed: %s", type(error).__name__, exc_info=_where(error))
            return self._failed(BROKEN)
        return Phase.CANCELLED if self._cancelled.is_set() else Phase.DONE

    def _failed(self, why: str) -> Phase:
        self._shot = replace(self._shot, error=why)
        return Phase.FAILED

    def _end(self, phase: Phase) -> bool:
        """Whether it was not over before."""
        with self._lock:
            if self._shot.phase.over:
                return False
            self._shot = replace(self._shot, phase=phase, preview=None)
            return True


def _where(error: Exception) -> tuple[type[Exception], Exception, TracebackType | None]:
    """The traceback under an exception of the same kind without its words."""
    return type(error), Exception("(words left out)"), error.__traceback__


class Jobs:
    """The queues.

    Args:
        most: Drawings that may wait; more are refused.
    """

    def __init__(self, most: int = 128) -> None:
        self._most = most
        self._model = ThreadPoolExecutor(1, "model")
        self._planners = ThreadPoolExecutor(_PLANNERS, "planner")
        self._lock = threading.Lock()
        self._drawing: list[Job] = []  # waiting or at work, in order
        self._by_id: WeakValueDictionary[str, Job] = WeakValueDictionary()

    def draw(
        self,
        work: Work,
        *,
        kind: Kind = "generate",
        session: str = "",
        turns: Turns = _no_turns,
        after: After = _pass,
        needs: Future[Any] | None = None,
        stop: threading.Event | None = None,
    ) -> Job:
        """Queues work for the model.

        Args:
            work: Begins it; called in the model's thread.
            kind: What it does.
            session: Of its pictures.
            turns: Which turns the pictures of an event have become.
            after: Called once when it is over, in whatever way.
            needs: What it waits for before it takes its place, so that nobody waits with it; from
                `prepare`. The work asks for its result.
            stop: Set when the job is cancelled, for what waits inside the work or `needs`.

        Raises:
            SettingsError: Too much is waiting.
        """
        job = self._known(Job(kind, work, session, turns, after, stop))
        with self._lock:
            if len(self._drawing) >= self._most:
                raise SettingsError("too many people are waiting for a picture: try again soon")
            self._drawing.append(job)
        job._place = lambda: self._ahead(job)
        if needs is None:
            self._model.submit(self._draw, job)
        else:
            job._needs = needs
            needs.add_done_callback(lambda _: self._prepared(job))
        return job

    def prepare(self, make: Callable[[], T]) -> Future[T]:
        """Makes what a drawing needs, in a planners' thread, while others draw."""
        return self._planners.submit(make)

    def think(self, work: Work, *, stop: threading.Event | None = None) -> Job:
        """Begins work for planners, which need no model of ours; `stop` as in `draw`."""
        job = self._known(Job("plan", work, stop=stop))
        self._planners.submit(job.run)
        return job

    def of(self, session: str) -> Job | None:
        """The newest drawing for a session that is waiting or at work."""
        with self._lock:
            of = [job for job in self._drawing if job.session == session and session]
        return next((job for job in reversed(of) if not job.over), None)

    def find(self, id_: str) -> Job | None:
        """The job of that id; None once it is over and nobody follows it."""
        return self._by_id.get(id_)

    def close(self) -> None:
        """Cancels everything and waits for the threads."""
        with self._lock:
            drawing = list(self._drawing)
        for job in drawing:
            job.cancel()
        self._model.shutdown(cancel_futures=True)
        self._planners.shutdown(wait=False, cancel_futures=True)

    def _known(self, job: Job) -> Job:
        self._by_id[job.id] = job
        return job

    def _prepared(self, job: Job) -> None:
        """Queues a job behind those that came while it prepared; one that failed only says so."""
        assert job._needs is not None
        if job.over or job._needs.cancelled() or job._needs.exception() is not None:
            self._draw(job)
            return
        with self._lock:
            self._drawing.remove(job)
            self._drawing.append(job)
        self._model.submit(self._draw, job)

    def _draw(self, job: Job) -> None:
        try:
            job.run()
        finally:
            with self._lock:
                self._drawing.remove(job)

    def _ahead(self, job: Job) -> int:
        """How many are before it."""
        with self._lock:
            if job not in self._drawing:
                return 0
            before = self._drawing[: self._drawing.index(job)]
        return sum(not (one.over or one.preparing) for one in before)
