"""A server on loopback that speaks chat completions and can misbehave in every known way.

What it does is chosen by the model's name, one of `PLAYS`; a number after "#" makes a name of its
own of it, for whoever wants a model that nobody has asked before.
"""

from __future__ import annotations

import asyncio
import itertools
import json
import threading
import time
from collections.abc import AsyncIterator, Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import uvicorn
from fastapi import FastAPI, Request, Response
from fastapi.responses import HTMLResponse, JSONResponse, StreamingResponse

PIECE = 7  # letters of a streamed piece
PLAN = {"subject": "a blue star", "count": 1}
PLAN_TEXT = json.dumps(PLAN)


@dataclass(frozen=True)
class Asked:
    """One request: what it said, and how many came before it for this model."""

    number: int
    body: Mapping[str, Any]
    headers: Mapping[str, str]

    @property
    def format(self) -> str:
        """The type of the response format; "" where none was asked for."""
        return str(self.body.get("response_format", {}).get("type", ""))

    @property
    def text(self) -> str:
        """All words of the conversation, its pictures as "[image]"."""
        return "\n".join(_words(one["content"]) for one in self.body["messages"])


@dataclass(frozen=True)
class Reply:
    """What the server does about a request.

    Attributes:
        text: The answer.
        thoughts: What stands in the message's field `thoughts_in`.
        finish: The finish reason; None: it sends none.
        status: An HTTP status; with any but 200 `error` is the body.
        pause: Seconds before every piece, and before an answer that comes at once.
        drop: Whether the socket is closed after half of the answer.
        usage: Extra fields of the count of tokens; None: no count at all.
        streams: Whether it heeds `stream`.
    """

    text: str = ""
    thoughts: str = ""
    thoughts_in: str = "reasoning_content"
    refusal: str | None = None
    finish: str | None = "stop"
    status: int = 200
    error: Any = None
    headers: Mapping[str, str] = field(default_factory=dict)
    pause: float = 0.0
    drop: bool = False
    usage: Mapping[str, Any] | None = field(default_factory=dict)
    streams: bool = True


Play = Callable[[Asked], Reply]


def obeying(asked: Asked) -> str:
    """An answer that obeys the schema, however that was told; `PLAN_TEXT` where there is none."""
    told = asked.body.get("response_format", {}).get("json_schema", {}).get("schema")
    if told is None and "JSON schema" in asked.text:
        told, _ = json.JSONDecoder().raw_decode(asked.text, asked.text.rindex("\n\n{") + 2)
    return PLAN_TEXT if told is None else json.dumps(_instance(told))


def _instance(schema: Mapping[str, Any]) -> Any:
    if "properties" in schema:
        return {name: _instance(one) for name, one in schema["properties"].items()}
    return {"string": "blue star", "integer": 1}[schema["type"]]


def fault(status: int, message: str, **more: Any) -> Reply:
    """An error as OpenAI words it."""
    headers = more.pop("headers", {})
    return Reply(status=status, error={"error": {"message": message, **more}}, headers=headers)


def _schema_only_in_words(asked: Asked) -> Reply:
    if asked.format:
        return fault(400, f"'response_format' of type '{asked.format}' is not supported")
    return Reply(obeying(asked) if "JSON schema" in asked.text else "a blue star, I should say")


def _json_object_only(asked: Asked) -> Reply:
    if asked.format == "json_schema":
        return fault(400, "This response_format type is unavailable now", param="response_format")
    told = not asked.format or "json" in asked.text.lower()  # else DeepSeek refuses
    return Reply(obeying(asked)) if told else fault(400, "Prompt must contain the word 'json'")


def _schema_ignored(asked: Asked) -> Reply:
    return Reply(obeying(asked) if "JSON schema" in asked.text else "Certainly! There is one star.")


def _refuses(*names: str) -> Play:
    def play(asked: Asked) -> Reply:
        for name in names:
            if name in asked.body:
                return fault(400, f"Unsupported parameter: '{name}'", param=name)
        return Reply(obeying(asked))

    return play


def _then(first: Reply, times: int = 1, last: Reply | None = None) -> Play:
    return lambda asked: first if asked.number < times else (last or Reply(PLAN_TEXT))


def _sees(asked: Asked) -> Reply:
    return Reply("Red." if "[image]" in asked.text else obeying(asked))


def _blind(asked: Asked) -> Reply:
    if "[image]" in asked.text:
        return fault(400, "blind is not a multimodal model")
    return Reply(obeying(asked))


def _no_system(asked: Asked) -> Reply:
    if any(one["role"] == "system" for one in asked.body["messages"]):
        return fault(400, "System role not supported")
    return Reply(PLAN_TEXT)


