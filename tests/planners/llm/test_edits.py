"""A plan changed by an instruction: what is not named is exactly what it was."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from rpg.errors import ChatError, PromptError
from rpg.planners.llm.drafts import PlanRequest, draft
from rpg.planners.llm.editing import plan_as_answer
from rpg.plans.edits import diff, touched
from rpg.plans.geometry import Box
from rpg.plans.plan import Plan, Region, encode_mask
from rpg.plans.scene import Relation, Scene, Thing
from tests.planners.llm.helpers import PROMPT, box, planner, region, relation, said, thing

MASK = encode_mask(Image.new("L", (8, 8), 255))
THIRD = Box(0.0, 0.0, 1 / 3, 1.0)


def before(**changes: Any) -> Plan:
    regions = (
        Region(id="sky", prompt="a sky", box=Box(0, 0, 1, 1), z=-2, negative="birds"),
        Region(id="star", prompt="a red star", box=THIRD, z=1, mask=MASK, base_ratio=0.1),
        Region(id="circle", prompt="a blue circle", box=Box(0.5, 0.123, 1, 0.6), z=1),
    )
    return Plan(**{"prompt": PROMPT, "regions": regions, "base_prompt": "both", **changes})


def changed(*regions: dict[str, Any], previous: Plan | None = None, **more: Any) -> Plan:
    """After the answer of a whole plan."""
    whole = {"regions": list(regions), **{"base_prompt": "both", **more}}
    made, chat = planner([json.dumps(whole)])
    plan = made.plan(PROMPT, previous=previous or before(), instruction="do it")
    assert len(chat.asked) == 1
    return plan


def edited(*edits: dict[str, Any], previous: Plan | None = None, **more: Any) -> Plan:
    """After an answer of edits."""
    made, chat = planner([json.dumps({"edits": list(edits), **more})])
    plan = made.plan(PROMPT, previous=previous or before(), instruction="do it")
    assert len(chat.asked) == 1
    return plan


FOX, HAT, OWL, BEE = (
    Thing(id="fox", name="fox"),
    Thing(id="hat", name="hat", attributes=("red",), owner="fox"),
    Thing(id="owl", name="owl"),
    Thing(id="bee", name="bee", count=None),
)
LEFT_OF = Relation(subject="fox", kind="left of", objects=("owl",))
MEADOW = Plan(
    prompt=PROMPT,
    scene=Scene(
        setting="in a meadow",
        style="oil painting",
        things=(FOX, HAT, OWL, BEE),
        relations=(LEFT_OF,),
    ),
    regions=(
        Region(
            id="fox-1",
            shows=("fox",),
            prompt="a fox",
            box=Box(0.05, 0.2, 0.45, 0.95),
            children=(
                Region(id="hat-1", shows=("hat",), prompt="a red hat", box=Box(0.1, 0.2, 0.4, 0.4)),
            ),
        ),
        Region(id="owl-1", shows=("owl",), prompt="an owl", box=Box(0.6, 0.3, 0.9, 0.8), z=2),
        Region(id="bees", shows=("bee",), prompt="a swarm of bees", box=Box(0.1, 0.0, 0.9, 0.15)),
    ),
    base_prompt="a fox in a red hat left of an owl",
    aspect=1.5,
)

SAME: dict[str, Any] = {"prompt": PROMPT}
SKY = region("sky", "a sky", box(0, 0, 100, 100))
STAR = region("star", "a red star", box(0, 0, 33, 100))
CIRCLE = region("circle", "a blue circle", box(50, 12, 100, 60))


def test_an_answer_that_changes_nothing_changes_nothing() -> None:
    same = changed(SKY, STAR, CIRCLE, **SAME)
    assert same.regions == before().regions
    assert diff(before(), same) == ()


def test_a_new_word_touches_its_own_region_alone() -> None:
    after = changed(SKY, {**STAR, "prompt": "a green star"}, CIRCLE, **SAME)
    found = touched(before(), diff(before(), after))
    assert found.ids == ("star",)
    star = after.regions[1]
    assert (star.prompt, star.mask, star.box, star.base_ratio) == ("a green star", MASK, THIRD, 0.1)


def test_a_moved_region_takes_its_painted_mask_along() -> None:
    star = changed(SKY, {**STAR, "box": box(60, 0, 93, 100)}, CIRCLE).regions[1]
    assert (star.box.x0, star.z, star.base_ratio) == (0.6, 1, 0.1)
    assert star.mask is not None and star.mask != MASK


def test_what_a_whole_plan_leaves_out_stays() -> None:
    after = changed({**SKY, "prompt": "a grey sky"}, **SAME)
    assert [one.prompt for one in after.regions] == ["a grey sky", "a red star", "a blue circle"]
    assert after.regions[1:] == before().regions[1:]


def test_it_goes_where_the_whole_plan_says_so() -> None:
    after = changed(SKY, CIRCLE, remove=["star"], **SAME)
    assert after.regions == (before().regions[0], before().regions[2])


def test_a_region_added_between_is_painted_between() -> None:
    moon = region("moon", "a moon", box(30, 30, 70, 70))
    for place in range(4):
        order = [SKY, STAR, CIRCLE]
        order.insert(place, moon if place else {**moon, "box": box(0, 0, 100, 99)})
        if place == 0:  # behind the sky it could not be seen
            continue
        after = changed(*order)
        assert [one.id for one in after.layers()] == [one["id"] for one in order]
        kept = {one.id: one.z for one in after.regions if one.id != "moon"}
        assert kept == {"sky": -2, "star": 1, "circle": 1}


def test_nested_regions_stay_nested() -> None:
    window = Region(id="window", prompt="a window", box=Box(0.1, 0.1, 0.2, 0.2))
    house = Region(id="house", prompt="a house", box=Box(0, 0, 0.5, 1), children=(window,))
    nested = before(regions=(house, Region(id="tree", prompt="a tree", box=Box(0.5, 0, 1, 1))))
    layers = [
        region("house", "a house", box(0, 0, 50, 100)),
        region("window", "a round window", box(10, 10, 20, 20)),
        region("tree", "a tree", box(50, 0, 100, 100)),
    ]
    after = changed(*layers, previous=nested, **SAME)
    assert touched(nested, diff(nested, after)).ids == ("window",)
    assert after.regions[0].children[0].prompt == "a round window"


def test_the_plan_is_shown_with_what_it_holds_and_the_ids_to_edit_by() -> None:
    made, chat = planner([json.dumps({"edits": []})])
    made.plan(PROMPT, previous=MEADOW, instruction="only the ${fox}")
    asked = chat.asked[0]
    text = asked.messages[-1].content
    shown = json.loads(text.split("<plan>")[1].split("</plan>")[0])
    assert shown["setting"] == "in a meadow"
    assert [one["id"] for one in shown["things"]] == ["fox", "hat", "owl", "bee"]
    assert shown["things"][1] == {"id": "hat", "name": "hat", "attributes": ["red"], "owner": "fox"}
    assert shown["things"][3]["count"] is None
    assert shown["relations"] == [{"subject": "fox", "kind": "left of", "objects": ["owl"]}]
    assert [one["id"] for one in shown["regions"]] == ["fox-1", "hat-1", "bees", "owl-1"]
    assert shown["regions"][1]["parent"] == "fox-1"
    assert shown["regions"][0]["box"] == box(5, 20, 45, 95)
    assert "<instruction>\nonly the ${fox}\n</instruction>" in text
    assert asked.schema is not None
    assert list(asked.schema["properties"])[:4] == ["reasoning", "things", "relations", "edits"]
    roles = [message.role for message in asked.messages]
    assert roles == ["system", "user", "assistant", "user", "assistant", "user"]


def test_ids_that_are_all_new_are_asked_about() -> None:
    new = {"regions": [region("a", "a cloud", box(0, 0, 50, 50)),
                       region("b", "a tree", box(50, 0, 100, 50))]}  # fmt: skip
    kept = {"edits": [{"do": "remove", "id": "circle"}]}
    made, chat = planner([json.dumps(new), json.dumps(kept)])
    plan = made.plan(PROMPT, previous=before(), instruction="no circle")
    assert [one.id for one in plan.regions] == ["sky", "star"]
    assert "keep the ids" in chat.asked[1].messages[-1].content


def test_regions_that_lost_their_ids_are_known_by_words_or_place() -> None:
    after = changed({**SKY, "id": "x"}, {**STAR, "id": "y", "prompt": "a green star"}, **SAME)
    assert [(one.id, one.prompt) for one in after.regions] == [
        ("sky", "a sky"),
        ("star", "a green star"),
        ("circle", "a blue circle"),
    ]


def test_the_official_form_takes_the_ids_that_fit() -> None:
    halves = (
        Region(id="star", prompt="a red star", box=Box(0, 0, 0.5, 1)),
        Region(id="circle", prompt="a blue circle", box=Box(0.5, 0, 1, 1)),
    )
    text = "Final split ratio: 1,1\nRegional Prompt: a red star BREAK a green circle"
    plan = planner([text])[0].plan(
        PROMPT, previous=before(regions=halves), instruction="a green circle"
    )
    assert [(one.id, one.prompt) for one in plan.regions] == [
        ("star", "a red star"),
        ("circle", "a green circle"),
    ]


@pytest.mark.parametrize("instruction", ["", "  ", "x" * 8001])
def test_an_instruction_that_cannot_be(instruction: str) -> None:
    made, chat = planner([])
    with pytest.raises(PromptError, match="the instruction"):
        made.plan(PROMPT, previous=before(), instruction=instruction)
    assert chat.asked == []


def test_a_plan_without_an_instruction_is_made_anew() -> None:
    made, chat = planner([said()])
    assert made.plan(PROMPT, previous=before()).regions[0].id == "star-1"
    assert "<plan>" not in chat.asked[0].messages[-1].content


def test_an_instruction_without_a_plan_makes_one_first() -> None:
    made, chat = planner([said(), json.dumps({"edits": [{"do": "remove", "id": "circle-1"}]})])
    made.plan(PROMPT, instruction="no circle")
    first, second = (asked.messages[-1].content for asked in chat.asked[:2])
    assert "<instruction>" not in first
    assert '"star-1"' in second and "no circle" in second


def test_the_prompt_says_what_the_picture_is_to_show_after_the_change() -> None:
    """Else whoever compares the two would undo the change."""
    new = "a red star above a green circle"
    assert changed(SKY, STAR, CIRCLE, prompt=f" {new} ").prompt == new
    assert changed(SKY, STAR, CIRCLE).prompt == f"{PROMPT}; do it"
    asked = planner([json.dumps({"edits": []})])
    asked[0].plan(PROMPT, previous=before(), instruction="x")
    assert "prompt" in (asked[1].asked[0].schema or {})["properties"]


def test_the_rules_stand_in_for_a_change_too() -> None:
    halves = (
        Region(id="star", prompt="a red star", box=Box(0, 0, 0.5, 1)),
        Region(id="circle", prompt="a blue circle", box=Box(0.5, 0, 1, 1)),
    )
    plan = planner([ChatError("gone")], fallback="rules")[0].plan(
        PROMPT, previous=before(regions=halves), instruction="make the star green"
    )
    assert [one.prompt for one in plan.regions] == ["a green star", "a blue circle"]
    assert plan.source == "rules instead of scripted"


# Edits as data


def ids(plan: Plan) -> list[str]:
    return [one.id for one in plan.layers()]


def test_night_is_one_field() -> None:
    after = edited(previous=MEADOW, setting="in a meadow at night", prompt="night")
    assert after.scene == MEADOW.scene.model_copy(update={"setting": "in a meadow at night"})
    assert (after.regions, after.aspect, after.prompt) == (MEADOW.regions, 1.5, "night")
    assert after.base_prompt == ""  # the old one may tell of the day


def test_a_new_colour_is_a_thing_and_a_prompt() -> None:
    after = edited(
        {"do": "modify", "id": "hat-1", "prompt": "a green hat"},
        previous=MEADOW, things=[thing("hat", "green", owner="fox")], base_prompt="new",
    )  # fmt: skip
    assert after.scene.things == (FOX, HAT.model_copy(update={"attributes": ("green",)}), OWL, BEE)
    assert after.regions[0].children[0].prompt == "a green hat"
    assert after.regions[1:] == MEADOW.regions[1:]
    assert after.base_prompt == "new"


def test_what_a_thing_does_not_say_stays() -> None:
    after = edited(previous=MEADOW, things=[{"id": "hat", "attributes": ["red", "old"]}])
    assert after.scene.thing("hat") == HAT.model_copy(update={"attributes": ("red", "old")})


def test_a_region_goes_with_its_thing_and_all_that_is_in_it() -> None:
    after = edited({"do": "remove", "id": "fox-1"}, previous=MEADOW)
    assert ids(after) == ["bees", "owl-1"]
    assert after.scene.things == (OWL, BEE)
    assert after.scene.relations == ()


def test_a_thing_can_be_taken_out_by_its_own_id() -> None:
    assert edited({"do": "remove", "id": "hat"}, previous=MEADOW).scene.things == (FOX, OWL, BEE)


def test_one_more_of_a_kind_is_counted() -> None:
    new = {
        "do": "add",
        "id": "owl-2",
        "shows": ["owl"],
        "prompt": "one owl",
        "box": box(60, 82, 90, 98),
    }
    after = edited(new, previous=MEADOW)
    assert after.scene.thing("owl") == OWL.model_copy(update={"count": 2})
    assert ids(after) == ["fox-1", "hat-1", "bees", "owl-1", "owl-2"]


def test_a_new_thing_in_a_region_of_its_own_or_in_another() -> None:
    moon = {
        "do": "add",
        "id": "moon",
        "shows": ["moon"],
        "prompt": "a moon",
        "box": box(40, 30, 55, 45),
    }
    scarf = {"do": "add", "id": "scarf", "shows": ["scarf"], "prompt": "a scarf",
             "box": box(15, 45, 35, 55), "parent": "fox-1"}  # fmt: skip
    after = edited(
        moon, scarf, previous=MEADOW, things=[thing("moon"), thing("scarf", owner="fox")]
    )
    assert [one.id for one in after.regions[0].children] == ["hat-1", "scarf"]
    assert after.regions[-1].id == "moon"
    assert after.scene.things[:4] == MEADOW.scene.things
    assert after.scene.thing("scarf") == Thing(id="scarf", name="scarf", owner="fox")


def test_an_id_that_is_taken_gets_a_number() -> None:
    new = {
        "do": "add",
        "id": "owl-1",
        "shows": ["owl"],
        "prompt": "one owl",
        "box": box(60, 82, 90, 98),
    }
    assert "owl-1-2" in ids(edited(new, previous=MEADOW))


def test_a_new_background_goes_behind() -> None:
    sea = {
        "do": "add",
        "id": "sea",
        "shows": ["sea"],
        "prompt": "the sea",
        "box": box(0, 0, 100, 100),
    }
    assert ids(edited(sea, previous=MEADOW, things=[thing("sea")]))[0] == "sea"


def test_a_relation_that_a_move_undoes_is_dropped() -> None:
    away = {"do": "move", "id": "fox-1", "box": box(92, 20, 100, 95)}
    assert edited(away, previous=MEADOW).scene.relations == ()
    near = {"do": "move", "id": "fox-1", "box": box(8, 20, 48, 95)}
    assert edited(near, previous=MEADOW).scene.relations == (LEFT_OF,)


def test_a_relation_takes_the_place_of_that_between_the_same_things() -> None:
    swap = [{"do": "move", "id": "fox-1", "box": box(55, 20, 95, 95)},
            {"do": "move", "id": "owl-1", "box": box(5, 30, 35, 80)}]  # fmt: skip
    after = edited(*swap, previous=MEADOW, relations=[relation("owl", "left of", "fox")])
    assert after.scene.relations == (Relation(subject="owl", kind="left of", objects=("fox",)),)
    assert after.regions[0].children[0].box.x0 == pytest.approx(0.6)


def test_another_thing_in_its_place() -> None:
    after = edited(
        {"do": "modify", "id": "owl-1", "shows": ["crow"], "prompt": "a crow"},
        previous=MEADOW, things=[thing("crow")],
    )  # fmt: skip
    assert after.scene.thing("owl") is None
    assert after.shown_by("crow")[0].prompt == "a crow"


OTHER_WORDS: dict[str, dict[str, Any]] = {
    "delete": {"edits": [{"delete": "owl-1"}]},
    "kind": {"edits": [{"kind": "remove_region", "id": "owl-1"}]},
    "one edit": {"edits": {"action": "remove", "id": "owl-1"}},
    "the thing's name": {"edits": [{"do": "remove", "id": "the owl"}]},
    "in an object": {"edits": [{"do": "remove", "region": {"id": "owl-1"}}]},
    "a whole plan that says remove": {"regions": [], "remove": ["owl-1"]},
}


@pytest.mark.parametrize("said_otherwise", OTHER_WORDS.values(), ids=OTHER_WORDS.keys())
def test_edits_in_other_words(said_otherwise: dict[str, Any]) -> None:
    made, chat = planner([json.dumps(said_otherwise)])
    assert ids(made.plan(PROMPT, previous=MEADOW, instruction="x")) == ["fox-1", "hat-1", "bees"]
    assert len(chat.asked) == 1


UNDOABLE: dict[str, tuple[dict[str, Any], str]] = {
    "an unknown region": ({"do": "modify", "id": "dragon", "prompt": "x"}, 'no region "dragon"'),
    "a new region without place": ({"do": "add", "id": "x", "prompt": "x"}, 'has no "box"'),
    "an unknown thing": ({"do": "modify", "id": "owl-1", "shows": ["dragon"]}, "no thing's id"),
    "out of sight": ({"do": "move", "id": "owl-1", "box": box(5, 30, 45, 80)}, "cannot be seen"),
    "no with a text": ({"do": "modify", "id": "owl-1", "prompt": "an owl, no trees"}, '"no trees"'),
}


@pytest.mark.parametrize(("edit", "complaint"), UNDOABLE.values(), ids=UNDOABLE.keys())
def test_what_cannot_be_done_is_asked_about_once(edit: dict[str, Any], complaint: str) -> None:
    if complaint == "cannot be seen":
        edit = {"do": "move", "id": "bees", "box": box(62, 32, 88, 78)}
    answers = [json.dumps({"edits": [edit]}), json.dumps({"edits": [], "setting": "at sea"})]
    made, chat = planner(answers)
    after = made.plan(PROMPT, previous=MEADOW, instruction="x")
    assert complaint in chat.asked[1].messages[-1].content
    assert (after.scene.setting, after.regions) == ("at sea", MEADOW.regions)


def test_faults_of_the_plan_before_are_not_the_models() -> None:
    faulty = MEADOW.model_copy(update={"base_prompt": "nine owls, no people"})
    assert edited(previous=faulty, setting="at sea").scene.setting == "at sea"


# What is not named cannot change

NAMES = st.sampled_from(["fox-1", "hat-1", "owl-1", "bees", "new", "fox", "dragon", ""])
PLACES = st.tuples(*[st.integers(0, 100)] * 4).map(lambda edges: box(*edges))
EDITS = st.fixed_dictionaries(
    {"do": st.sampled_from(["add", "remove", "modify", "move"]), "id": NAMES},
    optional={
        "prompt": st.sampled_from(["a toad", "", None]),
        "box": PLACES | st.none(),
        "shows": st.lists(st.sampled_from(["owl", "hat", "toad"]), max_size=2) | st.none(),
        "parent": st.sampled_from(["owl-1", "fox-1", "", "dragon"]) | st.none(),
    },
)
THINGS = st.lists(
    st.builds(
        lambda name, look: thing(name, look),
        st.sampled_from(["owl", "toad"]),
        st.sampled_from(["old", "green"]),
    ),
    max_size=2,
    unique_by=lambda one: one["id"],
)
ANSWERS = st.fixed_dictionaries(
    {"edits": st.lists(EDITS, max_size=4), "things": THINGS},
    optional={"setting": st.sampled_from(["at sea", None]), "base_prompt": st.just("new")},
)


@settings(max_examples=300, deadline=None)
@given(ANSWERS)
def test_what_an_answer_does_not_name_is_byte_for_byte_what_it_was(given_: dict[str, Any]) -> None:
    plan = draft(json.dumps(given_), PlanRequest(PROMPT, "m", MEADOW, "x")).plan
    if plan is None:
        return
    edits = given_["edits"]
    named = {one["id"] for one in edits} | {one.get("parent") for one in edits}
    if named & {"fox-1", "fox"}:
        named |= {"fox-1", "hat-1"}
    if "hat-1" in named:
        named.add("fox-1")  # it holds the other
    after = {one.id: one for one in plan.layers()}
    for region_ in MEADOW.layers():
        if region_.id not in named:
            assert after[region_.id].model_dump_json() == region_.model_dump_json()
    shown = {name for one in MEADOW.layers() if one.id in named for name in one.shows}
    shown |= {name for one in edits for name in one.get("shows") or ()} | {
        "hat" if "fox" in shown else ""
    }
    changed_things = {one["id"] for one in given_["things"]} | shown | named
    for thing_ in MEADOW.scene.things:
        if thing_.id not in changed_things:
            assert plan.scene.thing(thing_.id) == thing_
    assert plan.scene.style == MEADOW.scene.style
    assert plan.scene.setting == (given_.get("setting") or MEADOW.scene.setting)
    if not edits and not given_["things"]:
        assert plan.regions == MEADOW.regions and plan.scene.things == MEADOW.scene.things


def test_what_a_strict_schema_makes_a_model_write_changes_nothing() -> None:
    box_ = {"left": 10, "top": 10, "right": 40, "bottom": 90}
    empty: dict[str, Any] = {
        "setting": "",
        "style": "",
        "absent": [],
        "things": [],
        "relations": [],
    }
    move: dict[str, Any] = {
        "do": "move",
        "id": "fox-1",
        "shows": [],
        "prompt": "",
        "box": box_,
        "parent": None,
    }
    after = edited(move, previous=MEADOW, **empty)
    assert after.scene == MEADOW.scene
    cleared = edited(move, previous=MEADOW, **{**empty, "style": "none"})
    assert cleared.scene.style == "" and cleared.scene.things == MEADOW.scene.things


def test_groups_without_words_are_shown_so_that_parents_are_known() -> None:
    inner = Region(id="owl", shows=("owl",), prompt="an owl", box=Box(0.5, 0, 0.7, 1))
    group = Region(id="pair", prompt="", box=Box(0.5, 0, 1, 1), children=(inner,))
    plan = Plan(prompt=PROMPT, scene=Scene(setting="in a wood", things=(OWL,)), regions=(group,))
    shown = json.loads(plan_as_answer(plan))["regions"]
    assert [(one["id"], one.get("parent"), one.get("prompt")) for one in shown] == [
        ("pair", None, None),
        ("owl", "pair", "an owl"),
    ]
    after = edited(
        {"do": "add", "id": "bee", "prompt": "a bee", "box": box(80, 0, 100, 50), "parent": "pair"},
        previous=plan,
    )
    assert [one.id for one in after.regions[0].children] == ["owl", "bee"]
