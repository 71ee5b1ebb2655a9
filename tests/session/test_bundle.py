"""Sessions as zips: out and in again, and everything that a zip can do to whoever opens it."""

from __future__ import annotations

import io
import json
import struct
import time
import zipfile
from collections.abc import Callable
from hashlib import sha256
from pathlib import Path
from typing import Any

import pytest
from PIL import Image, ImageFile

from rpg.errors import SessionError, StoreError
from rpg.session import Session, Sessions
from tests.pngs import header, png
from tests.session.helpers import critique, drawn, edited, mask, picture, same

MEMBERS = "session.json"


@pytest.fixture(scope="module")
def sessions(tmp_path_factory: pytest.TempPathFactory) -> Sessions:
    """A store that the tests below only read."""
    return Sessions(tmp_path_factory.mktemp("sessions"))


@pytest.fixture(scope="module")
def session(sessions: Sessions) -> Session:
    """1 - 2 - 3, and 5 beside 2; the head at 2, redo to 3, a label, a critique; 4 is gone."""
    session = sessions.create("over <b>hills</b>")
    drawn(session, 1, None)
    edited(session, 2, 1)
    drawn(session, 3, 2)
    drawn(session, 9, 3)
    session.delete(4)
    session.branch(1)
    drawn(session, 5, 1)
    session.label(5, "the other one")
    session.criticise(2, critique(0.3))
    session.branch(3)
    session.undo()
    return session


@pytest.fixture
def exported(sessions: Sessions, session: Session, tmp_path: Path) -> Path:
    return sessions.export(session.id, tmp_path / "out" / "mine.zip")


def check_equal(one: Session, other: Session) -> None:
    assert one.turns == other.turns
    assert one.title == other.title
    assert one.tree == other.tree
    for turn in one.turns:
        assert same(one.image(turn.id), other.image(turn.id))
    assert same(one.mask(2), mask())


def test_a_session_goes_out_and_comes_in_elsewhere(
    session: Session, exported: Path, tmp_path: Path
) -> None:
    loaded = Sessions(tmp_path / "elsewhere").load(exported)
    assert loaded.id == session.id
    check_equal(loaded, session)
    assert loaded.redo().head == 3
    assert drawn(loaded, 6, 3).id == 6


def test_it_comes_in_under_a_new_id_where_its_own_is_taken(
    session: Session, exported: Path, tmp_path: Path
) -> None:
    elsewhere = Sessions(tmp_path / "elsewhere")
    first, second = elsewhere.load(exported), elsewhere.load(exported)
    assert (first.id == session.id, second.id == session.id) == (True, False)
    check_equal(second, session)
    elsewhere.delete(first.id)
    assert same(second.image(1), picture(1))  # shared files stay while one shows them


def test_the_same_session_makes_the_same_zip(
    sessions: Sessions, session: Session, exported: Path, tmp_path: Path
) -> None:
    before = exported.read_bytes()
    assert sessions.export(session.id, exported).read_bytes() == before
    elsewhere = Sessions(tmp_path / "elsewhere")
    again = elsewhere.export(elsewhere.load(exported).id, tmp_path / "again.zip")
    assert again.read_bytes() == before
    assert [path.name for path in exported.parent.iterdir()] == ["mine.zip"]


def test_a_session_without_turns_goes_too(tmp_path: Path) -> None:
    sessions = Sessions(tmp_path / "store")
    path = sessions.export(sessions.create("empty").id, tmp_path / "x.zip")
    assert Sessions(tmp_path / "elsewhere").load(path).turns == ()


def test_an_export_that_fails_leaves_what_was_there(exported: Path, tmp_path: Path) -> None:
    elsewhere = Sessions(tmp_path / "elsewhere")
    loaded, before = elsewhere.load(exported), exported.read_bytes()
    loaded.path(3).unlink()
    with pytest.raises(StoreError, match="cannot read"):
        elsewhere.export(loaded.id, exported)
    assert exported.read_bytes() == before
    assert [path.name for path in exported.parent.iterdir()] == ["mine.zip"]


def contents(path: Path) -> dict[str, bytes]:
    with zipfile.ZipFile(path) as found:
        return {name: found.read(name) for name in found.namelist()}


def packed(path: Path, files: list[tuple[str, bytes]], packing: int = zipfile.ZIP_STORED) -> Path:
    with zipfile.ZipFile(path, "w", packing) as made:
        for name, data in files:
            made.writestr(name, data)
    return path


