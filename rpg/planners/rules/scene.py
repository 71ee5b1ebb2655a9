"""The scene of a prompt: what the scene graph holds, as the data of a plan."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator, Sequence

from rpg.language.grammar.tokens import join
from rpg.language.lexicon.attributes import UNSEEN, is_adjective
from rpg.language.lexicon.inflect import is_pair, is_plural
from rpg.language.lexicon.nouns import (
    CANVAS,
    COUNTED_PLACES,
    MASS,
    PLACES,
    TIMES,
    UNIQUE,
    is_abstract,
)
from rpg.language.scene_graph.graph import Entity, SceneGraph, Setting
from rpg.language.scene_graph.parser import parse_prompt
from rpg.planners.rules.commands.text.attribute_kinds import phrases
from rpg.plans.prompt_weights import carried, clean
from rpg.plans.scene import Relation, Scene, Thing

__all__ = [
    "build_scene",
    "common_setting",
    "free_id",
    "place_groups",
    "scene_of_prompt",
    "thing_of",
]

_UNCOUNTED = MASS | (PLACES - COUNTED_PLACES) | TIMES | UNIQUE | CANVAS
_MOST_WORD = 200  # characters of a name or an attribute
_MOST_ATTRIBUTES = 32
_MOST_ABSENT = 64
_MOST_RELATIONS = 256


def scene_of_prompt(prompt: str) -> Scene:
    """Setting, style and what is not wanted of a prompt; without its things.

    For plans whose regions are drawn by hand, each with words of its own.
    """
    graph = parse_prompt(clean(prompt))
    scene = _frame(graph, common_setting(graph))
    said = {name: carried(getattr(scene, name), prompt) for name in ("setting", "style")}
    return scene.model_copy(update=said)


def build_scene(
    graph: SceneGraph, setting: str, named: Collection[int]
) -> tuple[Scene, dict[int, str]]:
    """The scene of a graph whose layout is known, and the thing that each entity is, by their ids.

    Args:
        graph: Its entities with their final numbers and parents.
        setting: Of the whole picture.
        named: `id` of the entities that the prompt names; others are split off the one before.
    """
    groups = _groups(graph, named)
    ids: dict[int, str] = {}
    used: list[str] = []
    for group in groups:
        used.append(free_id(group[0].head, used))
        ids.update((id(entity), used[-1]) for entity in group)
    things = tuple(
        thing_of(group[0], ids[id(group[0])], _number(group), ids.get(id(group[0].parent), ""))
        for group in groups
    )
    relations = tuple(_relations(graph, ids))[:_MOST_RELATIONS]
    frame = _frame(graph, setting)
    return frame.model_copy(update={"things": things, "relations": relations}), ids


def thing_of(entity: Entity, name: str, count: int | None, owner: str = "") -> Thing:
    """An entity as a thing with that id, number and owner."""
    *most, last = entity.noun or ["thing"]
    noun = " ".join([*most, last if is_pair(last.lower()) else entity.head or last])
    said = [" ".join(text.split()) for text in (entity.post, " ".join(entity.actions))]
    looks = [look for look in phrases(entity.attributes) if _is_look(look)]
    attributes = [text for text in dict.fromkeys([*looks, *said]) if 0 < len(text) <= _MOST_WORD]
    return Thing(
        id=name,
        name=noun[:_MOST_WORD],
        attributes=tuple(attributes[:_MOST_ATTRIBUTES]),
        count=count,
        owner=owner,
    )


def _is_look(phrase: str) -> bool:
    """Whether it can be seen: an adjective, and nobody's."""
    *_, last = phrase.split()
    return is_adjective(last) and not last.endswith("'s") and last not in UNSEEN


def count_of(entity: Entity) -> int | None:
    """How many there are; None where nobody says, or nobody counts."""
    if entity.crowd.isdigit():
        return int(entity.crowd)
    last = entity.noun[-1].lower() if entity.noun else ""
    bare = is_plural(last) and not is_pair(last)
    if entity.crowd or bare or entity.head in _UNCOUNTED or is_abstract(entity.head):
        return None
    return entity.count


def free_id(noun: str, used: Collection[str]) -> str:
    """An id that is not in use: the noun, from the second on with a number."""
    name = re.sub(r"[^a-z0-9]+", "-", noun)[:40].strip("-") or "thing"
    return next(
        each
        for n in range(1, len(used) + 2)
        if (each := name if n == 1 else f"{name}-{n}") not in used
    )


def _groups(graph: SceneGraph, named: Collection[int]) -> list[list[Entity]]:
    """Entities that are one thing: split in two for their places, or said twice and unrelated."""
    related = {id(one) for each in graph.relations for one in (each.subject, *each.objects)}
    owners = {id(entity.parent) for entity in graph.entities}
    groups: list[list[Entity]] = []
    alike: dict[tuple[object, ...], list[Entity]] = {}
    for entity in graph.entities:
        if id(entity) not in named and groups:
            groups[-1].append(entity)
            continue
        key = entity.name, entity.post, *entity.actions, id(entity.parent)
        free = not {id(entity)} & (related | owners) and count_of(entity) is not None
        if free and key in alike:
            alike[key].append(entity)
            continue
        groups.append([entity])
        if free:
            alike[key] = groups[-1]
    return groups


def _number(group: Sequence[Entity]) -> int | None:
    counts = [count_of(entity) for entity in group]
    known = [count for count in counts if count is not None]
    return sum(known) if len(known) == len(counts) else None


def _relations(graph: SceneGraph, ids: dict[int, str]) -> Iterator[Relation]:
    """Those between entities that have their place in the plan."""
    for relation in graph.relations:
        subject = ids.get(id(relation.subject))
        objects = tuple(dict.fromkeys(ids[id(one)] for one in relation.objects if id(one) in ids))
        if subject and objects and objects != (subject,):
            yield Relation(subject=subject, kind=relation.kind.value, objects=objects)


def _frame(graph: SceneGraph, setting: str) -> Scene:
    """A graph's scene without things."""
    absent = tuple(dict.fromkeys(text[:_MOST_WORD] for text in graph.negatives if text.strip()))
    return Scene(setting=setting, style=", ".join(graph.styles), absent=absent[:_MOST_ABSENT])


def common_setting(graph: SceneGraph) -> str:
    """The setting of the whole picture: its only place, or the one it opens with; and its times."""
    groups = place_groups(graph.settings)
    place = groups[0][1] if len(groups) == 1 or (groups and groups[0][0] == 0) else ""
    times = dict.fromkeys(setting.text for setting in graph.settings if setting.is_time)
    return join([place, *times])


def place_groups(settings: Sequence[Setting]) -> list[tuple[int, str]]:
    """Places named one after the other, as one text, with the number of entities named before."""
    groups: dict[int, list[str]] = {}
    for setting in settings:
        if not setting.is_time:
            groups.setdefault(setting.after, []).append(setting.text)
    return [(after, join(list(dict.fromkeys(texts)))) for after, texts in groups.items()]
