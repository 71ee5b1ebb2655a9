"""The pictures of a refinement, drawn as requests to the pipeline."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from rpg.events import Event, Rendered
from rpg.generation.request import Finished, GenerationRequest, Inputs, PromptItem, enlarging
from rpg.generation.stream import StreamContext
from rpg.plans.plan import Plan
from rpg.refinement.lookahead import Lookahead, LookaheadDone
from rpg.settings import GenerationSettings

if TYPE_CHECKING:
    from PIL.Image import Image

    from rpg.metadata import Record

__all__ = ["PictureGenerator"]


@dataclass(frozen=True)
class PictureGenerator:
    """Draws plans, whole or within the mask of a picture.

    Attributes:
        run: Plans and draws a request; events go to the context.
    """

    run: Callable[[GenerationRequest, StreamContext], None]

    def draw(
        self,
        context: StreamContext,
        plan: Plan,
        settings: GenerationSettings,
        within: tuple[Image, Image] | None,
    ) -> Rendered:
        """Draws a plan; events go on.

        Args:
            context: Is told the events, says when to stop.
            plan: What to draw.
            settings: How.
            within: A picture and the mask in which it is drawn anew; None draws from nothing.
        """
        return self._rendered(context, _request(plan, settings, within))

    def upscale(
        self, context: StreamContext, image: Image, record: Record, how: Mapping[str, Any]
    ) -> Rendered:
        """Draws a picture over at a larger size; events go on.

        Args:
            context: As in `draw`.
            image: The picture.
            record: What it was made with.
            how: The settings of the group "upscaling".
        """
        settings = record.settings.reset("upscaling").updated(how)
        return self._rendered(context, enlarging(Finished(image, record), record.plan, settings))

    def _rendered(self, context: StreamContext, request: GenerationRequest) -> Rendered:
        made: list[Rendered] = []

        def hear(event: Event) -> None:
            if isinstance(event, Rendered):
                made.append(event)
            context.emit(event)

        self.run(request, context.overheard(hear))
        return made[0]

    def look_ahead(
        self,
        context: StreamContext,
        plan: Plan,
        settings: GenerationSettings,
        within: tuple[Image, Image] | None,
        steps: int,
    ) -> Sequence[Image]:
        """What each of the pictures is heading for after `steps` steps; emits no event."""
        lookahead, request = Lookahead(steps), _request(plan, settings, within)
        inputs = replace(request.inputs, callback_on_step_end=lookahead)
        try:
            self.run(replace(request, inputs=inputs), context.overheard(lambda _: None))
        except LookaheadDone:
            pass
        return lookahead.images


def _request(
    plan: Plan, settings: GenerationSettings, within: tuple[Image, Image] | None
) -> GenerationRequest:
    image, mask = within or (None, None)
    items = (PromptItem(plan.prompt, plan, None, None),)
    return GenerationRequest(items, settings, Inputs(image=image, mask_image=mask))
