"""Plans: validation, layers, JSON there and back, painted masks, hostile input."""

from __future__ import annotations

import base64
import io
import json
import zlib
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image
from pydantic import TypeAdapter, ValidationError

from rpg._json_size import MAX_VALUES
from rpg.errors import LayoutError, PlanError
from rpg.plans.edits import SetScene, apply
from rpg.plans.geometry import FULL, Box, grid
from rpg.plans.plan import (
    MAX_DEPTH,
    MAX_MASK_SIDE,
    MAX_PROMPT_CHARS,
    MAX_REGIONS,
    Plan,
    Region,
    decode_mask,
    encode_mask,
)
from rpg.plans.scene import Scene, Thing
from tests import pngs

TEXT = st.text(st.characters(codec="utf-8"), max_size=40)
WORDS = TEXT.filter(lambda text: bool(text.strip()))
RATIOS = st.none() | st.floats(0, 1)
EDGES = st.tuples(st.integers(0, 99), st.integers(1, 100)).filter(lambda span: span[0] < span[1])
BOXES = st.builds(lambda x, y: Box(x[0] / 100, y[0] / 100, x[1] / 100, y[1] / 100), EDGES, EDGES)
MASK = encode_mask(Image.linear_gradient("L").resize((8, 8)))


def region(name: str = "a", prompt: str = "x", box: Box = FULL, **words: Any) -> Region:
    return Region(id=name, prompt=prompt, box=box, **words)


def plan(*regions: Region, **words: Any) -> Plan:
    return Plan(**{"prompt": "p", "regions": regions, **words})


def nested(levels: int, siblings: int = 0) -> Region:
    """A region inside a region inside..."""
    inner = region(f"level-{levels}")
    for level in range(levels - 1, 0, -1):
        extra = tuple(region(f"level-{level}-{i}") for i in range(siblings))
        inner = region(f"level-{level}", children=(inner, *extra))
    return inner


@st.composite
def plans(draw: st.DrawFn) -> Plan:
    names = iter(draw(st.lists(WORDS, min_size=14, max_size=14, unique=True)))

    def some(depth: int) -> tuple[Region, ...]:
        return tuple(
            Region(
                id=next(names),
                prompt=draw(WORDS),
                box=draw(BOXES),
                negative=draw(TEXT),
                base_ratio=draw(RATIOS),
                z=draw(st.integers(-3, 3)),
                children=some(depth - 1) if depth else (),
                mask=draw(st.sampled_from([None, MASK])),
            )
            for _ in range(draw(st.integers(0, 2)))
        )

    return Plan(
        prompt=draw(WORDS),
        regions=some(2)[:2],
        base_prompt=draw(TEXT),
        base_ratio=draw(RATIOS),
        negative=draw(TEXT),
        reasoning=draw(TEXT),
        source=draw(TEXT),
    )


# What is refused


@pytest.mark.parametrize(
    ("words", "says"),
    [
        ({"id": ""}, "region at id"),
        ({"id": "n" * 101}, f"region '{'n' * 100}' at id"),
        ({"prompt": ""}, "neither a subprompt nor children"),
        ({"prompt": " \n\t"}, "neither a subprompt nor children"),
        ({"prompt": "x" * (MAX_PROMPT_CHARS + 1)}, "region 'a' at prompt"),
        ({"negative": "x" * (MAX_PROMPT_CHARS + 1)}, "at negative"),
        ({"prompt": None}, "at prompt"),
        ({"box": None}, "at box"),
        ({"box": (0, 0, 1, 1)}, "at box"),
        ({"box": {"x0": 0, "y0": 0, "x1": 1}}, "at box.y1"),
        ({"box": {"x0": 0, "y0": 0, "x1": "1", "y1": 1}}, "at box: edges must be numbers"),
        ({"box": {"x0": 0, "y0": 0, "x1": True, "y1": 1}}, "at box: edges must be numbers"),
        ({"box": {"x0": 0.5, "y0": 0, "x1": 0.5, "y1": 1}}, "region 'a' at box: box"),
        ({"box": {"x0": 0, "y0": 0, "x1": float("nan"), "y1": 1}}, "region 'a' at box: box"),
        ({"base_ratio": -0.01}, "at base_ratio"),
        ({"base_ratio": 1.01}, "at base_ratio"),
        ({"base_ratio": float("nan")}, "at base_ratio"),
        ({"z": 1001}, "at z"),
        ({"z": -1001}, "at z"),
        ({"z": 0.5}, "at z"),
        ({"mask": "not base64!"}, "PNG"),
        ({"colour": "red"}, "at colour"),
        ({"self": 1}, "at self"),
        ({"children": ({"id": "b", "prompt": "", "box": FULL},)}, "region 'b' has neither"),
    ],
)
def test_a_region_that_makes_no_sense_is_refused_by_name(words: dict[str, Any], says: str) -> None:
    with pytest.raises(PlanError) as caught:
        Region(**{"id": "a", "prompt": "x", "box": FULL, **words})
    assert says in str(caught.value)
    assert "\n" not in str(caught.value)
    assert not isinstance(caught.value, LayoutError)


