"""Plans become checks: the right ones, always the same, none twice."""

from __future__ import annotations

import random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rpg.critics import Check, compile_checks
from rpg.critics.checks import number_of
from rpg.planners import RulePlanner
from rpg.plans.edits import ModifyRegion, MoveRegion, RemoveRegion, apply
from rpg.plans.geometry import FULL, Box, grid
from rpg.plans.plan import Plan, Region
from tests.processes import python

from .world import random_drawn


def compiled(prompt: str) -> dict[str, Check]:
    return {check.id: check for check in compile_checks(RulePlanner().plan(prompt))}


def says(prompt: str) -> set[str]:
    return {check.says for check in compiled(prompt).values()}


def test_all_kinds_of_checks() -> None:
    assert [
        check.id for check in compile_checks(RulePlanner().plan("a red star above a moon"))
    ] == [
        "presence:star-1:star",
        "presence:moon-1:moon",
        "attribute:star-1:star:red",
        "count:star",
        "count:moon",
        "count:else",
        "relation:star-1:above:moon-1",
    ]
    assert says("a red star above a moon at night") == {
        "there is a star at the top",
        "there is a moon at the bottom",
        "the star is red",
        "in the whole picture there is exactly one star",
        "in the whole picture there is exactly one moon",
        "nothing stands out in the picture that the prompt does not ask for",
        "the star is above the moon",
        "the scene is at night",
    }


def test_a_check_tells_programs_what_it_tells_people() -> None:
    checks = compiled("two red stars left of a blue moon at night")
    star = checks["attribute:star-2:star:red"]
    assert (star.regions, star.things, star.value) == (("star-2",), ("star",), "red")
    assert checks["count:star"].count == 2
    relation = checks["relation:star-1:left of:moon-1"]
    assert relation.regions == ("star-1", "moon-1")
    assert relation.things == ("star", "moon")
    assert checks["scene:at night"].value == "at night"


def test_attributes_are_what_a_thing_looks_like_has_and_does() -> None:
    said = says("a small fluffy white cat with green eyes sleeping in a park")
    assert {"the cat is white", "the cat is fluffy", "the cat is small"} <= said
    assert "this is true of the cat: with green eyes" in said
    assert "the cat is sleeping" in said
    assert "the scene is in a park" in said


@pytest.mark.parametrize(
    ("prompt", "count"),
    [
        ("three stars", ("star", 3)),
        ("a red star and a blue star", ("star", 2)),
        ("two red stars, a moon and a green star", ("star", 3)),
        ("20 birds over a lake", ("bird", 20)),
        ("two coffee tables", ("coffee table", 2)),
        ("a red house and two green houses", ("house", 3)),
    ],
)
def test_kinds_are_counted_over_the_whole_picture(prompt: str, count: tuple[str, int]) -> None:
    check = compiled(prompt)[f"count:{count[0]}"]
    assert check.count == count[1]
    assert check.regions == ()
    assert number_of(count[1], count[0]) in check.says


@pytest.mark.parametrize(
    "prompt",
    ["some birds", "many stars and a moon", "snow and water", "trees", "a moon above a mountain"],
)
def test_what_nobody_counts_is_not_counted(prompt: str) -> None:
    counted = {check.things for check in compiled(prompt).values() if check.id.startswith("count:")}
    assert counted <= {(), ("moon",)}


def test_relations_are_those_of_neighbours() -> None:
    plan = RulePlanner().plan("from left to right a star, a moon, a heart and a circle")
    relations = [check.regions for check in compile_checks(plan) if check.kind == "relation"]
    assert relations == [("star-1", "moon-1"), ("moon-1", "heart-1"), ("heart-1", "circle-1")]


def test_a_grid_has_as_many_relations_as_inner_edges() -> None:
    nouns = ["cat", "dog", "bird", "cow", "fox", "owl", "bear", "frog", "ant"]
    regions = tuple(
        Region(id=f"{noun}-1", prompt=f"a {noun}", box=box)
        for noun, box in zip(nouns, grid(3, 3), strict=True)
    )
    checks = compile_checks(Plan(prompt="animals", regions=regions))
    assert sum(check.kind == "relation" for check in checks) == 12


