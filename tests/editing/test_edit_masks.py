"""From edits to masks."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pytest
from PIL import Image

from rpg.editing.edit import prepared
from rpg.editing.edit_masks import MaskShape, edit_mask, only_looks, region_mask, softened
from rpg.planners import RulePlanner
from rpg.plans import edits as e
from rpg.plans.geometry import FULL, Box, grid
from rpg.plans.plan import Plan, Region
from rpg.plans.scene import Scene, Thing
from rpg.plans.wording import worded

TOP_LEFT, TOP_RIGHT, LOW_LEFT, LOW_RIGHT = grid(2, 2)
SIZE = (64, 64)
HARD = MaskShape(dilate=0.0, feather=0.0, room=0.0)


class Squares:
    """Finds a square in the middle of each of its boxes, a quarter of its area."""

    def __init__(self, *boxes: Box, whole: bool = True) -> None:
        self.boxes, self.whole = boxes, whole

    def __call__(self, image: Image.Image, boxes: Sequence[Box]) -> list[np.ndarray | None]:
        return [self._one(image.size, box) if box in self.boxes else None for box in boxes]

    def _one(self, size: tuple[int, int], box: Box) -> np.ndarray:
        found = np.zeros(size[::-1], bool)
        left, top, right, bottom = Box(0.25, 0.25, 0.75, 0.75).within(box).to_pixels(*size)
        found[top:bottom, left:right] = True
        return found


def plan() -> Plan:
    boxes = {"a": TOP_LEFT, "b": TOP_RIGHT, "c": LOW_LEFT}
    regions = tuple(Region(id=k, prompt=f"a {k} in the snow", box=box) for k, box in boxes.items())
    return Plan(prompt="things", regions=regions)


def masked(edits: Sequence[e.AnyEdit], finder: Squares, shape: MaskShape = HARD) -> np.ndarray:
    after = e.apply(plan(), edits)
    mask = edit_mask(Image.new("RGB", SIZE), plan(), after, edits, finder, shape)
    assert mask.mode == "L" and mask.size == SIZE
    return np.asarray(mask)


def area(*boxes: Box) -> np.ndarray:
    out = np.zeros(SIZE, np.uint8)
    for box in boxes:
        left, top, right, bottom = box.to_pixels(*SIZE)
        out[top:bottom, left:right] = 255
    return out


def middle(box: Box) -> np.ndarray:
    return area(Box(0.25, 0.25, 0.75, 0.75).within(box))


ALL = Squares(TOP_LEFT, TOP_RIGHT, LOW_LEFT)
MODIFY = e.ModifyRegion(id="a", prompt="a red a in the snow")


def test_what_changes_is_masked_by_its_contour_or_its_box() -> None:
    assert (masked([MODIFY], ALL) == middle(TOP_LEFT)).all()
    assert (masked([MODIFY], Squares()) == area(TOP_LEFT)).all()
    whole = MaskShape(dilate=0, feather=0, boxes=True, room=0)
    assert (masked([MODIFY], ALL, whole) == area(TOP_LEFT)).all()
    assert (masked([e.RemoveRegion(id="b")], ALL) == middle(TOP_RIGHT)).all()
    other = e.ModifyRegion(id="a", prompt="a z in the snow")
    assert (masked([other], ALL) == area(TOP_LEFT)).all()


def test_what_comes_is_masked_by_its_box_and_what_moves_by_both_places() -> None:
    new = e.AddRegion(region=Region(id="d", prompt="a d", box=LOW_RIGHT))
    assert (masked([new], ALL) == area(LOW_RIGHT)).all()
    move = e.MoveRegion(id="a", box=LOW_RIGHT)
    assert (masked([move], ALL) == middle(TOP_LEFT) | area(LOW_RIGHT)).all()


def test_a_box_that_still_holds_its_thing_leaves_it_alone() -> None:
    shrunk = e.MoveRegion(id="a", box=Box(0.1, 0.1, 0.45, 0.45))
    assert (masked([shrunk, e.RemoveRegion(id="b")], ALL) == middle(TOP_RIGHT)).all()


def test_things_of_other_regions_are_cut_out() -> None:
    new = e.AddRegion(region=Region(id="d", prompt="a d", box=FULL, z=-1))
    drawn = masked([new], ALL)
    assert (drawn == 255 - (middle(TOP_LEFT) | middle(TOP_RIGHT) | middle(LOW_LEFT))).all()


def test_a_background_below_is_no_thing_to_spare() -> None:
    ground = Region(id="ground", prompt="snow", box=FULL, z=-1)
    before = Plan(prompt="x", regions=(*plan().regions, ground))
    after = e.apply(before, [MODIFY])
    finder = Squares(FULL)
    mask = edit_mask(Image.new("RGB", SIZE), before, after, [MODIFY], finder, HARD)
    assert (np.asarray(mask) == area(TOP_LEFT)).all()


def test_a_new_scene_masks_everything_and_no_edit_nothing() -> None:
    assert (masked([e.SetBase(base_prompt="at night")], ALL) == 255).all()
    image = Image.new("RGB", SIZE)
    assert not np.asarray(region_mask(image, plan(), [], ALL, HARD)).any()


def test_regions_to_draw_again_take_their_boxes_and_extra_places() -> None:
    image, extra = Image.new("RGB", SIZE), [LOW_RIGHT]
    mask = np.asarray(region_mask(image, plan(), ["b"], ALL, HARD, extra))
    assert (mask == area(TOP_RIGHT, LOW_RIGHT)).all()
    grown = MaskShape(dilate=0, feather=0, grow=0.1)
    wide = np.asarray(region_mask(image, plan(), ["b"], Squares(), grown))
    assert wide[30:38, 40].any() and wide.sum() > area(TOP_RIGHT).sum()


def test_a_place_inside_a_region_is_drawn_without_the_rest_of_it() -> None:
    image, stray = Image.new("RGB", SIZE), Box(0.75, 0, 1, 0.25)
    mask = np.asarray(region_mask(image, plan(), [], Squares(stray), HARD, [stray], around=["b"]))
    assert (mask == middle(stray)).all()
    # What the region's outline would hold, the place too, is not cut out of the mask again.
    both = Squares(TOP_RIGHT, stray)
    mask = np.asarray(region_mask(image, plan(), [], both, HARD, [stray], around=["b"]))
    assert (mask == middle(stray)).all()


@pytest.mark.parametrize("feather", [0, 1, 5])
def test_feathers_lie_inside(feather: int) -> None:
    support = area(Box(0.25, 0.25, 1, 1)) > 0
    mask = np.asarray(softened(support, feather))
    assert not mask[~support].any() and mask[support].all()
    assert mask[63, 63] == 255  # the picture's own edge is none
    assert (mask == 255).sum() < support.sum() or feather == 0


def test_a_painted_region_is_masked_in_its_form() -> None:
    from rpg.plans.plan import encode_mask

    painted = encode_mask(Image.fromarray(middle(FULL)))
    move = e.MoveRegion(id="a", mask=painted)
    assert (masked([move], Squares()) == area(TOP_LEFT) & middle(FULL)).all()


def test_what_changes_has_room_within_its_hull() -> None:
    class Corner:
        whole = True

        def __call__(self, image: Image.Image, boxes: Sequence[Box]) -> list[np.ndarray | None]:
            found = np.zeros(SIZE, bool)
            found[4:24, 4:8] = found[20:24, 4:24] = True
            return [found if box == TOP_LEFT else None for box in boxes]

    after, image = e.apply(plan(), [MODIFY]), Image.new("RGB", SIZE)
    mask = np.asarray(edit_mask(image, plan(), after, [MODIFY], Corner(), HARD))
    assert mask[15, 10] and not mask[6, 20]
    gone = [e.RemoveRegion(id="a")]
    mask = np.asarray(edit_mask(image, plan(), e.apply(plan(), gone), gone, Corner(), HARD))
    assert not mask[15, 10]


@pytest.mark.parametrize("cell", [1, 4, 8])
def test_masks_are_of_whole_cells(cell: int) -> None:
    after, image = e.apply(plan(), [MODIFY]), Image.new("RGB", (50, 43))
    mask = np.asarray(edit_mask(image, plan(), after, [MODIFY], Squares(), HARD, cell)) > 0
    assert mask.shape == (43, 50)
    padded = np.pad(mask, ((0, -43 % cell), (0, -50 % cell)), "edge")
    blocks = padded.reshape(padded.shape[0] // cell, cell, padded.shape[1] // cell, cell)
    assert (blocks.any(axis=(1, 3)) == blocks.all(axis=(1, 3))).all()


def test_around_what_changes_its_looks_late_steps_may_draw() -> None:
    roomy = MaskShape(dilate=0, feather=0, room=0.1)
    mask = masked([MODIFY], ALL, roomy)
    assert (mask[8:24, 8:24] == 255).all() and not mask[32:].any() and not mask[:, 32:].any()
    row = mask[16, 24:32].astype(int)  # from the contour to the edge of the box
    assert 0 < row[0] < 255 and (np.diff(row) <= 0).all() and row[-1] == 0
    other = e.ModifyRegion(id="a", prompt="a z in the snow")
    assert (masked([other], ALL, roomy) == area(TOP_LEFT)).all()
    far = masked([MODIFY], Squares(TOP_LEFT, LOW_LEFT), MaskShape(dilate=0, feather=0, room=9))
    assert ((far > 0) == (area(TOP_LEFT) > 0)).all()


def test_room_is_not_made_of_other_things() -> None:
    overlapping = Box(0.25, 0, 0.75, 0.5)
    front = Region(id="f", prompt="an f in the snow", box=overlapping, z=1)
    before = Plan(prompt="x", regions=(*plan().regions, front))
    after = e.apply(before, [MODIFY])
    finder, shape = Squares(TOP_LEFT, overlapping), MaskShape(dilate=0, feather=0, room=9)
    mask = np.asarray(edit_mask(Image.new("RGB", SIZE), before, after, [MODIFY], finder, shape))
    assert not mask[middle(overlapping) > 0].any() and mask[4, 4]


def test_another_thing_in_a_long_box_takes_the_place_of_the_old_one() -> None:
    class Left:
        whole = True

        def __call__(self, image: Image.Image, boxes: Sequence[Box]) -> list[np.ndarray | None]:
            found = np.zeros(SIZE, bool)
            found[4:12, 4:12] = True
            return [found if box == top else None for box in boxes]

    top = Box(0, 0, 1, 0.25)
    before = Plan(prompt="x", regions=(Region(id="a", prompt="an a in the snow", box=top),))
    edits = [e.ModifyRegion(id="a", prompt="a z in the snow")]
    after, image = e.apply(before, edits), Image.new("RGB", SIZE)
    shape = MaskShape(dilate=0, feather=0, room=0.2)
    mask = np.asarray(edit_mask(image, before, after, edits, Left(), shape))
    assert (mask[:16, :16] == 255).all() and 0 < mask[8, 20] < 255  # as wide as high, and room
    assert not mask[:, 32:].any() and not mask[16:].any()
    nowhere = np.asarray(edit_mask(image, before, after, edits, Squares(), shape))
    assert (nowhere == area(top)).all()


# Scenes -------------------------------------------------------------------------------------------


def scened(name: str, look: str, setting: str = "in the snow") -> Plan:
    """A picture of one thing that its subprompt does not name."""
    scene = Scene(setting=setting, things=(Thing(id="t", name=name, attributes=(look,)),))
    one = Region(id="a", shows=("t",), prompt=f"the {look} one", box=TOP_LEFT)
    return Plan(prompt="x", scene=scene, regions=(one, *plan().regions[1:]))


@pytest.mark.parametrize(
    ("after", "same"),
    [
        (scened("star", "blue"), True),
        (scened("Star", "blue", "at night"), True),
        (scened("moon", "red"), False),
        (scened("moon", "blue"), False),
    ],
)
def test_a_thing_is_the_same_by_the_scene_whatever_its_words(after: Plan, same: bool) -> None:
    before = scened("star", "red")
    pair = before.layers()[0], after.layers()[0]
    assert only_looks(*pair, before.scene, after.scene) is same


def test_things_that_nobody_named_are_told_by_their_words() -> None:
    star = Region(id="a", prompt="a red star at sea", box=FULL)
    moon = Region(id="a", prompt="a red moon at sea", box=FULL)
    blue = Region(id="a", prompt="a blue star, asleep", box=FULL)
    assert only_looks(star, blue, Scene(), Scene())
    assert not only_looks(star, moon, Scene(), Scene())


@pytest.mark.parametrize(
    ("instruction", "where"),
    [("make the b blue", area(TOP_RIGHT)), ("make it night", area(FULL))],
)
def test_an_instruction_to_a_plan_without_a_scene_masks_what_it_is_about(
    instruction: str, where: np.ndarray
) -> None:
    image, before = Image.new("RGB", SIZE), plan()
    after = RulePlanner().plan("x", previous=before, instruction=instruction)
    edit = prepared(image, before, after, None, Squares(), HARD, 1)
    assert (np.asarray(edit.mask) == where).all()
    assert worded(edit.before).regions == worded(before).regions
