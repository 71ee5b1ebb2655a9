"""NovelAI: JSON under `Comment`, where the software says its name.

Its brackets weight by their own factor, and `1.3::words::` by a number (NovelAI's documentation,
"Strengthening and Weakening"); round ones are text.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping

from rpg.metadata.foreign import Foreign, decoded, number, table, text_in, weighted

_FACTOR = 1.05  # of a pair of braces; one of square brackets divides by it
_SIGNS = re.compile(r"(?P<number>-?\d{1,3}(?:\.\d{1,3})?)::|(?P<end>::)|[{}\[\]]")
_TAKEN = frozenset(
    "prompt uc seed steps scale cfg_rescale width height sampler noise_schedule v4_prompt"
    " v4_negative_prompt strength n_samples".split()
)
_HARMLESS = frozenset(
    "request_type signed_hash version legacy legacy_v3_extend legacy_uc hide_debug_overlay"
    " deliberate_euler_ancestral_bug prefer_brownian add_original_image".split()
)


def read(texts: Mapping[str, str]) -> Foreign | None:
    """The comment of the picture."""
    said = table(decoded(texts.get("Comment", "")))
    if not ("NovelAI" in texts.get("Software", "") or {"uc", "scale", "sampler"} <= said.keys()):
        return None
    prompt, characters = _captions(said, "v4_prompt")
    negative, _ = _captions(said, "v4_negative_prompt")
    prompt = prompt or text_in(said, "prompt") or texts.get("Description", "")
    found = Foreign(
        weighted(_pieces(", ".join((prompt, *characters)))),
        weighted(_pieces(negative or text_in(said, "uc"))),
        "",
    )
    if characters:
        found.lost.append(
            f"the places of {len(characters)} characters are not read: they stand in the prompt"
        )
    found.take(
        num_inference_steps=said.get("steps"),
        guidance_scale=said.get("scale"),
        guidance_rescale=said.get("cfg_rescale") or None,
        seed=said.get("seed"),
        width=said.get("width"),
        height=said.get("height"),
    )
    found.sample(said.get("sampler"), said.get("noise_schedule"))
    if text_in(said, "request_type").startswith(("Img2Img", "NativeInfilling")):
        found.from_picture(said.get("strength"))
    found.unread += [
        key
        for key, value in said.items()
        if key not in _TAKEN | _HARMLESS
        and (value is True or number(value) not in (None, "", 0, 1, [], {}))
    ]
    return found


def _captions(said: Mapping[str, object], name: str) -> tuple[str, list[str]]:
    """The text for the whole and those of characters, as the fourth model has them."""
    caption = table(table(said.get(name)).get("caption"))
    others = caption.get("char_captions")
    texts = [
        text_in(table(one), "char_caption") for one in (others if isinstance(others, list) else [])
    ]
    return text_in(caption, "base_caption"), [text for text in texts if text]


def _pieces(text: str) -> Iterator[tuple[str, float]]:
    """The text in pieces of one weight each; a bracket without its other half counts to the end."""
    depth, factor, at = 0, 1.0, 0
    for sign in _SIGNS.finditer(text):
        yield text[at : sign.start()], factor * _FACTOR**depth
        at = sign.end()
        if sign["number"]:
            factor = float(sign["number"])
        elif sign["end"]:
            factor = 1.0
        else:
            depth = max(-40, min(depth + (1 if sign[0] in "{]" else -1), 40))
    yield text[at:], factor * _FACTOR**depth
