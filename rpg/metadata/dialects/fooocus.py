"""Fooocus in its own scheme: JSON under `parameters`. Its models are all SDXL."""

from __future__ import annotations

import re
from collections.abc import Mapping

from rpg.metadata.dialects.comfyui import spoken
from rpg.metadata.foreign import Foreign, decoded, table, text_in

_TAKEN = frozenset(
    "prompt negative_prompt base_model seed steps guidance_scale resolution sampler scheduler"
    " clip_skip loras".split()
)
_HARMLESS = frozenset(  # some say again, drawn out, what is said already
    "base_model_hash metadata_scheme version created_by full_prompt full_negative_prompt"
    " refiner_switch prompt_expansion performance".split()
)
_NOTHING: tuple[object, ...] = ("", "None", "[]", "Default (model)", [], None)


def read(texts: Mapping[str, str]) -> Foreign | None:
    """The parameters of the picture."""
    said = table(decoded(texts.get("parameters", "")))
    if "prompt" not in said:
        return None
    found = Foreign(
        text_in(said, "prompt"), text_in(said, "negative_prompt"), text_in(said, "base_model")
    )
    found.without_networks(spoken)
    found.take(
        num_inference_steps=said.get("steps"),
        guidance_scale=said.get("guidance_scale"),
        seed=said.get("seed"),
    )
    found.sample(said.get("sampler"), said.get("scheduler"))
    found.skip_layers(said.get("clip_skip"), xl=True)
    if sides := re.fullmatch(r"\((\d{1,6}), ?(\d{1,6})\)", text_in(said, "resolution")):
        found.take(width=sides[1], height=sides[2])
    loras = said.get("loras")
    for one in loras if isinstance(loras, list) else []:
        if isinstance(one, list) and len(one) > 1:
            found.network("lora", one[0], one[1])
    found.unread += [
        key
        for key, value in said.items()
        if key not in _TAKEN | _HARMLESS
        and value not in _NOTHING
        and not key.startswith("lora_combined_")
    ]
    return found
