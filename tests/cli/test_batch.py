"""`rpg batch`: what it writes, what it says, how it ends; alone and in several processes."""

from __future__ import annotations

import json
import os
import signal
from pathlib import Path
from typing import Any

import pytest

from rpg import metadata
from rpg.batch import entries
from rpg.batch.events import BatchEvent, PictureDrawn
from rpg.cli.batch_views import Told
from tests.cli import helpers
from tests.cli.helpers import PROMPT, rpg
from tests.processes import python, two_processes

ROWS: list[dict[str, Any]] = [
    {"prompt": PROMPT},
    {"prompt": "a green circle", "seed": 5, "name": "circle"},
    {"prompt": "a tree", "num_images_per_prompt": 2},
]
NAMES = 4


@pytest.fixture(autouse=True)
def _rows(_elsewhere: None) -> None:
    write(*ROWS)


def write(*rows: dict[str, Any] | str) -> None:
    lines = [one if isinstance(one, str) else json.dumps(one) for one in rows]
    Path("rows.jsonl").write_text("\n".join(lines))


def batch(*arguments: str | Path, code: int = 0) -> Any:
    return rpg("batch", "rows.jsonl", *arguments, code=code)


def told(*arguments: str | Path, code: int = 0) -> Any:
    return helpers.told("batch", "rows.jsonl", *arguments, code=code)


def pictures(folder: str) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in Path(folder).glob("*.png")}


def test_a_batch_and_the_same_again() -> None:
    assert batch().stdout == "rows: 4 drawn, 0 there before, 0 failed, 0 left, 0 bad rows\n"
    before = pictures("rows")
    assert "circle.png" in before
    assert metadata.read("rows/circle.png").model == "little"
    assert metadata.read("rows/circle.png").settings.seed == 5
    again = told()
    assert (again["drawn"], again["there_before"], again["problems"]) == (0, NAMES, None)
    assert pictures("rows") == before
    assert sorted(path.suffix for path in Path("rows").iterdir()) == [".jsonl"] + [".png"] * NAMES


def test_flags_are_for_rows_that_say_nothing() -> None:
    batch("--seed", "9", "--steps", "1", "--size", "40x24", "--scale", "1", "-o", "out")
    records = [one.record for one in entries(Path("out")) if one is not None]
    assert sorted(one.settings.seed or 0 for one in records) == [5, 9, 9, 10]
    assert {(one.settings.width, one.settings.num_inference_steps) for one in records} == {(40, 1)}


def test_a_preset_is_for_what_neither_rows_nor_flags_say() -> None:
    write({"prompt": "a red star"}, {"prompt": "a blue moon", "num_inference_steps": 3})
    batch("--preset", "fast", "--scheduler", "ddim", "-o", "out")
    records = [one.record for one in entries(Path("out")) if one is not None]
    assert sorted(one.settings.num_inference_steps or 0 for one in records) == [1, 3]
    assert {one.settings.scheduler for one in records} == {"ddim"}


def test_other_flags_draw_other_pictures_beside_the_first() -> None:
    write(*ROWS[::2])
    batch()
    assert told("--steps", "3")["drawn"] == 3
    assert len(pictures("rows")) == 6


def test_bad_rows_are_listed_and_the_exit_code_says_so() -> None:
    write("nonsense", ROWS[1], {"prompt": ""}, {"prompt": "a", "num_inference_steps": 0}, ROWS[1])
    result = batch(code=2)
    assert "1 drawn, 0 there before, 0 failed, 0 left, 3 bad rows" in result.stdout
    for line in ("line 1: is no JSON", "line 3: the prompt is empty", "line 4: num_inference_st"):
        assert line in result.stderr
    assert "line 5 asks for a picture of line 2 again: drawn once" in result.stderr
    problems = [json.loads(line) for line in Path("rows/problems.jsonl").read_text().splitlines()]
    assert [one["line"] for one in problems] == [1, 3, 4]
    assert told(code=2)["bad_rows"] == 3
    write(*ROWS)
    batch()
    assert not Path("rows/problems.jsonl").exists()


