"""The Toybox critic against the renderer: what is drawn as planned passes, each fault is named."""

from __future__ import annotations

import random
from dataclasses import replace

import numpy as np
import pytest
from PIL import Image

from rpg.critics import Critique, Finding, ToyboxCritic, compile_checks
from rpg.planners import RulePlanner
from rpg.planners.rules.typed import typed_words
from rpg.plans.edits import RemoveRegion, apply
from rpg.plans.geometry import Box
from rpg.plans.plan import Plan, Region
from rpg.plans.scene import Relation
from rpg.plans.scene import Scene as PlanScene
from rpg.plans.scene import Thing as PlanThing
from rpg.toybox import PLACES
from rpg.toybox.renderer import render
from rpg.toybox.scene import Scene, Thing

from .world import FAULTS, random_drawn

SCENES = 60
PLAN = RulePlanner().plan("a red star left of a blue moon in the snow")
STAR, MOON = Thing("star", "red", 128, 128, 110), Thing("moon", "blue", 384, 128, 110)


def drawn(*things: Thing, place: str = "in the snow") -> Image.Image:
    return render(Scene(512, 256, things, place))


def review(*things: Thing, plan: Plan = PLAN, place: str = "in the snow") -> Critique:
    return ToyboxCritic().review(drawn(*things, place=place), plan)


def only(critique: Critique) -> Finding:
    (finding,) = critique.failed
    return finding


def test_exact_pictures_are_perfect() -> None:
    rng = random.Random(11)
    for _ in range(SCENES):
        one = random_drawn(rng)
        critique = ToyboxCritic().review(render(one.scene), one.plan)
        assert critique.score == 1, (one.plan.prompt, critique.failed)
        assert not any(finding.seen for finding in critique.findings)


@pytest.mark.parametrize("name", FAULTS)
def test_a_single_fault_fails_exactly_what_it_breaks(name: str) -> None:
    rng, planted = random.Random(name), 0
    while planted < SCENES:
        one = random_drawn(rng)
        checks = compile_checks(one.plan)
        fault = FAULTS[name](rng, one, checks)
        if fault is None:
            continue
        scene, broken = fault
        critique = ToyboxCritic().review(render(scene), one.plan, checks=checks)
        assert {finding.check.id for finding in critique.failed} == broken, one.plan.prompt
        assert critique.score < 1
        assert all(finding.seen for finding in critique.failed)
        planted += 1


@pytest.mark.parametrize(
    ("things", "check", "seen"),
    [
        ((replace(STAR, colour="orange"), MOON), "attribute", "the star is orange, not red"),
        ((replace(STAR, name="heart"), MOON), "presence", "a heart, not a star"),
        (
            (STAR, MOON, Thing("moon", "blue", 256, 128, 64)),
            "count:moon",
            "two moons, not one",
        ),
        (
            (STAR, MOON, Thing("circle", "green", 256, 48, 64)),
            "count:else",
            "an extra green circle at the top",
        ),
        ((STAR,), "presence", "nothing there"),
        ((STAR,), "count:moon", "no moon, not one"),
        (
            (STAR, replace(MOON, x=256 - 72, side=72, y=44)),
            "presence",
            "the moon is at the top, not at the right",
        ),
    ],
)
def test_it_says_what_is_wrong_in_plain_words(
    things: tuple[Thing, ...], check: str, seen: str
) -> None:
    found = [one for one in review(*things).failed if one.check.id.startswith(check)]
    assert seen in [finding.seen for finding in found]


def test_the_wrong_place_is_named() -> None:
    finding = only(review(STAR, MOON, place="at night"))
    assert (finding.check.kind, finding.seen) == ("scene", "it is at night, not in the snow")


def test_things_that_changed_places_are_told_as_such() -> None:
    critique = review(replace(STAR, x=384), replace(MOON, x=128))
    assert {finding.check.kind for finding in critique.failed} == {"presence", "relation"}
    said = {finding.seen for finding in critique.failed}
    assert "the star is not left of the moon" in said
    assert "the star is at the right, not at the left" in said


@pytest.mark.parametrize("word", ["striped", "stripy"])
def test_fills_are_told_apart(word: str) -> None:
    plan = RulePlanner().plan(f"a {word} red star left of a blue moon in the snow")
    assert review(replace(STAR, fill="striped"), MOON, plan=plan).score == 1
    finding = only(review(replace(STAR, fill="dotted"), MOON, plan=plan))
    assert (finding.check.value, finding.seen) == (word, f"the star is dotted, not {word}")
    with_stripes = RulePlanner().plan("a red star with stripes")
    assert ToyboxCritic().review(drawn(STAR), with_stripes).failed[0].seen.startswith("the star is")


