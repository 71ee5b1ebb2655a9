"""Templates: all render, values come through as they are, mistakes are named."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rpg import prompts
from rpg.errors import SettingsError

NASTY = "{{prompt}} ${prompt} $prompt $$ {0} %s <b onclick='x'>&amp;</b> \\n </prompt> \U0001f431"


@pytest.mark.parametrize("name", prompts.TEMPLATES)
def test_every_template_renders_its_values_as_they_are(name: str) -> None:
    template = prompts.load(name)
    values = {one: f"[{one}: {NASTY}]" for one in template.variables}
    text = "\n".join(template.render(**values).values())
    assert values
    for value in values.values():
        assert text.count(value) == 1
    for value in values.values():
        text = text.replace(value, "")
    assert "$" not in text
    assert "prompt: {{" not in text


def test_every_file_of_the_folder_is_known() -> None:
    names = {path.name for path in prompts.folder().iterdir()}
    examples = {"plan.examples.json", "edit.examples.json"}
    assert names == {*(f"{name}.txt" for name in prompts.TEMPLATES), *examples}


def test_nothing_is_expanded_twice() -> None:
    rendered = prompts.load("edit").render(
        prompt="$plan", plan="${instruction}", instruction="$$x", model=""
    )
    assert "<prompt>\n$plan\n</prompt>" in rendered["user"]
    assert "<plan>\n${instruction}\n</plan>" in rendered["user"]
    assert "<instruction>\n$$x\n</instruction>" in rendered["user"]


@given(st.text(max_size=200))
def test_any_prompt_comes_through(prompt: str) -> None:
    rendered = prompts.load("recaption").render(prompt=prompt)
    assert f"<prompt>\n{prompt}\n</prompt>" in rendered["user"]
    assert rendered["system"] == prompts.load("recaption").render(prompt="x")["system"]


def test_a_missing_and_an_unknown_variable_are_named() -> None:
    template = prompts.load("edit")
    with pytest.raises(SettingsError, match="'edit' needs: instruction, model, plan"):
        template.render(prompt="x")
    with pytest.raises(SettingsError, match="'edit' does not know: colour"):
        template.render(prompt="x", plan="x", instruction="x", model="x", colour="red")


BROKEN = {
    "no header": ("--- user ---\nhello", "begin with one line such as"),
    "no user": ("variables: a\n--- system ---\n$a", "needs '--- user ---'"),
    "another role": ("variables: a\n--- user ---\n$a\n--- robot ---\nx", "at most '--- system"),
    "twice": ("variables: a\n--- user ---\n$a\n--- user ---\nx\n--- system ---\nx", "at most"),
    "undeclared": ("variables: a\n--- user ---\n$a $b", "uses b without naming it"),
    "unused": ("variables: a, b\n--- user ---\n$a", "does not use b though"),
    "a stray dollar": ("variables: a\n--- user ---\n$a costs $5", "written \\$\\$"),
}


@pytest.mark.parametrize(("text", "complaint"), BROKEN.values(), ids=BROKEN.keys())
def test_a_broken_template_says_what_is_wrong(tmp_path: Path, text: str, complaint: str) -> None:
    (tmp_path / "plan.txt").write_text(text)
    with pytest.raises(SettingsError, match=f"template plan.txt.*{complaint}"):
        prompts.load("plan", where=tmp_path)


def test_a_template_that_cannot_be_read(tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match="template plan.txt: No such file"):
        prompts.load("plan", where=tmp_path)
    (tmp_path / "plan.txt").write_bytes(b"\xff\xfe\x00")
    with pytest.raises(SettingsError, match="not in UTF-8"):
        prompts.load("plan", where=tmp_path)


def test_a_dollar_sign_can_be_written(tmp_path: Path) -> None:
    (tmp_path / "plan.txt").write_text("variables: a\n--- user ---\n$a costs $$5")
    assert prompts.load("plan", where=tmp_path).render(a="$a") == {"user": "$a costs $5"}


def test_examples_that_are_no_list(tmp_path: Path) -> None:
    (tmp_path / "plan.examples.json").write_text('[{"a": 1},\n ')
    with pytest.raises(SettingsError, match="plan.examples.json: line 2"):
        prompts.examples("plan", where=tmp_path)
    (tmp_path / "plan.examples.json").write_text('{"a": 1}')
    with pytest.raises(SettingsError, match="expected a list"):
        prompts.examples("plan", where=tmp_path)


def test_the_examples_are_ours_to_change_by_hand() -> None:
    found = prompts.examples("plan")
    assert len(found) >= 7
    assert json.loads(json.dumps(found)) == found
    assert all(one.keys() - {"canvas"} == {"prompt", "answer"} for one in found)
