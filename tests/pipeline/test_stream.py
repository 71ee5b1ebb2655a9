"""The stream: order, previews, cancelling, threads."""

from __future__ import annotations

import threading
import time
from typing import Any

import pytest
import torch
from PIL import Image

from rpg.errors import PlanError
from rpg.events import Event, Failed, Planned, Rendered, Step
from rpg.generation.sampling import sampler
from rpg.pipeline import RPGPipeline
from rpg.plans.plan import Plan
from rpg.settings import Scheduler
from tests.pipeline.helpers import PROMPT, QUICK, STEPS, HalvesPlanner, called, columns, same


def kinds(events: list[Event]) -> list[str]:
    return [type(event).__name__ for event in events]


def test_events_come_in_order(rpg: RPGPipeline) -> None:
    events = list(rpg.stream([PROMPT, "a cat and a dog"], seed=1, **QUICK))
    steps = ["Step"] * STEPS
    assert kinds(events) == ["Planned", "Planned", *steps, "Rendered", *steps, "Rendered"]
    counted = [(e.prompt_index, e.i, e.n) for e in events if isinstance(e, Step)]
    assert counted == [(p, i + 1, STEPS) for p in (0, 1) for i in range(STEPS)]
    rendered = [event for event in events if isinstance(event, Rendered)]
    direct = called(rpg, [PROMPT, "a cat and a dog"], seed=1)
    assert all(same(e.images[0], image) for e, image in zip(rendered, direct.images, strict=True))
    assert [event.plan for event in events if isinstance(event, Planned)] == direct.plans


@pytest.mark.parametrize("scheduler", ["euler-a", "ddpm"])
def test_previews_show_what_a_sampler_with_noise_of_its_own_believes_in(
    rpg: RPGPipeline, scheduler: Scheduler, monkeypatch: pytest.MonkeyPatch
) -> None:
    with sampler(rpg.pipe, scheduler):
        kind = type(rpg.pipe.scheduler)
    step, believed = kind.step, []

    def noted(*args: Any, **words: Any) -> Any:
        believed.append(step(*args, **words))
        return believed[-1]

    monkeypatch.setattr(kind, "step", noted)
    words = {**QUICK, "num_inference_steps": 6, "scheduler": scheduler}
    events = list(rpg.stream(PROMPT, seed=1, preview_every=0.0, **words))
    previews = [event.preview for event in events if isinstance(event, Step)]
    vae = rpg.pipe.vae
    for preview, (_, clean) in list(zip(previews, believed, strict=True))[1:]:
        with torch.no_grad():
            decoded = vae.decode(clean / vae.config.scaling_factor).sample[0]
        shown = decoded.add(1).mul(127.5).clamp(0, 255).byte().permute(1, 2, 0).numpy()
        assert preview is not None and same(preview, Image.fromarray(shown), tolerance=1)
    assert "step" not in vars(rpg.pipe.scheduler)


@pytest.mark.parametrize("scheduler", ["euler", "euler-a", "ddim", "dpm++2m", "heun"])
def test_the_last_preview_looks_like_the_picture(rpg: RPGPipeline, scheduler: str) -> None:
    words = {**QUICK, "num_inference_steps": 6, "scheduler": scheduler}
    events = list(rpg.stream(PROMPT, seed=1, preview_every=0.0, **words))
    previews = [event.preview for event in events if isinstance(event, Step)]
    assert previews[0] is None
    assert all(preview is not None and preview.size == (32, 32) for preview in previews[1:])
    final = next(event.images[0] for event in events if isinstance(event, Rendered))
    assert previews[-1] is not None
    assert same(previews[-1], final, tolerance=3)


def test_previews_are_throttled(rpg: RPGPipeline) -> None:
    for every in (1e6, -1.0):
        events = list(
            rpg.stream(PROMPT, preview_every=every, **{**QUICK, "num_inference_steps": 8})
        )
        previews = [
            event for event in events if isinstance(event, Step) and event.preview is not None
        ]
        assert len(previews) == (1 if every > 0 else 0)


