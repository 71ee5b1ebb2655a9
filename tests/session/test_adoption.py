"""Pictures that come back as files."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from PIL import Image

from rpg import metadata
from rpg.metadata import Record
from rpg.plans.plan import Plan
from rpg.session import Sessions, adopted, own_scale
from rpg.settings import GenerationSettings


def picture(seed: int) -> tuple[Image.Image, Record]:
    pixels = np.random.default_rng(seed).integers(0, 256, (4, 6, 3), np.uint8)
    image = Image.fromarray(pixels).resize((48, 32), Image.Resampling.BICUBIC)
    settings = GenerationSettings(seed=seed, width=48, height=32)
    return image, Record(plan=Plan(prompt="a red star"), settings=settings, scale=4)


def saved(folder: Path, image: Image.Image, record: Record) -> tuple[Image.Image, Record]:
    path = metadata.save(image, folder / "picture.png", record)
    with Image.open(path) as shown:
        return shown.convert("RGB"), metadata.read(path)


def test_goes_to_the_turn_that_drew_it(tmp_path: Path) -> None:
    sessions = Sessions(tmp_path / "sessions")
    session = sessions.create()
    for seed in (1, 2, 3):
        session.add(*picture(seed), parent=None)
    found, turn = adopted(sessions, *saved(tmp_path, *picture(2)))
    assert (found.id, turn) == (session.id, 2)
    assert len(sessions.list()) == 1


def test_begins_a_session_with_what_nobody_drew_here(tmp_path: Path) -> None:
    sessions, (image, record) = Sessions(tmp_path / "sessions"), picture(5)
    session, turn = adopted(sessions, *saved(tmp_path, image, record))
    kept = session.image(turn)
    assert kept.size == image.size and session.turn(turn).made.record == record
    assert np.abs(np.asarray(kept, int) - np.asarray(image, int)).mean() < 0.5
    assert adopted(sessions, *saved(tmp_path, image, record))[0].id == session.id


def test_a_picture_resized_since_is_taken_as_it_is() -> None:
    image, record = picture(1)
    assert own_scale(image.resize((48 * 4, 32 * 4)), record) == 4
    assert own_scale(image.resize((100, 90)), record) == 1
