"""What a pipeline can do with pictures that are there: edit them, and refine its own."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Generator, Mapping
from functools import partial
from typing import TYPE_CHECKING, Any, Unpack, cast

from rpg import _control, _edit
from rpg._call import Call, Words
from rpg._control import Control
from rpg._edit import Change, Editing, EditOutput, EditWords
from rpg._output import Told
from rpg.errors import SettingsError
from rpg.events import Edited, Event, Notice
from rpg.loop.bounds import Bounds
from rpg.loop.runner import Loop, refinable
from rpg.loop.studio import Studio

if TYPE_CHECKING:
    from PIL.Image import Image

    from rpg.critics.base import Critic
    from rpg.diffusion.contours import ContourFinder
    from rpg.metadata import Record
    from rpg.plan import Plan
    from rpg.planners import Planner

__all__ = ["Changing"]


class Changing(ABC):
    """Edits and refines with what a pipeline can do already.

    Attributes:
        planner: Follows instructions, where it can.
        contours: Finds things in pictures.
        critic: Judges where a call names no other.
    """

    planner: Planner
    contours: ContourFinder
    critic: Critic | None
    _cell: int  # pixels of a latent cell

    @abstractmethod
    def _checked(self, prompt: str | None, words: Words) -> Call:
        """The call that the words describe."""

    @abstractmethod
    def _run(self, call: Call, control: Control, preview_every: float | None) -> None:
        """Plans and draws a call."""

    @abstractmethod
    def _planned(self, prompt: str, index: int, control: Control) -> Plan:
        """The planner's plan."""

    def edit(
        self, image: Image, plan: Plan, change: Change, /, **words: Unpack[EditWords]
    ) -> EditOutput:
        """Changes a part of a picture; every byte outside the mask stays.

        The same inputs and the same seed give the same bytes on the same kind of machine.

        Args:
            image: The picture of `plan`, of any size and mode.
            plan: What it was drawn from.
            change: An instruction in words, for the planner; or edits of `rpg.edits`; or the new
                plan itself.
            words: As in a call, which draws within `mask_image`; and `shape`, how generous the mask
                is where none is given. `strength`, where nothing is said, is 1, or 0.9 if
                things change their looks only.

        Raises:
            PlanError: The edit cannot be made, or changes nothing.
            RPGError: As in a call.
        """
        told = Told()
        editing = self._edits(image, plan, change, words, Control(told.hear), None)
        output = told.output()
        made = (output.images, editing.plan, editing.edits, editing.mask)
        return EditOutput(*made, output.records, output.notices)

    def propose(self, image: Image, plan: Plan, change: Change) -> Editing:
        """What an edit would change and where, before anything is drawn.

        Args:
            image: The picture of `plan`.
            plan: What it was drawn from.
            change: As in `edit`.

        Raises:
            PlanError: The edit cannot be made, or changes nothing.
        """
        after = _edit.changed(plan, change, self.planner)
        return _edit.prepared(image, plan, after, None, self.contours, None, self._cell)

    def edit_stream(
        self,
        image: Image,
        plan: Plan,
        change: Change,
        /,
        *,
        preview_every: float = 0.25,
        **words: Unpack[EditWords],
    ) -> Generator[Event, None, None]:
        """The same as events, of which `Edited` is the first; closing the generator cancels."""

        def work(control: Control) -> None:
            self._edits(image, plan, change, words, control, preview_every)

        return _control.stream(work)

    def _edits(
        self,
        image: Image,
        plan: Plan,
        change: Change,
        words: EditWords,
        control: Control,
        preview_every: float | None,
    ) -> Editing:
        given: dict[str, Any] = {**words}
        mask, shape = given.pop("mask_image", None), given.pop("shape", None)
        after = _edit.changed(plan, change, self.planner)
        control.check()
        editing = _edit.prepared(image, plan, after, mask, self.contours, shape, self._cell)
        settings = words.get("settings")
        if words.get("strength") is None and (settings is None or settings.strength is None):
            given["strength"] = editing.strength
        given |= {"plan": editing.plan, "image": editing.image, "mask_image": editing.mask}
        call = self._checked(None, cast(Words, given))
        control.emit(Edited(editing.plan, editing.edits, editing.mask))
        if editing.everywhere:
            control.emit(Notice(_edit.EVERYWHERE))
        self._run(call, control, preview_every)
        return editing

    def refine(
        self,
        prompt: str | None = None,
        *,
        critic: Critic | None = None,
        rounds: int = 4,
        seconds: float | None = None,
        calls: int | None = None,
        candidates: int = 1,
        look_ahead: int = 0,
        begin_with: tuple[Image, Record] | None = None,
        preview_every: float = 0.25,
        **words: Unpack[Words],
    ) -> Generator[Event, None, None]:
        """Draws, reviews, and draws again what is wrong, as events; `Refined` is the last.

        A round is kept only if the critic's score rises. Closing the generator cancels within a
        step. The ladder that a failing region climbs stands in `rpg.loop.policy`.

        Args:
            prompt: What to draw; None where `plan` says it, or `begin_with` does.
            critic: Judges; None is the pipeline's own, which only Toybox has from the start.
            rounds: Of drawing again, 0 to 100.
            seconds: From the start; the first picture is finished in any case.
            calls: Of the critic and the planner together.
            candidates: Pictures of each round, from as many seeds; the best goes on.
            look_ahead: Steps after which only the best candidate is finished; 0: all are.
            begin_with: A picture and its record to begin with; None draws one.
            preview_every: As in `stream`.
            words: As in a call: `plan`, `settings`, and what settings hold. Pictures, generators
                and callbacks have no place here.

        Raises:
            RPGError: At once, for words that cannot be.
        """
        bounds = Bounds(
            rounds=rounds,
            seconds=seconds,
            calls=calls,
            candidates=candidates,
            look_ahead=look_ahead,
        )
        judge = critic if critic is not None else self.critic
        if judge is None:
            raise SettingsError("say which critic judges: critic=VLMCritic(chat), for one")
        given: dict[str, Any] = {**words}
        if begin_with is not None:
            given = {"plan": begin_with[1].plan, "settings": begin_with[1].settings, **words}
        call = self._checked(prompt, cast(Words, given))
        settings = refinable(call)

        def work(control: Control) -> None:
            (item,) = call.items
            plan = item.finished(item.plan or self._planned(item.prompt, 0, control))
            control.check()
            run = partial(self._run_words, preview_every)
            studio = Studio(run, self.planner, self.contours, self._cell)
            Loop(studio, control, judge, bounds, settings).run(plan, begin_with)

        return _control.stream(work)

    def _run_words(
        self, preview_every: float | None, words: Mapping[str, Any], control: Control
    ) -> None:
        self._run(self._checked(None, cast(Words, words)), control, preview_every)
