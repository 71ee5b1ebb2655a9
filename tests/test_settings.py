"""Settings: ranges, one-line refusals, defaults."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rpg.defaults import FAMILIES, PRESET_FIELDS, PRESETS, ModelDefaults, Sampling, of_model
from rpg.errors import ModelError, SettingsError
from rpg.plans.geometry import Box, grid
from rpg.plans.plan import Plan, Region
from rpg.plans.scene import Scene, Thing
from rpg.plans.split_ratio import parse_split_ratio
from rpg.settings import (
    COMPOSERS,
    MAX_SEED,
    SCHEDULERS,
    GenerationSettings,
    guided_steps,
)
from rpg.toybox import weights_path


@pytest.mark.parametrize(
    ("word", "value"),
    [
        ("num_inference_steps", 10**9),
        ("guidance_scale", float("nan")),
        ("seed", 2**64),
        ("seed", "seven"),
        ("seed", 1.5),
        ("seed", True),
        ("width", -64),
        ("composer", "collage"),
        ("base_ratio", float("inf")),
        ("scheduler", "magic"),
        ("negative_prompt", "x" * 8001),
        ("model", "../../etc/passwd"),
    ],
)
def test_out_of_range_is_refused_in_one_line_that_names_the_word(word: str, value: object) -> None:
    with pytest.raises(SettingsError) as refusal:
        GenerationSettings(**{word: value})
    assert str(refusal.value).startswith(f"{word}: ")
    assert "\n" not in str(refusal.value)
    assert len(str(refusal.value)) < 300


@pytest.mark.parametrize(
    ("name", "least", "most", "step"),
    [
        ("num_inference_steps", 1, 1000, 1),
        ("guidance_scale", 0.0, 100.0, 0.01),
        ("guidance_end", 0.001, 1.0, 0.001),
        ("guidance_rescale", 0.0, 1.0, 0.001),
        ("seed", 0, 9_223_372_036_854_775_807, 2),  # one below 0 means a random seed
        ("width", 8, 8192, 1),
        ("height", 8, 8192, 1),
        ("num_images_per_prompt", 1, 64, 1),
        ("base_ratio", 0.0, 1.0, 0.001),
        ("start", 0.0, 0.999, 0.001),
        ("end", 0.001, 1.0, 0.001),
        ("feather", 0.0, 0.5, 0.001),
        ("share", 0.0, 1.0, 0.001),
        ("clip_skip", 1, 12, 1),
        ("strength", 0.001, 1.0, 0.001),
    ],
)
def test_ranges(name: str, least: float, most: float, step: float) -> None:
    for value in (least, most):
        assert getattr(GenerationSettings(**{name: value}), name) == value
    for value in (least - step, most + step):
        with pytest.raises(SettingsError):
            GenerationSettings(**{name: value})


@pytest.mark.parametrize(
    ("words", "says"),
    [
        ({"seed": -2}, "seed: should be greater than or equal to 0, not -2"),
        ({"sampler": "euler"}, "sampler: is not a setting"),
        ({"start": 1.0}, "start 1.0 must be less than end 1.0"),
        ({"seed": True}, "seed: a seed is a whole number, not True"),
        ({"width": True}, "width: must not be a boolean, not True"),
    ],
)
def test_a_refusal_says_the_fault_and_what_was_given(words: dict[str, Any], says: str) -> None:
    with pytest.raises(SettingsError, match=f"^{re.escape(says)}$"):
        GenerationSettings(**words)


def test_a_refusal_quotes_sixty_characters_of_what_was_given() -> None:
    with pytest.raises(SettingsError, match=f", not '{'7' * 58}7$"):
        GenerationSettings(composer="7" * 100)


@pytest.mark.parametrize(
    ("steps", "end", "guided"),
    [(20, None, 20), (20, 1.0, 20), (20, 0.5, 10), (20, 0.01, 1), (1, 0.2, 1), (3, 0.9, 3)],
)
def test_guided_steps(steps: int, end: float | None, guided: int) -> None:
    assert guided_steps(steps, end) == guided


def test_sides_may_be_large_but_not_both() -> None:
    assert GenerationSettings(width=8192, height=2048).width == 8192
    with pytest.raises(SettingsError, match="8192x2049 is over 16,777,216 pixels; ask for less"):
        GenerationSettings(width=8192, height=2049)
    with pytest.raises(SettingsError, match="8192x8192 is over"):
        GenerationSettings(width=8192, height=8192)


def test_regions_must_start_before_they_end() -> None:
    with pytest.raises(SettingsError, match=r"start 0\.5 must be less than end 0\.5"):
        GenerationSettings(start=0.5, end=0.5)


def test_what_is_not_left_to_the_model() -> None:
    assert GenerationSettings().model_dump(exclude_none=True) == {
        "num_images_per_prompt": 1, "negative_prompt": "", "start": 0.0, "end": 1.0,
        "variation_strength": 0.0, "upscale": 1.0, "upscale_strength": 0.3,
    }  # fmt: skip


def test_minus_one_means_a_random_seed() -> None:
    assert GenerationSettings(seed=-1).seed is None


@given(st.integers(0, MAX_SEED))
def test_every_seed_survives_json(seed: int) -> None:
    settings = GenerationSettings(seed=seed)
    assert GenerationSettings.model_validate_json(settings.model_dump_json()) == settings


def test_updating_keeps_what_is_not_said_and_validates_what_is() -> None:
    settings = GenerationSettings(seed=3, guidance_scale=4.0)
    changed = settings.updated({"seed": 0, "guidance_scale": None})
    assert (changed.seed, changed.guidance_scale) == (0, 4.0)
    with pytest.raises(SettingsError, match="seed"):
        settings.updated({"seed": 2**64})


def test_filling_never_overrules_a_wish() -> None:
    filled = GenerationSettings(base_ratio=0.0).filled({"base_ratio": 0.3, "share": 0.4})
    assert (filled.base_ratio, filled.share) == (0.0, 0.4)


def test_a_change_of_a_picture_keeps_the_manner_but_neither_noise_nor_size() -> None:
    manner = GenerationSettings(guidance_scale=4.0, scheduler="euler", share=0.0, clip_skip=2)
    once = {"seed": 3, "width": 64, "height": 64, "num_images_per_prompt": 2, "strength": 0.5}
    assert manner.updated({**once, "negative_prompt": "rain"}).lasting() == manner


@pytest.mark.parametrize("defaults", [ModelDefaults(), *FAMILIES.values()])
def test_family_defaults_leave_nothing_open_that_a_sampler_needs(defaults: ModelDefaults) -> None:
    filled = GenerationSettings().filled(defaults.words())
    needed = ("num_inference_steps", "guidance_scale", "composer", "base_ratio", "share", "feather")
    assert all(getattr(filled, name) is not None for name in needed)


def test_a_folder_says_its_own_defaults(tmp_path: Path) -> None:
    said = {
        "name": "toybox",
        "width": 64,
        "height": 64,
        "region_side": 32,
    }
    (tmp_path / "rpg.json").write_text(json.dumps(said))
    found = of_model(tmp_path, "sd15")
    assert found.name == "toybox"
    assert found.guidance_scale == FAMILIES["sd15"].guidance_scale


@pytest.mark.parametrize(
    ("boxes", "canvas"),
    [
        ((), (64, 64)),
        (grid(2, 2), (64, 64)),
        (grid(1, 3), (96, 64)),
        (grid(3, 4), (128, 96)),
        (parse_split_ratio("1,1,1;1,1,1,1"), (96, 64)),
        ((Box(0.1, 0, 0.5, 0.45), Box(0.5, 0, 1, 1)), (96, 96)),
        (grid(1, 60), (192, 64)),
    ],
)
def test_the_canvas_grows_with_its_narrowest_region(
    boxes: tuple[Box, ...], canvas: tuple[int, int]
) -> None:
    assert ModelDefaults(width=64, height=64, region_side=32).canvas(boxes) == canvas


def test_a_model_may_say_where_guidance_ends() -> None:
    ending = ModelDefaults(guidance_end=0.5, fast=Sampling(scheduler="euler"))
    own, fast = ending.words(), ending.preset("fast")
    assert (own["guidance_end"], fast["guidance_end"]) == (0.5, 0.5)
    assert "guidance_end" not in ModelDefaults().words()
    used = GenerationSettings(**fast)
    assert ending.preset_of(used) == "fast"
    assert ending.preset_of(used.updated({"guidance_end": 1.0})) == ""
    open_end = GenerationSettings(**{**fast, "guidance_end": None})
    assert ending.preset_of(open_end) == "fast"  # the model's own
    later = ending.model_copy(update={"fast": Sampling(guidance_end=0.8)})
    assert later.preset("fast")["guidance_end"] == 0.8


def test_without_a_file_the_family_speaks(tmp_path: Path) -> None:
    assert of_model(tmp_path, "sd15") == FAMILIES["sd15"]
    assert of_model(None, "sdxl").canvas(grid(3, 3)) == (1024, 1024)


def test_a_family_that_is_not_known_is_taken_for_sdxl() -> None:
    assert of_model(None, "unheard of") == FAMILIES["sdxl"]


def test_what_a_model_has_of_its_own_gives_its_defaults_again(tmp_path: Path) -> None:
    values = {"width": 64, "region_side": 32, "name": "toybox", "fast": Sampling(steps=0.3)}
    made = FAMILIES["sd15"].model_copy(update=values)
    own = made.own("sd15")
    # A model of that name has its own.
    named = {"sizes", "empty_prompt", "share", "window", "feather", "base_ratio_alike"}
    assert own.keys() == values.keys() | named and FAMILIES["sd15"].own("sd15") == {}
    (tmp_path / "rpg.json").write_text(json.dumps(own))
    assert of_model(tmp_path, "sd15") == made


def test_words_say_nothing_of_the_canvas_or_of_how_it_is_shown() -> None:
    said = ModelDefaults(guidance_end=0.5, scheduler="euler", name="n", fast=Sampling())
    assert said.words() == {
        "num_inference_steps": 30, "guidance_scale": 5.0, "guidance_end": 0.5,
        "composer": "attention", "base_ratio": 0.3, "share": 0.1, "window": 768, "feather": 0.02,
        "scheduler": "euler",
    }  # fmt: skip


def cats(*names: str) -> Plan:
    """A region for each of these things."""
    things = [Thing(id=f"t{i}", name=name) for i, name in enumerate(names)]
    regions = [
        Region(id=f"r{i}", prompt=name, box=box, shows=(f"t{i}",))
        for i, (name, box) in enumerate(zip(names, grid(1, len(names)), strict=True))
    ]
    return Plan(prompt="p", regions=tuple(regions), scene=Scene(things=tuple(things)))


@pytest.mark.parametrize(
    ("names", "ratio"),
    [
        (("cat", "dog"), 0.3),
        (("cat",), 0.3),
        (("tabby cat", "cat"), 0.45),
        (("woman", "table", "boy"), 0.45),
        (("cat house", "cat"), 0.3),
    ],
)
def test_several_of_a_kind_hear_more_of_the_whole(names: tuple[str, ...], ratio: float) -> None:
    """As RPG's README advises for several of one class; Toybox has a ratio of its own."""
    assert FAMILIES["sdxl"].ratio_for(cats(*names)) == ratio
    assert of_model(weights_path(), "sdxl").ratio_for(cats(*names)) == 0.0


