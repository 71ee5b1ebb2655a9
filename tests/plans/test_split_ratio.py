"""Split ratios: what every form means, what is refused where, and the way back."""

from __future__ import annotations

import itertools
import math
import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rpg.errors import LayoutError
from rpg.plans.geometry import FULL, Box, grid, rows_of
from rpg.plans.split_ratio import MIN_SHARE, format_split_ratio, parse_split_ratio

NUMBERS = st.integers(1, 20)
ROWS = st.lists(st.tuples(NUMBERS, st.lists(NUMBERS, min_size=1, max_size=6)), max_size=6).filter(
    lambda rows: len(rows) > 1
)
EDGES = (0.0, 0.5, 1.0)


def cells(*edges: float) -> tuple[Box, ...]:
    """Columns between the edges."""
    return tuple(Box(x0, 0, x1, 1) for x0, x1 in itertools.pairwise(edges))


def close(one: Box, other: Box, tolerance: float = 1e-6) -> bool:
    return all(
        abs(getattr(one, edge) - getattr(other, edge)) <= tolerance
        for edge in ("x0", "y0", "x1", "y1")
    )


@pytest.mark.parametrize(
    ("ratio", "boxes"),
    [
        ("1", (FULL,)),
        ("0.5,0.5", cells(*EDGES)),
        (".5,.5", cells(*EDGES)),
        ("1.,1.", cells(*EDGES)),
        ("1,2,1", cells(0, 0.25, 0.75, 1)),
        ("1;1", (Box(0, 0, 1, 0.5), Box(0, 0.5, 1, 1))),
        ("1,1;1,1", (Box(0, 0, 1, 0.5), Box(0, 0.5, 1, 1))),
        ("1,1,1;1,1,1", grid(2, 2)),
        (
            "1,1,1;2,2,3",  # the paper's own
            (
                Box(0, 0, 0.5, 1 / 3),
                Box(0.5, 0, 1, 1 / 3),
                Box(0, 1 / 3, 0.4, 1),
                Box(0.4, 1 / 3, 1, 1),
            ),
        ),
        (
            "1,1,1;3,2,3",
            (
                Box(0, 0, 0.5, 0.25),
                Box(0.5, 0, 1, 0.25),
                Box(0, 0.25, 0.4, 1),
                Box(0.4, 0.25, 1, 1),
            ),
        ),
        (
            "1;3,1,1",
            (Box(0, 0, 1, 0.25), Box(0, 0.25, 0.5, 1), Box(0.5, 0.25, 1, 1)),
        ),
    ],
)
def test_what_the_forms_mean(ratio: str, boxes: tuple[Box, ...]) -> None:
    assert parse_split_ratio(ratio) == boxes


@pytest.mark.parametrize(
    "spelling",
    [
        "1,1,1; 2,2,3",
        " 1 , 1 , 1 ;2,2,3 ",
        "1,1,1;2,2,3.",
        "1,(1,1); 2,(2,3)",
        "1,1,1;\n2,2,3",
        "1.0,1.0,1.0;2.0,2.0,3.0",
        "\t1,1,1;2,2,3\r\n",
        "(1,1,1);(2,2,3).",
    ],
)
def test_spellings_of_one_ratio_are_one(spelling: str) -> None:
    assert parse_split_ratio(spelling) == parse_split_ratio("1,1,1;2,2,3")


@pytest.mark.parametrize("rows", range(2, 11))
def test_equal_rows_of_two_columns_come_out_equal_at_any_number(rows: int) -> None:
    boxes = parse_split_ratio(";".join(["1,1,1"] * rows))
    assert all(close(one, other) for one, other in zip(boxes, grid(rows, 2), strict=True))


@pytest.mark.parametrize(
    ("ratio", "position"),
    [
        ("", 0),
        ("   ", 0),
        (".", 0),
        ("1,0,1", 2),
        ("0", 0),
        ("0.0,1", 0),
        ("1;0,1", 2),
        (";;", 0),
        ("1;;1", 2),
        ("1,1;", 4),
        ("1,,1", 2),
        (",1", 0),
        ("1,1,", 4),
        ("1e309", 0),
        ("1,1e3", 2),
        ("1,inf", 2),
        ("nan,1", 0),
        ("-1,1", 0),
        ("1,+1", 2),
        ("1, x", 3),
        ("1 2,1", 0),
        ("1:2", 0),
        ("1/2,1", 0),
        ("50%,50%", 0),
        ("1,1,1;2,2,3 (two rows)", 10),
        ("one,two", 0),
        ("None", 0),
        ("1,\u0661", 2),  # a digit to Python, not to us
        ("1\uff0c1", 0),
        ("1,2000000000", 2),
        ("1," + "9" * 400, 2),
        ("1,0." + "0" * 400 + "1", 2),
        ("100000,1", 7),
        ("1;1,1,100000", 4),
        ("1" + ",1" * 64, 128),
        ("1" + ",1" * 100_000, 130),
        ("1" + ";1" * 64, 128),
        ("1,1,1;" * 32 + "1", 192),
    ],
)
def test_what_is_no_ratio_is_refused_where_it_stops_being_one(ratio: str, position: int) -> None:
    with pytest.raises(LayoutError, match="split ratio") as caught:
        parse_split_ratio(ratio)
    assert caught.value.position == position
    assert str(position) in str(caught.value)
    assert len(str(caught.value)) < 300


