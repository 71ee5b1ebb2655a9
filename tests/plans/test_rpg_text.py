"""The official text form: what language models write, what is refused where, and the way back."""

from __future__ import annotations

import time
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from rpg.errors import LayoutError, PlanError
from rpg.plans.geometry import FULL, Box, grid
from rpg.plans.plan import MAX_PROMPT_CHARS, Plan, Region, encode_mask
from rpg.plans.rpg_text import MAX_CHARS, from_parts
from rpg.plans.split_ratio import parse_split_ratio

HALVES = grid(1, 2)


def subprompts(text: str) -> list[str]:
    return [region.prompt for region in Plan.from_rpg_text(text, prompt="p").regions]


def plan(ratio: str, *words: str, **about: Any) -> Plan:
    regions = tuple(
        Region(id=f"n{i}", prompt=prompt, box=box)
        for i, (prompt, box) in enumerate(zip(words, parse_split_ratio(ratio), strict=True))
    )
    return Plan(**{"prompt": "p", "regions": regions, **about})


def halves(left: str = "a", right: str = "b", **left_has: Any) -> Plan:
    regions = (
        Region(id="left", prompt=left, box=HALVES[0], **left_has),
        Region(id="right", prompt=right, box=HALVES[1]),
    )
    return Plan(prompt="p", regions=regions)


# What is read


def test_the_form_as_the_paper_prints_it() -> None:
    text = "Final split ratio: 1,1,1;2,2,3\nRegional Prompt: a BREAK b BREAK c BREAK d"
    made = Plan.from_rpg_text(text, prompt="four things", base_prompt="a meadow")
    assert (made.prompt, made.base_prompt, made.reasoning) == ("four things", "a meadow", "")
    assert [region.id for region in made.regions] == ["r1", "r2", "r3", "r4"]
    assert [region.prompt for region in made.regions] == ["a", "b", "c", "d"]
    assert tuple(region.box for region in made.regions) == parse_split_ratio("1,1,1;2,2,3")


