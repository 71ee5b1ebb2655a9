"""What a vision model says to the checks that it is given."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from rpg.chat import Message

Verdict = tuple[int, str]  # score, what is seen
_LISTED = re.compile(r"^(\d+)\. (.*)$", re.MULTILINE)
_CHECKS = re.compile(r"<checks>\n(.*?)\n</checks>", re.DOTALL)


def listed(text: str) -> dict[int, str]:
    """The checks in a request, by number."""
    (inside,) = _CHECKS.findall(text)
    return {int(number): says for number, says in _LISTED.findall(inside)}


def reviewed(text: str, wrong: Mapping[str, Verdict], **more: Any) -> dict[str, Any]:
    """A good answer: all is well, but for the checks that say what is in `wrong`."""
    findings = []
    for number, says in listed(text).items():
        score, seen = next((one for part, one in wrong.items() if part in says), (10, ""))
        findings.append({"check": number, "score": score, "seen": seen, "box": None})
    changes: dict[str, Any] = {"changes": []} if "<plan>" in text else {}
    return {"reasoning": "I look at each.", "findings": findings, **changes, **more}


def reviewer(
    wrong: Mapping[str, Verdict] | None = None, **more: Any
) -> Callable[[Sequence[Message]], str]:
    """A model that finds these faults wherever it is asked about them."""
    return lambda messages: json.dumps(reviewed(asked_in(messages), wrong or {}, **more))


def asked_in(messages: Sequence[Message]) -> str:
    """The request itself, also where it is made for the second time."""
    return next(one.content for one in messages if one.role == "user")
