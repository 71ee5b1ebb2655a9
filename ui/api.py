"""The endpoints for programs: `/plan`, `/generate`, `/edit`, `/refine`, `/review`.

    from gradio_client import Client, handle_file

    app = Client("http://127.0.0.1:7860")
    picture = app.predict("a red star above a blue circle", api_name="/generate")
    edited = app.predict(handle_file(picture), "make the star green", api_name="/edit")

Pictures go in and out as PNG files that carry their plan and settings, so that nothing else has to
be remembered. Language models are asked with the app's own planner and key; callers bring none.
"""

from __future__ import annotations

import asyncio
import inspect
import json
from typing import Any

import gradio as gr
from gradio.components.api_component import Api

from rpg import metadata
from rpg.errors import RPGError
from rpg.planners.base import checked_prompt
from rpg.plans.plan import Plan
from rpg.refinement.budget import Budget
from rpg.session import Turn, adopted
from rpg.settings import GenerationSettings
from ui.arguments import (
    ENDPOINTS,
    Arguments,
    EditArguments,
    GenerateArguments,
    PlanArguments,
    RefineArguments,
    ReviewArguments,
    read_plan,
    read_settings,
)
from ui.jobs import Job
from ui.progress import Phase, Snapshot
from ui.references import picture_path
from ui.uploads import read_picture
from ui.workshop import Workshop

__all__ = ["Endpoints", "build"]


class Endpoints:
    """What programs may ask of a workshop, by page and by MCP.

    Every method takes the arguments of its endpoint and returns JSON, or the path of a PNG. All
    raise `RPGError`.
    """

    def __init__(self, shop: Workshop) -> None:
        """Keep the workshop."""
        self._shop = shop

    async def call(self, kind: type[Arguments], values: dict[str, Any]) -> Any:
        """Calls the endpoint of these arguments with what a client sent.

        Raises:
            RPGError: A value is none that it takes, or what was asked for cannot be done.
        """
        return await getattr(self, kind.endpoint)(kind.read(values))

    async def plan(self, asked: PlanArguments) -> dict[str, Any]:
        """The plan as JSON."""
        read: dict[str, Any] = json.loads((await self._planned(asked.prompt)).to_json())
        return read

    async def generate(self, asked: GenerateArguments) -> str:
        """The file of a new picture."""
        settings, preset = read_settings(asked.settings or {}, asked.seed)
        if preset is not None:
            settings = settings.filled(self._shop.rpg.defaults.preset(preset))
        plan = (
            read_plan(asked.plan)
            if asked.plan
            else await self._planned(asked.prompt, settings=settings)
        )
        return await self._drawn(self._shop.generate(plan, settings))

    async def edit(self, asked: EditArguments) -> str:
        """The file of a changed picture."""
        settings = GenerationSettings(seed=asked.seed)
        change = checked_prompt(asked.instruction, "instruction")
        session, turn, was = await asyncio.to_thread(self._known, asked.picture)
        after = await self._planned(
            was.plan.prompt, previous=was.plan, instruction=change, settings=was.settings
        )
        return await self._drawn(
            self._shop.edit(session, turn, after, instruction=change, seed=settings.seed)
        )

    async def refine(self, asked: RefineArguments) -> str:
        """The file of the best picture of a loop."""
        bounds = Budget(rounds=asked.rounds, seconds=asked.seconds or None)
        session, turn, _ = await asyncio.to_thread(self._known, asked.picture)
        shot = await _finished(self._shop.refine(session, turn, bounds))
        best = turn if shot.best is None else shot.best
        return self._shop.files.of(self._shop.sessions.open(session), best)

    async def review(self, asked: ReviewArguments) -> dict[str, Any]:
        """Score and findings as JSON."""
        session, turn, _ = await asyncio.to_thread(self._known, asked.picture)
        shot = await _finished(self._shop.review(session, turn))
        (said,) = (one.critiqued.critique for one in shot.rounds if one.critiqued)
        findings = [
            {"says": one.check.says, "holds": one.holds, "seen": one.seen} for one in said.findings
        ]
        return {"score": said.score, "findings": findings}

    def _known(self, reference: Any) -> tuple[str, int, Turn]:
        """The session of a picture that comes in, its number there, and its turn.

        Raises:
            RPGError: It is no picture, or carries no plan.
        """
        path = picture_path(reference)
        record, shown = metadata.read(path), read_picture(path)
        assert shown is not None
        session, turn = adopted(self._shop.sessions, shown, record)
        return session.id, turn, session.turn(turn)

    async def _drawn(self, job: Job) -> str:
        """The file of the first picture that a job makes."""
        shot = await _finished(job)
        if not shot.turns:
            raise RPGError("; ".join(shot.notices) or "nothing was drawn")
        return self._shop.files.of(self._shop.sessions.open(job.session), shot.turns[0])

    async def _planned(self, prompt: str, **change: Any) -> Plan:
        shot = await _finished(self._shop.plan(checked_prompt(prompt), **change))
        assert shot.plan is not None  # or it had failed
        return shot.plan


def build(ends: Endpoints) -> None:
    """Adds the endpoints to the page, where nothing of them is to be seen."""
    with gr.Row(visible=False):
        for kind in ENDPOINTS:
            _offer(ends, kind)


def _offer(ends: Endpoints, kind: type[Arguments]) -> None:
    """An endpoint by its name; its values come as they are, and are judged by `Arguments`."""
    schema = kind.model_json_schema()
    names = list(kind.model_fields)
    fields = [
        Api(None if one.is_required() else one.default, schema["properties"][name], name)
        for name, one in kind.model_fields.items()
    ]
    output = (
        gr.JSON(label=kind.endpoint)
        if kind in (PlanArguments, ReviewArguments)
        else gr.Image(label="picture", format="png", type="filepath")
    )

    async def call(*values: Any) -> Any:
        return await ends.call(kind, dict(zip(names, values, strict=False)))

    call.__signature__ = _positional(kind)  # type: ignore[attr-defined]  # Gradio shows it
    gr.Button(visible=False).click(
        call,
        fields,
        output,
        api_name=kind.endpoint,
        api_description=kind.description,
        concurrency_limit=None,
    )


def _positional(kind: type[Arguments]) -> inspect.Signature:
    """The endpoint's arguments as those of a function."""
    taken = inspect.signature(kind).parameters.values()
    return inspect.Signature(
        [one.replace(kind=inspect.Parameter.POSITIONAL_OR_KEYWORD) for one in taken]
    )


async def _finished(job: Job) -> Snapshot:
    """The end of a job.

    Raises:
        RPGError: It failed, or was cancelled.
    """
    shot = await job.finished()
    if shot.phase is not Phase.DONE:
        raise RPGError(shot.error or "cancelled")
    return shot
