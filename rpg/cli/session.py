"""`rpg session ...`: the trees of turns that edits leave behind."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import numpy as np
import typer
from PIL import ImageChops

from rpg import metadata
from rpg.cli import console, files, options, session_views
from rpg.cli.loading import ModelFlags, read_adapters
from rpg.cli.recording import LAST, opened
from rpg.errors import SessionError
from rpg.session import Sessions

if TYPE_CHECKING:
    from PIL.Image import Image

    from rpg.session import Moved, Session

app = typer.Typer(
    name="session",
    help="Sessions: every turn kept, with undo, branches and replay. Kept in RPG_SESSIONS, else in "
    "the user's data folder.",
    no_args_is_help=True,
)

Name = Annotated[
    str, typer.Argument(metavar="SESSION", help='Id, or its beginning, or "last": changed last.')
]
TurnName = Annotated[str, typer.Argument(metavar="TURN", help="Number or label.")]
HeadName = Annotated[
    str | None,
    typer.Argument(
        metavar="TURN", help="Number or label; the head if left out.", show_default=False
    ),
]
Yes = Annotated[bool, typer.Option("--yes", "-y", help="Do not ask.")]


@app.command("list")
def list_sessions(as_json: options.Json = False) -> None:
    """All sessions, those changed last first."""
    with console.explained(as_json):
        session_views.show_list(Sessions(), as_json)


@app.command()
def show(name: Name = LAST, as_json: options.Json = False) -> None:
    """The turns of a session; * marks the one that the next edit starts from."""
    with console.explained(as_json):
        session_views.show_session(opened(name), as_json)


@app.command()
def undo(name: Name = LAST, as_json: options.Json = False) -> None:
    """Go one turn back. Nothing is lost: redo goes there again."""
    with console.explained(as_json):
        _tell(opened(name).undo(), as_json)


@app.command()
def redo(name: Name = LAST, as_json: options.Json = False) -> None:
    """Go one turn on, along the branch that was looked at last."""
    with console.explained(as_json):
        _tell(opened(name).redo(), as_json)


@app.command()
def branch(name: Name, turn: TurnName, as_json: options.Json = False) -> None:
    """Go to any turn; the next edit makes a branch there."""
    with console.explained(as_json):
        session = opened(name)
        _tell(session.branch(session.tree.named(turn)), as_json)


@app.command()
def label(
    name: Name,
    turn: TurnName,
    words: Annotated[str, typer.Argument(metavar="LABEL", help='Its new name; "" for none.')],
    as_json: options.Json = False,
) -> None:
    """Give a turn a name."""
    with console.explained(as_json):
        session = opened(name)
        number = session.tree.named(turn)
        session.label(number, words)
        _answer({"turn": number, "label": words}, f"turn {number}: {words or 'no label'}", as_json)


@app.command()
def compare(name: Name, before: TurnName, after: TurnName, as_json: options.Json = False) -> None:
    """What a turn has that another has not: plan, settings, score."""
    with console.explained(as_json):
        session = opened(name)
        numbers = (session.tree.named(before), session.tree.named(after))
        session_views.show_comparison(session.compare(*numbers), as_json)


@app.command()
def save(
    name: Name = LAST,
    turn: HeadName = None,
    output: options.Output = None,
    scale: options.Scale = None,
) -> None:
    """Write a turn's picture to a file, with its plan and settings."""
    with console.explained(as_json=False):
        session = opened(name)
        number = _chosen(session, turn)
        _write(session, number, session.image(number), output, scale)


@app.command("export")
def export_session(
    name: Name = LAST,
    output: Annotated[
        Path | None, typer.Option("--output", "-o", help="Default: SESSION.zip.")
    ] = None,
    as_json: options.Json = False,
) -> None:
    """Write a session with all its pictures to one zip."""
    with console.explained(as_json):
        session = opened(name)
        target = output if output is not None else Path(f"{session.id}.zip")
        target = target / f"{session.id}.zip" if target.is_dir() else target
        with files.replacing(target):
            Sessions().export(session.id, target)
        _answer({"id": session.id, "path": str(target)}, f"wrote {target}", as_json)


