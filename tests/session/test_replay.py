"""A turn's picture made again, pixel for pixel."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from PIL import Image

from rpg.errors import SessionError
from rpg.events import Failed, Rendered
from rpg.pipeline import RPGPipeline
from rpg.plans.edits import ModifyRegion
from rpg.session import Session, Sessions, recorded
from tests.diffusion.test_adapters import add_lora
from tests.pipeline.helpers import QUICK, HalvesPlanner, called
from tests.session.helpers import same
from tests.tiny import tiny_sdxl

PROMPT = "a red star and a blue moon"


@pytest.fixture(scope="module")
def rpg() -> RPGPipeline:
    return RPGPipeline.from_pipe(tiny_sdxl(), planner=HalvesPlanner())


@pytest.fixture
def session(tmp_path: Path) -> Session:
    return Sessions(tmp_path).create()


def reopened(session: Session, folder: Path) -> Session:
    return Sessions(folder).open(session.id)


@pytest.mark.parametrize(
    "words",
    [
        {"seed": 3},
        {"scheduler": "euler-a", "composer": "latent+attention", "guidance_scale": 3.3},
        {"composer": "attention", "base_ratio": 0.37, "negative_prompt": "grey", "width": 48},
        {"guidance_end": 0.4},
    ],
)
def test_a_picture_drawn_from_words(
    rpg: RPGPipeline, session: Session, tmp_path: Path, words: dict[str, Any]
) -> None:
    made = called(rpg, PROMPT, **words)
    session.add(made.images[0], made.records[0], parent=None)
    assert same(reopened(session, tmp_path).replay(1, rpg), made.images[0])


def test_a_picture_of_a_batch_is_drawn_within_its_batch(
    rpg: RPGPipeline, session: Session, tmp_path: Path
) -> None:
    made = called(rpg, PROMPT, seed=2**63 - 1, num_images_per_prompt=2)
    for index, (image, record) in enumerate(zip(made.images, made.records, strict=True)):
        session.add(image, record, parent=None, index=index, of=2)
    assert made.records[1].settings.seed == 0  # seeds wrap round
    assert same(reopened(session, tmp_path).replay(2, rpg), made.images[1])


def test_a_chain_of_edits(rpg: RPGPipeline, session: Session, tmp_path: Path) -> None:
    """Each is an inpainting of the one before; undo and branches in between change nothing."""
    first = called(rpg, PROMPT, seed=1)
    session.add(first.images[0], first.records[0], parent=None)
    pictures = [first.images[0]]
    for number, half in enumerate(((0, 0, 16, 32), (0, 16, 32, 32)), 1):
        mask = Image.new("L", (32, 32), 0)
        mask.paste(255, half)
        parent = pictures[-1]
        made = called(
            rpg,
            f"a cat and a dog {number}",
            seed=number,
            image=parent,
            mask_image=mask,
            strength=0.9,
        )
        assert not same(made.images[0], parent)
        session.add(made.images[0], made.records[0], parent=session.head, mask=mask)
        pictures.append(made.images[0])
    again = reopened(session, tmp_path)
    again.undo()
    again.branch(1)
    for turn in (3, 2):
        assert same(again.replay(turn, rpg), pictures[turn - 1])


def test_edits_of_plans_of_any_size(rpg: RPGPipeline, session: Session, tmp_path: Path) -> None:
    """As they are made by the user interface: an edit, its stream, its turn."""
    quick: dict[str, Any] = {"num_inference_steps": 3}
    for event in recorded(session, rpg.stream(PROMPT, seed=1, **QUICK), parent=None):
        assert not isinstance(event, Failed)
    image, plan = session.image(1).crop((0, 0, 27, 30)), session.turn(1).plan  # off the grid
    session.add(image, session.turn(1).made.record, parent=1)
    edit = ModifyRegion(id="r1", prompt="a green tree")
    events = rpg.edit_stream(image, plan, edit, seed=5, num_images_per_prompt=2, **quick)
    drawn = [event for event in recorded(session, events, parent=2) if isinstance(event, Rendered)]
    again = reopened(session, tmp_path)
    assert [turn.edits for turn in again.turns[2:]] == [(edit,), (edit,)]
    assert again.image(3).size == (27, 30)
    for index, image in enumerate(drawn[0].images):
        assert image != again.image(2)
        assert same(again.replay(3 + index, rpg), image)


def test_what_the_session_does_not_hold_is_said(rpg: RPGPipeline, session: Session) -> None:
    start = Image.new("RGB", (32, 32), (9, 9, 9))
    made = called(rpg, PROMPT, seed=1, image=start, strength=0.5)
    session.add(made.images[0], made.records[0], parent=None)
    with pytest.raises(SessionError, match="turn 1 was made with image, which"):
        session.replay(1, rpg)
    other = made.records[0].model_copy(update={"needs": (), "model": "org/other"})
    session.add(made.images[0], other, parent=1)
    with pytest.raises(SessionError, match="turn 2 was made with org/other, not"):
        session.replay(2, rpg)
    with pytest.raises(SessionError, match="no turn 9"):
        session.replay(9, rpg)


def test_a_picture_with_a_lora_waits_for_it(session: Session) -> None:
    own = RPGPipeline.from_pipe(tiny_sdxl(), planner=HalvesPlanner())
    add_lora(own.pipe)
    made = called(own, PROMPT, seed=1)
    session.add(made.images[0], made.records[0], parent=None)
    assert same(session.replay(1, own), made.images[0])
    own.pipe.unload_lora_weights()
    with pytest.raises(SessionError, match="made with lora, which the session does not hold"):
        session.replay(1, own)


def test_a_picture_without_a_lora_is_not_drawn_with_one(session: Session) -> None:
    own = RPGPipeline.from_pipe(tiny_sdxl(), planner=HalvesPlanner())
    made = called(own, PROMPT, seed=1)
    session.add(made.images[0], made.records[0], parent=None)
    add_lora(own.pipe)
    with pytest.raises(SessionError, match="turn 1 was made without a LoRA, and one is loaded"):
        session.replay(1, own)
    own.pipe.unload_lora_weights()
    assert same(session.replay(1, own), made.images[0])
