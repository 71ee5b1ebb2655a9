"""How things are said on the page. Plain text throughout: nothing here is HTML."""

from __future__ import annotations

from ui.progress import Phase, Snapshot

__all__ = ["sentence", "status"]


def status(shot: Snapshot) -> str:
    """One line about a piece of work."""
    match shot.phase:
        case Phase.WAITING:
            return f"Waiting: number {shot.ahead + 1} in the queue" if shot.ahead else "Starting"
        case Phase.CANCELLED:
            return "Cancelled"
        case Phase.FAILED:
            return sentence(shot.error)
        case Phase.DONE:
            return sentence(shot.outcome) or "Done"
    if not shot.steps:
        return "Planning" if shot.plan is None else "Preparing"
    left = shot.seconds_left
    return f"Step {shot.step} of {shot.steps}" + (f", {_time(left)} left" if left else "")


def sentence(text: str) -> str:
    """The text with a capital at its beginning."""
    return text[:1].upper() + text[1:]


def _time(seconds: float) -> str:
    whole = max(round(seconds), 1)
    return f"{whole} s" if whole < 90 else f"{round(whole / 60)} min"
