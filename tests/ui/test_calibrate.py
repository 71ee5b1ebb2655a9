"""The page of a person who judges: pairs come, verdicts go, sides tell nothing."""

from __future__ import annotations

import queue
import random
import re
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from typing import Any

import gradio as gr
import pytest
from PIL import Image
from playwright.sync_api import Browser, expect

from rpg.calibration.prompts import prompt_set
from rpg.errors import Cancelled
from tests.ui.conftest import _PATIENCE, ROOT, built
from ui.calibrate import Duel, Duels, PersonJudge, page

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


MARKUP = "a cat <img src=x onerror=alert(1)>"
# What `rpg calibrate` does with a page, in a process of its own: Gradio leaves event loops open.
ASKS = f"""
from PIL import Image
from rpg.errors import Cancelled
from ui.calibrate import judging
pair = [Image.new("RGB", (64, 64), colour) for colour in ("navy", "gold")]
try:
    with judging(3) as judge:
        while True:
            print(judge.duels.ask(*pair, {MARKUP!r}), flush=True)
except Cancelled as stopped:
    print(stopped, flush=True)
"""


@pytest.fixture
def asking() -> Iterator[subprocess.Popen[str]]:
    command = [sys.executable, "-c", ASKS]
    pipe = subprocess.PIPE
    with subprocess.Popen(command, cwd=ROOT, stdout=pipe, stderr=pipe, text=True) as process:
        yield process
        process.kill()


def test_a_person_judges_with_the_arrow_keys_in_a_browser(
    browser: Browser, asking: subprocess.Popen[str]
) -> None:
    assert asking.stdout is not None and asking.stderr is not None
    found = (re.search(r"http://127\.0\.0\.1:\d+", line) for line in asking.stderr)
    tab = browser.new_page()
    tab.goto(next(one[0] for one in found if one))
    status = tab.get_by_label("How far")
    keys = {"ArrowLeft": "left", "ArrowDown": "equal", "ArrowRight": "right"}
    for number, (key, said) in enumerate(keys.items(), 1):
        expect(status).to_have_value(f"Pair {number} of at most 3.", timeout=_PATIENCE)
        expect(tab.get_by_label("What both should show")).to_have_value(MARKUP)
        expect(tab.get_by_role("button", name="Equal")).to_be_enabled()
        tab.keyboard.press(key)
        assert asking.stdout.readline() == f"{said}\n"
    assert tab.locator("img[src=x]").count() == 0
    expect(status).to_have_value("Pair 4 of at most 3.", timeout=_PATIENCE)
    tab.get_by_role("button", name="Stop for now").click()
    expect(status).to_have_value(re.compile("^Done"), timeout=_PATIENCE)
    assert asking.stdout.readline() == "stopped in the page\n" and not asking.stdout.read()
