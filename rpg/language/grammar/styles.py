"""Separates a prompt's style from its content: "an oil painting of ...", "..., 4k"."""

from __future__ import annotations

import re

_KINDS = (
    r"photo|photograph|picture|image|shot|illustration|drawing|sketch|painting|render|rendering"
    r"|cartoon|poster|watercolou?r|depiction|view|snapshot|close-up|portrait|scene|mosaic|engraving"
    r"|art|artwork|still life|still|wallpaper"
)
# What asks for a picture: "Please create ...", "I want ...". What is wanted must follow.
_REQUEST = re.compile(
    r"\s*(?:please |can you |could you )*"
    r"(?:(?:create|generate|make|draw|paint|show|imagine|render|design|produce|illustrate|depict)"
    r"(?: me)?|(?:i want|i need|i would like|i'd like|give me))(?: to see)?:? "
    r"(?=(?:an?|the|some|one|two|three|four|five|six|\d+) )",
    re.IGNORECASE,
)
_PICTURE_WITH = re.compile(
    r"\s*(?:an?|the) (?:photo|photograph|picture|image) (?:with|where|in which|that shows) (?=\S)",
    re.IGNORECASE,
)
_PREFIX = re.compile(
    rf"\s*(?:there (?:is|are) )?((?:an?|the) )?((?:[\w-]+ ){{0,4}}?)({_KINDS})"
    r" (?:of|showing|shows|depicting|depicts) (?=\S)",
    re.IGNORECASE,
)
# Says that the picture has parts, which is what a plan makes of it anyway.
_SPLIT = re.compile(
    r"\s*(?:an? )?(?:split[ -]?screen|diptych|triptych|side[ -]by[ -]side)"
    r"(?: (?:image|picture|photo|view|comparison|composition))?(?: of|:|,| showing| with) (?=\S)",
    re.IGNORECASE,
)
_PLAIN = frozenset("photo photograph picture image depiction view shot scene snapshot".split())
_NOT_STYLE = frozenset(
    "of and a an the with in on is are by under above below next to two three four five".split()
)
_IN_STYLE = re.compile(
    r",?\s*\b(?:in|with) (?:the|a|an) (?:[\w-]+ ){0,2}style(?: of [^,.;\n]+)?"
    r"|,?\s*\bin (?:black and white|watercolou?r|pixel art|oil paint|cartoon|anime)(?: style)?"
    r"|,\s*(?:[\w-]+ ){1,2}style(?=,|$)"
    r"|,?\s*\b[\w-]+ style$",
    re.IGNORECASE,
)
_STRONG = frozenset(
    """
    4k 8k hd uhd hdr detailed photorealistic realistic hyperrealistic cinematic art artstation
    watercolor watercolour anime masterpiece quality bokeh octane unreal 3d minimalist cartoon
    ghibli photography illustration volumetric cyberpunk steampunk surreal impressionist render
    resolution isometric low-poly lowpoly sketch vector digital style raytracing dslr
    """.split()
)
_MEDIA = frozenset(
    "painting drawing photo poster shot lens film lighting light fog focus fantasy grain".split()
)
_WEAK = frozenset(
    """
    highly ultra lighting concept trending on oil painting best sharp focus dramatic soft engine
    pixel flat studio vibrant colors colours high professional intricate details detail film grain
    vintage beautiful award winning award-winning very extremely light warm pencil natural depth
    of field wide angle shot photo rendering retro modern clean simple background white by in the
    quality design poster drawing ink line lines comic book epic composition
    lens macro fantasy fog noir golden hour moody rim ambient telephoto prime close-up close up
    """.split()
)
_CAMERA = re.compile(r"\d+mm|f/?\d+(?:\.\d+)?")
_FLAGS = re.compile(r"(?:\s+--[a-z]+(?: [^\s-][^\s]*)*)+\s*$", re.IGNORECASE)


def split_style(prompt: str) -> tuple[str, list[str]]:
    """The prompt's content, and its styles, wherever they stand, for the subprompts."""
    rest, styles = _without_prefix(_FLAGS.sub("", prompt))
    for match in _IN_STYLE.finditer(rest):
        styles.append(match[0].strip(" ,"))
    rest = _IN_STYLE.sub("", rest)
    parts = rest.split(",")
    content = [part for part in parts if not is_style(part)] or parts[:1]
    return ",".join(content), styles + [part.strip(" .") for part in parts if part not in content]


def _without_prefix(prompt: str) -> tuple[str, list[str]]:
    if request := _REQUEST.match(prompt):
        prompt = prompt[request.end() :]
    if picture := _PICTURE_WITH.match(prompt):
        return prompt[picture.end() :], []
    if split := _SPLIT.match(prompt):
        prompt = prompt[split.end() :]
    match = _PREFIX.match(prompt)
    if match is None:
        return prompt, []
    adjectives = match[2].lower().split()
    if any(word in _NOT_STYLE for word in adjectives if word != "and"):
        return prompt, []
    plain = not adjectives and match[3].lower() in _PLAIN
    return prompt[match.end() :], [] if plain else [f"{match[2]}{match[3]}".lower()]


def is_style(part: str) -> bool:
    """Whether a part of a prompt, between commas, says how to draw rather than what."""
    words = part.strip(" .").lower().split()
    strong = {w for w in words if w in _STRONG or _CAMERA.fullmatch(w)}
    return (
        bool(words)
        and all(w in strong or w in _WEAK for w in words)
        and (bool(strong) or (len(words) > 1 and words[-1] in _MEDIA))
    )
