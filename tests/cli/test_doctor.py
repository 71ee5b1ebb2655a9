"""`rpg doctor`: what is broken is found, named with what to do, and nothing breaks the doctor."""

from __future__ import annotations

import json
import math
import socket
import struct
from collections.abc import Iterator
from importlib import metadata
from pathlib import Path
from typing import Any

import huggingface_hub.constants
import pytest
import torch

from rpg.chat import OpenAIChat
from rpg.doctor import Finding, endpoints, examine, machine
from rpg.errors import SettingsError
from tests.chat.server import ChatServer, serving
from tests.cli.helpers import rpg, told
from tests.processes import python
from tests.tiny import tiny_sd15, tiny_sdxl

KEY = "sk-doctor-never-shown-0123456789"
TITLES = {"sdxl": "SDXL", "sd15": "Stable Diffusion 1.5"}


def looked(*words: object, code: int = 0) -> dict[str, dict[str, Any]]:
    """Findings by name."""
    said = told("doctor", *words, code=code)
    assert said["ok"] is (code == 0)
    return {one["name"]: one for one in said["findings"]}


def problems(found: dict[str, dict[str, Any]]) -> set[str]:
    return {name for name, one in found.items() if one["state"] == "problem"}


def tensors(file: Path, shapes: dict[str, tuple[int, ...]]) -> Path:
    """A safetensors file of that table, in float16; zeros take no room on the disk."""
    table, at = {}, 0
    for name, shape in shapes.items():
        end = at + 2 * math.prod(shape)
        table[name] = {"dtype": "F16", "shape": shape, "data_offsets": [at, end]}
        at = end
    text = json.dumps(table).encode()
    with open(file, "wb") as stream:
        stream.write(struct.pack("<Q", len(text)) + text)
        stream.truncate(8 + len(text) + at)
    return file


@pytest.fixture(scope="module")
def server() -> Iterator[ChatServer]:
    with serving() as running:
        yield running


