"""Saving and resuming a run: whole files only, replaced in one move."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import torch
from torch import nn


def save(path: Path, state: dict[str, Any]) -> None:
    """Write `state` to `path`; a kill at any moment leaves the old file whole."""
    path.parent.mkdir(parents=True, exist_ok=True)
    partial = path.with_suffix(".partial")
    torch.save(state, partial)
    os.replace(partial, path)


def load(path: Path) -> dict[str, Any] | None:
    """The state saved at `path`, or None where there is none yet."""
    if not path.exists():
        return None
    state: dict[str, Any] = torch.load(path, map_location="cpu", weights_only=True)
    return state


def keep(path: Path, run: object, numbers: Sequence[str], parts: Sequence[str]) -> None:
    """Save a run's attributes: numbers as they are, parts by their `state_dict`."""
    state = {name: getattr(run, name) for name in numbers}
    save(path, state | {name: getattr(run, name).state_dict() for name in parts})


def resume(path: Path, run: object, parts: Sequence[str]) -> bool:
    """Give a run what `keep` saved; whether anything was."""
    state = load(path)
    if state is None:
        return False
    for name in parts:
        getattr(run, name).load_state_dict(state.pop(name))
    for name, value in state.items():
        setattr(run, name, value)
    return True


@torch.no_grad()
def follow(average: nn.Module, model: nn.Module, step: int, decay: float) -> None:
    """Move the average's weights towards the model's; faster in the first steps."""
    pairs = zip(average.parameters(), model.parameters(), strict=True)
    old, new = (list(tensors) for tensors in zip(*pairs, strict=True))
    torch._foreach_lerp_(old, new, 1 - min(decay, (1 + step) / (10 + step)))
