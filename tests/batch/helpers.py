"""A tiny model, rows for it, and a run that gathers what it is told."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from rpg.batch import Maker, Work, listing, read
from rpg.batch.events import BatchEvent, Faulty, PictureDrawn, Wanted
from rpg.batch.pictures import Listing
from rpg.defaults import ModelDefaults
from rpg.pipeline import RPGPipeline
from rpg.planners import Planner
from rpg.settings import GenerationSettings
from tests.pipeline.helpers import HalvesPlanner
from tests.tiny import tiny_sdxl

MAKER = Maker("little")
ROWS: list[dict[str, Any]] = [
    {"prompt": "a red star and a blue moon"},
    {"prompt": "a green fish", "seed": 3, "num_images_per_prompt": 3, "guidance_end": 0.5},
    {"prompt": "a red star and a blue moon"},
    {"prompt": "a red star and a blue moon", "guidance_scale": 2.0, "name": "soft"},
    {"prompt": "a tree and a cat", "base_prompt": "a park", "negative_prompt": "grey"},
    {"prompt": "a red star and a blue moon"},
    {"prompt": "a dog and a cow"},
    {"prompt": "sea and grass"},
]
PICTURES = 10


def little() -> RPGPipeline:
    defaults = ModelDefaults(name="little", width=32, height=32, num_inference_steps=2)
    rpg = RPGPipeline(tiny_sdxl(), model_defaults=defaults)
    rpg.pipe.set_progress_bar_config(disable=True)
    return rpg


def written(path: Path, rows: Sequence[Mapping[str, Any] | str]) -> Path:
    lines = [one if isinstance(one, str) else json.dumps(one) for one in rows]
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")
    return path


def listed(
    folder: Path, rows: Sequence[Mapping[str, Any] | str], maker: Maker = MAKER, **wishes: Any
) -> Listing:
    file = written(folder / "rows.jsonl", rows)
    return listing(*read(file, GenerationSettings(**wishes)), maker)


def run(
    work: Work, rpg: RPGPipeline | Callable[[], RPGPipeline], planner: Planner | None = None
) -> list[BatchEvent]:
    load = (lambda: rpg) if isinstance(rpg, RPGPipeline) else rpg
    return list(work.run(load, planner or HalvesPlanner()))


def drawn(events: Sequence[BatchEvent]) -> list[str]:
    return [event.picture.file for event in events if isinstance(event, PictureDrawn)]


def wanted(events: Sequence[BatchEvent]) -> list[str]:
    return [event.picture.file for event in events if isinstance(event, Wanted)]


def faulty(events: Sequence[BatchEvent]) -> list[str]:
    return [event.fault.text for event in events if isinstance(event, Faulty)]


def files(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in folder.glob("*.png")}
