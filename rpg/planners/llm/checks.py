"""Checks of a plan by what it says itself: is what it lists shown, where and as it says?

Nothing is compared with the prompt: the model has understood it, a check has not. A check speaks
up only where the plan contradicts itself, so that a good answer is never asked again.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from itertools import combinations, pairwise

from rpg.language.grammar.language_id import is_english
from rpg.language.grammar.quotations import unquoted
from rpg.language.grammar.tokens import tokenize
from rpg.language.lexicon.inflect import singular
from rpg.planners.llm.schema import NUMBERS
from rpg.planners.llm.things import words_of
from rpg.plans.geometry import FULL, Box
from rpg.plans.plan import Plan, Region, every_region
from rpg.plans.scene import DIRECTIONS, OPPOSITES, Relation, Scene, Thing

HIDDEN = 0.95  # of a region under others: it cannot be seen
_MOST_BARE = 0.1  # of a canvas that no setting is said for
_LEAST_SHOWN = 0.03  # of the canvas under regions altogether
_SLIVER = 0.03  # of the canvas's side
_FAR_BELOW = 0.35  # of the side that regions should have
_MOST_EACH = 12  # of a kind get a region each; more are a crowd
_YEARS = 1000  # from here on a number tells of a year or a model
_CLEAR = 0.01  # of the canvas, between the centres of two things of which one is left of the other
_INSIDE = 0.9  # of a box in another: which is left of which cannot be told

_WORD = re.compile(r"[^\W_]+(?:['\u2019][^\W_]+)*")
_NEGATIONS = re.compile(
    r"\b(?:no(?![-.]|\s+(?:longer|more|doubt|man|woman|one's)\b|\s*\d)"
    r"|without|devoid of|free of|nobody|no one|not any)\b(?:\s+(?:any|a|an|the)\b)?"
    r"\s*+(?:\w[\w-]*+)?+"
    r"(?!(?:\s+\w+){0,2}\s+signs?\b)",
    re.IGNORECASE,
)
_PART = re.compile(
    r"\b(?:half|halves|part|side|end|section|top|bottom|upper|lower|front|back|rear|left|right|"
    r"head|body|legs|of the|interior|inside|outside|reflection|room)\b",
    re.IGNORECASE,
)
_OF_SOME = re.compile(  # attributes of some alike things, or of a part of one
    r"\b(?:ones?|others?|some|few|half|each|left|right|first|second|third|last|\w+est)\b",
    re.IGNORECASE,
)
_PHRASES = re.compile(r"[,.;:()]")
_PHRASE_END = frozenset(
    "with in on at of by near under over behind beside wearing holding the a an and or to from "
    "next against around inside between above below is are its his her their who that as "
    "while".split()
)
_COLOURS = {  # each with the colours that it may be called by
    word: frozenset(families.split("/"))
    for families, words in {
        "red": "red reddish crimson scarlet ruby cherry vermilion",
        "red/brown/purple": "maroon burgundy auburn",
        "orange": "orange tangerine",
        "orange/brown/red": "ginger copper rust amber apricot",
        "yellow": "yellow yellowish lemon",
        "yellow/orange/brown": "gold golden mustard blond blonde honey",
        "green": "green greenish emerald olive lime mint jade",
        "blue/green": "turquoise teal cyan aqua",
        "blue": "blue bluish navy azure sapphire cobalt",
        "blue/purple": "indigo",
        "purple": "purple violet lilac lavender mauve",
        "pink/purple": "magenta fuchsia",
        "pink": "pink pinkish",
        "brown": "brown brownish chestnut tan chocolate bronze",
        "black": "black ebony jet",
        "white": "white snowy",
        "white/yellow": "ivory cream beige",
        "grey": "grey gray greyish",
        "grey/white": "silver silvery",
    }.items()
    for word in words.split()
}


def faults(plan: Plan, canvas: tuple[int, int] | None = None, region_side: int = 0) -> list[str]:
    """What a plan says of itself and does not keep, a sentence each; none where it is sound.

    Args:
        plan: A plan with a scene.
        canvas: Width and height in pixels, where known.
        region_side: Pixels below which a region's sides come out badly; 0 where nobody knows.
    """
    facts = _Facts(plan)
    return list(
        dict.fromkeys(
            [
                *_slivers(facts, canvas, region_side),
                *_bare(facts),
                *_hidden(facts),
                *_unshown(facts),
                *_miscounted(facts),
                *_misplaced(facts),
                *_miscoloured(facts),
                *_negated(facts),
            ]
        )
    )


class _Facts:
    """A plan with what the checks look up often."""

    def __init__(self, plan: Plan) -> None:
        self.plan = plan
        self.scene: Scene = plan.scene
        self.layers = plan.layers()
        self.parents = {
            child.id: region.id
            for region in every_region(plan.regions)
            for child in region.children
        }
        self.words = {region.id: _words(region.prompt) for region in self.layers}
        self.heads = Counter(_head(thing) for thing in self.scene.things)

    def showing(self, thing: Thing) -> list[Region]:
        return [region for region in self.layers if thing.id in region.shows]

    def inside(self, inner: Region, outer: Region) -> bool:
        """Whether a region stands in another, at whatever depth."""
        name = inner.id
        while name in self.parents:
            name = self.parents[name]
            if name == outer.id:
                return True
        return False

    def owners(self, thing: Thing) -> Iterator[Thing]:
        """Whom it belongs to, and whom they belong to."""
        above = self.scene.thing(thing.owner) if thing.owner else None
        while above is not None:
            yield above
            above = self.scene.thing(above.owner) if above.owner else None

    def family(self, thing: Thing) -> list[Thing]:
        """The thing with all that belongs to it."""
        return [thing, *self.scene.owned_by(thing.id)]


def _words(text: str) -> list[str]:
    return _WORD.findall(text.lower())


def _head(thing: Thing) -> str:
    words = words_of(thing.name)
    return words[-1] if words else ""


def hidden(plan: Plan) -> list[str]:
    """Ids of regions that others cover, nearly or wholly; those inside of a region do not count."""
    facts = _Facts(plan)
    found = []
    for place, region in enumerate(facts.layers):
        above = [
            one.box
            for one in facts.layers[place + 1 :]
            if one.mask is None and not facts.inside(one, region)
        ]
        if _share_under(region.box, above) >= HIDDEN:
            found.append(region.id)
    return found


def _share_under(box: Box, above: Sequence[Box]) -> float:
    """The share of a box that lies under others, 0 to 1."""
    parts = [part for part in (box.intersection(other) for other in above) if part is not None]
    across = sorted({box.x0, box.x1, *(edge for part in parts for edge in (part.x0, part.x1))})
    down = sorted({box.y0, box.y1, *(edge for part in parts for edge in (part.y0, part.y1))})
    covered = sum(
        (x1 - x0) * (y1 - y0)
        for x0, x1 in pairwise(across)
        for y0, y1 in pairwise(down)
        if any(part.contains(x0, y0) for part in parts)
    )
    return covered / box.area if box.area else 0.0


def _hidden(facts: _Facts) -> Iterator[str]:
    for name in hidden(facts.plan):
        yield (
            f'region "{name}" cannot be seen: regions listed after it cover it; give every region '
            "a place of its own"
        )


def _bare(facts: _Facts) -> Iterator[str]:
    """Canvas that nothing is said for."""
    if not facts.layers:
        return
    bare = 1 - _share_under(FULL, [region.box for region in facts.layers])
    if not facts.scene.setting and bare > _MOST_BARE:
        yield (
            f'{bare:.0%} of the canvas has no region, and "setting" is empty: say in "setting" '
            "what is to be seen there, or let the regions cover the canvas"
        )
    elif bare > 1 - _LEAST_SHOWN:
        yield f"the regions cover {1 - bare:.1%} of the canvas: make them as large as their things"


def _slivers(facts: _Facts, canvas: tuple[int, int] | None, side: int) -> Iterator[str]:
    width, height = canvas or (0, 0)
    for region in facts.layers:
        box = region.box
        if min(box.width, box.height) < _SLIVER:
            yield f'region "{region.id}" is a sliver: widen it to 5 percent at the least'
        elif canvas and min(box.width * width, box.height * height) < _FAR_BELOW * side:
            yield (
                f'region "{region.id}" is {round(box.width * width)} x '
                f"{round(box.height * height)} pixels, too small to come out well: {side} a side "
                "would be, half may do; enlarge it, or let a larger region show its thing"
            )


def _unshown(facts: _Facts) -> Iterator[str]:
    """Things that neither a region nor a word of one shows."""
    if not facts.layers:
        return
    said = {
        singular(word)
        for text in (*(region.prompt for region in facts.layers), facts.scene.setting)
        for word in _words(text)
    }
    spoken = " ".join((*(region.prompt for region in facts.layers), facts.scene.setting)).lower()
    for thing in facts.scene.things:
        if thing.count is None:  # a crowd, rain: the setting's as well as anybody's
            continue
        chain = [thing, *facts.owners(thing)]
        if any(facts.showing(one) for one in chain):
            continue
        if any(_head(one) in said or one.name.lower() in spoken for one in chain):
            continue
        yield f'the thing "{thing.id}" ({thing.name}) is shown by no region: give it one'


# Numbers


def _miscounted(facts: _Facts) -> Iterator[str]:
    if facts.layers:
        for thing in facts.scene.things:
            if thing.count is not None:
                yield from _too_few(facts, thing, thing.count)
                yield from _too_many(facts, thing, thing.count)
    texts = [(f'region "{one.id}"', one.prompt) for one in facts.layers]
    for where, text in [*texts, ("the base prompt", facts.plan.base_prompt)]:
        yield from _other_number(facts, where, text)


def _too_few(facts: _Facts, thing: Thing, count: int) -> Iterator[str]:
    showing = facts.showing(thing)
    if not 1 < count <= _MOST_EACH or not 0 < len(showing) < count:
        return
    texts = [region.prompt for region in showing]
    said = [_largest_number(text) for text in texts]
    if count in _numbers(" ".join(texts)) or sum(max(one, 1) for one in said) >= count:
        return
    if thing.owner:  # a part or content: its own number is in the way of nothing where unsaid
        named = any(_head(thing) in map(singular, _words(text)) for text in texts)
        if count == 2 or not named or count in _numbers(facts.plan.base_prompt):
            return
    yield (
        f'there should be {count} x "{thing.name}" ({thing.id}), but {len(showing)} of the regions '
        f"show it: give each a region of its own, or say the number in the prompt"
    )


def _numbers(text: str) -> set[int]:
    found = {_number(word) for word in _words(text)}
    if re.search(r"\bhalf a dozen\b", text.lower()):
        found.add(6)
    return {number for number in found if number is not None}


def _number(word: str) -> int | None:
    if word in ("a", "an", "single"):
        return 1
    if word.isascii() and word.isdigit() and len(word) < 6:
        return int(word)
    return NUMBERS.get(word)


def _largest_number(text: str) -> int:
    return max((number for number in _numbers(text) if number <= _MOST_EACH), default=0)


def _too_many(facts: _Facts, thing: Thing, count: int) -> Iterator[str]:
    """More regions of one thing than there are of it, unless they are parts of one."""
    alone = [region for region in facts.showing(thing) if region.shows == (thing.id,)]
    alone = [one for one in alone if not any(facts.inside(one, other) for other in alone)]
    if len(alone) <= count or thing.owner:
        return
    if count == 1 and not _stand_apart(alone, thing):
        return
    yield (
        f'{len(alone)} regions show "{thing.name}" ({thing.id}), but "things" says {count}: take '
        "regions out, or correct the count"
    )


def _stand_apart(regions: Sequence[Region], thing: Thing) -> bool:
    """Whether regions show one thing each rather than parts of the same."""
    whole = [region for region in regions if not _PART.search(_noun_phrase(region.prompt))]
    if len({" ".join(_words(region.prompt)) for region in regions}) < len(regions):
        return True
    named = [
        one for one in whole if _head(thing) in map(singular, _words(_noun_phrase(one.prompt)))
    ]
    starts = [_words(one.prompt)[:1] for one in named]
    if sum(start in (["a"], ["an"], ["one"], ["another"]) for start in starts) > 1:
        return True
    return any(
        _gap(one.box, other.box) > 0.02 and one in named and other in named
        for one, other in combinations(regions, 2)
    )


def _noun_phrase(text: str) -> str:
    return re.split(r"[,.;]|\b(?:in|on|with|at)\b", text, maxsplit=1)[0]


def _gap(one: Box, other: Box) -> float:
    across = max(one.x0, other.x0) - min(one.x1, other.x1)
    down = max(one.y0, other.y0) - min(one.y1, other.y1)
    return max(across, down)


def _other_number(facts: _Facts, where: str, text: str) -> Iterator[str]:
    """Of "four cats", where all the cats that are listed are two."""
    words = _words(unquoted(text))
    for head, things in _by_head(facts.scene).items():
        counts = [thing.count for thing in things]
        if None in counts or any(thing.owner for thing in things):
            continue
        most = sum(count or 0 for count in counts)
        for at, word in enumerate(words):
            if singular(word) != head or word == head:
                continue
            said = [number for one in words[max(0, at - 3) : at]
                    if (number := _number(one)) is not None and number < _YEARS]  # fmt: skip
            if said and min(said) > most and not _numbered(things, min(said)):
                yield (
                    f'{where} says {min(said)} x "{things[0].name}", but "things" says {most}: '
                    "correct the one or the other"
                )


def _by_head(scene: Scene) -> dict[str, list[Thing]]:
    found: dict[str, list[Thing]] = {}
    for thing in scene.things:
        if head := _head(thing):
            found.setdefault(head, []).append(thing)
    return found


def _numbered(things: Sequence[Thing], number: int) -> bool:
    """Whether a number is part of a name or an attribute: "12 year old", "seven dwarfs"."""
    return any(number in _numbers(" ".join((thing.name, *thing.attributes))) for thing in things)


# Places


def _misplaced(facts: _Facts) -> Iterator[str]:
    for relation in facts.scene.relations:
        if relation.kind in DIRECTIONS:
            yield from (
                f'"relations" says that "{relation.subject}" is {relation.kind} "{name}", but the '
                "boxes of their regions say otherwise: move them, or correct the relation"
                for name in relation.objects
                if _contradicted(facts, relation, name)
            )
    yield from _opposed(facts.scene)


def contradicted(plan: Plan) -> set[Relation]:
    """The relations of left, right, above and below that the boxes contradict."""
    facts = _Facts(plan)
    return {
        one
        for one in plan.scene.relations
        if one.kind in DIRECTIONS and any(_contradicted(facts, one, name) for name in one.objects)
    }


def _contradicted(facts: _Facts, relation: Relation, name: str) -> bool:
    subjects = [one for one in facts.layers if relation.subject in one.shows]
    objects = [one for one in facts.layers if name in one.shows]
    if not subjects or not objects or set(subjects) & set(objects):
        return False  # one region shows both: its words say how they stand
    axis, sign = DIRECTIONS[relation.kind]
    return any(
        not any(_stands(one.box, other.box, axis, sign) for other in objects) for one in subjects
    )


def _stands(box: Box, other: Box, axis: int, sign: int) -> bool:
    common = box.intersection(other)
    if common and common.area > _INSIDE * min(box.area, other.area):
        return True
    return (box.center[axis] - other.center[axis]) * sign > _CLEAR


def _opposed(scene: Scene) -> Iterator[str]:
    """Relations that cannot both hold."""
    said = {(one.subject, one.kind, name) for one in scene.relations for name in one.objects}
    for subject, kind, name in sorted(said):
        if (
            kind in DIRECTIONS
            and (subject, OPPOSITES[kind], name) in said
            and sorted((kind, OPPOSITES[kind]))[0] == kind
        ):
            yield f'"relations" says both that "{subject}" is {kind} "{name}" and the contrary'


# Colours


def _families(words: Iterable[str]) -> set[str]:
    return {family for word in words for family in _COLOURS.get(word, ())}


def _own_colours(things: Iterable[Thing]) -> set[str]:
    return _families(
        word
        for thing in things
        for text in (*thing.attributes, _before_head(thing.name))
        for word in _words(text)
    )


def _plain_colours(thing: Thing) -> set[str]:
    """The colours of the thing itself: of "bright red", not of "red nose"."""
    texts = (_words(text) for text in (*thing.attributes, _before_head(thing.name)))
    return _families(word for words in texts if words and words[-1] in _COLOURS for word in words)


def _before_head(name: str) -> str:
    return name.rsplit(None, 1)[0] if " " in name else ""


def _miscoloured(facts: _Facts) -> Iterator[str]:
    for region in facts.layers:
        shown = [thing for name in region.shows if (thing := facts.scene.thing(name))]
        for thing in shown:
            wrong = _wrong_colour(facts, thing, region.prompt, alone=len(shown) == 1)
            if wrong:
                yield _recoloured(f'the prompt of region "{region.id}"', thing, wrong)
    for thing in facts.scene.things:
        if facts.heads[_head(thing)] == 1:
            wrong = _wrong_colour(facts, thing, facts.plan.base_prompt, alone=False)
            if wrong:
                yield _recoloured("the base prompt", thing, wrong)


def _recoloured(where: str, thing: Thing, colour: str) -> str:
    return f'{where} calls "{thing.id}" ({thing.name}) {colour}, but "things" says otherwise'


def _wrong_colour(facts: _Facts, thing: Thing, text: str, *, alone: bool) -> str:
    """The colour that a text gives a thing of another colour; "" where none."""
    own = _own_colours([thing])
    if not own or any(_OF_SOME.search(one) for one in thing.attributes):
        return ""
    text = unquoted(text)
    family = facts.family(thing)
    theirs = _own_colours(one for one in facts.scene.things if one is not thing)
    foreign = theirs - _own_colours(family)
    said = [word for word in _words(text) if word in _COLOURS]
    unsaid = not any(_COLOURS[word] & own for word in said)
    plain = _plain_colours(thing)
    direct = _colours_before(text, _head(thing)) if plain else []
    if any(_COLOURS[word] & plain for word in direct):
        return ""
    wrong = [word for word in direct if unsaid or _COLOURS[word] & theirs]
    if not wrong and alone and not any(_COLOURS[word] & _own_colours(family) for word in said):
        wrong = [word for word in _colours_behind(text) if _COLOURS[word] & foreign]
    return wrong[0] if wrong else ""


def _colours_before(text: str, head: str) -> list[str]:
    """The colours that stand before mentions of a noun, each in its own phrase."""
    found = []
    for phrase in _PHRASES.split(text.lower()):
        words = _words(phrase)
        for at, word in enumerate(words):
            if singular(word) != head:
                continue
            for place in range(at - 1, max(-1, at - 6), -1):
                if words[place] in _PHRASE_END and not _joins_colours(words, place):
                    break
                of_part = words[place + 1].endswith("ed") and place + 1 < at
                if words[place] in _COLOURS and not of_part:  # "an orange breasted robin"
                    found.append(words[place])
    return found


def _colours_behind(text: str) -> list[str]:
    """The colours that no noun follows: of "in red", but not of "with an orange breast"."""
    found = []
    for phrase in _PHRASES.split(text.lower()):
        words = _words(phrase)
        for word, following in zip(words, [*words[1:], "and"], strict=True):
            if word in _COLOURS and (following in _PHRASE_END or following in _COLOURS):
                found.append(word)
    return found


def _joins_colours(words: Sequence[str], place: int) -> bool:
    around = [*words[place - 1 : place], *words[place + 1 : place + 2]]
    return words[place] in ("and", "or") and all(one in _COLOURS for one in around)


# What must not be there


def _negated(facts: _Facts) -> Iterator[str]:
    """What is negated in a text, which draws it, and what is absent but named."""
    scene, plan = facts.scene, facts.plan
    texts = [(f'the prompt of region "{one.id}"', one.prompt) for one in facts.layers]
    texts += [("setting", scene.setting), ("style", scene.style), ("base_prompt", plan.base_prompt)]
    written = [thing.words for thing in scene.things if thing.words]
    english = is_english(tokenize(" ".join(text for _, text in texts)))
    for where, text in texts:
        bare = unquoted(text)
        for words in written:
            bare = re.sub(re.escape(words), " ", bare, flags=re.IGNORECASE)
        if english and (match := _NEGATIONS.search(bare)):  # "no" is "in the" in Portuguese
            yield (
                f'{where} says "{match[0].strip()}": what a text names is drawn; say what is to be '
                'seen, and list what must not be there in "absent"'
            )
        else:
            yield from (
                f'{where} names "{one}", which is listed in "absent": leave it out'
                for one in scene.absent
                if _names(bare, one) and not any(_names(thing.name, one) for thing in scene.things)
            )
    for one in scene.absent:
        if any(words_of(thing.name) == words_of(one) for thing in scene.things):
            yield f'"{one}" is listed both in "things" and in "absent"'


def _names(text: str, phrase: str) -> bool:
    words = tuple(singular(word) for word in _words(text))
    wanted = tuple(singular(word) for word in _words(phrase))
    return bool(wanted) and any(
        words[at : at + len(wanted)] == wanted for at in range(len(words) - len(wanted) + 1)
    )
