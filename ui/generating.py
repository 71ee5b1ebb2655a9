"""What the generate panel does: a class of handlers, each from plain values to updates."""

from __future__ import annotations

import asyncio
import html
import itertools
from collections.abc import AsyncGenerator, Iterator, Sequence
from contextlib import AbstractContextManager, aclosing, suppress
from dataclasses import dataclass, replace
from typing import Any

import gradio as gr
from PIL.Image import Image

from rpg.errors import RPGError, SessionError, SettingsError
from rpg.plan import Plan
from rpg.planners.base import checked_prompt
from rpg.settings import GenerationSettings
from ui import results
from ui.adapters import Extras
from ui.comparison import compared
from ui.following import Following
from ui.inputs_form import InputsForm
from ui.jobs import Job
from ui.plan_book import PlanBook
from ui.planner_choice import PlannerChoice
from ui.progress import Phase, Snapshot
from ui.results import Display, Outputs
from ui.saying import said, told
from ui.settings_form import STRENGTH
from ui.shared import Place, Shared
from ui.words import status

__all__ = ["Generating"]


@dataclass(frozen=True)
class _Wishes:
    """What a click on Generate asks for."""

    prompt: str
    planner: PlannerChoice
    settings: GenerationSettings
    extras: Extras


@dataclass
class _Run:
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


