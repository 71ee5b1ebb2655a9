"""A change of a plan: the plan as a model is shown it, and its answer as edits.

An answer names regions and things by their ids; what it does not name stays, byte for byte. A whole
plan is read as edits too: regions that it leaves out stay.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from rpg.chat.answers import NoAnswerError, clean, one_line, read_answer
from rpg.errors import PlanError
from rpg.planners.llm.boxes import fitted
from rpg.planners.llm.checks import contradicted, hidden
from rpg.planners.llm.parsed_answer import Size, region_ids, shown_things
from rpg.planners.llm.schema import Edges, EditAnswer, EditedPlanAnswer, EditItem, RegionAnswer
from rpg.planners.llm.things import (
    Names,
    distinct,
    is_none,
    read_absent,
    read_relations,
    read_things,
)
from rpg.plans import rpg_text
from rpg.plans.edits import (
    AddRegion,
    Edit,
    ModifyRegion,
    MoveRegion,
    RemoveRegion,
    SetBase,
    SetScene,
    apply,
)
from rpg.plans.geometry import Box
from rpg.plans.plan import MAX_PROMPT_CHARS, Plan, Region, every_region
from rpg.plans.scene import Relation

_ROUNDED = 0.011  # of the canvas: what whole percentages lose
_SAME_PLACE = 0.9  # intersection over union of a region that came back without its id


def plan_as_answer(plan: Plan) -> str:
    """The plan as JSON in the form of an answer, from back to front, boxes in percent."""
    scene = plan.scene
    parents = {child.id: one.id for one in _containers(plan.regions) for child in one.children}
    answer: dict[str, Any] = {
        "setting": scene.setting,
        "style": scene.style,
        "things": [_short(one.model_dump(mode="json"), count=1) for one in scene.things],
        "relations": [one.model_dump(mode="json") for one in scene.relations],
        "absent": list(scene.absent),
        "regions": [_shown(region, parents) for region in plan.every_layer()],
        "base_prompt": plan.base_prompt or plan.prompt,
        "negative": plan.negative,
    }
    kept = {name: one for name, one in answer.items() if one or name == "regions"}
    lines = [f" {json.dumps(name)}: {_listed(one)}" for name, one in kept.items()]
    return "{\n" + ",\n".join(lines) + "\n}"


def _listed(value: Any) -> str:
    """JSON, the items of a list of objects on a line each."""
    if isinstance(value, list) and value and isinstance(value[0], dict):
        return "[\n  " + ",\n  ".join(json.dumps(one, ensure_ascii=False) for one in value) + "]"
    return json.dumps(value, ensure_ascii=False)


def _short(values: dict[str, Any], **defaults: Any) -> dict[str, Any]:
    """Without what is empty or at its default; a count of None is said."""
    return {
        name: value
        for name, value in values.items()
        if value not in ("", []) and (name not in defaults or value != defaults[name])
    }


def _shown(region: Region, parents: Mapping[str, str]) -> dict[str, Any]:
    edges = {"left": region.box.x0, "top": region.box.y0, "right": region.box.x1,
             "bottom": region.box.y1}  # fmt: skip
    return _short(
        {
            "id": region.id,
            "shows": list(region.shows),
            "prompt": region.prompt,
            "box": {name: round(100 * edge) for name, edge in edges.items()},
            "parent": parents.get(region.id, ""),
        }
    )


def _containers(regions: Sequence[Region]) -> Iterator[Region]:
    for region in regions:
        if region.children:
            yield region
            yield from _containers(region.children)


@dataclass(frozen=True, slots=True)
class Edited:
    """What came of an answer to a change.

    Attributes:
        plan: After the edits.
        edits: What was done, in order.
        reasoning: The model's.
        problems: What could not be done as said, a sentence each.
    """

    plan: Plan
    edits: tuple[Edit, ...]
    reasoning: str = ""
    problems: tuple[str, ...] = ()


@dataclass(slots=True)
class _Item:
    """One edit of a region, its box on the canvas."""

    do: str
    id: str
    shows: Sequence[str] | None = None
    prompt: str | None = None
    box: Box | None = None
    parent: str | None = None
    after: str | None = None  # the region listed before a new one; None: it goes last


@dataclass(slots=True)
class _Change:
    answer: EditAnswer
    items: list[_Item]
    base: dict[str, Any] = field(default_factory=dict)
    problems: list[str] = field(default_factory=list)


def edited(text: str, previous: Plan, prompt: str, instruction: str, canvas: Size | None) -> Edited:
    """The plan after the edits that an answer says.

    Args:
        text: The answer: edits, a whole plan, or the official text form.
        previous: The plan that is changed.
        prompt: What it is of; used where the answer says no new one.
        instruction: What was asked for.
        canvas: Width and height in pixels, where known.

    Raises:
        NoAnswerError: The text holds none of the three.
        PlanError: The outcome is no plan.
    """
    change = _read(text, previous, canvas)
    editor = _Editor(previous, change)
    plan = editor.done()
    base = {"prompt": _prompt(change.answer.prompt, prompt, instruction), **change.base}
    if change.answer.base_prompt:
        base["base_prompt"] = change.answer.base_prompt
    elif change.answer.prompt and editor.edits:
        base["base_prompt"] = ""  # it may tell of what is no more; the new prompt does not
    last = SetBase(**base)
    return Edited(
        apply(plan, [last]),
        (*editor.edits, last),
        change.answer.reasoning.strip(),
        tuple(dict.fromkeys(change.problems)),
    )


def _prompt(new: str, prompt: str, instruction: str) -> str:
    """What asks for the changed picture: else whoever checks it would undo the change."""
    both = f"{prompt}; {instruction}"
    return (new or (both if len(both) <= MAX_PROMPT_CHARS else prompt))[:MAX_PROMPT_CHARS]


# Reading


def _read(text: str, previous: Plan, canvas: Size | None) -> _Change:
    try:
        answer = read_answer(text, EditAnswer, "edits")
    except NoAnswerError as error:
        return _read_whole(text, previous, canvas, error)
    problems = list[str]()
    given = [one.box for one in answer.edits if one.box is not None]
    boxes = iter(fitted(given, canvas))
    items = []
    for one in answer.edits:
        box = next(boxes) if one.box is not None else None
        if isinstance(box, str):
            problems.append(f'the box of region "{one.id}" {box}')
            box = None
        items.append(_item(one, box))
    return _Change(answer, items, problems=problems)


def _item(one: EditItem, box: Box | None) -> _Item:
    return _Item(one.do, one.id, one.shows or None, one.prompt or None, box, one.parent)


def _changed_text(text: str | None) -> str | None:
    """What a text becomes: strict schemas have models write "" for what stays, "none" clears."""
    return None if not text else "" if is_none(text) else text


def _read_whole(text: str, previous: Plan, canvas: Size | None, error: NoAnswerError) -> _Change:
    try:
        plan = read_answer(text, EditedPlanAnswer, "regions")
    except NoAnswerError as other:
        if "split ratio" in text.lower():
            return _read_text(text, previous, other.problems)
        if any(one.startswith("there is no whole JSON") for one in other.problems):
            raise error from None
        raise
    scene = {name: getattr(plan, name) or None for name in ("setting", "style", "absent")}
    answer = EditAnswer(
        reasoning=plan.reasoning, things=plan.things, relations=plan.relations, edits=[],
        base_prompt=plan.base_prompt, prompt=plan.prompt, **scene,
    )  # fmt: skip
    base = {"base_ratio": plan.base_ratio, "negative": plan.negative or None}
    change = _Change(answer, [], {name: one for name, one in base.items() if one is not None})
    boxes = fitted([region.box for region in plan.regions], canvas)
    _add_regions(change, plan.regions, boxes, previous)
    change.items += [_Item("remove", name) for name in plan.removed]
    return change


def _add_regions(
    change: _Change, regions: Sequence[RegionAnswer], boxes: Sequence[Box | str], previous: Plan
) -> None:
    """A whole plan's regions as edits, in its order."""
    known = {region.id: region for region in previous.layers()}
    ids = _old_ids(regions, boxes, known)
    for name, region, box in zip(ids, regions, boxes, strict=True):
        place: Box | None = None
        if isinstance(box, str):
            change.problems.append(f'the box of region "{name}" {box}')
        else:
            place = box
        after = change.items[-1].id if change.items else ""
        said = region.model_fields_set
        change.items.append(
            _Item(
                "modify" if name in known else "add",
                name,
                region.shows or None,
                region.prompt or None,
                place,
                region.parent if region.parent and "parent" in said else None,
                after,
            )
        )
    if known and regions and not known.keys() & set(ids):
        change.problems.append(
            'no region has an "id" of the plan before: keep the ids of those that stay'
        )
        change.items += [_Item("remove", name) for name in known]


