"""Which piece of work each tab follows: one at a time, whoever began it."""

from __future__ import annotations

from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import aclosing, asynccontextmanager

from ui.jobs import Job
from ui.progress import Snapshot

__all__ = ["Following"]

_EVERY = 0.2  # seconds between two snapshots


class Following:
    """The jobs that tabs follow, by the tabs' session hashes."""

    def __init__(self) -> None:
        """Nobody follows anything yet."""
        self._now: dict[str, Job] = {}

    def job(self, tab: str) -> Job | None:
        """What the tab follows."""
        return self._now.get(tab)

    def leave(self, tab: str) -> None:
        """The tab looks elsewhere; what watched the job ends, the job does not."""
        self._now.pop(tab, None)

    @asynccontextmanager
    async def watching(self, tab: str, job: Job) -> AsyncIterator[AsyncGenerator[Snapshot, None]]:
        """The job's snapshots for a tab, which end early once the tab looks elsewhere.

        The tab follows the job until the context is left: what it shows last belongs inside.
        """
        self._now[tab] = job
        try:
            async with aclosing(self._shots(tab, job)) as shots:
                yield shots
        finally:
            if self._now.get(tab) is job:
                self.leave(tab)

    async def _shots(self, tab: str, job: Job) -> AsyncGenerator[Snapshot, None]:
        async with aclosing(job.watch(_EVERY)) as shots:
            async for shot in shots:
                if self._now.get(tab) is not job:
                    return
                yield shot