def refused(path: Path, tmp_path: Path, says: str) -> None:
    """The zip is refused in one line, and leaves no session and no file behind."""
    target = Sessions(tmp_path / "target")
    if not (mine := target.list()):
        drawn(target.create("mine"), 77, None)
        mine = target.list()
    before = sorted(tmp_path.rglob("*"))
    with pytest.raises(SessionError, match=says) as refusal:
        target.load(path)
    assert not isinstance(refusal.value, StoreError)
    assert "\n" not in str(refusal.value)
    assert target.list() == mine
    target.sweep()
    assert sorted(tmp_path.rglob("*")) == before


def forged(change: Callable[[dict[str, Any]], None], exported: Path) -> Path:
    """The zip with its session changed."""
    files = contents(exported)
    told = json.loads(files[MEMBERS])
    change(told)
    files[MEMBERS] = json.dumps(told).encode()
    return packed(exported.with_name("forged.zip"), list(files.items()))


def at(*path: str | int, to: Any) -> Callable[[dict[str, Any]], None]:
    """A change of one value."""

    def change(told: Any) -> None:
        for step in path[:-1]:
            told = told[step]
        told[path[-1]] = to

    return change


RECORD = ("turns", 0, "made", "record")


@pytest.mark.parametrize(
    ("change", "says"),
    [
        (at("id", to="../../x"), "id"),
        (at("title", to="x" * 999), "title"),
        (at("title", to="a\x1b[2J"), "title"),
        (at("version", to=2), "version"),
        (at("more", to=1), "more"),
        (at("head", to=9), "do not make a tree"),
        (at("head", to=None), "do not make a tree"),
        (at("ahead", to={"1": 3}), "do not make a tree"),
        (at("turns", to=[]), "do not make a tree|does not hold just"),
        (at("turns", 1, "parent", to=3), "do not make a tree"),
        (at("turns", 1, "parent", to=None), "mask and no parent"),
        (at("turns", 1, "id", to=1), "one number"),
        (at("turns", 1, "id", to=10**30), "id"),
        (at("turns", 0, "label", to="the other one"), "one label"),
        (at("turns", 0, "label", to="7"), "do not make a tree"),
        (at("turns", 0, "image", to="../../../etc/passwd"), "image"),
        (at("turns", 0, "image", to="a" * 64), "does not hold just"),
        (at("turns", 1, "critique", "score", to=7), "score"),
        (at("turns", 1, "edits", to=[]), "edits"),
        (at("turns", 1, "made", "edits", 0, "kind", to="exec"), "kind|edits"),
        (at("turns", 0, "made", "of", to=10**9), "of"),
        (at(*RECORD, "model", to="../../etc/passwd"), "model"),
        (at(*RECORD, "settings", "num_inference_steps", to=10**9), "num_inference_steps"),
        (at(*RECORD, "settings", "seed", to=-5), "seed"),
        (at(*RECORD, "plan", "prompt", to="x" * 9000), "prompt"),
        (at(*RECORD, "plan", "regions", 0, "box", to=[0, 0, 9, 9]), "box|region"),
        (at(*RECORD, "scale", to=10**6), "scale"),
    ],
)
def test_forged_values_are_refused_by_the_validation_of_the_form(
    exported: Path, tmp_path: Path, change: Callable[[dict[str, Any]], None], says: str
) -> None:
    refused(forged(change, exported), tmp_path, says)


def test_the_forger_above_changes_nothing_else(exported: Path, tmp_path: Path) -> None:
    path = forged(at("title", to="mine"), exported)
    assert Sessions(tmp_path / "target").load(path).title == "mine"


@pytest.mark.parametrize(
    "name",
    ["../evil.png", "/tmp/evil.png", "pictures/../../evil", "a\\b", "CON", "pictures/x.png", "é"],
)
def test_names_that_lead_elsewhere_or_nowhere(exported: Path, tmp_path: Path, name: str) -> None:
    files = [*contents(exported).items(), (name, b"x")]
    refused(packed(tmp_path / "bad.zip", files), tmp_path, "does not hold just what")


@pytest.mark.filterwarnings("ignore:Duplicate name")
def test_one_name_twice(exported: Path, tmp_path: Path) -> None:
    files = list(contents(exported).items())
    refused(packed(tmp_path / "bad.zip", [*files, files[1]]), tmp_path, "twice")


