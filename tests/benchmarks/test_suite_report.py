"""The bootstrap, and the report of pictures whose figures are known beforehand."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
import typer
from PIL import Image
from typer.testing import CliRunner, Result

from benchmarks.quality import main
from benchmarks.suite.grids import grids
from benchmarks.suite.judge import look
from benchmarks.suite.plots import plots
from benchmarks.suite.prompts import CATEGORIES, make_items
from benchmarks.suite.report import figures
from benchmarks.suite.sheet import Sheet
from benchmarks.suite.stats import difference, estimate
from benchmarks.suite.store import Row, Store
from benchmarks.suite.tables import BEGIN, END, markdown, put_into
from benchmarks.suite.variants import Method, Variant, canvas
from benchmarks.suite.work import Setup, Unit, units
from rpg.errors import SettingsError
from rpg.toybox import weights_path
from rpg.toybox.renderer import render
from rpg.toybox.scene import Scene

RNG = np.random.default_rng(5)
VARIANTS = {"plain": Variant(Method("plain")), "latent": Variant(Method("rpg"))}
POINTS = {
    "base ratio": {"0": Variant(Method("rpg")), "0.5": Variant(Method("rpg", base_ratio=0.5))}
}


def test_equal_values_leave_no_doubt() -> None:
    found = estimate(np.full(20, 0.75))
    assert (found.mean, found.low, found.high) == (0.75, 0.75, 0.75)


def test_more_prompts_say_more() -> None:
    values = RNG.random(400)
    few, many = estimate(values[:25]), estimate(values)
    assert few.low < few.mean < few.high and many.low < many.mean < many.high
    assert many.high - many.low < 0.5 * (few.high - few.low)
    assert estimate(values) == many


def test_intervals_hold_the_truth_as_often_as_they_say() -> None:
    inside = 0
    for _ in range(150):
        found = estimate((RNG.random(60) < 0.3).astype(float))
        inside += found.low <= 0.3 <= found.high
    assert 0.87 * 150 <= inside <= 0.995 * 150


def test_a_paired_difference_knows_that_prompts_differ() -> None:
    hard = RNG.random(100)
    better = hard + 0.05 + 0.01 * RNG.random(100)
    found = difference(better, hard)
    assert 0 < found.low < found.mean < found.high < 0.07
    alone = estimate(hard)
    assert found.high - found.low < 0.1 * (alone.high - alone.low)
    assert difference(hard, better).mean == pytest.approx(-found.mean)


@pytest.fixture(scope="module")
def setup() -> Setup:
    return Setup.of(weights_path())


@pytest.fixture(scope="module")
def work(setup: Setup) -> list[Unit]:
    return units(setup, make_items(2, seed=0), list(VARIANTS.values()), 1)


@pytest.fixture(scope="module")
def folder(setup: Setup, work: list[Unit], tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Plain pictures are empty, ours are as asked for but for the last prompt's, not drawn yet."""
    store = Store(tmp_path_factory.mktemp("results"))
    half = POINTS["base ratio"]["0.5"].method
    for unit in work:
        size = canvas(unit.item, setup.defaults)
        keep(store, unit, Method("plain"), Scene(*size, ()))
        if unit is not work[-1]:
            keep(store, unit, Method("rpg"), unit.item.scene_of(*size))
            keep(store, unit, half, Scene(*size, ()))
    return store.folder


def keep(store: Store, unit: Unit, method: Method, scene: Scene) -> None:
    key, picture = unit.job(method).key, render(scene)
    path = store.path(key)
    picture.save(path)
    store.add(
        Row(
            key=key,
            item=unit.item.id,
            scheme=method.scheme,
            seed=unit.seed,
            file=path.relative_to(store.folder).as_posix(),
            seen=look(picture),
            critic=0.5,
            calls=20,
            cost=1.0,
            seconds=0.5 if method.scheme == "plain" else 1.5,
        )
    )


