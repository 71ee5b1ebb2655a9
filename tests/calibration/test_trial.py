"""A calibration with made-up pictures: fair at every stop, and it goes on where it was."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

from rpg.calibration.arms import Arm
from rpg.calibration.journal import Journal
from rpg.calibration.prompts import prompt_set
from rpg.calibration.trial import Budget, CriticJudge, Trial
from rpg.critique import Check, Critique, Finding
from rpg.errors import ChatError
from rpg.plans.plan import Plan

ARMS = (Arm(name="as it is"), Arm.of(base_ratio=0.1), Arm.of(base_ratio=0.2))
PROMPTS = prompt_set("everyday", 24)
GOOD = {None: 60, 0.1: 120, 0.2: 200}  # how bright each arm draws


@dataclass
class Studio:
    """Draws pictures that are as bright as their arm is good, a little different by prompt."""

    drawn: list[tuple[float | None, int]] = field(default_factory=list)

    def __call__(self, arm: Arm, plans: Sequence[Plan], seed: int) -> list[Image.Image]:
        ratio = arm.settings.get("base_ratio")
        self.drawn += [(ratio, seed + at) for at in range(len(plans))]
        lights = (GOOD[ratio] + (seed + at) % 7 for at in range(len(plans)))
        return [Image.new("L", (8, 8), light) for light in lights]


def light(image: Image.Image) -> float:
    found = image.getpixel((0, 0))
    assert isinstance(found, int)
    return found


class Brightness:
    """The brighter, the better."""

    def review(
        self, image: Image.Image, plan: Plan, *, checks: Sequence[Check] | None = None
    ) -> Critique:
        check = Check(id="light", kind="presence", says="it is bright")
        return Critique.of([Finding(check=check, score=light(image) / 255)])


@dataclass
class Preference:
    """Whoever compares prefers the brighter one."""

    compares: bool = True
    pairs: int = 0

    def score(self, image: Image.Image, own: Image.Image | None, plan: Plan) -> float:
        assert own is not None
        self.pairs += 1
        return float(light(image) > light(own))


def trial(path: Path, studio: Studio, **words: Any) -> Trial:
    judge = words.pop("judge", None) or CriticJudge(Brightness())
    return Trial(
        ARMS, prompt_set("everyday", 24), studio, judge, Journal(path / "j.jsonl"), **words
    )


def test_it_ends_once_one_arm_is_left_and_that_wins(tmp_path: Path) -> None:
    studio = Studio()
    one = trial(tmp_path, studio, seed=5)
    passes = list(one.run())
    assert one.race.winner == "base_ratio=0.2" and one.reason == "all other arms are surely worse"
    assert len(studio.drawn) == one.pictures == len(passes) < 3 * 24
    first = [one for one in studio.drawn if one[1] == 5]
    assert first == [(None, 5), (0.1, 5), (0.2, 5)] == studio.drawn[:3]  # paired, and in turn


def test_a_stopped_one_goes_on_and_comes_to_the_same_end(tmp_path: Path) -> None:
    whole = trial(tmp_path / "whole", Studio())
    list(whole.run())
    studio, passes = Studio(), trial(tmp_path, Studio()).run()
    for _ in range(7):
        next(passes)
    passes.close()
    again = trial(tmp_path, studio)
    assert sum(one.new for one in again.run()) == len(studio.drawn) == whole.pictures - 7
    strip = [(one.arm, one.score, one.prompts) for one in again.race.standings()]
    assert strip == [(one.arm, one.score, one.prompts) for one in whole.race.standings()]
    assert trial(tmp_path, studio).known_seconds() is not None


@pytest.mark.parametrize("words", [{"seed": 1}, {"about": "another model"}, {"batch_size": 2}])
def test_another_seed_model_or_batch_is_drawn_anew(tmp_path: Path, words: dict[str, Any]) -> None:
    budget = Budget(pictures=6)
    list(trial(tmp_path, Studio(), budget=budget).run())
    studio = Studio()
    other = trial(tmp_path, studio, budget=budget, **words)
    assert other.known_seconds() is None
    list(other.run())
    assert len(studio.drawn) == 6


@pytest.mark.parametrize(("pictures", "prompts"), [(7, 2), (9, 3), (2, 0)])
def test_a_budget_is_not_exceeded_and_only_whole_prompts_count(
    tmp_path: Path, pictures: int, prompts: int
) -> None:
    studio = Studio()
    one = trial(tmp_path, studio, budget=Budget(pictures=pictures))
    assert {some.pictures + some.left for some in one.run()} == {pictures}
    assert one.spent and len(studio.drawn) == pictures
    assert [row.prompts for row in one.race.standings()] == [prompts] * (3 if prompts else 0)


def test_no_seconds_are_no_pictures(tmp_path: Path) -> None:
    studio = Studio()
    one = trial(tmp_path, studio, budget=Budget(seconds=0.0))
    assert not [*one.run(), *studio.drawn] and one.spent


def test_batches_draw_the_same_seeds(tmp_path: Path) -> None:
    single, several = Studio(), Studio()
    list(trial(tmp_path, single).run())
    one = trial(tmp_path, several, batch_size=5)
    counts = [(one.pictures, one.left, one.new) for one in one.run()]
    assert counts[0] == (5, 67, 5) and counts[2] == (15, 57, 5)
    assert set(several.drawn) >= set(single.drawn) and one.race.winner == "base_ratio=0.2"


def test_who_compares_sees_the_models_own_picture_drawn_once(tmp_path: Path) -> None:
    studio, judge = Studio(), Preference()
    one = trial(tmp_path, studio, judge=judge, budget=Budget(pictures=9))
    list(one.run())
    assert judge.pairs == 6 and len(studio.drawn) == len(set(studio.drawn)) == 9
    scores = {row.arm: row.score for row in one.race.standings()}
    assert scores == {"as it is": 0.5, "base_ratio=0.1": 1.0, "base_ratio=0.2": 1.0}
    again = Studio()
    list(trial(tmp_path, again, judge=judge, budget=Budget(pictures=10)).run())
    assert again.drawn == [(None, 3)]


def test_of_a_batch_that_was_stopped_only_the_rest_is_judged(tmp_path: Path) -> None:
    judged, review = list[Plan](), Brightness.review

    class Stopping(Brightness):
        def review(
            self, image: Image.Image, plan: Plan, *, checks: Sequence[Check] | None = None
        ) -> Critique:
            if len(judged) == 3:
                raise ChatError("no answer")
            judged.append(plan)
            return review(self, image, plan)

    words = {"batch_size": 4, "budget": Budget(pictures=4)}
    with pytest.raises(ChatError):
        list(trial(tmp_path, Studio(), judge=CriticJudge(Stopping()), **words).run())
    judged.pop()  # so that there is room for one more
    list(trial(tmp_path, Studio(), judge=CriticJudge(Stopping()), **words).run())
    assert [one.prompt for one in judged] == [
        one.plan.prompt for one in (PROMPTS[0], PROMPTS[1], PROMPTS[3])
    ]
