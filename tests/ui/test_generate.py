"""The generate panel without a browser: handlers on a real workshop on Toybox."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Callable
from contextlib import aclosing
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import gradio as gr
import pytest
from PIL import Image

from rpg import metadata
from rpg.plans.geometry import Box
from rpg.plans.overlay import enlarge, shrink
from rpg.plans.plan import Plan, Region
from rpg.toybox.detector import detect
from tests.ui.conftest import built
from tests.ui.toys import picture, plan, record
from ui import generate, results
from ui.generating import Generating
from ui.inputs_form import InputsForm
from ui.plan_book import PlanBook
from ui.results import Display, Outputs
from ui.saying import said, told
from ui.shared import Place, Shared
from ui.workshop import Workshop

PROMPT = "a red star above a blue circle"
SKIP = gr.skip()


class Tab:
    """A browser's tab: what its components hold, changed by what handlers yield."""

    def __init__(self, panel: Generating, name: str = "tab") -> None:
        self.panel, self.name = panel, name
        self.prompt, self.regions = PROMPT, False
        self.book, self.place, self.display = PlanBook(), Place(), Display()
        self.seen: list[Outputs] = []
        self.values = [field.value for field in panel.fields]

    @property
    def request(self) -> Any:
        return SimpleNamespace(session_hash=self.name)

    @property
    def here(self) -> tuple[Any, ...]:
        return self.prompt, self.book, self.place, self.display, self.regions

    def fill(self, **fields: Any) -> None:
        for index, field in enumerate(self.panel.fields):
            if (name := (field.elem_id or "").replace("-", "_")) in fields:
                self.values[index] = fields.pop(name)
        assert not fields

    def generate(self) -> AsyncGenerator[Outputs, None]:
        return self.panel.generate(self.request, *self.here, *self.values)

    def arrive(self) -> AsyncGenerator[Outputs, None]:
        return self.panel.arrived(self.request, *self.here)

    def compare(self) -> AsyncGenerator[Outputs, None]:
        return self.panel.compare(self.request, self.display)

    def again(self, name: str) -> AsyncGenerator[Outputs, None]:
        begin: Callable[..., AsyncGenerator[Outputs, None]] = getattr(self.panel, name)
        return begin(self.request, *self.here[1:])

    def take(self, update: Outputs) -> None:
        self.seen.append(update)
        for name in ("book", "place", "display", "prompt"):
            if (value := getattr(update, name)) != SKIP:
                setattr(self, name, value)

    async def follow(
        self, updates: AsyncGenerator[Outputs, None], each: Callable[[], None] = lambda: None
    ) -> None:
        async with aclosing(updates):
            async for update in updates:
                self.take(update)
                each()

    def run(
        self, updates: AsyncGenerator[Outputs, None], each: Callable[[], None] = lambda: None
    ) -> list[Outputs]:
        self.seen = []
        asyncio.run(asyncio.wait_for(self.follow(updates, each), 120))
        return self.seen

    def last(self, name: str) -> Any:
        """What a component was told last; None if it was left alone."""
        told = [value for update in self.seen if (value := getattr(update, name)) != SKIP]
        return told[-1] if told else None


@pytest.fixture
def tabs(shop: Workshop) -> Callable[[str], Tab]:
    def make() -> Generating:
        with gr.Blocks(), gr.Tabs() as selected:
            shared = Shared.of(shop, selected)
            return Generating(shared, InputsForm(shop.adapters))

    panel = built(make)
    return lambda name: Tab(panel, name)


@pytest.fixture
def tab(tabs: Callable[[str], Tab]) -> Tab:
    tab = tabs("tab")
    tab.fill(steps="2")
    return tab


def things(path: str, scale: int) -> list[tuple[str | None, str | None]]:
    with Image.open(path) as picture:
        own = shrink(picture.convert("RGB"), scale)
    return sorted((found.colour, found.name) for found in detect(own))


def test_the_panel_can_be_put_on_a_page(shop: Workshop) -> None:
    def make() -> list[str]:
        with gr.Blocks() as blocks:
            with gr.Tabs() as selected, gr.Tab("Create"):
                shared = Shared.of(shop, selected)
                generate.build(shared)
            for field in (shared.prompt, *shared.planner.fields):
                field.render()
            return [block.elem_id for block in blocks.blocks.values() if block.elem_id]

    ids = built(make)
    assert {"generate-button", "cancel-button", "status", "problem", "gallery"} <= set(ids)
    assert {"upscale-button", "variations-button"} <= set(ids)
    assert {"seed", "show-regions", "compare-button", "comparison", "to-refine"} <= set(ids)
    assert len(ids) == len(set(ids))


