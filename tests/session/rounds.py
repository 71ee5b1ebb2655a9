"""A program that refines pictures on Toybox and is killed while it does.

    python -m tests.session.rounds ROOT COUNT SEED

Each of COUNT times it forks a child that refines under `recorded`, kills it at a random moment, has
one of the turns that were stored drawn again, prints what came of it, and waits for a line on its
stdin. The model is loaded once, in one thread, so that a fork can go on with it.
"""

from __future__ import annotations

import json
import os
import random
import signal
import sys
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import torch

from rpg.cli.loading import quietly
from rpg.critique import Check, Critique, Finding
from rpg.pipeline import RPGPipeline
from rpg.session import Added, Session, Sessions, recorded
from rpg.toybox import weights_path
from tests.session.helpers import same

if TYPE_CHECKING:
    from PIL.Image import Image

    from rpg.plans.plan import Plan

MOST = 5  # turns that are waited for before the kill, so that a slow machine has its rounds too
WITHIN = 2.0  # times as long as a picture takes, from then until the kill
QUICK: Mapping[str, Any] = {"num_inference_steps": 3, "width": 128, "height": 128}
PROMPT = "a red star to the left of a blue circle"


class NeverContent:
    """A critic that always finds the same fault, and likes every other picture a little better."""

    def __init__(self) -> None:
        self._seen = 0

    def review(
        self, image: Image, plan: Plan, *, checks: Sequence[Check] | None = None
    ) -> Critique:
        self._seen += 1
        score = self._seen // 2 / 1000
        at_fault = next(check.regions for check in checks or () if check.regions)
        return Critique.of(
            [
                Finding(check=check, score=score if check.regions == at_fault else 1.0)
                for check in checks or ()
            ]
        )


def kills(root: Path, count: int, seed: int) -> None:
    """What is told of each kill: the turns that were stored, as session and number."""
    torch.set_num_threads(1)
    rpg = loaded()
    longest = WITHIN * seconds_a_picture(rpg)
    chance = random.Random(seed)
    for number in range(count):
        reader, writer = os.pipe()
        child = os.fork()
        if child == 0:
            os.close(reader)
            refine_for_ever(rpg, root, writer, number)
        os.close(writer)
        with os.fdopen(reader) as told:
            lines = [told.readline() for _ in range(chance.randint(0, MOST))]
            time.sleep(chance.uniform(0.0, longest))
            os.kill(child, signal.SIGKILL)
            _, status = os.waitpid(child, 0)
            turns = [line.split() for line in [*lines, *told]]
        replayed = drawn_again(rpg, root, chance)
        told_of: dict[str, Any] = {"signal": os.WTERMSIG(status), "turns": turns}
        print(json.dumps(told_of | {"replayed": replayed}), flush=True)
        sys.stdin.readline()


def loaded() -> RPGPipeline:
    """Toybox, which has drawn once: whatever libraries set up in doing so is there."""
    with quietly():
        rpg = RPGPipeline.from_pretrained(weights_path(), device="cpu")
    rpg.pipe.set_progress_bar_config(disable=True)
    rpg(PROMPT, seed=1, **QUICK)
    return rpg


def seconds_a_picture(rpg: RPGPipeline) -> float:
    began = time.monotonic()
    rpg(PROMPT, seed=1, **QUICK)
    return time.monotonic() - began


def refine_for_ever(rpg: RPGPipeline, root: Path, told: int, number: int) -> None:
    """Tells of each turn as soon as it is stored; odd numbers draw two candidates a round."""
    while True:
        session = Sessions(root).create()
        tell_of_turns(session, told)
        events = rpg.refine_stream(
            PROMPT,
            critic=NeverContent(),
            rounds=8,
            candidates=1 + number % 2,
            seed=number,
            **QUICK,
        )
        for _ in recorded(session, events, parent=None):
            pass


def tell_of_turns(session: Session, told: int) -> None:
    add = session.add

    def added(*args: Any, **words: Any) -> Added:
        result = add(*args, **words)
        os.write(told, f"{session.id} {result.turn.id}\n".encode())
        return result

    session.add = added  # type: ignore[method-assign]


def drawn_again(rpg: RPGPipeline, root: Path, chance: random.Random) -> dict[str, Any] | None:
    """One of the turns of the session that was written last; None where it has none."""
    listed = Sessions(root).list()
    session = Sessions(root).open(listed[0].id) if listed else None
    if session is None or not session.turns:
        return None
    turn = chance.choice(session.turns)
    again = session.replay(turn.id, rpg)
    return {"masked": turn.mask is not None, "same": same(session.image(turn.id), again)}


if __name__ == "__main__":
    folder, *numbers = sys.argv[1:]
    kills(Path(folder), *map(int, numbers))
