"""`rpg generate`: what it draws and writes, and what of it can be made again."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from rpg import metadata
from rpg.cli.files import targets
from rpg.plan import Plan
from tests.cli.helpers import PROMPT, pixels, rpg, told


def test_generate_writes_a_picture_that_remembers() -> None:
    result = rpg("generate", PROMPT, "--seed", "7")
    assert "wrote out.png (seed 7)" in result.stdout
    record = metadata.read("out.png")
    assert record.plan.prompt == PROMPT
    assert (record.model, record.settings.seed, record.scale) == ("little", 7, 4)
    assert pixels("out.png").shape == (128, 128, 3)


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
        "--guidance-end",
        "0.5",
    ]
    rpg("generate", PROMPT, *flags, *more, "-o", "first.png")
    rpg("generate", "--from", "first.png", "-o", "second.png")
    assert np.array_equal(pixels("first.png"), pixels("second.png"))
    assert metadata.read("first.png") == metadata.read("second.png")
    assert metadata.read("first.png").settings.guidance_end == 0.5
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
    summary = told("generate", PROMPT, "-n", "2", "--seed", "1", "--size", "33x32")
    assert summary["images"] == [{"path": "out-1.png", "seed": 1}, {"path": "out-2.png", "seed": 2}]
    assert summary["settings"]["width"] == 32
    assert summary["model"] == "little"
    assert summary["notices"] == ["33x32 does not go into the model's grid: drawing 32x32"]
    assert Plan.model_validate(summary["plan"]).prompt == PROMPT


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
