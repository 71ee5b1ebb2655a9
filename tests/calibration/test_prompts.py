"""The built-in prompts: balanced in every beginning, and their plans show what they say."""

from __future__ import annotations

from collections import Counter

import pytest

from rpg.calibration.prompts import FEWEST, MOST, TrialPrompt, prompt_set
from rpg.critics.checks import compile_checks
from rpg.errors import SettingsError
from rpg.toybox import unknown_words

SETS = {name: prompt_set(name) for name in ("everyday", "toybox")}
# Of a thing's middle and another one's: (across, down), in fractions of the canvas from the top.
HOLDS = {
    "left of": lambda a, b: a[0] < b[0],
    "right of": lambda a, b: a[0] > b[0],
    "above": lambda a, b: a[1] < b[1],
    "below": lambda a, b: a[1] > b[1],
}


def things(prompt: TrialPrompt) -> int:
    return sum(one.count or 0 for one in prompt.plan.scene.things)


@pytest.mark.parametrize("name", SETS)
def test_every_beginning_has_as_many_of_each_number_and_kind(name: str) -> None:
    assert len({one.id for one in SETS[name]}) == len(SETS[name]) == MOST
    assert len({one.plan.prompt for one in SETS[name]}) == MOST
    for count in range(FEWEST, MOST + 1):
        some = prompt_set(name, count)
        for seen in (Counter(map(things, some)), Counter(one.kind for one in some)):
            assert len(seen) == 4 and max(seen.values()) - min(seen.values()) <= 1
    assert set(map(things, SETS[name])) == {2, 3, 4, 5}


@pytest.mark.parametrize("name", SETS)
def test_each_thing_has_its_region_and_relations_hold_of_the_boxes(name: str) -> None:
    for plan in (one.plan for one in SETS[name]):
        boxes = [region.box for region in plan.layers()]
        assert sum(box.width * box.height for box in boxes) == pytest.approx(1, abs=1e-3)
        middles = {}
        for thing in plan.scene.things:
            shown = plan.shown_by(thing.id)
            assert len(shown) == thing.count
            for region in shown:
                assert all(word in region.prompt for word in (thing.name, *thing.attributes))
            box = shown[0].box
            middles[thing.id] = ((box.x0 + box.x1) / 2, (box.y0 + box.y1) / 2)
        for relation in plan.scene.relations:
            assert HOLDS[relation.kind](middles[relation.subject], middles[relation.objects[0]])


@pytest.mark.parametrize("name", SETS)
def test_what_is_hard_about_a_prompt_is_what_is_asked(name: str) -> None:
    asked = {"colours": "attribute", "counts": "count", "places": "relation", "looks": "attribute"}
    for one in SETS[name]:
        kinds = Counter[str](check.kind for check in compile_checks(one.plan))
        assert kinds["presence"] == len(one.plan.scene.things)
        assert kinds[asked[one.kind]] >= 1 + (one.kind == "colours")
        if one.kind == "counts":
            assert max(thing.count or 0 for thing in one.plan.scene.things) > 1


def test_toybox_knows_every_word_of_its_own() -> None:
    drawn = (region.prompt for one in SETS["toybox"] for region in one.plan.layers())
    assert unknown_words(" ".join(drawn)) == ()


def test_more_than_there_are_is_refused() -> None:
    with pytest.raises(SettingsError, match="between 12 and 48, not 49"):
        prompt_set("everyday", MOST + 1)
