"""The compose panel's handlers, without a browser."""

from __future__ import annotations

import asyncio
import html
import threading
from collections.abc import Iterator
from typing import Any

import gradio as gr
import pytest

from rpg.chat import ScriptedChat
from rpg.events import Event, Planned, Thinking
from rpg.planners import LLMPlanner
from rpg.plans.geometry import Box, grid
from rpg.plans.plan import Plan, Region
from rpg.settings import GenerationSettings
from tests.planners.llm.helpers import said
from tests.ui.test_plan_boxes import boxes_of, moved
from ui import cards, compose, plan_canvas, plan_text
from ui.lines import line
from ui.plan_book import PlanBook
from ui.plan_boxes import Drawn, drawn, paper
from ui.plan_forms import Base
from ui.plan_forms import cards as cards_of
from ui.planner_choice import PlannerChoice
from ui.shared import Shared

RULES = ("rules", "", "", "", False)
SKIP = gr.skip()
PROMPT = "a red star above a blue square"


@pytest.fixture
def usual(shared: Shared) -> list[Any]:
    """The values of the settings form that leave all to the model."""
    return shared.settings.shown(GenerationSettings())


@pytest.fixture
def book() -> PlanBook:
    plan = Plan(
        prompt=PROMPT,
        regions=(
            Region(id="star", prompt="a red star", box=Box(0.0, 0.0, 1.0, 0.5)),
            Region(id="square", prompt="a blue square", box=Box(0.0, 0.5, 1.0, 1.0)),
        ),
    )
    return PlanBook(plan)


class Slow:
    """A planner that thinks until it is let go."""

    def __init__(self) -> None:
        self.gate, self.closed = threading.Event(), threading.Event()

    def plan(self, prompt: str, **_: Any) -> Plan:
        return Plan(prompt=prompt)

    def stream(self, prompt: str, **_: Any) -> Iterator[Event]:
        try:
            while not self.gate.wait(0.01):
                yield Thinking("<b>hm</b> ")
            yield Planned(Plan(prompt=prompt, reasoning="<b>so</b>"))
        finally:
            self.closed.set()


@pytest.fixture
def slow(monkeypatch: pytest.MonkeyPatch) -> Slow:
    planner = Slow()
    monkeypatch.setattr(PlannerChoice, "planner", lambda *_: planner)
    return planner


async def told(shared: Shared, prompt: str, **wishes: Any) -> list[tuple[Any, ...]]:
    values = shared.settings.shown(GenerationSettings(**wishes))
    return [update async for update in compose.plan(shared, prompt, *RULES, *values)]


def test_a_prompt_becomes_the_plan_and_can_be_undone(shared: Shared, book: PlanBook) -> None:
    *_, (_, go, stop, said, reasoning, made) = asyncio.run(told(shared, PROMPT))
    assert (go["visible"], stop["visible"]) == (True, False)
    assert "Planned: 2 regions" in said
    assert reasoning == made.reasoning != ""
    after, cleared = compose.accept(book, made)
    assert (after.plan, after.undone().plan, cleared) == (made, book.plan, None)


@pytest.mark.parametrize(("prompt", "named"), [("  ", "empty"), ("x" * 20_000, "8,000")])
def test_what_cannot_be_planned_is_said_and_leaves_the_plan(
    shared: Shared, book: PlanBook, prompt: str, named: str
) -> None:
    *_, (_, go, _, said, _, made) = asyncio.run(told(shared, prompt))
    assert go["visible"]
    assert 'role="alert"' in said and named in said
    assert compose.accept(book, made) == (SKIP, None)


def test_the_planner_is_told_of_the_canvas_that_the_form_says(
    shared: Shared, monkeypatch: pytest.MonkeyPatch
) -> None:
    chat = ScriptedChat([said(), said()])
    planner = LLMPlanner(chat, cache=False)
    monkeypatch.setattr(PlannerChoice, "planner", lambda *_: planner)
    asyncio.run(told(shared, PROMPT, width=384, height=192))
    *_, (_, _, _, _, _, made) = asyncio.run(told(shared, PROMPT))
    assert made is not None
    settled, free = (request.messages[0].content for request in chat.asked)
    assert "384 x 192 pixels" in settled and "Toybox knows circles" in settled
    assert "384 x 192" not in free and "Toybox knows circles" in free


