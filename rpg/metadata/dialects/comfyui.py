"""ComfyUI: the graph that was run, under `prompt`; or as it is edited, under `workflow`.

The graph is walked from a node that saves up to the last sampler, and from there to its texts, its
model and where its latents begin. What a node is called plays no part where its inputs say what it
is, so that nodes of extensions are read too.
"""

from __future__ import annotations

import re
from collections import deque
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import islice
from typing import Any

from rpg.metadata.foreign import (
    Foreign,
    decoded,
    number,
    round_brackets_weight,
    shown,
    table,
)

_TEXTS = ("text", "text_g", "text_l", "clip_l", "t5xxl", "prompt")
_VALUES = ("value", "text", "string", "String", "Text", "seed", "int", "Number")
_CONDITIONS = (
    "conditioning", "conditioning_1", "conditioning_2", "conditioning_to", "conditioning_from",
)  # fmt: skip
_MODELS = ("ckpt_name", "unet_name", "model_name")
_NOT_READ = re.compile("ControlNet|IPAdapter|SetArea|SetMask|Detailer|UltimateSDUpscale")
_MAX_NODES = 2000
_MAX_PASSES = 8

# The order of values in an edited graph, which has no names; empty for what is not in the other.
_WIDGETS: Mapping[str, Sequence[str]] = {
    "KSampler": ("seed", "", "steps", "cfg", "sampler_name", "scheduler", "denoise"),
    "KSamplerAdvanced": (
        "add_noise", "noise_seed", "", "steps", "cfg", "sampler_name", "scheduler",
        "start_at_step", "end_at_step", "return_with_leftover_noise",
    ),
    "CLIPTextEncode": ("text",),
    "CLIPTextEncodeSDXL": (
        "width", "height", "crop_w", "crop_h", "target_width", "target_height", "text_g", "text_l",
    ),
    "CheckpointLoaderSimple": ("ckpt_name",),
    "UNETLoader": ("unet_name", "weight_dtype"),
    "CLIPSetLastLayer": ("stop_at_clip_layer",),
    "EmptyLatentImage": ("width", "height", "batch_size"),
    "EmptySD3LatentImage": ("width", "height", "batch_size"),
    "LatentUpscale": ("upscale_method", "width", "height", "crop"),
    "LatentUpscaleBy": ("upscale_method", "scale_by"),
    "LoraLoader": ("lora_name", "strength_model", "strength_clip"),
    "RandomNoise": ("noise_seed", ""),
    "KSamplerSelect": ("sampler_name",),
    "BasicScheduler": ("scheduler", "steps", "denoise"),
    "CFGGuider": ("cfg",),
    "FluxGuidance": ("guidance",),
}  # fmt: skip


@dataclass(frozen=True)
class _Node:
    """A node: its class, and its inputs, some of which are outputs of others."""

    kind: str
    inputs: Mapping[str, Any]


def read(texts: Mapping[str, str]) -> Foreign | None:
    """What the last sampler of the graph drew."""
    nodes = _run(decoded(texts.get("prompt", ""))) or _edited(decoded(texts.get("workflow", "")))
    return _Graph(nodes).read() if nodes else None


def spoken(text: str) -> str:
    """A text in which round brackets weight, as they do with us, and square ones are text."""
    return re.sub(r"([\[\]])", r"\\\1", round_brackets_weight(text))


def _run(graph: Any) -> dict[str, _Node]:
    return {
        str(name): _Node(str(node["class_type"]), table(node.get("inputs")))
        for name, node in [*table(graph).items()][:_MAX_NODES]
        if isinstance(node, dict) and "class_type" in node
    }


def _edited(graph: Any) -> dict[str, _Node]:
    """The same of a graph as it is edited: values by their order, links by their number."""
    parts = table(graph)
    links = (link for link in _list(parts.get("links")) if isinstance(link, list) and len(link) > 3)
    origin = {link[0]: [str(link[1]), link[2]] for link in links if isinstance(link[0], int)}
    found = {}
    for node in map(table, _list(parts.get("nodes"))[:_MAX_NODES]):
        kind, values = str(node.get("type", "")), _list(node.get("widgets_values"))
        names = list(_WIDGETS.get(kind, ()))
        if "" in names and not isinstance([*values, ""][names.index("")], str):
            names.remove("")  # what becomes of the seed afterwards, which older graphs do not say
        inputs = {name: value for name, value in zip(names, values, strict=False) if name}
        for end in map(table, _list(node.get("inputs"))):
            if isinstance(end.get("link"), int) and end["link"] in origin:
                inputs[str(end.get("name"))] = origin[end["link"]]
        if node.get("mode", 0) == 0:  # others are muted or passed by
            found[str(node.get("id"))] = _Node(kind, inputs)
    return found


