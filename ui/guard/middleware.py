"""The middleware: names, routes, logins, bodies, and one sentence for whatever is refused."""

from __future__ import annotations

import asyncio
import errno
import hmac
import json
import logging
import math
import secrets
from contextlib import suppress
from dataclasses import dataclass, field
from http import HTTPStatus
from http.cookies import CookieError, SimpleCookie
from typing import Protocol

from pydantic import SecretStr
from starlette.datastructures import Headers
from starlette.exceptions import HTTPException
from starlette.formparsers import MultiPartException
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from ui.failures import BROKEN, described
from ui.guard import routes
from ui.guard.bodies import MAX_JSON_BYTES, BodyError, read_json, too_large
from ui.guard.fields import FieldCounter
from ui.guard.logins import LoginThrottle
from ui.guard.names import Names
from ui.guard.routes import Route

__all__ = ["Access", "Guard"]

_LOG = logging.getLogger(__name__)
_MCP = Route(("POST",), body="json", limit=MAX_JSON_BYTES)
_MCP_PATHS = ("/gradio_api/mcp", "/gradio_api/mcp/")
_MAX_QUERY = 8192
_DISK = (errno.ENOSPC, errno.EDQUOT, errno.EIO, errno.EROFS)  # not what a request can bring about
_PATIENCE = 60.0  # seconds for a body that is read whole
_DRAINED, _DRAINING = 64 * 2**20, 2.0  # bytes and seconds for what is thrown away unread
_SAYS = {
    400: "the request cannot be understood",
    401: "log in first; programs send the token of --mcp-token as `Authorization: Bearer TOKEN`",
    403: "this is not served",
    404: "there is nothing at this address",
    405: "this address does not take such a request",
    406: "this address speaks MCP: a client accepts application/json and text/event-stream",
    413: "the request is too large: send less",
    422: "the request cannot be understood",
    500: BROKEN,
    503: "too many requests are waiting: try again soon",
}
_HEADERS = (
    (b"x-content-type-options", b"nosniff"),
    (b"referrer-policy", b"same-origin"),
    (b"content-security-policy", b"frame-ancestors 'self'"),
)


class LoginSessions(Protocol):
    """Who has logged in; `gradio.routes.App` is one.

    Attributes:
        cookie_id: Part of the names of its cookies.
        tokens: User names by the values of those cookies.
    """

    cookie_id: str
    tokens: dict[str, str]


@dataclass
class Access:
    """Who is let in.

    Attributes:
        names: Under which names.
        login: Whether people have to log in.
        token: What programs send instead; MCP tools ask for it wherever there is one.
        throttle: Slows failed logins down.
    """

    names: Names
    login: bool = False
    token: SecretStr | None = None
    throttle: LoginThrottle = field(default_factory=LoginThrottle)


class _Refused(Exception):
    """A request that gets `status` and one sentence."""

    def __init__(self, status: int, says: str = "", **headers: str) -> None:
        super().__init__(says or _SAYS.get(status) or _SAYS[400])
        self.status = status
        self.headers = headers


class _Gone(Exception):
    """Whoever asked has hung up."""


