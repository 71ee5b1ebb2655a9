"""RPG: recaption, plan and generate. Regional text-to-image on stock diffusers pipelines.

    from rpg import RPGPipeline

    rpg = RPGPipeline.from_pretrained()
    rpg("a red star above a blue circle at night", seed=7).images[0]

Importing this package loads neither torch nor diffusers: each name below is fetched when it is
first used.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

from rpg import errors

if TYPE_CHECKING:
    from rpg.diffusion import regional
    from rpg.geometry import Box
    from rpg.pipeline import RPGPipeline
    from rpg.plan import Plan, Region
    from rpg.planners import LLMPlanner, RulePlanner

__version__ = "0.1.0"

__all__ = [
    "Box",
    "LLMPlanner",
    "Plan",
    "RPGPipeline",
    "Region",
    "RulePlanner",
    "errors",
    "regional",
]

_HOMES = {
    "Box": "rpg.geometry",
    "LLMPlanner": "rpg.planners",
    "Plan": "rpg.plan",
    "RPGPipeline": "rpg.pipeline",
    "Region": "rpg.plan",
    "RulePlanner": "rpg.planners",
    "regional": "rpg.diffusion",
}


def __getattr__(name: str) -> Any:
    """Fetch a public name from its module and keep it (PEP 562)."""
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    value = getattr(import_module(_HOMES[name]), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    """What there is, also what has not been fetched yet."""
    return sorted({*globals(), *__all__})
