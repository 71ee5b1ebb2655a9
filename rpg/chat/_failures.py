"""Classification of failures: the error to raise, and the remedy to try first."""

from __future__ import annotations

import email.utils
import re
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from http import HTTPStatus
from typing import Any, Literal

import openai

from rpg.chat._drafts import RequestDraft
from rpg.chat._http_client import ExcessError, ForbiddenAddressError
from rpg.chat._secrets import one_line
from rpg.chat.addresses import Trust, forbidden
from rpg.errors import ChatAccessError, ChatError, ChatImageError, ChatLengthError, ChatRefusal

Remedy = Literal["none", "wait", "drop", "lower", "again", "room"]


@dataclass(frozen=True, slots=True)
class AttemptFailure:
    """A failed attempt.

    Attributes:
        error: What is raised where nothing helps.
        remedy: What may help: to wait, to drop the parameter `name`, to go down the ladder of
            formats, to ask again at once, to give more room.
        name: The parameter to drop.
        wait: Seconds that the server asks us to wait; None: it does not say.
        tellable: Whether a stranger who named the address may read `error`: what answers there has
            shown that it is a chat API, or nothing was asked at all.
    """

    error: ChatError
    remedy: Remedy = "none"
    name: str = ""
    wait: float | None = None
    tellable: bool = False


@dataclass(frozen=True, slots=True)
class RequestContext:
    """The endpoint and parameters of a request, for error messages."""

    base_url: str
    draft: RequestDraft
    keyed: bool
    trust: Trust = "owner"

    @property
    def who(self) -> str:
        """The model and its endpoint."""
        return f"{self.draft.model!r:.80} at {self.base_url}"

    @property
    def help(self) -> str:
        """Where a key is had, or how the server is started."""
        return self.draft.endpoint.help


def failure_of(error: Exception, context: RequestContext) -> AttemptFailure:
    """Reads an exception of the openai library, or of what is below it.

    The result holds no reference to it: its request holds the key.
    """
    causes = list(_causes(error))
    if any(isinstance(one, ForbiddenAddressError) for one in causes):
        return AttemptFailure(forbidden(context.base_url), tellable=True)
    for one in causes:
        if isinstance(one, ExcessError):
            advice = "ask for less, or try another model or server"
            return AttemptFailure(ChatError(f"{context.who}: {one}; {advice}"))
    if isinstance(error, openai.APIConnectionError):
        return _unconnected(error, causes, context)
    if isinstance(error, openai.APIStatusError):
        wait = _retry_after(error.response.headers)
        failure = refused(error.status_code, error.body, context, wait, error.response.headers)
        return replace(failure, tellable=_is_of_the_api(_json(error.response)))
    if isinstance(error, openai.APIError):  # an error in the middle of a stream
        return reported_error(error.body, context)
    return not_a_completion(context)


def not_a_completion(context: RequestContext) -> AttemptFailure:
    """What came is not what the API answers with."""
    return AttemptFailure(
        ChatError(f"{context.who}: the answer is no chat completion; is it an API?")
    )


def reported_error(body: object, context: RequestContext) -> AttemptFailure:
    """An error that a server put where its answer belongs."""
    inner = _inner(body)
    code = inner.get("code")
    status = code if isinstance(code, int) else HTTPStatus.INTERNAL_SERVER_ERROR
    return replace(refused(status, inner, context), tellable=_is_of_the_api({"error": inner}))


def unproven_api(base_url: str) -> ChatAccessError:
    """All that a stranger is told of an address where no chat API has answered."""
    return ChatAccessError(
        f"no chat API answers at {base_url}: check the base URL, or choose another planner"
    )


def _json(response: Any) -> Any:
    try:
        return response.json()
    except (ValueError, RecursionError):
        return None


def _is_of_the_api(body: Any) -> bool:
    """Whether an error's body is shaped as chat APIs shape theirs."""
    if isinstance(body, list) and body:  # Gemini's
        body = body[0]
    if not isinstance(body, Mapping):
        return False
    inner = body.get("error")
    spoke = isinstance(inner, Mapping) and isinstance(inner.get("message"), str)
    return spoke or body.get("object") == "error"


# ------------------------------------------------------------------ no connection


