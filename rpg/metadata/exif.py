"""Texts in the EXIF data of JPEG and WebP files, read without decoding a pixel.

Only headers of segments and the EXIF data, of a bounded length, are read. Sources: JPEG (ITU-T
T.81, annex B), WebP (RFC 9649), TIFF 6.0 section 2, EXIF 2.32 section 4.6.5 (UserComment).
"""

from __future__ import annotations

import re
import struct
from collections.abc import Iterator
from typing import BinaryIO

from rpg.errors import MetadataError

MAX_EXIF_BYTES = 8 * 2**20
_MAX_SEGMENTS = 10_000
_MAX_ENTRIES = 500
_MAKE, _MODEL, _DESCRIPTION, _SOFTWARE = 0x010F, 0x0110, 0x010E, 0x0131
_EXIF_TABLE, _COMMENT = 0x8769, 0x9286
_BYTES_EACH = {1: 1, 2: 1, 3: 2, 4: 4, 7: 1}  # of TIFF's types that hold texts or places
_NAMED = re.compile(r"(prompt|workflow):(?=\s*\{)", re.IGNORECASE)


def jpeg_texts(stream: BinaryIO) -> dict[str, str]:
    """The texts of a JPEG file, whose two bytes of signature are read, by PNG's keywords.

    Raises:
        MetadataError: It is cut short or damaged.
    """
    for _ in range(_MAX_SEGMENTS):
        mark = _exactly(stream, 2)
        if mark[0] != 0xFF:
            raise MetadataError(
                "the JPEG file is damaged: a segment does not begin where it should"
            )
        if mark[1] in (0xD9, 0xDA):  # the end, and where pixels begin
            return {}
        if mark[1] == 0xFF:  # a byte that fills
            stream.seek(-1, 1)
            continue
        length = struct.unpack(">H", _exactly(stream, 2))[0] - 2
        if length < 0:
            raise MetadataError("the JPEG file is damaged: a segment has no length")
        data = _exactly(stream, length)
        if mark[1] == 0xE1 and data.startswith(b"Exif\0\0"):
            return texts(data[6:])
    raise MetadataError(f"the JPEG file has over {_MAX_SEGMENTS:,} segments")


def webp_texts(stream: BinaryIO) -> dict[str, str]:
    """The texts of a WebP file, whose twelve bytes of signature are read, by PNG's keywords.

    Raises:
        MetadataError: It is cut short, or the data are over `MAX_EXIF_BYTES`.
    """
    for _ in range(_MAX_SEGMENTS):
        header = stream.read(8)
        if len(header) < 8:
            return {}
        kind, length = struct.unpack("<4sI", header)
        if kind != b"EXIF":
            stream.seek(length + length % 2, 1)
            continue
        if length > MAX_EXIF_BYTES:
            raise MetadataError(
                f"EXIF data of {length:,} bytes; at most {MAX_EXIF_BYTES:,} are read"
            )
        return texts(_exactly(stream, length).removeprefix(b"Exif\0\0"))
    raise MetadataError(f"the WebP file has over {_MAX_SEGMENTS:,} chunks")


def texts(data: bytes) -> dict[str, str]:
    """The texts of EXIF data, by the keywords that PNG files have for them."""
    order = {b"II*\0": "<", b"MM\0*": ">"}.get(data[:4])
    if order is None:
        return {}
    (start,) = struct.unpack_from(order + "I", data.ljust(8, b"\0"), 4)
    values = dict(_entries(data, start, order))
    if len(place := values.get(_EXIF_TABLE, b"")) == 4:
        values = dict(_entries(data, struct.unpack(order + "I", place)[0], order)) | values
    found: dict[str, str] = {}
    for tag in (_MAKE, _MODEL, _DESCRIPTION):  # where ComfyUI's nodes for WebP put its graphs
        text = _text(values.get(tag, b""))
        if named := _NAMED.match(text):
            found.setdefault(named[1].lower(), text[named.end() :])
    if _COMMENT in values:
        found["parameters"] = _comment(values[_COMMENT])
    if software := _text(values.get(_SOFTWARE, b"")):
        found["Software"] = software
    return found


def _entries(data: bytes, start: int, order: str) -> Iterator[tuple[int, bytes]]:
    """Tags and their bytes; what points out of the data is left out."""
    if start + 2 > len(data):
        return
    (count,) = struct.unpack_from(order + "H", data, start)
    for at in range(start + 2, start + 2 + 12 * min(count, _MAX_ENTRIES), 12):
        if at + 12 > len(data):
            return
        tag, kind, number = struct.unpack_from(order + "HHI", data, at)
        length = number * _BYTES_EACH.get(kind, 0)
        place = at + 8 if length <= 4 else struct.unpack_from(order + "I", data, at + 8)[0]
        if 0 < length <= len(data) - place:
            yield tag, data[place : place + length]


def _text(value: bytes) -> str:
    return value.rstrip(b"\0").decode("utf-8", "replace")


def _comment(value: bytes) -> str:
    """The text of a comment behind the eight letters that say its code, if it has them.

    "UNICODE" says no order of bytes, and tools differ: the one with more letters of ASCII counts.
    """
    code, text = value[:8], value[8:]
    if code == b"UNICODE\0":
        first_is_low = text[1::2].count(0) > text[0::2].count(0)
        return text.decode("utf-16-le" if first_is_low else "utf-16-be", "replace").rstrip("\0")
    if code in (b"ASCII\0\0\0", bytes(8)):
        return _text(text)
    return _text(value)


def _exactly(stream: BinaryIO, length: int) -> bytes:
    data = stream.read(length)
    if len(data) != length:
        raise MetadataError("the picture's file is cut short")
    return data