def test_a_fill_that_nobody_asked_for_tells_two_alike_apart() -> None:
    plan = RulePlanner().plan("a striped red star and a dotted red star in the snow")
    striped, dotted = replace(STAR, fill="striped"), replace(STAR, x=384, fill="dotted")
    assert review(striped, dotted, plan=plan).score == 1
    turned = review(replace(striped, x=384), replace(dotted, x=128), plan=plan)
    assert {finding.check.id for finding in turned.failed} == {
        "attribute:star:striped",
        "attribute:star-2:dotted",
    }


def test_other_words_for_the_same_mean_the_same() -> None:
    plan = RulePlanner().plan("a turquoise kitten left of a grey mug in winter")
    cat, cup = replace(STAR, name="cat", colour="teal"), replace(MOON, name="cup", colour="gray")
    assert review(cat, cup, plan=plan).score == 1


def test_findings_show_where() -> None:
    extra = Thing("circle", "green", 256, 48, 64)
    box = only(review(STAR, MOON, extra)).box
    assert box is not None
    assert box.contains(extra.x / 512, extra.y / 256)
    assert box.iou(Box(224 / 512, 16 / 256, 288 / 512, 80 / 256)) > 0.8
    gone = next(one for one in review(STAR).failed if one.check.kind == "count")
    assert gone.box == PLAN.layers()[1].box


def test_nearer_colours_and_smaller_faults_score_higher() -> None:
    near = review(replace(STAR, colour="orange"), MOON)
    far = review(replace(STAR, colour="blue"), MOON)
    nothing = review(MOON)
    assert 1 > near.score > far.score > nothing.score
    one = Thing("circle", "green", 256, 48, 64)
    two = replace(one, y=200)
    assert review(STAR, MOON, one).score > review(STAR, MOON, one, two).score
    assert review(STAR).score > review().score
    slightly = replace(STAR, x=264)
    wholly = replace(STAR, x=336, y=48, side=72)
    over, away = (
        next(f.score for f in review(star, replace(MOON, x=440, side=104)).findings)
        for star in (slightly, wholly)
    )
    assert 0.5 > over > away > 0


def test_what_is_elsewhere_and_looks_otherwise_is_another_thing() -> None:
    critique = review(replace(STAR, colour="green", x=312, side=80), replace(MOON, x=440))
    said = {finding.check.id: finding.seen for finding in critique.failed}
    assert said["presence:star"] == "nothing there"
    assert critique.findings[0].score == 0


def test_of_two_alike_the_one_in_the_region_is_the_regions_own() -> None:
    own, other = Thing("star", "red", 48, 48, 64), Thing("star", "red", 272, 128, 64)
    finding = only(review(own, other, replace(MOON, x=432)))
    assert finding.seen == "two stars, not one"
    assert finding.box is not None
    assert finding.box.contains(272 / 512, 128 / 256)


def test_an_empty_picture_fails_all_that_can_be_seen() -> None:
    critique = review()
    assert {finding.check.id for finding in critique.findings if finding.holds} == {
        "attribute:star:red",
        "attribute:moon:blue",
        "count:else",
        "relation:star:left of:moon",
        "scene:in the snow",
    }
    assert sum(finding.unknown for finding in critique.findings) == 3


def test_one_missing_of_three_is_found_whichever_it_is() -> None:
    plan = RulePlanner().plan("three red stars")
    boxes = [region.box for region in plan.layers()]
    for gone in range(3):
        things = [
            Thing("star", "red", 768 * box.center[0], 256 * box.center[1], 110)
            for place, box in enumerate(boxes)
            if place != gone
        ]
        critique = ToyboxCritic().review(render(Scene(768, 256, tuple(things))), plan)
        failed = {finding.check.id: finding for finding in critique.failed}
        assert failed.keys() == {"presence:star", "count:star"}
        assert failed["presence:star"].regions == (f"star-{gone + 1}",)
        assert "two stars, not three" in {finding.seen for finding in critique.failed}


def test_several_in_one_region_are_all_wanted() -> None:
    plan = Plan(
        prompt="two red stars",
        regions=(Region(id="a", prompt="two red stars", box=Box(0, 0, 1, 1)),),
    )
    other = replace(STAR, x=384)
    assert review(STAR, other, plan=plan).score == 1
    assert {f.check.id for f in review(STAR, plan=plan).failed} == {"presence:star", "count:star"}
    wrong = review(STAR, replace(other, colour="green"), plan=plan)
    assert only(wrong).seen == "the star is green, not red"


def test_one_thing_that_several_regions_show_is_wanted_once() -> None:
    regions = tuple(
        Region(id=name, shows=("star",), prompt="a red star", box=box)
        for name, box in (("top", Box(0, 0, 0.5, 0.5)), ("bottom", Box(0, 0.5, 0.5, 1)))
    )
    scene = PlanScene(things=(PlanThing(id="star", name="star", attributes=("red",)),))
    plan = Plan(prompt="a red star", scene=scene, regions=regions)
    assert review(STAR, plan=plan).score == 1
    assert {f.check.id for f in review(plan=plan).failed} == {"presence:star", "count:star"}
    surplus = replace(STAR, x=384)
    assert only(review(STAR, surplus, plan=plan)).seen == "two stars, not one"


