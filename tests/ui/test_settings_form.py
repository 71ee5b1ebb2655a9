"""The form of settings: what is shown is what is read, and what cannot be is told in one line."""

from __future__ import annotations

from typing import Any

import gradio as gr
import pytest
from hypothesis import given
from hypothesis import strategies as st

from rpg.defaults import FAMILIES, ModelDefaults, Sampling
from rpg.errors import SettingsError
from rpg.plans.plan import Plan
from rpg.settings import COMPOSERS, MAX_SEED, SCHEDULERS, GenerationSettings
from tests.ui.conftest import built
from ui.settings_form import SettingsForm
from ui.sizes import CUSTOM, OWN, named, presets

TOYBOX = ModelDefaults(width=64, height=64, region_side=32, num_inference_steps=20)
SIZE: dict[str, Any] = {"width": 64, "height": 64}


def form(defaults: ModelDefaults = TOYBOX) -> SettingsForm:
    def make() -> SettingsForm:
        with gr.Blocks():
            return SettingsForm(defaults)

    return built(make)


FORM = form()
EMPTY = FORM.shown(GenerationSettings())


def values(**changed: Any) -> list[Any]:
    """The values of an empty form with some fields filled, by the ids of their elements."""
    ids = [field.elem_id for field in FORM.fields]
    assert set(changed) <= {name.replace("-", "_") for name in ids}
    return [
        changed.get(name.replace("-", "_"), value) for name, value in zip(ids, EMPTY, strict=True)
    ]


def shares() -> st.SearchStrategy[float]:
    return st.floats(0, 1)


SIDES = st.none() | st.integers(8, 4096)
SETTINGS = st.builds(
    GenerationSettings,
    num_inference_steps=st.none() | st.integers(1, 1000),
    guidance_scale=st.none() | st.floats(0, 100),
    guidance_end=st.none() | st.floats(0, 1, exclude_min=True),
    guidance_rescale=st.none() | shares(),
    seed=st.none() | st.integers(0, MAX_SEED),
    width=SIDES,
    height=SIDES,
    num_images_per_prompt=st.integers(1, 64),
    negative_prompt=st.text(max_size=50).map(str.strip),
    composer=st.none() | st.sampled_from(COMPOSERS),
    base_ratio=st.none() | shares(),
    share=st.none() | shares(),
    start=st.floats(0, 0.5),
    end=st.floats(0.5, 1, exclude_min=True),
    feather=st.none() | st.floats(0, 0.5),
    scheduler=st.none() | st.sampled_from(SCHEDULERS),
    clip_skip=st.none() | st.integers(1, 12),
    strength=st.none() | st.floats(0, 1, exclude_min=True),
)


@given(SETTINGS)
def test_what_is_shown_is_read(settings: GenerationSettings) -> None:
    assert FORM.read(FORM.shown(settings)) == settings


def test_an_untouched_form_leaves_everything_to_the_model() -> None:
    fresh = [field.value for field in FORM.fields]
    assert FORM.read(fresh) == GenerationSettings() == FORM.read(EMPTY)


def test_every_setting_has_a_field_that_is_put_on_the_page() -> None:
    def placed() -> tuple[list[Any], list[Any]]:
        with gr.Blocks() as page:
            one = SettingsForm(TOYBOX)
            one.render()
            for field in one.of_image:
                field.render()
        return one.fields, list(page.blocks.values())

    fields, shown = built(placed)
    assert len(fields) == len(GenerationSettings.model_fields) + 3  # presets, sizes, the lock
    assert all(any(field is one for one in shown) for field in fields)


def test_empty_fields_show_the_models_own_values() -> None:
    own = {field.elem_id: getattr(field, "placeholder", "") for field in FORM.fields}
    assert own["steps"] == str(TOYBOX.num_inference_steps)
    assert own["guidance-scale"] == f"{TOYBOX.guidance_scale:g}"
    assert own["width"].startswith("64, more")
    large = {
        field.elem_id: getattr(field, "placeholder", "") for field in form(FAMILIES["sdxl"]).fields
    }
    assert large["width"] == "1024"


