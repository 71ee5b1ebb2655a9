"""What the loop does next."""

from __future__ import annotations

from collections import Counter

import pytest
from PIL import Image

from rpg.critique import Check, Critique, Finding
from rpg.plans import edits as e
from rpg.plans.geometry import Box, grid
from rpg.plans.plan import Plan, Region, encode_mask
from rpg.refinement.policy import LADDER, WHOLE, Action, Rung, at_fault, next_action, squarer

DOT = Image.new("L", (4, 4), 255)
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


def climbed(box: Box, size: tuple[int, int], tries: int) -> list[Action]:
    """What is done about one region that fails over and over, among others."""
    regions = (Region(id="a", prompt="an a", box=box), *PLAN.regions[1:])
    plan, count, actions = Plan(prompt="x", regions=regions), Counter[str](), []
    for _ in range(tries):
        action = next_action(critique(finding(0, "a")), plan, count, size=size)
        assert action is not None
        actions.append(action)
        count.update(action.regions)
    fresh = next_action(critique(finding(0, "b")), plan, count)
    assert fresh is not None and fresh.rung is Rung.SEED
    return actions


def test_a_failing_region_climbs_the_ladder_and_begins_anew() -> None:
    actions = climbed(Box(0, 0, 0.5, 0.25), (64, 64), len(LADDER) + 1)
    assert [action.rung for action in actions] == [*LADDER, LADDER[0]]
    assert [bool(action.edits) for action in actions] == [
        rung is Rung.SQUARE for rung in LADDER
    ] + [False]


@pytest.mark.parametrize(
    ("box", "size", "square"),
    [
        (Box(0, 0, 0.5, 0.25), (64, 64), Box(0.125, 0, 0.375, 0.25)),
        (Box(0, 0, 0.5, 0.5), (128, 64), Box(0.125, 0, 0.375, 0.5)),
        (Box(0, 0, 0.25, 1), (128, 64), Box(0, 0.25, 0.25, 0.75)),
    ],
)
def test_an_oblong_region_gets_a_square_place_in_the_middle_of_its_box(
    box: Box, size: tuple[int, int], square: Box
) -> None:
    (edit,) = climbed(box, size, 2)[1].edits
    assert edit == e.MoveRegion(id="a", box=square)


def test_a_region_that_is_nearly_square_or_painted_has_no_squarer_place() -> None:
    actions = climbed(Box(0, 0, 0.5, 0.5), (64, 60), len(LADDER))
    assert Rung.SQUARE not in [action.rung for action in actions]
    painted = Region(id="p", prompt="a p", box=Box(0, 0, 1, 0.2), mask=encode_mask(DOT))
    assert not list(squarer(Plan(prompt="x", regions=(painted,)), {"p"}, (64, 64)))


def rungs(said: Critique, count: int) -> list[Rung]:
    """What is done about the same critique over and over."""
    tries: Counter[str] = Counter()
    found = []
    for _ in range(count):
        action = next_action(said, PLAN, tries)
        assert action is not None
        found.append(action.rung)
        tries.update(action.regions)
    return found


def test_where_all_is_wrong_all_is_drawn_again() -> None:
    every = critique(*(finding(0, k) for k in IDS))
    assert rungs(every, 3) == [Rung.ALL, Rung.ALONE, Rung.SEED]
    most = next_action(critique(*(finding(0, k) for k in "abc")), PLAN, {})
    assert most is not None and most.rung is Rung.SEED  # the one that is right stays


def test_what_no_region_is_to_blame_for_is_mended_everywhere_first() -> None:
    scene = finding(0)
    assert rungs(critique(scene), 4) == [Rung.ALL, Rung.ALONE, Rung.REPLAN, Rung.ALL]
    both = rungs(critique(scene, finding(0, "a")), 4)
    assert both == [Rung.ALL, Rung.ALONE, Rung.SEED, Rung.WIDER]  # the critic may be wrong
    action = next_action(critique(scene), PLAN, {})
    assert action is not None and action.regions == (WHOLE,)


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
