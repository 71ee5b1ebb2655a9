"""From a model's answer to a plan: safe faults are repaired, the others are reported."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

from rpg.chat.answers import NoAnswerError
from rpg.errors import PlanError
from rpg.planners.base import ModelNotes
from rpg.planners.llm import checks
from rpg.planners.llm.editing import edited
from rpg.planners.llm.parsed_answer import ParsedAnswer, ParsedRegion, Size, nested, parse_answer
from rpg.plans.geometry import Box
from rpg.plans.plan import MAX_REGIONS, Plan, Region
from rpg.plans.scene import Scene

_MOST_REASONING = 100_000
_UNASKED = ModelNotes(sizes=())


@dataclass(frozen=True, slots=True)
class PlanRequest:
    """The request: a plan of a prompt, or a change of the previous plan.

    Attributes:
        prompt: What the picture should show.
        source: The model's name.
        previous: The plan to change, if any.
        instruction: The change.
        notes: Of the model that will draw, where known.
    """

    prompt: str
    source: str
    previous: Plan | None = None
    instruction: str = ""
    notes: ModelNotes = _UNASKED


@dataclass(frozen=True, slots=True)
class Draft:
    """What came of one answer.

    Attributes:
        plan: None where nothing can be drawn.
        problems: Faults for the model to repair, a sentence each.
    """

    plan: Plan | None
    problems: tuple[str, ...] = ()

    @property
    def noted(self) -> Plan | None:
        """The plan, its reasoning telling what is still wrong with it."""
        if self.plan is None or not self.problems:
            return self.plan
        notes = "\n".join(
            filter(None, (self.plan.reasoning, *(f"Left: {one}" for one in self.problems)))
        )
        return self.plan.model_copy(update={"reasoning": notes[:_MOST_REASONING]})


def draft(text: str, request: PlanRequest) -> Draft:
    """The plan in an answer with what is wrong with it, or why there is none."""
    try:
        if request.previous is not None:
            return _changed(text, request, request.previous)
        return _planned(parse_answer(text, request.notes.sizes), request)
    except NoAnswerError as error:
        return Draft(None, error.problems)
    except PlanError as error:
        return Draft(None, (str(error),))


def _planned(answer: ParsedAnswer, request: PlanRequest) -> Draft:
    regions, problems = _drawable(answer.regions, answer.scene)
    if not (regions or answer.base_prompt or answer.scene != Scene()):
        problems.append("the answer says nothing of the picture: list its things and regions")
        return Draft(None, tuple(problems))
    canvas = answer.canvas
    plan = Plan(
        prompt=request.prompt,
        scene=answer.scene,
        regions=tuple(nested(regions)),
        base_prompt=answer.base_prompt[:8000],
        base_ratio=answer.base_ratio,
        negative=answer.negative[:8000],
        aspect=min(max(canvas[0] / canvas[1], 0.1), 10.0) if canvas else None,
        reasoning=answer.reasoning[:_MOST_REASONING],
        source=request.source[:200],
    )
    plan = _uncovered(plan)
    sizes = request.notes.sizes
    drawn_on = canvas or (sizes[0] if sizes else None)
    found = checks.faults(plan, drawn_on, request.notes.region_side)
    return Draft(plan, tuple(dict.fromkeys([*answer.problems, *problems, *found])))


def _drawable(
    regions: Sequence[ParsedRegion], scene: Scene
) -> tuple[list[ParsedRegion], list[str]]:
    """The regions that can be drawn, and what is wrong with the others."""
    problems = list[str]()
    if len(regions) > MAX_REGIONS:
        problems.append(f'"regions" has {len(regions)} items: give {MAX_REGIONS} at the most')
        regions = regions[:MAX_REGIONS]
    containers = {one.parent for one in regions}
    kept, lost = list[ParsedRegion](), dict[str, str]()
    for one in regions:
        if not one.prompt and one.id not in containers:
            problems.append(f'region "{one.id}" has an empty "prompt": say what it shows')
            one = replace(one, prompt=_said_of(one.shows, scene))  # noqa: PLW2901
        if isinstance(one.box, str):
            problems.append(f'the box of region "{one.id}" {one.box}')
        if isinstance(one.box, Box) and (one.prompt or one.id in containers):
            kept.append(one)
        else:
            lost[one.id] = one.parent
    return list(_adopted(kept, lost)), problems


def _adopted(regions: Sequence[ParsedRegion], lost: dict[str, str]) -> Iterator[ParsedRegion]:
    """The regions with the next parent that there is; containers of nothing are left out."""
    ids = {one.id for one in regions}
    moved = []
    for one in regions:
        parent = one.parent
        while parent in lost:
            parent = lost[parent]
        moved.append(replace(one, parent=parent if parent in ids else ""))
    parents = {one.parent for one in moved}
    yield from (one for one in moved if one.prompt or one.id in parents)


def _said_of(shows: Sequence[str], scene: Scene) -> str:
    things = [one for name in shows if (one := scene.thing(name))]
    return ", ".join(" ".join([*one.attributes[:3], one.name]) for one in things)


def _uncovered(plan: Plan) -> Plan:
    """The plan as listed; the largest region first where one would be hidden otherwise."""
    before = checks.hidden(plan)
    if not before:
        return plan
    sorted_plan = plan.model_copy(update={"regions": _by_area(plan.regions)})
    return sorted_plan if len(checks.hidden(sorted_plan)) < len(before) else plan


def _by_area(regions: Sequence[Region]) -> tuple[Region, ...]:
    inner = [one.model_copy(update={"children": _by_area(one.children)}) for one in regions]
    return tuple(sorted(inner, key=lambda region: -region.box.area))


def _changed(text: str, request: PlanRequest, before: Plan) -> Draft:
    """The plan after the edits; what was wrong with it before is not the model's fault."""
    canvas = _canvas_of(before, request.notes.sizes)
    change = edited(text, before, request.prompt, request.instruction, canvas)
    plan = change.plan.model_copy(
        update={"reasoning": change.reasoning[:_MOST_REASONING], "source": request.source[:200]}
    )
    side = request.notes.region_side
    old = set(checks.faults(before, canvas, side))
    new = [one for one in checks.faults(plan, canvas, side) if one not in old]
    return Draft(plan, (*change.problems, *new))


def _canvas_of(plan: Plan, sizes: Sequence[Size]) -> Size | None:
    """The canvas that a plan was made for."""
    if not sizes:
        return None
    aspect = plan.aspect
    if aspect is None:
        return sizes[0]
    return min(sizes, key=lambda size: abs(size[0] / size[1] - aspect))
