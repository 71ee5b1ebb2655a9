"""Toybox behind the page: without one, for handlers, and in a real browser."""

from __future__ import annotations

import asyncio
import os
import re
import shutil
import socket
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

import gradio as gr
import pytest
from _pytest.runner import runtestprotocol
from playwright.sync_api import Browser, Page, expect, sync_playwright

from rpg.pipeline import RPGPipeline
from rpg.session import Sessions
from ui.shared import Shared
from ui.workshop import Workshop

T = TypeVar("T")
ROOT = Path(__file__).parents[2]
PATIENCE = 120.0  # seconds for an answer of the app; the machine may be busy
_PATIENCE = 20_000  # milliseconds for the page to change
# What a browser says of a page that was left while it was loading, and gradio's image editor of a
# layer that it was given twice.
_HARMLESS = (
    "net::ERR_ABORTED",
    "AbortError",
    "Connection errored out",
    "No draw texture found for layer",
    "reading 'get_data'",  # of an image editor that has just gone
)


def pytest_runtest_protocol(item: pytest.Item, nextitem: pytest.Item | None) -> bool | None:
    """A test in a browser that fails is run once more: a busy machine is no fault of the page."""
    if not isinstance(item, pytest.Function) or "browser" not in item.fixturenames:
        return None
    item.ihook.pytest_runtest_logstart(nodeid=item.nodeid, location=item.location)
    reports = runtestprotocol(item, log=False, nextitem=nextitem)
    if any(report.failed for report in reports):
        item._initrequest()  # fixtures anew
        reports = runtestprotocol(item, log=False, nextitem=nextitem)
    for report in reports:
        item.ihook.pytest_runtest_logreport(report=report)
    item.ihook.pytest_runtest_logfinish(nodeid=item.nodeid, location=item.location)
    return True


@pytest.fixture(scope="module")  # some modules give it adapters
def rpg() -> RPGPipeline:
    return RPGPipeline.from_pretrained()


@pytest.fixture
def shop(rpg: RPGPipeline, tmp_path: Path) -> Iterator[Workshop]:
    made = Workshop(rpg, Sessions(tmp_path / "sessions"))
    yield made
    made.jobs.close()


@pytest.fixture
def shared(shop: Workshop) -> Shared:
    """What the panels of a page share."""

    def make() -> Shared:
        with gr.Blocks(), gr.Tabs() as tabs:
            return Shared.of(shop, tabs)

    return built(make)


@dataclass(frozen=True)
class RunningApp:
    """`python app.py` in a process of its own: its address, its process, and what it wrote."""

    url: str
    pid: int
    log: Path

    def written(self) -> str:
        return self.log.read_text("utf-8")


@contextmanager
def serving(sessions: Path, *flags: str) -> Iterator[str]:
    """The address of an app in a process of its own."""
    with running_app(sessions, *flags) as app:
        yield app.url


@contextmanager
def running_app(sessions: Path, *flags: str, **variables: str) -> Iterator[RunningApp]:
    """`python app.py` in a process of its own, with these environment variables besides."""
    command = [sys.executable, "-u", "app.py", "--port", str(_free_port()), *flags]
    env = {**os.environ, "RPG_SESSIONS": str(sessions), "GRADIO_TEMP_DIR": str(sessions / "temp")}
    env |= variables
    log = sessions / "app.log"
    with (
        log.open("wb") as out,
        subprocess.Popen(command, cwd=ROOT, env=env, stdout=subprocess.PIPE, stderr=out) as app,
    ):
        assert app.stdout is not None
        try:
            for line in app.stdout:
                if found := re.search(rb"http://127\.0\.0\.1:\d+", line):
                    yield RunningApp(found[0].decode(), app.pid, log)
                    break
            else:
                raise AssertionError(log.read_text("utf-8"))
        finally:
            app.terminate()


@pytest.fixture(scope="session")
def store(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where the app keeps its sessions."""
    return tmp_path_factory.mktemp("sessions")


@pytest.fixture(scope="session")
def served(store: Path) -> Iterator[str]:
    """The address of the app, with sessions of its own."""
    with serving(store) as url:
        yield url


@pytest.fixture(scope="module")  # while it is there, `asyncio.run` is refused in its thread
def browser() -> Iterator[Browser]:
    """Debian's Chromium where there is one, else Playwright's own."""
    names = ("chromium", "chromium-browser", "google-chrome")
    found = next((path for name in names if (path := shutil.which(name))), None)
    with sync_playwright() as playwright:
        flags = ["--no-sandbox", "--disable-gpu", "--disable-background-networking"]
        chromium = playwright.chromium.launch(executable_path=found, args=flags)
        yield chromium
        chromium.close()


@pytest.fixture
def tab(served: str, browser: Browser, tmp_path: Path) -> Iterator[Page]:
    """A new tab on the app; the test fails if the page complains in the browser's console."""
    context = browser.new_context(viewport={"width": 1280, "height": 900}, accept_downloads=True)
    context.set_default_timeout(_PATIENCE)
    expect.set_options(timeout=_PATIENCE)
    page = context.new_page()
    said: list[str] = []
    page.on("console", lambda message: said.extend(_faults(message.type, message.text)))
    page.on("pageerror", lambda error: said.extend(_faults("error", str(error))))
    page.goto(served)
    page.wait_for_selector("#prompt")
    yield page
    context.close()
    assert not said, said


def built(make: Callable[[], T]) -> T:
    """What a function makes of components; gradio opens event loops that stay open, but in one."""

    async def within() -> T:
        return make()

    return asyncio.run(within())


def _free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as probe:
        return int(probe.getsockname()[1])


def _faults(kind: str, text: str) -> list[str]:
    harmless = any(word in text for word in _HARMLESS)
    return [text] if kind == "error" and not harmless else []
