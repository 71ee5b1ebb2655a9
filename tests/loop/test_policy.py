"""What the loop does next."""

from __future__ import annotations

from collections import Counter

from rpg import edits as e
from rpg.critics.base import Check, Critique, Finding
from rpg.geometry import Box, grid
from rpg.loop.policy import LADDER, WHOLE, Rung, at_fault, next_action
from rpg.plan import Plan, Region

IDS = ("a", "b", "c", "d")
PLAN = Plan(
    prompt="four things",
    regions=tuple(
        Region(id=k, prompt=f"a {k}", box=box) for k, box in zip(IDS, grid(2, 2), strict=True)
    ),
)


def finding(score: float, *regions: str, box: Box | None = None) -> Finding:
    check = Check(id="-".join(["x", *regions]), kind="presence", regions=regions, says="it is so")
    return Finding(check=check, score=score, seen="it is not", box=box)


def critique(*findings: Finding, edits: tuple[e.AnyEdit, ...] = ()) -> Critique:
    return Critique.of(findings, edits)


def test_nothing_wrong_nothing_to_do() -> None:
    assert next_action(critique(finding(1, "a"), finding(0.5, "b")), PLAN, {}) is None


def test_the_worst_region_comes_first_and_right_ones_are_left_alone() -> None:
    action = next_action(critique(finding(0.3, "b"), finding(0, "d"), finding(1, "a")), PLAN, {})
    assert action is not None
    assert (action.rung, action.regions, action.extra) == (Rung.SEED, ("d", "b"), ())
    assert "it is so (it is not)" in action.why and "another seed" in action.why


def test_a_failing_region_climbs_the_ladder_and_begins_anew() -> None:
    tries: Counter[str] = Counter()
    climbed = []
    for _ in range(len(LADDER) + 1):
        action = next_action(critique(finding(0, "a")), PLAN, tries)
        assert action is not None
        climbed.append(action.rung)
        tries.update(action.regions)
    rungs = [Rung.SEED, Rung.WIDER, Rung.LATENT, Rung.ALL, Rung.REPLAN, Rung.SEED]
    assert climbed == rungs
    fresh = next_action(critique(finding(0, "b")), PLAN, tries)
    assert fresh is not None and fresh.rung is Rung.SEED


def test_where_most_is_wrong_all_is_drawn_again() -> None:
    action = next_action(critique(*(finding(0, k) for k in "abc")), PLAN, {})
    assert action is not None and action.rung is Rung.ALL
    scene = next_action(critique(finding(0)), PLAN, {})
    assert scene is not None and (scene.rung, scene.regions) == (Rung.ALL, (WHOLE,))


def test_a_thing_too_many_is_the_fault_of_the_region_it_stands_in() -> None:
    stray = finding(0.2, box=Box(0.6, 0.1, 0.9, 0.4))
    assert at_fault([stray], PLAN) == ("b",)
    bare = Plan(prompt="x", regions=PLAN.regions[:1])
    action = next_action(critique(stray), bare, {})
    assert action is not None and action.extra == (stray.box,)
    assert action.rung is Rung.SEED


def test_proposals_go_first_and_once() -> None:
    edits = (e.ModifyRegion(id="a", prompt="a bright a"),)
    said = critique(finding(0, "a"), edits=edits)
    first = next_action(said, PLAN, {})
    assert first is not None and (first.rung, first.edits) == (Rung.EDIT, edits)
    then = next_action(said, PLAN, {}, tried_edits=[edits])
    assert then is not None and then.rung is Rung.SEED


def test_findings_about_regions_that_are_gone_blame_the_whole() -> None:
    assert at_fault([finding(0, "gone")], PLAN) == (WHOLE,)
