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
from typing import Any

from rpg.metadata.foreign import Foreign, decoded, number, shown, table

_TEXTS = ("text", "text_g", "text_l", "clip_l", "t5xxl", "prompt")
_VALUES = ("value", "text", "string", "String", "Text", "seed", "int", "Number")
_SIGNS = re.compile(r"[\[\]]|(?<=[\w)])(?:\+\++|--+|[+-])(?![\w+-])")
_PASSED_ON = re.compile(r"Conditioning|Guidance|Reroute", re.IGNORECASE)
_MAX_NODES = 2000

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
    """A node: its class, its inputs, and whether an input is another's output."""

    kind: str
    inputs: Mapping[str, Any]


def read(texts: Mapping[str, str]) -> Foreign | None:
    """What the last sampler of the graph drew."""
    nodes = _run(decoded(texts.get("prompt", ""))) or _edited(decoded(texts.get("workflow", "")))
    return _Graph(nodes).read() if nodes else None


def spoken(text: str) -> str:
    """A text in which round brackets weight, as they do with us; other signs are text."""
    return _SIGNS.sub(lambda signs: "".join(f"\\{sign}" for sign in signs[0]), text)


def _run(graph: Any) -> dict[str, _Node]:
    return {
        str(name): _Node(str(node.get("class_type", "")), table(node.get("inputs")))
        for name, node in [*table(graph).items()][:_MAX_NODES]
        if isinstance(node, dict)
    }


