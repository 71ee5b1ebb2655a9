"""Plans that contradict themselves are found out; good ones are left alone."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from rpg import prompts
from rpg.planners.base import ModelNotes
from rpg.planners.llm.checks import hidden
from rpg.planners.llm.drafts import PlanRequest, draft
from rpg.plans.geometry import FULL, Box, grid
from rpg.plans.plan import Plan, Region
from tests.planners.llm.helpers import answer, box, region, scene, thing

SDXL = ModelNotes(sizes=((1024, 1024), (1344, 768), (768, 1344)), region_side=256)
NOTES = {"unknown": ModelNotes(sizes=()), "SDXL": SDXL}
STRONG = [
    json.loads(line)
    for line in (Path(__file__).parent / "data" / "strong_answers.jsonl").read_text().splitlines()
]
L, R = (4, 20, 46, 92), (54, 20, 96, 92)  # left and right halves
MIDDLE = (20, 16, 80, 96)
THIRDS = ((2, 20, 32, 92), (35, 20, 65, 92), (68, 20, 98, 92))
FOURTHS = ((2, 30, 24, 90), (27, 30, 49, 90), (52, 30, 74, 90), (77, 30, 99, 90))


def problems(given: dict[str, Any], notes: ModelNotes = NOTES["unknown"]) -> tuple[str, ...]:
    made = draft(json.dumps(given), PlanRequest("x", "m", notes=notes))
    assert made.plan is not None
    return made.problems


@pytest.mark.parametrize("notes", NOTES.values(), ids=NOTES.keys())
def test_answers_of_a_strong_model_are_taken_as_they_are(notes: ModelNotes) -> None:
    assert len(STRONG) == 15
    for one in STRONG:
        assert problems(one["answer"], notes) == (), one["id"]


def test_our_own_examples_leave_nothing_to_be_desired() -> None:
    """No problem, nothing mended: what the model is shown is what we want to read."""
    for example in prompts.examples("plan"):
        made = draft(
            json.dumps(example["answer"]), PlanRequest(example["prompt"], "us", notes=SDXL)
        )
        assert made.problems == ()
        assert made.plan is not None
        given = example["answer"]
        assert [one.id for one in made.plan.scene.things] == [one["id"] for one in given["things"]]
        assert [one.id for one in made.plan.layers()] == [one["id"] for one in given["regions"]]
        for one, told in zip(made.plan.layers(), given["regions"], strict=True):
            assert (one.prompt, list(one.shows)) == (told["prompt"], told["shows"])
            assert abs(100 * one.box.x0 - told["box"]["left"]) < 0.5
            assert abs(100 * one.box.y1 - told["box"]["bottom"]) < 0.5


RED_STAR, BLUE_CAT = thing("star", "red"), thing("cat", "blue")
FAULTS: dict[str, tuple[dict[str, Any], str]] = {
    "swapped colours": (
        scene([RED_STAR, BLUE_CAT], [("star", "a blue star", L), ("cat", "a red cat", R)]),
        'calls "star" (star) blue',
    ),
    "swapped colours, said behind": (
        scene(
            [RED_STAR, BLUE_CAT], [("star", "a star, bright blue", L), ("cat", "a cat in red", R)]
        ),
        '"star" (star) blue',
    ),
    "swapped colours of clothes": (
        scene(
            [thing("man"), thing("hat", "green", owner="man"), thing("coat", "white", owner="man")],
            [("man hat coat", "a man with a white hat in a green coat", MIDDLE)],
        ),
        'calls "hat" (hat) white',
    ),
    "swapped colours in the base prompt": (
        scene(
            [RED_STAR, BLUE_CAT],
            [("star", "a red star", L), ("cat", "a blue cat", R)],
            base_prompt="a blue star and a red cat",
        ),
        'the base prompt calls "star" (star) blue',
    ),
    "another colour than its own": (
        scene([RED_STAR], [("star", "a green star", MIDDLE)]),
        'calls "star" (star) green',
    ),
    "left for right": (
        scene(
            [thing("fox"), thing("owl")],
            [("fox", "a fox", L), ("owl", "an owl", R)],
            ("fox", "to the right of", "owl"),
        ),
        '"fox" is right of "owl"',
    ),
    "left for right, in another row": (
        scene(
            [thing("fox"), thing("owl")],
            [("fox", "a fox", (2, 60, 30, 95)), ("owl", "an owl", (60, 5, 90, 35))],
            ("owl", "left of", "fox"),
        ),
        '"owl" is left of "fox"',
    ),
    "above for below": (
        scene(
            [thing("lamp"), thing("sofa")],
            [("lamp", "a lamp", (30, 2, 70, 40)), ("sofa", "a sofa", (10, 50, 90, 95))],
            ("lamp", "below", "sofa"),
        ),
        '"lamp" is below "sofa"',
    ),
    "one of three on the wrong side": (
        scene(
            [thing("bird", count=3), thing("house")],
            [
                ("house", "a house", (30, 40, 70, 80)),
                ("bird", "one bird", (2, 2, 22, 20)),
                ("bird", "one bird", (40, 2, 60, 20)),
                ("bird", "one bird", (70, 84, 96, 100)),
            ],
            ("bird", "above", "house"),
        ),
        '"bird" is above "house"',
    ),
    "one and the contrary": (
        scene(
            [thing("fox"), thing("owl")],
            [("fox owl", "a fox and an owl", MIDDLE)],
            ("fox", "left of", "owl"),
            ("fox", "right of", "owl"),
        ),
        "and the contrary",
    ),
    "two regions for four": (
        scene([thing("cat", count=4)], [("cat", "one cat", L), ("cat", "one cat", R)]),
        "there should be 4",
    ),
    "four regions for two": (
        scene([thing("cat", count=2)], [("cat", "one cat", edges) for edges in FOURTHS]),
        "4 regions show",
    ),
    "two regions for one": (
        scene([thing("cat")], [("cat", "a cat sitting", L), ("cat", "a cat lying", R)]),
        "2 regions show",
    ),
    "a word for four in a plan of two": (
        scene([thing("cat", count=2)], [("cat", "four cats asleep", MIDDLE)]),
        "says 4 x",
    ),
    "a group whose number is not said": (
        scene([thing("wolf", count=5)], [("wolf", "a pack of wolves", MIDDLE)]),
        "there should be 5",
    ),
    "another number in the base prompt": (
        scene([thing("cat")], [("cat", "a cat", MIDDLE)], base_prompt="three cats in a park"),
        "the base prompt says 3",
    ),
    "two percent covered": (
        scene([thing("cat")], [("cat", "a cat", (40, 40, 54, 54))], setting=""),
        "of the canvas has no region",
    ),
    "two percent covered, with a setting": (
        scene([thing("cat")], [("cat", "a cat", (40, 40, 54, 54))]),
        "the regions cover 2.0%",
    ),
    "half covered and no setting": (
        scene([thing("cat")], [("cat", "a cat", (0, 0, 50, 100))], setting=""),
        "50% of the canvas has no region",
    ),
    "wholly hidden": (
        scene(
            [thing("cat"), thing("dog")],
            [("cat", "a cat", MIDDLE), ("dog", "a dog", MIDDLE)],
        ),
        'region "r1" cannot be seen',
    ),
    "hidden to 98 percent": (
        scene(
            [thing("cat"), thing("dog")],
            [("cat", "a cat", (10, 10, 60, 90)), ("dog", "a dog", (11, 10, 60, 90))],
        ),
        "cannot be seen",
    ),
    "hidden by several": (
        scene(
            [thing("cat"), thing("dog", count=2)],
            [
                ("cat", "a cat", (10, 10, 90, 50)),
                ("dog", "one dog", (0, 0, 50, 60)),
                ("dog", "one dog", (50, 0, 100, 60)),
            ],
        ),
        'region "r1" cannot be seen',
    ),
    "no people in a prompt": (
        scene([thing("pier")], [("pier", "a pier with no people", MIDDLE)], absent=["people"]),
        'says "no people"',
    ),
    "without in a prompt": (
        scene([thing("tree")], [("tree", "a tree without leaves", MIDDLE)]),
        'says "without leaves"',
    ),
    "no people in the setting": (
        scene([thing("cat")], [("cat", "a cat", MIDDLE)], setting="in a street, no cars"),
        'setting says "no cars"',
    ),
    "three horses for two": (
        scene(
            [thing("horse", count=2)],
            [("horse", "two horses", MIDDLE)],
            base_prompt="three horses",
        ),
        'the base prompt says 3 x "horse"',
    ),
    "nobody in the base prompt": (
        scene([thing("cat")], [("cat", "a cat", MIDDLE)], base_prompt="a cat, nobody around"),
        "base_prompt says",
    ),
    "what is absent is named": (
        scene([thing("pier")], [("pier", "a pier with people", MIDDLE)], absent=["people"]),
        'names "people"',
    ),
    "present and absent": (
        scene(
            [thing("cat"), thing("dog")],
            [("cat", "a cat", L), ("dog", "a dog", R)],
            absent=["dogs"],
        ),
        'both in "things" and in "absent"',
    ),
    "no things": (
        scene([], [("", "a cat", L), ("", "a dog", R)]),
        '"things" is empty',
    ),
    "a thing without a name": (
        scene([{**thing("cat"), "name": ""}], [("cat", "a cat", MIDDLE)]),
        'has an empty "name"',
    ),
    "a prompt without words": (
        scene([thing("cat")], [("cat", "  ", MIDDLE)]),
        'has an empty "prompt"',
    ),
    "a region of an unknown thing": (
        scene([thing("cat")], [("cat", "a cat", L), ("dragon", "a dragon", R)]),
        'shows "dragon", which is no thing',
    ),
    "a relation to an unknown thing": (
        scene([thing("cat")], [("cat", "a cat", MIDDLE)], ("cat", "left of", "dragon")),
        'a relation names "dragon"',
    ),
    "an unknown owner": (
        scene(
            [thing("cat"), thing("hat", owner="wizard")], [("cat hat", "a cat in a hat", MIDDLE)]
        ),
        'the owner "wizard"',
    ),
    "an unknown parent": (
        answer(
            regions=[
                region("a", "a red star, a blue circle", box(*MIDDLE), "star", "circle", parent="b")
            ]
        ),
        'the parent "b"',
    ),
    "a thing that no region shows": (
        scene([thing("cat"), thing("spoon")], [("cat", "a cat", MIDDLE)]),
        'the thing "spoon" (spoon) is shown by no region',
    ),
    "a sliver": (
        scene(
            [thing("cat"), thing("pole")],
            [("cat", "a cat", L), ("pole", "a pole", (70, 0, 72, 100))],
        ),
        "is a sliver",
    ),
    "thinner than a region can be": (
        scene(
            [thing("cat"), thing("pole")],
            [("cat", "a cat", L), ("pole", "a pole", (70, 0, 71, 100))],
        ),
        "thinner than 2%",
    ),
}


@pytest.mark.parametrize(("given", "complaint"), FAULTS.values(), ids=FAULTS.keys())
def test_a_planted_fault_is_found(given: dict[str, Any], complaint: str) -> None:
    assert complaint in "\n".join(problems(given))


def test_a_region_too_small_for_the_model_is_told_in_its_pixels() -> None:
    small = scene([thing("cat"), thing("fly")],
                  [("cat", "a cat", L), ("fly", "a fly", (70, 40, 76, 46))])  # fmt: skip
    assert problems(small) == ()
    (problem,) = problems(small, SDXL)
    assert problem.startswith('region "r2" is 61 x 61 pixels')


GOOD: dict[str, dict[str, Any]] = {
    "a five star hotel": scene(
        [thing("hotel", "five star")],
        [("hotel", "a five star hotel", MIDDLE)],
        base_prompt="a five star hotel",
    ),
    "a girl of twelve": scene(
        [thing("girl", "12 year old")], [("girl", "a 12 year old girl reading", MIDDLE)]
    ),
    "an 8 bit castle": scene(
        [thing("castle")], [("castle", "an 8 bit castle", MIDDLE)], style="8 bit pixel art"
    ),
    "seven dwarfs inn": scene(
        [thing("inn", name="seven dwarfs inn")],
        [("inn", "the seven dwarfs inn with a lit sign", MIDDLE)],
    ),
    "a two-tone car": scene(
        [thing("car", "two-tone", "red and white")],
        [("car", "a two-tone car in red and white", MIDDLE)],
    ),
    "a three-headed dog": scene(
        [thing("dog"), thing("head", count=3, owner="dog")],
        [("dog head", "a dog with three heads, barking", MIDDLE)],
    ),
    "a part that the prompt leaves to its owner": scene(
        [thing("spider"), thing("leg", "hairy", count=8, owner="spider")],
        [("spider", "a large spider", MIDDLE)],
    ),
    "boots in a pair": scene(
        [thing("woman"), thing("boot", "green", count=2, owner="woman")],
        [("woman boot", "a woman in green boots", MIDDLE)],
    ),
    "tulips in a vase": scene(
        [thing("vase"), thing("tulip", "white", count=3, owner="vase")],
        [("vase tulip", "a glass vase with three white tulips", MIDDLE)],
    ),
    "candles on a cake": scene(
        [thing("cake"), thing("candle", count=7, owner="cake")],
        [("cake candle", "a cake with 7 candles", MIDDLE)],
    ),
    "contents named by the owner's region": scene(
        [thing("bowl"), thing("cherry", count=None, owner="bowl")],
        [("bowl", "a bowl full of cherries", MIDDLE)],
    ),
    "contents of contents": scene(
        [thing("cart"), thing("crate", owner="cart"), thing("melon", count=None, owner="crate")],
        [("cart", "a cart", MIDDLE)],
    ),
    "a crowd": scene([thing("fan", count=None)], [("fan", "a cheering crowd of fans", MIDDLE)]),
    "a flock of two hundred": scene(
        [thing("bird", count=200)], [("bird", "a flock of birds", MIDDLE)]
    ),
    "four cats in one region": scene(
        [thing("cat", count=4)], [("cat", "four cats asleep", MIDDLE)]
    ),
    "a dozen eggs": scene([thing("egg", count=12)], [("egg", "a dozen eggs in a carton", MIDDLE)]),
    "a pair of dancers": scene(
        [thing("dancer", count=2)], [("dancer", "a pair of dancers", MIDDLE)]
    ),
    "three in one, two in another": scene(
        [thing("duck", count=5)], [("duck", "three ducks", L), ("duck", "two ducks", R)]
    ),
    "each of three": scene([thing("cat", count=3)], [("cat", "one cat", one) for one in THIRDS]),
    "one red, one blue": scene(
        [thing("a", "red", name="cup"), thing("b", "blue", name="cup")],
        [("a", "a red cup", L), ("b", "a blue cup", R)],
        base_prompt="a red cup and a blue cup",
    ),
    "two that differ in one entry": scene(
        [thing("cat", "one black", "the other white", count=2)],
        [("cat", "a black cat", L), ("cat", "a white cat", R)],
    ),
    "a colour by another word": scene(
        [thing("car", "red"), thing("sea", "blue")],
        [
            ("sea", "a calm azure sea", (0, 40, 100, 100)),
            ("car", "a crimson sports car", (20, 50, 70, 90)),
        ],
    ),
    "ginger is as good as orange": scene(
        [thing("cat", "orange"), thing("mat", "brown")],
        [("mat", "a brown mat", (10, 60, 90, 96)), ("cat", "a ginger cat", (30, 30, 70, 80))],
    ),
    "a neighbour's colour in the background": scene(
        [RED_STAR, BLUE_CAT],
        [("star", "a red star over blue hills", L), ("cat", "a blue cat on a red rug", R)],
    ),
    "a thing without colour beside one with": scene(
        [thing("dog", "black"), thing("cat")],
        [("dog", "a black dog", L), ("cat", "a cat beside a black dog", R)],
    ),
    "black and white": scene(
        [thing("flag", "checkered black and white"), thing("pole", "white")],
        [
            ("flag", "a black and white checkered flag", (30, 10, 90, 60)),
            ("pole", "a white pole", (14, 5, 22, 96)),
        ],
    ),
    "an orange is no colour": scene(
        [thing("plate", "blue"), thing("orange", owner="plate")],
        [("plate orange", "a blue plate with an orange", MIDDLE)],
    ),
    "a red-nosed reindeer": scene(
        [thing("reindeer", "red nose"), thing("sleigh", "brown")],
        [("reindeer", "a brown reindeer with a red nose", L), ("sleigh", "a brown sleigh", R)],
    ),
    "clothes of two people": scene(
        [
            thing("man"),
            thing("coat", "green", owner="man"),
            thing("woman"),
            thing("dress", "yellow", owner="woman"),
        ],
        [("man coat", "a man in a green coat", L), ("woman dress", "a woman in a yellow dress", R)],
        ("man", "left of", "woman"),
        base_prompt="a man in a green coat left of a woman in a yellow dress",
    ),
    "half and half": scene(
        [thing("tree")],
        [
            ("tree", "left half of a bare tree in snow", (0, 0, 50, 100)),
            ("tree", "right half of a leafy tree in summer", (50, 0, 100, 100)),
        ],
        setting="",
    ),
    "rooms of a house": scene(
        [thing("house"), thing("kitchen", owner="house"), thing("attic", owner="house")],
        [
            ("house attic", "an attic with boxes", (0, 0, 100, 50)),
            ("house kitchen", "a kitchen with a stove", (0, 50, 100, 100)),
        ],
        ("attic", "above", "kitchen"),
        setting="",
    ),
    "words that say no": scene(
        [thing("sign", words="NO ENTRY")],
        [("sign", 'a round sign with the words "NO ENTRY"', MIDDLE)],
        base_prompt="a sign that says NO ENTRY",
    ),
    "a no smoking sign": scene(
        [thing("sign", name="no smoking sign")], [("sign", "a no smoking sign on a wall", MIDDLE)]
    ),
    "number five of a series": scene(
        [thing("bottle")], [("bottle", "a bottle labelled No. 5", MIDDLE)]
    ),
    "nobody said it was hot": scene(
        [thing("hotdog", name="hot dog")],
        [("hotdog", "a hot dog with mustard", MIDDLE)],
        absent=["dog"],
    ),
    "above, one over the other": scene(
        [thing("cloud"), thing("hill")],
        [("hill", "a hill", (0, 30, 100, 100)), ("cloud", "a cloud", (20, 5, 80, 60))],
        ("cloud", "above", "hill"),
    ),
    "left of what it touches": scene(
        [thing("boy"), thing("girl")],
        [("boy", "a boy", (10, 20, 55, 95)), ("girl", "a girl", (45, 20, 90, 95))],
        ("boy", "left of", "girl"),
    ),
    "inside, and left in it": scene(
        [thing("room"), thing("bed", owner="room")],
        [("room", "a room", (0, 0, 100, 100)), ("bed", "a bed", (55, 50, 95, 90))],
        ("bed", "left of", "room"),
        setting="",
    ),
    "between": scene(
        [thing("cat", count=2), thing("dog")],
        [("cat", "one cat", THIRDS[0]), ("dog", "a dog", THIRDS[1]), ("cat", "one cat", THIRDS[2])],
        ("dog", "between", "cat"),
    ),
    "a child in its parent": answer(
        relations=[],
        things=[thing("woman"), thing("scarf", "red", owner="woman")],
        regions=[
            region("woman", "a woman", box(*MIDDLE), "woman"),
            region("scarf", "a red scarf", box(35, 35, 65, 50), "scarf", parent="woman"),
        ],
    ),
    "a parent that its parts fill": answer(
        relations=[],
        things=[thing("man"), thing("hat", owner="man"), thing("coat", owner="man")],
        regions=[
            region("man", "a man", box(*MIDDLE), "man"),
            region("hat", "a hat", box(20, 16, 80, 40), "hat", parent="man"),
            region("coat", "a coat", box(20, 40, 80, 96), "coat", parent="man"),
        ],
    ),
    "in the, in Portuguese": scene(
        [thing("gato", name="gato", count=1)],
        [("gato", "um gato cinza no telhado", MIDDLE)],
        setting="em uma cidade antiga, no inverno",
        base_prompt="um gato cinza no telhado de uma casa",
    ),
    "the colour of a part": scene(
        [thing("robin", "brown"), thing("cat", "orange")],
        [("robin", "a robin with an orange breast", L), ("cat", "an orange cat", R)],
    ),
    "the colour of a part, before the name": scene(
        [thing("robin", "brown"), thing("cat", "orange")],
        [("robin", "an orange breasted robin", L), ("cat", "an orange cat", R)],
    ),
    "horses and houses": scene(
        [thing("horse", count=2), thing("house", count=2)],
        [("house", "two houses", (0, 0, 100, 50)), ("horse", "two horses", (0, 50, 100, 100))],
        base_prompt="two horses before two houses",
    ),
    "a thing of the setting": scene(
        [thing("meadow"), thing("horse")],
        [("horse", "a grazing horse", MIDDLE)],
        setting="in a wide meadow at dusk",
    ),
    "a landscape without regions": scene([thing("hill", count=None)], [], setting="hills at dawn"),
    "one thing without regions": scene([thing("cat", "ginger")], [], base_prompt="a ginger cat"),
    "a small boat on the sea": scene(
        [thing("boat")], [("boat", "a boat", (40, 50, 60, 68))], setting="on the open sea"
    ),
}


@pytest.mark.parametrize("given", GOOD.values(), ids=GOOD.keys())
def test_a_good_answer_is_not_questioned(given: dict[str, Any]) -> None:
    assert problems(given) == ()


def test_hidden_boxes() -> None:
    def found(*boxes: Box) -> list[str]:
        regions = tuple(Region(id=str(n), prompt="x", box=one) for n, one in enumerate(boxes))
        return hidden(Plan(prompt="x", regions=regions))

    left, right = grid(1, 2)
    assert found(left, right) == []
    assert found(FULL, left) == []
    assert found(left, FULL) == ["0"]
    assert found(FULL, left, right) == ["0"]
    assert found(FULL, left, Box(0.5, 0, 0.97, 1)) == ["0"]
    assert found(FULL, left, Box(0.5, 0, 0.94, 1)) == []
    assert found(left, left) == ["0"]
