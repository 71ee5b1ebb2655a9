"""Any text makes a valid plan or a PromptError; grammatical prompts make the plan they describe."""

from __future__ import annotations

import random
from collections import Counter
from dataclasses import dataclass

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from rpg.errors import PromptError
from rpg.planners import Planner
from rpg.planners.rules import RulePlanner
from rpg.plans.plan import MAX_PROMPT_CHARS, Plan
from tests.planners.rules.helpers import drawn, only, plan_of, stands

COLOURS = "red blue green yellow purple orange pink brown black white".split()
LOOKS = "wooden round fluffy shiny striped metallic big small tiny huge old".split()
NOUNS = {
    "cat": "cats", "dog": "dogs", "lamp": "lamps", "book": "books", "apple": "apples",
    "bench": "benches", "knife": "knives", "mouse": "mice", "woman": "women",
    "cherry": "cherries", "fox": "foxes", "sheep": "sheep", "bus": "buses", "child": "children",
}  # fmt: skip
NUMBERS = "one two three four five six seven eight nine ten eleven twelve".split()
SCENES = ("", "on a beach", "at night", "in a forest", "on the grass", "in a kitchen at night")
RELATIONS = {
    "left of": "left", "to the left of": "left", "on the left of": "left", "right of": "right",
    "to the right of": "right", "above": "above", "over": "above", "on top of": "above",
    "below": "below", "under": "below", "beneath": "below", "in front of": "front",
    "behind": "behind", "inside": "inside",
}  # fmt: skip
GLUE = """
    , . ; : ! ? & and or with without of a an the no not on in at left right top bottom middle
    corner each both between around inside behind front row column grid 2x3 three 12 0 it its them
    their other one is are which while that to from side by surrounded
""".split()


def article(words: str) -> str:
    return f"{'an' if words[0] in 'aeiou' else 'a'} {words}"


def check_valid(plan: Plan, prompt: str) -> None:
    assert plan.prompt == prompt.strip()
    shown = {name for region in plan.layers() for name in region.shows}
    assert shown == {thing.id for thing in plan.scene.things}
    assert all(region.shows for region in plan.layers())
    assert Plan.from_json(plan.to_json()) == plan
    assert all(region.prompt for region in plan.layers())


# Any text -----------------------------------------------------------------------------------------

soup = st.lists(st.sampled_from([*GLUE, *COLOURS, *NOUNS, *NOUNS.values()]), max_size=30)


@given(st.text(max_size=200) | soup.map(" ".join))
def test_any_text_makes_a_valid_plan_or_a_prompt_error(prompt: str) -> None:
    try:
        plan = plan_of(prompt)
    except PromptError:
        assert not prompt.strip()
    else:
        check_valid(plan, prompt)


@given(soup.map(" ".join).filter(str.strip))
@settings(max_examples=30)
def test_the_same_prompt_makes_the_same_plan(prompt: str) -> None:
    assert RulePlanner().plan(prompt) == RulePlanner().plan(prompt)


@pytest.mark.parametrize("prompt", ["", " ", "\n\t", "\u3000"])
def test_a_blank_prompt_is_refused(prompt: str) -> None:
    with pytest.raises(PromptError, match="empty"):
        plan_of(prompt)


def test_a_prompt_may_be_long_but_not_too_long() -> None:
    check_valid(plan_of("a" * MAX_PROMPT_CHARS), "a" * MAX_PROMPT_CHARS)
    with pytest.raises(PromptError, match="8,001 characters"):
        plan_of("a" * (MAX_PROMPT_CHARS + 1))


@pytest.mark.parametrize(
    "part",
    ["a red cat next to a dog, ", "a cat left of ", "a, ", "12 cats and ", "a cat inside ", "(",
     "a cat above it and ", "with a cat ", "in a forest, ", "a huge cat and a tiny dog and "],
)  # fmt: skip
def test_repetition_is_borne(part: str) -> None:
    prompt = (part * 300 + "a dog")[:MAX_PROMPT_CHARS]
    plan = plan_of(prompt)
    check_valid(plan, prompt)
    assert len(plan.layers()) <= 64


@pytest.mark.parametrize("prompt", ["😀", "...", "the", "and", "1", "'"])
def test_next_to_nothing_needs_no_regions(prompt: str) -> None:
    plan = plan_of(prompt)
    check_valid(plan, prompt)
    assert plan.regions == () and plan.effective_base_prompt == prompt


def test_it_is_a_planner() -> None:
    planner: Planner = RulePlanner()
    assert planner.plan("a cat").source == "rules"


# Lists of things ----------------------------------------------------------------------------------


@dataclass(frozen=True)
class Listed:
    """A prompt, its nouns with their number and attributes, and the scene's last word."""

    prompt: str
    numbers: dict[str, int]
    looks: dict[str, list[str]]
    scene: str


