"""Answers for the tests of the language-model planner."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

from rpg.chat import ScriptedChat
from rpg.chat.scripted import Script
from rpg.planners import LLMPlanner

PROMPT = "a red star above a blue circle"


def box(left: float, top: float, right: float, bottom: float) -> dict[str, float]:
    return {"left": left, "top": top, "right": right, "bottom": bottom}


def thing(
    id: str,  # noqa: A002
    *attributes: str,
    name: str = "",
    count: int | None = 1,
    owner: str = "",
    words: str = "",
) -> dict[str, Any]:
    return {
        "id": id, "name": name or id, "attributes": list(attributes), "count": count,
        "owner": owner, "words": words,
    }  # fmt: skip


def relation(subject: str, kind: str, *objects: str) -> dict[str, Any]:
    return {"subject": subject, "kind": kind, "objects": list(objects)}


def region(name: str, prompt: str, place: Any, *shows: str, parent: str = "") -> dict[str, Any]:
    return {"id": name, "shows": list(shows), "prompt": prompt, "box": place, "parent": parent}


def answer(**changes: Any) -> dict[str, Any]:
    """A good answer to `PROMPT`."""
    return {
        "reasoning": "The star is above the circle: two rows.",
        "setting": "in a plain sky",
        "style": "",
        "things": [thing("star", "red"), thing("circle", "blue")],
        "relations": [relation("star", "above", "circle")],
        "absent": [],
        "regions": [
            region("star-1", "a red star", box(0, 0, 100, 50), "star"),
            region("circle-1", "a blue circle", box(0, 50, 100, 100), "circle"),
        ],
        "base_prompt": "one red star above one blue circle",
        **changes,
    }


def scene(
    things: Sequence[dict[str, Any]],
    regions: Sequence[tuple[str, str, tuple[float, ...]]],
    *relations: tuple[str, ...],
    setting: str = "in a park",
    **more: Any,
) -> dict[str, Any]:
    """An answer, its regions as what they show (ids, blanks between), prompt and edges."""
    return answer(
        setting=setting,
        things=list(things),
        regions=[
            region(f"r{number}", prompt, box(*edges), *shows.split())
            for number, (shows, prompt, edges) in enumerate(regions, 1)
        ],
        relations=[relation(one[0], one[1], *one[2:]) for one in relations],
        **{"base_prompt": "a picture", **more},
    )


def cats(count: int, said: int | None = None) -> dict[str, Any]:
    """An answer with so many cats side by side, that says there are so many."""
    edges = [round(100 * k / count) for k in range(count + 1)]
    return answer(
        things=[thing("cat", count=said or count)],
        relations=[],
        regions=[
            region(f"cat-{k + 1}", "one cat", box(edges[k], 0, edges[k + 1], 100), "cat")
            for k in range(count)
        ],
        base_prompt="cats",
    )


def said(**changes: Any) -> str:
    return json.dumps(answer(**changes))


def planner(script: Script, **words: Any) -> tuple[LLMPlanner, ScriptedChat]:
    """A planner that forgets, and the script that it asks."""
    chat = ScriptedChat(script)
    return LLMPlanner(chat, **{"cache": False, **words}), chat
