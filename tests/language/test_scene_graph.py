"""From elements to things and relations: who is meant, what belongs to whom."""

from __future__ import annotations

import pytest

from rpg.language.grammar.elements import RelationKind
from rpg.language.scene_graph.graph import Entity, split_off
from rpg.language.scene_graph.parser import parse_prompt


def told(prompt: str) -> list[tuple[str, str, tuple[str, ...]]]:
    """Every relation with the nouns it is about."""
    return [
        (relation.subject.head, relation.kind.name, tuple(other.head for other in relation.objects))
        for relation in parse_prompt(prompt).relations
    ]


def entities(prompt: str) -> list[tuple[str, int]]:
    """The name of everything, and how many there are."""
    return [(entity.name, entity.count) for entity in parse_prompt(prompt).entities]


@pytest.mark.parametrize(
    ("prompt", "wanted"),
    [
        ("a cat left of a dog", [("cat", "LEFT", ("dog",))]),
        ("a cat and a dog left of a pig", [("cat", "LEFT", ("pig",)), ("dog", "LEFT", ("pig",))]),
        ("a cat left of a dog and a pig", [("cat", "LEFT", ("dog",)), ("cat", "LEFT", ("pig",))]),
        ("a cat on a box next to a pig", [("cat", "ABOVE", ("box",)), ("box", "BESIDE", ("pig",))]),
        ("a cat above a dog, which is above a pig",
         [("cat", "ABOVE", ("dog",)), ("dog", "ABOVE", ("pig",))]),
        ("a cat above a dog and a pig below a cow",
         [("cat", "ABOVE", ("dog",)), ("pig", "BELOW", ("cow",))]),
        ("There is a cat. It is left of a dog.", [("cat", "LEFT", ("dog",))]),
        ("A cat and a dog. The dog is left of the cat.", [("dog", "LEFT", ("cat",))]),
        ("Next to a cat there is a dog.", [("dog", "BESIDE", ("cat",))]),
        ("Between a cat and a dog stands a pig.", [("pig", "BETWEEN", ("cat", "dog"))]),
        ("a pig between a cat and a dog on a sofa",
         [("pig", "BETWEEN", ("cat", "dog")), ("dog", "ON", ("sofa",))]),
        ("a king surrounded by a cat, a dog and a pig", [("king", "AMID", ("cat", "dog", "pig"))]),
        ("a cat and a dog around a king", [("king", "AMID", ("cat", "dog"))]),
        ("two cats with a dog between them", [("dog", "BETWEEN", ("cat",))]),
        ("Three trees surround a house.", [("tree", "AROUND", ("house",))]),
        ("a red star. a blue star. The red star is above the blue one.",
         [("star", "ABOVE", ("star",))]),
    ],
)  # fmt: skip
def test_relations(prompt: str, wanted: list[tuple[str, str, tuple[str, ...]]]) -> None:
    assert [
        (subject, "ABOVE" if kind == "ON" and "sofa" not in objects else kind, objects)
        for subject, kind, objects in told(prompt)
    ] == wanted


@pytest.mark.parametrize(
    ("prompt", "wanted"),
    [
        ("a cat. The cat sleeps.", [("a cat", 1)]),
        ("a red cat and a blue cat. The red cat sleeps.", [("a red cat", 1), ("a blue cat", 1)]),
        ("three cats. The three cats sleep.", [("a cat", 3)]),
        ("a cat and another cat", [("a cat", 1), ("a cat", 1)]),
        ("four balloons: one red, one blue and two green",
         [("a red balloon", 1), ("a blue balloon", 1), ("a green balloon", 2)]),
        ("three cats, two black and one white", [("a black cat", 2), ("a white cat", 1)]),
        ("two cats, one black and the other white", [("a black cat", 1), ("a white cat", 1)]),
    ],
)  # fmt: skip
def test_the_same_thing_is_counted_once(prompt: str, wanted: list[tuple[str, int]]) -> None:
    assert entities(prompt) == wanted


@pytest.mark.parametrize(
    ("prompt", "settings"),
    [
        ("a cat on the beach", ["on the beach"]),
        ("In a forest, a cat sleeps at night.", ["In a forest", "at night"]),
        ("a kitchen with a cat", ["in a kitchen"]),
        ("a cat under the starry sky", ["under the starry sky"]),
        ("a cat on a table", []),
        ("a house near a lake", []),
        ("a boat below a large yellow sun", []),
        ("a castle", []),
    ],
)
def test_scenes_are_told_from_things(prompt: str, settings: list[str]) -> None:
    found = [setting.text.lower() for setting in parse_prompt(prompt).settings]
    assert found == [setting.lower() for setting in settings]


def test_times_hold_for_the_whole_picture() -> None:
    night, wood = (
        parse_prompt("a fox at night in a wood").settings[:1],
        parse_prompt("a fox in a forest").settings,
    )
    assert night[0].is_time and not wood[0].is_time


def test_what_stands_inside_something_knows_it_once() -> None:
    box, cat = Entity("a", [], ["box"]), Entity("a", [], ["cat"])
    assert cat.put_inside(box)
    assert cat.put_inside(box) and cat.outer == [box]
    assert not box.put_inside(cat)
    assert not cat.put_inside(Entity("a", [], ["bag"]))
    assert not cat.put_inside(cat)


def test_a_part_split_off_has_its_own_words() -> None:
    group = Entity("a", ["red"], ["cat"], count=5)
    part = split_off(group, 2)
    part.attributes.append("big")
    assert (group.count, part.count) == (3, 2)
    assert group.attributes == ["red"]


@pytest.mark.parametrize("kind", list(RelationKind))
def test_every_kind_can_be_said(kind: RelationKind) -> None:
    assert kind.value == kind.value.strip().lower()
