"""Places on the page that say something: shown literally, read out when it changes.

Unlike a line that is replaced, such a place stays, so that screen readers notice what is new in it.
"""

from __future__ import annotations

import html
from collections.abc import Iterable
from typing import Any

import gradio as gr

__all__ = ["said", "told", "voice"]


def voice(name: str, *, urgent: bool = False, visible: bool = True) -> gr.HTML:
    """A place for what `said` gives.

    Args:
        name: The element's id.
        urgent: Whether screen readers interrupt for it.
        visible: Whether it is there from the start.
    """
    role = 'role="alert"' if urgent else 'role="status" aria-live="polite"'
    return gr.HTML(
        html_template=f"<div {role}>${{value}}</div>",  # a template that no text becomes part of
        js_on_load=None,
        elem_id=name,
        elem_classes="voice",
        visible=visible,
    )


def said(*texts: str) -> str:
    """Texts as HTML, a paragraph each, nothing in them understood."""
    return "".join(f"<p>{html.escape(text)}</p>" for text in texts if text)


def told(texts: Iterable[str]) -> Any:
    """The update of a place that is there only while there is something to say."""
    words = said(*texts)
    return gr.update(value=words, visible=bool(words))
