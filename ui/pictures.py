"""Pictures of sessions as files for the browser: enlarged for showing, with all their metadata."""

from __future__ import annotations

import io
import secrets
import shutil
import tempfile
import weakref
from pathlib import Path

from PIL import Image

from rpg import metadata
from rpg.errors import SessionError
from rpg.pictures import decoded
from rpg.plans.overlay import draw_plan, enlarge
from rpg.session import Session
from rpg.settings import MAX_PIXELS

__all__ = ["PictureFiles", "shaded"]

_THUMBNAIL = 256  # pixels of the longer side


class PictureFiles:
    """A folder of files that the page shows and people download; gone when the app ends."""

    def __init__(self) -> None:
        """Make the folder."""
        self._folder = Path(tempfile.mkdtemp(prefix="rpg-"))
        weakref.finalize(self, shutil.rmtree, self._folder, ignore_errors=True)

    def of(self, session: Session, number: int) -> str:
        """The picture of a turn as a PNG that restores everything when it is dropped on the page.

        Raises:
            SessionError: There is no such turn.
            StoreError: Its picture is lost.
        """
        turn = session.turn(number)
        path = self._path(turn.image, f"rpg-{turn.settings.seed}.png")
        if not path.exists():
            metadata.save(session.image(number), path, turn.made.record)
        return str(path)

    def overlay(self, session: Session, number: int) -> str:
        """The same with the regions of its plan drawn over it.

        Raises:
            SessionError: There is no such turn.
            StoreError: Its picture is lost.
        """
        turn = session.turn(number)
        path = self._path(turn.image, "regions.png")
        if not path.exists():
            draw_plan(session.image(number), turn.plan).save(path)
        return str(path)

    def mask(self, session: Session, number: int) -> str | None:
        """Where a turn was drawn anew, over its parent's picture; None for all of it.

        Raises:
            SessionError: There is no such turn.
            StoreError: A picture is lost.
        """
        turn, mask = session.turn(number), session.mask(number)
        if mask is None or turn.parent is None:
            return None
        path = self._path(turn.image, f"mask-{number}.png")
        if not path.exists():
            before = session.image(turn.parent).convert("RGB")
            scale = turn.made.record.scale
            enlarge(shaded(before, mask), scale).save(path)
        return str(path)

    def thumbnail(self, picture: Path | None) -> str:
        """A small copy of a stored picture, for strips and shelves; a grey one where it is lost.

        Args:
            picture: Its file, named by what it holds; None for no picture at all.
        """
        path = self._path(picture.stem if picture is not None else "none", "small.webp")
        if not path.exists():
            buffer = io.BytesIO()
            _small(picture).save(buffer, "WEBP", quality=85)
            metadata.write_whole(path, buffer.getvalue())
        return str(path)

    def download(self, name: str) -> Path:
        """Where to write a file that is downloaded under a name of ours."""
        return self._path(secrets.token_hex(8), name)

    def _path(self, digest: str, name: str) -> Path:
        folder = self._folder / digest
        folder.mkdir(exist_ok=True)
        return folder / name


def _small(picture: Path | None) -> Image.Image:
    try:
        if picture is None:
            raise SessionError("no picture")
        own = decoded(picture, SessionError, most_pixels=MAX_PIXELS, formats=("PNG",), finish=_rgb)
    except SessionError:
        return Image.new("RGB", (_THUMBNAIL, _THUMBNAIL), "grey")
    own.thumbnail((_THUMBNAIL, _THUMBNAIL))
    return enlarge(own, _THUMBNAIL // max(own.size))


def _rgb(image: Image.Image) -> Image.Image:
    return image.convert("RGB")


def shaded(image: Image.Image, mask: Image.Image) -> Image.Image:
    """A picture in which all that a mask leaves is pale, and what it means glows."""
    veil = Image.new("RGB", image.size, "white")
    left = Image.blend(image, veil, 0.65)
    glowing = Image.blend(image, Image.new("RGB", image.size, (255, 64, 129)), 0.35)
    return Image.composite(glowing, left, mask.resize(image.size).convert("L"))