class Generating:
    """The panel's handlers.

    Args:
        shared: What panels have in common.
        inputs: The form of pictures and adapters.
    """

    def __init__(self, shared: Shared, inputs: InputsForm) -> None:
        """No tab follows anything yet."""
        self._shop, self._shared, self._inputs = shared.shop, shared, inputs
        self.following = Following()
        self._forms = (shared.planner.fields, shared.settings.fields, inputs.fields)

    @property
    def fields(self) -> list[Any]:
        """The components whose values `generate` takes last."""
        return [field for form in self._forms for field in form]

    async def generate(
        self,
        request: gr.Request,
        prompt: str,
        book: PlanBook,
        place: Place,
        display: Display,
        regions: bool,
        *values: Any,
    ) -> AsyncGenerator[Outputs, None]:
        """Plans if need be, and draws. Wishes that cannot be are told before anything runs."""
        try:
            wishes = await asyncio.to_thread(self._read, prompt, values)
        except RPGError as error:
            yield Outputs(status=said(), problem=results.troubled(str(error)))
            return
        run = _Run(str(request.session_hash), book, place, place, display, regions)
        yield results.begun("Starting")
        if not _fits(run.book.plan, wishes.prompt):
            async with aclosing(self._planned(run, wishes)) as updates:
                async for update in updates:
                    yield update
        if (plan := run.book.plan) is not None and _fits(plan, wishes.prompt):
            async with aclosing(self._drawn(run, plan, wishes)) as updates:
                async for update in updates:
                    yield update

    async def arrived(
        self,
        request: gr.Request,
        prompt: str,
        book: PlanBook,
        place: Place,
        display: Display,
        regions: bool,
    ) -> AsyncGenerator[Outputs, None]:
        """Shows where the tab has come to: the drawing that goes on there, else its picture."""
        tab, job = str(request.session_hash), self._shop.jobs.of(place.session)
        if self._follows(tab, place.session):
            yield Outputs()
        elif job is None or job.kind != "generate":
            yield self._moved(tab, place, display, regions)
        else:
            home = place if place.turn is not None else replace(place, session="")
            run = _Run(tab, book, place, home, display, regions)
            yield results.begun(status(job.shot))
            async with aclosing(self._followed(run, job)) as updates:
                async for update in updates:
                    yield self._told_what(update, run, job, prompt)

    async def compare(self, request: gr.Request, display: Display) -> AsyncGenerator[Outputs, None]:
        """Draws what the plain pipeline makes of the same, and shows both."""
        tab = str(request.session_hash)
        async with aclosing(compared(self._shop, self.following, tab, display)) as updates:
            async for update in updates:
                yield update

    def cancel(self, request: gr.Request) -> Any:
        """Stops what the tab follows; the status until it has stopped."""
        job = self.following.job(str(request.session_hash))
        if job is None or job.over:
            return gr.skip()
        job.cancel()
        return said("Cancelling")

    def chosen(self, event: gr.SelectData, display: Display, place: Place) -> Outputs:
        """Moves to a picture of the gallery."""
        if not 0 <= event.index < len(display.turns):
            return Outputs()
        display = replace(display, chosen=event.index)
        try:
            self._shop.sessions.open(display.session).branch(display.turns[event.index])
            seed = results.keep_seed(self._shop, display)
        except RPGError as error:
            return Outputs(problem=results.troubled(str(error)))
        there = place.at(display.session, display.turn)
        moved = (place.session, place.turn) != (there.session, there.turn)
        away = gr.update(visible=False) if moved else gr.skip()
        there = there if moved else gr.skip()
        return Outputs(display=display, keep_seed=seed, place=there, comparison=away)

    def swapped(self, display: Display, regions: bool) -> tuple[Any, Any]:
        """Problem and gallery: the same pictures with or without their regions."""
        try:
            return gr.skip(), results.gallery(self._shop, display, regions)
        except RPGError as error:
            return results.troubled(str(error)), gr.skip()

    def kept_seed(self, display: Display) -> tuple[Any, Any]:
        """Seed and lock of the form, for the seed of the picture that is looked at."""
        try:
            if display.turn is None:
                return gr.skip(), gr.skip()
            turn = self._shop.sessions.open(display.session).turn(display.turn)
        except RPGError as error:
            gr.Warning(html.escape(str(error)))
            return gr.skip(), gr.skip()
        return str(turn.settings.seed), True

    def _read(self, prompt: str, values: Sequence[Any]) -> _Wishes:
        planner, settings, inputs = self._parts(values)
        used = self._shared.settings.read(settings)
        extras = self._inputs.read(inputs)
        text = checked_prompt(prompt)
        used = self._with_strength(used, extras)
        return _Wishes(text, self._shared.planner.chosen(*planner), used, extras)

    def _with_strength(self, used: GenerationSettings, extras: Extras) -> GenerationSettings:
        """The settings with a strength exactly where there is a picture to start from."""
        if extras.image is None:
            return used.model_copy(update={"strength": None})
        used = used.filled({"strength": STRENGTH})
        steps = used.num_inference_steps or self._shop.rpg.defaults.num_inference_steps
        if used.strength is not None and steps * used.strength < 1:
            raise SettingsError(
                f"Strength: {used.strength:g} of {steps} steps is none; raise it, or the steps"
            )
        return used

    def _parts(self, values: Sequence[Any]) -> Iterator[Sequence[Any]]:
        """The values of each form, in the order of `fields`."""
        rest = iter(values)
        return (list(itertools.islice(rest, len(form))) for form in self._forms)

    async def _planned(self, run: _Run, wishes: _Wishes) -> AsyncGenerator[Outputs, None]:
        """Plans; where that succeeds the run's book has the plan."""
        job = self._shop.plan(wishes.prompt, wishes.planner)
        async with self.following.watching(run.tab, job) as shots:
            async for shot in shots:
                if not shot.phase.over:
                    yield Outputs(status=said(status(shot)))
                elif shot.phase is Phase.DONE and shot.plan is not None:
                    run.book, run.notices = run.book.with_plan(shot.plan), shot.notices
                    yield Outputs(book=run.book, notices=told(run.notices))
                else:
                    yield self._ended(run, job, shot)

    async def _drawn(self, run: _Run, plan: Plan, wishes: _Wishes) -> AsyncGenerator[Outputs, None]:
        """Begins the drawing, then shows it; the place is set at once, for a reload to find it."""
        try:
            job = await asyncio.to_thread(self._begin, plan, wishes, run.place.session)
        except RPGError as error:
            yield results.rested()._replace(status=said(), problem=results.troubled(str(error)))
            return
        if job.session != run.place.session:
            run.place = run.place.at(job.session, None)
        async with aclosing(self._followed(run, job)) as updates:
            async for update in updates:
                yield update

    def _begin(self, plan: Plan, wishes: _Wishes, session: str) -> Job:
        """The drawing as a job, in the tab's session unless that is gone."""
        shop = self._shop

        def within() -> AbstractContextManager[dict[str, Any]]:
            return shop.adapters.at_work(shop.rpg, plan, wishes.extras)

        with suppress(SessionError):
            return shop.generate(plan, wishes.settings, session=session, within=within)
        return shop.generate(plan, wishes.settings, within=within)

    async def _followed(self, run: _Run, job: Job) -> AsyncGenerator[Outputs, None]:
        """Shows a drawing until it is over, then what came of it."""
        seen: Image | None = None
        async with self.following.watching(run.tab, job) as shots:
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

    def _ended(self, run: _Run, job: Job, shot: Snapshot) -> Outputs:
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

    def _left(self, run: _Run, job: Job, shot: Snapshot) -> Outputs:
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

    def _moved(self, tab: str, place: Place, display: Display, regions: bool) -> Outputs:
        """The panel for a place where nothing is being drawn."""
        if (place.session, place.turn) == (display.session, display.turn):
            return Outputs()
        self.following.leave(tab)
        if place.session == display.session and place.turn in display.turns:
            display = replace(display, chosen=display.turns.index(place.turn))
        else:
            turns = () if place.turn is None else (place.turn,)
            display = Display(place.session, turns)
        try:
            update = results.results(self._shop, display, regions)
        except RPGError as error:
            update = results.results(self._shop, Display(), regions)
            return update._replace(problem=results.troubled(str(error)))
        return update._replace(status=said(), problem=told([]), notices=told([]))

    def _follows(self, tab: str, session: str) -> bool:
        job = self.following.job(tab)
        return job is not None and bool(session) and job.session == session

    def _told_what(self, update: Outputs, run: _Run, job: Job, prompt: str) -> Outputs:
        """The update with what is being drawn, for a tab that does not know."""
        plan = job.shot.plan
        if plan is None or run.book.plan is not None:
            return update
        run.book = run.book.with_plan(plan)
        return update._replace(book=run.book, prompt=gr.skip() if prompt.strip() else plan.prompt)


def _fits(plan: Plan | None, prompt: str) -> bool:
    return plan is not None and plan.prompt == prompt
