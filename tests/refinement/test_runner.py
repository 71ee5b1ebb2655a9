"""The loop at work, on a tiny model: bounds, keeping, rolling back, cancelling."""

from __future__ import annotations

import random
import threading
import time
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import pytest
from PIL import Image

from rpg.critique import Check, Critique, Finding
from rpg.errors import ChatError, SettingsError
from rpg.events import Critiqued, Edited, Event, Failed, Notice, Refined, Rendered, Step
from rpg.pipeline import RPGPipeline
from rpg.plans import edits as e
from rpg.plans.geometry import Box
from rpg.plans.plan import Plan
from tests.pipeline.helpers import PROMPT, QUICK, HalvesPlanner, columns, same
from tests.tiny import tiny_sdxl

Judge = Callable[[Image.Image, int], Sequence[float]]


class Scores:
    """Scores the checks by a function of the picture and of how often it was asked."""

    def __init__(self, judge: Judge, edits: tuple[e.AnyEdit, ...] = ()) -> None:
        self.judge, self.edits, self.asked = judge, edits, 0

    def review(
        self, image: Image.Image, plan: Plan, *, checks: Sequence[Check] | None = None
    ) -> Critique:
        scores = self.judge(image, self.asked)
        self.asked += 1
        regions = ["r0", "r1"]
        return Critique.of(
            [
                Finding(
                    check=Check(id=name, kind="presence", regions=(name,), says=f"{name} is there"),
                    score=score,
                )
                for name, score in zip(regions, scores, strict=False)
            ],
            self.edits,
        )


@pytest.fixture(scope="module")
def rpg() -> RPGPipeline:
    return RPGPipeline.from_pipe(tiny_sdxl(), planner=HalvesPlanner())


def refined(rpg: RPGPipeline, critic: Scores, **words: Any) -> tuple[list[Event], Refined]:
    asked = {**QUICK, "seed": 1, "preview_every": -1.0, **words}
    events = list(rpg.refine_stream(PROMPT, critic=critic, **asked))
    assert isinstance(events[-1], Refined), events[-1]
    return events, events[-1]


def of(events: list[Event], kind: type[Any]) -> list[Any]:
    return [event for event in events if isinstance(event, kind)]


def test_a_picture_that_is_right_is_left_alone(rpg: RPGPipeline) -> None:
    events, done = refined(rpg, Scores(lambda image, n: [1, 1]))
    assert (done.rounds, done.reason) == (0, "everything is as planned")
    assert not of(events, Edited) and len(of(events, Rendered)) == 1


def test_an_output_holds_what_the_events_tell(rpg: RPGPipeline) -> None:
    events, done = refined(rpg, Scores(lambda image, n: [1, n / 9]), rounds=2)
    words: dict[str, Any] = {"seed": 1, "rounds": 2, **QUICK}
    out = rpg.refine(PROMPT, critic=Scores(lambda image, n: [1, n / 9]), **words)
    assert same(out.images[0], done.image) and len(out.images) == 1
    assert (out.plans, out.records) == ([done.plan], [done.record])
    assert (out.rounds, out.reason, out.critique) == (2, "no rounds are left", done.critique)
    assert out.critiqued == of(events, Critiqued)
    assert [each.why for each in out.edited] == [each.why for each in of(events, Edited)]
    assert out.notices == []
    critic = Scores(lambda image, n: [1, n / 9])
    images, plans = rpg.refine(PROMPT, critic=critic, return_dict=False, **words)
    assert same(images[0], done.image) and plans == [done.plan]


def test_a_plain_call_raises_what_the_events_end_with(rpg: RPGPipeline) -> None:
    def dead(image: Image.Image, n: int) -> list[float]:
        raise ChatError("nobody home")

    with pytest.raises(ChatError, match="nobody home"):
        rpg.refine(PROMPT, critic=Scores(dead), **QUICK)
    with pytest.raises(SettingsError, match="rounds"):
        rpg.refine(PROMPT, critic=Scores(dead), rounds=-1)
    with pytest.raises(TypeError, match="no argument 'round'"):
        rpg.refine(PROMPT, critic=Scores(dead), round=1)  # type: ignore[call-overload]


