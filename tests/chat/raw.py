"""A server on loopback that says bytes to whoever connects, without end if need be."""

from __future__ import annotations

import contextlib
import itertools
import re
import socket
import threading
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

BLOCK = 65536


@dataclass
class Raw:
    """The server while it runs.

    Attributes:
        port: Where it listens.
        requests: The head of every request.
        sent: Bytes that it got rid of.
    """

    port: int
    requests: list[str] = field(default_factory=list)
    sent: int = 0

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}/v1"


def head(kind: str = "text/event-stream", status: str = "200 OK", *more: str) -> bytes:
    lines = [f"HTTP/1.1 {status}", f"content-type: {kind}", "connection: close", *more]
    return ("\r\n".join(lines) + "\r\n\r\n").encode()


def without_end(text: bytes) -> Iterator[bytes]:
    return itertools.repeat(text * (BLOCK // len(text)))


def _heard(peer: socket.socket) -> str:
    """A request's head; its body is read, too, or hanging up would be a reset."""
    with peer.makefile("rb") as lines:
        whole = itertools.takewhile(lambda line: line.strip(), iter(lines.readline, None))
        said = b"".join(whole).decode("latin-1")
        if found := re.search(r"content-length: (\d+)", said, re.IGNORECASE):
            lines.read(int(found[1]))
    return said


@contextmanager
def saying(pieces: Callable[[], Iterable[bytes]]) -> Iterator[Raw]:
    """Runs it; every connection is told what `pieces` gives, until it hangs up."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        raw = Raw(server.getsockname()[1])

        def serve() -> None:
            with contextlib.suppress(OSError):
                while True:
                    peer, _ = server.accept()
                    with peer, contextlib.suppress(OSError):
                        raw.requests.append(_heard(peer))
                        for piece in pieces():
                            peer.sendall(piece)
                            raw.sent += len(piece)

        thread = threading.Thread(target=serve, daemon=True)
        thread.start()
        yield raw
        server.shutdown(socket.SHUT_RDWR)
    thread.join(5)
