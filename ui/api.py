"""The endpoints for programs: `/plan`, `/generate`, `/edit`, `/refine`, `/review`; also MCP tools.

    from gradio_client import Client, handle_file

    app = Client("http://127.0.0.1:7860")
    picture = app.predict("a red star above a blue circle", api_name="/generate")
    edited = app.predict(handle_file(picture), "make the star green", api_name="/edit")

Pictures go in and out as PNG files that carry their plan and settings, so that nothing else has to
be remembered. Language models are asked with the app's own planner and key; callers bring none.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import gradio as gr
from gradio.components.api_component import Api

from rpg import metadata
from rpg.errors import RPGError, SettingsError
from rpg.loop.bounds import Bounds
from rpg.plan import Plan
from rpg.planners.base import checked_prompt
from rpg.session import adopted
from rpg.settings import GenerationSettings
from ui.jobs import Job
from ui.progress import Phase, Snapshot
from ui.uploads import read_picture
from ui.workshop import Workshop

__all__ = ["Endpoints", "build"]

# What gr.JSON says of itself as an input is no JSON schema, and MCP clients check.
_OBJECT: dict[str, Any] = {"anyOf": [{"type": "object"}, {"type": "null"}]}


class Endpoints:
    """What programs may ask of a workshop. Each has one output: MCP clients see no more."""

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
        read: dict[str, Any] = json.loads((await self._planned(prompt)).to_json())
        return read

    async def generate(
        self,
        prompt: str,
        plan: dict[str, Any] | None = None,
        seed: float = -1,
        settings: dict[str, Any] | None = None,
    ) -> str:
        """Draw a picture of a prompt, every thing in its own place.

        Args:
            prompt: What should be in the picture, in plain words.
            plan: A plan as `plan` gives it; leave out to have it made.
            seed: The same seed draws the same picture; -1 draws one.
            settings: More wishes by name: num_inference_steps, guidance_scale, width, height,
                guidance_end, composer, base_ratio, negative_prompt, scheduler... And preset,
                "fast", for what these leave open.

        Returns:
            The picture, as PNG with its plan and settings in it.
        """
        with _explained():
            used = self._wished(settings or {}, {"seed": int(seed), "num_images_per_prompt": 1})
            given = Plan.from_json(json.dumps(plan)) if plan else None
        made = given or await self._planned(prompt)
        return await self._drawn(lambda: self._shop.generate(made, used))

    async def edit(self, picture: str, instruction: str, seed: float = -1) -> str:
        """Change a part of a picture in words; all that the change leaves keeps its pixels.

        Args:
            picture: A PNG that `generate`, `edit` or `refine` made.
            instruction: Such as "make the star green", "add a moon top right", "remove the heart".
            seed: -1 draws one.

        Returns:
            The changed picture, as PNG with its plan and settings in it.
        """
        with _explained():
            used = GenerationSettings(seed=int(seed))
            session, turn, was = self._known(picture)
        after = await self._planned(was.prompt, previous=was, instruction=instruction)
        return await self._drawn(
            lambda: self._shop.edit(session, turn, after, instruction=instruction, seed=used.seed)
        )

    async def refine(self, picture: str, rounds: float = 4, seconds: float = 0) -> str:
        """Look at a picture, draw again what is wrong, and keep what is better, in rounds.

        Args:
            picture: A PNG that `generate`, `edit` or `refine` made.
            rounds: At most so many, 0 to 100.
            seconds: Stop after so long; 0 for no bound.

        Returns:
            The best picture, as PNG with its plan and settings in it; the same if nothing is wrong.
        """
        with _explained():
            bounds = Bounds(rounds=rounds, seconds=seconds or None)
            session, turn, _ = self._known(picture)
            job = self._shop.refine(session, turn, bounds)
        shot = await _finished(job)
        best = turn if shot.best is None else shot.best
        return self._shop.files.of(self._shop.sessions.open(session), best)

    async def review(self, picture: str) -> dict[str, Any]:
        """Say what of a picture is as planned and what is not. Draws nothing.

        Args:
            picture: A PNG that `generate`, `edit` or `refine` made.

        Returns:
            `score`, 0 to 1, and `findings`: what should be true, whether it is, and what was seen.
        """
        with _explained():
            session, turn, _ = self._known(picture)
            job = self._shop.review(session, turn)
        shot = await _finished(job)
        (said,) = (one.critiqued.critique for one in shot.rounds if one.critiqued)
        findings = [
            {"says": one.check.says, "holds": one.holds, "seen": one.seen} for one in said.findings
        ]
        return {"score": said.score, "findings": findings}

    def _wished(self, settings: dict[str, Any], always: dict[str, Any]) -> GenerationSettings:
        """Settings as a caller names them, a preset among them, and what is always so.

        Raises:
            SettingsError: One is unknown or out of its range.
        """
        own = {name: value for name, value in settings.items() if name != "preset"}
        used = GenerationSettings(**{**own, **always})
        preset = settings.get("preset")
        return used if preset is None else used.filled(self._shop.rpg.defaults.preset(preset))

    def _known(self, path: str) -> tuple[str, int, Plan]:
        """The session, turn and plan of a picture that comes in.

        Raises:
            RPGError: It is no picture, or carries no plan.
        """
        if not path:
            raise SettingsError("no picture came: send a PNG that this app made")
        record, shown = metadata.read(path), read_picture(path)
        assert shown is not None
        session, turn = adopted(self._shop.sessions, shown, record)
        return session.id, turn, session.turn(turn).plan

    async def _drawn(self, begin: Callable[[], Job]) -> str:
        """The file of the first picture that a job makes."""
        with _explained():
            job = begin()
        shot = await _finished(job)
        if not shot.turns:
            raise gr.Error("; ".join(shot.notices) or "nothing was drawn", print_exception=False)
        return self._shop.files.of(self._shop.sessions.open(job.session), shot.turns[0])

    async def _planned(self, prompt: str, **change: Any) -> Plan:
        with _explained():
            job = self._shop.plan(checked_prompt(prompt), **change)
        shot = await _finished(job)
        assert shot.plan is not None  # or it had failed
        return shot.plan


def build(shop: Workshop) -> None:
    """Adds the endpoints to the page, where nothing of them is to be seen."""
    ends = Endpoints(shop)
    with gr.Row(visible=False):
        prompt, words = gr.Textbox(label="Prompt"), gr.Textbox(label="Instruction")
        seed = gr.Number(-1, label="Seed", precision=0)
        given, settings = Api(None, dict(_OBJECT), "Plan"), Api(None, dict(_OBJECT), "Settings")
        file = gr.File(label="Picture", type="filepath")
        rounds, seconds = gr.Number(4, label="Rounds", precision=0), gr.Number(0, label="Seconds")
        plan, verdict = gr.JSON(label="Plan"), gr.JSON(label="Verdict")
        picture = gr.Image(label="Picture", format="png", type="filepath")
        _offer(ends.plan, [prompt], plan)
        _offer(ends.generate, [prompt, given, seed, settings], picture)
        _offer(ends.edit, [file, words, seed], picture)
        _offer(ends.refine, [file, rounds, seconds], picture)
        _offer(ends.review, [file], verdict)


def _offer(endpoint: Callable[..., Any], inputs: list[Any], output: Any) -> None:
    """An endpoint by the name of its function, whose docstring describes it."""
    hidden = gr.Button(visible=False)
    hidden.click(endpoint, inputs, output, api_name=endpoint.__name__, concurrency_limit=None)


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
