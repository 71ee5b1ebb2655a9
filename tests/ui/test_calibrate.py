"""The page of a person who judges: pairs come, verdicts go, sides tell nothing."""

from __future__ import annotations

import queue
import random
import re
import threading
from collections.abc import Callable, Iterator
from typing import Any

import gradio as gr
import pytest
from PIL import Image
from playwright.sync_api import Browser, expect

from rpg.calibration.prompts import prompt_set
from rpg.errors import Cancelled
from tests.ui.conftest import built
from ui.calibrate import Duel, Duels, PersonJudge, page
from ui.server import served

PLAN = prompt_set("everyday", 12)[0].plan
OWN, OTHER = Image.new("RGB", (64, 64), "navy"), Image.new("RGB", (64, 64), "gold")
SOON = 30.0  # seconds: only a test that fails waits so long


def in_background(work: Callable[[], Any]) -> Callable[[], Any]:
    """Starts the work in a thread; what is returned waits for its outcome."""
    outcome: queue.Queue[Any] = queue.Queue()

    def run() -> None:
        try:
            outcome.put(work())
        except Exception as error:
            outcome.put(error)

    threading.Thread(target=run, daemon=True).start()
    return lambda: outcome.get(timeout=SOON)


def next_pair(views: Iterator[tuple[Any, ...]]) -> tuple[Any, ...]:
    return next(view for view in views if view[0])


@pytest.mark.parametrize("prefers_other", [True, False])
def test_the_score_is_of_the_arm_whichever_side_it_is_on(prefers_other: bool) -> None:
    duels = Duels(20)
    judge = PersonJudge(duels, random.Random(3))
    views, sides = duels.follow(), set()
    for _ in range(12):
        score = in_background(lambda: judge.score(OTHER, OWN, PLAN))
        number, _, prompt, left, *_ = next_pair(views)
        assert prompt == PLAN.prompt
        sides.add(is_left := left is OTHER)
        duels.answer(number, "left" if is_left == prefers_other else "right")
        assert score() == float(prefers_other)
    assert sides == {True, False}


def test_equal_is_a_half_and_a_second_click_is_nobodys() -> None:
    duels = Duels(2)
    judge = PersonJudge(duels, random.Random(0))
    views = duels.follow()
    for number in (1, 2):
        score = in_background(lambda: judge.score(OTHER, OWN, PLAN))
        assert next_pair(views)[:2] == (number, f"Pair {number} of at most 2.")
        duels.answer(number - 1, "left")  # of the pair before, or of none
        duels.answer(number, "equal")
        assert score() == 0.5
    duels.answer(2, "left")  # while the next one is drawn
    number, status, *_, button = next(views)
    assert (number, status) == (0, "The next pair is being drawn.") and not button["interactive"]


def test_stopping_ends_the_wait_and_the_end_is_told() -> None:
    duels = Duels(1)
    asked = in_background(lambda: duels.ask(OWN, OTHER, "a cat"))
    views = duels.follow()
    next_pair(views)
    duels.stop()
    assert isinstance(asked(), Cancelled)
    duels.finish()
    last = list(views)[-1]
    assert last[1].startswith("Done.") and last[3] is last[4] is None
    assert list(Duels(1)._view(Duel(over=True)))[1] == last[1]


def test_the_page_is_built_without_endpoints_for_programs() -> None:
    def made() -> gr.Blocks:
        return page(Duels(1))

    assert built(made).get_api_info()["named_endpoints"] == {}


def test_a_person_judges_with_the_arrow_keys_in_a_browser(browser: Browser) -> None:
    duels = Duels(3)
    address: queue.Queue[str] = queue.Queue()
    over = threading.Event()

    def serve() -> None:
        with served(page(duels)) as blocks:
            address.put(blocks.local_url)
            over.wait(SOON * 10)

    served_all = in_background(serve)
    tab = browser.new_page()
    try:
        markup = "a cat <img src=x onerror=alert(1)>"
        verdict = in_background(lambda: duels.ask(OWN, OTHER, markup))
        tab.goto(address.get(timeout=SOON * 4))
        for number, (key, said) in enumerate(
            [("ArrowLeft", "left"), ("ArrowDown", "equal"), ("ArrowRight", "right")], 1
        ):
            status = tab.get_by_label("How far")
            expect(status).to_have_value(f"Pair {number} of at most 3.", timeout=20_000)
            expect(tab.get_by_label("What both should show")).to_have_value(markup)
            expect(tab.get_by_role("button", name="Equal")).to_be_enabled()
            tab.keyboard.press(key)
            assert verdict() == said
            verdict = in_background(lambda: duels.ask(OWN, OTHER, markup))
        assert tab.locator("img[src=x]").count() == 0
        expect(tab.get_by_label("How far")).to_have_value("Pair 4 of at most 3.", timeout=20_000)
        tab.get_by_role("button", name="Stop for now").click()
        assert isinstance(verdict(), Cancelled)
        duels.finish()
        expect(status).to_have_value(re.compile("^Done"), timeout=20_000)
    finally:
        over.set()
        tab.close()
        served_all()
