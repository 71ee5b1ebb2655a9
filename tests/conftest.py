"""What holds for every test."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings

from rpg.toybox import weights_path

# Two workers share two cores: threads of tiny models would only wait for one another. Set before
# anything imports torch, for child processes as well.
os.environ.setdefault("OMP_NUM_THREADS", "1")

# The clock decides nothing: a busy machine is no fault of an example.
settings.register_profile("rpg", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("rpg")

# What `make test-fast` leaves out: tests that use one of these fixtures, or stand in one of these
# files and folders. They draw with a model, train one, start a Python or an app, or click in a browser.
SLOW_FIXTURES = {"app", "browser", "rpg", "served", "url", "wheel"}
SLOW_PLACES = ()


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Marks the slow tests."""
    here = Path(__file__).parent
    for item in items:
        place = item.path.relative_to(here).as_posix()
        fixtures = getattr(item, "fixturenames", ())
        if place.startswith(SLOW_PLACES) or not SLOW_FIXTURES.isdisjoint(fixtures):
            item.add_marker(pytest.mark.slow)


@pytest.fixture(scope="session", autouse=True)
def _half_the_steps(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """Where no test names a model, in child processes too, it is Toybox with half the steps."""
    folder = tmp_path_factory.mktemp("model") / "toybox"
    folder.mkdir()
    for part in weights_path().iterdir():
        (folder / part.name).symlink_to(part)
    settings = json.loads((weights_path() / "rpg.json").read_text())
    (folder / "rpg.json").unlink()
    settings["num_inference_steps"] //= 2
    (folder / "rpg.json").write_text(json.dumps(settings))
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("RPG_MODEL", str(folder))
        yield


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
