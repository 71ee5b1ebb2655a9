"""What is known of endpoints: addresses, names, prices."""

from __future__ import annotations

import pytest

from rpg.chat import OpenAIChat
from rpg.chat.endpoints import ENDPOINTS, clean_base_url, endpoint_of, is_local, takes_temperature
from rpg.chat.prices import FREE, PRICES, Price, price_of
from rpg.errors import ChatAccessError


@pytest.mark.parametrize(
    ("given", "whole", "name"),
    [
        ("https://api.openai.com", "https://api.openai.com/v1", "OpenAI"),
        ("https://api.openai.com/v1/", "https://api.openai.com/v1", "OpenAI"),
        (
            "https://generativelanguage.googleapis.com",
            "https://generativelanguage.googleapis.com/v1beta/openai",
            "Gemini",
        ),
        ("https://api.deepseek.com", "https://api.deepseek.com/v1", "DeepSeek"),
        ("https://openrouter.ai", "https://openrouter.ai/api/v1", "OpenRouter"),
        ("http://localhost:11434", "http://localhost:11434/v1", "Ollama"),
        ("http://192.168.1.7:8000/v1", "http://192.168.1.7:8000/v1", "vLLM"),
        ("HTTP://[::1]:8080", "http://[::1]:8080/v1", "llama.cpp"),
        (
            "http://studio.local:1234/v1/chat/completions",
            "http://studio.local:1234/v1",
            "LM Studio",
        ),
        ("http://ollama:5000/v1", "http://ollama:5000/v1", "a local server"),
        ("https://llm.example.com/gateway", "https://llm.example.com/gateway", "llm.example.com"),
    ],
)
def test_addresses_are_made_whole_and_known(given: str, whole: str, name: str) -> None:
    assert clean_base_url(given) == whole
    assert clean_base_url(whole) == whole
    assert endpoint_of(whole).name == name


@pytest.mark.parametrize(
    "text",
    ["", "localhost:11434", "ftp://x/v1", "http://", "http://a b/v1", "http://x:99999/v1", "//x"]
    + ["http://[::1]%25/", "http://\u246027.0.0.1:1/v1", "http://a^b/", "http://[x]/", "http://%/"],
)
def test_what_is_no_address_is_refused(text: str) -> None:
    with pytest.raises(ChatAccessError, match="no address"):
        clean_base_url(text)


@pytest.mark.parametrize(
    ("host", "local"),
    [
        ("127.0.0.1", True),
        ("localhost", True),
        ("10.0.0.3", True),
        ("::1", True),
        ("box.lan", True),
        ("8.8.8.8", False),
        ("api.openai.com", False),
        ("local.example.com", False),
    ],
)
def test_next_door_is_told_from_the_world(host: str, local: bool) -> None:
    assert is_local(host) == local


def test_the_table_names_every_endpoint_once() -> None:
    assert len({one.name for one in ENDPOINTS}) == len(ENDPOINTS) == 8
    assert all(one.help for one in ENDPOINTS)
    assert {one.name for one in ENDPOINTS if one.images is False} == {"DeepSeek"}


@pytest.mark.parametrize(
    ("model", "takes"),
    [
        ("gpt-4o", True),
        ("gpt-5-chat-latest", True),
        ("gpt-5-mini", False),
        ("o3", False),
        ("openai/o4-mini", False),
        ("openai/gpt-oss-20b", True),
        ("qwen3:8b", True),
    ],
)
def test_models_with_a_temperature_of_their_own_are_known(model: str, takes: bool) -> None:
    assert takes_temperature(model) == takes


def test_prices_are_of_a_model_and_its_snapshots_alone() -> None:
    openai, local = endpoint_of("https://api.openai.com/v1"), endpoint_of("http://localhost:1/v1")
    table = PRICES["OpenAI"]
    assert price_of(openai, "gpt-4o-2024-08-06") == table["gpt-4o"]
    assert price_of(openai, "gpt-4o-mini") == table["gpt-4o-mini"] != table["gpt-4o"]
    assert price_of(openai, "gpt-4o-audio-preview") is None
    assert price_of(openai, "gpt-4o", {"gpt-4o": Price(9, 9)}) == Price(9, 9)
    assert price_of(local, "gpt-4o") == FREE
    assert Price(2.0, 8.0).of(500_000, 250_000) == pytest.approx(3.0)


def test_nothing_said_means_openai() -> None:
    assert OpenAIChat("gpt-5-mini").base_url == "https://api.openai.com/v1"
