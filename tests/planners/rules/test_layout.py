"""From constraints to boxes: ranks, rows, shares of a side, sizes."""

from __future__ import annotations

import math
from itertools import combinations, pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rpg.language.grammar.elements import RelationKind
from rpg.language.scene_graph.graph import Entity
from rpg.planners.rules.layout.blocks import Depth, Flat, One, Ring, Rows
from rpg.planners.rules.layout.lattice import broken
from rpg.planners.rules.layout.normal import Constraints, Pair
from rpg.planners.rules.layout.packing import best_rows
from rpg.planners.rules.layout.ranks import Ranks
from rpg.planners.rules.layout.solver import PlacedEntity, lay_out
from rpg.planners.rules.layout.splits import compositions, cut, even_splits, shares, split_rows
from rpg.plans.geometry import FULL, Box
from tests.planners.rules.helpers import only, plan_of

SIZES = {"tiny": 0.4, "small": 0.6, "": 1.0, "big": 1.6, "huge": 2.4}
NAMES = ("cat", "dog", "lamp", "chair", "book", "vase")


def entity(name: str, size: float = 1.0) -> Entity:
    return Entity("a", [], [name], size=size)


def tile(boxes: list[Box], whole: Box = FULL) -> bool:
    """Whether the boxes fill the whole without gaps or overlaps."""
    apart = all(a.intersection(b) is None for a, b in combinations(boxes, 2))
    inside = all(box.intersection(whole) == box for box in boxes)
    return apart and inside and math.isclose(sum(box.area for box in boxes), whole.area)


# Ranks --------------------------------------------------------------------------------------------

edges = st.lists(st.tuples(st.integers(0, 7), st.integers(0, 7)), max_size=20)


@given(edges)
def test_ranks_keep_every_order_they_accept(wanted: list[tuple[int, int]]) -> None:
    ranks = Ranks(8)
    kept = [(a, b) for a, b in wanted if ranks.before(a, b)]
    values = ranks.values()
    assert all(values[a] < values[b] for a, b in kept)
    assert all(ranks.must_follow(b, a) for a, b in kept)


@given(edges, edges)
def test_levels_never_break_an_order(
    orders: list[tuple[int, int]], levels: list[tuple[int, int]]
) -> None:
    ranks = Ranks(8)
    kept = [(a, b) for a, b in orders if ranks.before(a, b)]
    level = [(a, b) for a, b in levels if ranks.level(a, b)]
    values = ranks.values()
    assert all(values[a] < values[b] for a, b in kept)
    assert all(values[a] == values[b] for a, b in level)


def test_a_circle_is_refused() -> None:
    ranks = Ranks(3)
    assert ranks.before(0, 1) and ranks.before(1, 2)
    assert not ranks.before(2, 0)
    assert not ranks.level(0, 2)


# Splits -------------------------------------------------------------------------------------------


@given(st.integers(1, 64), st.floats(0.1, 10))
def test_rows_hold_all(count: int, aspect: float) -> None:
    split = split_rows(count, aspect)
    assert sum(split) == count and min(split) >= 1
    assert max(split) - min(split) <= 1
    assert cut(range(count), split)[0][0] == 0
    assert [item for row in cut(range(count), split) for item in row] == list(range(count))


@pytest.mark.parametrize(
    ("count", "aspect", "split"),
    [(1, 1, (1,)), (2, 1, (2,)), (4, 1, (2, 2)), (9, 1, (3, 3, 3)), (12, 1, (4, 4, 4)),
     (4, 4, (4,)), (4, 0.25, (1, 1, 1, 1)), (6, 0.7, (2, 2, 2)), (6, 1.5, (3, 3))],
)  # fmt: skip
def test_rows_are_as_square_as_can_be(count: int, aspect: float, split: tuple[int, ...]) -> None:
    assert split_rows(count, aspect) == split


def test_all_ways_to_make_rows() -> None:
    assert set(compositions(3)) == {(3,), (1, 2), (2, 1), (1, 1, 1)}
    assert set(even_splits(3)) == {(3,), (1, 2), (2, 1), (1, 1, 1)}
    assert (1, 3) not in set(even_splits(4))


@given(st.lists(st.floats(0.01, 100), min_size=1, max_size=20))
def test_shares_fill_a_side_and_none_is_a_sliver(weights: list[float]) -> None:
    spans = shares(weights)
    assert spans[0][0] == 0 and spans[-1][1] == 1
    assert all(end == start for (_, end), (start, _) in pairwise(spans))
    assert min(end - start for start, end in spans) > 0.17 / len(weights)


# Blocks -------------------------------------------------------------------------------------------

sizes = st.lists(st.sampled_from(sorted(SIZES.values())), min_size=1, max_size=12)


@given(sizes, st.floats(0.2, 1), st.floats(0.2, 1))
def test_what_has_no_relation_tiles_its_box(
    areas: list[float], width: float, height: float
) -> None:
    box = Box(0, 0, width, height)
    parts = [One(entity("cat", size)) for size in areas]
    for block in (Flat(tuple(parts)), Rows((tuple(parts),)), best_rows(parts)):
        assert tile([placed.box for placed in block.place(box)], box)


@given(sizes.filter(lambda areas: len(areas) > 1), st.sampled_from(sorted(SIZES.values())))
def test_a_ring_tiles_the_canvas_around_its_middle(areas: list[float], middle: float) -> None:
    inner = entity("king", middle)
    ring = Ring(One(inner), tuple(One(entity("knight", size)) for size in areas))
    placed = list(ring.place(FULL))
    assert tile([cell.box for cell in placed])
    (king,) = [cell.box for cell in placed if cell.entity is inner]
    if len(set(areas)) == 1 and len(areas) != 3:  # nobody stands below, of three
        assert king.contains(0.5, 0.5)