def _unconnected(
    error: openai.APIConnectionError, causes: list[BaseException], context: RequestContext
) -> AttemptFailure:
    kinds = {type(one).__name__ for one in causes}
    if kinds & {"ConnectError", "ConnectTimeout"}:
        return AttemptFailure(
            ChatAccessError(f"cannot reach {context.base_url}: {_why(causes, context)}")
        )
    if "ProxyError" in kinds:
        return AttemptFailure(
            ChatAccessError(f"cannot reach {context.base_url}: the proxy refuses")
        )
    if isinstance(error, openai.APITimeoutError):
        return AttemptFailure(ChatError(f"{context.who} fell silent; try again, or later"), "wait")
    return AttemptFailure(ChatError(f"{context.who}: the connection broke; try again"), "wait")


def _why(causes: list[BaseException], context: RequestContext) -> str:
    words = " ".join(f"{type(one).__name__} {one}" for one in causes).lower()
    if "gaierror" in words or "name or service" in words or "nodename" in words:
        return "there is no such host; check the base URL and the network"
    if "certificate" in words or "ssl" in words or "tls" in words:
        return "the encrypted connection fails; check https or http in the base URL"
    if "timeout" in words:
        return "it does not answer; check the base URL and the network"
    if not context.draft.endpoint.local:
        return "nothing listens there; check the base URL"
    start = f" with {context.help}" if context.help else ""
    return f"nothing listens there; start the server{start}, or check the base URL"


def _causes(error: BaseException | None) -> Iterator[BaseException]:
    while error is not None:
        yield error
        error = error.__cause__ or error.__context__


# ------------------------------------------------------------------ a refusal with a status

_FILTER = re.compile(
    r"content.?(filter|policy)|moderation|flagged|safety|data_inspection|inappropriate content"
)
_NO_CREDIT = re.compile(r"insufficient.?(quota|balance|credit)")
_NO_MODEL = re.compile(
    r"model.*(not.{0,3}(found|exist)|does not exist|not a valid model|unknown|not loaded)"
    r"|(no such|unknown|invalid) model|not a valid model|model_not_found|no endpoints found",
    re.DOTALL,
)
_NO_IMAGES = re.compile(r"image|vision|multi-?modal|mmproj")
_TOO_LONG = re.compile(r"context.{0,3}(length|window|size)|maximum.{0,20}(tokens|length)|too long")
_SCHEMA = re.compile(
    r"response_format|schema|grammar|structured|guided|json_object|requested parameters"
)
_ROOM = r"\bmax_(completion_|output_|new_)?tokens\b"  # refused by the other's name now and then
_NAMED = {
    "system": r"system.{0,10}(role|message)|role.{0,10}system",
    "stream": r"\bstream(ing)?\b",
    "max_tokens": _ROOM,
    "max_completion_tokens": _ROOM,
}
_SOON = re.compile(r"(?:retry|try again) in (\d+(?:\.\d+)?) ?s")
_MOST_WORDS = 10_000  # letters of an error that are looked at
_RETRYABLE = frozenset({408, 409, 425, 429, 500, 502, 503, 504, 520, 522, 524, 529})
_BAD_REQUEST = frozenset({400, 404, 415, 422, 500, 501})


def refused(
    status: int,
    body: object,
    context: RequestContext,
    wait: float | None = None,
    headers: Mapping[str, str] | None = None,
) -> AttemptFailure:
    """Reads an HTTP status and the body that came with it."""
    words = _words(body)
    message = one_line(_inner(body).get("message") or words) or f"status {status}"
    low = words.lower()
    return (
        _closed_door(status, low, context)
        or _moved(status, headers or {}, context)
        or _content(status, low, message, context)
        or _misfit(status, low, message, context)
        or _elsewhere(status, context)
        or AttemptFailure(
            ChatError(f"{context.who} answered with {status}: {message}"),
            "wait" if status in _RETRYABLE else "none",
            wait=_soon(low) if wait is None else wait,
        )
    )


def _closed_door(status: int, low: str, context: RequestContext) -> AttemptFailure | None:
    if status == 402 or (status in (403, 429) and _NO_CREDIT.search(low)):
        return AttemptFailure(
            ChatAccessError(f"{context.base_url}: the account has no credit left")
        )
    if status == 403 and _FILTER.search(low):
        return None
    if status in (401, 403) or (status == 400 and re.search(r"api.?key.{0,20}(not )?valid", low)):
        return AttemptFailure(ChatAccessError(_key_advice(status, context)))
    return None


