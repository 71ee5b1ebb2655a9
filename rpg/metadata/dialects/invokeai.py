"""InvokeAI: JSON under `invokeai_metadata`. Its clip skip counts layers left out, like ours."""

from __future__ import annotations

from collections.abc import Mapping

from rpg.metadata.foreign import Foreign, decoded, number, table, text_in

_TAKEN = frozenset(
    "positive_prompt negative_prompt model seed steps cfg_scale cfg_rescale_multiplier width height"
    " scheduler clip_skip loras strength generation_mode".split()
)
_HARMLESS = frozenset("app_version rand_device positive_style_prompt negative_style_prompt".split())


def read(texts: Mapping[str, str]) -> Foreign | None:
    """The metadata of the picture."""
    said = table(decoded(texts.get("invokeai_metadata", "")))
    if not said:
        return None
    model = table(said.get("model"))
    found = Foreign(
        text_in(said, "positive_prompt"),
        text_in(said, "negative_prompt"),
        text_in(model, "name") or text_in(model, "model_name"),
    )
    found.take(
        num_inference_steps=said.get("steps"),
        guidance_scale=said.get("cfg_scale"),
        guidance_rescale=said.get("cfg_rescale_multiplier") or None,
        seed=said.get("seed"),
        width=said.get("width"),
        height=said.get("height"),
    )
    found.sample(said.get("scheduler"))
    found.skip_layers(number(said.get("clip_skip")), from_one=False)
    if "txt2img" not in text_in(said, "generation_mode") and said.get("strength") is not None:
        found.from_picture(said["strength"])
    for name in ("positive", "negative"):
        style = text_in(said, f"{name}_style_prompt")
        if style and style != text_in(said, f"{name}_prompt"):
            found.unread.append(f"{name}_style_prompt")
    loras = said.get("loras")
    for one in map(table, loras if isinstance(loras, list) else []):
        network = table(one.get("model") or one.get("lora"))
        name = text_in(network, "name") or text_in(network, "model_name")
        found.network("lora", name, one.get("weight"))
    found.unread += [
        key
        for key, value in said.items()
        if key not in _TAKEN | _HARMLESS and value not in (None, "", [], {}, False)
    ]
    return found
