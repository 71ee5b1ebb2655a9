"""The rule planner: a plan from an English prompt, offline and always the same."""

from __future__ import annotations

from rpg.language.scene_graph.canvas_positions import settle
from rpg.language.scene_graph.graph import SceneGraph
from rpg.language.scene_graph.parser import parse_prompt
from rpg.planners.base import ModelNotes, checked_prompt
from rpg.planners.rules.commands.interpreter import revise
from rpg.planners.rules.layout.normal import normalize
from rpg.planners.rules.layout.shaped import shaped
from rpg.planners.rules.layout.solver import lay_out
from rpg.planners.rules.reasoning import explain, summarize
from rpg.planners.rules.recaption import give_places, regions
from rpg.planners.rules.scene import build_scene, common_setting
from rpg.planners.weights import PlainRequest
from rpg.plans.plan import MAX_REGIONS, Plan

SOURCE = "rules"
SHAPED = False  # until measured on Toybox: see `layout.shaped`


class RulePlanner:
    """Plans by grammar: needs no language model, no network and no randomness.

    It parses entities with their attributes, counts and relations, and the setting: the plan's
    scene. Every entity gets a subprompt and boxes in which the relations hold. English only: a
    prompt in another language is drawn without regions, and so is one that names no things. What
    could not be placed stands in the plan's `reasoning`.

    Args:
        notes: Of the model that will draw; None where nobody knows it.
        shaped: Whether things stand in boxes of their own shape, for models with few words; else
            boxes tile the canvas.
    """

    def __init__(self, notes: ModelNotes | None = None, *, shaped: bool = SHAPED) -> None:
        self._notes, self._shaped = notes, shaped

    def noted(self, notes: ModelNotes) -> RulePlanner:
        """The planner, for the model that these notes are of."""
        return RulePlanner(notes, shaped=self._shaped)

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
        if instruction is None:
            asked = PlainRequest(text)
            return asked.weighted(self._fitted(_anew(asked.prompt)))
        asked = PlainRequest(text, previous, instruction)
        before = asked.previous or self._fitted(_anew(asked.prompt))
        return asked.weighted(revise(before, asked.instruction, source=SOURCE))

    def _fitted(self, plan: Plan) -> Plan:
        """The plan with boxes that suit the model."""
        notes = self._notes
        return shaped(plan, notes) if self._shaped and notes and notes.vocabulary else plan


def _anew(prompt: str) -> Plan:
    graph = parse_prompt(prompt)
    return _planned(prompt, graph) if graph.entities else _whole(prompt, graph)


def _planned(prompt: str, graph: SceneGraph) -> Plan:
    give_places(graph)
    settle(graph)
    _note_crowds(graph)
    summary, named = summarize(graph), {id(entity) for entity in graph.entities}
    constraints = normalize(graph)
    _cap(graph)
    spots = lay_out(graph.entities, constraints)
    setting = common_setting(graph)
    scene, things = build_scene(graph, setting, named)
    return Plan(
        prompt=prompt,
        scene=scene,
        regions=regions(spots, things),
        reasoning=explain(summary, graph, constraints, spots, setting),
        source=SOURCE,
    )


def _whole(prompt: str, graph: SceneGraph) -> Plan:
    """No region for a prompt in which no entities were found: it is drawn as it stands."""
    why = ["No separate things were found: the whole prompt fills the canvas."]
    return Plan(
        prompt=prompt,
        scene=build_scene(graph, common_setting(graph), ())[0],
        reasoning="\n".join([*why, *(f"Not placed: {note}." for note in graph.notes)]),
        source=SOURCE,
    )


def _note_crowds(graph: SceneGraph) -> None:
    """Says which numbers are too large to give every entity its own region."""
    for entity in graph.entities:
        if entity.crowd.isdigit():
            graph.notes.append(f"{entity.name} one by one: one region holds them all")


def _cap(graph: SceneGraph) -> None:
    """Keeps to the number of regions that a plan may have; says what had to give way."""
    while sum(entity.count for entity in graph.entities) > MAX_REGIONS:
        largest = max(graph.entities, key=lambda entity: entity.count)
        if largest.count == 1:
            break
        graph.notes.append(f"{largest.counted} one by one: there is room for {MAX_REGIONS} regions")
        largest.as_crowd()
    for entity in graph.entities[MAX_REGIONS:]:
        graph.notes.append(f"{entity.name}: a plan has at most {MAX_REGIONS} regions")
    dropped = graph.entities[MAX_REGIONS:]
    del graph.entities[MAX_REGIONS:]
    for entity in graph.entities:
        entity.parent = None if entity.parent in dropped else entity.parent
