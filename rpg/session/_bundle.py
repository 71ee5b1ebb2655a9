"""A session as one zip: `session.json` and `pictures/DIGEST.png`, nothing else.

What comes in was written by a stranger: names, sizes, digests and every value are checked before
anything is stored, and nothing is unpacked under a name that the zip says.
"""

from __future__ import annotations

import io
import os
import secrets
import struct
import time
import zipfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, BinaryIO, Literal, NamedTuple

from pydantic import BaseModel, ConfigDict, FailFast, Field, ValidationError

from rpg._json_size import has_too_many_values
from rpg.errors import RPGError, SessionError, StoreError
from rpg.pictures import MAX_PICTURE_BYTES
from rpg.session._pictures import check_size, decode, digest
from rpg.session.tree import MAX_TURNS, TurnTree
from rpg.session.turn import Number, SessionId, Title, Turn
from rpg.settings import explain

__all__ = ["Bundle", "Incoming", "read", "write"]

MAX_ZIP_BYTES = 2**31 - 1
MAX_ALL_PIXELS = 2**32
_MAX_SECONDS = 600.0  # for decoding: texts in a picture cost time that its pixels do not tell
_HEAD = 24  # bytes of a PNG file up to its size
_MAX_MANIFEST_BYTES = 256 * 2**20
_MAX_VALUES = 1_000_000  # a turn of four things has about 100
_MAX_DIRECTORY_BYTES = 8 * 2**20
_MANIFEST = "session.json"
_DIRECTORY_END = struct.Struct("<4s4H2LH")  # APPNOTE.TXT, section 4.3.16
_FAR = b"PK\x06\x07"  # 4.3.15: leads to a second list of contents, which we never write


class Named(NamedTuple):
    """A picture of a turn.

    Attributes:
        name: Its digest.
        role: "picture" or "mask".
        turn: The turn's number.
        mode: Pillow's, of what we keep in that role.
    """

    name: str
    role: str
    turn: int
    mode: str

    def __str__(self) -> str:
        return f"the {self.role} of turn {self.turn}"


class Bundle(BaseModel):
    """The session without its pictures.

    Attributes:
        version: Of this form.
        id: As it was; taken again on import if it is free.
        title: The user's.
        created: Seconds since 1970, UTC.
        head: The turn that is looked at.
        ahead: Of a turn the child that redo leads to.
        turns: All, parents before children.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    version: Literal[1] = 1
    id: SessionId
    title: Title
    created: Annotated[float, Field(ge=0, lt=1e12, allow_inf_nan=False)]
    head: Number | None
    ahead: dict[Number, Number]
    turns: Annotated[tuple[Turn, ...], FailFast(), Field(max_length=MAX_TURNS)]

    def tree(self) -> TurnTree:
        """The shape, checked.

        Raises:
            SessionError: It is no tree.
        """
        numbers = [turn.id for turn in self.turns]
        names = [turn.label for turn in self.turns if turn.label]
        if len(set(numbers)) < len(numbers) or len(set(names)) < len(names):
            raise SessionError("two turns have one number or one label")
        return TurnTree(
            parents={turn.id: turn.parent for turn in self.turns},
            head=self.head,
            ahead=self.ahead,
            labels={turn.label: turn.id for turn in self.turns if turn.label},
            last=max(numbers, default=0),
        )

    def needed(self) -> tuple[str, ...]:
        """Digests of all pictures and masks, each once."""
        return tuple(dict.fromkeys(one.name for one in self.named()))

    def named(self) -> tuple[Named, ...]:
        """All pictures and masks, in the order of the turns; of equal ones of a kind the first."""
        found: dict[tuple[str, str], Named] = {}
        for turn in self.turns:
            found.setdefault((turn.image, "RGB"), Named(turn.image, "picture", turn.id, "RGB"))
            if turn.mask is not None:
                found.setdefault((turn.mask, "L"), Named(turn.mask, "mask", turn.id, "L"))
        return tuple(found.values())


def write(bundle: Bundle, picture: Callable[[str], bytes], target: Path) -> Path:
    """Writes the zip, whole or not at all; the same session makes the same bytes.

    Args:
        bundle: The session.
        picture: Gives the file of a digest.
        target: Where; what is there is replaced.

    Raises:
        StoreError: It cannot be written, or a picture cannot be read.
        SessionError: It would be over `MAX_ZIP_BYTES`.
    """
    try:
        with _replacing(target) as stream:
            with zipfile.ZipFile(stream, "w", allowZip64=False) as made:
                text = bundle.model_dump_json(indent=1).encode("utf-8")
                _put(made, _MANIFEST, text, zipfile.ZIP_DEFLATED)
                for name in bundle.needed():
                    _put(made, _member(name), picture(name), zipfile.ZIP_STORED)
    except zipfile.LargeZipFile:
        raise SessionError(
            f"the session is over {MAX_ZIP_BYTES:,} bytes: too large to export"
        ) from None
    except OSError as error:
        raise StoreError(f"cannot write {target}: {error.strerror or error}") from error
    return target


@dataclass(frozen=True)
class Incoming:
    """An opened zip whose list of contents and whose session are checked."""

    bundle: Bundle
    tree: TurnTree
    _zip: zipfile.ZipFile

    def picture(self, name: str) -> bytes:
        """The file of a digest, checked against it.

        Raises:
            SessionError: It is not what its name says.
        """
        data = _bounded(self._zip, _member(name), MAX_PICTURE_BYTES)
        if digest(data) != name:
            raise SessionError(f"the zip is damaged: picture {name[:12]} is not what its name says")
        return data

    def check_pictures(self) -> None:
        """Decodes every picture and mask once, the sizes of all being judged before.

        Raises:
            SessionError: One is damaged or none that a session holds, or all together are too
                large; says which.
        """
        named = self.bundle.named()
        total = sum(check_size(self._head(one.name), str(one)) for one in named)
        if total > MAX_ALL_PIXELS:
            raise SessionError(
                f"the zip's pictures have {total:,} pixels together; at most {MAX_ALL_PIXELS:,}"
            )
        until = time.monotonic() + _MAX_SECONDS
        for one in named:
            mode = decode(self.picture(one.name), str(one)).mode
            if mode != one.mode:
                raise SessionError(f"{one} is of another kind ({mode}) than sessions hold")
            if time.monotonic() > until:
                raise SessionError(f"the zip's pictures take over {_MAX_SECONDS:.0f} s to read")

    def _head(self, name: str) -> bytes:
        return _bounded(self._zip, _member(name), MAX_PICTURE_BYTES, _HEAD)


@contextmanager
def read(path: Path) -> Iterator[Incoming]:
    """Opens a zip that `write` made, or somebody who wishes us ill.

    Raises:
        SessionError: It is no session, or over a limit; says what is wrong.
    """
    try:
        with open(path, "rb") as stream:
            _check_directory(stream)
            with zipfile.ZipFile(stream) as found:
                text = _bounded(found, _MANIFEST, _MAX_MANIFEST_BYTES)
                if has_too_many_values(text, _MAX_VALUES):
                    raise SessionError(f"{path} is no session: over {_MAX_VALUES:,} values in it")
                bundle = Bundle.model_validate_json(text)
                _check_members(found, bundle)
                yield Incoming(bundle, bundle.tree(), found)
    except ValidationError as error:
        raise SessionError(f"{path} is no session: {explain(error)}") from None
    except OSError as error:
        raise SessionError(f"cannot read {path}: {error.strerror or error}") from error
    except RPGError:
        raise
    except Exception as error:  # zipfile promises no list of them
        raise SessionError(f"{path} is no session, or a damaged one: {error}") from None


def _check_directory(stream: BinaryIO) -> None:
    """Judges size and list of contents by the zip's last bytes, before the list is read."""
    size = stream.seek(0, os.SEEK_END)
    if not _DIRECTORY_END.size <= size <= MAX_ZIP_BYTES:
        raise SessionError(f"a zip of {size:,} bytes is no session; at most {MAX_ZIP_BYTES:,}")
    stream.seek(max(0, size - _DIRECTORY_END.size - 20))
    last = stream.read()
    signature, *_, directory, _, comment = _DIRECTORY_END.unpack(last[-_DIRECTORY_END.size :])
    if signature != b"PK\x05\x06" or comment or last.startswith(_FAR):
        raise SessionError("not a zip that a session was exported to")
    if directory > _MAX_DIRECTORY_BYTES:
        raise SessionError("the zip's list of contents is too long for a session")
    stream.seek(0)


