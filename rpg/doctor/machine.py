"""Versions, the device, folders, and what is there beside."""

from __future__ import annotations

import os
import platform
import shutil
import tempfile
from collections.abc import Iterator
from functools import cache
from importlib import import_module, metadata
from pathlib import Path
from typing import Any

from rpg import __version__
from rpg._loading import first_line
from rpg.doctor.finding import Finding, in_bytes
from rpg.environment import environment
from rpg.errors import ModelError
from rpg.planners.llm.cache import PlanCache
from rpg.session import Sessions

__all__ = ["broken", "devices", "extras", "folders", "versions"]

_PRODUCT = "rpg-diffusion"
_LIBRARIES = (
    *("torch", "diffusers", "transformers", "accelerate", "peft", "safetensors"),
    *("huggingface_hub", "gradio", "openai"),
)
_INSTALL = "install the versions that are tested: pip install -r requirements.txt"
_BROWSERS = ("chromium", "chromium-browser", "google-chrome")
_LITTLE = 2 * 10**9  # bytes of a disk


def versions() -> Iterator[Finding]:
    """What is installed, and whether it can be imported."""
    yield Finding("versions", "rpg", __version__)
    yield Finding("versions", "python", f"{platform.python_version()}, {platform.platform()}")
    for name in _LIBRARIES:
        yield _installed(name)
    if why := broken("torch"):
        yield Finding("versions", "torch works", why, "problem", f"nothing is drawn: {_INSTALL}")
    elif why := broken("rpg.diffusion"):
        advice = f"nothing is drawn: {_INSTALL}"
        yield Finding("versions", "drawing can be imported", why, "problem", advice)


def _installed(name: str) -> Finding:
    try:
        found = metadata.version(name)
    except metadata.PackageNotFoundError:
        return Finding("versions", name, "missing", "problem", _INSTALL)
    wanted = _wanted(name)
    if wanted is not None and not wanted.contains(found, prereleases=True):
        return Finding("versions", name, f"{found}, wanted {wanted}", "problem", _INSTALL)
    return Finding("versions", name, found)


def _wanted(name: str) -> Any:
    """The versions that the product asks for where it is installed; else None."""
    try:
        asked = metadata.requires(_PRODUCT) or ()
    except metadata.PackageNotFoundError:
        return None
    requirement = import_module("packaging.requirements").Requirement
    found = (one for one in map(requirement, asked) if one.name == name)
    return next((one.specifier for one in found), None)


@cache
def broken(module: str) -> str:
    """Why a module cannot be imported; empty where it can."""
    try:
        import_module(module)
    except Exception as error:  # a library that does not fit its system may raise anything
        return first_line(error)
    return ""


def devices(asked: str | None) -> Iterator[Finding]:
    """The device that pictures are drawn on, and its memory."""
    if broken("rpg.diffusion"):
        yield Finding("device", "device", "not looked at: the libraries cannot be imported", "note")
        return
    torch: Any = import_module("torch")
    named = asked or environment().device
    try:
        device = import_module("rpg.diffusion.backbones").device_named(named)
    except ModelError as error:
        yield Finding("device", "device", str(error), "problem", "set RPG_DEVICE to one that is")
        return
    if device.type == "cuda":
        about = torch.cuda.get_device_properties(device)
        free, total = torch.cuda.mem_get_info(device)
        value = {"device": str(device), "name": about.name, "total": total, "free": free}
        words = f"{device}, {about.name}, {in_bytes(free)} of {in_bytes(total)} free"
        yield Finding("device", "device", words, value=value)
        return
    memory = import_module("psutil").virtual_memory()
    value = {"device": str(device), "total": memory.total, "free": memory.available}
    words = f"{device}, {in_bytes(memory.available)} of {in_bytes(memory.total)} free"
    unused = "" if torch.version.cuda or not shutil.which("nvidia-smi") else _NO_CUDA
    yield Finding("device", "device", words, "note" if unused else "ok", unused, value)


_NO_CUDA = (
    "there is an NVIDIA driver, and this torch is built without CUDA: install one that has it, "
    "see pytorch.org"
)


def folders() -> Iterator[Finding]:
    """Where things are kept, and whether they can be."""
    yield _folder("sessions", Sessions().root, "set RPG_SESSIONS to a folder that can be written")
    yield _folder("plan cache", PlanCache().path.parent, "plans are not kept: make it writable")
    if not broken("huggingface_hub"):
        kept = Path(import_module("huggingface_hub.constants").HF_HUB_CACHE)
        yield _folder("model cache", kept, "set HF_HOME to a folder that can be written")


def _folder(name: str, path: Path, advice: str) -> Finding:
    there = path
    while not there.exists() and there != there.parent:
        there = there.parent
    value: dict[str, Any] = {"path": str(path), "exists": path.exists(), "writable": _takes(there)}
    if not value["writable"]:
        return Finding("folders", name, f"{path} cannot be written", "problem", advice, value)
    value["free"] = free = shutil.disk_usage(there).free
    words = f"{path}, {in_bytes(free)} free" + ("" if path.exists() else ", made when needed")
    little = f"the disk is nearly full: {advice}" if free < _LITTLE else ""
    return Finding("folders", name, words, "note" if little else "ok", little, value)


def _takes(folder: Path) -> bool:
    """Whether a file can be made in a folder."""
    try:
        with tempfile.TemporaryFile(dir=folder):
            return True
    except OSError:
        return False


def extras() -> Iterator[Finding]:
    """What is needed by some."""
    browser = next(filter(None, map(shutil.which, _BROWSERS)), "")
    words = os.path.basename(browser) or "none: the tests of the page need one (make test gets it)"
    yield Finding("extras", "browser", words)