def test_a_setting_that_cannot_be_is_said_before_anybody_plans(
    shared: Shared, usual: list[Any]
) -> None:
    at = shared.settings.fields.index(shared.settings.seed)
    values = [*usual[:at], "seven", *usual[at + 1 :]]

    async def refused() -> list[tuple[Any, ...]]:
        return [one async for one in compose.plan(shared, PROMPT, *RULES, *values)]

    ((_, go, _, line_said, _, made),) = asyncio.run(refused())
    assert go["visible"] and "Seed" in line_said and made is None


def test_thoughts_stream_and_planning_can_be_cancelled(
    shared: Shared, slow: Slow, usual: list[Any]
) -> None:
    async def cancelled() -> list[tuple[Any, ...]]:
        seen = []
        async for update in compose.plan(shared, PROMPT, *RULES, *usual):
            seen.append(update)
            if isinstance(update[4], str):
                compose.cancel(shared.shop, update[0])
        return seen

    seen = asyncio.run(asyncio.wait_for(cancelled(), 60))
    assert any(stop["visible"] for _, _, stop, *_ in seen)
    assert any(str(thoughts).startswith("<b>hm</b>") for *_, thoughts, _ in seen)
    assert (seen[-1][3], seen[-1][5]) == (line("Cancelled"), None)
    assert slow.closed.wait(60)
    compose.cancel(shared.shop, "of no job")


def test_a_tab_that_is_gone_asks_no_planner_any_more(
    shared: Shared, slow: Slow, usual: list[Any]
) -> None:
    async def left() -> None:
        updates = compose.plan(shared, PROMPT, *RULES, *usual)
        await anext(updates)
        await updates.aclose()  # type: ignore[attr-defined]

    asyncio.run(left())
    assert slow.closed.wait(60)


def test_an_empty_canvas_needs_a_prompt(book: PlanBook) -> None:
    assert compose.begin(book, " ") == (SKIP, line("Write a prompt first.", problem=True))
    after, said = compose.begin(book, "a meadow")
    assert (after.plan.prompt, after.plan.regions, said) == ("a meadow", (), "")


def test_a_plan_for_an_earlier_prompt_is_said_and_kept(book: PlanBook) -> None:
    row, said = compose.stale(book, "<i>another</i>")
    assert row["visible"] and "earlier prompt" in said
    kept = compose.keep_plan(book, "<i>another</i>")
    assert compose.stale(kept, "<i>another</i>")[1] == ""
    assert compose.keep_plan(book, " ") == book


def test_a_hand_on_the_canvas_changes_the_plan_once(
    shared: Shared, usual: list[Any], book: PlanBook
) -> None:
    assert book.plan
    canvas, hint, was = plan_canvas.follow(shared, book, Drawn(), *usual)
    assert canvas["visible"] and hint["visible"]
    boxes = boxes_of(was)
    echo = plan_canvas.touched(shared, {"boxes": boxes}, book, was, *usual)
    assert echo == (SKIP, SKIP, SKIP, SKIP)
    dragged = [boxes[0], moved(boxes[1], 0, 128)]
    after, shown, now, said = plan_canvas.touched(shared, {"boxes": dragged}, book, was, *usual)
    assert after.plan.regions[0].box == Box(0.0, 0.125, 1.0, 0.625)
    assert (shown, said) == (SKIP, "")
    assert plan_canvas.follow(shared, after, now, *usual) == (SKIP, SKIP, SKIP)
    assert after.undone().plan == book.plan


def test_the_canvas_is_drawn_anew_where_it_shows_another_plan(
    shared: Shared, usual: list[Any], book: PlanBook
) -> None:
    assert book.plan
    was = drawn(book.plan, (64, 64))
    into_the_margin = [moved(box, 0, -40) for box in boxes_of(was)]
    after, shown, now, _ = plan_canvas.touched(
        shared, {"boxes": into_the_margin}, book, was, *usual
    )
    assert [box["ymin"] for box in shown["value"]["boxes"]] == [
        mark.pixels[1] for mark in now.marks
    ]
    assert after.plan.regions[0].box == book.plan.regions[0].box
    gone, _, _ = plan_canvas.follow(shared, PlanBook(), now, *usual)
    assert not gone["visible"]