def _check_members(found: zipfile.ZipFile, bundle: Bundle) -> None:
    """Exactly the pictures that the turns name, none twice, none too large."""
    infos = found.infolist()
    expected = {_MANIFEST, *(_member(name) for name in bundle.needed())}
    names = [info.filename for info in infos]
    if len(set(names)) < len(names) or set(names) != expected:
        odd = sorted(expected ^ set(names)) or ["one of them twice"]
        raise SessionError(f"the zip does not hold just what its session names: {odd[0]!r:.100}")
    total = sum(info.file_size for info in infos)
    if total > MAX_ZIP_BYTES:
        raise SessionError(f"the zip unpacks to {total:,} bytes; at most {MAX_ZIP_BYTES:,}")


def _bounded(found: zipfile.ZipFile, name: str, limit: int, first: int | None = None) -> bytes:
    """A member's bytes; what it says of its size is believed only where that is small enough.

    Args:
        found: The zip.
        name: The member's.
        limit: Most bytes that it may have.
        first: How many to read; None: all.
    """
    try:
        info = found.getinfo(name)
    except KeyError:
        raise SessionError(f"not a zip that a session was exported to: no {name} in it") from None
    if info.file_size > limit:
        raise SessionError(f"{name} in the zip is over {limit:,} bytes")
    if info.compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):
        raise SessionError(f"{name} in the zip is packed in a way that sessions are not")
    with found.open(info) as stream:
        if first is not None:
            return stream.read(first)
        data = stream.read(limit + 1)
    if len(data) != info.file_size:
        raise SessionError(f"{name} in the zip is not as large as it says")
    return data


def _member(name: str) -> str:
    return f"pictures/{name}.png"


def _put(made: zipfile.ZipFile, name: str, data: bytes, packed: int) -> None:
    info = zipfile.ZipInfo(name, (1980, 1, 1, 0, 0, 0))  # no clock: equal sessions, equal zips
    info.external_attr = 0o644 << 16
    made.writestr(info, data, packed)


@contextmanager
def _replacing(target: Path) -> Iterator[io.BufferedRandom]:
    """A draft to write to, moved to the target when all went well."""
    draft = target.with_name(f".{target.name[:100]}.{secrets.token_hex(4)}")
    target.parent.mkdir(parents=True, exist_ok=True)
    try:
        with open(draft, "x+b") as stream:
            yield stream
            stream.flush()
            os.fsync(stream.fileno())
        os.replace(draft, target)
    except BaseException:
        draft.unlink(missing_ok=True)
        raise
