"""The environment: what is read of it, and by whom."""

from __future__ import annotations

from pathlib import Path

import pytest

from rpg.environment import Environment, endpoint_key, environment
from rpg.errors import SettingsError


def test_the_environment_is_read_and_blank_is_unset() -> None:
    found = environment({"RPG_MODEL": " org/name ", "RPG_DTYPE": "bfloat16", "RPG_DEVICE": " "})
    assert (found.model, found.dtype, found.device) == ("org/name", "bfloat16", None)
    said = {"OPENAI_API_KEY": "sk-abc", "OPENAI_BASE_URL": "http://a", "RPG_OPENAI_API_KEY": "no"}
    found = environment(said)
    assert found.openai_api_key is not None and found.openai_base_url == "http://a"
    assert found.openai_api_key.get_secret_value() == "sk-abc" and "abc" not in repr(found)
    assert environment({}) == Environment()


def test_the_environment_of_the_process_is_read_where_none_is_given(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("RPG_DEVICE", "cpu")
    monkeypatch.setenv("RPG_KEY_LAB", "sk-abc")
    found = endpoint_key("lab")
    assert environment().device == "cpu"
    assert found is not None and found.get_secret_value() == "sk-abc"


def test_a_wrong_environment_is_named() -> None:
    with pytest.raises(SettingsError, match="^environment: RPG_DTYPE: should be 'float32'"):
        environment({"RPG_DTYPE": "float8"})


def test_one_module_reads_the_environment() -> None:
    package = Path(__file__).parent.parent / "rpg"
    readers = [
        p.name
        for p in package.rglob("*.py")
        if "environ" in p.read_text().replace("environment", "")
    ]
    assert readers == ["environment.py"]


def test_a_listed_endpoints_key_is_in_a_variable_of_its_name() -> None:
    said = {"RPG_KEY_MY_LAB_2": " sk-abc ", "RPG_KEY_BLANK": "  ", "OPENAI_API_KEY": "sk-def"}
    found = endpoint_key("my lab-2", said)
    assert found is not None and found.get_secret_value() == "sk-abc" and "abc" not in repr(found)
    assert endpoint_key("MY_LAB.2", said) == found
    assert endpoint_key("blank", said) is endpoint_key("other", said) is None
