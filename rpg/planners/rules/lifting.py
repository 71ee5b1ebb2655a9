"""Plans without a scene, such as those of version 1, get one: read from their subprompts."""

from __future__ import annotations

from collections.abc import Iterable

from rpg.language.grammar.styles import split_style
from rpg.language.scene_graph.parser import parse_prompt
from rpg.planners.rules.commands.text.setting_phrases import settings_in, without
from rpg.planners.rules.scene import count_of, free_id, thing_of
from rpg.planners.weights import PlainRequest
from rpg.plans.plan import Plan, Region
from rpg.plans.scene import Thing, joined
from rpg.plans.wording import worded

__all__ = ["lifted"]


def lifted(plan: Plan) -> Plan:
    """The plan with what all its subprompts share as its setting and style, and with its things.

    What regions are drawn from stays to the letter; where it would not, they keep their words and
    things alone are read. A plan that has things or no regions is returned itself.
    """
    if plan.scene.things or not plan.layers():
        return plan
    asked = PlainRequest(plan.prompt, plan)
    plain = plan.unweighted()
    made = asked.weighted(_with_ends(plain, *_ends(plain)))
    same = worded(made).regions == worded(plan).regions
    return made if same else asked.weighted(_with_ends(plain, [], []))


def _with_ends(plan: Plan, setting: list[str], style: list[str]) -> Plan:
    """The plan with its things, and with setting and style out of its subprompts."""
    things: list[Thing] = []
    regions = tuple(_lifted(one, setting, style, "", things) for one in plan.regions)
    scene = plan.scene.model_copy(
        update={
            "setting": plan.scene.setting or joined("", *setting),
            "style": plan.scene.style or ", ".join(style),
            "things": tuple(things),
        }
    )
    return plan.model_copy(update={"scene": scene, "regions": regions})


def _ends(plan: Plan) -> tuple[list[str], list[str]]:
    """What there is of settings and styles; none where the plan has told them itself."""
    if plan.scene.setting or plan.scene.style:
        return [], []
    prompts = [region.prompt for region in plan.layers()]
    return _shared(map(settings_in, prompts)), _shared(split_style(each)[1] for each in prompts)


def _shared(lists: Iterable[Iterable[str]]) -> list[str]:
    """What is in every one of the lists, in the first one's order."""
    first, *others = [tuple(each) for each in lists]
    return [each for each in first if all(each in some for some in others)]


def _lifted(
    region: Region, setting: list[str], style: list[str], owner: str, things: list[Thing]
) -> Region:
    """The region with its own words alone; `things` gets what it shows."""
    content, styles = split_style(region.prompt)
    text = region.prompt
    if style and set(style) <= set(styles):
        text = ", ".join([content.strip(" ,."), *(one for one in styles if one not in style)])
    text = without(text, setting) or region.prompt
    thing = _thing(text, owner, things)
    children = tuple(
        _lifted(one, setting, style, thing or owner, things) for one in region.children
    )
    shows = (thing,) if thing else ()
    return region.model_copy(update={"prompt": text, "shows": shows, "children": children})


def _thing(text: str, owner: str, things: list[Thing]) -> str:
    """The id of what a subprompt is about; empty where it is about nothing."""
    entities = parse_prompt(text).entities if text else []
    if not entities or not entities[0].noun:
        return ""
    first = entities[0]
    new = thing_of(first, free_id(first.head, [one.id for one in things]), count_of(first), owner)
    for at, one in enumerate(things):
        if one.model_copy(update={"id": new.id, "count": new.count}) == new:
            both = one.count + new.count if one.count and new.count else None
            things[at] = one.model_copy(update={"count": both})
            return one.id
    things.append(new)
    return new.id
