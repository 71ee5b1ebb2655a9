"""The page: a headline, and a tab each for creating, refining and sessions."""

from __future__ import annotations

import gradio as gr

from ui import (
    address,
    api,
    compose,
    generate,
    look,
    refine,
    refine_parts,
    restore,
    shelf,
    shelf_parts,
)
from ui.blocks import Page
from ui.shared import Shared
from ui.workshop import Workshop

__all__ = ["STYLE", "page"]

STYLE = look.CSS + compose.CSS + generate.CSS + refine_parts.CSS + shelf_parts.CSS


def page(shop: Workshop, ends: api.Endpoints | None = None) -> gr.Blocks:
    """Builds the page of a workshop; `ui.look` has what `launch` needs beside it."""
    with Page(title="RPG", analytics_enabled=False, delete_cache=(3600, 86400)) as blocks:
        api.build(ends or api.Endpoints(shop))  # first, so that the endpoints' names are theirs
        gr.Markdown(f"# RPG\n{_in_use(shop)}", elem_id="headline")
        tabs = gr.Tabs(selected="create")
        shared = Shared.of(shop, tabs)  # outside: what is no tab makes the browser miscount them
        with tabs:
            with gr.Tab("Create", id="create"), gr.Row():
                with gr.Column(scale=6, min_width=340):
                    compose.build(shared)
                    restore.build(shared)
                with gr.Column(scale=5, min_width=340):
                    generate.build(shared)
            with gr.Tab("Refine", id="refine"):
                refine.build(shared)
            with gr.Tab("Sessions", id="sessions"):
                shelf.build(shared)
        address.build(blocks, shared)
        blocks.load(None, None, None, js=look.NAMES)
    return blocks


def _in_use(shop: Workshop) -> str:
    """What draws and what plans, and how to change it."""
    kinds = {"rules": "by rules, offline", "openai": "with a language model"}
    name = "Toybox, bundled" if shop.rpg.model == "toybox" else shop.rpg.model
    return (
        f"Draws with **{name}**, plans **{kinds[shop.planner.kind]}**. Another model: "
        "`python app.py --model stabilityai/stable-diffusion-xl-base-1.0`. "
        "Another planner: below the prompt."
    )