def test_a_picture_that_is_missing_or_changed(exported: Path, tmp_path: Path) -> None:
    files = list(contents(exported).items())
    refused(packed(tmp_path / "less.zip", files[:-1]), tmp_path, "does not hold just")
    name, data = files[-1]
    changed = [*files[:-1], (name, data[:-1] + b"x")]
    refused(packed(tmp_path / "other.zip", changed), tmp_path / "b", "not what its name says")


def jpeg() -> bytes:
    stream = io.BytesIO()
    Image.new("RGB", (8, 8)).save(stream, "JPEG")
    return stream.getvalue()


@pytest.mark.parametrize(
    ("data", "says"),
    [
        (png(header(60_000, 60_000)), "60000x60000: at most"),
        (png(header(0, 8)), "at most"),
        (png(header(8, 8))[:-20], "damaged"),
        (b"\x89PNG", "no PNG"),
        (b"", "no PNG"),
        (jpeg(), "no PNG"),
        (b"<svg xmlns='http://www.w3.org/2000/svg'/>", "no PNG"),
    ],
)
def test_pictures_that_are_none(exported: Path, tmp_path: Path, data: bytes, says: str) -> None:
    """With digests that are right: only the picture itself is at fault."""
    files = contents(exported)
    told = json.loads(files[MEMBERS])
    old, new = told["turns"][0]["image"], sha256(data).hexdigest()
    told["turns"][0]["image"] = new
    del files[f"pictures/{old}.png"]
    files |= {MEMBERS: json.dumps(told).encode(), f"pictures/{new}.png": data}
    refused(packed(tmp_path / "bad.zip", list(files.items())), tmp_path, says)


def with_picture(exported: Path, turn: int, role: str, data: bytes) -> Path:
    """The zip with another picture or mask of a turn, all names and digests right."""
    files = contents(exported)
    told = json.loads(files[MEMBERS])
    old, new = told["turns"][turn][role], sha256(data).hexdigest()
    for one in told["turns"]:
        for place in ("image", "mask"):
            one[place] = new if one[place] == old else one[place]
    del files[f"pictures/{old}.png"]
    files |= {MEMBERS: json.dumps(told).encode(), f"pictures/{new}.png": data}
    return packed(exported.with_name("other.zip"), list(files.items()))


def encoded(image: Image.Image) -> bytes:
    stream = io.BytesIO()
    image.save(stream, "PNG")
    return stream.getvalue()


WHOLE = encoded(Image.effect_noise((64, 64), 100).convert("RGB"))


