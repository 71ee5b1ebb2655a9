"""What a call returns, gathered from its events."""

from __future__ import annotations

import logging
from dataclasses import dataclass, field
from typing import Any, NamedTuple

import numpy as np
import torch

from rpg.events import Event, Notice, Rendered
from rpg.metadata import Record
from rpg.plan import Plan

_LOG = logging.getLogger("rpg")


class RPGOutput(NamedTuple):
    """What a call returns.

    Attributes:
        images: PIL pictures, prompt by prompt; or an array or tensor, as `output_type` says.
        plans: The plan of each prompt, as drawn.
        records: For each picture what makes it again alone; `rpg.metadata.save` writes it into the
            file.
        notices: What the user should know, a line each.
    """

    images: Any
    plans: list[Plan]
    records: list[Record]
    notices: list[str]


@dataclass
class Told:
    """What a plain call keeps of the events it hears; notices go to the log as well."""

    rendered: list[Rendered] = field(default_factory=list)
    notices: list[str] = field(default_factory=list)

    def hear(self, event: Event) -> None:
        """Take note of an event."""
        if isinstance(event, Rendered):
            self.rendered.append(event)
        elif isinstance(event, Notice):
            self.notices.append(event.text)
            _LOG.warning("%s", event.text)

    def output(self) -> RPGOutput:
        """Everything heard, prompt after prompt."""
        return RPGOutput(
            images=_joined([event.images for event in self.rendered]),
            plans=[event.plan for event in self.rendered],
            records=[record for event in self.rendered for record in event.records],
            notices=self.notices,
        )


def _joined(batches: list[Any]) -> Any:
    """Lists one after the other; arrays and tensors along their first axis."""
    if len(batches) == 1:
        return batches[0]
    if isinstance(batches[0], list):
        return [image for batch in batches for image in batch]
    if isinstance(batches[0], torch.Tensor):
        return torch.cat(batches)
    return np.concatenate(batches)
