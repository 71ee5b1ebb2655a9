"""A program that draws a batch and is killed while it does, again and again.

    python -m tests.batch.hammer FOLDER KILLS SEED

It forks a child that goes on with the batch and is killed, at a random moment or at one of those
where most is at stake, and so on; the last one is let live. Prints how each ended. The model is
loaded once, in one thread, so that a fork can go on with it.
"""

from __future__ import annotations

import json
import os
import random
import signal
import sys
import time
from pathlib import Path
from typing import Any

import torch

from rpg.batch import Entry, Work
from rpg.batch.manifest import Manifest
from rpg.pipeline import RPGPipeline
from tests.batch.helpers import ROWS, files, listed, little, run

MOMENTS = (
    "any",
    "before the picture is in its place",
    "after that",
    "within the line",
    "after the line",
)


def draw(rpg: RPGPipeline, folder: Path) -> None:
    run(Work(folder, listed(folder.parent, ROWS), batch_size=2), rpg)


def die() -> None:
    os.kill(os.getpid(), signal.SIGKILL)


def doom(moment: str, seconds: float) -> None:
    """Has this process die at the next such moment, or after so many seconds of work.

    Of work, not of the clock: a busy machine gets as far. The timer's signal ends a process as
    suddenly as a kill.
    """
    if moment == "any":
        signal.setitimer(signal.ITIMER_PROF, seconds)
    replace, add = os.replace, Manifest.add

    def replaced(source: Path, target: Path) -> None:
        if moment == "before the picture is in its place":
            die()
        replace(source, target)
        if moment == "after that":
            die()

    def added(self: Manifest, entry: Entry) -> None:
        if moment == "within the line":
            self._stream.write(entry.model_dump_json().encode()[:700])
            self._stream.flush()
            die()
        add(self, entry)
        if moment == "after the line":
            die()

    os.replace = replaced  # type: ignore[assignment]
    Manifest.add = added  # type: ignore[method-assign]


def kills(folder: Path, count: int, seed: int) -> None:
    torch.set_num_threads(1)
    rpg, chance = little(), random.Random(seed)
    began = time.process_time()
    draw(rpg, folder.with_name("warm"))
    longest = time.process_time() - began
    told: list[dict[str, Any]] = []
    for number in range(count + 1):
        moment = MOMENTS[number % len(MOMENTS)] if number < count else "the end"
        child = os.fork()
        if child == 0:
            doom(moment, chance.uniform(0.01, longest / 3))
            draw(rpg, folder)
            os._exit(0)
        _, status = os.waitpid(child, 0)
        told.append({"moment": moment, "status": status, "pictures": len(files(folder))})
    print(json.dumps(told))


if __name__ == "__main__":
    kills(Path(sys.argv[1]), int(sys.argv[2]), int(sys.argv[3]))
