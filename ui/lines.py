"""Lines of text put on the page literally, whatever is in them."""

from __future__ import annotations

import html

__all__ = ["line"]

# A page's own templates know these; as entities they mean nothing but themselves.
_TEMPLATES = str.maketrans({"$": "&#36;", "{": "&#123;", "}": "&#125;", "`": "&#96;"})


def line(text: str, *, problem: bool = False) -> str:
    """Text as HTML for `gr.HTML`, read out when it changes; empty for an empty text."""
    if not text:
        return ""
    role, kind = ("alert", "line problem") if problem else ("status", "line")
    return f'<p class="{kind}" role="{role}">{html.escape(text).translate(_TEMPLATES)}</p>'
