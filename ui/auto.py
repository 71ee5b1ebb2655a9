"""Automatic refinement and reviews, as they are told to the Refine tab."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import replace
from html import escape
from typing import TYPE_CHECKING

from rpg.critics.choice import choices
from rpg.critique import Critique, Finding
from rpg.errors import RPGError, SettingsError
from rpg.refinement.budget import Budget
from ui.changing import NO_PICTURE, Told, followed
from ui.history import verdict
from ui.planner_choice import PlannerChoice
from ui.progress import Phase, Snapshot
from ui.words import status

if TYPE_CHECKING:
    from ui.workshop import Workshop

__all__ = ["budget", "critics", "findings", "progress", "refine", "review", "rounds"]

MOST_ROUNDS = 20
MOST_CANDIDATES = 8


def critics(model: str) -> list[tuple[str, str]]:
    """Who may judge a model's pictures: labels and names, the one to take first."""
    fitting = [one for one in choices().values() if one.judges(model)]
    offered = [(one.label, one.name) for one in fitting]
    if len(fitting) > 1:
        label = "Both vote" if len(fitting) == 2 else "All vote"
        offered.append((label, ",".join(one.name for one in fitting)))
    return offered


def budget(rounds: float | None, seconds: float | None, candidates: float | None) -> Budget:
    """What the form's values mean; no seconds are no bound.

    Raises:
        SettingsError: A value is out of its range.
    """
    counts = int(rounds or 0), int(candidates or 0)
    if not 1 <= counts[0] <= MOST_ROUNDS:
        raise SettingsError(f"rounds: should be between 1 and {MOST_ROUNDS}, not {counts[0]}")
    if not 1 <= counts[1] <= MOST_CANDIDATES:
        raise SettingsError(
            f"candidates: should be between 1 and {MOST_CANDIDATES}, not {counts[1]}"
        )
    if seconds is not None and not 0 <= seconds < 1e6:
        raise SettingsError("seconds: should be 0, for no bound, or more")
    return Budget(rounds=counts[0], seconds=seconds or None, candidates=counts[1])


async def refine(
    shop: Workshop,
    session: str,
    turn: int | None,
    wishes: tuple[float | None, float | None, float | None],
    critic: str,
    choice: PlannerChoice,
) -> AsyncIterator[Told]:
    """Draws again what a critic finds wrong, round after round.

    Args:
        shop: Does it.
        session: Of the picture.
        turn: Likewise; None where there is no picture yet.
        wishes: Rounds, seconds (0 or None for no bound), candidates.
        critic: Names of critics, joined by commas.
        choice: The planner.
    """
    if turn is None:
        yield Told(NO_PICTURE, failed=True)
        return
    try:
        limits = budget(*wishes)
        job = shop.refine(session, turn, limits, critic=critic, choice=choice)
    except RPGError as error:
        yield Told(str(error), failed=True)
        return
    async for told in followed(shop, job):
        if told.shot is not None:
            yield replace(told, line=progress(told.shot, limits.rounds))
    yield _ended(job.shot, turn)


async def review(
    shop: Workshop, session: str, turn: int | None, critic: str, choice: PlannerChoice
) -> AsyncIterator[Told]:
    """Has a critic look at a picture as it is."""
    if turn is None:
        yield Told(NO_PICTURE, failed=True)
        return
    try:
        job = shop.review(session, turn, critic=critic, choice=choice)
    except RPGError as error:
        yield Told(str(error), failed=True)
        return
    async for shot in job.watch():
        if not shot.phase.over:
            yield Told("Looking at the picture", job.id)
    said = job.shot.rounds[-1].critiqued if job.shot.rounds else None
    if job.shot.phase is Phase.DONE and said is not None:
        yield Told(f"Turn {turn} scores {verdict(said.critique)}.", turn=turn)
    else:
        yield Told(status(job.shot), failed=True)


def progress(shot: Snapshot, most: int) -> str:
    """One line about a refinement under way."""
    edited = [one.edited.round for one in shot.rounds if one.edited is not None]
    if not shot.rounds or shot.phase is Phase.WAITING:
        return status(shot) if shot.phase is Phase.WAITING else "Looking at the picture"
    best = [one.critiqued.best for one in shot.rounds if one.critiqued is not None]
    score = f"; best score so far {best[-1]:.2f}" if best else ""
    if not edited:
        return f"Choosing what to draw again{score}"
    return f"Round {edited[-1]} of at most {most}: {status(shot)}{score}"


def rounds(shot: Snapshot, began: int) -> list[tuple[str, int]]:
    """The rounds that are judged: what each came to in words, and its turn."""
    told: list[tuple[str, int]] = []
    for one in shot.rounds:
        if (said := one.critiqued) is None:
            continue
        score = verdict(said.critique)
        if not one.turns:
            told.append((f"Before: {score}", began))
        else:
            kept = "kept" if said.kept else "rolled back"
            told.append((f"Round {said.round}: {score} – {kept}", one.turns[said.index]))
    return told


def findings(critique: Critique | None) -> str:
    """What was checked, what holds and what was seen instead, as HTML; all words are escaped."""
    if critique is None:
        return '<p class="faint">Nobody has looked at this picture yet.</p>'
    rows = "".join(map(_row, critique.findings))
    notes = "".join(f"<p>{escape(note)}</p>" for note in critique.notes)
    return f"<p>Score {escape(verdict(critique))}</p><ul>{rows}</ul>{notes}"


def _row(finding: Finding) -> str:
    kind, word = ("unknown", "Unclear") if finding.unknown else ("wrong", "Wrong")
    if finding.holds and not finding.unknown:
        kind, word = "right", "Right"
    seen = f" <em>Seen: {escape(finding.seen)}</em>" if finding.seen else ""
    return f'<li class="{kind}"><b>{word}</b><span>{escape(finding.check.says)}{seen}</span></li>'


def _ended(shot: Snapshot, began: int) -> Told:
    """What came of a refinement: it goes to the best turn, and to none where nothing is better."""
    if not shot.rounds:
        return Told(status(shot), failed=True, shot=shot)
    best = began if shot.best is None else shot.best
    came = f"turn {best} is the best" if best != began else "no round was better than the picture"
    notes = "".join(f" Note: {text}" for text in shot.notices)
    outcome = "Stopped" if shot.phase is Phase.CANCELLED else status(shot)
    failed = shot.phase is Phase.FAILED
    return Told(f"{outcome}: {came}.{notes}", turn=best, failed=failed, shot=shot)
