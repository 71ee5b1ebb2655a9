"""What several benchmarks share: a meter of the UNet's work, means, a bar of progress."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any

from rich.console import Console
from rich.progress import track

__all__ = ["Meter", "mean", "tracked", "wilson"]


class Meter:
    """Counts what a UNet is asked: calls, and latent cells times rows."""

    def __init__(self) -> None:
        """Begin at nothing."""
        self.calls = self.cells = 0

    @contextmanager
    def on(self, unet: Any) -> Iterator[Meter]:
        """Counts from now on until the context ends."""

        def count(_: Any, args: tuple[Any, ...]) -> None:
            self.calls += 1
            self.cells += args[0].shape[0] * args[0].shape[-2] * args[0].shape[-1]

        # Its first layer: the UNet's own forward is wrapped while regions act.
        hook = unet.conv_in.register_forward_pre_hook(count)
        try:
            yield self
        finally:
            hook.remove()


def mean(values: Sequence[float]) -> float:
    """The mean, to four places; 0 of nothing."""
    return round(sum(values) / len(values), 4) if values else 0.0


def wilson(hits: int, count: int) -> tuple[float, float]:
    """Wilson's 95% interval of a share, to four places."""
    z2, share = 1.96**2, hits / count
    middle = share + z2 / (2 * count)
    half = (z2 * (share * (1 - share) + z2 / (4 * count)) / count) ** 0.5
    scale = 1 + z2 / count
    return round((middle - half) / scale, 4), round((middle + half) / scale, 4)


def tracked(items: Sequence[Any], label: str) -> Iterable[Any]:
    """The items, with a bar of progress on stderr."""
    return track(items, label, console=Console(stderr=True), transient=True)