def test_a_row_that_cannot_be_drawn_gives_another_code() -> None:
    write("nonsense", {"prompt": "a tree", "clip_skip": 12}, ROWS[1])
    found = told("--retry", "1", code=1)
    assert (found["drawn"], found["failed"], found["bad_rows"]) == (1, 1, 1)
    problems = [json.loads(line) for line in Path("rows/problems.jsonl").read_text().splitlines()]
    assert [(one["line"], one["error"]) for one in problems] == [
        (1, "PromptError"),
        (2, "SettingsError"),
    ]
    assert problems[1]["file"].startswith("a-tree-")


def test_a_limit_leaves_the_rest() -> None:
    first = told("--limit", "3", "--batch-size", "2")
    assert (first["drawn"], first["left"]) == (3, 1)
    assert told("--batch-size", "2")["drawn"] == 1


def test_a_dry_run_says_what_and_writes_nothing() -> None:
    write("nonsense", *ROWS)
    result = batch("--dry-run", code=2)
    assert "line 3: circle.png, seed 5, 1 regions: a green circle" in result.stdout
    assert len(told("--dry-run", code=2)["would_draw"]) == NAMES
    assert not Path("rows").exists()


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (["--shard", "3/2"], "expected I/N"),
        (["--size", "big"], "--size"),
        (["--steps", "0"], "num_inference_steps"),
        (["--lora", "{}"], "--lora"),
        (["-o", "rows.jsonl"], "cannot write"),
    ],
)
def test_what_cannot_be_is_one_line(arguments: list[str], says: str) -> None:
    result = batch(*arguments, code=1 if says == "cannot write" else 2)
    (line,) = result.stderr.strip().splitlines()
    assert line.startswith("error: ") and says in line


def test_ctrl_c_ends_soon_and_says_how_to_go_on(monkeypatch: pytest.MonkeyPatch) -> None:
    hear = Told.hear

    def interrupted(self: Told, event: BatchEvent) -> None:
        hear(self, event)
        if isinstance(event, PictureDrawn):
            os.kill(os.getpid(), signal.SIGINT)

    # What runs in the background is born deaf to it.
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    try:
        with monkeypatch.context() as patch:
            patch.setattr(Told, "hear", interrupted)
            result = batch(code=130)
    finally:
        signal.signal(signal.SIGINT, before)
    assert "stopped; the same command goes on from here" in result.stderr
    assert "1 drawn, 0 there before, 0 failed, 3 left" in result.stdout
    assert told()["drawn"] == 3


def test_shards_by_hand_make_the_whole() -> None:
    batch("-o", "whole")
    parts = [told("--shard", f"{i}/2", "-o", "parts") for i in (1, 2)]
    assert [one["shard"] for one in parts] == [[1, 2], [2, 2]]
    assert sum(one["drawn"] for one in parts) == NAMES
    assert pictures("parts") == pictures("whole")
    assert told("-o", "parts")["there_before"] == NAMES


def test_accelerate_shares_a_batch_between_processes() -> None:
    """On loopback. One process has bad rows to tell of, and waits for the other with that."""
    write("nonsense", *ROWS)
    # In a process of its own as well: what tests before left in this one shows in the last bits.
    alone = python("-m", "rpg", "batch", "rows.jsonl", "-o", "whole")
    assert alone.returncode == 2, alone.stderr
    done = two_processes("-m", "rpg", "batch", "rows.jsonl", "-o", "shared", "--json")
    assert done.returncode != 0
    assert "exitcode  : 2" in done.stderr
    summaries = [json.loads(line) for line in done.stdout.splitlines() if line.startswith("{")]
    assert sorted(one["shard"] for one in summaries) == [[1, 2], [2, 2]]
    assert all(one["drawn"] for one in summaries)
    assert pictures("shared") == pictures("whole")
    ids = [one.id for one in entries(Path("shared")) if one is not None]
    assert len(ids) == len(set(ids)) == NAMES
    assert {path.name for path in Path("shared").glob("*.jsonl")} == {
        "manifest-1-of-2.jsonl",
        "manifest-2-of-2.jsonl",
        "problems-1-of-2.jsonl",
    }
