"""What the UNet's part of a picture costs, counted: FLOP, and kernels that are launched.

A launch is an operator whose outcome is not a view of what was there. On the CPU attention is one
operator too, of which torch's counter has to be told what it does.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from typing import Any

import torch
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils.flop_counter import FlopCounterMode, sdpa_flop_count

from benchmarks.speed.subjects import Subject
from benchmarks.speed.variants import SHARE, Variant
from rpg.plans.plan import Plan

__all__ = ["Cost", "Launches", "cost"]

_NO_KERNEL = {"aten::_unsafe_view", "aten::empty", "aten::new_empty", "aten::empty_like"}
_STEPS = 5  # of which `SHARE` are two: the first, one like it, the first of the rest, two like it


def _attention(query: Any, key: Any, value: Any, *_: Any, **__: Any) -> int:
    """FLOP of attention on tensors of these shapes."""
    return int(sdpa_flop_count(query, key, value))  # type: ignore[no-untyped-call]


_ON_CPU = {torch.ops.aten._scaled_dot_product_flash_attention_for_cpu: _attention}


@dataclass(frozen=True)
class Cost:
    """Of a picture's UNet calls.

    Attributes:
        flop: With a multiply-add as two.
        launches: Of the whole picture.
        step: Launches of a step, on the mean.
    """

    flop: float
    launches: float
    step: float


class Launches(TorchDispatchMode):  # type: ignore[no-untyped-call]
    """Counts operators that launch a kernel, by name."""

    def __init__(self) -> None:
        """Begin at nothing."""
        super().__init__()  # type: ignore[no-untyped-call]
        self.of: Counter[str] = Counter()

    @property
    def total(self) -> int:
        """All of them."""
        return self.of.total()

    def __torch_dispatch__(
        self, func: Any, types: Any, args: Any = (), kwargs: dict[str, Any] | None = None
    ) -> Any:
        """Run the operator and count it."""
        returns = func._schema.returns
        made = any(one.alias_info is None or one.alias_info.is_write for one in returns)
        if made and func._schema.name not in _NO_KERNEL:
            self.of[func._schema.name] += 1
        return func(*args, **(kwargs or {}))


def cost(subject: Subject, variant: Variant, plan: Plan) -> Cost:
    """Of a picture in the subject's steps, put together from one step of each kind."""
    with variant.on(subject.pipe, plan), _counted(subject.pipe.unet) as seen:
        subject.draw(plan, steps=_STEPS, output_type="latent")
    first, early, turn, _, late = seen
    before = round(SHARE * subject.steps)
    flop, launches = (
        first[i] + (before - 1) * early[i] + turn[i] + (subject.steps - before - 1) * late[i]
        for i in (0, 1)
    )
    return Cost(flop, launches, launches / subject.steps)


@contextmanager
def _counted(unet: torch.nn.Module) -> Iterator[list[tuple[int, int]]]:
    """FLOP and launches of every call of the UNet, regions and all."""
    seen: list[tuple[int, int]] = []
    stack = ExitStack()
    modes: list[Any] = []

    def begin(*_: Any) -> None:
        modes[:] = FlopCounterMode(display=False, custom_mapping=_ON_CPU), Launches()
        for mode in modes:
            stack.enter_context(mode)

    def end(*_: Any) -> None:
        stack.close()
        flop, launches = modes
        seen.append((int(flop.get_total_flops()), launches.total))

    with stack:
        hooks = unet.register_forward_pre_hook(begin), unet.register_forward_hook(end)
        try:
            yield seen
        finally:
            for hook in hooks:
                hook.remove()
