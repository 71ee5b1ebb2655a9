"""The prompts of T2I-CompBench, and a judge of plans that shares no code with the planners.

Each template below is a pattern that the data set's authors wrote their prompts to. A prompt that
follows none of them cannot be judged, which counts neither for a plan nor against it.

Source: Huang et al., T2I-CompBench, NeurIPS 2023; MIT licence beside the data.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from itertools import permutations
from pathlib import Path

from benchmarks.places import PLACES, Test, above, left_of
from rpg.plans.plan import Plan, Region
from rpg.plans.wording import worded

DATA = Path(__file__).parent / "data" / "t2i-compbench"
CATEGORIES = (
    "color", "shape", "texture", "numeracy", "spatial", "3d_spatial", "complex", "non_spatial",
)  # fmt: skip

NUMBERS = {
    word: value
    for value, word in enumerate(
        "one two three four five six seven eight nine ten eleven twelve".split(), start=1
    )
}
_PLURALS = {
    "mice": "mouse", "men": "man", "women": "woman", "people": "person", "knives": "knife",
    "butterflies": "butterfly", "strawberries": "strawberry", "couches": "couch",
    "peaches": "peach", "tomatoes": "tomato", "sandwiches": "sandwich", "watches": "watch",
}  # fmt: skip
# What a thing does between its name and a preposition, where it says nothing of the place.
_DOING = (
    "is|was|were|are|sat|lay|stood|stood tall|hung|flowed|floated|leaned|grazed|swam|drove|sped"
    "|zoomed|slept|landed|melted|burned|perched|flew|rose|cooked|simmered|scraped|clawed"
    "|spread|shone down|snuggled up|was lying|is lying|was resting|was hung|is hung|was leaning"
    "|was suspended in mid-air|was hovering|was nestled|fell|spun|sparkled|ticked|hopped|cut"
    "|wrote|fluttered|dripped|lingered"
    "|gleamed|bloomed|danced|draped|swayed|glided|skipped|poured down"
)
# "..., which hang on the hook": what the two first-named things of a longer sentence do.
_TOGETHER = (
    "were|was|are|stood|hung|floated|sat|led|created|dominated|made|flowed|hang|hold|rest|display"
    "|serve|slice|boil|nap|attract|cook|shape|measure|write|provide|provided|illuminate|stir|bake"
    "|pound|beat|cut|keep|decorate|jot|perch|sit|mix|release"
)
_NO_NAME = (
    rf"(?:an?|the|and|of|in|on|with|near|next|to|by|which|while|both|has|cast|sits?|{_DOING})"
)
_WORD = rf"(?!{_NO_NAME}\b)[a-z'-]+|rose(?= and |$)"  # a flower, where nothing rises
_COLOUR = (
    "(?:red|orange|yellow|green|blue|purple|pink|brown|black|white|gr[ae]y|gold|silver|beige|tan)"
)
_TWO_COLOURS = rf"(?:{_COLOUR} and {_COLOUR} )?"
_NAME = rf"(?:(?:{_WORD}) )*?{_TWO_COLOURS}(?:{_WORD})(?: of (?:{_WORD})(?: (?:{_WORD}))?)?"
_THE = r"(?:(?:an?|the) )?"


@dataclass(frozen=True, slots=True)
class Verdict:
    """What the judge says of one plan: whether it could judge, and what is wrong with the plan."""

    judged: bool
    wrong: str = ""

    @property
    def right(self) -> bool:
        """Whether the plan does what the prompt asks for."""
        return self.judged and not self.wrong


def load(category: str) -> tuple[str, ...]:
    """The prompts of a category, in the order of its file."""
    lines = (DATA / f"{category}_val.txt").read_text("utf-8").splitlines()
    return tuple(line.strip() for line in lines if line.strip())


def judge(category: str, prompt: str, plan: Plan) -> Verdict:
    """Whether the plan gives the prompt's things their regions, attributes and places."""
    text, drawn = prompt.lower().rstrip(" ."), as_drawn(plan)
    return next(filter(None, (look(text, drawn) for look in _LOOKS[category])), Verdict(False))


def as_drawn(plan: Plan) -> Plan:
    """The plan with what every region is drawn from as its subprompt."""
    texts = {one.id: text for one, text in zip(plan.layers(), worded(plan).regions, strict=True)}

    def full(region: Region) -> Region:
        text, children = texts.get(region.id, ""), tuple(map(full, region.children))
        return region.model_copy(update={"prompt": text, "children": children})

    return plan.model_copy(update={"regions": tuple(map(full, plan.regions))})


