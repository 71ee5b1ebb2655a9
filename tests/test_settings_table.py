"""The table of settings: every face of the product has every setting, and one place makes them."""

from __future__ import annotations

import filecmp
import inspect
import json
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any, get_args, get_type_hints

import pytest
from diffusers import StableDiffusionXLImg2ImgPipeline, StableDiffusionXLPipeline

from rpg.defaults import ModelDefaults
from rpg.diffusion import regional
from rpg.settings import LASTING, SETTINGS, TO_PIPELINE, TO_REGIONAL, SettingKwargs
from tests.processes import ROOT, python
from tests.setting_faces import COMMANDS, Faces, faces

EXAMPLE = """
    example_strength: Annotated[
        Share | None,
        Setting(
            "Example strength", "How strongly the example acts", "conditioning", lasting=True
        ),
    ] = None
"""
PASSES = [one for one, row in SETTINGS.items() if row.group in ("variation", "upscaling")]
BEFORE = "    strength: Annotated[\n"


@pytest.fixture(scope="module")
def here() -> Faces:
    return faces()


def with_one_more(tree: Path) -> None:
    """A copy of the product that has one more setting."""
    for name in ("rpg", "ui", "prompts"):
        leave = shutil.ignore_patterns("__pycache__", "weights")
        shutil.copytree(ROOT / name, tree / name, ignore=leave)
    file = tree / "rpg/settings.py"
    table = file.read_text()
    assert table.count(BEFORE) == 1
    file.write_text(table.replace(BEFORE, EXAMPLE.lstrip("\n") + BEFORE))


def without(*names: str) -> set[str]:
    return SETTINGS.keys() - set(names)


def test_every_face_has_every_setting(here: Faces) -> None:
    """But where it would mean nothing: what is left out is written here, and why beside it."""
    size, image = ("width", "height"), "strength"
    everywhere = ("call", "row", "metadata", "strict", "form", "page")
    assert [face for face in everywhere if here[face].keys() != SETTINGS.keys()] == []
    assert here["generate"].keys() == here["batch"].keys() == without(image)  # from no picture
    assert here["refine"].keys() == without(image, "num_images_per_prompt")  # --candidates
    # one, as large as it is, from the picture and not from noise alone
    assert here["edit"].keys() == without(*size, "num_images_per_prompt", *PASSES)
    # one picture of a prompt, with a seed that is an argument of its own
    assert here["endpoint"].keys() - {"preset"} == without(image, "num_images_per_prompt", "seed")
    assert here["model"].keys() & SETTINGS.keys() == {*LASTING, *size}


@pytest.mark.parametrize("command", COMMANDS)
def test_commands_say_alike_what_they_have_alike(command: str, here: Faces) -> None:
    for name in ("clip_skip", "guidance_rescale", "scheduler", "composer", "guidance_end"):
        assert here[command][name] == here["generate"][name]
    assert here[command]["guidance_end"] == (
        "--guidance-end <float> Share of the steps after which guidance is off and a step costs "
        "half (above 0 to 1)."
    )
    assert here[command]["clip_skip"].endswith("(1 to 12).")


def test_what_is_said_of_some_settings(here: Faces) -> None:
    generate = here["generate"]
    assert here["refine"]["num_inference_steps"] == "--steps <int> Denoising steps (1 to 1000)."
    assert generate["num_images_per_prompt"].startswith("--num-images -n <int> Pictures of each")
    assert generate["width"] == generate["height"] == "--size WxH Pixels, e.g. 1024x768."
    assert here["form"]["guidance_end"] == "Guidance until"
    assert here["endpoint"]["feather"] == {
        "anyOf": [{"minimum": 0.0, "maximum": 0.5, "type": "number"}, {"type": "null"}],
        "default": None,
        "title": "Feather",
        "description": "Width of the blend between regions as a share of the shorter side "
        "(0 to 0.5)",
    }
    assert here["endpoint"]["preset"]["anyOf"][0]["enum"] == ["fast"]


def test_what_takes_a_setting() -> None:
    assert set(TO_REGIONAL) == {
        "composer",
        "base_ratio",
        "start",
        "end",
        "feather",
        "share",
        "window",
    }
    own = {"seed", "negative_prompt", "guidance_end", "scheduler", *PASSES}
    assert set(TO_PIPELINE) == SETTINGS.keys() - set(TO_REGIONAL) - own
    assert {"clip_skip", "composer", "guidance_scale"} < set(LASTING)
    assert not {"seed", "width", "negative_prompt", "start", "strength"} & set(LASTING)


