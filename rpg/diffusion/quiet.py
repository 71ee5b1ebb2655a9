"""Loading without the libraries' own progress bars and needless warnings."""

from __future__ import annotations

import logging
import warnings
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from typing import Any

import diffusers.utils.logging
import transformers.utils.logging

__all__ = ["quiet_adapters", "quiet_casting", "quiet_loading"]


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


@contextmanager
def quiet_adapters() -> Iterator[None]:
    """For LoRAs and words: without what the libraries log of them; what fails is raised."""
    with ExitStack() as stack:
        stack.enter_context(quiet_loading())
        for library in (diffusers.utils.logging, transformers.utils.logging):
            stack.callback(library.set_verbosity, library.get_verbosity())
            library.set_verbosity(logging.CRITICAL)
        stack.enter_context(warnings.catch_warnings())
        warnings.filterwarnings("ignore", "Already found a `peft_config`")
        yield


def _speaks_of_modules(record: logging.LogRecord) -> bool:
    return "should be kept in float32: []" not in record.getMessage()


def _disabled(bar: Callable[..., Any], args: tuple[Any, ...], words: dict[str, Any]) -> Any:
    return bar(*args, **{**words, "disable": True})
