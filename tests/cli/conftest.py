"""Commands draw with a little model, in a folder of the test's own."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.cli.helpers import saved_model


@pytest.fixture(scope="session")
def model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of the model that commands take where they are told of no other."""
    return saved_model(tmp_path_factory.mktemp("models") / "little", "little")


@pytest.fixture(autouse=True)
def _elsewhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, model: Path) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("RPG_MODEL", str(model))
    monkeypatch.setenv("RPG_DEVICE", "cpu")
    monkeypatch.setenv("COLUMNS", "200")
