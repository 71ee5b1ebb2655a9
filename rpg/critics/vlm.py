"""The critic that asks a vision model."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from rpg import prompts
from rpg.chat.answers import clean, json_schema, one_line
from rpg.chat.base import ChatModel, Message
from rpg.critics._answers import Change, CloseUp, Judgement, ParsedReview, Review, parse_review
from rpg.critics._crops import CloseUps, close_ups, whole
from rpg.critics._proposals import accepted
from rpg.critics.checks import compile_checks
from rpg.critics.choice import CriticChoice
from rpg.critique import Check, Critique, Finding
from rpg.errors import ChatAccessError, ChatError, ChatImageError
from rpg.planners.llm.boxes import fitted
from rpg.planners.llm.editing import plan_as_answer
from rpg.plans.geometry import Box

if TYPE_CHECKING:
    from PIL.Image import Image

    from rpg.plans.plan import Plan

__all__ = ["CHOICE", "VLMCritic"]

_BEST = 10
_MOST_QUOTED = 20_000  # letters of a bad answer that are said back
_KNOWS = "The model that drew it knows few words. {}"
_TRIED = "Tried so far, in vain:\n{}"
_SHOWN = "Here is the picture. Check it."
_BLIND = (
    "The picture cannot be shown to you. Check the plan in its place: does it, drawn as it is, "
    "give a picture of the prompt of which each check is true?"
)


class VLMCritic:
    """Shows a vision model the whole picture and a sheet of close-ups, and has it score the checks.

    Nothing but scores, a few words, boxes, and edits of regions that failed follows from an answer,
    whatever is written in the picture or the prompt. One answer of a review that is none is asked
    for once more, with what was wrong; checks without a valid score are then unknown. So a review
    is at most three calls, of at most a picture each.

    Args:
        chat: The model.
        close_ups: The most regions on the sheet, the smallest first; 0 shows none.
        text_only: A model that cannot look at pictures reviews the plan alone: no score is above
            0.5 then, for no picture was seen. False raises `ChatImageError`.
        templates: A folder of templates to use in place of the product's own.
        knows: The words that the drawing model knows, where these are few.
        tried: What was tried so far, a sentence each.

    Raises:
        SettingsError: A template cannot be read.
    """

    def __init__(
        self,
        chat: ChatModel,
        *,
        close_ups: int = 9,
        text_only: bool = False,
        templates: str | os.PathLike[str] | None = None,
        knows: str = "",
        tried: Sequence[str] = (),
    ) -> None:
        """Read the templates; nobody is asked yet."""
        self.chat = chat
        self._close_ups = close_ups
        self._text_only = text_only
        self._templates = Path(templates) if templates is not None else None
        self._knows, self._tried = knows, tuple(tried)
        self._whole, self._part, self._again = (
            prompts.load(name, where=self._templates) for name in ("critique", "closeup", "again")
        )

    def informed(self, knows: str, tried: Sequence[str]) -> VLMCritic:
        """The critic with what may help it; see `rpg.critique.informed`."""
        return VLMCritic(
            self.chat,
            close_ups=self._close_ups,
            text_only=self._text_only,
            templates=self._templates,
            knows=knows,
            tried=tried,
        )

    def review(
        self, image: Image, plan: Plan, *, checks: Sequence[Check] | None = None
    ) -> Critique:
        """Compares a picture with its plan; see `rpg.critique.Critic`.

        Raises:
            ChatImageError: The model cannot look at pictures.
            ChatError: It gave no review of the whole picture. A close-up without one leaves its
                checks unknown, and a note.
        """
        checks = tuple(compile_checks(plan) if checks is None else checks)
        try:
            return self._seen(image, plan, checks)
        except ChatImageError:
            if not self._text_only:
                raise
            return self._unseen(plan, checks)

    def _seen(self, image: Image, plan: Plan, checks: tuple[Check, ...]) -> Critique:
        parts = close_ups(plan, checks, self._close_ups)
        close = parts.all_checks
        rest = tuple(check for check in checks if check not in close)
        asking = _Asking(self.chat, self._again)
        parsed = asking.ask(self._about_whole(plan, rest, _SHOWN), rest, Review, [whole(image)])
        by_check = {check.id: _finding(check, parsed, plan) for check in rest}
        notes: list[str] = []
        if close:
            by_check |= {check.id: _unknown(check) for check in close}
            try:
                seen = asking.ask(self._about_parts(parts), close, CloseUp, [parts.sheet(image)])
                by_check |= {check.id: _close_finding(check, seen, parts) for check in close}
            except ChatAccessError:
                raise
            except ChatError as error:
                notes.append(f"the close-ups are missing: {error}")
        return self._critique(plan, [by_check[check.id] for check in checks], parsed.changes, notes)

    def _unseen(self, plan: Plan, checks: tuple[Check, ...]) -> Critique:
        asking = _Asking(self.chat, self._again)
        parsed = asking.ask(self._about_whole(plan, checks, _BLIND), checks, Review, [])
        findings = [
            finding.model_copy(update={"score": min(finding.score, 0.5), "box": None})
            for finding in (_finding(check, parsed, plan) for check in checks)
        ]
        note = f"{self.chat.name} cannot look at pictures: this is a review of the plan alone"
        return self._critique(plan, findings, parsed.changes, [note])

    @staticmethod
    def _critique(
        plan: Plan, findings: Sequence[Finding], changes: Sequence[Change], notes: Sequence[str]
    ) -> Critique:
        return Critique.of(findings, accepted(plan, changes, findings), notes)

    def _about_whole(self, plan: Plan, checks: Sequence[Check], picture: str) -> list[Message]:
        plan = plan.unweighted()
        return _messages(
            self._whole.render(
                prompt=plan.prompt,
                plan=plan_as_answer(plan),
                checks=_listed(checks),
                picture=picture,
                known=_KNOWS.format(self._knows) if self._knows else "",
                tried=_TRIED.format("\n".join(f"- {one_line(one)}" for one in self._tried))
                if self._tried
                else "",
            )
        )

    def _about_parts(self, parts: CloseUps) -> list[Message]:
        of = [f"in part {at}: " for at, some in enumerate(parts.checks, 1) for _ in some]
        return _messages(self._part.render(checks=_listed(parts.all_checks, of)))


class _Asking:
    """The questions of one review, one of which may be asked a second time."""

    def __init__(self, chat: ChatModel, again: prompts.Template) -> None:
        self._chat, self._again = chat, again
        self._repaired = False

    def ask(
        self,
        messages: list[Message],
        checks: Sequence[Check],
        kind: type[CloseUp],
        images: Sequence[Image],
    ) -> ParsedReview:
        """What the model says; the better of two answers where the first one is not all there.

        Raises:
            ChatError: It gave no answer, or none that is a review.
        """
        schema = json_schema(kind)
        answer = self._chat.complete(messages, schema=schema, images=images)
        first = parse_review(answer, checks)
        if not first.problems or (self._repaired and first.judgements):
            return first
        if self._repaired:
            raise ChatError(f"{self._chat.name} gave no review: {first.problems[0]}")
        self._repaired = True
        try:
            mended = self._mend(messages, answer, first.problems)
            again = self._chat.complete(mended, schema=schema, images=images)
        except ChatError:
            if not first.judgements:
                raise
            return first
        second = parse_review(again, checks)
        both = ParsedReview(
            {**first.judgements, **second.judgements}, second.changes or first.changes
        )
        if not both.judgements and checks:
            raise ChatError(
                f"{self._chat.name} gave no review, though it was asked twice: "
                f"{second.problems[0]}; try another model"
            )
        return both

    def _mend(self, messages: list[Message], answer: str, problems: Sequence[str]) -> list[Message]:
        listed = "\n".join(f"- {clean(problem)}" for problem in problems)
        quoted = Message("assistant", clean(answer)[:_MOST_QUOTED])
        return [*messages, quoted, *_messages(self._again.render(problems=listed))]


def _messages(rendered: dict[str, str]) -> list[Message]:
    system = [Message("system", rendered["system"])] if "system" in rendered else []
    return [*system, Message("user", rendered["user"])]


def _listed(checks: Sequence[Check], of: Sequence[str] = ()) -> str:
    """The checks by number: ids are long, and made of words from the plan."""
    where = of or [""] * len(checks)
    return "\n".join(
        f"{number}. {place}{one_line(check.says)}"
        for number, (check, place) in enumerate(zip(checks, where, strict=True), 1)
    )


def _unknown(check: Check) -> Finding:
    return Finding(check=check, score=0.5, seen="not judged", unknown=True)


def _finding(check: Check, parsed: ParsedReview, plan: Plan) -> Finding:
    """Of the whole picture; which of a check's regions it is about, its box says."""
    judged = parsed.judgements.get(check.id)
    box = _box(judged) if judged is not None else None
    inside = [
        region.id
        for region in plan.layers()
        if box is not None and region.id in check.regions and region.box.contains(*box.center)
    ]
    return _scored(check, judged, box, tuple(inside))


def _close_finding(check: Check, parsed: ParsedReview, parts: CloseUps) -> Finding:
    """Of a close-up: what is wrong is in its region."""
    return _scored(check, parsed.judgements.get(check.id), parts.place_of(check))


def _scored(
    check: Check, judged: Judgement | None, box: Box | None, regions: tuple[str, ...] = ()
) -> Finding:
    """Where and what is wrong is told of what does not hold alone."""
    if judged is None:
        return _unknown(check)
    score = judged.score / _BEST
    if score >= 0.5:
        return Finding(check=check, score=score)
    return Finding(check=check, score=score, seen=judged.seen, box=box, regions=regions)


def _box(judged: Judgement) -> Box | None:
    box = fitted([judged.box])[0] if judged.box is not None else None
    return box if isinstance(box, Box) else None


def _made(chat: ChatModel | None) -> VLMCritic:
    assert chat is not None
    return VLMCritic(chat)


CHOICE = CriticChoice(
    "vlm",
    "A language model looks at it",
    "the planner's language model looks at them",
    _made,
    asks_model=True,
)
