"""The shape of a session, alone and stored, against a simple model."""

from __future__ import annotations

import tempfile
from typing import Any, Protocol

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from rpg.errors import SessionError
from rpg.session import Session, Sessions, TurnTree
from tests.session.helpers import drawn


class Naive:
    """What a session should do, told in the slowest way: every place the head was is remembered."""

    def __init__(self) -> None:
        self.parents: dict[int, int | None] = {}  # also of those that are gone
        self.alive: list[int] = []
        self.labels: dict[int, str] = {}
        self.visited: list[int] = []

    @property
    def head(self) -> int | None:
        return self.visited[-1] if self.alive else None

    def above(self, turn: int | None) -> list[int]:
        return [] if turn is None else [turn, *self.above(self.parents[turn])]

    def children(self, turn: int | None) -> list[int]:
        return [one for one in self.alive if self.parents[one] == turn]

    def add(self, parent: int | None) -> None:
        follows = self.head == parent or not self.alive
        turn = len(self.parents) + 1
        self.parents[turn] = parent
        self.alive.append(turn)
        if follows:
            self.visited.append(turn)

    def undo(self) -> None:
        assert self.head is not None
        up = self.parents[self.head]
        self.visited.append(self.head if up is None else up)

    def redo(self) -> None:
        head, down = self.head, self.children(self.head)
        assert head is not None
        newest = down[-1] if down else head
        for place in reversed(self.visited):
            path = self.above(place)
            if head in path[1:]:
                child = path[path.index(head) - 1]
                self.visited.append(child if child in down else newest)
                return
        self.visited.append(newest)

    def remove(self, turn: int) -> None:
        gone = {one for one in self.alive if turn in self.above(one)}
        head = self.head
        self.alive = [one for one in self.alive if one not in gone]
        self.labels = {one: name for one, name in self.labels.items() if one not in gone}
        if head in gone and self.alive:
            up = self.parents[turn]
            self.visited.append(max(self.children(None)) if up is None else up)


class Subject(Protocol):
    """What is held against the model."""

    def tree(self) -> TurnTree: ...
    def add(self, parent: int | None) -> None: ...
    def undo(self) -> None: ...
    def redo(self) -> None: ...
    def go(self, turn: int) -> None: ...
    def label(self, turn: int, name: str) -> None: ...
    def remove(self, turn: int) -> None: ...
    def close(self) -> None: ...


class Alone:
    """The tree without a store."""

    def __init__(self) -> None:
        self._tree = TurnTree()

    def tree(self) -> TurnTree:
        return self._tree

    def add(self, parent: int | None) -> None:
        self._tree, _ = self._tree.added(parent)

    def undo(self) -> None:
        self._tree = self._tree.undone()

    def redo(self) -> None:
        self._tree = self._tree.redone()

    def go(self, turn: int) -> None:
        self._tree = self._tree.at(turn)

    def label(self, turn: int, name: str) -> None:
        self._tree = self._tree.labelled(turn, name)

    def remove(self, turn: int) -> None:
        self._tree = self._tree.without(turn, below=True)

    def close(self) -> None:
        """Nothing is open."""


class Stored:
    """The tree as it is on the disk: opened anew for every step."""

    def __init__(self) -> None:
        self._folder = tempfile.TemporaryDirectory()
        self._id = Sessions(self._folder.name).create().id
        self._drawn = 0

    def _session(self) -> Session:
        return Sessions(self._folder.name).open(self._id)

    def tree(self) -> TurnTree:
        session = self._session()
        assert [turn.id for turn in session.turns] == sorted(session.tree.parents)
        return session.tree

    def add(self, parent: int | None) -> None:
        self._drawn += 1
        drawn(self._session(), self._drawn % 5, parent)

    def undo(self) -> None:
        assert self._session().undo().done

    def redo(self) -> None:
        assert self._session().redo().done

    def go(self, turn: int) -> None:
        assert self._session().branch(turn).done

    def label(self, turn: int, name: str) -> None:
        self._session().label(turn, name)

    def remove(self, turn: int) -> None:
        self._session().delete(turn, below=True)

    def close(self) -> None:
        session = self._session()
        for turn in session.turns:
            session.image(turn.id)  # those that are left are whole
        self._folder.cleanup()


