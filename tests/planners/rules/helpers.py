"""Plans made by rules, and how their regions stand: written without the planner's own geometry."""

from __future__ import annotations

from rpg.planners.rules import RulePlanner
from rpg.plans.plan import Plan, Region
from rpg.plans.wording import worded


def plan_of(prompt: str) -> Plan:
    return RulePlanner().plan(prompt)


def prompts_of(prompt: str) -> list[str]:
    """What every region is drawn from, in the order of painting."""
    return list(worded(plan_of(prompt)).regions)


def drawn(plan: Plan) -> list[Region]:
    """Every region with the text that it is drawn from for its prompt, in painting order."""
    pairs = zip(plan.layers(), worded(plan).regions, strict=True)
    return [region.model_copy(update={"prompt": text}) for region, text in pairs]


def ordered(prompt: str) -> list[str]:
    """Every subprompt, row by row from the top, each row from the left."""
    regions = sorted(drawn(plan_of(prompt)), key=lambda r: (r.box.center[1], r.box.center[0]))
    return [region.prompt for region in regions]


def only(plan: Plan, words: str) -> Region:
    """The one region whose subprompt has the words."""
    found = [region for region in drawn(plan) if words in region.prompt]
    assert len(found) == 1, f"{words!r}: {[region.prompt for region in plan.layers()]}"
    return found[0]


def stands(a: Region, where: str, b: Region) -> bool:
    """Whether a is left, right, above, below, beside, in front, behind, or inside of b."""
    (ax, ay), (bx, by) = a.box.center, b.box.center
    common = a.box.intersection(b.box)
    overlap = common.area if common else 0.0
    match where:
        case "left":
            return ax < bx
        case "right":
            return ax > bx
        case "above":
            return ay < by
        case "below":
            return ay > by
        case "beside":
            level = abs(ax - bx) > abs(ay - by)
            gap = max(a.box.x0, b.box.x0) - min(a.box.x1, b.box.x1)
            return level and overlap < 1e-9 and gap < 0.1
        case "front":
            return a.z > b.z and 0 < overlap < b.box.area
        case "behind":
            return stands(b, "front", a)
        case "inside":
            return overlap > 0.999 * a.box.area and a.box.area < b.box.area
    raise AssertionError(where)