class Guard:
    """Judges every request before the app sees it.

    Args:
        app: Gradio's, with its own middlewares.
        access: Who is let in.
        sessions: Who has logged in.
        mcp: Serves MCP; None where that is off.
    """

    def __init__(
        self, app: ASGIApp, access: Access, sessions: LoginSessions, mcp: ASGIApp | None = None
    ) -> None:
        self._app, self._access, self._sessions, self._mcp = app, access, sessions, mcp
        self._token_cookie = secrets.token_urlsafe(32)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serves one connection; lifespans pass, websockets, which the page has none of, do not."""
        if scope["type"] == "lifespan":
            await self._app(scope, receive, send)
        elif scope["type"] == "websocket":
            await send({"type": "websocket.close", "code": 1008})
        else:
            await self._serve(scope, receive, _Answer(send, scope["method"]))

    async def _serve(self, scope: Scope, receive: Receive, answer: _Answer) -> None:
        headers = Headers(scope=scope)
        try:
            await self._pass(scope, headers, receive, answer)
        except _Gone:
            return
        except BodyError as error:
            if error.unread and "expect" not in headers:
                await _drained(receive)
            await answer.refuse(error.status, str(error), connection="close")
        except _Refused as error:
            await answer.refuse(error.status, str(error), **error.headers)
        except Exception as error:  # ours are told in words, so this is Gradio at odds with a value
            # Gradio ends the events of a page that was left with a refusal, too late to be sent.
            level = logging.DEBUG if isinstance(error.__cause__, HTTPException) else logging.WARNING
            _LOG.log(level, "%s %.80r: %s", scope["method"], scope["path"], described(error))
            ours = isinstance(error, OSError) and error.errno in _DISK
            status = HTTPStatus.INTERNAL_SERVER_ERROR if ours else HTTPStatus.BAD_REQUEST
            await answer.refuse(status, _SAYS[status])

    async def _pass(
        self, scope: Scope, headers: Headers, receive: Receive, answer: _Answer
    ) -> None:
        self._check_names(scope, headers)
        path: str = scope["path"]
        is_mcp = self._mcp is not None and path in _MCP_PATHS
        route = _MCP if is_mcp else routes.find(path)
        if route is None:
            raise _Refused(404)
        client = str((scope.get("client") or ("", 0))[0])
        scope = self._let_in(scope, headers, route, is_mcp, client)
        if scope["method"] not in route.methods:
            raise _Refused(405, allow=", ".join(route.methods))
        if len(scope.get("query_string", b"")) > _MAX_QUERY:
            raise _Refused(414, "the address is too long")
        # Of a part of a file Gradio sends the request's headers back, its cookies among them.
        scope = {**scope, "headers": [one for one in scope["headers"] if one[0] != b"range"]}
        is_login = route.body == "form"
        if is_login:
            self._slow_down(client)
        counted = await _bounded(route, headers, receive) if scope["method"] == "POST" else None
        inner = self._mcp if is_mcp and self._mcp is not None else self._app
        try:
            await inner(scope, counted or receive, answer.take)
        except Exception:
            if counted is not None and counted.over:
                raise too_large(None, route.limit) from None
            raise
        if is_login and answer.status == HTTPStatus.OK:
            self._access.throttle.succeeded(client)
        if is_login and answer.status == HTTPStatus.BAD_REQUEST:
            raise _Refused(400, "wrong user name or password")
        if counted is not None and counted.over:
            raise too_large(None, route.limit)
        await answer.finish()

    def _check_names(self, scope: Scope, headers: Headers) -> None:
        forwarded = headers.get("x-forwarded-host", "")
        hosts = [headers.get("host"), *(one.strip() for one in forwarded.split(",") if one)]
        fetch = headers.get("sec-fetch-site")
        if scope["path"] == "/" and headers.get("sec-fetch-dest", "document") == "document":
            fetch = None if headers.get("sec-fetch-mode") == "navigate" else fetch  # a link to us
        server = str((scope.get("server") or ("", 0))[0])
        says = self._access.names.refusal(hosts, headers.get("origin"), fetch, server)
        if says is not None:
            raise _Refused(403, says)

    def _let_in(
        self, scope: Scope, headers: Headers, route: Route, is_mcp: bool, client: str
    ) -> Scope:
        """The request of somebody who may make it; one with the token is logged in by that.

        Raises:
            _Refused: Who asks is a stranger.
        """
        by_token = self._has_token(headers, client)
        if is_mcp and not by_token and (self._access.token or self._access.login):
            raise _Refused(401, **{"www-authenticate": "Bearer"})
        if not self._access.login or is_mcp:
            return scope
        if by_token:
            return self._logged_in(scope)
        if route.login and not self._has_cookie(headers):
            raise _Refused(401)
        return scope

    def _has_token(self, headers: Headers, client: str) -> bool:
        kind, _, sent = headers.get("authorization", "").partition(" ")
        if self._access.token is None or kind.lower() != "bearer":
            return False
        wanted = self._access.token.get_secret_value().encode()
        if hmac.compare_digest(sent.strip().encode("utf-8", "replace"), wanted):
            return True  # also while others of its network guess: a random token is not guessed
        self._slow_down(f"token:{client}")  # apart from passwords: one locks the other out else
        return False

    @property
    def _cookies(self) -> tuple[str, str]:
        name = self._sessions.cookie_id
        return f"access-token-{name}", f"access-token-unsecure-{name}"

    def _has_cookie(self, headers: Headers) -> bool:
        try:
            sent = SimpleCookie(headers.get("cookie", ""))
        except CookieError:
            return False
        return any(
            name in sent and sent[name].value in self._sessions.tokens for name in self._cookies
        )

    def _logged_in(self, scope: Scope) -> Scope:
        """The same request with a cookie of Gradio's, which knows no tokens."""
        self._sessions.tokens[self._token_cookie] = "token"
        cookie = f"{self._cookies[1]}={self._token_cookie}".encode()
        others = [one for one in scope["headers"] if one[0] != b"cookie"]
        return {**scope, "headers": [*others, (b"cookie", cookie)]}

    def _slow_down(self, client: str) -> None:
        wait = self._access.throttle.wait(client)
        if wait > 0:
            seconds = math.ceil(wait)
            says = f"too many wrong passwords: try again in {seconds} s"
            raise _Refused(429, says, **{"retry-after": str(seconds)})
        self._access.throttle.failed(client)  # until it has succeeded: others may run beside it


