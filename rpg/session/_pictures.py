"""Pictures as files that are named by their own SHA-256: never changed, shared by who has the same.

A file is written whole and flushed to the disk before the row that names it is committed, and files
that no row names are swept later; both under the database's write lock, so that no sweep meets a
picture whose row is still to come.
"""

from __future__ import annotations

import hashlib
import io
import os
import re
import struct
from collections.abc import Set
from pathlib import Path

from PIL import Image, UnidentifiedImageError

from rpg.errors import MetadataError, SessionError, StoreError
from rpg.metadata import write_whole
from rpg.session._database import refuse_link
from rpg.settings import MAX_PIXELS

__all__ = ["MAX_PICTURE_BYTES", "Pictures", "check_png", "digest"]

MAX_PICTURE_BYTES = 256 * 2**20
_PNG = b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR"  # how every PNG begins; width and height follow
_OURS = re.compile(r"[0-9a-f]{64}\.png|\.[0-9a-f]{64}\.png\.[0-9a-f]{8}")  # the latter: a draft
_UNREADABLE = (UnidentifiedImageError, SyntaxError, ValueError, Image.DecompressionBombError)


def digest(data: bytes) -> str:
    """The name of a picture, from the bytes of its file."""
    return hashlib.sha256(data).hexdigest()


def check_png(data: bytes) -> None:
    """Whether it is a PNG, as it seems whole, of a size that we draw; decodes nothing.

    Raises:
        SessionError: It is not.
    """
    size = data[len(_PNG) : len(_PNG) + 8]
    if not data.startswith(_PNG) or len(size) < 8:
        raise SessionError("a picture of the session is no PNG file")
    width, height = struct.unpack(">II", size)
    if not 0 < width * height <= MAX_PIXELS:
        raise SessionError(f"a picture of {width}x{height}: at most {MAX_PIXELS:,} pixels are kept")
    try:
        with Image.open(io.BytesIO(data), formats=["PNG"]) as image:
            if image.size != (width, height):
                raise SessionError("a picture of the session says two sizes")
            image.verify()
    except (*_UNREADABLE, OSError, struct.error) as error:
        raise SessionError("a picture of the session is damaged") from error


class Pictures:
    """The folder of picture files.

    Args:
        folder: Where; made when something is first kept.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def path(self, name: str) -> Path:
        """Where the picture of that digest is."""
        return self.folder / f"{name}.png"

    def keep(self, data: bytes) -> str:
        """Stores the bytes of a PNG file, on the disk for good when this returns; its digest.

        Raises:
            SessionError: It is no PNG of a size that we draw.
            StoreError: The disk is full or read-only; nothing half-written stays under the name.
        """
        check_png(data)
        refuse_link(self.folder)
        name = digest(data)
        target = self.path(name)
        try:
            if not self._is(target, data):
                write_whole(target, data)
            _flush(target)
            _flush(self.folder)
        except MetadataError as error:
            raise StoreError(
                f"{error}; make room, or set RPG_SESSIONS to another folder"
            ) from error
        except OSError as error:
            raise StoreError(f"cannot keep {target}: {error.strerror or error}") from error
        return name

    def read(self, name: str) -> bytes:
        """The bytes of the file, checked against its name.

        Raises:
            StoreError: It is gone, a link, or not what was stored.
        """
        target = self.path(name)
        refuse_link(self.folder)
        refuse_link(target)
        try:
            with open(target, "rb") as stream:
                data = stream.read(MAX_PICTURE_BYTES + 1)
        except OSError as error:
            raise StoreError(f"cannot read {target}: {error.strerror or error}") from error
        if digest(data) != name:
            raise StoreError(f"{target} is not the picture that was stored: it was changed")
        return data

    def load(self, name: str) -> Image.Image:
        """The picture, decoded.

        Raises:
            StoreError: As in `read`.
            SessionError: It is no PNG of a size that we draw.
        """
        data = self.read(name)
        check_png(data)
        with Image.open(io.BytesIO(data), formats=["PNG"]) as image:
            pixels = image.copy()
        pixels.info = {}  # a picture is its pixels, as it came from the model
        return pixels

    def sweep(self, needed: Set[str]) -> None:
        """Deletes every picture that is not needed, and what killed writers left half-written.

        Only to be called under the database's write lock.

        Raises:
            StoreError: The folder cannot be written.
        """
        refuse_link(self.folder)
        try:
            for path in list(self.folder.iterdir()) if self.folder.is_dir() else ():
                if _OURS.fullmatch(path.name) and path.name.removesuffix(".png") not in needed:
                    path.unlink(missing_ok=True)
        except OSError as error:
            raise StoreError(f"cannot tidy {self.folder}: {error.strerror or error}") from error

    def _is(self, target: Path, data: bytes) -> bool:
        """Whether the file is there and whole: a power failure may have left one that is not."""
        if target.is_symlink() or not target.is_file():
            return False
        return target.stat().st_size == len(data) and target.read_bytes() == data


def _flush(path: Path) -> None:
    """Makes the system write a file, or the names in a folder, to the disk."""
    if path.is_dir() and os.name == "nt":
        return  # where folders cannot be opened and need not be
    handle = os.open(path, os.O_RDONLY if path.is_dir() else os.O_RDWR)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
