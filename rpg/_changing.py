"""What a pipeline can do with pictures that are there: edit them, and refine its own."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Generator, Mapping
from functools import partial
from typing import TYPE_CHECKING, Any, Literal, Unpack, cast, overload

from rpg import _control, _edit
from rpg._call import Call, Words
from rpg._control import Control
from rpg._edit import Change, Editing, EditWords
from rpg._output import EditOutput, RefineOutput, Told
from rpg.errors import SettingsError
from rpg.events import Edited, Event, Notice, Refined
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

__all__ = ["Changing", "RefineWords"]

Plain = tuple[list["Image"], list["Plan"]]
Refining = Callable[[Control, float | None], Refined]


class RefineWords(Words, total=False):
    """Every word of a refinement; described at `Changing.refine`."""

    critic: Critic | None
    rounds: int
    seconds: float | None
    calls: int | None
    candidates: int
    look_ahead: int
    begin_with: tuple[Image, Record] | None


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

    @overload
    def edit(
        self,
        image: Image,
        plan: Plan,
        change: Change,
        /,
        *,
        return_dict: Literal[True] = True,
        **words: Unpack[EditWords],
    ) -> EditOutput: ...

    @overload
    def edit(
        self,
        image: Image,
        plan: Plan,
        change: Change,
        /,
        *,
        return_dict: Literal[False],
        **words: Unpack[EditWords],
    ) -> Plain: ...

    def edit(
        self,
        image: Image,
        plan: Plan,
        change: Change,
        /,
        *,
        return_dict: bool = True,
        **words: Unpack[EditWords],
    ) -> EditOutput | Plain:
        """Changes a part of a picture; every byte outside the mask stays.

        The same inputs and the same seed give the same bytes on the same kind of machine.

        Args:
            image: The picture of `plan`, of any size and mode.
            plan: What it was drawn from.
            change: An instruction in words, for the planner; or edits of `rpg.edits`; or the new
                plan itself.
            return_dict: False returns the plain tuple (images, plans).
            words: As in a call, which draws within `mask_image`; and `shape`, how generous the mask
                is where none is given. `strength`, where nothing is said, is 1, or 0.9 if
                things change their looks only.

        Raises:
            PlanError: The edit cannot be made, or changes nothing.
            RPGError: As in a call.
        """
        told = Told()
        self._edits(image, plan, change, words, Control(told.hear), None)
        output = told.edit_output()
        return output if return_dict else output.to_tuple()

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
    ) -> None:
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

    @overload
    def refine(
        self,
        prompt: str | None = None,
        *,
        return_dict: Literal[True] = True,
        **words: Unpack[RefineWords],
    ) -> RefineOutput: ...

    @overload
    def refine(
        self,
        prompt: str | None = None,
        *,
        return_dict: Literal[False],
        **words: Unpack[RefineWords],
    ) -> Plain: ...

    def refine(
        self,
        prompt: str | None = None,
        *,
        return_dict: bool = True,
        **words: Unpack[RefineWords],
    ) -> RefineOutput | Plain:
        """Draws, reviews, and draws again what is wrong.

        A round is kept only if the critic's score rises. The ladder that a failing region climbs
        stands in `rpg.loop.policy`.

        Args:
            prompt: What to draw; None where `plan` says it, or `begin_with` does.
            return_dict: False returns the plain tuple (images, plans).
            words: As in a call: `plan`, `settings`, and what settings hold; pictures, generators
                and callbacks have no place here. And these:

                `critic` judges; None is the pipeline's own, which only Toybox has from the start.

                `rounds` of drawing again, 0 to 100, 4 if not given; `seconds` from the start, the
                first picture being finished in any case; `calls` of the critic and the planner
                together.

                `candidates`: pictures of each round, from as many seeds; the best goes on.
                `look_ahead`: steps after which only the best of them is finished; 0: all are.

                `begin_with`: a picture and its record to begin with; None draws one.

        Raises:
            RPGError: Words that cannot be (before any step is done), or no first picture, or
                nobody to judge it.
        """
        work, told = self._refining(prompt, words), Told()
        output = told.refine_output(work(Control(told.hear), None))
        return output if return_dict else output.to_tuple()

    def refine_stream(
        self,
        prompt: str | None = None,
        *,
        preview_every: float = 0.25,
        **words: Unpack[RefineWords],
    ) -> Generator[Event, None, None]:
        """The same as events, of which `Refined` is the last.

        Closing the generator cancels within a step.

        Args:
            prompt: As in `refine`.
            preview_every: As in `stream`.
            words: As in `refine`.

        Raises:
            RPGError: At once, for words that cannot be.
        """
        work = self._refining(prompt, words)
        return _control.stream(lambda control: work(control, preview_every))

    def _refining(self, prompt: str | None, words: RefineWords) -> Refining:
        """The work of a refinement, its words checked."""
        given: dict[str, Any] = {**words}
        begin, critic = given.pop("begin_with", None), given.pop("critic", None)
        judge: Critic | None = self.critic if critic is None else critic
        named = {name: given.pop(name) for name in Bounds.model_fields if name in given}
        bounds = Bounds(**named)
        if judge is None:
            raise SettingsError("say which critic judges: critic=VLMCritic(chat), for one")
        if begin is not None:
            given = {"plan": begin[1].plan, "settings": begin[1].settings, **given}
        call = self._checked(prompt, cast(Words, given))
        settings = refinable(call)

        def work(control: Control, preview_every: float | None) -> Refined:
            (item,) = call.items
            plan = item.finished(item.plan or self._planned(item.prompt, 0, control))
            control.check()
            run = partial(self._run_words, preview_every)
            studio = Studio(run, self.planner, self.contours, self._cell)
            return Loop(studio, control, judge, bounds, settings).run(plan, begin)

        return work

    def _run_words(
        self, preview_every: float | None, words: Mapping[str, Any], control: Control
    ) -> None:
        self._run(self._checked(None, cast(Words, words)), control, preview_every)
