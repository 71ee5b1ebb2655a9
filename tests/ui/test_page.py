"""The page as a whole, in a browser: what takes more than one panel."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from axe_playwright_python.sync_playwright import Axe
from PIL import Image
from playwright.sync_api import Browser, Page, expect

from rpg.metadata import read
from rpg.plans.overlay import shrink
from rpg.toybox.detector import Detection, detect
from tests.ui.test_compose_page import boxes, drag, planned
from tests.ui.test_generate_page import SLOW, done, downloaded, shown

PROMPT = "a red star above a blue circle"
TABS = ("Create", "Refine", "Sessions")


def things(path: Path) -> list[Detection]:
    with Image.open(path) as picture:
        return detect(shrink(picture.convert("RGB"), read(path).scale))


def opened(tab: Page, name: str) -> None:
    tab.get_by_role("tab", name=name).click()
    expect(tab.get_by_role("tabpanel").locator("visible=true").first).to_be_visible()
    tab.wait_for_timeout(1000)  # for pictures and lists to come


def test_a_fresh_address_leaves_the_terminal_clean(tab: Page, store: Path) -> None:
    expect(tab.locator("#prompt textarea")).to_be_editable()
    tab.goto(f"{tab.url.split('?')[0]}?session=0123456789ab")  # one that is not there
    expect(tab.get_by_text("not here any more")).to_be_visible()
    written = (store / "app.log").read_text("utf-8")
    assert not re.search("Traceback|Error|failed", written), written


def test_a_dragged_box_takes_its_thing_along(tab: Page, tmp_path: Path) -> None:
    expect(tab.locator("#headline")).to_contain_text("Toybox")
    planned(tab, "a red star in the top left", 1)
    first = boxes(tab)[0]
    middle = (first["x0"] + first["x1"]) / 2, (first["y0"] + first["y1"]) / 2
    drag(tab, middle, (0.95 - first["x1"] + middle[0], 0.95 - first["y1"] + middle[1]))
    expect(tab.locator("#plan-undo")).to_be_enabled()
    moved = boxes(tab)[0]
    assert moved["x0"] > first["x0"] + 0.2 and moved["y0"] > first["y0"] + 0.2
    tab.fill("#seed input", "7")
    tab.click("#generate-button")
    done(tab)
    star = next(one for one in things(downloaded(tab, tmp_path)) if one.colour == "red")
    size = read(tmp_path / "rpg-7.png").settings
    x, y = star.centre[0] / (size.width or 256), star.centre[1] / (size.height or 256)
    assert moved["x0"] < x < moved["x1"] and moved["y0"] < y < moved["y1"], (x, y, moved)


def test_a_page_reloaded_in_the_middle_shows_what_was_drawn(tab: Page) -> None:
    tab.fill("#prompt textarea", PROMPT)
    tab.fill("#steps input", "60")
    tab.click("#generate-button")
    expect(tab.locator("#status")).to_contain_text("Step ", timeout=SLOW)
    expect(tab).to_have_url(re.compile(r"\?session=[0-9a-f]{12}$"))
    tab.goto(tab.url)
    expect(tab.locator("#status")).to_contain_text("Step ", timeout=SLOW)
    done(tab)
    expect(shown(tab)).to_have_attribute("src", re.compile(r"rpg-\d+\.png$"))
    tab.goto(tab.url)
    expect(tab.locator("#prompt textarea")).to_have_value(PROMPT)
    expect(shown(tab)).to_be_visible(timeout=SLOW)


def test_two_tabs_draw_at_once_and_get_each_their_own(
    tab: Page, browser: Browser, served: str, tmp_path: Path
) -> None:
    other = browser.new_page()
    other.goto(served)
    wishes = {tab: "a green square", other: "a yellow moon"}
    for number, (page, prompt) in enumerate(wishes.items()):
        page.fill("#prompt textarea", prompt)
        page.fill("#seed input", str(number))
        page.click("#generate-button")
    for number, (page, prompt) in enumerate(wishes.items()):
        done(page)
        path = downloaded(page, tmp_path)
        record = read(path)
        assert (record.plan.prompt, record.settings.seed) == (prompt, number)
        assert prompt.split()[1:] == [things(path)[0].colour, things(path)[0].name]
    assert tab.url != other.url
    other.close()


def test_by_keyboard_alone_from_a_prompt_to_a_changed_picture(tab: Page) -> None:
    tab.locator("#prompt textarea").focus()
    tab.keyboard.type(PROMPT)
    reached(tab, "generate-button")
    tab.keyboard.press("Enter")
    done(tab)
    reached(tab, "to-refine")
    tab.keyboard.press("Enter")
    instruction = tab.locator("#instruction textarea, #instruction input")
    expect(instruction).to_be_visible()
    instruction.focus()
    tab.keyboard.type("make the star green")
    tab.keyboard.press("Enter")
    expect(tab.locator("#accept")).to_be_visible(timeout=SLOW)
    reached(tab, "undo")


def reached(tab: Page, elem_id: str) -> None:
    """Goes to a control by the Tab key; fails if that never gets there."""
    for _ in range(150):
        tab.keyboard.press("Tab")
        if tab.evaluate("document.activeElement.id") == elem_id:
            return
    raise AssertionError(f"{elem_id} cannot be reached with the Tab key")


@pytest.mark.parametrize("theme", ["light", "dark"])
@pytest.mark.parametrize("width", [1280, 390])
def test_everybody_can_use_it(tab: Page, served: str, theme: str, width: int) -> None:
    """No serious finding of axe, nothing that scrolls sideways, on any tab."""
    tab.set_viewport_size({"width": width, "height": 844})
    tab.goto(f"{served}?__theme={theme}")
    tab.fill("#prompt textarea", PROMPT)
    tab.click("#generate-button")
    done(tab)
    for name in TABS:
        opened(tab, name)
        found = Axe().run(tab).response["violations"]
        grave = [one for one in found if one["impact"] in ("serious", "critical")]
        assert not grave, [(one["id"], [node["html"] for node in one["nodes"]]) for one in grave]
        wide = tab.evaluate("document.documentElement.scrollWidth - window.innerWidth")
        assert wide <= 0, f"{name} is {wide} pixels too wide"
