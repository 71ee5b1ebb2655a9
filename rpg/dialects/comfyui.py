"""Plans as ComfyUI's API workflows for SDXL, and such workflows as plans.

The nodes are those of ComfyUI itself (github.com/comfyanonymous/ComfyUI: `nodes.py` and
`comfy_extras/nodes_mask.py`). ComfyUI adds up the predictions of all conditionings, each times its
mask and strength, and divides by the sum of both. So a region of base ratio b is its text at 1 - b
and the base prompt at b under one mask, and what no region covers is another text at 1.

Regions are masks, not areas: with an area the model is run on a crop of that size, and SDXL draws
crops below 768 pixels badly. Areas are read all the same.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, NamedTuple

from rpg._json_size import has_too_many_values
from rpg.defaults import FAMILIES
from rpg.dialects._texts import ROUND, base_ratios, losses, placed, taken, written
from rpg.errors import PlanError
from rpg.plans.exports import Exported
from rpg.plans.geometry import FULL, Box, covered
from rpg.plans.plan import Plan
from rpg.plans.scene import Scene
from rpg.plans.wording import worded
from rpg.settings import GenerationSettings, Scheduler

__all__ = ["CHECKPOINT", "SAMPLERS", "is_workflow", "read", "write"]

CHECKPOINT = "sd_xl_base_1.0.safetensors"
SAMPLERS: Mapping[Scheduler, tuple[str, str]] = {  # sampler and its noise schedule
    "ddim": ("ddim", "normal"),
    "ddpm": ("ddpm", "normal"),
    "dpm++2m": ("dpmpp_2m", "normal"),
    "dpm++2m-karras": ("dpmpp_2m", "karras"),
    "euler": ("euler", "normal"),
    "euler-a": ("euler_ancestral", "normal"),
    "heun": ("heun", "normal"),
    "lcm": ("lcm", "sgm_uniform"),
    "lms": ("lms", "normal"),
    "unipc": ("uni_pc", "normal"),
}
# Ids of nodes, so that a plan's workflow is always the same: those there is one of, and where those
# of regions, of groups with one base ratio, and of combinations begin.
_MODEL, _CANVAS, _NEGATIVE, _BASE, _SAMPLER, _PIXELS, _SAVED, _NOTHING = range(1, 9)
_BETWEEN, _REST, _LEFT = range(9, 12)
_UNIONS, _REGIONS, _GROUPS, _COMBINED = 100, 1000, 10_000, 20_000
_EACH = 100  # ids for each region: text, rectangle, its masks, its conditioning
_TITLES = {_BASE: "Base", _BETWEEN: "Between", _NEGATIVE: "Negative"}
_REGION = "Region: "  # the title of a region's text, before its id

Link = list[Any]  # of a node's id and the number of its output
_MOST_STEPS = 100_000  # from the sampler to texts and masks: a loop of nodes has no end
_LARGEST = 1e9


class _Graph:
    """Nodes by id, as they are added."""

    def __init__(self) -> None:
        self.nodes: dict[str, dict[str, Any]] = {}

    def add(self, name: int, kind: str, title: str = "", /, **inputs: Any) -> Link:
        """Adds a node; the link to its first output."""
        node = {"class_type": kind, "inputs": inputs}
        self.nodes[str(name)] = {**node, "_meta": {"title": title}} if title else node
        return _link(name)

    def composite(self, name: int, mask: Link, other: Link, x: int, y: int, how: str) -> Link:
        """Adds a mask with another laid onto it."""
        return self.add(
            name, "MaskComposite", destination=mask, source=other, x=x, y=y, operation=how
        )

    def masked(self, name: int, text: Link, mask: Link, strength: float) -> Link:
        """Adds a conditioning within a mask."""
        return self.add(
            name,
            "ConditioningSetMask",
            conditioning=text,
            mask=mask,
            strength=round(strength, 6),
            set_cond_area="default",
        )


def write(
    plan: Plan,
    settings: GenerationSettings | None = None,
    *,
    checkpoint: str = CHECKPOINT,
) -> Exported:
    """The plan as a workflow that ComfyUI's `/prompt` takes and its page opens.

    Regions become masks of whole pixels, the higher ones cut out of those below.

    Args:
        plan: what is drawn.
        settings: size, seed, steps, guidance and scheduler; what it leaves open is SDXL's, the
            seed 0.
        checkpoint: file name of the model, as ComfyUI's own list has it.

    Returns:
        JSON in which the same plan has the same ids, and what it does not say.
    """
    settings, usual = settings or GenerationSettings(), FAMILIES["sdxl"]
    layers = plan.layers()
    width, height = usual.canvas([one.box for one in layers], plan.aspect)
    width, height = settings.width or width, settings.height or height
    graph = _Graph()
    graph.add(_MODEL, "CheckpointLoaderSimple", ckpt_name=checkpoint)
    graph.add(_CANVAS, "EmptyLatentImage", width=width, height=height, batch_size=1)
    negative = _text(graph, _NEGATIVE, plan.effective_negative)
    base = _text(graph, _BASE, plan.effective_base_prompt)
    positive = _composed(graph, plan, base, (width, height)) if layers else base
    sampler, schedule = SAMPLERS.get(settings.scheduler or "euler", SAMPLERS["euler"])
    sampled = graph.add(
        _SAMPLER,
        "KSampler",
        model=_link(_MODEL),
        positive=positive,
        negative=negative,
        latent_image=_link(_CANVAS),
        seed=settings.seed or 0,
        steps=settings.num_inference_steps or usual.num_inference_steps,
        cfg=usual.guidance_scale if settings.guidance_scale is None else settings.guidance_scale,
        sampler_name=sampler,
        scheduler=schedule,
        denoise=1.0,
    )
    pixels = graph.add(_PIXELS, "VAEDecode", samples=sampled, vae=_link(_MODEL, 2))
    graph.add(_SAVED, "SaveImage", images=pixels, filename_prefix="rpg")
    lost = losses(plan)
    if settings.scheduler not in (None, *SAMPLERS):
        lost += (f"ComfyUI has no scheduler {settings.scheduler}: it is euler there",)
    return Exported(json.dumps(graph.nodes, ensure_ascii=False, indent=1), lost)


def _link(name: int, output: int = 0) -> Link:
    return [str(name), output]


def _text(graph: _Graph, name: int, text: str, title: str = "") -> Link:
    said, title = written(text, ROUND), title or _TITLES[name]
    return graph.add(name, "CLIPTextEncode", title, text=said, clip=_link(_MODEL, 1))


def _composed(graph: _Graph, plan: Plan, base: Link, size: tuple[int, int]) -> Link:
    """The conditioning of all regions, of the base prompt under them, and of what is left over."""
    layers, wording = plan.layers(), worded(plan)
    boxes = [one.box.to_pixels(*size) for one in layers]
    nothing = graph.add(_NOTHING, "SolidMask", value=0.0, width=size[0], height=size[1])
    solid = [
        graph.add(_REGIONS + _EACH * at + 1, "SolidMask", value=1.0, width=x1 - x0, height=y1 - y0)
        for at, (x0, y0, x1, y1) in enumerate(boxes)
    ]
    regions: list[Link] = []
    groups: dict[float, Link] = {}  # what regions of one base ratio cover
    union = nothing
    for at, (region, ratio) in enumerate(zip(layers, base_ratios(plan), strict=True)):
        first = _REGIONS + _EACH * at
        mask = graph.composite(first + 2, nothing, solid[at], *boxes[at][:2], "add")
        for above in range(at + 1, len(layers)):
            if region.box.intersection(layers[above].box):
                corner = boxes[above][:2]
                mask = graph.composite(first + 2 + above, mask, solid[above], *corner, "subtract")
        text = _text(graph, first, wording.regions[at], f"{_REGION}{region.id}")
        regions.append(graph.masked(first + _EACH - 1, text, mask, 1 - ratio))
        if ratio > 0:
            number = [*groups].index(ratio) if ratio in groups else len(groups)
            name = _GROUPS + _EACH * number + at
            groups[ratio] = graph.composite(name, groups.get(ratio, nothing), mask, 0, 0, "add")
        union = graph.composite(_UNIONS + at, union, solid[at], *boxes[at][:2], "add")
    parts = [
        graph.masked(_GROUPS + _EACH * number + _EACH - 1, base, mask, ratio)
        for number, (ratio, mask) in enumerate(groups.items())
    ]
    if not covered(FULL, [one.box for one in layers]):
        between = _text(graph, _BETWEEN, wording.leftover) if wording.leftover else base
        rest = graph.add(_REST, "InvertMask", mask=union)
        parts.append(graph.masked(_LEFT, between, rest, 1.0))
    parts += regions
    combined = parts[0]
    for at, part in enumerate(parts[1:]):
        combined = graph.add(
            _COMBINED + at, "ConditioningCombine", conditioning_1=combined, conditioning_2=part
        )
    return combined


def is_workflow(text: str) -> bool:
    """Whether JSON looks like a workflow in ComfyUI's API form."""
    return '"class_type"' in text


