"""`rpg refine`: draw, review, draw again what is wrong, and keep what is better."""

from __future__ import annotations

import json
from collections.abc import Generator, Sequence
from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from rpg import metadata
from rpg.cli import console, files, options
from rpg.cli.loading import ModelFlags, read_adapters
from rpg.cli.planning import PlannerFlags, planned
from rpg.cli.recording import Recording
from rpg.cli.setting_flags import SettingFlags, with_setting_flags
from rpg.critics.choice import NO_CRITIC, asks_model, choices, critic_named, named
from rpg.critique import Check, Critic, Critique
from rpg.errors import SettingsError
from rpg.events import Critiqued, Edited, Event, Failed, Notice, Refined, Step
from rpg.planners import LLMPlanner, Planner
from rpg.planners.base import checked_prompt, noted
from rpg.settings import GenerationSettings

if TYPE_CHECKING:
    from PIL.Image import Image

    from rpg.pipeline import RPGPipeline
    from rpg.plans.plan import Plan


@with_setting_flags("count", "image")
def refine(
    prompt: Annotated[str, typer.Argument(help="What should be in the picture.")],
    rounds: Annotated[
        int, typer.Option("--rounds", min=0, max=100, help="Of drawing again what is wrong.")
    ] = 4,
    candidates: Annotated[
        int, typer.Option("--candidates", min=1, max=64, help="Pictures of each round.")
    ] = 1,
    look_ahead: Annotated[
        int,
        typer.Option(
            "--look-ahead", min=0, help="Steps after which only the best candidate goes on; 0: all."
        ),
    ] = 0,
    seconds: Annotated[
        float | None, typer.Option("--seconds", help="Stop after so long. Default: no bound.")
    ] = None,
    calls: Annotated[
        int | None,
        typer.Option("--calls", min=1, help="Of critic and planner together. Default: no bound."),
    ] = None,
    critic: Annotated[
        str,
        typer.Option(
            "--critic",
            help=", ".join(f"{one.name} ({one.help})" for one in choices().values())
            + f", several with a comma, or {NO_CRITIC}.",
        ),
    ] = "toybox",
    planner: options.PlannerName = "rules",
    planner_model: options.PlannerModel = None,
    base_url: options.BaseUrl = None,
    model: options.Model = None,
    dtype: options.DtypeName = "auto",
    device: options.Device = None,
    prediction_type: options.PredictionKind = None,
    vae: options.Vae = None,
    config: options.Config = None,
    lora: options.Lora = None,
    embedding: options.Embedding = None,
    cpu_offload: options.Offload = None,
    low_vram: options.LowVram = "auto",
    preset: options.PresetName = None,
    *,
    given: SettingFlags,
    output: options.Output = None,
    scale: options.Scale = None,
    session: options.SessionName = None,
    no_session: options.NoSession = False,
    as_json: options.Json = False,
) -> None:
    """Draw a prompt, look at the picture, and draw again what is wrong until it is right."""
    with console.explained(as_json):
        text, settings = checked_prompt(prompt), GenerationSettings().updated(given.words())
        planning = PlannerFlags(planner, planner_model, base_url).build()
        judge = _critic(critic, planning)
        targets = files.Targets(output)
        recording = Recording.of(session, no_session)
        adapters = read_adapters(lora or ())
        rpg = ModelFlags(
            model=model,
            dtype=dtype,
            device=device,
            lora=adapters,
            cpu_offload=cpu_offload,
            low_vram=low_vram,
            prediction_type=prediction_type,
            vae=vae,
            config=config,
            embeddings=tuple(embedding or ()),
        ).load()
        rpg.planner = planning
        _fits(critic, rpg)
        plan, shown = planned(noted(planning, rpg.notes(settings)), text)
        if not as_json:
            console.show_plan(plan, reasoning=not shown)
        budget: dict[str, Any] = {
            "rounds": rounds,
            "seconds": seconds,
            "calls": calls,
            "candidates": candidates,
            "look_ahead": look_ahead,
        }
        events = rpg.refine_stream(
            plan=plan,
            settings=settings,
            preset=preset,
            critic=judge,
            preview_every=-1.0,
            **budget,
        )
        done = _refined(recording.stream(events))
        recording.say()  # first, so that a file that cannot be written costs no picture
        path = targets.save(done.image, metadata.rescaled(done.record, scale))
        _report(path, done, as_json, recording)


class _Content:
    """The critic that finds nothing wrong."""

    def review(
        self, image: Image, plan: Plan, *, checks: Sequence[Check] | None = None
    ) -> Critique:
        """Everything is as planned."""
        return Critique.of(())


def _critic(names: str, planner: Planner) -> Critic:
    """The critic of that name; the planner's language model is the one that looks.

    Raises:
        SettingsError: There is none, or nobody to look.
    """
    chat = planner.chat if isinstance(planner, LLMPlanner) else None
    if chat is None and asks_model(names):
        raise SettingsError(f"--critic {names}: add --planner openai and a model that sees")
    return critic_named(names, chat=chat) or _Content()


def _fits(names: str, rpg: RPGPipeline) -> None:
    """Refuses critics that know one model's world alone for pictures of another.

    Raises:
        SettingsError: So it is.
    """
    others = [one.name for one in choices().values() if one.judges(rpg.model)]
    for one in named(names):
        if not one.judges(rpg.model):
            raise SettingsError(
                f"the critic {one.name} {one.help}, not those of {rpg.model}: "
                f"choose --critic {', '.join(others)} or {NO_CRITIC}"
            )


def _refined(events: Generator[Event, None, None]) -> Refined:
    """Refines with a progress bar and a line for every round.

    Raises:
        RPGError: There is no picture, or nobody could judge it.
    """
    with console.progress() as bar, closing(events):
        for event in events:
            match event:
                case Step(i=i, n=n):
                    bar(i, n)
                case Critiqued():
                    console.say(_verdict(event))
                case Edited(why=why, round=number):
                    console.say(f"round {number}: {why}", style="dim")
                case Notice(text=text):
                    console.note(text)
                case Refined():
                    return event
                case Failed(error=error):
                    raise error
    raise AssertionError("a refinement ends with its outcome or a failure")


def _verdict(event: Critiqued) -> str:
    wrong = len(event.critique.failed)
    found = f"{wrong} thing{'s' * (wrong != 1)} wrong" if wrong else "all is right"
    what = "kept" if event.kept else f"rolled back to {event.best:.2f}"
    return f"score {event.critique.score:.2f}, {found}: {what}"


def _report(path: Path, done: Refined, as_json: bool, recording: Recording) -> None:
    if as_json:
        console.put(json.dumps(_summary(path, done) | recording.summary()))
    else:
        seed = done.record.settings.seed
        console.put(f"wrote {path} (seed {seed}, {done.rounds} rounds: {done.reason})")


def _summary(path: Path, done: Refined) -> dict[str, object]:
    return {
        "path": str(path),
        "seed": done.record.settings.seed,
        "score": done.critique.score,
        "wrong": [finding.check.says for finding in done.critique.failed],
        "rounds": done.rounds,
        "reason": done.reason,
        "plan": done.plan.model_dump(mode="json"),
    }
