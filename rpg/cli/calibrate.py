"""`rpg calibrate`: which settings draw best with a model, measured, and kept for it."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager
from dataclasses import asdict, dataclass
from importlib import import_module
from importlib.util import find_spec
from typing import TYPE_CHECKING, Annotated, Any

import typer

from rpg.calibration.arms import ARMS, Arm, arms_for, parse_arm
from rpg.calibration.journal import Journal
from rpg.calibration.kept import Kept, forget, journal_path, keep, kept_for
from rpg.calibration.prompts import EVERYDAY, FEWEST, MOST, TrialPrompt, prompt_set
from rpg.calibration.trial import Budget, CriticJudge, Judge, Trial
from rpg.cli import console, options
from rpg.cli.batch import known_defaults, source_of
from rpg.cli.calibrate_views import bar, duration, show_plan_of_work, show_standings
from rpg.cli.loading import ModelFlags
from rpg.cli.planning import hosted
from rpg.critics.choice import choices
from rpg.errors import Cancelled, SettingsError
from rpg.events import Failed, Rendered
from rpg.metadata import public_name
from rpg.settings import MAX_IMAGES

if TYPE_CHECKING:
    from PIL.Image import Image

    from rpg.pipeline import RPGPipeline
    from rpg.plans.plan import Plan

PERSON = "person"
_PAGE = "ui.calibrate"  # beside the product, which runs without: it is there in a checkout
_INTERRUPTED = 130  # what shells expect after Ctrl-C
_TRIAL = "Calibration"

Critic = Annotated[
    str | None,
    typer.Option(
        "--critic",
        help="Who judges: "
        + ", ".join(f"{one.name} ({one.help})" for one in choices().values())
        + f" or {PERSON} (you, in the browser). Default: toybox for Toybox; else say which.",
        rich_help_panel=_TRIAL,
    ),
]
Prompts = Annotated[
    int,
    typer.Option(
        "--prompts",
        min=FEWEST,
        max=MOST,
        help="How many of the built-in prompts, at most.",
        rich_help_panel=_TRIAL,
    ),
]
Seconds = Annotated[
    float | None,
    typer.Option("--seconds", min=0.0, help="Stop after so long.", rich_help_panel=_TRIAL),
]
Pictures = Annotated[
    int | None,
    typer.Option(
        "--pictures",
        min=1,
        help="Stop before so many pictures are exceeded, those of earlier runs included.",
        rich_help_panel=_TRIAL,
    ),
]
Arms = Annotated[
    list[str] | None,
    typer.Option(
        "--arm",
        "--arms",
        metavar="NAME=VALUE,...",
        help="Settings to try, as composer=attention,base_ratio=0.3; repeat for more. "
        "Default: the built-in ones.",
        rich_help_panel=_TRIAL,
    ),
]
BatchSize = Annotated[
    int,
    typer.Option(
        "--batch-size",
        min=1,
        max=MAX_IMAGES,
        help="Prompts that are drawn at once.",
        rich_help_panel=_TRIAL,
    ),
]
Seed = Annotated[
    int, typer.Option("--seed", min=0, help="Of the first prompt.", rich_help_panel=_TRIAL)
]
Show = Annotated[
    bool, typer.Option("--show", help="Print what is kept for the model, and do nothing else.")
]
Forget = Annotated[
    bool, typer.Option("--forget", help="Remove what is kept for the model, and do nothing else.")
]
DryRun = Annotated[
    bool,
    typer.Option("--dry-run", help="Print what would be drawn, and how long that may take."),
]


def calibrate(
    model: options.Model = None,
    dtype: options.DtypeName = "auto",
    device: options.Device = None,
    variant: options.Variant = None,
    prediction_type: options.PredictionKind = None,
    vae: options.Vae = None,
    config: options.Config = None,
    cpu_offload: options.Offload = None,
    low_vram: options.LowVram = "auto",
    critic: Critic = None,
    prompts: Prompts = 24,
    seconds: Seconds = None,
    pictures: Pictures = None,
    arm: Arms = None,
    batch_size: BatchSize = 1,
    seed: Seed = 0,
    planner_model: options.PlannerModel = None,
    base_url: options.BaseUrl = None,
    show: Show = False,
    forget_it: Forget = False,
    dry_run: DryRun = False,
    as_json: options.Json = False,
) -> None:
    """Draw prompts in several ways and keep what is best as the model's own; goes on if stopped."""
    with console.explained(as_json):
        flags = ModelFlags(
            model=model,
            dtype=dtype,
            device=device,
            variant=variant,
            prediction_type=prediction_type,
            vae=vae,
            config=config,
            cpu_offload=cpu_offload,
            low_vram=low_vram,
        )
        source = source_of(flags)
        if show or forget_it:
            _tell_kept(source, forget_it, as_json)
            return
        candidates = [parse_arm(text) for text in arm] if arm else ARMS
        name = known_defaults(flags).name or public_name(source)
        chosen = _critic_for(name, critic)
        chat = hosted(planner_model, base_url) if chosen != PERSON and _asks(chosen) else None
        label = f"{chosen} {chat.name}" if chat is not None else chosen
        rpg = flags.load()
        if (kept := kept_for(source)) is not None:
            rpg.defaults = kept.undone(rpg.defaults)
        job = _Job(rpg, source, label, as_json)
        arms = arms_for(rpg.defaults, candidates)
        some = prompt_set(_world(name) or EVERYDAY, prompts)
        with _judge(chosen, chat, (len(arms) - 1) * len(some)) as judge:
            trial = Trial(
                arms,
                some,
                job.draw,
                judge,
                Journal(journal_path(source, label)),
                json.dumps([rpg.defaults.model_dump(mode="json"), prediction_type, vae]),
                Budget(pictures, seconds),
                seed,
                batch_size,
            )
            job.rehearse(trial) if dry_run else job.run(trial)