class _Part(NamedTuple):
    """A text of a conditioning and where it acts.

    Attributes:
        text: as ComfyUI reads it.
        title: of its node; empty where there is none.
        strength: of its area or mask.
        boxes: what its mask or area is put together from; none: what is left of the canvas; None:
            all of it.
    """

    text: str
    title: str
    strength: float = 1.0
    boxes: tuple[Box, ...] | None = None


def read(text: str) -> Plan:
    """The plan in a workflow of ComfyUI's API form: texts, boxes, base ratio, shape.

    Read are texts with areas and with masks of rectangles, combined, in front of a sampler. Where
    masks are cut out of one another, the boxes are whole again, the later region above.

    Raises:
        PlanError: that is no such workflow, or it holds a node that says a region in another way.
    """
    data = text.encode("utf-8", "surrogatepass")
    try:
        nodes = None if has_too_many_values(data) else json.loads(text)
    except (ValueError, RecursionError):
        nodes = None
    if not isinstance(nodes, dict):
        raise PlanError("that is no workflow of ComfyUI: save it there with 'Export (API)'")
    return _Reader(nodes).plan()


@dataclass
class _Reader:
    """A workflow that is read; every look at a node counts, so that loops end."""

    nodes: dict[str, Any]
    steps: int = 0

    def plan(self) -> Plan:
        sampler = next((one for one in self.nodes.values() if _is_sampler(one)), None)
        if sampler is None:
            raise PlanError("that workflow has no KSampler with a positive and a negative prompt")
        inputs = sampler["inputs"]
        size = self._size(inputs.get("latent_image"))
        parts = list(self._parts(inputs["positive"], size))
        negative = ", ".join(part.text for part in self._parts(inputs["negative"], size))
        return _planned(parts, taken(negative, ROUND), self._unused(), size)

    def _node(self, link: object) -> tuple[str, dict[str, Any], str]:
        """Class, inputs and title of the node that a link comes from."""
        self.steps += 1
        if self.steps > _MOST_STEPS:
            raise PlanError(f"that workflow has a loop, or over {_MOST_STEPS:,} links")
        name = str(link[0]) if isinstance(link, list) and link else ""
        node = self.nodes.get(name)
        if not (isinstance(node, dict) and isinstance(node.get("inputs"), dict)):
            raise PlanError(f"that workflow links to a node {name[:20]!r} that it does not have")
        return str(node.get("class_type"))[:60], node["inputs"], _title(node)

    def _size(self, link: object) -> tuple[int, int]:
        """The canvas in pixels; SDXL's own where it comes from a picture."""
        inputs = self._node(link)[1] if isinstance(link, list) else {}
        width, height = inputs.get("width"), inputs.get("height")
        if isinstance(width, int) and isinstance(height, int):
            if 0 < min(width, height) <= max(width, height) <= _LARGEST:
                return width, height
        return FAMILIES["sdxl"].width, FAMILIES["sdxl"].height

    def _parts(self, link: object, size: tuple[int, int]) -> Iterator[_Part]:
        """The texts of a conditioning, in order."""
        waiting: list[tuple[object, _Part]] = [(link, _Part("", ""))]
        while waiting:
            link, part = waiting.pop()
            kind, inputs, title = self._node(link)
            if kind == "CLIPTextEncode":
                yield part._replace(text=self._words(inputs), title=title)
            elif kind == "ConditioningCombine":
                both = (inputs.get("conditioning_2"), inputs.get("conditioning_1"))
                waiting += [(one, part) for one in both]
            else:
                waiting.append((inputs.get("conditioning"), self._placed(kind, inputs, part, size)))

    def _unused(self) -> str:
        """The base prompt where it acts nowhere; empty where there is none."""
        for name, node in self.nodes.items():
            if _title(node) == _TITLES[_BASE]:
                return self._words(self._node([name, 0])[1])
        return ""

    def _words(self, inputs: Mapping[str, Any]) -> str:
        text = inputs.get("text")
        if isinstance(text, list):  # from a node that only holds a text
            text = self._node(text)[1].get("value")
        if not isinstance(text, str):
            raise PlanError("a text of that workflow is made by a node: type it into its prompt")
        return text

    def _placed(
        self, kind: str, inputs: Mapping[str, Any], part: _Part, size: tuple[int, int]
    ) -> _Part:
        """The part within the area or mask of a node."""
        boxes = part.boxes
        if kind == "ConditioningSetMask":
            boxes = self._boxes(inputs.get("mask"), size)
        elif kind in ("ConditioningSetArea", "ConditioningSetAreaPercentage"):
            whole = (1.0, 1.0) if kind.endswith("Percentage") else size
            x, y, w, h = (_number(inputs, name) for name in ("x", "y", "width", "height"))
            boxes = (_box(x, y, w, h, whole),)
        elif kind != "ConditioningSetAreaStrength":
            raise PlanError(f"that workflow says a region with {kind}, which is not read here")
        strength = part.strength * _number(inputs, "strength", 1.0)
        return part._replace(boxes=boxes, strength=strength)

    def _boxes(self, link: object, size: tuple[int, int]) -> tuple[Box, ...]:
        """The rectangles that a mask is put together from; none for what is left of the canvas.

        Rectangles that are cut out are those of regions above, and come back as these.
        """
        found: list[Box] = []
        waiting = [(link, 0.0, 0.0)]
        while waiting:
            link, x, y = waiting.pop()
            kind, inputs, _ = self._node(link)
            if kind == "InvertMask":
                return ()
            if kind == "MaskComposite":
                waiting.append((inputs.get("destination"), x, y))
                if inputs.get("operation") in ("add", "or"):
                    at = x + _number(inputs, "x"), y + _number(inputs, "y")
                    waiting.append((inputs.get("source"), *at))
            elif kind == "SolidMask":
                w, h = _number(inputs, "width"), _number(inputs, "height")
                if _number(inputs, "value", 1.0) > 0:
                    found.append(_box(x, y, w, h, size))
            else:
                raise PlanError(f"that workflow has a mask of {kind}; only rectangles are read")
        return tuple(found)


