"""A page that is shared: behind a login, with MCP tools, and with somebody who wishes it ill."""

from __future__ import annotations

import asyncio
import base64
import io
import itertools
import json
import os
import re
import socket
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import httpx
import pytest
from gradio_client import Client
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as some
from mcp import ClientSession
from mcp.client.streamable_http import streamable_http_client
from mcp.types import CallToolResult
from PIL import Image

from rpg import metadata
from tests.ui import attacks
from tests.ui.conftest import PATIENCE, RunningApp, running_app

KEY = "sk-canary-5e6f7a8b9c0d1e2f3a4b"
TOKEN = "a-token-for-programs"
LOGIN = {"username": "ann", "password": "correct horse"}
PROMPT = "a red star above a blue circle"
TOOLS = {"plan", "generate", "edit", "refine", "review"}


@pytest.fixture(scope="module")
def app(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningApp]:
    folder = tmp_path_factory.mktemp("shared")
    secrets = {"RPG_AUTH": "ann:correct horse", "RPG_MCP_TOKEN": TOKEN, "OPENAI_API_KEY": KEY}
    with running_app(folder, "--mcp", "--allowed-host", "rpg.example.org", **secrets) as running:
        yield running
        # Whatever the tests of this file did: nothing was told that nobody may know.
        written = running.written()
        assert KEY not in written and TOKEN not in written and "correct horse" not in written
        assert "Traceback" not in written, written[written.index("Traceback") - 500 :][:3000]


@pytest.fixture
def http(app: RunningApp) -> Iterator[httpx.Client]:
    """Somebody who has logged in."""
    with httpx.Client(base_url=app.url, timeout=PATIENCE) as client:
        assert client.post("/login", data=LOGIN).status_code == 200
        yield client


def sentence(answer: httpx.Response) -> str:
    """What a refusal says; it is JSON with one line of ours, and nothing of the libraries'."""
    assert 400 <= answer.status_code < 500, (answer.status_code, answer.text[:300])
    (says,) = answer.json().values()
    assert isinstance(says, str) and 10 < len(says) < 400 and "\n" not in says
    assert not re.search(r"Traceback|pydantic|starlette|gradio|[Ee]xception", says), says
    return says


def outcome(http: httpx.Client, name: str, event: str) -> str:
    """The error that a call ended with, or "" where it did not fail."""
    lines = http.get(f"/gradio_api/call/{name}/{event}").text.splitlines()
    last = [line for line in lines if line.startswith(("event: ", "data: "))][-2:]
    if last[0] != "event: error":
        return ""
    says = json.loads(last[1].removeprefix("data: "))
    assert isinstance(says, dict) and isinstance(says["error"], str) and says["error"], last
    assert not re.search(r"Traceback|pydantic|gradio|[Ee]xception", says["error"]), says
    return str(says["error"])


# ------------------------------------------------------------------ the attack list


def test_whatever_is_asked_for_is_done_or_refused_in_words(http: httpx.Client) -> None:
    listed = [*attacks.requests(), *attacks.calls()]
    assert len(listed) >= 300
    begun = []
    for one in listed:
        answer = http.request(one.method, one.path, content=one.body, headers=one.headers)
        assert KEY not in answer.text
        if answer.status_code >= 300:
            sentence(answer)
        elif one.begins:
            begun.append((one, answer.json()["event_id"]))
    for one, event in begun:
        name = one.path.rsplit("/", 1)[-1]
        assert outcome(http, name, event), f"{one.path} {one.body!r:.200} was taken for fine"


def test_every_listener_of_the_page_fails_in_words(http: httpx.Client) -> None:
    """Who knows the numbers of the page's listeners can call each with any value."""
    known = {one["id"]: len(one["inputs"]) for one in http.get("/config").json()["dependencies"]}
    assert len(known) > 50
    sent = 0
    for number, data in attacks.listener_calls(known):
        body = {"data": data, "fn_index": number, "session_hash": "attack", "event_data": data[:1]}
        answer = http.post("/gradio_api/queue/join", json=body)
        if answer.status_code != 200:
            sentence(answer)
            continue
        sent += 1
    assert sent > 300
    ended = 0
    with http.stream("GET", "/gradio_api/queue/data?session_hash=attack") as events:
        for line in events.iter_lines():
            if '"process_completed"' not in line:
                continue
            message = json.loads(line.removeprefix("data: "))
            ended += 1
            if not message["success"]:
                assert message["output"]["error"], line[:500]
            if ended == sent:
                break
    assert ended == sent


