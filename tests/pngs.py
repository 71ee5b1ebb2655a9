"""PNG files put together by hand, to say what no library would write."""

from __future__ import annotations

import struct
import zlib

SIGNATURE = b"\x89PNG\r\n\x1a\n"
GREY, RGB = 0, 2  # colour types


def chunk(kind: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))


def header(width: int, height: int, colours: int = RGB) -> bytes:
    return chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, 8, colours, 0, 0, 0))


def png(*chunks: bytes, data: bytes = b"") -> bytes:
    """A file of these chunks, with compressed pixels that need not be as many as it says."""
    parts = (SIGNATURE, *chunks, chunk(b"IDAT", data), chunk(b"IEND", b""))
    return b"".join(parts)
