"""Plans become checks: the right ones, always the same, none twice."""

from __future__ import annotations

import json
import random
import re
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rpg.critics import Check, compile_checks
from rpg.critics.checks import MOST_CHECKS, NOTHING_ELSE, number_of
from rpg.planners import RulePlanner
from rpg.planners.llm.drafts import PlanRequest, draft
from rpg.planners.rules.typed import typed_words
from rpg.plans.edits import AddRegion, MoveRegion, RemoveRegion, apply
from rpg.plans.geometry import FULL, Box, grid
from rpg.plans.plan import Plan, Region
from rpg.plans.scene import Relation, Scene, Thing
from tests.processes import python

from .world import random_drawn


def compiled(prompt: str) -> dict[str, Check]:
    return {check.id: check for check in compile_checks(RulePlanner().plan(prompt))}


def says(prompt: str) -> set[str]:
    return {check.says for check in compiled(prompt).values()}


def test_all_kinds_of_checks() -> None:
    made = compile_checks(RulePlanner().plan("a red star above a moon at night, no people"))
    assert [check.id for check in made] == [
        "presence:star",
        "presence:moon",
        "attribute:star:red",
        "count:star",
        "count:moon",
        "relation:star:above:moon",
        "absent:people",
        "scene:at night",
        "count:else",
    ]
    assert {check.says for check in made} == {
        "there is a star",
        "there is a moon",
        "the star is red",
        "in the whole picture there is exactly one star",
        "in the whole picture there is exactly one moon",
        "the star is above the moon",
        "no people can be seen in the picture",
        "the scene is at night",
        "nothing stands out in the picture that the prompt does not ask for",
    }


def test_a_check_tells_programs_what_it_tells_people() -> None:
    checks = compiled("two red stars left of a blue moon at night")
    star = checks["attribute:star:red"]
    assert (star.regions, star.ids, star.value) == (("star-1", "star-2"), ("star",), "red")
    assert checks["count:star"].count == checks["presence:star"].count == 2
    relation = checks["relation:star:left of:moon"]
    assert relation.regions == ("star-1", "star-2", "moon-1")
    assert (relation.things, relation.ids) == (("star", "moon"), ("star", "moon"))
    assert relation.says == "the stars are left of the moon"
    assert checks["scene:at night"].value == "at night"


def test_attributes_are_what_a_thing_looks_like_has_and_does() -> None:
    said = says("a small fluffy white cat with green eyes sleeping in a park")
    assert {"the cat is white", "the cat is fluffy", "the cat is small"} <= said
    assert "this is true of the cat: with green eyes" in said
    assert "the cat is sleeping" in said
    assert "the scene is in a park" in said


def test_things_of_one_name_are_told_apart_by_a_look_or_their_places() -> None:
    assert {
        "there are two red stars",
        "there is a blue star",
        "two of the stars are red",
        "one of the stars is blue",
        "the red stars are left of the blue star",
    } <= says("two red stars left of a blue star")
    left, right = grid(1, 2)
    things = tuple(Thing(id=name, name="cat", attributes=("grey",)) for name in ("a", "b"))
    regions = tuple(
        Region(id=thing.id, shows=(thing.id,), prompt="a grey cat", box=box)
        for thing, box in zip(things, (left, right), strict=True)
    )
    plan = Plan(prompt="p", scene=Scene(things=things), regions=regions)
    said = {check.says for check in compile_checks(plan)}
    assert {"there is a cat at the left", "there is a cat at the right"} <= said


GIRL = Scene(
    things=(
        Thing(id="girl", name="girl"),
        Thing(id="hat", name="hat", attributes=("red",), owner="girl"),
        Thing(id="vase", name="vase"),
        Thing(id="tulip", name="tulip", attributes=("white",), count=3, owner="vase"),
        Thing(id="sign", name="sign", words="OPEN 24/7"),
        Thing(id="crowd", name="person", count=None),
        Thing(id="snow", name="snow", count=None),
    ),
    relations=(Relation(subject="vase", kind="between", objects=("girl", "sign")),),
)


