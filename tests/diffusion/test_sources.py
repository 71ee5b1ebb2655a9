"""Hub ids are judged by a few kB before a weight is asked for; every failure is one line."""

from __future__ import annotations

import json
import os
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

from rpg._loading import first_line, loading
from rpg.diffusion import load_pipeline
from rpg.errors import ModelError, PlanError
from tests.processes import python

COMMIT = "0123456789abcdef0123456789abcdef01234567"
TOKEN = "hf_" + "Secret" * 5
INDEXES: dict[str, dict[str, Any]] = {
    "org/flux": {"_class_name": "FluxPipeline", "transformer": ["diffusers", "X"]},
    "org/refiner": {
        "_class_name": "StableDiffusionXLImg2ImgPipeline",
        "requires_aesthetics_score": True,
        "text_encoder": [None, None],
    },
    "org/xl": {"_class_name": "StableDiffusionXLPipeline", "unet": ["diffusers", "X"]},
    "org/variants": {"_class_name": "StableDiffusionXLPipeline", "unet": ["diffusers", "X"]},
}
FILES = [f"unet/diffusion_pytorch_model.{one}.safetensors" for one in ("fp16", "non_ema")]
LOAD = """
import sys
import time
time.sleep = lambda _: None  # between tries to reach the hub
from rpg.diffusion import load_pipeline
from rpg.errors import ModelError
for name in sys.argv[1:]:
    try:
        load_pipeline(name, device="cpu")
    except ModelError as error:
        print(error)
"""


class Hub(ThreadingHTTPServer):
    """What of the hub's protocol a download of one small file takes; it writes down who asks."""

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.asked: list[str] = []

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_port}"


class _Handler(BaseHTTPRequestHandler):
    server: Hub

    def do_HEAD(self) -> None:
        self._answer(body=False)

    def do_GET(self) -> None:
        self._answer(body=True)

    def _answer(self, body: bool) -> None:
        self.server.asked.append(self.path)
        if self.path == "/api/models/org/variants":
            told = {"id": "org/variants", "siblings": [{"rfilename": name} for name in FILES]}
            self._send(200, json.dumps(told).encode(), {}, body)
            return
        owner, name, *rest = self.path.strip("/").split("/")
        index = INDEXES.get(f"{owner}/{name}")
        if f"{owner}/{name}" == "org/gated":
            self._send(403, b"", {"X-Error-Code": "GatedRepo"}, body)
        elif f"{owner}/{name}" == "org/broken":
            self._send(418, f"token={TOKEN}\nmore".encode(), {}, body)
        elif index is None:
            self._send(404, b"", {"X-Error-Code": "RepoNotFound"}, body)
        elif rest[-1:] == ["model_index.json"]:
            data = json.dumps(index).encode()
            self._send(200, data, {"ETag": f'"{name}"', "X-Repo-Commit": COMMIT}, body)
        else:
            self._send(404, b"", {"X-Error-Code": "EntryNotFound"}, body)

    def _send(self, code: int, data: bytes, headers: dict[str, str], body: bool) -> None:
        self.send_response(code)
        for name, value in {**headers, "Content-Length": str(len(data))}.items():
            self.send_header(name, value)
        self.end_headers()
        if body:
            self.wfile.write(data)

    def log_message(self, *_: object) -> None:
        pass


@pytest.fixture
def hub() -> Iterator[Hub]:
    with Hub() as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield server
        server.shutdown()
        thread.join()


def asked(url: str, home: Path, *names: str, **more: str) -> list[str]:
    environment = {
        **os.environ,
        "HF_ENDPOINT": url,
        "HF_HOME": str(home),
        "HF_TOKEN": TOKEN,
        **more,
    }
    done = python("-c", LOAD, *names, environment=environment)
    assert done.returncode == 0, done.stderr
    assert "Traceback" not in done.stderr and TOKEN not in done.stdout + done.stderr
    lines = done.stdout.splitlines()
    assert len(lines) == len(names), done.stdout
    return lines


def test_a_hub_id_is_judged_before_a_weight_is_asked_for(hub: Hub, tmp_path: Path) -> None:
    flux, refiner, gone, gated, broken = asked(
        hub.url, tmp_path, "org/flux", "org/refiner", "org/gone", "org/gated", "org/broken"
    )
    assert flux == (
        "org/flux: FluxPipeline: regions need SDXL or SD 1.5, in a usual pipeline of diffusers"
    )
    assert "org/refiner: the SDXL refiner" in refiner
    assert gone == "org/gone: neither a folder nor on the hub; if it is private there, log in"
    assert "org/gated: it is gated" in gated
    assert broken.startswith("org/broken: ")
    of_models = {path.split("/")[-1] for path in hub.asked if path.startswith("/org/")}
    assert of_models == {"model_index.json"}


def test_a_family_of_ours_goes_on_to_its_parts(hub: Hub, tmp_path: Path) -> None:
    said, variants = asked(hub.url, tmp_path, "org/xl", "org/variants")
    assert said.startswith("cannot load org/xl: ")
    assert any("model_index.json" not in path for path in hub.asked)
    there = "only variants are there: give --variant with one of fp16, non_ema"
    assert variants == f"org/variants: {there}"
    assert not any("variants" in path and "weights" in path for path in hub.asked)


def test_no_hub_is_told_from_no_such_model(tmp_path: Path) -> None:
    with Hub() as taken:  # nobody listens there once it is closed
        url = taken.url
    for more in ({}, {"HF_HUB_OFFLINE": "1"}):
        (said,) = asked(url, tmp_path, "org/xl", **more)
        assert said == ("org/xl: no such folder, none in the cache, and the hub cannot be reached")


class Odd(Exception):
    pass


@pytest.mark.parametrize(
    "failure",
    [Odd("one\ntwo"), Odd(), ZeroDivisionError("x"), MemoryError(), KeyError("x"), StopIteration()],
)
def test_whatever_a_library_raises_is_one_line(
    failure: Exception, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: Any, **__: Any) -> None:
        raise failure

    (tmp_path / "model_index.json").write_text('{"_class_name": "StableDiffusionPipeline"}')
    monkeypatch.setattr("diffusers.DiffusionPipeline.from_pretrained", fail)
    with pytest.raises(ModelError) as refusal:
        load_pipeline(tmp_path, device="cpu")
    assert "\n" not in str(refusal.value) and "two" not in str(refusal.value)


def test_our_own_errors_and_a_wish_to_stop_pass() -> None:
    for error in (PlanError("mine"), KeyboardInterrupt(), SystemExit(3)):
        with pytest.raises(type(error)) as same, loading("x"):
            raise error
        assert same.value is error


@pytest.mark.parametrize(
    "text",
    [
        f"401 for url: https://hub.example/api?X-Signature={TOKEN}",
        f"Authorization: Bearer {TOKEN}",
        f"bad token {TOKEN}",
        f"http://me:{TOKEN}@hub.example/x",
        "no key sk-proj-0123456789abcdef",
    ],
)
def test_no_key_and_no_token_is_told(text: str) -> None:
    said = first_line(RuntimeError(text + "\nmore"))
    assert TOKEN not in said and "0123456789abcdef" not in said and "more" not in said
    assert said.split()[0] == text.split()[0] or "http" in said
