"""What the loop does next: the ladder rung by rung, and when the whole picture comes first."""

from __future__ import annotations

from collections import Counter

import pytest
from PIL import Image

from rpg.critique import Check, Critique, Finding
from rpg.plans import edits as e
from rpg.plans.geometry import FULL, Box, grid
from rpg.plans.plan import Plan, Region, encode_mask
from rpg.refinement.policy import (
    APART,
    IN_PLACE,
    WHOLE,
    Action,
    Rung,
    at_fault,
    next_action,
    squarer,
)

IDS = ("a", "b", "c", "d")
PLAN = Plan(
    prompt="four things",
    regions=tuple(
        Region(id=k, prompt=f"a {k}", box=box) for k, box in zip(IDS, grid(2, 2), strict=True)
    ),
)
OBLONG = Box(0, 0, 0.5, 0.25)
# The order is said here and not read from the code: a cheap try comes before a dear one.
LADDER = [Rung.SEED, Rung.SQUARE, Rung.SEED, Rung.WIDER, Rung.ALL, Rung.REPLAN]
FOR_ALL = [Rung.ALL, Rung.ALONE, Rung.REPLAN]


def finding(score: float, *regions: str, box: Box | None = None, seen: str = "no") -> Finding:
    name = "-".join(["x", *regions])
    check = Check(id=name, kind="presence", regions=regions, says=f"{name} is there")
    return Finding(check=check, score=score, seen=seen, box=box)


def critique(*findings: Finding, edits: tuple[e.AnyEdit, ...] = ()) -> Critique:
    return Critique.of(findings, edits)


SCENE, ALL_FOUR = finding(0), [finding(0, name) for name in IDS]


def wrong(*findings: Finding, plan: Plan = PLAN, **about: int) -> Action:
    """What is done; `about` says how often what was tried, `whole` for the whole picture."""
    tries = {WHOLE if name == "whole" else name: count for name, count in about.items()}
    action = next_action(critique(*findings), plan, tries)
    assert action is not None
    return action


def climbed(
    said: Critique, plan: Plan, count: int, size: tuple[int, int] = (64, 64)
) -> list[Action]:
    """What is done about the same critique over and over, each time in vain."""
    tries, actions = Counter[str](), []
    for _ in range(count):
        action = next_action(said, plan, tries, size=size)
        assert action is not None
        actions.append(action)
        tries.update(action.regions)
    return actions


def with_a(box: Box) -> Plan:
    first = Region(id="a", prompt="an a", box=box)
    return Plan(prompt="x", regions=(first, *PLAN.regions[1:]))


def test_nothing_wrong_nothing_to_do() -> None:
    assert next_action(critique(finding(1, "a"), finding(0.5, "b")), PLAN, {}) is None


def test_the_worst_region_comes_first_and_right_ones_are_left_alone() -> None:
    action = wrong(finding(0.3, "b"), finding(0, "d", seen=""), finding(1, "a"))
    assert action == Action(Rung.SEED, ("d", "b"), said=("x-d is there", "x-b is there (no)"))
    assert action.why == "x-d is there; x-b is there (no): another seed"


@pytest.mark.parametrize(
    ("rung", "in_place", "apart"),
    [
        (Rung.EDIT, False, False),
        (Rung.SEED, True, True),
        (Rung.SQUARE, True, True),
        (Rung.WIDER, True, True),
        (Rung.ALL, False, False),
        (Rung.ALONE, False, True),
        (Rung.REPLAN, False, False),
    ],
)
def test_where_a_rung_draws_and_whether_each_region_is_a_latent_of_its_own(
    rung: Rung, in_place: bool, apart: bool
) -> None:
    assert (rung in IN_PLACE, rung in APART) == (in_place, apart)


@pytest.mark.parametrize(
    ("box", "ladder"),
    [(OBLONG, LADDER), (Box(0, 0, 0.5, 0.5), [*LADDER[:1], Rung.SEED, *LADDER[2:]])],
    ids=["oblong", "square"],
)
def test_a_failing_region_climbs_the_ladder_and_begins_anew(box: Box, ladder: list[Rung]) -> None:
    actions = climbed(critique(finding(0, "a")), with_a(box), 8)
    assert [action.rung for action in actions] == [*ladder, *ladder[:2]]
    assert {action.regions for action in actions} == {("a",)}
    assert [action.rung for action in actions if action.edits] == [
        rung for rung in (*ladder, *ladder[:2]) if rung is Rung.SQUARE
    ]
    assert wrong(finding(0, "b"), a=6).rung is Rung.SEED  # another one begins below


def test_regions_that_fail_together_go_on_from_the_highest_rung_of_theirs() -> None:
    both = finding(0, "a"), finding(0.1, "b")
    assert wrong(*both, a=3).rung is wrong(*both, b=3, c=4, whole=5).rung is Rung.WIDER


