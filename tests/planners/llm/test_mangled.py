"""Ten thousand mangled answers: a valid plan or an error of ours, and nothing else, ever."""

from __future__ import annotations

import copy
import json
from collections.abc import Sequence
from typing import Any

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from rpg import prompts
from rpg.chat import Message
from rpg.errors import PlanError
from rpg.planners.llm.checks import hidden
from rpg.planners.llm.drafts import PlanRequest, draft
from rpg.plans.plan import Plan
from tests.planners.llm.helpers import planner

EXAMPLES = [(one["prompt"], one["answer"]) for one in prompts.examples("plan")]
OFFICIAL = (
    "Key phrases: a fox, an owl.\n**Final split ratio:** 1,1,1; 2,1\n**Regional Prompt:** a fox "
    "BREAK an owl at BREAKFAST BREAK a toad on grass"
)
JUNK = st.sampled_from(
    ["{", "}", "[", "]", '"', ",", ":", "\\", "```", "<think>", "</think>", "NaN", "Infinity",
     "-", "1e999", "9" * 400, "null", "\\ud800", "\x00", "\x1b[2J", "BREAK", ";", "\n\n", "\u202e",
     '{"regions": [', "Final split ratio: ", "Regional Prompt:", "\U0001f431", "$", "{{x}}"]
)  # fmt: skip
ODD = st.recursive(
    st.one_of(
        st.none(),
        st.booleans(),
        st.integers(-(10**30), 10**30),
        st.just(10**400),
        st.floats(),
        st.text(max_size=8),
        JUNK,
    ),
    lambda inner: st.one_of(
        st.lists(inner, max_size=4), st.dictionaries(st.text(max_size=5), inner, max_size=4)
    ),
    max_leaves=6,
)


class Says:
    """A model that says what it is set to say."""

    text = ""

    def __call__(self, messages: Sequence[Message]) -> str:
        return self.text


SAYS = Says()
PLANNER, _ = planner(SAYS)


def judged(text: str, prompt: str, previous: Plan | None = None) -> None:
    """What has to hold of any answer."""
    made = draft(text, PlanRequest(prompt, "m", previous))
    if made.plan is None:
        assert made.problems and all(made.problems)
        return
    plan = made.plan
    assert Plan.from_json(plan.to_json()) == plan
    assert plan.prompt == plan.prompt.strip() != ""
    layers = plan.layers()
    assert all(region.prompt.strip() for region in layers)
    assert len({region.id for region in layers}) == len(layers)
    if hidden(plan):
        assert any("cannot be seen" in one for one in made.problems) or previous


def planned(text: str, prompt: str) -> None:
    """The same through the planner."""
    SAYS.text = text
    try:
        PLANNER.plan(prompt)
    except PlanError as error:
        assert error.answer == text
        assert "\n" not in str(error).strip()


def places(value: Any, path: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    """The path of every value inside another."""
    inner = (
        value.items() if isinstance(value, dict)
        else enumerate(value) if isinstance(value, list)
        else ()
    )  # fmt: skip
    return [path, *(one for key, each in inner for one in places(each, (*path, key)))]


def put(value: Any, path: tuple[Any, ...], new: Any) -> Any:
    if not path:
        return new
    changed = copy.deepcopy(value)
    at = changed
    for step in path[:-1]:
        at = at[step]
    at[path[-1]] = new
    return changed


MANY = settings(max_examples=500, suppress_health_check=list(HealthCheck))


@MANY
@given(st.data())
def test_letters_changed_taken_out_and_put_in(data: st.DataObject) -> None:
    prompt, answer = data.draw(st.sampled_from(EXAMPLES))
    text = data.draw(st.sampled_from([json.dumps(answer), json.dumps(answer, indent=1), OFFICIAL]))
    for _ in range(data.draw(st.integers(1, 4))):
        at = data.draw(st.integers(0, len(text)))
        gone = data.draw(st.sampled_from([0, 0, 1, 3, 40]))
        text = text[:at] + data.draw(JUNK) + text[at + gone :]
    judged(text, prompt)


@MANY
@given(st.data())
def test_answers_cut_and_joined(data: st.DataObject) -> None:
    prompt, answer = data.draw(st.sampled_from(EXAMPLES))
    texts = [json.dumps(answer), OFFICIAL, "```json\n" + json.dumps(answer) + "\n```", "<think>"]
    text = ""
    for one in data.draw(st.lists(st.sampled_from(texts), min_size=1, max_size=4)):
        start = data.draw(st.one_of(st.just(0), st.integers(0, len(one))))
        text += one[start : data.draw(st.one_of(st.none(), st.integers(0, len(one))))]
    judged(text, prompt)


@MANY
@given(st.data())
def test_values_of_another_kind(data: st.DataObject) -> None:
    prompt, answer = data.draw(st.sampled_from(EXAMPLES))
    for _ in range(data.draw(st.integers(1, 3))):
        path = data.draw(st.sampled_from(places(answer)))
        answer = put(answer, path, data.draw(ODD))
    judged(json.dumps(answer), prompt)


@MANY
@given(st.data())
def test_numbers_out_of_range(data: st.DataObject) -> None:
    prompt, answer = data.draw(st.sampled_from([one for one in EXAMPLES if one[1]["regions"]]))
    numbers = [
        path for path in places(answer) if path and path[-1] in ("left", "top", "right", "bottom",
                                                                 "count")
    ]  # fmt: skip
    number = st.one_of(st.floats(), st.integers(), st.sampled_from([0, 1, 50, 100, 1000, 1024]))
    for _ in range(data.draw(st.integers(1, 6))):
        answer = put(answer, data.draw(st.sampled_from(numbers)), data.draw(number))
    judged(json.dumps(answer), prompt, data.draw(st.sampled_from([None, PREVIOUS])))


@MANY
@given(st.data())
def test_edits_with_values_of_another_kind(data: st.DataObject) -> None:
    answer = data.draw(st.sampled_from(EDITS))
    for _ in range(data.draw(st.integers(0, 3))):
        path = data.draw(st.sampled_from(places(answer)))
        answer = put(answer, path, data.draw(ODD))
    judged(json.dumps(answer), "x", PREVIOUS)


@MANY
@given(st.data())
def test_through_the_planner(data: st.DataObject) -> None:
    prompt, answer = data.draw(st.sampled_from(EXAMPLES))
    path = data.draw(st.sampled_from(places(answer)))
    text = json.dumps(put(answer, path, data.draw(ODD)))
    at = data.draw(st.integers(0, len(text)))
    planned(text[:at] + data.draw(st.one_of(st.just(""), JUNK)) + text[at:], prompt)


EDITS = [one["answer"] for one in prompts.examples("edit")]
_PREVIOUS = draft(json.dumps(EXAMPLES[0][1]), PlanRequest(EXAMPLES[0][0], "m")).plan
assert _PREVIOUS is not None
PREVIOUS: Plan = _PREVIOUS
