"""The rule planner: a plan from an English prompt, offline and always the same."""

from __future__ import annotations

from rpg.planners.base import checked_prompt
from rpg.planners.rules.grammar.language import is_english
from rpg.planners.rules.grammar.scan import scan
from rpg.planners.rules.grammar.styles import split_style
from rpg.planners.rules.grammar.tokens import tokenize
from rpg.planners.rules.instructions.following import revise
from rpg.planners.rules.layout.normal import normalize
from rpg.planners.rules.layout.solver import lay_out
from rpg.planners.rules.reading.positions import settle
from rpg.planners.rules.reading.reader import read_elements
from rpg.planners.rules.reading.things import Reading
from rpg.planners.rules.reasoning import explain, found
from rpg.planners.rules.recaption import common_scene, give_places, regions
from rpg.plans.geometry import FULL
from rpg.plans.plan import MAX_REGIONS, Plan, Region

SOURCE = "rules"


class RulePlanner:
    """Plans by grammar: needs no language model, no network and no randomness.

    It finds things with their attributes and numbers, how they stand to each other, and the scene;
    gives each its own subprompt, and boxes in which the relations hold. English only: of other
    prompts it makes one region. What it could not place stands in the plan's `reasoning`.
    """

    def plan(
        self, prompt: str, *, previous: Plan | None = None, instruction: str | None = None
    ) -> Plan:
        """Plans a picture of `prompt`; see `rpg.planners.base.Planner`.

        Raises:
            PromptError: The prompt is blank or over 8,000 characters.
            PlanError: The instruction is not understood, names what is not in the plan, or there is
                no room for it.
        """
        text = checked_prompt(prompt)
        if instruction is not None:
            return revise(previous or _anew(text), instruction, source=SOURCE)
        return _anew(text)


def read(prompt: str) -> Reading:
    """What the prompt is understood to hold."""
    if not is_english(tokenize(prompt)):
        return Reading(notes=["this planner reads English only"])
    content, styles = split_style(prompt)
    reading = read_elements(scan(tokenize(content)))
    reading.styles = styles
    return reading


def _anew(prompt: str) -> Plan:
    reading = read(prompt)
    return _planned(prompt, reading) if reading.things else _whole(prompt, reading)


def _planned(prompt: str, reading: Reading) -> Plan:
    give_places(reading)
    settle(reading)
    _note_crowds(reading)
    understood = found(reading)
    constraints = normalize(reading)
    _cap(reading)
    spots = lay_out(reading.things, constraints)
    scene = common_scene(reading)
    return Plan(
        prompt=prompt,
        base_prompt=prompt,
        regions=regions(spots, scene, reading.styles),
        negative=", ".join(reading.negatives),
        reasoning=explain(understood, reading, constraints, spots, scene),
        source=SOURCE,
    )


def _whole(prompt: str, reading: Reading) -> Plan:
    """One region for a prompt in which no things were found."""
    why = ["No separate things were found: the whole prompt fills the canvas."]
    return Plan(
        prompt=prompt,
        base_prompt=prompt,
        regions=(Region(id="scene-1", prompt=prompt, box=FULL),),
        negative=", ".join(reading.negatives),
        reasoning="\n".join([*why, *(f"Not placed: {note}." for note in reading.notes)]),
        source=SOURCE,
    )


def _note_crowds(reading: Reading) -> None:
    """Says which numbers are too large to give every thing its own region."""
    for thing in reading.things:
        if thing.crowd.isdigit():
            reading.notes.append(f"{thing.name} one by one: one region holds them all")


def _cap(reading: Reading) -> None:
    """Keeps to the number of regions that a plan may have; says what had to give way."""
    while sum(thing.count for thing in reading.things) > MAX_REGIONS:
        largest = max(reading.things, key=lambda thing: thing.count)
        if largest.count == 1:
            break
        reading.notes.append(
            f"{largest.counted} one by one: there is room for {MAX_REGIONS} regions"
        )
        largest.as_crowd()
    for thing in reading.things[MAX_REGIONS:]:
        reading.notes.append(f"{thing.name}: a plan has at most {MAX_REGIONS} regions")
    dropped = reading.things[MAX_REGIONS:]
    del reading.things[MAX_REGIONS:]
    for thing in reading.things:
        thing.parent = None if thing.parent in dropped else thing.parent
