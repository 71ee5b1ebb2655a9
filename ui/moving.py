"""Going about in a session: undo, redo, keep, reject, go to a turn, name it. Loses nothing."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from rpg.errors import SessionError
from ui.changing import elsewhere

if TYPE_CHECKING:
    from rpg.session import Moved, Session
    from ui.workshop import Workshop

__all__ = ["Decision", "Went", "accept", "branch", "go", "name", "redo", "reject", "undo"]


@dataclass(frozen=True)
class Decision:
    """A change that was just made, to be kept or not.

    Attributes:
        session: Where.
        turn: The turn that it made.
        back: The turn to go back to where it is rejected.
    """

    session: str
    turn: int
    back: int


@dataclass(frozen=True)
class Went:
    """Where a tab is after a move.

    Attributes:
        turn: The turn to look at.
        line: What happened, in words.
    """

    turn: int
    line: str


def undo(shop: Workshop, session: str, turn: int | None) -> Went:
    """To the turn that this one came of.

    Raises:
        SessionError: It is a first turn.
    """
    return _step(shop, session, turn, lambda kept: kept.undo(), "Undone: back at turn {}.")


def redo(shop: Workshop, session: str, turn: int | None) -> Went:
    """To the turn that came of this one, the one looked at last.

    Raises:
        SessionError: Nothing came of it.
    """
    return _step(shop, session, turn, lambda kept: kept.redo(), "Redone: at turn {} again.")


def reject(shop: Workshop, decision: Decision) -> Went:
    """Back to where a change began; its turn stays in the history.

    Raises:
        SessionError: The session or the turn is gone.
    """
    line = f"Rejected: back at turn {{}}. Turn {decision.turn} stays in the history."
    return _step(
        shop, decision.session, decision.turn, lambda kept: kept.branch(decision.back), line
    )


def accept(shop: Workshop, decision: Decision) -> Went:
    """On from a change that is good.

    Raises:
        SessionError: The session or the turn is gone.
    """
    return _step(
        shop,
        decision.session,
        decision.turn,
        lambda kept: kept.branch(decision.turn),
        "Kept turn {}. What should change next?",
    )


def go(shop: Workshop, session: str, turn: int) -> Went:
    """To any turn, wherever the session was.

    Raises:
        SessionError: The session or the turn is gone.
    """
    kept = shop.sessions.open(session)
    moved = kept.branch(turn)
    if not moved.done:  # somebody else moved it in this very moment
        return _elsewhere(kept, turn)
    return Went(turn, f"At turn {turn}.")


def branch(shop: Workshop, session: str, turn: int | None) -> Went:
    """The next change starts from this turn, beside all that came of it already.

    Raises:
        SessionError: The session or the turn is gone.
    """
    went = go(shop, session, _somewhere(turn))
    if went.turn != turn:
        return went
    return Went(turn, f"The next change starts a branch from turn {turn}; nothing is lost.")


def name(shop: Workshop, session: str, turn: int | None, words: str) -> Went:
    """A name for a turn; an empty one takes the name away.

    Raises:
        SessionError: The turn is gone, or the name cannot be.
    """
    at, words = _somewhere(turn), " ".join(words.split())
    shop.sessions.open(session).label(at, words)
    return Went(at, f"Turn {at} is called “{words}”." if words else f"Turn {at} has no name now.")


def _step(
    shop: Workshop,
    session: str,
    turn: int | None,
    move: Callable[[Session], Moved],
    line: str,
) -> Went:
    """A move from where the tab is, if the session is there, too."""
    at, kept = _somewhere(turn), shop.sessions.open(session)
    if kept.head != at or not move(kept).done:
        return _elsewhere(kept, at)
    return Went(_somewhere(kept.head), line.format(kept.head))


def _elsewhere(session: Session, turn: int) -> Went:
    line = elsewhere(session, f"You see it now; turn {turn} is in the history.")
    return Went(_somewhere(session.head), line)


def _somewhere(turn: int | None) -> int:
    if turn is None:
        raise SessionError("there is no picture yet: draw one in Create, or open a session")
    return turn
