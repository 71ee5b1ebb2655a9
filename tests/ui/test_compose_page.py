"""The compose panel in a browser: by mouse, by keyboard, and with hostile words."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from typing import Any

from playwright.sync_api import FloatRect, Locator, Page, expect

PROMPT = "a red star above a blue square"
HOSTILE = "<img src=x onerror='window.ran=1'> ${window.ran=2} {{constructor}} <b>bold</b>"


def card(page: Page, place: int) -> Locator:
    return page.locator(".region-card").nth(place)


def number(page: Page, place: int, side: str) -> Locator:
    return card(page, place).locator(f".card-{side} input")


def written(page: Page) -> dict[str, Any]:
    """The plan as the page's JSON says it."""
    text = page.locator("#plan-text textarea").input_value()
    return dict(json.loads(text)) if text else {}


def boxes(page: Page) -> list[dict[str, float]]:
    return [region["box"] for region in written(page)["regions"]]


def planned(page: Page, prompt: str, cards: int) -> None:
    page.locator("#prompt textarea").fill(prompt)
    page.locator("#plan-button").click()
    expect(page.locator(".region-card")).to_have_count(cards)
    expect(page.locator("#plan-status")).to_contain_text("Planned")
    page.locator("#plan-as-text > button").click()


def canvas(page: Page) -> FloatRect:
    """Where the canvas is, once the plan is drawn on it and it is in sight."""
    page.locator("#plan-canvas canvas").wait_for()
    until(page, lambda: shade(page, 0.5, 0.5)[3] > 0)
    page.locator("#plan-canvas").evaluate("node => node.scrollIntoView()")
    found = page.locator("#plan-canvas canvas").bounding_box()
    assert found
    return found


def point(rect: FloatRect, x: float, y: float) -> tuple[float, float]:
    """A place on the paper, in fractions of it; the sheet's margins are 12, 64, 12 and 12."""
    unit = rect["width"] / (1024 + 24)
    return rect["x"] + (12 + 1024 * x) * unit, rect["y"] + (64 + 1024 * y) * unit


def drag(page: Page, start: tuple[float, float], end: tuple[float, float]) -> None:
    rect = canvas(page)
    page.mouse.move(*point(rect, *start))
    page.mouse.down()
    page.mouse.move(*point(rect, *end), steps=6)
    page.mouse.up()


def shade(page: Page, x: float, y: float) -> list[int]:
    """The canvas's colour at a place on the paper."""
    return list(
        page.evaluate(
            """([x, y]) => {
              const canvas = document.querySelector("#plan-canvas canvas");
              const unit = canvas.width / 1048;
              const at = [(12 + 1024 * x) * unit, (64 + 1024 * y) * unit];
              return [...canvas.getContext("2d").getImageData(...at, 1, 1).data];
            }""",
            [x, y],
        )
    )


def until(page: Page, holds: Callable[[], bool]) -> None:
    """Waits for what the page comes to, some twenty seconds at most."""
    for _ in range(200):
        if holds():
            return
        page.wait_for_timeout(100)
    raise AssertionError(written(page))