def test_the_report_says_what_the_pictures_show(
    folder: Path, setup: Setup, work: list[Unit], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("benchmarks.suite.report._SCENES", 6)
    rows = Store(folder).rows()
    found = figures(setup, work, VARIANTS, rows, points=POINTS, short=work)
    assert found == json.loads(json.dumps(found))
    assert found["prompts"] == {"asked": 14, "complete": 13}
    strict = found["tables"]["strict"]
    assert list(strict) == [*CATEGORIES, "all"] and strict["all"]["n"] == 13
    for of in strict.values():
        assert of["arms"]["plain"]["mean"] == 0 and of["arms"]["latent"]["mean"] == 1
    scenes = found["tables"]["score"]["scene"]["arms"]["plain"]
    assert scenes["mean"] <= 0.5  # an empty picture of the snow has the right ground at most
    gained = {(d["arm"], d["measure"]): d for d in found["differences"]}
    assert gained["latent", "strict"]["low"] == 1
    assert found["costs"]["latent"] == {"pictures": 1, "calls": 20, "cost": 1, "seconds": 1.5}
    points = found["ablations"]["base ratio"]
    assert points["n"] == 13
    assert [points["points"][b]["strict"]["mean"] for b in ("0", "0.5")] == [1, 0]
    assert set(found["judge"]["right"].values()) == {1.0}

    text = markdown(found)
    assert "| all | 13 | 0.0 [0, 0] | 100.0 [100, 100] |" in text
    assert "latent minus plain | strict | +100.0 [+100.0, +100.0]" in text
    written = plots(found, tmp_path)
    assert {path.stem for path in written} == {"score", "strict", "things", "ablation-base-ratio"}
    for path in written:
        with Image.open(path) as image:
            assert min(image.size) > 200


def test_a_report_of_nothing_yet(setup: Setup, work: list[Unit], tmp_path: Path) -> None:
    sheet = Sheet.of(work, VARIANTS, {})
    assert not sheet.items and grids(sheet, tmp_path, tmp_path / "grids") == []


def test_sheets_show_every_arm_s_picture(folder: Path, work: list[Unit], tmp_path: Path) -> None:
    sheet = Sheet.of(work, VARIANTS, Store(folder).rows())
    written = grids(sheet, folder, tmp_path, rows=1)
    assert {path.stem for path in written} == set(CATEGORIES)
    with Image.open(tmp_path / "color.png") as paper:
        pixels = np.asarray(paper.convert("RGB")).astype(int)
    line = next(i for i, item in enumerate(sheet.items) if item.category == "color")
    with Image.open(folder / sheet.pictures["latent"][line][0].file) as picture:
        size = (round(side * 192 / max(picture.size)) for side in picture.size)
        shown = picture.convert("RGB").resize((next(size), next(size)), Image.Resampling.LANCZOS)
    inner = np.asarray(shown).astype(int)[1:-1, 1:-1]  # within its edge
    height, width = inner.shape[:2]
    right = pixels[:, 217 : 217 + width]  # the second column: two gaps, a picture and the edge
    places = range(len(right) - height + 1)
    assert any((right[top : top + height] == inner).all() for top in places)


def test_tables_are_put_into_their_place(tmp_path: Path) -> None:
    page = tmp_path / "page.md"
    page.write_text(f"# Before\n\n{BEGIN}\nold\n{END}\n\nafter\n")
    for text in ("first\n", "second\n"):
        put_into(page, text)
    assert page.read_text() == f"# Before\n\n{BEGIN}\n\nsecond\n\n{END}\n\nafter\n"
    page.write_text("no place")
    with pytest.raises(SettingsError, match="page.md"):
        put_into(page, "third")


def test_the_page_has_a_place_for_the_tables() -> None:
    page = (Path(__file__).parents[2] / "docs/benchmarks.md").read_text()
    assert END in page.partition(BEGIN)[2]


def test_the_command_draws_and_reports(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("benchmarks.suite.report._SCENES", 6)
    chosen = [
        "--categories",
        "color",
        "--limit",
        "1",
        "--variants",
        "plain",
        "--variants",
        "latent",
    ]
    told = command("--steps", "1", "--out", str(tmp_path), *chosen, "--json")
    assert told.exit_code == 0, told.output
    found = json.loads((tmp_path / "report.json").read_text())
    assert json.loads(told.stdout) == found
    assert list(found["costs"]) == ["plain", "latent"] and found["setup"]["steps"] == 1
    made = {path.relative_to(tmp_path).as_posix() for path in tmp_path.rglob("*.*")}
    assert {"results.jsonl", "tables.md", "grids/color.png", "plots/strict.png"} <= made


@pytest.mark.parametrize(
    ("flags", "word"),
    [
        (["--variants", "best"], "'best of N, plain'"),
        (["--categories", "patterns"], "'numeracy'"),
        (["--model", "some/model"], "diffusers' layout"),
        (["--suite", "geneval"], "--prompts"),
    ],
)
def test_flags_that_cannot_be(flags: list[str], word: str, tmp_path: Path) -> None:
    told = command("--out", str(tmp_path / "out"), *flags)
    assert told.exit_code == 2 and word in " ".join(told.stderr.split())
    assert not (tmp_path / "out").exists()


def command(*words: str) -> Result:
    app = typer.Typer()
    app.command()(main)
    return CliRunner().invoke(app, words)