SPELLINGS = {
    "bold with the colon inside": "**Final split ratio:** 1,1\n**Regional Prompt:** a BREAK b",
    "bold with the colon outside": "**Final split ratio**: 1,1\n**Regional Prompt**: a BREAK b",
    "bold without a colon": "**Final split ratio** 1,1\n\n**Regional Prompt** a BREAK b",
    "bold around all of it": "**Final split ratio: 1,1**\n**Regional Prompt: a BREAK b**",
    "bold values": "Final split ratio: **1,1**\nRegional Prompt: **a** BREAK **b**",
    "bold break": "Final split ratio: 1,1\nRegional Prompt: a **BREAK** b",
    "underscores": "__Final split ratio:__ 1,1\n__Regional Prompt:__ a BREAK b",
    "recased": "final split ratio: 1,1\nREGIONAL PROMPT: a BREAK b",
    "title case": "Final Split Ratio: 1,1\nRegional Prompts: a BREAK b",
    "headings": "### Final split ratio\n1,1\n### Regional Prompt\na BREAK b",
    "headings with a colon": "## Final Split Ratio:\n\n1,1\n\n## Regional Prompts:\n\na BREAK b\n",
    "a list": "- Final split ratio: 1,1\n- Regional Prompt: a BREAK b",
    "a numbered list": "1. Final split ratio: 1,1\n2. Regional Prompt: a BREAK b",
    "lettered parts": "c. **Final split ratio:** 1,1\nd. **Regional Prompt:** a BREAK b",
    "quoted lines": "> Final split ratio: 1,1\n> Regional Prompt: a BREAK b",
    "a space after the comma": "Final split ratio: 1, 1\nRegional Prompt: a BREAK b",
    "a full stop": "Final split ratio: 1,1.\nRegional Prompt: a BREAK b",
    "a full stop in bold": "Final split ratio: **1,1**.\nRegional Prompt: a BREAK b",
    "backticks": "Final split ratio: `1,1`\nRegional Prompt: `a BREAK b`",
    "quotes": "Final split ratio: \"1,1\"\nRegional Prompt: \"a BREAK b\"",
    "quotes around each": "Final split ratio: '1,1'\nRegional Prompt: \"a\" BREAK \"b\"",
    "typographic quotes": "Final split ratio: 1,1\nRegional Prompt: \u201ca\u201d BREAK "
    "\u201cb\u201d",
    "values on the next line": "Final split ratio:\n1,1\nRegional Prompt:\na BREAK b",
    "values after blank lines": "Final split ratio:\n\n1,1\n\nRegional Prompt:\n\n\na BREAK b",
    "one subprompt a line": "Final split ratio: 1,1\nRegional Prompt: \na BREAK \nb \n\nCaption: x",
    "blank lines at BREAK": "Final split ratio: 1,1\nRegional Prompt:\na\n\nBREAK\n\nb\n\nDone.",
    "bold blank lines": "Final split ratio: 1,1\nRegional Prompt:\na\n\n**BREAK**\n\nb\n\nDone.",
    "subprompts as a list": "Final split ratio: 1,1\nRegional Prompt:\n1. a BREAK\n2. b",
    "subprompts with bullets": "Final split ratio: 1,1\nRegional Prompt:\n- a BREAK\n- b",
    "regions by number": "Final split ratio: 1,1\nRegional Prompt: Region 0: a BREAK "
    "**Region 1:** b",
    "numbered regions": "Final split ratio: 1,1\nRegional Prompt:\n1. **Region 0 (left):** a "
    "BREAK\n2. **Region 1 (right):** b",
    "a fence around both": "```\nFinal split ratio: 1,1\nRegional Prompt: a BREAK b\n```\nEnjoy!",
    "fences around values": "Final split ratio:\n```\n1,1\n```\nRegional Prompt:\n```text\n"
    "a BREAK b\n```\nEnjoy!",
    "brackets": "Final split ratio: (1,1)\nRegional Prompt: a BREAK b",
    "Windows lines": "Final split ratio: 1,1\r\nRegional Prompt: a BREAK b\r\n\r\nEnjoy!\r\n",
    "one line": "Final split ratio: 1,1 Regional Prompt: a BREAK b",
    "one sentence": "So the final split ratio is 1,1. Regional Prompt: a BREAK b",
    "an equals sign": "Final split ratio = 1,1\nRegional Prompt = a BREAK b",
    "a wide colon": "Final split ratio\uff1a1,1\nRegional Prompt\uff1aa BREAK b",
    "a remark in brackets": "Final split ratio (one row): 1,1\nRegional Prompts (two): a BREAK b",
    "the earlier official form": "### Output:\nHorizontal split ratio: None\nVertical split "
    "ratio: 2,2\nSplit ratio: 1,1\nRegional Prompt: \na BREAK \nb",
    "a ratio over two lines": "Final split ratio: 1,\n1\nRegional Prompt: a BREAK b",
    "the other way round in one line": "Regional Prompt: a BREAK b Final split ratio: 1,1",
    "the other way round": "Regional Prompt: a BREAK b\nFinal split ratio: 1,1",
    "chatter after": "Final split ratio: 1,1\nRegional Prompt: a BREAK b\n\nThe final split ratio "
    "above puts BREAK between. The regional prompts are short.",
    "a heading after": "Final split ratio: 1,1\nRegional Prompt: a BREAK b\n### Why\n"
    "Because BREAK.",
    "a rule after": "Final split ratio: 1,1\nRegional Prompt: a BREAK b\n---\nBecause BREAK.",
    "a heading before the marker": "Final split ratio: 1,1\n### Regional Prompts\nRegional Prompt: "
    "a BREAK b",
    "talk before the marker": "Final split ratio: 1,1\nNow the regional prompts:\n\nRegional "
    "Prompt: a BREAK b",
}  # fmt: skip


@pytest.mark.parametrize("text", SPELLINGS.values(), ids=SPELLINGS.keys())
def test_what_language_models_make_of_the_form(text: str) -> None:
    made = Plan.from_rpg_text(text, prompt="p")
    assert [region.prompt for region in made.regions] == ["a", "b"]
    assert tuple(region.box for region in made.regions) == HALVES


@pytest.mark.parametrize("text", SPELLINGS.values(), ids=SPELLINGS.keys())
def test_the_same_after_reasoning_with_drafts(text: str) -> None:
    draft = (
        "<think>The final split ratio is hard. Final split ratio: 1;1\nRegional Prompt: x BREAK y"
    )
    made = Plan.from_rpg_text(f"{draft}\n\nNo.</think>\n\n{text}", prompt="p")
    assert tuple(region.box for region in made.regions) == HALVES
    assert made.reasoning.startswith(draft)
    if not text.startswith("Regional Prompt"):  # after a draft that order is ambiguous
        assert [region.prompt for region in made.regions] == ["a", "b"]


