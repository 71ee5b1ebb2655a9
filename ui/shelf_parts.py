"""What is on the Sessions tab, without what it does."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import gradio as gr

__all__ = ["CSS", "ShelfParts"]

CSS = """
#sessions-gallery, #sessions-gallery .grid-wrap {
    height: auto !important; max-height: none !important; min-height: 0 !important;
}
#sessions-gallery .grid-container {
    grid-template-columns: repeat(auto-fill, minmax(9rem, 1fr)); height: auto;
}
#sessions-gallery .thumbnail-item { aspect-ratio: auto; height: 100%; display: block; }
#sessions-gallery .thumbnail-item img { aspect-ratio: 1; height: auto; }
#sessions-gallery .caption-label {
    position: static; max-width: none; white-space: normal; border: 0; line-height: 1.3;
    display: -webkit-box; -webkit-box-orient: vertical; -webkit-line-clamp: 7; overflow: hidden;
}
#export-file { display: none; }
"""


@dataclass(frozen=True)
class ShelfParts:
    """Components of the tab, and what it remembers.

    Attributes:
        ids: Of the sessions in the gallery.
        chosen: Id of the one that is chosen; empty for none.
        stale: Counts what changed, so that the shelf looks again.
        ready: Names the zip that is to be saved.
    """

    ids: Any
    chosen: Any
    stale: Any
    ready: Any
    new: Any
    upload: Any
    count: Any
    gallery: Any
    one: Any
    title: Any
    rename: Any
    open: Any
    export: Any
    file: Any
    delete: Any
    confirm: Any
    really: Any
    keep: Any
    status: Any

    @classmethod
    def laid_out(cls) -> ShelfParts:
        """Puts everything on the page, inside the tab."""
        parts: dict[str, Any] = {
            "ids": gr.State([]),
            "chosen": gr.State(""),
            "stale": gr.State(0),
            "ready": gr.State(""),
        }
        with gr.Row():
            parts["new"] = gr.Button(
                "New session", variant="primary", min_width=140, elem_id="new-session"
            )
            parts["upload"] = gr.UploadButton(
                "Import a zip", file_types=[".zip"], min_width=140, elem_id="import-session"
            )
        parts["status"] = gr.HTML(elem_id="shelf-status")
        parts |= _one()
        parts["count"] = gr.HTML(elem_id="sessions-count")
        parts["gallery"] = gr.Gallery(
            label="Sessions: choose one",
            columns=6,
            height="auto",
            allow_preview=False,
            interactive=False,
            visible=False,
            buttons=[],
            object_fit="contain",
            elem_id="sessions-gallery",
        )
        return cls(**parts)


def _one() -> dict[str, Any]:
    """The session that is chosen."""
    parts: dict[str, Any] = {}
    with gr.Group(visible=False, elem_id="one-session") as parts["one"]:
        parts["title"] = gr.Textbox(label="Title", max_length=200, elem_id="session-title")
        with gr.Row():
            parts["open"] = gr.Button(
                "Open", variant="primary", min_width=100, elem_id="open-session"
            )
            parts["rename"] = gr.Button("Rename", min_width=100, elem_id="rename-session")
            parts["export"] = gr.Button("Export as zip", min_width=130, elem_id="export-session")
            parts["delete"] = gr.Button("Delete", min_width=100, elem_id="delete-session")
        parts["file"] = gr.DownloadButton("Save the zip", elem_id="export-file")
        with gr.Group(visible=False, elem_id="confirm-delete") as parts["confirm"]:
            gr.Markdown("Delete this session with all its pictures for good?", padding=True)
            with gr.Row():
                parts["really"] = gr.Button(
                    "Delete for good", variant="stop", elem_id="really-delete"
                )
                parts["keep"] = gr.Button("Keep it", elem_id="keep-session")
    return parts
