"""What is read of subprompts without grammar: the scene they end with, the thing they name."""

from __future__ import annotations

import pytest

from rpg.plans.geometry import grid
from rpg.plans.plan import Plan, Region
from rpg.plans.prose import scene_of, thing_in


def plan(*prompts: str, prompt: str = "p", base_prompt: str = "") -> Plan:
    boxes = grid(1, len(prompts)) if prompts else ()
    regions = (
        Region(id=f"r{i}", prompt=words, box=box)
        for i, (words, box) in enumerate(zip(prompts, boxes, strict=True))
    )
    return Plan(prompt=prompt, base_prompt=base_prompt, regions=tuple(regions))


@pytest.mark.parametrize(
    ("prompts", "scene"),
    [
        # what all of several end with, from its first preposition on
        (("a star in the snow", "a moon in the snow"), "in the snow"),
        (("a cat on a mat at night", "a dog at night"), "at night"),
        (("a cat on a mat at night", "a dog on a mat at night"), "on a mat at night"),
        (("a star under the sky.", "a moon  under the\nsky."), "under the sky"),
        (("a cat, at dusk", "a dog, at dusk", "an owl at dusk"), "at dusk"),
        # of one alone, what follows its last preposition
        (("a cat on a mat in the rain",), "in the rain"),
        (("a  cat\nin  the rain.",), "in the rain"),
        (("a cat",), ""),
        # whole words, not letters; then the base prompt's
        (("a cabin", "a cabin"), "by the sea"),
        (("the inn is red", "an inn is red"), "by the sea"),
    ],
)
def test_the_scene_is_what_the_subprompts_end_with(prompts: tuple[str, ...], scene: str) -> None:
    assert scene_of(plan(*prompts, prompt="things by the sea")) == scene


def test_where_subprompts_say_no_scene_the_base_prompt_does() -> None:
    apart = "a star in the snow", "a moon by a lake"
    assert scene_of(plan(*apart, prompt="a star on ice at dawn.")) == "at dawn"
    assert scene_of(plan(*apart, prompt="a star at dawn", base_prompt="an icy lake")) == ""
    assert scene_of(plan(prompt="a star at dawn", base_prompt="ice, near noon")) == "near noon"


def test_containers_and_order_do_not_matter() -> None:
    inner = Region(id="cat", prompt="a cat at sea", box=grid(1, 2)[0])
    room = Region(id="room", prompt="", box=grid(1, 1)[0], children=(inner,))
    dog = Region(id="dog", prompt="a dog at sea", box=grid(1, 2)[1], z=-1)
    assert scene_of(Plan(prompt="p", regions=(room, dog))) == "at sea"


@pytest.mark.parametrize(
    ("prompt", "thing"),
    [
        ("a red star at night", "star"),
        ("a Red STAR, glowing, in a tree", "star"),
        ("two big cats", "cats"),
        ("a cat near a dog by the sea", "cat"),
        ("a tea-pot", "pot"),
        ("in the snow", "in the snow"),  # nothing stands before the preposition
        (", Blue", ", blue"),
        ("a cabin.", "cabin"),  # "in" inside a word is none
    ],
)
def test_the_thing_is_the_last_word_before_a_preposition_or_comma(prompt: str, thing: str) -> None:
    assert thing_in(prompt) == thing