def test_a_space_after_a_semicolon_and_a_ratio_over_two_lines() -> None:
    for ratio in ("1,1,1; 2,2,3", "1,1,1;\n2,2,3", "1,(1,1); 2,(2,3)", "1,1,1;2,2,3."):
        text = f"Final split ratio: {ratio}\nRegional Prompt: a BREAK b BREAK c BREAK d"
        made = Plan.from_rpg_text(text, prompt="p")
        assert tuple(region.box for region in made.regions) == parse_split_ratio("1,1,1;2,2,3")


def test_one_region_is_the_whole_canvas() -> None:
    for text in ("Final split ratio: 1\nRegional Prompt: a", "Final split ratio: 1;\nx"[:20] +
                 "\nRegional Prompt: a"):  # fmt: skip
        made = Plan.from_rpg_text(text, prompt="p")
        assert [(region.prompt, region.box) for region in made.regions] == [("a", FULL)]


@pytest.mark.parametrize(
    "words",
    [
        "BREAKFAST on a table",
        "a heartBREAK",
        "Break of day",
        "a break in the clouds",
        "a TEA-BREAK sign",
        "a BREAK-UP song",
        "BREAK's end",
        "the DAWN_BREAK file",
    ],
)
def test_only_the_whole_word_in_capitals_divides(words: str) -> None:
    assert subprompts(f"Final split ratio: 1,1\nRegional Prompt: {words} BREAK b") == [words, "b"]
    text = halves(words, "b").to_rpg_text()
    assert subprompts(text) == [words, "b"]


@pytest.mark.parametrize("between", [" BREAK ", "\nBREAK\n", ".BREAK ", ", BREAK, ", "\tBREAK\t"])
def test_whatever_stands_around_the_word(between: str) -> None:
    assert len(subprompts(f"Final split ratio: 1,1\nRegional Prompt: a{between}b")) == 2


def test_of_several_answers_the_last_is_taken_whole() -> None:
    text = (
        "Final split ratio: 1;1\nRegional Prompt: x BREAK y\n\nBetter:\n"
        "Final split ratio: 1,1\nRegional Prompt: a BREAK b\n\nWhy: x BREAK y."
    )
    made = Plan.from_rpg_text(text, prompt="p")
    assert [region.prompt for region in made.regions] == ["a", "b"]
    assert tuple(region.box for region in made.regions) == HALVES
    assert "Better" in made.reasoning and "Why" not in made.reasoning


def test_an_answer_cut_short_never_borrows_an_earlier_drafts_words() -> None:
    draft = "Final split ratio: 1;1\nRegional Prompt: x BREAK y\n\n"
    for cut in ("Final split ratio: 1,1", "Final split ratio: 1,1\nRegional Pro",
                "Final split ratio: 1,1\nRegional Prompt:"):  # fmt: skip
        with pytest.raises(PlanError, match="no 'Regional Prompt:'") as caught:
            Plan.from_rpg_text(draft + cut, prompt="p")
        assert caught.value.position == len(draft)


def test_what_stands_before_becomes_the_reasoning() -> None:
    text = "Two things, side by side.\n\n### Final split ratio\n1,1\nRegional Prompt: a BREAK b"
    assert Plan.from_rpg_text(text, prompt="p").reasoning == "Two things, side by side."


def test_words_of_the_subprompts_are_left_alone() -> None:
    words = "a sign that says \"STOP\", 3 cats (red:1.2) & <b>${x}</b> {{y}} it's 5. o'clock."
    assert subprompts(f"Final split ratio: 1,1\nRegional Prompt: {words} BREAK b")[0] == words


# What is refused


