"""What the loop draws with: a pipeline, handed in as a function."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from rpg._control import Control
from rpg.diffusion.contours import ContourFinder
from rpg.events import Event, Rendered
from rpg.loop.glance import Enough, Glance
from rpg.plan import Plan
from rpg.planners import Planner
from rpg.settings import GenerationSettings

if TYPE_CHECKING:
    from PIL.Image import Image

__all__ = ["Studio"]


@dataclass(frozen=True)
class Studio:
    """Draws for the loop.

    Attributes:
        run: Checks and runs one call, described by its words; events go to the control.
        planner: Follows instructions, where it can.
        contours: Finds things in pictures.
        cell: Pixels of a latent cell.
    """

    run: Callable[[Mapping[str, Any], Control], None]
    planner: Planner
    contours: ContourFinder
    cell: int

    def draw(
        self,
        control: Control,
        plan: Plan,
        settings: GenerationSettings,
        within: tuple[Image, Image] | None,
    ) -> Rendered:
        """Draws a plan; events go on.

        Args:
            control: Hears them, says when to stop.
            plan: What to draw.
            settings: How.
            within: A picture and the mask in which it is drawn anew; None draws from nothing.
        """
        made: list[Rendered] = []

        def hear(event: Event) -> None:
            if isinstance(event, Rendered):
                made.append(event)
            control.emit(event)

        self.run(_words(plan, settings, within), control.overheard(hear))
        return made[0]

    def glance(
        self,
        control: Control,
        plan: Plan,
        settings: GenerationSettings,
        within: tuple[Image, Image] | None,
        steps: int,
    ) -> Sequence[Image]:
        """What each of the pictures is heading for after `steps` steps; tells of nothing."""
        glance = Glance(steps)
        words = {**_words(plan, settings, within), "callback_on_step_end": glance}
        try:
            self.run(words, control.overheard(lambda _: None))
        except Enough:
            pass
        return glance.images


def _words(
    plan: Plan, settings: GenerationSettings, within: tuple[Image, Image] | None
) -> dict[str, Any]:
    image, mask = within or (None, None)
    return {"plan": plan, "settings": settings, "image": image, "mask_image": mask}
