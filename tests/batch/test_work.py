"""Runs: what is drawn, skipped, mended and told."""

from __future__ import annotations

from functools import wraps
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

from rpg import metadata
from rpg.batch import Shard, Work, entries, redrawn
from rpg.batch.events import BatchEvent, Counted, Faulty, PictureDrawn, Progress, Said
from rpg.errors import ChatAccessError, ChatError, SettingsError, StoreError
from rpg.pipeline import RPGPipeline
from rpg.plans.plan import Plan
from tests.batch.helpers import PICTURES, ROWS, drawn, faulty, files, listed, little, run, wanted
from tests.pipeline.helpers import HalvesPlanner, same

STAR, MOON = {"prompt": "a red star"}, {"prompt": "a blue moon"}


@pytest.fixture(scope="module")
def rpg() -> RPGPipeline:
    return little()


@pytest.fixture(scope="module")
def whole(rpg: RPGPipeline, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The rows drawn without a break, up to two at once."""
    folder = tmp_path_factory.mktemp("whole")
    run(work(folder, batch_size=2), rpg)
    return folder


def work(folder: Path, rows: list[Any] = ROWS, **words: Any) -> Work:
    folder.mkdir(exist_ok=True)
    return Work(folder, listed(folder, rows), **words)


def never() -> RPGPipeline:
    raise AssertionError("nothing is to be drawn")


class Unwilling(HalvesPlanner):
    """Refuses a prompt so many times."""

    def __init__(self, prompt: str, times: int, error: type[Exception] = ChatError) -> None:
        super().__init__()
        self._prompt, self._times, self._error = prompt, times, error

    def plan(self, prompt: str, **words: Any) -> Plan:
        plan = super().plan(prompt, **words)
        if prompt == self._prompt and self.asked.count(prompt) <= self._times:
            raise self._error("no answer")
        return plan


def test_every_row_has_its_picture_which_remembers(whole: Path) -> None:
    found = {one.file: one for one in entries(whole) if one is not None}
    assert len(found) == sum(1 for _ in entries(whole)) == PICTURES
    assert files(whole).keys() == found.keys()
    for name, entry in found.items():
        assert metadata.read(whole / name) == entry.record
        assert entry.record.settings.seed == entry.seeds[entry.index]
        assert entry.bytes == (whole / name).stat().st_size
    assert {"rpg", "torch", "diffusers", "device", "dtype"} == set(next(iter(found.values())).made)
    park = next(one.record.plan for one in found.values() if "tree" in one.record.plan.prompt)
    assert (park.base_prompt, park.negative) == ("a park", "grey")


def test_a_line_of_the_manifest_draws_its_picture_again(whole: Path, rpg: RPGPipeline) -> None:
    lines = list(entries(whole))
    for entry in lines:
        assert entry is not None
        with Image.open(whole / entry.file) as image:
            assert same(image, redrawn(entry, rpg, lines))
    several = [one for one in lines if one is not None and one.beside]
    assert [len(one.beside) for one in several] == [2, 2]
    with pytest.raises(SettingsError, match="drawn at once with pictures that no line given"):
        redrawn(several[0], rpg)


def test_plans_alike_are_drawn_at_once_and_come_out_as_alone(
    whole: Path, rpg: RPGPipeline, tmp_path: Path
) -> None:
    run(work(tmp_path), rpg)
    assert files(tmp_path).keys() == files(whole).keys()
    for name in files(whole):
        with Image.open(whole / name) as one, Image.open(tmp_path / name) as other:
            assert same(one, other, tolerance=1)


@pytest.mark.parametrize(
    ("rows", "line"), [(ROWS[-2:], 1), ([STAR, ROWS[1]], 2)], ids=["prompts", "seeds"]
)
def test_where_several_fail_at_once_each_is_tried_alone(
    rpg: RPGPipeline,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    rows: list[dict[str, Any]],
    line: int,
) -> None:
    decode = rpg.pipe.vae.decode

    def narrow(latents: Any, **words: Any) -> Any:
        if len(latents) > 1:
            raise RuntimeError("out of memory")
        return decode(latents, **words)

    monkeypatch.setattr(rpg.pipe.vae, "decode", narrow)
    todo = work(tmp_path, rows, batch_size=3)
    events = run(todo, rpg)
    assert faulty(events) == []
    assert sorted(drawn(events)) == sorted(one.file for one in todo.listing.pictures)
    lines = [one for one in entries(tmp_path) if one is not None]
    assert {(one.beside, one.index, len(one.seeds)) for one in lines} == {((), 0, 1)}
    said = [(one.line, one.text[:31]) for one in events if isinstance(one, Said)]
    assert said == [(line, "drawn one by one: out of memory")]
    with Image.open(tmp_path / lines[-1].file) as image:
        assert same(image, redrawn(lines[-1], rpg))


def test_a_notice_is_of_the_line_whose_plan_or_picture_it_is_about(
    rpg: RPGPipeline, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    decode = rpg.pipe.vae.decode

    def overflowed(latents: Any, **words: Any) -> Any:
        (images,) = decode(latents, **words)
        images[-1] *= float("nan")
        return (images,)

    monkeypatch.setattr(rpg.pipe.vae, "decode", overflowed)
    events = run(work(tmp_path, [STAR, MOON], batch_size=2), rpg)
    said = [(one.line, one.text[:27]) for one in events if isinstance(one, Said)]
    assert said == [(2, "picture 1 is entirely black")]


def test_what_is_there_is_not_drawn_and_loads_no_model(whole: Path) -> None:
    before = files(whole)
    events = run(work(whole, batch_size=2), never)
    assert events == [Counted(PICTURES, 0, 0)]
    assert files(whole) == before


def test_a_run_that_goes_on_draws_what_one_without_a_break_does(
    whole: Path, rpg: RPGPipeline, tmp_path: Path
) -> None:
    """Also where the break is within a pass: it is drawn as a whole again, and kept in part."""
    events: list[BatchEvent] = []
    for limit in (1, 2, 3, 1, 1, 5):
        events += run(work(tmp_path, batch_size=2, limit=limit), rpg)
    assert [event for event in events if isinstance(event, Said | Faulty)] == []
    assert len(drawn(events)) == PICTURES
    assert files(tmp_path) == files(whole)
    assert sorted(map(str, entries(tmp_path))) == sorted(map(str, entries(whole)))


@pytest.mark.parametrize(("size", "count"), [(1, 3), (2, 2)])
def test_shards_together_are_the_whole(
    rpg: RPGPipeline, tmp_path: Path, size: int, count: int
) -> None:
    rows = [*ROWS, *({"prompt": f"a cat and {'grass ' * n}"} for n in range(1, 5))]
    all_, parts = tmp_path / "all", tmp_path / "parts"
    run(work(all_, rows, batch_size=size), rpg)
    shards = [Shard(i, count) for i in range(count, 0, -1)]
    told = [drawn(run(work(parts, rows, batch_size=size, shard=one), rpg)) for one in shards]
    assert all(told)
    assert len({name for names in told for name in names}) == sum(map(len, told))
    assert files(parts) == files(all_)
    again = run(work(parts, rows, batch_size=size), never)
    assert again == [Counted(len(files(all_)), 0, 0)]


def test_a_lost_or_torn_picture_is_drawn_again(rpg: RPGPipeline, tmp_path: Path) -> None:
    run(work(tmp_path), rpg)
    before = files(tmp_path)
    lost, torn = sorted(before)[:2]
    (tmp_path / lost).unlink()
    (tmp_path / torn).write_bytes(before[torn][:-1])
    events = run(work(tmp_path), rpg)
    assert sorted(drawn(events)) == [lost, torn]
    said = [event.text for event in events if isinstance(event, Said)]
    assert sorted(said) == [f"{name} is gone or was changed: drawn again" for name in (lost, torn)]
    assert files(tmp_path) == before


def test_rows_may_come_go_and_move(rpg: RPGPipeline, tmp_path: Path) -> None:
    run(work(tmp_path, [STAR, MOON]), rpg)
    events = run(work(tmp_path, [MOON, {"prompt": "a tree"}, STAR]), rpg)
    assert events[0] == Counted(2, 1, 0)
    assert [name[:6] for name in drawn(events)] == ["a-tree"]
    assert run(work(tmp_path, [STAR]), never) == [Counted(1, 0, 0)]


def test_a_subject_is_planned_once_and_its_plan_kept(rpg: RPGPipeline, tmp_path: Path) -> None:
    planner = HalvesPlanner()
    rows = [STAR, {**STAR, "guidance_scale": 2.0}, MOON, STAR]
    run(work(tmp_path, rows, limit=1), rpg, planner)
    run(work(tmp_path, rows, look_ahead=0), rpg, planner)
    assert sorted(planner.asked) == ["a blue moon", "a red star"]


def test_a_row_that_fails_costs_no_other_and_is_tried_again(
    rpg: RPGPipeline, tmp_path: Path
) -> None:
    planner = Unwilling("a red star", times=1)
    events = run(work(tmp_path, [STAR, MOON, STAR]), rpg, planner)
    assert [name[:6] for name in drawn(events)] == ["a-blue"]
    assert faulty(events) == ["no answer", "no answer"]  # asked once for both
    assert len(drawn(run(work(tmp_path, [STAR, MOON, STAR]), rpg, planner))) == 2


def test_a_retry_comes_at_the_end(rpg: RPGPipeline, tmp_path: Path) -> None:
    events = run(work(tmp_path, [STAR, MOON], retry=2), rpg, Unwilling("a red star", times=2))
    assert [name[:6] for name in drawn(events)] == ["a-blue", "a-red-"]
    assert faulty(events) == []
    assert "will be tried again: no answer" in {
        event.text for event in events if isinstance(event, Said)
    }


def test_a_retry_draws_the_plan_that_was_made(
    rpg: RPGPipeline, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    rows, planner = [{**STAR, "base_prompt": "a park", "negative_prompt": "grey"}], HalvesPlanner()
    run(work(tmp_path / "whole", rows), rpg)
    decode = rpg.pipe.vae.decode

    def full(*_: Any, **__: Any) -> Any:
        monkeypatch.setattr(rpg.pipe.vae, "decode", decode)
        raise RuntimeError("out of memory")

    monkeypatch.setattr(rpg.pipe.vae, "decode", full)
    run(work(tmp_path / "again", rows, retry=1), rpg, planner)
    assert planner.asked == ["a red star"]
    assert files(tmp_path / "again") == files(tmp_path / "whole") != {}


def test_a_failure_in_the_model_is_a_fault_of_its_row(rpg: RPGPipeline, tmp_path: Path) -> None:
    decode, encode = rpg.pipe.vae.decode, rpg.pipe.encode_prompt
    rows = [MOON, {**STAR, "clip_skip": 1}, {**MOON, "seed": 1}]

    @wraps(encode)
    def broken(*args: Any, **words: Any) -> Any:
        if words.get("clip_skip"):
            raise KeyError("odd")
        return encode(*args, **words)

    def full(latents: Any, **words: Any) -> Any:
        if len(files(tmp_path)) == 1:
            rpg.pipe.vae.decode = decode
            raise RuntimeError("out of memory")
        return decode(latents, **words)

    rpg.pipe.vae.decode, rpg.pipe.encode_prompt = full, broken
    try:
        events = run(work(tmp_path, [*rows, STAR]), rpg)
    finally:
        rpg.pipe.vae.decode = decode
        del rpg.pipe.encode_prompt
    (memory, clip) = faulty(events)
    assert "unexpected KeyError" in clip
    assert "out of memory: ask for a smaller size" in memory
    assert len(drawn(events)) == 2
    assert len(drawn(run(work(tmp_path, [*rows, STAR]), rpg))) == 2


def test_a_key_that_is_wrong_ends_the_run(rpg: RPGPipeline, tmp_path: Path) -> None:
    with pytest.raises(ChatAccessError):
        run(work(tmp_path, [STAR, MOON]), rpg, Unwilling("a red star", 1, ChatAccessError))


def test_a_strangers_file_is_not_replaced(rpg: RPGPipeline, tmp_path: Path) -> None:
    rows = [{**STAR, "name": "mine"}, {**MOON, "name": "free"}]
    (tmp_path / "mine.png").write_bytes(b"dear to me")
    events = run(work(tmp_path, rows), rpg)
    assert drawn(events) == ["free.png"]
    assert "is there and no picture of this batch" in faulty(events)[0]
    assert (tmp_path / "mine.png").read_bytes() == b"dear to me"


def test_a_row_that_keeps_its_name_replaces_its_picture(rpg: RPGPipeline, tmp_path: Path) -> None:
    star, moon = {**STAR, "name": "it"}, {**MOON, "name": "it"}
    run(work(tmp_path, [star]), rpg)
    first = files(tmp_path)
    events = run(work(tmp_path, [moon]), rpg)
    assert Said(1, "it.png shows what its row said before: replaced") in events
    assert files(tmp_path) != first
    manifest = tmp_path / "manifest.jsonl"
    lines = [one for one in entries(tmp_path) if one is not None]
    alike = [one.model_copy(update={"bytes": lines[1].bytes}) for one in lines]  # by mere chance
    manifest.write_text("".join(one.model_dump_json() + "\n" for one in alike))
    assert run(work(tmp_path, [moon]), never) == [Counted(1, 0, 0)]
    assert drawn(run(work(tmp_path, [star]), rpg)) == ["it.png"]
    assert files(tmp_path) == first


def test_a_picture_without_a_line_and_drafts_of_a_killed_run(
    rpg: RPGPipeline, tmp_path: Path
) -> None:
    """Killed after the picture was put in its place, and in the middle of the next one."""
    run(work(tmp_path, [STAR]), rpg)
    before = files(tmp_path)
    (tmp_path / "manifest.jsonl").unlink()
    (name,) = before
    drafts = [tmp_path / f".{name}.0123abcd", tmp_path / ".other.png.0123abcd"]
    for draft in drafts:
        draft.touch()
    assert drawn(run(work(tmp_path, [STAR]), rpg)) == [name]
    assert files(tmp_path) == before
    assert [draft.exists() for draft in drafts] == [False, True]


def test_closing_stops_within_a_step_and_the_next_run_goes_on(
    rpg: RPGPipeline, tmp_path: Path
) -> None:
    events = work(tmp_path, [STAR, MOON]).run(lambda: rpg, HalvesPlanner())
    for event in events:
        if isinstance(event, Progress) and files(tmp_path):
            break
    events.close()
    assert len(files(tmp_path)) == 1
    assert len(drawn(run(work(tmp_path, [STAR, MOON]), rpg))) == 1


def test_a_rehearsal_plans_and_writes_nothing(tmp_path: Path) -> None:
    planner = Unwilling("a red star", times=9)
    events = list(Work(tmp_path / "out", listed(tmp_path, [STAR, MOON])).rehearse(never, planner))
    assert [name[:6] for name in wanted(events)] == ["a-blue"]
    assert faulty(events) == ["no answer"]
    assert not (tmp_path / "out").exists()


def test_pictures_may_be_enlarged(rpg: RPGPipeline, tmp_path: Path) -> None:
    (event,) = [
        one for one in run(work(tmp_path, [STAR], scale=3), rpg) if isinstance(one, PictureDrawn)
    ]
    assert metadata.read(event.path).scale == 3
    with Image.open(event.path) as image:
        assert image.size == (96, 96)


def test_another_models_line_is_not_drawn_again(whole: Path, rpg: RPGPipeline) -> None:
    entry = next(entries(whole))
    assert entry is not None
    other = entry.record.model_copy(update={"model": "other"})
    with pytest.raises(SettingsError, match="made with other, not little"):
        redrawn(entry.model_copy(update={"record": other}), rpg)
    with pytest.raises(SettingsError, match="made with latents"):
        needy = entry.record.model_copy(update={"needs": ("latents",)})
        redrawn(entry.model_copy(update={"record": needy}), rpg)


@pytest.mark.parametrize("size", [1, 2])
def test_a_full_disk_ends_the_run_and_leaves_it_whole(
    rpg: RPGPipeline, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, size: int
) -> None:
    def full(*_: Any) -> None:
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as patch, pytest.raises(StoreError, match="No space left"):
        patch.setattr("os.replace", full)
        run(work(tmp_path, [STAR, MOON], batch_size=size), rpg)
    assert [path.name for path in tmp_path.iterdir() if path.suffix not in (".jsonl",)] == []
    assert len(drawn(run(work(tmp_path, [STAR, MOON]), rpg))) == 2