def test_parts_and_contents_are_counted_with_their_owner_alone() -> None:
    region = Region(id="r", shows=("girl", "vase", "sign"), prompt="x", box=FULL)
    checks = compile_checks(Plan(prompt="p", scene=GIRL, regions=(region,)))
    said = {check.says for check in checks}
    assert {
        "there is a hat with the girl",
        "the hat is red",
        "there are three tulips with the vase",
        "the tulips are white",
        'on the sign is written "OPEN 24/7"',
        "there are some people",
        "there is snow",
        "the vase is between the girl and the sign",
    } <= said
    counted = {check.things[0] for check in checks if check.id.startswith("count:") and check.count}
    assert counted == {"vase", "sign"}  # of people there is a crowd besides
    assert len({check.id for check in checks}) == len(checks)


STRONG = Path(__file__).parents[1] / "planners/llm/data/strong_answers.jsonl"
READ = Path(__file__).parent / "data/strong_checks.txt"


@pytest.mark.parametrize("line", STRONG.read_text("utf-8").splitlines())
def test_what_a_strong_model_answers_gives_no_false_count(line: str) -> None:
    """Whose part or content a thing is, and what has no number, the answers say."""
    said = json.loads(line)
    plan = draft(line_of(said), PlanRequest(said["prompt"], "m")).plan
    assert plan is not None
    checks = compile_checks(plan)
    assert len(checks) <= MOST_CHECKS
    counted = {one.things[0]: one.count for one in checks if one.kind == "count" and one.count}
    told = said["answer"]["things"]
    for name, count in counted.items():
        alike = [one for one in told if one["name"].lower() == name]
        assert all(not one.get("owner") and one.get("count") for one in alike)
        assert count == sum(one["count"] for one in alike)
    asked = {check.things[0] for check in checks if check.kind == "presence"}
    assert {one["name"] for one in told} >= asked
    assert not [check.says for check in checks if re.search(r"exactly (no|some)|None", check.says)]


def test_the_checks_of_a_strong_models_answers_are_those_that_a_person_read() -> None:
    listed = []
    for line in STRONG.read_text("utf-8").splitlines():
        said = json.loads(line)
        plan = draft(line_of(said), PlanRequest(said["prompt"], "m")).plan
        assert plan is not None
        listed += [f"# {said['prompt']}", *(check.says for check in compile_checks(plan)), ""]
    assert "\n".join(listed) == READ.read_text("utf-8")


@pytest.mark.parametrize(
    ("things", "counts"),
    [
        ("balloon 1, hot air balloon 3", {"hot air balloon": 3}),
        ("cat 2, black cat 1", {"cat": 3, "black cat": 1}),
        ("cat 2, black cat some", {"cat": None}),
        ("person 2, man 1", {"man": 1}),
        ("door 2, wooden door of door", {}),
        ("glass of milk 2", {"glass of milk": 2}),
        ("milk 1, sky 1", {}),
    ],
)
def test_names_that_may_mean_one_another_give_no_false_count(
    things: str, counts: dict[str, int | None]
) -> None:
    made = []
    for each in things.split(", "):
        name, _, number = each.rpartition(" ")
        owner = "door" if each.endswith(" of door") else ""
        name = each.removesuffix(" of door") if owner else name
        count = int(number) if number.isdigit() else None
        made.append(Thing(id=name, name=name, count=1 if owner else count, owner=owner))
    checks = compile_checks(Plan(prompt="p", scene=Scene(things=tuple(made))))
    found = {one.things[0]: one.count for one in checks if one.kind == "count" and one.things}
    assert found == {name: count for name, count in counts.items() if count is not None}


def test_how_checks_speak() -> None:
    things = (
        Thing(id="a", name="glass of milk", count=2, attributes=("famous", "old", "red")),
        Thing(id="b", name="flock of birds"),
        Thing(id="c", name=" "),
    )
    scene = Scene(things=things, absent=("no people", "a dog"))
    said = [check.says for check in compile_checks(Plan(prompt="p", scene=scene))]
    assert {
        "there are two glasses of milk",
        "there is a flock of birds",
        "no people can be seen in the picture",
        "no dog can be seen in the picture",
    } <= set(said)
    assert [one for one in said if one.startswith("the glasses")] == [
        "the glasses of milk are red",
        "the glasses of milk are old",
    ]


def line_of(said: dict[str, Any]) -> str:
    return json.dumps(said["answer"])