def _critic_for(model: str, name: str | None) -> str:
    """The critic of that name, or the one for this model's pictures alone.

    Raises:
        SettingsError: None is named where one has to be, or one that cannot judge the pictures.
    """
    fitting = [one.name for one in choices().values() if one.judges(model)] + [PERSON]
    name = name or _world(model)
    if name not in fitting:
        raise SettingsError(f"say who judges pictures of {model}: --critic {' or '.join(fitting)}")
    return name


def _world(model: str) -> str:
    """The model's name, if it has a world, and so a critic and prompts, of its own; else empty."""
    return next((one.world for one in choices().values() if one.world == model), "")


def _asks(name: str) -> bool:
    return choices()[name].asks_model


@contextmanager
def _judge(name: str, chat: Any, most: int) -> Iterator[Judge]:
    """Who judges at most so many pictures, for as long as the context lasts.

    Raises:
        SettingsError: A person should, and the page is not there.
    """
    if name != PERSON:
        yield CriticJudge(choices()[name].make(chat))
        return
    if not find_spec(_PAGE.partition(".")[0]):
        raise SettingsError(
            "--critic person: the page is not part of the package; run rpg in a checkout of it"
        )
    with import_module(_PAGE).judging(most) as judge:
        yield judge


def _tell_kept(source: str, forget_it: bool, as_json: bool) -> None:
    """Prints what is kept, or removes it."""
    name = public_name(source)
    if forget_it:
        gone = forget(source)
        said = f"{name} is as it came again" if gone else f"nothing is kept for {name}"
        console.put(json.dumps({"forgotten": gone}) if as_json else said)
        return
    kept = kept_for(source)
    if as_json:
        console.put(json.dumps(kept.model_dump() if kept is not None else None))
    elif kept is None:
        console.put(f"nothing is kept for {name}")
    else:
        settings = " ".join(f"{key}={value}" for key, value in kept.settings.items())
        console.put(
            f"{kept.model}: {settings}\n"
            f"score {kept.score:.3f} against {kept.own_score:.3f} of its own defaults, "
            f"{kept.prompts} prompts, {kept.pictures} pictures, judged by {kept.critic}"
        )