def _short_of_room(asked: Asked) -> Reply:
    room = asked.body.get("max_tokens", 0)
    return Reply(PLAN_TEXT) if room >= 8192 else Reply(PLAN_TEXT[:12], finish="length")


def _echoes_key(asked: Asked) -> Reply:
    held = asked.headers.get("authorization", "")
    return fault(401, f"Incorrect API key provided: {held}", headers={"x-request-id": held})


PLAYS: dict[str, Play] = {
    "obedient": lambda asked: Reply(obeying(asked)),
    "sees": _sees,
    "blind": _blind,
    "words-only": _schema_only_in_words,
    "object-only": _json_object_only,
    "ignores-schema": _schema_ignored,
    "fenced": lambda asked: Reply(f"Here you are:\n```json\n{PLAN_TEXT}\n```\nEnjoy!"),
    "think": lambda asked: Reply(f"<think>one star, then</think>\n\n{PLAN_TEXT}"),
    "think-untold": lambda asked: Reply(f"one star, then</think>\n\n{PLAN_TEXT}"),
    "reasoning-content": lambda asked: Reply(obeying(asked), thoughts="one star, then"),
    "reasoning": lambda asked: Reply(PLAN_TEXT, thoughts="one star, then", thoughts_in="reasoning"),
    "truncated": lambda asked: Reply(PLAN_TEXT[:12], finish="length"),
    "truncated-once": _short_of_room,
    "refuses": lambda asked: Reply(refusal="I will not draw that.", finish="stop"),
    "filtered": lambda asked: Reply("A sta", finish="content_filter"),
    "filtered-400": lambda asked: fault(400, "flagged by our policy", code="content_filter"),
    "blank": lambda asked: Reply("  \n \t"),
    "blank-once": _then(Reply("   ")),
    "unauthorised": _echoes_key,
    "forbidden": lambda asked: fault(403, "no access to this"),
    "no-model": lambda asked: fault(404, "The model does not exist", code="model_not_found"),
    "no-credit": lambda asked: fault(429, "You exceeded it", code="insufficient_quota"),
    "busy": _then(fault(429, "slow down", headers={"retry-after": "0.2"})),
    "busy-for-hours": lambda asked: fault(429, "slow down", headers={"retry-after": "86400"}),
    "busy-until-friday": lambda asked: fault(
        429, "slow down", headers={"retry-after": "Fri, 31 Dec 2100 23:59:59 GMT"}
    ),
    "failing": lambda asked: fault(500, "we are on fire"),
    "failing-once": _then(fault(503, "we are starting")),
    "drip": lambda asked: Reply("x" * 10_000, pause=0.05),  # more than a minute
    "silent": lambda asked: Reply(PLAN_TEXT, pause=60),
    "drops": lambda asked: Reply(PLAN_TEXT, drop=True),
    "drops-once": _then(Reply(PLAN_TEXT, drop=True)),
    "breaks-off": lambda asked: Reply(PLAN_TEXT[:12], finish=None, usage=None),
    "cannot-stream": _refuses("stream"),
    "ignores-stream": lambda asked: Reply(PLAN_TEXT, streams=False),
    "no-temperature": _refuses("temperature"),
    "no-max-tokens": _refuses("max_tokens"),
    "no-options": _refuses("stream_options"),
    "no-system": _no_system,
    "too-long": lambda asked: fault(400, "maximum context length is 8 tokens"),
    "priced": lambda asked: Reply(PLAN_TEXT, usage={"cost": 0.25}),
    "fails-inside": lambda asked: Reply(error={"error": {"message": "upstream", "code": 502}}),
    "garbage": lambda asked: Reply(error="[1, 2"),
    "parrot": lambda asked: Reply(error=asked.body["messages"][-1]["content"]),
}


