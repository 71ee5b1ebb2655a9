"""The address names the session: reload, bookmark, restart."""

from __future__ import annotations

import pytest
from PIL import Image

from rpg.metadata import Record
from rpg.plans.plan import Plan
from rpg.settings import GenerationSettings
from ui.address import arrived
from ui.shared import Shared


def test_a_session_brings_back_prompt_plan_and_settings(shared: Shared) -> None:
    plan = Plan(prompt="a red star")
    used = GenerationSettings(seed=7, width=256, height=256, guidance_scale=6.0)
    record = Record(plan=plan, settings=used)
    session = shared.shop.sessions.create()
    turn = session.add(Image.new("RGB", (256, 256), "red"), record, parent=None).turn.id
    updates = arrived(shared, session.id)
    place = updates[shared.place]
    assert (place.session, place.turn) == (session.id, turn)
    assert (updates[shared.book].plan, updates[shared.prompt]) == (plan, "a red star")
    read = shared.settings.read([updates[field] for field in shared.settings.fields])
    assert read == GenerationSettings(guidance_scale=6.0)  # seed and size are the model's again


@pytest.mark.parametrize("session", ["", "0123456789ab", "../../etc/passwd", "\0", "x" * 10_000])
def test_a_session_that_is_not_there_changes_nothing(shared: Shared, session: str) -> None:
    assert arrived(shared, session) == {}
