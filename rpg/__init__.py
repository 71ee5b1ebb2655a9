"""RPG: recaption, plan and generate. Regional text-to-image on stock diffusers pipelines.

    from rpg import RPGPipeline

    rpg = RPGPipeline.from_pretrained()
    rpg("a red star above a blue circle at night", seed=7).images[0]

Importing this package loads neither torch nor diffusers: each name below is fetched when it is
first used.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from rpg import errors
from rpg._lazy import fetching

if TYPE_CHECKING:
    from rpg.batch import Work
    from rpg.critics import (
        Check,
        Critic,
        Critique,
        Finding,
        ToyboxCritic,
        VLMCritic,
        VotingCritic,
        compile_checks,
        critic_named,
    )
    from rpg.diffusion import regional
    from rpg.pipeline import RPGPipeline
    from rpg.planners import LLMPlanner, RulePlanner
    from rpg.plans.geometry import Box
    from rpg.plans.plan import Plan, Region
    from rpg.plans.scene import Relation, Scene, Thing
    from rpg.session import Session, Sessions

__version__ = "0.1.0"

__all__ = [
    "Box",
    "Check",
    "Critic",
    "Critique",
    "Finding",
    "LLMPlanner",
    "Plan",
    "RPGPipeline",
    "Region",
    "Relation",
    "RulePlanner",
    "Scene",
    "Session",
    "Sessions",
    "Thing",
    "ToyboxCritic",
    "VLMCritic",
    "VotingCritic",
    "Work",
    "compile_checks",
    "critic_named",
    "errors",
    "regional",
]

_HOMES = {
    "Box": "rpg.plans.geometry",
    "Check": "rpg.critics",
    "Critic": "rpg.critics",
    "Critique": "rpg.critics",
    "Finding": "rpg.critics",
    "LLMPlanner": "rpg.planners",
    "Plan": "rpg.plans.plan",
    "RPGPipeline": "rpg.pipeline",
    "Region": "rpg.plans.plan",
    "Relation": "rpg.plans.scene",
    "RulePlanner": "rpg.planners",
    "Scene": "rpg.plans.scene",
    "Session": "rpg.session",
    "Sessions": "rpg.session",
    "Thing": "rpg.plans.scene",
    "ToyboxCritic": "rpg.critics",
    "VLMCritic": "rpg.critics",
    "VotingCritic": "rpg.critics",
    "Work": "rpg.batch",
    "compile_checks": "rpg.critics",
    "critic_named": "rpg.critics",
    "regional": "rpg.diffusion",
}

__getattr__, __dir__ = fetching(__name__, _HOMES)