def test_relations_the_prompt_names_are_kept_even_between_those_far_apart() -> None:
    checks = compiled("a cup, a bowl and a pot; a blue bowl between a red cup and a green pot")
    assert any("between" in one.says and one.kind == "relation" for one in checks.values())
    far = RulePlanner().plan("from left to right a star, a moon and a heart")
    far = far.model_copy(update={"prompt": f"{far.prompt}. the star is left of the heart"})
    ids = {check.id for check in compile_checks(far)}
    assert "relation:star-1:left of:heart-1" in ids


def test_a_relation_that_the_user_moved_away_from_is_dropped() -> None:
    plan = RulePlanner().plan("a star left of a moon")
    left, right = (region.box for region in plan.layers())
    turned = apply(plan, [MoveRegion(id="star-1", box=right), MoveRegion(id="moon-1", box=left)])
    relations = [check.id for check in compile_checks(turned) if check.kind == "relation"]
    assert relations == ["relation:moon-1:left of:star-1"]


def test_things_that_look_alike_do_not_stand_to_each_other() -> None:
    assert not any(check.kind == "relation" for check in compiled("three red stars").values())


def test_boxes_inside_one_another_and_diagonals_have_no_direction() -> None:
    def kinds(*boxes: Box) -> list[str]:
        regions = (
            Region(id="cat-1", prompt="a cat", box=boxes[0]),
            Region(id="dog-1", prompt="a dog", box=boxes[1]),
        )
        return [one.kind for one in compile_checks(Plan(prompt="pets", regions=regions))]

    assert "relation" not in kinds(FULL, Box(0.3, 0.3, 0.6, 0.6))
    assert "relation" not in kinds(Box(0, 0, 0.4, 0.4), Box(0.6, 0.6, 1, 1))
    assert "relation" in kinds(Box(0, 0, 0.4, 0.4), Box(0.6, 0.1, 1, 0.5))


def test_a_rich_subprompt_is_about_its_regions_thing_and_what_the_prompt_names() -> None:
    plan = Plan(
        prompt="a cat and a lamp",
        regions=(
            Region(
                id="cat-1",
                prompt="a grey cat on a woven rug beside a brass lamp, a window behind it",
                box=FULL,
            ),
        ),
    )
    things = {check.things[0] for check in compile_checks(plan) if check.kind == "presence"}
    assert things == {"cat", "lamp"}


def test_the_id_tells_which_thing_is_a_regions_own() -> None:
    plan = Plan(
        prompt="a harbour",
        regions=(
            Region(
                id="lighthouse-1", prompt="rocks below a white lighthouse", box=Box(0, 0, 0.5, 1)
            ),
            Region(id="boat-2", prompt="calm water with a small boat", box=Box(0.5, 0, 1, 1)),
        ),
    )
    things = {check.things[0] for check in compile_checks(plan) if check.kind == "presence"}
    assert {"lighthouse", "boat"} <= things


def test_two_of_a_noun_in_one_region_are_told_apart_by_their_looks() -> None:
    plan = Plan(prompt="a red star and a blue star", regions=())
    assert {c.things for c in compile_checks(plan) if c.kind == "presence"} == {
        ("red star",),
        ("blue star",),
    }
    assert {c.things for c in compile_checks(plan) if c.kind == "count" and c.count} == {("star",)}


def test_a_plan_without_regions_is_checked_as_a_whole() -> None:
    checks = compile_checks(Plan(prompt="a red star left of a blue moon at night"))
    assert all(check.regions == () for check in checks)
    assert {check.kind for check in checks} == {
        "presence", "attribute", "count", "relation", "scene",
    }  # fmt: skip


