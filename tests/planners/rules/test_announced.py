"""A group that is announced and then told one by one is drawn once."""

from __future__ import annotations

import pytest

from tests.planners.rules.helpers import plan_of, prompts_of

TOLD = {
    "three cars, a red one, a blue one and a green one": ["a red car", "a blue car", "a green car"],
    "two dogs, a brown dog and a white dog": ["a brown dog", "a white dog"],
    "three fruits: a red apple, a yellow banana and a green pear": [
        "a red apple", "a yellow banana", "a green pear",
    ],
    "two people: a man in a red coat and a woman in a blue coat": [
        "a man in a red coat", "a woman in a blue coat",
    ],
    "three balloons, red, blue and green": ["a red balloon", "a blue balloon", "a green balloon"],
    "two pencils: red and blue": ["a red pencil", "a blue pencil"],
    "two birds - a red one and a blue one": ["a red bird", "a blue bird"],
    "four cats: two black cats and two white cats": ["a black cat"] * 2 + ["a white cat"] * 2,
    "two shapes, one red and one blue": ["a red shape", "a blue shape"],
    "two animals, a cat and a dog, next to a tree": ["a cat", "a dog", "a tree"],
    # Each
    "two ducks, each wearing a yellow hat": ["a duck wearing a yellow hat"] * 2,
    "two girls, each holding a red balloon": ["a girl holding a red balloon"] * 2,
    "two dogs each with a blue collar": ["a dog with a blue collar"] * 2,
    "two children, each in a red coat, next to a tree": ["a child in a red coat"] * 2 + ["a tree"],
    # One and the other
    "three men, one in a red shirt, one in a blue shirt and one in a green shirt": [
        "a man in a red shirt", "a man in a blue shirt", "a man in a green shirt",
    ],
    "two women, one is wearing a red dress and the other is wearing a green dress": [
        "a woman wearing a red dress", "a woman wearing a green dress",
    ],
    "two girls, one with red hair and the other with blue hair": [
        "a girl with red hair", "a girl with blue hair",
    ],
    "two boys, one eating an apple, the other taking a photo": [
        "a boy eating an apple", "an apple", "a boy taking a photo",
    ],
    "two cats, one black and the other white, sitting on a sofa": [
        "a black cat sitting", "a white cat sitting", "a sofa",
    ],
}  # fmt: skip
# Lists in which the counted things are neighbours, and looks that one thing has together.
APART = {
    "two girls, a boy and a dog": ["a girl", "a girl", "a boy", "a dog"],
    "two people, a dog and a cat": ["a person", "a person", "a dog", "a cat"],
    "two cats, a dog and a bird": ["a cat", "a cat", "a dog", "a bird"],
    "two cars, red and shiny": ["a red and shiny car"] * 2,
    "three dogs, a brown dog and a white dog": ["a dog"] * 3 + ["a brown dog", "a white dog"],
}


@pytest.mark.parametrize("prompt", TOLD | APART)
def test_each_of_a_group_is_drawn_once(prompt: str) -> None:
    assert sorted(prompts_of(prompt)) == sorted((TOLD | APART)[prompt])


@pytest.mark.parametrize(
    "prompt",
    [
        "three cars, a red one on the left, a blue one in the middle and a green one on the right",
        "three cars in a row: red, blue, and green",
        "three cars in a row: a red car, a blue car and a green car",
        "three cars, one red, one blue and one green in a row",
    ],
)
def test_places_of_the_members(prompt: str) -> None:
    layers = plan_of(prompt).layers()
    assert all(one.box.height == 1 for one in layers)
    assert [one.prompt for one in sorted(layers, key=lambda one: one.box.x0)] == [
        "a red car", "a blue car", "a green car",
    ]  # fmt: skip