@pytest.mark.parametrize(
    ("prompt", "fields", "says"),
    [
        ("  \n", {}, "The prompt is empty"),
        ("x" * 8001, {}, "The prompt has 8,001 characters"),
        (PROMPT, {"steps": "0"}, "Steps: "),
        (PROMPT, {"seed": "-2"}, "Seed: "),
        (PROMPT, {"width": "9000"}, "Width: "),
        (PROMPT, {"input_image": __file__}, "The picture cannot be read"),
        (PROMPT, {"loras": ["../../secret"]}, "There is no"),
    ],
)
def test_wishes_that_cannot_be_are_told_and_nothing_runs(
    tab: Tab, shop: Workshop, prompt: str, fields: dict[str, Any], says: str
) -> None:
    tab.prompt = prompt
    tab.fill(**fields)
    (only,) = tab.run(tab.generate())
    assert says in only.problem["value"] and only.problem["visible"]
    assert only._replace(status=SKIP, problem=SKIP) == Outputs()
    assert (tab.prompt, tab.book.plan) == (prompt, None) and not shop.sessions.list()


def test_a_prompt_is_planned_drawn_and_stored(tab: Tab, shop: Workshop) -> None:
    tab.fill(steps="", seed="5", seed_lock=True)
    tab.run(tab.generate())
    assert tab.book.plan is not None and tab.book.plan.prompt == PROMPT
    assert (tab.place.session, tab.place.turn) == (tab.display.session, 1)
    ((path, caption),) = tab.last("gallery")["value"]
    record = metadata.read(path)
    assert (record.plan, record.settings.seed, caption) == (tab.book.plan, 5, "Seed 5")
    assert things(path, record.scale) == [("blue", "circle"), ("red", "star")]
    statuses = [update.status for update in tab.seen if update.status != SKIP]
    steps = f" of {shop.rpg.defaults.num_inference_steps}"
    assert any("Step " in status and steps in status for status in statuses)
    assert tab.last("status") == said("Done")
    assert any(update.preview != SKIP and update.preview["visible"] for update in tab.seen)
    assert tab.last("preview")["value"] is None and not tab.last("preview")["visible"]
    assert tab.last("go")["interactive"] and not tab.last("cancel")["visible"]


def test_the_place_is_known_as_soon_as_the_drawing_is_queued(tab: Tab) -> None:
    tab.run(tab.generate())
    first = next(update for update in tab.seen if update.place != SKIP)
    assert first.place.session and first.place.turn is None
    assert tab.last("place").session == first.place.session


def test_several_pictures_are_turns_of_their_own(tab: Tab, shop: Workshop) -> None:
    tab.fill(count="3", seed="8", seed_lock=True)
    tab.run(tab.generate())
    assert tab.display.turns == (1, 2, 3)
    kept = shop.sessions.open(tab.place.session)
    assert [turn.settings.seed for turn in kept.turns] == [8, 9, 10]
    event: Any = SimpleNamespace(index=2)
    tab.seen = []
    tab.take(tab.panel.chosen(event, tab.display, tab.place))
    assert (tab.place.turn, tab.display.turn) == (3, 3)
    assert kept.refresh().head == 3
    assert tab.last("keep_seed")["value"].endswith("10")
    assert tab.panel.kept_seed(tab.display) == ("10", True)
    nowhere: Any = SimpleNamespace(index=7)
    assert tab.panel.chosen(nowhere, tab.display, tab.place) == Outputs()


def test_the_same_seed_draws_the_same_picture_into_the_same_session(
    tab: Tab, shop: Workshop
) -> None:
    tab.run(tab.generate())
    seed, lock = tab.panel.kept_seed(tab.display)
    tab.fill(seed=seed, seed_lock=lock)
    tab.run(tab.generate())
    kept = shop.sessions.open(tab.place.session)
    one, two = kept.turns
    assert one.image == two.image and (one.parent, two.parent) == (None, None)
    assert kept.head == tab.place.turn == 2


def test_a_plan_for_the_prompt_is_drawn_as_it_is(tab: Tab, shop: Workshop) -> None:
    star = Region(id="star", prompt="a red star", box=Box(0.0, 0.0, 0.5, 1.0))
    own = Plan(prompt=PROMPT, regions=(star,), source="user")
    tab.book = PlanBook().with_plan(own)
    tab.run(tab.generate())
    assert tab.book.plan == own
    assert shop.sessions.open(tab.place.session).turn(1).plan == own


def test_another_prompt_is_planned_anew(tab: Tab) -> None:
    tab.book = PlanBook().with_plan(Plan(prompt="a green heart"))
    tab.run(tab.generate())
    assert tab.book.plan is not None and tab.book.plan.prompt == PROMPT
    assert tab.book.undone().plan == Plan(prompt="a green heart")


