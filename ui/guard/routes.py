"""The routes that the page and its clients use, as data; Gradio's others are not served."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

from pydantic import BaseModel

from ui.guard.bodies import (
    MAX_JSON_BYTES,
    MAX_STROKE_BYTES,
    MAX_UPLOAD_BYTES,
    ComponentCall,
    NamedCall,
    QueueCall,
    SimpleCall,
)

__all__ = ["Route", "find"]

Body = Literal["none", "json", "form", "files"]
_SLACK = 2**20  # of the bytes around an upload's files


@dataclass(frozen=True, slots=True)
class Route:
    """A route.

    Attributes:
        methods: Those that it takes.
        login: Whether only who has logged in may call it, where there is a login.
        body: What a POST carries: JSON, a form's fields, or a form's files.
        limit: Bytes of the body.
        form: Of JSON; None leaves it to whoever reads it.
    """

    methods: tuple[str, ...] = ("GET", "HEAD")
    login: bool = True
    body: Body = "none"
    limit: int = 0
    form: type[BaseModel] | None = None


_OPEN = Route(login=False)
_READ = Route()
_STREAM = Route(("GET",))


def _post(form: type[BaseModel]) -> Route:
    return Route(("POST",), body="json", limit=MAX_JSON_BYTES, form=form)


_ROUTES: Mapping[str, Route] = {
    # what a browser loads before anybody has logged in
    r"/": _OPEN,
    r"/(?:static|assets|svelte)/.+": _OPEN,
    r"/(?:theme\.css|favicon\.ico|manifest\.json|robots\.txt|logout)": _OPEN,
    r"/pwa_icon(?:/\d+)?": _OPEN,
    r"/gradio_api/(?:theme\.css|startup-events|app_id|user/?)": _OPEN,
    r"/login/?": Route(("POST",), login=False, body="form", limit=2**16),
    # what it needs then
    r"/config/?": _READ,
    r"/gradio_api/(?:info/?|openapi\.json|login_check/?|queue/status|upload_progress)": _READ,
    r"/gradio_api/custom_component/[\w.-]{1,100}/(?:client|server)/[\w./-]{1,200}": _READ,
    r"/gradio_api/file[=/](?!(?i:https?:)).+": _READ,  # Gradio would fetch an address
    r"/gradio_api/(?:queue/data|heartbeat/[\w-]{1,200}|call/\w{1,100}/[\w-]{1,200})": _STREAM,
    r"/gradio_api/queue/join": _post(QueueCall),
    r"/gradio_api/call/\w{1,100}/?": _post(SimpleCall),
    r"/gradio_api/(?:cancel|reset/?)": _post(NamedCall),
    r"/gradio_api/component_server/?": Route(
        ("POST",), body="files", limit=MAX_STROKE_BYTES, form=ComponentCall
    ),
    r"/gradio_api/upload": Route(("POST",), body="files", limit=MAX_UPLOAD_BYTES + _SLACK),
}
_PATTERNS = tuple((re.compile(pattern), route) for pattern, route in _ROUTES.items())


def find(path: str) -> Route | None:
    """The route of a path; None where there is none."""
    return next((route for pattern, route in _PATTERNS if pattern.fullmatch(path)), None)
