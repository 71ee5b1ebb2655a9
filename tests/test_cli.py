"""The command line: what it prints, what it writes, how it fails."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image
from typer.testing import CliRunner

from rpg import metadata
from rpg.cli import app
from rpg.cli.demo import PROMPT as PROMPT_OF_DEMO
from rpg.cli.files import targets
from rpg.plan import Plan
from rpg.toybox import unknown_words
from tests.tiny import tiny_sdxl

PROMPT = "a red star to the left of a blue moon"
DEFAULTS = {"width": 32, "height": 32, "num_inference_steps": 2, "display_scale": 2}
RUNNER = CliRunner()


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("models") / "little"
    tiny_sdxl().save_pretrained(folder)
    (folder / "rpg.json").write_text(json.dumps({"name": "little", **DEFAULTS}))
    return folder


@pytest.fixture(autouse=True)
def _elsewhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, model: Path) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("RPG_MODEL", str(model))
    monkeypatch.setenv("RPG_DEVICE", "cpu")
    monkeypatch.setenv("COLUMNS", "200")


def rpg(*arguments: str | Path, code: int = 0) -> Any:
    result = RUNNER.invoke(app, [str(one) for one in arguments])
    assert result.exit_code == code, (result.output, result.exception)
    return result


def pixels(path: str | Path) -> np.ndarray:
    with Image.open(path) as image:
        return np.asarray(image).astype(int)


def test_plan_prints_a_table() -> None:
    result = rpg("plan", PROMPT)
    assert "star" in result.stdout
    assert "x   0 to  50" in result.stdout


def test_plan_json_is_a_plan_and_nothing_else() -> None:
    plan = Plan.from_json(rpg("plan", PROMPT, "--json").stdout)
    assert len(plan.layers()) == 2


def test_generate_writes_a_picture_that_remembers() -> None:
    result = rpg("generate", PROMPT, "--seed", "7")
    assert "wrote out.png (seed 7)" in result.stdout
    record = metadata.read("out.png")
    assert record.plan.prompt == PROMPT
    assert (record.model, record.settings.seed, record.scale) == ("little", 7, 2)
    assert pixels("out.png").shape == (64, 64, 3)


def test_from_makes_the_same_picture_even_after_other_flags() -> None:
    flags = [
        "--seed",
        "3",
        "--steps",
        "3",
        "--size",
        "40x24",
        "--composer",
        "latent",
        "--scale",
        "3",
    ]
    more = [
        "--base-ratio",
        "0.4",
        "--negative-prompt",
        "grey",
        "--scheduler",
        "ddim",
        "--guidance-scale",
        "3",
    ]
    rpg("generate", PROMPT, *flags, *more, "-o", "first.png")
    rpg("generate", "--from", "first.png", "-o", "second.png")
    assert np.array_equal(pixels("first.png"), pixels("second.png"))
    assert metadata.read("first.png") == metadata.read("second.png")
    rpg("generate", "--from", "first.png", "--seed", "4", "-o", "third.png")
    assert not np.array_equal(pixels("first.png"), pixels("third.png"))
    assert metadata.read("third.png").settings.num_inference_steps == 3


def test_a_preset_goes_before_a_pictures_settings_and_flags_before_it() -> None:
    rpg("generate", PROMPT, "--preset", "fast", "--seed", "1", "-o", "fast.png")
    fast = metadata.read("fast.png").settings
    assert (fast.num_inference_steps, fast.scheduler) == (1, "dpm++2m-karras")
    rpg("generate", PROMPT, "--seed", "1", "--scheduler", "ddim", "-o", "own.png")
    rpg("generate", "--from", "own.png", "--preset", "fast", "-o", "again.png")
    assert metadata.read("again.png").settings == fast
    rpg("refine", PROMPT, "--preset", "fast", "--steps", "2", "--critic", "none", "-o", "done.png")
    done = metadata.read("done.png").settings
    assert (done.num_inference_steps, done.scheduler) == (2, "dpm++2m-karras")
    rpg("generate", PROMPT, "--preset", "hasty", code=2)


def test_picture_two_of_three_can_be_made_alone() -> None:
    rpg("generate", PROMPT, "-n", "3", "--seed", "5", "-o", "many.png")
    assert sorted(path.name for path in Path().glob("*.png")) == [
        "many-1.png",
        "many-2.png",
        "many-3.png",
    ]
    rpg("generate", "--from", "many-2.png", "-o", "alone.png")
    assert metadata.read("alone.png").settings.seed == 6
    assert np.abs(pixels("alone.png") - pixels("many-2.png")).max() <= 2


def test_a_plan_file_is_drawn_and_a_prompt_may_go_with_it() -> None:
    Path("plan.json").write_text(rpg("plan", PROMPT, "--json").stdout)
    rpg("generate", "--plan", "plan.json", "--seed", "1", "-o", "a.png")
    rpg("generate", PROMPT, "--seed", "1", "-o", "b.png")
    assert np.array_equal(pixels("a.png"), pixels("b.png"))
    rpg("generate", "stars", "--plan", "plan.json", "-o", "c.png")
    assert metadata.read("c.png").plan.prompt == "stars"


def test_json_is_for_programs() -> None:
    told = json.loads(
        rpg("generate", PROMPT, "-n", "2", "--seed", "1", "--size", "33x32", "--json").stdout
    )
    assert told["images"] == [{"path": "out-1.png", "seed": 1}, {"path": "out-2.png", "seed": 2}]
    assert told["settings"]["width"] == 32
    assert told["model"] == "little"
    assert told["notices"] == ["33x32 does not go into the model's grid: drawing 32x32"]
    assert Plan.model_validate(told["plan"]).prompt == PROMPT


def test_the_plan_can_be_drawn_beside_the_picture() -> None:
    rpg("generate", PROMPT, "-o", "x.png", "--draw-plan")
    assert pixels("x-plan.png").shape == (1024, 1024, 3)


def test_without_a_name_nothing_is_replaced_and_with_one_that_is_said() -> None:
    rpg("generate", PROMPT)
    before = Path("out.png").read_bytes()
    assert "wrote out-2.png" in rpg("generate", PROMPT).stdout
    assert Path("out.png").read_bytes() == before
    assert "replaced out.png" in rpg("generate", PROMPT, "-o", "out.png").stderr
    assert Path("out.png").read_bytes() != before


def test_names_of_pictures(tmp_path: Path) -> None:
    def names(output: str | None, count: int) -> list[str]:
        return [str(path) for path in targets(Path(output) if output else None, count)]

    assert names(None, 1) == ["out.png"]
    assert names("a/b", 2) == ["a/b-1.png", "a/b-2.png"]
    Path("out-2.png").touch()
    assert names(None, 1) == ["out.png"]
    assert names(None, 2) == ["out-3.png", "out-4.png"]
    Path("out.png").touch()
    assert names(None, 1) == ["out-3.png"]
    (tmp_path / "folder").mkdir()
    assert names("folder", 1) == ["folder/out.png"]


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


def test_offloading_without_a_gpu_is_explained() -> None:
    result = rpg("generate", PROMPT, "--cpu-offload", "model", code=1)
    assert "error: --cpu-offload model: " in result.stderr


def test_the_demo_draws_five_things_and_says_what_to_try_next(
    model: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("rpg.cli.demo.weights_path", lambda: model)
    said = rpg("demo").stdout
    assert len(metadata.read("out/demo.png").plan.layers()) == 5
    assert pixels("out/demo-plan.png").shape == (1024, 1024, 3)
    assert "--from out/demo.png" in said
    assert unknown_words(PROMPT_OF_DEMO) == ()


def test_words_of_a_prompt_are_never_markup() -> None:
    shown = rpg("generate", "a [red]star[/red] and a [bold moon", "--steps", "1")
    assert "[red]star[/red]" in shown.stdout
    assert "Traceback" not in shown.output


@pytest.mark.parametrize("command", [[], ["plan"], ["generate"], ["demo"]])
def test_help_is_there(command: list[str]) -> None:
    assert "Usage" in rpg(*command, "--help").stdout


def run(code: str, *arguments: str) -> subprocess.CompletedProcess[str]:
    root = Path(__file__).parent.parent
    return subprocess.run(
        [sys.executable, "-c", code, *arguments],
        env={**os.environ, "PYTHONPATH": str(root)},
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
    )


def test_planning_imports_no_torch() -> None:
    code = (
        "import sys; sys.argv[0] = 'rpg'\n"
        "from rpg.cli import main\n"
        "try: main()\n"
        "finally: print({'torch', 'diffusers', 'transformers'} & set(sys.modules), file=sys.stderr)"
    )
    done = run(code, "plan", PROMPT)
    assert done.returncode == 0, done.stderr
    assert done.stderr.strip().endswith("set()")


def test_the_module_runs_as_a_command() -> None:
    code = "import runpy, sys; sys.argv[0] = 'rpg'; runpy.run_module('rpg', run_name='__main__')"
    done = run(code, "plan", PROMPT, "--json")
    assert done.returncode == 0, done.stderr
    assert len(Plan.from_json(done.stdout).layers()) == 2
