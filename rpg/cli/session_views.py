"""Sessions as tables for people and as JSON for programs."""

from __future__ import annotations

import json
import sys
from datetime import datetime
from typing import TYPE_CHECKING, Any

from rich.console import Console
from rich.table import Table
from rich.text import Text

from rpg.cli import console
from rpg.plans.edits import AddRegion, Edit, ModifyRegion, SetBase, SetScene

if TYPE_CHECKING:
    from rpg.session import Comparison, Session, Sessions, Turn

_SHOWN_CHARS = 60


def show_list(sessions: Sessions, as_json: bool) -> None:
    """All sessions, those changed last first."""
    found = sessions.list()
    if as_json:
        rows = [one._asdict() | {"image": _text(sessions.thumbnail(one))} for one in found]
        console.put(json.dumps(rows))
        return
    table = Table(box=None, padding=(0, 2, 0, 0))
    for heading in ("session", "title", "turns", "changed"):
        table.add_column(heading, justify="right" if heading == "turns" else "left")
    for one in found:
        table.add_row(Text(one.id), Text(one.title), str(one.turns), _when(one.updated))
    _print(table if found else Text(f"no sessions in {sessions.root}", style="dim"))


def show_session(session: Session, as_json: bool) -> None:
    """One session: a row for each turn, branch after branch; * marks the head."""
    turns = {turn.id: turn for turn in session.turns}
    order = [number for number, _ in session.tree.walk() if number in turns]
    if as_json:
        rows = [_described(session, turns[number]) for number in order]
        about = {"id": session.id, "title": session.title, "head": session.head, "turns": rows}
        console.put(json.dumps(about))
        return
    table = Table(
        title=Text(f"{session.id}  {session.title}"), title_justify="left", box=None, padding=(0, 1)
    )
    for heading in ("", "turn", "of", "label", "what", "seed", "score"):
        right = heading in ("turn", "of", "seed", "score")
        table.add_column(heading, justify="right" if right else "left")
    for number in order:
        table.add_row(*_row(turns[number], number == session.head))
    _print(table)


def show_comparison(found: Comparison, as_json: bool) -> None:
    """What the second turn has that the first has not."""
    if as_json:
        console.put(json.dumps(_compared(found)))
        return
    table = Table(show_header=False, box=None, padding=(0, 2, 0, 0))
    for edit in found.edits:
        table.add_row(Text("plan"), Text(said(edit)))
    for name, (one, other) in found.settings.items():
        table.add_row(Text(name), Text(f"{one} -> {other}"))
    if found.gained is not None:
        one, other = found.scores
        table.add_row(Text("score"), Text(f"{one:.2f} -> {other:.2f} ({found.gained:+.2f})"))
    for words, style, checks in (
        ("mended", "green", found.mended),
        ("broken", "red", found.broken),
    ):
        for says in checks:
            table.add_row(Text(words, style=style), Text(says))
    _print(table if table.row_count else Text("the same plan and settings", style="dim"))


def said(edit: Edit) -> str:
    """An edit in a few words."""
    match edit:
        case AddRegion():
            return f"add {edit.region.id}: {edit.region.prompt}"
        case ModifyRegion():
            return f"modify {edit.id}: {edit.prompt or 'its settings'}"
        case SetBase():
            return "change the words of the whole picture"
        case SetScene(setting=None, style=None):
            return "change what is known of its things"
        case SetScene():
            told = (("setting", edit.setting), ("style", edit.style))
            return "; ".join(f"{name}: {text or 'none'}" for name, text in told if text is not None)
        case _:
            return f"{edit.kind} {edit.id}"


def _described(session: Session, turn: Turn) -> dict[str, Any]:
    return turn.model_dump(mode="json") | {"file": str(session.path(turn.id))}


def _row(turn: Turn, head: bool) -> list[Text]:
    told = turn.made.instruction or "; ".join(map(said, turn.edits)) or turn.plan.prompt
    what = " ".join(told.split())
    score = f"{turn.score:.2f}" if turn.score is not None else ""
    cells = (
        "*" if head else "",
        str(turn.id),
        str(turn.parent or ""),
        turn.label,
        what if len(what) <= _SHOWN_CHARS else what[: _SHOWN_CHARS - 1] + "…",
        str(turn.settings.seed if turn.settings.seed is not None else ""),
        score,
    )
    return [Text(cell, style="bold" if head else "") for cell in cells]


def _compared(found: Comparison) -> dict[str, Any]:
    return {
        "before": found.before,
        "after": found.after,
        "edits": [edit.model_dump(mode="json", exclude_none=True) for edit in found.edits],
        "settings": found.settings,
        "scores": found.scores,
        "gained": found.gained,
        "mended": found.mended,
        "broken": found.broken,
    }


def _when(seconds: float) -> str:
    return datetime.fromtimestamp(seconds).strftime("%Y-%m-%d %H:%M")


def _text(value: object) -> str | None:
    return None if value is None else str(value)


def _print(what: Table | Text) -> None:
    Console(file=sys.stdout).print(what)
