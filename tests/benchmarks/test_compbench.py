"""The judge of plans: it knows right from wrong, by its own reading of the prompts."""

from __future__ import annotations

import ast
import re
from pathlib import Path

import pytest

from benchmarks import compbench, places
from benchmarks.compbench import CATEGORIES, judge, load, valid
from benchmarks.places import PLACES
from rpg.planners import RulePlanner
from rpg.plans.geometry import FULL, Box
from rpg.plans.plan import Plan, Region

LEFT, RIGHT = Box(0, 0, 0.5, 1), Box(0.5, 0, 1, 1)
TOP, BOTTOM = Box(0, 0, 1, 0.5), Box(0, 0.5, 1, 1)
MIDDLE = Box(0.25, 0.25, 0.75, 0.75)


def made(*parts: tuple[str, Box] | tuple[str, Box, int]) -> Plan:
    """A plan of subprompts in boxes, with their z where it is not 0."""
    regions = [
        Region(id=f"r{at}", prompt=part[0], box=part[1], z=part[2] if len(part) > 2 else 0)
        for at, part in enumerate(parts)
    ]
    return Plan(prompt="x", regions=tuple(regions))


RED, GREEN = "a red apple", "a green train"
CAT, DOG = ("a cat", LEFT), ("a dog", RIGHT)
MICE = [("a mouse", box) for box in (LEFT, RIGHT)]
# category, prompt, a plan that is right, and plans that are wrong
CASES: list[tuple[str, str, Plan, list[Plan]]] = [
    (
        "color",
        "a red apple and a green train",
        made((RED, LEFT), (GREEN, RIGHT)),
        [
            made((RED + " and " + GREEN, FULL)),
            made((RED, LEFT)),
            made(("a green apple", LEFT), ("a red train", RIGHT)),
            made(("a red green apple", LEFT), (GREEN, RIGHT)),
            made((RED, LEFT), (GREEN, RIGHT), ("a cup", MIDDLE)),
            made(("a pineapple", LEFT), (GREEN, RIGHT)),
        ],
    ),
    (
        "color",
        "A black and white cat sits in a white sink.",
        made(("a white sink", FULL), ("a black and white cat", MIDDLE)),
        [
            made(("a black sink", FULL), ("a black and white cat", MIDDLE)),
            made(("a sink", FULL), ("a black and white cat", MIDDLE)),
        ],
    ),
    (
        "color",
        "a white bathroom with a black and white shower curtain",
        made(("a black and white shower curtain in a white bathroom", FULL)),
        [made(("a black shower curtain", FULL))],
    ),
    (
        "shape",
        "a round clock and a square pillow",
        made(("a round clock", LEFT), ("a square pillow", RIGHT)),
        [made(("a square clock", LEFT), ("a round pillow", RIGHT))],
    ),
    (
        "texture",
        "a fluffy pillow and a wooden desk",
        made(("a fluffy pillow", TOP), ("a wooden desk", BOTTOM)),
        [made(("a fluffy pillow and wooden desk", TOP), ("a wooden desk", BOTTOM))],
    ),
    (
        "numeracy",
        "two mice and a cat",
        made(*MICE, ("a cat", MIDDLE)),
        [
            made(*MICE),
            made(*MICE, *MICE, ("a cat", MIDDLE)),
            made(("two mice", LEFT), ("a cat", RIGHT)),
            made(*MICE, ("a cat", MIDDLE), ("a dog", TOP)),
        ],
    ),
    ("spatial", "a cat on the left of a dog", made(CAT, DOG), [
        made(("a cat", RIGHT), ("a dog", LEFT)),
        made(("a cat", TOP), ("a dog", BOTTOM)),
        made(("a cat", LEFT)),
        made(("a cat on the left of a dog", FULL)),
    ]),
    ("spatial", "a cat on the right of a dog", made(("a cat", RIGHT), ("a dog", LEFT)), [
        made(CAT, DOG),
    ]),
    ("spatial", "a cat on the top of a dog", made(("a cat", TOP), ("a dog", BOTTOM)), [
        made(CAT, DOG),
        made(("a cat", BOTTOM), ("a dog", TOP)),
    ]),
    ("spatial", "a cat on the bottom of a dog", made(("a cat", BOTTOM), ("a dog", TOP)), [
        made(("a cat", TOP), ("a dog", BOTTOM)),
    ]),
    ("spatial", "a cat next to a dog", made(CAT, DOG), [
        made(("a cat", TOP), ("a dog", BOTTOM)),
        made(("a cat", Box(0, 0, 0.1, 1)), ("a dog", Box(0.9, 0, 1, 1))),
        made(("a cat", FULL), ("a dog", MIDDLE)),
    ]),
    ("spatial", "a cat near a dog", made(CAT, DOG), [
        made(("a cat", Box(0, 0, 0.1, 0.1)), ("a dog", Box(0.9, 0.9, 1, 1))),
    ]),
    ("3d_spatial", "a cat in front of a dog", made(("a dog", FULL), ("a cat", MIDDLE, 1)), [
        made(("a dog", FULL, 1), ("a cat", MIDDLE)),
        made(CAT, DOG),
        made(("a dog", MIDDLE), ("a cat", FULL, 1)),
        made(("a dog", LEFT), ("a cat", RIGHT, 1)),
    ]),
    ("3d_spatial", "a cat hidden by a dog", made(("a cat", FULL), ("a dog", MIDDLE, 1)), [
        made(("a dog", FULL), ("a cat", MIDDLE, 1)),
    ]),
    ("3d_spatial", "a cat behind a cat", made(("a cat", FULL), ("a cat", MIDDLE, 1)), [
        made(("a cat", FULL)),
        made(("a cat", LEFT), ("a cat", RIGHT)),
    ]),
    (
        "complex",
        "The glossy cube was nestled between the fuzzy ball and the rusty cone.",
        made(("a fuzzy ball", Box(0, 0, 0.3, 1)), ("a glossy cube", Box(0.3, 0, 0.7, 1)),
             ("a rusty cone", Box(0.7, 0, 1, 1))),
        [
            made(("a glossy cube", Box(0, 0, 0.3, 1)), ("a fuzzy ball", Box(0.3, 0, 0.7, 1)),
                 ("a rusty cone", Box(0.7, 0, 1, 1))),
            made(("a fuzzy ball", LEFT), ("a glossy cube", RIGHT)),
        ],
    ),
    (
        "complex",
        "The round clock hung on the wooden wall.",
        made(("a wooden wall", FULL), ("a round clock", MIDDLE)),
        [
            made(("a round clock", BOTTOM), ("a wooden wall", TOP)),
            made(("a wooden round clock", TOP), ("a wooden wall", BOTTOM)),
        ],
    ),
    ("non_spatial", "A man is holding a violin.", made(("a man holding a violin", FULL)), [
        made(("a man", LEFT), ("a violin", RIGHT)),
        made(("a woman holding a violin", FULL)),
    ]),
]  # fmt: skip


