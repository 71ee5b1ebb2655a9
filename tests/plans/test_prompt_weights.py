"""Weights in texts: what is one, what is none, and how they get from one text into another."""

from __future__ import annotations

import time

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from rpg.plans.exports import flux_json
from rpg.plans.geometry import Box
from rpg.plans.plan import Plan, Region
from rpg.plans.prompt_weights import MAX_WEIGHT, WeightedText, carried, clean, read
from rpg.plans.prose import scene_of, thing_in
from rpg.plans.scene import Scene, joined
from rpg.plans.wording import worded

SYNTAX = st.text(alphabet="ab1 ,.:|+-'()[]\\", max_size=40)


def runs(text: str) -> list[tuple[str, float]]:
    return [(run, round(weight, 6)) for run, weight in read(text).runs]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("a (red hat:1.3) cat", [("a ", 1), ("red hat", 1.3), (" cat", 1)]),
        ("(red hat), cat", [("red hat", 1.1), (", cat", 1)]),
        ("((red))", [("red", 1.21)]),
        ("[faint] sky", [("faint", 0.909091), (" sky", 1)]),
        ("(a (red:1.5) cat)", [("a ", 1.1), ("red", 1.65), (" cat", 1.1)]),
        ("[(red:1.1)]", [("red", 1)]),
        ("(red hat)1.3, cat", [("red hat", 1.3), (", cat", 1)]),
        ("(red hat)0.5.", [("red hat", 0.5), (".", 1)]),
        ("(red hat)++ cat", [("red hat", 1.21), (" cat", 1)]),
        ("(red hat)- cat", [("red hat", 0.9), (" cat", 1)]),
        ("red++ cat", [("red", 1.21), (" cat", 1)]),
        ("a well-known--, cat", [("a ", 1), ("well-known", 0.81), (", cat", 1)]),
        ("(red++ cat:2)", [("red", 2.42), (" cat", 2)]),
        ("(red : 1.3 )", [("red ", 1.3)]),
        ("(red:.5)(cat:-1.)", [("red", 0.5), (" ", 1), ("cat", -1)]),
        ("(a\\)b\\(:1.2)", [("a)b(", 1.2)]),
        ("(cat:1.3)s", [("cat", 1.3), (" s", 1)]),
        ("(at 10:30)", [("at 10:30", 1.1)]),
        ("(size 16:9:1.2)", [("size 16:9", 1.2)]),
        ("((((a:9):9):9):9)", [("a", MAX_WEIGHT)]),
    ],
)
def test_what_is_a_weight(text: str, expected: list[tuple[str, float]]) -> None:
    assert runs(text) == expected


@pytest.mark.parametrize(
    "text",
    [
        "a red hat",
        "a smiley :-) and a frown :-( and ;)",
        "an open (bracket",
        "a closed) bracket] and :1.3)",
        "cat(s), f(x), Fe(OH)3, list[0]",
        "ganyu_(genshin_impact)",
        "a C++ and an A-- poster",
        "cat--black, pre- and post-war, 18+",
        "() [] (  )",
        "[cat:dog:0.5] and [cat|dog]",
        "16:9 at 10:30",
        "a \\ backslash, c:\\dir",
        "",
    ],
)
def test_what_is_text(text: str) -> None:
    assert clean(text) == text
    assert not read(text).is_weighted
    assert read(text).text == text


def test_escaped_signs_are_text() -> None:
    for text, plain in [
        (r"ganyu \(genshin\)", "ganyu (genshin)"),
        (r"\[sic\]", "[sic]"),
        (r"Notepad\++", "Notepad++"),
        (r"a \\(b)", r"a \b"),
    ]:
        assert clean(text) == plain
    assert not read(r"ganyu \(genshin\), Notepad\++").is_weighted


@given(SYNTAX)
@example("a (b\\")
@example("(a:1.3)\\")
def test_what_is_written_is_read_again(text: str) -> None:
    found = read(text)
    again = read(found.text)
    assert again.clean == found.clean
    letters = zip(found.clean, found.letters, again.letters, strict=True)
    words = [pair for letter, *pair in letters if not letter.isspace()]
    assert all(abs(one - other) < 1e-4 for one, other in words)


