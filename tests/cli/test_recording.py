"""What `rpg generate`, `rpg edit` and `rpg refine` leave in sessions."""

from __future__ import annotations

import errno
import json
from pathlib import Path

import pytest
from PIL import Image, ImageDraw

from rpg import metadata
from rpg.chat import ScriptedChat
from rpg.errors import SessionError
from rpg.pipeline import RPGPipeline
from rpg.planners import LLMPlanner, RulePlanner
from rpg.plans.plan import Plan
from rpg.session import Session, Sessions
from rpg.toybox import weights_path
from tests.cli.helpers import PROMPT, pixels, rpg, told
from tests.planners.llm.test_captioning import ANSWER
from tests.session.rounds import NeverContent


@pytest.fixture(scope="module")
def toybox() -> RPGPipeline:
    """One that no command has drawn with."""
    rpg = RPGPipeline.from_pretrained(weights_path(), device="cpu")
    rpg.pipe.set_progress_bar_config(disable=True)
    return rpg


@pytest.fixture
def on_toybox(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("RPG_MODEL")


def only() -> Session:
    """The one session that there is."""
    (about,) = Sessions().list()
    return Sessions().open(about.id)


def draws_the_same(session: Session, toybox: RPGPipeline) -> bool:
    return all(session.replay(turn.id, toybox) == session.image(turn.id) for turn in session.turns)


@pytest.mark.usefixtures("on_toybox")
def test_a_batch_and_edits_of_it_draw_the_same_again(toybox: RPGPipeline) -> None:
    made = told("generate", PROMPT, "-n", 2, "--seed", 7, "--steps", 2, "-o", "a.png")
    session = only()
    assert (made["session"], made["turn"]) == (session.id, 1)
    edited = told("edit", "a-2.png", "make the star green", "--seed", 5, "-o", "b.png")
    assert (edited["session"], edited["turn"]) == (session.id, 3)
    mask = Image.new("L", (768, 768))
    ImageDraw.Draw(mask).ellipse((56, 77, 450, 617), fill=255)
    mask.save("mask.png")
    again = ("make the moon red", "--mask", "mask.png", "--seed", 6, "-o", "c.png")
    assert told("edit", "b.png", *again)["turn"] == 4
    assert told("edit", "a-2.png", "make the moon red", "--seed", 6)["turn"] == 5
    assert told("edit", "c.png", "make the moon pink", "--seed", 7, "--strength", 0.7)["turn"] == 6
    session = only()
    assert dict(session.tree.parents) == {1: None, 2: None, 3: 2, 4: 3, 5: 2, 6: 4}
    assert session.turn(3).made.instruction == "make the star green"
    assert [edit.kind for edit in session.turn(3).edits] == ["base", "modify", "scene"]
    painted = session.mask(4)
    assert painted is not None and painted.size == session.image(4).size == (256, 256)
    assert len(set(painted.tobytes())) > 2  # the ellipse's edge is grey
    assert (pixels("c.png")[:, 465:] == pixels("b.png")[:, 465:]).all()
    assert draws_the_same(session, toybox)


@pytest.mark.parametrize("look_ahead", [0, 2])
def test_rounds_draw_the_same_again(monkeypatch: pytest.MonkeyPatch, look_ahead: int) -> None:
    """A critic that always finds fault: the region at fault climbs up to whole pictures."""
    monkeypatch.setattr("rpg.cli.refine.critic_named", lambda *_, **__: NeverContent())
    flags = ("--critic", "none", "--rounds", 5, "--candidates", 2, "--look-ahead", look_ahead)
    done = told("refine", PROMPT, *flags, "--steps", 3, "--seed", 3, "-o", "a.png")
    session = only()
    assert (done["session"], done["turn"], done["rounds"]) == (session.id, session.head, 5)
    best = session.turn(done["turn"])
    assert (best.score, best.settings.seed) == (done["score"], done["seed"])
    rounds = session.turns[1 if look_ahead else 2 :]
    assert {turn.mask is None for turn in rounds} == {True, False}
    assert all(turn.made.of == (1 if look_ahead else 2) and turn.parent for turn in rounds)
    assert draws_the_same(session, RPGPipeline.from_pretrained())
    edited = told("edit", "a.png", "make the moon green", "--seed", 1, "--steps", 3)
    assert edited["session"] == session.id
    assert only().tree.parents[edited["turn"]] == best.id


@pytest.mark.usefixtures("on_toybox")
def test_a_picture_of_no_session_becomes_its_first_turn(toybox: RPGPipeline) -> None:
    made = told("generate", PROMPT, "--seed", 7, "--steps", 3, "--no-session", "-o", "a.png")
    assert (made["session"], made["turn"], Sessions().list()) == (None, None, ())
    done = rpg("edit", "a.png", "make the star green", "--seed", 5, "-o", "b.png")
    session = only()
    assert f"session {session.id}, turn 2" in done.stderr
    assert dict(session.tree.parents) == {1: None, 2: 1} and session.head == 2
    assert session.turn(1).made.record.plan == metadata.read("a.png").plan
    assert session.replay(2, toybox) == session.image(2)
    assert told("edit", "b.png", "make the moon red", "--steps", 3)["turn"] == 3


def test_a_picture_without_a_plan_is_a_first_turn_too(monkeypatch: pytest.MonkeyPatch) -> None:
    class Seeing(LLMPlanner):
        def plan(
            self, prompt: str, *, previous: Plan | None = None, instruction: str | None = None
        ) -> Plan:
            return RulePlanner().plan(prompt, previous=previous, instruction=instruction)

    chat = ScriptedChat([json.dumps(ANSWER)])
    monkeypatch.setattr("rpg.cli.edit.PlannerFlags.build", lambda _: Seeing(chat))
    Image.new("RGB", (37, 30), "navy").save("photo.jpg")
    rpg("edit", "photo.jpg", "make the star green", "--seed", 5, "-o", "b.png")
    session = only()
    first, second = session.turns
    assert first.plan.prompt == ANSWER["base_prompt"] and second.parent == 1
    assert session.image(1).size == session.image(2).size == (37, 30)
    with Image.open("photo.jpg") as photo:
        assert session.image(1).tobytes() == photo.convert("RGB").tobytes()
    little = RPGPipeline.from_pretrained()
    assert session.replay(2, little) == session.image(2)
    with pytest.raises(SessionError, match="made with image, which"):
        session.replay(1, little)


def test_an_own_size_picture_that_was_painted_over_is_another() -> None:
    rpg("generate", PROMPT, "--scale", 1, "-o", "a.png")
    with Image.open("a.png") as image:
        image.putpixel((31, 31), (1, 2, 3))
        metadata.save(image, "b.png", metadata.read("a.png"), enlarged=True)
    assert told("edit", "b.png", "make the star green", "-o", "c.png")["turn"] == 2
    assert len(Sessions().list()) == 2
    assert tuple(pixels("c.png")[31, 31]) == (1, 2, 3)
    assert told("edit", "a.png", "make the star green")["turn"] == 2
    assert [one.turns for one in Sessions().list()] == [2, 2]


def test_a_session_goes_on_where_it_is_told_to() -> None:
    rpg("generate", PROMPT, "-o", "a.png")
    first = only()
    rpg("generate", PROMPT, "-n", 2, "--session", "last")
    assert dict(only().tree.parents) == {1: None, 2: 1, 3: 1} and only().head == 2
    rpg("refine", PROMPT, "--critic", "none", "--session", first.id[:8])
    assert only().tree.parents[4] == 2 and only().head == 4
    rpg("generate", PROMPT, "-o", "b.png")
    assert len(Sessions().list()) == 2
    told_of = told("edit", "b.png", "make the star green", "--session", first.id)
    assert (told_of["session"], told_of["turn"]) == (first.id, 6)  # the picture, then the edit
    assert first.refresh().tree.parents[5] is None and first.head == 6
    assert told("edit", "a.png", "make the star green", "--session", first.id)["turn"] == 7
    assert first.refresh().tree.parents[7] == 1


@pytest.mark.parametrize(
    ("flags", "says"),
    [
        (["--session", "zzz"], "is no session"),
        (["--session", "last"], "no sessions yet"),
        (["--session", "last", "--no-session"], "exclude each other"),
    ],
)
@pytest.mark.parametrize("command", ["generate", "refine"])
def test_sessions_that_cannot_be(command: str, flags: list[str], says: str) -> None:
    said = rpg(command, PROMPT, *flags, code=2).stderr
    assert says in said and said.count("\n") == 1
    assert list(Path().iterdir()) == []


def test_what_fails_begins_no_session() -> None:
    rpg("generate", PROMPT, "--no-session", "-o", "a.png")
    rpg("edit", "a.png", "make the star red", code=2)
    rpg("refine", PROMPT, code=2)
    assert Sessions().list() == ()


def test_a_store_that_cannot_be_written_costs_no_picture(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "file").touch()
    monkeypatch.setenv("RPG_SESSIONS", str(tmp_path / "file" / "sessions"))
    for number, command in enumerate(
        (
            ("generate", PROMPT, "-n", 2),
            ("generate", PROMPT),
            ("edit", "1.png", "make the star green"),
            ("refine", PROMPT, "--critic", "none"),
        )
    ):
        done = rpg(*command, "-o", f"{number}.png", "--json")
        assert json.loads(done.stdout)["session"] is None
        assert done.stderr.count("not recorded: ") == 1
        assert "session " not in done.stderr.replace(str(tmp_path), "")
    assert sorted(path.name for path in Path().glob("*.png")) == [
        *("0-1.png", "0-2.png", "1.png", "2.png", "3.png")
    ]


def test_a_disk_that_is_full_costs_no_edit(monkeypatch: pytest.MonkeyPatch) -> None:
    """Also where the picture's turn is known, and the head is elsewhere."""

    def fail(handle: int) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    rpg("generate", PROMPT, "-o", "a.png")
    rpg("edit", "a.png", "make the star green", "-o", "b.png")
    rpg("generate", PROMPT, "--steps", 3, "--no-session", "-o", "c.png")
    monkeypatch.setattr("os.fsync", fail)
    for picture in ("a.png", "b.png", "c.png"):
        for flags in ([], ["--session", "last"]):
            done = rpg("edit", picture, "make the moon red", *flags, "--json")
            assert json.loads(done.stdout)["session"] is None
            assert done.stderr.count("not recorded: ") == done.stderr.count("\n") == 1
    assert len(only().turns) == 2
    assert len(list(Path().glob("out*.png"))) == 6


def test_a_store_that_cannot_be_read_costs_no_edit() -> None:
    rpg("generate", PROMPT, "-o", "a.png")
    (Sessions().root / "sessions.sqlite3").write_bytes(b"not a database" * 100)
    done = rpg("edit", "a.png", "make the star green", "-o", "b.png")
    assert "not recorded: " in done.stderr and done.stderr.count("\n") == 1
    assert Path("b.png").exists()


def test_the_demo_is_not_recorded(monkeypatch: pytest.MonkeyPatch, model: Path) -> None:
    monkeypatch.setattr("rpg.cli.demo.weights_path", lambda: model)
    rpg("demo")
    assert Sessions().list() == ()
