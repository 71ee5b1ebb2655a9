"""The page of `rpg calibrate --critic person`: two pictures side by side, and which is better.

The calibration runs in the thread of the command, and waits in `Duels.ask`; the page shows what it
waits for and answers. Which side is the model's own way is drawn by lot and said nowhere.
"""

from __future__ import annotations

import random
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, redirect_stdout
from dataclasses import dataclass
from typing import Any, Literal

import gradio as gr
from PIL import Image

from rpg.errors import Cancelled
from rpg.plans.plan import Plan
from ui import look
from ui.blocks import Page
from ui.server import served

__all__ = ["Duel", "Duels", "PersonJudge", "judging", "page"]

Verdict = Literal["left", "equal", "right"]
_SCORES: dict[Verdict, float] = {"left": 1.0, "equal": 0.5, "right": 0.0}
_WAIT = 1.0  # seconds between two looks whether all is over
_LAST_WORD = 2.0  # seconds for the page to hear that it is
_HEIGHT = 560  # pixels: both pictures and the buttons fit a page of 900
_DRAWING = "The next pair is being drawn."
_OVER = "Done. The result is in the terminal; this page can be closed."
_KEYS = """() => document.addEventListener("keydown", (event) => {
    const id = { ArrowLeft: "left", ArrowRight: "right", ArrowDown: "equal" }[event.key];
    if (!id || event.repeat || event.ctrlKey || event.metaKey || event.altKey) return;
    event.preventDefault();
    document.querySelector(`#better-${id}`)?.click();
})"""


@dataclass(frozen=True)
class Duel:
    """A pair to be judged.

    Attributes:
        number: From 1; 0 where there is none to be judged now.
        prompt: What both were to show.
        left: A picture, None without a pair.
        right: Likewise.
        over: Whether none will follow.
    """

    number: int = 0
    prompt: str = ""
    left: Image.Image | None = None
    right: Image.Image | None = None
    over: bool = False


class Duels:
    """Passes pairs from the calibration to the page, and verdicts back.

    Args:
        most: How many there may be, for people to see how far they are.
    """

    def __init__(self, most: int) -> None:
        self._most, self._asked = most, 0
        self._now, self._stopped = Duel(), False
        self._verdict: Verdict | None = None
        self._changed = threading.Condition()

    def ask(self, left: Image.Image, right: Image.Image, prompt: str) -> Verdict:
        """Shows a pair, and waits for the verdict.

        Raises:
            Cancelled: The person stopped.
        """
        with self._changed:
            self._asked += 1
            self._show(Duel(self._asked, prompt, left, right))
            while self._verdict is None and not self._stopped:
                self._changed.wait(_WAIT)  # with an end, so that Ctrl-C is heard
            if self._verdict is None:
                raise Cancelled("stopped in the page")
            verdict = self._verdict
            self._show(Duel())
            return verdict

    def finish(self) -> None:
        """Tells the page that all is over."""
        with self._changed:
            self._show(Duel(over=True))

    def answer(self, number: int, verdict: Verdict) -> None:
        """A person's verdict; one on a pair that has gone, as of a second click, does not count."""
        with self._changed:
            if number and number == self._now.number:
                self._verdict = verdict
                self._changed.notify_all()

    def stop(self) -> None:
        """No more."""
        with self._changed:
            self._stopped = True
            self._changed.notify_all()

    def follow(self) -> Iterator[tuple[Any, ...]]:
        """What the page shows, whenever that changes, until all is over."""
        seen: Duel | None = None
        while seen is None or not seen.over:
            with self._changed:
                while self._now is seen:
                    self._changed.wait(_WAIT)
                seen = self._now
            yield self._view(seen)

    def _show(self, duel: Duel) -> None:
        self._now, self._verdict = duel, None
        self._changed.notify_all()

    def _view(self, duel: Duel) -> tuple[Any, ...]:
        """Number, status, prompt, both pictures, and what becomes of the buttons."""
        said = f"Pair {duel.number} of at most {self._most}." if duel.number else _DRAWING
        buttons = [gr.update(interactive=bool(duel.number))] * len(_SCORES)
        status = _OVER if duel.over else said
        return duel.number, status, duel.prompt, duel.left, duel.right, *buttons


@dataclass(frozen=True)
class PersonJudge:
    """Scores pictures by what a person prefers to the model's own."""

    duels: Duels
    sides: random.Random
    compares: bool = True

    def score(self, image: Image.Image, own: Image.Image | None, plan: Plan) -> float:
        """1 where the picture is better than the model's own, 0 where that is, 0.5 for equal."""
        assert own is not None  # who compares is given it
        is_left = self.sides.random() < 0.5
        pair = (image, own) if is_left else (own, image)
        found = _SCORES[self.duels.ask(*pair, plan.prompt)]
        return found if is_left else 1.0 - found


@contextmanager
def judging(most: int) -> Iterator[PersonJudge]:
    """A person as judge: the page is served on this machine for as long as the context lasts.

    Args:
        most: How many pairs there may be.
    """
    duels = Duels(most)
    with ExitStack() as serving:
        with redirect_stdout(sys.stderr):  # where Gradio says its address
            serving.enter_context(served(page(duels)))
        try:
            yield PersonJudge(duels, random.Random())
        finally:
            duels.finish()
            time.sleep(_LAST_WORD)


def page(duels: Duels) -> gr.Blocks:
    """Builds the page."""
    with Page(title="RPG: which is better?", analytics_enabled=False, fill_width=True) as blocks:
        gr.Markdown("# Which picture shows it better?", elem_id="headline")
        number = gr.State(0)
        with gr.Row():
            prompt = gr.Textbox(
                label="What both should show", interactive=False, elem_id="duel-prompt", scale=3
            )
            status = gr.Textbox(label="How far", interactive=False, elem_id="duel-status", scale=1)
        with gr.Row():
            left, right = (
                gr.Image(
                    label=label,
                    format="png",
                    interactive=False,
                    elem_classes="pixelated",
                    height=_HEIGHT,
                    min_width=160,
                )
                for label in ("Left", "Right")
            )
        labels = {"left": "← Left is better", "equal": "↓ Equal", "right": "Right is better →"}
        with gr.Row():
            buttons = {
                verdict: gr.Button(
                    labels[verdict], elem_id=f"better-{verdict}", interactive=False, min_width=80
                )
                for verdict in _SCORES
            }
        for verdict, button in buttons.items():
            button.click(_answering(duels, verdict), [number], None, api_visibility="private")
        gr.Button("Stop for now").click(duels.stop, None, None, api_visibility="private")
        shown = [number, status, prompt, left, right, *buttons.values()]
        blocks.load(duels.follow, None, shown, api_visibility="private")
        blocks.load(None, None, None, js=_KEYS)
        blocks.load(None, None, None, js=look.NAMES)
    return blocks


def _answering(duels: Duels, verdict: Verdict) -> Any:
    def answer(number: int) -> None:
        duels.answer(number, verdict)

    return answer
