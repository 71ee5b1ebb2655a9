"""Which passes are drawn at once: those alike, none twice, none lost."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rpg.batch.joining import Part, joined
from rpg.batch.passes import passes
from rpg.batch.pictures import listing
from rpg.batch.rows import row
from rpg.plans.plan import Plan
from rpg.settings import GenerationSettings
from tests.batch.helpers import MAKER
from tests.pipeline.helpers import HalvesPlanner

PROMPTS = ("a star", "a star and a moon", "a cat and a dog", "a cow", "a tree and a sea and grass")
ROWS = st.fixed_dictionaries(
    {"prompt": st.sampled_from(PROMPTS)},
    optional={
        "num_images_per_prompt": st.integers(1, 3),
        "width": st.sampled_from([64, 128]),
        "guidance_scale": st.sampled_from([2.0, 4.0]),
        "negative_prompt": st.sampled_from(["grey", "dark"]),
    },
)


def square(_: Plan) -> tuple[int, int]:
    return 64, 64


def parts_of(rows: list[dict[str, Any]], size: int) -> list[Part]:
    made = [row(i, one, GenerationSettings()) for i, one in enumerate(rows, 1)]
    found = passes(listing(made, (), MAKER).pictures, size)
    return [Part.of(one, HalvesPlanner().plan(one.pictures[0].row.prompt)) for one in found]


@given(st.lists(ROWS, max_size=12), st.integers(1, 6))
def test_alike_whole_and_within_the_size(rows: list[dict[str, Any]], size: int) -> None:
    parts = parts_of(rows, size)
    found = joined(parts, size, square)
    assert sorted(map(str, parts)) == sorted(str(part) for joint in found for part in joint.parts)
    for joint in found:
        assert len(joint.pictures) <= size
        asked = [part.drawn.pictures[0].row.settings for part in joint.parts]
        for name in ("width", "guidance_scale", "num_inference_steps"):
            assert len({getattr(one, name) for one in asked}) == 1
        assert len({len(plan.regions) for plan in joint.plans}) == 1
        assert len({bool(plan.negative) for plan in joint.plans}) == 1
        assert len({len(part.drawn.pictures) for part in joint.parts}) == 1


def test_plans_that_want_another_canvas_stay_apart() -> None:
    parts = parts_of([{"prompt": one} for one in PROMPTS[1:3]], 2)
    assert [len(one.parts) for one in joined(parts, 2, square)] == [2]
    assert [len(one.parts) for one in joined(parts, 2, lambda plan: (len(plan.prompt), 1))] == [
        1,
        1,
    ]


@pytest.mark.parametrize("words", [{}, {"base_prompt": "a park", "negative_prompt": "grey"}])
def test_what_the_row_says_is_in_the_plan(words: dict[str, str]) -> None:
    (part,) = parts_of([{"prompt": "a star", **words}], 1)
    planned = HalvesPlanner().plan("a star")
    assert part.plan.base_prompt == words.get("base_prompt", planned.base_prompt)
    assert part.plan.negative == words.get("negative_prompt", planned.negative)
