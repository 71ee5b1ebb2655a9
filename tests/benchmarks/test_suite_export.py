"""Folders in other suites' form, drawn by a tiny SDXL, and by Toybox in two processes."""

from __future__ import annotations

import json
import os
import re
from pathlib import Path
from typing import Any

import pytest
import torch
from PIL import Image

from benchmarks.suite.export import Export, Fault, Prompt, read_prompts
from rpg import metadata
from rpg.batch import Shard
from rpg.defaults import ModelDefaults
from rpg.errors import SettingsError
from rpg.pipeline import RPGPipeline
from tests.processes import two_processes
from tests.tiny import tiny_sdxl

PROMPTS = ("a red star and a blue moon", "a green circle.", "a cat/dog", "a pink heart")


def tiny() -> RPGPipeline:
    defaults = ModelDefaults(width=32, height=32, num_inference_steps=2)
    rpg = RPGPipeline(tiny_sdxl(), model_defaults=defaults)
    rpg.pipe.set_progress_bar_config(disable=True)
    return rpg


def compbench(folder: Path, **words: Any) -> Export:
    rows = [Prompt(row, text) for row, text in enumerate(PROMPTS)]
    asked: dict[str, Any] = {"prompts": rows, "per_prompt": 2, "seed": 42}
    return Export("t2i-compbench", folder, **(asked | words))


def pictures(folder: Path) -> dict[str, bytes]:
    return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*.png")}


def test_t2i_compbench_s_evaluators_find_prompt_and_index(tmp_path: Path) -> None:
    told = list(compbench(tmp_path).run(tiny, Shard()))
    files = sorted((tmp_path / "samples").iterdir(), key=lambda path: index_of(path.name))
    assert [index_of(path.name) for path in files] == [0, 1, 2, 3, 6, 7]
    read_back = [path.name.split("_")[0] for path in files]
    assert read_back == [PROMPTS[i] for i in (0, 0, 1, 1, 3, 3)]
    assert all(re.fullmatch(r".+_\d{6}\.png", path.name) for path in files)
    assert {path.name for path in tmp_path.iterdir()} == {"samples"}
    assert [one.row for one in told] == [0, 1, 2, 3]
    records = [metadata.read(path) for path in files]
    assert [record.settings.seed for record in records] == [42, 43] * 3
    assert len(records[0].plan.layers()) == 2


def index_of(name: str) -> int:
    """As T2I-CompBench's evaluators read it."""
    return int(name.split("_")[-1].split(".")[0])


def test_prompts_that_cannot_be_names_are_told_of(tmp_path: Path) -> None:
    rows = [Prompt(0, "fine"), Prompt(1, "a/b"), Prompt(2, "a_b"), Prompt(3, "ä" * 125)]
    faults = compbench(tmp_path, prompts=rows).unnameable()
    assert [fault.row for fault in faults] == [1, 2, 3]
    assert [word in fault.text for fault, word in zip(faults, ("slash", "underscore", "long"),
                                                      strict=True)] == [True] * 3  # fmt: skip
    assert Export("geneval", tmp_path, rows, 1, 0).unnameable() == []


def test_geneval_s_folders(tmp_path: Path) -> None:
    lines = [json.dumps({"tag": "counting", "prompt": text}) for text in PROMPTS[:3]]
    (tmp_path / "in.jsonl").write_text("\n".join(lines) + "\n")
    rows = read_prompts("geneval", tmp_path / "in.jsonl")
    out = tmp_path / "out"
    list(Export("geneval", out, rows, 2, 0).run(tiny, Shard()))
    assert sorted(path.name for path in out.iterdir()) == ["00000", "00001", "00002"]
    for row, line in enumerate(lines):
        folder = out / f"{row:05}"
        assert json.loads((folder / "metadata.jsonl").read_text()) == json.loads(line)
        names = sorted(path.name for path in (folder / "samples").iterdir())
        assert names == ["0000.png", "0001.png"]


