"""What the benchmark of speed counts and measures, on a narrow twin of SDXL's depth."""

from __future__ import annotations

import json
import re
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from typer import Typer
from typer.testing import CliRunner

from benchmarks.speed import presets
from benchmarks.speed.__main__ import main
from benchmarks.speed.counts import Cost, Launches, cost
from benchmarks.speed.measure import Bench, ratio
from benchmarks.speed.subjects import Subject, twin
from benchmarks.speed.variants import AGAIN, PLAIN, VARIANTS, plan_of
from rpg.errors import SettingsError
from tests.processes import ROOT

BY_NAME = {arm.name: arm for arm in VARIANTS}
SHALLOW = (1, 1, 1)
APP = Typer()
APP.command()(main)


@pytest.fixture(scope="module")
def subject() -> Subject:
    return twin(steps=30)


@pytest.fixture(scope="module")
def plain(subject: Subject) -> Cost:
    return cost(subject, BY_NAME[PLAIN], plan_of(4))


def test_a_launch_is_what_makes_or_changes_numbers() -> None:
    one = torch.ones(4, 6)
    with Launches() as launches:
        one.view(6, 4).transpose(0, 1)[1:]
        torch.empty(3)
        assert launches.total == 0
        (one + 1).mul_(2)
    assert launches.of == {"aten::add": 1, "aten::mul_": 1}


@pytest.mark.parametrize("arm", ["attention", "latent+attention"])
def test_launches_at_sdxls_depth(subject: Subject, plain: Cost, arm: str) -> None:
    assert 1800 < plain.step < 1900
    assert cost(subject, BY_NAME[arm], plan_of(4)).launches <= 1.05 * plain.launches


def test_the_official_scheme_launches_more_with_every_region() -> None:
    subject = twin(depth=SHALLOW)
    layers = sum(name.endswith("attn2.processor") for name in subject.pipe.unet.attn_processors)
    two, four = (cost(subject, BY_NAME["official"], plan_of(n)).step for n in (2, 4))
    ours = [cost(subject, BY_NAME["attention"], plan_of(n)).step for n in (2, 4)]
    assert four - two > layers * 2 * 5
    assert abs(ours[1] - ours[0]) < 10


def test_a_run_times_every_part_of_every_arm() -> None:
    drawn: list[None] = []
    small = Subject(**{**_fields(twin(5, SHALLOW)), "counts": (4,)})
    bench = Bench(small, repeats=1, warmups=0, clock="processor")
    rows = bench.rows(lambda: drawn.append(None))
    assert len(drawn) == bench.pictures == len(VARIANTS)
    assert [row.arm for row in rows] == list(BY_NAME)
    for row in rows:
        parts = row.seconds
        assert min(parts.text, parts.loop, parts.vae) > 0
        assert parts.text + parts.loop + parts.vae <= parts.total
        assert row.floor > 1
    ours = {row.arm: row for row in rows}
    assert ours[PLAIN].total.mean == ours[PLAIN].total.high == 1
    assert ours[AGAIN].flop == 1
    assert (
        small.pipe.unet.attn_processors.keys() == twin(5, SHALLOW).pipe.unet.attn_processors.keys()
    )


def test_the_ratio_of_medians_lies_in_its_interval() -> None:
    rng = np.random.default_rng(0)
    plain = rng.uniform(1, 1.1, 40)
    found = ratio(list(plain * 2 + rng.uniform(0, 0.01, 40)), list(plain))
    assert found.low <= found.mean <= found.high
    assert found.mean == pytest.approx(2, abs=0.05)


@pytest.mark.parametrize(
    ("flags", "says"),
    [
        (["--full-size"], "needs a GPU with CUDA"),
        (["--full-size", "--device", "cpu"], "--device cpu --tiny"),
        (["--tiny"], "go with --full-size"),
        (["--full-size", "--tiny", "--device", "cuda"], "drawn on the CPU"),
        (["--full-size", "--tiny", "--regions", "5"], "--regions 5: one of"),
    ],
)
def test_what_cannot_be_measured_is_refused_in_a_line(
    flags: list[str], says: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    result = CliRunner().invoke(APP, flags)
    assert result.exit_code == 2
    assert says in result.stderr


def test_the_command_writes_json_and_a_table(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("benchmarks.speed.__main__.twin", partial(twin, depth=SHALLOW))
    threads = torch.get_num_threads()
    flags = "--full-size --tiny --steps 5 --regions 4 --repeats 1 --warmups 0 --threads 1 --json"
    try:
        result = CliRunner().invoke(APP, [*flags.split(), "--md", str(tmp_path / "speed.md")])
    finally:
        torch.set_num_threads(threads)
    assert result.exit_code == 0, result.output
    told: dict[str, Any] = json.loads(result.stdout)
    assert [row["arm"] for row in told["rows"]] == list(BY_NAME)
    table = (tmp_path / "speed.md").read_text("utf-8").splitlines()
    assert len(table) == 2 + 2 + len(VARIANTS)


def test_candidates_for_a_preset_are_read_and_compared() -> None:
    assert presets.Candidate.read("dpm++2m-karras:10") == presets.Candidate("dpm++2m-karras", 10)
    cut = presets.Candidate.read("euler:6:0.6")
    assert (cut.words()["guidance_end"], cut.name) == (0.6, "euler:6:0.6")
    for text in ("euler", "euler:six", "euler:6:half", "euler:6:0.5:1", "euler:6:0", "elder:6"):
        with pytest.raises(SettingsError, match="SCHEDULER:STEPS|guidance_end|scheduler"):
            presets.Candidate.read(text)
    own = [presets.Seen(True, 1.0, 2.0)] * 6 + [presets.Seen(False, 0.5, 2.0)] * 2
    worse = [presets.Seen(False, 0.5, 1.0)] * 8
    found = presets.figures(presets.Candidate("euler", 8), worse, own)
    assert (found.right.mean, found.seconds) == (0.0, 1.0)
    assert found.against.high < 0


def test_a_candidate_is_tried_once_however_it_is_written() -> None:
    euler, cut = presets.Candidate("euler", 10), presets.Candidate("euler", 10, 0.5)
    assert presets.wanted(["euler:10", "euler:10:0.5", "euler:10:1", "euler:10:.50"]) == [
        euler,
        cut,
    ]
    names = [one.name for one in presets.wanted(presets.CANDIDATES)]
    assert names == list(presets.CANDIDATES)


def test_the_documented_candidates_are_those_tried_by_default() -> None:
    page = (ROOT / "docs/benchmarks.md").read_text("utf-8").split("**The preset `fast`**")[1]
    told = {
        f"{name}:{steps}:{'1' if end == 'all' else end}"
        for name, steps, end in re.findall(
            r"^\| ([\w+-]+) \| (\d+) \| (all|[\d.]+) \|", page.replace("**", ""), re.MULTILINE
        )
    }
    assert set(presets.wanted(sorted(told))) == set(presets.wanted(presets.CANDIDATES))


def _fields(subject: Subject) -> dict[str, Any]:
    return {name: getattr(subject, name) for name in Subject.__dataclass_fields__}
