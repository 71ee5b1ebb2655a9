"""Edits: what changes between two plans, as data. Applied purely; no torch.

::

    edits = (ModifyRegion(id="house-1", prompt="a blue house"),
             AddRegion(region=Region(id="moon-1", prompt="a moon", box=Box(0.7, 0.0, 1.0, 0.3))))
    after = apply(before, edits)
    assert apply(before, diff(before, after)) == after

Whatever an edit leaves at None stays as it is. Where a thing's number is that of the regions which
show it, it follows them as they come and go. `reasoning`, `source` and `aspect` tell of a plan's
making and are never edited: `apply` keeps those of the plan it is given, and `diff` does not look
at them.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Annotated, Any, Literal

from pydantic import Field, TypeAdapter, ValidationError

from rpg.errors import PlanError
from rpg.plans.geometry import FULL, Box
from rpg.plans.model import MAX_PROMPT_CHARS, Id, Model, Words, explained
from rpg.plans.plan import Plan, Ratio, Region, every_region
from rpg.plans.scene import Relation, Scene, Thing
from rpg.plans.tree import TOP, Tree, longest_common

__all__ = [
    "AddRegion",
    "Edit",
    "ModifyRegion",
    "MoveRegion",
    "RemoveRegion",
    "SetBase",
    "SetScene",
    "Touched",
    "apply",
    "diff",
    "from_json",
    "json_schema",
    "to_json",
    "touched",
]

_BASE = ("prompt", "base_prompt", "base_ratio", "negative", "unsaid")
_SAID = ("prompt", "shows", "negative", "base_ratio")
_SCENE = tuple(Scene.model_fields)

Parent = Annotated[str, Field(max_length=100)]
Index = Annotated[int, Field(ge=0)]
NewRatio = Ratio | Literal["auto"]


class AddRegion(Model):
    """A new region, with its children if it has any.

    Attributes:
        region: Its ids must not be in the plan yet.
        things: What it shows that is not in the scene yet.
        parent: The region that it becomes a child of; empty for none.
        index: Place among its siblings, from 0; None, or more than there are, for the last.
    """

    kind: Literal["add"] = "add"
    region: Region
    things: tuple[Thing, ...] = ()
    parent: Parent = TOP
    index: Index | None = None


class RemoveRegion(Model):
    """A region goes, with all that is in it and the things that no other region shows."""

    kind: Literal["remove"] = "remove"
    id: Id


class ModifyRegion(Model):
    """What a region shows.

    Attributes:
        id: The region, nested or not.
        prompt: Its new subprompt; empty only for a container of children.
        shows: Ids of the things that it shows.
        negative: What should not be in it; empty for nothing.
        base_ratio: 0 to 1; "auto" takes the plan's.
    """

    kind: Literal["modify"] = "modify"
    id: Id
    prompt: Words | None = None
    shows: tuple[Id, ...] | None = None
    negative: Words | None = None
    base_ratio: NewRatio | None = None


class MoveRegion(Model):
    """Where a region is.

    Attributes:
        id: The region, nested or not.
        box: Its new place, in fractions of the whole canvas. What is in it moves along, in
            proportion, and so do painted masks.
        z: Its new painting order.
        mask: A painted mask to take instead; empty for the whole box.
        parent: The region to put it into; empty for none.
        index: Place among its siblings, from 0, counted without it; last under a new parent.
    """

    kind: Literal["move"] = "move"
    id: Id
    box: Box | None = None
    z: Annotated[int, Field(ge=-1000, le=1000)] | None = None
    mask: str | None = None
    parent: Parent | None = None
    index: Index | None = None


class SetBase(Model):
    """What holds for the whole picture.

    Attributes:
        prompt: What the user asked for.
        base_prompt: Drawn under and between the regions; empty takes the prompt.
        base_ratio: 0 to 1; "auto" leaves it to the composer.
        negative: What should be nowhere; empty for nothing.
        unsaid: What is absent and stands in no negative prompt, in place of that before.
    """

    kind: Literal["base"] = "base"
    prompt: Annotated[str, Field(min_length=1, max_length=MAX_PROMPT_CHARS)] | None = None
    base_prompt: Words | None = None
    base_ratio: NewRatio | None = None
    negative: Words | None = None
    unsaid: tuple[str, ...] | None = None


class SetScene(Model):
    """What the picture holds, as data.

    Attributes:
        setting: Place, time, weather; empty for none.
        style: Medium, light, mood; empty for none.
        things: All things, in place of those before.
        relations: All relations, in place of those before.
        absent: What must not be there, in place of that before.
    """

    kind: Literal["scene"] = "scene"
    setting: Words | None = None
    style: Words | None = None
    things: tuple[Thing, ...] | None = None
    relations: tuple[Relation, ...] | None = None
    absent: tuple[str, ...] | None = None


AnyEdit = AddRegion | RemoveRegion | ModifyRegion | MoveRegion | SetBase | SetScene
Edit = Annotated[AnyEdit, Field(discriminator="kind")]
_EDITS: TypeAdapter[tuple[Edit, ...]] = TypeAdapter(tuple[Edit, ...])


def to_json(edits: Iterable[Edit], *, indent: int | None = None) -> str:
    """The edits as a JSON array; what stays as it is is left out."""
    said = [
        {"kind": edit.kind, **edit.model_dump(mode="json", exclude_defaults=True)} for edit in edits
    ]
    separators = (",", ":") if indent is None else None
    return json.dumps(said, ensure_ascii=False, indent=indent, separators=separators)


def from_json(text: str | bytes) -> tuple[Edit, ...]:
    """Reads what `to_json` wrote, or a model or a person did.

    Raises:
        PlanError: The text is no JSON, or not that of edits; says where.
    """
    try:
        return _EDITS.validate_json(text)
    except ValidationError as error:
        raise PlanError(explained(error, "edits")) from error


def json_schema() -> dict[str, Any]:
    """The JSON schema of an array of edits."""
    return _EDITS.json_schema()


def apply(plan: Plan, edits: Iterable[Edit]) -> Plan:
    """The plan with the edits made, one after the other. The plan given is not touched.

    Raises:
        PlanError: An edit names a region that is not there then, or adds one that is; or the
            outcome breaks a rule of plans. Rules are checked once, at the end.
    """
    tree = Tree(plan)
    for edit in edits:
        _do(tree, edit)
    return tree.build()


def _do(tree: Tree, edit: Edit) -> None:
    before = tree.shown()
    match edit:
        case AddRegion():
            tree.add(edit.region, edit.parent, edit.index)
            if edit.things:
                tree.update_scene(things=(*tree.scene.things, *edit.things))
        case RemoveRegion():
            tree.remove(edit.id)
        case ModifyRegion():
            _set(tree.known(edit.id), edit, _SAID)
        case MoveRegion():
            _move(tree, edit)
        case SetBase():
            _set(tree.base, edit, _BASE)
        case SetScene():
            said = {name: getattr(edit, name) for name in _SCENE}
            tree.update_scene(**{name: value for name, value in said.items() if value is not None})
            return
    tree.recount(before)


def _set(values: dict[str, Any], edit: ModifyRegion | SetBase, names: Iterable[str]) -> None:
    for name in names:
        value = getattr(edit, name)
        if value is not None:
            values[name] = None if name == "base_ratio" and value == "auto" else value


def _move(tree: Tree, edit: MoveRegion) -> None:
    values = tree.known(edit.id)
    if edit.parent is not None or edit.index is not None:
        here = tree.parent[edit.id]
        tree.rehang(edit.id, here if edit.parent is None else edit.parent, edit.index)
    if edit.box is not None and edit.box != values["box"]:
        tree.shift(edit.id, edit.box)
    if edit.z is not None:
        values["z"] = edit.z
    if edit.mask is not None:
        values["mask"] = edit.mask or None


@dataclass(frozen=True, slots=True)
class Touched:
    """What edits concern.

    Attributes:
        ids: Regions that come, go or change, each once.
        boxes: Their places, old and new; the whole canvas where setting or style change, or where
            the base prompt, its ratio or the negative prompt changes for no region's sake, or
            together with every region.
        base: Whether any of those three changes. Beside edits of a few regions that usually brings
            the description up to date, so that it alone does not add the whole canvas.
    """

    ids: tuple[str, ...]
    boxes: tuple[Box, ...]
    base: bool


def touched(plan: Plan, edits: Iterable[Edit]) -> Touched:
    """Which regions and which parts of the canvas the edits concern.

    Raises:
        PlanError: The edits cannot be applied.
    """
    tree = Tree(plan)
    ids: dict[str, None] = {}
    boxes: dict[Box, None] = {}
    for edit in edits:
        before = list(_concerned(tree, edit))
        _do(tree, edit)
        for name, box in (*before, *_concerned(tree, edit)):
            ids[name] = boxes[box] = None
    after = tree.build()
    base = _drawn_below(plan) != _drawn_below(after)
    if _drawn_everywhere(plan) != _drawn_everywhere(after):
        ids |= dict.fromkeys(tree.own)
        boxes = {FULL: None}
    if base and (not ids or ids.keys() >= tree.own.keys()):
        boxes = {FULL: None}
    return Touched(tuple(ids), tuple(boxes), base)


def _concerned(tree: Tree, edit: Edit) -> Iterator[tuple[str, Box]]:
    """The regions that the edit is about, with their boxes as they are."""
    if isinstance(edit, SetBase | SetScene):
        return
    name = edit.region.id if isinstance(edit, AddRegion) else edit.id
    if name in tree.own:
        names = (name,) if isinstance(edit, ModifyRegion) else tree.inside(name)
        yield from ((each, tree.own[each]["box"]) for each in names)


def _drawn_below(plan: Plan) -> tuple[str, float | None, str]:
    return plan.effective_base_prompt, plan.base_ratio, plan.effective_negative


def _drawn_everywhere(plan: Plan) -> tuple[str, str]:
    return plan.scene.setting, plan.scene.style


def diff(before: Plan, after: Plan) -> tuple[Edit, ...]:
    """Edits that make the one plan the other, reasoning and source aside; none if they are alike.

    Regions are known by their ids.
    """
    tree, goal = Tree(before), Tree(after)
    base = _changes(tree.base, goal.base, _BASE)
    first = (SetBase(**base),) if base else ()
    edits = (*first, *_removals(tree, goal), *_level(tree, goal, TOP))
    scene = _changes(dict(tree.scene), dict(goal.scene), _SCENE)
    return (*edits, SetScene(**scene)) if scene else edits


def _changes(now: dict[str, Any], then: dict[str, Any], names: Iterable[str]) -> dict[str, Any]:
    changed = {name: then[name] for name in names if now[name] != then[name]}
    return {name: "auto" if value is None else value for name, value in changed.items()}


def _removals(tree: Tree, goal: Tree) -> Iterator[Edit]:
    """Takes out what goes, once what stays of its inside is brought into safety."""
    gone = [name for name in tree.own if name not in goal.own]
    for name in gone:
        for child in [each for each in tree.children[name] if each in goal.own]:
            yield _done(tree, MoveRegion(id=child, parent=TOP))
    for name in gone:
        if name in tree.own:
            yield _done(tree, RemoveRegion(id=name))


def _level(tree: Tree, goal: Tree, parent: str) -> Iterator[Edit]:
    """Brings a region's children, and all that is in them, to where and what they are to be."""
    wanted = goal.children[parent]
    staying = longest_common(tree.children[parent], wanted)
    for before, name in zip([None, *wanted], wanted, strict=False):
        siblings = [each for each in tree.children[parent] if each != name]
        index = 0 if before is None else siblings.index(before) + 1
        place: dict[str, Any] = {}
        if name not in tree.own:
            last = None if index == len(siblings) else index
            region = _new(tree, goal, name)
            things = tuple(_new_things(tree, goal, region))
            yield _done(tree, AddRegion(region=region, things=things, parent=parent, index=last))
        elif name not in staying:
            moves = tree.parent[name] != parent
            place = {"index": index, **({"parent": parent} if moves else {})}
        yield from _settled(tree, goal, name, place)
        yield from _level(tree, goal, name)


