"""Random Toybox plans, scenes drawn exactly as planned, and single faults planted in them."""

from __future__ import annotations

import random
from collections.abc import Callable
from dataclasses import dataclass, replace

from rpg.critics import Check
from rpg.defaults import of_model
from rpg.planners import RulePlanner
from rpg.plans.geometry import Box
from rpg.plans.plan import Plan
from rpg.toybox import COLOURS, FILLS, PLACES, THINGS, weights_path
from rpg.toybox.scene import SMALLEST_SIDE, Scene, Thing
from rpg.toybox.vocabulary import NUMBERS, plural

_TRIES = 200
_LEAST = SMALLEST_SIDE + 12  # pixels of side: the fill of smaller birds and fish is hard to read
_EDGE = 3  # pixels between a thing and the border of its region: further than the detector errs


@dataclass(frozen=True)
class Drawn:
    """A plan and the scene that shows it; thing number i is region number i's."""

    plan: Plan
    scene: Scene

    def with_thing(self, index: int, thing: Thing | None) -> Scene:
        things = list(self.scene.things)
        things[index : index + 1] = [] if thing is None else [thing]
        return replace(self.scene, things=tuple(things))

    def box(self, index: int) -> Box:
        return self.plan.layers()[index].box

    def id(self, index: int) -> str:
        """Of the thing that the region shows."""
        return self.plan.layers()[index].shows[0]


def random_drawn(rng: random.Random, most: int = 5) -> Drawn:
    """A plan by the rule planner for one to so many things, drawn as it says."""
    while True:
        plan = RulePlanner().plan(_prompt(rng, rng.randint(1, most)))
        boxes = [region.box for region in plan.layers()]
        width, height = of_model(weights_path(), "sdxl").canvas(boxes)
        place = next(name for name in PLACES if name in plan.prompt)
        scene = Scene(width, height, (), place)
        for region in plan.layers():
            _, *fill, colour, name = region.prompt.split()
            thing = _placed(rng, scene, region.box, name, colour)
            if thing is None:
                break
            thing = replace(thing, fill=(*fill, "plain")[0])
            scene = replace(scene, things=(*scene.things, thing))
        else:
            return Drawn(plan, scene)


def _prompt(rng: random.Random, things: int) -> str:
    phrases = []
    while things > 0:
        count = min(things, rng.choice((1, 1, 1, 2, 3)))
        colour, name = rng.choice(list(COLOURS)), rng.choice(THINGS)
        fill = rng.choice(FILLS)
        looks = colour if fill == "plain" else f"{fill} {colour}"
        article = "an" if looks[0] in "aeiou" else "a"
        several = f"{NUMBERS[count - 1]} {looks} {plural(name)}"
        phrases.append(several if count > 1 else f"{article} {looks} {name}")
        things -= count
    *most, last = phrases
    joined = f"{', '.join(most)} and {last}" if most else last
    return f"{joined} {rng.choice(list(PLACES))}"


def _placed(
    rng: random.Random, scene: Scene, box: Box, name: str, colour: str, most: float = 0.7
) -> Thing | None:
    """A thing in a box, clear of all others."""
    left, top, right, bottom = box.to_pixels(scene.width, scene.height)
    for _ in range(_TRIES):
        longest = max(most * min(right - left, bottom - top), _LEAST)
        side = rng.uniform(_LEAST, longest)
        room = side / 2 + _EDGE
        if right - left < 2 * room or bottom - top < 2 * room:
            continue
        x, y = rng.uniform(left + room, right - room), rng.uniform(top + room, bottom - room)
        thing = Thing(name, colour, x, y, side)
        if all(thing.clear_of(other) for other in scene.things):
            return thing
    return None


Fault = tuple[Scene, set[str]]  # a scene with a fault, and the ids of the checks that it breaks


def recoloured(rng: random.Random, drawn: Drawn, checks: tuple[Check, ...]) -> Fault:
    index = rng.randrange(len(drawn.scene.things))
    thing = drawn.scene.things[index]
    colour = rng.choice([name for name in COLOURS if name != thing.colour])
    broken = f"attribute:{drawn.id(index)}:{thing.colour}"
    return drawn.with_thing(index, replace(thing, colour=colour)), {broken}