def test_a_call_that_names_no_critic_is_judged_by_the_pipelines_own(rpg: RPGPipeline) -> None:
    own, named = Scores(lambda image, n: [1, 1]), Scores(lambda image, n: [1, 1])
    mine = RPGPipeline.from_pipe(rpg)
    mine.critic = own
    assert isinstance(list(mine.refine_stream(PROMPT, seed=1, **QUICK))[-1], Refined)
    assert (own.asked, named.asked) == (1, 0)
    refined(mine, named)
    assert (own.asked, named.asked) == (1, 1)


def test_only_what_fails_is_drawn_again_and_the_rest_keeps_its_bytes(rpg: RPGPipeline) -> None:
    events, done = refined(rpg, Scores(lambda image, n: [1, 0] if n == 0 else [1, 1]))
    first, second = (event.images[0] for event in of(events, Rendered))
    assert done.rounds == 1 and same(done.image, second)
    (edited,) = of(events, Edited)
    left = np.asarray(first)[:, :15], np.asarray(second)[:, :15]
    assert (left[0] == left[1]).all() and not same(first, second)
    assert edited.round == 1 and "r1 is there: another seed" in edited.why
    assert done.record.task == "inpaint"


def test_what_is_not_better_is_rolled_back(rpg: RPGPipeline) -> None:
    events, done = refined(rpg, Scores(lambda image, n: [0.9, 0.4] if n == 0 else [0.2, 0.1]))
    assert same(done.image, of(events, Rendered)[0].images[0])
    assert [event.kept for event in of(events, Critiqued)] == [True, False, False, False, False]
    assert [event.best for event in of(events, Critiqued)] == [0.65] * 5
    assert done.reason == "no rounds are left"


def test_a_critic_wrong_half_the_time_never_makes_its_own_best_worse(rpg: RPGPipeline) -> None:
    for seed in range(3):
        rng = random.Random(seed)

        def judge(image: Image.Image, n: int, rng: random.Random = rng) -> list[float]:
            truth = float(np.asarray(image).mean() > 128)
            return [truth if rng.random() < 0.5 else rng.random() for _ in range(2)]

        events, done = refined(rpg, Scores(judge), rounds=5, seed=seed)
        best = [event.best for event in of(events, Critiqued)]
        assert best == sorted(best) and done.critique.score == best[-1]
        assert done.rounds <= 5


def test_the_ladder_is_climbed(rpg: RPGPipeline) -> None:
    words = {"composer": "latent+attention", "base_ratio": 0.3, "window": 0}
    events, _ = refined(rpg, Scores(lambda image, n: [1, 0]), rounds=7, **words)
    rungs = [  # what is told of each, and whether it draws within a mask
        ("another seed", True),
        ("a squarer place", True),
        ("another seed", True),
        ("a larger mask", True),
        ("everything anew", False),
        ("another plan", False),
        ("another seed", True),
    ]
    told = [event.why.rsplit(": ", 1)[1] for event in of(events, Edited)]
    masks = [event.mask for event in of(events, Edited)]
    assert list(zip(told, [mask is not None for mask in masks], strict=True)) == rungs
    assert np.asarray(masks[3]).sum() > np.asarray(masks[0]).sum()
    settings = [event.records[0].settings for event in of(events, Rendered)]
    alone = [one.composer == "latent" and one.base_ratio == 0.0 for one in settings]
    assert alone == [False] + [mask is not None for mask in masks]
    assert len({one.seed for one in settings}) == 8


def test_a_model_that_needs_surroundings_keeps_its_composer_in_place(rpg: RPGPipeline) -> None:
    words = {"composer": "attention", "base_ratio": 0.3, "window": 64}
    events, _ = refined(rpg, Scores(lambda image, n: [1, 0]), rounds=1, **words)
    (edited,) = of(events, Edited)
    assert edited.mask is not None
    settings = [event.records[0].settings for event in of(events, Rendered)]
    assert [(one.composer, one.base_ratio) for one in settings] == [("attention", 0.3)] * 2


