"""Whatever is wrong with a picture, and whatever Pillow fails with, ends in our own errors."""

from __future__ import annotations

import ast
import base64
import io
import struct
import zlib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image, ImageFile

import rpg
from rpg.cli.files import read_picture
from rpg.errors import PlanError, RPGError, SessionError, SettingsError
from rpg.pictures import FORMATS, decoded
from rpg.plans.plan import decode_mask
from rpg.session import _pictures
from tests.pngs import header, png
from ui.uploads import read_picture as read_upload

MOST = 10_000
ROOT = Path(rpg.__file__).parents[1]


class Odd(Exception):
    """Of a class that nobody knows."""


FAILURES = [
    OSError("truncated"),
    SyntaxError("broken PNG file"),
    ValueError("x"),
    IndexError("x"),
    KeyError("x"),
    TypeError("x"),
    AttributeError("x"),
    OverflowError("x"),
    MemoryError(),
    RecursionError("x"),
    EOFError("x"),
    NotImplementedError("x"),
    AssertionError(),
    ZeroDivisionError("x"),
    struct.error("x"),
    zlib.error("x"),
    UnicodeDecodeError("utf-8", b"x", 0, 1, "x"),
    Image.DecompressionBombError("x"),
    Image.DecompressionBombWarning("x"),
    Odd("two\nlines"),
]


def encoded(kind: str = "PNG", size: tuple[int, int] = (40, 30)) -> bytes:
    stream = io.BytesIO()
    Image.radial_gradient("L").convert("RGB").resize(size).save(stream, kind)
    return stream.getvalue()


def read(data: bytes) -> Image.Image:
    return decoded(data, SettingsError, most_pixels=MOST)


def in_a_file(use: Callable[[Path], Any]) -> Callable[[bytes, Path], Any]:
    def used(data: bytes, folder: Path) -> Any:
        (folder / "x.png").write_bytes(data)
        return use(folder / "x.png")

    return used


def stored(data: bytes, folder: Path) -> Image.Image:
    pictures = _pictures.Pictures(folder)
    return pictures.load(pictures.keep(data))


PLACES: list[tuple[Callable[[bytes, Path], Any], type[RPGError]]] = [
    (in_a_file(read_picture), SettingsError),
    (in_a_file(lambda path: read_upload(str(path))), SettingsError),
    (lambda data, _: decode_mask(base64.b64encode(data).decode()), PlanError),
    (stored, SessionError),
]


@pytest.mark.parametrize(("place", "kind"), PLACES)
@pytest.mark.parametrize("failure", FAILURES, ids=lambda failure: type(failure).__name__)
def test_whatever_pillow_raises_is_one_line_of_ours(
    place: Callable[[bytes, Path], Any],
    kind: type[RPGError],
    failure: Exception,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def fail(image: Any) -> Any:
        raise failure

    place(encoded(), tmp_path)
    monkeypatch.setattr(ImageFile.ImageFile, "load", fail)
    with pytest.raises(kind) as refusal:
        place(encoded(), tmp_path)
    assert str(refusal.value) and "\n" not in str(refusal.value)


@pytest.mark.parametrize("kind", FORMATS)
@given(data=st.data())
def test_cut_and_changed_files_are_pictures_or_refusals(kind: str, data: st.DataObject) -> None:
    whole = encoded(kind)
    broken = bytearray(whole[: data.draw(st.integers(0, len(whole)))])
    for _ in range(data.draw(st.integers(0, 3)) if broken else 0):
        broken[data.draw(st.integers(0, len(broken) - 1))] = data.draw(st.integers(0, 255))
    try:
        image = read(bytes(broken))
    except SettingsError:
        return
    assert image.width * image.height <= MOST


@pytest.mark.parametrize("kind", FORMATS)
def test_whole_files_are_read(kind: str) -> None:
    assert read(encoded(kind)).size == (40, 30)


@pytest.mark.parametrize(
    ("data", "says"),
    [
        (png(header(60_000, 60_000)), "60000x60000: at most 10,000"),
        (png(header(101, 100)), "101x100: at most"),
        (png(header(0, 8)), "0x8: at most"),
        (png(header(8, 8), header(9, 9)), "two sizes"),
        (png(header(8, 8)), "damaged or cut short"),
        (encoded()[:-40], "damaged or cut short"),
        (encoded("BMP", (101, 100)), "101x100: at most"),
        (b"<svg xmlns='http://www.w3.org/2000/svg'/>", "none of PNG"),
        (b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 1 1\n", "none of PNG"),
        (b"", "none of PNG"),
    ],
)
def test_what_is_wrong_is_said(data: bytes, says: str) -> None:
    with pytest.raises(SettingsError, match=says):
        read(data)


def test_a_size_is_judged_before_a_pixel_is_read(monkeypatch: pytest.MonkeyPatch) -> None:
    """Also where the limit is far below what Pillow itself takes for a bomb."""
    monkeypatch.setattr(ImageFile.ImageFile, "load", None)
    with pytest.raises(SettingsError, match="at most"):
        read(encoded("GIF", (101, 100)))


def test_files_are_read_to_a_limit(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("rpg.pictures.MAX_PICTURE_BYTES", 1000)
    with pytest.raises(SettingsError, match="over 1,000 bytes"):
        decoded("/dev/zero", SettingsError, most_pixels=MOST)
    with pytest.raises(SettingsError, match="No such file"):
        decoded(tmp_path / "gone.png", SettingsError, most_pixels=MOST)


def test_pillow_is_asked_to_open_a_picture_in_one_place_of_the_product() -> None:
    def opens(path: Path) -> bool:
        calls = (
            node for node in ast.walk(ast.parse(path.read_text())) if isinstance(node, ast.Call)
        )
        return any(ast.unparse(call.func) in ("Image.open", "PIL.Image.open") for call in calls)

    files = [*ROOT.glob("rpg/**/*.py"), *ROOT.glob("ui/**/*.py"), ROOT / "app.py"]
    assert [path.name for path in files if opens(path)] == ["pictures.py"]