def test_scenes_of_their_own_belong_to_their_regions() -> None:
    plan = Plan(
        prompt="a star at night and a moon in the snow",
        regions=(
            Region(id="star-1", prompt="a star at night", box=Box(0, 0, 0.5, 1)),
            Region(id="moon-1", prompt="a moon in the snow", box=Box(0.5, 0, 1, 1)),
        ),
    )
    scenes = {one.value: one.regions for one in compile_checks(plan) if one.kind == "scene"}
    assert scenes == {"at night": ("star-1",), "in the snow": ("moon-1",)}


@pytest.mark.parametrize("prompt", ["Une étoile rouge", "赤い星と青い月", "!!!", "und"])
def test_what_the_grammar_cannot_read_is_checked_word_for_word(prompt: str) -> None:
    checks = compile_checks(Plan(prompt=prompt, regions=(Region(id="a", prompt=prompt, box=FULL),)))
    assert prompt in checks[0].says
    assert checks[0].things == (prompt,)


def test_checks_survive_an_edit_because_ids_depend_on_the_region_alone() -> None:
    plan = RulePlanner().plan("a red star, a blue moon and a green heart")
    before = {check.id for check in compile_checks(plan)}
    moved = apply(plan, [MoveRegion(id="moon-1", box=Box(0.1, 0.1, 0.2, 0.2))])
    kept = {name for name in before if not name.startswith("relation")}
    assert kept <= {check.id for check in compile_checks(moved)}
    changed = apply(plan, [ModifyRegion(id="moon-1", prompt="a yellow moon")])
    assert before ^ {check.id for check in compile_checks(changed)} == {
        "attribute:moon-1:moon:blue",
        "attribute:moon-1:moon:yellow",
    }
    gone = apply(plan, [RemoveRegion(id="moon-1")])
    assert not any("moon" in check.id for check in compile_checks(gone))


def test_the_same_plan_gives_the_same_checks() -> None:
    for seed in range(40):
        plan = random_drawn(random.Random(seed), 6).plan
        again = Plan.from_json(plan.to_json())
        assert compile_checks(plan) == compile_checks(again)


words = st.text(st.characters(codec="utf-8", exclude_categories=["Cs"]), min_size=1, max_size=120)
english = st.lists(
    st.sampled_from(
        "a the two some red star stars cat left of above and on in park , . with its 's no between"
        " hair of gold is sitting which it them".split()
    ),
    min_size=1,
    max_size=25,
).map(" ".join)


@settings(max_examples=120)
@given(st.lists(words | english, min_size=1, max_size=4), words | english)
def test_whatever_the_words_ids_are_unique_and_regions_known(
    prompts: list[str], prompt: str
) -> None:
    regions = tuple(
        Region(id=f"thing:{number}", prompt=text, box=box)
        for number, (text, box) in enumerate(zip(prompts, grid(2, 2), strict=False))
        if text.strip()
    )
    if not prompt.strip():
        return
    checks = compile_checks(Plan(prompt=prompt, regions=regions))
    ids = [check.id for check in checks]
    assert len(ids) == len(set(ids))
    known = {region.id for region in regions}
    assert all(set(check.regions) <= known for check in checks)
    shown = {check.regions[0] for check in checks if check.kind == "presence" and check.regions}
    assert shown == known
    assert all(Check.model_validate_json(check.model_dump_json()) == check for check in checks)


def test_the_largest_plan_is_compiled_at_once() -> None:
    regions = tuple(
        Region(id=f"bird-{number}", prompt="a red bird with a long tail " * 250, box=box)
        for number, box in enumerate(grid(8, 8))
    )
    checks = compile_checks(Plan(prompt="64 birds", regions=regions))
    assert sum(check.kind == "presence" for check in checks) == 64


def test_checks_are_compiled_without_torch() -> None:
    code = (
        "import sys, rpg.critics; from rpg.plans.plan import Plan;"
        "rpg.critics.compile_checks(Plan(prompt='a star'));"
        "assert not {'torch', 'cv2', 'scipy', 'openai'} & set(sys.modules)"
    )
    done = python("-c", code)
    assert done.returncode == 0, done.stderr