def _old_ids(
    regions: Sequence[RegionAnswer], boxes: Sequence[Box | str], known: Mapping[str, Region]
) -> list[str]:
    """The ids that regions have in the plan before; those without one are known by words or box."""
    ids = region_ids(regions)
    free = {name: one for name, one in known.items() if name not in ids}
    if len(free) < len(known):
        return ids
    for place, (region, box) in enumerate(zip(regions, boxes, strict=True)):
        found = next(
            (
                name
                for name, one in free.items()
                if one_line(one.prompt) == region.prompt
                or (isinstance(box, Box) and box.iou(one.box) > _SAME_PLACE)
            ),
            None,
        )
        if found is not None:
            ids[place] = found
            del free[found]
    return ids


def _read_text(text: str, previous: Plan, problems: tuple[str, ...]) -> _Change:
    """The official form fills the canvas: regions that it does not know are no more."""
    try:
        read = rpg_text.read(text)
    except PlanError as error:
        raise NoAnswerError(*problems, str(error)) from None
    regions = [
        RegionAnswer(
            prompt=one_line(one.prompt),
            box=Edges(left=one.box.x0, top=one.box.y0, right=one.box.x1, bottom=one.box.y1),
        )
        for one in read.regions
    ]
    change = _Change(EditAnswer(reasoning=clean(read.reasoning), edits=[]), [])
    _add_regions(change, regions, [one.box for one in read.regions], previous)
    change.problems.clear()
    named = {item.id for item in change.items}
    change.items += [_Item("remove", one.id) for one in previous.layers() if one.id not in named]
    return change


