"""Fields of forms are counted, files are not, in whatever pieces they come."""

from __future__ import annotations

import pytest

from ui.guard.fields import FieldCounter

KIND = "multipart/form-data; boundary=b"


def form(*parts: tuple[bytes, bytes]) -> bytes:
    lines = [
        b"--b\r\nContent-Disposition: form-data; name=a" + rest + b"\r\n\r\n" + body + b"\r\n"
        for rest, body in parts
    ]
    return b"".join(lines) + b"--b--\r\n"


@pytest.mark.parametrize("size", [1, 7, 1000, 10**9])
def test_only_fields_count(size: int) -> None:
    file, field = (b"; filename=x.png", b"f" * 200_000), (b"", b"f" * 30_000)
    for parts, over in [((file, file), False), ((field, file, field), False), ((field,) * 3, True)]:
        body, counter = form(*parts), FieldCounter(KIND)
        pieces = [body[at : at + size] for at in range(0, min(len(body), 500_000), size)]
        assert any([counter.over(piece) for piece in pieces]) == over


@pytest.mark.parametrize("kind", ["multipart/form-data", "multipart/form-data; boundary=", "x"])
def test_what_is_no_form_is_left_to_others(kind: str) -> None:
    assert not FieldCounter(kind).over(b"anything" * 100_000)
