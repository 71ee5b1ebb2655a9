"""A model's reasoning, extracted from its answer while it streams."""

from __future__ import annotations

import pydantic_core

from rpg.chat.answers import clean
from rpg.chat.base import Delta

_STOPS = "{`"  # where prose ends: JSON, or the code fence around it
_SHARE = 50  # JSON is read again once it has grown by a fiftieth: the work stays linear


class Thoughts:
    """Picks from the pieces of an answer what is for people to read.

    That is what the model thinks aside, and of the answer itself the prose before any JSON and the
    JSON's "reasoning", which is read while it is still incomplete.
    """

    def __init__(self) -> None:
        self.restart()

    def restart(self) -> None:
        """Forget everything: another answer begins."""
        self._answer = ""
        self._shown = 0  # letters of prose, or of the reasoning
        self._start: int | None = None  # of the JSON
        self._read_at = 0
        self._done = False
        self._last = ("", "\n")  # whose words were shown last, and the last letter

    def feed(self, delta: Delta) -> str:
        """What there is to show after one more piece; "" where nothing new."""
        if delta.kind != "answer":
            return self._on_new_line(clean(delta.text), delta.kind)
        self._answer += delta.text
        prose = "" if self._start is not None else self._on_new_line(self._prose(), "prose")
        if self._start is None:
            return prose
        return prose + self._on_new_line(self._from_json(), "json")

    def end(self) -> str:
        """What was held back, and the end of the line; the answer is whole."""
        self._read_at = 0
        rest = self._on_new_line(self._from_json(), "json") if self._start is not None else ""
        return rest + ("" if self._last[1] == "\n" else "\n")

    def _on_new_line(self, text: str, whose: str) -> str:
        """The text, on a new line where other words were shown before."""
        if not text:
            return ""
        before, letter = self._last
        self._last = (whose, text[-1])
        return text if whose == before or letter == "\n" else "\n" + text

    def _prose(self) -> str:
        """What is new before any JSON or code fence."""
        stop = min((at for at in map(self._answer.find, _STOPS) if at >= 0), default=None)
        prose = clean(self._answer[self._shown : stop])
        self._shown = len(self._answer) if stop is None else stop
        brace = self._answer.find("{")
        if brace >= 0:
            self._start, self._shown = brace, 0
        return prose

    def _from_json(self) -> str:
        grown = len(self._answer) - self._read_at
        if self._done or grown * _SHARE < len(self._answer):
            return ""
        self._read_at = len(self._answer)
        fields = _partial(self._answer[self._start :])
        reasoning = fields.get("reasoning")
        self._done = len(fields) > 1 or (bool(fields) and not isinstance(reasoning, str))
        if not isinstance(reasoning, str):
            return ""
        text = clean(reasoning)
        new, self._shown = text[self._shown :], max(self._shown, len(text))
        return new


def _partial(text: str) -> dict[str, object]:
    """The fields of an object that is not yet whole, the last string as far as it goes."""
    try:
        fields = pydantic_core.from_json(text, allow_partial="trailing-strings")
    except ValueError:
        return {}
    return fields if isinstance(fields, dict) else {}