def test_a_failure_is_the_last_event(pipe: Any) -> None:
    class Broken:
        def plan(
            self, prompt: str, *, previous: Plan | None = None, instruction: str | None = None
        ) -> Plan:
            raise PlanError("no plan today")

    events = list(RPGPipeline.from_pipe(pipe, planner=Broken()).stream(PROMPT, **QUICK))
    assert kinds(events) == ["Failed"]
    assert isinstance(events[0], Failed)
    assert str(events[0].error) == "no plan today"


def test_closing_the_stream_cancels_within_a_step_and_the_next_call_works(rpg: RPGPipeline) -> None:
    reference = called(rpg, PROMPT, seed=1).images[0]
    done = []

    def count(pipe: Any, i: int, t: Any, values: dict[str, Any]) -> dict[str, Any]:
        done.append(i)
        time.sleep(0.02)
        return values

    words = {**QUICK, "num_inference_steps": 500}
    stream = rpg.stream(PROMPT, callback_on_step_end=count, **words)
    for event in stream:
        if isinstance(event, Step) and event.i == 2:
            break
    stream.close()
    after = len(done)
    assert 2 <= after < 100
    assert "rpg" not in {thread.name for thread in threading.enumerate()}
    assert same(called(rpg, PROMPT, seed=1).images[0], reference)
    assert len(done) == after


def test_closing_while_a_planner_waits_returns_at_once(pipe: Any) -> None:
    release = threading.Event()

    class Slow:
        def plan(
            self, prompt: str, *, previous: Plan | None = None, instruction: str | None = None
        ) -> Plan:
            release.wait(20)
            return columns(prompt, ["a"])

    rpg = RPGPipeline.from_pipe(pipe, planner=Slow())
    stream = rpg.stream(["a", "b"], **QUICK)
    consumer = threading.Thread(target=lambda: next(stream, None), daemon=True)
    consumer.start()
    quick = RPGPipeline.from_pipe(pipe, planner=HalvesPlanner())
    assert len(called(quick, PROMPT).images) == 1  # planning holds no lock
    release.set()
    consumer.join(20)
    stream.close()
    assert len(called(quick, PROMPT).images) == 1


def test_a_stream_waiting_for_the_model_can_be_cancelled(rpg: RPGPipeline) -> None:
    first = rpg.stream(PROMPT, **{**QUICK, "num_inference_steps": 900})
    next(event for event in first if isinstance(event, Step))
    second = rpg.stream(PROMPT, **QUICK)
    assert isinstance(next(second), Planned)
    second.close()
    assert isinstance(next(first), Step)
    first.close()
    assert len(called(rpg, PROMPT).images) == 1


def test_calls_from_two_threads_do_not_mix(pipe: Any) -> None:
    rpgs = [RPGPipeline.from_pipe(pipe, planner=HalvesPlanner()) for _ in range(2)]
    alone = [called(rpg, PROMPT, seed=i).images[0] for i, rpg in enumerate(rpgs)]
    together: dict[int, Image.Image] = {}

    def draw(i: int) -> None:
        together[i] = called(rpgs[i], PROMPT, seed=i).images[0]

    threads = [threading.Thread(target=draw, args=(i,)) for i in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert all(same(together[i], alone[i]) for i in range(2))


def test_a_stream_draws_no_bar_and_a_call_draws_the_pipelines(
    rpg: RPGPipeline, capfd: pytest.CaptureFixture[str]
) -> None:
    rpg.pipe.set_progress_bar_config(desc="mine")
    try:
        list(rpg.stream(PROMPT, **QUICK))
        assert capfd.readouterr().err == ""
        called(rpg, PROMPT)
        assert "mine" in capfd.readouterr().err
    finally:
        rpg.pipe.set_progress_bar_config(disable=True)
    called(rpg, PROMPT, image=Image.new("RGB", (32, 32)), strength=0.9)
    assert "it/s" not in capfd.readouterr().err
