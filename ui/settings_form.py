"""The form of generation settings."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import gradio as gr

from rpg.defaults import ModelDefaults
from rpg.settings import GenerationSettings

__all__ = ["SettingsForm"]


class SettingsForm:
    """Fields for `GenerationSettings`.

    Attributes:
        fields: Components, not yet on the page; as inputs of a listener their values go to `read`,
            as outputs they take what `shown` returns.
    """

    def __init__(self, defaults: ModelDefaults) -> None:
        """Make the fields, with the model's own values where they have some."""
        self.seed = gr.Number(-1, label="Seed", precision=0, elem_id="seed", render=False)
        self.fields: list[Any] = [self.seed]

    def read(self, values: Sequence[Any]) -> GenerationSettings:
        """The settings that the fields' values make.

        Raises:
            SettingsError: A value is out of its range; says which.
        """
        (seed,) = values
        return GenerationSettings(seed=int(seed) if seed is not None else None)

    def shown(self, settings: GenerationSettings) -> list[Any]:
        """Values for the fields that show these settings."""
        return [settings.seed if settings.seed is not None else -1]
