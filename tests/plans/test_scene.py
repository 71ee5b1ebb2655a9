"""Scenes: what they refuse, and what goes with what."""

from __future__ import annotations

from typing import Any

import pytest

from rpg.errors import PlanError
from rpg.plans.scene import Relation, Scene, Thing, joined


def thing(name: str, owner: str = "", **words: Any) -> Thing:
    return Thing(id=name, name=name, owner=owner, **words)


@pytest.mark.parametrize(
    ("words", "says"),
    [
        ({"things": (thing("a"), thing("a"))}, "two things have the id 'a'"),
        ({"things": (thing("a", "b"),)}, "thing 'a' belongs to 'b', which is none"),
        ({"things": (thing("a", "b"), thing("b", "a"))}, "belongs to itself"),
        (
            {"relations": (Relation(subject="a", kind="above", objects=("b",)),)},
            "a relation 'above' names 'a', which is none",
        ),
        ({"absent": ("",)}, "absent"),
    ],
)
def test_a_scene_that_contradicts_itself_is_refused(words: dict[str, Any], says: str) -> None:
    with pytest.raises(PlanError) as caught:
        Scene(**words)
    assert says in str(caught.value) and "\n" not in str(caught.value)


@pytest.mark.parametrize(
    "words", [{"count": 0}, {"count": -1}, {"count": True}, {"name": ""}, {"attributes": ("",)}]
)
def test_a_thing_that_is_nothing_is_refused(words: dict[str, Any]) -> None:
    with pytest.raises(PlanError, match="thing 'a'"):
        Thing(**{"id": "a", "name": "cat", **words})


def test_what_belongs_to_a_thing_goes_with_it() -> None:
    things = (thing("girl"), thing("hat", "girl"), thing("feather", "hat"), thing("dog"))
    beside = Relation(subject="dog", kind="beside", objects=("girl",))
    on = Relation(subject="feather", kind="on", objects=("hat",))
    scene = Scene(things=things, relations=(beside, on))
    assert [one.id for one in scene.owned_by("girl")] == ["hat", "feather"]
    assert [one.id for one in scene.without(["girl"]).things] == ["dog"]
    assert scene.without(["girl"]).relations == ()
    kept = scene.without(["girl"], keep=["hat"])
    assert [(one.id, one.owner) for one in kept.things] == [("hat", ""), ("dog", "")]
    assert scene.without(["dog"]).relations == (on,)


@pytest.mark.parametrize(
    ("parts", "text"),
    [
        (("a red star", "at night", "oil painting"), "a red star at night, oil painting"),
        (("a red star.", "dark forest", ""), "a red star, dark forest"),
        (("a red star at night", "at night", "ink"), "a red star at night, ink"),
        (("A star At Night, ink", "at night.", "Ink"), "A star At Night, ink"),
        (("the inkwell", "ink"), "the inkwell, ink"),
        (("", "in the snow", "ink"), "in the snow, ink"),
        (("", "", ""), ""),
        (("blurry", " "), "blurry"),
    ],
)
def test_texts_are_joined_once_each(parts: tuple[str, ...], text: str) -> None:
    assert joined(*parts) == text
