"""What a person types into a region by hand, as edits: the region's words and its things together.

Without it the scene would go on telling of what is no longer drawn.
"""

from __future__ import annotations

from collections.abc import Sequence

from rpg.language.scene_graph.parser import parse_prompt
from rpg.planners.rules.scene import count_of, free_id, thing_of
from rpg.plans.edits import AddRegion, AnyEdit, ModifyRegion, SetScene
from rpg.plans.plan import Plan, Region
from rpg.plans.prompt_weights import clean
from rpg.plans.scene import Thing

__all__ = ["typed_addition", "typed_words"]

_MOST_READ = 2000  # characters; what follows is embellishment


def typed_addition(plan: Plan, region: Region) -> AddRegion:
    """Adds a region that somebody drew, with the things that its prompt names.

    A plan without things is one whose texts are drawn as they stand: nothing is read then.
    """
    if not plan.scene.things:
        return AddRegion(region=region)
    things = _read(region.prompt, [one.id for one in plan.scene.things])
    shows = tuple(one.id for one in things)
    return AddRegion(region=region.model_copy(update={"shows": shows}), things=things)


def typed_words(plan: Plan, region: Region, words: str) -> tuple[AnyEdit, ...]:
    """Gives a region other words, and the scene other things where these name others.

    A thing of the same name stays the one it was, with its owner and relations, and takes the new
    looks; where other regions show it as well, the region gets a thing of its own.
    """
    changed = ModifyRegion(id=region.id, prompt=words)
    scene = plan.scene
    old = [one for one in scene.things if one.id in region.shows]
    if not scene.things:
        return (changed,)
    words = clean(words)
    read = _read(words, [one.id for one in scene.things])
    shared = {one.id for one in old if len(plan.shown_by(one.id)) > 1}
    kept: dict[str, Thing] = {}
    new: list[Thing] = []
    for thing in read:
        same = next((one for one in old if _alike(one, thing) and one.id not in kept), None)
        looks = same is not None and same.attributes == thing.attributes
        if same is not None and (looks or same.id not in shared):
            count = same.count if same.id in shared else thing.count
            update = {"attributes": thing.attributes, "count": count}
            kept[same.id] = same.model_copy(update=update)
        else:
            new.append(thing)
    # Parts that the words still name ("a man in a red hat, smiling") are read with their owner.
    kept |= {one.id: one for one in old if one.owner and one.id not in kept and _is_in(one, words)}
    gone = {one.id for one in old} - kept.keys() - shared
    shows = (*kept, *(one.id for one in new))
    still = {name for one in plan.layers() if one.id != region.id for name in one.shows}
    left = scene.without(gone, keep=still)
    things = (*(kept.get(one.id, one) for one in left.things), *new)
    told = SetScene(things=things, relations=left.relations)
    if things == scene.things and left.relations == scene.relations:
        return (changed,)
    shown = changed.model_copy(update={"shows": shows})
    # New things have to be known before the region shows them; then numbers follow by themselves.
    return (told, shown)


def _alike(old: Thing, new: Thing) -> bool:
    """Whether a thing is meant by the same noun: a "hot air balloon" is a "balloon"."""
    return old.name.lower().split()[-1:] == new.name.lower().split()[-1:]


def _is_in(thing: Thing, words: str) -> bool:
    return thing.name.lower().split()[-1] in words.lower()


def _read(words: str, used: Sequence[str]) -> tuple[Thing, ...]:
    """The things that words name, with ids that are not in use."""
    ids = list(used)
    things: list[Thing] = []
    for entity in parse_prompt(clean(words)[:_MOST_READ]).entities:
        if entity.noun:
            ids.append(free_id(entity.head, ids))
            things.append(thing_of(entity, ids[-1], count_of(entity)))
    return tuple(things)
