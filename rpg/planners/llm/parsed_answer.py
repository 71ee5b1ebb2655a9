"""A model's answer, parsed from JSON or from the official text form: ids that exist, boxes."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from rpg.chat.answers import NoAnswerError, clean, one_line, read_answer
from rpg.errors import PlanError
from rpg.planners.llm.boxes import fitted
from rpg.planners.llm.schema import EditedPlanAnswer, PlanAnswer, RegionAnswer
from rpg.planners.llm.things import (
    Names,
    distinct,
    is_none,
    read_absent,
    read_relations,
    read_things,
)
from rpg.plans import rpg_text
from rpg.plans.geometry import Box
from rpg.plans.plan import Region
from rpg.plans.scene import Scene

Size = tuple[int, int]


@dataclass(frozen=True, slots=True)
class ParsedRegion:
    """A region of an answer; `box` is an error message where the box is invalid."""

    id: str
    shows: tuple[str, ...]
    prompt: str
    box: Box | str
    parent: str = ""


@dataclass(frozen=True, slots=True)
class ParsedAnswer:
    """A plan as answered, its regions from back to front, each with a unique id.

    Attributes:
        problems: What could not be read as it stands, a sentence each; it was read as well as
            could be.
    """

    regions: Sequence[ParsedRegion]
    scene: Scene = field(default_factory=Scene)
    reasoning: str = ""
    base_prompt: str = ""
    base_ratio: float | None = None
    negative: str = ""
    canvas: Size | None = None
    problems: tuple[str, ...] = ()


def parse_answer(text: str, sizes: Sequence[Size] = ()) -> ParsedAnswer:
    """Parses a plan.

    Args:
        text: The answer.
        sizes: The canvases that the model could choose from.

    Raises:
        NoAnswerError: It is neither JSON of a plan nor the official form.
    """
    try:
        return parsed(read_answer(text, EditedPlanAnswer, "regions"), sizes)
    except NoAnswerError as error:
        if "split ratio" not in text.lower():
            raise
        return _from_text(text, error.problems)


def parsed(
    answer: PlanAnswer, sizes: Sequence[Size] = (), known: Scene | None = None
) -> ParsedAnswer:
    """What an answer in JSON says.

    Args:
        answer: As the model says it.
        sizes: The canvases that it could choose from.
        known: The scene of a plan that is changed: its things need not be said again.
    """
    known = known or Scene()
    canvas = canvas_of(answer.canvas, sizes)
    drawn_on = canvas or (sizes[0] if sizes else None)
    boxes = fitted([region.box for region in answer.regions], drawn_on)
    ids = region_ids(answer.regions)
    shown = {name: region.shows[0] for name, region in zip(ids, answer.regions, strict=True)
             if region.shows}  # fmt: skip
    read = read_things(answer.things, known.things, shown)
    problems = list(read.problems)
    things_said = bool(answer.things or known.things)
    regions = []
    for name, region, box in zip(ids, answer.regions, boxes, strict=True):
        shows, strangers = shown_things(region.shows, read.names)
        if things_said:
            problems += [f'region "{name}" shows "{one[:60]}", which is no thing\'s id'
                         for one in strangers]  # fmt: skip
        parent, complaint = _parent(name, region.parent, ids)
        problems += complaint
        regions.append(ParsedRegion(name, shows, region.prompt, box, parent))
    if (
        answer.regions
        and not answer.things
        and "things" in answer.model_fields_set
        and not known.things
    ):
        problems.append('"things" is empty: list the things that the regions show')
    relations, complaints = read_relations(answer.relations, read.names)
    scene = Scene(
        setting="" if is_none(answer.setting) else answer.setting[:MAX_PHRASE],
        style="" if is_none(answer.style) else answer.style[:MAX_PHRASE],
        things=tuple(read.names.things.values()),
        relations=relations,
        absent=read_absent([*answer.absent, *read.absent]),
    )
    return ParsedAnswer(
        _acyclic(regions),
        scene,
        answer.reasoning.strip(),
        answer.base_prompt,
        answer.base_ratio,
        answer.negative,
        canvas,
        tuple(dict.fromkeys([*problems, *complaints])),
    )


MAX_PHRASE = 8000


def region_ids(regions: Sequence[RegionAnswer]) -> list[str]:
    """An id for each region: its own, else of what it shows, with a number where taken."""
    given: list[str] = []
    for region in regions:
        given.append(distinct(region.id or next(iter(region.shows), "region"), given))
    return given


def shown_things(shows: Sequence[str], names: Names) -> tuple[tuple[str, ...], list[str]]:
    """Ids of what a region shows, and what is no thing; that becomes one."""
    ids: dict[str, None] = {}
    strangers = []
    for text in shows[:64]:
        found = names.find(text)
        if found is None:
            strangers.append(text)
            found = names.add(text)
        ids[found] = None
    return tuple(ids), strangers


def _parent(name: str, asked: str, ids: Sequence[str]) -> tuple[str, list[str]]:
    if not asked or asked.lower() in ("null", "none", "canvas", "root"):
        return "", []
    if asked in ids and asked != name:
        return asked, []
    return "", [f'region "{name}" has the parent "{asked[:60]}", which is no other region\'s id']


def _acyclic(regions: Sequence[ParsedRegion]) -> list[ParsedRegion]:
    """The regions without parents that stand inside of themselves."""
    parents = {region.id: region.parent for region in regions}
    return [
        ParsedRegion(one.id, one.shows, one.prompt, one.box, _sound(one.id, parents))
        for one in regions
    ]


def _sound(name: str, parents: Mapping[str, str], deepest: int = 6) -> str:
    above = parents[name]
    for _ in range(deepest):
        if not above:
            return parents[name]
        above = parents[above]
    parents[name] = ""  # type: ignore[index]
    return ""


def canvas_of(text: str, sizes: Sequence[Size]) -> Size | None:
    """The canvas that an answer means, "1024x768" or "16:9"; None where it chose none."""
    numbers = [int(one) for one in "".join(
        letter if letter.isascii() and letter.isdigit() else " " for letter in text[:40]
    ).split()]  # fmt: skip
    if len(sizes) < 2 or len(numbers) != 2 or not all(0 < number < 10**6 for number in numbers):
        return None
    width, height = numbers
    if (width, height) in sizes:
        return width, height
    return min(sizes, key=lambda size: abs(size[0] * height - size[1] * width) / (size[1] * height))


def nested(regions: Sequence[ParsedRegion], parent: str = "") -> Iterator[Region]:
    """The regions as a plan has them: what has a parent stands in it.

    Raises:
        PlanError: A region has neither subprompt nor children, or one is too long.
    """
    for one in regions:
        if one.parent == parent and isinstance(one.box, Box):
            inner = tuple(nested(regions, one.id))
            yield Region(id=one.id, shows=one.shows, prompt=one.prompt, box=one.box, children=inner)


def _from_text(text: str, problems: tuple[str, ...]) -> ParsedAnswer:
    try:
        plan = rpg_text.read(text)
    except PlanError as error:
        raise NoAnswerError(*problems, str(error)) from None
    regions = [
        ParsedRegion(region.id, (), one_line(region.prompt), region.box) for region in plan.regions
    ]
    return ParsedAnswer(regions, reasoning=clean(plan.reasoning).strip())