def test_a_squarer_place_is_kept_with_the_picture_that_needed_it(rpg: RPGPipeline) -> None:
    scores = [0.0, 0.0, 1.0]  # of r1, half the picture wide: right in its second round
    events, done = refined(rpg, Scores(lambda image, n: [1, scores[n]]))
    edited = of(events, Edited)[-1]
    assert edited.edits == (e.MoveRegion(id="r1", box=Box(0.5, 0.25, 1, 0.75)),)
    assert done.plan == edited.plan == e.apply(columns(PROMPT, PROMPT.split(" and ")), edited.edits)
    grey = np.asarray(edited.mask)
    assert grey[2, 24] == 255  # the old box: what stood there goes
    assert done.record.plan == done.plan


def test_a_critics_proposal_is_followed_once(rpg: RPGPipeline) -> None:
    edits = (e.ModifyRegion(id="r1", prompt="a full moon"),)
    events, done = refined(rpg, Scores(lambda image, n: [1, min(n, 1) * 0.4], edits), rounds=2)
    first, second = of(events, Edited)
    assert first.edits == edits and second.edits == ()
    assert done.plan.regions[1].prompt == "a full moon"
    bad = (e.RemoveRegion(id="nobody"),)
    _, done = refined(rpg, Scores(lambda image, n: [1, 0], bad), rounds=1)
    assert done.plan == columns(PROMPT, PROMPT.split(" and "))


def test_rounds_calls_and_seconds_are_bounds(rpg: RPGPipeline) -> None:
    wrong = Scores(lambda image, n: [0, 1])
    _, done = refined(rpg, wrong, rounds=0)
    assert (done.rounds, wrong.asked) == (0, 1)
    wrong = Scores(lambda image, n: [0, 1])
    _, done = refined(rpg, wrong, rounds=9, calls=3)
    assert (wrong.asked, done.reason) == (3, "no calls are left")

    def slow(image: Image.Image, n: int) -> list[float]:
        time.sleep(0.3)
        return [0, 1]

    events, done = refined(rpg, Scores(slow), rounds=9, seconds=0.2)
    assert (done.rounds, done.reason) == (0, "the time is up")
    events, done = refined(
        rpg, Scores(lambda image, n: [0, 1]), rounds=100, seconds=1.5, num_inference_steps=40
    )
    assert done.reason == "the time is up" and done.rounds < 50
    with pytest.raises(SettingsError, match="rounds"):
        rpg.refine_stream(PROMPT, critic=wrong, rounds=-1)


def test_the_best_candidate_of_a_round_goes_on(rpg: RPGPipeline) -> None:
    order = [0.1, 0.4, 0.2]
    critic = Scores(lambda image, n: [1, order[n % 3] if n < 3 else 0.1])
    events, done = refined(rpg, critic, candidates=3, rounds=1)
    drawn = of(events, Rendered)
    assert [len(event.images) for event in drawn] == [3, 3]
    assert same(done.image, drawn[0].images[1]) and done.record.settings.seed == 2


def test_looking_ahead_finishes_only_the_best_seed(rpg: RPGPipeline) -> None:
    order = [0.1, 0.2, 0.4]
    critic = Scores(lambda image, n: [1, order[n]] if n < 3 else [1, 1])
    words = {"num_inference_steps": 6}
    events, done = refined(rpg, critic, candidates=3, look_ahead=2, **words)
    (drawn,) = of(events, Rendered)
    assert len(drawn.images) == 1 and done.record.settings.seed == 3
    assert done.record.needs == ()
    alone = rpg(PROMPT, seed=3, **{**QUICK, **words})
    assert same(done.image, alone[0][0])


def test_looking_ahead_makes_do_with_the_calls_there_are(rpg: RPGPipeline) -> None:
    for calls, looked_at in [(1, 0), (2, 0), (3, 2), (4, 3), (5, 3)]:
        critic = Scores(lambda image, n: [1, n / 9])
        words = {"candidates": 3, "look_ahead": 2, "calls": calls}
        events, done = refined(rpg, critic, rounds=0, **words)
        (drawn,) = of(events, Rendered)
        assert len(drawn.images) == 1 and critic.asked == looked_at + 1
        assert done.record.settings.seed == max(looked_at, 1)  # later ones score higher
        _, done = refined(rpg, Scores(lambda image, n: [1, 0]), **words)
        assert done.reason == "no calls are left"


