"""How many threads a step uses on a machine that others work on as well."""

from __future__ import annotations

import os

import torch

_EVERY = 10  # steps


def share_cores(step: int, most: int) -> None:
    """Use `most` threads on an idle machine and one on a busy one.

    Threads of one step wait for each other: where each has a core only now and then, two take
    longer than one.
    """
    if most > 1 and step % _EVERY == 0:
        others = os.getloadavg()[0] - torch.get_num_threads()
        torch.set_num_threads(1 if others > (os.cpu_count() or 1) - 1 else most)