@pytest.mark.parametrize("role", ["image", "mask"])
@pytest.mark.parametrize(
    "data",
    [
        WHOLE[: len(WHOLE) // 2],
        WHOLE[:-30],
        png(header(8, 8)),
        png(header(8, 8), data=b"no zlib"),
        WHOLE.replace(b"IDAT", b"IDAX", 1),
    ],
    ids=["half", "without its end", "no pixels", "not compressed", "another chunk"],
)
def test_pictures_that_only_their_header_speaks_for(
    exported: Path, tmp_path: Path, role: str, data: bytes
) -> None:
    """Their digests are right, and `verify` of Pillow finds nothing in some."""
    what = "picture" if role == "image" else "mask"
    path = with_picture(exported, 1, role, data)
    refused(path, tmp_path, rf"^the {what} of turn 2 .*damaged or cut short$")


@pytest.mark.parametrize("mode", ["I;16", "P", "1", "RGBA", "LA"])
def test_pictures_of_kinds_that_no_session_holds(exported: Path, tmp_path: Path, mode: str) -> None:
    path = with_picture(exported, 0, "image", encoded(Image.new(mode, (16, 8))))
    refused(path, tmp_path, "the picture of turn 1 is of another kind")


def test_a_zip_of_bombs_is_refused_before_one_goes_off(
    exported: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("rpg.session._bundle.MAX_ALL_PIXELS", 4 * 16 * 8)
    monkeypatch.setattr("rpg.session._bundle.decode", None)
    refused(exported, tmp_path, "pixels together")


def test_pictures_that_take_for_ever_are_refused(
    exported: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("rpg.session._bundle._MAX_SECONDS", -1.0)
    refused(exported, tmp_path, "take over")


def test_pictures_are_decoded_once_on_import_and_never_when_drawn(
    exported: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[int] = []
    real = ImageFile.ImageFile.load

    def counted(image: ImageFile.ImageFile) -> Any:
        asked.append(1)
        return real(image)

    monkeypatch.setattr(ImageFile.ImageFile, "load", counted)
    session = Sessions(tmp_path / "elsewhere").load(exported)
    decoded = len(asked)
    assert decoded <= 2 * 5  # Pillow's `copy` asks again, which costs nothing
    drawn(session, 6, 3)
    assert len(asked) == decoded


def test_bombs_are_refused_by_what_they_say_of_their_size(
    exported: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("rpg.session._bundle._MAX_MANIFEST_BYTES", 10_000_000)
    bomb = packed(
        tmp_path / "bomb.zip", [(MEMBERS, b" " * 20_000_000)], packing=zipfile.ZIP_DEFLATED
    )
    assert bomb.stat().st_size < 100_000
    refused(bomb, tmp_path, "session.json in the zip is over 10,000,000 bytes")


def test_bombs_that_lie_about_their_size_are_refused_too(exported: Path, tmp_path: Path) -> None:
    bomb = packed(tmp_path / "b.zip", [(MEMBERS, b" " * 20_000_000)], packing=zipfile.ZIP_DEFLATED)
    data = bomb.read_bytes().replace(struct.pack("<L", 20_000_000), struct.pack("<L", 1000))
    bomb.write_bytes(data)
    refused(bomb, tmp_path, "no session, or a damaged one")


def test_all_pictures_together_are_bounded(
    exported: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("rpg.session._bundle.MAX_ZIP_BYTES", exported.stat().st_size)
    files = [*contents(exported).items()]
    path = packed(tmp_path / "small.zip", files, packing=zipfile.ZIP_DEFLATED)
    monkeypatch.setattr("rpg.session._bundle.MAX_ZIP_BYTES", path.stat().st_size)
    refused(path, tmp_path, "unpacks to")


def test_a_list_of_contents_without_end_is_not_read(tmp_path: Path) -> None:
    path = tmp_path / "long.zip"
    end = struct.pack("<4s4H2LH", b"PK\5\6", 0, 0, 65535, 65535, 2**30, 0, 0)
    path.write_bytes(b"x" * 100 + end)
    refused(path, tmp_path, "list of contents is too long")
    far = struct.pack("<4sLQL", b"PK\6\7", 0, 0, 1)
    path.write_bytes(b"x" * 100 + far + end.replace(struct.pack("<L", 2**30), b"\0\1\0\0"))
    refused(path, tmp_path, "not a zip that a session was exported to")


@pytest.mark.parametrize("packing", [zipfile.ZIP_BZIP2, zipfile.ZIP_LZMA])
def test_other_ways_of_packing(exported: Path, tmp_path: Path, packing: int) -> None:
    path = packed(tmp_path / "x.zip", list(contents(exported).items()), packing=packing)
    refused(path, tmp_path, "packed in a way that sessions are not")


@pytest.mark.parametrize("cut", [0, 10, 100, 1000, -30, -1])
def test_zips_that_are_cut_short(exported: Path, tmp_path: Path, cut: int) -> None:
    path = tmp_path / "cut.zip"
    path.write_bytes(exported.read_bytes()[:cut])
    refused(path, tmp_path, "session|zip")


def test_what_is_no_zip_or_not_there(tmp_path: Path) -> None:
    (tmp_path / "x.zip").write_text("hello" * 100)
    refused(tmp_path / "x.zip", tmp_path, "not a zip")
    refused(tmp_path / "gone.zip", tmp_path, "cannot read")
    refused(tmp_path, tmp_path, "cannot read")
    refused(packed(tmp_path / "y.zip", [("a", b"b")]), tmp_path, "no session.json in it")
    refused(packed(tmp_path / "z.zip", [(MEMBERS, b"[" * 100_000)]), tmp_path, "is no session")


@pytest.mark.parametrize(("count", "says"), [(200_000, "turns"), (3_000_000, "values")])
def test_a_small_zip_of_very_many_faults_is_refused_at_the_first(
    exported: Path, tmp_path: Path, count: int, says: str
) -> None:
    manifest = json.loads(contents(exported)["session.json"])
    head = json.dumps({**manifest, "turns": 0})[:-1].replace('"turns": 0', '"turns": [')
    text = head.replace('"turns": [', '"turns": [' + ",".join(["[]"] * count) + "]") + "}"
    begun = time.process_time()
    refused(packed(tmp_path / "many.zip", [("session.json", text.encode())]), tmp_path, says)
    assert time.process_time() - begun < 3  # fifteen and more where all faults are told
