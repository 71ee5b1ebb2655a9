"""SwarmUI: JSON under `parameters`, with `sui_image_params` in it."""

from __future__ import annotations

import re
from collections.abc import Mapping

from rpg.metadata.dialects.comfyui import spoken
from rpg.metadata.foreign import Foreign, decoded, number, shown, table, text_in

# What follows such a tag is drawn in a part of the picture, or in a pass of its own.
_SECTION = re.compile(r"<(segment|object|region|refiner|video|extend|clear|base)\b[^<>]{0,300}>")
_TAKEN = frozenset(
    "prompt negativeprompt model seed steps cfgscale width height sampler scheduler clipstopatlayer"
    " variationseed variationseedstrength refinerupscale refinercontrolpercentage loras loraweights"
    " initimagecreativity".split()
)
_HARMLESS = frozenset(
    "aspectratio swarm_version date generation_time automaticvae images resolution"
    " refinermethod sidelength".split()
)


def read(texts: Mapping[str, str]) -> Foreign | None:
    """The parameters of the picture."""
    if "sui_image_params" not in texts.get("parameters", ""):
        return None
    said = table(table(decoded(texts["parameters"])).get("sui_image_params"))
    found = Foreign(text_in(said, "prompt"), text_in(said, "negativeprompt"))
    found.model = re.split(r"[\\/]", text_in(said, "model"))[-1]
    if section := _SECTION.search(found.prompt):
        found.lost.append(f"what the prompt says from {shown(section[0])} on is not read")
        found.prompt = found.prompt[: section.start()]
    found.without_networks(spoken)
    found.take(
        num_inference_steps=said.get("steps"),
        guidance_scale=said.get("cfgscale"),
        seed=said.get("seed"),
        width=said.get("width"),
        height=said.get("height"),
    )
    found.sample(said.get("sampler"), said.get("scheduler"))
    stop = number(said.get("clipstopatlayer"))
    found.skip_layers(-stop if isinstance(stop, int) else stop)
    if strength := number(said.get("variationseedstrength")):
        found.take(variation_strength=strength, variation_seed=said.get("variationseed"))
    if number(said.get("refinerupscale", 1)) != 1:
        found.draw_over(said["refinerupscale"], said.get("refinercontrolpercentage"))
    if creativity := number(said.get("initimagecreativity")):
        found.from_picture(creativity)
    _networks(found, said)
    found.unread += [key for key in said if key not in _TAKEN | _HARMLESS]
    return found


def _networks(found: Foreign, said: Mapping[str, object]) -> None:
    names, weights = (
        one.split(",") if isinstance(one, str) else one if isinstance(one, list) else []
        for one in (said.get("loras"), said.get("loraweights"))
    )
    for at, name in enumerate(names):
        found.network("lora", name, weights[at] if at < len(weights) else "")
