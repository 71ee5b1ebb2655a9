"""From the edits of a plan to the mask of what has to be drawn anew.

What goes is masked by its contour, what stays in another look by the convex hull of that, or both
by their region's box where no contour is found; what comes, or becomes another thing, by its box;
of a long box by the part where the old thing stands. Around what stays there is room in greys,
which late steps may draw on: it keeps its place, and no edge cuts it off where it comes out larger.
Things of regions that no edit is about are cut out of the mask again.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from PIL import Image

from rpg.editing.mask_view import MaskShape, Spot, View, softened
from rpg.editing.segmentation import Pixels, Segmenter
from rpg.plans.edits import AddRegion, Edit, ModifyRegion, MoveRegion, RemoveRegion, touched
from rpg.plans.geometry import FULL, Box
from rpg.plans.plan import Plan, Region
from rpg.plans.prose import thing_in
from rpg.plans.scene import Scene

__all__ = ["MaskShape", "edit_mask", "only_looks", "region_mask", "softened"]

_HELD = 0.98  # of a thing's pixels inside a region's new box: it need not move


def edit_mask(
    image: Image.Image,
    before: Plan,
    after: Plan,
    edits: Iterable[Edit],
    finder: Segmenter,
    shape: MaskShape | None = None,
    cell: int = 1,
) -> Image.Image:
    """Where a picture of one plan has to be drawn anew to be one of another.

    Args:
        image: The picture of `before`.
        before: The plan it was drawn from.
        after: `before` with `edits` made.
        edits: What changes.
        finder: Finds the things in their boxes.
        shape: How generous the mask is.
        cell: Pixels of a latent cell; the mask is of whole ones, as what is drawn fills them.

    Returns:
        Greyscale, of the picture's size; white is drawn anew, black stays. Black all over where the
        edits change nothing.
    """
    edits = tuple(edits)
    concerned = touched(before, edits)
    view = View(image, finder, shape or MaskShape(), cell)
    kept = {region.id for region in before.layers()} - set(concerned.ids)
    if concerned.boxes == (FULL,) and (not kept or not concerned.ids):
        return Image.new("L", image.size, 255)
    spots = list(_spots(view, before, after, edits))
    if not spots:
        spots = [Spot(view.box(box)) for box in concerned.boxes]
    return view.mask(spots, _others(after, frozenset(concerned.ids)))


def region_mask(
    image: Image.Image,
    plan: Plan,
    ids: Iterable[str],
    finder: Segmenter,
    shape: MaskShape | None = None,
    extra: Iterable[Box] = (),
    cell: int = 1,
    around: Iterable[str] = (),
) -> Image.Image:
    """The mask that draws regions of a plan anew; arguments and result as in `edit_mask`.

    Args:
        image: The picture.
        plan: Its plan.
        ids: The regions.
        finder: Finds the things in their boxes.
        shape: How generous the mask is.
        extra: Further places, such as those of things that should not be there.
        cell: As there.
        around: Regions that further places lie in; nothing else of them is drawn anew.
    """
    view, wanted = View(image, finder, shape or MaskShape(), cell), frozenset(ids)
    regions = [region for region in plan.layers() if region.id in wanted]
    spots = [Spot(view.place(region, wholly=True)) for region in regions]
    spots += [Spot(view.thing(box)) for box in extra]
    return view.mask(spots, _others(plan, wanted.union(around)))


def only_looks(before: Region, after: Region, was: Scene, now: Scene) -> bool:
    """Whether a region shows the same thing after an edit, in another look.

    Args:
        before: The region before.
        after: The region after.
        was: The scene before; where things are not known, the words of the subprompts tell.
        now: The scene after.
    """
    old, new = _names(before, was), _names(after, now)
    if not old or not new:
        old, new = [thing_in(before.prompt)], [thing_in(after.prompt)]
    return before.box == after.box and old == new


def _names(region: Region, scene: Scene) -> list[str]:
    things = (scene.thing(name) for name in region.shows)
    return [one.name.lower() for one in things if one]


def _spots(view: View, before: Plan, after: Plan, edits: Iterable[Edit]) -> Iterator[Spot]:
    """What each edit wants drawn anew."""
    was = {region.id: region for region in before.layers()}
    now = {region.id: region for region in after.layers()}
    for edit in edits:
        match edit:
            case AddRegion():
                yield Spot(view.place(edit.region, wholly=True))
            case RemoveRegion() if edit.id in was:
                yield Spot(view.place(was[edit.id], wholly=False))
            case ModifyRegion() if edit.id in now:
                new = now[edit.id]
                stays = edit.id in was and only_looks(was[edit.id], new, before.scene, after.scene)
                yield view.looks(new) if stays else view.another(new)
            case MoveRegion() if edit.id in was and edit.id in now:
                yield from map(Spot, _moved(view, was[edit.id], now[edit.id]))
            case RemoveRegion() | MoveRegion():  # a container: what is in it counts
                yield from map(Spot, _inside(view, before, after, edit.id))


def _moved(view: View, old: Region, new: Region) -> Iterator[Pixels]:
    """The old place and the new one; nothing where the thing stands in its new box already."""
    if old.mask != new.mask or old.z != new.z:
        yield view.place(new, wholly=True)
    if old.box == new.box:
        return
    found = view.find(old.box)
    inside = view.box(new.box)
    if found is not None and (found & inside).sum() >= _HELD * found.sum():
        return
    yield view.place(old, wholly=False)
    yield view.place(new, wholly=True)


def _inside(view: View, before: Plan, after: Plan, container: str) -> Iterator[Pixels]:
    for old in _below(before.regions, container):
        new = next((each for each in after.layers() if each.id == old.id), None)
        if new is None:
            yield view.place(old, wholly=False)
        else:
            yield from _moved(view, old, new)


def _below(regions: Iterable[Region], container: str, inside: bool = False) -> Iterator[Region]:
    """The regions with a subprompt in the region of that id."""
    for region in regions:
        within = inside or region.id == container
        if within and region.prompt:
            yield region
        yield from _below(region.children, container, within)


def _others(plan: Plan, concerned: frozenset[str]) -> Iterator[Region]:
    """Regions that no edit is about and whose things may stand in front of an edited one.

    What lies below an edited region and shares its place, a background, is no such thing.
    """
    layers = plan.layers()
    edited = [index for index, region in enumerate(layers) if region.id in concerned]
    for index, region in enumerate(layers):
        below = any(
            index < other and region.box.intersection(layers[other].box) for other in edited
        )
        if region.id not in concerned and not below:
            yield region