def refilled(rng: random.Random, drawn: Drawn, checks: tuple[Check, ...]) -> Fault | None:
    """Only where a fill is asked for: any will do where none is."""
    asked = [i for i, thing in enumerate(drawn.scene.things) if thing.fill != "plain"]
    if not asked:
        return None
    index = rng.choice(asked)
    thing = drawn.scene.things[index]
    fill = rng.choice([name for name in FILLS if name != thing.fill])
    broken = f"attribute:{drawn.id(index)}:{thing.fill}"
    return drawn.with_thing(index, replace(thing, fill=fill)), {broken}


def reshaped(rng: random.Random, drawn: Drawn, checks: tuple[Check, ...]) -> Fault:
    index = rng.randrange(len(drawn.scene.things))
    thing = drawn.scene.things[index]
    name = rng.choice([one for one in THINGS if one != thing.name])
    broken = f"presence:{drawn.id(index)}"
    return drawn.with_thing(index, replace(thing, name=name)), {broken}


def missing(rng: random.Random, drawn: Drawn, checks: tuple[Check, ...]) -> Fault:
    index = rng.randrange(len(drawn.scene.things))
    name = drawn.scene.things[index].name
    broken = {f"presence:{drawn.id(index)}", f"count:{name}"}
    return drawn.with_thing(index, None), broken


def one_too_many(rng: random.Random, drawn: Drawn, checks: tuple[Check, ...]) -> Fault | None:
    name, colour = rng.choice(THINGS), rng.choice(list(COLOURS))
    extra = _placed(rng, drawn.scene, Box(0, 0, 1, 1), name, colour, most=0.3)
    if extra is None:
        return None
    planned = {f"count:{thing.name}" for thing in drawn.scene.things}
    broken = f"count:{name}" if f"count:{name}" in planned else "count:else"
    return replace(drawn.scene, things=(*drawn.scene.things, extra)), {broken}


def moved(rng: random.Random, drawn: Drawn, checks: tuple[Check, ...]) -> Fault | None:
    """A thing that stands in another region."""
    index = rng.randrange(len(drawn.scene.things))
    thing, box = drawn.scene.things[index], drawn.box(index)
    width, height = drawn.scene.width, drawn.scene.height
    rest = drawn.with_thing(index, None)
    for _ in range(_TRIES):
        gone = _placed(rng, rest, Box(0, 0, 1, 1), thing.name, thing.colour, most=0.3)
        if gone is None:
            return None
        gone = replace(gone, fill=thing.fill)
        x, y = gone.x / width, gone.y / height
        if not _near(box, x, y) and not _near_its_like(drawn, index, x, y):
            scene = drawn.with_thing(index, gone)
            return scene, {f"presence:{drawn.id(index)}"}
    return None


def _near(box: Box, x: float, y: float) -> bool:
    slack = 0.03
    return box.x0 - slack < x < box.x1 + slack and box.y0 - slack < y < box.y1 + slack


def _near_its_like(drawn: Drawn, index: int, x: float, y: float) -> bool:
    """Whether that is the region of another of the kind: then either may be the one that moved."""
    thing = drawn.scene.things[index]
    return any(
        (one.name, one.colour) == (thing.name, thing.colour) and _near(drawn.box(place), x, y)
        for place, one in enumerate(drawn.scene.things)
        if place != index
    )


def elsewhere(rng: random.Random, drawn: Drawn, checks: tuple[Check, ...]) -> Fault:
    place = rng.choice([name for name in PLACES if name != drawn.scene.place])
    return replace(drawn.scene, place=place), {f"scene:{drawn.scene.place}"}


FAULTS: dict[str, Callable[[random.Random, Drawn, tuple[Check, ...]], Fault | None]] = {
    "recoloured": recoloured,
    "refilled": refilled,
    "reshaped": reshaped,
    "missing": missing,
    "one too many": one_too_many,
    "moved": moved,
    "elsewhere": elsewhere,
}
