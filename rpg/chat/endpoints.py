"""What the known endpoints of OpenAI's chat completions can do, as data (read in autumn 2026)."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Literal, get_args
from urllib.parse import SplitResult, urlsplit

from rpg.chat.addresses import Kind, kind_of
from rpg.errors import ChatAccessError

Format = Literal["json_schema", "json_object", "words"]
FORMATS: tuple[Format, ...] = get_args(Format)
Room = Literal["max_tokens", "max_completion_tokens"]

OPENAI_URL = "https://api.openai.com/v1"

# These take no temperature but their own; gpt-5-chat is an ordinary model.
_OWN_TEMPERATURE = re.compile(r"(?:^|/)(?:o\d|gpt-5(?!.*chat))")


@dataclass(frozen=True, slots=True)
class Endpoint:
    """What one kind of endpoint can do.

    Attributes:
        name: What people call it.
        host: Its host; "" for a local server, which is known by its port.
        port: The port that a local server listens on unless told otherwise; 0: any.
        path: Where its API begins.
        format: The best it can do for a JSON schema; the ladder starts here.
        strict: Whether it can promise to obey a schema of the strict kind (`schemas.strict`).
        images: Whether it can look at pictures; None where that depends on the model.
        room: What it calls the most tokens that an answer may have.
        context: Tokens that question and answer may have together, where all its models have at
            least so many or it does not say; 0: it is asked.
        help: Where a key is had, or how a local server is started.
    """

    name: str
    host: str = ""
    port: int = 0
    path: str = "/v1"
    format: Format = "json_schema"
    strict: bool = False
    images: bool | None = None
    room: Room = "max_tokens"
    context: int = 0
    help: str = ""

    @property
    def local(self) -> bool:
        """Whether it runs on this machine or in this network: no key is needed, nothing paid."""
        return not self.host


ENDPOINTS: tuple[Endpoint, ...] = (
    Endpoint(
        "OpenAI",
        "api.openai.com",
        strict=True,
        room="max_completion_tokens",
        context=16_385,
        help="https://platform.openai.com/api-keys",
    ),
    Endpoint(
        "Gemini",
        "generativelanguage.googleapis.com",
        path="/v1beta/openai",
        images=True,
        context=32_768,
        help="https://aistudio.google.com/apikey",
    ),
    Endpoint(
        "DeepSeek",
        "api.deepseek.com",
        format="json_object",
        images=False,
        context=65_536,
        help="https://platform.deepseek.com/api_keys",
    ),
    Endpoint(
        "OpenRouter", "openrouter.ai", path="/api/v1", help="https://openrouter.ai/settings/keys"
    ),
    Endpoint("vLLM", port=8000, help="vllm serve MODEL"),
    Endpoint("Ollama", port=11434, context=4096, help="ollama serve"),
    Endpoint("llama.cpp", port=8080, help="llama-server -m MODEL.gguf"),
    Endpoint("LM Studio", port=1234, help="lms server start"),
)
_LOCAL = Endpoint("a local server")
_PORTS = {"http": ":80", "https": ":443"}
_HOSTED = {one.host: one for one in ENDPOINTS if one.host}


def endpoint_of(base_url: str) -> Endpoint:
    """The endpoint behind a base URL; an unknown one is asked for everything and learnt about.

    A host that is not known is resolved, which takes two seconds at most.
    """
    url = urlsplit(base_url)
    host = (url.hostname or "").lower()
    if is_local(host):
        return next((one for one in ENDPOINTS if one.local and one.port == url.port), _LOCAL)
    return _HOSTED.get(host) or Endpoint(host, host)


def is_local(host: str) -> bool:
    """Whether a host is this machine or one of its private network."""
    return whereabouts(host) != "public"


def whereabouts(host: str) -> Kind:
    """`addresses.kind_of` a host, without asking for those that everybody knows."""
    return "public" if host in _HOSTED else kind_of(host)


def takes_temperature(model: str) -> bool:
    """Whether a model of this name may be sent a temperature; a refusal is learnt all the same."""
    return _OWN_TEMPERATURE.search(model.lower()) is None


def clean_base_url(text: str) -> str:
    """A base URL made whole: its API's path where it names none, no slash at the end.

    Host and scheme are in lower case and the scheme's own port is left out, so that two spellings
    of one address are equal. Nothing is resolved.

    Raises:
        ChatAccessError: It is no such URL, or holds what may be a secret; the message repeats
            nothing of it.
    """
    url = _split(text.strip())
    if url.username or url.password or url.query or url.fragment:
        raise ChatAccessError(
            "the base URL may hold no password, query or fragment: put the key into OPENAI_API_KEY"
        )
    path = url.path.rstrip("/").removesuffix("/chat/completions").rstrip("/")
    scheme, netloc = url.scheme.lower(), url.netloc.lower()
    origin = f"{scheme}://{netloc.removesuffix(_PORTS[scheme]).removesuffix(':')}"
    known = _HOSTED.get(netloc.partition(":")[0], _LOCAL)
    return origin + (path or known.path)


# A name or an address, and a port. Of a password before them it is told later what to do with it.
_NETLOC = re.compile(
    r"(?:[^@/]*@)?(?:\[[0-9a-f:.]+(?:%[\w.%-]+)?\]|[\w.-]+)(?::\d{1,5})?", re.ASCII | re.IGNORECASE
)


def _split(text: str) -> SplitResult:
    try:
        url = urlsplit(text)
        whole = url.scheme.lower() in ("http", "https") and bool(url.hostname)
        whole = whole and _NETLOC.fullmatch(url.netloc) is not None
        _ = url.port
    except ValueError:
        whole = False
    if not whole or re.search(r"[\s\x00-\x1f\\]", text):
        raise ChatAccessError(
            "the base URL is no address: expected one such as http://localhost:11434/v1"
        )
    return url
