"""What the generate panel shows of a session: which turns, as which files."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, NamedTuple

import gradio as gr

from rpg.plans.overlay import enlarge
from ui.saying import said, told
from ui.words import sentence

if TYPE_CHECKING:
    from collections.abc import Sequence

    from PIL.Image import Image

    from rpg.settings import GenerationSettings
    from ui.workshop import Workshop

__all__ = [
    "Display",
    "Outputs",
    "begun",
    "gallery",
    "keep_seed",
    "loose",
    "preview",
    "rested",
    "results",
    "troubled",
]

_PREVIEW_SIDE = 768  # pixels; enough to see how it comes about


class Outputs(NamedTuple):
    """Updates of the panel's components, in the order in which listeners have them.

    What is left out stays as it is.
    """

    status: Any = gr.skip()
    problem: Any = gr.skip()
    notices: Any = gr.skip()
    go: Any = gr.skip()
    cancel: Any = gr.skip()
    preview: Any = gr.skip()
    gallery: Any = gr.skip()
    actions: Any = gr.skip()
    keep_seed: Any = gr.skip()
    comparison: Any = gr.skip()
    display: Any = gr.skip()
    book: Any = gr.skip()
    place: Any = gr.skip()
    prompt: Any = gr.skip()


@dataclass(frozen=True, slots=True)
class Display:
    """The turns in a tab's gallery.

    Attributes:
        session: Whose they are; empty for none.
        turns: Their numbers, in order.
        chosen: Index of the one that is looked at.
    """

    session: str = ""
    turns: tuple[int, ...] = ()
    chosen: int = 0

    @property
    def turn(self) -> int | None:
        """The number of the one that is looked at."""
        return self.turns[self.chosen] if self.chosen < len(self.turns) else None

    def choosing(self, turn: int) -> Display:
        """The same, looking at another of its turns."""
        return replace(self, chosen=self.turns.index(turn))


def begun(status: str) -> Outputs:
    """The panel when work begins."""
    return Outputs(
        status=said(status),
        problem=told([]),
        notices=told([]),
        go=gr.update(interactive=False),
        cancel=gr.update(visible=True),
    )


def preview(picture: Image, scale: int) -> Outputs:
    """A preview in the place of the results."""
    factor = max(1, min(scale, _PREVIEW_SIDE // max(picture.size)))
    return Outputs(
        preview=gr.update(value=enlarge(picture, factor), visible=True),
        gallery=gr.update(visible=False),
        comparison=gr.update(visible=False),
    )


def rested() -> Outputs:
    """The panel when work is over."""
    return Outputs(go=gr.update(interactive=True), cancel=gr.update(visible=False))


def results(shop: Workshop, display: Display, regions: bool) -> Outputs:
    """The panel at rest, with these pictures.

    Raises:
        SessionError: They are gone.
    """
    return rested()._replace(
        preview=gr.update(value=None, visible=False),
        gallery=gallery(shop, display, regions),
        actions=gr.update(visible=bool(display.turns)),
        keep_seed=keep_seed(shop, display),
        comparison=gr.update(visible=False),
        display=display,
    )


def loose(shop: Workshop, pictures: Sequence[Image]) -> Outputs:
    """The panel at rest, with pictures that no session could keep."""
    scale = shop.rpg.defaults.display_scale
    shown = [enlarge(picture, scale) for picture in pictures]
    return results(shop, Display(), False)._replace(
        gallery=gr.update(value=shown, selected_index=0, visible=True)
    )


def gallery(shop: Workshop, display: Display, regions: bool) -> Any:
    """The update of the gallery, with or without regions drawn over the pictures.

    Raises:
        SessionError: They are gone.
    """
    if not display.turns:
        return gr.update(value=None, visible=False)
    kept = shop.sessions.open(display.session)
    file = shop.files.overlay if regions else shop.files.of
    turns = [kept.turn(number) for number in display.turns]
    pictures = [(file(kept, turn.id), _caption(turn.settings)) for turn in turns]
    return gr.update(value=pictures, selected_index=display.chosen, visible=True)


def _caption(used: GenerationSettings) -> str:
    varied = f", variation {used.variation_seed}" if used.variation_strength else ""
    return f"Seed {used.seed}{varied}"


def troubled(*problems: str) -> Any:
    """The update of the line that says what went wrong."""
    return told(map(sentence, problems))


def keep_seed(shop: Workshop, display: Display) -> Any:
    """The update of the button that keeps the seed of the picture that is looked at.

    Raises:
        SessionError: It is gone.
    """
    if display.turn is None:
        return gr.update(visible=False)
    seed = shop.sessions.open(display.session).turn(display.turn).settings.seed
    return gr.update(value=f"Keep last seed, {seed}", visible=seed is not None)
