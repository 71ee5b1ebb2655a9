"""A tiny model, and RPG around it."""

from __future__ import annotations

from typing import Any

import pytest

from rpg.pipeline import RPGPipeline
from tests.pipeline.helpers import HalvesPlanner
from tests.tiny import tiny_sdxl


@pytest.fixture(scope="module")
def pipe() -> Any:
    return tiny_sdxl()


@pytest.fixture
def rpg(pipe: Any) -> RPGPipeline:
    return RPGPipeline.from_pipe(pipe, planner=HalvesPlanner())
