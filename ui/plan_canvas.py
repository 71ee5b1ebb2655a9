"""The canvas: a plan's regions as boxes to draw, drag, resize, rename and delete."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import lru_cache, partial
from typing import Any

import gradio as gr
from gradio_image_annotation import image_annotator  # type: ignore[import-untyped]
from PIL import Image, ImageDraw

from rpg.errors import PlanError, SettingsError
from rpg.plans.edits import apply
from rpg.plans.plan import Plan
from ui.lines import line
from ui.plan_book import PlanBook
from ui.plan_boxes import MARGIN, Drawn, Size, drawn, hand
from ui.shared import Shared

__all__ = ["CSS", "build", "canvas_size", "follow", "touched"]

_PAPER = (128, 132, 150, 34)
_LINES = (128, 132, 150, 90)

CSS = """
#plan-canvas [aria-label^="Rotate"] { display: none; }
#plan-canvas .modal-container { width: min(92%, 440px); }
#plan-canvas .modal span.model-content { display: flex; gap: 8px; align-items: center; }
#plan-canvas .model-content > div { margin: 0 !important; }
#plan-canvas .model-content > div:has([role="listbox"]) { flex: 1; min-width: 0; }
#plan-canvas .model-content > div:has([aria-label="Lock label detail"], [type="color"]),
#plan-canvas .modal .icon-wrap { display: none; }
#plan-canvas canvas { touch-action: none; }
#plan-hint { font-size: .85rem; opacity: .75; }
#plan-hint p { margin: 0 2px; }
"""
_HINT = (
    "<p>Drag to move, pull at an edge to resize, double-click to rename. On the canvas, keys too: "
    "C draws a new box, D moves, E renames, Delete deletes.</p>"
)
# Whoever has drawn a box can type at once what it shows.
_READY = """() => {
  const canvas = document.querySelector("#plan-canvas");
  if (!canvas || canvas.dataset.watched) return;
  canvas.dataset.watched = "yes";
  new MutationObserver(() => {
    const field = canvas.querySelector(".modal input[role=listbox]");
    if (!field || field.dataset.met) return;
    field.dataset.met = "yes";
    field.placeholder = "What it shows";
    setTimeout(() => field.focus(), 150);
  }).observe(canvas, { childList: true, subtree: true });
}"""


def build(shared: Shared, problem: gr.HTML) -> None:
    """Puts the canvas on the page.

    Args:
        shared: The page's common components.
        problem: Where it is said what could not be done.
    """
    canvas = image_annotator(
        label="Regions",
        show_label=False,
        elem_id="plan-canvas",
        image_type="pil",
        boxes_alpha=0.22,
        handle_size=10,
        box_min_size=12,
        sources=[],
        show_clear_button=False,
        show_download_button=False,
        show_share_button=False,
        show_remove_button=True,
        visible=False,
    )
    hint = gr.HTML(_HINT, elem_id="plan-hint", visible=False)
    was = gr.State(Drawn())
    form = shared.settings
    quiet: dict[str, Any] = {"show_progress": "hidden", "api_visibility": "private"}
    canvas.change(
        partial(touched, shared),
        [canvas, shared.book, was, *form.fields],
        [shared.book, canvas, was, problem],
        **quiet,
    )
    canvas.change(None, js=_READY, api_visibility="private")
    sides = [field for field in form.fields if field.elem_id in ("width", "height")]
    gr.on(
        [shared.book.change, *(side.change for side in sides)],
        partial(follow, shared),
        [shared.book, was, *form.fields],
        [canvas, hint, was],
        trigger_mode="always_last",
        **quiet,
    )


def canvas_size(shared: Shared, plan: Plan, values: Sequence[Any]) -> Size:
    """Width and height of the picture to come: the form's, else the model's for these regions."""
    usual = shared.shop.rpg.defaults.canvas_of(plan)
    try:
        settings = shared.settings.read(values)
    except SettingsError:
        return usual
    return settings.width or usual[0], settings.height or usual[1]


def follow(shared: Shared, book: PlanBook, was: Drawn, *values: Any) -> tuple[Any, ...]:
    """Draws the plan where the canvas shows another."""
    if book.plan is None:
        return gr.update(visible=False), gr.update(visible=False), Drawn()
    want = drawn(book.plan, canvas_size(shared, book.plan, values))
    if want == was and want.marks:
        return gr.skip(), gr.skip(), gr.skip()
    return gr.update(value=_value(want), visible=True), gr.update(visible=True), want


def touched(
    shared: Shared, value: Mapping[str, Any] | None, book: PlanBook, was: Drawn, *values: Any
) -> tuple[Any, Any, Any, Any]:
    """What a hand did on the canvas becomes the plan; the canvas is drawn anew where it differs."""
    if book.plan is None or value is None:
        return gr.skip(), gr.skip(), gr.skip(), gr.skip()
    edits, seen = hand(was, value["boxes"], book.plan)
    if not edits and seen == was:  # its own echo, or a click
        return gr.skip(), gr.skip(), gr.skip(), gr.skip()
    plan, said = book.plan, ""
    try:
        plan = apply(plan, edits)
    except PlanError as error:
        said = str(error)
    want = drawn(plan, canvas_size(shared, plan, values))
    shown = gr.skip() if want == seen and not said else gr.update(value=_value(want))
    return book.with_plan(plan), shown, want, line(said, problem=True)


def _value(want: Drawn) -> dict[str, Any]:
    return {"image": _sheet(want.size), "boxes": want.boxes()}


@lru_cache(maxsize=16)
def _sheet(size: Size) -> Image.Image:
    """Quiet paper with its thirds ruled, in a clear margin."""
    left, top, right, bottom = MARGIN
    sheet = Image.new("RGBA", (size[0] + left + right, size[1] + top + bottom))
    draw = ImageDraw.Draw(sheet)
    edge = (left, top, left + size[0] - 1, top + size[1] - 1)
    draw.rectangle(edge, fill=_PAPER, outline=_LINES, width=2)
    for third in (1, 2):
        x, y = left + size[0] * third // 3, top + size[1] * third // 3
        draw.line((x, edge[1], x, edge[3]), fill=_LINES)
        draw.line((edge[0], y, edge[2], y), fill=_LINES)
    return sheet
