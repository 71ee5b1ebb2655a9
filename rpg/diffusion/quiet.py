"""Loading without the libraries' own progress bars, for programs that show their own."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager

import diffusers.utils.logging
import huggingface_hub.utils
import transformers.utils.logging

__all__ = ["quiet_loading"]


@contextmanager
def quiet_loading() -> Iterator[None]:
    """Switch off the bars over components and weights; downloads keep theirs, as they take long."""
    downloads_shown = not huggingface_hub.utils.are_progress_bars_disabled()
    with ExitStack() as stack:
        for library in (diffusers.utils.logging, transformers.utils.logging):
            if library.is_progress_bar_enabled():
                library.disable_progress_bar()
                stack.callback(library.enable_progress_bar)
        if downloads_shown:  # transformers switches them off with its own
            huggingface_hub.utils.enable_progress_bars()
        yield