@pytest.mark.parametrize(
    ("words", "says"),
    [
        ({"prompt": ""}, "plan at prompt"),
        ({"prompt": "  \n "}, "plan at prompt"),
        ({"prompt": "x" * (MAX_PROMPT_CHARS + 1)}, "plan at prompt"),
        ({"prompt": "\ud800"}, "plan at prompt"),
        ({"base_ratio": 2}, "plan at base_ratio"),
        ({"reasoning": "x" * 200_001}, "plan at reasoning"),
        ({"source": "x" * 201}, "plan at source"),
        ({"regions": [region("a"), region("a")]}, "two regions have the id 'a'"),
        ({"regions": [region("a", children=(region("a"),))]}, "two regions have the id 'a'"),
        ({"regions": "left"}, "plan at regions"),
        ({"regions": [region(str(i)) for i in range(MAX_REGIONS + 1)]}, "65 regions; at most 64"),
        ({"regions": [nested(2, siblings=MAX_REGIONS)]}, "66 regions"),
        ({"regions": [nested(MAX_DEPTH + 1)]}, "deeper than 8 levels"),
        ({"width": 512}, "plan at width"),
    ],
)
def test_a_plan_that_cannot_be_drawn_is_refused(words: dict[str, Any], says: str) -> None:
    with pytest.raises(PlanError) as caught:
        Plan(**{"prompt": "p", **words})
    assert says in str(caught.value)
    assert "\n" not in str(caught.value)


def test_the_limits_themselves_are_allowed() -> None:
    assert len(plan(*(region(str(i)) for i in range(MAX_REGIONS))).layers()) == MAX_REGIONS
    assert len(plan(nested(MAX_DEPTH)).layers()) == MAX_DEPTH
    assert len(plan(region(prompt="x" * MAX_PROMPT_CHARS)).regions[0].prompt) == MAX_PROMPT_CHARS
    assert plan(region(base_ratio=0.0), base_ratio=1.0).regions[0].base_ratio == 0
    assert [region(z=z).z for z in (-1000, 1000)] == [-1000, 1000]
    assert len(plan(region("n" * 100), source="s" * 200, reasoning="x" * 200_000).source) == 200
    assert (MAX_REGIONS, MAX_PROMPT_CHARS, MAX_DEPTH, MAX_MASK_SIDE) == (64, 8000, 8, 2048)


def test_further_complaints_are_counted() -> None:
    with pytest.raises(PlanError, match="^plan at base_ratio: Input should be .* equal to 1$"):
        Plan(prompt="p", base_ratio=2.0)
    with pytest.raises(PlanError, match=r"\(and 1 more\)$"):
        Plan(prompt="p", base_ratio=2.0, source="x" * 201)
    with pytest.raises(PlanError, match=r"region 'a' at prompt: .* \(and 2 more\)"):
        Region(id="a", prompt=None, box=None, z="up")


def test_plans_and_regions_cannot_be_changed() -> None:
    for thing, name in ((plan(), "prompt"), (region(), "id"), (region(), "box"), (FULL, "x0")):
        with pytest.raises((ValidationError, AttributeError)):
            setattr(thing, name, "other")


def test_words_are_stripped_and_an_empty_base_prompt_is_the_prompt() -> None:
    made = plan(region(prompt="  a star\n", negative=" blue "), prompt=" night ", base_prompt="  ")
    assert (made.prompt, made.effective_base_prompt) == ("night", "night")
    assert (made.regions[0].prompt, made.regions[0].negative) == ("a star", "blue")
    assert plan(base_prompt=" dusk ").effective_base_prompt == "dusk"


