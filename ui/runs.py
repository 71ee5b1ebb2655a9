"""A run of the generate panel, from planning to the picture, as updates of a tab."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator
from contextlib import AbstractContextManager, aclosing, suppress
from dataclasses import dataclass
from typing import Any

from PIL.Image import Image

from rpg.errors import RPGError, SessionError
from rpg.plans.plan import Plan
from ui import results
from ui.following import Following
from ui.jobs import Job
from ui.plan_book import PlanBook
from ui.progress import Phase, Snapshot
from ui.results import Display, Outputs
from ui.saying import said, told
from ui.shared import Place
from ui.wishes import Wishes
from ui.words import status
from ui.workshop import Workshop

__all__ = ["Run", "Runs"]


@dataclass
class Run:
    """A run as a tab sees it.

    Attributes:
        tab: The tab's session hash.
        book: The plan, which planning replaces.
        place: Where the tab is; the run's session as soon as it has one.
        home: Where it goes back to if nothing comes of the run.
        display: The pictures of before.
        regions: Whether regions are shown over pictures.
        notices: What planning has said.
    """

    tab: str
    book: PlanBook
    place: Place
    home: Place
    display: Display
    regions: bool
    notices: tuple[str, ...] = ()


class Runs:
    """Takes runs through planning and drawing.

    Args:
        shop: Does the work.
        following: Where tabs say what they follow.
    """

    def __init__(self, shop: Workshop, following: Following) -> None:
        """Nothing runs yet."""
        self._shop, self._following = shop, following

    async def planned(self, run: Run, wishes: Wishes) -> AsyncGenerator[Outputs, None]:
        """Plans; where that succeeds the run's book has the plan."""
        job = self._shop.plan(wishes.prompt, wishes.planner, settings=wishes.settings)
        try:
            async with self._following.watching(run.tab, job) as shots:
                async for shot in shots:
                    yield self._planning(run, job, shot)
        finally:
            job.cancel()  # nobody else waits for it

    def _planning(self, run: Run, job: Job, shot: Snapshot) -> Outputs:
        if not shot.phase.over:
            return Outputs(status=said(status(shot)))
        if shot.phase is not Phase.DONE or shot.plan is None:
            return self._ended(run, job, shot)
        run.book, run.notices = run.book.with_plan(shot.plan), shot.notices
        return Outputs(book=run.book, notices=told(run.notices))

    async def drawn(self, run: Run, plan: Plan, wishes: Wishes) -> AsyncGenerator[Outputs, None]:
        """Begins the drawing, then shows it; the place is set at once, for a reload to find it."""
        try:
            job = await asyncio.to_thread(self._begin, plan, wishes, run.place.session)
        except RPGError as error:
            yield results.rested()._replace(status=said(), problem=results.troubled(str(error)))
            return
        if job.session != run.place.session:
            run.place = run.place.at(job.session, None)
        async with aclosing(self.followed(run, job)) as updates:
            async for update in updates:
                yield update

    def _begin(self, plan: Plan, wishes: Wishes, session: str) -> Job:
        """The drawing as a job, in the tab's session unless that is gone."""
        shop = self._shop

        def within() -> AbstractContextManager[dict[str, Any]]:
            return shop.adapters.at_work(shop.rpg, plan, wishes.extras)

        with suppress(SessionError):
            return shop.generate(plan, wishes.settings, session=session, within=within)
        return shop.generate(plan, wishes.settings, within=within)

    async def followed(self, run: Run, job: Job) -> AsyncGenerator[Outputs, None]:
        """Shows a drawing until it is over, then what came of it."""
        seen: Image | None = None
        async with self._following.watching(run.tab, job) as shots:
            async for shot in shots:
                if shot.phase.over:
                    yield self._ended(run, job, shot)
                    return
                new = shot.preview is not None and shot.preview is not seen
                seen = shot.preview or seen
                update = self._preview(shot) if new else Outputs()
                notices = told((*run.notices, *shot.notices))
                yield update._replace(status=said(status(shot)), notices=notices, place=run.place)

    def _preview(self, shot: Snapshot) -> Outputs:
        assert shot.preview is not None
        return results.preview(shot.preview, self._shop.rpg.defaults.display_scale)

    def _ended(self, run: Run, job: Job, shot: Snapshot) -> Outputs:
        """The panel after a job that is over, and the place where the tab is then."""
        failed = shot.phase is Phase.FAILED
        try:
            update = self._left(run, job, shot)
        except RPGError as error:  # the session was deleted meanwhile
            update = results.results(self._shop, Display(), run.regions)
            return update._replace(status=said(), problem=results.troubled(str(error)))
        return update._replace(
            status=said("" if failed else status(shot)),
            problem=results.troubled(shot.error if failed else ""),
            notices=told((*run.notices, *shot.notices)),
        )

    def _left(self, run: Run, job: Job, shot: Snapshot) -> Outputs:
        """What a job leaves to see: its pictures, or else those of before."""
        if shot.turns:
            display = Display(job.session, shot.turns)
            place = run.place.at(job.session, display.turn)
            return results.results(self._shop, display, run.regions)._replace(place=place)
        if shot.pictures:
            update = results.loose(self._shop, shot.pictures)
        else:
            update = results.results(self._shop, run.display, run.regions)
        if run.place.session == run.home.session:
            return update
        return update._replace(place=run.place.at(run.home.session, run.home.turn))