def test_a_plan_without_regions_is_judged_over_the_whole_picture() -> None:
    plan = Plan(prompt="a red star left of a blue moon in the snow")
    assert review(STAR, MOON, plan=plan).score == 1
    assert only(review(replace(STAR, x=476, side=64), MOON, plan=plan)).check.kind == "relation"


@pytest.mark.parametrize(
    ("kind", "things", "holds"),
    [
        ("right of", (replace(STAR, x=384), replace(MOON, x=128)), True),
        ("right of", (STAR, MOON), False),
        ("below", (replace(STAR, y=196, side=80), replace(MOON, y=60, side=80)), True),
        ("below", (replace(STAR, y=60, side=80), replace(MOON, y=196, side=80)), False),
        ("facing", (STAR, MOON), None),
    ],
)
def test_relations_are_the_scenes_own(
    kind: str, things: tuple[Thing, ...], holds: bool | None
) -> None:
    relation = Relation(subject="star", kind=kind, objects=("moon",))
    scene = PLAN.scene.model_copy(update={"relations": (relation,)})
    plan = Plan(prompt="p", scene=scene)
    (found,) = (one for one in review(*things, plan=plan).findings if one.check.kind == "relation")
    assert found.unknown if holds is None else found.holds is holds


def test_between_is_judged_across_and_down() -> None:
    plan = RulePlanner().plan("a red star between a blue moon and a green cup in the snow")
    cup = Thing("cup", "green", 440, 128, 90)
    moon, star = replace(MOON, x=72, side=90), replace(STAR, x=256, side=90)
    assert not [one for one in review(star, moon, cup, plan=plan).failed if "between" in one.seen]
    turned = review(replace(star, x=72), replace(moon, x=256), cup, plan=plan)
    assert "the star is not between them" in {one.seen for one in turned.failed}


def test_what_must_not_be_there_is_found_where_it_is() -> None:
    scene = PLAN.scene.model_copy(update={"absent": ("circle", "dragon")})
    plan = PLAN.model_copy(update={"scene": scene})
    assert review(STAR, MOON, plan=plan).failed == ()
    extra = Thing("circle", "green", 256, 48, 64)
    found = {one.check.id: one for one in review(STAR, MOON, extra, plan=plan).failed}
    assert {"absent:circle", "count:else"} == found.keys()
    box = found["absent:circle"].box
    assert box is not None and box.contains(0.5, 48 / 256)


def test_what_toybox_does_not_know_is_unknown_and_not_wrong() -> None:
    plan = RulePlanner().plan("a fluffy red star behind a dragon in a castle")
    critique = review(STAR, plan=plan)
    unknown = {finding.check.id for finding in critique.findings if finding.unknown}
    assert "attribute:star:fluffy" in unknown
    assert any(name.startswith("relation") for name in unknown)
    assert all(
        finding.score == 0.5 and finding.seen for finding in critique.findings if finding.unknown
    )


@pytest.mark.parametrize("scale", [2, 3])
def test_pictures_enlarged_for_showing_are_brought_back(scale: int) -> None:
    small = drawn(replace(STAR, colour="orange"), MOON)
    large = small.resize((512 * scale, 256 * scale), Image.Resampling.NEAREST)
    assert ToyboxCritic().review(large, PLAN) == ToyboxCritic().review(small, PLAN)


def test_a_blank_picture_of_any_size_is_no_trouble() -> None:
    for size in ((64, 64), (192, 64), (512, 512), (70, 65)):
        critique = ToyboxCritic().review(Image.new("RGB", size, PLACES["in the snow"]), PLAN)
        assert {"presence", "count"} == {finding.check.kind for finding in critique.failed}


def test_noise_is_no_thing_but_may_cost_points_only() -> None:
    pixels = np.random.default_rng(0).integers(0, 256, (256, 512, 3), np.uint8)
    critique = ToyboxCritic().review(Image.fromarray(pixels), PLAN)
    assert 0 <= critique.score < 0.6


def test_kept_checks_judge_the_picture_and_not_the_edited_plan() -> None:
    checks = compile_checks(PLAN)
    eased = apply(PLAN, [*typed_words(PLAN, PLAN.regions[0], "an orange star")])
    image = drawn(replace(STAR, colour="orange"), MOON)
    kept = ToyboxCritic().review(image, eased, checks=checks)
    assert only(kept).seen == "the star is orange, not red"
    assert ToyboxCritic().review(image, eased).score == 1
    without = apply(PLAN, [RemoveRegion(id="moon-1")])
    assert ToyboxCritic().review(drawn(STAR, MOON), without, checks=checks).score == 1


def test_it_is_always_of_the_same_mind() -> None:
    image = drawn(STAR, replace(MOON, colour="pink"))
    first = ToyboxCritic().review(image, PLAN)
    assert first == ToyboxCritic().review(image.convert("RGBA"), PLAN)
    assert Critique.model_validate_json(first.model_dump_json()) == first