def test_what_is_passed_on_is_taken() -> None:
    taken = inspect.signature(regional).parameters
    assert set(TO_REGIONAL) < taken.keys()
    usual = ModelDefaults().model_dump() | {
        name: SETTINGS[name].default for name in ("start", "end")
    }
    said = {name: taken[name].default for name in TO_REGIONAL if taken[name].default is not None}
    assert said == {name: usual[name] for name in said} and "end" in said
    kinds = (StableDiffusionXLPipeline, StableDiffusionXLImg2ImgPipeline)
    words = {word for kind in kinds for word in inspect.signature(kind.__call__).parameters}
    assert set(TO_PIPELINE) < words


def test_every_row_says_what_it_is() -> None:
    labels, ids = ([getattr(one, key) for one in SETTINGS.values()] for key in ("label", "id"))
    assert len(set(labels)) == len(set(ids)) == len(SETTINGS)
    for one in SETTINGS.values():
        assert one.label and one.help[0].isupper() and one.help[-1] not in ".,"
        assert not one.choice_labels or one.choice_labels.keys() == set(one.choices)


def test_the_words_for_type_checkers_are_the_table() -> None:
    hints = get_type_hints(SettingKwargs)
    assert hints.keys() == SETTINGS.keys()
    for name, hint in hints.items():
        assert get_args(hint)[0] is SETTINGS[name].kind, name
        assert type(None) in get_args(hint), name


def test_a_models_own_values_have_the_ranges_of_the_table() -> None:
    own = ModelDefaults.model_json_schema()["properties"]
    for name in (*LASTING, "width", "height"):
        limits = {key: own[name][key] for key in SETTINGS[name].schema if key in own[name]}
        assert (limits or own[name]["anyOf"][0]) == SETTINGS[name].schema, name


def differing(tree: Path) -> Iterator[Path]:
    """Files of a copy that are not those of the product."""
    for file in tree.rglob("*"):
        ours = ROOT / file.relative_to(tree)
        if file.is_file() and file.suffix != ".pyc" and not filecmp.cmp(file, ours, shallow=False):
            yield file.relative_to(tree)


def test_one_file_makes_a_setting_of_every_face(tmp_path: Path, here: Faces) -> None:
    with_one_more(tmp_path)
    done = python("-m", "tests.setting_faces", folder=tmp_path)
    assert done.returncode == 0, done.stderr
    there = json.loads(done.stdout)
    assert list(differing(tmp_path)) == [Path("rpg/settings.py")]
    for face, had in here.items():
        assert there[face].keys() - had.keys() == {"example_strength"}, face
        assert all(there[face][name] == said for name, said in had.items()), face
    for command in COMMANDS:
        said = there[command]["example_strength"]
        assert said == "--example-strength <float> How strongly the example acts (0 to 1)."
    for face in ("call", "row", "metadata", "strict"):
        assert there[face]["example_strength"] == 0.5
    assert there["form"]["example_strength"] == "Example strength"
    assert there["endpoint"]["example_strength"]["anyOf"][0]["maximum"] == 1.0


@pytest.mark.parametrize(
    ("name", "values"),
    [
        ("seed", "0 to 2**63 - 1"),
        ("width", "8 to 8192"),
        ("guidance_scale", "0 to 100"),
        ("feather", "0 to 0.5"),
        ("strength", "above 0 to 1"),
        ("negative_prompt", ""),
        ("composer", ""),
    ],
)
def test_ranges_are_told_in_words(name: str, values: str) -> None:
    assert SETTINGS[name].range == values
    assert SETTINGS[name].sentence.endswith(f" ({values})" if values else SETTINGS[name].help)


def test_kinds_and_choices() -> None:
    kinds: dict[str, Any] = {name: SETTINGS[name].kind for name in ("seed", "share", "composer")}
    assert kinds == {"seed": int, "share": float, "composer": str}
    assert SETTINGS["composer"].choices == ("latent+attention", "latent", "attention")
    assert SETTINGS["seed"].choices == ()