@pytest.mark.parametrize(
    ("setting", "things"),
    [
        ("on a busy street with parked cars", (Thing(id="a", name="car"),)),
        ("", (Thing(id="a", name="man"), Thing(id="b", name="crowd", count=None))),
        ("", (Thing(id="a", name="woman"), Thing(id="b", name="people", count=None))),
    ],
)
def test_what_there_may_be_more_of_is_not_counted(setting: str, things: tuple[Thing, ...]) -> None:
    checks = compile_checks(Plan(prompt="p", scene=Scene(setting=setting, things=things)))
    assert not [check.says for check in checks if check.kind == "count" and check.count]
    assert not [check.says for check in checks if "crowds" in check.says]


@pytest.mark.parametrize("name", ["choir", "flock of geese", "marching band", "fleet"])
def test_a_collective_without_a_number_is_one(name: str) -> None:
    things = (Thing(id="a", name=name, count=None),)
    said = {check.says for check in compile_checks(Plan(prompt="p", scene=Scene(things=things)))}
    assert f"there is a {name}" in said


def test_the_important_ones_are_kept_where_there_are_many() -> None:
    looks = ("red", "small", "shiny", "old", "round")
    things = tuple(
        Thing(id=f"t{number}", name=noun, attributes=looks, count=2 if number == 3 else 1)
        for number, noun in enumerate(("cup", "pot", "hat", "key", "box", "lamp"))
    )
    boxes = grid(2, 3)
    regions = tuple(
        Region(id=one.id, shows=(one.id,), prompt=one.name, box=box)
        for one, box in zip(things, boxes, strict=True)
    )
    near = Relation(subject="t0", kind="left of", objects=("t1",))
    scene = Scene(things=things, relations=(near,), absent=("people",), setting="at night")
    checks = compile_checks(Plan(prompt="p", scene=scene, regions=regions))
    ids = {check.id for check in checks}
    assert len(checks) == MOST_CHECKS
    assert {f"presence:t{number}" for number in range(6)} <= ids
    assert {f"attribute:t{number}:red" for number in range(6)} <= ids
    assert {"count:key", "relation:t0:left of:t1", "absent:people", "scene:at night"} <= ids
    assert NOTHING_ELSE in ids and "attribute:t0:round" not in ids


@pytest.mark.parametrize("count", [8, 18, 19, 25])
def test_numbers_and_relations_keep_a_share_however_many_things_there_are(count: int) -> None:
    things = tuple(
        Thing(id=f"t{at}", name=f"thing{at}", attributes=("red", "old"), count=2 if at < 5 else 1)
        for at in range(count)
    )
    regions = tuple(
        Region(id=one.id, shows=(one.id,), prompt=one.name, box=box)
        for one, box in zip(things, grid(5, 5)[:count], strict=True)
    )
    near = tuple(
        Relation(subject=f"t{at}", kind="left of", objects=(f"t{at + 1}",)) for at in range(5)
    )
    scene = Scene(things=things, relations=near, absent=("people",), setting="at night")
    checks = compile_checks(Plan(prompt="p", scene=scene, regions=regions))
    kinds = [check.kind for check in checks]
    assert kinds.count("presence") == count
    assert sum(check.kind == "count" and (check.count or 0) > 1 for check in checks) >= 2
    assert kinds.count("relation") >= 2
    assert len(checks) <= max(MOST_CHECKS, count + 8)


def test_what_a_call_leaves_out_of_the_negative_prompt_is_looked_for() -> None:
    plan = RulePlanner().plan("a red star above a moon, no people").with_words(negative="grey")
    assert plan.effective_negative == "grey"
    assert "absent:people" in {check.id for check in compile_checks(plan)}


def of_things(*things: Thing) -> dict[str, str]:
    """What is said of things without regions, by the checks' ids."""
    plan = Plan(prompt="p", scene=Scene(things=things))
    return {check.id: check.says for check in compile_checks(plan)}


def test_a_year_is_asked_about_as_one() -> None:
    car = Thing(id="car", name="car", attributes=("1967", "red"))
    radio = Thing(id="radio", name="radio", attributes=("1950s",))
    said = of_things(car, radio)
    assert said["attribute:car:1967"] == "the car is from 1967"
    assert said["attribute:radio:1950s"] == "the radio is from the 1950s"
    assert said["attribute:car:red"] == "the car is red"


