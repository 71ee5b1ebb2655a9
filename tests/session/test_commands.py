"""`rpg session ...`: what it prints, what it changes, how it fails."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from PIL import Image
from typer.testing import CliRunner

from rpg import metadata
from rpg.cli import app
from rpg.pipeline import RPGPipeline
from rpg.session import Session, Sessions
from tests.pipeline.helpers import HalvesPlanner, called
from tests.session.helpers import SIZE, critique, drawn, edited, picture, same
from tests.tiny import tiny_sdxl

RUNNER = CliRunner()


@pytest.fixture(autouse=True)
def _elsewhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "here").mkdir()
    monkeypatch.chdir(tmp_path / "here")
    monkeypatch.setenv("RPG_SESSIONS", str(tmp_path / "store"))
    monkeypatch.setenv("COLUMNS", "120")


@pytest.fixture
def session() -> Session:
    """1 - 2, and 3 beside 2, where the head is."""
    session = Sessions().create("a [bold]walk")
    drawn(session, 1, None)
    edited(session, 2, 1)
    session.undo()
    drawn(session, 3, 1)
    session.criticise(1, critique(0.2))
    session.criticise(2, critique(1.0))
    return session


def rpg(*arguments: object, code: int = 0, told: str | None = None) -> Any:
    words = ["session", *map(str, arguments)]
    result = RUNNER.invoke(app, words, input=told)
    assert result.exit_code == code, (result.output, result.exception)
    return result


def told(*arguments: object, code: int = 0) -> Any:
    return json.loads(rpg(*arguments, "--json", code=code).stdout)


def test_no_sessions_yet() -> None:
    assert "no sessions in" in rpg("list").stdout
    assert told("list") == []
    assert "no sessions yet" in rpg("show", code=2).stderr
    assert not Sessions().root.exists()


def test_the_list(session: Session) -> None:
    Sessions().create("empty")
    shown = rpg("list").stdout
    assert "a [bold]walk" in shown
    assert shown.index("empty") < shown.index("walk")
    first, second = told("list")
    assert (first["turns"], first["image"]) == (0, None)
    assert (second["id"], second["turns"]) == (session.id, 3)
    assert second["image"] == str(session.path(3))


def test_the_turns(session: Session) -> None:
    lines = rpg("show", session.id[:6]).stdout.splitlines()
    assert lines[0].startswith(f"{session.id}  a [bold]walk")
    rows = [line.split() for line in lines[2:]]
    assert [row[0] for row in rows] == ["1", "2", "*"]
    assert "make it blue" in lines[3]
    assert rows[1][-1] == "1.00"
    about = told("show")
    assert (about["id"], about["head"]) == (session.id, 3)
    assert [turn["id"] for turn in about["turns"]] == [1, 2, 3]
    assert Path(about["turns"][0]["file"]) == session.path(1)


def test_moving_about(session: Session) -> None:
    assert "at turn 1" in rpg("undo").stdout
    assert "nothing to undo" in rpg("undo", code=2).stderr
    assert told("redo", session.id) == {"moved": True, "head": 3}
    assert told("branch", "last", 2) == {"moved": True, "head": 2}
    assert session.refresh().head == 2
    assert "there is no turn 9; the session has 3" in rpg("branch", "last", 9, code=2).stderr


def test_labels(session: Session) -> None:
    assert "turn 2: the blue one" in rpg("label", "last", 2, "the blue one").stdout
    assert told("branch", "last", "the blue one")["head"] == 2
    assert "the blue one" in rpg("show").stdout
    assert "a label has" in rpg("label", "last", 2, "77", code=2).stderr
    assert "no label" in rpg("label", "last", 2, "").stdout
    assert "there is no turn 'the blue one'" in rpg("branch", "last", "the blue one", code=2).stderr


def test_comparing(session: Session) -> None:
    shown = rpg("compare", "last", 1, 2).stdout
    for words in ("modify star: a blue star", "1 -> 2", "0.60 -> 1.00 (+0.40)", "there is a star"):
        assert words in shown
    found = told("compare", "last", 2, 1)
    assert found["edits"] == [{"kind": "modify", "id": "star", "prompt": "a red star"}]
    assert found["settings"] == {"seed": [2, 1]}
    assert (found["gained"], found["broken"]) == (-0.4, ["there is a star"])
    assert "0.60 -> 0.60 (+0.00)" in rpg("compare", "last", 1, 1).stdout
    assert "the same plan and settings" in rpg("compare", "last", 3, 3).stdout


def test_saving_a_picture(session: Session) -> None:
    assert "wrote out.png" in rpg("save").stderr
    assert metadata.read("out.png").settings.seed == 3
    with Image.open("out.png") as image:
        assert image.size == (4 * SIZE[0], 4 * SIZE[1])
    rpg("save", "last", 1, "--scale", 1, "-o", "one.png")
    with Image.open("one.png") as image:
        assert same(image, picture(1))


def test_out_and_in_again(session: Session) -> None:
    assert told("export")["path"] == f"{session.id}.zip"
    other = told("import", f"{session.id}.zip")
    assert (other["id"] == session.id, other["turns"]) == (False, 3)
    rpg("delete", session.id, "--yes")
    assert told("import", f"{session.id}.zip")["id"] == session.id
    Path("folder").mkdir()
    assert "wrote" in rpg("export", other["id"], "-o", "folder").stdout
    assert [path.name for path in Path("folder").iterdir()] == [f"{other['id']}.zip"]
    assert "replaced" in rpg("export", other["id"], "-o", "folder").stderr
    Path("x.zip").write_text("x")
    assert "no session" in rpg("import", "x.zip", code=2).stderr


def test_deleting_asks_first(session: Session) -> None:
    rpg("delete", session.id, told="n\n", code=1)
    assert len(session.turns) == 3
    assert "2 more came of turn 1" in rpg("delete", session.id, 1, "--yes", code=2).stderr
    assert "deleted turn 3" in rpg("delete", session.id, 3, told="y\n").stdout
    assert told("delete", "last", 1, "--below", "--yes")["deleted"]
    assert len(session.turns) == 0
    rpg("delete", session.id, "--yes")
    assert Sessions().list() == ()


@pytest.mark.parametrize("name", ["../../x", "CON", "", "x" * 1000, "zzz", "0123456789ab"])
@pytest.mark.parametrize("command", [["show"], ["undo"], ["export"], ["delete", "--yes"]])
def test_names_of_no_session(session: Session, command: list[str], name: str) -> None:
    result = rpg(*command, name, code=2)
    assert result.stderr.startswith("error: ")
    assert result.stderr.count("\n") == 1
    assert list(Path().iterdir()) == []
    assert len(session.turns) == 3


def test_a_beginning_that_two_share(session: Session) -> None:
    ids = {session.id}
    while len({one[0] for one in ids}) == len(ids):
        ids.add(Sessions().create().id)
    shared = next(one[0] for one in ids if sum(other[0] == one[0] for other in ids) > 1)
    assert "2 sessions begin like that" in rpg("show", shared, code=2).stderr


def test_a_store_that_cannot_be_used_is_exit_code_1() -> None:
    Sessions().root.mkdir()
    (Sessions().root / "sessions.sqlite3").write_bytes(b"not a database" * 100)
    assert "it is no SQLite file" in rpg("list", code=1).stderr


def test_replaying(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = tmp_path / "little"
    tiny_sdxl().save_pretrained(folder)
    (folder / "rpg.json").write_text(json.dumps({"name": "little", "display_scale": 2}))
    monkeypatch.setenv("RPG_MODEL", str(folder))
    monkeypatch.setenv("RPG_DEVICE", "cpu")
    made = called(RPGPipeline.from_pretrained(planner=HalvesPlanner()), "a star and a moon", seed=1)
    session = Sessions().create()
    session.add(made.images[0], made.records[0], parent=None)
    session.add(Image.new("RGB", (32, 32)), made.records[0], parent=1)
    assert told("replay", "last", 1) == {"turn": 1, "same": True, "difference": 0}
    result = rpg("replay", "-o", "again.png", code=1)
    assert "pixels differ by up to" in result.stdout
    assert metadata.read("again.png").settings.seed == 1
    with Image.open("again.png") as image:
        assert image.size == (64, 64)
