"""The refine panel's work: changes, masks, rounds and reviews, followed up to their end."""

from __future__ import annotations

import secrets
from collections.abc import AsyncIterator
from dataclasses import dataclass, replace
from typing import Any

import gradio as gr

from rpg.plans.overlay import enlarge
from rpg.plans.plan import decode_mask, encode_mask
from ui import auto, changing, mask_editor
from ui.changing import Pending, Told
from ui.history import Failure
from ui.lines import line
from ui.looking import details
from ui.moving import Decision
from ui.plan_book import PlanBook
from ui.planner_choice import PlannerChoice
from ui.refine_parts import Parts, on
from ui.shared import Place, Shared

__all__ = ["Work"]

_MOST_FAILURES = 20
Updates = dict[Any, Any]
Failures = tuple[Failure, ...]


@dataclass(frozen=True)
class _Begun:
    """Where the tab was when something began."""

    place: Place
    book: PlanBook
    failures: Failures
    wish: str = ""


class Work:
    """The listeners that follow jobs. A closed tab stops none of them."""

    def __init__(self, shared: Shared, parts: Parts) -> None:
        self._shared, self._shop, self._parts = shared, shared.shop, parts

    def listen(self) -> None:
        """Every button begins something, or ends it."""
        p, shared = self._parts, self._shared
        known = [shared.place, shared.book, p.failures, *shared.planner.fields]
        ends = self._ends()
        on([p.send.click, p.wish.submit], self._change, [*known, p.wish, p.mask_first], ends)
        on([p.auto.click], self._refine, [*known, *p.bounds], ends)
        on([p.review.click], self._review, [*known, p.critic], ends)
        for button in (p.cancel, p.stop):
            on([button.click], self._cancel, [p.job], [p.status])
        on([shared.place.change], self._follow, [shared.place, p.job], ends)
        with p.painting:
            gr.render(inputs=[p.pending], triggers=[p.pending.change], show_progress="hidden")(
                self._paint
            )
        on([p.painted.change], self._draw, [*known[:3], p.painted], ends)
        p.pending.change(None, js=mask_editor.ONE_LAYER, api_visibility="private")

    def _paint(self, pending: Pending | None) -> None:
        """Puts the mask of a change on the page, to be painted on."""
        if pending is None:
            return
        p = self._parts
        own = self._shop.sessions.open(pending.session).image(pending.turn).convert("RGB")
        shown = enlarge(own, self._shop.rpg.defaults.display_scale)
        mask = mask_editor.editor(shown, decode_mask(pending.mask), secrets.token_hex(4))
        with gr.Row():
            draw = gr.Button("Draw it", variant="primary", elem_id="draw-change")
            dismiss = gr.Button("Never mind", elem_id="dismiss-change")

        def hand_on(value: dict[str, Any] | None, before: tuple[int, Any]) -> list[Any]:
            done = replace(pending, mask=encode_mask(mask_editor.painted(value, own.size)))
            return [(before[0] + 1, done), None]

        # The editor goes before the drawing begins: the page reads it again at every turn, and
        # reading takes long.
        on([draw.click], hand_on, [mask, p.painted], [p.painted, p.pending])
        on([dismiss.click], lambda: (None, ""), [], [p.pending, p.status])

    def _ends(self) -> list[Any]:
        """All that work may put something into."""
        p, shared = self._parts, self._shared
        return [
            *(p.status, p.picture, p.job, p.cancel, p.stop, *p.starts),
            *(p.failures, p.pending, p.wish, p.decision),
            *(
                p.rounds,
                p.compared,
                p.slider,
                p.where,
                p.findings,
                shared.place,
                shared.book,
                shared.prompt,
            ),
        ]

    def _choice(self, values: list[Any]) -> PlannerChoice:
        return self._shared.planner.chosen(*values)

    async def _change(
        self, place: Place, book: PlanBook, failures: Failures, *values: Any
    ) -> AsyncIterator[Updates]:
        *planner, wish, mask_first = values
        yield {self._parts.pending: None}
        choice = self._choice(planner)
        stream = changing.change(
            self._shop, place.session, place.turn, wish, choice, mask_first=mask_first
        )
        async for updates in self._through(stream, _Begun(place, book, failures, wish)):
            yield updates

    async def _draw(
        self, place: Place, book: PlanBook, failures: Failures, painted: tuple[int, Pending]
    ) -> AsyncIterator[Updates]:
        pending = painted[1]
        stream = changing.draw_painted(self._shop, pending)
        async for updates in self._through(stream, _Begun(place, book, failures, pending.wish)):
            yield updates

    async def _refine(
        self, place: Place, book: PlanBook, failures: Failures, *values: Any
    ) -> AsyncIterator[Updates]:
        *planner, rounds, candidates, seconds, critic = values
        stream = auto.refine(
            self._shop,
            place.session,
            place.turn,
            (rounds, seconds, candidates),
            critic,
            self._choice(planner),
        )
        begun = _Begun(place, book, failures, "Let it mend itself")
        async for updates in self._through(stream, begun, automatic=True):
            yield updates

    async def _review(
        self, place: Place, book: PlanBook, failures: Failures, *values: Any
    ) -> AsyncIterator[Updates]:
        *planner, critic = values
        stream = auto.review(self._shop, place.session, place.turn, critic, self._choice(planner))
        begun = _Begun(place, book, failures, "Look at it")
        async for updates in self._through(stream, begun):
            yield updates

    def _cancel(self, job: str) -> str:
        if (found := self._shop.jobs.find(job)) is not None:
            found.cancel()
        return line("Stopping")

    async def _follow(self, place: Place, own: str) -> AsyncIterator[Updates]:
        """Shows a change that is drawn for the session although this tab did not begin it."""
        yield gr.skip()  # a listener that yields nothing empties what it could have put into
        job = self._shop.jobs.of(place.session)
        if job is None or job.id == own or job.kind not in ("edit", "refine"):
            return
        async for told in changing.followed(self._shop, job):
            yield self._under_way(told, automatic=job.kind == "refine")
        head = self._shop.sessions.open(place.session).head
        ends = {self._parts.status: line("What was under way is done.")}
        yield self._at_rest() | ends | {self._shared.place: place.at(place.session, head)}

    async def _through(
        self, stream: AsyncIterator[Told], begun: _Begun, *, automatic: bool = False
    ) -> AsyncIterator[Updates]:
        """What work tells of, put on the page, and where it has led."""
        told: Told | None = None
        shown: list[tuple[str, int]] = []
        async for told in stream:
            updates = self._under_way(told, automatic=automatic)
            if automatic and told.shot is not None and begun.place.turn is not None:
                found = auto.rounds(told.shot, begun.place.turn)
                if len(found) > len(shown):
                    shown = found
                    updates |= self._rounds(begun.place.session, found)
            yield updates
        if told is not None:
            yield self._at_rest() | self._over(told, begun)

    def _under_way(self, told: Told, *, automatic: bool = False) -> Updates:
        p = self._parts
        updates: Updates = {p.status: line(told.line, problem=told.failed), p.job: told.job}
        if told.job:
            updates |= {button: gr.Button(interactive=False) for button in p.starts}
            updates[p.stop if automatic else p.cancel] = gr.Button(visible=True)
        if told.preview is not None:
            updates[p.picture] = told.preview
        return updates

    def _at_rest(self) -> Updates:
        p = self._parts
        ready = {button: gr.Button(interactive=True) for button in p.starts}
        hidden = {button: gr.Button(visible=False) for button in (p.cancel, p.stop)}
        return {**ready, **hidden, p.job: ""}

    def _rounds(self, session: str, found: list[tuple[str, int]]) -> Updates:
        """The rounds so far, the last of them opened."""
        p, turn = self._parts, found[-1][1]
        return {p.rounds: gr.Radio(found, value=turn, visible=True)} | p.detailed(
            details(self._shop, session, turn)
        )

    def _over(self, told: Told, begun: _Begun) -> Updates:
        """Where work has led: a turn, a mask to paint, or an error in words."""
        p, place = self._parts, begun.place
        updates: Updates = {p.status: line(told.line, problem=told.failed)}
        if told.failed and told.pending is None and place.session and begun.wish.strip():
            failure = Failure(place.session, begun.wish, told.line)
            updates[p.failures] = (*begun.failures, failure)[-_MOST_FAILURES:]
        if told.pending is not None:
            kept = self._shop.sessions.open(told.pending.session)
            shown = self._shop.files.of(kept, told.pending.turn)
            return updates | {p.pending: told.pending, p.picture: shown}
        if told.turn is not None:
            updates |= self._arrived(told.turn, begun)
        elif place.turn is not None:
            updates[self._shared.place] = place.at(place.session, place.turn)
        return updates

    def _arrived(self, turn: int, begun: _Begun) -> Updates:
        p, place = self._parts, begun.place
        plan = self._shop.sessions.open(place.session).turn(turn).plan
        updates: Updates = {
            self._shared.place: place.at(place.session, turn),
            self._shared.book: begun.book.with_plan(plan),
            self._shared.prompt: plan.prompt,
        }
        if place.turn is not None and turn != place.turn:
            updates |= {p.pending: None, p.wish: ""}
            updates[p.decision] = Decision(place.session, turn, place.turn)
        return updates
