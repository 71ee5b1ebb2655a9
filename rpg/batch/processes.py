"""This process's rank and world size under `accelerate launch`, torchrun or MPI."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from rpg.batch.passes import Shard

__all__ = ["Process"]

_PATIENCE = timedelta(days=30)  # of a process that is done, for those that are not


@dataclass(frozen=True)
class Process:
    """This process among those that share a batch.

    Attributes:
        shard: Its share.
        device: Its own; None leaves that to the flags.
    """

    shard: Shard
    device: str | None = None
    _state: Any = None

    @classmethod
    def found(cls, device: str | None) -> Process:
        """What the launcher says; without one the whole batch. Imports torch.

        Args:
            device: What is asked for; of several of that kind each process gets its own.
        """
        from accelerate import PartialState  # type: ignore[import-untyped]
        from accelerate.utils import (  # type: ignore[import-untyped]
            get_cpu_distributed_information,
            is_cuda_available,
        )

        if get_cpu_distributed_information().world_size < 2:
            return cls(Shard(), device)
        kind = device or ("cuda" if is_cuda_available() else "cpu")
        state = PartialState(cpu=kind.startswith(("cpu", "mps")), timeout=_PATIENCE)
        own = str(state.device) if kind == state.device.type != "cpu" else kind
        return cls(Shard(state.process_index + 1, state.num_processes), own, state)

    def wait(self) -> None:
        """Until all are done: a launcher stops the others when one ends with an exit code."""
        if self._state is not None:
            self._state.wait_for_everyone()
            self._state.destroy_process_group()