@given(SYNTAX)
def test_a_plain_text_comes_back_with_nothing_read_into_it(text: str) -> None:
    written = carried(text, "a (b:1.2)1.3")
    assert clean(written) == text
    assert carried(text) == written or read(written).is_weighted
    assert not read(carried(text)).is_weighted


@given(SYNTAX)
def test_a_text_is_cut_without_loss(text: str) -> None:
    found = read(text)
    pieces = found.cut(found.clean.split())
    letters = [weight for piece in pieces for weight in piece.letters]
    black = [w for c, w in zip(found.clean, found.letters, strict=True) if not c.isspace()]
    assert letters == black
    assert found.parts([(0, len(found.clean))]) == [found]


@pytest.mark.parametrize(
    "text",
    ["(" * 8000, ")" * 8000, "([" * 4000, "(a" * 2000 + ")" * 2000, "a-" * 4000, "a+" * 4000,
     ":" + "1" * 7999, "a" * 7998 + "++", ": " * 4000, "(a:" + " " * 7990 + "1", "\\" * 8000],
)  # fmt: skip
def test_the_strangest_text_is_read_at_once(text: str) -> None:
    start = time.process_time()
    read(text)
    assert time.process_time() - start < 2  # a thousandth of it is usual; squares take minutes


SENTENCE = "a (red:1.4) cat left of a red dog, (at night:1.2)"


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("a red cat", "a (red:1.4) cat"),
        ("a red dog", "a red dog"),
        ("red cats", "(red:1.4) cats"),
        ("a blue dog", "a blue dog"),
        ("at night", "(at night:1.2)"),
        ("at home", "at home"),
        ("cats (two)", "cats \\(two\\)"),
        ("", ""),
    ],
)
def test_words_take_their_weights_along(text: str, expected: str) -> None:
    assert carried(text, SENTENCE) == expected


def test_the_nearest_source_goes_first() -> None:
    assert carried("a red cat", "a red cat", SENTENCE) == "a red cat"
    assert carried("a red cat", SENTENCE, "a red cat") == "a (red:1.4) cat"
    assert carried("a red cat", "[[a red cat]]", SENTENCE) == "[[a red cat]]"


def test_scenes_are_joined_by_their_words() -> None:
    assert joined("a star (at night:1.2)", "at night") == "a star (at night:1.2)"
    assert joined("a star at night", "(at night:1.2)") == "a star at night"
    assert joined("a star", "(at night:1.2)") == "a star (at night:1.2)"
    plan = Plan(prompt="a (calm) night", scene=Scene(setting="(calm night:1.2)", style="[oil]"))
    assert plan.effective_base_prompt == "a (calm) night, [oil]"


def test_a_long_style_loses_whole_phrases_with_their_weights() -> None:
    star = Region(id="star", prompt="a (red:1.4) star", box=Box(0, 0, 1, 1))
    scene = Scene(style="(oil painting, soft light:1.3), [film], dim")
    plan = Plan(prompt="a star", scene=scene, regions=(star,))

    def fits(text: str) -> bool:
        return len(clean(text).replace(",", "").split()) <= 5

    said = worded(plan, fits)
    assert said.regions == ("a (red:1.4) star, (oil painting:1.3)",)
    assert "soft light" in said.shortened[0] and "dim" in said.shortened[0]


def test_a_plan_in_plain_words() -> None:
    inner = Region(id="b", prompt="[b]", negative="(c)", box=Box(0, 0, 0.5, 1))
    outer = Region(id="a", prompt="a (red:1.4) star", box=Box(0, 0, 1, 1), children=(inner,))
    scene = Scene(setting="(night)", style="oil++")
    plan = Plan(prompt="(star)", scene=scene, regions=(outer,), negative="(d:2.0)")
    plain = plan.unweighted()
    texts = [plain.prompt, plain.negative, plain.scene.setting, plain.scene.style]
    for region in plain.layers():
        texts += [region.prompt, region.negative]
    assert texts == ["star", "d", "night", "oil", "a red star", "", "b", "c"]
    assert plain.unweighted() is plain
    assert "(" not in flux_json(plan)
    assert thing_in("a (red:1.4) star (in snow)") == "star"
    assert scene_of(Plan(prompt="a star (in snow:1.2)")) == "in snow"


def test_an_empty_text_has_no_runs() -> None:
    assert read("") == WeightedText()
