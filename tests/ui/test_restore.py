"""Opening pictures: what they carry comes back, what cannot be trusted is refused in one line."""

from __future__ import annotations

import io
from pathlib import Path
from typing import Any

import pytest
from PIL import Image
from PIL.PngImagePlugin import PngInfo

from rpg import metadata
from rpg.errors import RPGError
from tests import pngs
from tests.ui import toys
from ui.restore import found_in, into_history
from ui.workshop import Workshop


@pytest.fixture
def rpg() -> Any:
    return toys.model()


def png(path: Path, image: Image.Image, **texts: str) -> Path:
    info = PngInfo()
    for keyword, text in texts.items():
        info.add_text(keyword, text)
    image.save(path, pnginfo=info)
    return path


def bomb(path: Path) -> Path:
    """A few bytes that say they are a picture of 4 thousand million pixels, with our record."""
    text = b"rpg\0" + toys.record().model_dump_json().encode()
    path.write_bytes(pngs.png(pngs.header(65535, 65535), pngs.chunk(b"tEXt", text)))
    return path


def test_everything_comes_back(tmp_path: Path) -> None:
    found = found_in(str(toys.saved(tmp_path / "a.png")), "toybox")
    assert found.plan == toys.plan() and found.settings == toys.record().settings
    assert found.lines == ("Found the prompt, a plan of 2 regions and the settings.",)


def test_what_another_model_drew_leaves_the_size_to_this_one(tmp_path: Path) -> None:
    found = found_in(str(toys.saved(tmp_path / "a.png", model="org/large")), "toybox")
    assert found.settings is not None and found.settings.seed == 3
    assert (found.settings.width, found.settings.height) == (None, None)
    assert "org/large, not toybox" in found.lines[1] and "256x256" in found.lines[1]


def test_what_the_file_does_not_hold_is_said(tmp_path: Path) -> None:
    update = {"needs": ("control_image", "lora"), "task": "controlnet"}
    record = toys.record().model_copy(update=update)
    path = metadata.save(toys.picture(), tmp_path / "a.png", record)
    said = found_in(str(path), "toybox").lines[1]
    assert said.startswith("It took a ControlNet with its picture and a LoRA, which the file")


def test_other_tools_parameters_are_read(tmp_path: Path) -> None:
    text = "a red star\nNegative prompt: blur\nSteps: 12, Sampler: Euler a, Seed: 5, Size: 64x64"
    found = found_in(str(png(tmp_path / "a.png", toys.picture(), parameters=text)), "toybox")
    assert (found.plan.prompt, found.plan.negative) == ("a red star", "blur")
    assert found.settings is not None and found.settings.num_inference_steps == 12
    assert "no regions" in found.lines[0] and len(found.lines) == 1


def test_what_is_lost_of_another_tools_picture_is_said(tmp_path: Path) -> None:
    text = "a red star\nSteps: 12, Sampler: DPM fast, Seed: 5, Model: dream, Tiling: True"
    path = png(tmp_path / "a.png", toys.picture(), parameters=text)
    assert found_in(str(path), "toybox").lines[1:] == (
        "It was drawn with dream, not toybox: it will look different, and its size is left to "
        "this model.",
        "Sampler DPM fast is none of ours: the model's own is used.",
        "Not read: Tiling.",
    )


def test_a_plan_comes_from_its_file(tmp_path: Path) -> None:
    path = tmp_path / "plan.JSON"
    path.write_text(toys.plan().to_json(), encoding="utf-8")
    found = found_in(str(path), "toybox")
    assert found.plan == toys.plan() and (found.settings, found.record) == (None, None)


def _bad(kind: str, path: Path) -> Path:
    whole = metadata.encode(toys.picture(), toys.record())
    buffer = io.BytesIO()
    toys.picture().save(buffer, "JPEG")
    forged = toys.record().model_dump_json().replace('"toybox"', '"../../etc/passwd"')
    costly = toys.record().model_dump_json().replace('_steps":20', '_steps":1000000000')
    match kind:
        case "bare":
            return png(path, toys.picture())
        case "forged":
            return png(path, toys.picture(), rpg=forged)
        case "costly":
            return png(path, toys.picture(), rpg=costly)
        case "not json":
            return png(path, toys.picture(), rpg="{")
    data = {"truncated": whole[:120], "jpeg": buffer.getvalue(), "empty": b""}
    path.write_bytes(data.get(kind, b'{"prompt": 7}'))
    return path


@pytest.mark.parametrize(
    ("kind", "name"),
    [
        ("bare", "a.png"),
        ("forged", "a.png"),
        ("costly", "a.png"),
        ("not json", "a.png"),
        ("truncated", "a.png"),
        ("jpeg", "a.jpg"),
        ("empty", "a.png"),
        ("no plan", "a.json"),
    ],
)
def test_what_carries_nothing_is_refused_in_one_line(kind: str, name: str, tmp_path: Path) -> None:
    with pytest.raises(RPGError) as caught:
        found_in(str(_bad(kind, tmp_path / name)), "toybox")
    said = str(caught.value)
    assert "\n" not in said and str(tmp_path) not in said


def test_a_bomb_gives_its_plan_but_never_its_pixels(shop: Workshop, tmp_path: Path) -> None:
    path = str(bomb(tmp_path / "a.png"))
    assert found_in(path, "toybox").plan == toys.plan()
    with pytest.raises(RPGError, match="pixels"):
        into_history(shop, path)
    assert shop.sessions.list() == ()


def test_a_picture_becomes_the_first_turn_at_its_own_size(shop: Workshop, tmp_path: Path) -> None:
    session, turn = into_history(shop, str(toys.saved(tmp_path / "a.png")))
    kept = shop.sessions.open(session)
    assert kept.head == turn == 1 and kept.image(1).size == (256, 256)
    assert kept.turn(1).plan == toys.plan() and kept.turn(1).made.record.scale == 3
    assert toys.colours(kept, 1) == {"star": "red", "circle": "blue"}


def test_a_picture_that_is_in_the_history_is_found_there(shop: Workshop, tmp_path: Path) -> None:
    kept = toys.session(shop.sessions)
    kept.add(toys.picture("green"), toys.record(9), parent=1)
    path = shop.files.of(kept, 1)
    assert into_history(shop, path) == (kept.id, 1)
    assert kept.refresh().head == 1 and len(shop.sessions.list()) == 1