# Layers


def test_layers_go_by_z_and_then_by_their_order() -> None:
    made = plan(region("top", z=2), region("b"), region("c"), region("under", z=-1))
    assert [one.id for one in made.layers()] == ["under", "b", "c", "top"]


def test_children_are_painted_directly_over_their_parent_whatever_their_z() -> None:
    low = region("low", z=-5, children=(region("low-high", z=1000), region("low-low", z=-1000)))
    made = plan(region("high", z=1), low)
    assert [one.id for one in made.layers()] == ["low", "low-low", "low-high", "high"]


def test_a_container_is_no_layer_but_its_children_are() -> None:
    made = plan(region("room", prompt="", children=(region("cat"), region("sea"))))
    assert [one.id for one in made.layers()] == ["cat", "sea"]
    assert plan().layers() == ()


@given(plans())
def test_layers_are_every_region_once_and_parents_come_before_children(made: Plan) -> None:
    def every(regions: tuple[Region, ...]) -> list[Region]:
        return [one for each in regions for one in (each, *every(each.children))]

    layers = [one.id for one in made.layers()]
    assert sorted(layers) == sorted(one.id for one in every(made.regions))
    for parent in every(made.regions):
        for child in parent.children:
            assert layers.index(parent.id) < layers.index(child.id)


# JSON


@settings(max_examples=50)
@given(plans(), st.sampled_from([None, 2]))
def test_json_there_and_back_changes_nothing(made: Plan, indent: int | None) -> None:
    text = made.to_json(indent=indent)
    assert Plan.from_json(text) == made
    assert Plan.from_json(text.encode()) == made
    assert Plan.from_json(made.model_dump_json()) == made  # with every default written out


def test_defaults_are_left_out_of_the_json() -> None:
    written = json.loads(plan(region()).to_json())
    box = {"x0": 0.0, "y0": 0.0, "x1": 1.0, "y1": 1.0}
    regions = [{"id": "a", "prompt": "x", "box": box}]
    assert written == {"version": 2, "prompt": "p", "regions": regions}
    assert plan().to_json(indent=1) == '{\n "version": 2,\n "prompt": "p"\n}'


REGION = '{"id": "a", "prompt": "x", "box": {"x0": 0, "y0": 0, "x1": 1, "y1": 1}%s}'
OPEN = (REGION % ', "children": [').removesuffix("}")


def holding(*regions: str) -> str:
    """The JSON of a plan with these regions."""
    return '{"prompt": "x", "regions": [' + ", ".join(regions) + "]}"


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("", "JSON"),
        ("null", "plan: "),
        ("[]", "plan: "),
        ("{}", "plan at prompt"),
        ("{'prompt': 'x'}", "JSON"),
        ('{"prompt": "x"', "JSON"),
        ('{"prompt": "\\ud800"}', "JSON"),
        ('{"prompt": "x", "self": 1}', "plan at self"),
        ('{"prompt": "x", "base_ratio": NaN}', "plan at base_ratio"),
        ('{"prompt": "x", "base_ratio": 1e999}', "plan at base_ratio"),
        (holding(REGION % ', "z": 1e9'), "region 'a' at z"),
        (holding(REGION % ', "run": "rm"'), "region 'a' at run"),
        (holding(REGION % "").replace("1,", "-1,"), "region 'a' at"),
        (holding(REGION % "", REGION % ""), "the id 'a'"),
        # children are counted too, before any region is found to be wrong
        (holding(*[REGION % (', "children": [' + ", ".join(["{}"] * 40) + "]")] * 2), "82 regions"),
        (
            holding("{}", *['{"children": [{"children": [{}]}]}'] * 22),
            "plan: 67 regions; at most 64",
        ),
        ('{"prompt": "x", "regions": [' + OPEN * 200, "recursion"),
        ("\x00", "JSON"),
        ('{"prompt": "\ud800"}', "JSON"),  # half a character, not written as \\u
    ],
)
def test_hostile_json_is_refused_with_its_place(text: str, says: str) -> None:
    with pytest.raises(PlanError) as caught:
        Plan.from_json(text)
    assert says in str(caught.value)


