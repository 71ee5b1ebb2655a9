"""Plans to instruct upon, and short ways to look at what comes of it."""

from __future__ import annotations

from rpg.planners import RulePlanner
from rpg.planners.rules.commands.interpreter import follow
from rpg.plans.edits import apply
from rpg.plans.geometry import Box
from rpg.plans.plan import Plan, Region
from rpg.plans.wording import worded

PROMPTS = {
    "pair": "a red star left of a blue circle",
    "village": "a house and a tree",
    "sky": "three red stars and a blue moon in a forest",
    "nested": "a cat in front of a house, a dog inside a box",
    "painting": "an oil painting of a fox and a rabbit in a garden at sunset",
    "beach": "a man with a red hat and a woman on the beach",
    "castle": "a castle with a mountain in the background",
    "row": "from left to right a cat, a dog, a bird and a fish",
}
PLANS = {name: RulePlanner().plan(prompt) for name, prompt in PROMPTS.items()}


def told(name: str, instruction: str) -> Plan:
    """The named plan after the instruction."""
    plan = PLANS[name]
    return RulePlanner().plan(plan.prompt, previous=plan, instruction=instruction)


def regions(plan: Plan) -> dict[str, Region]:
    """Every region by id."""
    return {region.id: region for region in plan.layers()}


def prompts(plan: Plan) -> dict[str, str]:
    """What every region is drawn from, by its id."""
    return dict(zip(regions(plan), worded(plan).regions, strict=True))


def box(plan: Plan, name: str) -> Box:
    return regions(plan)[name].box


def disjoint(plan: Plan) -> bool:
    """Whether no two regions side by side share more than an edge."""
    boxes = [region.box for region in plan.regions]
    return not any(
        (common := a.intersection(b)) and min(common.width, common.height) > 1e-6
        for at, a in enumerate(boxes)
        for b in boxes[at + 1 :]
    )


def follows(plan: Plan, instruction: str) -> Plan:
    """The plan after the instruction's edits."""
    return apply(plan, follow(plan, instruction).edits)
