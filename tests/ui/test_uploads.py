"""Pictures that people bring: made plain, or refused in words before a pixel is decoded."""

from __future__ import annotations

import io
import zlib
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from PIL.PngImagePlugin import PngInfo

from rpg.errors import SettingsError
from tests.pngs import header, png
from ui.uploads import read_picture

RED = (222, 40, 48)


def corner(image: Image.Image | None) -> tuple[int, ...]:
    assert image is not None and image.mode == "RGB"
    found = image.getpixel((0, 0))
    assert isinstance(found, tuple)
    return found


def test_nothing_is_nothing() -> None:
    assert read_picture(None) is None


@pytest.mark.parametrize("mode", ["RGB", "RGBA", "P", "CMYK"])
def test_every_usual_mode_becomes_plain_colour(tmp_path: Path, mode: str) -> None:
    path = tmp_path / ("picture.jpg" if mode == "CMYK" else "picture.png")
    Image.new("RGB", (16, 8), RED).convert(mode).save(path)
    assert np.allclose(corner(read_picture(str(path))), RED, atol=40)


def test_greys_of_16_bits_keep_their_brightness(tmp_path: Path) -> None:
    path = tmp_path / "deep.png"
    Image.fromarray(np.full((8, 8), 32768, np.uint16)).save(path)
    assert corner(read_picture(str(path))) == (127, 127, 127)


def test_what_is_transparent_is_white(tmp_path: Path) -> None:
    path = tmp_path / "glass.png"
    Image.new("RGBA", (8, 8), (0, 0, 0, 0)).save(path)
    assert corner(read_picture(str(path))) == (255, 255, 255)


def test_a_photograph_is_turned_upright(tmp_path: Path) -> None:
    path, turned = tmp_path / "photo.jpg", Image.Exif()
    turned[274] = 6  # the camera was held on its side
    Image.new("RGB", (32, 16)).save(path, exif=turned)
    image = read_picture(str(path))
    assert image is not None and image.size == (16, 32)


def test_an_animation_gives_its_first_frame(tmp_path: Path) -> None:
    path = tmp_path / "moving.gif"
    frames = [Image.new("RGB", (8, 8), colour) for colour in (RED, "blue")]
    frames[0].save(path, save_all=True, append_images=frames[1:])
    assert np.allclose(corner(read_picture(str(path))), RED, atol=40)


def bomb(width: int, height: int) -> bytes:
    """A PNG whose header promises so many pixels, with next to nothing in it."""
    return png(header(width, height), data=zlib.compress(b"\0" * 1000))


def talkative() -> bytes:
    info, buffer = PngInfo(), io.BytesIO()
    info.add_text("comment", "x" * 20_000_000, zip=True)
    Image.new("RGB", (8, 8)).save(buffer, "PNG", pnginfo=info)
    return buffer.getvalue()


def truncated() -> bytes:
    buffer = io.BytesIO()
    Image.effect_noise((64, 64), 50).save(buffer, "PNG")
    return buffer.getvalue()[:1000]


@pytest.mark.parametrize(
    "data",
    [
        bomb(60_000, 60_000),
        bomb(10_000, 10_000),
        bomb(16_000_000, 1),
        talkative(),
        truncated(),
        b"",
        b"no picture",
        b"<svg xmlns='http://www.w3.org/2000/svg'><script>alert(1)</script></svg>",
        b"\0\0\0\x18ftypheic\0\0\0\0mif1heic",
    ],
    ids=["bomb", "large", "long", "talkative", "truncated", "empty", "text", "svg", "heic"],
)
def test_what_is_no_picture_for_us_is_refused_in_one_line(tmp_path: Path, data: bytes) -> None:
    path = tmp_path / "picture.png"
    path.write_bytes(data)
    with pytest.raises(SettingsError) as caught:
        read_picture(str(path))
    assert "\n" not in str(caught.value) and str(tmp_path) not in str(caught.value)
