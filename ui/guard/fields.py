"""Fields of forms that carry files: Gradio's parser holds those that are no files in memory."""

from __future__ import annotations

from contextlib import suppress

from python_multipart.exceptions import FormParserError
from python_multipart.multipart import MultipartParser, parse_options_header

__all__ = ["FieldCounter"]

_MAX_FIELDS_BYTES = 2**16  # of all of a form together: ids and names


class FieldCounter:
    """Counts the bytes of a multipart form's parts that have no file name.

    Args:
        content_type: The request's header, which names the boundary.
    """

    def __init__(self, content_type: str) -> None:
        self._bytes = 0
        self._is_file = False
        self._header = b""
        self._parser: MultipartParser | None = None
        _, options = parse_options_header(content_type)
        with suppress(FormParserError, KeyError):  # what cannot be parsed is Gradio's to refuse
            self._parser = MultipartParser(
                options[b"boundary"],
                {
                    "on_part_begin": self._begin,
                    "on_header_value": self._value,
                    "on_part_data": self._data,
                },
            )

    def over(self, piece: bytes) -> bool:
        """Whether, with the next piece of the body, the fields hold too much."""
        if self._parser is not None:
            try:
                self._parser.write(piece)
            except FormParserError:
                self._parser = None
        return self._bytes > _MAX_FIELDS_BYTES

    def _begin(self) -> None:
        self._header, self._is_file = b"", False

    def _value(self, data: bytes, start: int, end: int) -> None:
        self._header += data[start:end]
        self._is_file = self._is_file or b"filename" in self._header.lower()

    def _data(self, data: bytes, start: int, end: int) -> None:
        self._bytes += 0 if self._is_file else end - start
