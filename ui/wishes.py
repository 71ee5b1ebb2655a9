"""What a click on Generate asks for, read from the values of the page's forms."""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from rpg.errors import SettingsError
from rpg.planners.base import checked_prompt
from rpg.settings import GenerationSettings
from ui.adapters import Extras
from ui.inputs_form import InputsForm
from ui.planner_choice import PlannerChoice
from ui.settings_form import STRENGTH
from ui.shared import Shared

__all__ = ["Wishes", "WishesForm"]


@dataclass(frozen=True)
class Wishes:
    """What a click on Generate asks for."""

    prompt: str
    planner: PlannerChoice
    settings: GenerationSettings
    extras: Extras


class WishesForm:
    """The forms for planner, settings and inputs as one.

    Attributes:
        fields: Their components; their values go to `read`.
    """

    def __init__(self, shared: Shared, inputs: InputsForm) -> None:
        """Take the forms as they are."""
        self._shared, self._inputs = shared, inputs
        self._forms = (shared.planner.fields, shared.settings.fields, inputs.fields)
        self.fields: list[Any] = [field for form in self._forms for field in form]

    def read(self, prompt: str, values: Sequence[Any]) -> Wishes:
        """What is asked for; decodes pictures, which takes a while.

        Raises:
            PromptError: The prompt is blank or too long.
            SettingsError: A value is out of its range, or things do not go together.
        """
        planner, settings, inputs = self._parts(values)
        used = self._shared.settings.read(settings)
        extras = self._inputs.read(inputs)
        text = checked_prompt(prompt)
        used = self._with_strength(used, extras)
        return Wishes(text, self._shared.planner.chosen(*planner), used, extras)

    def _with_strength(self, used: GenerationSettings, extras: Extras) -> GenerationSettings:
        """The settings with a strength exactly where there is a picture to start from."""
        if extras.image is None:
            return used.model_copy(update={"strength": None})
        used = used.filled({"strength": STRENGTH})
        steps = used.num_inference_steps or self._shared.shop.rpg.defaults.num_inference_steps
        if used.strength is not None and steps * used.strength < 1:
            raise SettingsError(
                f"Strength: {used.strength:g} of {steps} steps is none; raise it, or the steps"
            )
        return used

    def _parts(self, values: Sequence[Any]) -> Iterator[Sequence[Any]]:
        """The values of each form, in the order of `fields`."""
        rest = iter(values)
        return (list(itertools.islice(rest, len(form))) for form in self._forms)
