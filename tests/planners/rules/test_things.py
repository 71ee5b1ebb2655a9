"""Things with their attributes and numbers, each in a region of its own."""

from __future__ import annotations

from collections import Counter

import pytest

from tests.planners.rules.helpers import only, plan_of, prompts_of

WORDS = "one two three four five six seven eight nine ten eleven twelve".split()


@pytest.mark.parametrize("number", range(1, 13))
@pytest.mark.parametrize("spelled", ["word", "digits"])
def test_counts_from_one_to_twelve(number: int, spelled: str) -> None:
    said = WORDS[number - 1] if spelled == "word" else str(number)
    noun = "red balloon" if number == 1 else "red balloons"
    assert prompts_of(f"{said} {noun}") == ["a red balloon"] * number


@pytest.mark.parametrize(
    ("text", "number"),
    [
        ("a pair of dogs", 2),
        ("a couple of dogs", 2),
        ("a trio of dogs", 3),
        ("half a dozen dogs", 6),
        ("a dozen dogs", 12),
        ("a single dog", 1),
        ("all three of the dogs", 3),
        ("another dog", 1),
    ],
)
def test_other_ways_to_count(text: str, number: int) -> None:
    prompts = prompts_of(text)
    assert len(prompts) == number
    assert all(prompt.endswith("dog") for prompt in prompts)


@pytest.mark.parametrize(
    ("plural", "one"),
    [
        ("mice", "a mouse"),
        ("women", "a woman"),
        ("children", "a child"),
        ("sheep", "a sheep"),
        ("geese", "a goose"),
        ("wolves", "a wolf"),
        ("knives", "a knife"),
        ("buses", "a bus"),
        ("foxes", "a fox"),
        ("cherries", "a cherry"),
        ("octopuses", "an octopus"),
        ("old umbrellas", "an old umbrella"),
        ("unicorns", "a unicorn"),
        ("coffee tables", "a coffee table"),
        ("slices of cheese", "a slice of cheese"),
    ],
)
def test_each_of_several_is_called_in_the_singular(plural: str, one: str) -> None:
    assert prompts_of(f"three {plural}") == [one] * 3


@pytest.mark.parametrize("text", ["20 cats", "twenty cats", "100 cats"])
def test_more_than_twelve_share_a_region_and_that_is_said(text: str) -> None:
    plan = plan_of(text)
    assert len(plan.regions) == 1
    assert "cats" in plan.regions[0].prompt
    assert "Not placed" in plan.reasoning


@pytest.mark.parametrize("text", ["several birds", "a few birds", "lots of birds", "some birds"])
def test_vague_numbers_make_one_region(text: str) -> None:
    (region,) = plan_of(f"{text} above a lake").regions[:1]
    assert "birds" in region.prompt


BOUND = [
    ("a red apple and a green train", ["a red apple", "a green train"]),
    ("a red apple, a green train and a blue cup", ["a red apple", "a green train", "a blue cup"]),
    ("a wooden desk and a fluffy cat", ["a wooden desk", "a fluffy cat"]),
    ("a small round mirror, a striped rug", ["a small round mirror", "a striped rug"]),
    ("a black and white cat", ["a black and white cat"]),
    ("a black and white cat and a red dog", ["a black and white cat", "a red dog"]),
    ("a red and a blue car", ["a red car", "a blue car"]),
    ("a red car and a blue one", ["a red car", "a blue car"]),
    ("two cats, one black and one white", ["a black cat", "a white cat"]),
    ("two cats, one black and the other white", ["a black cat", "a white cat"]),
    ("two red stars and a blue one", ["a red star", "a red star", "a blue star"]),
    ("a car that is red and a bus that is blue", ["a red car", "a blue bus"]),
    ("A car is red. A bus is blue.", ["a red car", "a blue bus"]),
    ("a heart-shaped box and a star-shaped cookie", ["a heart-shaped box", "a star-shaped cookie"]),
    ("a man wearing a red hat and a woman wearing a blue dress",
     ["a man wearing a red hat", "a woman wearing a blue dress"]),
    ("a dog with a red collar and a cat with blue eyes",
     ["a dog with a red collar", "a cat with blue eyes"]),
    ("a statue made of gold and a box covered in snow",
     ["a statue made of gold", "a box covered in snow"]),
    ("a glass of water and a bowl of fruit", ["a glass of water", "a bowl of fruit"]),
    ("a can of soup and a tin can", ["a can of soup", "a tin can"]),
    ("an orange and an orange cat", ["an orange", "an orange cat"]),
    ("a pair of scissors and a pair of red shoes", ["a pair of scissors", "a pair of red shoes"]),
    ("a red red star and a red star", ["a red red star", "a red star"]),
    ("a cat and a cat and a cat", ["a cat", "a cat", "a cat"]),
    ("a little girl and her big dog", ["a little girl", "a big dog"]),
    ("The big book and the small notepad were both useful.", ["a big book", "a small notepad"]),
]  # fmt: skip


@pytest.mark.parametrize(("prompt", "wanted"), BOUND, ids=[prompt for prompt, _ in BOUND])
def test_every_attribute_stays_with_its_thing(prompt: str, wanted: list[str]) -> None:
    assert Counter(prompts_of(prompt)) == Counter(wanted)


