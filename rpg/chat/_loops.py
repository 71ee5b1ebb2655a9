"""Detection of degenerate repetition in an answer."""

from __future__ import annotations

_TAIL = 8000  # letters that are looked at
_STEP = 1000  # letters between two looks
_EVIDENT = 4000  # letters of one piece again and again: no answer says that
_TIMES = 8


class Repetition:
    """Watches a text while it comes.

    Attributes:
        evident: Whether it has said one piece again and again for so long that no more is needed.
    """

    def __init__(self) -> None:
        self.evident = False
        self._tail = ""
        self._new = 0

    def feed(self, text: str) -> None:
        """Takes the next piece of the text."""
        self._tail = (self._tail + text)[-_TAIL:]
        self._new += len(text)
        if self._new >= _STEP:
            self._new = 0
            self.evident = self.evident or repeats(self._tail, _EVIDENT, _TIMES)

    @property
    def likely(self) -> bool:
        """Whether it ends in repetition; enough to explain an answer that had to be cut off."""
        return repeats(self._tail, 200, 5)


def repeats(text: str, least: int, times: int) -> bool:
    """Whether a text ends in one piece repeated: `times` or more, over `least` letters or more."""
    for period in range(1, len(text) // times + 1):
        span = max(times * period, least)
        if span <= len(text) and text[-1] == text[-1 - period]:
            end = text[-span:]
            if end[period:] == end[:-period]:
                return True
    return False
