"""Every relation, said in several ways, holds between the boxes."""

from __future__ import annotations

import pytest

from rpg.plans.geometry import grid
from tests.planners.rules.helpers import only, ordered, plan_of, stands

A, B = "red circle", "blue square"
TWO = {
    "left": [
        "a {a} to the left of a {b}",
        "a {a} left of a {b}",
        "a {a} on the left of a {b}",
        "a {a} on the left side of a {b}",
        "a {a} on the left-hand side of a {b}",
        "a {a} directly to the left of a {b}",
        "A {a} sits to the left of a {b}.",
        "a {a} on the left and a {b} on the right",
        "on the left a {a}, on the right a {b}",
        "On the left is a {a}. On the right is a {b}.",
        "left: a {a}, right: a {b}",
        "from left to right: a {a} and a {b}",
        "a {a} and a {b} from left to right",
        "from right to left: a {b} and a {a}",
        "a {b} with a {a} to its left",
        "a {b} with a {a} on the left",
        "There is a {b}. To its left there is a {a}.",
        "There is a {b}. A {a} is to the left of it.",
        "To the left of a {b} is a {a}.",
        "a {b}, and to the left of the {b} a {a}",
        "a {b}, which is to the right of a {a}",
        "a {a} in the left half of the picture, a {b} in the right half of the picture",
        "left half: a {a}, right half: a {b}",
        "The left half is a {a} and the right half is a {b}.",
        "the left part of the image shows a {a}, the right two thirds show a {b}",
        "split screen: a {a} on the left, a {b} on the right",
        "a diptych of a {a} and a {b}",
    ],
    "right": [
        "a {a} to the right of a {b}",
        "a {a} right of a {b}",
        "a {a} on the right side of a {b}",
        "a {b} with a {a} on its right",
        "To the right of a {b} there is a {a}.",
    ],
    "above": [
        "a {a} above a {b}",
        "a {a} over a {b}",
        "a {a} on top of a {b}",
        "a {a} on the top of a {b}",
        "a {a} atop a {b}",
        "a {a} on a {b}",
        "a {a} floating above a {b}",
        "a {b} with a {a} on top",
        "a {b} with a {a} above it",
        "a {b} under a {a}",
        "Above a {b} there is a {a}.",
        "from top to bottom: a {a} and a {b}",
        "from bottom to top: a {b} and a {a}",
        "top row: a {a}, bottom row: a {b}",
        "a {a} in the top row and a {b} in the bottom row",
        "a {a} at the top and a {b} at the bottom",
        "top half a {a}, bottom half a {b}",
        "the upper third contains a {a}; the lower part holds a {b}",
    ],
    "below": [
        "a {a} below a {b}",
        "a {a} under a {b}",
        "a {a} underneath a {b}",
        "a {a} beneath a {b}",
        "a {a} on the bottom of a {b}",
        "Below a {b} there is a {a}.",
        "a {b} with a {a} beneath it",
    ],
    "beside": [
        "a {a} next to a {b}",
        "a {a} beside a {b}",
        "a {a} near a {b}",
        "a {a} on side of a {b}",
        "a {a} on the side of a {b}",
        "a {a} close to a {b}",
        "a {a} side by side with a {b}",
        "a {a} and a {b} side by side",
        "a {a} and a {b} next to each other",
        "Next to a {b} there is a {a}.",
        "a {a} leaning against a {b}",
    ],
    "front": [
        "a {a} in front of a {b}",
        "a {a} standing in front of a {b}",
        "a {b} with a {a} in front of it",
        "a {b} with a {a} in front",
        "In front of a {b} there is a {a}.",
        "a {b} hidden by a {a}",
        "a {b} partially covered by a {a}",
    ],
    "behind": ["a {a} behind a {b}", "a {a} at the back of a {b}", "a {b} with a {a} behind it"],
    "inside": [
        "a {a} inside a {b}",
        "a {a} inside of a {b}",
        "a {a} within a {b}",
        "a {a} in a {b}",
        "a {b} containing a {a}",
        "a {b} with a {a} inside",
        "a {b} with a {a} inside it",
        "a {b} around a {a}",
        "a {a} surrounded by a {b}",
        "a {a} enclosed by a {b}",
    ],
}
SAID = [(where, text) for where, texts in TWO.items() for text in texts]