@pytest.mark.parametrize(
    ("prompt", "wanted"),
    [
        ("a green bench and a blue bowl on the grass", ["bench on the grass", "bowl on the grass"]),
        ("two dogs and a cat on a beach", ["dog on a beach", "cat on a beach"]),
        ("In a forest at night, a fox and an owl", ["in a forest at night", "an owl in a forest"]),
        ("A cat in a kitchen. A dog in a garden.", ["cat in a kitchen", "dog in a garden"]),
        ("A bathroom with a white sink and a black tub", ["sink in a bathroom", "tub in a bathr"]),
        ("a boat and a whale at sunset", ["boat at sunset", "whale at sunset"]),
        ("no people, a quiet beach with two palm trees", ["a palm tree on a quiet beach"]),
        ("a child running through the snow and a dog", ["running through the snow", "a dog"]),
    ],
)
def test_the_scene_goes_with_the_things(prompt: str, wanted: list[str]) -> None:
    prompts = prompts_of(prompt)
    assert all(any(part in prompt for prompt in prompts) for part in wanted)


@pytest.mark.parametrize(
    ("prompt", "wanted"),
    [
        ("A man is holding a violin.", "a man holding a violin"),
        ("a girl eating an apple and a boy reading a book", "a boy reading a book"),
        ("a girl next to a boy eating an ice cream", "a boy eating an ice cream"),
        ("a cat and a dog playing chess", "a cat playing chess"),
        ("a robot and a wizard shaking hands", "a wizard shaking hands"),
        ("a man and a woman, both wearing hats", "a woman wearing hats"),
        ("The sun is setting over the mountains.", "the sun setting over the mountains"),
        ("A firefly is lighting up the night sky.", "a firefly lighting up the night sky"),
    ],
)
def test_deeds_stay_with_who_does_them(prompt: str, wanted: str) -> None:
    assert wanted in prompts_of(prompt)


def test_what_is_held_is_a_region_inside_its_holder() -> None:
    plan = plan_of("a girl holding a red balloon and a boy with a kite")
    girl = only(plan, "a girl")
    (balloon,) = girl.children
    assert balloon.prompt == "a red balloon"
    assert balloon.box.intersection(girl.box) == balloon.box


@pytest.mark.parametrize(
    ("prompt", "style"),
    [
        ("an oil painting of a cat and a dog", "oil painting"),
        ("a cat and a dog, oil painting", "oil painting"),
        ("a cat and a dog, highly detailed, 4k", "4k"),
        ("a cat and a dog in the style of Van Gogh", "Van Gogh"),
        ("a cat and a dog in watercolor", "watercolor"),
        ("a watercolor painting of a cat and a dog", "watercolor painting"),
        ("pixel art of a cat and a dog", "pixel art"),
        ("a cat and a dog, 85mm lens, f/2.8", "85mm lens, f/2.8"),
        ("a cat and a dog, dramatic lighting --ar 16:9 --v 5", "dramatic lighting"),
        ("masterpiece, best quality, a cat and a dog", "masterpiece, best quality"),
        ("a cat, soft light, a dog", "soft light"),
    ],
)
def test_the_style_goes_with_everything(prompt: str, style: str) -> None:
    prompts = prompts_of(prompt)
    assert len(prompts) == 2
    assert all(prompt.endswith(style) for prompt in prompts)
    assert ["cat" in prompt for prompt in prompts] == [True, False]


@pytest.mark.parametrize(
    "text",
    [
        "a photo of", "a picture of", "There is", "an image showing", "Create an image of",
        "Please draw", "Can you show me", "I want a picture with", "imagine",
    ],
)  # fmt: skip
def test_what_says_nothing_is_left_out(text: str) -> None:
    assert prompts_of(f"{text} a red bench and a yellow clock") == ["a red bench", "a yellow clock"]


@pytest.mark.parametrize(
    ("prompt", "negative"),
    [("a beach without people", "people"), ("a house with no windows and a tree", "windows")],
)
def test_what_is_not_there_becomes_the_negative(prompt: str, negative: str) -> None:
    plan = plan_of(prompt)
    assert plan.effective_negative == ", ".join(plan.scene.absent) == negative
    assert not any(negative in region.prompt for region in plan.layers())
    assert f"Not there, as asked: {negative}." in plan.reasoning


@pytest.mark.parametrize(
    "text", ["a cat not on a mat", "a cat that is not red", "The cat is not on a mat."]
)
def test_what_is_denied_is_not_drawn_but_said(text: str) -> None:
    plan = plan_of(text)
    assert [region.prompt for region in plan.layers()] == ["a cat"]
    assert '"not ' in plan.reasoning


@pytest.mark.parametrize(
    "prompt",
    [
        "ein roter Hund und eine blaue Katze",
        "un chien rouge et un chat bleu",
        "un perro rojo y una gata azul con el sol",
        "一只红色的猫和一只蓝色的狗",
        "красная собака и синяя кошка",
    ],
)
def test_other_languages_are_drawn_without_regions_and_that_is_said(prompt: str) -> None:
    plan = plan_of(prompt)
    assert plan.regions == () and plan.effective_base_prompt == prompt
    assert "English" in plan.reasoning


def test_names_and_ideas_get_no_article() -> None:
    assert prompts_of("happiness") == ["happiness"]
    assert prompts_of("a red car and Batman") == ["a red car", "Batman"]
