"""The compose panel: a prompt becomes a plan that can be moved about."""

from __future__ import annotations

from collections.abc import AsyncIterator
from functools import partial
from typing import Any

import gradio as gr

from rpg.errors import PlanError, SettingsError
from rpg.planners.rules.scene import scene_of_prompt
from rpg.plans.plan import Plan
from ui import cards, plan_canvas, plan_text
from ui.examples import examples
from ui.lines import line
from ui.plan_book import PlanBook
from ui.plan_forms import kept, staleness
from ui.progress import Phase, Snapshot
from ui.shared import PlannerForm, Shared
from ui.words import status
from ui.workshop import Workshop

__all__ = ["CSS", "accept", "begin", "build", "cancel", "follow", "keep_plan", "plan", "stale"]

CSS = (
    plan_canvas.CSS
    + cards.CSS
    + """
.said:not(:has(p)) { display: none; }
.said, .said .html-container, #plan-hint, #plan-hint .html-container { padding: 0; }
.said p.line { margin: 0 2px; }
.line.problem { color: var(--error-text-color, #b3261e); }
.code textarea { font-family: var(--font-mono); font-size: .85rem; }
"""
)
_QUIET: dict[str, Any] = {"show_progress": "hidden", "api_visibility": "private"}


def build(shared: Shared) -> None:
    """Puts the panel on the page."""
    shared.prompt.render()
    _examples(shared)
    _planner(shared.planner)
    reasoning = _planning(shared)
    _stale(shared)
    problem = gr.HTML(elem_id="plan-problem", elem_classes="said")
    with gr.Row(elem_id="plan-tools"):
        undo = gr.Button("Undo", size="sm", elem_id="plan-undo", interactive=False, min_width=80)
        redo = gr.Button("Redo", size="sm", elem_id="plan-redo", interactive=False, min_width=80)
        own = gr.Button("Empty canvas", size="sm", elem_id="plan-begin", min_width=120)
    plan_canvas.build(shared, problem)
    cards.build(shared, problem)
    plan_text.build(shared, problem)
    undo.click(PlanBook.undone, shared.book, shared.book, **_QUIET)
    redo.click(PlanBook.redone, shared.book, shared.book, **_QUIET)
    own.click(begin, [shared.book, shared.prompt], [shared.book, problem], **_QUIET)
    shared.book.change(follow, shared.book, [undo, redo, problem, reasoning], **_QUIET)


def _examples(shared: Shared) -> None:
    with gr.Row(elem_id="examples"):
        for words in examples(shared.shop.rpg.model):
            button = gr.Button(words, size="sm", elem_classes="example", min_width=140)
            button.click(None, button, shared.prompt, js="(words) => words", **_QUIET)


def _planner(form: PlannerForm) -> None:
    kinds = {"rules": "by rules, offline", "openai": "with a language model"}
    with gr.Accordion(f"Planner: {kinds[form.kind.value]}", open=False, elem_id="planner") as box:
        form.kind.render()
        for field in form.fields[1:]:
            field.visible = form.kind.value == "openai"
            field.render()
    form.kind.change(
        lambda kind: [
            gr.update(label=f"Planner: {kinds[kind]}"),
            *[gr.update(visible=kind == "openai")] * 4,
        ],
        form.kind,
        [box, *form.fields[1:]],
        **_QUIET,
    )


def _stale(shared: Shared) -> None:
    """A line, and a button, where the plan is for another prompt than the one that stands there."""
    with gr.Row(visible=False, elem_id="plan-stale") as row:
        said = gr.HTML(elem_classes="said")
        keep = gr.Button("Keep the plan", size="sm", scale=0, min_width=130, elem_id="plan-keep")
    gr.on(
        [shared.book.change, shared.prompt.change],
        stale,
        [shared.book, shared.prompt],
        [row, said],
        trigger_mode="always_last",
        **_QUIET,
    )
    keep.click(keep_plan, [shared.book, shared.prompt], shared.book, **_QUIET)


