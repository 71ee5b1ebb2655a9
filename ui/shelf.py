"""The shelf panel: sessions, to be opened, named, taken elsewhere and thrown away."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import gradio as gr

from rpg.errors import RPGError
from ui.lines import line
from ui.plan_book import PlanBook
from ui.refine_parts import on
from ui.shared import Place, Shared
from ui.shelf_parts import CSS, ShelfParts
from ui.shelving import exported, imported, shelf

__all__ = ["CSS", "arrived", "build"]

_SAVE = "() => document.querySelector('#export-file')?.click()"
Updates = dict[Any, Any]
_NOTHING: Updates = gr.skip()


def build(shared: Shared) -> None:
    """Puts the panel on the page."""
    panel = _Panel(shared, ShelfParts.laid_out())
    panel.listen_to_the_shelf()
    panel.listen_to_one()


def arrived(shared: Shared, place: Place, session: str) -> Updates:
    """What place, plan, prompt, settings and tab become for a tab that opens a session.

    Raises:
        SessionError: It is gone, or cannot be read.
    """
    kept = shared.shop.sessions.open(session)
    updates: Updates = {shared.place: place.at(kept.id, kept.head)}
    if kept.head is None:
        return updates | {shared.selected: gr.Tabs(selected="create")}
    turn = kept.turn(kept.head)
    updates |= {shared.book: PlanBook().with_plan(turn.plan), shared.prompt: turn.plan.prompt}
    form = shared.settings.reopened(turn.settings, turn.plan, seed=False)
    updates |= dict(zip(shared.settings.fields, form, strict=True))
    return updates | {shared.selected: gr.Tabs(selected="refine")}


class _Panel:
    """The listeners of one page's tab."""

    def __init__(self, shared: Shared, parts: ShelfParts) -> None:
        self._shared, self._shop, self._parts = shared, shared.shop, parts

    def listen_to_the_shelf(self) -> None:
        """Looking again, choosing one, beginning a new one, taking one in."""
        p, shared = self._parts, self._shared
        seen = [p.gallery, p.ids, p.count, p.chosen, p.one, p.confirm]
        on([shared.selected.change, p.stale.change], self._look, [p.chosen], seen)
        one = [p.chosen, p.one, p.title, p.confirm, p.status, p.file]
        on([p.gallery.select], self._choose, [p.ids], one)
        fresh = [shared.place, shared.book, shared.prompt, shared.selected]
        on([p.new.click], self._begin, [shared.place], fresh)
        on([p.upload.upload], self._import, [p.upload, p.stale], [p.stale, p.status])

    def listen_to_one(self) -> None:
        """What can be done with the session that is chosen."""
        p, shared = self._parts, self._shared
        form = [shared.prompt, *shared.settings.fields]
        ends = [shared.place, shared.book, *form, shared.selected, p.status]
        on([p.open.click], self._open, [shared.place, p.chosen], ends)
        renaming = [p.chosen, p.title, p.stale]
        on([p.rename.click, p.title.submit], self._rename, renaming, [p.stale, p.status])
        on([p.delete.click], lambda: gr.Group(visible=True), [], [p.confirm])
        on([p.keep.click], lambda: gr.Group(visible=False), [], [p.confirm])
        deleting = [shared.place, p.chosen, p.stale]
        on([p.really.click], self._delete, deleting, [shared.place, p.chosen, p.stale, p.status])
        on([p.export.click], self._export, [p.chosen], [p.file, p.status, p.ready])
        p.ready.change(None, js=_SAVE, api_visibility="private")

    def _look(self, chosen: str) -> Updates:
        p = self._parts
        try:
            seen = shelf(self._shop)
        except RPGError as error:
            return {p.count: line(str(error), problem=True)}
        updates: Updates = {
            p.gallery: gr.Gallery(seen.items, selected_index=None, visible=bool(seen.items)),
            p.ids: seen.ids,
            p.count: line(seen.line),
        }
        if chosen not in seen.ids:
            updates |= {p.chosen: "", p.one: gr.Group(visible=False)}
        return updates | {p.confirm: gr.Group(visible=False)}

    def _choose(self, ids: list[str], event: gr.SelectData) -> Updates:
        if event.index >= len(ids):
            return _NOTHING
        p, session = self._parts, ids[event.index]
        return self._tried(
            lambda: {
                p.chosen: session,
                p.title: self._shop.sessions.open(session).title,
                p.one: gr.Group(visible=True),
                p.confirm: gr.Group(visible=False),
                p.status: "",
            }
        )

    def _begin(self, place: Place) -> Updates:
        shared = self._shared
        return {
            shared.place: place.at("", None),
            shared.book: PlanBook(),
            shared.prompt: "",
            shared.selected: gr.Tabs(selected="create"),
        }

    def _open(self, place: Place, chosen: str) -> Updates:
        return self._tried(lambda: arrived(self._shared, place, chosen))

    def _rename(self, chosen: str, title: str, stale: int) -> Updates:
        def rename() -> Updates:
            self._shop.sessions.rename(chosen, title)
            return {self._parts.stale: stale + 1, self._parts.status: line("Renamed.")}

        return self._tried(rename)

    def _delete(self, place: Place, chosen: str, stale: int) -> Updates:
        def delete() -> Updates:
            p = self._parts
            if (job := self._shop.jobs.of(chosen)) is not None:
                job.cancel()
            self._shop.sessions.delete(chosen)
            updates: Updates = {p.chosen: "", p.stale: stale + 1, p.status: line("Deleted.")}
            if place.session == chosen:
                updates[self._shared.place] = place.at("", None)
            return updates

        return self._tried(delete)

    def _export(self, chosen: str) -> Updates:
        def export() -> Updates:
            p, path = self._parts, exported(self._shop, chosen)
            return {p.file: path, p.ready: path, p.status: line("The zip is on its way to you.")}

        return self._tried(export)

    def _import(self, path: str | None, stale: int) -> Updates:
        def take_in() -> Updates:
            if path is None:
                return _NOTHING
            title = imported(self._shop, path).title or "without a title"
            return {self._parts.stale: stale + 1, self._parts.status: line(f"Imported: {title}")}

        return self._tried(take_in)

    def _tried(self, work: Callable[[], Updates]) -> Updates:
        try:
            return work()
        except RPGError as error:
            return {self._parts.status: line(str(error), problem=True)}