def test_json_is_measured_before_it_is_parsed() -> None:
    assert Plan.from_json(b'{"prompt": "x"}'.ljust(16_777_216)).prompt == "x"
    with pytest.raises(
        PlanError, match="^a plan of 16,777,217 bytes; at most 16,777,216 are read$"
    ):
        Plan.from_json("x" * 16_777_217)
    with pytest.raises(PlanError, match=f"^a plan of over {MAX_VALUES:,} values; no plan holds"):
        Plan.from_json(f"[{'1,' * MAX_VALUES}1]")


@given(st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | TEXT,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(
        st.sampled_from(["prompt", "regions", "id", "box", "x0", "children", "mask", "self", "z"]),
        inner, max_size=4,
    ),
    max_leaves=12,
))  # fmt: skip
def test_any_json_is_a_plan_or_a_plan_error(value: Any) -> None:
    try:
        Plan.from_json(json.dumps(value))
    except PlanError as error:
        assert str(error)


def test_the_schema_says_what_the_validation_does() -> None:
    schema = Plan.json_schema()
    parts = {"Plan": schema, **schema["$defs"]}
    assert parts["Plan"]["required"] == ["prompt"]
    assert set(parts["Region"]["required"]) == {"id", "prompt", "box"}
    assert set(parts["Box"]["required"]) == {"x0", "y0", "x1", "y1"}
    assert set(parts["Plan"]["properties"]) == {"version", *Plan.model_fields}
    for name, model in (("Region", Region), ("Scene", Scene), ("Thing", Thing)):
        assert set(parts[name]["properties"]) == set(model.model_fields)
        assert parts[name]["additionalProperties"] is False
    assert parts["Region"]["properties"]["children"]["items"] == {"$ref": "#/$defs/Region"}
    assert parts["Region"]["properties"]["prompt"]["maxLength"] == MAX_PROMPT_CHARS
    ratio = parts["Region"]["properties"]["base_ratio"]["anyOf"][0]
    assert (ratio["minimum"], ratio["maximum"]) == (0, 1)
    json.dumps(schema)  # plain data, as a language model's server wants it


def test_a_plan_inside_another_model_is_checked_as_strictly() -> None:
    listed = TypeAdapter(list[Plan])
    assert listed.validate_json('[{"prompt": " x "}]') == [Plan(prompt="x")]
    with pytest.raises(ValidationError):
        listed.validate_python([{"prompt": "x", "regions": [region("a"), region("a")]}])


# Painted masks


def header(width: int, height: int) -> bytes:
    return pngs.header(width, height, pngs.GREY)


def png(*chunks: bytes) -> str:
    """Of a hundred black pixels."""
    return base64.b64encode(pngs.png(*chunks, data=zlib.compress(b"\0" * 100))).decode()


def saved(image: Image.Image, kind: str) -> str:
    buffer = io.BytesIO()
    image.save(buffer, kind)
    return base64.b64encode(buffer.getvalue()).decode()


@pytest.mark.parametrize(
    ("mask", "says"),
    [
        ("", "PNG"),
        ("????", "^mask: expected base64 of a greyscale PNG$"),
        ("\u00e9", "PNG"),
        ("aGVsbG8=", "PNG"),
        (base64.b64encode(pngs.SIGNATURE).decode(), "PNG"),
        (base64.b64encode(b"x" * 1000).decode(), "PNG"),
        (saved(Image.new("L", (8, 8)), "JPEG"), "PNG"),
        (saved(Image.new("L", (8, 8)), "BMP"), "PNG"),
        (saved(Image.new("L", (64, 64)), "PNG")[:-60], "PNG"),
        (saved(Image.new("L", (8, 8)), "PNG") + "!", "PNG"),
        (png(header(0, 0)), "PNG"),
        (png(header(2048, 2048)), "PNG"),  # as large as allowed, with too little in it
        (png(header(MAX_MASK_SIDE + 1, 1)), "at most 2048"),
        (png(header(1, MAX_MASK_SIDE + 1)), "at most 2048"),
        (png(header(13_000, 13_000)), "at most 2048"),
        (png(header(100_000, 100_000)), "at most 2048"),
        (png(header(2**31 - 1, 2**31 - 1)), "at most 2048"),
        (png(header(8, 8), header(9_000, 2)), "at most 2048"),
        (png(header(8, 8), header(100_000, 100_000)), "PNG"),
        (png(header(8, 8), pngs.chunk(b"zTXt", b"x\0\0" + zlib.compress(b"x" * 10**8))), "PNG"),
        ("A" * 2_000_001, "2000000"),
    ],
)
def test_a_hostile_mask_is_refused_before_it_is_decoded(mask: str, says: str) -> None:
    with pytest.raises(PlanError, match=says):
        region(mask=mask)