@st.composite
def lists(draw: st.DrawFn) -> Listed:
    """One to five kinds of things with colours, looks and numbers, 64 regions at most, a scene."""
    nouns = draw(st.lists(st.sampled_from(sorted(NOUNS)), min_size=1, max_size=5, unique=True))
    numbers = {noun: draw(st.integers(1, 12)) for noun in nouns}
    looks: dict[str, list[str]] = {}
    items = []
    for noun in nouns:
        looks[noun] = [
            *draw(st.lists(st.sampled_from(LOOKS), max_size=1)),
            *draw(st.lists(st.sampled_from(COLOURS), max_size=1)),
        ]
        items.append(_item(draw, numbers[noun], looks[noun], noun))
    scene = draw(st.sampled_from(SCENES))
    text = ", ".join(items[:-1]) + draw(st.sampled_from([" and ", ", and "])) * (len(items) > 1)
    text += items[-1]
    if scene and draw(st.booleans()):
        prompt = f"{scene.capitalize()}, {text}"
    else:
        prompt = f"{text} {scene}".strip()
    return Listed(prompt, numbers, looks, scene.rpartition(" ")[2])


def _item(draw: st.DrawFn, number: int, looks: list[str], noun: str) -> str:
    if number == 1:
        name = " ".join([*looks, noun])
        return draw(st.sampled_from([article(name), f"one {name}"]))
    said = draw(st.sampled_from([NUMBERS[number - 1], str(number)]))
    return " ".join([said, *looks, NOUNS[noun]])


@given(lists())
def test_as_many_regions_as_things_each_with_its_own_attributes(made: Listed) -> None:
    plan = plan_of(made.prompt)
    found = Counter[str]()
    for region in drawn(plan):
        words = region.prompt.replace(",", " ").split()
        (noun,) = [noun for noun in made.numbers if noun in words]
        found[noun] += 1
        assert set(made.looks[noun]) <= set(words)
        foreign = {look for looks in made.looks.values() for look in looks}
        assert not (foreign - set(made.looks[noun])) & set(words)
        assert made.scene in region.prompt
    assert found == made.numbers
    assert "Not " not in plan.reasoning


# Chains of relations ------------------------------------------------------------------------------


@dataclass(frozen=True)
class Chain:
    """A prompt of things, each related to the next."""

    prompt: str
    names: list[str]
    relations: list[str]


@st.composite
def chains(draw: st.DrawFn) -> Chain:
    """Two to five things of different colours and kinds, said in one of three ways."""
    count = draw(st.integers(2, 5))
    rng = random.Random(draw(st.integers(0, 10**6)))
    pairs = zip(rng.sample(COLOURS, count), rng.sample(sorted(NOUNS), count), strict=True)
    names = [f"{colour} {noun}" for colour, noun in pairs]
    said = draw(
        st.lists(st.sampled_from(sorted(RELATIONS)), min_size=count - 1, max_size=count - 1)
    )
    rest = list(zip(names[1:], said[1:], names[2:], strict=False))
    begin = f"{article(names[0])} {said[0]} {article(names[1])}"
    way = draw(st.integers(0, 2))
    if way == 0:
        prompt = begin + "".join(f" {where} {article(b)}" for _, where, b in rest)
    elif way == 1:
        prompt = begin + "".join(f", which is {where} {article(b)}" for _, where, b in rest)
    else:
        prompt = begin.replace(f" {said[0]}", f" is {said[0]}", 1) + "."
        prompt += "".join(f" The {a} is {where} {article(b)}." for a, where, b in rest)
    return Chain(prompt, names, said)


@given(chains())
@example(
    Chain(
        "a pink fox in front of a white dog in front of a red child inside a green cat",
        ["pink fox", "white dog", "red child", "green cat"],
        ["in front of", "in front of", "inside"],
    )
)
@settings(max_examples=200)
def test_every_relation_of_a_chain_holds(made: Chain) -> None:
    plan = plan_of(made.prompt)
    assert len(plan.layers()) == len(made.names)
    regions = [only(plan, name) for name in made.names]
    for a, said, b in zip(regions, made.relations, regions[1:], strict=False):
        assert stands(a, RELATIONS[said], b), f"{a.id} {said} {b.id}"
    assert "Not " not in plan.reasoning


@given(st.permutations(sorted(NOUNS)[:5]), st.sampled_from(["left", "right", "top", "bottom"]))
@settings(max_examples=40)
def test_orders_of_any_length(nouns: list[str], start: str) -> None:
    end = {"left": "right", "right": "left", "top": "bottom", "bottom": "top"}[start]
    text = ", ".join(map(article, nouns[:-1])) + " and " + article(nouns[-1])
    plan = plan_of(f"from {start} to {end}: {text}")
    axis = 0 if start in ("left", "right") else 1
    places = [only(plan, noun).box.center[axis] for noun in nouns]
    assert places == sorted(places, reverse=start in ("right", "bottom"))
    assert len(set(places)) == len(nouns)
