"""A session as words: the strip of its turns, and the conversation that they make. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import TypedDict

from rpg.critique import Critique
from rpg.plans.edits import AddRegion, Edit, ModifyRegion, MoveRegion, RemoveRegion, SetScene
from rpg.plans.plan import Plan
from rpg.refinement.policy import Rung
from rpg.session import Turn, TurnTree

__all__ = ["Failure", "Message", "caption", "changes", "conversation", "strip", "verdict"]

MOST_SHOWN = 100
_SHORT = 60  # characters of a caption
_WHYS = tuple(f": {rung.value}" for rung in Rung)


class Message(TypedDict):
    """One of the conversation, as `gr.Chatbot` takes it."""

    role: str
    content: str


@dataclass(frozen=True, slots=True)
class Failure:
    """A wish that came to nothing, in one tab.

    Attributes:
        session: Where it was wished.
        wish: In the user's words.
        why: What went wrong.
    """

    session: str
    wish: str
    why: str


def strip(turns: Sequence[Turn], at: int | None) -> list[tuple[int, str]]:
    """Numbers and captions of the turns to show, the oldest first.

    At most `MOST_SHOWN`: the newest, or those around the one looked at, where it is older.
    """
    places = [place for place, turn in enumerate(turns) if turn.id == at]
    end = min(len(turns), (places[0] if places else len(turns)) + MOST_SHOWN // 2)
    first = max(0, end - MOST_SHOWN)
    shown = turns[first : first + MOST_SHOWN]
    return [(turn.id, caption(turn, at)) for turn in shown]


def caption(turn: Turn, at: int | None) -> str:
    """A turn in a line: "▸ 3 make the star green", ▸ for the one looked at."""
    words = turn.label or turn.made.instruction or ("drawn anew" if turn.parent else "drawn")
    if words.endswith(_WHYS):
        words = words.rpartition(": ")[2]
    branch = "" if turn.parent in (None, turn.id - 1) else f" (from {turn.parent})"
    return f"{'▸ ' if turn.id == at else ''}{turn.id} {_short(words)}{branch}"


def conversation(
    turns: Sequence[Turn], tree: TurnTree, at: int | None, failures: Iterable[Failure] = ()
) -> list[Message]:
    """What was wished and what came of it, turn by turn, then what went wrong in this tab.

    Args:
        turns: Of the session, the oldest first.
        tree: Its shape.
        at: The turn that is looked at.
        failures: Of this tab and session.
    """
    plans = {turn.id: turn.plan for turn in turns}
    scores = {turn.id: turn.score for turn in turns}
    told: list[Message] = []
    left_out = len(turns) - MOST_SHOWN
    if left_out > 0:
        told.append(_answer(f"{left_out:,} earlier turns are not shown here."))
    for turn in turns[-MOST_SHOWN:]:
        before = plans.get(turn.parent) if turn.parent is not None else None
        told += [_wish(turn), _answer(_outcome(turn, before, _standing(turn, tree, at, scores)))]
    for failure in failures:
        told += [Message(role="user", content=failure.wish), _answer(failure.why)]
    return told


def changes(edits: Iterable[Edit], before: Plan | None) -> list[str]:
    """Edits in words, a line each; what brings the description up to date goes without saying."""
    was = {region.id: region.prompt for region in before.layers()} if before is not None else {}
    lines = [_change(edit, was) for edit in edits]
    told = [line for line in lines if line]
    return told or (["Changed the words of the whole picture"] if lines else [])


def verdict(critique: Critique) -> str:
    """The score in words: "0.83, 5 of 6 things right"."""
    count = len(critique.findings)
    if not count:
        return f"{critique.score:.2f}, nothing to check"
    right = sum(finding.holds for finding in critique.findings)
    return f"{critique.score:.2f}, {right} of {count} things right"


def _wish(turn: Turn) -> Message:
    """Why the turn was drawn: the user's words, or those of the automatic refinement."""
    words = turn.made.instruction
    if not words:
        again = "Draw this part anew" if turn.mask is not None else "Draw it anew"
        return Message(role="user", content=again if turn.parent else turn.plan.prompt)
    if words.endswith(_WHYS):
        return _answer(f"Drawn again by itself, with {words.rpartition(': ')[2]}")
    return Message(role="user", content=words)


def _outcome(turn: Turn, before: Plan | None, standing: str) -> str:
    name = f" “{turn.label}”" if turn.label else ""
    lines = [f"Turn {turn.id}{name}{standing}", *changes(turn.edits, before)]
    if turn.critique is not None:
        lines.append(f"Score {verdict(turn.critique)}")
        lines += [f"Wrong: {_finding(one.check.says, one.seen)}" for one in turn.critique.failed]
        lines += turn.critique.notes
    return "\n".join(lines)


def _standing(
    turn: Turn, tree: TurnTree, at: int | None, scores: Mapping[int, float | None]
) -> str:
    """Whether a turn led to what is looked at."""
    number = turn.id
    if at is None or at not in tree.parents or number not in tree.parents:
        return ""
    if number == at:
        return ": you are here"
    if number in tree.path(at):
        return ": kept"
    before = scores.get(turn.parent) if turn.parent is not None else None
    mended = turn.made.instruction.endswith(_WHYS)
    if mended and turn.score is not None and before is not None and turn.score <= before:
        return ": no better, not kept"
    return ": undone" if at in tree.path(number) else ": not kept"


def _change(edit: Edit, was: dict[str, str]) -> str:
    match edit:
        case AddRegion(region=region):
            return f"Added {region.prompt or region.id}"
        case RemoveRegion(id=name):
            return f"Removed {was.get(name) or name}"
        case ModifyRegion(id=name, prompt=prompt) if prompt:
            return f"{was.get(name) or name} became {prompt}"
        case ModifyRegion(id=name):
            return f"Changed the settings of {was.get(name) or name}"
        case MoveRegion(id=name):
            return f"Moved {was.get(name) or name}"
        case SetScene():
            told = (("setting", edit.setting), ("style", edit.style))
            return "; ".join(f"{name}: {text or 'none'}" for name, text in told if text is not None)
        case _:
            return ""


def _finding(says: str, seen: str) -> str:
    return f"{says} (seen: {seen})" if seen else says


def _short(text: str) -> str:
    line = " ".join(text.split())
    return line if len(line) <= _SHORT else line[: _SHORT - 1] + "…"


def _answer(text: str) -> Message:
    return Message(role="assistant", content=text)
