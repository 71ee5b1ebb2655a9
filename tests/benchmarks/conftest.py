"""Benchmarks keep the product's notices out of their output; tests after them hear them again."""

from __future__ import annotations

import logging
from collections.abc import Iterator

import pytest


@pytest.fixture(scope="module", autouse=True)
def _notices() -> Iterator[None]:
    log = logging.getLogger("rpg")
    level = log.level
    yield
    log.setLevel(level)