def test_a_prompt_is_planned_and_its_regions_edited_by_mouse_and_by_card(tab: Page) -> None:
    planned(tab, PROMPT, 2)
    expect(number(tab, 1, "top")).to_have_value("50")
    drag(tab, (0.5, 0.8), (0.5, 0.6))
    until(tab, lambda: abs(float(number(tab, 1, "top").input_value()) - 30) < 1)
    until(tab, lambda: abs(boxes(tab)[1]["y0"] - 0.3) < 0.01)
    assert boxes(tab)[0] == {"x0": 0.0, "y0": 0.0, "x1": 1.0, "y1": 0.5}
    tab.locator("#plan-undo").click()
    expect(number(tab, 1, "top")).to_have_value("50")
    until(tab, lambda: boxes(tab)[1]["y0"] == 0.5)

    before = shade(tab, 0.75, 0.75)
    number(tab, 1, "width").fill("50")
    number(tab, 1, "width").press("Tab")
    until(tab, lambda: shade(tab, 0.75, 0.75) != before == shade(tab, 0.25, 0.75))
    until(tab, lambda: boxes(tab)[1]["x1"] == 0.5)

    tab.locator("#plan-canvas").get_by_label("Create box").click()
    drag(tab, (0.6, 0.6), (0.9, 0.9))
    field = tab.locator("#plan-canvas .modal input[role=listbox]")
    expect(field).to_be_focused()
    tab.keyboard.type("a pink heart")
    tab.keyboard.press("Enter")
    expect(tab.locator(".region-card")).to_have_count(3)
    expect(card(tab, 2).locator(".card-prompt textarea")).to_have_value("a pink heart")
    card(tab, 0).get_by_role("button", name="Delete").click()
    expect(tab.locator(".region-card")).to_have_count(2)
    until(tab, lambda: [r["prompt"] for r in written(tab)["regions"]][1:] == ["a pink heart"])
    tab.locator("#region-words textarea, #region-words input").fill("a moon")
    tab.locator("#region-add").click()
    expect(tab.locator(".region-card")).to_have_count(3)


def test_by_keyboard_alone_a_prompt_is_planned_and_a_region_moved(tab: Page) -> None:
    tab.locator("#prompt textarea").focus()
    tab.keyboard.type(PROMPT)
    tab.keyboard.press("Shift+Enter")
    expect(tab.locator(".region-card")).to_have_count(2)
    tab.locator("#plan-as-text > button").press("Enter")
    tab.locator("#plan-button").focus()
    for _ in range(40):
        tab.keyboard.press("Tab")
        if tab.evaluate("document.activeElement.ariaLabel") == "Top %":
            break
    tab.keyboard.press("Control+a")
    tab.keyboard.type("20")
    tab.keyboard.press("Tab")
    tab.keyboard.press("Control+a")
    tab.keyboard.type("60")  # at once, while the page is still busy with the first
    tab.keyboard.press("Enter")
    until(tab, lambda: boxes(tab)[0] == {"x0": 0.0, "y0": 0.2, "x1": 0.6, "y1": 0.7})
    expect(number(tab, 0, "width")).to_be_focused()
    expect(number(tab, 0, "width")).to_have_value("60")


def test_words_of_plans_are_shown_as_they_are_and_run_nothing(tab: Page) -> None:
    region = {"id": HOSTILE[:90], "prompt": HOSTILE, "box": {"x0": 0, "y0": 0, "x1": 1, "y1": 1}}
    plan = {"prompt": HOSTILE, "regions": [region], "reasoning": HOSTILE, "negative": HOSTILE}
    for name in ("as-text", "reasoning", "base"):
        tab.locator(f"#plan-{name} > button").click()
    tab.locator("#plan-text textarea").fill(json.dumps(plan))
    tab.locator("#plan-use").click()
    expect(card(tab, 0).locator(".card-prompt textarea")).to_have_value(HOSTILE)
    expect(tab.locator("#prompt textarea")).to_have_value(HOSTILE)
    expect(tab.locator("#reasoning textarea")).to_have_value(HOSTILE)
    expect(tab.locator("#plan-negative textarea")).to_have_value(HOSTILE)
    tab.locator("#plan-text textarea").fill(json.dumps({"prompt": "p", HOSTILE: 1}))
    tab.locator("#plan-use").click()
    expect(tab.locator("#plan-text-said")).to_contain_text(HOSTILE[:40])
    expect(tab.locator("#plan-text textarea")).to_have_value(re.compile("onerror"))
    tab.locator("#prompt textarea").fill("something else")
    expect(tab.locator("#plan-stale")).to_contain_text("earlier prompt")
    tab.locator("#plan-keep").click()
    expect(tab.locator("#plan-stale")).to_be_hidden()
    assert tab.evaluate("window.ran === undefined")