@given(st.data())
def test_a_damaged_mask_is_a_mask_or_a_plan_error(data: st.DataObject) -> None:
    raw = bytearray(base64.b64decode(MASK))
    for _ in range(data.draw(st.integers(1, 3))):
        raw[data.draw(st.integers(0, len(raw) - 1))] = data.draw(st.integers(0, 255))
    try:
        image = decode_mask(base64.b64encode(bytes(raw)).decode())
    except PlanError:
        return
    assert image.mode == "L"
    assert max(image.size) <= MAX_MASK_SIDE


def test_a_mask_comes_back_as_it_was_painted() -> None:
    painted = Image.radial_gradient("L")
    found = region(mask=encode_mask(painted)).mask_image()
    assert found is not None
    assert found.mode == "L"
    assert found.tobytes() == painted.tobytes()
    assert region().mask_image() is None


@pytest.mark.parametrize("mode", ["1", "L", "P", "RGB", "RGBA", "LA", "I", "F"])
def test_white_is_inside_in_every_mode(mode: str) -> None:
    image = Image.new("L", (4, 2), 0)
    image.paste(255, (0, 0, 2, 2))
    found = decode_mask(encode_mask(image.convert(mode)))
    assert found.tobytes() == image.tobytes()


@pytest.mark.parametrize("ink", [(0, 0, 0, 255), (255, 255, 255, 255), (9, 200, 30, 255)])
@pytest.mark.parametrize("paper", [(0, 0, 0, 0), (255, 255, 255, 0)])
def test_on_a_transparent_layer_what_is_opaque_is_inside(
    ink: tuple[int, int, int, int], paper: tuple[int, int, int, int]
) -> None:
    layer = Image.new("RGBA", (1, 3), paper)
    layer.putpixel((0, 1), ink)
    assert decode_mask(encode_mask(layer)).tobytes() == bytes([0, 255, 0])


def test_a_mask_in_colour_is_read_as_grey() -> None:
    painted = saved(Image.new("RGB", (2, 1), (255, 0, 0)), "PNG")
    found = region(mask=painted).mask_image()
    assert found is not None and (found.mode, found.tobytes()) == ("L", bytes([76, 76]))


def test_a_mask_may_be_as_wide_as_said() -> None:
    assert decode_mask(encode_mask(Image.new("L", (2048, 1)))).size == (2048, 1)


@pytest.mark.parametrize("size", [(MAX_MASK_SIDE + 1, 1), (1, MAX_MASK_SIDE + 1), (0, 0), (0, 5)])
def test_a_mask_of_no_or_too_many_pixels_cannot_be_written(size: tuple[int, int]) -> None:
    with pytest.raises(PlanError, match="2048"):
        encode_mask(Image.new("L", size))


# The official text form, reached from the plan


def test_the_text_form_is_reached_from_the_plan() -> None:
    left, right = grid(1, 2)
    made = plan(region("left", "a star", left), region("right", "a moon", right))
    text = made.to_rpg_text()
    assert text == "Final split ratio: 1,1\nRegional Prompt: a star BREAK a moon"
    again = Plan.from_rpg_text(text, prompt="night", base_prompt="dusk")
    assert (again.prompt, again.base_prompt) == ("night", "dusk")
    assert [(one.prompt, one.box) for one in again.regions] == [("a star", left), ("a moon", right)]
    assert Plan.from_rpg_text(text, prompt="night").base_prompt == ""


def test_a_calls_negative_prompt_replaces_what_is_drawn_and_not_what_is_looked_for() -> None:
    people = Scene(absent=("people", "fog"))
    start = plan(region(), scene=people, negative="text")
    assert start.effective_negative == "text, people, fog"
    for words in ("grey", ""):
        called = start.with_words(negative=words)
        assert called.effective_negative == words and called.scene == people
        assert Plan.from_json(called.to_json()) == called
        later = apply(called, [SetScene(absent=(*people.absent, "clouds"))])
        assert later.effective_negative == ", ".join(filter(None, (words, "clouds")))
    assert start.with_words(prompt="x").effective_negative == start.effective_negative
