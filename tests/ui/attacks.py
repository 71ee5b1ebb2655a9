"""Requests that wish the page ill: routes times values, generated."""

from __future__ import annotations

import itertools
import json
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

PASSWD = {"path": "/etc/passwd", "meta": {"_type": "gradio.FileData"}}
ELSEWHERE = {"path": "http://192.0.2.1/x.png", "meta": {"_type": "gradio.FileData"}}
DEEP: Any = json.loads("[" * 30 + "]" * 30)

# One of each kind: nothing, types, numbers at the edge, text that is code or a path, files, trees.
VALUES: tuple[Any, ...] = (
    None,
    True,
    -1,
    1.5,
    2**63,
    1e308,
    "",
    " ",
    "abc",
    "<img src=x onerror=alert(1)>",
    "${jndi:ldap://x}{{7*7}}",
    "../../../../etc/passwd",
    "/etc/passwd\x00.png",
    "a" * 20_000,
    "\u202e\ufeff\U0001f600",
    [],
    ["a"],
    [[[]]],
    {},
    {"a": 1},
    PASSWD,
    ELSEWHERE,
    DEEP,
)

# What each endpoint takes, filled with what is fine; one at a time becomes hostile.
CALLS: dict[str, list[Any]] = {
    "plan": ["a red star"],
    "generate": ["a red star", {"prompt": "x", "regions": 5}, 1, {}],
    "edit": ["no picture", "make it red", 1],
    "refine": ["no picture", 1, 0],
    "review": ["no picture"],
}

# Settings and plans that look right and are not.
SETTINGS: tuple[Any, ...] = tuple(
    {name: value}
    for name, value in itertools.product(
        ("num_inference_steps", "guidance_scale", "width", "seed", "composer", "scheduler"),
        (True, "20", -5, 1.5e300, [1], {"a": 1}, "../x"),
    )
) + ({"num_images_per_prompt": 1000}, {"__class__": 1}, {"preset": ["fast"]}, {"preset": {}})
_BOX = {"x0": 0, "y0": 0, "x1": 1, "y1": 1}
_REGION = {"id": "a", "prompt": "b", "box": _BOX}
PLANS: tuple[Any, ...] = (
    {"prompt": 1},
    {"prompt": "x", "regions": [_REGION] * 65},
    {"prompt": "x", "regions": [_REGION, _REGION]},
    {"prompt": "x", "regions": [{**_REGION, "box": {**_BOX, "x0": "0"}}]},
    {"prompt": "x", "regions": [{**_REGION, "box": [0, 0, 1, 1]}]},
    {"prompt": "x", "regions": [{**_REGION, "mask": "iVBORw0KGgo="}]},
    {"prompt": "x", "regions": [{**_REGION, "mask": "A" * 3_000_000}]},
    {"prompt": "x", "regions": [{**_REGION, "z": 10**9}]},
    {"prompt": "x", "base_ratio": True},
    {"prompt": "x", "surprise": 1},
    {"prompt": "x" * 9000},
)

