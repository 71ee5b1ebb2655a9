"""The endpoints for programs: `/plan`, `/generate`, `/edit`, `/refine`; the same as MCP tools.

    from gradio_client import Client

    app = Client("http://127.0.0.1:7860")
    pictures, about = app.predict("a red star above a blue circle", api_name="/generate")
    picture, about = app.predict(about["session"], about["turn"], "make the star green",
                                 api_name="/edit")

Language models are asked with the app's own planner and key; callers bring none.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import gradio as gr

from rpg.errors import RPGError
from rpg.plan import Plan
from rpg.planners.base import checked_prompt
from rpg.settings import GenerationSettings
from ui.jobs import Job
from ui.progress import Phase, Snapshot
from ui.workshop import Bounds, Workshop

__all__ = ["Endpoints", "build"]


class Endpoints:
    """What programs may ask of a workshop."""

    def __init__(self, shop: Workshop) -> None:
        """Keep the workshop."""
        self._shop = shop

    async def plan(self, prompt: str) -> dict[str, Any]:
        """Plan a picture: which thing goes where, each with its own subprompt. Draws nothing.

        Args:
            prompt: What should be in the picture, in plain words.

        Returns:
            The plan as JSON; `regions` hold subprompts and boxes in fractions of the canvas.
        """
        return _json(await self._planned(prompt))

    async def generate(
        self,
        prompt: str,
        plan: dict[str, Any] | None = None,
        seed: float = -1,
        count: float = 1,
        settings: dict[str, Any] | None = None,
    ) -> tuple[list[str], dict[str, Any]]:
        """Draw a picture of a prompt, every thing in its own place.

        Args:
            prompt: What should be in the picture, in plain words.
            plan: A plan as `plan` gives it; leave out to have it made.
            seed: The same seed draws the same picture; -1 draws one.
            count: Number of pictures, 1 to 64.
            settings: More wishes by name: num_inference_steps, guidance_scale, width, height,
                composer, base_ratio, negative_prompt, scheduler...

        Returns:
            The pictures, as PNG with metadata; and session, turn, seed and plan.
        """
        with _explained():
            wishes = {"seed": int(seed), "num_images_per_prompt": int(count)}
            used = GenerationSettings(**{**(settings or {}), **wishes})
            given = Plan.from_json(json.dumps(plan)) if plan else None
        shot, session = await self._done(
            lambda made: self._shop.generate(made, used), given or await self._planned(prompt)
        )
        kept = self._shop.sessions.open(session)
        return [self._shop.files.of(kept, turn) for turn in shot.turns], self._about(
            session, shot.turns[0]
        )

    async def edit(
        self, session: str, turn: float, instruction: str, seed: float = -1
    ) -> tuple[str, dict[str, Any]]:
        """Change a part of a picture in words; all that the change leaves keeps its pixels.

        Args:
            session: As `generate` told it.
            turn: Likewise; the turn whose picture is changed.
            instruction: Such as "make the star green", "add a moon top right", "remove the heart".
            seed: -1 draws one.

        Returns:
            The picture, as PNG with metadata; and session, turn, seed, plan and the edits made.
        """
        with _explained():
            was = self._shop.sessions.open(session).turn(int(turn)).plan
            used = GenerationSettings(seed=int(seed))
        after = await self._planned(was.prompt, previous=was, instruction=instruction)
        return await self._changed(
            lambda made: self._shop.edit(
                session, int(turn), made, instruction=instruction, seed=used.seed
            ),
            after,
        )

    async def refine(
        self, session: str, turn: float, rounds: float = 4, seconds: float = 0
    ) -> tuple[str, dict[str, Any]]:
        """Look at a picture, draw again what is wrong, and keep what is better, in rounds.

        Args:
            session: As `generate` told it.
            turn: Likewise; the turn to begin with.
            rounds: At most so many, 0 to 100.
            seconds: Stop after so long; 0 for no bound.

        Returns:
            The best picture, as PNG with metadata; and session, turn, seed, plan, score and what is
            still wrong.
        """
        bounds = Bounds(rounds=int(rounds), seconds=seconds or None)
        with _explained():
            job = self._shop.refine(session, int(turn), bounds)
        shot = await _finished(job)
        kept = self._shop.sessions.open(session)
        best = kept.head or int(turn)
        about = self._about(session, best) | {"reason": shot.outcome}
        return self._shop.files.of(kept, best), about

    async def _changed(
        self, begin: Callable[[Plan], Job], plan: Plan
    ) -> tuple[str, dict[str, Any]]:
        shot, session = await self._done(begin, plan)
        (turn,) = shot.turns
        kept = self._shop.sessions.open(session)
        return self._shop.files.of(kept, turn), self._about(session, turn)

    async def _planned(self, prompt: str, **change: Any) -> Plan:
        with _explained():
            text = checked_prompt(prompt)
            job = self._shop.plan(text, **change)
        shot = await _finished(job)
        assert shot.plan is not None  # or it had failed
        return shot.plan

    async def _done(self, begin: Callable[[Plan], Job], plan: Plan) -> tuple[Snapshot, str]:
        with _explained():
            job = begin(plan)
        shot = await _finished(job)
        if not shot.turns:
            raise gr.Error("; ".join(shot.notices) or "nothing was drawn", print_exception=False)
        return shot, job.session

    def _about(self, session: str, number: int) -> dict[str, Any]:
        turn = self._shop.sessions.open(session).turn(number)
        about: dict[str, Any] = {
            "session": session,
            "turn": number,
            "seed": turn.settings.seed,
            "plan": _json(turn.plan),
            "edits": [edit.model_dump(mode="json") for edit in turn.edits],
        }
        if turn.critique is not None:
            about["score"] = turn.critique.score
            about["wrong"] = [finding.check.says for finding in turn.critique.failed]
        return about


def build(shop: Workshop) -> None:
    """Adds the endpoints to the page, where nothing of them is to be seen."""
    ends = Endpoints(shop)
    with gr.Row(visible=False):
        prompt, session = gr.Textbox(label="Prompt"), gr.Textbox(label="Session")
        turn, seed = gr.Number(label="Turn", precision=0), gr.Number(-1, label="Seed", precision=0)
        count = gr.Number(1, label="Count", precision=0)
        plan, settings = gr.JSON(None, label="Plan"), gr.JSON(None, label="Settings")
        words = gr.Textbox(label="Instruction")
        rounds, seconds = gr.Number(4, label="Rounds", precision=0), gr.Number(0, label="Seconds")
        pictures = gr.Gallery(label="Pictures", format="png")
        picture = gr.Image(label="Picture", format="png", type="filepath")
        about = gr.JSON(label="About")
        _offer(ends.plan, [prompt], [plan])
        _offer(ends.generate, [prompt, plan, seed, count, settings], [pictures, about])
        _offer(ends.edit, [session, turn, words, seed], [picture, about])
        _offer(ends.refine, [session, turn, rounds, seconds], [picture, about])


def _offer(endpoint: Callable[..., Any], inputs: list[Any], outputs: list[Any]) -> None:
    """An endpoint by the name of its function, whose docstring describes it."""
    hidden = gr.Button(visible=False)
    hidden.click(endpoint, inputs, outputs, api_name=endpoint.__name__, concurrency_limit=None)


async def _finished(job: Job) -> Snapshot:
    shot = await job.finished()
    if shot.phase is not Phase.DONE:
        raise gr.Error(shot.error or "cancelled", print_exception=False)
    return shot


@contextmanager
def _explained() -> Iterator[None]:
    """Turns what cannot be into the client's own kind of error."""
    try:
        yield
    except RPGError as error:
        raise gr.Error(str(error), print_exception=False) from None


def _json(plan: Plan) -> dict[str, Any]:
    read: dict[str, Any] = json.loads(plan.to_json())
    return read
