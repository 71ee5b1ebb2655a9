"""A picture beside what the plain pipeline makes of the same prompt, seed, size and steps."""

from __future__ import annotations

from collections.abc import AsyncGenerator
from typing import TYPE_CHECKING

import gradio as gr

from rpg.errors import RPGError
from rpg.plans.overlay import enlarge
from ui.progress import Phase
from ui.results import Display, Outputs, begun, rested, troubled
from ui.saying import said
from ui.words import status

if TYPE_CHECKING:
    from rpg.session import Turn
    from ui.following import Following
    from ui.jobs import Job
    from ui.progress import Snapshot
    from ui.workshop import Workshop

__all__ = ["compared", "slider"]


def slider() -> gr.ImageSlider:
    """The place for both: the plain picture on the left."""
    return gr.ImageSlider(
        label="Left: plain. Right: RPG.",
        format="png",
        interactive=False,
        visible=False,
        max_height=640,
        elem_id="comparison",
        elem_classes="pixelated",
    )


async def compared(
    shop: Workshop, following: Following, tab: str, display: Display
) -> AsyncGenerator[Outputs, None]:
    """Draws the plain picture for the one that is looked at, and shows both."""
    try:
        if display.turn is None:
            return
        turn = shop.sessions.open(display.session).turn(display.turn)
        job = plain(shop, turn)
    except RPGError as error:
        yield Outputs(problem=troubled(str(error)))
        return
    yield begun("Drawing the same without regions")
    try:
        async with following.watching(tab, job) as shots:
            async for shot in shots:
                if shot.phase.over:
                    yield _finished(shop, display, shot)
                else:
                    yield Outputs(status=said(f"Without regions: {status(shot)}"))
    finally:
        job.cancel()  # nobody else waits for it


def plain(shop: Workshop, turn: Turn) -> Job:
    """The drawing of a turn's prompt without regions, all else the same.

    Raises:
        SettingsError: Too much is waiting.
    """
    alike = turn.settings.model_copy(update={"num_images_per_prompt": 1, "strength": None})
    return shop.plain(turn.plan, alike)


def _finished(shop: Workshop, display: Display, shot: Snapshot) -> Outputs:
    if shot.phase is not Phase.DONE or display.turn is None:
        problem = troubled(shot.error) if shot.phase is Phase.FAILED else gr.skip()
        return rested()._replace(status=said(status(shot)), problem=problem)
    kept = shop.sessions.open(display.session)
    scale = kept.turn(display.turn).made.record.scale
    pair = (enlarge(shot.pictures[0], scale), shop.files.of(kept, display.turn))
    return rested()._replace(
        status=said("Done: drag the line to compare"),
        comparison=gr.update(value=pair, visible=True),
    )
