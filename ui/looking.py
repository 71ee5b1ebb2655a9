"""What the Refine tab shows of a place: pictures, strip, conversation, findings."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from ui.auto import findings
from ui.history import Failure, Message, conversation, strip

if TYPE_CHECKING:
    from rpg.plans.plan import Plan
    from ui.workshop import Workshop

__all__ = ["Details", "View", "details", "view"]


@dataclass(frozen=True)
class Details:
    """One turn beside its parent.

    Attributes:
        pair: The pictures before and after; None for a first turn.
        mask: Where the parent's picture was drawn anew; None for all of it.
        findings: What a critic said, as HTML.
    """

    pair: tuple[str, str] | None = None
    mask: str | None = None
    findings: str = ""


@dataclass(frozen=True)
class View:
    """All that there is to see of a turn and its session.

    Attributes:
        title: Of the session.
        turn: The turn that is looked at; None where there is no picture.
        picture: Its file.
        plan: What it shows.
        label: Its name.
        strip: Files and captions of the history.
        numbers: The turns in it.
        conversation: Of the session.
        details: Of the turn.
        can_undo: Whether it came of another.
        can_redo: Whether another came of it.
    """

    title: str = ""
    turn: int | None = None
    picture: str | None = None
    plan: Plan | None = None
    label: str = ""
    strip: list[tuple[str, str]] = field(default_factory=list)
    numbers: list[int] = field(default_factory=list)
    conversation: list[Message] = field(default_factory=list)
    details: Details = Details()
    can_undo: bool = False
    can_redo: bool = False


def view(shop: Workshop, session: str, turn: int | None, failures: Sequence[Failure] = ()) -> View:
    """What there is to see of a turn.

    Args:
        shop: Keeps it.
        session: Its id; empty for none.
        turn: The turn; None for none.
        failures: Of the tab; those of other sessions are left out.

    Raises:
        SessionError: The session or the turn is gone, or cannot be read.
    """
    if not session or turn is None:
        return View()
    kept = shop.sessions.open(session)
    turns = kept.turns
    own = [one for one in failures if one.session == session]
    seen, shown = kept.turn(turn), strip(turns, turn)
    return View(
        title=kept.title,
        turn=turn,
        picture=shop.files.of(kept, turn),
        plan=seen.plan,
        label=seen.label,
        strip=[(shop.files.thumbnail(kept.path(one)), words) for one, words in shown],
        numbers=[one for one, _ in shown],
        conversation=conversation(turns, kept.tree, turn, own),
        details=details(shop, session, turn),
        can_undo=seen.parent is not None,
        can_redo=bool(kept.tree.children(turn)),
    )


def details(shop: Workshop, session: str, turn: int) -> Details:
    """A turn beside its parent.

    Raises:
        SessionError: The session or the turn is gone, or a picture is lost.
    """
    kept = shop.sessions.open(session)
    seen = kept.turn(turn)
    pair = None
    if seen.parent is not None:
        pair = shop.files.of(kept, seen.parent), shop.files.of(kept, turn)
    return Details(pair, shop.files.mask(kept, turn), findings(seen.critique))
