"""Style phrases: "a watercolor", "like a comic", and their replacement in a text."""

from __future__ import annotations

import re
from collections.abc import Collection

from rpg.language.grammar.styles import is_style, split_style
from rpg.plans.plan import Plan

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


def with_style(text: str, style: str, old: Collection[str] = ()) -> str:
    """The text in that style: it takes the place of another medium, not of "highly detailed".

    Args:
        text: A prompt or a subprompt.
        style: As `style_of` gives it.
        old: Styles that the picture is known to have, however they are called.
    """
    content, present = split_style(text)
    parts = [part.strip(" .") for part in content.split(",")]
    parts = [part for part in parts if part and part.lower() not in old]
    kept = [each for each in present if not _MEDIA & set(each.lower().split()) and each != style]
    return ", ".join([*parts, *kept, style])


def styles_of(plan: Plan) -> frozenset[str]:
    """All styles that a plan's words ask for, lower case."""
    texts = (plan.prompt, plan.base_prompt, *(region.prompt for region in plan.layers()))
    return frozenset(style.lower() for text in texts for style in split_style(text)[1])