@pytest.mark.parametrize(
    ("text", "at", "says"),
    [
        ("", None, "no 'Final split ratio:'"),
        ("I cannot help with that.", None, "no 'Final split ratio:'"),
        ("Regional Prompt: a BREAK b", None, "no 'Final split ratio:'"),
        ("Horizontal split ratio: 1;1\nRegional Prompt: a", None, "no 'Final split ratio:'"),
        ("The final split ratio is balanced.\nRegional Prompt: a", None, "no 'Final split ratio:'"),
        ("Hm. Final split ratio: 1,1", "Final", "no 'Regional Prompt:'"),
        ("Hm. Final split ratio: 1,1\nRegional Prompt:\n\n", "Final", "no 'Regional Prompt:'"),
        ("Final split ratio: 1,1\nRegional Prompt: a BREAK BREAK b", "BREAK b", "2 of 3 is empty"),
        ("Final split ratio: 1,1\nRegional Prompt: a BREAK", "", "2 of 2 is empty"),
        ("Final split ratio: 1,1\nRegional Prompt: BREAK b", "BREAK b", "1 of 2 is empty"),
        ("Final split ratio: 1,1\nRegional Prompt: a BREAK ** BREAK b", "** BREAK b", "2 of 3 is"),
        ("Final split ratio: 1,1\nRegional Prompt: a", "a", "2 regions, but .* 1 subprompts"),
        ("Final split ratio: 1\nRegional Prompt: a BREAK b", "a BREAK", "1 regions, but .* 2 sub"),
        ("Final split ratio: 1,1;1,1\nRegional Prompt: a BREAK b BREAK c", "a BR", "2 regions.* 3"),
        ("Final split ratio: 1,1\nRegional Prompt: " + "a" * 8001 + " BREAK b", None, "'r1' at pr"),
    ],
)
def test_a_missing_part_is_named_and_placed(text: str, at: str | None, says: str) -> None:
    with pytest.raises(PlanError, match=says) as caught:
        Plan.from_rpg_text(text, prompt="p")
    assert not isinstance(caught.value, LayoutError)
    if at is None:
        assert caught.value.position is None
    else:
        assert caught.value.position is not None
        assert text[caught.value.position :].startswith(at)
        assert at or caught.value.position == len(text)


@pytest.mark.parametrize(
    ("ratio", "at"),
    [
        ("1,0", "0"),
        ("1,,1", ",1"),
        ("one,two", "one,two"),
        ("None", "None"),
        ("-1,1", "-1"),
        ("1,1e309", "1e309"),
        ("1,1 and 2", "1 and 2"),
        ("1;;1", ";1"),
        ("0.5\uff0c0.5", "0.5\uff0c"),
        ("", ""),
    ],
)
def test_a_ratio_that_is_none_is_refused_where_it_stands(ratio: str, at: str) -> None:
    text = f"I thought:\n**Final split ratio:** {ratio}\n**Regional Prompt:** a BREAK b"
    with pytest.raises(LayoutError, match="split ratio") as caught:
        Plan.from_rpg_text(text, prompt="p")
    assert caught.value.position is not None
    assert text[caught.value.position :].startswith(at)
    assert text[: caught.value.position].count("\n") <= 2


def test_a_prompt_has_to_be_there() -> None:
    with pytest.raises(PlanError, match="plan at prompt"):
        Plan.from_rpg_text("Final split ratio: 1\nRegional Prompt: a", prompt=" ")


def test_too_long_a_text_is_refused_by_its_length() -> None:
    with pytest.raises(PlanError, match=f"{MAX_CHARS + 1} characters"):
        Plan.from_rpg_text("x" * (MAX_CHARS + 1), prompt="p")


HEAD = "Final split ratio: 1\nRegional Prompt: "
TWO = "Final split ratio: 1,1\nRegional Prompt: "
ADVERSARIES = [
    "Final split ratio:",
    "final ",
    "Regional Prompt: ",
    "Regional Prompt:\n",
    "# Regional Prompts\n\n",
    "Final split ratio: 1,\n",
    "split ratio (a",
    "*",
    "**`\"'",
    " ",
    "\n",
    "- ",
    "1. ",
    "\n\r \t",
    "BREAK ",
    "BREAK",
    "BREAK\n\n",
    "**BREAK",
    "'BREAK-",
    "(a",
    "```",
    "```\n",
    "Region 1 (",
    "\"",
    "a\n",
]  # fmt: skip


