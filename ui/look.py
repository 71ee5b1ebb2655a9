"""The look of the page: theme and style sheet."""

from __future__ import annotations

import gradio as gr

__all__ = ["CSS", "NAMES", "theme"]


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
        block_label_background_fill_dark="*block_background_fill",
        block_label_text_color="*body_text_color_subdued",
        block_label_text_color_dark="*body_text_color_subdued",
        block_title_background_fill="transparent",
        block_title_background_fill_dark="transparent",
        block_title_text_color="*body_text_color",
        block_title_text_weight="500",
        block_title_padding="0",
        block_shadow="none",
        block_border_width="1px",
        block_border_color="*border_color_primary",
        button_large_text_weight="600",
        color_accent="*primary_600",
        button_primary_background_fill="*primary_600",  # white on it is easy to read
        button_primary_background_fill_hover="*primary_700",
        button_primary_background_fill_dark="*primary_600",
        button_primary_background_fill_hover_dark="*primary_700",
        body_text_color_subdued="*neutral_600",
        body_text_color_subdued_dark="*neutral_300",
    )


CSS = """
.gradio-container { max-width: 1400px !important; margin: 0 auto; }
#headline h1 { font-size: 1.35rem; margin: 0; }
#headline p { margin: 0; opacity: .85; overflow-wrap: anywhere; }
.pixelated img { image-rendering: pixelated; }
.dark button[role=tab].selected { color: var(--primary-300); }
/* Beside the picture, not over it. */
#picture-now [data-testid=block-label], #where-drawn [data-testid=block-label] {
    position: static; border: 0; max-width: none;
}
@media (max-width: 640px) {
    .gradio-container { padding: 8px 8px 80px !important; }
    /* The button stays in reach however long the plan is. */
    #go { position: fixed; left: 8px; right: 8px; bottom: 8px; z-index: 20; width: auto; }
}
"""

# gradio shows a picture as a button without a name; screen readers get its field's label.
NAMES = """() => {
    const name = () => document.querySelectorAll("button:has(> .image-frame)").forEach((button) => {
        const label = button.closest(".block")?.querySelector("[data-testid=block-label]");
        button.setAttribute("aria-label", label?.innerText.trim() || "Picture");
    });
    new MutationObserver(name).observe(document.body, { childList: true, subtree: true });
    name();
}"""
