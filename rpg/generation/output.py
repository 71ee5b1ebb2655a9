"""What calls, edits and refinements return, gathered from their events."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from dataclasses import dataclass, field, fields
from typing import Any

import numpy as np
import torch
from PIL import Image

from rpg.critique import Critique
from rpg.events import Critiqued, Edited, Event, Notice, Refined, Rendered
from rpg.metadata import Record
from rpg.plans.edits import AnyEdit
from rpg.plans.plan import Plan

_LOG = logging.getLogger("rpg")


@dataclass(frozen=True)
class RPGOutput:
    """What a call returns: by attribute, by name, and in order the pair of images and plans.

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

    def to_tuple(self) -> tuple[Any, list[Plan]]:
        """What `return_dict=False` returns."""
        return self.images, self.plans

    def keys(self) -> list[str]:
        """Names of the attributes, for `output["records"]` and `dict(output)`."""
        return [one.name for one in fields(self)]

    def __getitem__(self, key: str | int | slice) -> Any:
        """By name any attribute, by place one of images and plans."""
        if not isinstance(key, str):
            return self.to_tuple()[key]
        if key not in self.keys():
            raise KeyError(key)
        return getattr(self, key)

    def __iter__(self) -> Iterator[Any]:
        """Images and plans: unpacks as the plain tuple does."""
        return iter(self.to_tuple())

    def __len__(self) -> int:
        """As of the plain tuple."""
        return len(self.to_tuple())


@dataclass(frozen=True)
class EditOutput(RPGOutput):
    """What an edit returns: PIL pictures, one for each seed, of one plan.

    Attributes:
        edits: By which the plan differs from the one before.
        mask: Where was drawn anew: greyscale, of the picture's size; black kept every byte. With
            the picture before it makes each picture again from its record.
    """

    edits: tuple[AnyEdit, ...]
    mask: Image.Image

    @property
    def plan(self) -> Plan:
        """What the pictures show."""
        return self.plans[0]


@dataclass(frozen=True)
class RefineOutput(RPGOutput):
    """What a refinement returns: its best picture, that one's plan and record, and how it went.

    Attributes:
        critique: What the critic says of the best picture.
        reason: Why it ended, in words.
        rounds: How many were drawn after the first picture.
        edited: What each of these drew anew; see `rpg.events`.
        critiqued: What the critic said, from the first picture on, and what was kept.
    """

    critique: Critique
    reason: str
    rounds: int
    edited: list[Edited]
    critiqued: list[Critiqued]


@dataclass
class EventCollector:
    """What a plain call keeps of the events it hears; notices go to the log as well."""

    rendered: list[Rendered] = field(default_factory=list)
    edited: list[Edited] = field(default_factory=list)
    critiqued: list[Critiqued] = field(default_factory=list)
    notices: list[str] = field(default_factory=list)

    def hear(self, event: Event) -> None:
        """Take note of an event."""
        if isinstance(event, Rendered):
            self.rendered.append(event)
        elif isinstance(event, Edited):
            self.edited.append(event)
        elif isinstance(event, Critiqued):
            self.critiqued.append(event)
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

    def edit_output(self) -> EditOutput:
        """Of one edit, whose mask is known from the start."""
        (edited,) = self.edited
        assert edited.mask is not None
        made = {**dict(self.output()), "plans": [edited.plan]}
        return EditOutput(**made, edits=edited.edits, mask=edited.mask)

    def refine_output(self, done: Refined) -> RefineOutput:
        """Of a refinement with that outcome."""
        return RefineOutput(
            images=[done.image],
            plans=[done.plan],
            records=[done.record],
            notices=self.notices,
            critique=done.critique,
            reason=done.reason,
            rounds=done.rounds,
            edited=self.edited,
            critiqued=self.critiqued,
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
