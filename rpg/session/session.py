"""Session: one tree of turns, changed by whoever has it open, in this process or another.

    session = Sessions().create("a walk in the snow")
    first = session.add(image, record, parent=None).turn
    session.undo()

What `tree` and `head` say is what this object saw last. A turn names its parent, so that two who
work on one session make two branches. A move of the head counts only if the head is still where it
was seen: else nothing happens, and the answer says where it is now.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from pydantic import ValidationError

from rpg import metadata
from rpg.critique import Critique
from rpg.errors import SessionError
from rpg.metadata import Record
from rpg.plans.edits import Edit
from rpg.session import _rows
from rpg.session.compare import Comparison, compared
from rpg.session.replay import replayed
from rpg.session.turn import Making, Turn
from rpg.settings import explain

if TYPE_CHECKING:
    from PIL.Image import Image

    from rpg.pipeline import RPGPipeline
    from rpg.session._database import Database
    from rpg.session._pictures import Pictures
    from rpg.session.tree import TurnTree

__all__ = ["Added", "Moved", "Session"]

_TITLE_FROM_PROMPT = 80  # characters


class Added(NamedTuple):
    """A new turn, stored for good.

    Attributes:
        turn: As stored.
        moved: Whether the head went along; not where it had left the parent meanwhile.
        head: Where the head is now.
    """

    turn: Turn
    moved: bool
    head: int


class Moved(NamedTuple):
    """What became of a wish to move the head.

    Attributes:
        done: False where somebody else had moved it since it was last seen; then it stays.
        head: Where it is now.
    """

    done: bool
    head: int | None


class Session:
    """One session as it was last seen. Made by `Sessions`, not by hand.

    Attributes:
        id: Twelve hexadecimal digits.
        title: The user's, or the beginning of the first prompt.
        tree: Numbers of the turns, the head, labels.
    """

    def __init__(self, database: Database, pictures: Pictures, session: str) -> None:
        """Read the session's shape.

        Raises:
            SessionError: There is none of that id.
        """
        self._database = database
        self._pictures = pictures
        self.id = session
        self.title: str
        self.tree: TurnTree
        self.refresh()

    @property
    def head(self) -> int | None:
        """The turn that is looked at, as last seen; None without turns."""
        return self.tree.head

    @property
    def turns(self) -> tuple[Turn, ...]:
        """All turns as they are stored now, the oldest first."""
        with self._database.reading() as rows:
            return _rows.turns(rows, self.id)

    def refresh(self) -> Session:
        """Looks again at what others may have changed; returns self."""
        with self._database.reading() as rows:
            self.title = _rows.summary(rows, self.id).title
            self.tree = _rows.tree(rows, self.id)
        return self

    def turn(self, number: int) -> Turn:
        """One turn as it is stored now.

        Raises:
            SessionError: There is none of that number.
        """
        with self._database.reading() as rows:
            return _rows.turn(rows, self.id, number)

    def image(self, number: int) -> Image:
        """The picture of a turn, at the size it was drawn.

        Raises:
            SessionError: There is no such turn.
            StoreError: The file is gone or was changed.
        """
        return self._pictures.load(self.turn(number).image)

    def mask(self, number: int) -> Image | None:
        """What of the parent's picture was drawn anew for a turn: white in greyscale; or None."""
        name = self.turn(number).mask
        return None if name is None else self._pictures.load(name)

    def path(self, number: int) -> Path:
        """The file of a turn's picture, to be shown or copied, not changed."""
        return self._pictures.path(self.turn(number).image)

    def add(
        self,
        image: Image,
        record: Record,
        *,
        parent: int | None,
        edits: Iterable[Edit] = (),
        instruction: str = "",
        mask: Image | None = None,
        critique: Critique | None = None,
        index: int = 0,
        of: int = 1,
    ) -> Added:
        """Stores a turn. When this returns it is there, whatever happens next.

        Args:
            image: The picture as drawn, not enlarged.
            record: What it was made of; its `settings` are those of this picture.
            parent: The turn it was made from; None if it was drawn from nothing. The head goes
                along if it is at the parent, or if there were no turns.
            edits: What the plan differs by from the parent's.
            instruction: The user's words behind the edits.
            mask: Where the parent's picture was drawn anew: white, as large as the picture.
            critique: What a critic said of the picture; may come later, see `criticise`.
            index: Place in its batch, from 0.
            of: Size of its batch.

        Raises:
            SessionError: The parent is gone, or a value cannot be.
            StoreError: The disk is full or read-only; the session is as before.
        """
        if mask is not None and (parent is None or mask.size != image.size):
            raise SessionError("a mask goes with a parent, and is as large as the picture")
        made = _making(
            record=record, edits=tuple(edits), instruction=instruction, index=index, of=of
        )
        files = [metadata.encode(image.convert("RGB"), metadata.rescaled(record, 1))]
        if mask is not None:
            files.append(metadata.encode(mask.convert("L"), None))
        with self._database.writing() as rows:
            before = _rows.tree(rows, self.id)
            after, number = before.added(parent)
            names = [self._pictures.keep(data) for data in files]
            turn = Turn(
                id=number,
                parent=parent,
                made=made,
                image=names[0],
                mask=names[1] if mask is not None else None,
                critique=critique,
                created=time.time(),
            )
            _rows.add_turn(rows, self.id, turn)
            _rows.save_tree(rows, self.id, before, after)
            if not _rows.summary(rows, self.id).title:
                _rows.retitle(rows, self.id, _title(turn.plan.prompt))
        self.refresh()
        return Added(turn, after.head == number, after.head or number)

    def criticise(self, number: int, critique: Critique) -> Turn:
        """Writes down what a critic said of a stored turn.

        Raises:
            SessionError: There is no such turn.
        """
        with self._database.writing() as rows:
            _rows.set_critique(rows, self.id, number, critique)
        return self.turn(number)

    def undo(self) -> Moved:
        """The head one turn up.

        Raises:
            SessionError: It is at a first turn.
        """
        return self._move(lambda tree: tree.undone())

    def redo(self) -> Moved:
        """The head one turn down, to where it was last or else to the newest.

        Raises:
            SessionError: Nothing came of the turn.
        """
        return self._move(lambda tree: tree.redone())

    def branch(self, number: int) -> Moved:
        """The head on any turn: the next one added there is a branch.

        Raises:
            SessionError: There is no such turn.
        """
        return self._move(lambda tree: tree.at(number))

    def label(self, number: int, name: str) -> None:
        """A name for a turn, its own in the session; the empty one takes the name away.

        Raises:
            SessionError: There is no such turn, or the name cannot be.
        """
        self._change(lambda tree: tree.labelled(number, name))

    def delete(self, number: int, *, below: bool = False) -> None:
        """A turn goes for good; a head that goes with it moves to its parent.

        Args:
            number: What goes.
            below: Whether all that came of it goes too.

        Raises:
            SessionError: Something came of the turn, and `below` was not said.
        """
        self._change(lambda tree: tree.without(number, below=below))
        with self._database.writing() as rows:
            self._pictures.sweep(_rows.needed(rows))

    def compare(self, before: int, after: int) -> Comparison:
        """What the one turn has that the other has not: plans, settings, scores.

        Raises:
            SessionError: There is no such turn.
        """
        return compared(self.turn(before), self.turn(after))

    def replay(self, number: int, rpg: RPGPipeline) -> Image:
        """Makes a turn's picture again, pixel for pixel, on the machine that made it.

        Raises:
            SessionError: It was made by another model, or with what the session does not hold.
            RPGError: What the pipeline failed with.
        """
        turn = self.turn(number)
        parent = self.image(turn.parent) if turn.parent is not None and turn.mask else None
        return replayed(turn, rpg, parent, self.mask(number))

    def _move(self, step: Callable[[TurnTree], TurnTree]) -> Moved:
        """Moves the head, if it is where it was seen last."""
        seen = self.tree.head
        with self._database.writing() as rows:
            before = _rows.tree(rows, self.id)
            done = before.head == seen
            if done:
                _rows.save_tree(rows, self.id, before, step(before))
        self.refresh()
        return Moved(done, self.tree.head)

    def _change(self, change: Callable[[TurnTree], TurnTree]) -> None:
        with self._database.writing() as rows:
            before = _rows.tree(rows, self.id)
            _rows.save_tree(rows, self.id, before, change(before))
        self.refresh()


def _making(**values: object) -> Making:
    """Validated in the form in which it is stored: what goes in comes out."""
    try:
        return Making.model_validate_json(Making.model_validate(values).model_dump_json())
    except ValidationError as error:
        raise SessionError(f"the turn cannot be stored: {explain(error)}") from None


def _title(prompt: str) -> str:
    """One line of a prompt, nothing in it but what prints."""
    line = " ".join("".join(one if one.isprintable() else " " for one in prompt).split())
    return line if len(line) <= _TITLE_FROM_PROMPT else line[: _TITLE_FROM_PROMPT - 1] + "…"