def test_what_toybox_does_not_know_and_sizes_that_are_snapped_are_told(tab: Tab) -> None:
    tab.prompt = "a red star above a blue zeppelin"
    tab.fill(width="70", height="75")
    tab.run(tab.generate())
    assert "zeppelin" in tab.last("notices")["value"]
    assert "70x75 does not go into the model&#x27;s grid" in tab.last("notices")["value"]
    assert tab.display.turns


def test_a_planner_that_fails_is_told_and_the_prompt_stays(tab: Tab, shop: Workshop) -> None:
    tab.fill(planner_kind="crystal ball")
    tab.run(tab.generate())
    assert "No planner &#x27;crystal ball&#x27;" in tab.last("problem")["value"]
    assert tab.last("go")["interactive"] and tab.prompt == PROMPT
    assert tab.book.plan is None and not shop.sessions.list()


def test_cancelling_frees_the_model_and_goes_back(tab: Tab, shop: Workshop) -> None:
    tab.run(tab.generate())
    before = tab.place, tab.display
    tab.fill(steps="400")

    told: list[Any] = []

    def cancel_at_a_preview() -> None:
        if not told and tab.seen[-1].preview != SKIP and tab.seen[-1].preview["visible"]:
            told.append(tab.panel.cancel(tab.request))

    tab.run(tab.generate(), cancel_at_a_preview)
    assert told == [said("Cancelling")]
    assert tab.last("status") == said("Cancelled")
    assert (tab.place, tab.display) == before
    assert tab.last("gallery")["visible"] and tab.last("actions")["visible"]
    tab.fill(steps="2")
    tab.run(tab.generate())
    assert tab.last("status") == said("Done") and len(tab.display.turns) == 1
    assert tab.panel.cancel(tab.request) == SKIP


def test_a_first_drawing_that_is_cancelled_leaves_no_session(tab: Tab, shop: Workshop) -> None:
    tab.fill(steps="400")
    tab.run(tab.generate(), lambda: tab.panel.cancel(tab.request))
    assert (tab.place.session, tab.display) == ("", Display())
    tab.fill(steps="2")
    tab.run(tab.generate())
    assert [one.id for one in shop.sessions.list()] == [tab.place.session]


def test_a_session_that_was_deleted_is_followed_by_a_new_one(tab: Tab, shop: Workshop) -> None:
    tab.run(tab.generate())
    gone = tab.place.session
    shop.sessions.delete(gone)
    tab.run(tab.generate())
    assert tab.place.session != gone and tab.last("status") == said("Done")


def test_whoever_comes_later_follows_and_nobody_twice(tabs: Callable[[str], Tab]) -> None:
    first, second = tabs("first"), tabs("second")
    first.fill(steps="40")

    async def both() -> None:
        tasks: list[asyncio.Task[None]] = []
        async with aclosing(first.generate()) as updates:
            async for update in updates:
                first.take(update)
                if not tasks and first.place.session:
                    await first.follow(first.arrive())
                    assert first.seen[-1] == Outputs()
                    second.prompt, second.place = "", first.place
                    tasks.append(asyncio.create_task(second.follow(second.arrive())))
        await asyncio.wait_for(tasks[0], 60)
        await first.follow(first.arrive())

    asyncio.run(both())
    assert first.seen[-1] == Outputs()
    assert (second.place.turn, second.display) == (1, first.display)
    assert (second.prompt, second.book.plan) == (PROMPT, first.book.plan)
    assert any(update.preview != SKIP and update.preview["visible"] for update in second.seen)


def test_a_closed_tab_loses_nothing(tabs: Callable[[str], Tab], shop: Workshop) -> None:
    closed, opened = tabs("closed"), tabs("opened")
    closed.fill(steps="20")

    async def leave() -> None:
        async with aclosing(closed.generate()) as updates:
            async for update in updates:
                closed.take(update)
                if closed.place.session:
                    break
        opened.place = closed.place
        await opened.follow(opened.arrive())

    asyncio.run(leave())
    assert opened.display == Display(closed.place.session, (1,))
    assert opened.last("status") == said("Done")


def test_a_tab_that_looks_elsewhere_is_left_alone(tabs: Callable[[str], Tab]) -> None:
    tab, other = tabs("tab"), tabs("other")
    other.fill(steps="2")
    other.run(other.generate())
    tab.fill(steps="30")

    async def leave() -> None:
        async with aclosing(tab.generate()) as updates:
            async for update in updates:
                tab.take(update)
                if tab.last("preview") and tab.place.session != other.place.session:
                    tab.place = tab.place.at(other.place.session, other.place.turn)
                    await tab.follow(tab.arrive())

    asyncio.run(asyncio.wait_for(leave(), 60))
    assert tab.place.session == tab.display.session == other.place.session
    assert tab.last("go")["interactive"] and not tab.last("preview")["visible"]


