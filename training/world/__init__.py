"""The world of the next Toybox: what it will draw, how that is said, and the judge of it.

It is larger than the world of the model that is bundled now (`rpg.toybox`), whose place it takes
once a model of it is trained.
"""

from __future__ import annotations

from training.world.vocabulary import (
    COLOURS,
    FILLS,
    PLACES,
    THINGS,
    describe_world,
    unknown_words,
)

__all__ = ["COLOURS", "FILLS", "PLACES", "THINGS", "describe_world", "unknown_words"]
