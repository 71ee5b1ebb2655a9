"""What is on, in, with or behind what: as people say it, with pronouns and owners."""

from __future__ import annotations

import pytest

from tests.planners.rules.helpers import plan_of, stands

# A prompt, and how the regions stand, each by its whole subprompt.
SAID: dict[str, list[tuple[str, str, str]]] = {
    # "on it", "in it"
    "a wooden table with a red apple and a green pear on it": [
        ("a red apple", "above", "a wooden table"),
        ("a green pear", "above", "a wooden table"),
        ("a red apple", "left", "a green pear"),
    ],
    "a table with an apple, a pear and a plum on top of it": [
        ("an apple", "above", "a table"),
        ("a pear", "above", "a table"),
        ("a plum", "above", "a table"),
    ],
    "a red chair with a cat on it and a dog under it": [
        ("a cat", "above", "a red chair"),
        ("a dog", "below", "a red chair"),
    ],
    "a basket with a kitten in it": [("a kitten", "inside", "a basket")],
    "a table with a cat sleeping on it": [("a cat sleeping", "above", "a table")],
    "There is a wooden table. On it sits a red vase.": [
        ("a red vase", "above", "a wooden table"),
    ],
    "a red shirt with a white star on it": [("a white star", "inside", "a red shirt")],
    "a horse with a red saddle on it": [("a red saddle", "inside", "a horse")],
    "a horse with a rider on it": [("a rider", "above", "a horse")],
    # What is known already
    "a red ball under a table and a blue ball on the table": [
        ("a blue ball", "above", "a table"),
        ("a red ball", "below", "a table"),
    ],
    "a tree and a bird on the tree": [("a bird", "above", "a tree")],
    "a wooden table and a chair. On the table there is a red vase.": [
        ("a red vase", "above", "a wooden table"),
        ("a wooden table", "left", "a chair"),
    ],
    # Vessels
    "a plate with a red apple": [("a red apple", "inside", "a plate")],
    "a bowl with a lemon and a lime": [
        ("a lemon", "inside", "a bowl"),
        ("a lime", "inside", "a bowl"),
    ],
    "a plate with a fork and a knife next to it": [
        ("a fork", "beside", "a plate"),
        ("a knife", "beside", "a plate"),
    ],
    # Parts of somebody
    "a girl in a yellow dress with a red bow in her hair": [
        ("a red bow", "inside", "a girl in a yellow dress"),
    ],
    "a rabbit with a carrot in its paws next to a turtle with a leaf in its mouth": [
        ("a carrot", "inside", "a rabbit"),
        ("a leaf", "inside", "a turtle"),
        ("a rabbit", "beside", "a turtle"),
        ("a leaf", "above", "a carrot"),
    ],
    "a woman sitting on a blue sofa with a black cat on her lap": [
        ("a black cat", "inside", "a woman sitting"),
        ("a woman sitting", "above", "a blue sofa"),
    ],
    "a girl holding a red kite in her left hand and a blue kite in her right hand": [
        ("a red kite", "inside", "a girl holding a red kite in her left hand"),
        ("a blue kite", "inside", "a girl holding a red kite in her left hand"),
    ],
    "a girl with a ribbon in her hair sitting on a green bench": [
        ("a ribbon", "inside", "a girl sitting"),
        ("a girl sitting", "above", "a green bench"),
    ],
    "a man with his hands in his pockets and a dog": [
        ("a man with his hands in his pockets", "beside", "a dog"),
    ],
    # Behind what acts
    "a dog running with a lighthouse in the background": [
        ("a lighthouse", "behind", "a dog running"),
    ],
    "a cat sitting on a chair in front of a window": [
        ("a cat sitting", "above", "a chair"),
        ("a cat sitting", "front", "a window"),
        ("a chair", "front", "a window"),
    ],
    # He, she and it
    "a king and a queen. She is wearing a green dress and he is wearing a red cloak.": [
        ("a king wearing a red cloak", "left", "a queen wearing a green dress"),
    ],
    "A man stands next to a woman. He is wearing a red hat. She is holding a white cat.": [
        ("a man standing wearing a red hat", "beside", "a woman holding a white cat"),
        ("a white cat", "inside", "a woman holding a white cat"),
    ],
    "A man stands next to a car. It is red.": [("a man standing", "beside", "a red car")],
    # Tags
    "1girl, red hair, blue dress, holding a white rose": [
        ("a white rose", "inside", "a girl with red hair, blue dress holding a white rose"),
    ],
    "a cat, a red hat": [("a cat", "left", "a red hat")],
    # Each other
    "a king and a queen facing each other": [("a king", "beside", "a queen")],
    "a boy and a girl sitting across from one another": [
        ("a boy sitting", "beside", "a girl sitting"),
    ],
}


@pytest.mark.parametrize("prompt", SAID)
def test_what_belongs_together_stands_together(prompt: str) -> None:
    regions = {region.prompt: region for region in plan_of(prompt).layers()}
    assert set(regions) == {name for first, _, second in SAID[prompt] for name in (first, second)}
    for first, where, second in SAID[prompt]:
        if where == "behind" and regions[second].box.area == 1:
            assert regions[first].z < regions[second].z
        else:
            assert stands(regions[first], where, regions[second]), f"{first} {where} {second}"


@pytest.mark.parametrize("said", ["facing each other", "chasing each other", "behind one another"])
def test_each_other_is_nobody_else(said: str) -> None:
    layers = plan_of(f"two dogs {said}").layers()
    assert len(layers) == 2
    assert not any("other" in region.prompt for region in layers)


def test_a_pair_in_one_region_keeps_each_other() -> None:
    (couple,) = plan_of("a couple talking to each other").layers()
    assert couple.prompt == "a couple talking to each other"
