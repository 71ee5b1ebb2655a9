"""The Refine tab in a browser: what a person does with a picture."""

from __future__ import annotations

from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from rpg.session import Session, Sessions
from tests.ui import toys

HOSTILE = "<img src=x onerror=alert(1)> **${alert(2)}** {{3}} $$x^2$$"
DRAWN = 60_000  # milliseconds; the machine may be busy


@pytest.fixture
def kept(store: Path) -> Session:
    return toys.session(Sessions(store), HOSTILE)


def visit(tab: Page, kept: Session) -> None:
    """The Refine tab of the session that was made last."""
    tab.get_by_role("tab", name="Sessions").click()
    shelf = tab.locator("#sessions-gallery button.thumbnail-item")
    shelf.filter(has_text=kept.title).first.click()
    tab.get_by_role("button", name="Open", exact=True).click()
    expect(tab.locator("#picture-now img")).to_be_visible()


def says(tab: Page, words: str) -> None:
    expect(tab.locator("#refine-status")).to_contain_text(words, timeout=DRAWN)


def wish(tab: Page, words: str) -> None:
    box = tab.get_by_label("What should change?")
    box.fill(words)
    box.press("Enter")


def test_a_picture_is_changed_by_words_and_back(tab: Page, kept: Session) -> None:
    visit(tab, kept)
    expect(tab.locator("#picture-now")).to_contain_text(HOSTILE)
    expect(tab.locator("#undo")).to_be_disabled()
    wish(tab, "make the star green")
    says(tab, "Turn 2 is drawn")
    assert toys.colours(kept, 2)["star"] == "green"
    talk = tab.locator("#conversation")
    expect(talk).to_contain_text("make the star green")
    expect(talk).to_contain_text("a red star became a green star")
    expect(tab.locator("#before-after img").first).to_be_visible()
    tab.get_by_role("button", name="Reject").click()
    says(tab, "back at turn 1")
    assert kept.refresh().head == 1
    expect(tab.get_by_role("button", name="Reject")).to_be_hidden()
    tab.locator("#redo").click()
    says(tab, "at turn 2 again")
    tab.locator("#history button.thumbnail-item").first.click()
    says(tab, "At turn 1.")
    expect(tab.locator("#history")).to_contain_text("▸ 1")
    wish(tab, HOSTILE)
    expect(tab.locator("#refine-status [role=alert]")).to_be_visible(timeout=DRAWN)
    expect(talk).to_contain_text(HOSTILE)
    assert talk.locator("img").count() == 0
    name = tab.get_by_label("Name of this turn")
    name.fill(HOSTILE)
    name.press("Enter")
    expect(tab.locator("#history")).to_contain_text(HOSTILE[:20])
    tab.reload()
    tab.get_by_role("tab", name="Refine").click()
    expect(talk).to_contain_text("a red star became a green star")
    tab.get_by_role("tab", name="Create").click()
    expect(tab.locator("#prompt textarea")).to_have_value(toys.PROMPT)


def test_a_mask_is_painted_before_it_is_drawn(tab: Page, kept: Session) -> None:
    visit(tab, kept)
    tab.get_by_label("Show me the mask first").check()
    wish(tab, "make the star green")
    says(tab, "Pink is drawn anew")
    canvas = tab.locator("#mask-editor canvas").first
    expect(canvas).to_be_visible()
    tab.wait_for_timeout(4000)  # the editor loads picture and layer; nothing on the page tells
    box = canvas.bounding_box()
    assert box is not None
    tab.mouse.move(box["x"] + box["width"] * 0.6, box["y"] + box["height"] * 0.2)
    tab.mouse.down()
    tab.mouse.move(box["x"] + box["width"] * 0.66, box["y"] + box["height"] * 0.2, steps=6)
    tab.mouse.up()
    tab.get_by_role("button", name="Draw it").click()
    says(tab, "Turn 2 is drawn")
    expect(canvas).to_be_hidden(timeout=DRAWN)
    mask = kept.mask(2)
    assert mask is not None
    assert mask.crop((128, 0, 256, 120)).getbbox() is not None  # what was painted
    assert mask.crop((0, 128, 128, 256)).getbbox() is not None  # what was proposed
    assert toys.colours(kept, 2)["star"] == "green"


def test_it_mends_itself_round_by_round(tab: Page, store: Path) -> None:
    kept = toys.session(Sessions(store), star="yellow")
    visit(tab, kept)
    tab.get_by_role("button", name="Look at it").click()
    says(tab, "Turn 1 scores 0.")
    expect(tab.locator("#findings")).to_contain_text("the star is red")
    tab.get_by_text("Let it mend itself").click()
    tab.locator("#refine-rounds input[type=number]").fill("1")
    tab.get_by_role("button", name="Refine it").click()
    outcomes = tab.locator("#refine-outcomes")
    expect(outcomes).to_contain_text("Round 1: ", timeout=DRAWN)
    expect(tab.get_by_role("button", name="Stop, keep the best")).to_be_hidden(timeout=DRAWN)
    outcomes.get_by_text("Before: ").click()
    expect(tab.locator("#findings")).to_contain_text("yellow")
    assert len(kept.turns) == 2 and kept.turn(2).critique is not None
    expect(tab.locator("#conversation")).to_contain_text("Drawn again by itself")


def test_a_planner_that_nobody_can_reach_is_told_in_one_line(tab: Page, kept: Session) -> None:
    tab.get_by_text("Planner: by rules, offline").click()
    tab.get_by_label("Language model").check()
    tab.locator("#planner-url input, #planner-url textarea").fill("http://127.0.0.1:9/v1")
    visit(tab, kept)
    tab.get_by_text("Let it mend itself").click()
    tab.get_by_role("button", name="Refine it").click()
    alert = tab.locator("#refine-status [role=alert]")
    expect(alert).to_contain_text("Cannot reach http://127.0.0.1:9/v1: ", timeout=DRAWN)
    expect(tab.get_by_role("button", name="Refine it")).to_be_enabled()
    expect(tab.locator("#picture-now img")).to_be_visible()
    expect(tab.locator("#conversation")).to_contain_text("Cannot reach")
    assert kept.refresh().head == 1 and len(kept.turns) == 1


def test_two_windows_on_one_session_lose_nothing(tab: Page, kept: Session) -> None:
    kept.add(toys.picture("green"), toys.record(5), parent=1)
    visit(tab, kept)
    kept.refresh()
    kept.branch(1)  # as another window would
    tab.locator("#undo").click()
    says(tab, "moved to turn 1 in another window")
    expect(tab.locator("#history")).to_contain_text("▸ 1")
    assert {turn.id for turn in kept.turns} == {1, 2}
