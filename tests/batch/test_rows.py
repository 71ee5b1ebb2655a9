"""Rows: what is read, what is refused, and which picture is which."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rpg.batch import Maker, listing, read
from rpg.batch.pictures import Picture
from rpg.batch.rows import row
from rpg.errors import RPGError, SettingsError
from rpg.settings import GenerationSettings
from tests.batch.helpers import MAKER, listed

PLAN = {
    "prompt": "two",
    "regions": [{"id": "a", "prompt": "a", "box": {"x0": 0, "y0": 0, "x1": 1, "y1": 0.5}}],
}
WORDS = st.text(st.characters(codec="utf-8"), min_size=1, max_size=20).filter(str.strip)
FIELDS = st.fixed_dictionaries(
    {"prompt": st.sampled_from(["a star", "a moon", "两只猫"])},
    optional={
        "seed": st.integers(0, 3),
        "name": st.sampled_from(["one", "two"]),
        "base_prompt": st.just("a sky"),
        "negative_prompt": st.just("grey"),
        "guidance_scale": st.sampled_from([2, 2.0, 3.5]),
        "num_images_per_prompt": st.integers(1, 3),
    },
)


def pictures(*fields: Any, maker: Maker = MAKER) -> list[Picture]:
    rows = [row(line, one, GenerationSettings()) for line, one in enumerate(fields, 1)]
    return list(listing(rows, (), maker).pictures)


@given(st.lists(FIELDS, max_size=8))
def test_every_picture_has_its_own_id_seed_and_file(fields: list[dict[str, Any]]) -> None:
    rows = [row(line, one, GenerationSettings()) for line, one in enumerate(fields, 1)]
    found = listing(rows, (), MAKER)
    assert len({one.id for one in found.pictures}) == len(found.pictures)
    assert len({one.file.lower() for one in found.pictures}) == len(found.pictures)
    unnamed = [(one.group, one.seed) for one in found.pictures if not one.row.name]
    assert len(set(unnamed)) == len(unnamed)
    said = {one.row.line for one in found.pictures} | {one.line for one in found.faults}
    assert said | {line for line, _ in found.repeats} == set(range(1, len(fields) + 1))


@given(st.lists(FIELDS, min_size=1, max_size=6), st.randoms(use_true_random=False))
def test_neither_order_nor_neighbours_change_a_picture(
    fields: list[dict[str, Any]], chance: Any
) -> None:
    named = [{**one, "name": f"row {i}"} for i, one in enumerate(fields)]
    before = {one.file: (one.id, one.seed) for one in pictures(*named)}
    shuffled = [dict(reversed(list(one.items()))) for one in named]
    chance.shuffle(shuffled)
    more = pictures({"prompt": "another"}, *shuffled)
    assert before == {one.file: (one.id, one.seed) for one in more if one.row.name}


@given(FIELDS)
def test_rows_without_seed_and_name_may_move_among_others(fields: dict[str, Any]) -> None:
    alone = pictures(fields)
    behind = pictures({"prompt": "another"}, fields)[1:]
    assert [(one.id, one.seed) for one in alone] == [(one.id, one.seed) for one in behind]


@given(
    st.lists(FIELDS, max_size=4),
    st.sampled_from([{}, {"guidance_scale": 2}, {"num_inference_steps": 3}, {"width": 64}]),
)
def test_rows_alike_in_words_take_no_seed_from_each_other(
    before: list[dict[str, Any]], settings: dict[str, Any]
) -> None:
    own = {"prompt": "a star", "scheduler": "ddim", **settings}
    (alone,), (*_, last) = pictures(own), pictures(*before, own)
    assert (alone.id, alone.seed) == (last.id, last.seed)
    assert alone.seed == pictures({"prompt": "a star"})[0].seed


@pytest.mark.parametrize(
    "change",
    [
        {"prompt": "a blue star"},
        {"base_prompt": "a sky"},
        {"negative_prompt": "grey"},
        {"seed": 4},
        {"num_inference_steps": 3},
        {"scheduler": "ddim"},
        {"plan": PLAN},
        {"name": "star"},
    ],
)
def test_what_changes_the_picture_changes_its_id(change: dict[str, Any]) -> None:
    plain = {"prompt": "a star", "seed": 3}
    assert pictures(plain)[0].id != pictures({**plain, **change})[0].id


@pytest.mark.parametrize(
    "maker", [Maker("other"), Maker("little", "a model"), Maker("little", how="half")]
)
def test_who_draws_changes_the_id_and_never_the_seed(maker: Maker) -> None:
    ours, theirs = pictures({"prompt": "a star"})[0], pictures({"prompt": "a star"}, maker=maker)[0]
    assert ours.id != theirs.id
    assert ours.seed == theirs.seed


def test_a_plan_needs_no_planner_and_its_reasoning_is_not_drawn() -> None:
    one = pictures({"plan": PLAN})[0]
    other = pictures({"plan": {**PLAN, "reasoning": "so"}, "prompt": "two"})[0]
    assert one.id == other.id
    assert one.id == pictures({"plan": PLAN}, maker=Maker("little", "a model"))[0].id


def test_equal_rows_are_pictures_of_their_own_unless_they_say_which() -> None:
    star = {"prompt": "a star"}
    three = pictures(star, star, star)
    assert len({one.seed for one in three}) == 3
    assert [one.id for one in three] == [
        one.id for one in pictures({**star, "num_images_per_prompt": 3})
    ]
    assert len(pictures({**star, "seed": 1}, {**star, "seed": 1})) == 1
    assert len(pictures({**star, "name": "x"}, {**star, "name": "x"})) == 1


def test_repeats_are_told_of(tmp_path: Path) -> None:
    star = {"prompt": "a star", "seed": 1}
    found = listed(tmp_path, [star, {"prompt": "a moon"}, star])
    assert found.repeats == ((3, 1),)


def test_several_pictures_of_a_row_have_seeds_and_names_one_after_the_other() -> None:
    found = pictures({"prompt": "a star", "seed": 7, "name": "x", "num_images_per_prompt": 3})
    assert [(one.seed, one.file) for one in found] == [
        (7, "x-1.png"),
        (8, "x-2.png"),
        (9, "x-3.png"),
    ]
    last = pictures({"prompt": "a star", "seed": 2**63 - 1, "num_images_per_prompt": 2})
    assert [one.seed for one in last] == [2**63 - 1, 0]


def test_a_name_is_given_once(tmp_path: Path) -> None:
    rows: list[dict[str, Any]] = [
        {"prompt": "a", "name": "x", "num_images_per_prompt": 2},
        {"prompt": "b", "name": "X-2"},
        {"prompt": "c", "id": 12},
    ]
    found = listed(tmp_path, rows)
    assert [one.file for one in found.pictures] == ["x-1.png", "x-2.png", "12.png"]
    assert [(one.line, one.text) for one in found.faults] == [
        (2, "the name x-2.png is that of line 1 already")
    ]


@given(WORDS)
def test_no_name_is_a_path(name: str) -> None:
    try:
        found = pictures({"prompt": "a", "name": name})
    except SettingsError:
        return
    path = Path("/root/of/all") / found[0].file
    assert path.resolve().parent == Path("/root/of/all")
    assert found[0].file == f"{name}.png"


@pytest.mark.parametrize(
    "name", ["../x", "a/b", "a\\b", ".x", "CON", "nul.a", "x.", " x", "x\0", 1.5]
)
def test_names_that_are_refused(name: Any) -> None:
    with pytest.raises(SettingsError, match="it is no path"):
        pictures({"prompt": "a", "name": name})


@given(WORDS)
def test_any_prompt_has_a_file(prompt: str) -> None:
    file = pictures({"prompt": prompt})[0].file
    assert file.isascii() and "/" not in file and not file.startswith((".", "-"))


@pytest.mark.parametrize(
    ("line", "says"),
    [
        ("nonsense", "is no JSON: Expecting value at character 1"),
        ("[1]", "is no JSON object"),
        ("[" * 100_000, "nested too deep"),
        ('{"seed": ' + "9" * 5000 + "}", "a number too long"),
        ('{"prompt": " "}', "the prompt is empty"),
        ("{}", "the prompt is empty"),
        ('{"prompt": 3}', "prompt: should be text, not 3"),
        ('{"prompt": "\\ud800"}', "is not UTF-8 text"),
        ('{"prompt": "a \\u0000"}', "holds NUL characters"),
        ('{"plan": {"prompt": "\\\\\\u0000"}}', "holds NUL characters"),
        ('{"prompt": "a", "stesp": 3}', "'stesp' is no field of a row"),
        ('{"prompt": "a", "num_inference_step": 3}', "did you mean num_inference_steps?"),
        (
            '{"prompt": "a", "num_inference_steps": 0}',
            "should be greater than or equal to 1, not 0",
        ),
        ('{"prompt": "a", "guidance_scale": NaN}', "guidance_scale: should be a finite number"),
        ('{"prompt": "a", "seed": true}', "a seed is a whole number"),
        ('{"prompt": "a", "id": "x", "name": "y"}', "id and name mean the same"),
        ('{"plan": "words"}', "plan: Invalid JSON"),
        ('{"plan": 3}', "plan: should be a JSON object"),
        ('{"plan": {"prompt": "a", "regions": [{"id": "x", "prompt": "x"}]}}', "'x' at box"),
        (json.dumps({"prompt": "a" * 8001}), "8,001 characters; shorten it to 8,000"),
        (json.dumps({"prompt": "a", "base_prompt": "a" * 8001}), "plan at base_prompt"),
    ],
)
def test_bad_rows_are_named_by_line_and_the_others_are_read(
    line: str, says: str, tmp_path: Path
) -> None:
    found = listed(tmp_path, [{"prompt": "first"}, "", line, {"prompt": "last"}])
    assert [one.row.prompt for one in found.pictures] == ["first", "last"]
    (fault,) = found.faults
    assert fault.line == 3
    assert says in fault.text
    assert "\n" not in fault.text


def test_a_line_that_is_no_utf8_costs_that_line_alone(tmp_path: Path) -> None:
    file = tmp_path / "rows.txt"
    file.write_bytes(b"\xef\xbb\xbfa star\r\n\xff\xfe\n\na\xe2\x80\xa8moon")
    rows, faults = read(file, GenerationSettings())
    assert [(one.line, one.prompt) for one in rows] == [(1, "a star"), (4, "a\u2028moon")]
    assert [(one.line, one.text) for one in faults] == [(2, "is not UTF-8 text")]


@pytest.mark.parametrize("order", ["utf-16-le", "utf-16-be"])
@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("rows.txt", "a red star\r\n\r\n两只猫\r\n"),
        ("rows.jsonl", '{"prompt": "a red star"}\n\n{"prompt": "两只猫"}\n'),
        ("rows.csv", "prompt,seed\r\na red star,\r\n两只猫,\r\n"),
    ],
)
def test_utf16_is_read_where_its_mark_says_so(
    name: str, text: str, order: str, tmp_path: Path
) -> None:
    file = tmp_path / name
    file.write_bytes(f"\ufeff{text}".encode(order))
    rows, faults = read(file, GenerationSettings())
    assert [(one.line, one.prompt) for one in rows] == [
        (2 if name == "rows.csv" else 1, "a red star"),
        (3, "两只猫"),
    ]
    assert faults == []


def test_half_a_character_of_utf16_costs_its_line_and_half_a_unit_the_file(tmp_path: Path) -> None:
    file = tmp_path / "rows.txt"
    data = "\ufeffa star\na \ud83d\na moon".encode("utf-16-le", "surrogatepass")
    file.write_bytes(data)
    rows, faults = read(file, GenerationSettings())
    assert [one.prompt for one in rows] == ["a star", "a moon"]
    assert [(one.line, one.text) for one in faults] == [(2, "is not UTF-8 text")]
    file.write_bytes(data[:-1])
    with pytest.raises(SettingsError, match=r"rows\.txt: it is UTF-16 text cut short"):
        read(file, GenerationSettings())


def test_nul_characters_cost_their_line_alone(tmp_path: Path) -> None:
    file = tmp_path / "rows.txt"
    file.write_bytes(b"a star\n" + "a sun".encode("utf-16-le") + b"\na \\u0000 moon")
    rows, faults = read(file, GenerationSettings())
    assert [one.prompt for one in rows] == ["a star", r"a \u0000 moon"]
    assert [(one.line, one.text) for one in faults] == [
        (2, "holds NUL characters: is the file UTF-8?")
    ]


def test_csv_says_the_same_as_jsonl(tmp_path: Path) -> None:
    plan = json.dumps(PLAN).replace('"', '""')
    table = tmp_path / "rows.csv"
    table.write_text(
        "prompt,seed,guidance_scale,scheduler,name,plan\r\n"
        '"a star, red",-1,2.5,,007,\r\n'
        f',4,,ddim,,"{plan}"\r\n'
        ",,,,,\r\n"
        "a moon,1,2,euler,x,,too many\r\n"
    )
    rows, faults = read(table, GenerationSettings())
    lines = [
        {"prompt": "a star, red", "seed": -1, "guidance_scale": 2.5, "name": "007"},
        {"seed": 4, "scheduler": "ddim", "plan": PLAN},
    ]
    same = [one.id for one in pictures(*lines)]
    assert [one.id for one in listing(rows, (), MAKER).pictures] == same
    assert [(one.line, one.text) for one in faults] == [(5, "has 7 cells under 6 headings")]


def test_a_torn_csv_is_read_as_far_as_it_goes(tmp_path: Path) -> None:
    table = tmp_path / "rows.csv"
    table.write_text('prompt,name\na star,x\n"a moon,y\n')
    rows, faults = read(table, GenerationSettings())
    assert [one.prompt for one in rows] == ["a star"]
    assert "is no CSV" in faults[0].text


@pytest.mark.parametrize("name", ["rows.png", "rows", "none.jsonl"])
def test_files_that_cannot_be_read(name: str, tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match="rows|none"):
        read(tmp_path / name, GenerationSettings())


@given(st.dictionaries(WORDS, st.none() | st.booleans() | st.integers() | st.floats() | WORDS))
def test_whatever_a_row_holds_it_is_read_or_refused(fields: dict[str, Any]) -> None:
    try:
        found = row(1, {"prompt": "a", **fields}, GenerationSettings())
    except RPGError as error:
        assert str(error)
        return
    assert found.prompt.strip()


def test_wishes_of_the_batch_are_those_of_rows_that_say_nothing(tmp_path: Path) -> None:
    rows: list[dict[str, Any]] = [
        {"prompt": "a"},
        {"prompt": "b", "seed": 5},
        {"prompt": "c", "seed": None},
    ]
    found = listed(tmp_path, rows, seed=9, width=64)
    assert [one.seed for one in found.pictures] == [9, 5, 9]
    assert {one.row.settings.width for one in found.pictures} == {64}