@pytest.mark.parametrize(
    ("box", "size", "square"),
    [
        (Box(0, 0, 0.5, 0.25), (64, 64), Box(0.125, 0, 0.375, 0.25)),
        (Box(0, 0, 0.5, 0.5), (128, 64), Box(0.125, 0, 0.375, 0.5)),
        (Box(0, 0, 0.25, 1), (128, 64), Box(0, 0.25, 0.25, 0.75)),
        (Box(0.5, 0.25, 1, 1), (64, 128), Box(0.5, 0.5, 1, 0.75)),
        (Box(0, 0, 0.625, 0.5), (64, 64), None),  # 1.25 times as wide as high: nearly square
        (Box(0, 0, 0.5, 0.625), (64, 64), None),
        (Box(0, 0, 0.5, 0.640625), (64, 64), Box(0, 0.0703125, 0.5, 0.5703125)),
    ],
)
def test_an_oblong_region_gets_a_square_place_in_the_middle_of_its_box(
    box: Box, size: tuple[int, int], square: Box | None
) -> None:
    moves = [] if square is None else [e.MoveRegion(id="a", box=square)]
    assert list(squarer(with_a(box), {"a"}, size)) == moves
    assert list(climbed(critique(finding(0, "a")), with_a(box), 2, size)[1].edits) == moves


def test_regions_that_are_painted_or_not_named_have_no_squarer_place() -> None:
    dot = encode_mask(Image.new("L", (4, 4), 255))
    low, lower = Box(0, 0, 1, 0.2), Box(0, 0.5, 1, 0.75)
    painted = Region(id="p", prompt="a p", box=low, mask=dot)
    other = Region(id="o", prompt="an o", box=low)
    plan = Plan(prompt="x", regions=(painted, other, Region(id="n", prompt="an n", box=lower)))
    assert [move.id for move in squarer(plan, {"p", "n"}, (64, 64))] == ["n"]


@pytest.mark.parametrize(
    ("findings", "rungs"),
    [
        # No place is wrong: the whole picture, in turn.
        ([SCENE], [*FOR_ALL, *FOR_ALL]),
        ([finding(0, "gone")], [*FOR_ALL, Rung.ALL]),
        # Every region, or a place and the whole: twice the whole, then places where they are.
        (ALL_FOUR, [Rung.ALL, Rung.ALONE, Rung.SEED, Rung.WIDER, Rung.ALL, Rung.REPLAN, Rung.SEED]),
        ([SCENE, finding(0, "a")], [Rung.ALL, Rung.ALONE, Rung.SEED, Rung.WIDER]),
        # All but one: the one that is right stays.
        (ALL_FOUR[:3], [Rung.SEED, Rung.SEED, Rung.SEED, Rung.WIDER, Rung.ALL]),
    ],
    ids=["scene", "gone", "every region", "scene and region", "three of four"],
)
def test_what_is_wrong_everywhere_is_mended_everywhere_first(
    findings: list[Finding], rungs: list[Rung]
) -> None:
    actions = climbed(critique(*findings), PLAN, len(rungs))
    assert [action.rung for action in actions] == rungs


def test_the_turn_of_the_whole_picture_is_counted_apart_from_that_of_regions() -> None:
    both = SCENE, finding(0, "a")
    assert wrong(*both, a=4).rung is Rung.ALL
    assert wrong(*both, a=4, whole=1).rung is Rung.ALONE
    assert wrong(*both, a=3, whole=2).rung is Rung.WIDER
    assert wrong(SCENE, whole=4, a=2).rung is Rung.ALONE


def test_a_single_region_is_drawn_again_in_its_place() -> None:
    alone = Plan(prompt="x", regions=PLAN.regions[:1])
    assert wrong(finding(0, "a"), plan=alone).rung is Rung.SEED
    pair = Plan(prompt="x", regions=PLAN.regions[:2])
    assert wrong(finding(0, "a"), finding(0, "b"), plan=pair).rung is Rung.ALL


STRAY = finding(0.2, box=Box(0.6, 0.1, 0.9, 0.4))


def test_a_thing_too_many_is_the_fault_of_the_uppermost_region_it_stands_in() -> None:
    assert at_fault([STRAY], PLAN) == ("b",)
    over = Region(id="over", prompt="an o", box=Box(0.5, 0, 1, 1), z=1)
    assert at_fault([STRAY], Plan(prompt="x", regions=(over, *PLAN.regions))) == ("over",)
    assert wrong(STRAY) == Action(Rung.SEED, ("b",), said=("x is there (no)",))


