"""Work that computes, in a thread of its own, behind the stream that every chat model returns."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable
from contextlib import suppress
from typing import TypeVar

from rpg.chat._background import Running

T = TypeVar("T")


def in_thread(
    work: Callable[[Callable[[T], None], threading.Event], None],
    cancel: threading.Event | None = None,
) -> Running[T]:
    """What `work(say, stop)` says, as a stream.

    Closing the stream, or setting `cancel`, sets `stop`; closing waits, within limits, until the
    work has seen it.
    """

    async def waiting(emit: Callable[[T], None]) -> None:
        stop = threading.Event()
        over = _start(work, emit, stop)
        try:
            await asyncio.shield(over)
        finally:
            stop.set()
            while not over.done():
                with suppress(asyncio.CancelledError):
                    await asyncio.shield(over)
        if (error := over.result()) is not None:
            raise error

    return Running(waiting, cancel)


def _start(
    work: Callable[[Callable[[T], None], threading.Event], None],
    emit: Callable[[T], None],
    stop: threading.Event,
) -> asyncio.Future[BaseException | None]:
    """Starts the thread; the future holds what the work failed with."""
    loop = asyncio.get_running_loop()
    over: asyncio.Future[BaseException | None] = loop.create_future()

    def run() -> None:
        failed: BaseException | None = None
        try:
            work(emit, stop)
        except BaseException as error:
            failed = error
        with suppress(RuntimeError):  # the loop is closed: the program ends
            loop.call_soon_threadsafe(over.set_result, failed)

    threading.Thread(target=run, name="rpg-chat-local", daemon=True).start()
    return over
