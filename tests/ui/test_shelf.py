"""The shelf of sessions, without a browser."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from PIL import Image

from rpg.errors import SessionError
from tests.ui import toys
from ui.plan_book import PlanBook
from ui.shared import Place, Shared
from ui.shelf import arrived
from ui.shelving import MOST_SHOWN, exported, imported, shelf, when
from ui.workshop import Workshop

DAY = 24 * 3600.0


@pytest.fixture
def rpg() -> Any:
    return toys.model()


def test_an_empty_shelf_says_so(shop: Workshop) -> None:
    seen = shelf(shop)
    assert seen.items == [] and "No sessions yet" in seen.line


def test_sessions_are_shown_with_thumbnails_the_newest_first(shop: Workshop) -> None:
    old, new = toys.session(shop.sessions), toys.session(shop.sessions, "<b>mine</b>")
    shop.sessions.create()
    seen = shelf(shop)
    assert seen.ids[1:] == [new.id, old.id]
    assert seen.items[1][1] == "<b>mine</b> · 1 turn · just now"
    assert seen.items[2][1].startswith(f"{toys.PROMPT} · 1 turn")
    assert seen.items[0][1].startswith("Without a title · 0 turns")
    for path, _ in seen.items:
        with Image.open(path) as thumbnail:
            assert thumbnail.size == (256, 256)


def test_a_lost_picture_costs_its_thumbnail_alone(shop: Workshop) -> None:
    lost, kept = toys.session(shop.sessions), toys.session(shop.sessions, star="green")
    lost.path(1).unlink()
    assert set(shelf(shop).ids) == {lost.id, kept.id}


def test_of_many_sessions_the_newest_are_shown(shop: Workshop) -> None:
    for _ in range(MOST_SHOWN + 2):
        shop.sessions.create()
    seen = shelf(shop)
    assert len(seen.items) == len(seen.ids) == MOST_SHOWN
    assert seen.line.startswith(f"The newest {MOST_SHOWN} of {MOST_SHOWN + 2} sessions")


@pytest.mark.parametrize(
    ("ago", "words"),
    [
        (5, "just now"),
        (300, "5 min ago"),
        (3 * 3600, "3 h ago"),
        (DAY, "1 day ago"),
        (6 * DAY, "6 days ago"),
    ],
)
def test_time_is_told_in_words(ago: float, words: str) -> None:
    assert when(1e9 - ago, 1e9) == words


def test_long_ago_is_a_date() -> None:
    assert when(1e9 - 30 * DAY, 1e9).endswith("Aug 2001")


def test_a_session_goes_out_and_comes_in(shop: Workshop) -> None:
    kept = toys.session(shop.sessions, "../A walk: in <snow>")
    path = exported(shop, kept.id)
    assert Path(path).name == f"a-walk-in-snow-{kept.id}.zip"
    taken = imported(shop, path)
    assert taken.id != kept.id and taken.title == kept.title
    assert taken.image(1).tobytes() == kept.image(1).tobytes()


def test_a_file_that_is_no_session_is_named_without_its_path(
    shop: Workshop, tmp_path: Path
) -> None:
    bad = tmp_path / "bad.zip"
    bad.write_bytes(b"PK nothing of the kind")
    with pytest.raises(SessionError) as caught:
        imported(shop, str(bad))
    assert str(tmp_path) not in str(caught.value)
    assert shop.sessions.list() == ()


def test_a_session_that_is_opened_brings_everything(shop: Workshop, shared: Shared) -> None:
    kept = toys.session(shop.sessions)
    updates = arrived(shared, Place(), kept.id)
    assert updates[shared.place] == Place(kept.id, 1, 1)
    assert updates[shared.book] == PlanBook().with_plan(toys.plan())
    assert updates[shared.prompt] == toys.PROMPT
    assert all(field in updates for field in shared.settings.fields)
    assert updates[shared.selected].selected == "refine"


def test_an_empty_session_is_opened_to_be_filled(shop: Workshop, shared: Shared) -> None:
    empty = shop.sessions.create()
    updates = arrived(shared, Place(), empty.id)
    assert updates[shared.place].session == empty.id and shared.book not in updates
    assert updates[shared.selected].selected == "create"


def test_a_session_that_is_gone_is_said(shared: Shared) -> None:
    with pytest.raises(SessionError):
        arrived(shared, Place(), "0123456789ab")
