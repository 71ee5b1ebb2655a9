"""What the generate panel does: a class of handlers, each from plain values to updates."""

from __future__ import annotations

import asyncio
import html
from collections.abc import AsyncGenerator, Callable
from contextlib import aclosing
from dataclasses import replace
from typing import Any

import gradio as gr

from rpg.errors import RPGError
from rpg.plans.plan import Plan
from ui import results
from ui.comparison import compared
from ui.following import Following
from ui.inputs_form import InputsForm
from ui.jobs import Job
from ui.plan_book import PlanBook
from ui.results import Display, Outputs
from ui.runs import Run, Runs
from ui.saying import said, told
from ui.shared import Place, Shared
from ui.wishes import WishesForm
from ui.words import status

__all__ = ["Generating"]


class Generating:
    """The panel's handlers.

    Args:
        shared: What panels have in common.
        inputs: The form of pictures and adapters.

    Attributes:
        fields: The components whose values `generate` takes last.
        following: What each tab follows.
    """

    def __init__(self, shared: Shared, inputs: InputsForm) -> None:
        """No tab follows anything yet."""
        self._shop = shared.shop
        self.following = Following()
        self._runs = Runs(self._shop, self.following)
        self._form = WishesForm(shared, inputs)
        self.fields = self._form.fields

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
            wishes = await asyncio.to_thread(self._form.read, prompt, values)
        except RPGError as error:
            yield Outputs(status=said(), problem=results.troubled(str(error)))
            return
        run = Run(str(request.session_hash), book, place, place, display, regions)
        yield results.begun("Starting")
        if not _fits(run.book.plan, wishes.prompt):
            async with aclosing(self._runs.planned(run, wishes)) as updates:
                async for update in updates:
                    yield update
        if (plan := run.book.plan) is not None and _fits(plan, wishes.prompt):
            async with aclosing(self._runs.drawn(run, plan, wishes)) as updates:
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
            run = Run(tab, book, place, home, display, regions)
            yield results.begun(status(job.shot))
            async with aclosing(self._runs.followed(run, job)) as updates:
                async for update in updates:
                    yield _told_what(update, run, job, prompt)

    async def upscale(
        self,
        request: gr.Request,
        book: PlanBook,
        place: Place,
        display: Display,
        regions: bool,
    ) -> AsyncGenerator[Outputs, None]:
        """Draws the picture that is looked at over, larger."""
        run = Run(str(request.session_hash), book, place, place, display, regions)
        async with aclosing(self._again(run, self._shop.upscale)) as updates:
            async for update in updates:
                yield update

    async def vary(
        self,
        request: gr.Request,
        book: PlanBook,
        place: Place,
        display: Display,
        regions: bool,
    ) -> AsyncGenerator[Outputs, None]:
        """Draws variations of the picture that is looked at."""
        run = Run(str(request.session_hash), book, place, place, display, regions)
        async with aclosing(self._again(run, self._shop.vary)) as updates:
            async for update in updates:
                yield update

    async def _again(
        self, run: Run, begin: Callable[[str, int], Job]
    ) -> AsyncGenerator[Outputs, None]:
        """Begins a drawing that comes of a picture in the gallery, and shows it."""
        display = run.display
        if display.turn is None:
            return
        try:
            job = await asyncio.to_thread(begin, display.session, display.turn)
        except RPGError as error:
            yield Outputs(problem=results.troubled(str(error)))
            return
        yield results.begun(status(job.shot))
        async with aclosing(self._runs.followed(run, job)) as updates:
            async for update in updates:
                yield update

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

    def _moved(self, tab: str, place: Place, display: Display, regions: bool) -> Outputs:
        """The panel for a place where nothing is being drawn."""
        if (place.session, place.turn) == (display.session, display.turn):
            return Outputs()
        self.following.leave(tab)
        if place.session == display.session and place.turn in display.turns:
            display = display.choosing(place.turn)
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


def _told_what(update: Outputs, run: Run, job: Job, prompt: str) -> Outputs:
    """The update with what is being drawn, for a tab that does not know."""
    plan = job.shot.plan
    if plan is None or run.book.plan is not None:
        return update
    run.book = run.book.with_plan(plan)
    return update._replace(book=run.book, prompt=gr.skip() if prompt.strip() else plan.prompt)


def _fits(plan: Plan | None, prompt: str) -> bool:
    return plan is not None and plan.prompt == prompt