_JSON = some.recursive(
    some.none()
    | some.booleans()
    | some.integers(-(2**70), 2**70)
    | some.floats(allow_nan=False, allow_infinity=False)
    | some.text(max_size=20),
    lambda inner: (
        some.lists(inner, max_size=3)
        | some.dictionaries(
            some.text(max_size=6) | some.sampled_from(["path", "url", "meta", "prompt", "regions"]),
            inner,
            max_size=3,
        )
    ),
    max_leaves=8,
)


@given(data=some.lists(_JSON, max_size=5), name=some.sampled_from(["edit", "refine", "review"]))
@settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_any_json_at_an_endpoint_is_refused_in_words(
    http: httpx.Client, data: list[Any], name: str
) -> None:
    answer = http.post(f"/gradio_api/call/{name}", json={"data": data})
    if answer.status_code != 200:
        sentence(answer)
    else:
        assert outcome(http, name, answer.json()["event_id"])


# ------------------------------------------------------------------ sizes


def _peak(app: RunningApp) -> int:
    """The most memory that the app's process ever had, in bytes."""
    status = Path(f"/proc/{app.pid}/status").read_text()
    return int(re.search(r"VmHWM:\s+(\d+) kB", status)[1]) * 1024  # type: ignore[index]


def _work(app: RunningApp) -> float:
    """Seconds of processor time that the app's process has had."""
    user, system = Path(f"/proc/{app.pid}/stat").read_text().rpartition(")")[2].split()[11:13]
    return (int(user) + int(system)) / os.sysconf("SC_CLK_TCK")


@pytest.mark.parametrize("declared", [True, False])
def test_a_plan_of_50_megabytes_is_refused_unread(
    app: RunningApp, http: httpx.Client, declared: bool
) -> None:
    """To read it would cost the app its bytes in memory, and seconds of work for the values."""
    region = json.dumps({"id": "a", "prompt": "b" * 60, "box": [0, 0, 1, 1]})
    body = ('{"data": ["x", {"prompt": "x", "regions": [' + f"{region}," * 500_000).encode()
    assert len(body) > 50_000_000
    pieces = (body[at : at + 2**16] for at in range(0, len(body), 2**16))
    before, worked = _peak(app), _work(app)
    headers = {"content-type": "application/json"}
    content: Any = body if declared else pieces
    answer = http.post("/gradio_api/call/generate", content=content, headers=headers)
    assert _work(app) - worked < 1
    assert (answer.status_code, "bytes" in sentence(answer)) == (413, True)
    assert _peak(app) - before < 50_000_000


def test_an_upload_over_its_limit_is_refused_before_it_is_read(app: RunningApp) -> None:
    url = urlsplit(app.url)
    lines = [
        "POST /gradio_api/upload HTTP/1.1",
        f"host: {url.netloc}",
        f"authorization: Bearer {TOKEN}",
        "content-type: multipart/form-data; boundary=x",
        f"content-length: {600 * 2**20}",
        "expect: 100-continue",
    ]
    with socket.create_connection((url.hostname or "", url.port or 0), timeout=PATIENCE) as line:
        line.sendall("\r\n".join([*lines, "", ""]).encode())
        answer = line.makefile("rb").read().decode()
    assert answer.startswith("HTTP/1.1 413") and "at most" in answer


def test_an_upload_that_does_not_say_its_size_is_cut_off(app: RunningApp) -> None:
    """And leaves nothing behind among the uploads."""
    line = b"--x\r\ncontent-disposition: form-data; name=files; filename=a.png\r\n\r\n"
    piece = b"a" * 2**20
    content = itertools.chain([line], (piece for _ in range(600)))
    headers = {"authorization": f"Bearer {TOKEN}"}
    headers["content-type"] = "multipart/form-data; boundary=x"
    answer = httpx.post(
        f"{app.url}/gradio_api/upload", content=content, headers=headers, timeout=PATIENCE
    )
    assert answer.status_code == 413 and "send less" in sentence(answer)
    left = [
        one for one in app.log.parent.rglob("*") if one.is_file() and one.stat().st_size > 2**24
    ]
    assert not left


def test_a_form_field_that_is_no_file_is_bounded(app: RunningApp, http: httpx.Client) -> None:
    line = b"--x\r\ncontent-disposition: form-data; name=a\r\n\r\n"
    before = _peak(app)
    content = itertools.chain([line], (b"a" * 2**20 for _ in range(200)))
    headers = {"content-type": "multipart/form-data; boundary=x"}
    answer = http.post("/gradio_api/upload", content=content, headers=headers)
    assert answer.status_code == 413 and sentence(answer)
    assert _peak(app) - before < 100_000_000


