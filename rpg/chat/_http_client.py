"""The HTTP client of a request: allowed addresses and limits of size."""

from __future__ import annotations

import asyncio
import urllib.request
from collections.abc import AsyncIterator, Sequence
from typing import Any
from urllib.parse import urlsplit

import httpx2
import openai

from rpg.chat import _secrets, addresses
from rpg.chat.addresses import Trust, kind_of, literal
from rpg.chat.timeouts import Timeouts

MAX_PIECE = 4_000_000  # bytes: an event of a stream, or an answer that is not streamed
MAX_STREAM = 64_000_000  # bytes

_NO_KEY = "none"  # local servers want none, the library insists
_MOST_TRIED = 4  # addresses of one name
# What a visitor's endpoint is sent: nothing that the environment adds (OPENAI_CUSTOM_HEADERS, ...).
_SENT = frozenset(
    "accept accept-encoding authorization connection content-length content-type host user-agent "
    "transfer-encoding".split()
)


class ExcessError(httpx2.RequestError):
    """More came, or otherwise, than any answer needs; the message says what."""


class ForbiddenAddressError(httpx2.RequestError):
    """A visitor's address leads to a place that no visitor may name."""


def open_client(
    base_url: str, key: str | None, timeouts: Timeouts, *, local: bool, trust: Trust = "owner"
) -> openai.AsyncOpenAI:
    """A client of the openai library that leaves retrying to us and keeps the key to itself.

    Args:
        base_url: Whom to ask.
        key: With which key; None: none.
        timeouts: How long it waits.
        local: Whether the address is of this machine or network: no proxy is asked for it.
        trust: Who named the address. A visitor's is looked at when it is connected to, so that
            a name cannot change its meaning, and is sent no header from the environment.
    """
    _secrets.guard(key or "")
    asking: list[Any] = [] if trust == "owner" else [_bare]
    return openai.AsyncOpenAI(
        api_key=key or _NO_KEY,
        base_url=base_url,
        max_retries=0,
        timeout=openai.Timeout(timeouts.silence, connect=timeouts.connect),
        default_headers={
            "Authorization": f"Bearer {key or _NO_KEY}",  # before one in OPENAI_CUSTOM_HEADERS
            "Accept-Encoding": "identity",  # a packed answer may unpack to anything
        },
        http_client=openai.DefaultAsyncHttpxClient(
            follow_redirects=False,  # a key goes where it was meant to go, and nowhere else
            event_hooks={"request": asking, "response": [_bounded]},
            **(_direct(local) if trust == "owner" else _guarded(base_url, local)),
        ),
    )


def _direct(local: bool) -> dict[str, Any]:
    return {"trust_env": not local}


def _guarded(base_url: str, local: bool) -> dict[str, Any]:
    """By the proxy where there is one, which resolves names itself; else by a pinned transport."""
    proxy = None if local else _proxy_of(base_url)
    return {"transport": _PinnedTransport()} if proxy is None else {"proxy": proxy}


def _proxy_of(base_url: str) -> str | None:
    url = urlsplit(base_url)
    proxies = urllib.request.getproxies()
    found = proxies.get(url.scheme) or proxies.get("all")
    if not found or urllib.request.proxy_bypass(url.netloc):
        return None
    return found if "://" in found else f"http://{found}"


class _PinnedTransport(httpx2.AsyncHTTPTransport):
    """Connects to addresses that it has looked at, never to a name that is resolved once more."""

    async def handle_async_request(self, request: httpx2.Request) -> httpx2.Response:
        """The response of the first address that can be reached.

        Raises:
            ForbiddenAddressError: One of them is a place that no visitor may name.
            httpx2.TransportError: None can be reached.
        """
        failed: httpx2.TransportError = httpx2.ConnectError("name or service not known")
        for address in await asyncio.to_thread(_looked_at, request.url.host):
            try:
                return await super().handle_async_request(_at(request, address))
            except (httpx2.ConnectError, httpx2.ConnectTimeout) as error:
                failed = error
        raise failed


def _looked_at(host: str) -> Sequence[str]:
    """The addresses of a host.

    Raises:
        ForbiddenAddressError: One is of a kind that is refused.
    """
    if (address := literal(host)) is not None:
        found: Sequence[str] = (str(address),)
    else:
        try:
            found = addresses.system(host)
        except OSError:
            found = ()
    if "link-local" in {kind_of(host, lambda _: found), *map(kind_of, found)}:
        raise ForbiddenAddressError("a link-local or metadata address")
    return found[:_MOST_TRIED]


def _at(request: httpx2.Request, address: str) -> httpx2.Request:
    """The same request to an address; TLS and the server are told the name."""
    return httpx2.Request(
        request.method,
        request.url.copy_with(host=address),
        headers=request.headers,
        stream=request.stream,
        extensions={**request.extensions, "sni_hostname": request.url.host},
    )


async def _bare(request: httpx2.Request) -> None:
    for name in list(request.headers):
        if name.lower() not in _SENT and not name.lower().startswith("x-stainless-"):
            del request.headers[name]


async def _bounded(response: httpx2.Response) -> None:
    """Bounds what is read of a response, whoever reads it.

    Raises:
        ExcessError: It is compressed.
    """
    packed = response.headers.get("content-encoding", "identity").strip().lower()
    if packed not in ("", "identity"):
        raise ExcessError("it sends its answer compressed, though plain text was asked for")
    kind = response.headers.get("content-type", "")
    whole = response.status_code != 200 or "json" in kind or "html" in kind
    assert isinstance(response.stream, httpx2.AsyncByteStream)
    response.stream = _Bounded(response.stream, MAX_PIECE if whole else MAX_STREAM)


class _Bounded(httpx2.AsyncByteStream):
    """A body that ends with `ExcessError` where it is too long, or an event of it is."""

    def __init__(self, stream: httpx2.AsyncByteStream, most: int) -> None:
        self._stream = stream
        self._most = most
        self._bytes = self._event = 0
        self._last = b""

    async def __aiter__(self) -> AsyncIterator[bytes]:
        async for part in self._stream:
            self._measure(part)
            yield part

    async def aclose(self) -> None:
        """Closes the connection."""
        await self._stream.aclose()

    def _measure(self, part: bytes) -> None:
        text = self._last + part
        end = max(text.rfind(blank) for blank in (b"\n\n", b"\n\r\n", b"\r\r"))
        self._event = len(text) - end if end >= 0 else self._event + len(part)
        self._last = text[-2:]
        self._bytes += len(part)
        if self._bytes > self._most:
            raise ExcessError(f"its answer is over {self._most // 1_000_000} MB long")
        if self._event > MAX_PIECE:
            raise ExcessError(f"a line of over {MAX_PIECE // 1_000_000} MB has no end")