@dataclass(frozen=True)
class _Job:
    """A calibration of a model, for people or programs."""

    rpg: RPGPipeline
    source: str
    critic: str
    as_json: bool

    def draw(self, arm: Arm, plans: Sequence[Plan], seed: int) -> list[Image]:
        """Pictures of plans, from seed on.

        Raises:
            RPGError: What the pipeline failed with.
        """
        words: dict[str, Any] = {**arm.settings, "plan": list(plans), "seed": seed}
        images: list[Image] = []
        events = self.rpg.stream(batch_size=len(plans), preview_every=-1.0, **words)
        with closing(events):
            for event in events:
                if isinstance(event, Failed):
                    raise event.error
                if isinstance(event, Rendered):
                    images += event.images
        return images

    def rehearse(self, trial: Trial) -> None:
        """Says what would be drawn, and how long that takes: one picture is drawn for it."""
        most = len(trial.arms) * len(trial.prompts)
        if trial.budget.pictures is not None:
            most = min(most, trial.budget.pictures)
        each = trial.known_seconds() or self._seconds_of(trial.arms[0], trial.prompts[0])
        about = most * each
        if trial.budget.seconds is not None:
            about = min(about, trial.budget.seconds)
        if self.as_json:
            said: dict[str, Any] = {"arms": [one.model_dump() for one in trial.arms]}
            said |= {"prompts": len(trial.prompts), "pictures": most, "seconds": round(about, 1)}
            console.put(json.dumps(said | {"critic": self.critic}))
        else:
            show_plan_of_work(trial.arms, self.rpg.defaults, trial.prompts)
            console.put(
                f"at most {most} pictures, judged by {self.critic}: about {duration(about)} of "
                f"drawing ({each:.1f} s a picture)"
            )

    def run(self, trial: Trial) -> None:
        """Works, prints the table, and keeps the winner."""
        began, new = time.monotonic(), 0
        try:
            with bar() as seen, closing(trial.run()) as passes:
                for one in passes:
                    new += one.new
                    seen(one)
        except (KeyboardInterrupt, Cancelled):
            self._report(trial, new, time.monotonic() - began, "stopped")
            console.say("nothing is kept yet; the same command goes on from here", style="yellow")
            raise typer.Exit(_INTERRUPTED) from None
        outcome = self._settle(trial)
        self._report(trial, new, time.monotonic() - began, outcome)

    def _settle(self, trial: Trial) -> str:
        """Keeps the winner; says what became of it."""
        name, race = self.rpg.model, trial.race
        winner = next((one for one in trial.arms if one.name == race.winner), None)
        if winner is None:
            if trial.spent:
                return f"no difference found so far: {name} stays as it is"
            back = " again" if forget(self.source) else ""
            return f"no difference found: {name} stays as it came{back}"
        rows = {row.arm: row for row in race.standings()}
        own = self.rpg.defaults.model_dump(include=set(winner.settings))
        best = rows[winner.name]
        kept = Kept(
            model=name,
            settings=winner.settings,
            instead_of=own,
            critic=self.critic,
            prompts=best.prompts,
            score=best.score,
            own_score=rows[trial.arms[0].name].score,
            pictures=trial.pictures,
        )
        keep(self.source, kept)
        return f"kept for {name}: {winner.name}"

    def _report(self, trial: Trial, new: int, seconds: float, outcome: str) -> None:
        rows = trial.race.standings()
        if self.as_json:
            said: dict[str, Any] = {
                "arms": [asdict(row) for row in rows],
                "winner": trial.race.winner,
            }
            said |= {"pictures": trial.pictures, "new": new, "seconds": round(seconds, 1)}
            console.put(json.dumps(said | {"reason": trial.reason, "outcome": outcome}))
            return
        if rows:
            show_standings(rows, trial.arms, self.rpg.defaults)
        why = f": {trial.reason}" if trial.reason else ""
        console.put(
            f"{trial.pictures} pictures ({new} new) judged by {self.critic} in "
            f"{duration(seconds)}{why}"
        )
        console.put(outcome)

    def _seconds_of(self, arm: Arm, prompt: TrialPrompt) -> float:
        console.say("drawing one picture to see how long that takes", style="dim")
        began = time.monotonic()
        self.draw(arm, [prompt.plan], 0)
        return time.monotonic() - began
