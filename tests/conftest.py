"""What holds for every test."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

# Two workers share two cores: threads of tiny models would only wait for one another. Set before
# anything imports torch, for child processes as well.
os.environ.setdefault("OMP_NUM_THREADS", "1")


@pytest.fixture(autouse=True)
def _own_cache_folder(
    tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch
) -> Path:
    """No test reads what another one, or the user, has kept."""
    folder = tmp_path_factory.mktemp("cache")
    monkeypatch.setenv("XDG_CACHE_HOME", str(folder))
    return folder


@pytest.fixture(autouse=True)
def _own_sessions(
    tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nothing that a test draws goes to the user's sessions."""
    monkeypatch.setenv("RPG_SESSIONS", str(tmp_path_factory.mktemp("sessions")))
