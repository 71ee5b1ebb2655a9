"""What Gradio raises when its answer has begun already."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator

import pytest
from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import StreamingResponse
from starlette.routing import Route
from starlette.types import Message

from ui.guard.middleware import Access, Guard
from ui.guard.names import Names

PATH = "/gradio_api/queue/data"


def served(failure: Exception) -> list[Message]:
    """What a page is sent whose events end in that failure."""

    async def events(_: Request) -> StreamingResponse:
        async def pieces() -> AsyncIterator[bytes]:
            yield b"data: 1\n\n"
            raise failure

        return StreamingResponse(pieces(), media_type="text/event-stream")

    app = Starlette(routes=[Route(PATH, events)])
    sent: list[Message] = []

    async def send(message: Message) -> None:
        sent.append(message)

    async def receive() -> Message:
        await asyncio.sleep(60)
        return {"type": "http.disconnect"}

    scope = {
        **{"type": "http", "method": "GET", "path": PATH, "raw_path": PATH.encode()},
        **{"query_string": b"session_hash=a", "scheme": "http", "http_version": "1.1"},
        **{"headers": [(b"host", b"127.0.0.1:7860")], "client": ("127.0.0.1", 1)},
        "server": ("127.0.0.1", 7860),
    }
    guard = Guard(app, Access(names=Names("127.0.0.1")), None)  # type: ignore[arg-type]
    asyncio.run(guard(scope, receive, send))
    return sent


@pytest.mark.parametrize(
    ("failure", "warned"), [(HTTPException(404), False), (ValueError("x"), True)]
)
def test_events_of_a_page_that_was_left_end_without_a_warning(
    failure: Exception, warned: bool, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.INFO):
        sent = served(failure)
    assert sent[0]["status"] == 200 and b"data: 1" in sent[1]["body"]
    assert bool(caplog.messages) == warned
