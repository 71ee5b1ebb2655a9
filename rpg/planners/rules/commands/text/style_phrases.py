"""Style phrases: "a watercolor", "like a comic", and their place in a picture's style."""

from __future__ import annotations

import re

from rpg.language.grammar.styles import is_style

_MEDIA = frozenset(
    """
    art watercolor watercolour anime painting drawing photo photograph photography illustration
    render rendering cartoon sketch vector digital ghibli cyberpunk steampunk surreal impressionist
    isometric low-poly lowpoly pixel comic poster photorealistic realistic hyperrealistic minimalist
    3d mosaic engraving style black
    """.split()
)
_LEADS = re.compile(r"(?:(?:be|look|more|like|as|into|in|to|with|the|an?)\s+)*", re.IGNORECASE)
_OF = re.compile(r"(?:in|with)?\s*(?:the |a )?(?:style|manner) of (?P<whom>\S.*)", re.IGNORECASE)
MONOCHROME = "in black and white"
_CALLED = re.compile(r"(?P<name>[\w-]+(?: [\w-]+)?) (?:style|look)", re.IGNORECASE)
_MADE = re.compile(
    r"(?:[\w-]+ )?(?:photo|photograph|illustration|drawing|sketch|painting|render|rendering|cartoon"
    r"|poster|watercolou?r|mosaic|engraving|comic|pixel art|low[ -]poly)s?",
    re.IGNORECASE,
)


def style_of(words: str) -> str | None:
    """The style that the words name, as it stands at a prompt's end; None where they name none."""
    text = " ".join(words.split()).strip(" .,")
    if of := _OF.fullmatch(text):
        return f"in the style of {of['whom']}"
    if text.lower() in (MONOCHROME, "in monochrome", "monochrome"):
        return MONOCHROME  # with "in": a cat may be black and white as well
    bare = _LEADS.sub("", text, count=1)
    called = _CALLED.fullmatch(bare)
    name = called["name"] if called else bare
    name = re.sub(r"\blow poly\b", "low-poly", name, flags=re.IGNORECASE)
    made = _MADE.fullmatch(name)
    one = name.removesuffix("s") if made else name
    if one.lower() in ("photo", "photograph"):
        return f"realistic {one}"  # which is told from a thing in a list
    found = next((each for each in (name, one) if is_style(each)), None)
    return found or (f"{one} style" if called or made else None)


def with_style(style: str, new: str) -> str:
    """A picture's style with a new medium in place of another, not of "highly detailed"."""
    kept = [part for part in (each.strip() for each in style.split(",")) if not is_medium(part)]
    return ", ".join([*(part for part in kept if part and part != new), new])


def is_medium(style: str) -> bool:
    """Whether a style says what the picture is made of, or in whose manner."""
    words = style.lower().split()
    return bool(_MEDIA & set(words)) or words[:2] == ["in", "the"]
