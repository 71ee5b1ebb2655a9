"""What is on the Refine tab, without what it does."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import gradio as gr

from ui.auto import MOST_CANDIDATES, MOST_ROUNDS, critics
from ui.looking import Details

__all__ = ["CSS", "Parts", "on"]

CSS = """
#history, #history .grid-wrap { height: auto !important; min-height: 0 !important; }
#history .gallery-container { width: 0; min-width: 100%; } /* scrolls instead of widening */
#history .grid-wrap { padding-top: 2rem; }
#history .grid-container { display: flex; overflow-x: auto; height: auto; padding-top: 0; }
#history .grid-container > * { flex: 0 0 8rem; }
#history .thumbnail-item { aspect-ratio: auto; height: 100%; display: block; }
#history .thumbnail-item img { aspect-ratio: 1; height: auto; }
#history .caption-label {
    position: static; max-width: none; white-space: normal; border: 0; line-height: 1.3;
    display: -webkit-box; -webkit-box-orient: vertical; -webkit-line-clamp: 3; overflow: hidden;
}
#conversation button[aria-label="Clear"] { display: none; }
#findings ul { list-style: none; padding: 0; margin: .5rem 0 0; }
#findings li { display: grid; grid-template-columns: 4.5rem 1fr; padding: .15rem 0; }
#findings li span { overflow-wrap: anywhere; }
#findings .right b { color: #15803d; } #findings .wrong b { color: #dc2626; }
#findings .unknown b, #findings .faint { opacity: .7; }
.dark #findings .right b { color: #4ade80; } .dark #findings .wrong b { color: #f87171; }
"""

_PART = "Pink was drawn anew, the rest kept every pixel"
_WHOLE = "All of it was drawn anew"


@dataclass(frozen=True)
class Parts:
    """Components of the tab, and what it remembers.

    Attributes:
        empty: Shown where there is no picture.
        room: Shown where there is one.
        job: Id of the job under way.
        failures: Wishes of this tab that came to nothing.
        pending: The change that waits for its mask.
        painting: Where that is painted.
        painted: The same change with its mask, to be drawn; how often that was asked for.
        decision: The change that was just made.
        numbers: Turns in the strip.
    """

    empty: Any
    room: Any
    to_create: Any
    to_sessions: Any
    job: Any
    failures: Any
    pending: Any
    painted: Any
    decision: Any
    numbers: Any
    picture: Any
    deciding: Any
    accept: Any
    reject: Any
    undo: Any
    redo: Any
    branch: Any
    label: Any
    history: Any
    conversation: Any
    wish: Any
    send: Any
    mask_first: Any
    status: Any
    cancel: Any
    painting: Any
    rounds_bound: Any
    seconds: Any
    candidates: Any
    critic: Any
    auto: Any
    stop: Any
    rounds: Any
    compared: Any
    slider: Any
    where: Any
    findings: Any
    review: Any

    @property
    def starts(self) -> list[Any]:
        """Buttons that begin something, dead while something is under way."""
        return [self.send, self.auto, self.review]

    @property
    def bounds(self) -> list[Any]:
        """What an automatic refinement may cost, and who judges."""
        return [self.rounds_bound, self.candidates, self.seconds, self.critic]

    def detailed(self, seen: Details) -> dict[Any, Any]:
        """What the parts become that show one turn beside its parent."""
        return {
            self.compared: gr.Tabs(visible=seen.pair is not None),
            self.slider: seen.pair,
            self.where: gr.Image(seen.mask, label=_PART if seen.mask else _WHOLE),
            self.findings: seen.findings,
        }

    @classmethod
    def laid_out(cls, model: str) -> Parts:
        """Puts everything on the page, inside the tab.

        Args:
            model: Public name of what draws.
        """
        parts: dict[str, Any] = _memory() | _empty()
        with gr.Column(visible=False) as parts["room"], gr.Row():
            with gr.Column(scale=6, min_width=340):
                parts |= _pictures() | _compared()
            with gr.Column(scale=5, min_width=340):
                parts |= _talk()
                parts["painting"] = gr.Column(elem_id="painting")
                parts |= _automatic(model) | _judgement()
        return cls(**parts)


def on(
    events: Sequence[Any], handler: Callable[..., Any], inputs: list[Any], outputs: list[Any]
) -> None:
    """A listener of the page's own; what waits for jobs holds nobody else up."""
    gr.on(
        events,
        handler,
        inputs,
        outputs,
        api_visibility="private",
        show_progress="hidden",
        concurrency_limit=None,
    )


def _memory() -> dict[str, Any]:
    return {
        "job": gr.State(""),
        "failures": gr.State(()),
        "pending": gr.State(None),
        "painted": gr.State((0, None)),
        "decision": gr.State(None),
        "numbers": gr.State([]),
    }


