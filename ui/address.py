"""The page's address names the tab's session, so that a reload, a bookmark or a restart finds it.

`http://127.0.0.1:7860/?session=0123456789ab`
"""

from __future__ import annotations

from typing import Any

import gradio as gr

from rpg.errors import RPGError
from ui.plan_book import PlanBook
from ui.shared import Place, Shared

__all__ = ["arrived", "build"]

_NAME_IT = """(session) => {
    const address = new URL(window.location.href);
    if (session) address.searchParams.set("session", session);
    else address.searchParams.delete("session");
    if (address.href !== window.location.href) window.history.replaceState(null, "", address);
}"""


def build(blocks: gr.Blocks, shared: Shared) -> None:
    """Makes the page follow its address, and the address the page."""
    name = gr.Textbox(visible=False)
    fields = [shared.place, shared.book, shared.prompt, *shared.settings.fields]

    def load(request: gr.Request) -> list[Any]:
        return arrived(shared, str(request.query_params.get("session", ""))[:64])

    blocks.load(load, None, fields, api_visibility="private", show_progress="hidden")
    shared.place.change(
        lambda place: place.session, shared.place, name, api_visibility="private", queue=False
    ).then(None, name, None, js=_NAME_IT)


def arrived(shared: Shared, session: str) -> list[Any]:
    """What place, plan, prompt and settings become for a tab that comes to a session.

    A session that is gone, or of which there is no picture yet, changes nothing but the place.
    """
    stay = [gr.skip()] * (3 + len(shared.settings.fields))
    if not session:
        return stay
    try:
        kept = shared.shop.sessions.open(session)
        head = kept.turn(kept.head) if kept.head is not None else None
    except RPGError:
        gr.Info("The session of this address is not here any more. This is a new one.")
        return stay
    place = Place().at(kept.id, kept.head)
    if head is None:
        return [place, *stay[1:]]
    book = PlanBook().with_plan(head.plan)
    return [place, book, head.plan.prompt, *shared.settings.shown(head.settings)]
