"""A plan as cards, fields and texts, and what was written there as edits of the plan. Pure.

What a person reads is rounded. Fields are compared with what they last showed, so that what nobody
changed keeps its exact value.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Literal

from rpg.dialects import comfyui, forge_couple, regional_prompter
from rpg.dialects.forms import FORMS
from rpg.errors import PlanError
from rpg.planners.rules.typed import typed_words
from rpg.plans.edits import AddRegion, AnyEdit, ModifyRegion, MoveRegion, SetBase, SetScene, apply
from rpg.plans.geometry import Box, grid
from rpg.plans.plan import Plan, Region
from ui.plan_boxes import Colour, addition, colour_of, regions_of

__all__ = [
    "Base",
    "Card",
    "Form",
    "Written",
    "added",
    "as_text",
    "base_edits",
    "card_edits",
    "cards",
    "from_text",
    "kept",
    "staleness",
]

Form = Literal[
    "json", "rpg", "comfyui", "regional-prompter", "forge-couple", "flux", "ideogram"
]  # the last two are written and not read

_NAMES = {"rpg": "text"}  # in `FORMS`, where another than here
_READ = {
    "comfyui": comfyui.read,
    "regional-prompter": regional_prompter.read,
    "forge-couple": forge_couple.read,
}
_MOST_CHARS = 300_000  # of a text to edit on the page
_LEAST = 0.5  # percent of the canvas that a region has each way


@dataclass(frozen=True, slots=True)
class Written:
    """What the fields of a card say; None is an empty number.

    A browser shows an empty number as 0, so that what may be empty is text.

    Attributes:
        prompt: The subprompt.
        negative: What should not be there.
        base_ratio: 0 to 1; empty takes the plan's.
        z: Painting order.
        left: Percent of the canvas's width.
        top: Percent of its height.
        width: Percent of its width.
        height: Percent of its height.
    """

    prompt: str
    negative: str
    base_ratio: str
    z: float | None
    left: float | None
    top: float | None
    width: float | None
    height: float | None


@dataclass(frozen=True, slots=True)
class Card:
    """A region as a card shows it.

    Attributes:
        id: The region's.
        number: In painting order, from 1; None for a region that only holds others.
        colour: The region's on the canvas.
        depth: How many regions it is in.
        painted: Whether a painted mask cuts it to a form.
        fields: What stands in its fields.
    """

    id: str
    number: int | None
    colour: Colour
    depth: int
    painted: bool
    fields: Written


@dataclass(frozen=True, slots=True)
class Base:
    """The fields that hold for the whole plan, as they show.

    Attributes:
        setting: Said in every region, and drawn where none lies.
        style: Said with every text.
        prompt: The base prompt.
        ratio: Base ratio, 0 to 1; empty leaves it to the model.
        negative: What should be nowhere, what the scene says is absent included.
    """

    setting: str = ""
    style: str = ""
    prompt: str = ""
    ratio: str = ""
    negative: str = ""

    @classmethod
    def of(cls, plan: Plan | None) -> Base:
        """Those of a plan; empty where there is none."""
        if plan is None:
            return cls()
        scene, ratio = plan.scene, _shown(plan.base_ratio)
        return cls(scene.setting, scene.style, plan.base_prompt, ratio, plan.effective_negative)


def cards(plan: Plan) -> tuple[Card, ...]:
    """A card for every region, in painting order."""
    return tuple(
        Card(
            region.id,
            number,
            colour_of(number, place),
            depth,
            region.mask is not None,
            _written(region),
        )
        for place, (region, number, depth) in enumerate(regions_of(plan))
    )


def card_edits(plan: Plan, region: Region, was: Written, now: Written) -> tuple[AnyEdit, ...]:
    """What was changed on a card.

    Args:
        plan: The region's.
        region: As it is.
        was: What the card showed.
        now: What it says.

    Raises:
        PlanError: A field cannot mean anything; says which.
    """
    return tuple([*_said(plan, region, was, now), *_moved(region, was, now)])


def base_edits(was: Base, now: Base) -> tuple[AnyEdit, ...]:
    """What was changed in the fields of the whole plan.

    Raises:
        PlanError: The ratio is not one.
    """
    changes: dict[str, Any] = {}
    if now.prompt != was.prompt:
        changes["base_prompt"] = now.prompt
    if now.ratio != was.ratio:
        changes["base_ratio"] = _ratio(now.ratio)
    scene: dict[str, Any] = {
        name: getattr(now, name)
        for name in ("setting", "style")
        if getattr(now, name) != getattr(was, name)
    }
    if now.negative != was.negative:
        changes["negative"], scene["absent"] = now.negative, ()
    edits = (SetBase(**changes) if changes else None, SetScene(**scene) if scene else None)
    return tuple(edit for edit in edits if edit is not None)


def added(plan: Plan, words: str) -> AddRegion:
    """A new region where there is the most room.

    Raises:
        PlanError: There are no words.
    """
    if not words.strip():
        raise PlanError("say what the new region shows first")
    boxes = [region.box for region, _, _ in regions_of(plan)]

    def covered(cell: Box) -> float:
        return sum(common.area for box in boxes if (common := cell.intersection(box)))

    return addition(words, min(grid(3, 3), key=covered), plan)


def staleness(plan: Plan | None, prompt: str) -> str:
    """A line where a plan is not of the prompt that stands there; empty where it is."""
    if plan is None or not prompt.strip() or plan.prompt == prompt.strip():
        return ""
    return "The plan is for an earlier prompt: plan again, or keep it for this one."


def kept(plan: Plan, prompt: str) -> Plan:
    """The same plan for another prompt.

    Raises:
        PlanError: The prompt is empty or too long.
    """
    asked = Plan(prompt=prompt).prompt
    base = asked if plan.base_prompt == plan.prompt else None
    return apply(plan, [SetBase(prompt=asked, base_prompt=base)])


def as_text(plan: Plan | None, form: Form) -> tuple[str, str]:
    """The plan's text in a form, and what it does not say, or why there is none."""
    if plan is None:
        return "", "No plan yet. One written elsewhere can be put here."
    try:
        text, lost = FORMS[_NAMES.get(form, form)](plan)
        if form == "json":
            text = plan.to_json(indent=2)
    except PlanError as error:
        return "", str(error)
    if len(text) > _MOST_CHARS:
        return "", f"The text has {len(text)} characters: too many to show here."
    return text, " ".join(lost)