def _key_advice(status: int, context: RequestContext) -> str:
    if context.trust != "owner":
        message = "refuses the key" if context.keyed else "wants a key"
        return f"{context.base_url} {message} ({status}): give the key of that address"
    where = f" (keys: {context.help})" if context.help and not context.draft.endpoint.local else ""
    if not context.keyed:
        return (
            f"{context.base_url} wants a key ({status}): set OPENAI_API_KEY{where}, and "
            "OPENAI_BASE_URL where the address is a local one"
        )
    return f"{context.base_url} refuses the key ({status}): check OPENAI_API_KEY{where}"


def _moved(
    status: int, headers: Mapping[str, str], context: RequestContext
) -> AttemptFailure | None:
    if not 300 <= status < 400:
        return None
    target = one_line(headers.get("location", "").split("?")[0]) or "another address"
    return AttemptFailure(ChatAccessError(f"{context.base_url} has moved: it points to {target}"))


def _content(status: int, low: str, message: str, context: RequestContext) -> AttemptFailure | None:
    if status in (400, 403, 422) and _FILTER.search(low):
        return AttemptFailure(ChatRefusal(f"{context.who} refuses: {message}"))
    if context.draft.pictures and status in _BAD_REQUEST and _NO_IMAGES.search(low):
        return AttemptFailure(ChatImageError(f"{context.who} cannot look at pictures: {message}"))
    if status == 413 or (status in (400, 422, 500) and _TOO_LONG.search(low)):
        error = ChatLengthError(f"{context.who}: that is too long for it: {message}")
        if status != 413 and context.draft.sent_room is not None:  # which counts as part of it
            return AttemptFailure(error, "drop", "room")
        return AttemptFailure(error)
    return None


def _misfit(status: int, low: str, message: str, context: RequestContext) -> AttemptFailure | None:
    """A request that is right but not to this endpoint's liking."""
    if status not in _BAD_REQUEST:
        return None
    error = ChatError(f"{context.who} refuses the request: {message}")
    formatted = "response_format" in context.draft.body()
    if formatted and _SCHEMA.search(low):
        return AttemptFailure(error, "lower")
    for name in context.draft.named:
        if re.search(_NAMED.get(name, rf"\b{name}\b"), low):
            return AttemptFailure(error, "drop", name)
    if status in (400, 404, 422) and _NO_MODEL.search(low):
        advice = "check the model's name"
        return AttemptFailure(
            ChatAccessError(f"{context.base_url} has no model {_model(context)}: {advice}")
        )
    if formatted and status in (400, 422):  # it does not say what it minds: this is likeliest
        return AttemptFailure(error, "lower")
    return None


def _elsewhere(status: int, context: RequestContext) -> AttemptFailure | None:
    if status not in (404, 405, 410):
        return None
    expected = f"it should end in {context.draft.endpoint.path}"
    return AttemptFailure(
        ChatAccessError(
            f"{context.base_url} is no chat API ({status}): check the base URL; {expected}"
        )
    )


def _model(context: RequestContext) -> str:
    return f"{context.draft.model!r:.80}"


def _inner(body: object) -> Mapping[str, Any]:
    """The part of an error's body that speaks; servers nest it or not."""
    if isinstance(body, list) and body:  # Gemini's
        body = body[0]
    if isinstance(body, str):
        return {"message": "a web page" if body.lstrip().startswith("<") else body}
    if not isinstance(body, Mapping):
        return {}
    inner = body.get("error", body)
    return inner if isinstance(inner, Mapping) else {"message": str(inner)}


def _words(body: object) -> str:
    """All that an error says, codes and parameters included, to look for telling words in."""
    inner = _inner(body)
    telling = (inner.get(key) for key in ("code", "param", "type", "message", "detail"))
    return " ".join(str(one) for one in telling if one is not None)[:_MOST_WORDS]


def _soon(low: str) -> float | None:
    match = _SOON.search(low)
    return float(match[1]) if match else None


def _retry_after(headers: Mapping[str, str]) -> float | None:
    """Seconds that a server asks us to wait: a number, or until a date."""
    for name, unit in (("retry-after-ms", 0.001), ("retry-after", 1.0)):
        try:
            return max(0.0, float(headers[name]) * unit)
        except (KeyError, ValueError):
            continue
    try:
        then = email.utils.parsedate_to_datetime(headers["retry-after"]).timestamp()
    except (KeyError, TypeError, ValueError, OverflowError):
        return None
    return max(0.0, then - time.time())