def _new(tree: Tree, goal: Tree, name: str) -> Region:
    """A region to add, with those of its children that are new as well."""
    children = [each for each in goal.children[name] if each not in tree.own]
    values = dict(goal.own[name])
    if not values["prompt"] and not children:
        values["prompt"] = name  # a container whose children come from elsewhere: for the moment
    return Region(**values, children=tuple(_new(tree, goal, child) for child in children))


def _new_things(tree: Tree, goal: Tree, region: Region) -> Iterator[Thing]:
    """The things shown in a region to add that the scene does not hold yet."""
    shown = {name for each in every_region((region,)) for name in each.shows}
    known = {thing.id for thing in tree.scene.things}
    return (one for one in goal.scene.things if one.id in shown - known)


def _settled(tree: Tree, goal: Tree, name: str, place: dict[str, Any]) -> Iterator[Edit]:
    """What is still different about a region that is in the tree."""
    now, then = tree.own[name], goal.own[name]
    move = {**place, **_changes(now, then, ("box", "z"))}
    _do(tree, MoveRegion(id=name, **move))
    if now["mask"] != then["mask"]:
        move["mask"] = then["mask"] or ""
    if move:
        yield _done(tree, MoveRegion(id=name, **move))
    said = _changes(now, then, _SAID)
    if said:
        yield _done(tree, ModifyRegion(id=name, **said))


def _done(tree: Tree, edit: Edit) -> Edit:
    _do(tree, edit)
    return edit
