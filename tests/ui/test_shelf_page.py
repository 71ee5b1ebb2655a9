"""Sessions and opened pictures in a browser."""

from __future__ import annotations

from pathlib import Path

from playwright.sync_api import Page, expect

from rpg.session import Sessions
from tests.ui import toys

TITLE = "<script>alert(1)</script> ${2} {{3}}"


def choose(tab: Page, words: str) -> None:
    tab.get_by_role("tab", name="Sessions").click()
    tab.locator("#sessions-gallery button.thumbnail-item", has_text=words).first.click()


def test_a_session_is_found_opened_renamed_taken_away_and_brought_back(
    tab: Page, store: Path, tmp_path: Path
) -> None:
    sessions = Sessions(store)
    kept = toys.session(sessions, TITLE)  # by another program: the app has never seen it
    choose(tab, TITLE)
    title = tab.locator("#session-title textarea, #session-title input")
    expect(title).to_have_value(TITLE)
    tab.get_by_role("button", name="Open", exact=True).click()
    expect(tab.locator("#picture-now img")).to_be_visible()
    tab.get_by_role("tab", name="Create").click()
    expect(tab.locator("#prompt textarea")).to_have_value(toys.PROMPT)
    choose(tab, TITLE)
    tab.wait_for_timeout(3000)  # the choice fills the title in again; nothing tells when it has
    title.fill("mine now")
    tab.get_by_role("button", name="Rename").click()
    expect(tab.locator("#sessions-gallery")).to_contain_text("mine now")
    assert sessions.open(kept.id).title == "mine now"
    with tab.expect_download() as waiting:
        tab.get_by_role("button", name="Export as zip").click()
    waiting.value.save_as(tmp_path / "mine.zip")
    tab.get_by_role("button", name="Delete", exact=True).click()
    tab.get_by_role("button", name="Keep it").click()
    expect(tab.get_by_role("button", name="Delete for good")).to_be_hidden()
    tab.get_by_role("button", name="Delete", exact=True).click()
    tab.get_by_role("button", name="Delete for good").click()
    expect(tab.locator("#shelf-status")).to_contain_text("Deleted.")
    assert kept.id not in [one.id for one in sessions.list()]
    with tab.expect_file_chooser() as choosing:
        tab.get_by_role("button", name="Import a zip").click()
    choosing.value.set_files(tmp_path / "mine.zip")
    expect(tab.locator("#shelf-status")).to_contain_text("Imported: mine now")
    assert sessions.open(kept.id).image(1).tobytes() == toys.picture().tobytes()
    tab.get_by_role("tab", name="Refine").click()
    expect(tab.locator("#refine-empty")).to_be_visible()


def test_a_picture_that_is_dropped_brings_everything_back(tab: Page, tmp_path: Path) -> None:
    tab.get_by_text("Open a picture").click()
    drop = tab.locator("#restore input[type=file]")
    drop.set_input_files(toys.saved(tmp_path / "one.png"))
    expect(tab.locator("#restore-said")).to_contain_text("a plan of 2 regions")
    expect(tab.locator("#prompt textarea")).to_have_value(toys.PROMPT)
    tab.get_by_role("button", name="Put this picture into the history").click()
    expect(tab.locator("#picture-now img")).to_be_visible()
    expect(tab.locator("#history")).to_contain_text("1 drawn")


def test_a_picture_that_carries_nothing_is_said(tab: Page, tmp_path: Path) -> None:
    toys.picture().save(tmp_path / "bare.png")
    tab.get_by_text("Open a picture").click()
    tab.locator("#restore input[type=file]").set_input_files(tmp_path / "bare.png")
    expect(tab.locator("#restore-said [role=alert]")).to_contain_text("carries no plan")
    expect(tab.get_by_role("button", name="Put this picture into the history")).to_be_hidden()