@pytest.mark.parametrize(
    ("ratio", "says"),
    [
        ("1,,1", "expected a number at position 2, found nothing; write"),
        ("1, x y", "expected a number at position 3, found 'x y'; write"),
        ("x" * 99, f"found '{'x' * 20}'; write columns as 1,2,1 and rows as 1,1,1;2,2,3"),
        ("1,0.0", "0.0 at position 2 is not above 0 and at most 1e9"),
        ("9" * 99, f": {'9' * 20} at position 0 is not above 0"),
        ("1,10000", "1 at position 0 leaves its region under 0.01% of the side"),
    ],
)
def test_a_refusal_quotes_what_stands_there(ratio: str, says: str) -> None:
    with pytest.raises(LayoutError, match=re.escape(says)):
        parse_split_ratio(ratio)


def test_the_largest_number_and_the_smallest_share_are_allowed() -> None:
    assert parse_split_ratio("1000000000") == (FULL,)
    assert parse_split_ratio("1,9999") == cells(0, 1e-4, 1)


def test_a_ratio_may_stand_in_other_text() -> None:
    assert parse_split_ratio("ratio 1,3, then more", 6, 9) == cells(0, 0.25, 1)
    with pytest.raises(LayoutError, match="at position 8, found 'x'"):
        parse_split_ratio("ratio 1,x, then more", 6, 9)


def test_a_cap_is_called_a_cap() -> None:
    assert len(parse_split_ratio("1" + ",1" * 63)) == 64
    assert len(parse_split_ratio("1;1" + ",1" * 63)) == 64
    for ratio in ("1" + ",1" * 64, "1" + ",1" * 500, "1;1" + ",1" * 64, "1;1" + ",1" * 500):
        with pytest.raises(LayoutError, match="over 64 regions"):
            parse_split_ratio(ratio)


@given(st.text("0123456789.,;() \n-+exa", max_size=40))
def test_any_text_tiles_the_canvas_or_is_refused_at_a_place_in_it(text: str) -> None:
    try:
        boxes = parse_split_ratio(text)
    except LayoutError as error:
        assert error.position is not None
        assert 0 <= error.position <= len(text)
    else:
        rows_of(boxes)
        assert min(box.height for box in boxes) >= MIN_SHARE * 0.999
        assert math.isclose(sum(box.area for box in boxes), 1)


@given(st.text("19.,;() x", max_size=20), st.text(max_size=20), st.text(max_size=20))
def test_a_ratio_inside_other_text_reads_the_same_with_shifted_positions(
    ratio: str, before: str, after: str
) -> None:
    def outcome(text: str, start: int, end: int | None) -> tuple[object, int]:
        try:
            return parse_split_ratio(text, start, end), 0
        except LayoutError as error:
            assert error.position is not None
            return None, error.position - start

    inside = outcome(before + ratio + after, len(before), len(before) + len(ratio))
    assert inside == outcome(ratio, 0, None)


@given(ROWS)
def test_rows_get_their_shares(rows: list[tuple[int, list[int]]]) -> None:
    ratio = ";".join(",".join(map(str, [height, *widths])) for height, widths in rows)
    found = rows_of(parse_split_ratio(ratio))
    assert [len(row) for row in found] == [len(widths) for _, widths in rows]
    total = sum(height for height, _ in rows)
    for row, (height, widths) in zip(found, rows, strict=True):
        assert row[0].height == pytest.approx(height / total)
        assert [box.width for box in row] == pytest.approx([w / sum(widths) for w in widths])


@given(ROWS, st.randoms(use_true_random=False))
def test_written_ratios_read_back_to_the_same_boxes(
    rows: list[tuple[int, list[int]]], shuffled: object
) -> None:
    ratio = ";".join(",".join(map(str, [height, *widths])) for height, widths in rows)
    boxes = parse_split_ratio(ratio)
    mixed = list(boxes)
    shuffled.shuffle(mixed)  # type: ignore[attr-defined]
    written = format_split_ratio(mixed)
    again = parse_split_ratio(written)
    assert all(close(one, other) for one, other in zip(boxes, again, strict=True))
    assert "." not in written and " " not in written


@given(st.lists(st.floats(0.01, 1), min_size=1, max_size=12))
def test_shares_that_are_no_simple_fractions_survive_too(sizes: list[float]) -> None:
    edges = [edge / math.fsum(sizes) for edge in itertools.accumulate(sizes[:-1])]
    boxes = cells(0.0, *edges, 1.0)
    again = parse_split_ratio(format_split_ratio(boxes))
    assert all(close(one, other) for one, other in zip(boxes, again, strict=True))


@pytest.mark.parametrize(
    "ratio", ["1", "1,2,1", "1,1", "1,1,1;2,2,3", "1,1;1,1", "1,1,1;1,1,1", "1,1;3,1,1"]
)
def test_smallest_whole_numbers_are_written(ratio: str) -> None:
    assert format_split_ratio(parse_split_ratio(ratio)) == ratio


def test_a_row_that_was_only_a_height_is_written_with_its_width() -> None:
    assert format_split_ratio(parse_split_ratio("1;2")) == "1,1;2,1"


@pytest.mark.parametrize(
    ("edges", "ratio"),
    [
        ((0, 0.125, 1), "1,7"),
        ((0, 0.3, 1), "3,7"),
        ((0, 1 / 3, 2 / 3, 1), "1,1,1"),
        ((0, 0.001, 1), "1,999"),
        ((0, 1 / 1024, 1), "0.000976562,0.999023438"),
        ((0, 0.1001, 1), "0.1001,0.8999"),
    ],
)
def test_simple_fractions_are_written_whole_and_others_as_decimals(
    edges: tuple[float, ...], ratio: str
) -> None:
    assert format_split_ratio(cells(*edges)) == ratio


@pytest.mark.parametrize("boxes", [[], [Box(0, 0, 0.5, 1)], [FULL, Box(0, 0, 0.5, 0.5)]])
def test_boxes_that_no_ratio_can_say_are_refused(boxes: list[Box]) -> None:
    with pytest.raises(LayoutError, match="JSON"):
        format_split_ratio(boxes)
