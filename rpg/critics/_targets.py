"""The things that a plan's regions are to show, parsed from their subprompts.

The first thing of a subprompt is its region's own, unless the region's id names another; further
things count where the user's prompt names them, so that a richly worded subprompt does not make
every leaf compulsory.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

from rpg.language.lexicon.attributes import is_adjective, is_visual
from rpg.language.lexicon.inflect import is_pair, is_plural, singular
from rpg.language.lexicon.nouns import (
    CANVAS,
    COUNTED_PLACES,
    MASS,
    PLACES,
    TIMES,
    UNIQUE,
    is_abstract,
)
from rpg.language.scene_graph.graph import Entity, SceneGraph
from rpg.language.scene_graph.parser import parse_prompt
from rpg.plans.geometry import FULL, Box
from rpg.plans.plan import Plan, Region

PICTURE = ""  # in place of a region's id: the whole picture
_MOST_READ = 2000  # letters of a subprompt; what follows is embellishment
_MOST_ATTRIBUTES = 6
_MOST_THINGS = 4  # of a region
_MOST_WORD = 200  # letters, as `rpg.critique.Word`
_UNCOUNTED = MASS | (PLACES - COUNTED_PLACES) | TIMES | UNIQUE


@dataclass(frozen=True, slots=True)
class Target:
    """A thing to be seen.

    Attributes:
        region: Id of the region that shows it; `PICTURE` where no region does.
        box: Of the region.
        thing: What it is called, in the singular; unique within its region.
        noun: Its noun alone, lower case.
        count: How many there; None where nobody says: "some birds", "snow".
        attributes: What it looks like and does, in words.
    """

    region: str
    box: Box
    thing: str
    noun: str
    count: int | None
    attributes: tuple[str, ...]

    @property
    def key(self) -> tuple[str, str]:
        """What tells it from others of its plan."""
        return self.region, self.thing


@dataclass(frozen=True, slots=True)
class ParsedPlan:
    """The targets and scenes of a plan, and the scene graph of its prompt.

    Attributes:
        targets: In painting order of the regions.
        prompt: What the user's prompt is understood to hold.
        scenes: Each scene in words, to the ids of the regions in it; to none where all are.
    """

    targets: tuple[Target, ...]
    prompt: SceneGraph
    scenes: dict[str, tuple[str, ...]]


def parse_plan(plan: Plan) -> ParsedPlan:
    """Parses the subprompts of a plan and its prompt."""
    asked = parse_prompt(plan.prompt[:_MOST_READ])
    layers = plan.layers() or (Region(id="picture", prompt=plan.effective_base_prompt, box=FULL),)
    graphs = [parse_prompt(region.prompt[:_MOST_READ]) for region in layers]
    named = {thing.head for thing in asked.entities}
    targets = [
        target
        for region, graph in zip(layers, graphs, strict=True)
        for target in _targets(region, graph, named)
    ]
    if not plan.layers():
        targets = [replace(target, region=PICTURE) for target in targets]
    return ParsedPlan(tuple(targets), asked, _scenes(layers, graphs, asked))


def _targets(region: Region, graph: SceneGraph, named: set[str]) -> Iterator[Target]:
    """The region's own thing, and those of its subprompt that the prompt names too."""
    things = [thing for thing in graph.entities if thing.noun]
    if not things:
        words = " ".join(region.prompt.split())[:_MOST_WORD]
        yield Target(region.id, region.box, words, "", None, ())
        return
    own = _own(region.id, things)
    others = [thing for thing in things if thing is not own and thing.head in named]
    wanted = [own, *others][:_MOST_THINGS]
    twice = Counter(_noun(thing) for thing in wanted)
    seen: set[str] = set()
    for thing in wanted:
        name = _noun(thing) if twice[_noun(thing)] == 1 else _full_name(thing)
        if name not in seen:
            seen.add(name)
            yield Target(
                region.id, region.box, name, thing.head, _count(thing), tuple(_attributes(thing))
            )


def _own(name: str, things: Sequence[Entity]) -> Entity:
    """The thing that the region's id ends with, its number aside: "hot-air-balloon-2"."""
    words = re.findall(r"[^\W\d_]+", name.lower())
    noun = singular(words[-1]) if words else ""
    return next((thing for thing in things if thing.head == noun), things[0])


def _noun(thing: Entity) -> str:
    """The noun with what it is compounded with, in the singular: "coffee table"."""
    *most, last = thing.noun
    return " ".join([*most, last if is_pair(last.lower()) else thing.head])[:_MOST_WORD]


def _full_name(thing: Entity) -> str:
    return " ".join([*_looks(thing), _noun(thing)])[:_MOST_WORD]


def _count(thing: Entity) -> int | None:
    last = thing.noun[-1].lower()
    vague = bool(thing.crowd) and not thing.crowd.isdigit()
    if vague or thing.head in _UNCOUNTED or thing.head in CANVAS or is_abstract(thing.head):
        return None
    if thing.crowd:
        return int(thing.crowd)
    bare = is_plural(last) and not is_pair(last)
    return None if bare else thing.count


def _attributes(thing: Entity) -> list[str]:
    """What can be seen of the thing, what it has and does; the visible first."""
    looks = sorted(_looks(thing), key=lambda word: not is_visual(word))
    rest = [" ".join(text.split()) for text in (thing.post, *thing.actions) if text.strip()]
    return [text[:_MOST_WORD] for text in dict.fromkeys([*looks, *rest])][:_MOST_ATTRIBUTES]


def _looks(thing: Entity) -> list[str]:
    """The adjectives, joining words and adverbs left out, lower case."""
    words = (word.lower() for word in thing.attributes)
    return [word for word in words if is_adjective(word) and not word.endswith("'s")]


def _scenes(
    layers: Sequence[Region], graphs: Sequence[SceneGraph], asked: SceneGraph
) -> dict[str, tuple[str, ...]]:
    """Scenes that all regions share, and those of some that the prompt names as well."""
    where: dict[str, list[str]] = {}
    for region, graph in zip(layers, graphs, strict=True):
        for scene in graph.settings:
            ids = where.setdefault(scene.text[:_MOST_WORD], [])
            if region.id not in ids:
                ids.append(region.id)
    named = {scene.text for scene in asked.settings}
    shared = {text: () for text, ids in where.items() if len(ids) == len(layers)}
    own = {text: tuple(ids) for text, ids in where.items() if text in named and text not in shared}
    return {**shared, **own}
