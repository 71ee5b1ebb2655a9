"""The answer schema of the vision-model critic, and its parser."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Annotated, Any, Literal, TypeVar

from pydantic import (
    AfterValidator,
    BeforeValidator,
    Field,
    ValidationError,
    ValidatorFunctionWrapHandler,
    WithJsonSchema,
    WrapValidator,
)

from rpg.chat.answers import MAX_ANSWER_CHARS, Answer, Line, NoAnswerError, clean, read_answer
from rpg.critique import Check
from rpg.planners.llm.schema import Edges

_BEST = 10
_MOST_SEEN = 300  # letters of what a model says it sees
_MOST_LISTED = 12  # faults that a model can heed at once
_SCORE = {"type": "integer", "minimum": 0, "maximum": _BEST}


def _number(value: Any) -> Any:
    """The number alone, of "8/10" and "8"; true and false are none."""
    if isinstance(value, bool):
        return None
    return value.split("/")[0].strip() if isinstance(value, str) else value


def _name(value: Any) -> Any:
    """A check's number or id as text: 3, "3", "#3" and "3." are the same."""
    text = str(value).strip().lstrip("#").rstrip(".") if isinstance(value, int | str) else value
    return None if isinstance(value, bool) else text


def _or_none(value: Any, read: ValidatorFunctionWrapHandler) -> Any:
    """A box that cannot be read is none: it is not to cost the score that it came with."""
    try:
        return read(value)
    except ValidationError:
        return None


Place = Annotated[Edges | None, WrapValidator(_or_none)]
Score = Annotated[
    float,
    BeforeValidator(_number),
    Field(ge=0, le=_BEST, allow_inf_nan=False),
    WithJsonSchema(_SCORE),
]
Name = Annotated[str, BeforeValidator(_name), WithJsonSchema({"type": "integer"})]


class Judgement(Answer):
    """How one check came out, by its number."""

    check: Name
    score: Score
    seen: Line = ""
    box: Place = None


class Change(Answer):
    """What should be different about the plan."""

    action: Literal["modify", "move", "add"]
    region: Line = ""
    prompt: Line = ""
    box: Place = None


class CloseUp(Answer):
    """The review of a part of the picture."""

    reasoning: Annotated[str, AfterValidator(clean)] = ""
    findings: list[Judgement]


class Review(CloseUp):
    """The review of a whole picture."""

    changes: list[Change] = []


class _Loose(Answer):
    """Either of them before its items are looked at: one bad item is not to cost the others."""

    findings: list[Any]
    changes: Any = None


@dataclass(frozen=True, slots=True)
class ParsedReview:
    """A parsed answer.

    Attributes:
        judgements: By the check's id; checks that were not asked about are left out.
        changes: Those in the form asked for.
        problems: What the model has to mend, a sentence each.
    """

    judgements: Mapping[str, Judgement] = field(default_factory=dict)
    changes: Sequence[Change] = ()
    problems: Sequence[str] = ()


def parse_review(text: str, checks: Sequence[Check]) -> ParsedReview:
    """Parses an answer; everything outside the schema is ignored."""
    try:
        answer = read_answer(text[:MAX_ANSWER_CHARS], _Loose, "findings")
    except NoAnswerError as error:
        return ParsedReview(problems=error.problems)
    numbers = {str(number): check.id for number, check in enumerate(checks, 1)}
    numbers |= {check.id: check.id for check in checks}
    judgements: dict[str, Judgement] = {}
    problems: list[str] = []
    for one in answer.findings:
        judged = _valid(one, Judgement)
        if isinstance(judged, str):
            problems.append(judged)
        elif judged.check in numbers:
            judgements.setdefault(numbers[judged.check], _short(judged))
    changes = answer.changes if isinstance(answer.changes, list) else []
    missing = [str(at) for at, check in enumerate(checks, 1) if check.id not in judgements]
    if missing:
        problems.append(f'"findings" leaves out check {", ".join(missing)}: give each a score')
    return ParsedReview(judgements, list(_changes(changes)), problems[-_MOST_LISTED:])


T = TypeVar("T", bound=Answer)


def _valid(value: Any, kind: type[T]) -> T | str:
    """The item, or what is wrong with it."""
    try:
        return kind.model_validate(value)
    except ValidationError as error:
        fault = error.errors(include_url=False, include_input=False)[0]
        place = ".".join(str(step) for step in fault["loc"])
        name = value.get("check") if isinstance(value, dict) else None
        which = f"the finding of check {name}" if isinstance(name, int | str) else "a finding"
        return f"{which[:60]}: {place}: {fault['msg']}"


def _changes(values: Sequence[Any]) -> Iterator[Change]:
    for value in values:
        change = _valid(value, Change)
        if isinstance(change, Change):
            yield change


def _short(judgement: Judgement) -> Judgement:
    return judgement.model_copy(update={"seen": judgement.seen[:_MOST_SEEN]})
