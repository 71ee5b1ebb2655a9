"""The Refine tab's handlers on Toybox, without a browser."""

from __future__ import annotations

import asyncio
import io
from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from gradio.data_classes import DataWithFiles
from PIL import Image, ImageDraw

from rpg.errors import SessionError, SettingsError
from rpg.plans.plan import decode_mask, encode_mask
from rpg.session import Session
from tests.ui import toys
from tests.ui.conftest import built
from ui import auto, moving
from ui.changing import NO_PICTURE, NOTHING_PAINTED, NOTHING_SAID, Told, change, draw_painted
from ui.looking import View, view
from ui.mask_editor import editor, painted
from ui.moving import Decision
from ui.planner_choice import PlannerChoice
from ui.workshop import Workshop

RULES = PlannerChoice()


@pytest.fixture
def kept(shop: Workshop) -> Session:
    return toys.session(shop.sessions)


def heard(stream: AsyncIterator[Told]) -> list[Told]:
    async def listen() -> list[Told]:
        return [told async for told in stream]

    return asyncio.run(listen())


def changed(shop: Workshop, kept: Session, wish: str, turn: int = 1, **words: Any) -> list[Told]:
    return heard(change(shop, kept.id, turn, wish, RULES, **words))


def test_a_change_in_words_is_drawn_with_previews_and_leaves_the_rest(
    shop: Workshop, kept: Session
) -> None:
    told = changed(shop, kept, "make the star green")
    assert told[-1].turn == 2 and not told[-1].failed
    assert any(one.preview is not None and one.preview.size == (768, 768) for one in told)
    assert any(one.job and one.line.startswith("Step") for one in told)
    kept.refresh()
    assert kept.head == 2 and kept.turn(2).made.instruction == "make the star green"
    drawn = toys.colours(kept, 2)  # in a few steps, from any seed: the form may not be named
    assert drawn["circle"] == "blue" and sorted(filter(None, drawn.values())) == ["blue", "green"]
    right = (160, 0, 256, 256)
    assert kept.image(2).crop(right).tobytes() == kept.image(1).crop(right).tobytes()


@pytest.mark.parametrize("wish", ["", "   "])
def test_without_words_nothing_is_planned(shop: Workshop, kept: Session, wish: str) -> None:
    assert changed(shop, kept, wish) == [Told(NOTHING_SAID, failed=True)]


def test_without_a_picture_it_says_so(shop: Workshop) -> None:
    assert heard(change(shop, "", None, "make it green", RULES)) == [Told(NO_PICTURE, failed=True)]


def test_a_wish_that_changes_nothing_is_refused_and_loses_nothing(
    shop: Workshop, kept: Session
) -> None:
    last = changed(shop, kept, "make the star red")[-1]
    assert last.failed and last.line and last.turn is None
    assert len(kept.turns) == 1


def test_a_turn_that_is_gone_is_said(shop: Workshop, kept: Session) -> None:
    (told,) = heard(change(shop, kept.id, 9, "make the star green", RULES))
    assert told.failed and "turn 9" in told.line


def test_the_mask_is_shown_first_and_can_be_painted(shop: Workshop, kept: Session) -> None:
    told = changed(shop, kept, "make the star green", mask_first=True)[-1]
    assert told.pending is not None and len(kept.turns) == 1
    proposed = decode_mask(told.pending.mask)
    assert proposed.size == (256, 256) and proposed.getbbox() is not None
    bare = replace(told.pending, mask=encode_mask(Image.new("L", (256, 256))))
    refused = heard(draw_painted(shop, bare))[-1]
    assert refused.line == NOTHING_PAINTED and refused.pending == bare
    whole = replace(told.pending, mask=encode_mask(Image.new("L", (256, 256), 255)))
    drawn = heard(draw_painted(shop, whole))[-1]
    assert drawn.turn == 2 and "whole picture" in drawn.line


def test_a_part_is_drawn_anew_without_words(shop: Workshop, kept: Session) -> None:
    told = changed(shop, kept, " ", mask_first=True)[-1]
    assert told.pending is not None and decode_mask(told.pending.mask).getbbox() is None
    mask = Image.new("L", (256, 256))
    ImageDraw.Draw(mask).rectangle((128, 0, 255, 160), fill=255)
    last = heard(draw_painted(shop, replace(told.pending, mask=encode_mask(mask))))[-1]
    assert last.turn == 2
    assert (
        kept.image(2).crop((0, 0, 128, 256)).tobytes()
        == kept.image(1).crop((0, 0, 128, 256)).tobytes()
    )


def test_what_is_painted_is_the_mask() -> None:
    shown, mask = Image.new("RGB", (512, 384)), Image.new("L", (64, 48))
    ImageDraw.Draw(mask).rectangle((8, 8, 20, 20), fill=255)
    value = editor(shown, mask, "one").value
    assert value is not None
    with Image.open(value["layers"][0]["path"]) as layer:
        assert painted({"layers": [layer]}, mask.size).tobytes() == mask.tobytes()
    bare: list[Any] = [None, {"layers": []}, {"layers": [Image.new("RGBA", (512, 384))]}]
    for nothing in bare:
        assert painted(nothing, mask.size).getbbox() is None


def test_cancelling_leaves_the_picture(shop: Workshop, kept: Session) -> None:
    async def cancelled() -> list[Told]:
        told = []
        async for one in change(shop, kept.id, 1, "make the star green", RULES):
            told.append(one)
            if one.line.startswith("Step") and (job := shop.jobs.find(one.job)) is not None:
                job.cancel()
        return told

    last = asyncio.run(cancelled())[-1]
    assert last.failed and last.line == "Cancelled" and len(kept.turns) == 1


