"""Passes and shards: whole, disjoint, and the same whatever was drawn before."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rpg.batch.passes import Shard, Window, passes, windows
from rpg.batch.pictures import Picture
from rpg.batch.rows import row
from rpg.batch.state import limited
from rpg.errors import SettingsError
from rpg.settings import GenerationSettings

GROUPS = st.lists(st.sampled_from("abcd"), max_size=30)
ROW = row(1, {"prompt": "a"}, GenerationSettings())


def pictures(groups: list[str]) -> list[Picture]:
    return [Picture(str(i), ROW, i, f"{i}.png", one, one) for i, one in enumerate(groups)]


@given(GROUPS, st.integers(1, 5))
def test_each_picture_is_in_one_pass_with_its_like(groups: list[str], size: int) -> None:
    all_ = pictures(groups)
    found = passes(all_, size)
    assert sorted(part.seed for one in found for part in one.pictures) == list(range(len(all_)))
    for one in found:
        assert 1 <= len(one.pictures) <= size
        assert len({part.group for part in one.pictures}) == 1
        assert one.missing == one.pictures
        seeds = [part.seed for part in one.pictures]
        assert seeds == sorted(seeds)
    full = sum(-(-groups.count(group) // size) for group in set(groups))
    assert len(found) == full  # no more passes than it takes


@given(GROUPS, GROUPS, st.integers(1, 5))
def test_rows_of_other_plans_do_not_change_a_pass(
    groups: list[str], others: list[str], size: int
) -> None:
    theirs = [Picture(f"x{i}", ROW, i, f"x{i}.png", f"x{g}", f"x{g}") for i, g in enumerate(others)]
    mixed = passes([*theirs, *pictures(groups)], size)
    assert [one for one in mixed if not one.subject.startswith("x")] == passes(
        pictures(groups), size
    )


@given(GROUPS, st.integers(1, 3), st.integers(1, 7))
def test_shards_are_disjoint_whole_and_even(groups: list[str], size: int, count: int) -> None:
    all_ = windows(passes(pictures(groups), size), size)
    shares = [Shard(index, count).of(all_) for index in range(1, count + 1)]
    ids = [part.id for share in shares for part in every(share)]
    assert sorted(ids) == sorted(part.id for part in every(all_))
    assert len(ids) == len(groups)
    assert max(map(len, shares)) - min(map(len, shares)) <= 1


@given(GROUPS, st.integers(1, 4), st.integers(1, 40))
def test_a_limit_is_kept_to_the_picture(groups: list[str], size: int, limit: int) -> None:
    all_ = windows(passes(pictures(groups), size), size)
    some = limited(all_, limit)
    wanted = [part.id for window in some for one in window for part in one.missing]
    assert wanted == [part.id for part in every(all_)][:limit]
    assert every(some) == every(all_[: len(some)])


@given(GROUPS, st.integers(1, 4))
def test_a_window_is_a_few_calls_worth(groups: list[str], size: int) -> None:
    all_ = passes(pictures(groups), size)
    found = windows(all_, size)
    assert sorted(map(str, all_)) == sorted(str(one) for window in found for one in window)
    alone = [window for window in found if 2 * len(window[0].pictures) > size]
    assert all(len(window) == 1 for window in alone)
    shared = [len(every([window])) for window in found if window not in alone]
    assert all(4 * size <= count < 4.5 * size for count in shared[:-1])
    firsts = [all_.index(window[0]) for window in found]
    assert firsts == sorted(firsts)


@pytest.mark.parametrize(("prompts", "each", "share"), [(16, 4, 16), (32, 2, 16), (64, 1, 16)])
def test_shares_are_as_large_however_many_pictures_a_prompt_has(
    prompts: int, each: int, share: int
) -> None:
    all_ = windows(passes(pictures([f"{i}" for i in range(prompts)] * each), 4), 4)
    assert [len(every(Shard(index, 4).of(all_))) for index in range(1, 5)] == [share] * 4


def every(windows: list[Window]) -> list[Picture]:
    """All pictures of windows, wanted or not."""
    return [part for window in windows for one in window for part in one.pictures]


@pytest.mark.parametrize("text", ["", "1", "0/2", "3/2", "-1/2", "1/0", "1/2/3", "a/b", "1/99999"])
def test_shards_that_cannot_be(text: str) -> None:
    with pytest.raises(SettingsError, match="expected I/N"):
        Shard.parse(text)


def test_every_shard_has_its_own_file() -> None:
    assert Shard.parse(" 2/3 ") == Shard(2, 3)
    assert Shard(2, 3).named("manifest") == "manifest-2-of-3.jsonl"
    assert Shard().named("manifest") == "manifest.jsonl"
