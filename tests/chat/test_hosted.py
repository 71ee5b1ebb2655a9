"""Hosted models: the ladder of schemas, thoughts, pictures, parameters, usage."""

from __future__ import annotations

import json
import threading
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from PIL import Image

from rpg.chat import Delta, Message, OpenAIChat, Usage, answer_of
from rpg.chat.prices import Price
from rpg.chat.schemas import json_in
from rpg.errors import ChatAccessError, ChatError, ChatImageError

from .conftest import QUICK, MakeChat
from .server import PLAN, PLAN_TEXT, ChatServer

ASK = [Message("system", "Be brief."), Message("user", "A star, please.")]
SCHEMA: dict[str, Any] = {
    "type": "object",
    "properties": {"subject": {"type": "string"}, "count": {"type": "integer"}},
    "required": ["subject", "count"],
}


def formats(server: ChatServer, chat: OpenAIChat) -> list[str]:
    return [asked.format for asked in server.asked(chat.name)]


def split(deltas: list[Delta]) -> tuple[str, str]:
    return "".join(one.text for one in deltas if one.kind == "reasoning"), answer_of(deltas)


@pytest.mark.parametrize(
    ("play", "steps"),
    [
        ("obedient", ["json_schema"]),
        ("object-only", ["json_schema", "json_object"]),
        ("words-only", ["json_schema", "json_object", ""]),
        ("ignores-schema", ["json_schema", "json_object"]),
        ("fenced", ["json_schema"]),
    ],
)
def test_the_ladder_is_climbed_down_once_and_remembered(
    play: str, steps: list[str], server: ChatServer, chat: MakeChat
) -> None:
    model = chat(play)
    answer = model.complete(ASK, schema=SCHEMA)
    assert set(json_in(answer) or ()) == {"subject", "count"}
    assert formats(server, model) == steps
    again = OpenAIChat(model.name, base_url=server.url, api_key="x", timeouts=QUICK)
    again.complete(ASK, schema=SCHEMA)
    assert formats(server, model) == [*steps, steps[-1]]
    assert model.format == (steps[-1] or "words")


def test_a_bad_answer_of_a_proven_way_is_handed_on_for_repair(
    server: ChatServer, chat: MakeChat
) -> None:
    model = chat("obedient")
    model.complete(ASK, schema=SCHEMA)
    wanting = {**SCHEMA, "required": ["what it never says"]}
    assert model.complete(ASK, schema=wanting)
    assert formats(server, model) == ["json_schema", "json_schema"]


def test_without_a_schema_none_is_asked_for(server: ChatServer, chat: MakeChat) -> None:
    model = chat("obedient")
    assert model.complete(ASK) == PLAN_TEXT
    body = server.asked(model.name)[0].body
    assert not {"response_format", "temperature"} & body.keys()
    assert body["messages"] == [{"role": one.role, "content": one.content} for one in ASK]
    assert model.format is None


@pytest.mark.parametrize("play", ["think", "think-untold", "reasoning-content", "reasoning"])
def test_thoughts_are_kept_apart(play: str, chat: MakeChat) -> None:
    assert json.loads(chat(play).complete(ASK))["subject"]
    thoughts, answer = split(list(chat(play).stream(ASK)))
    assert thoughts.strip() == "one star, then"
    assert "one star, then" not in answer
    assert json.loads(answer)


def test_a_stream_comes_in_pieces(chat: MakeChat) -> None:
    deltas = list(chat("obedient").stream(ASK))
    assert len(deltas) > 3
    assert answer_of(deltas) == PLAN_TEXT


@pytest.mark.parametrize("play", ["cannot-stream", "ignores-stream"])
def test_an_endpoint_that_cannot_stream_answers_all_the_same(
    play: str, server: ChatServer, chat: MakeChat
) -> None:
    model = chat(play)
    assert json.loads(model.complete(ASK)) == PLAN
    assert not model.streams
    model.complete(ASK)
    streamed = ["stream" in asked.body for asked in server.asked(model.name)]
    assert streamed == [True, False, False]
    assert model.usage.prompt_tokens == 20


@pytest.mark.parametrize(
    ("play", "refused", "options"),
    [
        ("no-temperature", "temperature", {"temperature": 0.5}),
        ("no-max-tokens", "max_tokens", {"max_tokens": 100}),
        ("no-options", "stream_options", {}),
    ],
)
def test_a_refused_parameter_is_dropped_and_not_sent_again(
    play: str, refused: str, options: dict[str, Any], server: ChatServer, chat: MakeChat
) -> None:
    model = chat(play, **options)
    assert json.loads(model.complete(ASK)) == PLAN
    model.complete(ASK)
    assert [refused in asked.body for asked in server.asked(model.name)] == [True, False, False]