def test_a_head_that_was_moved_meanwhile_is_said(shop: Workshop, kept: Session) -> None:
    kept.add(toys.picture("green"), toys.record(), parent=1)
    last = changed(shop, kept, "make the star yellow", turn=1)[-1]
    assert last.turn == 3 and "turn 2 in another window" in last.line
    went = moving.undo(shop, kept.id, 3)
    assert went.turn == 2 and "another window" in went.line
    assert {turn.id for turn in kept.turns} == {1, 2, 3}


def test_going_about_loses_nothing(shop: Workshop, kept: Session) -> None:
    kept.add(toys.picture("green"), toys.record(), parent=1)
    assert moving.undo(shop, kept.id, 2).turn == 1
    assert moving.redo(shop, kept.id, 1).turn == 2
    assert moving.go(shop, kept.id, 1).turn == 1
    assert "branch from turn 1" in moving.branch(shop, kept.id, 1).line
    assert moving.go(shop, kept.id, 2).turn == 2
    made = Decision(kept.id, 2, 1)
    assert moving.accept(shop, made).turn == 2
    assert moving.reject(shop, made).turn == 1
    assert "another window" in moving.reject(shop, made).line
    assert moving.name(shop, kept.id, 1, " the  first ").turn == 1
    assert kept.turn(1).label == "the first"
    for move in (moving.undo, moving.branch):
        with pytest.raises(SessionError):
            move(shop, kept.id, None if move is moving.branch else 1)
    assert len(kept.turns) == 2


def test_rounds_show_what_was_wrong_and_what_was_kept(shop: Workshop) -> None:
    kept = toys.session(shop.sessions, star="yellow")
    told = heard(auto.refine(shop, kept.id, 1, (2, 0, 1), "toybox", RULES))
    last = told[-1]
    assert last.shot is not None and last.turn is not None and not last.failed
    rounds = auto.rounds(last.shot, 1)
    assert rounds[0][0].startswith("Before: 0.") and rounds[0][1] == 1
    assert rounds[1][0].startswith("Round 1: ") and rounds[1][1] == 2
    assert any(one.line.startswith("Round 1 of at most 2: Step") for one in told)
    best = max(kept.turns, key=lambda turn: turn.score or 0)
    assert kept.refresh().head == last.turn and kept.turn(last.turn).score == best.score
    seen = view(shop, kept.id, 2).details
    assert seen.pair is not None and "Score" in seen.findings


def test_stopping_keeps_the_best(shop: Workshop) -> None:
    kept = toys.session(shop.sessions, star="yellow")

    async def stopped() -> list[Told]:
        told = []
        async for one in auto.refine(shop, kept.id, 1, (5, None, 1), "toybox", RULES):
            told.append(one)
            if "Step" in one.line and (job := shop.jobs.find(one.job)) is not None:
                job.cancel()
        return told

    last = asyncio.run(stopped())[-1]
    assert last.line == "Stopped: no round was better than the picture." and last.turn == 1


def test_a_critic_looks_without_changing_the_picture(shop: Workshop, kept: Session) -> None:
    last = heard(auto.review(shop, kept.id, 1, "toybox", RULES))[-1]
    assert last.line.startswith("Turn 1 scores 1.00, ") and len(kept.turns) == 1
    assert "the star is red" in view(shop, kept.id, 1).details.findings


def test_a_model_that_looks_needs_to_be_chosen(shop: Workshop, kept: Session) -> None:
    for stream in (
        auto.refine(shop, kept.id, 1, (1, 0, 1), "vlm", RULES),
        auto.review(shop, kept.id, 1, "vlm", RULES),
    ):
        last = heard(stream)[-1]
        assert last.failed and "choose a language model" in last.line


@pytest.mark.parametrize("wishes", [(0, 0, 1), (999, 0, 1), (1, -1, 1), (1, 0, 0), (None, 0, 1)])
def test_bounds_are_held(wishes: tuple[float | None, float | None, float | None]) -> None:
    with pytest.raises(SettingsError):
        auto.budget(*wishes)


def test_words_of_models_are_escaped_in_findings(shop: Workshop, kept: Session) -> None:
    heard(auto.review(shop, kept.id, 1, "toybox", RULES))
    critique = kept.turn(1).critique
    assert critique is not None
    hostile = critique.model_copy(update={"notes": ("<img src=x onerror=alert(1)>",)})
    assert "<img" not in auto.findings(hostile)


def test_a_view_of_nowhere_is_empty(shop: Workshop) -> None:
    assert view(shop, "", None) == View()


def test_a_view_shows_the_picture_with_all_it_carries(shop: Workshop, kept: Session) -> None:
    seen = view(shop, kept.id, 1)
    assert seen.picture is not None and Path(seen.picture).suffix == ".png"
    with Image.open(seen.picture) as shown:
        assert shown.size == (768, 768)
    assert seen.numbers == [1] and not seen.can_undo and not seen.can_redo


def test_the_mask_editor_takes_pictures_of_its_canvas_alone() -> None:
    made = built(lambda: editor(Image.new("RGB", (64, 48)), Image.new("L", (64, 48)), "a"))

    def send(size: tuple[int, int], name: str = "1", index: str = "0") -> None:
        buffer = io.BytesIO()
        Image.new("RGBA", size).save(buffer, "PNG")
        fields = {"type": "layer", "index": index, "id": name}
        made.accept_blobs(DataWithFiles(data=fields, files=[("layer", buffer.getvalue())]))

    for number in range(10):
        send((64, 48), str(number))
    assert list(made.blob_storage) == ["6", "7", "8", "9"]
    for size, index in [((65, 48), "0"), ((4000, 4000), "0"), ((64, 48), "200000000")]:
        with pytest.raises(SettingsError):
            send(size, index=index)
    assert list(made.blob_storage) == ["6", "7", "8", "9"]
