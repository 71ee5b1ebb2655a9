"""Which composer acts in which step."""

from __future__ import annotations

import enum
from dataclasses import dataclass
from typing import Literal, get_args

from rpg.errors import SettingsError

__all__ = ["Composer", "CompositionMode", "Schedule"]

Composer = Literal["latent+attention", "latent", "attention"]
DEFAULT_LATENT_FRACTION = 0.4
_MOST_EARLY = 0.4  # up to which no patches of another tone were seen: docs/regional.md


class CompositionMode(enum.Enum):
    """What regions do in one step."""

    PLAIN = "plain"
    LATENT = "latent"
    ATTENTION = "attention"


@dataclass(frozen=True)
class Schedule:
    """The steps in which regions act, and how.

    Attributes:
        composer: "attention" (regions in cross-attention), "latent" (every region its own latent)
            or "latent+attention" (latents first, attention after).
        start: share of the steps after which regions begin to act, 0 to 1.
        stop: share of the steps after which they stop, above `start`, at most 1.
        latent_fraction: share of the regional steps that "latent+attention" composes by latents,
            0 to 1.

    Raises:
        SettingsError: a number is out of its range, or the composer is unknown; settings are
            called as `regional` calls them.
    """

    composer: Composer = "latent+attention"
    start: float = 0.0
    stop: float = 1.0
    latent_fraction: float = DEFAULT_LATENT_FRACTION

    def __post_init__(self) -> None:
        """Check the ranges."""
        if self.composer not in get_args(Composer):
            named = ", ".join(get_args(Composer))
            raise SettingsError(f"composer {self.composer!r}: one of {named}")
        check_range("start", self.start)
        check_range("end", self.stop)
        check_range("share", self.latent_fraction)
        if self.start >= self.stop:
            raise SettingsError(f"start {self.start} must be less than end {self.stop}")

    @property
    def settles_later(self) -> bool:
        """Whether attention over the whole canvas evens out what latents left between regions."""
        return self.composer == "latent+attention" and self.latent_fraction <= _MOST_EARLY

    def mode(self, step: int, steps: int) -> CompositionMode:
        """The mode of `step`, counted from 0, of `steps`."""
        first, last = round(self.start * steps), round(self.stop * steps)
        if not first <= step < last:
            return CompositionMode.PLAIN
        if self.composer == "attention":
            return CompositionMode.ATTENTION
        latent = round(self.latent_fraction * (last - first))
        if self.composer == "latent" or step < first + latent:
            return CompositionMode.LATENT
        return CompositionMode.ATTENTION


def check_range(name: str, value: float, most: float = 1) -> None:
    """Refuse what is not from 0 to `most`.

    Raises:
        SettingsError: it is not.
    """
    if not 0 <= value <= most:
        raise SettingsError(f"{name} is {value}: must be from 0 to {most}")
