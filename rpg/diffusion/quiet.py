"""Loading without the libraries' own progress bars and needless warnings."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import diffusers.utils.logging
import transformers.utils.logging

__all__ = ["quiet_casting", "quiet_loading"]


@contextmanager
def quiet_loading() -> Iterator[None]:
    """Switch off the bars over components and weights; downloads keep theirs, as they take long."""
    shown = diffusers.utils.logging.is_progress_bar_enabled()
    diffusers.utils.logging.disable_progress_bar()
    before = transformers.utils.logging.set_tqdm_hook(_disabled)
    try:
        yield
    finally:
        transformers.utils.logging.set_tqdm_hook(before)
        if shown:
            diffusers.utils.logging.enable_progress_bar()


@contextmanager
def quiet_casting() -> Iterator[None]:
    """Without the warning that a list of modules, which is empty, should keep its precision."""
    log = logging.getLogger("diffusers.models.modeling_utils")
    log.addFilter(_speaks_of_modules)
    try:
        yield
    finally:
        log.removeFilter(_speaks_of_modules)


def _speaks_of_modules(record: logging.LogRecord) -> bool:
    return "should be kept in float32: []" not in record.getMessage()


def _disabled(bar: Callable[..., Any], args: tuple[Any, ...], words: dict[str, Any]) -> Any:
    return bar(*args, **{**words, "disable": True})