@pytest.mark.parametrize(("where", "text"), SAID, ids=[text for _, text in SAID])
def test_a_relation_holds_however_it_is_said(where: str, text: str) -> None:
    plan = plan_of(text.format(a=A, b=B))
    assert len(list(plan.layers())) == 2
    assert stands(only(plan, A), where, only(plan, B))
    assert "Not " not in plan.reasoning


@pytest.mark.parametrize(
    "prompt",
    [
        "a heart between a star and a moon",
        "a heart sitting between a star and a moon",
        "Between a star and a moon there is a heart.",
        "a heart in between a star and a moon",
        "There is a star and a moon. A heart is between them.",
        "a heart flanked by a star and a moon",
        "a star on the left, a heart in the middle and a moon on the right",
    ],
)
def test_between_is_in_the_middle_of_a_line(prompt: str) -> None:
    plan = plan_of(prompt)
    star, heart, moon = (only(plan, word) for word in ("star", "heart", "moon"))
    assert stands(star, "left", heart) and stands(heart, "left", moon)
    assert star.box.center[1] == heart.box.center[1] == moon.box.center[1]


@pytest.mark.parametrize(
    "prompt",
    [
        "a door between two lions",
        "a door flanked by two lions",
        "a door with a lion on either side",
        "on either side of the door stand two lions",
        "two lions on both sides of a door",
    ],
)
def test_one_stands_on_either_side(prompt: str) -> None:
    plan = plan_of(prompt)
    first, second = (r.box.center[0] for r in plan.layers() if "lion" in r.prompt)
    assert min(first, second) < only(plan, "door").box.center[0] < max(first, second)


@pytest.mark.parametrize("around", ["three", "four", "5", "eight", "twelve"])
@pytest.mark.parametrize(
    "text", ["a castle surrounded by {} trees", "{} trees around a castle", "{} trees surround it"]
)
def test_what_surrounds_stands_on_all_sides(text: str, around: str) -> None:
    plan = plan_of(("There is a castle. " if "it" in text else "") + text.format(around))
    middle = only(plan, "castle").box.center
    trees = [region.box.center for region in plan.layers() if "tree" in region.prompt]
    assert len(trees) == {"three": 3, "four": 4, "5": 5, "eight": 8, "twelve": 12}[around]
    xs, ys = zip(*trees, strict=True)
    assert min(xs) < middle[0] < max(xs)
    assert min(ys) < middle[1] < max(ys) or len(trees) == 3


def test_different_things_surround_too() -> None:
    plan = plan_of("a king surrounded by a dragon, a knight, a wizard and a horse")
    king = only(plan, "king").box
    others = [only(plan, name).box for name in ("dragon", "knight", "wizard", "horse")]
    for axis in (0, 1):
        sides = [box.center[axis] - king.center[axis] for box in others]
        assert min(sides) < 0 < max(sides)
    assert all(box.intersection(king) is None for box in others)


PLACES = {
    "in the top left corner": (0, 0),
    "in the upper right": (1, 0),
    "at the bottom left": (0, 1),
    "in the lower right corner of the picture": (1, 1),
    "in the top-left corner": (0, 0),
    "on the left side of the image": (0, None),
    "on the far right": (1, None),
    "at the top": (None, 0),
    "along the bottom edge of the canvas": (None, 1),
    "on the right-hand side": (1, None),
}