def valid(plan: Plan) -> bool:
    """Whether the plan has regions, all of them on the canvas, and survives being saved."""
    boxes = [region.box for region in plan.layers()]
    inside = all(0 <= b.x0 < b.x1 <= 1 and 0 <= b.y0 < b.y1 <= 1 for b in boxes)
    return bool(boxes) and inside and Plan.from_json(plan.to_json()) == plan


# Things and their attributes ----------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Thing:
    """A thing as the prompt names it, with its attributes: "triangular slice of cheese"."""

    name: str

    @property
    def attributes(self) -> frozenset[str]:
        """Every word before the noun."""
        return frozenset(self.name.split(" of ")[0].split()[:-1])

    def region(self, plan: Plan) -> Region | None:
        """The region that names it first of all; None if no region does."""
        found = [(_find(self.name, region.prompt), region) for region in plan.layers()]
        return min(
            ((at, r) for at, r in found if at >= 0), key=lambda pair: pair[0], default=(0, None)
        )[1]


def _find(name: str, prompt: str) -> int:
    """Where the whole words of the name begin in the prompt; -1 if they are not in it."""
    match = re.search(rf"\b{re.escape(name)}\b", prompt.lower())
    return match.start() if match else -1


def _bound(things: Sequence[Thing], plan: Plan) -> str:
    """What is wrong with the regions of things that must have one each, with no other's looks."""
    regions = [thing.region(plan) for thing in things]
    for thing, region in zip(things, regions, strict=True):
        if region is None:
            return f"no region for {thing.name!r}"
        foreign = {a for other in things for a in other.attributes} - set(_words(thing.name))
        mixed = foreign & set(_words(region.prompt))
        if mixed:
            return f"{region.prompt!r} has another's {sorted(mixed)}"
    ids = [region.id for region in regions if region is not None]
    return "" if len(set(ids)) == len(ids) else f"one region for two of {[t.name for t in things]}"


def _words(text: str) -> list[str]:
    return re.findall(r"[\w'-]+", text.lower())


_PAIR = re.compile(rf"{_THE}({_NAME}) and {_THE}({_NAME})(?P<more> (?:both )?(?:{_TOGETHER})\b.*)?")
_ROOM = re.compile(
    rf"an? (?:[a-z]+ )*(?:bathroom|kitchen) with {_THE}(?!{_COLOUR} and )({_NAME})"
    rf"(?: and {_THE}({_NAME}))?"
)


def _pair(text: str, plan: Plan) -> Verdict | None:
    """Judges "a red apple and a green train", alone or as the subject of a sentence."""
    match = _PAIR.fullmatch(text) or _ROOM.fullmatch(text)
    if match is None:
        return None
    things = [Thing(name) for name in match.groups()[:2] if name]
    wrong = _bound(things, plan)
    alone = not match.groupdict().get("more")
    if not wrong and alone and len(plan.regions) != len(things):
        wrong = f"{len(plan.regions)} regions for {len(things)} things"
    return Verdict(True, wrong)


_LOOKED = re.compile(rf"\b({_COLOUR}) (?!{_NO_NAME}\b|{_COLOUR}\b)([a-z]+)")


def _coloured(text: str, plan: Plan) -> Verdict | None:
    """Judges what fits no pattern by its colours alone: each stands before its noun, no other."""
    wanted = set(_LOOKED.findall(text))
    if not wanted:
        return None
    found = {pair for region in plan.layers() for pair in _LOOKED.findall(region.prompt.lower())}
    lost, made_up = wanted - found, found - wanted
    wrong = [f"{' '.join(pair)!r} is lost" for pair in sorted(lost)]
    wrong += [f"{' '.join(pair)!r} was not asked for" for pair in sorted(made_up)]
    return Verdict(True, "; ".join(wrong))


# Places -------------------------------------------------------------------------------------------

_RELATION = re.compile(
    rf"(?:an?|the) ({_NAME})(?: (?:{_DOING}))?"
    rf" (?P<where>{'|'.join(sorted(PLACES, key=len, reverse=True))})"
    rf" (?:an?|the) ({_NAME})(?: and the ({_NAME}))?"
)
_BETWEEN = re.compile(rf"the ({_NAME}) was nestled between the ({_NAME}) and the ({_NAME})")


def _relation(text: str, plan: Plan) -> Verdict | None:
    """Judges "a clock on the left of a vase", and the like of "... sat next to ... and ..."."""
    match = _RELATION.fullmatch(text)
    if match is None:
        return None
    subject, *objects = [Thing(name) for name in (match[1], match[3], match[4]) if name]
    test = PLACES[match["where"]]
    if any(subject.name == other.name for other in objects):
        return Verdict(True, _alike(test, plan))
    wrong = _bound([subject, *objects], plan)
    pairs = [] if wrong else _regions(subject, objects, plan)
    bad = (f"{a.id} is not {match['where']} {b.id}" for a, b in pairs if not test(a, b))
    return Verdict(True, wrong or next(bad, ""))


