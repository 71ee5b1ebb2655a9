"""Seconds of a picture's parts, by hooks on the pipeline's modules; and the most memory it took."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

import torch

__all__ = ["Clock", "Parts", "Watch", "forget_peak", "peak_memory"]

Clock = Literal["wall", "processor"]


@dataclass(frozen=True, slots=True)
class Parts:
    """Seconds of one picture.

    Attributes:
        total: From entering the variant's context to the finished picture.
        text: In the text encoders, whoever calls them.
        loop: From the first UNet call's beginning to the last one's end, schedulers and all.
        vae: In the decoder.
    """

    total: float
    text: float
    loop: float
    vae: float


@dataclass
class Watch:
    """Looks at the time; on a GPU marks are put into its queue and read at the end.

    Attributes:
        device: That draws.
        clock: "processor" is the seconds that this process had a core, all threads together: what a
            busy machine leaves undisturbed. On a GPU it is the GPU's own time either way.
    """

    device: torch.device
    clock: Clock
    _spans: dict[str, list[tuple[Any, Any]]] = field(default_factory=dict)

    def now(self) -> Any:
        """A moment."""
        if self.device.type == "cuda":
            event = torch.cuda.Event(enable_timing=True)  # type: ignore[no-untyped-call]
            event.record()
            return event
        return time.perf_counter() if self.clock == "wall" else time.process_time()

    @contextmanager
    def on(self, pipe: Any) -> Iterator[None]:
        """Notes when the pipeline's parts begin and end."""
        named = {
            "text": (pipe.text_encoder, pipe.text_encoder_2),
            "unet": (pipe.unet,),
            "vae": (pipe.vae.decoder,),
        }
        self._spans = {name: [] for name in named}
        with ExitStack() as stack:
            for name, modules in named.items():
                for module in modules:
                    self._note(stack, name, module)
            yield

    def parts(self, begin: Any) -> Parts:
        """Of what was drawn since `begin`, a moment before the context."""
        end = self.now()
        if self.device.type == "cuda":
            torch.cuda.synchronize(self.device)
        calls = self._spans["unet"]
        return Parts(
            total=self._between(begin, end),
            text=sum(self._between(*span) for span in self._spans["text"]),
            loop=self._between(calls[0][0], calls[-1][1]),
            vae=sum(self._between(*span) for span in self._spans["vae"]),
        )

    def _note(self, stack: ExitStack, name: str, module: torch.nn.Module) -> None:
        began: list[Any] = []

        def begin(*_: Any) -> None:
            began.append(self.now())

        def end(*_: Any) -> None:
            self._spans[name].append((began.pop(), self.now()))

        stack.callback(module.register_forward_pre_hook(begin).remove)
        stack.callback(module.register_forward_hook(end).remove)

    def _between(self, begin: Any, end: Any) -> float:
        if self.device.type == "cuda":
            return float(begin.elapsed_time(end)) / 1000
        return float(end - begin)


def forget_peak(device: torch.device) -> None:
    """Begin anew to watch for the most memory; on Linux the kernel does so for the process."""
    if device.type == "cuda":
        torch.cuda.reset_peak_memory_stats(device)
        return
    try:
        Path("/proc/self/clear_refs").write_text("5")
    except OSError:
        return


def peak_memory(device: torch.device) -> float | None:
    """MB since `forget_peak`: allocated on the GPU, or resident; None where nobody knows."""
    if device.type == "cuda":
        return torch.cuda.max_memory_allocated(device) / 2**20
    try:
        lines = Path("/proc/self/status").read_text("ascii").splitlines()
    except OSError:
        return None
    sizes = [line.split()[1] for line in lines if line.startswith("VmHWM")]
    return int(sizes[0]) / 1024 if sizes else None