def test_the_paper_has_the_form_that_the_settings_ask_for(shared: Shared, book: PlanBook) -> None:
    wide = shared.settings.shown(GenerationSettings(width=128, height=64))
    _, _, now = plan_canvas.follow(shared, book, Drawn(), *wide)
    assert now.size == paper((128, 64))


def test_more_regions_than_are_drawn_are_refused_in_words(shared: Shared, usual: list[Any]) -> None:
    many = tuple(Region(id=f"r{i}", prompt="a star", box=box) for i, box in enumerate(grid(8, 8)))
    book = PlanBook(Plan(prompt="stars", regions=many))
    assert book.plan
    was = plan_canvas.follow(shared, book, Drawn(), *usual)[2]
    new = {**boxes_of(was)[0], "label": "one more", "color": (1, 2, 3), "xmin": 100}
    after, shown, _, said = plan_canvas.touched(
        shared, {"boxes": [new, *boxes_of(was)]}, book, was, *usual
    )
    assert after == book
    assert len(shown["value"]["boxes"]) == 64
    assert "at most 64" in said
    _, _, more = cards.follow(book, (), cards.Asked())
    assert "24 of 64" in more


def test_what_is_written_on_a_card_is_not_drawn_anew_but_an_undo_is(book: PlanBook) -> None:
    asked, shown, _ = cards.follow(book, (), cards.Asked())
    fields = [
        "a green star", *(getattr(shown[0].fields, name) for name in (
            "negative", "base_ratio", "z", "left", "top", "width", "height"))
    ]  # fmt: skip
    after, known, _ = cards.written("star", book, shown, *fields)
    assert after.plan.regions[0].prompt == "a green star"
    assert cards.follow(after, known, asked) == (SKIP, SKIP, SKIP)
    again, back, _ = cards.follow(after.undone(), known, asked)
    assert again != asked
    assert back == shown == cards_of(book.plan)  # type: ignore[arg-type]
    assert cards.written("star", book, shown, *fields[:4], 500, *fields[5:])[0] == SKIP
    assert cards.written("of nobody", book, shown, *fields) == (SKIP, SKIP, SKIP)


def test_regions_come_and_go_by_buttons(book: PlanBook) -> None:
    after, words, said = cards.add(book, "a pink heart")
    assert [region.prompt for region in after.plan.regions][-1] == "a pink heart"
    assert (words, said) == ("", "")
    assert [region.id for region in cards.remove("star", book).plan.regions] == ["square"]  # type: ignore[union-attr]
    assert cards.remove("of nobody", book) == book
    for nothing in (cards.add(book, " "), cards.add(PlanBook(), "a star")):
        assert nothing[:2] == (SKIP, SKIP) and "alert" in nothing[2]


def test_the_whole_pictures_fields_follow_and_change_the_plan(book: PlanBook) -> None:
    shown, *fields = plan_text.follow(book, Base(prompt="old"))
    assert fields == ["", "", "", "", ""]
    now = ("at dusk", "ink", "a meadow", "0.3", "")
    after, known, _ = plan_text.written(book, shown, *now)
    assert (after.plan.base_prompt, after.plan.base_ratio) == ("a meadow", 0.3)
    assert (after.plan.scene.setting, after.plan.scene.style) == ("at dusk", "ink")
    assert plan_text.follow(after, known) == (SKIP,) * 6
    assert plan_text.written(book, shown, "", "", "", "much", "")[0] == SKIP


def test_a_text_becomes_the_plan_or_is_kept_with_what_is_wrong(book: PlanBook) -> None:
    text, why = plan_text.show(book, "json")
    assert why == ""
    after, prompt, said = plan_text.use(PlanBook(), text, "json", "another")
    assert (after.plan, prompt, said) == (book.plan, PROMPT, "")
    broken = plan_text.use(book, text[:-5], "json", PROMPT)
    assert broken[:2] == (SKIP, SKIP)
    assert "alert" in broken[2]


def test_words_are_on_the_page_as_they_are() -> None:
    words = "<script>${x}</script> {{y}} `z`"
    said = line(words)
    assert words in html.unescape(said)
    assert all(sign not in said for sign in ("<script", "${", "{{", "`"))
    assert line("") == ""
