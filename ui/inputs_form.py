"""The form of what takes part beside words and settings: a picture, a ControlNet, LoRAs."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import gradio as gr

from rpg.errors import SettingsError
from ui.adapters import Adapters, Extras
from ui.uploads import picture_field, read_picture, watch_uploads

__all__ = ["InputsForm"]

_MOST_WEIGHT = 4.0
_MOST_SCALE = 2.0


class InputsForm:
    """Fields for `Extras`.

    Attributes:
        fields: Components, not yet on the page; their values go to `read`.
    """

    def __init__(self, adapters: Adapters) -> None:
        """Make the fields; choices are what the app was started with."""
        self._adapters = adapters
        self.image = picture_field("Picture to start from", "input-image")
        self.controlnet = gr.Dropdown(
            [("None", ""), *((name, name) for name in adapters.controlnets)],
            value="",
            label="ControlNet",
            elem_id="controlnet",
            render=False,
        )
        self.control = picture_field("Picture to follow", "control-image")
        self.scale = gr.Textbox(
            label="How strongly",
            placeholder="1",
            info="0 to 2",
            max_lines=1,
            elem_id="control-scale",
            render=False,
        )
        self.loras = gr.Dropdown(
            list(adapters.loras),
            value=[],
            multiselect=True,
            label="LoRAs",
            elem_id="loras",
            render=False,
        )
        self.weights = gr.Textbox(
            label="Weights",
            placeholder="1",
            info="One for each, in order, with spaces between",
            max_lines=1,
            elem_id="lora-weights",
            render=False,
        )
        self.fields: list[Any] = [
            self.image,
            self.controlnet,
            self.control,
            self.scale,
            self.loras,
            self.weights,
        ]

    def read(self, values: Sequence[Any]) -> Extras:
        """What the fields' values mean; decodes pictures, which takes a while.

        Raises:
            SettingsError: A picture cannot be read, a number is out of its range, or things do not
                go together.
        """
        image, controlnet, control, scale, loras, weights = values
        chosen = tuple(loras or ())
        extras = Extras(
            image=read_picture(image),
            controlnet=controlnet or "",
            control=read_picture(control) if controlnet else None,
            control_scale=_number("How strongly", scale or "1", 0, _MOST_SCALE),
            loras=tuple(zip(chosen, _weights(weights or "", len(chosen)), strict=True)),
        )
        self._adapters.check(extras)
        return extras

    def render(self, settings: Sequence[Any]) -> None:
        """Puts the fields on the page, those of the settings that need it beside the picture."""
        with gr.Accordion("Start from a picture", open=False, elem_id="from-picture"):
            self.image.render()
            for field in settings:
                field.render()
        with gr.Accordion("LoRA and ControlNet", open=False, elem_id="adapters"):
            self._render_loras()
            self._render_controlnet()
        for picture in (self.image, self.control):
            watch_uploads(picture)

    def _render_loras(self) -> None:
        if not self._adapters.loras:
            gr.Markdown(
                "No LoRAs yet: start the app with `--loras FOLDER`, a folder of `.safetensors` "
                "files."
            )
        with gr.Row(visible=bool(self._adapters.loras)):
            self.loras.render()
            self.weights.render()

    def _render_controlnet(self) -> None:
        there = bool(self._adapters.controlnets)
        if not there:
            gr.Markdown(
                "No ControlNets yet: start the app with `--controlnet NAME=FOLDER_OR_ID`, as often "
                "as you like."
            )
        with gr.Row(visible=there):
            self.controlnet.render()
            self.scale.render()
        with gr.Column(visible=there):
            self.control.render()


def _weights(text: str, count: int) -> list[float]:
    """So many numbers, written with spaces between; all 1 where nothing is written."""
    words = text.split()
    if not words:
        return [1.0] * count
    if len(words) != count:
        raise SettingsError(f"Weights: {len(words)} for {count} LoRAs; write one for each")
    return [_number("Weights", word, -_MOST_WEIGHT, _MOST_WEIGHT) for word in words]


def _number(name: str, text: str, least: float, most: float) -> float:
    try:
        value = float(text)
    except ValueError:
        raise SettingsError(f"{name}: {text.strip()[:40]!r} is no number") from None
    if not least <= value <= most:
        raise SettingsError(f"{name}: should be from {least:g} to {most:g}, not {value:g}")
    return value
