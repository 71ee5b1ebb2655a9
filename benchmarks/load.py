"""Many people at once: `python -m benchmarks.load --clients 50`.

Starts the app, lets every client plan and generate a picture of its own at the same moment, and
checks that nobody's is lost or somebody else's; then again, to see whether memory grows.
"""

from __future__ import annotations

import json
import os
import re
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Annotated, Any

import typer
from gradio_client import Client

from rpg import metadata
from rpg.toybox import COLOURS, PLACES, THINGS

_ROOT = Path(__file__).parents[1]


@dataclass(frozen=True)
class Load:
    """What became of it.

    Attributes:
        clients: How many, in each round.
        pictures: Answers with a picture.
        lost: Clients without one.
        crossed: Pictures whose record names another prompt or seed than was asked for.
        median_s: Seconds from asking to having the picture.
        worst_s: Likewise, of the last one served.
        memory_mb: Of the app: idle, then after each round.
    """

    clients: int
    pictures: int
    lost: int
    crossed: int
    median_s: float
    worst_s: float
    memory_mb: tuple[float, ...]


def measure(url: str, pid: int, clients: int, steps: int, rounds: int) -> Load:
    """Rounds of so many clients on a running app.

    Args:
        url: Where it is.
        pid: Its process.
        clients: At once.
        steps: Of each picture.
        rounds: How many.
    """
    wishes = [_wish(number) for number in range(clients)]
    callers = [Client(url, verbose=False, analytics_enabled=False) for _ in wishes]
    memory = [_memory(pid)]
    found: list[tuple[bool, bool, float]] = []
    with ThreadPoolExecutor(clients) as pool:
        for shift in range(0, clients * rounds, clients):
            done = pool.map(_asked, callers, wishes, [shift] * clients, [steps] * clients)
            found += list(done)
            memory.append(_memory(pid))
    took = [seconds for there, _, seconds in found if there]
    return Load(
        clients=clients,
        pictures=len(took),
        lost=sum(not there for there, _, _ in found),
        crossed=sum(there and not own for there, own, _ in found),
        median_s=round(statistics.median(took), 2) if took else 0.0,
        worst_s=round(max(took, default=0.0), 2),
        memory_mb=tuple(memory),
    )


def _wish(number: int) -> tuple[str, int]:
    """A prompt that no other client has, and a seed."""
    colours, things, places = list(COLOURS), list(THINGS), list(PLACES)
    one, other = colours[number % len(colours)], colours[(number + 1) % len(colours)]
    a, b = things[number % len(things)], things[number // len(colours) % len(things)]
    return f"{one} {a} above {other} {b} {places[number % len(places)]} number {number}", number


def _asked(app: Client, wish: tuple[str, int], shift: int, steps: int) -> tuple[bool, bool, float]:
    """Whether the picture came, whether it is the client's own, and how long it took."""
    prompt, seed = wish[0], wish[1] + shift
    began = time.monotonic()
    try:
        plan = app.predict(prompt, api_name="/plan")
        path = app.predict(prompt, plan, seed, {"num_inference_steps": steps}, api_name="/generate")
        record = metadata.read(path)
    except Exception as error:  # whatever it is, this client has no picture
        print(f"client {seed}: {type(error).__name__}: {error}", file=sys.stderr)
        return False, False, 0.0
    own = record.plan.prompt == prompt and record.settings.seed == seed
    return True, own, time.monotonic() - began


def _memory(pid: int) -> float:
    """Resident memory of a process, in MB (Linux)."""
    status = Path(f"/proc/{pid}/status").read_text("utf-8")
    found = re.search(r"VmRSS:\s+(\d+) kB", status)
    assert found is not None
    return round(int(found[1]) / 1024, 1)


@contextmanager
def app_running() -> Iterator[tuple[str, int]]:
    """`python app.py` with sessions of its own: its address and process."""
    with tempfile.TemporaryDirectory() as folder:
        env = {**os.environ, "RPG_SESSIONS": folder}
        command = [sys.executable, "-u", "app.py"]
        with subprocess.Popen(
            command, cwd=_ROOT, env=env, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL
        ) as app:
            assert app.stdout is not None
            lines = (re.search(r"http://127\.0\.0\.1:\d+", line.decode()) for line in app.stdout)
            try:
                yield next(found[0] for found in lines if found), app.pid
            finally:
                app.terminate()


def main(
    clients: Annotated[int, typer.Option(min=1, help="At once.")] = 50,
    steps: Annotated[int, typer.Option(min=1, help="Of each picture.")] = 20,
    rounds: Annotated[int, typer.Option(min=1, help="Of all clients.")] = 3,
    as_json: Annotated[bool, typer.Option("--json", help="For programs.")] = False,
) -> None:
    """Measure the app under many clients at once."""
    with app_running() as (url, pid):
        load = measure(url, pid, clients, steps, rounds)
    found: dict[str, Any] = asdict(load)
    if as_json:
        print(json.dumps(found))
    else:
        for name, value in found.items():
            print(f"{name.replace('_', ' '):<12}{value}")
    if load.lost or load.crossed:
        raise typer.Exit(1)


if __name__ == "__main__":
    typer.run(main)
