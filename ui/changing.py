"""Changes of a picture by words and by a painted mask, as they are told to the Refine tab."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from PIL import Image

from rpg.errors import RPGError
from rpg.plans.overlay import enlarge
from rpg.plans.plan import Plan, decode_mask, encode_mask
from ui.planner_choice import PlannerChoice
from ui.progress import Phase, Snapshot
from ui.words import status

if TYPE_CHECKING:
    from rpg.session import Session
    from ui.jobs import Job
    from ui.workshop import Workshop

__all__ = ["Pending", "Told", "change", "draw_painted", "drawn", "elsewhere", "followed"]

NOTHING_SAID = "Say what should change, such as “make the star green”."
PAINT = "Pink is drawn anew: paint more, or erase. Then press “Draw it”."
NOTHING_PAINTED = "The mask is empty: paint where the picture is to be drawn anew."
NO_PICTURE = "There is no picture yet: draw one in Create, or open a session."


@dataclass(frozen=True)
class Pending:
    """A change that waits for its mask to be painted.

    Attributes:
        session: Of the picture.
        turn: Likewise.
        wish: The user's words; empty where a part is only to be drawn anew.
        after: What the picture is to show.
        mask: Where it would be drawn, as `rpg.plans.plan.encode_mask` writes it.
    """

    session: str
    turn: int
    wish: str
    after: Plan
    mask: str = ""


@dataclass(frozen=True)
class Told:
    """What there is to show of a change under way.

    Attributes:
        line: Where it is, in words.
        job: Id of the job to cancel; empty where nothing is under way.
        preview: Of the drawing of now, as large as it is shown.
        turn: The turn to go to: the change is there.
        pending: What waits for its mask to be painted.
        failed: Whether it came to nothing; `line` says why.
        shot: The job as it stands.
    """

    line: str
    job: str = ""
    preview: Image.Image | None = None
    turn: int | None = None
    pending: Pending | None = None
    failed: bool = False
    shot: Snapshot | None = None


async def change(
    shop: Workshop,
    session: str,
    turn: int | None,
    wish: str,
    choice: PlannerChoice,
    *,
    mask_first: bool = False,
) -> AsyncIterator[Told]:
    """Plans a change and draws it, or shows where it would be drawn.

    Args:
        shop: Does it.
        session: Of the picture.
        turn: Likewise; None where there is no picture yet.
        wish: The user's words; empty, with `mask_first`, to have a part drawn anew.
        choice: The planner.
        mask_first: Whether the mask is to be seen before anything is drawn.
    """
    wish = wish.strip()
    if turn is None:
        yield Told(NO_PICTURE, failed=True)
    elif not wish and not mask_first:
        yield Told(NOTHING_SAID, failed=True)
    else:
        try:
            async for told in _changed(shop, session, turn, wish, choice, mask_first):
                yield told
        except RPGError as error:
            yield Told(str(error), failed=True)


async def draw_painted(shop: Workshop, pending: Pending) -> AsyncIterator[Told]:
    """Draws a change where its mask was painted; what comes to nothing can be painted further.

    Args:
        shop: Does it.
        pending: With the mask as it is now.
    """
    try:
        mask = decode_mask(pending.mask)
        if mask.getbbox() is None:
            yield Told(NOTHING_PAINTED, pending=pending, failed=True)
            return
        async for told in drawn(shop, pending, mask):
            yield replace(told, pending=pending) if told.failed else told
    except RPGError as error:
        yield Told(str(error), pending=pending, failed=True)


async def _changed(
    shop: Workshop, session: str, turn: int, wish: str, choice: PlannerChoice, mask_first: bool
) -> AsyncIterator[Told]:
    before = shop.sessions.open(session).turn(turn)
    after: Plan | None = before.plan
    if wish:
        job = shop.plan(
            before.plan.prompt,
            choice,
            previous=before.plan,
            instruction=wish,
            settings=before.settings,
        )
        async for shot in job.watch():
            if shot.phase.over and shot.phase is not Phase.DONE:
                yield Told(status(shot), failed=True)
                return
            after = shot.plan
            yield Told(status(shot), job.id)
    assert after is not None  # a planner that is done has a plan
    pending = Pending(session, turn, wish, after)
    if mask_first:
        yield await asyncio.to_thread(_proposed, shop, pending)
        return
    async for told in drawn(shop, pending, None):
        yield told


def _proposed(shop: Workshop, pending: Pending) -> Told:
    """Where a change would be drawn; nowhere yet, where there are no words to find it by."""
    if pending.wish:
        mask = shop.propose(pending.session, pending.turn, pending.after).mask
    else:
        mask = Image.new("L", shop.sessions.open(pending.session).image(pending.turn).size)
    return Told(PAINT, pending=replace(pending, mask=encode_mask(mask)))


async def drawn(shop: Workshop, pending: Pending, mask: Image.Image | None) -> AsyncIterator[Told]:
    """Draws a change and tells of it.

    Raises:
        RPGError: The turn is gone, or too much is waiting.
    """
    job = shop.edit(
        pending.session, pending.turn, pending.after, mask=mask, instruction=pending.wish
    )
    async for told in followed(shop, job):
        yield told
    yield ended(shop, job, pending.turn)


async def followed(shop: Workshop, job: Job) -> AsyncIterator[Told]:
    """A drawing while it is under way."""
    scale = shop.rpg.defaults.display_scale
    async for shot in job.watch():
        if not shot.phase.over:
            preview = enlarge(shot.preview, scale) if shot.preview is not None else None
            yield Told(status(shot), job.id, preview, shot=shot)


def ended(shop: Workshop, job: Job, before: int) -> Told:
    """What came of an edit.

    Args:
        shop: Did it.
        job: What it did.
        before: The turn that was changed.
    """
    shot = job.shot
    if not shot.turns:
        line = " ".join([status(shot), *shot.notices])
        return Told(line, failed=True, shot=shot)
    turn = shot.turns[-1]
    lines = [f"Turn {turn} is drawn.", *(f"Note: {text}" for text in shot.notices)]
    session = shop.sessions.open(job.session)
    if session.head != turn:
        lines.append(elsewhere(session, f"Your picture is turn {turn}, a branch of turn {before}."))
    return Told(" ".join(lines), turn=turn, shot=shot)


def elsewhere(session: Session, then: str) -> str:
    """That somebody else has moved on in the same session."""
    return f"This session was moved to turn {session.head} in another window meanwhile. {then}"