def _list(value: Any) -> list[Any]:
    return value if isinstance(value, list) else []


class _Graph:
    """The nodes of a graph by their names."""

    def __init__(self, nodes: Mapping[str, _Node]) -> None:
        self._nodes = nodes

    def read(self) -> Foreign | None:
        """What was drawn last, of what, how; None where nothing samples."""
        passes = self._passes()
        if not passes:
            return None
        first, last = passes[-1], passes[0]
        found = Foreign()
        found.prompt = self._text(first, "positive", found)
        found.negative = self._text(first, "negative", found)
        found.without_networks(spoken)
        found.take(
            num_inference_steps=self._near(first, "steps"),
            guidance_scale=self._near(first, "cfg"),
            seed=self._near(first, "seed", "noise_seed"),
        )
        found.sample(self._near(first, "sampler_name"), self._near(first, "scheduler"))
        self._beginning(first, found)
        self._model(first, found)
        if len(passes) > 1:
            self._second(last, found)
        if len(passes) > 2:
            found.lost.append(f"{len(passes) - 2} passes in between are not read")
        kinds = {node.kind for node in self._nodes.values()}
        found.unread += sorted(filter(_NOT_READ.search, kinds))
        return found

    def _passes(self) -> list[_Node]:
        """The samplers of the longest chain that ends in a picture, the last first."""
        ends = next(filter(None, map(self._of_kind, ("Save", "Preview", ""))), [])
        samplers = islice(filter(_samples, self._above(*ends)), _MAX_PASSES)
        return max(map(self._chain, samplers), key=len, default=[])

    def _of_kind(self, word: str) -> list[_Node]:
        return [node for node in self._nodes.values() if word in node.kind]

    def _chain(self, last: _Node) -> list[_Node]:
        """A sampler and those whose latents it goes on from."""
        chain = [last]
        while len(chain) < _MAX_PASSES:
            before = next(filter(_samples, self._from(chain[-1], "latent_image")), None)
            if before is None or before in chain:
                break
            chain.append(before)
        return chain

    def _link(self, value: Any) -> _Node | None:
        """The node whose output a value is."""
        if isinstance(value, list) and len(value) == 2 and isinstance(value[0], (str, int)):
            return self._nodes.get(str(value[0]))
        return None

    def _from(self, node: _Node, name: str) -> Iterator[_Node]:
        """The node that an input comes from and all above it, the nearest first."""
        return self._above(*filter(None, [self._link(node.inputs.get(name))]))

    def _above(self, *starts: _Node) -> Iterator[_Node]:
        seen, waiting = set(map(id, starts)), deque(starts)
        while waiting:
            yield (now := waiting.popleft())
            for above in map(self._link, now.inputs.values()):
                if above is not None and id(above) not in seen:
                    seen.add(id(above))
                    waiting.append(above)

    def _value(self, node: _Node, name: str) -> Any:
        """An input's value, of another node if it comes from there; None if that says none."""
        value = node.inputs.get(name)
        for _ in range(_MAX_PASSES):  # of nodes that only pass a value on
            source = self._link(value)
            if source is None:
                return None if isinstance(value, (list, dict)) else value
            names = (name, *_VALUES, *(source.inputs if len(source.inputs) == 1 else ()))
            value = next((source.inputs[one] for one in names if one in source.inputs), None)
        return None

    def _near(self, sampler: _Node, *names: str) -> Any:
        """The first value of one of these names at a sampler or at what says how it samples."""
        ends = ("noise", "sampler", "sigmas", "guider")
        for node in (sampler, *(self._link(sampler.inputs.get(end)) for end in ends)):
            for name in names:
                if node is not None and (value := self._value(node, name)) is not None:
                    return value
        return None

    def _guided(self, sampler: _Node) -> _Node:
        """What takes the conditions: the sampler, or a guider of its own."""
        return self._link(sampler.inputs.get("guider")) or sampler

    def _text(self, sampler: _Node, end: str, found: Foreign) -> str:
        """The texts of a condition; of one that is put together all of them."""
        guided = self._guided(sampler)
        lone = "conditioning" if end == "positive" else ""  # of a guider without a negative
        waiting, texts = deque([guided.inputs.get(end, guided.inputs.get(lone))]), []
        for _ in range(_MAX_NODES):
            node = self._link(waiting.popleft()) if waiting else None
            if node is None:
                continue
            said = [self._value(node, name) for name in _TEXTS if name in node.inputs]
            if said:
                texts += [one.strip() for one in said if isinstance(one, str) and one.strip()]
                if not any(isinstance(one, str) for one in said):
                    found.lost.append(f"a {end} text that other nodes put together is not read")
            elif "ZeroOut" not in node.kind:
                ends = [name for name in (end, *_CONDITIONS) if name in node.inputs]
                if "Reroute" in node.kind:
                    ends = [*node.inputs]
                waiting.extend(node.inputs[name] for name in ends)
        unlike = list(dict.fromkeys(texts))
        if len(unlike) > 1:
            found.lost.append(f"{len(unlike)} {end} texts of the graph are joined into one")
        return ", ".join(unlike)

    def _beginning(self, sampler: _Node, found: Foreign) -> None:
        """The size of an empty latent; or that there was a picture."""
        above = list(self._from(sampler, "latent_image"))
        denoise = number(self._near(sampler, "denoise"))
        for node in above:
            width, height = self._value(node, "width"), self._value(node, "height")
            if width is not None and height is not None and "latent" in node.kind.lower():
                found.take(width=width, height=height)
                if isinstance(denoise, float) and denoise < 1:
                    found.lost.append(f"denoise {shown(denoise)} of an empty latent is not taken")
                return
        if any(re.search("VAEEncode|LoadImage", node.kind) for node in above):
            found.from_picture(denoise)
        else:
            found.lost.append("the size is not read: no node of the graph says it plainly")

    def _model(self, sampler: _Node, found: Foreign) -> None:
        guided = self._guided(sampler)
        for node in self._from(guided, "model"):
            named = (self._value(node, name) for name in _MODELS if name in node.inputs)
            if isinstance(model := next(named, None), str):
                found.model = found.model or re.split(r"[\\/]", model)[-1]
            if isinstance(lora := node.inputs.get("lora_name"), str):
                found.network("lora", lora, self._value(node, "strength_model"))
            for one in map(table, node.inputs.values()):  # where one node loads several
                if isinstance(one.get("lora"), str) and one.get("on", True):
                    found.network("lora", one["lora"], one.get("strength"))
        end = "positive" if "positive" in guided.inputs else "conditioning"
        for node in self._from(guided, end):
            stop = number(self._value(node, "stop_at_clip_layer"))
            if isinstance(stop, int):
                found.skip_layers(-stop, xl=bool(self._of_kind("SDXL")) or None)
            if "guidance" in node.inputs:  # of a model that is distilled from it
                found.take(guidance_scale=self._value(node, "guidance"))

    def _second(self, last: _Node, found: Foreign) -> None:
        """A pass over the enlarged latent or picture, or one that only goes on."""
        factor = 1.0
        for node in self._from(last, "latent_image"):
            if _samples(node):
                break
            if "upscale_model" in node.inputs:  # which has a factor of its own
                factor = 1.0
                break
            by = number(self._value(node, "scale_by"))
            if isinstance(by, (int, float)):
                factor *= by
            elif "upscale_method" in node.inputs:
                new = [number(self._value(node, side)) for side in ("width", "height")]
                factor *= _ratio(new, [found.settings.get(side) for side in ("width", "height")])
                break
        if factor == 1:
            found.lost.append("a second pass of the graph is not read")
        else:
            found.draw_over(round(factor, 4), self._near(last, "denoise"))


def _samples(node: _Node) -> bool:
    return "latent_image" in node.inputs and not node.inputs.keys().isdisjoint(
        ("seed", "noise_seed", "noise", "sampler", "sampler_name")
    )


def _ratio(new: Sequence[Any], old: Sequence[Any]) -> float:
    """How much larger sides are; 1 where the shape is another, or a side is no number."""
    if not all(isinstance(side, int) and side > 0 for side in (*new, *old)):
        return 1.0
    ratios = [one / other for one, other in zip(new, old, strict=True)]
    return max(ratios) if max(ratios) - min(ratios) < 0.02 else 1.0