def test_shards_and_runs_that_go_on_draw_the_same(tmp_path: Path) -> None:
    whole, parts = compbench(tmp_path / "whole"), compbench(tmp_path / "parts")
    list(whole.run(tiny, Shard()))
    expected = pictures(whole.folder)
    list(parts.run(tiny, Shard(2, 2)))
    assert 0 < len(pictures(parts.folder)) < len(expected)
    list(parts.run(tiny, Shard(1, 2)))
    assert pictures(parts.folder) == expected
    lost, broken = sorted(parts.folder.rglob("*.png"))[:2]
    lost.unlink()
    broken.write_bytes(broken.read_bytes()[:100])
    list(parts.run(tiny, Shard()))
    assert pictures(parts.folder) == expected
    assert [type(told) for told in parts.run(unwanted, Shard())] == [Prompt] * 4


def unwanted() -> RPGPipeline:
    raise AssertionError("there is nothing to draw")


def test_plain_pictures_for_comparison(tmp_path: Path) -> None:
    for method in ("plain", "rpg"):
        list(compbench(tmp_path / method, method=method, per_prompt=1).run(tiny, Shard()))
    plain, ours = pictures(tmp_path / "plain"), pictures(tmp_path / "rpg")
    assert plain.keys() == ours.keys() and plain != ours
    first = tmp_path / "plain" / "samples" / f"{PROMPTS[0]}_000000.png"
    assert metadata.read(first).plan.regions == ()
    alone = tiny().pipe(
        PROMPTS[0], num_inference_steps=2, guidance_scale=5.0, width=32, height=32,
        generator=torch.Generator("cpu").manual_seed(42),
    ).images[0]  # fmt: skip
    with Image.open(first) as picture:
        assert picture.tobytes() == alone.tobytes()


def test_a_folder_holds_one_run(tmp_path: Path) -> None:
    work = compbench(tmp_path)
    work.claim(work.about(model="a"))
    work.claim(work.about(model="a"))
    with pytest.raises(SettingsError, match="another run"):
        work.claim(work.about(model="b"))
    with pytest.raises(SettingsError, match="another run"):
        compbench(tmp_path, per_prompt=3).claim(work.about(model="a") | {"per_prompt": 3})


def test_a_prompt_that_fails_does_not_cost_the_others(tmp_path: Path) -> None:
    rows = [Prompt(0, " "), Prompt(1, PROMPTS[0])]
    told = list(compbench(tmp_path, prompts=rows, per_prompt=1).run(tiny, Shard()))
    assert isinstance(told[0], Fault) and "empty" in told[0].text
    assert told[1] == rows[1] and len(pictures(tmp_path)) == 1


@pytest.mark.parametrize(
    ("suite", "text"),
    [("geneval", '{"prompt": "a"}\nnonsense\n'), ("geneval", '{"tag": "x"}\n')],
)
def test_files_of_another_form(tmp_path: Path, suite: Any, text: str) -> None:
    (tmp_path / "in").write_text(text)
    with pytest.raises(SettingsError, match=r'line \d: expected JSON with a "prompt"'):
        read_prompts(suite, tmp_path / "in")
    with pytest.raises(SettingsError, match="--prompts"):
        read_prompts(suite, tmp_path / "nowhere")


def test_what_follows_a_tab_is_not_the_prompt_s(tmp_path: Path) -> None:
    (tmp_path / "in.txt").write_text("a red star\tcolor\na blue moon\n")
    rows = read_prompts("t2i-compbench", tmp_path / "in.txt")
    assert rows == [Prompt(0, "a red star"), Prompt(1, "a blue moon")]


def test_two_processes_share_the_rows(tmp_path: Path) -> None:
    """By `accelerate launch`, on loopback, with the bundled model."""
    (tmp_path / "in.txt").write_text("a red star\na blue moon/sun\na pink heart\n")
    command = ["-m", "benchmarks.quality", "--suite", "t2i-compbench", "--prompts", "in.txt"]
    rest = ["--images-per-prompt", "1", "--out", "out"]
    environment = {**os.environ, "RPG_DEVICE": "cpu"}
    done = two_processes(*command, *rest, folder=tmp_path, environment=environment)
    assert set(pictures(tmp_path / "out")) == {
        "samples/a red star_000000.png",
        "samples/a pink heart_000002.png",
    }, done.stderr[-2000:]
    assert done.returncode != 0 and "a blue moon/sun" in done.stderr