@pytest.mark.parametrize(
    ("other", "kind"),
    [("puppy", "dog"), ("kitten", "cat"), ("duckling", "bird"), ("duckling", "duck"),
     ("tulip", "flower"), ("taxi", "car")],
)  # fmt: skip
def test_what_could_be_counted_along_keeps_a_kind_from_being_counted(other: str, kind: str) -> None:
    one, three = Thing(id="one", name=kind), Thing(id="three", name=other, count=3)
    said = of_things(one, three)
    assert f"count:{kind}" not in said and f"count:{other}" in said
    assert f"count:{kind}" in of_things(one)
    assert f"count:{kind}" in of_things(one, Thing(id="cup", name="spoon", count=3))


def test_ten_of_a_kind_are_asked_about_together() -> None:
    checks = compile_checks(RulePlanner().plan("ten red balloons"))
    assert [check.id for check in checks] == [
        "presence:balloon",
        "attribute:balloon:red",
        "count:balloon",
        "count:else",
    ]
    assert len(checks[0].regions) == checks[0].count == 10


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


def test_relations_are_those_that_the_scene_names() -> None:
    checks = compiled("a blue bowl between a red cup and a green pot")
    assert "relation:bowl:between:cup:pot" in checks
    assert not any(one.kind == "relation" for one in compiled("three red stars").values())


def test_a_region_that_shows_no_thing_is_asked_about_in_its_own_words() -> None:
    plan = RulePlanner().plan("a red star")
    drawn = Region(id="extra", prompt="swirling mist", box=Box(0, 0, 0.5, 0.5))
    checks = compile_checks(apply(plan, [AddRegion(region=drawn)]))
    (check,) = (one for one in checks if one.regions == ("extra",))
    assert check.says == 'there is what is described as "swirling mist"'


def test_a_plan_without_regions_is_checked_as_a_whole() -> None:
    checks = compile_checks(Plan(prompt="a red star left of a blue moon at night"))
    assert all(check.regions == () for check in checks)
    assert {check.kind for check in checks} == {
        "presence", "attribute", "count", "relation", "scene",
    }  # fmt: skip


@pytest.mark.parametrize("prompt", ["Une étoile rouge", "赤い星と青い月", "!!!", "und"])
def test_what_the_grammar_cannot_read_is_checked_word_for_word(prompt: str) -> None:
    checks = compile_checks(Plan(prompt=prompt, regions=(Region(id="a", prompt=prompt, box=FULL),)))
    assert prompt in checks[0].says
    assert checks[0].things == (prompt,)


def test_checks_survive_an_edit_because_ids_depend_on_the_thing_alone() -> None:
    plan = RulePlanner().plan("a red star, a blue moon and a green heart")
    before = {check.id for check in compile_checks(plan)}
    moved = apply(plan, [MoveRegion(id="moon-1", box=Box(0.1, 0.1, 0.2, 0.2))])
    assert before == {check.id for check in compile_checks(moved)}
    changed = apply(plan, typed_words(plan, plan.regions[1], "a yellow moon"))
    assert before ^ {check.id for check in compile_checks(changed)} == {
        "attribute:moon:blue",
        "attribute:moon:yellow",
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
    shown = {name for check in checks if check.kind == "presence" for name in check.regions}
    assert shown == known
    assert all(Check.model_validate_json(check.model_dump_json()) == check for check in checks)


def test_the_largest_plan_is_compiled_at_once() -> None:
    regions = tuple(
        Region(id=f"bird-{number}", prompt="a red bird with a long tail " * 250, box=box)
        for number, box in enumerate(grid(8, 8))
    )
    checks = compile_checks(Plan(prompt="64 birds", regions=regions))
    assert len({name for one in checks if one.kind == "presence" for name in one.regions}) == 64


def test_checks_are_compiled_without_torch() -> None:
    code = (
        "import sys, rpg.critics; from rpg.plans.plan import Plan;"
        "rpg.critics.compile_checks(Plan(prompt='a star'));"
        "assert not {'torch', 'cv2', 'scipy', 'openai'} & set(sys.modules)"
    )
    done = python("-c", code)
    assert done.returncode == 0, done.stderr