def _edited(graph: Any) -> dict[str, _Node]:
    """The same of a graph as it is edited: values by their order, links by their number."""
    parts = table(graph)
    nodes, links = parts.get("nodes"), parts.get("links")
    origin = {
        link[0]: [str(link[1]), link[2]]
        for link in (links if isinstance(links, list) else [])
        if isinstance(link, list) and len(link) > 3 and isinstance(link[0], int)
    }
    found = {}
    for node in map(table, (nodes if isinstance(nodes, list) else [])[:_MAX_NODES]):
        kind, values, ends = (
            str(node.get("type", "")),
            node.get("widgets_values"),
            node.get("inputs"),
        )
        inputs: dict[str, Any] = {}
        if isinstance(values, list):
            inputs |= {
                name: one for name, one in zip(_WIDGETS.get(kind, ()), values, strict=False) if name
            }
        for end in map(table, ends if isinstance(ends, list) else []):
            if isinstance(end.get("link"), int) and end["link"] in origin:
                inputs[str(end.get("name"))] = origin[end["link"]]
        if node.get("mode", 0) in (0, None):  # others are muted or passed by
            found[str(node.get("id"))] = _Node(kind, inputs)
    return found


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
        self._sampling(first, found)
        self._beginning(first, found)
        self._model(first, found)
        if len(passes) > 1:
            self._second(first, last, found)
        if len(passes) > 2:
            found.lost.append(
                f"{len(passes) - 2} passes between the first and the last are not read"
            )
        kinds = {node.kind for node in self._above(last)}
        found.unread += sorted(
            kind for kind in kinds if re.search("ControlNet|IPAdapter|Area|SetMask|Detailer", kind)
        )
        return found

    def _passes(self) -> list[_Node]:
        """The samplers one before the other, the last first."""
        ends = [node for node in self._nodes.values() if re.search("Save|Preview", node.kind)]
        passes: list[_Node] = []
        for end in ends or self._nodes.values():
            passes = [node for node in self._above(end) if self._samples(node)]
            if passes:
                break
        if not passes:
            return []
        chain = [passes[0]]
        while True:
            start = chain[-1].inputs.get("latent_image", chain[-1].inputs.get("samples"))
            before = next((one for one in self._from(start) if self._samples(one)), None)
            if before is None or before in chain:
                return chain
            chain.append(before)

    @staticmethod
    def _samples(node: _Node) -> bool:
        return "latent_image" in node.inputs and bool(
            node.inputs.keys() & {"seed", "noise_seed", "noise", "sampler", "sampler_name"}
        )

    def _link(self, value: Any) -> _Node | None:
        """The node whose output a value is."""
        if isinstance(value, list) and len(value) == 2 and isinstance(value[0], (str, int)):
            return self._nodes.get(str(value[0]))
        return None

    def _from(self, value: Any) -> Iterator[_Node]:
        """A linked node and all above it, the nearest first."""
        node = self._link(value)
        return iter(()) if node is None else self._above(node)

    def _above(self, node: _Node) -> Iterator[_Node]:
        seen, waiting = {id(node)}, deque([node])
        while waiting:
            yield (now := waiting.popleft())
            for value in now.inputs.values():
                above = self._link(value)
                if above is not None and id(above) not in seen:
                    seen.add(id(above))
                    waiting.append(above)

    def _value(self, node: _Node, name: str) -> Any:
        """An input's value, of another node if it comes from there; None if that says none."""
        value = node.inputs.get(name)
        for _ in range(8):  # nodes that only pass a value on
            source = self._link(value)
            if source is None:
                return None if isinstance(value, (list, dict)) else value
            names = (name, *_VALUES, *source.inputs)
            value = next((source.inputs[one] for one in names if one in source.inputs), None)
        return None

    def _near(self, sampler: _Node, *names: str) -> Any:
        """The first value of one of these names at the sampler or at what says how it samples."""
        for node in (
            sampler,
            *(
                self._link(sampler.inputs.get(end))
                for end in ("noise", "sampler", "sigmas", "guider")
            ),
        ):
            for name in names:
                if node is not None and (value := self._value(node, name)) is not None:
                    return value
        return None

    def _sampling(self, sampler: _Node, found: Foreign) -> None:
        found.take(
            num_inference_steps=self._near(sampler, "steps"),
            guidance_scale=self._near(sampler, "cfg"),
            seed=self._near(sampler, "seed", "noise_seed"),
        )
        found.sample(self._near(sampler, "sampler_name"), self._near(sampler, "scheduler"))

    def _text(self, sampler: _Node, end: str, found: Foreign) -> str:
        """The texts of a condition; of one that is put together all of them."""
        guider = self._link(sampler.inputs.get("guider"))
        start = (guider or sampler).inputs.get(end)
        if start is None and guider is not None and end == "positive":
            start = guider.inputs.get("conditioning")
        texts: list[str] = []
        waiting, seen = deque([start]), 0
        while waiting and (seen := seen + 1) < _MAX_NODES:
            node = self._link(waiting.popleft())
            if node is None:
                continue
            said = [self._value(node, name) for name in _TEXTS if name in node.inputs]
            own = [one for one in said if isinstance(one, str) and one.strip()]
            if own:
                texts += own
            elif re.search("ConditioningZeroOut", node.kind):
                continue
            else:
                above = (
                    end,
                    "conditioning",
                    "conditioning_1",
                    "conditioning_2",
                    "conditioning_to",
                    "conditioning_from",
                )
                named = [node.inputs[name] for name in above if name in node.inputs]
                waiting.extend(
                    named or (node.inputs.values() if _PASSED_ON.search(node.kind) else ())
                )
        unlike = list(dict.fromkeys(text.strip() for text in texts))
        if len(unlike) > 1:
            found.lost.append(f"{len(unlike)} {end} texts of the graph are joined into one")
        return ", ".join(unlike)

    def _beginning(self, sampler: _Node, found: Foreign) -> None:
        """The size of an empty latent; or that there was a picture."""
        for node in self._from(sampler.inputs.get("latent_image")):
            width, height = self._value(node, "width"), self._value(node, "height")
            if width is not None and height is not None and "latent" in node.kind.lower():
                found.take(width=width, height=height)
                break
        else:
            found.from_picture(self._near(sampler, "denoise") or 1)
            return
        denoise = number(self._near(sampler, "denoise"))
        if isinstance(denoise, (int, float)) and denoise < 1:
            found.lost.append(f"denoise {shown(denoise)} of an empty latent is not read")

    def _model(self, sampler: _Node, found: Foreign) -> None:
        start = self._link(sampler.inputs.get("guider")) or sampler
        for node in self._from(start.inputs.get("model")):
            for name in ("ckpt_name", "unet_name", "model_name"):
                value = self._value(node, name) if name in node.inputs else None
                if isinstance(value, str) and not found.model:
                    found.model = re.split(r"[\\/]", value)[-1]
            if isinstance(name := node.inputs.get("lora_name"), str):
                found.network("lora", name, self._value(node, "strength_model"))
        for node in self._from(start.inputs.get("positive", start.inputs.get("conditioning"))):
            if "stop_at_clip_layer" in node.inputs:
                stop = number(self._value(node, "stop_at_clip_layer"))
                found.skip_layers(-stop if isinstance(stop, int) else stop)
            if "guidance" in node.inputs:  # of a model that is distilled from it
                found.take(guidance_scale=self._value(node, "guidance"))

    def _second(self, first: _Node, last: _Node, found: Foreign) -> None:
        """A pass over the enlarged latent, or one that only goes on."""
        factor: Any = None
        for node in self._from(last.inputs.get("latent_image")):
            if self._samples(node):
                break
            if "scale_by" in node.inputs:
                factor = self._value(node, "scale_by")
            elif "upscale_method" in node.inputs:
                sides = [
                    (number(self._value(node, side)), found.settings.get(side))
                    for side in ("width", "height")
                ]
                ratios = [
                    new / old
                    for new, old in sides
                    if isinstance(new, int) and isinstance(old, int) and old > 0
                ]
                if len(ratios) == 2 and abs(ratios[0] - ratios[1]) < 0.02:
                    factor = round(max(ratios), 4)
        if factor is None:
            found.lost.append("a second pass of the graph is not read")
        else:
            found.draw_over(factor, self._near(last, "denoise"))