@pytest.mark.parametrize("unit", ADVERSARIES)
@pytest.mark.parametrize(
    "before", ["", "Final split ratio:", "Final split ratio: ", HEAD, HEAD + "a"]
)
def test_no_text_takes_long(before: str, unit: str) -> None:
    text = (before + unit * MAX_CHARS)[: MAX_CHARS // 2]
    began = time.process_time()
    try:
        Plan.from_rpg_text(text, prompt="p")
    except PlanError:
        pass
    assert time.process_time() - began < 10  # a tenth of a second; minutes if it were quadratic


@settings(max_examples=200)
@given(st.lists(st.sampled_from([
    "Final split ratio", "Regional Prompt", "split ratio", ":", "1,1", "1;1", "BREAK", "BREAKFAST",
    "**", "\n", "\n\n", "```", "# ", "- ", " ", '"', "a cat", "0", "</think>", ".", "(", "\u2028",
]), max_size=25).map("".join))  # fmt: skip
def test_any_text_is_a_plan_or_an_error_with_a_place_in_it(text: str) -> None:
    try:
        made = Plan.from_rpg_text(text, prompt="p")
    except PlanError as error:
        assert error.position is None or 0 <= error.position <= len(text)
        return
    assert made.regions
    assert all(region.prompt for region in made.regions)
    assert [region.id for region in made.regions] == [
        f"r{i}" for i in range(1, len(made.regions) + 1)
    ]


@pytest.mark.parametrize("end", ["# Why", "## Why", "### Why", "#### Why", "```", "---", "***"])
def test_a_heading_a_fence_or_a_rule_ends_the_prompt(end: str) -> None:
    assert subprompts(f"{TWO}a BREAK b\n{end}\nc BREAK d") == ["a", "b"]


@pytest.mark.parametrize(
    ("words", "found"),
    [
        ("a red star BREAK\n\na blue moon\n\nDone.", ["a red star", "a blue moon"]),
        ("a red star\n\nBREAK a blue moon\n\nDone.", ["a red star", "a blue moon"]),
        ('"a" and "b" BREAK "', ['"a" and "b"', '"']),
        ('\u201ca\u201d or b\u201d BREAK "c"', ["\u201ca\u201d or b\u201d", "c"]),
    ],
)
def test_what_belongs_to_a_subprompt(words: str, found: list[str]) -> None:
    assert subprompts(TWO + words) == found


@pytest.mark.parametrize(
    ("text", "says", "position"),
    [
        (
            "a cat",
            "no 'Final split ratio:' with a value in this text: ask for 'Final split ratio: 1,1' "
            "and 'Regional Prompt: a BREAK b'",
            None,
        ),
        (
            "So the final split ratio: 1,1",
            "no 'Regional Prompt:' with words after the final split ratio at position 7: write "
            "the subprompts there, with BREAK between them",
            7,
        ),
        (
            "Final split ratio: 1,1\nRegional Prompt: a BREAK ",
            "subprompt 2 of 2 is empty at position 47: write words between the BREAKs, or take "
            "one BREAK out",
            47,
        ),
    ],
)
def test_a_refusal_says_what_to_write_and_where(text: str, says: str, position: int | None) -> None:
    with pytest.raises(PlanError) as caught:
        subprompts(text)
    assert (str(caught.value), caught.value.position) == (says, position)


# The two values apart


def test_parts_are_taken_word_for_word() -> None:
    made = from_parts("1,1", '"a"\n\n- b ** c BREAK ```x```\n# y')
    assert [region.prompt for region in made.regions] == ['"a" - b ** c', "```x``` # y"]
    assert [region.id for region in made.regions] == ["r1", "r2"]


def test_break_is_a_word_of_its_own() -> None:
    made = from_parts("1,1", "a BREAK BREAKFAST")
    assert [region.prompt for region in made.regions] == ["a", "BREAKFAST"]


def test_positions_are_those_in_each_part() -> None:
    with pytest.raises(LayoutError) as ratio:
        from_parts("1,0", "a BREAK b")
    with pytest.raises(PlanError) as empty:
        from_parts("1,1", "a BREAK BREAK b")
    with pytest.raises(PlanError, match="3 regions, but .* 2 subprompts") as count:
        from_parts("1,1,1", "  a BREAK b")
    assert (ratio.value.position, empty.value.position, count.value.position) == (2, 8, 2)


# What is written


@pytest.mark.parametrize("ratio", ["1", "1,2,1", "1,1,1;2,2,3", "1,1;1,1"])
def test_ratios_are_written_in_the_official_numbers(ratio: str) -> None:
    words = [f"thing {i}" for i, _ in enumerate(parse_split_ratio(ratio))]
    assert plan(ratio, *words).to_rpg_text() == (
        f"Final split ratio: {ratio}\nRegional Prompt: {' BREAK '.join(words)}"
    )


def test_regions_are_written_in_reading_order_whatever_theirs() -> None:
    made = plan("1,1,1;2,2,3", "a", "b", "c", "d")
    turned = Plan(prompt="p", regions=made.regions[::-1])
    assert turned.to_rpg_text() == made.to_rpg_text()


def test_lines_become_one() -> None:
    assert (
        halves("a\n\nred\tstar", "b").to_rpg_text().endswith("Regional Prompt: a red star BREAK b")
    )


WORDS = st.lists(
    st.sampled_from(["a", "red", "star,", "BREAKFAST", "it's", '"STOP"', "(x:1.2)", "5.", "\u00e9",
                     "\n", "the final split ratio", "-", "\U0001f600", "#1"]),
    min_size=1, max_size=6,
).map(lambda words: " ".join(["a", *words]))  # fmt: skip
SIZES = st.integers(1, 9)
RATIOS = st.one_of(
    st.lists(SIZES, min_size=1, max_size=6).map(lambda row: ",".join(map(str, row))),
    st.lists(st.lists(SIZES, min_size=2, max_size=4), min_size=2, max_size=4).map(
        lambda rows: ";".join(",".join(map(str, row)) for row in rows)
    ),
)


@given(RATIOS, st.data())
def test_what_is_written_reads_back_the_same(ratio: str, data: st.DataObject) -> None:
    boxes = parse_split_ratio(ratio)
    words = [data.draw(WORDS) for _ in boxes]
    again = Plan.from_rpg_text(plan(ratio, *words).to_rpg_text(), prompt="p")
    assert [region.prompt for region in again.regions] == [" ".join(w.split()) for w in words]
    for region, box in zip(again.regions, boxes, strict=True):
        for edge in ("x0", "y0", "x1", "y1"):
            assert getattr(region.box, edge) == pytest.approx(getattr(box, edge), abs=1e-6)
    assert again.to_rpg_text() == plan(ratio, *words).to_rpg_text()


@given(st.text(st.characters(codec="utf-8"), min_size=1, max_size=30), st.text(max_size=30))
def test_any_words_read_back_the_same_or_are_refused(left: str, right: str) -> None:
    if not left.strip() or not right.strip():
        return
    try:
        text = halves(left.strip(), right.strip()).to_rpg_text()
    except PlanError as error:
        assert "JSON" in str(error) or "region" in str(error)
        return
    assert subprompts(text) == [" ".join(left.split()), " ".join(right.split())]


@pytest.mark.parametrize(
    ("made", "says"),
    [
        (Plan(prompt="p"), "no regions"),
        (halves(children=(Region(id="c", prompt="c", box=FULL),)), "'left' has children"),
        (halves(mask=encode_mask(Image.new("L", (4, 4), 255))), "'left' has a painted mask"),
        (halves(negative="blue"), "'left' has a negative prompt"),
        (halves(base_ratio=0.0), "'left' has a base ratio"),
        (halves("spring BREAK"), "'left' has the word BREAK"),
        (halves("**bold**"), "'\\*\\*bold\\*\\*' would be read back"),
        (halves("- a"), "'- a' would be read back"),
        (halves('"quoted"'), "would be read back"),
        (halves("Final split ratio: 1;1 Regional Prompt: x"), "would be read back|cannot say"),
        (halves("Regional Prompt: x"), "would be read back|cannot say"),
        (plan("1", "---"), "cannot say this plan|read back"),
        (halves("a" * MAX_PROMPT_CHARS, "Final split ratio: 1,1"), "cannot say this plan"),
    ],
)
def test_what_the_form_cannot_say_is_refused(made: Plan, says: str) -> None:
    with pytest.raises(PlanError, match=says) as caught:
        made.to_rpg_text()
    assert "JSON" in str(caught.value)
    assert len(str(caught.value)) < 500


@pytest.mark.parametrize(
    "boxes",
    [
        (Box(0, 0, 0.6, 1), Box(0.4, 0, 1, 1)),
        (Box(0, 0, 0.4, 1), Box(0.6, 0, 1, 1)),
        (FULL, FULL),
        (FULL, Box(0.2, 0.2, 0.4, 0.4)),
        (Box(0, 0, 0.5, 0.5), Box(0.5, 0.5, 1, 1)),
    ],
)
def test_regions_that_are_no_rows_of_columns_are_refused(boxes: tuple[Box, ...]) -> None:
    regions = tuple(Region(id=str(i), prompt="x", box=box) for i, box in enumerate(boxes))
    with pytest.raises(LayoutError, match="JSON"):
        Plan(prompt="p", regions=regions).to_rpg_text()


def test_more_words_than_can_be_read_are_not_written() -> None:
    boxes = grid(8, 8)
    regions = tuple(
        Region(id=str(i), prompt="x" * MAX_PROMPT_CHARS, box=box) for i, box in enumerate(boxes)
    )
    with pytest.raises(PlanError, match="characters"):
        Plan(prompt="p", regions=regions).to_rpg_text()