def _is_sampler(node: object) -> bool:
    inputs = node.get("inputs") if isinstance(node, dict) else None
    return isinstance(inputs, dict) and {"positive", "negative", "latent_image"} <= inputs.keys()


def _number(inputs: Mapping[str, Any], name: str, usual: float = 0.0) -> float:
    value = inputs.get(name, usual)
    if not isinstance(value, int | float) or not abs(value) <= _LARGEST:
        raise PlanError(f"that workflow has no number for {name}: type it into the node")
    return value


def _title(node: object) -> str:
    meta = node.get("_meta") if isinstance(node, dict) else None
    return str(meta.get("title", "")) if isinstance(meta, dict) else ""


def _box(x: float, y: float, width: float, height: float, whole: tuple[float, float]) -> Box:
    across, down = whole
    return Box.clamped(x / across, y / down, (x + width) / across, (y + height) / down)


def _planned(parts: list[_Part], negative: str, unused: str, size: tuple[int, int]) -> Plan:
    """The plan of a workflow's texts.

    Args:
        parts: in the order in which they are combined.
        negative: of the whole picture.
        unused: the base prompt where no part has it.
        size: of the canvas, in pixels.
    """
    regions = [part for at, part in enumerate(parts) if _is_region(part, parts[at + 1 :])]
    others = [part for part in parts if part not in regions]
    bases = [part.text for part in others if part.title != _TITLES[_BETWEEN]]
    base = bases[0] if bases else unused
    between = next((part.text for part in others if not part.boxes and part.text != base), "")
    prompts = [taken(part.text, ROUND) for part in regions]
    return Plan(
        prompt=taken(base, ROUND) or ", ".join(prompts),
        scene=Scene(setting=taken(between, ROUND)),
        negative=negative,
        aspect=None if size[0] == size[1] else size[0] / size[1],
        source="comfyui",
        regions=placed(
            [part.title.removeprefix(_REGION) for part in regions],
            prompts,
            [(part.boxes or (FULL,))[0] for part in regions],
            [_ratio(part, others) for part in regions],
        ),
    )


def _is_region(part: _Part, later: list[_Part]) -> bool:
    """Whether a part is a region, and not the base prompt under one or between them."""
    if part.title in _TITLES.values() or not part.boxes or len(part.boxes) > 1:
        return False
    return part.title.startswith(_REGION) or all(part.boxes != one.boxes for one in later)


def _ratio(region: _Part, bases: list[_Part]) -> float:
    """The weight of the base prompt in a region, 0 to 1."""
    box = (region.boxes or (FULL,))[0]
    found = [one.strength for one in bases if one.boxes is None or box in one.boxes]
    strength = min(found, key=lambda one: abs(one + region.strength - 1), default=0.0)
    both = strength + region.strength
    return round(strength / both, 6) if both > 0 else 0.0