class _Answer:
    """The answer on its way: one that is fine passes, of any other the status alone is kept."""

    def __init__(self, send: Send, method: str) -> None:
        self._send, self._method = send, method
        self._streams_events = self._over = False
        self.status = 0

    async def take(self, message: Message) -> None:
        """What the app says."""
        if message["type"] == "http.response.start":
            self.status = message["status"]
            given = list(message.get("headers", ()))
            names = {name.lower(): value for name, value in given}
            self._streams_events = b"event-stream" in names.get(b"content-type", b"")
            more = [header for header in _HEADERS if header[0] not in names]
            message = {**message, "headers": [*given, *more]}
        elif message["type"] == "http.response.body":
            self._over = not message.get("more_body", False)
        if self.status < HTTPStatus.BAD_REQUEST:
            await self._send(message)

    async def finish(self) -> None:
        """Says what is to be said of an answer that was kept back."""
        if self.status >= HTTPStatus.BAD_REQUEST:
            await self.refuse(self.status, _SAYS.get(self.status, _SAYS[400]))

    async def refuse(self, status: int, says: str, **headers: str) -> None:
        """One sentence; of an answer that has begun, events end, and files are left broken off."""
        if 0 < self.status < HTTPStatus.BAD_REQUEST:
            if self._streams_events and not self._over:  # the last event says what happened
                await self._send({"type": "http.response.body", "body": b""})
            return
        body = json.dumps({"detail": says}).encode()
        more = {"content-type": "application/json", "content-length": str(len(body)), **headers}
        raw = [(name.encode(), value.encode("latin-1")) for name, value in more.items()]
        start = {"type": "http.response.start", "status": status, "headers": [*raw, *_HEADERS]}
        await self._send(start)
        shown = b"" if self._method == "HEAD" else body
        await self._send({"type": "http.response.body", "body": shown})


class _Counted:
    """A body of files that is handed on as it comes, up to its limit.

    Attributes:
        over: Whether it was over its limit.
    """

    def __init__(self, receive: Receive, limit: int, fields: FieldCounter | None = None) -> None:
        self._receive, self._left, self._fields = receive, limit, fields
        self._whole = False
        self.over = False

    async def __call__(self) -> Message:
        """The next piece.

        Raises:
            MultiPartException: It is over its limit, or broken off. Gradio's parser then deletes
                what it has written, which it does for no other error.
        """
        message = await self._receive()
        if self._whole:
            return message
        piece = message.get("body", b"")
        self._whole = message["type"] == "http.request" and not message.get("more_body", False)
        self._left -= len(piece)
        self.over = self._left < 0 or (self._fields is not None and self._fields.over(piece))
        if self.over or message["type"] == "http.disconnect":
            raise MultiPartException("broken off")
        return message


class _Whole(_Counted):
    """A body that was read already."""

    def __init__(self, body: bytes, receive: Receive) -> None:
        super().__init__(receive, len(body))
        self._body: bytes | None = body

    async def __call__(self) -> Message:
        """The body at once, then whatever comes: that somebody hangs up."""
        if self._body is None:
            return await self._receive()
        body, self._body = self._body, None
        return {"type": "http.request", "body": body, "more_body": False}


async def _bounded(route: Route, headers: Headers, receive: Receive) -> _Counted:
    """The body, of a size and a form that the route takes.

    Raises:
        BodyError: It is not.
    """
    kind = headers.get("content-type", "").partition(";")[0].strip().lower()
    has_files = route.body == "files" and kind == "multipart/form-data"
    limit = route.limit if has_files else min(route.limit, MAX_JSON_BYTES)
    declared = headers.get("content-length", "")
    if declared.isdecimal() and int(declared) > limit:
        raise too_large(int(declared), limit)
    if has_files:
        return _Counted(receive, limit, FieldCounter(headers["content-type"]))
    body = await _read(receive, limit)
    if route.body == "form":
        return _Whole(body, receive)
    return _Whole(read_json(body, route.form), receive)


async def _read(receive: Receive, limit: int) -> bytes:
    pieces: list[bytes] = []
    size, more = 0, True
    try:
        async with asyncio.timeout(_PATIENCE):
            while more:
                message = await receive()
                if message["type"] == "http.disconnect":
                    raise _Gone
                pieces.append(message.get("body", b""))
                size += len(pieces[-1])
                more = message.get("more_body", False)
                if size > limit:
                    raise too_large(None, limit)
    except TimeoutError:
        raise BodyError(f"the request did not come within {_PATIENCE:g} s", 408) from None
    return b"".join(pieces)


async def _drained(receive: Receive) -> None:
    """Reads on for a moment: most clients look for an answer only when they have said all."""
    left = _DRAINED
    with suppress(TimeoutError):
        async with asyncio.timeout(_DRAINING):
            while left > 0:
                message = await receive()
                left -= len(message.get("body", b""))
                if message["type"] == "http.disconnect" or not message.get("more_body", False):
                    return