def test_a_thing_that_stands_in_no_region_is_a_place_of_its_own() -> None:
    bare = Plan(prompt="x", regions=PLAN.regions[:1])
    actions = climbed(critique(STRAY), bare, 6)
    assert [action.rung for action in actions] == [
        Rung.SEED, Rung.SEED, Rung.SEED, Rung.WIDER, Rung.ALL, Rung.REPLAN
    ]  # fmt: skip
    assert {(action.regions, action.extra) for action in actions} == {((WHOLE,), (STRAY.box,))}
    assert wrong(STRAY, SCENE, plan=bare).rung is Rung.ALL
    assert wrong(STRAY, SCENE, plan=bare, whole=2).rung is Rung.SEED
    named = finding(0, "a", box=STRAY.box)  # a region's thing in a wrong place is the region's
    assert wrong(named, plan=bare) == Action(Rung.SEED, ("a",), said=("x-a is there (no)",))


def counted(thing: str, score: float, box: Box | None, count: int = 1) -> Finding:
    check = Check(
        id=f"count:{thing}", kind="count", says=f"one {thing}", things=(thing,), ids=(thing,),
        count=count,
    )  # fmt: skip
    return Finding(check=check, score=score, box=box, seen="too many" if score < 0.5 else "")


def present(thing: str, score: float = 1) -> Finding:
    check = Check(
        id=f"presence:{thing}", kind="presence", regions=(thing,), says=f"{thing} is there",
        things=(thing,), ids=(thing,),
    )  # fmt: skip
    return Finding(check=check, score=score)


STAR = Box(0.8, 0.2, 0.95, 0.35)  # stands in b


def test_one_thing_too_many_in_a_region_is_drawn_over_by_itself_first() -> None:
    surplus = [present("a"), present("b"), counted("a", 1, None), counted("b", 0.2, STAR)]
    actions = climbed(critique(*surplus), PLAN, 3)
    assert [(one.regions, one.extra, one.around) for one in actions] == [
        (("b",), (STAR,), ("b",)),
        (("b",), (), ()),
        (("b",), (), ()),
    ]
    assert {one.rung for one in actions} == {Rung.SEED}
    other = Box(0.55, 0.05, 0.65, 0.15)
    two = wrong(*surplus, counted("else", 0.4, other))
    assert (two.regions, set(two.extra), two.around) == (("b",), {STAR, other}, ("b",))
    # What is wrong with the region itself is not mended by drawing over what is beside it.
    missing = wrong(present("b", 0), counted("b", 0.2, STAR))
    assert (missing.regions, missing.extra, missing.around) == (("b",), (), ())
    # A place in one region and another region that fails: both at once.
    both = wrong(present("a", 0), present("b"), counted("b", 0.2, STAR))
    assert (both.regions, both.extra, both.around) == (("a", "b"), (STAR,), ("b",))


@pytest.mark.parametrize(
    ("findings", "rungs"),
    [
        # Two of two kinds too often: sampled again before places are.
        ([counted("a", 0, STAR), counted("b", 0, STAR)], [Rung.ALL, Rung.ALONE, Rung.SEED]),
        # One of them is missing: that region is.
        ([present("a", 0), counted("a", 0, STAR), counted("b", 0, STAR)], [Rung.SEED]),
        # One of three kinds too often.
        ([counted("a", 0, STAR), counted("b", 1, None), counted("c", 1, None)], [Rung.SEED]),
    ],
)
def test_too_many_of_everything_is_sampled_again(
    findings: list[Finding], rungs: list[Rung]
) -> None:
    actions = climbed(critique(*findings), PLAN, len(rungs))
    assert [action.rung for action in actions] == rungs


def test_blame_is_told_once_in_the_order_of_the_findings() -> None:
    failed = [finding(0, "c", "gone", "a"), SCENE, finding(0, "b", "c"), finding(0, "gone")]
    assert at_fault(failed, PLAN) == ("c", "a", WHOLE, "b")


def test_proposals_go_first_and_once() -> None:
    edits = (e.ModifyRegion(id="a", prompt="a bright a"),)
    said = critique(finding(0, "a"), edits=edits)
    tried = {"a": 3}
    assert next_action(said, PLAN, tried) == Action(
        Rung.EDIT, ("a",), edits=edits, said=("x-a is there (no)",)
    )
    other = (e.ModifyRegion(id="a", prompt="a dark a"),)
    again = next_action(said, PLAN, tried, tried_edits=[other])
    assert again is not None and again.rung is Rung.EDIT
    then = next_action(said, PLAN, tried, tried_edits=[other, edits])
    assert then is not None and (then.rung, then.edits) == (Rung.WIDER, ())


def test_a_wrong_setting_is_everywhere_whatever_a_critic_points_at() -> None:
    check = Check(id="scene:at night", kind="scene", says="the scene is at night")
    for box in (None, FULL, PLAN.layers()[0].box):
        action = wrong(Finding(check=check, score=0, seen="it is day", box=box))
        assert (action.rung, action.regions, action.extra) == (Rung.ALL, (WHOLE,), ())