def test_a_place_shows_its_picture_and_none_shows_none(tabs: Callable[[str], Tab]) -> None:
    tab, other = tabs("tab"), tabs("other")
    tab.fill(steps="2", count="2")
    tab.run(tab.generate())
    other.place = tab.place.at(tab.place.session, 2)
    other.run(other.arrive())
    assert other.display == Display(tab.place.session, (2,))
    tab.place = other.place
    tab.run(tab.arrive())
    assert tab.display == Display(tab.place.session, (1, 2), 1)
    other.place = Place()
    other.run(other.arrive())
    assert other.display == Display() and not other.last("gallery")["visible"]
    other.place = Place("0123456789ab", 1)
    other.run(other.arrive())
    assert other.last("problem")["visible"] and not other.last("gallery")["visible"]


def test_regions_are_shown_over_the_pictures(tab: Tab) -> None:
    tab.run(tab.generate())
    plain = tab.last("gallery")["value"][0][0]
    _, over = tab.panel.swapped(tab.display, True)
    assert Path(over["value"][0][0]).name == "regions.png"
    _, back = tab.panel.swapped(tab.display, False)
    assert back["value"][0][0] == plain
    problem, left = tab.panel.swapped(Display("0123456789ab", (1,)), True)
    assert problem["visible"] and left == SKIP


def test_the_plain_pipeline_draws_the_same_beside_it(tab: Tab, shop: Workshop) -> None:
    tab.fill(width="192", height="128", seed="4", seed_lock=True)
    tab.run(tab.generate())
    tab.run(tab.compare())
    plain, ours = tab.last("comparison")["value"]
    with Image.open(ours) as picture:
        assert plain.size == picture.size == (192 * 3, 128 * 3)
        assert plain.tobytes() != picture.convert("RGB").tobytes()
    words: dict[str, Any] = {"seed": 4, "num_inference_steps": 2, "width": 192, "height": 128}
    alone: Any = shop.rpg(plan=Plan(prompt=PROMPT), **words)
    assert enlarge(alone.images[0], 3).tobytes() == plain.tobytes()
    assert len(shop.sessions.open(tab.place.session).turns) == 1
    tab.display = Display("0123456789ab", (1,))
    tab.run(tab.compare())
    assert tab.last("problem")["visible"]


def test_a_click_upscales_the_picture_and_another_varies_it(tab: Tab, shop: Workshop) -> None:
    tab.fill(width="128", height="128", seed="4", seed_lock=True)
    tab.run(tab.generate())
    session = tab.place.session
    tab.run(tab.again("upscale"))
    large = shop.sessions.open(session).turn(2)
    assert tab.place.turn == 2 == shop.sessions.open(session).head and large.parent == 1
    assert shop.sessions.open(session).image(2).size == (256, 256)
    assert (large.settings.upscale, large.settings.seed) == (2.0, 4)
    with Image.open(tab.last("gallery")["value"][0][0]) as shown:
        assert shown.size == (512, 512)  # by 2, where the picture before was shown by 4
    tab.run(tab.again("vary"))
    turns = shop.sessions.open(session).turns[2:]
    assert tab.display.turns == (3, 4, 5, 6) and {turn.parent for turn in turns} == {2}
    assert {(turn.settings.seed, turn.settings.upscale) for turn in turns} == {(4, 1.0)}
    captions = [caption for _, caption in tab.last("gallery")["value"]]
    assert captions[0] == f"Seed 4, variation {turns[0].settings.variation_seed}"
    assert len({turn.image for turn in turns}) == 4
    tab.display = Display("0123456789ab", (1,))
    tab.run(tab.again("upscale"))
    assert tab.last("problem")["visible"]


def test_what_the_session_does_not_hold_is_not_varied(tab: Tab, shop: Workshop) -> None:
    kept = shop.sessions.create()
    made = record(of=plan()).model_copy(update={"needs": ("image",)})
    kept.add(picture(), made, parent=None)
    tab.display = Display(kept.id, (1,))
    tab.run(tab.again("vary"))
    assert "made with image, which the session does not hold" in str(tab.last("problem"))


def test_a_comparison_that_nobody_waits_for_is_stopped(tab: Tab) -> None:
    tab.run(tab.generate())

    async def leave() -> bool:
        async with aclosing(tab.compare()) as updates:
            async for update in updates:
                tab.take(update)
                if (job := tab.panel.following.job(tab.name)) is not None:
                    break
        assert job is not None
        return (await job.finished()).phase.over

    assert asyncio.run(leave())
    assert tab.panel.following.job(tab.name) is None


def test_what_is_said_is_never_understood() -> None:
    nasty = "<img src=x onerror=alert(1)> ${alert(1)} {{value}} [a](javascript:alert(1))"
    assert "<img" not in said(nasty) and "${alert(1)} {{value}}" in said(nasty)
    assert told([]) == gr.update(value="", visible=False)
    assert results.troubled("") == told([])