def test_an_upload_that_breaks_off_leaves_nothing_behind(app: RunningApp) -> None:
    url = urlsplit(app.url)
    head = (
        f"POST /gradio_api/upload HTTP/1.1\r\nhost: {url.netloc}\r\n"
        f"authorization: Bearer {TOKEN}\r\ncontent-length: 90000000\r\n"
        "content-type: multipart/form-data; boundary=x\r\n\r\n"
        "--x\r\ncontent-disposition: form-data; name=files; filename=a.png\r\n\r\n"
    )
    with socket.create_connection((url.hostname or "", url.port or 0), timeout=10) as line:
        line.sendall(head.encode() + b"a" * 20_000_000)
    for _ in range(100):
        left = [one for one in app.log.parent.rglob("tmp*") if one.is_file()]
        if not left:
            return
        time.sleep(0.1)
    raise AssertionError(left)


# ------------------------------------------------------------------ names and logins


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("GET", "/"),
        ("GET", "/config"),
        ("GET", "/gradio_api/info"),
        ("POST", "/login"),
        ("POST", "/gradio_api/queue/join"),
        ("POST", "/gradio_api/upload"),
        ("POST", "/gradio_api/mcp/"),
        ("OPTIONS", "/gradio_api/upload"),
    ],
)
def test_foreign_names_and_origins_are_refused(http: httpx.Client, method: str, path: str) -> None:
    for headers in (
        {"host": "evil.example"},
        {"x-forwarded-host": "evil.example"},
        {"origin": "http://evil.example"},
        {"origin": "http://localhost:3000"},
        {"origin": "null"},
        {"sec-fetch-site": "cross-site", "sec-fetch-mode": "cors"},
    ):
        answer = http.request(method, path, headers=headers)
        assert answer.status_code == 403, headers
        sentence(answer)
        assert "access-control-allow-origin" not in answer.headers


def test_the_name_that_is_allowed_is_answered(http: httpx.Client) -> None:
    headers = {"host": "rpg.example.org", "origin": "https://rpg.example.org"}
    assert http.get("/config", headers=headers).status_code == 200
    link = {"sec-fetch-site": "cross-site", "sec-fetch-mode": "navigate"}
    assert http.get("/", headers=link).status_code == 200


def test_no_header_of_a_request_comes_back(http: httpx.Client) -> None:
    name = {"files": ("a.png", b"abcdefgh")}
    (path,) = http.post("/gradio_api/upload", files=name).json()
    sent = {"range": "bytes=0-3", "x-mine": "secret", "authorization": f"Bearer {TOKEN}"}
    answer = http.get(f"/gradio_api/file={path}", headers=sent)
    assert answer.content == b"abcdefgh"
    assert not {"cookie", "authorization", "x-mine"} & set(answer.headers)
    assert answer.headers["content-security-policy"] == "frame-ancestors 'self'"


def test_no_other_page_logs_anybody_out_or_frames_this_one(http: httpx.Client) -> None:
    link = {"sec-fetch-site": "cross-site", "sec-fetch-mode": "navigate"}
    assert http.get("/logout", headers=link).status_code == 403
    assert http.get("/", headers={**link, "sec-fetch-dest": "iframe"}).status_code == 403
    assert http.get("/", headers={**link, "sec-fetch-dest": "document"}).status_code == 200
    assert http.get("/config").status_code == 200  # logged in as before


def test_without_a_login_nothing_is_told(app: RunningApp) -> None:
    with httpx.Client(base_url=app.url, timeout=PATIENCE) as stranger:
        assert stranger.get("/").status_code == 200  # the form to log in with
        for path in ("/config", "/gradio_api/info", "/gradio_api/mcp/", "/gradio_api/queue/status"):
            assert stranger.get(path).status_code == 401, path
        for path in ("/gradio_api/queue/join", "/gradio_api/cancel", "/gradio_api/mcp/"):
            answer = stranger.post(path, json={})
            assert answer.status_code == 401 and "log in" in sentence(answer)
        wrong = {"authorization": "Bearer a-token-for-programz"}
        assert stranger.get("/config", headers=wrong).status_code == 401
        right = {"authorization": f"Bearer {TOKEN}"}
        assert stranger.get("/config", headers=right).status_code == 200


def test_a_program_may_use_the_token(app: RunningApp) -> None:
    client = Client(
        app.url,
        verbose=False,
        analytics_enabled=False,
        headers={"authorization": f"Bearer {TOKEN}"},
        httpx_kwargs={"timeout": PATIENCE},
    )
    assert client.predict(PROMPT, api_name="/plan")["prompt"] == PROMPT


