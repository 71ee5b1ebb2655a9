"""Which of a model's proposals may change the plan: edits of what is wrong, within the prompt.

A picture can hold words, and a model may do what they say. So a proposal counts only if it is an
edit that can be applied, mends a region of which a finding failed, and brings in no thing that
neither the user's prompt nor the plan names; nothing is ever removed.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

from rpg.critics._answers import Change
from rpg.critique import Finding
from rpg.errors import PlanError
from rpg.language.lexicon.inflect import singular
from rpg.language.lexicon.nouns import ABSTRACT, MEASURES, PLACES, TIMES
from rpg.language.scene_graph.parser import parse_prompt
from rpg.planners.llm.boxes import fitted
from rpg.plans.edits import AddRegion, Edit, ModifyRegion, MoveRegion, apply
from rpg.plans.geometry import Box
from rpg.plans.plan import Plan, Region
from rpg.plans.prompt_weights import carried

_MOST_EDITS = 8
_MOST_PROMPT = 1000  # letters
_SURROUNDINGS = ABSTRACT | MEASURES | PLACES | TIMES
_WORD = re.compile(r"[^\W_]+(?:['\u2019-][^\W_]+)*")


def accepted(plan: Plan, changes: Sequence[Change], findings: Sequence[Finding]) -> list[Edit]:
    """The edits among the proposals that may be made, one after the other."""
    edits: list[Edit] = []
    for edit in _edits(plan, changes, findings):
        if len(edits) < _MOST_EDITS and _applies(plan, [*edits, edit]):
            edits.append(edit)
    return edits


def _applies(plan: Plan, edits: Sequence[Edit]) -> bool:
    try:
        return apply(plan, edits) != apply(plan, edits[:-1])
    except PlanError:
        return False


def _edits(plan: Plan, changes: Sequence[Change], findings: Sequence[Finding]) -> Iterator[Edit]:
    failed = {name for finding in findings if not finding.holds for name in finding.check.regions}
    before = {region.id: region.prompt for region in plan.layers()}
    plain = plan.unweighted()
    for change in changes[: 4 * _MOST_EDITS]:
        prompt = change.prompt[:_MOST_PROMPT]
        if change.action == "modify" and change.region in failed and prompt:
            if _nouns_of(change.region, findings) <= _nouns(prompt) and not _brings(plain, prompt):
                words = carried(prompt, before.get(change.region, ""))
                yield ModifyRegion(id=change.region, prompt=words)
        elif change.action == "move" and change.region in failed:
            if (box := _box(change)) is not None:
                yield MoveRegion(id=change.region, box=box)
        elif change.action == "add" and (noun := _wanted(plain, prompt)):
            if (box := _box(change)) is not None:
                words = carried(prompt, plan.prompt)
                yield AddRegion(region=Region(id=_free(plan, noun), prompt=words, box=box))


def _box(change: Change) -> Box | None:
    if change.box is None:
        return None
    box = fitted([change.box])[0]
    return box if isinstance(box, Box) else None


def _nouns_of(region: str, findings: Sequence[Finding]) -> set[str]:
    """What the region has to go on showing."""
    checks = (finding.check for finding in findings)
    things = (one.things[0] for one in checks if one.kind == "presence" and region in one.regions)
    return {singular(thing.split()[-1].lower()) for thing in things if thing.split()}


def _nouns(text: str) -> set[str]:
    return {singular(word) for word in _WORD.findall(text.lower())}


def _brings(plan: Plan, prompt: str) -> set[str]:
    """Things that the subprompt names, and neither the user nor the plan so far."""
    known = _nouns(" ".join([plan.prompt, *(region.prompt for region in plan.layers())]))
    return {thing.head for thing in parse_prompt(prompt).entities} - known - _SURROUNDINGS


def _wanted(plan: Plan, prompt: str) -> str:
    """The noun of a new region, if the user's prompt names more of these than the plan shows."""
    heads = [thing.head for thing in parse_prompt(prompt).entities]
    asked = {thing.head: thing.count for thing in parse_prompt(plan.prompt).entities}
    if not heads or heads[0] not in asked or _brings(plan, prompt):
        return ""
    shown = sum(heads[0] in _nouns(region.prompt) for region in plan.layers())
    return heads[0] if shown < asked[heads[0]] else ""


def _free(plan: Plan, noun: str) -> str:
    """An id that no region has yet."""
    name = re.sub(r"[^a-z0-9]+", "-", noun)[:40].strip("-") or "thing"
    taken = {region.id for region in plan.layers()}
    return next(one for number in range(1, 1000) if (one := f"{name}-new-{number}") not in taken)
