"""RPGPipeline: what goes in, what comes out, and what stays usable when something goes wrong."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image

from rpg import metadata
from rpg.defaults import ModelDefaults
from rpg.errors import GenerationError, LayoutError, PlanError, PromptError, SettingsError
from rpg.events import Event, Failed, Notice, Planned, Rendered, Step
from rpg.geometry import grid
from rpg.pipeline import RPGOutput, RPGPipeline
from rpg.plan import Plan, Region
from rpg.settings import GenerationSettings
from tests.tiny import tiny_controlnet, tiny_sd15, tiny_sdxl

STEPS = 3
QUICK: dict[str, Any] = {"num_inference_steps": STEPS, "width": 32, "height": 32}
PROMPT = "a red star and a blue moon"


class HalvesPlanner:
    """A planner that gives each half of the prompt a column, and counts how often it is asked."""

    def __init__(self) -> None:
        self.asked: list[str] = []

    def plan(
        self, prompt: str, *, previous: Plan | None = None, instruction: str | None = None
    ) -> Plan:
        self.asked.append(prompt)
        return columns(prompt, prompt.split(" and "))


def columns(prompt: str, subprompts: list[str]) -> Plan:
    boxes = grid(1, len(subprompts))
    regions = [
        Region(id=f"r{i}", prompt=words, box=box)
        for i, (words, box) in enumerate(zip(subprompts, boxes, strict=True))
    ]
    return Plan(prompt=prompt, regions=tuple(regions), source="test")


@pytest.fixture(scope="module")
def pipe() -> Any:
    return tiny_sdxl()


@pytest.fixture
def rpg(pipe: Any) -> RPGPipeline:
    return RPGPipeline.from_pipe(pipe, planner=HalvesPlanner())


def pixels(image: Image.Image) -> np.ndarray:
    return np.asarray(image).astype(int)


def same(one: Image.Image, other: Image.Image, tolerance: int = 0) -> bool:
    return one.size == other.size and int(np.abs(pixels(one) - pixels(other)).max()) <= tolerance


def called(rpg: RPGPipeline, *args: Any, **words: Any) -> RPGOutput:
    output = rpg(*args, **{**QUICK, **words})
    assert isinstance(output, RPGOutput)
    return output


# What comes out


def test_a_prompt_becomes_a_plan_becomes_a_picture(rpg: RPGPipeline) -> None:
    output = called(rpg, PROMPT, seed=1)
    assert [image.size for image in output.images] == [(32, 32)]
    assert [[region.prompt for region in plan.layers()] for plan in output.plans] == [
        ["a red star", "a blue moon"]
    ]
    assert output.records[0].plan == output.plans[0]
    assert output.notices == []


def test_the_same_seed_makes_the_same_picture_and_another_does_not(rpg: RPGPipeline) -> None:
    first, again, other = (called(rpg, PROMPT, seed=seed).images[0] for seed in (1, 1, 2))
    assert same(first, again)
    assert not same(first, other)


def test_the_global_random_state_is_not_touched(rpg: RPGPipeline) -> None:
    before = torch.get_rng_state()
    called(rpg, PROMPT)
    assert torch.equal(before, torch.get_rng_state())


def test_a_seed_is_drawn_and_reported_when_none_is_given(rpg: RPGPipeline) -> None:
    drawn = [called(rpg, PROMPT, seed=seed) for seed in (None, -1)]
    seeds = [output.records[0].settings.seed for output in drawn]
    assert None not in seeds
    assert seeds[0] != seeds[1]
    assert same(called(rpg, PROMPT, seed=seeds[0]).images[0], drawn[0].images[0])


@pytest.mark.parametrize("scheduler", ["euler", "euler-a", "ddim", "dpm++2m-karras"])
def test_every_image_of_a_batch_alone_reproduces_itself(rpg: RPGPipeline, scheduler: str) -> None:
    batch = called(
        rpg, [PROMPT, "a cat and a dog"], seed=5, num_images_per_prompt=2, scheduler=scheduler
    )
    assert [record.settings.seed for record in batch.records] == [5, 6, 7, 8]
    for image, record in zip(batch.images, batch.records, strict=True):
        alone = rpg(plan=record.plan, settings=record.settings)
        assert isinstance(alone, RPGOutput)
        assert same(alone.images[0], image, tolerance=2)
        assert alone.records[0] == record


def test_seeds_wrap_round_at_the_largest(rpg: RPGPipeline) -> None:
    output = called(rpg, PROMPT, seed=2**63 - 1, num_images_per_prompt=2)
    assert [record.settings.seed for record in output.records] == [2**63 - 1, 0]


def test_a_record_is_complete_and_survives_the_file(rpg: RPGPipeline, tmp_path: Path) -> None:
    output = called(
        rpg, PROMPT, seed=3, negative_prompt="grey", scheduler="ddim", guidance_scale=3.0
    )
    path = metadata.save(output.images[0], tmp_path / "x.png", output.records[0])
    read = metadata.read(path)
    again = rpg(plan=read.plan, settings=read.settings)
    assert isinstance(again, RPGOutput)
    with Image.open(path) as saved:
        assert same(again.images[0], saved)
    open_ended = {"guidance_rescale", "clip_skip", "strength"}
    assert all(v is not None for k, v in dict(read.settings).items() if k not in open_ended)


def test_return_dict_false_is_the_plain_tuple(rpg: RPGPipeline) -> None:
    output = called(rpg, PROMPT, seed=1)
    plain = rpg(PROMPT, seed=1, return_dict=False, **QUICK)
    assert type(plain) is tuple
    assert same(plain[0][0], output[0][0])
    assert plain[1] == output.plans


@pytest.mark.parametrize("kind", ["np", "pt", "latent"])
def test_output_types_are_those_of_diffusers(rpg: RPGPipeline, kind: str) -> None:
    one = called(rpg, PROMPT, seed=1, output_type=kind).images
    both = called(
        rpg, [PROMPT, "a cat and a dog"], seed=1, output_type=kind, num_images_per_prompt=2
    ).images
    shapes = {"np": (1, 32, 32, 3), "pt": (1, 3, 32, 32), "latent": (1, 4, 8, 8)}
    assert tuple(one.shape) == shapes[kind]
    assert tuple(both.shape) == (4, *shapes[kind][1:])
    assert isinstance(one, np.ndarray if kind == "np" else torch.Tensor)


# What goes in


def test_each_prompt_of_a_list_is_planned_on_its_own(rpg: RPGPipeline) -> None:
    prompts = [PROMPT, "a cat and a dog and a cow"]
    output = called(rpg, prompts, seed=1)
    assert rpg.planner.asked == prompts  # type: ignore[attr-defined]
    assert [len(plan.regions) for plan in output.plans] == [2, 3]
    assert same(called(rpg, prompts[1], seed=2).images[0], output.images[1])


def test_a_plan_given_is_drawn_and_nothing_is_planned(rpg: RPGPipeline) -> None:
    plan = columns("two", ["a green heart", "a pink square"])
    output = called(rpg, plan=plan, seed=1)
    assert output.plans == [plan]
    assert rpg.planner.asked == []  # type: ignore[attr-defined]
    assert not same(output.images[0], called(rpg, PROMPT, seed=1).images[0])


def test_a_prompt_beside_a_plan_takes_the_place_of_its_prompt(rpg: RPGPipeline) -> None:
    plan = columns("two", ["a green heart", "a pink square"])
    output = called(rpg, "hearts and squares", plan=plan, seed=1)
    assert output.plans[0].prompt == "hearts and squares"
    assert output.plans[0].regions == plan.regions


def test_base_and_negative_prompt_are_written_into_the_plan_and_act(rpg: RPGPipeline) -> None:
    plain = called(rpg, PROMPT, seed=1)
    said = called(rpg, PROMPT, seed=1, base_prompt="winter", negative_prompt="grey")
    assert (said.plans[0].base_prompt, said.plans[0].negative) == ("winter", "grey")
    assert not same(plain.images[0], said.images[0])
    assert same(said.images[0], called(rpg, plan=said.plans[0], seed=1).images[0])


def test_the_official_words_make_the_official_layout(rpg: RPGPipeline) -> None:
    output = called(
        rpg,
        "a red star BREAK a blue moon BREAK grass",
        split_ratio="1,1,1;1",
        base_prompt="a night sky over grass",
        base_ratio=0.5,
        seed=1,
    )
    plan = output.plans[0]
    assert [region.prompt for region in plan.layers()] == ["a red star", "a blue moon", "grass"]
    assert plan.layers()[2].box.width == 1.0
    assert plan.effective_base_prompt == "a night sky over grass"
    assert output.records[0].settings.base_ratio == 0.5


def test_official_words_without_a_base_prompt_join_the_parts(rpg: RPGPipeline) -> None:
    plan = called(rpg, "a star BREAK a moon", split_ratio="1,1", seed=1).plans[0]
    assert plan.prompt == "a star, a moon"


@pytest.mark.parametrize(
    ("words", "error", "says"),
    [
        ({"prompt": ""}, PromptError, "empty"),
        ({"prompt": "  \n"}, PromptError, "empty"),
        ({"prompt": None}, PromptError, "no prompt"),
        ({"prompt": []}, PromptError, "no prompt"),
        ({"prompt": 7}, PromptError, "expected str"),
        ({"prompt": ["a", 7]}, PromptError, "expected str"),
        ({"prompt": ["a", "b"], "negative_prompt": ["x"]}, PromptError, "1 for 2 prompts"),
        ({"prompt": ["a", "b"], "plan": columns("a", ["a"])}, PromptError, "1 for 2 prompts"),
        ({"prompt": "a", "plan": "b"}, PromptError, "expected Plan"),
        ({"prompt": "a", "seed": 2**64}, SettingsError, "seed"),
        ({"prompt": "a", "seed": "text"}, SettingsError, "seed"),
        ({"prompt": "a", "seed": 1, "generator": torch.Generator()}, SettingsError, "not both"),
        ({"prompt": "a", "generator": [torch.Generator()] * 2}, SettingsError, "2 generators for 1"),
        ({"prompt": "a", "width": 0}, SettingsError, "width"),
        ({"prompt": "a", "height": 16384}, SettingsError, "height"),
        ({"prompt": "a", "composer": "collage"}, SettingsError, "composer"),
        ({"prompt": "a", "prompt_embeds": torch.zeros(1)}, SettingsError, "planned from words"),
        ({"prompt": "a", "split_ratio": "1,0"}, LayoutError, "position 2"),
        ({"prompt": "a BREAK b", "split_ratio": "1,1,1"}, PlanError, "3"),
        ({"prompt": "a BREAK b", "split_ratio": "1,1", "plan": columns("a", ["a"])}, SettingsError, "split"),
        ({"prompt": "a", "mask_image": Image.new("L", (8, 8))}, SettingsError, "mask_image needs image"),
        ({"prompt": "a", "controlnet": object()}, SettingsError, "controlnet needs"),
        ({"prompt": "a", "image": Image.new("L", (8, 8)), "control_image": 1}, SettingsError, "not both"),
        ({"prompt": "a", "num_inference_step": 3}, TypeError, "did you mean 'num_inference_steps'"),
    ],
)  # fmt: skip
def test_what_cannot_be_is_refused_before_anything_runs(
    rpg: RPGPipeline, words: dict[str, Any], error: type[Exception], says: str
) -> None:
    with pytest.raises(error, match=says):
        rpg(**words)
    with pytest.raises(error, match=says):
        rpg.stream(**words)
    assert rpg.planner.asked == []  # type: ignore[attr-defined]


def test_a_plan_without_regions_is_the_plain_pipeline_with_a_notice(rpg: RPGPipeline) -> None:
    output = called(rpg, plan=Plan(prompt="a red star"), seed=4, output_type="np")
    plain = rpg.pipe(
        "a red star",
        generator=torch.Generator().manual_seed(4),
        guidance_scale=5.0,
        output_type="np",
        **QUICK,
    ).images
    assert np.abs(plain - output.images).max() < 1e-6
    assert output.notices == ["the plan has no regions: the base prompt is drawn alone"]


def test_sizes_off_the_grid_are_snapped_and_that_is_said(rpg: RPGPipeline) -> None:
    output = called(rpg, PROMPT, width=37, height=30, seed=1)
    assert output.images[0].size == (40, 32)
    assert output.records[0].settings.width == 40
    assert output.notices == ["37x30 does not go into the model's grid: drawing 40x32"]


def test_what_calls_leave_open_comes_from_the_models_defaults(pipe: Any) -> None:
    said = ModelDefaults(
        name="tiny",
        width=32,
        height=24,
        num_inference_steps=2,
        display_scale=4,
        canvas_by_regions={3: (48, 32)},
    )
    rpg = RPGPipeline(pipe, HalvesPlanner(), model_defaults=said)
    two, three = rpg("a and b", seed=1), rpg(["a and b", "a and b and c"], seed=1)
    assert isinstance(two, RPGOutput)
    assert isinstance(three, RPGOutput)
    assert two.images[0].size == (32, 24)
    assert {image.size for image in three.images} == {(48, 32)}
    assert (two.records[0].model, two.records[0].scale) == ("tiny", 4)
    assert two.records[0].settings.num_inference_steps == 2


def test_words_that_toybox_does_not_know_are_listed(pipe: Any) -> None:
    said = ModelDefaults(name="toybox", width=32, height=32, num_inference_steps=1)
    rpg = RPGPipeline(pipe, HalvesPlanner(), model_defaults=said)
    output = rpg("a red dragon and a blue circle", seed=1)
    assert isinstance(output, RPGOutput)
    assert "dragon" in output.notices[0]
    assert "circle" in output.notices[0]  # what it does know
    known = rpg("a red star and a blue circle", seed=1)
    assert isinstance(known, RPGOutput)
    assert known.notices == []


def test_one_generator_or_one_for_each_picture_are_taken(rpg: RPGPipeline) -> None:
    seeded = called(rpg, PROMPT, seed=1, num_images_per_prompt=2)
    generators = [torch.Generator().manual_seed(seed) for seed in (1, 2)]
    listed = called(rpg, PROMPT, generator=generators, num_images_per_prompt=2)
    assert all(same(a, b) for a, b in zip(seeded.images, listed.images, strict=True))
    assert listed.records == seeded.records
    single = called(rpg, PROMPT, generator=torch.Generator().manual_seed(1))
    assert same(single.images[0], seeded.images[0], tolerance=2)


def test_a_used_generator_has_no_seed_to_report(rpg: RPGPipeline) -> None:
    generator = torch.Generator().manual_seed(1)
    torch.randn(3, generator=generator)
    record = called(rpg, PROMPT, generator=generator).records[0]
    assert (record.settings.seed, record.needs) == (None, ("generator",))


def test_latents_given_are_used_and_named_as_needed(rpg: RPGPipeline) -> None:
    latents = torch.randn(1, 4, 8, 8, generator=torch.Generator().manual_seed(9))
    one, other = (called(rpg, PROMPT, seed=seed, latents=latents) for seed in (1, 2))
    assert same(one.images[0], other.images[0])
    assert one.records[0].needs == ("latents",)


def test_image_to_image_starts_from_the_image(rpg: RPGPipeline) -> None:
    image = Image.new("RGB", (40, 33), (200, 30, 30))
    output = rpg(PROMPT, image=image, strength=0.4, seed=1, num_inference_steps=5)
    assert isinstance(output, RPGOutput)
    assert output.images[0].size == (40, 32)
    record = output.records[0]
    assert (record.task, record.needs, record.settings.strength) == ("img2img", ("image",), 0.4)
    again = rpg(plan=record.plan, settings=record.settings, image=image)
    assert isinstance(again, RPGOutput)
    assert same(again.images[0], output.images[0])


def test_inpainting_leaves_what_the_mask_leaves(rpg: RPGPipeline) -> None:
    image, mask = Image.new("RGB", (32, 32), (200, 30, 30)), Image.new("L", (32, 32), 0)
    untouched = called(
        rpg, PROMPT, image=image, mask_image=mask, strength=1.0, seed=1, output_type="latent"
    )
    mask.paste(255, (16, 0, 32, 32))
    half = called(
        rpg, PROMPT, image=image, mask_image=mask, strength=1.0, seed=1, output_type="latent"
    )
    assert torch.allclose(untouched.images[..., :4], half.images[..., :4], atol=1e-5)
    assert not torch.allclose(untouched.images[..., 4:], half.images[..., 4:], atol=1e-2)
    assert half.records[0].task == "inpaint"


def test_a_controlnet_steers(rpg: RPGPipeline) -> None:
    net = tiny_controlnet(rpg.pipe)
    torch.nn.init.ones_(net.controlnet_cond_embedding.conv_out.weight)  # made to be zero at first
    black, white = Image.new("RGB", (32, 32)), Image.new("RGB", (32, 32), "white")
    outputs = [
        called(rpg, PROMPT, control_image=one, controlnet=net, seed=1) for one in (black, white)
    ]
    assert not same(outputs[0].images[0], outputs[1].images[0])
    assert outputs[0].records[0].task == "controlnet"
    assert outputs[0].records[0].needs == ("control_image", "controlnet")


def test_sd15_draws_with_its_own_defaults() -> None:
    rpg = RPGPipeline.from_pipe(tiny_sd15(), planner=HalvesPlanner())
    assert rpg.defaults.width == 512
    assert called(rpg, PROMPT, seed=1).images[0].size == (32, 32)


def test_a_scheduler_is_lent_for_the_call_only(rpg: RPGPipeline) -> None:
    own = rpg.pipe.scheduler
    seen = set()

    def look(pipe: Any, i: int, t: Any, values: dict[str, Any]) -> dict[str, Any]:
        seen.add(type(pipe.scheduler).__name__)
        return values

    output = called(rpg, PROMPT, scheduler="ddim", callback_on_step_end=look)
    assert seen == {"DDIMScheduler"}
    assert rpg.pipe.scheduler is own
    assert output.records[0].settings.scheduler == "ddim"


# Callbacks


def test_a_callback_sees_every_step_and_may_change_the_latents(rpg: RPGPipeline) -> None:
    steps = []

    def zero(pipe: Any, i: int, t: Any, values: dict[str, Any]) -> dict[str, Any]:
        steps.append((i, set(values)))
        values["latents"] = torch.zeros_like(values["latents"])
        return values

    output = called(
        rpg,
        PROMPT,
        seed=1,
        output_type="latent",
        callback_on_step_end=zero,
        callback_on_step_end_tensor_inputs=["latents", "prompt_embeds"],
    )
    assert steps == [(i, {"latents", "prompt_embeds"}) for i in range(STEPS)]
    assert not output.images.any()
    assert output.records[0].needs == ("callback_on_step_end",)


def test_an_exception_in_a_callback_comes_out_and_the_pipeline_stays_whole(
    rpg: RPGPipeline,
) -> None:
    reference = called(rpg, PROMPT, seed=1).images[0]

    def burst(*_: Any) -> dict[str, Any]:
        raise ZeroDivisionError("in the callback")

    with pytest.raises(ZeroDivisionError):
        called(rpg, PROMPT, callback_on_step_end=burst, scheduler="ddim")
    with pytest.raises(ZeroDivisionError):
        list(rpg.stream(PROMPT, callback_on_step_end=burst, **QUICK))
    assert same(called(rpg, PROMPT, seed=1).images[0], reference)


# The stream


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


@pytest.mark.parametrize("scheduler", ["euler", "ddim", "dpm++2m", "heun"])
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


# What goes wrong


def test_nan_latents_are_an_error_that_says_what_to_do(rpg: RPGPipeline) -> None:
    def poison(pipe: Any, i: int, t: Any, values: dict[str, Any]) -> dict[str, Any]:
        return {"latents": values["latents"] * float("nan")}

    with pytest.raises(GenerationError, match="float32"):
        called(rpg, PROMPT, callback_on_step_end=poison)
    events = list(rpg.stream(PROMPT, callback_on_step_end=poison, preview_every=0.0, **QUICK))
    assert isinstance(events[-1], Failed)


@pytest.fixture
def nan_decoder(pipe: Any, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    decode = pipe.vae.decode

    def overflowed(*args: Any, **words: Any) -> Any:
        return tuple(part * float("nan") for part in decode(*args, **words))

    monkeypatch.setattr(pipe.vae, "decode", overflowed)
    yield


@pytest.mark.usefixtures("nan_decoder")
def test_a_black_picture_is_noticed(rpg: RPGPipeline) -> None:
    assert "entirely black" in called(rpg, PROMPT).notices[0]
    with pytest.raises(GenerationError, match="NaN"):
        called(rpg, PROMPT, output_type="np")


@pytest.mark.parametrize(
    "error",
    [
        torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 2 EiB"),
        RuntimeError("[enforce fail at alloc_cpu.cpp] DefaultCPUAllocator: can't allocate memory"),
        MemoryError(),
    ],
)
def test_out_of_memory_gives_advice_and_the_pipeline_stays_usable(
    rpg: RPGPipeline, monkeypatch: pytest.MonkeyPatch, error: Exception
) -> None:
    reference = called(rpg, PROMPT, seed=1).images[0]

    def full(*_: Any, **__: Any) -> Any:
        raise error

    with monkeypatch.context() as patch:
        patch.setattr(rpg.pipe.vae, "decode", full)
        with pytest.raises(GenerationError, match="smaller size"):
            called(rpg, PROMPT)
    assert same(called(rpg, PROMPT, seed=1).images[0], reference)


def test_an_error_that_is_not_about_memory_is_not_renamed(
    rpg: RPGPipeline, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(*_: Any, **__: Any) -> Any:
        raise RuntimeError("CUDA error: an illegal memory access was encountered")

    monkeypatch.setattr(rpg.pipe.vae, "decode", broken)
    with pytest.raises(RuntimeError, match="illegal memory access"):
        called(rpg, PROMPT)


# Loading


def test_a_saved_model_loads_with_its_own_defaults_and_draws_the_same(
    pipe: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = tmp_path / "little"
    pipe.save_pretrained(folder)
    (folder / "rpg.json").write_text('{"width": 32, "height": 32, "num_inference_steps": 3}')
    loaded = RPGPipeline.from_pretrained(folder, planner=HalvesPlanner(), device="cpu")
    loaded.pipe.set_progress_bar_config(disable=True)
    output = loaded(PROMPT, seed=1)
    assert isinstance(output, RPGOutput)
    assert output.records[0].model == "little"
    assert str(tmp_path) not in output.records[0].model_dump_json()
    assert same(
        output.images[0],
        called(RPGPipeline.from_pipe(pipe, planner=HalvesPlanner()), PROMPT, seed=1).images[0],
    )
    monkeypatch.setenv("RPG_MODEL", str(folder))
    assert RPGPipeline.from_pretrained().model == "little"


def test_another_rpg_pipeline_shares_model_and_planner(rpg: RPGPipeline) -> None:
    other = RPGPipeline.from_pipe(rpg)
    assert (other.pipe, other.planner) == (rpg.pipe, rpg.planner)


def test_the_rule_planner_is_the_default(pipe: Any) -> None:
    rpg = RPGPipeline.from_pipe(pipe)
    assert rpg.plan("a red star to the left of a blue moon").source == "rules"
    assert len(called(rpg, "a red star to the left of a blue moon").plans[0].layers()) == 2


def test_settings_in_one_are_overridden_by_single_words(rpg: RPGPipeline) -> None:
    wishes = GenerationSettings(
        seed=1, num_inference_steps=2, width=32, height=32, negative_prompt="grey"
    )
    output = rpg(PROMPT, settings=wishes, seed=9)
    assert isinstance(output, RPGOutput)
    used = output.records[0]
    assert (used.settings.seed, used.settings.num_inference_steps) == (9, 2)
    assert (used.plan.negative, used.settings.negative_prompt) == ("grey", "")


def test_notices_are_events_too(rpg: RPGPipeline) -> None:
    events = list(rpg.stream(PROMPT, num_inference_steps=1, width=33, height=32))
    assert [event.text for event in events if isinstance(event, Notice)] == [
        "33x32 does not go into the model's grid: drawing 32x32"
    ]
