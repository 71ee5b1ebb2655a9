"""A read-only snapshot of an SQLite file: its pages, with those of its write-ahead log.

SQLite itself reads a log only where it can make or change the index beside it, which a full disk
and a read-only folder do not allow. Source: "Database File Format" and "WAL-mode File Format" of
sqlite.org, sections 1.3 and 4.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator

__all__ = ["holds_more", "with_log"]

_HEADER = struct.Struct(">8I")  # magic, version, page size, checkpoint, two salts, two checksums
_FRAME = struct.Struct(">6I")  # page, pages after a commit or 0, two salts, two checksums
_WORDS = {0x377F0682: "<", 0x377F0683: ">"}  # by magic: the order of bytes in checksums
_PLAIN = b"\x01\x01"  # for bytes 18 and 19: no log; in memory there can be none


def holds_more(log: bytes) -> bool:
    """Whether a log has any transaction that may be missing in the file."""
    return len(log) > _HEADER.size


def with_log(pages: bytes, log: bytes) -> bytes:
    """The file as it is with all that the log says was committed, fit to be held in memory.

    Args:
        pages: The file.
        log: What lies beside it as `-wal`; empty for none.
    """
    made = bytearray(pages)
    size = 0
    for number, page, count in _committed(log):
        size = len(page)
        start = (number - 1) * size
        made.extend(bytes(max(0, start + size - len(made))))
        made[start : start + size] = page
        if count:
            del made[count * size :]
    if made:
        made[18:20] = _PLAIN
    return bytes(made)


def _committed(log: bytes) -> list[tuple[int, bytes, int]]:
    """Number, content and size after commit of every page in transactions that are whole."""
    found: list[tuple[int, bytes, int]] = []
    whole = 0
    for frame in _frames(log):
        found.append(frame)
        if frame[2]:
            whole = len(found)
    return found[:whole]


def _frames(log: bytes) -> Iterator[tuple[int, bytes, int]]:
    """Up to the first that was not written to its end, or is left from before the last restart."""
    if len(log) < _HEADER.size:
        return
    magic, _, size, _, *salts, one, two = _HEADER.unpack_from(log)
    order = _WORDS.get(magic)
    if order is None:
        return
    sums = _sums(order, log[:24], (0, 0))
    if sums != (one, two):
        return
    step = _FRAME.size + size
    for at in range(_HEADER.size, len(log) - step + 1, step):
        number, count, *rest = _FRAME.unpack_from(log, at)
        page = log[at + _FRAME.size : at + step]
        sums = _sums(order, log[at : at + 8] + page, sums)
        if rest != [*salts, *sums] or not number:
            return
        yield number, page, count


def _sums(order: str, data: bytes, start: tuple[int, int]) -> tuple[int, int]:
    """The checksum of section 4.2, begun with an earlier one."""
    one, two = start
    words = iter(struct.unpack(f"{order}{len(data) // 4}I", data))
    for even, odd in zip(words, words, strict=True):
        one = (one + even + two) & 0xFFFFFFFF
        two = (two + odd + one) & 0xFFFFFFFF
    return one, two