def test_real_models_are_not_drawn_as_toybox_is() -> None:
    """Published evidence, named in docs/backbones.md, and not what was measured on Toybox."""
    toybox = of_model(weights_path(), "sdxl")
    for family, floor in (("sdxl", 768), ("sd15", 512)):
        usual = FAMILIES[family]
        assert (usual.composer, usual.base_ratio, usual.window) == ("attention", 0.3, floor)
        assert 0 < usual.feather < 0.05 and usual.share <= 0.1
    assert (toybox.composer, toybox.base_ratio, toybox.window, toybox.feather) == (
        "latent", 0.0, 0, 0.0
    )  # fmt: skip


def test_a_damaged_defaults_file_is_named(tmp_path: Path) -> None:
    (tmp_path / "rpg.json").write_text('{"width": 0}')
    with pytest.raises(ModelError, match=r"rpg\.json is not valid: width"):
        of_model(tmp_path, "sdxl")


def test_a_preset_is_a_share_of_the_models_own_steps(tmp_path: Path) -> None:
    quick = {"scheduler": "unipc", "steps": 0.33, "guidance_end": 0.5}
    said = {"num_inference_steps": 9, "fast": quick}
    (tmp_path / "rpg.json").write_text(json.dumps(said))
    fast = of_model(tmp_path, "sdxl").preset("fast")
    assert fast == {"scheduler": "unipc", "num_inference_steps": 3, "guidance_end": 0.5}
    assert of_model(weights_path(), "sdxl").preset("fast")["num_inference_steps"] == 12
    assert ModelDefaults().preset("fast")["guidance_end"] is None
    assert ModelDefaults(num_inference_steps=1).preset("fast")["num_inference_steps"] == 1
    with pytest.raises(SettingsError, match="preset 'hasty': one of fast"):
        ModelDefaults().preset("hasty")


@pytest.mark.parametrize("name", PRESETS)
@pytest.mark.parametrize("defaults", [ModelDefaults(), *FAMILIES.values()])
def test_presets_take_fewer_steps_and_say_what_is_said_of_them(
    defaults: ModelDefaults, name: str
) -> None:
    words = defaults.preset(name)
    assert tuple(words) == PRESET_FIELDS
    settings = GenerationSettings(**words)
    assert settings.num_inference_steps is not None
    assert settings.num_inference_steps < defaults.num_inference_steps


def test_choices_are_listed_for_forms() -> None:
    assert COMPOSERS == ("latent+attention", "latent", "attention")
    assert "dpm++2m-karras" in SCHEDULERS
