"""The files that the command line reads and writes."""

from __future__ import annotations

import itertools
import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from PIL import Image

from rpg import metadata
from rpg.cli import console
from rpg.dialects.forms import read
from rpg.errors import MetadataError, PlanError, SettingsError
from rpg.metadata import Record
from rpg.pictures import decoded
from rpg.plans.plan import MAX_PLAN_BYTES, Plan
from rpg.settings import MAX_PIXELS


def read_plan(path: Path) -> Plan:
    """The plan in a file: JSON, or a form of `rpg.dialects.forms` that can be read.

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
    return read(text)


def read_picture(path: Path) -> Image.Image:
    """A picture file, decoded; its size is judged before.

    Raises:
        SettingsError: It cannot be read, or is too large.
    """
    return decoded(
        path,
        lambda reason: SettingsError(f"cannot read {path}: {reason}"),
        most_pixels=MAX_PIXELS,
    )


def read_record(path: Path) -> Record:
    """The record of a picture; tells what another tool's says and it does not.

    Raises:
        MetadataError: As `metadata.read`.
    """
    record, lost = metadata.read_with_losses(path)
    for said in lost:
        console.note(said)
    return record


class Targets:
    """Where a command's pictures go, one after the other: NAME.png, or NAME-1.png to NAME-n.png.

    A named file is taken as it is. Without a name, or with a folder, nothing that is there is
    replaced: numbers go on where earlier pictures stopped, as it is when the pictures are saved.

    Args:
        output: What `-o` says.
        count: How many pictures there will be.

    Raises:
        SettingsError: A name that does not end in .png.
    """

    def __init__(self, output: Path | None, count: int = 1) -> None:
        self._named = output is not None and not os.path.isdir(output)
        given = output or Path()
        self._names = _named(given, count) if self._named else _free(given / "out.png", count)

    def save(
        self,
        image: Image.Image,
        record: Record | None,
        *,
        enlarged: bool = False,
        tell: Callable[[str], None] = console.note,
    ) -> Path:
        """Writes the next picture; arguments and errors as in `write_picture`."""
        if self._named:
            return write_picture(image, next(self._names), record, enlarged=enlarged, tell=tell)
        path = next(filter(_take, self._names))
        try:
            return metadata.save(image, path, record, enlarged=enlarged)
        except BaseException:
            with suppress(OSError):
                path.unlink()
            raise


def write_picture(
    image: Image.Image,
    path: Path,
    record: Record | None,
    *,
    enlarged: bool = False,
    tell: Callable[[str], None] = console.note,
) -> Path:
    """Writes a picture, and tells where a file that was there is replaced.

    Args:
        image: As in `metadata.encode`.
        path: The file.
        record: As in `metadata.encode`.
        enlarged: As in `metadata.encode`.
        tell: Called with the words.

    Raises:
        MetadataError: The file cannot be written.
    """
    with replacing(path, tell):
        metadata.save(image, path, record, enlarged=enlarged)
    return path


@contextmanager
def replacing(path: Path, tell: Callable[[str], None] = console.note) -> Iterator[None]:
    """Tells, once the file is written, that one which was there is replaced."""
    there = os.path.exists(path)
    yield
    if there:
        tell(f"replaced {path}")


def _named(output: Path, count: int) -> Iterator[Path]:
    path = output if output.suffix else output.with_suffix(".png")
    if path.suffix.lower() != ".png":
        raise SettingsError(
            f"{output}: only PNG keeps plan and settings; use a name that ends in .png"
        )
    return iter([path] if count == 1 else [_numbered(path, i) for i in range(1, count + 1)])


def _free(path: Path, count: int) -> Iterator[Path]:
    """Names for `count` pictures that are free when the first is asked for, and all that follow."""
    if count == 1 and not os.path.exists(path):
        yield path
    first = 1 if count > 1 else 2
    while any(os.path.exists(_numbered(path, first + i)) for i in range(count)):
        first += 1
    yield from (_numbered(path, number) for number in itertools.count(first))


def _take(path: Path) -> bool:
    """Holds the place with an empty file, so that no other run takes it; False if one has.

    Raises:
        MetadataError: The file cannot be written.
    """
    try:
        path.open("xb").close()
    except FileExistsError:
        return False
    except OSError as error:
        raise MetadataError(f"cannot write {path}: {error.strerror or error}") from error
    return True


def _numbered(path: Path, number: int) -> Path:
    return path.with_name(f"{path.stem}-{number}{path.suffix}")


def beside(path: Path) -> Path:
    """Where the drawn plan of a picture goes."""
    return path.with_name(f"{path.stem}-plan{path.suffix}")