@pytest.mark.parametrize(("category", "prompt", "right", "wrong"), CASES)
def test_the_judge_knows_right_from_wrong(
    category: str, prompt: str, right: Plan, wrong: list[Plan]
) -> None:
    assert judge(category, prompt, right).right
    for plan in wrong:
        verdict = judge(category, prompt, plan)
        assert verdict.judged and not verdict.right and verdict.wrong, plan.regions


@pytest.mark.parametrize("category", CATEGORIES)
def test_every_category_has_a_case(category: str) -> None:
    assert any(case[0] == category for case in CASES)


@pytest.mark.parametrize(
    ("category", "least"),
    [("color", 0.8), ("shape", 0.9), ("texture", 0.9), ("numeracy", 0.9), ("spatial", 1.0),
     ("3d_spatial", 1.0), ("complex", 0.8)],
)  # fmt: skip
def test_one_region_for_the_whole_prompt_is_called_wrong(category: str, least: float) -> None:
    verdicts = [
        judge(
            category,
            prompt,
            Plan(prompt=prompt, regions=(Region(id="a", prompt=prompt, box=FULL),)),
        )
        for prompt in load(category)
    ]
    judged = [verdict for verdict in verdicts if verdict.judged]
    assert sum(not verdict.right for verdict in judged) >= least * len(judged)


def mirrored(plan: Plan) -> Plan:
    """The plan turned by half a circle, front to back."""
    regions = [
        region.model_copy(
            update={
                "z": -region.z,
                "box": Box(
                    1 - region.box.x1, 1 - region.box.y1, 1 - region.box.x0, 1 - region.box.y0
                ),
            }
        )
        for region in plan.regions
    ]
    return plan.model_copy(update={"regions": tuple(regions)})


DIRECTED = re.compile(r"an? (\w+) .*\b(?:left|right|top|bottom|front|behind|hidden)\b.* an? (\w+)")


@pytest.mark.parametrize("category", ["spatial", "3d_spatial"])
def test_turned_plans_are_called_wrong_where_direction_matters(category: str) -> None:
    matches = [match for match in map(DIRECTED.fullmatch, load(category)) if match]
    directed = [match[0] for match in matches if match[1] != match[2]]
    assert len(directed) > 100
    for prompt in directed:
        assert not judge(category, prompt, mirrored(RulePlanner().plan(prompt))).right, prompt


def test_a_lost_or_added_thing_is_called_wrong() -> None:
    for prompt in load("numeracy")[:100]:
        plan = RulePlanner().plan(prompt)
        fewer = plan.model_copy(update={"regions": plan.regions[1:]})
        twin = plan.regions[0].model_copy(update={"id": "twin"})
        more = plan.model_copy(update={"regions": (*plan.regions, twin)})
        assert judge("numeracy", prompt, plan).right
        assert not judge("numeracy", prompt, fewer).right
        assert not judge("numeracy", prompt, more).right


def test_what_follows_no_pattern_is_not_judged() -> None:
    verdict = judge("spatial", "an apple flew by", made(("an apple", FULL)))
    assert not verdict.judged and not verdict.right


@pytest.mark.parametrize("where", [w for w in PLACES if w not in ("with", "contrasted with")])
def test_every_place_can_be_missed(where: str) -> None:
    boxes = (LEFT, RIGHT, TOP, BOTTOM, FULL, MIDDLE, Box(0, 0, 0.1, 0.1), Box(0.9, 0.9, 1, 1))
    regions = [Region(id="a", prompt="x", box=box, z=z) for box in boxes for z in (0, 1)]
    held = [PLACES[where](a, b) for a in regions for b in regions]
    assert any(held) and not all(held)


def test_validity_means_regions_that_survive_being_saved() -> None:
    assert valid(made(CAT, DOG))
    assert not valid(Plan(prompt="x"))


@pytest.mark.parametrize("module", [compbench, places])
def test_the_judge_shares_no_code_with_planners(module: object) -> None:
    tree = ast.parse(Path(str(getattr(module, "__file__"))).read_text("utf-8"))  # noqa: B009
    imported = [
        name
        for node in ast.walk(tree)
        for name in (
            [node.module or ""]
            if isinstance(node, ast.ImportFrom)
            else [alias.name for alias in node.names]
            if isinstance(node, ast.Import)
            else []
        )
    ]
    assert not any(name.startswith("rpg.planners") for name in imported)
