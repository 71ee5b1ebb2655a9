"""Cards: every region of a plan as fields; the way to move regions without a mouse."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import partial
from typing import Any

import gradio as gr

from rpg.errors import PlanError
from rpg.plans.edits import AnyEdit, RemoveRegion, apply
from rpg.plans.overlay import PALETTE
from ui.lines import line
from ui.plan_book import PlanBook
from ui.plan_boxes import region_named
from ui.plan_forms import Card, Written, added, card_edits, cards
from ui.shared import Shared

__all__ = ["CSS", "MOST_CARDS", "Asked", "add", "build", "follow", "remove", "written"]

MOST_CARDS = 24
_QUIET: dict[str, Any] = {"show_progress": "hidden", "api_visibility": "private"}

CSS = """
.region-card { border-left: 6px solid rgb(128, 128, 128); gap: 4px; padding: 6px; }
.region-card div.block { padding: 2px 6px; }
.region-card label { display: block; }
.region-card div.block, .region-card .form { border-width: 0 !important; background: transparent; }
.region-card [data-testid="block-info"] { font-size: .8rem; white-space: nowrap; }
.region-card .row { gap: 4px; align-items: flex-end; }
""" + "\n".join(
    f".region-card.region-{place} {{ border-left-color: rgb{colour}; }}"
    for place, colour in enumerate(PALETTE)
)


@dataclass(frozen=True, slots=True)
class Asked:
    """What to draw; `news` makes it another than before, whatever was typed meanwhile."""

    news: int = 0
    cards: tuple[Card, ...] = ()


def build(shared: Shared, problem: gr.HTML) -> None:
    """Puts the cards on the page, and the field for another region.

    Args:
        shared: The page's common components.
        problem: Where it is said what could not be done.
    """
    shown: gr.State = gr.State(())  # what the fields show, as far as is known here
    asked = gr.State(Asked())
    more = gr.HTML(elem_id="cards-more", elem_classes="said")

    @gr.render([asked], [asked.change], show_progress="hidden")  # type: ignore[untyped-decorator]
    def render(of: Asked) -> None:
        for card in of.cards[:MOST_CARDS]:
            _card(card, shared, shown, problem)

    with gr.Row(equal_height=True):
        words = gr.Textbox(
            label="Another region",
            placeholder="What it shows",
            elem_id="region-words",
            scale=4,
            min_width=180,
        )
        button = gr.Button("Add a region", elem_id="region-add", scale=1, min_width=120)
    gr.on(
        [button.click, words.submit],
        add,
        [shared.book, words],
        [shared.book, words, problem],
        **_QUIET,
    )
    shared.book.change(follow, [shared.book, shown, asked], [asked, shown, more], **_QUIET)


def follow(book: PlanBook, shown: tuple[Card, ...], asked: Asked) -> tuple[Any, Any, Any]:
    """Draws the cards anew where they show another plan."""
    now = cards(book.plan) if book.plan else ()
    if now == shown:
        return gr.skip(), gr.skip(), gr.skip()
    over = len(now) - MOST_CARDS
    said = f"Cards for the first {MOST_CARDS} of {len(now)} regions; all are on the canvas."
    return Asked(asked.news + 1, now), now, line(said if over > 0 else "")


def written(
    name: str, book: PlanBook, shown: tuple[Card, ...], *values: Any
) -> tuple[Any, Any, Any]:
    """What was written on the card of a region becomes the plan."""
    now = Written(*values)
    card = next((card for card in shown if card.id == name), None)
    region = region_named(book.plan, name) if book.plan else None
    if book.plan is None or region is None or card is None or now == card.fields:
        return gr.skip(), gr.skip(), gr.skip()
    try:
        plan = apply(book.plan, card_edits(book.plan, region, card.fields, now))
    except PlanError as error:
        return gr.skip(), gr.skip(), line(str(error), problem=True)
    known = tuple(replace(each, fields=now) if each is card else each for each in shown)
    return book.with_plan(plan), known, ""


def remove(name: str, book: PlanBook) -> PlanBook:
    """The plan without a region, and all that is in it."""
    there = book.plan is not None and region_named(book.plan, name) is not None
    return _edited(book, RemoveRegion(id=name)) if there else book


def add(book: PlanBook, words: str) -> tuple[Any, Any, Any]:
    """The plan with another region; the field is then empty for the next."""
    try:
        if book.plan is None:
            raise PlanError("plan first, or begin with an empty canvas")
        return _edited(book, added(book.plan, words)), "", ""
    except PlanError as error:
        return gr.skip(), gr.skip(), line(str(error), problem=True)


def _edited(book: PlanBook, edit: AnyEdit) -> PlanBook:
    return book.with_plan(apply(book.plan, [edit])) if book.plan else book


def _card(card: Card, shared: Shared, shown: gr.State, problem: gr.HTML) -> None:
    """One card; keys keep a field with what is typed in it the same when cards are drawn anew."""
    tint = "group" if card.number is None else str((card.number - 1) % len(PALETTE))
    with gr.Column(
        elem_classes=["region-card", f"region-{tint}"], key=(card.id, "card"), variant="panel"
    ):
        with gr.Row(key=(card.id, "first")):
            prompt = _prompt(card)
            delete = gr.Button(
                "Delete",
                size="sm",
                scale=0,
                min_width=76,
                elem_classes="card-delete",
                key=(card.id, "delete"),
            )
        places = _places(card)
        fields = [prompt, *_rest(card), *places]  # in the order of `Written`
    gr.on(
        [event for field in fields for event in (field.blur, field.submit)],
        partial(written, card.id),
        [shared.book, shown, *fields],
        [shared.book, shown, problem],
        trigger_mode="always_last",
        key=(card.id, "written"),
        **_QUIET,
    )
    delete.click(
        partial(remove, card.id), shared.book, shared.book, key=(card.id, "removed"), **_QUIET
    )


def _prompt(card: Card) -> gr.Textbox:
    name = "Group" if card.number is None else f"Region {card.number}"
    return gr.Textbox(
        card.fields.prompt,
        label=f"{name} (painted form)" if card.painted else name,
        placeholder="Holds other regions" if card.number is None else "What it shows",
        max_lines=6,
        scale=5,
        min_width=180,
        elem_classes="card-prompt",
        **_key(card, "prompt"),
    )


def _places(card: Card) -> list[gr.Number]:
    with gr.Row(key=(card.id, "places")):
        return [
            gr.Number(
                getattr(card.fields, at),
                label=f"{at.capitalize()} %",
                step=1,
                min_width=64,
                elem_classes=f"card-{at}",
                **_key(card, at),
            )
            for at in ("left", "top", "width", "height")
        ]


def _rest(card: Card) -> list[Any]:
    """What is changed more rarely: the negative prompt, the base ratio and the order."""
    said = card.fields
    with gr.Accordion("More", open=False, key=(card.id, "more"), preserved_by_key="open"):
        negative = gr.Textbox(
            said.negative,
            label="Not here (negative prompt)",
            elem_classes="card-negative",
            **_key(card, "negative"),
        )
        with gr.Row(key=(card.id, "numbers")):
            ratio = gr.Textbox(
                said.base_ratio,
                label="Base ratio",
                info="0 to 1; empty takes the plan's",
                max_lines=1,
                min_width=120,
                elem_classes="card-ratio",
                **_key(card, "ratio"),
            )
            z = gr.Number(
                said.z,
                label="Order (z)",
                info="Higher lies on top",
                precision=0,
                min_width=120,
                elem_classes="card-z",
                **_key(card, "z"),
            )
    return [negative, ratio, z]


def _key(card: Card, part: str) -> dict[str, Any]:
    """A field's key; its value is always the plan's."""
    return {"key": (card.id, part), "preserved_by_key": None, "interactive": True}
