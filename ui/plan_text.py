"""The plan's fields of its own, and the plan as text: to copy, to edit, to bring from elsewhere."""

from __future__ import annotations

from dataclasses import astuple, fields
from typing import Any

import gradio as gr

from rpg.errors import PlanError
from rpg.plans.edits import apply
from ui.lines import line
from ui.plan_book import PlanBook
from ui.plan_forms import Base, Form, as_text, base_edits, from_text
from ui.shared import Shared

__all__ = ["build", "follow", "show", "use", "written"]

_QUIET: dict[str, Any] = {"show_progress": "hidden", "api_visibility": "private"}


def build(shared: Shared, problem: gr.HTML) -> None:
    """Puts both accordions on the page.

    Args:
        shared: The page's common components.
        problem: Where it is said what could not be done with a field.
    """
    with gr.Accordion("Whole picture", open=False, elem_id="plan-base"):
        _base(shared, problem)
    with gr.Accordion("As text", open=False, elem_id="plan-as-text"):
        _text(shared)


def _base(shared: Shared, problem: gr.HTML) -> None:
    parts: list[Any] = [
        gr.Textbox(
            label="Setting",
            info="Place, time, weather: said in every region, and drawn where none lies",
            elem_id="plan-setting",
        ),
        gr.Textbox(
            label="Style",
            info="Medium, light, mood: said with every text",
            elem_id="plan-style",
        ),
        gr.Textbox(
            label="Base prompt",
            info="The whole picture in words, drawn under the regions; empty takes the prompt",
            elem_id="base-prompt",
        ),
        gr.Textbox(
            label="Base ratio",
            info="Its weight inside the regions, 0 to 1; empty leaves it to the model",
            max_lines=1,
            elem_id="base-ratio",
        ),
        gr.Textbox(label="Negative prompt", info="What should be nowhere", elem_id="plan-negative"),
    ]
    shown = gr.State(Base())
    gr.on(
        [event for part in parts for event in (part.blur, part.submit)],
        written,
        [shared.book, shown, *parts],
        [shared.book, shown, problem],
        trigger_mode="always_last",
        **_QUIET,
    )
    shared.book.change(follow, [shared.book, shown], [shown, *parts], **_QUIET)


def _text(shared: Shared) -> None:
    forms = [
        ("JSON", "json"),
        ("Official text", "rpg"),
        ("For ComfyUI", "comfyui"),
        ("For Regional Prompter", "regional-prompter"),
        ("For Forge Couple", "forge-couple"),
        ("For FLUX.2", "flux"),
        ("For Ideogram 4", "ideogram"),
    ]
    form = gr.Radio(forms, value="json", label="Form", elem_id="plan-form")
    text = gr.Textbox(
        label="Plan",
        lines=8,
        max_lines=20,
        elem_id="plan-text",
        elem_classes="code",
    )
    said = gr.HTML(elem_id="plan-text-said", elem_classes="said")
    with gr.Row():
        button = gr.Button("Use this", size="sm", elem_id="plan-use")
        copy = gr.Button("Copy", size="sm", elem_id="plan-copy")
    copy.click(None, text, js="(text) => navigator.clipboard.writeText(text)", **_QUIET)
    gr.on([shared.book.change, form.change], show, [shared.book, form], [text, said], **_QUIET)
    button.click(
        use,
        [shared.book, text, form, shared.prompt],
        [shared.book, shared.prompt, said],
        **_QUIET,
    )


def written(book: PlanBook, shown: Base, *values: Any) -> tuple[Any, Any, Any]:
    """What was written in the plan's own fields becomes the plan."""
    now = Base(*values)
    if book.plan is None or now == shown:
        return gr.skip(), gr.skip(), gr.skip()
    try:
        plan = apply(book.plan, base_edits(shown, now))
    except PlanError as error:
        return gr.skip(), gr.skip(), line(str(error), problem=True)
    return book.with_plan(plan), now, ""


def follow(book: PlanBook, shown: Base) -> tuple[Any, ...]:
    """Puts another plan's values into the fields."""
    now = Base.of(book.plan)
    if now == shown:
        return (gr.skip(),) * (1 + len(fields(Base)))
    return now, *astuple(now)


def show(book: PlanBook, form: Form) -> tuple[str, str]:
    """The plan in that form, or why it cannot be said in it."""
    text, why = as_text(book.plan, form)
    return text, line(why)


def use(book: PlanBook, text: str, form: Form, prompt: str) -> tuple[Any, Any, str]:
    """The plan that the text says becomes the plan, and its prompt the prompt."""
    try:
        plan = from_text(text, form, prompt=prompt, now=book.plan)
    except PlanError as error:
        return gr.skip(), gr.skip(), line(str(error), problem=True)
    return book.with_plan(plan), plan.prompt, ""
