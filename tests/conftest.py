"""What holds for every test."""

from __future__ import annotations

import inspect
import json
import os
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import HealthCheck, Phase, settings

from rpg.toybox import weights_path

# Two workers share two cores: threads of tiny models would only wait for one another. Set before
# anything imports torch, for child processes as well.
os.environ.setdefault("OMP_NUM_THREADS", "1")

# The clock decides nothing: a busy machine is no fault of an example.
settings.register_profile("rpg", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("rpg")
# For mutation testing, where a failure is all that counts: the same few examples each time, none
# made smaller after it failed.
_PHASES = [Phase.explicit, Phase.generate]
settings.register_profile("mutation", derandomize=True, max_examples=50, phases=_PHASES)

# What `make test-fast` leaves out: tests that draw with a model, train one, start the app, a
# browser or another Python, or take long. They are known by a fixture that they use, by a name that
# they call, by the models that their file makes, or by where they stand.
SLOW_FIXTURES = {"app", "browser", "rpg", "served", "url", "wheel"}
SLOW_CALLS = {"as_stranger", "python", "two_processes", "_run"}
SLOW_MODELS = "tests.tiny"
SLOW_PLACES = (
    *("tests/batch/", "tests/benchmarks/", "tests/cli/", "tests/refinement/", "tests/pipeline/"),
    *("tests/training/", "tests/session/test_crashes.py", "tests/session/test_replay.py"),
    *("tests/chat/test_local.py::test_fifty", "tests/critics/test_toybox.py::test_a_single_fault"),
    *("tests/toybox/test_detector.py::test_it_names", "tests/test_docs_models.py"),
    "tests/test_old_pictures.py",
    *("tests/diffusion/test_flops.py", "tests/diffusion/test_sources.py"),
    *("tests/planners/llm/test_mangled.py", "tests/session/test_tree.py::Test"),
    "tests/session/test_reading.py::test_readers_beside_writers",
)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Marks the slow tests."""
    for item in items:
        if isinstance(item, pytest.Function) and _is_slow(item):
            item.add_marker(pytest.mark.slow)


def _is_slow(item: pytest.Function) -> bool:
    made = {getattr(value, "__module__", None) for value in vars(item.module).values()}
    test = inspect.unwrap(item.function)
    return (
        item.nodeid.startswith(SLOW_PLACES)
        or not SLOW_FIXTURES.isdisjoint(item.fixturenames)
        or not SLOW_CALLS.isdisjoint(test.__code__.co_names)
        or SLOW_MODELS in made
    )


@pytest.fixture(scope="session", autouse=True)
def _a_third_of_the_steps(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """Toybox in a third of the steps, where no test names a model; in child processes too."""
    folder = tmp_path_factory.mktemp("model") / "toybox"
    folder.mkdir()
    for part in weights_path().iterdir():
        (folder / part.name).symlink_to(part)
    settings = json.loads((weights_path() / "rpg.json").read_text())
    (folder / "rpg.json").unlink()
    settings["num_inference_steps"] //= 3
    (folder / "rpg.json").write_text(json.dumps(settings))
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("RPG_MODEL", str(folder))
        yield


@pytest.fixture(scope="session", autouse=True)
def _no_calibrations(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """Models are as they come, whatever the user calibrated."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("RPG_CONFIG", str(tmp_path_factory.mktemp("config")))
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