def _planning(shared: Shared) -> gr.Textbox:
    """The button and how to stop it; gives the field for the reasoning."""
    job, made = gr.State(""), gr.State(None)
    with gr.Row():
        go = gr.Button("Plan", variant="secondary", elem_id="plan-button", min_width=120)
        stop = gr.Button("Cancel", variant="stop", visible=False, elem_id="plan-cancel")
    said = gr.HTML(elem_id="plan-status", elem_classes="said")
    with gr.Accordion("Reasoning", open=False, elem_id="plan-reasoning"):
        reasoning = gr.Textbox(
            label="The planner's reasoning",
            lines=4,
            max_lines=16,
            interactive=False,
            elem_id="reasoning",
        )
    planning = gr.on(
        [go.click, shared.prompt.submit],
        partial(plan, shared),
        [shared.prompt, *shared.planner.fields, *shared.settings.fields],
        [job, go, stop, said, reasoning, made],
        **_QUIET,
    )
    planning.then(accept, [shared.book, made], [shared.book, made], **_QUIET)
    stop.click(partial(cancel, shared.shop), job, None, **_QUIET)
    return reasoning


async def plan(shared: Shared, prompt: str, *values: Any) -> AsyncIterator[tuple[Any, ...]]:
    """Plans a prompt for the canvas that the settings say, and tells of it.

    Args:
        shared: What panels have in common.
        prompt: What the picture should show.
        values: Of the planner's fields, then of those of the settings.

    Yields:
        The job's id, the two buttons, the status, the reasoning, and the plan once it stands.
    """
    count = len(shared.planner.fields)
    try:
        settings = shared.settings.read(values[count:])
    except SettingsError as error:
        shown, hidden = gr.update(visible=True), gr.update(visible=False)
        yield "", shown, hidden, line(str(error), problem=True), gr.skip(), None
        return
    job = shared.shop.plan(prompt, PlannerForm.chosen(*values[:count]), settings=settings)
    try:
        async for shot in job.watch():
            yield (
                job.id,
                gr.update(visible=shot.phase.over),
                gr.update(visible=not shot.phase.over),
                _said(shot),
                shot.thoughts or gr.skip(),
                shot.plan if shot.phase is Phase.DONE else None,
            )
    finally:
        job.cancel()  # of no use to anybody once nobody waits for it


def accept(book: PlanBook, made: Plan | None) -> tuple[Any, None]:
    """The plan that was made becomes the plan."""
    return (book.with_plan(made) if made else gr.skip()), None


def cancel(shop: Workshop, job: str) -> None:
    """Stops planning."""
    if (found := shop.jobs.find(job)) is not None:
        found.cancel()


def begin(book: PlanBook, prompt: str) -> tuple[Any, str]:
    """A plan without regions, to draw them by hand."""
    try:
        asked = Plan(prompt=prompt, source="user")
        scene = scene_of_prompt(asked.prompt)
        return book.with_plan(asked.model_copy(update={"scene": scene})), ""
    except PlanError:
        return gr.skip(), line("Write a prompt first.", problem=True)


def stale(book: PlanBook, prompt: str) -> tuple[Any, str]:
    """Whether the plan is for an earlier prompt, and the words for it."""
    text = staleness(book.plan, prompt)
    return gr.update(visible=bool(text)), line(text)


def keep_plan(book: PlanBook, prompt: str) -> PlanBook:
    """The plan as it is, for the prompt that stands there."""
    try:
        return book.with_plan(kept(book.plan, prompt)) if book.plan else book
    except PlanError:  # the prompt was emptied meanwhile
        return book


def follow(book: PlanBook) -> tuple[Any, ...]:
    """What can be undone and redone, that nothing is wrong any more, and the plan's reasoning."""
    undo, redo = (gr.update(interactive=bool(way)) for way in (book.past, book.future))
    return undo, redo, "", book.plan.reasoning if book.plan else ""


def _said(shot: Snapshot) -> str:
    """One line: how it stands, and what should be known."""
    count = len(shot.plan.layers()) if shot.plan else 0
    done = f"Planned: {count} region{'' if count == 1 else 's'}"
    said = done if shot.phase is Phase.DONE else status(shot)
    text = " - ".join([said, *shot.notices])
    return line(text, problem=shot.phase is Phase.FAILED)