@app.command("import")
def import_session(
    path: Annotated[Path, typer.Argument(help="A zip that `rpg session export` wrote.")],
    as_json: options.Json = False,
) -> None:
    """Take in an exported session; under a new id if its own is taken."""
    with console.explained(as_json):
        session = Sessions().load(path)
        said = f"session {session.id}: {len(session.tree.parents)} turns"
        _answer({"id": session.id, "turns": len(session.tree.parents)}, said, as_json)


@app.command()
def delete(
    name: Name,
    turn: Annotated[
        str | None, typer.Argument(metavar="TURN", help="Only this turn.", show_default=False)
    ] = None,
    below: Annotated[
        bool, typer.Option("--below", help="With the turn all that came of it.")
    ] = False,
    yes: Yes = False,
    as_json: options.Json = False,
) -> None:
    """Delete a session, or a turn of it, for good."""
    with console.explained(as_json):
        session = opened(name)
        number = None if turn is None else session.tree.named(turn)
        what = f"session {session.id} ({session.title})" if number is None else f"turn {number}"
        if not yes:
            typer.confirm(f"Delete {what} for good?", abort=True, err=True)
        if number is None:
            Sessions().delete(session.id)
        else:
            session.delete(number, below=below)
        _answer({"id": session.id, "turn": number, "deleted": True}, f"deleted {what}", as_json)


@app.command()
def replay(
    name: Name = LAST,
    turn: HeadName = None,
    model: options.Model = None,
    dtype: options.DtypeName = "auto",
    device: options.Device = None,
    prediction_type: options.PredictionKind = None,
    vae: options.Vae = None,
    config: options.Config = None,
    lora: options.Lora = None,
    embedding: options.Embedding = None,
    low_vram: options.LowVram = "auto",
    output: options.Output = None,
    as_json: options.Json = False,
) -> None:
    """Make a turn's picture again and say whether it is the same. Exit code 1 if it is not."""
    with console.explained(as_json):
        session = opened(name)
        number = _chosen(session, turn)
        rpg = ModelFlags(
            model=model,
            dtype=dtype,
            device=device,
            lora=read_adapters(lora or ()),
            low_vram=low_vram,
            prediction_type=prediction_type,
            vae=vae,
            config=config,
            embeddings=tuple(embedding or ()),
        ).load()
        rpg.pipe.set_progress_bar_config(disable=True)
        image = session.replay(number, rpg)
        if output is not None:
            _write(session, number, image, output, None)
        off = _largest_difference(session.image(number), image)
        said = "the same, pixel for pixel" if off == 0 else f"pixels differ by up to {off} of 255"
        _answer({"turn": number, "same": off == 0, "difference": off}, said, as_json)
        raise typer.Exit(0 if off == 0 else 1)


def _chosen(session: Session, turn: str | None) -> int:
    if turn is not None:
        return session.tree.named(turn)
    if session.head is None:
        raise SessionError("the session has no turns yet")
    return session.head


def _tell(moved: Moved, as_json: bool) -> None:
    said = f"at turn {moved.head}"
    if not moved.done:
        said = f"another program has just moved to turn {moved.head}: nothing done, try again"
    _answer({"moved": moved.done, "head": moved.head}, said, as_json)
    if not moved.done:
        raise typer.Exit(1)


def _answer(data: dict[str, object], said: str, as_json: bool) -> None:
    console.put(json.dumps(data) if as_json else said)


def _write(
    session: Session, number: int, image: Image, output: Path | None, scale: int | None
) -> None:
    record = metadata.rescaled(session.turn(number).made.record, scale)
    path = files.Targets(output).save(image, record)
    console.say(f"wrote {path}")


def _largest_difference(one: Image, other: Image) -> int:
    """Of two pictures, in steps of a channel; 255 if they are not even of one size."""
    if one.size != other.size:
        return 255
    difference = ImageChops.difference(one.convert("RGB"), other.convert("RGB"))
    return int(np.asarray(difference).max())
