"""Pictures that a client names: a file that it uploaded, or that we gave out, and no other.

A reference is what an upload or an endpoint returned (an object with a path, or a path), the
address of a file that this app serves, or the picture itself as base64. Nothing is ever fetched,
and nothing that lies outside of the folder of uploads is opened.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import re
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlsplit

from gradio.utils import get_upload_folder

from rpg.errors import SettingsError
from rpg.metadata import write_whole

__all__ = ["SERVED", "localised", "picture_path"]

SERVED = "/gradio_api/file="
_HTTP = re.compile(r"https?://", re.IGNORECASE)
_DATA = re.compile(r"data:image/[\w.+-]{1,40};base64,", re.IGNORECASE)
_PNG = "iVBORw0KGgo"  # how every PNG begins, in base64
_MAX_PATH = 4096
_STRANGER = (
    "the picture is no file of this app: upload it, or send what generate, edit or refine returned"
)


def picture_path(reference: Any) -> str:
    """The file of a picture.

    Raises:
        SettingsError: It is no reference, or none to a file of ours.
    """
    if isinstance(reference, dict):
        reference = reference.get("path") or reference.get("url")
    if not reference:
        raise SettingsError("no picture came: send a PNG that this app made")
    if not isinstance(reference, str):
        raise SettingsError("picture: should be a file, an address of one, or base64")
    if (found := _DATA.match(reference)) or reference.startswith(_PNG):
        return _written(reference[found.end() if found else 0 :])
    return str(_inside(_local(reference)))


def localised(value: Any, *, is_plain: bool = False) -> Any:
    """Values in which every file is one of ours, by its path.

    Args:
        value: What came for a component.
        is_plain: Whether the component takes plain JSON, in which only what says so is a file.

    Raises:
        SettingsError: A file lies elsewhere.
    """
    if isinstance(value, dict):
        path = value.get("path")
        if isinstance(path, str) and (not is_plain or "meta" in value):
            # Gradio looks at the address before the path, and decodes what it holds unguarded.
            value = {**value, "path": str(_inside(_local(path))), "url": None}
        return {name: localised(one, is_plain=is_plain) for name, one in value.items()}
    if isinstance(value, list):
        return [localised(one, is_plain=is_plain) for one in value]
    return value


def _local(text: str) -> str:
    """The path of a file of ours that an address names; a path as it is.

    Raises:
        SettingsError: It is the address of something else.
    """
    if not _HTTP.match(text):
        return text
    try:
        path = urlsplit(text).path
    except ValueError:
        path = ""
    _, served, rest = path.partition(SERVED)
    if not served:
        raise SettingsError(_STRANGER)
    return unquote(rest)


def _inside(text: str) -> Path:
    folder = Path(get_upload_folder()).resolve()
    try:
        path = Path(text).resolve() if len(text) <= _MAX_PATH else folder
        ours = path.is_relative_to(folder) and path.is_file()
    except (OSError, ValueError, RuntimeError):  # a NUL, a loop of links
        ours = False
    if not ours:
        raise SettingsError(_STRANGER)
    return path


def _written(text: str) -> str:
    """The file of a picture that came as base64, among the uploads."""
    try:
        data = base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError):
        raise SettingsError("picture: the base64 cannot be read") from None
    folder = Path(get_upload_folder()) / hashlib.sha256(data).hexdigest()
    return str(write_whole(folder / "picture.png", data))