def _empty() -> dict[str, Any]:
    with gr.Column(elem_id="refine-empty") as empty:
        gr.Markdown(
            "### No picture to refine yet\n"
            "Draw one in Create, or open a session that you began before. Here you then say what "
            "should be different, see what changed, and go back whenever you like."
        )
        with gr.Row():
            to_create = gr.Button("Draw a picture", variant="primary", elem_id="to-create")
            to_sessions = gr.Button("Open a session", elem_id="to-sessions")
    return {"empty": empty, "to_create": to_create, "to_sessions": to_sessions}


def _pictures() -> dict[str, Any]:
    parts: dict[str, Any] = {}
    parts["picture"] = gr.Image(
        label="Picture",
        format="png",
        interactive=False,
        buttons=["download", "fullscreen"],
        elem_id="picture-now",
    )
    with gr.Row(visible=False, elem_id="deciding") as parts["deciding"]:
        parts["accept"] = gr.Button("Accept", variant="primary", elem_id="accept")
        parts["reject"] = gr.Button("Reject", variant="stop", elem_id="reject")
    with gr.Row():
        parts["undo"] = gr.Button("Undo", size="md", min_width=80, elem_id="undo")
        parts["redo"] = gr.Button("Redo", size="md", min_width=80, elem_id="redo")
        parts["branch"] = gr.Button("Branch from here", size="md", min_width=140, elem_id="branch")
    parts["history"] = gr.Gallery(
        label="History: choose a turn to go to it",
        rows=1,
        columns=6,
        height="auto",
        allow_preview=False,
        interactive=False,
        buttons=[],
        object_fit="contain",
        elem_id="history",
    )
    parts["label"] = gr.Textbox(
        label="Name of this turn",
        placeholder="Press Enter to keep the name",
        max_length=100,
        elem_id="turn-label",
    )
    return parts


def _compared() -> dict[str, Any]:
    parts: dict[str, Any] = {}
    with gr.Tabs(visible=False, elem_id="compared") as parts["compared"]:
        with gr.Tab("Before and after"):
            parts["slider"] = gr.ImageSlider(
                label="Before and after: move the line",
                format="png",
                interactive=False,
                elem_id="before-after",
            )
        with gr.Tab("Where it was drawn"):
            parts["where"] = gr.Image(
                label=_PART,
                format="png",
                interactive=False,
                buttons=["fullscreen"],
                elem_id="where-drawn",
            )
    return parts


def _talk() -> dict[str, Any]:
    parts: dict[str, Any] = {}
    parts["conversation"] = gr.Chatbot(
        label="Conversation",
        height=360,
        render_markdown=False,
        sanitize_html=True,
        latex_delimiters=[],
        allow_tags=False,
        buttons=["copy_all"],
        feedback_options=None,
        elem_id="conversation",
    )
    parts["wish"] = gr.Textbox(
        label="What should change?",
        placeholder="make the star green, or: add a moon top right",
        lines=1,
        max_length=8000,
        elem_id="instruction",
    )
    with gr.Row():
        parts["mask_first"] = gr.Checkbox(
            label="Show me the mask first", min_width=200, elem_id="mask-first"
        )
        parts["send"] = gr.Button(
            "Change it", variant="primary", min_width=120, elem_id="send-change"
        )
    parts["status"] = gr.HTML(elem_id="refine-status")
    parts["cancel"] = gr.Button("Cancel", visible=False, elem_id="cancel-change")
    return parts


def _automatic(model: str) -> dict[str, Any]:
    parts: dict[str, Any] = {}
    judges = critics(model)
    with gr.Accordion("Let it mend itself", open=False, elem_id="auto-panel"):
        with gr.Row():
            parts["rounds_bound"] = gr.Slider(
                1, MOST_ROUNDS, 4, step=1, label="Rounds at most", elem_id="refine-rounds"
            )
            parts["candidates"] = gr.Slider(
                1, MOST_CANDIDATES, 1, step=1, label="Pictures a round", elem_id="refine-candidates"
            )
        parts["seconds"] = gr.Number(
            0, minimum=0, label="Seconds at most", info="0: no bound", elem_id="refine-seconds"
        )
        parts["critic"] = gr.Radio(
            judges,
            value=judges[0][1],
            label="Who judges",
            info="A language model looks if one that sees is chosen as planner in Create",
            elem_id="refine-critic",
        )
        with gr.Row():
            parts["auto"] = gr.Button("Refine it", variant="primary", elem_id="auto-refine")
            parts["stop"] = gr.Button(
                "Stop, keep the best", variant="stop", visible=False, elem_id="stop-refining"
            )
        parts["rounds"] = gr.Radio(
            label="Rounds: choose one to see it", visible=False, elem_id="refine-outcomes"
        )
    return parts


def _judgement() -> dict[str, Any]:
    with gr.Accordion("What should be true, and what is", open=True):
        findings = gr.HTML(elem_id="findings")
        review = gr.Button("Look at it", elem_id="review")
    return {"findings": findings, "review": review}
