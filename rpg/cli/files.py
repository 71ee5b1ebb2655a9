"""The files that the command line reads and writes."""

from __future__ import annotations

import itertools
from pathlib import Path

from PIL import Image

from rpg.errors import PlanError, SettingsError
from rpg.plan import Plan
from rpg.settings import MAX_PIXELS

MAX_PLAN_BYTES = 16 * 2**20


def read_plan(path: Path) -> Plan:
    """The plan in a JSON file.

    Raises:
        PlanError: The file cannot be read or holds no plan.
    """
    try:
        if path.stat().st_size > MAX_PLAN_BYTES:
            raise PlanError(f"{path} is over {MAX_PLAN_BYTES:,} bytes: that is no plan")
        text = path.read_text(encoding="utf-8")
    except OSError as error:
        raise PlanError(f"cannot read the plan {path}: {error.strerror}") from error
    except UnicodeDecodeError:
        raise PlanError(f"{path} is not a text file") from None
    return Plan.from_json(text)


def read_picture(path: Path) -> Image.Image:
    """A picture file, decoded; its size is judged before.

    Raises:
        SettingsError: It cannot be read, or is too large.
    """
    try:
        with Image.open(path) as image:
            if image.width * image.height > MAX_PIXELS:
                raise SettingsError(f"{path} has over {MAX_PIXELS:,} pixels: scale it down first")
            image.load()
            return image.copy()
    except (OSError, SyntaxError, ValueError, Image.DecompressionBombError) as error:
        if isinstance(error, SettingsError):
            raise
        reason = getattr(error, "strerror", None) or "is no picture that can be read"
        raise SettingsError(f"cannot read {path}: {reason}") from error


def targets(output: Path | None, count: int) -> list[Path]:
    """Where `count` pictures go: NAME.png, or NAME-1.png to NAME-n.png.

    A named file is taken as it is. Without a name, or with a folder, nothing that is there is
    replaced: numbers go on where earlier pictures stopped.

    Raises:
        SettingsError: A name that does not end in .png.
    """
    if output is None or output.is_dir():
        return _free((output or Path()) / "out.png", count)
    named = output if output.suffix else output.with_suffix(".png")
    if named.suffix.lower() != ".png":
        raise SettingsError(
            f"{output}: only PNG keeps plan and settings; use a name that ends in .png"
        )
    return [named] if count == 1 else [_numbered(named, i) for i in range(1, count + 1)]


def _free(path: Path, count: int) -> list[Path]:
    if count == 1 and not path.exists():
        return [path]
    for first in itertools.count(1 if count > 1 else 2):
        wanted = [_numbered(path, first + i) for i in range(count)]
        if not any(one.exists() for one in wanted):
            return wanted
    raise AssertionError("there is always a free number")


def _numbered(path: Path, number: int) -> Path:
    return path.with_name(f"{path.stem}-{number}{path.suffix}")


def beside(path: Path) -> Path:
    """Where the drawn plan of a picture goes."""
    return path.with_name(f"{path.stem}-plan{path.suffix}")
