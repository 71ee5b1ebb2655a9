"""From a model's answer to a plan: safe faults are repaired, the others are reported."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from rpg.chat.answers import NoAnswerError
from rpg.errors import PlanError
from rpg.planners.llm import checks
from rpg.planners.llm.editing import merged
from rpg.planners.llm.parsed_answer import ParsedAnswer, ParsedRegion, parse_answer
from rpg.plans.plan import MAX_PROMPT_CHARS, MAX_REGIONS, Plan, Region

_MOST_REASONING = 100_000


@dataclass(frozen=True, slots=True)
class PlanRequest:
    """The request: a plan of a prompt, or a change of the previous plan; and the model's name."""

    prompt: str
    source: str
    previous: Plan | None = None
    instruction: str = ""


@dataclass(frozen=True, slots=True)
class Draft:
    """What came of one answer.

    Attributes:
        plan: None where no plan can be made of it.
        problems: Faults for the model to repair, a sentence each; with a plan, possible ones.
    """

    plan: Plan | None
    problems: tuple[str, ...] = ()


def draft(text: str, request: PlanRequest) -> Draft:
    """The plan in an answer, or why there is none."""
    try:
        parsed = parse_answer(text, request.previous)
        if problems := tuple(_faults(parsed)):
            return Draft(None, problems)
        return _judged(parsed, request)
    except NoAnswerError as error:
        return Draft(None, error.problems)
    except PlanError as error:
        return Draft(None, (str(error),))


def _faults(parsed: ParsedAnswer) -> Iterator[str]:
    """What keeps a region from being drawn."""
    if not 1 <= len(parsed.regions) <= MAX_REGIONS:
        yield f'"regions" has {len(parsed.regions)} items: give 1 to {MAX_REGIONS}'
        return
    for region in parsed.regions:
        if not region.prompt:
            yield f'region "{region.id}" has an empty "prompt": say what it shows'
        if isinstance(region.box, str):
            yield f'the box of region "{region.id}" {region.box}'


def _judged(parsed: ParsedAnswer, request: PlanRequest) -> Draft:
    """The plan, unless it says one thing and shows another."""
    prompt = request.prompt if request.previous is None else ""  # else it may say what is no more
    shown = [checks.Shown(region.shows, region.prompt) for region in parsed.regions]
    regions = _painted([_region(region) for region in parsed.regions])
    problems = [
        *checks.contradictions(parsed.entities, shown, prompt),
        *_unseen(regions),
    ]
    if problems:
        return Draft(None, tuple(problems))
    missing = checks.left_out(parsed.entities, shown, prompt)
    return Draft(
        _plan(parsed, request, regions, missing),
        (*_asked_about(missing), *_strangers(regions, request.previous)),
    )


def _region(region: ParsedRegion) -> Region:
    if isinstance(region.box, str):
        raise PlanError(f"the box of region {region.id!r} {region.box}")
    return Region(id=region.id, prompt=region.prompt, box=region.box)


def _painted(regions: list[Region]) -> list[Region]:
    """The regions as listed; the largest first where one would be hidden otherwise."""
    if not checks.hidden([region.box for region in regions]):
        return regions
    return sorted(regions, key=lambda region: -region.box.area)


def _unseen(regions: Sequence[Region]) -> Iterator[str]:
    for place in checks.hidden([region.box for region in regions]):
        yield (
            f'region "{regions[place].id}" cannot be seen: regions listed after it cover it; give '
            "every region a place of its own"
        )


def _plan(
    parsed: ParsedAnswer, request: PlanRequest, regions: Sequence[Region], missing: Sequence[str]
) -> Plan:
    """With the prompt itself under the regions where they leave something out."""
    before = request.previous
    notes = [parsed.reasoning[:_MOST_REASONING]]
    if missing:
        notes.append(f"In no region of its own, but in the base prompt: {', '.join(missing)}.")
    base = request.prompt if missing else parsed.base_prompt
    return Plan(
        prompt=request.prompt if before is None else _changed_prompt(parsed, request),
        regions=merged(regions, before) if before is not None else tuple(regions),
        base_prompt=base or (before.effective_base_prompt if before else request.prompt),
        base_ratio=_ratio(parsed.base_ratio),
        negative=parsed.negative,
        reasoning="\n".join(filter(None, notes)),
        source=request.source[:200],
    )


def _changed_prompt(parsed: ParsedAnswer, request: PlanRequest) -> str:
    """What asks for the changed picture: else whoever checks it would undo the change."""
    both = f"{request.prompt}; {request.instruction}"
    return parsed.prompt or (both if len(both) <= MAX_PROMPT_CHARS else request.prompt)


def _ratio(value: float | None) -> float | None:
    """A share from 0 to 1; percent are understood, nonsense leaves it to the sampler."""
    if value is not None and 0 <= value <= 1:
        return value
    return value / 100 if value is not None and 5 <= value <= 100 else None


def _asked_about(missing: Sequence[str]) -> Iterator[str]:
    if missing:
        yield (
            f"the prompt names these, but no region shows them: {', '.join(missing)}; give each a "
            "region, unless it is part of another thing: then name it in that thing's subprompt"
        )


def _strangers(regions: Sequence[Region], previous: Plan | None) -> Iterator[str]:
    known = {region.id for region in previous.layers()} if previous else set()
    if known and not known & {region.id for region in regions}:
        yield 'no region has an "id" of the plan before: keep the ids of those that stay'