def test_where_there_is_nothing_to_look_ahead_at_all_candidates_are_finished(
    rpg: RPGPipeline,
) -> None:
    critic = Scores(lambda image, n: [1, n])
    words = {"candidates": 2, "look_ahead": 1, "num_inference_steps": 1}
    events, done = refined(rpg, critic, **words)
    (drawn,) = of(events, Rendered)
    assert len(drawn.images) == 2 and same(done.image, drawn.images[1])


def test_the_same_seed_gives_the_same_bytes(rpg: RPGPipeline) -> None:
    once, again = (refined(rpg, Scores(lambda image, n: [1, n / 9]))[1] for _ in range(2))
    assert same(once.image, again.image) and once.record == again.record


def test_a_picture_can_be_begun_with(rpg: RPGPipeline) -> None:
    made = rpg(PROMPT, seed=4, **QUICK)
    image, record = made[0][0], made.records[0]
    critic = Scores(lambda image, n: [0, 1] if n == 0 else [1, 1])
    events = list(rpg.refine_stream(critic=critic, begin_with=(image, record)))
    assert len(of(events, Rendered)) == 1 and isinstance(events[-1], Refined)
    assert (np.asarray(events[-1].image)[:, 17:] == np.asarray(image)[:, 17:]).all()


def test_closing_cancels_within_a_step(rpg: RPGPipeline) -> None:
    words = {**QUICK, "num_inference_steps": 300}
    stream = rpg.refine_stream(PROMPT, critic=Scores(lambda image, n: [0, 1]), seed=1, **words)
    next(event for event in stream if isinstance(event, Step) and event.i == 2)
    stream.close()
    assert "rpg" not in {thread.name for thread in threading.enumerate()}
    short = rpg.refine_stream(PROMPT, critic=Scores(lambda image, n: [0, 1]), seed=1, **QUICK)
    next(event for event in short if isinstance(event, Edited))
    short.close()
    assert "rpg" not in {thread.name for thread in threading.enumerate()}
    assert len(rpg(PROMPT, **QUICK)[0]) == 1


def test_a_critic_without_an_answer_ends_the_loop_with_the_best(rpg: RPGPipeline) -> None:
    def silent(image: Image.Image, n: int) -> list[float]:
        if n == 1:
            raise ChatError("nobody home")
        return [0, 1]

    events, done = refined(rpg, Scores(silent))
    assert done.reason == "a model gave no answer" and done.rounds == 1
    assert [event.text for event in of(events, Notice)] == ["the loop stops: nobody home"]

    def dead(image: Image.Image, n: int) -> list[float]:
        raise ChatError("nobody home")

    events = list(rpg.refine_stream(PROMPT, critic=Scores(dead), **QUICK))
    assert isinstance(events[-1], Failed) and len(of(events, Rendered)) == 1


def test_a_round_that_cannot_be_drawn_ends_the_loop_with_the_best(
    rpg: RPGPipeline, monkeypatch: pytest.MonkeyPatch
) -> None:
    decode, critic = rpg.pipe.vae.decode, Scores(lambda image, n: [0.3 * n, 1])

    def full(latents: Any, **words: Any) -> Any:
        if critic.asked == 2:
            raise RuntimeError("out of memory")
        return decode(latents, **words)

    monkeypatch.setattr(rpg.pipe.vae, "decode", full)
    events, done = refined(rpg, critic)
    assert (done.rounds, done.reason) == (2, "a round could not be drawn")
    first, second = of(events, Rendered)
    assert same(done.image, second.images[0]) and not same(done.image, first.images[0])
    (notice,) = of(events, Notice)
    assert notice.text.startswith("the loop stops: out of memory: ask for a smaller size")

    events = list(rpg.refine_stream(PROMPT, critic=critic, **QUICK))
    assert isinstance(events[-1], Failed) and not of(events, Rendered)


def test_words_that_cannot_be_are_refused_at_once(rpg: RPGPipeline) -> None:
    critic = Scores(lambda image, n: [1, 1])
    with pytest.raises(SettingsError, match="say which critic"):
        rpg.refine_stream(PROMPT)
    with pytest.raises(SettingsError, match="no pictures"):
        rpg.refine_stream(PROMPT, critic=critic, image=Image.new("RGB", (8, 8)))
