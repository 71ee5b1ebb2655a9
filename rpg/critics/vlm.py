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
from rpg.critics._crops import ReviewCrop, review_crops
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
_SHOWN = "Here is the picture. Check it."
_BLIND = (
    "The picture cannot be shown to you. Check the plan in its place: does it, drawn as it is, "
    "give a picture of the prompt of which each check is true?"
)


class VLMCritic:
    """Shows a vision model the whole picture and its regions, and has it score the checks.

    Nothing but scores, a few words, boxes, and edits of regions that failed follows from an answer,
    whatever is written in the picture or the prompt. An answer that is no review is asked for once
    more, with what was wrong; checks without a valid score are then unknown.

    Args:
        chat: The model.
        close_ups: The most regions shown on their own, the smallest first; each is a call. All in
            all there are at most 2 * (1 + close_ups) calls for a picture.
        text_only: A model that cannot look at pictures reviews the plan alone: no score is above
            0.5 then, for no picture was seen. False raises `ChatImageError`.
        templates: A folder of templates to use in place of the product's own.

    Raises:
        SettingsError: A template cannot be read.
    """

    def __init__(
        self,
        chat: ChatModel,
        *,
        close_ups: int = 8,
        text_only: bool = False,
        templates: str | os.PathLike[str] | None = None,
    ) -> None:
        """Read the templates; nobody is asked yet."""
        self.chat = chat
        self._close_ups = close_ups
        self._text_only = text_only
        where = Path(templates) if templates is not None else None
        self._whole, self._part, self._again = (
            prompts.load(name, where=where) for name in ("critique", "closeup", "again")
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
        whole, *parts = review_crops(plan, checks, self._close_ups)
        parsed = self._ask(self._about_whole(plan, whole.checks, _SHOWN), whole, [whole.of(image)])
        by_check = dict(_findings(whole, parsed))
        notes: list[str] = []
        for part in parts:
            by_check |= {check.id: _unknown(check) for check in part.checks}
            if notes:
                continue  # what failed once would fail again
            try:
                parsed_part = self._ask(self._about_part(part), part, [part.of(image)])
                by_check |= dict(_findings(part, parsed_part))
            except ChatAccessError:
                raise
            except ChatError as error:
                notes.append(f"close-ups from {part.region} on are missing: {error}")
        return self._critique(plan, [by_check[check.id] for check in checks], parsed.changes, notes)

    def _unseen(self, plan: Plan, checks: tuple[Check, ...]) -> Critique:
        crop = review_crops(plan, checks, 0)[0]
        parsed = self._ask(self._about_whole(plan, checks, _BLIND), crop, [])
        findings = [
            finding.model_copy(update={"score": min(finding.score, 0.5), "box": None})
            for _, finding in _findings(crop, parsed)
        ]
        note = f"{self.chat.name} cannot look at pictures: this is a review of the plan alone"
        return self._critique(plan, findings, parsed.changes, [note])

    @staticmethod
    def _critique(
        plan: Plan, findings: Sequence[Finding], changes: Sequence[Change], notes: Sequence[str]
    ) -> Critique:
        return Critique.of(findings, accepted(plan, changes, findings), notes)

    def _about_whole(self, plan: Plan, checks: Sequence[Check], picture: str) -> list[Message]:
        return _messages(
            self._whole.render(
                prompt=plan.prompt,
                plan=plan_as_answer(plan),
                checks=_listed(checks),
                picture=picture,
            )
        )

    def _about_part(self, crop: ReviewCrop) -> list[Message]:
        return _messages(self._part.render(checks=_listed(crop.checks)))

    def _ask(
        self, messages: list[Message], crop: ReviewCrop, images: Sequence[Image]
    ) -> ParsedReview:
        """What the model says; the better of two answers where the first one is not all there.

        Raises:
            ChatError: It gave no answer, or twice none that is a review.
        """
        schema = json_schema(CloseUp if crop.region else Review)
        answer = self.chat.complete(messages, schema=schema, images=images)
        first = parse_review(answer, crop.checks)
        if not first.problems:
            return first
        try:
            again = self.chat.complete(
                self._mend(messages, answer, first.problems), schema=schema, images=images
            )
        except ChatError:
            if not first.judgements:
                raise
            return first
        second = parse_review(again, crop.checks)
        both = ParsedReview(
            {**first.judgements, **second.judgements}, second.changes or first.changes
        )
        if not both.judgements and crop.checks:
            raise ChatError(
                f"{self.chat.name} gave no review, though it was asked twice: "
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


def _listed(checks: Sequence[Check]) -> str:
    """The checks by number: ids are long, and made of words from the plan."""
    return "\n".join(f"{number}. {one_line(check.says)}" for number, check in enumerate(checks, 1))


def _unknown(check: Check) -> Finding:
    return Finding(check=check, score=0.5, seen="not judged", unknown=True)


def _findings(crop: ReviewCrop, parsed: ParsedReview) -> list[tuple[str, Finding]]:
    """A finding for each of the view's checks, with its id."""
    findings = []
    for check in crop.checks:
        judged = parsed.judgements.get(check.id)
        findings.append((check.id, _finding(check, judged, crop) if judged else _unknown(check)))
    return findings


def _finding(check: Check, judged: Judgement, crop: ReviewCrop) -> Finding:
    score = judged.score / _BEST
    if score >= 0.5:
        return Finding(check=check, score=score)
    return Finding(check=check, score=score, seen=judged.seen, box=_box(judged, crop))


def _box(judged: Judgement, crop: ReviewCrop) -> Box | None:
    """Where in the whole picture that is."""
    box = fitted([judged.box])[0] if judged.box is not None else None
    return box.within(crop.box) if isinstance(box, Box) else None


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
