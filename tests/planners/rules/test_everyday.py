"""Prompts as people write them: several sentences, owners, deeds, parts, places at once."""

from __future__ import annotations

import pytest

from tests.planners.rules.helpers import drawn, only, plan_of, prompts_of, stands


def test_a_room_with_three_places() -> None:
    plan = plan_of(
        "A cozy living room with a red sofa on the left, a tall lamp on the right, and a small "
        "wooden table in the middle."
    )
    sofa, table, lamp = (only(plan, word) for word in ("red sofa", "wooden table", "tall lamp"))
    assert stands(sofa, "left", table) and stands(table, "left", lamp)
    assert all(region.prompt.endswith("in a cozy living room") for region in drawn(plan))


def test_each_of_two_does_something_else() -> None:
    plan = plan_of(
        "Two astronauts in white suits standing on the moon, one holding a flag, the other waving."
    )
    assert only(plan, "holding a flag").prompt.startswith("an astronaut in white suits")
    assert only(plan, "waving").prompt.startswith("an astronaut in white suits")


def test_parts_and_clothes_stay_with_their_person() -> None:
    assert prompts_of(
        "A girl with white ponytail and black dress is chatting with a blonde girl in a white "
        "dress in a cafe."
    ) == [
        "a girl with white ponytail and black dress chatting in a cafe",
        "a blonde girl in a white dress in a cafe",
    ]


def test_a_picture_told_in_sentences() -> None:
    plan = plan_of(
        "The picture shows a big tree in the center. To its left there is a bench, to its right a "
        "lamp post, and a boy sits under it."
    )
    tree, bench, post, boy = (only(plan, word) for word in ("tree", "bench", "post", "boy"))
    assert stands(bench, "left", tree) and stands(post, "right", tree)
    assert stands(boy, "below", tree)
    assert len(plan.layers()) == 4


def test_a_verb_after_what_is_worn() -> None:
    plan = plan_of("A penguin wearing sunglasses stands between two polar bears.")
    assert only(plan, "penguin").prompt == "a penguin wearing sunglasses standing"
    left, right = sorted(
        region.box.center[0] for region in plan.layers() if "bear" in region.prompt
    )
    assert left < only(plan, "penguin").box.center[0] < right


def test_while_begins_another_scene_of_the_same_picture() -> None:
    plan = plan_of(
        "An ancient dragon with red scales is flying over a castle while two knights in silver "
        "armour stand below it"
    )
    assert stands(only(plan, "dragon"), "above", only(plan, "castle"))
    knights = [region for region in plan.layers() if "knight" in region.prompt]
    assert [knight.prompt for knight in knights] == ["a knight in silver armour standing"] * 2
    assert all(stands(knight, "below", only(plan, "castle")) for knight in knights)


def test_what_somebody_sits_on_is_no_scene_for_others() -> None:
    prompts = prompts_of("A girl is sitting on the sofa while a desk is under a big window")
    assert prompts == ["a girl sitting on the sofa", "a big window", "a desk"]


def test_what_a_vase_holds_is_part_of_it() -> None:
    assert "a blue vase with yellow flowers" in prompts_of(
        "a blue vase with yellow flowers next to a stack of books"
    )
    assert "an elegant vase of blooming roses" in prompts_of("an elegant vase of blooming roses")


def test_a_second_colour_for_the_same_noun() -> None:
    plan = plan_of("a grey counter on one side, whitish on the other")
    assert stands(only(plan, "grey counter"), "left", only(plan, "whitish counter"))


def test_relations_between_groups_of_clauses() -> None:
    plan = plan_of(
        "a vase of flowers on a table, a window behind the table, and a cat under the table"
    )
    table = only(plan, "table")
    assert stands(only(plan, "vase"), "above", table)
    assert stands(only(plan, "window"), "behind", table)
    assert stands(only(plan, "cat"), "below", table)


def test_three_thirds_side_by_side() -> None:
    plan = plan_of(
        "in the left third, a red house; in the middle third, a tree; in the right third, a boat"
    )
    house, tree, boat = (only(plan, word) for word in ("red house", "tree", "boat"))
    assert stands(house, "left", tree) and stands(tree, "left", boat)
    assert len(plan.layers()) == 3


def test_half_of_a_thing_is_a_thing() -> None:
    assert "sandwich" in only(plan_of("the right half of a sandwich on a plate"), "half").prompt


@pytest.mark.parametrize(
    ("said", "drawn"),
    [
        ("a girl hugs the dog", "a girl hugging the dog"),
        ("a boy kicks the ball", "a boy kicking the ball"),
        ("a man pushes a red cart", "a man pushing a red cart"),
        ("a dog licks the cat", "a dog licking"),
        ("a chef tosses two eggs", "a chef tossing 2 eggs"),
        ("the boy on the left opens a door", "a boy opening a door"),
    ],
)
def test_what_somebody_does_in_the_present(said: str, drawn: str) -> None:
    assert prompts_of(said)[0] == drawn


def test_nouns_that_look_like_deeds_stay_nouns() -> None:
    assert prompts_of("two red hugs, three kicks and a box of waves") == [
        *["a red hug"] * 2, *["a kick"] * 3, "a box of waves",
    ]  # fmt: skip


@pytest.mark.parametrize("moon", ["a red moon", "an orange moon"])
def test_below_a_moon_of_its_own_is_no_scene(moon: str) -> None:
    plan = plan_of(f"a gray house left of a green boat and below {moon}")
    house, boat = only(plan, "gray house"), only(plan, "green boat")
    assert stands(only(plan, moon), "above", house) and stands(house, "left", boat)