class ChatServer:
    """The server while it runs.

    Attributes:
        url: Its base URL.
        root: Its origin, where it has a web page.
    """

    def __init__(self) -> None:
        self.root = ""
        self._asked: dict[str, list[Asked]] = {}
        self._left: list[str] = []
        self._numbers = itertools.count()

    @property
    def url(self) -> str:
        return f"{self.root}/v1"

    def fresh(self, play: str) -> str:
        """A name of a play that nobody has used."""
        assert play in PLAYS
        return f"{play}#{next(self._numbers)}"

    def asked(self, model: str) -> list[Asked]:
        """Every request for a model so far."""
        return list(self._asked.get(model, ()))

    def left_alone(self, model: str, within: float) -> bool:
        """Whether a client hangs up on a model within some seconds."""
        until = time.monotonic() + within
        while model not in self._left and time.monotonic() < until:
            time.sleep(0.01)
        return model in self._left

    def app(self) -> FastAPI:
        """What is served."""
        app = FastAPI()
        app.post("/v1/chat/completions", response_model=None)(self._complete)
        app.get("/v1/models")(self._models)
        app.get("/page/models")(_page)
        app.post("/page/chat/completions")(_page)
        app.post("/moved/chat/completions", response_model=None)(_moved)
        return app

    async def _models(self) -> dict[str, Any]:
        return {"object": "list", "data": [{"id": name, "object": "model"} for name in PLAYS]}

    async def _complete(self, request: Request) -> Response:
        body = await request.json()
        model = body["model"]
        said = self._asked.setdefault(model, [])
        asked = Asked(len(said), body, dict(request.headers))
        said.append(asked)
        play = PLAYS.get(model.split("#")[0])
        if play is None:
            return JSONResponse({"error": {"message": f"model '{model}' not found"}}, 404)
        reply = play(asked)
        if reply.error is not None:
            return _failed(reply, bool(body.get("stream")))
        if body.get("stream") and reply.streams:
            events = self._watched(model, _events(reply))
        else:
            events = self._watched(model, _whole(reply))
        kind = "text/event-stream" if body.get("stream") and reply.streams else "application/json"
        return StreamingResponse(events, media_type=kind, headers=dict(reply.headers))

    async def _watched(self, model: str, pieces: AsyncIterator[str]) -> AsyncIterator[str]:
        try:
            async for piece in pieces:
                yield piece
        except (asyncio.CancelledError, GeneratorExit):
            self._left.append(model)
            raise


def _failed(reply: Reply, stream: bool) -> Response:
    text = reply.error if isinstance(reply.error, str) else json.dumps(reply.error)
    if reply.status == 200 and stream:
        return Response(f"data: {text}\n\n", media_type="text/event-stream")
    return Response(text, reply.status, dict(reply.headers), "application/json")


async def _events(reply: Reply) -> AsyncIterator[str]:
    for delta in _deltas(reply):
        await asyncio.sleep(reply.pause)
        yield _event({"choices": [{"index": 0, "delta": delta, "finish_reason": None}]})
        if reply.drop:
            raise ConnectionResetError
    yield _event({"choices": [{"index": 0, "delta": {}, "finish_reason": reply.finish}]})
    if reply.usage is not None:
        yield _event({"choices": [], "usage": _usage(reply)})
    yield "data: [DONE]\n\n"


def _deltas(reply: Reply) -> Iterator[dict[str, str]]:
    for piece in _pieces(reply.thoughts):
        yield {reply.thoughts_in: piece}
    for piece in _pieces(reply.text):
        yield {"content": piece}
    for piece in _pieces(reply.refusal or ""):
        yield {"refusal": piece}


def _pieces(text: str) -> Iterator[str]:
    return (text[at : at + PIECE] for at in range(0, len(text), PIECE))


def _event(body: dict[str, Any]) -> str:
    whole = {"id": "1", "object": "chat.completion.chunk", "created": 0, "model": "m", **body}
    return f"data: {json.dumps(whole)}\n\n"


async def _whole(reply: Reply) -> AsyncIterator[str]:
    await asyncio.sleep(reply.pause)
    message = {"role": "assistant", "content": reply.text, "refusal": reply.refusal}
    if reply.thoughts:
        message[reply.thoughts_in] = reply.thoughts
    choice = {"index": 0, "message": message, "finish_reason": reply.finish}
    body: dict[str, Any] = {"id": "1", "object": "chat.completion", "created": 0, "model": "m"}
    text = json.dumps({**body, "choices": [choice], "usage": _usage(reply)})
    yield text[: len(text) // 2]
    if reply.drop:
        raise ConnectionResetError
    yield text[len(text) // 2 :]


def _usage(reply: Reply) -> dict[str, Any]:
    return {"prompt_tokens": 10, "completion_tokens": 5, "total_tokens": 15, **(reply.usage or {})}


def _words(content: Any) -> str:
    if isinstance(content, str):
        return content
    return "\n".join(part.get("text", "[image]") for part in content)


async def _page() -> HTMLResponse:
    return HTMLResponse("<!doctype html><title>Welcome</title>")


async def _moved() -> Response:
    return Response(status_code=308, headers={"location": "https://elsewhere.example/v1?k=secret"})


@contextmanager
def serving() -> Iterator[ChatServer]:
    """Runs the server in a thread, on a free port of 127.0.0.1."""
    chat = ChatServer()
    config = uvicorn.Config(chat.app(), host="127.0.0.1", port=0, log_level="critical")
    server = uvicorn.Server(config)
    thread = threading.Thread(target=server.run, daemon=True)
    thread.start()
    while not server.started:
        time.sleep(0.01)
    port = server.servers[0].sockets[0].getsockname()[1]
    chat.root = f"http://127.0.0.1:{port}"
    yield chat
    server.should_exit = True
    server.force_exit = True
    thread.join(5)
