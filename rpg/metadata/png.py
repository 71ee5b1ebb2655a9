"""Text chunks of PNG files, read without decoding a pixel.

A picture's size, however absurd, plays no part here: only chunk headers and text chunks of a
bounded length are read, so a decompression bomb costs nothing. Source: PNG (third edition),
sections 5.3 and 11.3.3.
"""

from __future__ import annotations

import struct
import zlib
from collections.abc import Iterator
from typing import BinaryIO

from rpg.errors import MetadataError

SIGNATURE = b"\x89PNG\r\n\x1a\n"
MAX_TEXT_BYTES = 8 * 2**20
MAX_CHUNKS = 100_000
_TEXT = (b"tEXt", b"zTXt", b"iTXt")


def text_chunks(stream: BinaryIO, wanted: frozenset[str]) -> dict[str, str]:
    """The text of the chunks whose keyword is in `wanted`; of two with one keyword the first.

    Args:
        stream: Behind the signature of the file.
        wanted: Keywords.

    Raises:
        MetadataError: Cut short, damaged, or a wanted text is over `MAX_TEXT_BYTES`.
    """
    found: dict[str, str] = {}
    for kind, data in _chunks(stream):
        keyword, _, rest = data.partition(b"\0")
        name = keyword.decode("latin-1")
        if name in wanted:
            found.setdefault(name, _DECODERS[kind](rest))
    return found


def _chunks(stream: BinaryIO) -> Iterator[tuple[bytes, bytes]]:
    """Type and data of every text chunk, up to the end of the picture."""
    for _ in range(MAX_CHUNKS):
        header = _exactly(stream, 8)
        length, kind = struct.unpack(">I4s", header)
        if kind == b"IEND":
            return
        if kind not in _TEXT:
            stream.seek(length + 4, 1)
            continue
        if length > MAX_TEXT_BYTES:
            raise MetadataError(
                f"a text chunk of {length:,} bytes; at most {MAX_TEXT_BYTES:,} are read"
            )
        data, crc = _exactly(stream, length), _exactly(stream, 4)
        if zlib.crc32(kind + data) != struct.unpack(">I", crc)[0]:
            raise MetadataError("the PNG file is damaged: a text chunk does not match its checksum")
        yield kind, data
    raise MetadataError(f"the PNG file has over {MAX_CHUNKS:,} chunks")


def _exactly(stream: BinaryIO, length: int) -> bytes:
    data = stream.read(length)
    if len(data) != length:
        raise MetadataError("the PNG file is cut short")
    return data


def _inflated(data: bytes) -> bytes:
    inflate = zlib.decompressobj()
    try:
        text = inflate.decompress(data, MAX_TEXT_BYTES)
    except zlib.error:
        raise MetadataError("the PNG file is damaged: a compressed text cannot be read") from None
    if not inflate.eof:
        raise MetadataError(f"a compressed text is cut short or over {MAX_TEXT_BYTES:,} bytes")
    return text


def _utf8(data: bytes) -> str:
    try:
        return data.decode("utf-8")
    except UnicodeDecodeError:
        raise MetadataError("the PNG file is damaged: a text is not UTF-8") from None


def _plain(rest: bytes) -> str:
    return rest.decode("latin-1")


def _compressed(rest: bytes) -> str:
    return _inflated(rest[1:]).decode("latin-1")


def _international(rest: bytes) -> str:
    """Compression flag and method, language, translated keyword, then the text in UTF-8."""
    flag, (_, _, text) = rest[:1], (rest[2:].split(b"\0", 2) + [b"", b""])[:3]
    return _utf8(_inflated(text) if flag == b"\1" else text)


_DECODERS = {b"tEXt": _plain, b"zTXt": _compressed, b"iTXt": _international}
