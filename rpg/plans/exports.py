"""Plans in the forms that models with layout in their prompts read natively. Pure; one way.

Those that other tools read, and that are read back, stand in `rpg.dialects`.

- `flux_json`: FLUX.2's structured prompt (docs.bfl.ai, "JSON prompting"): scene, subjects with a
  position in words, style, background.
- `ideogram_json`: the caption that Ideogram 4 was trained on (docs.ideogram.ai, "JSON prompting"):
  elements with boxes [top, left, bottom, right] in thousandths of the canvas, and the words to be
  written as elements of their own.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any, NamedTuple

from rpg.plans.geometry import Box
from rpg.plans.plan import Plan, Region
from rpg.plans.scene import Thing

__all__ = ["Exported", "flux_json", "ideogram_json"]

_THIRD = 1 / 3
_LARGE = 0.8  # of the canvas: a position says no more
_PHOTO = ("photo", "film still", "dslr", "35mm", "85mm")


class Exported(NamedTuple):
    """A plan in another form.

    Attributes:
        text: the form.
        lost: what of the plan it does not say, a sentence each.
    """

    text: str
    lost: tuple[str, ...] = ()


def flux_json(plan: Plan) -> str:
    """The plan as FLUX.2 reads structured prompts: JSON, the regions as subjects."""
    plan = plan.unweighted()
    scene = plan.scene
    data: dict[str, Any] = {
        "scene": plan.base_prompt or plan.prompt,
        "subjects": [
            {"description": _described(region, plan), "position": position(region.box)}
            for region in plan.layers()
        ],
        "style": scene.style,
        "background": scene.setting,
    }
    return _json(data)


def ideogram_json(plan: Plan) -> str:
    """The plan as a caption of Ideogram 4: JSON with boxes in thousandths, y before x."""
    plan = plan.unweighted()
    scene = plan.scene
    kind = "photo" if any(word in scene.style.lower() for word in _PHOTO) else "art_style"
    data: dict[str, Any] = {
        "high_level_description": plan.base_prompt or plan.prompt,
        "style_description": {kind: scene.style} if scene.style else {},
        "compositional_deconstruction": {
            "background": scene.setting or plan.prompt,
            "elements": [one for region in plan.layers() for one in _elements(region, plan)],
        },
    }
    return _json(data)


def position(box: Box) -> str:
    """Where a box is, in words and rounded percent of the frame.

    "upper left of the frame, 30% wide and 40% high".
    """
    if min(box.width, box.height) >= _LARGE:
        return "filling the frame"
    x, y = box.center
    across = "left" if x < _THIRD else "right" if x > 1 - _THIRD else ""
    down = "upper" if y < _THIRD else "lower" if y > 1 - _THIRD else ""
    place = " ".join(filter(None, (down, across))) or "center"
    if place in ("upper", "lower"):
        place = f"{place} center"
    return f"{place} of the frame, {box.width:.0%} wide and {box.height:.0%} high"


def _elements(region: Region, plan: Plan) -> Iterator[dict[str, Any]]:
    edges = (region.box.y0, region.box.x0, region.box.y1, region.box.x1)
    bbox = [round(1000 * edge) for edge in edges]
    yield {"type": "obj", "bbox": bbox, "desc": region.prompt}
    for thing in _things(region, plan):
        if thing.words:
            told = " ".join([*thing.attributes, thing.name])
            yield {"type": "text", "bbox": bbox, "text": thing.words, "desc": f"on the {told}"}


def _described(region: Region, plan: Plan) -> str:
    """The prompt, and the words to be written where it does not say them."""
    unsaid = [one.words for one in _things(region, plan) if one.words not in region.prompt]
    return ", ".join([region.prompt, *(f'with the words "{words}"' for words in unsaid)])


def _things(region: Region, plan: Plan) -> Iterator[Thing]:
    return (one for name in region.shows if (one := plan.scene.thing(name)) is not None)


def _json(data: dict[str, Any]) -> str:
    kept = {name: value for name, value in data.items() if value not in ("", [], {})}
    return json.dumps(kept, ensure_ascii=False, indent=2)