def test_a_preset_says_what_it_means_and_fills_what_is_empty() -> None:
    said = ModelDefaults(
        num_inference_steps=20, fast=Sampling(scheduler="unipc", steps=0.4, guidance_end=0.5)
    )
    cutting = form(said)
    choices: Any = cutting.preset.choices
    assert [label for label, _ in choices] == [
        "Model's own, 20 steps",
        "Fast: 8 steps of unipc, guidance until 0.5",
    ]
    fast = {"scheduler": "unipc", "num_inference_steps": 8, "guidance_end": 0.5}
    fields = cutting.shown(GenerationSettings(), "fast")
    assert cutting.read(fields) == GenerationSettings(**fast)
    mine = cutting.shown(GenerationSettings(num_inference_steps=3, guidance_end=1.0), "fast")
    assert cutting.read(mine) == GenerationSettings(
        scheduler="unipc", num_inference_steps=3, guidance_end=1.0
    )
    with pytest.raises(SettingsError, match="one of fast"):
        cutting.read(["hasty", *fields[1:]])


def test_empty_fields_show_what_the_preset_fills_them_with() -> None:
    for preset, steps, scheduler in (("fast", "10", "Preset's (dpm++2m-karras)"),
                                     ("", "20", "Model's own")):  # fmt: skip
        schedulers, shown, end = FORM.own(preset)
        assert (shown.placeholder, end.placeholder) == (steps, "1")
        assert schedulers.choices[0] == (scheduler, "")


def test_a_picture_drawn_by_a_preset_comes_back_with_it() -> None:
    """So that what the preset does not say is the model's again, and the record says it all."""
    plan = Plan(prompt="a star")
    own = GenerationSettings(seed=1, scheduler="euler", **{**TOYBOX.words(), **SIZE})
    fast = own.updated(TOYBOX.preset("fast"))
    for used, preset in ((own, ""), (fast, "fast"), (fast.updated({"guidance_end": 0.5}), "")):
        again = FORM.reopened(used, plan, seed=True)
        assert again[0] == preset
        read = FORM.read(again)
        complete = read.filled({"scheduler": "euler"} | TOYBOX.words() | SIZE)
        assert complete == used
    assert FORM.reopened(fast, plan, seed=False).count("") > len(FORM.fields) // 2


@pytest.mark.parametrize(
    ("field", "value", "says"),
    [
        ("seed", "-2", "Seed: should be greater than or equal to 0"),
        ("seed", str(2**64), "Seed: should be less than or equal to"),
        ("seed", "seven", "Seed: 'seven' is no whole number"),
        ("seed", "1.5", "Seed: '1.5' is no whole number"),
        ("width", "0", "Width: should be greater than or equal to 8"),
        ("height", "16384", "Height: should be less than or equal to 8192"),
        ("count", "0", "Pictures: "),
        ("count", "1000000000", "Pictures: "),
        ("steps", "ten", "Steps: "),
        ("steps", "2.5", "Steps: "),
        ("guidance_scale", "nan", "Guidance: "),
        ("guidance_scale", "7,5", "Guidance: "),
        ("start", "1", "start 1.0 must be less than end 1.0"),
        ("composer", "collage", "Composer: "),
        ("scheduler", "x" * 10_000, "Scheduler: "),
        ("clip_skip", "13", "Clip skip: "),
    ],
)
def test_what_cannot_be_is_told_in_one_line_that_names_the_field(
    field: str, value: str, says: str
) -> None:
    with pytest.raises(SettingsError) as caught:
        FORM.read(values(**{field: value, "seed_lock": True}))
    assert str(caught.value).startswith(says)
    assert "\n" not in str(caught.value) and len(str(caught.value)) < 400


def test_a_seed_counts_while_it_is_locked() -> None:
    assert FORM.read(values(seed="7", seed_lock=True)).seed == 7
    assert FORM.read(values(seed="7", seed_lock=False)).seed is None
    assert FORM.read(values(seed=0, seed_lock=True)).seed == 0
    assert FORM.read(values(seed="-1", seed_lock=True)).seed is None
    with pytest.raises(SettingsError):
        FORM.read(values(seed="seven", seed_lock=False))


@pytest.mark.parametrize("defaults", [TOYBOX, *FAMILIES.values()])
def test_presets_have_about_the_usual_number_of_pixels(defaults: ModelDefaults) -> None:
    usual = defaults.width * defaults.height
    for _, size in presets(defaults):
        width, height = map(int, size.split("x"))
        assert width % 8 == height % 8 == 0
        assert 0.9 < width * height / usual < 1.1
        assert named(defaults, width, height) == size


def test_sizes_have_their_presets_name() -> None:
    assert named(TOYBOX, None, None) == OWN
    assert named(TOYBOX, 64, 64) == "64x64"
    assert named(TOYBOX, 64, None) == named(TOYBOX, 1000, 777) == CUSTOM
