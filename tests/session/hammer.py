"""Programs that append turns as fast as they can, to be killed or to run side by side.

    python -m tests.session.hammer kills ROOT SESSION COUNT SEED
    python -m tests.session.hammer append ROOT SESSION COUNT TAG

The first forks a writer, kills it at a random moment, prints the turns that it had been told were
stored, waits for a line on its stdin, and begins anew.
"""

from __future__ import annotations

import json
import os
import random
import signal
import sys
import time
from pathlib import Path

from rpg.session import Sessions
from tests.session.helpers import drawn, edited

MOST = 5  # turns that are waited for before the kill, so that a slow machine has its turns too
LONGEST = 0.3  # seconds from then until the kill


def kills(root: Path, session: str, count: int, seed: int) -> None:
    """The writer is forked, so that a round costs no start of Python."""
    chance = random.Random(seed)
    for number in range(count):
        reader, writer = os.pipe()
        child = os.fork()
        if child == 0:
            os.close(reader)
            write_for_ever(root, session, writer, 1000 * number)
        os.close(writer)
        with os.fdopen(reader) as told:
            lines = [told.readline() for _ in range(chance.randint(0, MOST))]
            time.sleep(chance.uniform(0.0, LONGEST))
            os.kill(child, signal.SIGKILL)
            _, status = os.waitpid(child, 0)
            turns = [line.split() for line in [*lines, *told]]
        print(json.dumps({"signal": os.WTERMSIG(status), "turns": turns}), flush=True)
        sys.stdin.readline()


def write_for_ever(root: Path, session: str, told: int, number: int) -> None:
    """Tells of each turn, by number and picture, only once it is stored."""
    mine = Sessions(root).open(session)
    while True:
        number += 1
        parent = mine.head
        turn = (
            drawn(mine, number, parent)
            if parent is None or number % 3
            else edited(mine, number, parent)
        )
        os.write(told, f"{turn.id} {number}\n".encode())


def append(root: Path, session: str, count: int, tag: int) -> None:
    """A chain of turns of one's own, from where the session was at first."""
    mine = Sessions(root).open(session)
    parent = mine.head
    print("ready", flush=True)
    sys.stdin.readline()
    for i in range(count):
        turn = drawn(mine, tag + i, parent)
        print(turn.id, flush=True)
        parent = turn.id


if __name__ == "__main__":
    what, folder, name, *numbers = sys.argv[1:]
    {"kills": kills, "append": append}[what](Path(folder), name, *map(int, numbers))
