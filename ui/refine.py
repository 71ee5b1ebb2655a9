"""The refine panel: say what should change, see it change, let it mend itself, go back."""

from __future__ import annotations

from collections.abc import Callable
from html import escape
from typing import Any

import gradio as gr

from rpg.errors import RPGError
from ui import moving
from ui.changing import Pending
from ui.history import Failure, Message
from ui.lines import line
from ui.looking import View, details, view
from ui.moving import Decision, Went
from ui.plan_book import PlanBook
from ui.refine_parts import CSS, Parts, on
from ui.refine_work import Work
from ui.shared import Place, Shared

__all__ = ["CSS", "build"]

_FOCUS = "() => document.querySelector('#instruction textarea, #instruction input')?.focus()"
_SHOW_IT = """() => setTimeout(() => {
    const strip = document.querySelector("#history .grid-container");
    const words = [...(strip?.querySelectorAll(".caption-label") ?? [])];
    const item = words.find((one) => one.textContent.includes("▸"))?.closest(".gallery-item");
    if (item) strip.scrollLeft = item.offsetLeft - strip.clientWidth / 2;
}, 300)"""
_STEPS = {"undo": moving.undo, "redo": moving.redo, "branch": moving.branch}
_DECISIONS = {"accept": moving.accept, "reject": moving.reject}
Updates = dict[Any, Any]
_NOTHING: Updates = gr.skip()


def build(shared: Shared) -> None:
    """Puts the panel on the page."""
    parts = Parts.laid_out(shared.shop.rpg.model)
    _Looking(shared, parts).listen()
    _Moving(shared, parts).listen()
    Work(shared, parts).listen()


class _Looking:
    """What the tab shows of the place, whoever went there."""

    def __init__(self, shared: Shared, parts: Parts) -> None:
        self._shared, self._shop, self._parts = shared, shared.shop, parts

    def listen(self) -> None:
        """Looks again whenever the place changes, and at a round that is chosen."""
        p, shared = self._parts, self._shared
        detailed = [p.compared, p.slider, p.where, p.findings]
        seen = [p.empty, p.room, p.picture, p.history, p.numbers, p.conversation, p.label]
        seen += [p.undo, p.redo, p.deciding, p.pending, p.rounds, *detailed]
        known = [shared.place, p.failures, p.decision, p.pending]
        on([shared.place.change, p.failures.change], self._look, known, seen)
        on([p.rounds.input], self._look_at_round, [shared.place, p.rounds], detailed)
        p.history.change(None, js=_SHOW_IT, api_visibility="private")
        for button, tab in ((p.to_create, "create"), (p.to_sessions, "sessions")):
            on([button.click], _goes_to(tab), [], [shared.selected])

    def _look(
        self,
        place: Place,
        failures: tuple[Failure, ...],
        decision: Decision | None,
        pending: Pending | None,
    ) -> Updates:
        p, here = self._parts, (place.session, place.turn)
        try:
            seen = view(self._shop, place.session, place.turn, failures)
        except RPGError as error:
            gr.Warning(line(str(error)))
            seen = View()
        updates = self._shown(seen) | p.detailed(seen.details)
        just_made = decision is not None and (decision.session, decision.turn) == here
        updates[p.deciding] = gr.Row(visible=just_made)
        if not just_made:
            updates[p.rounds] = gr.Radio(visible=False)
        if pending is not None and (pending.session, pending.turn) != here:
            updates[p.pending] = None
        return updates

    def _look_at_round(self, place: Place, turn: int | None) -> Updates:
        if turn is None or not place.session:
            return _NOTHING
        try:
            return self._parts.detailed(details(self._shop, place.session, turn))
        except RPGError as error:
            return {self._parts.findings: line(str(error), problem=True)}

    def _shown(self, seen: View) -> Updates:
        p, there = self._parts, seen.turn is not None
        return {
            p.empty: gr.Column(visible=not there),
            p.room: gr.Column(visible=there),
            p.picture: gr.Image(seen.picture, label=f"Turn {seen.turn}: {seen.title}"),
            p.history: gr.Gallery(seen.strip, selected_index=None),
            p.numbers: seen.numbers,
            p.conversation: [_literal(message) for message in seen.conversation],
            p.label: seen.label,
            p.undo: gr.Button(interactive=seen.can_undo),
            p.redo: gr.Button(interactive=seen.can_redo),
        }


class _Moving:
    """Keeping, rejecting, undo, redo, the history and names."""

    def __init__(self, shared: Shared, parts: Parts) -> None:
        self._shared, self._shop, self._parts = shared, shared.shop, parts

    def listen(self) -> None:
        """Every button goes somewhere."""
        p = self._parts
        for name, step in _STEPS.items():
            self._moves(getattr(p, name).click, self._stepping(step))
        for name, decide in _DECISIONS.items():
            self._moves(getattr(p, name).click, self._deciding(decide), p.decision)
        self._moves(p.label.submit, self._naming, p.label)
        known = [self._shared.place, self._shared.book, p.numbers]
        on([p.history.select], self._choose, known, self._ends())
        for button in (p.branch, p.accept, p.reject):
            button.click(None, js=_FOCUS, api_visibility="private")

    def _moves(self, event: Any, move: Callable[..., Went | None], *more: Any) -> None:
        """A listener that goes where `move` says."""

        def moved(place: Place, book: PlanBook, *values: Any) -> Updates:
            return self._went(place, book, lambda: move(place, *values))

        known = [self._shared.place, self._shared.book, *more]
        on([event], moved, known, self._ends())

    def _ends(self) -> list[Any]:
        p, shared = self._parts, self._shared
        return [p.status, shared.place, shared.book, shared.prompt]

    def _went(self, place: Place, book: PlanBook, move: Callable[[], Went | None]) -> Updates:
        status, shared = self._parts.status, self._shared
        try:
            if (went := move()) is None:
                return _NOTHING
            plan = self._shop.sessions.open(place.session).turn(went.turn).plan
        except RPGError as error:
            return {status: line(str(error), problem=True)}
        return {
            status: line(went.line),
            shared.place: place.at(place.session, went.turn),
            shared.book: book.with_plan(plan),
            shared.prompt: plan.prompt,
        }

    def _stepping(self, step: Callable[..., Went]) -> Callable[..., Went]:
        return lambda place: step(self._shop, place.session, place.turn)

    def _deciding(self, decide: Callable[..., Went]) -> Callable[..., Went | None]:
        return lambda _, decision: None if decision is None else decide(self._shop, decision)

    def _naming(self, place: Place, words: str) -> Went:
        return moving.name(self._shop, place.session, place.turn, words)

    def _choose(
        self, place: Place, book: PlanBook, numbers: list[int], event: gr.SelectData
    ) -> Updates:
        """A click in the history; the strip says the same of the turn that is looked at."""
        turn = numbers[event.index] if event.index < len(numbers) else place.turn
        if turn is None or turn == place.turn:
            return _NOTHING
        return self._went(place, book, lambda: moving.go(self._shop, place.session, turn))


def _literal(message: Message) -> Message:
    """The same for `gr.Chatbot`, which takes HTML for HTML even where it renders no Markdown."""
    return Message(role=message["role"], content=escape(message["content"], quote=False))


def _goes_to(tab: str) -> Callable[[], Any]:
    return lambda: gr.Tabs(selected=tab)
