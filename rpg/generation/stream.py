"""One operation's line to whoever watches it: events out, a wish to stop in."""

from __future__ import annotations

import copy
import queue
import threading
from collections.abc import Callable, Generator, Iterator
from contextlib import contextmanager

from rpg.errors import Cancelled, RPGError
from rpg.events import Event, Failed


class StreamContext:
    """Hands events on and says when to stop.

    Args:
        emit: Called with every event, in the thread that does the work.
    """

    def __init__(self, emit: Callable[[Event], None]) -> None:
        self.emit = emit
        self._stop = threading.Event()
        self._busy = threading.Event()

    def check(self) -> None:
        """Raises `Cancelled` once the operation has been asked to stop."""
        if self._stop.is_set():
            raise Cancelled("cancelled")

    @contextmanager
    def holding(self, lock: threading.Lock) -> Iterator[None]:
        """Waits for the lock, still listening; `cancel` waits for the work inside."""
        while not lock.acquire(timeout=0.1):
            self.check()
        self._busy.set()
        try:
            self.check()
            yield
        finally:
            self._busy.clear()
            lock.release()

    def overheard(self, hear: Callable[[Event], None]) -> StreamContext:
        """The same operation's control, whose events go to `hear` in place of `emit`."""
        other = copy.copy(self)
        other.emit = hear
        return other

    def cancel(self, worker: threading.Thread) -> None:
        """Asks the worker to stop, and waits a step at most: only while it holds the lock.

        A planner that waits for a server is not waited for: nothing it still does touches the
        model.
        """
        self._stop.set()
        if self._busy.is_set():
            worker.join()


def stream(work: Callable[[StreamContext], object]) -> Generator[Event, None, None]:
    """Runs `work` in a thread of its own and yields its events; closing the generator cancels it.

    An `RPGError` becomes a last `Failed`; any other exception is raised here, where it can be seen.
    """
    events: queue.SimpleQueue[Event | BaseException | None] = queue.SimpleQueue()
    context = StreamContext(events.put)
    worker = threading.Thread(
        target=_run, args=(work, context, events.put), name="rpg", daemon=True
    )
    worker.start()
    try:
        while (event := events.get()) is not None:
            if isinstance(event, BaseException):
                raise event
            yield event
    finally:
        context.cancel(worker)


def _run(
    work: Callable[[StreamContext], object],
    context: StreamContext,
    put: Callable[[Event | BaseException | None], None],
) -> None:
    try:
        work(context)
    except Cancelled:
        pass
    except RPGError as error:
        put(Failed(error))
    except BaseException as error:  # handed to the thread that consumes, which raises it
        put(error)
    put(None)
