"""Pictures as files that are named by their own SHA-256: never changed, shared by who has the same.

A file is written whole and flushed to the disk before the row that names it is committed, and files
that no row names are swept later; both under the database's write lock, so that no sweep meets a
picture whose row is still to come.
"""

from __future__ import annotations

import hashlib
import os
import re
from collections.abc import Set
from pathlib import Path

from PIL import Image

from rpg.errors import MetadataError, SessionError, StoreError
from rpg.metadata import write_whole
from rpg.pictures import MAX_PICTURE_BYTES, decoded, png_size
from rpg.session._database import refuse_link
from rpg.settings import MAX_PIXELS

__all__ = ["Pictures", "check_size", "decode", "digest"]

_A_PICTURE = "a picture of the session"
_OURS = re.compile(r"[0-9a-f]{64}\.png|\.[0-9a-f]{64}\.png\.[0-9a-f]{8}")  # the latter: a draft


def digest(data: bytes) -> str:
    """The name of a picture, from the bytes of its file."""
    return hashlib.sha256(data).hexdigest()


def check_size(data: bytes, what: str) -> int:
    """How many pixels a PNG file says it has; decodes nothing.

    Args:
        data: The file, or its first 24 bytes.
        what: The picture's name in errors.

    Raises:
        SessionError: It is no PNG, or not of a size that we draw.
    """
    size = png_size(data)
    if size is None:
        raise SessionError(f"{what} is no PNG file")
    width, height = size
    if not 0 < width * height <= MAX_PIXELS:
        raise SessionError(f"{what} is of {width}x{height}: at most {MAX_PIXELS:,} pixels are kept")
    return width * height


def decode(data: bytes, what: str) -> Image.Image:
    """The pixels of a PNG file.

    Raises:
        SessionError: It is none, damaged, or not of a size that we draw.
    """
    check_size(data, what)

    def refusal(reason: str) -> SessionError:
        return SessionError(f"{what} cannot be read: {reason}")

    pixels = decoded(data, refusal, most_pixels=MAX_PIXELS, formats=("PNG",))
    pixels.info = {}  # a picture is its pixels, as it came from the model
    return pixels


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

        What comes from elsewhere is to be decoded before: here only the size is judged.

        Raises:
            SessionError: It is no PNG of a size that we draw.
            StoreError: The disk is full or read-only; nothing half-written stays under the name.
        """
        check_size(data, _A_PICTURE)
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
        return decode(self.read(name), _A_PICTURE)

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