# Doing


class _Editor:
    """Makes the edits one after the other, and remembers them.

    Attributes:
        edits: Those made so far.
    """

    def __init__(self, previous: Plan, change: _Change) -> None:
        self.edits: list[Edit] = []
        self._previous, self._change = previous, change
        self._plan = previous
        shown = {one.id: one.shows[0] for one in previous.layers() if one.shows}
        read = read_things(change.answer.things, previous.scene.things, shown)
        self._names: Names = read.names
        self._given = {one.id for one in read.names.things.values()
                       if previous.scene.thing(one.id) != one}  # fmt: skip
        self._no_more = read.absent
        change.problems += read.problems
        self._moved = set[str]()

    def done(self) -> Plan:
        """The plan after all edits.

        Raises:
            PlanError: It is none.
        """
        self._set_scene()
        for item in sorted(self._change.items, key=lambda item: item.do == "remove"):
            match item.do:
                case "add":
                    self._add(item)
                case "remove":
                    self._remove(item.id)
                case _:
                    self._alter(item)
        self._uncover()
        self._tidy()
        return self._plan

    def _do(self, edit: Edit) -> None:
        after = apply(self._plan, [edit])
        if after != self._plan:
            self.edits.append(edit)
            self._plan = after

    def _set_scene(self) -> None:
        answer, scene = self._change.answer, self._previous.scene
        relations, problems = read_relations(answer.relations, self._names)
        self._change.problems += problems
        pairs = [_pair(one) for one in relations]
        kept = [one for one in scene.relations if _pair(one) not in pairs or one in relations]
        added = [one for one in relations if one not in kept]
        self._related = set(relations)
        absent = read_absent(answer.absent) if answer.absent else None
        self._do(
            SetScene(
                setting=_changed_text(answer.setting),
                style=_changed_text(answer.style),
                things=tuple(self._names.things.values()),
                relations=(*kept, *added),
                absent=absent,
            )
        )

    def _region(self, name: str) -> Region | None:
        """The region of that id, or the only one that shows the thing of that name."""
        layers = self._all()
        if name in layers:
            return layers[name]
        thing = self._names.find(name) if name else None
        showing = self._plan.shown_by(thing) if thing else ()
        return showing[0] if len(showing) == 1 else None

    def _all(self) -> dict[str, Region]:
        return {one.id: one for one in every_region(self._plan.regions)}

    def _shows(self, item: _Item) -> tuple[str, ...] | None:
        if item.shows is None:
            return None
        before = set(self._names.things)
        shows, strangers = shown_things(item.shows, self._names)
        if self._previous.scene.things or self._change.answer.things:
            self._change.problems += [
                f'region "{item.id}" shows "{one[:60]}", which is no thing\'s id'
                for one in strangers
            ]
        new = [self._names.things[name] for name in shows if name not in before]
        if new:
            self._do(SetScene(things=(*self._plan.scene.things, *new)))
        return tuple(name for name in shows if self._plan.scene.thing(name))

    def _add(self, item: _Item) -> None:
        shows = self._shows(item) or ()
        prompt = item.prompt or self._said_of(shows)
        if item.box is None or not prompt:
            what = "box" if item.box is None else "prompt"
            self._change.problems.append(f'the new region "{item.id}" has no "{what}"')
            return
        known = self._all()
        parent = item.parent if item.parent in known else ""
        siblings = known[parent].children if parent else self._plan.regions
        before = next((n for n, one in enumerate(siblings) if one.id == item.after), None)
        z = (
            siblings[before].z
            if before is not None
            else max((one.z for one in siblings), default=0)
        )
        name = distinct(item.id or next(iter(shows), "region"), known)
        region = Region(id=name, shows=shows, prompt=prompt, box=item.box, z=z)
        index = None if before is None else before + 1
        self._do(AddRegion(region=region, parent=parent or "", index=index))
        self._rename(item.id, name)

    def _rename(self, asked: str, given: str) -> None:
        for item in self._change.items:
            if item.after == asked:
                item.after = given

    def _said_of(self, shows: Sequence[str]) -> str:
        things = [one for name in shows if (one := self._plan.scene.thing(name))]
        return ", ".join(" ".join([*one.attributes[:3], one.name]) for one in things)

    def _alter(self, item: _Item) -> None:
        region = self._region(item.id)
        if region is None:
            if item.prompt and item.box is not None:
                self._add(item)
            else:
                self._change.problems.append(self._stranger(item.id))
            return
        shows = self._shows(item)
        self._do(ModifyRegion(id=region.id, prompt=item.prompt, shows=shows))
        box = item.box if item.box is not None and not _alike(item.box, region.box) else None
        parent = self._new_parent(region, item.parent)
        if box is not None or parent is not None:
            self._moved.update(region.shows)
            self._do(MoveRegion(id=region.id, box=box, parent=parent))

    def _new_parent(self, region: Region, asked: str | None) -> str | None:
        known = self._all()
        if asked not in known or asked == region.id:
            return None
        inside = {one.id for one in every_region(region.children)}
        now = {child.id for child in known[asked].children}
        return None if asked in inside or region.id in now else asked

    def _stranger(self, name: str) -> str:
        known = ", ".join(self._all()) or "none"
        return f'there is no region "{name[:60]}"; the regions: {known[:400]}'

    def _remove(self, name: str) -> None:
        """Takes out a region, or a thing with the regions that show nothing else."""
        if name in self._all():
            self._do(RemoveRegion(id=name))
            return
        thing = self._names.find(name) if name else None
        if thing is None or self._previous.scene.thing(thing) is None:
            if name not in {one.id for one in every_region(self._previous.regions)}:
                self._change.problems.append(self._stranger(name))
            return
        for region in self._plan.shown_by(thing):
            rest = tuple(one for one in region.shows if one != thing)
            edit = ModifyRegion(id=region.id, shows=rest) if rest else RemoveRegion(id=region.id)
            if region.id in self._all():
                self._do(edit)
        self._without([thing])

    def _without(self, gone: Sequence[str]) -> None:
        scene = self._plan.scene
        shown = {name for one in every_region(self._plan.regions) for name in one.shows}
        left = scene.without([name for name in gone if name not in shown], keep=shown)
        self._do(SetScene(things=left.things, relations=left.relations))

    def _uncover(self) -> None:
        """Puts a new background behind what it would hide."""
        before = set(hidden(self._previous))
        added = [one.region for one in self.edits if isinstance(one, AddRegion)]
        for region in added:
            if set(hidden(self._plan)) - before - {region.id}:
                z = min(one.z for one in self._plan.regions)
                moved = MoveRegion(id=region.id, index=0, z=z)
                behind = apply(self._plan, [moved])
                if len(hidden(behind)) < len(hidden(self._plan)):
                    self._do(moved)

    def _tidy(self) -> None:
        """Takes out things that no region shows any more, and relations that a move has undone."""
        shown = {name for one in every_region(self._plan.regions) for name in one.shows}
        were = {name for one in every_region(self._previous.regions) for name in one.shows}
        gone = [name for name in were - shown if name not in self._given]
        gone += [one for name in self._no_more if (one := self._names.find(name) or "")]
        if gone:
            self._without([name for name in gone if self._plan.scene.thing(name)])
        undone = {
            one
            for one in contradicted(self._plan) - contradicted(self._previous) - self._related
            if self._moved.intersection((one.subject, *one.objects))
        }
        if undone:
            kept = tuple(one for one in self._plan.scene.relations if one not in undone)
            self._do(SetScene(relations=kept))


def _pair(relation: Relation) -> frozenset[str]:
    return frozenset((relation.subject, *relation.objects))


def _alike(one: Box, other: Box) -> bool:
    pairs = ((one.x0, other.x0), (one.y0, other.y0), (one.x1, other.x1), (one.y1, other.y1))
    return all(abs(a - b) <= _ROUNDED for a, b in pairs)
