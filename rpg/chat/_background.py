"""Coroutines that a synchronous caller can read from, and stop at any moment.

A blocked read of a socket cannot be stopped from outside, a task of an event loop can: so requests
run in one loop, in a daemon thread of ours, and what they say is handed over in a queue.
"""

from __future__ import annotations

import asyncio
import atexit
import queue
import threading
from collections.abc import Callable, Coroutine, Generator
from types import TracebackType
from typing import Any, Generic, NoReturn, TypeVar

from rpg.errors import Cancelled, RPGError

T = TypeVar("T")
Work = Callable[[Callable[[T], None]], Coroutine[Any, Any, None]]

_LOOK = 0.05  # seconds between two looks at the caller's event
_GRACE = 2.0  # seconds that a stopped task has for closing its connection


class Running(Generator[T, None, None]):
    """What a coroutine says, read as a generator; it starts with the first read.

    Unlike a plain generator it may be closed from another thread, also while it is being read
    there: the reader then gets `Cancelled`.

    Args:
        work: The coroutine function; it is given the function to say things with.
        cancel: Set by anybody, ends the work; the reader gets `Cancelled`.
    """

    def __init__(self, work: Work[T], cancel: threading.Event | None = None) -> None:
        self._work = work
        self._cancel = cancel or threading.Event()
        self._job: _Job[T] | None = None
        self._over = False

    def send(self, value: None = None) -> T:
        """The next thing said.

        Raises:
            Cancelled: Somebody stopped the work.
            Exception: What the work failed with.
        """
        if self._over:
            raise StopIteration
        try:
            return self._next()
        except BaseException:
            self.close()
            raise

    def throw(
        self,
        kind: type[BaseException] | BaseException,
        value: BaseException | object = None,
        trace: TracebackType | None = None,
        /,
    ) -> NoReturn:
        """Stops the work and raises."""
        self.close()
        raise kind

    def close(self) -> None:
        """Stops the work: returns when its connection is closed, at the latest after 2 seconds."""
        self._over = True
        if self._job is not None:
            self._job.cancel()
            self._job.ended.wait(_GRACE)

    def __del__(self) -> None:
        """Nobody will read on: stop."""
        if self._job is not None:
            self._job.cancel()

    def _next(self) -> T:
        if self._job is None:
            self._job = _Job(self._work)
        while not self._cancel.is_set():
            try:
                item = self._job.items.get(timeout=_LOOK)
            except queue.Empty:
                continue
            if isinstance(item, _End):
                raise item.why
            return item
        raise _stopped()


class _End:
    """Nothing more will be said, and why."""

    def __init__(self, why: BaseException) -> None:
        self.why = why


class _Job(Generic[T]):
    """A task in the background loop."""

    def __init__(self, work: Work[T]) -> None:
        self.items: queue.SimpleQueue[T | _End] = queue.SimpleQueue()
        self.ended = threading.Event()
        self._stopping = False
        self._loop = _running_loop()
        self._loop.call_soon_threadsafe(self._start, work)

    def cancel(self) -> None:
        """Ends the task, which closes what it has open; harmless when it has ended."""
        if not self.ended.is_set() and not self._loop.is_closed():
            self._loop.call_soon_threadsafe(self._stop)

    def _start(self, work: Work[T]) -> None:
        self._task = self._loop.create_task(work(self.items.put))
        self._task.add_done_callback(self._done)

    def _stop(self) -> None:
        if not self._stopping:  # a second time would cut short what closes the connection
            self._stopping = True
            self._task.cancel()

    def _done(self, task: asyncio.Task[None]) -> None:
        self.items.put(_End(_stopped() if task.cancelled() else _reason(task.exception())))
        self.ended.set()


def _reason(error: BaseException | None) -> BaseException:
    # frames of the loop hold requests, and those hold keys: our own errors need none of them
    if isinstance(error, RPGError):
        return error.with_traceback(None)
    return StopIteration() if error is None else error


def _stopped() -> Cancelled:
    return Cancelled("stopped while waiting for the language model")


class _Background:
    """The loop and its thread; made when first needed, and anew in a forked process."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._thread: threading.Thread | None = None
        self._loop: asyncio.AbstractEventLoop | None = None

    def loop(self) -> asyncio.AbstractEventLoop:
        with self._lock:
            if self._loop is None or self._thread is None or not self._thread.is_alive():
                self._loop = asyncio.new_event_loop()
                run = self._loop.run_forever
                self._thread = threading.Thread(target=run, name="rpg-chat", daemon=True)
                self._thread.start()
            return self._loop

    def stop(self) -> None:
        """Ends the loop with what is left in it, at the latest after 2 seconds."""
        if self._loop is None or self._thread is None or not self._thread.is_alive():
            return
        asyncio.run_coroutine_threadsafe(_wind_up(self._loop), self._loop)
        self._thread.join(_GRACE)
        if not self._thread.is_alive():
            self._loop.close()


async def _wind_up(loop: asyncio.AbstractEventLoop) -> None:
    others = asyncio.all_tasks(loop) - {asyncio.current_task(loop)}
    for task in others:
        task.cancel()
    await asyncio.gather(*others, return_exceptions=True)
    await loop.shutdown_asyncgens()
    loop.stop()


_background = _Background()
_running_loop = _background.loop
atexit.register(_background.stop)
