"""`rpg generate`: what it draws and writes, and what of it can be made again."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from rpg import metadata
from rpg.cli.files import Targets
from rpg.cli.generate import draw_all
from rpg.errors import MetadataError
from rpg.plans.plan import Plan
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


def test_an_empty_negative_prompt_goes_before_that_of_a_plan() -> None:
    rpg("generate", PROMPT, "--negative-prompt", "grey", "-o", "grey.png")
    Path("plan.json").write_text(metadata.read("grey.png").plan.to_json())
    for source in ("--from=grey.png", "--plan=plan.json", "a red star and no moon"):
        plan = Plan.model_validate(told("generate", source)["plan"])
        assert plan.effective_negative in ("grey", "moon")
        emptied = told("generate", source, "--negative-prompt", "")["plan"]
        assert Plan.model_validate(emptied).effective_negative == ""


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
    notices = told("generate", PROMPT, "-o", "x.png", "--draw-plan")["notices"]
    assert notices == ["replaced x.png", "replaced x-plan.png"]


def test_without_a_name_nothing_is_replaced_and_with_one_that_is_said() -> None:
    rpg("generate", PROMPT)
    before = Path("out.png").read_bytes()
    assert "wrote out-2.png" in rpg("generate", PROMPT).stdout
    assert Path("out.png").read_bytes() == before
    assert "replaced out.png" in rpg("generate", PROMPT, "-o", "out.png").stderr
    assert Path("out.png").read_bytes() != before


def test_a_picture_that_came_meanwhile_is_not_replaced(monkeypatch: pytest.MonkeyPatch) -> None:
    def slowly(*arguments: Any) -> Any:
        Path("out.png").write_bytes(b"another run's")
        return draw_all(*arguments)

    monkeypatch.setattr("rpg.cli.generate.draw_all", slowly)
    assert "wrote out-2.png" in rpg("generate", PROMPT).stdout
    assert Path("out.png").read_bytes() == b"another run's"


def saved(output: str | None, count: int = 1) -> list[str]:
    """The files that `count` pictures go to."""
    targets = Targets(Path(output) if output else None, count)
    return [str(targets.save(Image.new("RGB", (1, 1)), None)) for _ in range(count)]


def test_names_of_pictures() -> None:
    assert saved("a/b", 2) == saved("a/b.png", 2) == ["a/b-1.png", "a/b-2.png"]
    assert saved(None) == ["out.png"]
    Path("out-2.png").touch()
    Path("out.png").unlink()
    assert saved(None) == ["out.png"]
    assert saved(None, 2) == ["out-3.png", "out-4.png"]
    assert saved(None) == ["out-5.png"]
    Path("folder").mkdir()
    assert saved("folder") == ["folder/out.png"]


def test_runs_at_once_share_no_name() -> None:
    with ThreadPoolExecutor(8) as pool:
        names = [name for some in pool.map(saved, [None] * 32, [1, 2] * 16) for name in some]
    assert len(set(names)) == len(names) == 48
    assert all(pixels(name).shape == (1, 1, 3) for name in names)


def test_a_place_that_was_taken_in_vain_is_free_again(monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("rpg.metadata.record.os.replace", full)
    with pytest.raises(MetadataError, match="No space left"):
        saved(None)
    assert list(Path().iterdir()) == []
