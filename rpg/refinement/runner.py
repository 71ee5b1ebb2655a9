"""The closed loop at work: draw, review, draw again what is wrong; only what is better is kept."""

from __future__ import annotations

import secrets
import time
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

from rpg.critics.checks import compile_checks
from rpg.critique import informed
from rpg.editing.edit_masks import MaskShape, edit_mask, region_mask
from rpg.errors import ChatError, GenerationError, PlanError, SettingsError
from rpg.events import Critiqued, Edited, Event, Notice, Refined, Step
from rpg.generation.request import GenerationRequest
from rpg.generation.stream import StreamContext
from rpg.plans.edits import AnyEdit, apply, diff
from rpg.plans.plan import Plan
from rpg.refinement.budget import Budget
from rpg.refinement.generator import PictureGenerator
from rpg.refinement.policy import APART, IN_PLACE, Action, Rung, next_action
from rpg.settings import MAX_IMAGES, MAX_SEED, GenerationSettings

if TYPE_CHECKING:
    from PIL.Image import Image

    from rpg.critique import Check, Critic, Critique
    from rpg.editing.segmentation import Segmenter
    from rpg.metadata import Record
    from rpg.planners import Planner

__all__ = ["Loop", "refinable"]

_RANDOM_SEEDS = 2**32
_MOST_TOLD = 4  # of what was tried
_NARROW, _WIDE = MaskShape(), MaskShape(boxes=True, grow=0.06)


@dataclass(frozen=True)
class Kept:
    """A picture with what is known of it."""

    image: Image
    record: Record
    plan: Plan
    critique: Critique


def refinable(request: GenerationRequest) -> GenerationSettings:
    """The settings of a request for the loop, its seed drawn where none is given.

    Raises:
        SettingsError: The request asks for what a loop cannot do.
    """
    inputs = request.inputs
    if len(request.items) != 1:
        raise SettingsError("one prompt at a time is refined")
    if inputs.needs() or inputs.generator is not None or inputs.output_type != "pil":
        raise SettingsError("refining takes words and settings alone: no pictures or generators")
    return request.settings.filled({"seed": secrets.randbelow(_RANDOM_SEEDS)})


class _Late(Exception):
    """The time is up."""


class _NoCallsLeft(Exception):
    """The critic and the planner were asked as often as they may be."""


