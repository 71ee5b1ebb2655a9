"""Plans in the forms of models that read boxes in their prompts."""

from __future__ import annotations

import json

import pytest

from rpg.plans.exports import flux_json, ideogram_json, position
from rpg.plans.geometry import Box
from rpg.plans.plan import Plan, Region
from rpg.plans.scene import Scene, Thing

SIGN = Thing(id="sign", name="sign", attributes=("wooden",), words="OPEN")
PLAN = Plan(
    prompt="a fox below a sign",
    scene=Scene(
        setting="in a forest",
        style="photo, soft light",
        things=(Thing(id="fox", name="fox"), SIGN),
    ),
    regions=(
        Region(id="s", shows=("sign",), prompt="a sign", box=Box(0.7, 0.0, 1.0, 0.2), z=1),
        Region(id="f", shows=("fox",), prompt="a red fox", box=Box(0.1, 0.5, 0.4, 0.95)),
    ),
    base_prompt="one fox and one sign",
)


def test_flux_reads_subjects_with_a_position() -> None:
    assert json.loads(flux_json(PLAN)) == {
        "scene": "one fox and one sign",
        "subjects": [
            {
                "description": "a red fox",
                "position": "lower left of the frame, 30% wide and 45% high",
            },
            {
                "description": 'a sign, with the words "OPEN"',
                "position": "upper right of the frame, 30% wide and 20% high",
            },
        ],
        "style": "photo, soft light",
        "background": "in a forest",
    }


def test_ideogram_reads_boxes_in_thousandths_top_first() -> None:
    assert json.loads(ideogram_json(PLAN)) == {
        "high_level_description": "one fox and one sign",
        "style_description": {"photo": "photo, soft light"},
        "compositional_deconstruction": {
            "background": "in a forest",
            "elements": [
                {"type": "obj", "bbox": [500, 100, 950, 400], "desc": "a red fox"},
                {"type": "obj", "bbox": [0, 700, 200, 1000], "desc": "a sign"},
                {
                    "type": "text",
                    "bbox": [0, 700, 200, 1000],
                    "text": "OPEN",
                    "desc": "on the wooden sign",
                },
            ],
        },
    }


def test_a_plan_without_a_scene_is_said_too() -> None:
    bare = Plan(prompt="a hill")
    assert json.loads(flux_json(bare)) == {"scene": "a hill"}
    assert json.loads(ideogram_json(bare))["compositional_deconstruction"]["elements"] == []


@pytest.mark.parametrize(
    ("box", "words"),
    [
        (Box(0, 0, 1, 1), "filling the frame"),
        (Box(0.3, 0.3, 0.7, 0.7), "center of the frame, 40% wide and 40% high"),
        (Box(0.3, 0.0, 0.7, 0.3), "upper center of the frame, 40% wide and 30% high"),
        (Box(0.0, 0.3, 0.3, 0.7), "left of the frame, 30% wide and 40% high"),
    ],
)
def test_positions(box: Box, words: str) -> None:
    assert position(box) == words
