"""The look of the page: theme and style sheet."""

from __future__ import annotations

import gradio as gr

__all__ = ["CSS", "theme"]


def theme() -> gr.Theme:
    """Colours and type; local fonts, so that nothing is fetched from elsewhere."""
    fonts = ["Inter", "ui-sans-serif", "system-ui", "sans-serif"]
    mono = ["ui-monospace", "Consolas", "monospace"]
    return gr.themes.Soft(
        primary_hue="indigo", neutral_hue="slate", radius_size="md", font=fonts, font_mono=mono
    )


CSS = """
.gradio-container { max-width: 1400px !important; margin: 0 auto; }
#headline h1 { font-size: 1.35rem; margin: 0; }
#headline p { margin: 0; opacity: .8; }
.pixelated img { image-rendering: pixelated; }
"""
