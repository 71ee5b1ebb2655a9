"""The freely put prompts: plans that hold what they mean, the judge, the arms, the interval."""

from __future__ import annotations

from dataclasses import replace

import pytest
from PIL import Image

from benchmarks.free_prompts import ARMS, FreePrompt, judge, read_prompts
from benchmarks.tools import wilson
from rpg.defaults import of_model
from rpg.plans.wording import worded
from rpg.toybox import unknown_words, weights_path
from rpg.toybox.renderer import render
from rpg.toybox.scene import Scene, Thing
from rpg.toybox.vocabulary import canonical

PROMPTS = read_prompts()
SIDE = 512


def picture(prompt: FreePrompt, *, flip: bool = False) -> tuple[Scene, Image.Image]:
    """The plan as the renderer draws it: each region's thing in its middle."""
    width, height = of_model(weights_path(), "sdxl").canvas(r.box for r in prompt.plan.regions)
    things = []
    for region in prompt.plan.regions:
        words = [canonical(word) for word in region.prompt.split()]
        x, y = region.box.center
        fill = next((word for word in words if word in ("striped", "dotted", "checkered")), "plain")
        at = (1 - x if flip else x) * width, (1 - y if flip else y) * height
        things.append(Thing(words[-1], words[-2], *at, 100, fill))
    scene = Scene(width, height, tuple(things), prompt.truth.place, 3)
    return scene, render(scene)


@pytest.mark.parametrize("prompt", PROMPTS, ids=range(len(PROMPTS)))
def test_a_plan_shows_what_its_prompt_means(prompt: FreePrompt) -> None:
    scene, image = picture(prompt)
    assert judge(image, prompt.truth).right
    assert not any(unknown_words(text) for text in worded(prompt.plan).regions)
    fewer = render(replace(scene, things=scene.things[1:]))
    assert not judge(fewer, prompt.truth).things
    spare = Thing("square", "brown", scene.width / 2, 30, 60)
    if all(spare.clear_of(thing) for thing in scene.things):
        more = judge(render(replace(scene, things=(*scene.things, spare))), prompt.truth)
        assert not more.nothing_else and more.things


def test_the_judge_sees_what_stands_wrong() -> None:
    told = [
        one for one in PROMPTS if {"left of", "above", "top left"} & {w[1] for w in one.truth.where}
    ]
    assert len(told) > 8
    for prompt in told:
        _, image = picture(prompt, flip=True)
        judged = judge(image, prompt.truth)
        assert judged.things and judged.nothing_else and not judged.where


def test_the_judge_sees_another_place() -> None:
    prompt = PROMPTS[0]
    scene, _ = picture(prompt)
    judged = judge(render(replace(scene, place="at night")), prompt.truth)
    assert (judged.place, judged.things, judged.right) == (False, True, False)


@pytest.mark.parametrize("prompt", PROMPTS, ids=range(len(PROMPTS)))
def test_the_arms_change_one_thing_each(prompt: FreePrompt) -> None:
    plan = prompt.plan
    texts = worded(plan)
    v1, tiled = ARMS["shaped-whole-prompt"](plan), ARMS["tiled"](plan)
    assert [one.prompt for one in v1.layers()] == list(texts.regions)
    assert [one.box for one in v1.layers()] == [one.box for one in plan.layers()]
    assert worded(v1).leftover == "" and v1.effective_base_prompt == plan.prompt
    assert worded(tiled, empty="x").leftover == ""
    assert sum(one.box.area for one in tiled.regions) == pytest.approx(1)
    for before, after in zip(plan.regions, tiled.regions, strict=True):
        assert after.prompt == before.prompt
        assert after.box.x0 <= before.box.x0 and before.box.y1 <= after.box.y1


def test_wilsons_interval() -> None:
    # Brown, Cai and DasGupta (2001): by the formula, 27 of 30 and none of 10.
    assert wilson(27, 30) == pytest.approx((0.7438, 0.9654), abs=2e-4)
    assert wilson(0, 10) == pytest.approx((0, 0.2775), abs=2e-4)
