"""The look of the page: theme and style sheet."""

from __future__ import annotations

import gradio as gr

__all__ = ["CSS", "theme"]


def theme() -> gr.Theme:
    """Colours and type; the machine's own fonts, so that nothing is fetched from elsewhere."""
    fonts = ["Inter", "ui-sans-serif", "system-ui", "sans-serif"]
    mono = ["ui-monospace", "Consolas", "monospace"]
    soft = gr.themes.Soft(
        primary_hue="indigo", neutral_hue="slate", radius_size="md", font=fonts, font_mono=mono
    )
    # Labels as plain words above their fields, not as coloured chips: there are many of them.
    return soft.set(
        block_label_background_fill="*block_background_fill",
        block_label_text_color="*body_text_color_subdued",
        block_title_background_fill="transparent",
        block_title_text_color="*body_text_color",
        block_title_text_weight="500",
        block_title_padding="0",
        block_shadow="none",
        block_border_width="1px",
        block_border_color="*border_color_primary",
        button_large_text_weight="600",
        body_text_color_subdued="*neutral_600",
        body_text_color_subdued_dark="*neutral_300",
    )


CSS = """
.gradio-container { max-width: 1400px !important; margin: 0 auto; }
#headline h1 { font-size: 1.35rem; margin: 0; }
#headline p { margin: 0; opacity: .85; overflow-wrap: anywhere; }
.pixelated img { image-rendering: pixelated; }
footer { opacity: .8; }
@media (max-width: 640px) {
    .gradio-container { padding: 8px !important; }
}
"""
