"""What subprompts say, read without grammar: the scene that they end with, the thing they name."""

from __future__ import annotations

import os
import re

from rpg.plans.plan import Plan
from rpg.plans.prompt_weights import clean

__all__ = ["scene_of", "thing_in"]

_JOINTS = re.compile(
    r"\b(?:in|on|at|under|during|inside|within|against|before|behind|near|by|over|across|through)\b"
)


def scene_of(plan: Plan) -> str:
    """The scene in words, such as "in the snow"; empty where the plan names none.

    It is the phrase that all subprompts end with; where there is one subprompt alone, or they end
    differently, what follows the last preposition of the base prompt.
    """
    plan = plan.unweighted()
    prompts = [region.prompt.split() for region in plan.layers()]
    if len(prompts) > 1:
        shared = " ".join(os.path.commonprefix([words[::-1] for words in prompts])[::-1])
        if (joint := _JOINTS.search(shared)) is not None:
            return shared[joint.start() :].strip(" .")
    text = " ".join(prompts[0]) if len(prompts) == 1 else plan.effective_base_prompt
    joints = list(_JOINTS.finditer(text))
    return text[joints[-1].start() :].strip(" .") if joints else ""


def thing_in(prompt: str) -> str:
    """The word that names the thing of a subprompt, in lower case: "star" of "a red star at night".

    It is the last before a preposition or comma; equal words mean that only looks differ.
    """
    text = clean(prompt).lower()
    joint = _JOINTS.search(text)
    words = re.findall(r"\w+", text[: joint.start() if joint else None].split(",")[0])
    return words[-1] if words else text