@pytest.fixture(autouse=True)
def _no_endpoint(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("OPENAI_API_KEY", "OPENAI_BASE_URL", "HF_TOKEN", "RPG_DTYPE"):
        monkeypatch.delenv(name, raising=False)


def test_a_sound_installation_is_told_and_nothing_is_to_mend(model: Path) -> None:
    found = looked()
    assert not problems(found)
    assert found["torch"]["words"] == torch.__version__
    assert found["device"]["value"]["device"] == "cpu"
    assert found["device"]["value"]["total"] > found["device"]["value"]["free"] > 0
    assert found["model"]["value"] == {
        "name": "little",
        "family": "sdxl",
        "prediction": "epsilon",
    }
    assert found["planner"]["words"] == "no language model is named: rules plan, offline"


@pytest.mark.parametrize(("make", "family"), [(tiny_sdxl, "sdxl"), (tiny_sd15, "sd15")])
def test_weights_are_counted_by_headers_alone(make: Any, family: str, tmp_path: Path) -> None:
    pipe = make()
    pipe.save_pretrained(tmp_path)
    pipe.save_pretrained(tmp_path, variant="fp16")  # the same once more, which counts once
    parts = {k: v for k, v in pipe.components.items() if isinstance(v, torch.nn.Module)}
    expected = {name: sum(p.numel() for p in part.parameters()) for name, part in parts.items()}
    found = looked("--model", tmp_path)
    assert found["weights"]["value"]["numbers"] == expected
    assert found["weights"]["value"]["float32"] == 4 * sum(expected.values())
    assert found["model"]["value"]["family"] == family
    assert TITLES[family] in found["model"]["words"]
    assert found["memory"]["words"].endswith("on cpu: all of it stays there")


def test_who_says_a_default_is_told(tmp_path: Path) -> None:
    pipe = tiny_sd15()
    pipe.scheduler.register_to_config(prediction_type="v_prediction", rescale_betas_zero_snr=True)
    pipe.save_pretrained(tmp_path)
    (tmp_path / "rpg.json").write_text('{"guidance_scale": 3.5, "composer": "latent"}')
    found = looked("--model", tmp_path)
    assert found["rpg.json"]["value"] == {"guidance_scale": 3.5, "composer": "latent"}
    own = found["defaults of sd15"]["value"]
    assert (own["width"], own["height"]) == (512, 512) and "composer" not in own
    assert found["model"]["value"]["prediction"] == "v_prediction, to zero terminal SNR"
    assert found["what it is recognised as"]["words"] == "guidance_rescale 0.7"


def test_a_single_file_of_the_real_size(tmp_path: Path) -> None:
    file = tensors(
        tmp_path / "xl.safetensors",
        {
            "model.diffusion_model.input_blocks.0.0.weight": (320, 4, 3, 3),
            "model.diffusion_model.label_emb.0.0.weight": (1280, 2816),
            "model.diffusion_model.all.weight": (2_000_000, 1000),
            "first_stage_model.decoder.up.0.weight": (10, 10),
            "conditioner.embedders.0.transformer.text_model.weight": (3, 7),
        },
    )
    found = looked("--model", file)
    unet = 320 * 4 * 9 + 1280 * 2816 + 2_000_000_000
    assert found["weights"]["value"]["numbers"] == {"unet": unet, "text": 21, "vae": 100}
    assert "4.0 GB in float16" in found["weights"]["words"]
    assert found["model"]["words"] == "xl: an SDXL checkpoint"
    assert found["recognised"]["words"].startswith("an SDXL checkpoint, by its tensors")
    assert found["model"]["value"]["prediction"] is None  # a file may say nothing of it


@pytest.mark.parametrize(
    ("make", "says"),
    [
        (
            lambda at: tensors(at / "a.safetensors", {"lora_unet_x": (2, 2)}),
            "is a LoRA: give a checkpoint",
        ),
        (lambda at: tensors(at / "a.safetensors", {"encoder.down.0.weight": (2,)}), "is a VAE"),
        (lambda at: (at / "a.safetensors").write_text("hi") and at / "a.safetensors", "text file"),
        (lambda at: at, "no model_index.json in it"),
        (lambda at: at / "nothing.safetensors", "there is no such folder or file"),
        (lambda at: "a name: of nothing", "there is no such folder or file"),
    ],
)
def test_a_model_that_is_none_is_named(make: Any, says: str, tmp_path: Path) -> None:
    found = looked("--model", make(tmp_path), code=1)
    assert problems(found) == {"model"}
    assert says in found["model"]["words"] and "--model" in found["model"]["advice"]


def test_another_family_and_a_damaged_part_are_named(tmp_path: Path) -> None:
    tiny_sdxl().save_pretrained(tmp_path)
    part = tmp_path / "unet" / "diffusion_pytorch_model.safetensors"
    part.write_bytes(part.read_bytes()[:-5])
    assert "cut short" in looked("--model", tmp_path, code=1)["model"]["words"]
    index = {"_class_name": "FluxPipeline", "transformer": ["diffusers", "X"]}
    (tmp_path / "model_index.json").write_text(json.dumps(index))
    assert "FluxPipeline: regions need" in looked("--model", tmp_path, code=1)["model"]["words"]


def test_a_hub_id_is_judged_by_the_cache_and_never_fetched(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(huggingface_hub.constants, "HF_HUB_CACHE", str(tmp_path))
    found = looked("--model", "somebody/xl")
    assert found["model"]["state"] == "note" and "not in the cache" in found["model"]["words"]
    repository = tmp_path / "models--somebody--xl"
    tiny_sdxl().save_pretrained(repository / "snapshots" / "0123")
    (repository / "refs").mkdir()
    (repository / "refs" / "main").write_text("0123")
    found = looked("--model", "somebody/xl")
    assert found["model"]["words"] == "somebody/xl: a folder of SDXL, predicts epsilon"
    assert found["weights"]["value"]["numbers"]["unet"] > 0


def test_the_planners_address_is_asked_and_keys_are_never_shown(
    server: ChatServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", KEY)
    monkeypatch.setenv("OPENAI_BASE_URL", server.url)
    monkeypatch.setenv("RPG_AUTH", "me:hidden-word")
    done = rpg("doctor", "--json")
    found = {one["name"]: one for one in json.loads(done.stdout)["findings"]}
    assert found["planner"]["value"]["base_url"] == server.url
    assert found["planner"]["value"]["models"] > 0
    assert [found[name]["words"] for name in ("OPENAI_API_KEY", "RPG_AUTH", "RPG_MCP_TOKEN")] == [
        "set",
        "set",
        "not set",
    ]
    for said in (done.output, rpg("doctor").output):
        assert KEY not in said and "hidden-word" not in said


def test_an_address_where_nobody_answers_is_a_problem_with_advice() -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    found = looked("--base-url", f"http://127.0.0.1:{port}/v1", code=1)
    assert problems(found) == {"planner"}
    assert str(port) in found["planner"]["words"] and "planner-check" in found["planner"]["advice"]


def test_an_address_that_is_silent_is_given_up_soon(monkeypatch: pytest.MonkeyPatch) -> None:
    with socket.socket() as deaf:
        deaf.bind(("127.0.0.1", 0))
        deaf.listen()
        monkeypatch.setattr(endpoints, "_PATIENCE", 0.3)
        (planner, *_) = endpoints.endpoints(f"http://127.0.0.1:{deaf.getsockname()[1]}/v1")
    assert planner.state == "problem" and "says nothing within 0.3 seconds" in planner.words


def test_an_address_without_a_list_is_worth_a_note(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(OpenAIChat, "models", lambda _: ())
    found = looked("--base-url", "http://127.0.0.1:1/v1")
    assert found["planner"]["state"] == "note" and "does not say" in found["planner"]["words"]


@pytest.mark.parametrize(
    ("variable", "value", "name"),
    [
        ("RPG_DEVICE", "cuda:9", "device"),
        ("RPG_SESSIONS", "/proc/nothing/of/this", "sessions"),
    ],
)
def test_what_the_environment_names_and_is_not_there(
    variable: str, value: str, name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(variable, value)
    found = looked(code=1)
    assert problems(found) == {name} and variable in found[name]["advice"]


def test_an_environment_that_cannot_be_read_is_told_where_it_matters(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("RPG_DTYPE", "int8")
    findings = list(examine())
    failed = [one for one in findings if one.state == "problem"]
    assert failed and all("RPG_DTYPE" in one.words for one in failed)
    assert {one.section for one in findings} > {"versions", "extras"}


def test_a_section_that_fails_ends_no_other(monkeypatch: pytest.MonkeyPatch) -> None:
    def fails() -> Iterator[Finding]:
        yield Finding("folders", "first", "seen")
        raise SettingsError("no such luck\nmore")

    monkeypatch.setattr(machine, "folders", fails)
    found = looked(code=1)
    assert found["first"]["words"] == "seen" and found["cannot be looked at"]["words"] == (
        "no such luck"
    )
    assert "browser" in found


def test_a_library_that_is_missing_or_of_another_version(monkeypatch: pytest.MonkeyPatch) -> None:
    plain = metadata.version

    def version(name: str) -> str:
        if name == "peft":
            raise metadata.PackageNotFoundError(name)
        return "0.40.0" if name == "diffusers" else plain(name)

    monkeypatch.setattr(metadata, "version", version)
    monkeypatch.setattr(metadata, "requires", lambda _: ["diffusers<0.43,>=0.42.1", "torch>=2.8"])
    found = looked(code=1)
    assert problems(found) == {"peft", "diffusers"}
    assert found["diffusers"]["words"] == "0.40.0, wanted <0.43,>=0.42.1"
    assert "requirements.txt" in found["peft"]["advice"]


def test_people_get_sections_and_what_to_do(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("RPG_DEVICE", "cuda:9")
    done = rpg("doctor", code=1)
    assert "\nproblem: " not in done.stdout and "problem: device 'cuda:9'" in done.stdout
    assert "-> set RPG_DEVICE to one that is" in done.stdout
    assert done.stderr.strip() == "1 to mend"
    assert done.stdout.index("versions") < done.stdout.index("folders")


BROKEN = """
import sys
sys.path.insert(0, sys.argv.pop(1))
from rpg.cli import app
app(["doctor", "--json"])
"""


def test_a_broken_torch_is_a_finding_like_others(tmp_path: Path) -> None:
    (tmp_path / "torch").mkdir()
    why = "libcudart.so.12: cannot open shared object file"
    (tmp_path / "torch" / "__init__.py").write_text(f"raise OSError({why!r})")
    done = python("-c", BROKEN, tmp_path)
    assert done.returncode == 1, done.stderr
    assert "Traceback" not in done.stderr
    found = {one["name"]: one for one in json.loads(done.stdout)["findings"]}
    assert found["torch works"]["words"] == why and found["torch works"]["advice"]
    assert problems(found) == {"torch works"}
    assert "not looked at" in found["model"]["words"] and found["sessions"]["state"] == "ok"
