"""AdamW with one rate for all weights, or with rates in proportion to each tensor's size."""

from __future__ import annotations

import math
from collections import defaultdict
from typing import Any

import torch
from torch import Tensor, nn

from training.config import DenoiserConfig
from training.model import is_lower

_LEAST = 0.02  # size that a tensor is taken to have at least: biases begin at zero
_STEPS = 4  # groups of rates to a factor of e


class Optimizer:
    """Trains a model; what it keeps includes each tensor's rate."""

    def __init__(self, model: nn.Module, config: DenoiserConfig) -> None:
        """Rates by the weights that `model` has now."""
        self.model, self.config = model, config
        self.begin()

    def begin(self) -> None:
        """Start afresh, with rates by the weights that the model has now."""
        self._use({name: self._rate(name, value) for name, value in self.model.named_parameters()})

    def _rate(self, name: str, value: Tensor) -> float:
        if not self.config.relative_rate:
            return self.config.learning_rate
        lower = is_lower(name, len(self.config.channels))
        size = max(float(value.detach().square().mean().sqrt()), _LEAST)
        rate = size * self.config.relative_rate * (self.config.lower_half if lower else 1.0)
        return math.exp(round(math.log(rate) * _STEPS) / _STEPS)

    def _use(self, rates: dict[str, float]) -> None:
        self.rates = rates
        groups: dict[float, list[nn.Parameter]] = defaultdict(list)
        for name, parameter in self.model.named_parameters():
            groups[rates[name]].append(parameter)
        decay = 0.0 if self.config.relative_rate else 0.01
        self.adamw = torch.optim.AdamW(
            [{"params": group, "height": rate} for rate, group in groups.items()],
            betas=(0.9, 0.99),
            weight_decay=decay,
            fused=True,
        )

    def step(self, share: float) -> None:
        """Take a step by the gradients, at `share` of the rates, and forget the gradients.

        A step whose gradients are no numbers is left out; fused AdamW looks there, on the device.
        """
        norm = torch.nn.utils.clip_grad_norm_(self.model.parameters(), 1.0)
        self.adamw.found_inf = (~norm.isfinite()).float()  # type: ignore[attr-defined]
        for group in self.adamw.param_groups:
            group["lr"] = group["height"] * share
        self.adamw.step()
        self.adamw.zero_grad(set_to_none=True)

    def state_dict(self) -> dict[str, Any]:
        """Everything that a run needs to go on."""
        return {"rates": self.rates, "adamw": self.adamw.state_dict()}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Go on where `state_dict` was taken."""
        self._use(state["rates"])
        self.adamw.load_state_dict(state["adamw"])
