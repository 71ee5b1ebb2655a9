"""Arms: ways of drawing that are held against one another, as data."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field, field_validator

from rpg.defaults import ModelDefaults
from rpg.errors import SettingsError
from rpg.settings import LASTING, GenerationSettings

__all__ = ["ARMS", "MOST_ARMS", "OWN", "Arm", "arms_for", "checked_settings", "parse_arm"]

OWN = "as it is"  # the arm of the model's own defaults, always the first
MOST_ARMS = 32


def checked_settings(values: dict[str, Any]) -> dict[str, Any]:
    """Values of lasting settings by name, as `GenerationSettings` has them.

    Raises:
        SettingsError: One is no lasting setting, or out of its range.
    """
    for name in values:
        if name not in LASTING:
            raise SettingsError(f"{name!r:.60} is no setting of a model: {', '.join(LASTING)}")
    checked = GenerationSettings(**values)
    return {name: getattr(checked, name) for name in values}


class Arm(BaseModel):
    """A way of drawing.

    Attributes:
        name: In tables and journals.
        settings: Of those that last, by name; what is left out is as the model has it.

    Raises:
        ValueError: A setting that cannot be.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    name: Annotated[str, Field(min_length=1, max_length=200)]
    settings: dict[str, Any] = {}

    @field_validator("settings")
    @classmethod
    def _of_a_model(cls, settings: dict[str, Any]) -> dict[str, Any]:
        return checked_settings(settings)

    @classmethod
    def of(cls, **settings: Any) -> Arm:
        """An arm that is called by its settings: "attention base_ratio=0.3"."""
        named = [
            value if name == "composer" else f"{name}={value}" for name, value in settings.items()
        ]
        return cls(name=" ".join(named), settings=settings)


# From what published systems use (docs/calibration.md); one more is a line.
ARMS: tuple[Arm, ...] = (
    Arm.of(composer="attention", base_ratio=0.1),
    Arm.of(composer="attention", base_ratio=0.3),
    Arm.of(composer="attention", base_ratio=0.5),
    Arm.of(composer="latent+attention", base_ratio=0.2, share=0.1),
    Arm.of(composer="latent+attention", base_ratio=0.2, share=0.1, window=0),
    Arm.of(composer="latent+attention", base_ratio=0.2, share=0.4),
    Arm.of(composer="latent", base_ratio=0.0),
    Arm.of(composer="latent", base_ratio=0.2),
)


def parse_arm(text: str) -> Arm:
    """An arm as the command line has it: "composer=attention,base_ratio=0.3".

    Raises:
        SettingsError: It is not of that form, or a setting cannot be.
    """
    settings: dict[str, Any] = {}
    for part in text.split(","):
        name, equals, value = (piece.strip() for piece in part.partition("="))
        if not equals:
            raise SettingsError(
                f"--arm {text!r:.80}: write NAME=VALUE,NAME=VALUE, as in "
                "composer=attention,base_ratio=0.3"
            )
        settings[name.replace("-", "_")] = value
    return Arm.of(**checked_settings(settings))


def arms_for(defaults: ModelDefaults, candidates: Iterable[Arm] = ARMS) -> tuple[Arm, ...]:
    """The model's own way first, then every candidate that differs from it and from the others.

    Raises:
        SettingsError: Nothing is left to compare, or there are too many.
    """
    drawn, arms = [defaults.model_dump()], [Arm(name=OWN)]
    for arm in candidates:
        values = {**drawn[0], **arm.settings}
        if values not in drawn:
            drawn.append(values)
            arms.append(arm)
    if not 1 < len(arms) <= MOST_ARMS:
        raise SettingsError(
            f"{len(arms) - 1} arms differ from what the model does: give 1 to {MOST_ARMS - 1}"
        )
    return tuple(arms)


def described(arms: Sequence[Arm], defaults: ModelDefaults) -> dict[str, str]:
    """What each arm is called in a table; the model's own with what it is."""
    own = defaults.model_dump()
    shown = {name: own[name] for name in ("composer", "base_ratio", "share")}
    return {
        arm.name: arm.name if arm.settings else f"{OWN}: {Arm.of(**shown).name}" for arm in arms
    }
