"""From what a model said to a plan: what is safe is mended, the rest is told."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from rpg.chat.answers import NoAnswerError
from rpg.errors import PlanError
from rpg.planners.llm import checks
from rpg.planners.llm.editing import kept
from rpg.planners.llm.heard import Heard, Spot, hear
from rpg.plans.plan import MAX_PROMPT_CHARS, MAX_REGIONS, Plan, Region

_MOST_REASONING = 100_000


@dataclass(frozen=True, slots=True)
class Wanted:
    """What was asked for: a plan of the prompt, or a change of the plan before; and of whom."""

    prompt: str
    source: str
    previous: Plan | None = None
    instruction: str = ""


@dataclass(frozen=True, slots=True)
class Draft:
    """What came of one answer.

    Attributes:
        plan: None where no plan can be made of it.
        problems: What the model has to mend, a sentence each; where there is a plan, what it might.
    """

    plan: Plan | None
    problems: tuple[str, ...] = ()


def draft(text: str, wanted: Wanted) -> Draft:
    """The plan in an answer, or why there is none."""
    try:
        heard = hear(text, wanted.previous)
        if problems := tuple(_faults(heard)):
            return Draft(None, problems)
        return _judged(heard, wanted)
    except NoAnswerError as error:
        return Draft(None, error.problems)
    except PlanError as error:
        return Draft(None, (str(error),))


def _faults(heard: Heard) -> Iterator[str]:
    """What keeps a region from being drawn."""
    if not 1 <= len(heard.spots) <= MAX_REGIONS:
        yield f'"regions" has {len(heard.spots)} items: give 1 to {MAX_REGIONS}'
        return
    for spot in heard.spots:
        if not spot.prompt:
            yield f'region "{spot.id}" has an empty "prompt": say what it shows'
        if isinstance(spot.box, str):
            yield f'the box of region "{spot.id}" {spot.box}'


def _judged(heard: Heard, wanted: Wanted) -> Draft:
    """The plan, unless it says one thing and shows another."""
    prompt = wanted.prompt if wanted.previous is None else ""  # else it may say what is no more
    shown = [checks.Shown(spot.shows, spot.prompt) for spot in heard.spots]
    regions = _painted([_region(spot) for spot in heard.spots])
    problems = [
        *checks.contradictions(heard.entities, shown, prompt),
        *_unseen(regions),
    ]
    if problems:
        return Draft(None, tuple(problems))
    missing = checks.left_out(heard.entities, shown, prompt)
    return Draft(
        _plan(heard, wanted, regions, missing),
        (*_asked_about(missing), *_strangers(regions, wanted.previous)),
    )


def _region(spot: Spot) -> Region:
    if isinstance(spot.box, str):
        raise PlanError(f"the box of region {spot.id!r} {spot.box}")
    return Region(id=spot.id, prompt=spot.prompt, box=spot.box)


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


def _plan(heard: Heard, wanted: Wanted, regions: Sequence[Region], missing: Sequence[str]) -> Plan:
    """With the prompt itself under the regions where they leave something out."""
    before = wanted.previous
    notes = [heard.reasoning[:_MOST_REASONING]]
    if missing:
        notes.append(f"In no region of its own, but in the base prompt: {', '.join(missing)}.")
    base = wanted.prompt if missing else heard.base_prompt
    return Plan(
        prompt=wanted.prompt if before is None else _changed_prompt(heard, wanted),
        regions=kept(regions, before) if before is not None else tuple(regions),
        base_prompt=base or (before.effective_base_prompt if before else wanted.prompt),
        base_ratio=_ratio(heard.base_ratio),
        negative=heard.negative,
        reasoning="\n".join(filter(None, notes)),
        source=wanted.source[:200],
    )


def _changed_prompt(heard: Heard, wanted: Wanted) -> str:
    """What asks for the changed picture: else whoever checks it would undo the change."""
    both = f"{wanted.prompt}; {wanted.instruction}"
    return heard.prompt or (both if len(both) <= MAX_PROMPT_CHARS else wanted.prompt)


def _ratio(said: float | None) -> float | None:
    """A share from 0 to 1; percent are understood, nonsense leaves it to the sampler."""
    if said is not None and 0 <= said <= 1:
        return said
    return said / 100 if said is not None and 5 <= said <= 100 else None


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