def test_the_room_is_said_in_the_other_word(server: ChatServer, chat: MakeChat) -> None:
    model = chat("no-max-tokens", max_tokens=100)
    model.complete(ASK)
    assert server.asked(model.name)[-1].body["max_completion_tokens"] == 100


def test_models_with_a_temperature_of_their_own_are_sent_none(server: ChatServer) -> None:
    model = OpenAIChat("gpt-5-mini", base_url=server.url, temperature=0.2, timeouts=QUICK)
    with pytest.raises(ChatAccessError):  # the server has no such model
        model.complete(ASK)
    assert "temperature" not in server.asked("gpt-5-mini")[0].body


def test_a_template_without_system_gets_the_rules_from_the_user(
    server: ChatServer, chat: MakeChat
) -> None:
    model = chat("no-system")
    assert model.complete(ASK) == PLAN_TEXT
    said = server.asked(model.name)[-1].body["messages"]
    assert said == [{"role": "user", "content": "Be brief.\n\nA star, please."}]


def test_pictures_go_along_as_data(server: ChatServer, chat: MakeChat) -> None:
    model = chat("sees")
    picture = Image.new("RGBA", (4000, 10), (255, 0, 0, 255))
    picture.info["secret"] = "not for others"
    assert model.complete(ASK, images=[picture, picture]) == "Red."
    parts = server.asked(model.name)[0].body["messages"][-1]["content"]
    assert [part["type"] for part in parts] == ["text", "image_url", "image_url"]
    assert parts[1]["image_url"]["url"].startswith("data:image/png;base64,")
    assert len(parts[1]["image_url"]["url"]) < 20_000


@pytest.mark.parametrize("mode", ["L", "CMYK", "I;16", "P", "LA", "1"])
def test_every_kind_of_picture_can_be_sent(mode: str, chat: MakeChat) -> None:
    assert chat("sees").complete(ASK, images=[Image.new(mode, (700, 800))]) == "Red."


def test_a_model_that_is_blind_says_so(chat: MakeChat) -> None:
    with pytest.raises(ChatImageError, match="not a multimodal model"):
        chat("blind").complete(ASK, images=[Image.new("RGB", (8, 8))])


def test_a_text_endpoint_is_not_even_asked_about_pictures() -> None:
    chat = OpenAIChat("deepseek-chat", base_url="https://api.deepseek.com", api_key="k")
    with pytest.raises(ChatImageError, match="DeepSeek takes no pictures"):
        chat.complete(ASK, images=[Image.new("RGB", (8, 8))])


def test_usage_is_counted_over_threads(chat: MakeChat) -> None:
    model = chat("obedient", prices={"obedient": Price(1.0, 2.0)})
    assert model.usage == Usage()
    with ThreadPoolExecutor(8) as pool:
        list(pool.map(lambda _: model.complete(ASK), range(24)))
    used = model.usage
    assert (used.calls, used.prompt_tokens, used.completion_tokens) == (24, 240, 120)


def test_the_endpoints_own_price_goes_before_ours(chat: MakeChat) -> None:
    model = chat("priced")
    model.complete(ASK)
    model.complete(ASK)
    assert model.usage.cost == pytest.approx(0.5)


def test_the_models_that_there_are(server: ChatServer, chat: MakeChat) -> None:
    assert "obedient" in chat("obedient").models()
    with pytest.raises(ChatAccessError, match=r"name the model.* has obedient, .* more"):
        OpenAIChat.found(base_url=server.url)


def test_an_empty_conversation_is_refused(chat: MakeChat) -> None:
    with pytest.raises(ChatError, match="nothing to ask"):
        chat("obedient").complete([])
    with pytest.raises(ChatAccessError, match="no model is named"):
        OpenAIChat("  ")


def test_many_streams_at_once_do_not_mix(chat: MakeChat) -> None:
    plain, thinking = chat("obedient"), chat("think")
    answers: list[str] = []

    def ask(model: OpenAIChat) -> None:
        answers.append(model.complete(ASK))

    threads = [threading.Thread(target=ask, args=(one,)) for one in [plain, thinking] * 5]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert answers == [PLAN_TEXT] * 10
