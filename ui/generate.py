"""The generate panel: draws the plan while one watches, and shows what came of it.

A click plans where there is no plan for the prompt, then draws. Whoever comes to a session that is
being drawn, such as after a reload, follows that work.
"""

from __future__ import annotations

from typing import Any

import gradio as gr

from ui import comparison
from ui.generating import Generating
from ui.inputs_form import InputsForm
from ui.results import Display, Outputs
from ui.saying import voice
from ui.shared import Shared
from ui.workshop import VARIATIONS

__all__ = ["CSS", "build"]

_HEIGHT = "clamp(20rem, 60vh, 40rem)"
# On a phone the picture is far below the plan.
_SHOW_IT = """() => {
    if (window.innerWidth > 640) return;
    document.querySelector("#status").scrollIntoView({ behavior: "smooth", block: "start" });
}"""
_SHOW_COMPARISON = """() => {
    document.querySelector("#comparison")?.scrollIntoView({ behavior: "smooth", block: "center" });
}"""
CSS = """
.voice p { margin: 0 0 .25rem; overflow-wrap: anywhere; }
#problem { border-left: 4px solid #ef4444; }
#status { min-height: 1.75rem; }
#notices { font-size: .9rem; opacity: .85; }
#preview img { width: 100%; height: 100%; object-fit: contain; }
#gallery .preview { background: var(--block-background-fill); backdrop-filter: none; }
#gallery .thumbnails:has(> :only-child) { display: none; }
#picture-actions, .controls { align-items: center; }
"""


def build(shared: Shared) -> None:
    """Puts the panel on the page."""
    inputs = InputsForm(shared.shop.adapters)
    panel = Generating(shared, inputs)
    pixels = ["pixelated"] if shared.shop.rpg.defaults.display_scale > 1 else []
    with gr.Row(elem_id="go"):
        go = gr.Button("Generate", variant="primary", size="lg", elem_id="generate-button")
        cancel = gr.Button(
            "Cancel", variant="stop", size="lg", visible=False, elem_id="cancel-button"
        )
    status = voice("status")
    problem = voice("problem", urgent=True, visible=False)
    notices = voice("notices", visible=False)
    preview = gr.Image(
        label="On its way",
        interactive=False,
        visible=False,
        buttons=[],
        height=_HEIGHT,
        elem_id="preview",
        elem_classes=pixels,
    )
    gallery = gr.Gallery(
        label="Pictures",
        format="png",
        preview=True,
        object_fit="contain",
        interactive=False,
        visible=False,
        buttons=["download", "fullscreen"],
        height=_HEIGHT,
        elem_id="gallery",
        elem_classes=pixels,
    )
    with gr.Row(visible=False, elem_id="picture-actions") as actions:
        regions = gr.Checkbox(label="Show regions", min_width=120, elem_id="show-regions")
        compare = gr.Button(
            "Compare with plain", size="sm", min_width=120, elem_id="compare-button"
        )
        upscale = gr.Button("Upscale twice", size="sm", min_width=120, elem_id="upscale-button")
        vary = gr.Button(
            f"{VARIATIONS} variations", size="sm", min_width=120, elem_id="variations-button"
        )
        change = gr.Button("Change this picture", size="sm", min_width=120, elem_id="to-refine")
    slider = comparison.slider()
    shared.settings.render()
    inputs.render(shared.settings.of_image)
    display = gr.State(Display())

    outputs = list(
        Outputs(
            status=status,
            problem=problem,
            notices=notices,
            go=go,
            cancel=cancel,
            preview=preview,
            gallery=gallery,
            actions=actions,
            keep_seed=shared.settings.keep,
            comparison=slider,
            display=display,
            book=shared.book,
            place=shared.place,
            prompt=shared.prompt,
        )
    )
    words: dict[str, Any] = {"api_visibility": "private", "show_progress": "hidden"}
    here = [shared.prompt, shared.book, shared.place, display, regions]
    seed = [shared.settings.seed, shared.settings.lock]
    follows = {**words, "concurrency_limit": None}
    go.click(panel.generate, [*here, *panel.fields], outputs, **follows)
    go.click(None, None, None, js=_SHOW_IT, **words)
    shared.place.change(panel.arrived, here, outputs, trigger_mode="multiple", **follows)
    compare.click(panel.compare, display, outputs, **follows).then(
        None, None, None, js=_SHOW_COMPARISON, **words
    )
    upscale.click(panel.upscale, here[1:], outputs, **follows)
    vary.click(panel.vary, here[1:], outputs, **follows)
    cancel.click(panel.cancel, None, status, **words)
    gallery.select(panel.chosen, [display, shared.place], outputs, **words)
    regions.change(panel.swapped, [display, regions], [problem, gallery], **words)
    shared.settings.keep.click(panel.kept_seed, display, seed, **words)
    change.click(lambda: gr.Tabs(selected="refine"), None, shared.selected, **words)