@pytest.mark.parametrize("text", PLACES)
@pytest.mark.parametrize("order", ["a moon {} and a cat", "{} a moon, and a cat"])
def test_places_on_the_canvas(text: str, order: str) -> None:
    box = only(plan_of(order.format(text)), "moon").box
    for centre, side in zip(box.center, PLACES[text], strict=True):
        assert side is None or (centre > 0.5) == bool(side)
        assert centre != 0.5 or side is None


@pytest.mark.parametrize("text", ["in the middle", "in the center", "in the centre of the picture"])
def test_the_middle(text: str) -> None:
    plan = plan_of(f"a red rose {text}, a blue bird at the top and a grey cat at the bottom")
    assert only(plan, "rose").box.center == pytest.approx((0.5, 0.5))
    assert stands(only(plan, "bird"), "above", only(plan, "rose"))
    assert stands(only(plan, "cat"), "below", only(plan, "rose"))


@pytest.mark.parametrize("text", ["a star in each corner", "four stars in the corners"])
def test_every_corner(text: str) -> None:
    plan = plan_of(f"a red heart in the middle and {text}")
    stars = {
        (round(x), round(y))
        for region in plan.layers()
        if "star" in region.prompt
        for x, y in [region.box.center]
    }
    assert stars == {(0, 0), (1, 0), (0, 1), (1, 1)}
    assert only(plan, "heart").box.center == pytest.approx((0.5, 0.5))


@pytest.mark.parametrize(
    "prompt",
    [
        "from left to right: a red apple, a green pear and a yellow banana",
        "From left to right there is a red apple, a green pear and a yellow banana.",
        "a red apple, a green pear, and a yellow banana, arranged from left to right",
        "a red apple left of a green pear, which is left of a yellow banana",
        "a red apple on the left, a green pear in the middle and a yellow banana on the right",
        "a yellow banana, a green pear and a red apple from right to left",
    ],
)
def test_orders_from_left_to_right(prompt: str) -> None:
    assert ordered(prompt) == ["a red apple", "a green pear", "a yellow banana"]
    boxes = [region.box for region in plan_of(prompt).regions]
    assert {(box.y0, box.y1) for box in boxes} == {(0.0, 1.0)}


@pytest.mark.parametrize(
    "prompt",
    [
        "Top row: a red star and a blue star. Bottom row: a pink cat, a grey cat and a tan cat.",
        "in the top row a red star and a blue star, in the bottom row a pink cat, a grey cat and "
        "a tan cat",
    ],
)
def test_rows(prompt: str) -> None:
    stars = ["a red star", "a blue star"]
    assert ordered(prompt) == [*stars, "a pink cat", "a grey cat", "a tan cat"]
    plan = plan_of(prompt)
    assert {only(plan, star[2:]).box.y1 for star in stars} == {0.5}


def test_rows_of_counted_things_are_of_one_height() -> None:
    plan = plan_of("three cats in the top row and two dogs in the bottom row")
    assert [region.box.height for region in plan.layers()] == pytest.approx([0.5] * 5)


@pytest.mark.parametrize(
    ("text", "across"),
    [
        ("two red cars and a blue car in a row", True),
        ("a red star, two blue moons and a green heart in a row", True),
        ("from left to right: two red cars and a blue car", True),
        ("two red cars and a blue car in a column", False),
    ],
)
def test_counted_things_stand_in_the_line_of_all(text: str, across: bool) -> None:
    boxes = [region.box for region in plan_of(text).layers()]
    starts = [box.x0 if across else box.y0 for box in boxes]
    assert starts == sorted(set(starts))
    assert all((box.height if across else box.width) == pytest.approx(1) for box in boxes)
    assert all(box.area == pytest.approx(1 / len(boxes)) for box in boxes)


SHAPES = {
    "five apples in a row": (1, 5),
    "a row of five apples": (1, 5),
    "six apples lined up": (1, 6),
    "a stack of three books": (3, 1),
    "stack of three books": (3, 1),
    "four pencils in a column": (4, 1),
    "a 2x3 grid of mugs": (2, 3),
    "two rows of four chairs": (2, 4),
}


