"""What an edit is about, settled before anything is drawn: the plan after it, and the mask."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from PIL import Image

from rpg.editing.edit_masks import MaskShape, edit_mask, only_looks
from rpg.editing.inpaint import Frame, flattened
from rpg.editing.segmentation import Segmenter
from rpg.errors import PlanError, SettingsError
from rpg.planners import Planner
from rpg.planners.rules.lifting import lifted
from rpg.plans import edits as e
from rpg.plans.plan import Plan

EVERYWHERE = "the mask covers the whole picture: nothing of it stays"

_GENTLE = 0.9  # enough for another colour, and the thing stays where it stands
Change = Plan | e.AnyEdit | Iterable[e.AnyEdit] | str


@dataclass(frozen=True)
class Editing:
    """One edit, ready to be drawn.

    Attributes:
        image: What is edited, in RGB and upright.
        before: Its plan.
        plan: That after the edit.
        edits: What changes.
        mask: Where is drawn anew.
    """

    image: Image.Image
    before: Plan
    plan: Plan
    edits: tuple[e.AnyEdit, ...]
    mask: Image.Image

    @property
    def strength(self) -> float:
        """How far to go from the old picture: a little less where things change their look only."""
        was = {region.id: region for region in self.before.layers()}
        now = {region.id: region for region in self.plan.layers()}
        scenes = self.before.scene, self.plan.scene
        gentle = was.keys() == now.keys() and all(only_looks(was[k], now[k], *scenes) for k in was)
        return _GENTLE if gentle and self.edits else 1.0

    @property
    def sets_base_ratio(self) -> bool:
        """Whether the edits are about a base ratio."""
        about = (one for one in self.edits if isinstance(one, e.ModifyRegion | e.SetBase))
        return any(isinstance(one.base_ratio, float) for one in about)

    @property
    def everywhere(self) -> bool:
        """Whether nothing of the picture stays."""
        return self.mask.getextrema()[0] == 255


def prepared(
    image: Image.Image,
    before: Plan,
    after: Plan,
    mask: Image.Image | None,
    finder: Segmenter,
    shape: MaskShape | None,
    cell: int,
) -> Editing:
    """The edit that makes a picture of one plan one of another.

    Args:
        image: The picture of `before`.
        before: Its plan.
        after: The plan that it is to show.
        mask: Where to draw, whatever the plans say; None finds out.
        finder: Finds the things in the picture.
        shape: How generous a mask that is found out is.
        cell: Pixels of a latent cell.

    Raises:
        PlanError: The plans are alike and no mask is given.
        SettingsError: The mask given is black all over.
    """
    if after.scene.things:
        before = lifted(before)  # an instruction to a plan without a scene has given it one
    edits, flat = e.diff(before, after), flattened(image)
    if mask is not None:
        frame = Frame.of(flat, mask)
        if frame.mask.getbbox() is None:
            raise SettingsError("the mask is black all over: paint white what is to be drawn anew")
        return Editing(flat, before, after, edits, frame.mask)
    if not edits:
        raise PlanError("the edit changes nothing: say what should differ, or pass a mask")
    found = edit_mask(flat, before, after, edits, finder, shape, cell)
    return Editing(flat, before, after, edits, found)


def changed(plan: Plan, change: Change, planner: Planner) -> Plan:
    """The plan with the change made.

    Args:
        plan: The plan before.
        change: The new plan itself, one edit, several, or an instruction for the planner.
        planner: Follows instructions.

    Raises:
        PlanError: An edit cannot be made, or the planner cannot follow.
        TypeError: A change of another kind.
    """
    if isinstance(change, Plan):
        return change
    if isinstance(change, str):
        return planner.plan(plan.prompt, previous=plan, instruction=change)
    edits: Any = (change,) if isinstance(change, e.AnyEdit) else tuple(change)
    if not all(isinstance(one, e.AnyEdit) for one in edits):
        raise TypeError("a change is a plan, edits of rpg.plans.edits, or an instruction in words")
    return e.apply(plan, edits)