PATHS = (
    "/gradio_api/file=/etc/passwd",
    "/gradio_api/file=../../etc/passwd",
    "/gradio_api/file=%2e%2e/%2e%2e/etc/passwd",
    "/gradio_api/file=/proc/self/environ",
    "/gradio_api/file=http://192.0.2.1/",
    "/gradio_api/file=C:/Windows/win.ini",
    "/gradio_api/file/etc/passwd",
    "/gradio_api/file=HTTPS://example.org/a.png",
    "/gradio_api/file/http://example.org/a.png",
    "/gradio_api/custom_component/%1b%5b31mX%0d/client/component/a.js",
    "/file=/etc/passwd",
    "/gradio_api/proxy=http://192.0.2.1/",
    "/gradio_api/proxy=http://x.hf.space/",
    "/static/../../../../etc/passwd",
    "/assets/%2e%2e/%2e%2e/%2e%2e/etc/passwd",
    "/svelte/..%2f..%2f..%2fetc%2fpasswd",
    "/gradio_api/custom_component/x/client/component/../../x",
    "/gradio_api/custom_component/../../etc/client/passwd",
    "/gradio_api/stream/a/b/c/playlist.m3u8",
    "/gradio_api/deep_link?session_hash=x",
    "/gradio_api/runs",
    "/gradio_api/run-history/records",
    "/gradio_api/vibe-code/",
    "/gradio_api/dev/reload",
    "/gradio_api/token",
    "/gradio_api/queue/data?session_hash=nobody",
    "/gradio_api/call/plan/nobody",
    "/gradio_api/call/v2/plan/nobody",
    "/gradio_api/heartbeat/" + "a" * 500,
    "/gradio_api/mcp/schema",
    "/gradio_api/mcp/sse",
    "/gradio_api/mcp/",
    "/monitoring",
    "/monitoring/x",
    "/docs",
    "/openapi.json",
    "/.git/config",
    "/.env",
    "//evil.example/",
    "/\\evil.example",
    "/?deep_link=../../x",
    "/?session=../../../etc/passwd",
    "/?session=" + "a" * 4000,
    "/?" + "a" * 9000,
    "/%00",
    "/%ff%fe",
    "/gradio_api/%0d%0aSet-Cookie:x=y",
)
POSTS = (
    "/gradio_api/queue/join",
    "/gradio_api/call/plan",
    "/gradio_api/call/nothing",
    "/gradio_api/call/v2/plan",
    "/gradio_api/run/plan",
    "/gradio_api/api/plan",
    "/gradio_api/cancel",
    "/gradio_api/reset",
    "/gradio_api/component_server",
    "/gradio_api/upload",
    "/gradio_api/stream/x",
    "/gradio_api/vibe-edit",
    "/gradio_api/process_recording",
    "/gradio_api/mcp/",
)
BODIES: tuple[bytes, ...] = (
    b"",
    b"{",
    b"null",
    b"[]",
    b'"text"',
    b"NaN",
    b"{}",
    b'{"data": {}}',
    b'{"data": [], "fn_index": 99999999, "session_hash": "x"}',
    b'{"data": [], "fn_index": "0", "session_hash": ["x"]}',
    b'{"data": [], "component_id": 3, "fn_name": "__class__", "session_hash": "x"}',
    b'{"jsonrpc": "2.0", "id": 1, "method": "tools/call", "params": 7}',
    b'{"jsonrpc": "2.0", "id": 1, "method": "tools/call", "params": {"arguments": ["Traceback"]}}',
    b'{"jsonrpc": "2.0", "method": "notifications/progress", "params": {"a": "Traceback"}}',
    b"[" * 100_000,
    b'{"data": [' + b"1," * 60_000 + b"1]}",
    b'{"a": "\\ud800"}',
    b"\xff\xfe\x00",
)


@dataclass(frozen=True)
class Attack:
    """One request, and whether it begins work whose outcome is to be looked at."""

    method: str
    path: str
    body: bytes | None = None
    headers: dict[str, str] = field(default_factory=dict)
    begins: bool = False


def _json(path: str, value: Any, *, begins: bool = False) -> Attack:
    headers = {"content-type": "application/json"}
    return Attack("POST", path, json.dumps(value).encode(), headers, begins)


def requests() -> Iterator[Attack]:
    """Paths, methods, bodies and content types."""
    for path in PATHS:
        yield Attack("GET", path)
    for method, path in itertools.product(
        ("PUT", "DELETE", "PATCH", "OPTIONS", "TRACE", "POST"), ("/", "/config", "/gradio_api/info")
    ):
        yield Attack(method, path)
    kinds = ("application/json", "multipart/form-data; boundary=x")
    for path, body, kind in itertools.product(POSTS, BODIES, kinds):
        yield Attack("POST", path, body, {"content-type": kind})


def calls() -> Iterator[Attack]:
    """Endpoints, with one hostile value at a time."""
    for name, fine in CALLS.items():
        path = f"/gradio_api/call/{name}"
        yield _json(path, {"data": []}, begins=True)
        for place, value in itertools.product(range(len(fine)), VALUES):
            if name == "generate" and place == 1 and value in (None, {}):
                continue  # that is fine: it is planned and drawn
            if name == "plan" and isinstance(value, str) and len(value) < 9000:
                continue  # likewise
            data = [*fine[:place], value, *fine[place + 1 :]]
            yield _json(path, {"data": data}, begins=True)
    for settings in SETTINGS:
        yield _json("/gradio_api/call/generate", {"data": ["x", None, 1, settings]}, begins=True)
    for plan in PLANS:
        yield _json("/gradio_api/call/generate", {"data": ["x", plan, 1, {}]}, begins=True)


def listener_calls(inputs: dict[int, int]) -> Iterator[tuple[int, list[Any]]]:
    """Every listener of the page by its number, with one hostile value for all of its inputs."""
    kinds = (None, "<script>", ["a"], {"path": "x"}, PASSWD, DEEP)
    for number, count in inputs.items():
        for value in kinds:
            yield number, [value] * count
        yield number, []
