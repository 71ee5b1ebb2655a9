"""Pictures that clients name: files of ours, in whatever way they are named, and no others."""

from __future__ import annotations

import base64
from pathlib import Path
from typing import Any

import pytest

from rpg.errors import SettingsError
from tests.ui import toys
from ui.references import localised, picture_path

META = {"meta": {"_type": "gradio.FileData"}}


@pytest.fixture
def uploads(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    folder = tmp_path / "uploads"
    folder.mkdir()
    monkeypatch.setenv("GRADIO_TEMP_DIR", str(folder))
    return folder


def test_a_file_of_ours_by_every_name_that_it_has(uploads: Path) -> None:
    path = str(toys.saved(uploads / "a b.png"))
    address = f"http://127.0.0.1:7860/gradio_api/file={path.replace(' ', '%20')}"
    data = base64.b64encode(Path(path).read_bytes()).decode()
    for reference in (path, address, {"path": path}, {"path": address}, {"url": address}):
        assert picture_path(reference) == path, reference
    for reference in (data, f"data:image/png;base64,{data}"):
        written = Path(picture_path(reference))
        assert written.is_relative_to(uploads)
        assert written.read_bytes() == Path(path).read_bytes()


def test_no_other_file_is_opened(uploads: Path, tmp_path: Path) -> None:
    (tmp_path / "mine.png").write_bytes(b"")
    (uploads / "link.png").symlink_to(tmp_path / "mine.png")
    (uploads / "folder").mkdir()
    served = "http://127.0.0.1:7860/gradio_api/file="
    references: list[Any] = [
        str(tmp_path / "mine.png"),
        str(uploads / ".." / "mine.png"),
        str(uploads / "link.png"),
        str(uploads / "folder"),
        str(uploads / "gone.png"),
        str(uploads),
        "/etc/passwd",
        f"{served}/etc/passwd",
        f"{served}{uploads}/..%2fmine.png",
        "a\0b",
        "a" * 5000,
        "http://192.0.2.1/a.png",
        "http://[",
        "file:///etc/passwd",
        "data:image/png;base64,!!!",
        {"path": "/etc/passwd", **META},
        {"path": ["a"]},
        {"a": 1},
        ["a"],
        7,
        True,
    ]
    for reference in references:
        with pytest.raises(SettingsError) as refused:
            picture_path(reference)
        assert str(tmp_path) not in str(refused.value), reference


@pytest.mark.parametrize("nothing", [None, "", {}, []])
def test_nothing_is_told_as_nothing(nothing: Any) -> None:
    with pytest.raises(SettingsError, match="no picture came"):
        picture_path(nothing)


def test_files_among_values_are_ours_or_refused(uploads: Path, tmp_path: Path) -> None:
    path = str(toys.saved(uploads / "a b.png"))
    outside = str(toys.saved(tmp_path / "outside.png"))
    address = f"https://rpg.example.org/gradio_api/file={path.replace(' ', '%20')}"
    values = [1, "http://192.0.2.1/", {"deep": [{"path": address, "url": "data:x", **META}]}]
    expected = [1, "http://192.0.2.1/", {"deep": [{"path": path, "url": None, **META}]}]
    assert localised(values) == expected
    for file in (
        {"path": outside},  # an image's data needs no more than that
        {"path": outside, **META},
        {"path": outside, "orig_name": "a.svg"},
        {"path": "http://192.0.2.1/x.png", **META},
        {"background": {"path": outside}},
        {"path": str(uploads / "gone.png")},
    ):
        with pytest.raises(SettingsError, match="no file of this app"):
            localised([{"value": file}])
    plain = {"path": "a word of a plan"}
    assert localised(plain, is_plain=True) == plain