class Machine(RuleBasedStateMachine):
    """Random steps; after each the tree and the model agree."""

    kind: Any = Alone

    @initialize()
    def start(self) -> None:
        self.subject: Subject = self.kind()
        self.model = Naive()

    def some(self, data: st.DataObject) -> int:
        return data.draw(st.sampled_from(self.model.alive))

    @rule(data=st.data())
    def add_anywhere(self, data: st.DataObject) -> None:
        parent = data.draw(st.sampled_from([None, *self.model.alive]))
        self.subject.add(parent)
        self.model.add(parent)

    @rule()
    def add_at_the_head(self) -> None:
        head = self.model.head
        self.subject.add(head)
        self.model.add(head)

    @precondition(lambda self: self.model.alive)
    @rule()
    def undo(self) -> None:
        if len(self.model.above(self.model.head)) == 1:
            with pytest.raises(SessionError, match="nothing to undo"):
                self.subject.undo()
        else:
            self.subject.undo()
        self.model.undo()

    @precondition(lambda self: self.model.alive)
    @rule()
    def redo(self) -> None:
        if not self.model.children(self.model.head):
            with pytest.raises(SessionError, match="nothing to redo"):
                self.subject.redo()
        else:
            self.subject.redo()
        self.model.redo()

    @precondition(lambda self: self.model.alive)
    @rule(data=st.data())
    def go(self, data: st.DataObject) -> None:
        turn = self.some(data)
        self.subject.go(turn)
        self.model.visited.append(turn)

    @precondition(lambda self: self.model.alive)
    @rule(data=st.data(), name=st.sampled_from(["", "a", "b c", "1 <b>"]))
    def label(self, data: st.DataObject, name: str) -> None:
        turn = self.some(data)
        taken = [one for one, other in self.model.labels.items() if other == name and one != turn]
        if taken:
            with pytest.raises(SessionError, match="take another"):
                self.subject.label(turn, name)
            return
        self.subject.label(turn, name)
        self.model.labels.pop(turn, None)
        if name:
            self.model.labels[turn] = name

    @precondition(lambda self: self.model.alive)
    @rule(data=st.data())
    def remove(self, data: st.DataObject) -> None:
        turn = self.some(data)
        self.subject.remove(turn)
        self.model.remove(turn)

    @invariant()
    def agree(self) -> None:
        tree, model = self.subject.tree(), self.model
        assert dict(tree.parents) == {one: model.parents[one] for one in model.alive}
        assert tree.head == model.head
        assert {turn: name for name, turn in tree.labels.items()} == model.labels
        assert sorted(turn for turn, _ in tree.walk()) == sorted(model.alive)

    def teardown(self) -> None:
        if hasattr(self, "subject"):
            self.subject.close()


class StoredMachine(Machine):
    kind = Stored


TestTree = Machine.TestCase
TestTree.settings = settings(max_examples=100, stateful_step_count=40)
TestStored = StoredMachine.TestCase
TestStored.settings = settings(max_examples=8, stateful_step_count=20)


def grown(*parents: int | None) -> TurnTree:
    tree = TurnTree()
    for parent in parents:
        tree, _ = tree.added(parent)
    return tree


def test_undo_stops_at_the_first_turn_and_says_so() -> None:
    tree = grown(None, 1).undone()
    assert tree.head == 1
    with pytest.raises(SessionError, match="turn 1 is a first turn"):
        tree.undone()
    with pytest.raises(SessionError, match="no turns yet"):
        TurnTree().undone()


def test_redo_goes_back_down_the_branch_it_came_from() -> None:
    tree = grown(None, 1, 2, 1).at(3).undone().undone()
    assert tree.head == 1
    assert [tree.redone().head, tree.redone().redone().head] == [2, 3]
    assert tree.at(4).undone().redone().head == 4


def test_a_turn_with_children_is_not_deleted_by_accident() -> None:
    tree = grown(None, 1, 2, 2)
    with pytest.raises(SessionError, match="2 more came of turn 2"):
        tree.without(2)
    assert dict(tree.without(2, below=True).parents) == {1: None}
    assert tree.without(2, below=True).head == 1
    assert tree.without(1, below=True).head is None


def test_numbers_are_never_given_twice() -> None:
    tree = grown(None, 1).without(2)
    assert tree.added(1)[1] == 3


def test_the_head_stays_with_whoever_moved_it() -> None:
    tree = grown(None, 1, 2)
    assert tree.head == 3
    assert tree.added(1)[0].head == 3
    assert tree.at(1).added(1)[0].head == 4


@pytest.mark.parametrize(
    "damaged",
    [
        {"parents": {1: 2, 2: 1}, "head": 1, "last": 2},
        {"parents": {1: 1}, "head": 1, "last": 1},
        {"parents": {2: 1}, "head": 2, "last": 2},
        {"parents": {1: None}, "head": 2, "last": 2},
        {"parents": {1: None}, "head": None, "last": 1},
        {"parents": {1: None}, "head": 1, "last": 0},
        {"parents": {1: None, 2: None}, "head": 1, "ahead": {1: 2}, "last": 2},
        {"parents": {1: None}, "head": 1, "labels": {"a": 2}, "last": 1},
        {"parents": {1: None}, "head": 1, "labels": {"7": 1}, "last": 1},
        {"parents": {-1: None}, "head": -1, "last": 1},
    ],
)
def test_what_is_no_tree_is_refused(damaged: dict[str, Any]) -> None:
    with pytest.raises(SessionError, match="damaged"):
        TurnTree(**damaged)


@pytest.mark.parametrize("name", ["7", " a", "a\nb", "a\x00", "x" * 101])
def test_labels_that_cannot_be(name: str) -> None:
    with pytest.raises(SessionError, match="a label has"):
        grown(None).labelled(1, name)


def test_turns_are_found_by_number_and_by_label() -> None:
    tree = grown(None, 1).labelled(2, "the blue one")
    assert (tree.named("1"), tree.named("the blue one")) == (1, 2)
    for name in ("3", "-1", "0", "", "²", "9" * 30, "../1"):
        with pytest.raises(SessionError, match="the session has 2, from 1 to 2"):
            tree.named(name)
