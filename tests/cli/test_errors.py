"""What cannot be is refused in one line, with an exit code for scripts."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from PIL import Image

from rpg import metadata
from tests.cli.helpers import PROMPT, rpg


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (["generate"], "nothing to draw"),
        (["generate", " "], "prompt is empty"),
        (["plan", ""], "error: "),
        (["generate", "x" * 20000], "8,000"),
        (["generate", "a", "--size", "0x64"], "width"),
        (["generate", "a", "--size", "16384x64"], "width"),
        (["generate", "a", "--size", "large"], "expected WIDTHxHEIGHT"),
        (["generate", "a", "--seed", "18446744073709551616"], "seed"),
        (["generate", "a", "--base-ratio", "2"], "base_ratio"),
        (["generate", "a", "-n", "0"], "num_images_per_prompt"),
        (["generate", "a", "-o", "x.jpg"], "only PNG"),
        (["generate", "a", "--plan", "gone.json"], "cannot read the plan"),
        (["generate", "--from", "gone.png"], "cannot read"),
        (["generate", "a", "--from", "gone.png"], "leave out"),
        (["generate", "a", "--lora", "nonsense"], "not JSON"),
        (["generate", "a", "--lora", "[1]"], "lora_id"),
    ],
)
def test_what_cannot_be_is_one_line_and_exit_code_2(arguments: list[str], says: str) -> None:
    result = rpg(*arguments, code=2)
    assert result.stdout == ""
    assert says in result.stderr
    assert result.stderr.startswith("error: ")
    assert result.stderr.count("\n") == 1
    assert list(Path().glob("*.png")) == []


@pytest.mark.parametrize(
    "arguments",
    [
        ["generate", "a", "--composer", "collage"],
        ["generate", "a", "--seed", "x"],
        ["generate", "a", "--scale", "0"],
        ["generate", "a", "--dtype", "fp8"],
        ["paint"],
    ],
)
def test_wrong_flags_are_exit_code_2(arguments: list[str]) -> None:
    assert "Traceback" not in rpg(*arguments, code=2).output


def test_a_model_that_is_not_there_is_exit_code_1(tmp_path: Path) -> None:
    result = rpg("generate", "a star", "-m", tmp_path, code=1)
    assert result.stderr.startswith("error: ")


def test_errors_are_json_too_when_json_is_asked_for() -> None:
    result = rpg("generate", "", "--json", code=2)
    assert json.loads(result.stdout)["error"]["type"] == "PromptError"
    assert result.stderr.startswith("error: ")


def test_a_plan_file_that_is_no_plan_is_refused() -> None:
    Path("bad.json").write_text('{"prompt": "a", "regions": [{"id": "x"}]}')
    assert "region 'x'" in rpg("generate", "--plan", "bad.json", code=2).stderr
    Path("binary.json").write_bytes(b"\xff\xfe\x00")
    assert "not a text file" in rpg("generate", "--plan", "binary.json", code=2).stderr


def test_a_picture_of_another_model_asks_for_it(model: Path) -> None:
    rpg("generate", PROMPT, "-o", "x.png")
    record = metadata.read("x.png").model_copy(update={"model": "org/other"})
    metadata.save(Image.new("RGB", (32, 32)), "y.png", record)
    assert "made with org/other, not little" in rpg("generate", "--from", "y.png", code=2).stderr
    assert "another picture" in rpg("generate", "--from", "y.png", "-m", model).stderr


def test_a_picture_made_with_more_than_words_is_refused() -> None:
    rpg("generate", PROMPT, "-o", "x.png")
    record = metadata.read("x.png").model_copy(update={"needs": ("image",)})
    metadata.save(Image.new("RGB", (32, 32)), "y.png", record)
    assert "made with image" in rpg("generate", "--from", "y.png", code=2).stderr


@pytest.mark.parametrize("device", [[], ["--device", "cuda:77"]])
@pytest.mark.parametrize("kind", ["model", "group"])
def test_offloading_without_a_gpu_is_explained(kind: str, device: list[str]) -> None:
    result = rpg("generate", PROMPT, "--cpu-offload", kind, *device, code=1)
    assert f"error: --cpu-offload {kind}: " in result.stderr


def test_a_device_that_is_not_here_is_one_line(monkeypatch: pytest.MonkeyPatch) -> None:
    said = rpg("generate", PROMPT, "--device", "cuda:77", code=1).stderr
    assert said.startswith("error: device 'cuda:77': ") and said.count("\n") == 1
    monkeypatch.setenv("RPG_DEVICE", "banana")
    assert "error: device 'banana': " in rpg("generate", PROMPT, code=1).stderr


@pytest.mark.parametrize("output", ["/dev/null/x.png", "星" * 90 + ".png"])
def test_a_picture_that_cannot_be_written_is_named_with_its_session(output: str) -> None:
    rpg("generate", PROMPT, "-o", "a.png")
    for command in (
        ("generate", PROMPT),
        ("edit", "a.png", "make the star green"),
        ("refine", PROMPT, "--critic", "none"),
    ):
        *_, session, error = rpg(*command, "-o", output, code=2).stderr.splitlines()
        assert session.startswith("session ") and ", turn " in session
        assert error.startswith(f"error: cannot write {output}: ")
        rpg("session", "save", session.split()[1].strip(","), "-o", "saved.png")


def test_a_folder_that_takes_no_file_is_one_line() -> None:
    said = rpg("generate", PROMPT, "-o", "/dev/fd", "--no-session", code=2).stderr
    assert said.startswith("error: cannot write /dev/fd/out.png: ") and said.count("\n") == 1