@dataclass
class Loop:
    """One refinement.

    Attributes:
        generator: Draws the pictures.
        context: Is told the events, says when to stop.
        planner: Follows instructions, where it can.
        segmenter: Finds things in pictures.
        cell: Pixels of a latent cell.
        critic: Judges.
        budget: How much it may cost.
        settings: Wishes for the first picture; what they leave open the model decides.
        upscaling: The settings of the group of that name; the best picture is upscaled by them at
            the end, and not judged again.
        knows: The words that the model knows, where these are few.
    """

    generator: PictureGenerator
    context: StreamContext
    planner: Planner
    segmenter: Segmenter
    cell: int
    critic: Critic
    budget: Budget
    settings: GenerationSettings
    upscaling: Mapping[str, Any]
    knows: str = ""
    _checks: tuple[Check, ...] = ()
    _best: Kept | None = None
    _usual: GenerationSettings | None = None  # how the first picture was drawn
    _round: int = 0
    _calls: int = 0
    _tries: Counter[str] = field(default_factory=Counter)
    _tried: list[str] = field(default_factory=list)  # in words, what made nothing better
    _proposals: list[tuple[AnyEdit, ...]] = field(default_factory=list)
    _began: float = field(default_factory=time.monotonic)

    def run(self, plan: Plan, start: tuple[Image, Record] | None = None) -> Refined:
        """Refines a picture of the plan, and tells of it.

        Args:
            plan: What to show.
            start: A picture of it to begin with; None draws one.

        Raises:
            RPGError: There is no first picture, or no critic to judge it.
        """
        self._checks = compile_checks(plan)
        if start is None:
            self._first(plan)
        else:
            self._keep_if_better(plan, [start[0]], [start[1]])
        reason = self._rounds()
        if self.upscaling["upscale"] > 1:
            self._enlarge()
        best = self.best
        done = Refined(best.image, best.record, best.plan, best.critique, self._round, reason)
        self.context.emit(done)
        return done

    @property
    def best(self) -> Kept:
        """The best picture so far."""
        assert self._best is not None
        return self._best

    def _first(self, plan: Plan) -> None:
        wishes = self._asked(self.settings, plan, None)
        made = self.generator.draw(self.context, plan, wishes, None)
        self._keep_if_better(plan, made.images, made.records)

    def _enlarge(self) -> None:
        """Puts the best picture, upscaled, in its place; it stays as it is where that fails."""
        best = self.best
        try:
            made = self.generator.upscale(self.context, best.image, best.record, self.upscaling)
        except GenerationError as error:
            self.context.emit(Notice(f"the picture is not upscaled: {error}"))
            return
        self._best = replace(best, image=made.images[0], record=made.records[0])

    def _rounds(self) -> str:
        """Rounds until all is right or a bound is reached; says which."""
        while self._round < self.budget.rounds:
            if self._is_late():
                return "the time is up"
            action = self._next()
            if action is None:
                return "everything is as planned"
            try:
                with self._timed():
                    self._act(action)
            except _Late:
                return "the time is up"
            except _NoCallsLeft:
                return "no calls are left"
            except ChatError as error:
                self.context.emit(Notice(f"the loop stops: {error}"))
                return "a model gave no answer"
            except GenerationError as error:
                self.context.emit(Notice(f"the loop stops: {error}"))
                return "a round could not be drawn"
        return "everything is as planned" if not self.best.critique.failed else "no rounds are left"

    def _next(self) -> Action | None:
        best, size = self.best, self.best.image.size
        return next_action(
            best.critique, best.plan, self._tries, size=size, tried_edits=self._proposals
        )

    def _act(self, action: Action) -> None:
        """One round: draws again, reviews, keeps or rolls back."""
        self._round += 1
        best = self.best
        plan, edits = self._planned(action)
        mask = self._mask(action, plan, edits)
        self.context.emit(Edited(plan, edits, mask, action.why, self._round))
        within = None if mask is None else (best.image, mask)
        wishes = self._asked(self._settled(action), plan, within)
        made = self.generator.draw(self.context, plan, wishes, within)
        self._keep_if_better(plan, made.images, made.records)
        if self.best is best:
            self._tried.append(action.why)
        if action.rung is not Rung.EDIT:
            self._tries.update(action.regions)

    def _planned(self, action: Action) -> tuple[Plan, tuple[AnyEdit, ...]]:
        """The plan of the round: changed only where the critic or the planner changes it."""
        plan = self.best.plan
        try:
            if action.edits:
                if action.rung is Rung.EDIT:
                    self._proposals.append(action.edits)
                changed = apply(plan, action.edits)
            elif action.rung is Rung.REPLAN:
                self._count_call()
                words = "mend this: " + "; ".join(action.said)
                changed = self.planner.plan(plan.prompt, previous=plan, instruction=words)
            else:
                return plan, ()
        except PlanError:  # a proposal that cannot be, or a planner that cannot follow
            return plan, ()
        judged = {name for check in self._checks for name in check.regions}
        still = {region.id for region in changed.layers()}
        return (changed, diff(plan, changed)) if judged <= still else (plan, ())

    def _mask(self, action: Action, plan: Plan, edits: tuple[AnyEdit, ...]) -> Image | None:
        """Where is drawn again; None for everywhere."""
        best, segmenter, cell = self.best, self.segmenter, self.cell
        if action.rung not in IN_PLACE | {Rung.EDIT}:
            return None
        if edits and action.rung is Rung.EDIT:
            return edit_mask(best.image, best.plan, plan, edits, segmenter, cell=cell)
        shape = _WIDE if action.rung is Rung.WIDER else _NARROW
        mask = region_mask(
            best.image, best.plan, action.regions, segmenter, shape, action.extra, cell
        )
        return mask if mask.getbbox() is not None else None

    def _settled(self, action: Action) -> GenerationSettings:
        """As the first picture was drawn, from the seeds of this round.

        In place each region is a latent of its own, where the model draws boxes as canvases of
        their own well: what is around it is there already, and a base prompt, or an attention pass
        over several regions, is what made it go wrong more often.
        """
        assert self._usual is not None
        first = self.settings.seed if self.settings.seed is not None else self._usual.seed
        seed = ((first or 0) + self._round * MAX_IMAGES) % (MAX_SEED + 1)
        changes: dict[str, object] = {"seed": seed, "strength": 1.0}
        if action.rung in APART and self._usual.window == 0:
            changes |= {"composer": "latent", "base_ratio": 0.0}
        return self._usual.at_full_size().reset("variation").updated(changes)

    def _asked(
        self, settings: GenerationSettings, plan: Plan, within: tuple[Image, Image] | None
    ) -> GenerationSettings:
        """The settings for as many pictures as are to be finished."""
        count = self.budget.candidates
        if self.budget.look_ahead and self.budget.calls is not None:
            left = self.budget.calls - self._calls - 1  # one is for the finished picture
            count = max(1, min(count, left))
        several = settings.updated({"num_images_per_prompt": count})
        if count < 2 or not self.budget.look_ahead or several.seed is None:
            return several
        seen = self.generator.look_ahead(
            self.context, plan, several, within, self.budget.look_ahead
        )
        if not seen:  # too few steps to look ahead
            return several
        scores = [self._reviewed(image, plan).score for image in seen]
        best = max(range(len(scores)), key=scores.__getitem__)
        return several.numbered(best).updated({"num_images_per_prompt": 1})

    def _keep_if_better(
        self, plan: Plan, images: Sequence[Image], records: Sequence[Record]
    ) -> None:
        """Reviews pictures, keeps the best if it is better than what there was, and tells."""
        judged: list[Kept] = []
        for image, record in zip(images, records, strict=True):
            try:
                critique = self._reviewed(image, plan)
            except _NoCallsLeft:
                break
            judged.append(Kept(image, record, plan, critique))
        if not judged:
            raise _NoCallsLeft
        index = max(range(len(judged)), key=lambda i: judged[i].critique.score)
        found = judged[index]
        kept = self._best is None or found.critique.score > self._best.critique.score
        self._usual = self._usual or found.record.settings
        if kept:
            self._best = found
        score = self.best.critique.score
        self.context.emit(Critiqued(found.critique, kept, score, self._round, index))

    def _reviewed(self, image: Image, plan: Plan) -> Critique:
        self._count_call()
        critic = informed(self.critic, self.knows, self._tried[-_MOST_TOLD:])
        critique = critic.review(image, plan, checks=self._checks)
        self.context.check()
        return critique

    def _count_call(self) -> None:
        if self.budget.calls is not None and self._calls >= self.budget.calls:
            raise _NoCallsLeft
        self._calls += 1

    def _is_late(self) -> bool:
        spent = time.monotonic() - self._began
        return self.budget.seconds is not None and spent >= self.budget.seconds

    @contextmanager
    def _timed(self) -> Iterator[None]:
        """Ends a drawing within a step of the deadline."""
        whole = self.context

        def hear(event: Event) -> None:
            if isinstance(event, Step) and self._is_late():
                raise _Late
            whole.emit(event)

        self.context = whole.overheard(hear)
        try:
            yield
        finally:
            self.context = whole
