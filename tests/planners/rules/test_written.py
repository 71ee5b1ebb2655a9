"""Words in quotation marks are written on what carries them, and tell of no things."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rpg.errors import PlanError
from rpg.planners.rules.typed import typed_addition, typed_words
from rpg.planners.rules.written import parted
from rpg.plans.edits import apply
from rpg.plans.geometry import FULL, Box, grid
from rpg.plans.plan import Plan, Region
from rpg.plans.scene import Scene, Thing
from tests.planners.rules.commands.helpers import follows
from tests.planners.rules.helpers import plan_of


def written(plan: Plan) -> dict[str, str]:
    """What is written on each thing that says something, by its name."""
    return {one.name: one.words for one in plan.scene.things if one.words}


@pytest.mark.parametrize(
    ("prompt", "wanted", "others"),
    [
        ('a sign that says "FRESH FISH" and a cat', {"sign": "FRESH FISH"}, {"cat"}),
        ("a neon sign 'BAR' above a door", {"sign": "BAR"}, {"door"}),
        ('a shirt with the words "red hat" on it', {"shirt": "red hat"}, set()),
        ("a T-shirt that reads \u201cI \u2665 cats\u201d", {"t-shirt": "I \u2665 cats"}, set()),
        ('a sign with "No dogs" written on it left of a tree', {"sign": "No dogs"}, {"tree"}),
        ('the word "OPEN" on a red sign', {"sign": "OPEN"}, set()),
        ('a man in a T-shirt that says "HI, you" and a dog', {"man": "HI, you"}, {"dog"}),
    ],
)
def test_prompts_say_what_is_written(prompt: str, wanted: dict[str, str], others: set[str]) -> None:
    plan = plan_of(prompt)
    assert written(plan) == wanted
    assert {one.name for one in plan.scene.things} == others | wanted.keys()
    assert plan.scene.absent == ()
    ((name, words),) = wanted.items()
    said = [one.prompt for one in plan.layers() if f'"{words}"' in one.prompt]
    assert len(said) == 1 and name in said[0].lower()


@pytest.mark.parametrize(
    "prompt", ['a "hot" dog', "the dogs' bowl and the cats' toy", 'a 12" record and a 7" single',
               "rock 'n' roll fans", 'a big "house"']
)  # fmt: skip
def test_other_marks_write_nothing(prompt: str) -> None:
    assert written(plan_of(prompt)) == {}


def test_two_of_a_kind_say_their_own() -> None:
    plan = plan_of('a poster "JAZZ" and a poster "ROCK"')
    assert [(one.words, one.count) for one in plan.scene.things] == [("JAZZ", 1), ("ROCK", 1)]


@given(st.text(max_size=60))
def test_any_text_is_parted_without_loss_of_what_is_written(text: str) -> None:
    bare, found = parted(text)
    assert all(one.words in text and 0 <= one.at for one in found)
    assert found or bare == text.strip()


@pytest.fixture
def shop() -> Plan:
    """A wooden sign that says OPEN, left of a tree."""
    return plan_of('a wooden sign that says "OPEN" left of a tree')


@pytest.mark.parametrize(
    ("instruction", "wanted"),
    [
        ('make the sign say "CLOSED"', {"sign": "CLOSED"}),
        ('the sign should say "Back. Soon, and then"', {"sign": "Back. Soon, and then"}),
        ('write "No, and never" on the tree', {"sign": "OPEN", "tree": "No, and never"}),
        ('replace "OPEN" with "SHUT"', {"sign": "SHUT"}),
        ('change the words on the sign to "NO ENTRY"', {"sign": "NO ENTRY"}),
        ("change the sign's text to 'BAR'", {"sign": "BAR"}),
        ("remove the text from the sign", {}),
        ('add a banner that says "Hi" above the tree', {"sign": "OPEN", "banner": "Hi"}),
        ("make the sign blue", {"sign": "OPEN"}),
        ("remove the sign", {}),
    ],
)
def test_instructions_say_what_is_written(
    shop: Plan, instruction: str, wanted: dict[str, str]
) -> None:
    after = follows(shop, instruction)
    assert written(after) == wanted
    texts = " ".join(one.prompt for one in after.layers())
    assert all(f'"{words}"' in texts for words in wanted.values())
    assert texts.count('"') == 2 * len(wanted)
    assert all(f'"{words}"' in after.prompt for words in wanted.values())


SAID = st.sampled_from(
    ["make", "the", "sign", "say", '"OPEN"', "'A, and b.'", "write", "on", "tree", "remove", "with",
     "words", "a", "banner", "add", "above", "and", "that", "says", "should", "text", "from",
     "\u201d"]
)  # fmt: skip


@settings(max_examples=200)
@given(st.lists(SAID, min_size=1, max_size=9))
def test_whatever_is_said_of_words_there_is_a_plan_or_a_plan_error(words: list[str]) -> None:
    plan = plan_of('a wooden sign that says "OPEN" left of a tree')
    try:
        follows(plan, " ".join(words))
    except PlanError as error:
        assert "\n" not in str(error)


def test_words_of_an_inscription_are_no_things(shop: Plan) -> None:
    fish = follows(shop, 'make the sign say "FRESH FISH"')
    with pytest.raises(PlanError, match="cannot be removed by itself"):
        follows(fish, "remove the fish")


def test_what_is_typed_into_a_region_is_written_on_its_thing(shop: Plan) -> None:
    sign = shop.regions[0]
    closed = apply(shop, typed_words(shop, sign, 'a wooden sign that says "CLOSED"'))
    assert written(closed) == {"sign": "CLOSED"}
    assert closed.regions[0].shows == sign.shows
    assert written(apply(shop, typed_words(shop, sign, "a wooden sign"))) == {}
    new = Region(id="new", prompt='a banner reading "Hi"', box=Box(0, 0, 0.5, 0.2))
    assert written(apply(shop, [typed_addition(shop, new)])) == {"sign": "OPEN", "banner": "Hi"}


# Parts


def texts(plan: Plan) -> list[str]:
    return [one.prompt for one in plan.layers()]


@pytest.mark.parametrize(
    ("prompt", "instruction", "wanted"),
    [
        ("a man in a red hat and a dog", "remove the hat", ["a man", "a dog"]),
        ("a man in a red hat and a dog", "take the hat off the man", ["a man", "a dog"]),
        ("a man in a red hat and a dog", "no hat", ["a man", "a dog"]),
        (
            "a woman with a blue scarf and a hat, a man in a red hat",
            "remove the woman's hat",
            ["a woman with a blue scarf", "a man in a red hat"],
        ),
        (
            "a woman with a blue scarf and a hat, a man in a red hat",
            "remove the scarf and the man",
            ["a woman with a hat"],
        ),
        (
            "a woman with a blue scarf and a hat, a man in a red hat",
            "remove the red hat",
            ["a woman with a blue scarf and a hat", "a man"],
        ),
        ("a girl, red hair, blue dress", "remove the dress", ["a girl with red hair"]),
    ],
)
def test_a_part_goes_and_its_owner_stays(prompt: str, instruction: str, wanted: list[str]) -> None:
    before = plan_of(prompt)
    after = follows(before, instruction)
    assert texts(after) == wanted
    assert [one.box for one in after.layers()][:1] == [one.box for one in before.layers()][:1]
    looks = " ".join(" ".join(one.attributes) for one in after.scene.things)
    assert all(look in " ".join(wanted) for look in looks.split())


def test_what_cannot_be_taken_out_of_the_words_is_still_asked_to_be_absent() -> None:
    plan = Plan(prompt="p", regions=(Region(id="a", prompt="a sky full of clouds", box=FULL),))
    after = follows(plan, "no clouds")
    assert texts(after) == ["a sky full of clouds"] and after.scene.absent == ("clouds",)


def test_which_of_several_parts_has_to_be_said() -> None:
    plan = plan_of("a woman with a blue hat and a man in a red hat")
    with pytest.raises(PlanError, match="could be a woman .* say which"):
        follows(plan, "remove the hat")
    assert texts(follows(plan, "no hats")) == ["a woman", "a man"]


MAN, HAT = Thing(id="m", name="man"), Thing(id="h", name="hat", owner="m", attributes=("red",))


def test_a_part_that_is_a_thing_of_its_own_goes_from_region_and_scene() -> None:
    left, right = grid(1, 2)
    regions = (
        Region(id="man", shows=("m", "h"), prompt="a man in a red hat, smiling", box=left),
        Region(id="dog", shows=("d",), prompt="a dog", box=right),
    )
    scene = Scene(things=(MAN, HAT, Thing(id="d", name="dog")))
    after = follows(Plan(prompt="p", scene=scene, regions=regions), "remove the hat")
    assert texts(after) == ["a man, smiling", "a dog"]
    assert [one.id for one in after.scene.things] == ["m", "d"]
    assert after.regions[0].shows == ("m",) and after.regions[0].box == left


def test_a_part_in_a_region_of_its_own_goes_with_it_and_from_its_owners_words() -> None:
    inner = Region(id="hat", shows=("h",), prompt="a red hat", box=Box(0.4, 0, 0.6, 0.2))
    outer = Region(
        id="man", shows=("m",), prompt="a man wearing a red hat", box=Box(0.2, 0, 0.8, 1),
        children=(inner,),
    )  # fmt: skip
    plan = Plan(prompt="p", scene=Scene(things=(MAN, HAT)), regions=(outer,))
    after = follows(plan, "remove the hat")
    assert texts(after) == ["a man"] and after.scene.things == (MAN,)


def test_a_part_that_cannot_be_told_from_the_rest_is_refused() -> None:
    man = Region(id="man", shows=("m",), prompt="a man whose hat is red", box=Box(0, 0, 1, 1))
    plan = Plan(prompt="p", scene=Scene(things=(MAN,)), regions=(man,))
    with pytest.raises(PlanError, match="part of a man whose hat is red"):
        follows(plan, "remove the hat")