@pytest.mark.parametrize("layers", [2, 3, 4])
def test_every_layer_covers_a_part_of_those_behind(layers: int) -> None:
    depth = Depth(tuple((One(entity(f"t{i}")),) for i in range(layers)))
    placed = list(depth.place(FULL))
    assert [cell.z for cell in placed] == list(range(layers))
    for behind, before in combinations(placed, 2):
        common = behind.box.intersection(before.box)
        assert common is not None and common.area < behind.box.area


# Sizes --------------------------------------------------------------------------------------------

sized = st.lists(st.sampled_from(sorted(SIZES)), min_size=2, max_size=4)


@given(sized)
def test_areas_follow_the_sizes_asked_for(words: list[str]) -> None:
    names = [f"{word} {name}".strip() for word, name in zip(words, NAMES, strict=False)]
    plan = plan_of(", ".join(f"a {name}" for name in names))
    areas = [only(plan, f"a {name}").box.area for name in names]
    for (word, area), (other, room) in combinations(zip(words, areas, strict=True), 2):
        if SIZES[word] != SIZES[other]:
            assert (SIZES[word] < SIZES[other]) == (area < room)
        else:
            assert 0.49 < area / room < 2.01  # a short row's are wider


@pytest.mark.parametrize(
    "text",
    [
        "a {big} cat and a {small} dog",
        "a {big} cat left of a {small} dog",
        "a {small} dog under a {big} cat",
        "a {big} cat on the left and a {small} dog on the right",
        "a {small} dog inside a {big} cat",
        "The {big} cat is next to the {small} dog.",
        "a cat next to a dog. The cat is {big}. The dog is {small}.",
    ],
)
@pytest.mark.parametrize(
    ("big", "small"), [("big", "small"), ("large", "little"), ("huge", ""), ("giant", "tiny")]
)
def test_what_is_big_gets_more_room(text: str, big: str, small: str) -> None:
    if not small and "is {small}" in text:
        text = text.removesuffix(" The dog is {small}.")
    plan = plan_of(text.format(big=big, small=small).replace("  ", " "))
    assert only(plan, "cat").box.area > 1.2 * only(plan, "dog").box.area


def test_what_is_in_front_covers_more_the_bigger_it_is() -> None:
    areas = [
        only(plan_of(f"a {size} car in front of a house"), "car").box.area
        for size in ("tiny", "", "huge")
    ]
    assert areas == sorted(areas) and len(set(areas)) == 3


def test_ordinary_things_get_equal_room() -> None:
    boxes = [region.box for region in plan_of("four cats").regions]
    assert {round(box.area, 9) for box in boxes} == {0.25}


# Constraints --------------------------------------------------------------------------------------

KINDS = (RelationKind.LEFT, RelationKind.ABOVE, RelationKind.BESIDE, RelationKind.FRONT)


@st.composite
def trees(draw: st.DrawFn) -> tuple[list[Entity], list[Pair]]:
    """Things, each but the first related to one before it: never a contradiction."""
    entities = [
        entity(f"t{i}", draw(st.sampled_from((0.6, 1.0, 1.6))))
        for i in range(draw(st.integers(2, 7)))
    ]
    pairs = []
    for at, one in enumerate(entities[1:], start=1):
        other = entities[draw(st.integers(0, at - 1))]
        ends = (one, other) if draw(st.booleans()) else (other, one)
        pairs.append(Pair(draw(st.sampled_from(KINDS)), *ends))
    return entities, pairs


def flat(spots: tuple[PlacedEntity, ...]) -> list[PlacedEntity]:
    return [found for spot in spots for found in (spot, *flat(spot.inside))]


@given(trees())
def test_relations_without_contradiction_all_hold(made: tuple[list[Entity], list[Pair]]) -> None:
    entities, pairs = made
    spots = {id(spot.entity): spot for spot in flat(lay_out(entities, Constraints(list(pairs))))}
    assert len(spots) == len(entities)
    for pair in pairs:
        a, b = spots[id(pair.first)], spots[id(pair.second)]
        if pair.kind is RelationKind.LEFT:
            assert a.box.center[0] < b.box.center[0]
        elif pair.kind is RelationKind.ABOVE:
            assert a.box.center[1] < b.box.center[1]
        elif pair.kind is RelationKind.FRONT:
            assert a.z > b.z and a.box.intersection(b.box) is not None


@given(st.lists(st.tuples(st.integers(0, 4), st.integers(0, 4)), min_size=1, max_size=12))
def test_what_contradicts_gives_way_and_the_first_said_holds(wanted: list[tuple[int, int]]) -> None:
    entities = [entity(f"t{i}") for i in range(5)]
    pairs = [Pair(RelationKind.LEFT, entities[a], entities[b]) for a, b in wanted if a != b]
    spots = lay_out(entities, Constraints(pairs))
    centres = {id(spot.entity): spot.box.center[0] for spot in spots}
    if pairs:
        assert centres[id(pairs[0].first)] < centres[id(pairs[0].second)]
    assert tile([spot.box for spot in spots]) or len({spot.box for spot in spots}) == 5


def test_broken_counts_the_pairs_that_do_not_hold() -> None:
    a, b = entity("a"), entity("b")
    row = Rows(((One(a), One(b)),))
    assert broken(row, [Pair(RelationKind.LEFT, a, b)]) == 0
    assert broken(row, [Pair(RelationKind.LEFT, b, a), Pair(RelationKind.ABOVE, a, b)]) == 2