def from_text(text: str, form: Form, *, prompt: str, now: Plan | None) -> Plan:
    """The plan that a text says.

    Args:
        text: As it was written.
        form: How.
        prompt: What the prompt field says; the official form does not say it.
        now: The plan so far. Where it is for this prompt, what the official form has no words for
            is taken from it.

    Raises:
        PlanError: The text is not of that form; says where.
    """
    if not text.strip():
        raise PlanError("there is no text yet: write or paste a plan first")
    if form == "json":
        return Plan.from_json(text)
    if form in _READ:
        return _READ[form](text)
    if form != "rpg":
        raise PlanError("this form is written and not read; bring a plan as JSON or official text")
    asked = prompt.strip() or (now.prompt if now else "")
    if not asked:
        raise PlanError("write a prompt first: this form does not say it")
    read = Plan.from_rpg_text(text, prompt=asked)
    if now is None or now.prompt != asked:
        return read
    same = Base.of(now)
    return apply(read, base_edits(Base.of(read), same))


def _written(region: Region) -> Written:
    box = region.box
    return Written(
        region.prompt,
        region.negative,
        _shown(region.base_ratio),
        region.z,
        *(round(100 * share, 1) for share in (box.x0, box.y0, box.width, box.height)),
    )


def _said(plan: Plan, region: Region, was: Written, now: Written) -> Iterator[AnyEdit]:
    changes: dict[str, Any] = {}
    if now.prompt != was.prompt:
        yield from typed_words(plan, region, now.prompt)
    if now.negative != was.negative:
        changes["negative"] = now.negative
    if now.base_ratio != was.base_ratio:
        changes["base_ratio"] = _ratio(now.base_ratio)
    if changes:
        yield ModifyRegion(id=region.id, **changes)


def _moved(region: Region, was: Written, now: Written) -> Iterator[AnyEdit]:
    changes: dict[str, Any] = {}
    if now.z != was.z:
        changes["z"] = round(_within("Order", now.z, -1000, 1000))
    places = ("left", "top", "width", "height")
    if any(getattr(now, name) != getattr(was, name) for name in places):
        x0, x1 = _span((region.box.x0, region.box.x1), was, now, ("left", "width"))
        y0, y1 = _span((region.box.y0, region.box.y1), was, now, ("top", "height"))
        changes["box"] = Box(x0, y0, x1, y1)
    if changes:
        yield MoveRegion(id=region.id, **changes)


def _span(
    edges: tuple[float, float], was: Written, now: Written, names: tuple[str, str]
) -> tuple[float, float]:
    """Both edges in fractions, on the canvas: a new place keeps the length, a new length the place.

    What was not changed stays exact.
    """
    start, length = edges[0], edges[1] - edges[0]
    place, size = (getattr(now, name) for name in names)
    if (place, size) == tuple(getattr(was, name) for name in names):
        return edges
    if size != getattr(was, names[1]):
        length = _within(names[1].capitalize(), size, _LEAST, 100) / 100
        length = max(min(length, 1.0 - start), _LEAST / 100)
    if place != getattr(was, names[0]):
        start = _within(names[0].capitalize(), place, 0, 100) / 100
    first = max(min(start, 1.0 - length), 0.0)
    return first, min(first + length, 1.0)


def _shown(ratio: float | None) -> str:
    return "" if ratio is None else f"{ratio:g}"


def _ratio(text: str) -> float | Literal["auto"]:
    if not text.strip():
        return "auto"
    try:
        value = float(text.replace(",", "."))
    except ValueError:
        value = math.nan
    return _within("Base ratio", value, 0, 1)


def _within(name: str, value: float | None, low: float, high: float) -> float:
    if value is None or not math.isfinite(value) or not low <= value <= high:
        raise PlanError(f"{name}: write a number from {low:g} to {high:g}")
    return value
