"""Reasoning that a model writes into its answer, `<think>...</think>`, parsed as it streams."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Literal

from rpg.chat.base import Delta

_NAMES = ("think", "thinking", "thought", "reasoning")
_OPENING = re.compile(rf"<({'|'.join(_NAMES)})>", re.IGNORECASE)
_TAGS = tuple(f"<{name}>" for name in _NAMES)
_STRAY = "</think>"


class ThoughtSplitter:
    """Splits a text that comes in pieces into thoughts and answer, wherever the pieces are cut.

    Thoughts stand before the answer; a tag inside the answer is text. Some chat templates write
    the opening tag themselves, so that the model's text begins with thoughts and only the closing
    tag tells: then a "restart" voids what was taken for the answer.
    """

    def __init__(self) -> None:
        self._state: Literal["start", "thoughts", "answer"] = "start"
        self._held = ""
        self._closing = ""
        self._thinking = False  # whether a thought has begun, after the blanks before it
        self._strays = False
        self._said = ""  # the answer so far, where it may yet turn out to be thoughts

    def feed(self, text: str) -> Iterator[Delta]:
        """What can be told of the text so far; the rest is held until more has come."""
        self._held += text
        moved = True
        while moved and self._held:
            before = self._state
            yield from _told(self._step())
            moved = self._state != before

    def end(self) -> Iterator[Delta]:
        """What was held back; nothing more will come."""
        held, self._held = self._held, ""
        yield from _told([Delta(held, "reasoning" if self._state == "thoughts" else "answer")])

    def _step(self) -> list[Delta]:
        match self._state:
            case "start":
                return self._in_start()
            case "thoughts":
                return self._in_thoughts()
            case "answer":
                return self._in_answer()

    def _in_start(self) -> list[Delta]:
        self._held = self._held.lstrip()
        if found := _OPENING.match(self._held):
            self._closing = f"</{found[1].lower()}>"
            self._held = self._held[found.end() :]
            self._state = "thoughts"
        elif not any(tag.startswith(self._held.lower()) for tag in _TAGS):
            # JSON may quote a tag: only prose can turn out to have been thoughts
            self._strays = not self._held.startswith(("{", "[", "```"))
            self._state = "answer"
        return []

    def _in_thoughts(self) -> list[Delta]:
        if not self._thinking:
            self._held = self._held.lstrip()
        before, found = self._until(self._closing)
        self._thinking = not found and (self._thinking or bool(before))
        if found:
            self._state = "start"
        return [Delta(before, "reasoning")]

    def _in_answer(self) -> list[Delta]:
        if not self._strays:
            text, self._held = self._held, ""
            return [Delta(text)]
        before, found = self._until(_STRAY)
        self._said += before
        if not found:
            return [Delta(before)]
        self._state = "start"
        thoughts, self._said = self._said, ""
        return [Delta("those were thoughts", "restart"), Delta(thoughts, "reasoning")]

    def _until(self, tag: str) -> tuple[str, bool]:
        """Takes the text before a tag, or, while there is none, all that cannot be part of it."""
        lower = self._held.lower()
        at = lower.find(tag)
        if at >= 0:
            before, self._held = self._held[:at], self._held[at + len(tag) :]
            return before, True
        keep = next(n for n in range(len(tag), -1, -1) if lower.endswith(tag[:n]))
        cut = len(self._held) - keep
        before, self._held = self._held[:cut], self._held[cut:]
        return before, False


def _told(deltas: list[Delta]) -> Iterator[Delta]:
    return (delta for delta in deltas if delta.text)
