"""`rpg calibrate`: finds what is better, keeps it, goes on after a stop, forgets."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from PIL import Image, ImageStat

from rpg.critics.choice import CriticChoice, choices
from rpg.critique import Check, Critique, Finding
from rpg.errors import Cancelled
from rpg.metadata import read
from rpg.plans.plan import Plan
from rpg.toybox import weights_path
from tests.cli.helpers import rpg, told

ARMS = ("--arm", "num_inference_steps=1", "--arm", "num_inference_steps=3")
FEW = ("--critic", "steps", "--prompts", 12, *ARMS)


@dataclass
class StepCounter:
    """Likes best what was drawn in three steps; a tiny model's pictures tell nobody more."""

    def review(
        self, image: Image.Image, plan: Plan, *, checks: Sequence[Check] | None = None
    ) -> Critique:
        check = Check(id="steps", kind="presence", says="it took three steps")
        return Critique.of([Finding(check=check, score=STEPS[image.info["steps"]])])


STEPS = {1: 0.2, 2: 0.4, 3: 0.9}


@pytest.fixture(autouse=True)
def _steps(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """A critic that sees how many steps a picture took."""
    from rpg.cli import calibrate

    monkeypatch.setenv("RPG_CONFIG", str(tmp_path / "config"))
    made = CriticChoice("steps", "Count steps", "counts steps", lambda chat: StepCounter())
    monkeypatch.setattr(calibrate, "choices", lambda: {**choices(), "steps": made})
    draw = calibrate._Job.draw

    def noted(self: Any, arm: Any, plans: Sequence[Plan], seed: int) -> list[Image.Image]:
        images = draw(self, arm, plans, seed)
        for image in images:
            image.info["steps"] = arm.settings.get("num_inference_steps", 2)
        return images

    monkeypatch.setattr(calibrate._Job, "draw", noted)


def test_the_better_way_is_kept_and_drawn_with_until_it_is_forgotten(tmp_path: Path) -> None:
    shown = rpg("calibrate", *FEW)
    assert re.search(r"1 +num_inference_steps=3 .* 90\.0 \(90 to 90\) +best", shown.stdout)
    assert re.search(
        r"2 +as it is.*\n +surely worse than 1 *\n3 .*\n +surely worse than", shown.stdout
    )
    assert "kept for little: num_inference_steps=3" in shown.stdout
    kept = told("calibrate", "--show")
    assert kept["settings"] == {"num_inference_steps": 3}
    assert kept["instead_of"] == {"num_inference_steps": 2}
    assert (kept["critic"], kept["score"], kept["own_score"]) == ("steps", 0.9, 0.4)
    assert "little: num_inference_steps=3" in rpg("calibrate", "--show").stdout
    rpg("generate", "a red star", "-o", tmp_path / "a.png", "--no-session")
    assert read(tmp_path / "a.png").settings.num_inference_steps == 3
    assert told("calibrate", "--forget") == {"forgotten": True}
    assert "nothing is kept for little" in rpg("calibrate", "--forget").stdout
    rpg("generate", "--from", tmp_path / "a.png", "-o", tmp_path / "b.png", "--no-session")
    assert read(tmp_path / "b.png").settings.num_inference_steps == 3  # as the picture says
    rpg("generate", "a red star", "-o", tmp_path / "c.png", "--no-session")
    assert read(tmp_path / "c.png").settings.num_inference_steps == 2


def test_the_same_command_goes_on_and_later_tells_the_same(monkeypatch: pytest.MonkeyPatch) -> None:
    reviewed, review = [], StepCounter.review

    def interrupted(self: StepCounter, *args: Any, **words: Any) -> Critique:
        reviewed.append(args)
        if len(reviewed) > 5:
            raise KeyboardInterrupt
        return review(self, *args, **words)

    with monkeypatch.context() as patch:
        patch.setattr(StepCounter, "review", interrupted)
        stopped = rpg("calibrate", *FEW, code=130)
    assert "5 pictures (5 new)" in stopped.stdout and "goes on from here" in stopped.stderr
    assert told("calibrate", "--show") is None
    first = told("calibrate", *FEW)
    again = told("calibrate", *FEW)
    assert first["new"] == first["pictures"] - 5 and again["new"] == 0
    assert first["winner"] == again["winner"] == "num_inference_steps=3"
    assert first["arms"] == again["arms"]
    (arm,) = [one for one in first["arms"] if one["arm"] == "num_inference_steps=3"]
    assert arm["interval"] == pytest.approx([0.9, 0.9]) and arm["difference"] == 0.0


def test_without_a_difference_the_model_stays_as_it_is(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tests.cli.test_calibrate.STEPS", dict.fromkeys(STEPS, 0.5))
    few = ("--pictures", 6)
    assert "no difference found so far: little stays" in rpg("calibrate", *FEW, *few).stdout
    assert "little stays as it came" in rpg("calibrate", *FEW).stdout
    assert told("calibrate", "--show") is None


def test_a_dry_run_says_what_would_be_drawn_and_judges_nothing() -> None:
    said = told("calibrate", *FEW, "--dry-run", "--pictures", 30)
    assert said["pictures"] == 30 and said["prompts"] == 12 and said["seconds"] > 0
    assert [one["name"] for one in said["arms"]][0] == "as it is"
    shown = rpg("calibrate", *FEW, "--dry-run").stdout
    assert "3 of colours, 3 of counts" in shown and "at most 36 pictures, judged by steps" in shown
    assert told("calibrate", *FEW)["new"] > 0


@pytest.mark.parametrize(
    ("words", "said"),
    [
        ((), "say who judges pictures of little: --critic vlm or "),
        (("--critic", "toybox"), "say who judges pictures of little"),
        (("--critic", "steps", "--arm", "seed=2"), "'seed' is no setting of a model"),
    ],
)
def test_what_cannot_be_is_refused_before_anything_is_drawn(words: Any, said: str) -> None:
    assert said in rpg("calibrate", *words, code=2).stderr


def test_a_person_judges_in_the_page_where_there_is_one(monkeypatch: pytest.MonkeyPatch) -> None:
    from rpg.cli import calibrate

    class Page:
        """A page with somebody who likes the first picture, and then goes."""

        @staticmethod
        @contextmanager
        def judging(most: int) -> Iterator[Any]:
            assert most == 24
            yield Page

        compares = True
        asked = 0

        @classmethod
        def score(cls, image: Any, own: Any, plan: Any) -> float:
            assert ImageStat.Stat(image).count and own is not None
            cls.asked += 1
            if cls.asked > 4:
                raise Cancelled("stopped in the page")
            return 1.0

    words = ("calibrate", "--critic", "person", "--prompts", 12, *ARMS)
    monkeypatch.setattr(calibrate, "import_module", lambda name: Page)
    stopped = rpg(*words, "--json", code=130)
    said = json.loads(stopped.stdout)
    assert (said["pictures"], said["outcome"]) == (7, "stopped")  # each prompt asks twice
    monkeypatch.setattr(calibrate, "find_spec", lambda name: None)
    assert "run rpg in a checkout" in rpg(*words, code=2).stderr


def test_toybox_is_judged_by_its_own_critic(tmp_path: Path) -> None:
    folder = tmp_path / "toybox"
    folder.mkdir()
    for part in weights_path().iterdir():
        (folder / part.name).symlink_to(part)
    own = json.loads((folder / "rpg.json").read_text()) | {"num_inference_steps": 3}
    (folder / "rpg.json").unlink()
    (folder / "rpg.json").write_text(json.dumps(own))
    words = ("--model", folder, "--arm", "composer=attention,base_ratio=0.3", "--pictures", 4)
    said = told("calibrate", *words)
    assert [one["prompts"] for one in said["arms"]] == [2, 2] and said["new"] == 4
    assert all(0 <= one["score"] <= 1 for one in said["arms"]) and said["winner"] is None
