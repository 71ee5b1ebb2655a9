"""Edits: applying them, finding them, what they touch; laws over generated plans."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from PIL import Image

from rpg.errors import PlanError
from rpg.plans import edits as e
from rpg.plans.geometry import FULL, Box
from rpg.plans.plan import MAX_REGIONS, Plan, Region, encode_mask
from rpg.plans.scene import Relation, Scene, Thing
from rpg.plans.tree import Tree

LEFT, RIGHT = Box(0, 0, 0.5, 1), Box(0.5, 0, 1, 1)
TOP_RIGHT = Box(0.5, 0, 1, 0.5)
NAMES = ("a", "b", "c", "d", "e", "f")
WORDS = st.sampled_from(["a red star", "a moon", "two cats", "ein Öl-Bild", "x"])
RATIOS = st.sampled_from([None, 0.0, 0.25, 1.0])
BOXES = st.sampled_from([FULL, LEFT, RIGHT, TOP_RIGHT, Box(0.1, 0.2, 0.3, 0.9)])


def mask(level: int) -> str:
    image = Image.new("L", (8, 8))
    image.paste(255, (0, 0, level, 8))
    return encode_mask(image)


MASKS = st.sampled_from([None, None, mask(2), mask(5)])


@st.composite
def scenes(draw: st.DrawFn) -> Scene:
    """Scenes over the same few ids, some of whose things belong to others."""
    names = draw(st.permutations(("star", "cat", "hat")))[: draw(st.integers(0, 3))]
    things = tuple(
        Thing(
            id=name,
            name=name,
            attributes=draw(st.sampled_from([(), ("red",)])),
            count=draw(st.sampled_from([None, 1, 2])),
            owner=draw(st.sampled_from(["", *names[:at]])),
        )
        for at, name in enumerate(names)
    )
    pairs = [Relation(subject=a, kind="above", objects=(b,)) for a in names for b in names if a < b]
    return Scene(
        setting=draw(st.sampled_from(["", "at night"])),
        style=draw(st.sampled_from(["", "oil painting"])),
        things=things,
        relations=tuple(draw(st.lists(st.sampled_from(pairs), max_size=2))) if pairs else (),
        absent=draw(st.sampled_from([(), ("people",)])),
    )


@st.composite
def plans(draw: st.DrawFn) -> Plan:
    """Plans over the same few ids, in any order and nesting, so that they share many."""
    scene = draw(scenes())
    things = [thing.id for thing in scene.things]
    names = draw(st.permutations(NAMES))[: draw(st.integers(0, len(NAMES)))]
    parents: dict[str, str] = {}
    for at, name in enumerate(names):
        parents[name] = draw(st.sampled_from(["", *names[:at]]))

    def built(parent: str) -> tuple[Region, ...]:
        return tuple(one(name, built(name)) for name in names if parents[name] == parent)

    def one(name: str, children: tuple[Region, ...]) -> Region:
        return Region(
            id=name,
            prompt=draw(WORDS | st.just("") if children else WORDS),
            box=draw(BOXES),
            negative=draw(st.sampled_from(["", "fog"])),
            base_ratio=draw(RATIOS),
            z=draw(st.integers(-1, 1)),
            children=children,
            mask=draw(MASKS),
            shows=draw(st.lists(st.sampled_from(things), max_size=2, unique=True))
            if things
            else (),
        )

    return Plan(
        scene=scene,
        prompt=draw(WORDS),
        regions=built(""),
        base_prompt=draw(WORDS | st.just("")),
        base_ratio=draw(RATIOS),
        negative=draw(st.sampled_from(["", "text"])),
        unsaid=draw(st.sampled_from([(), ("people",)])),
        reasoning=draw(st.sampled_from(["", "thought"])),
        source=draw(st.sampled_from(["rules", "user"])),
    )


def covered(plan: Plan) -> dict[str, Any]:
    """What edits can change."""
    return plan.model_dump(exclude={"reasoning", "source"})


def region(name: str = "a", box: Box = FULL, **words: Any) -> Region:
    return Region(id=name, box=box, **{"prompt": "x", **words})


def plan(*regions: Region, **words: Any) -> Plan:
    return Plan(**{"prompt": "p", "regions": regions, **words})


def ids(of: Plan) -> list[str]:
    return [layer.id for layer in of.layers()]


# Laws


@given(before=plans(), after=plans())
@settings(max_examples=200)
def test_the_difference_applied_gives_the_other_plan(before: Plan, after: Plan) -> None:
    made = e.apply(before, e.diff(before, after))
    assert covered(made) == covered(after)
    assert (made.reasoning, made.source) == (before.reasoning, before.source)


@given(one=plans(), reasoning=st.sampled_from(["", "other"]))
@settings(max_examples=50)
def test_a_plan_differs_in_nothing_from_itself(one: Plan, reasoning: str) -> None:
    assert e.diff(one, one.model_copy(update={"reasoning": reasoning})) == ()
    assert e.apply(one, ()) == one


@given(before=plans(), after=plans())
@settings(max_examples=100)
def test_edits_survive_json_and_come_out_as_they_were(before: Plan, after: Plan) -> None:
    edits = e.diff(before, after)
    assert e.from_json(e.to_json(edits)) == edits


@given(before=plans(), after=plans())
@settings(max_examples=100)
def test_what_is_not_touched_is_the_same_afterwards(before: Plan, after: Plan) -> None:
    touched = e.touched(before, e.diff(before, after))
    old, new = ({r.id: r.model_copy(update={"children": ()}) for r in p.layers()}
                for p in (before, after))  # fmt: skip
    for name in (old.keys() | new.keys()) - set(touched.ids):
        assert old[name] == new[name]
    assert not touched.ids or touched.boxes


@given(start=plans(), data=st.data())
@settings(max_examples=100)
def test_edits_of_unrelated_regions_commute(start: Plan, data: st.DataObject) -> None:
    names = [r.id for r in start.regions]
    assume(len(names) > 1)
    first, second = data.draw(st.permutations(names))[:2]

    def some(name: str) -> e.Edit:
        kinds: list[e.Edit] = [
            e.ModifyRegion(id=name, prompt="new", base_ratio="auto"),
            e.MoveRegion(id=name, box=Box(0.2, 0.2, 0.4, 0.4), z=3),
            e.AddRegion(region=region(f"{name}-new"), parent=name),
            e.RemoveRegion(id=name),
        ]
        return data.draw(st.sampled_from(kinds))

    one, two = some(first), some(second)
    assert e.apply(start, (one, two)) == e.apply(start, (two, one))


# Each kind of edit


def test_every_kind_of_edit_does_what_it_says() -> None:
    start = plan(region("a", LEFT), region("b", RIGHT, base_ratio=0.5), base_ratio=0.3)
    end = e.apply(
        start,
        (
            e.AddRegion(region=region("c", TOP_RIGHT), index=1),
            e.ModifyRegion(id="a", prompt=" a house ", negative="fog", base_ratio=0.1),
            e.ModifyRegion(id="b", base_ratio="auto"),
            e.MoveRegion(id="b", box=Box(0.5, 0.5, 1, 1), z=2),
            e.SetBase(prompt="new", base_prompt="all", base_ratio="auto", negative="text"),
        ),
    )
    assert [r.id for r in end.regions] == ["a", "c", "b"]
    assert end.regions[0] == region("a", LEFT, prompt="a house", negative="fog", base_ratio=0.1)
    assert end.regions[2] == region("b", Box(0.5, 0.5, 1, 1), z=2)
    assert (end.prompt, end.base_prompt, end.base_ratio, end.negative) == (
        "new",
        "all",
        None,
        "text",
    )
    assert start.regions[0].prompt == "x"  # nothing is changed in place


def test_a_region_takes_what_is_in_it_along() -> None:
    inner = region("b", Box(0.1, 0.25, 0.2, 0.75))
    start = plan(region("a", LEFT, children=(inner,)))
    moved = e.apply(start, [e.MoveRegion(id="a", box=TOP_RIGHT)])
    child = moved.regions[0].children[0].box
    assert (child.x0, child.y0, child.x1, child.y1) == pytest.approx((0.6, 0.125, 0.7, 0.375))
    assert ids(e.apply(start, [e.RemoveRegion(id="a")])) == []


SPANS = st.tuples(st.integers(0, 7), st.integers(1, 8)).filter(lambda span: span[0] < span[1])
EIGHTHS = st.builds(lambda x, y: Box(x[0] / 8, y[0] / 8, x[1] / 8, y[1] / 8), SPANS, SPANS)


@given(old=EIGHTHS, new=EIGHTHS, place=EIGHTHS)
@settings(max_examples=50)
def test_what_is_in_a_region_keeps_its_place_within_it(old: Box, new: Box, place: Box) -> None:
    start = plan(region("a", old, children=(region("b", place.within(old)),)))
    moved = e.apply(start, [e.MoveRegion(id="a", box=new)]).regions[0].children[0].box
    wanted = place.within(new)
    assert (moved.x0, moved.y0, moved.x1, moved.y1) == pytest.approx(
        (wanted.x0, wanted.y0, wanted.x1, wanted.y1)
    )


def test_a_child_that_would_leave_the_canvas_stays() -> None:
    outside = region("b", Box(0, 0, 0.1, 0.1))
    start = plan(region("a", RIGHT, children=(outside,)))
    moved = e.apply(start, [e.MoveRegion(id="a", box=Box(0, 0, 0.5, 1))])
    assert moved.regions[0].children[0].box == outside.box


def test_a_painted_mask_moves_along_unless_another_comes() -> None:
    start = plan(region("a", LEFT, mask=mask(4)))
    moved = e.apply(start, [e.MoveRegion(id="a", box=RIGHT)]).regions[0].mask_image()
    assert moved is not None
    assert [moved.getpixel((x, 4)) for x in (1, 6)] == [0, 255]
    full = Image.new("L", (8, 8), 255)  # of what is painted, what lies in the box moves
    shrunk = plan(region("a", LEFT, mask=encode_mask(full)))
    part = e.apply(shrunk, [e.MoveRegion(id="a", box=Box(0.25, 0.5, 0.5, 0.75))])
    image = part.regions[0].mask_image()
    assert image is not None and image.getbbox() == (2, 4, 4, 6)
    assert image.crop((2, 4, 4, 6)).tobytes() == bytes([255] * 4)
    kept = e.apply(start, [e.MoveRegion(id="a", box=RIGHT, mask=mask(2))])
    assert kept.regions[0].mask == mask(2)
    assert e.apply(start, [e.MoveRegion(id="a", mask="")]).regions[0].mask is None


def test_regions_change_parents_and_order() -> None:
    start = plan(region("a"), region("b", children=(region("c"), region("d"))))
    end = e.apply(
        start, [e.MoveRegion(id="c", parent="a"), e.MoveRegion(id="d", parent="", index=0)]
    )
    assert [r.id for r in end.regions] == ["d", "a", "b"]
    assert [r.id for r in end.regions[1].children] == ["c"]


def test_one_move_suffices_where_one_region_changes_places() -> None:
    rows = [region(name) for name in "abcdef"]
    edits = e.diff(plan(*rows), plan(*rows[1:], rows[0]))
    assert edits == (e.MoveRegion(id="a", index=5),)
    edits = e.diff(plan(*rows), plan(rows[5], *rows[:5]))
    assert edits == (e.MoveRegion(id="f", index=0),)


def test_what_stays_of_a_region_that_goes_is_brought_out_and_not_drawn_anew() -> None:
    room = region("a", prompt="", children=(region("b"), region("c")))
    assert e.diff(plan(room), plan(region("b"))) == (
        e.MoveRegion(id="b", parent=""),
        e.RemoveRegion(id="a"),
    )
    assert e.diff(plan(region("b")), plan()) == (e.RemoveRegion(id="b"),)


def test_what_is_new_comes_whole_and_in_its_place() -> None:
    room = region("a", prompt="", children=(region("b"), region("c")))
    assert e.diff(plan(region("z")), plan(room, region("z"))) == (
        e.AddRegion(region=room, index=0),
    )
    assert e.diff(plan(region("z")), plan(region("z"), region("y"))) == (
        e.AddRegion(region=region("y")),
    )
    inside = region("z", children=(region("y"),))
    assert e.diff(plan(region("z")), plan(inside)) == (e.AddRegion(region=region("y"), parent="z"),)


# What is refused


@pytest.mark.parametrize(
    "edit",
    [
        e.RemoveRegion(id="nobody"),
        e.ModifyRegion(id="nobody", prompt="x"),
        e.MoveRegion(id="nobody", z=1),
        e.MoveRegion(id="a", parent="nobody"),
        e.AddRegion(region=region("new"), parent="nobody"),
    ],
)
def test_an_unknown_region_is_named_with_those_there_are(edit: e.Edit) -> None:
    with pytest.raises(PlanError, match=r"no region 'nobody'; its regions: a, b$"):
        e.apply(plan(region("a"), region("b")), [edit])


@pytest.mark.parametrize(
    ("count", "listed"),
    [(0, "none"), (12, ", ".join("abcdefghijkl")), (13, ", ".join("abcdefghijkl") + ", ...")],
)
def test_a_dozen_regions_are_listed(count: int, listed: str) -> None:
    name = "n" * 100
    with pytest.raises(
        PlanError, match=f"^the plan has no region '{name}'; its regions: {listed}$"
    ):
        e.apply(plan(*map(region, "abcdefghijklm"[:count])), [e.RemoveRegion(id=name)])


def test_a_region_that_cannot_move_stays_where_it_was() -> None:
    tree = Tree(plan(region("a"), region("b"), region("c")))
    with pytest.raises(PlanError, match="no region 'nobody'"):
        tree.rehang("b", "nobody", None)
    assert [one.id for one in tree.build().regions] == ["a", "b", "c"]


@pytest.mark.parametrize(
    ("edits", "says"),
    [
        ([e.AddRegion(region=region("a"))], "region 'a' already"),
        ([e.AddRegion(region=region("new", children=(region("a"),)))], "region 'a' already"),
        ([e.MoveRegion(id="a", parent="b")], "'a' cannot move into 'b'"),
        ([e.MoveRegion(id="a", parent="a")], "'a' cannot move into 'a'"),
        ([e.ModifyRegion(id="b", prompt=" ")], "'b' has neither a subprompt nor children"),
        ([e.MoveRegion(id="a", mask="no picture")], "mask"),
        ([e.SetBase(prompt="  ")], "prompt"),
        (
            [e.AddRegion(region=region(f"r{n}")) for n in range(MAX_REGIONS - 1)],
            f"{MAX_REGIONS + 1} regions; at most {MAX_REGIONS}",
        ),
    ],
)
def test_what_would_break_a_plan_is_refused(edits: list[e.Edit], says: str) -> None:
    start = plan(region("a", children=(region("b"),)))
    with pytest.raises(PlanError) as caught:
        e.apply(start, edits)
    assert says in str(caught.value)
    assert "\n" not in str(caught.value)


def test_an_id_is_free_again_once_its_region_is_gone() -> None:
    new = region("a", prompt="new")
    again = e.apply(plan(region("a")), [e.RemoveRegion(id="a"), e.AddRegion(region=new)])
    assert again.regions == (new,)


# JSON


def test_edits_read_and_write_as_a_model_would() -> None:
    text = '[{"kind":"modify","id":"a","prompt":"a blue house"},{"kind":"remove","id":"b"}]'
    edits = e.from_json(text)
    assert edits == (e.ModifyRegion(id="a", prompt="a blue house"), e.RemoveRegion(id="b"))
    assert e.to_json(edits) == text
    assert e.to_json(edits[1:], indent=1) == '[\n {\n  "kind": "remove",\n  "id": "b"\n }\n]'


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("no json", "edits"),
        ('[{"kind":"explode","id":"a"}]', "edits at 0"),
        ('[{"id":"a"}]', "edits at 0"),
        ('[{"kind":"modify","id":"a","colour":"red"}]', "colour"),
        ('[{"kind":"move","id":"a","box":{"x0":1,"y0":0,"x1":0,"y1":1}}]', "box"),
        (
            '[{"kind":"add","region":{"id":"a","prompt":"","box":{"x0":0,"y0":0,"x1":1,"y1":1}}}]',
            "a",
        ),
    ],
)
def test_json_that_is_no_edits_is_refused_in_one_line(text: str, says: str) -> None:
    with pytest.raises(PlanError) as caught:
        e.from_json(text)
    assert says in str(caught.value)
    assert "\n" not in str(caught.value)


def test_the_schema_tells_the_kinds_apart() -> None:
    schema = json.dumps(e.json_schema())
    assert all(f'"{kind}"' in schema for kind in ("add", "remove", "modify", "move", "base"))
    with pytest.raises(PlanError, match="region 'a' at prompt"):
        e.ModifyRegion(id="a", prompt="x" * 9000)


# What is touched


def test_old_and_new_places_are_touched() -> None:
    start = plan(region("a", LEFT), region("b", TOP_RIGHT))
    moved = e.touched(start, [e.MoveRegion(id="a", box=RIGHT)])
    assert (moved.ids, moved.boxes, moved.base) == (("a",), (LEFT, RIGHT), False)
    gone = e.touched(start, [e.RemoveRegion(id="b")])
    assert (gone.ids, gone.boxes) == (("b",), (TOP_RIGHT,))
    new = e.touched(start, [e.AddRegion(region=region("c", RIGHT))])
    assert (new.ids, new.boxes) == (("c",), (RIGHT,))


def test_other_words_touch_a_region_alone_and_other_places_what_is_in_it() -> None:
    start = plan(region("a", FULL, children=(region("b", LEFT),)), region("c", RIGHT))
    said = e.touched(start, [e.ModifyRegion(id="a", prompt="new")])
    assert (said.ids, said.boxes) == (("a",), (FULL,))
    moved = e.touched(start, [e.MoveRegion(id="a", box=LEFT)])
    assert moved == e.Touched(("a", "b"), (FULL, LEFT, Box(0, 0, 0.25, 1)), False)


def test_a_description_brought_up_to_date_does_not_touch_the_whole_canvas() -> None:
    start = plan(region("a", LEFT), region("b", RIGHT))
    modify = e.ModifyRegion(id="a", prompt="new")
    assert e.touched(start, [modify, e.SetBase(prompt="new")]) == e.Touched(("a",), (LEFT,), True)
    assert e.touched(start, [e.SetBase(negative="fog")]).boxes == (FULL,)
    both: list[e.Edit] = [
        modify,
        e.ModifyRegion(id="b", prompt="at night"),
        e.SetBase(prompt="at night"),
    ]
    assert e.touched(start, both).boxes == (FULL,)
    drawn = plan(region("a", LEFT), base_prompt="all")
    assert e.touched(drawn, [e.SetBase(prompt="words that are not drawn")]) == e.Touched(
        (), (), False
    )


# Scenes


def cats(*shown: str) -> Plan:
    """A cat in a hat for each name, and a star, at night."""
    things = (
        Thing(id="cat", name="cat", count=len(shown)),
        Thing(id="hat", name="hat", owner="cat"),
        Thing(id="star", name="star"),
    )
    above = Relation(subject="star", kind="above", objects=("cat",))
    scene = Scene(setting="at night", things=things, relations=(above,))
    regions = [region(name, shows=("cat", "hat")) for name in shown]
    return plan(*regions, region("s", shows=("star",)), scene=scene)


def test_a_number_follows_the_regions_that_show_a_thing() -> None:
    fewer = e.apply(cats("a", "b", "c"), [e.RemoveRegion(id="b")])
    assert [thing.count for thing in fewer.scene.things] == [2, 1, 1]
    more = e.apply(fewer, [e.AddRegion(region=region("d", shows=("cat",)))])
    assert [thing.count for thing in more.scene.things] == [3, 1, 1]
    crowd = cats("a")
    some = crowd.scene.things[0].model_copy(update={"count": None})
    vague = e.apply(crowd, [e.SetScene(things=(some, *crowd.scene.things[1:]))])
    after = e.apply(vague, [e.AddRegion(region=region("d", shows=("cat",)))])
    assert after.scene.things[0].count is None


def test_a_thing_goes_with_its_last_region_and_takes_what_is_its_own() -> None:
    gone = e.apply(cats("a"), [e.RemoveRegion(id="a")])
    assert [thing.id for thing in gone.scene.things] == ["star"]
    assert gone.scene.relations == () and gone.scene.setting == "at night"
    worn = e.apply(cats("a"), [e.AddRegion(region=region("h", shows=("hat",)))])
    kept = e.apply(worn, [e.RemoveRegion(id="a")]).scene.things
    assert [(thing.id, thing.owner) for thing in kept] == [("hat", ""), ("star", "")]


def test_a_thing_comes_with_its_region_and_no_region_shows_what_is_not_there() -> None:
    moon = e.AddRegion(region=region("m", shows=("moon",)), things=(Thing(id="moon", name="moon"),))
    assert e.apply(cats("a"), [moon]).scene.things[-1].id == "moon"
    assert e.diff(cats("a"), e.apply(cats("a"), [moon])) == (moon,)
    with pytest.raises(PlanError, match="region 'm' shows 'moon', which is no thing"):
        e.apply(cats("a"), [e.AddRegion(region=moon.region)])


def test_another_setting_or_style_touches_everything() -> None:
    for edit in (e.SetScene(setting="at noon"), e.SetScene(style="ink")):
        both = e.touched(cats("a"), [edit, e.ModifyRegion(id="a", prompt="new")])
        assert set(both.ids) == {"a", "s"} and both.boxes == (FULL,)
    told = e.SetScene(things=cats("a").scene.things[::-1])
    assert e.touched(cats("a"), [told]) == e.Touched((), (), False)


def test_a_part_within_a_region_is_no_further_thing() -> None:
    hair = e.AddRegion(region=region("hair", shows=("cat",)), parent="a")
    assert e.apply(cats("a"), [hair]).scene.things[0].count == 1
    assert e.apply(cats("a"), [hair, e.RemoveRegion(id="hair")]).scene.things[0].count == 1


def test_another_setting_beside_a_move_touches_the_whole_canvas() -> None:
    start = cats("a")
    start = e.apply(start, [e.SetBase(base_prompt="a cat at noon")])
    both: list[e.Edit] = [e.SetScene(setting="at noon"), e.MoveRegion(id="a", box=LEFT)]
    assert e.touched(start, both).boxes == (FULL,)
