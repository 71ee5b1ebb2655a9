"""The endpoints as MCP tools, at `/gradio_api/mcp/`, over streamable HTTP.

Gradio's own MCP server calls the page over HTTP as a stranger, which a login stops, and tells
refusals in its library's words. This one calls the endpoints themselves.
"""

from __future__ import annotations

import base64
import json
import logging
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any
from urllib.parse import quote

from gradio.processing_utils import save_file_to_cache
from gradio.route_utils import get_root_url
from gradio.utils import get_upload_folder
from mcp.server.lowlevel import Server
from mcp.server.streamable_http_manager import StreamableHTTPSessionManager
from mcp.types import (
    CallToolResult,
    ClientNotification,
    ClientRequest,
    ImageContent,
    JSONRPCMessage,
    JSONRPCNotification,
    JSONRPCRequest,
    TextContent,
    Tool,
)
from pydantic import ValidationError
from starlette.requests import Request
from starlette.types import Message, Receive, Scope, Send

from rpg.errors import RPGError
from ui.api import Endpoints
from ui.arguments import ENDPOINTS
from ui.failures import BROKEN, described
from ui.guard.bodies import BodyError
from ui.references import SERVED

__all__ = ["McpServer"]

_LOG = logging.getLogger(__name__)
_BY_NAME = {kind.endpoint: kind for kind in ENDPOINTS}


class McpServer:
    """An ASGI app that speaks MCP; `lifespan` has to be entered before it serves.

    Args:
        ends: What the tools do.
    """

    def __init__(self, ends: Endpoints) -> None:
        self._ends = ends
        server: Server[Any, Any] = Server("RPG")
        server.list_tools()(self._tools)  # type: ignore[no-untyped-call]
        server.call_tool(validate_input=False)(self._call)
        self._server = server
        self._manager = StreamableHTTPSessionManager(server, stateless=True)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serves one request.

        Raises:
            BodyError: It is no message of MCP; the library would write all of it into the log.
        """
        body = await Request(scope, receive).body()
        try:
            message = JSONRPCMessage.model_validate_json(body).root
            said = message.model_dump(by_alias=True, mode="json", exclude_none=True)
            if isinstance(message, JSONRPCRequest):
                ClientRequest.model_validate(said)
            elif isinstance(message, JSONRPCNotification):
                ClientNotification.model_validate(said)
        except ValidationError:
            raise BodyError("the request is no message of MCP") from None
        waiting = [{"type": "http.request", "body": body, "more_body": False}]

        async def again() -> Message:
            return waiting.pop() if waiting else await receive()

        await self._manager.handle_request(scope, again, send)

    @asynccontextmanager
    async def lifespan(self, _: object) -> AsyncIterator[None]:
        """While it serves."""
        async with self._manager.run():
            yield

    async def _tools(self) -> list[Tool]:
        return [
            Tool(name=name, description=kind.description, inputSchema=kind.json_schema())
            for name, kind in _BY_NAME.items()
        ]

    async def _call(self, name: str, arguments: dict[str, Any]) -> CallToolResult:
        kind = _BY_NAME.get(name)
        if kind is None:
            return _refused(f"there is no tool {name!r:.80}: there are {', '.join(_BY_NAME)}")
        try:
            answer = await self._ends.call(kind, arguments)
        except RPGError as error:
            return _refused(str(error))
        except Exception as error:
            _LOG.error("the tool %s failed: %s", name, described(error))
            return _refused(BROKEN)
        if isinstance(answer, dict):
            text = TextContent(type="text", text=json.dumps(answer))
            return CallToolResult(content=[text], structuredContent=answer)
        return self._picture(Path(answer))

    def _picture(self, path: Path) -> CallToolResult:
        """The picture itself, and the address under which it is served and may be named."""
        request: Request = self._server.request_context.request  # type: ignore[assignment]
        served = save_file_to_cache(str(path), get_upload_folder())
        root = get_root_url(request, request.url.path, None)
        address = f"{root}{SERVED}{quote(served)}"
        data = base64.b64encode(path.read_bytes()).decode("ascii")
        return CallToolResult(
            content=[
                ImageContent(type="image", data=data, mimeType="image/png"),
                TextContent(type="text", text=f"Image URL: {address}"),
            ],
            structuredContent={"picture": address},
        )


def _refused(says: str) -> CallToolResult:
    return CallToolResult(content=[TextContent(type="text", text=says)], isError=True)
