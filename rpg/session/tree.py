"""The tree of a session's turns and its head. Pure; knows no store.

::

    1 --- 2 --- 3        head at 2: undo leads to 1, redo to 3, and a new turn under 2 is
           `--- 4        a branch beside 3. Nothing is lost by moving about.

A turn is known by its number, given once and never again, so that a child's is above its parent's.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace

from rpg.errors import SessionError

__all__ = ["MAX_LABEL_CHARS", "MAX_TURNS", "TurnTree"]

MAX_TURNS = 10_000
MAX_LABEL_CHARS = 100
_LABEL = re.compile(r"(?!\d+$)[^\x00-\x1f\x7f]+")  # all digits would be taken for a number


@dataclass(frozen=True, slots=True)
class TurnTree:
    """Turns by number; every change is a new tree.

    Attributes:
        parents: Of each turn the one it came of, None for one drawn from nothing.
        head: The turn that is looked at; None only where there is no turn.
        ahead: Of a turn the child that redo leads to: the last one that the head was at or below.
        labels: Names of turns.
        last: The highest number ever given.

    Raises:
        SessionError: What is given is no such tree.
    """

    parents: Mapping[int, int | None] = field(default_factory=dict)
    head: int | None = None
    ahead: Mapping[int, int] = field(default_factory=dict)
    labels: Mapping[str, int] = field(default_factory=dict)
    last: int = 0

    def __post_init__(self) -> None:
        """Refuse what is no tree; numbers that only rise leave no room for a circle."""
        known = self.parents
        whole = (
            all(0 < turn <= self.last for turn in known)
            and all(up is None or (up in known and up < turn) for turn, up in known.items())
            and (self.head in known if known else self.head is None)
            and all(down in known and known[down] == up for up, down in self.ahead.items())
            and all(turn in known for turn in self.labels.values())
            and len(set(self.labels.values())) == len(self.labels)
            and all(_fit(name) for name in self.labels)
        )
        if not whole:
            raise SessionError("the session's turns do not make a tree: its record is damaged")

    def children(self, turn: int | None) -> tuple[int, ...]:
        """What came of a turn, the oldest first; of None the turns drawn from nothing."""
        return tuple(sorted(one for one, parent in self.parents.items() if parent == turn))

    def path(self, turn: int) -> tuple[int, ...]:
        """From the first turn down to this one, both included."""
        up: list[int] = []
        at: int | None = self.known(turn)
        while at is not None:
            up.append(at)
            at = self.parents[at]
        return tuple(reversed(up))

    def below(self, turn: int) -> tuple[int, ...]:
        """The turn and everything that came of it, parents before children."""
        found = {self.known(turn)}
        for one in sorted(self.parents):
            if self.parents[one] in found:
                found.add(one)
        return tuple(sorted(found))

    def known(self, turn: int) -> int:
        """The number itself.

        Raises:
            SessionError: There is no such turn.
        """
        if turn not in self.parents:
            raise SessionError(f"there is no turn {turn}; {self._range()}")
        return turn

    def named(self, name: str) -> int:
        """The turn that a number or a label means.

        Raises:
            SessionError: Neither; says which there are.
        """
        if name in self.labels:
            return self.labels[name]
        if name.isascii() and name.isdigit() and len(name) < 10:
            return self.known(int(name))
        raise SessionError(f"there is no turn {name!r:.60}; {self._range()}")

    def added(self, parent: int | None) -> tuple[TurnTree, int]:
        """A new turn, and its number.

        The head goes along where it is at the parent, or where there was no turn; elsewhere it
        stays, since whoever moved it looks at something else.

        Raises:
            SessionError: The parent is gone, or there are `MAX_TURNS` turns.
        """
        if parent is not None:
            self.known(parent)
        if len(self.parents) >= MAX_TURNS:
            raise SessionError(f"the session has {MAX_TURNS:,} turns, the most there can be")
        turn = self.last + 1
        grown = replace(
            self,
            parents={**self.parents, turn: parent},
            head=turn if self.head is None else self.head,
            last=turn,
        )
        return (grown.at(turn) if self.head == parent else grown), turn

    def at(self, turn: int) -> TurnTree:
        """The head on that turn, and redo leading back to it from everything above."""
        path = self.path(turn)
        ahead = {**self.ahead, **dict(zip(path, path[1:], strict=False))}
        return replace(self, head=turn, ahead=ahead)

    def undone(self) -> TurnTree:
        """The head one turn up.

        Raises:
            SessionError: It is at a first turn, or there is none.
        """
        parent = self.parents[self._somewhere()]
        if parent is None:
            raise SessionError(f"turn {self.head} is a first turn: there is nothing to undo")
        return self.at(parent)

    def redone(self) -> TurnTree:
        """The head one turn down: where it was last, else to the newest.

        Raises:
            SessionError: Nothing came of the turn.
        """
        head = self._somewhere()
        children = self.children(head)
        if not children:
            raise SessionError(f"nothing came of turn {head} yet: there is nothing to redo")
        return self.at(self.ahead.get(head, children[-1]))

    def labelled(self, turn: int, name: str) -> TurnTree:
        """The turn under a new name; the empty one takes its name away.

        Raises:
            SessionError: Another turn has the name, or it is not fit for one.
        """
        others = {old: one for old, one in self.labels.items() if one != self.known(turn)}
        if not name:
            return replace(self, labels=others)
        if not _fit(name):
            raise SessionError(
                f"a label has 1 to {MAX_LABEL_CHARS} characters in one line, not digits alone"
            )
        if name in others:
            raise SessionError(f"turn {others[name]} is labelled {name!r} already; take another")
        return replace(self, labels={**others, name: turn})

    def without(self, turn: int, *, below: bool = False) -> TurnTree:
        """The tree without a turn; a head that goes with it moves to its parent, or what is left.

        Args:
            turn: What goes.
            below: Whether everything that came of it goes too; else there must be nothing.

        Raises:
            SessionError: Something came of the turn.
        """
        gone = set(self.below(turn))
        if len(gone) > 1 and not below:
            raise SessionError(
                f"{len(gone) - 1} more came of turn {turn}: delete those as well, or keep it"
            )
        return replace(
            self,
            parents={one: up for one, up in self.parents.items() if one not in gone},
            head=self._left(turn) if self.head in gone else self.head,
            ahead={up: down for up, down in self.ahead.items() if not gone & {up, down}},
            labels={name: one for name, one in self.labels.items() if one not in gone},
        )

    def walk(self) -> Iterator[tuple[int, int]]:
        """Every turn with its depth from 0, parents before children, branch after branch."""
        families: dict[int | None, list[int]] = {}
        for one in sorted(self.parents, reverse=True):
            families.setdefault(self.parents[one], []).append(one)
        pending = [(one, 0) for one in families.get(None, ())]
        while pending:
            turn, depth = pending.pop()
            yield turn, depth
            pending += [(one, depth + 1) for one in families.get(turn, ())]

    def _left(self, gone: int) -> int | None:
        """Where the head goes when a turn goes: up, else to the newest of the first turns."""
        parent = self.parents[gone]
        if parent is not None:
            return parent
        return max((one for one in self.children(None) if one != gone), default=None)

    def _somewhere(self) -> int:
        if self.head is None:
            raise SessionError("the session has no turns yet")
        return self.head

    def _range(self) -> str:
        if not self.parents:
            return "the session has none yet"
        return (
            f"the session has {len(self.parents)}, from {min(self.parents)} to {max(self.parents)}"
        )


def _fit(name: str) -> bool:
    """Whether it can be a label."""
    return len(name) <= MAX_LABEL_CHARS and name == name.strip() and bool(_LABEL.fullmatch(name))
