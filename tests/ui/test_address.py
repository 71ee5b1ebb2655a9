"""The address names the session: reload, bookmark, restart."""

from __future__ import annotations

from pathlib import Path

import gradio as gr
import pytest
from PIL import Image

from rpg.metadata import Record
from rpg.pipeline import RPGPipeline
from rpg.plan import Plan
from rpg.session import Sessions
from rpg.settings import GenerationSettings
from tests.ui.conftest import built
from ui.address import arrived
from ui.shared import Place, Shared
from ui.workshop import Workshop


@pytest.fixture(scope="module")
def rpg() -> RPGPipeline:
    return RPGPipeline.from_pretrained()


@pytest.fixture
def shared(rpg: RPGPipeline, tmp_path: Path) -> Shared:
    def make() -> Shared:
        with gr.Blocks(), gr.Tabs() as tabs:
            return Shared.of(Workshop(rpg, Sessions(tmp_path)), tabs)

    return built(make)


def test_a_session_brings_back_prompt_plan_and_settings(shared: Shared) -> None:
    plan = Plan(prompt="a red star")
    record = Record(plan=plan, settings=GenerationSettings(seed=7, width=64, height=64))
    session = shared.shop.sessions.create()
    turn = session.add(Image.new("RGB", (64, 64), "red"), record, parent=None).turn.id
    place, book, prompt, *values = arrived(shared, session.id)
    assert (place.session, place.turn) == (session.id, turn)
    assert (book.plan, prompt) == (plan, "a red star")
    assert values == shared.settings.shown(record.settings)


@pytest.mark.parametrize("session", ["", "0123456789ab", "../../etc/passwd", "\0", "x" * 10_000])
def test_a_session_that_is_not_there_changes_nothing(shared: Shared, session: str) -> None:
    assert not [value for value in arrived(shared, session) if isinstance(value, Place)]