@pytest.mark.parametrize("text", SHAPES)
def test_rows_columns_and_grids_of_one_kind(text: str) -> None:
    rows, columns = SHAPES[text]
    made, wanted = [region.box for region in plan_of(text).regions], grid(rows, columns)
    assert len(made) == len(wanted)
    assert all(a.iou(b) > 0.999 for a, b in zip(made, wanted, strict=True))


def test_two_directions_at_once() -> None:
    plan = plan_of("a star above and to the left of a circle")
    assert stands(only(plan, "star"), "left", only(plan, "circle"))
    assert stands(only(plan, "star"), "above", only(plan, "circle"))


def test_foreground_and_background() -> None:
    plan = plan_of("a dog in the foreground and mountains in the background")
    assert only(plan, "mountains").z < only(plan, "dog").z
    assert only(plan, "mountains").box.area > only(plan, "dog").box.area


@pytest.mark.parametrize("near", ["next to", "near", "beside"])
def test_what_has_two_neighbours_stands_between_them(near: str) -> None:
    plan = plan_of(f"a crisp apple {near} a rough stone and a silky ribbon")
    assert stands(only(plan, "apple"), "beside", only(plan, "stone"))
    assert stands(only(plan, "apple"), "beside", only(plan, "ribbon"))


def test_what_hangs_on_a_wall_is_before_it() -> None:
    plan = plan_of("a round clock on a wooden wall")
    assert stands(only(plan, "clock"), "inside", only(plan, "wall"))


@pytest.mark.parametrize(
    ("prompt", "left", "middle", "right"),
    [
        ("a plate with a fork to its left and a knife to its right", "fork", "plate", "knife"),
        ("a cat with a dog on its left and a bird on its right", "dog", "cat", "bird"),
        ("a bed with a lamp to the left and a chair to the right", "lamp", "bed", "chair"),
    ],
)
def test_its_means_the_owner_s(prompt: str, left: str, middle: str, right: str) -> None:
    plan = plan_of(prompt)
    assert stands(only(plan, left), "left", only(plan, middle))
    assert stands(only(plan, middle), "left", only(plan, right))


def test_it_means_the_owner_after_and_too() -> None:
    plan = plan_of("a car with a bicycle in front of it and a tree behind it")
    assert stands(only(plan, "bicycle"), "front", only(plan, "car"))
    assert stands(only(plan, "tree"), "behind", only(plan, "car"))


def test_in_front_inside_of_something_in_front() -> None:
    plan = plan_of("a vase inside a lamp. The lamp is in front of a book.")
    assert only(plan, "vase").z >= only(plan, "lamp").z > only(plan, "book").z


@pytest.mark.parametrize(
    ("prompt", "front", "inner"),
    [
        ("a dog in front of a girl holding a balloon", "a dog", "a balloon"),
        ("a fox in front of a dog in front of a child inside a tent", "a dog", "a child"),
        ("a huge fox in front of a dog in front of a child in a tent in a bag", "a dog", "a child"),
    ],
)
def test_what_is_inside_shows_behind_what_stands_before_it(
    prompt: str, front: str, inner: str
) -> None:
    boxes = {region.prompt: region.box for region in plan_of(prompt).layers()}
    cover, hidden = boxes[front], boxes[inner]
    common = cover.intersection(hidden)
    assert common is not None and common.area < 0.8 * hidden.area


def test_groups_keep_relations_each_to_each() -> None:
    plan = plan_of("three dogs to the left of two cats")
    dogs = [region for region in plan.layers() if "dog" in region.prompt]
    cats = [region for region in plan.layers() if "cat" in region.prompt]
    assert (len(dogs), len(cats)) == (3, 2)
    assert all(stands(dog, "left", cat) for dog in dogs for cat in cats)
