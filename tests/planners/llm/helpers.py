"""Answers for the tests of the language-model planner."""

from __future__ import annotations

import json
from typing import Any

from rpg.chat import ScriptedChat
from rpg.chat.scripted import Script
from rpg.planners import LLMPlanner

PROMPT = "a red star above a blue circle"


def box(left: float, top: float, right: float, bottom: float) -> dict[str, float]:
    return {"left": left, "top": top, "right": right, "bottom": bottom}


def entity(name: str, count: int = 1, *attributes: str) -> dict[str, Any]:
    return {"name": name, "count": count, "attributes": list(attributes)}


def region(name: str, prompt: str, place: Any, *shows: str) -> dict[str, Any]:
    return {"id": name, "shows": list(shows), "prompt": prompt, "box": place}


def answer(**changes: Any) -> dict[str, Any]:
    """A good answer to `PROMPT`."""
    return {
        "reasoning": "The star is above the circle: two rows.",
        "entities": [entity("star", 1, "red"), entity("circle", 1, "blue")],
        "regions": [
            region("star-1", "a red star in a plain sky", box(0, 0, 100, 50), "star"),
            region("circle-1", "a blue circle on the ground", box(0, 50, 100, 100), "circle"),
        ],
        "base_prompt": "one red star above one blue circle",
        "base_ratio": 0.25,
        "negative": "",
        **changes,
    }


def cats(count: int, said: int | None = None) -> dict[str, Any]:
    """An answer with so many cats side by side, that says there are so many."""
    edges = [round(100 * k / count) for k in range(count + 1)]
    return answer(
        entities=[entity("cat", said or count)],
        regions=[
            region(f"cat-{k + 1}", "one cat", box(edges[k], 0, edges[k + 1], 100), "cat")
            for k in range(count)
        ],
    )


def said(**changes: Any) -> str:
    return json.dumps(answer(**changes))


def planner(script: Script, **words: Any) -> tuple[LLMPlanner, ScriptedChat]:
    """A planner that forgets, and the script that it asks."""
    chat = ScriptedChat(script)
    return LLMPlanner(chat, **{"cache": False, **words}), chat