def test_guesses_slow_down(app: RunningApp) -> None:
    """From an address of its own, as a proxy on loopback would tell it."""
    address = {"x-forwarded-for": "192.0.2.77"}
    with httpx.Client(base_url=app.url, headers=address, timeout=PATIENCE) as guesser:
        codes, pause = [], 0
        while pause < 4:  # so long that the guesses below come before it is over
            time.sleep(pause)
            answer = guesser.post("/login", data={**LOGIN, "password": "guess"})
            codes.append(answer.status_code)
            pause = int(answer.headers.get("retry-after", "0"))
        assert codes[:3] == [400, 400, 400]
        assert "try again in" in sentence(answer)
        assert guesser.post("/login", data=LOGIN).status_code == 429  # a guess as any other
    elsewhere = httpx.post(f"{app.url}/login", data=LOGIN, timeout=PATIENCE)
    assert elsewhere.status_code == 200


# ------------------------------------------------------------------ MCP


async def _with_tools(url: str, token: str | None, use: Any) -> Any:
    headers = {"authorization": f"Bearer {token}"} if token else {}
    async with (
        httpx.AsyncClient(headers=headers, timeout=PATIENCE) as http,
        streamable_http_client(f"{url}/gradio_api/mcp/", http_client=http) as (reading, writing, _),
        ClientSession(reading, writing) as client,
    ):
        await client.initialize()
        return await use(client)


def test_mcp_tools_work_behind_the_login_and_take_what_they_gave(app: RunningApp) -> None:
    async def use(client: ClientSession) -> list[CallToolResult]:
        assert {tool.name for tool in (await client.list_tools()).tools} == TOOLS
        words: dict[str, Any] = {"prompt": PROMPT, "seed": 3}
        made = await client.call_tool("generate", {**words, "settings": {"preset": "fast"}})
        assert not made.isError, made
        address = re.search(r"http\S+", made.content[1].text)[0]  # type: ignore[union-attr,index]
        as_data = f"data:image/png;base64,{made.content[0].data}"  # type: ignore[union-attr]
        change = {"instruction": "make the star green", "seed": 1}
        edited = await client.call_tool("edit", {"picture": address, **change})
        refined = await client.call_tool("refine", {"picture": as_data, "rounds": 0})
        reviewed = await client.call_tool("review", {"picture": address})
        return [edited, refined, reviewed]

    edited, refined, reviewed = asyncio.run(_with_tools(app.url, TOKEN, use))
    assert not (edited.isError or refined.isError or reviewed.isError), (edited, refined, reviewed)
    picture = base64.b64decode(edited.content[0].data)
    assert Image.open(io.BytesIO(picture)).size[0] > 64
    assert "green star" in metadata.read(io.BytesIO(picture)).plan.prompt
    assert 0 <= reviewed.structuredContent["score"] <= 1


@pytest.mark.parametrize("token", [None, "wrong"])
def test_without_the_token_no_tool_is_told(app: RunningApp, token: str | None) -> None:
    async def use(client: ClientSession) -> Any:
        return await client.list_tools()

    with pytest.raises(BaseExceptionGroup) as refused:
        asyncio.run(_with_tools(app.url, token, use))
    assert "401" in repr(refused.value.exceptions) or refused.group_contains(httpx.HTTPStatusError)


def test_mcp_tools_refuse_in_words(app: RunningApp) -> None:
    cases: list[tuple[str, dict[str, Any], str]] = [
        ("generate", {"prompt": "x", "seed": 1.5}, "seed"),
        ("generate", {"prompt": "x", "seed": True}, "seed"),
        ("generate", {"prompt": ["a"]}, "prompt"),
        ("generate", {"prompt": "x", "settings": {"num_images_per_prompt": 1000}}, "one"),
        ("generate", {"prompt": "x", "surprise": 1}, "surprise"),
        ("edit", {"instruction": "x"}, "picture"),
        ("edit", {"picture": "/etc/passwd", "instruction": "x"}, "no file of this app"),
        ("edit", {"picture": "http://192.0.2.1/a.png", "instruction": "x"}, "no file of this app"),
        ("nothing", {}, "no tool"),
    ]

    async def use(client: ClientSession) -> list[CallToolResult]:
        return [await client.call_tool(name, values) for name, values, _ in cases]

    for answer, (name, values, says) in zip(
        asyncio.run(_with_tools(app.url, TOKEN, use)), cases, strict=True
    ):
        assert answer.isError and says in answer.content[0].text, (name, values, answer)
        assert "validation error" not in answer.content[0].text
