"""A model's answer, parsed from JSON or from the official text form."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from rpg.chat.answers import NoAnswerError, clean, one_line, read_answer
from rpg.errors import PlanError
from rpg.planners.llm.boxes import fitted
from rpg.planners.llm.schema import EditAnswer, EntityAnswer
from rpg.plans import rpg_text
from rpg.plans.geometry import Box
from rpg.plans.plan import Plan

_MOST_ID = 90  # letters, so that a number fits behind


@dataclass(frozen=True, slots=True)
class ParsedRegion:
    """A region of an answer; `box` is an error message where the box is invalid."""

    id: str
    shows: Sequence[str]
    prompt: str
    box: Box | str


@dataclass(frozen=True, slots=True)
class ParsedAnswer:
    """A plan as answered, its regions from back to front, each with a unique id."""

    regions: Sequence[ParsedRegion]
    entities: Sequence[EntityAnswer] = ()
    reasoning: str = ""
    base_prompt: str = ""
    base_ratio: float | None = None
    negative: str = ""
    prompt: str = ""


def parse_answer(text: str, previous: Plan | None) -> ParsedAnswer:
    """Parses an answer; regions of the official form take their ids from `previous`.

    Raises:
        NoAnswerError: It is neither JSON of a plan nor the official form.
    """
    try:
        return _from_json(read_answer(text, EditAnswer, "regions"))
    except NoAnswerError as error:
        if "split ratio" not in text.lower():
            raise
        return _from_text(text, previous, error.problems)


def _from_json(answer: EditAnswer) -> ParsedAnswer:
    boxes = fitted([region.box for region in answer.regions])
    request = [region.id or next(iter(region.shows), "region") for region in answer.regions]
    return ParsedAnswer(
        [
            ParsedRegion(name, region.shows, region.prompt, box)
            for name, region, box in zip(_distinct(request), answer.regions, boxes, strict=True)
        ],
        answer.entities,
        answer.reasoning.strip(),
        answer.base_prompt,
        answer.base_ratio,
        answer.negative,
        answer.prompt,
    )


def _from_text(text: str, previous: Plan | None, problems: tuple[str, ...]) -> ParsedAnswer:
    try:
        plan = rpg_text.read(text)
    except PlanError as error:
        raise NoAnswerError(*problems, str(error)) from None
    known = previous.layers() if previous is not None else ()
    by_words = {one_line(region.prompt): region.id for region in known}
    by_box = {region.box: region.id for region in known}
    request = [
        by_words.get(one_line(region.prompt)) or by_box.get(region.box) or region.id
        for region in plan.regions
    ]
    regions = [
        ParsedRegion(name, (), one_line(region.prompt), region.box)
        for name, region in zip(_distinct(request), plan.regions, strict=True)
    ]
    return ParsedAnswer(regions, reasoning=clean(plan.reasoning).strip())


def _distinct(names: Sequence[str]) -> list[str]:
    """The names, with -2, -3... behind those that occur again."""
    given: dict[str, None] = {}
    for name in names:
        short = name[:_MOST_ID].strip() or "region"
        free = (f"{short}-{number}" if number > 1 else short for number in range(1, len(names) + 1))
        given[next(one for one in free if one not in given)] = None
    return list(given)
