"""The page's address names the tab's session, so that a reload, a bookmark or a restart finds it.

`http://127.0.0.1:7860/?session=0123456789ab`
"""

from __future__ import annotations

from typing import Any

import gradio as gr

from rpg.errors import RPGError
from ui import shelf
from ui.shared import Place, Shared

__all__ = ["arrived", "build"]

_NOTHING: dict[Any, Any] = gr.skip()  # an empty dict would be an error to a load event
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

    def load(request: gr.Request) -> dict[Any, Any]:
        return arrived(shared, str(request.query_params.get("session", ""))[:64]) or _NOTHING

    blocks.load(load, None, fields, api_visibility="private", show_progress="hidden")
    shared.place.change(
        lambda place: place.session, shared.place, name, api_visibility="private"
    ).then(None, name, None, js=_NAME_IT)


def arrived(shared: Shared, session: str) -> dict[Any, Any]:
    """What place, plan, prompt and settings become for a tab that comes to a session.

    A session that is gone changes nothing; one without pictures yet, the place alone.
    """
    if not session:
        return {}
    try:
        updates = shelf.arrived(shared, Place(), session)
    except RPGError:
        gr.Info("The session of this address is not here any more. This is a new one.")
        return {}
    updates.pop(shared.selected, None)  # it stays where it was
    return updates