def _regions(subject: Thing, objects: Sequence[Thing], plan: Plan) -> list[tuple[Region, Region]]:
    """The subject's region with each object's."""
    first = subject.region(plan)
    others = [thing.region(plan) for thing in objects]
    return [(first, other) for other in others if first is not None and other is not None]


def _alike(test: Test, plan: Plan) -> str:
    """What is wrong with "a chicken hidden by a chicken", where either may hide the other."""
    pairs = list(permutations(plan.layers()))
    if len(pairs) != 2:
        return "no two regions for two of a kind"
    return "" if any(test(a, b) for a, b in pairs) else "neither stands to the other as it should"


def _nestled(text: str, plan: Plan) -> Verdict | None:
    """Judges "the cube was nestled between the sphere and the cone"."""
    match = _BETWEEN.fullmatch(text)
    if match is None:
        return None
    things = [Thing(name) for name in match.groups()]
    wrong = _bound(things, plan)
    if wrong:
        return Verdict(True, wrong)
    middle, first, last = (thing.region(plan) for thing in things)
    assert middle and first and last
    between = (left_of(first, middle) and left_of(middle, last)) or (
        above(first, middle) and above(middle, last)
    )
    return Verdict(True, "" if between else f"{middle.id} is not between the others")


# Numbers ------------------------------------------------------------------------------------------

_ITEM = rf"(?:{'|'.join(NUMBERS)}|an?) [a-z]+"
_ITEMS = re.compile(rf"{_ITEM}(?:(?:, and |, | and ){_ITEM})*")


def _numbers(text: str, plan: Plan) -> Verdict | None:
    """Judges "two dogs, a cat and three mice": as many regions as there are of each."""
    listed = _ITEMS.match(text)
    if listed is None:
        return None
    rest = text[listed.end() :]
    counted = re.findall(rf"\b({'|'.join(NUMBERS)}) ([a-z]+)", rest)
    wanted = Counter[str]()
    for item in (*(tuple(i.split()) for i in re.findall(_ITEM, listed[0])), *counted):
        wanted[_singular(item[1])] += NUMBERS.get(item[0], 1)
    found = Counter(filter(None, (_first(region, wanted) for region in plan.layers())))
    if found != wanted:
        return Verdict(True, f"wanted {dict(wanted)}, got {dict(found)}")
    more = len(plan.layers()) - wanted.total()
    return Verdict(True, f"{more} regions too many" if more and not rest else "")


def _first(region: Region, nouns: Counter[str]) -> str:
    """Which of the nouns the region's subprompt names first; empty if none."""
    names = (_singular(word) for word in _words(region.prompt))
    return next((name for name in names if name in nouns), "")


def _singular(noun: str) -> str:
    if noun in _PLURALS:
        return _PLURALS[noun]
    return noun[:-1] if noun.endswith("s") and not noun.endswith("ss") else noun


# Deeds --------------------------------------------------------------------------------------------

_DEED = re.compile(rf"(?:an?|the) ({_NAME}) (?:is|are) (?:[a-z]+ly )?([a-z]+ing)\b.*")


def _deed(text: str, plan: Plan) -> Verdict | None:
    """Judges "a man is holding a violin": the one who does it and the deed share a region."""
    match = _DEED.fullmatch(text)
    if match is None:
        return None
    name = re.sub(r"^(?:group|pair|couple) of ", "", match[1])
    region = Thing(name).region(plan)
    if region is None:
        return Verdict(True, f"no region for {name!r}")
    does = match[2] in _words(region.prompt)
    return Verdict(True, "" if does else f"{region.prompt!r} is not {match[2]}")


_Look = Callable[[str, Plan], Verdict | None]
_BINDING: tuple[_Look, ...] = (_pair, _relation)
_LOOKS: dict[str, tuple[_Look, ...]] = {
    "color": (*_BINDING, _coloured), "shape": _BINDING, "texture": _BINDING,
    "numeracy": (_numbers,), "spatial": (_relation,), "3d_spatial": (_relation,),
    "complex": (_nestled, _relation, _coloured), "non_spatial": (_deed,),
}  # fmt: skip


def cases() -> Iterator[tuple[str, str]]:
    """Every category with each of its prompts."""
    for category in CATEGORIES:
        for prompt in load(category):
            yield category, prompt
