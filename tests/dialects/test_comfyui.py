"""ComfyUI's workflows: valid, summed up as the plan says, and read back to the same plan."""

from __future__ import annotations

import json
from contextlib import suppress
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rpg.dialects import comfyui
from rpg.errors import PlanError
from rpg.plans.geometry import Box
from rpg.plans.plan import Plan, Region, encode_mask
from rpg.plans.scene import Scene
from rpg.plans.wording import worded
from rpg.settings import SCHEDULERS, GenerationSettings
from tests.dialects.plans import FREE, told, whole

# Inputs and outputs of ComfyUI's own nodes, as its nodes.py and comfy_extras/nodes_mask.py have
# them: a type that comes from another node, a range of numbers, or a choice.
FLOAT, INT = "FLOAT", "INT"
NODES: dict[str, tuple[dict[str, Any], tuple[str, ...]]] = {
    "CheckpointLoaderSimple": ({"ckpt_name": "STRING"}, ("MODEL", "CLIP", "VAE")),
    "EmptyLatentImage": (
        {"width": (INT, 16, 16384), "height": (INT, 16, 16384), "batch_size": (INT, 1, 4096)},
        ("LATENT",),
    ),
    "CLIPTextEncode": ({"text": "STRING", "clip": "CLIP"}, ("CONDITIONING",)),
    "ConditioningCombine": (
        {"conditioning_1": "CONDITIONING", "conditioning_2": "CONDITIONING"},
        ("CONDITIONING",),
    ),
    "ConditioningSetMask": (
        {
            "conditioning": "CONDITIONING",
            "mask": "MASK",
            "strength": (FLOAT, 0.0, 10.0),
            "set_cond_area": ["default", "mask bounds"],
        },
        ("CONDITIONING",),
    ),
    "SolidMask": (
        {"value": (FLOAT, 0.0, 1.0), "width": (INT, 1, 16384), "height": (INT, 1, 16384)},
        ("MASK",),
    ),
    "InvertMask": ({"mask": "MASK"}, ("MASK",)),
    "MaskComposite": (
        {
            "destination": "MASK",
            "source": "MASK",
            "x": (INT, 0, 16384),
            "y": (INT, 0, 16384),
            "operation": ["multiply", "add", "subtract", "and", "or", "xor"],
        },
        ("MASK",),
    ),
    "KSampler": (
        {
            "model": "MODEL",
            "seed": (INT, 0, 2**64 - 1),
            "steps": (INT, 1, 10000),
            "cfg": (FLOAT, 0.0, 100.0),
            "sampler_name": [
                *("euler", "euler_ancestral", "heun", "lms", "dpmpp_2m", "ddpm", "lcm", "ddim"),
                "uni_pc",
            ],
            "scheduler": ["normal", "karras", "sgm_uniform"],
            "positive": "CONDITIONING",
            "negative": "CONDITIONING",
            "latent_image": "LATENT",
            "denoise": (FLOAT, 0.0, 1.0),
        },
        ("LATENT",),
    ),
    "VAEDecode": ({"samples": "LATENT", "vae": "VAE"}, ("IMAGE",)),
    "SaveImage": ({"images": "IMAGE", "filename_prefix": "STRING"}, ()),
}
NIGHT = Scene(setting="at night", style="oil painting", absent=("people",))
LEFT, RIGHT = Box(0, 0, 0.5, 1), Box(0.5, 0, 1, 1)


def nodes(plan: Plan, **words: Any) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(comfyui.write(plan, **words).text)
    return found


def check(graph: dict[str, Any]) -> None:
    """What ComfyUI checks before it runs a workflow."""
    for node in graph.values():
        wanted = NODES[node["class_type"]][0]
        assert node["inputs"].keys() == wanted.keys()
        for name, value in node["inputs"].items():
            kind = wanted[name]
            if isinstance(kind, list):
                assert value in kind
            elif isinstance(kind, tuple):
                assert isinstance(value, int | float) and kind[1] <= value <= kind[2]
                assert kind[0] == FLOAT or isinstance(value, int)
            elif kind == "STRING":
                assert isinstance(value, str)
            else:
                source, output = value
                assert NODES[graph[source]["class_type"]][1][output] == kind


def mask_of(graph: dict[str, Any], link: list[Any]) -> Any:
    """A mask as ComfyUI's nodes make it."""
    node = graph[link[0]]
    inputs = node["inputs"]
    if node["class_type"] == "SolidMask":
        return np.full((inputs["height"], inputs["width"]), float(inputs["value"]))
    if node["class_type"] == "InvertMask":
        return 1 - mask_of(graph, inputs["mask"])
    made, source = mask_of(graph, inputs["destination"]), mask_of(graph, inputs["source"])
    x, y = inputs["x"], inputs["y"]
    sign = {"add": 1, "subtract": -1}[inputs["operation"]]
    made[y : y + source.shape[0], x : x + source.shape[1]] += sign * source
    return np.clip(made, 0, 1)


def weights(graph: dict[str, Any]) -> dict[str, np.ndarray[Any, Any]]:
    """How strongly each text counts in each pixel, as ComfyUI sums conditionings up."""
    found: dict[str, np.ndarray[Any, Any]] = {}
    sampler = next(node for node in graph.values() if node["class_type"] == "KSampler")
    waiting = [sampler["inputs"]["positive"]]
    while waiting:
        node = graph[waiting.pop()[0]]
        inputs = node["inputs"]
        if node["class_type"] == "ConditioningCombine":
            waiting += [inputs["conditioning_1"], inputs["conditioning_2"]]
            continue
        text = graph[inputs["conditioning"][0]]["inputs"]["text"]
        weight = inputs["strength"] * mask_of(graph, inputs["mask"])
        found[text] = found.get(text, 0) + weight
    return found


@settings(max_examples=40)
@given(FREE)
def test_a_plan_is_a_valid_workflow_and_comes_back(plan: Plan) -> None:
    graph = nodes(plan)
    check(graph)
    again = comfyui.read(json.dumps(graph))
    assert told(again) == told(plan)
    assert [one.id for one in again.regions] == [one.id for one in plan.regions]
    assert whole(again) == whole(plan)


@settings(max_examples=10)
@given(FREE)
def test_a_workflow_without_titles_comes_back_too(plan: Plan) -> None:
    boxes = [one.box for one in plan.regions]
    if len(set(boxes)) < len(boxes):  # which of two alike is the base prompt, only titles say
        return
    graph = nodes(plan)
    for node in graph.values():
        node.pop("_meta", None)
    assert told(comfyui.read(json.dumps(graph))) == told(plan)


def test_every_pixel_is_told_its_region_and_the_base_prompt_by_its_ratio() -> None:
    plan = Plan(
        prompt="two animals",
        base_ratio=0.25,
        scene=Scene(setting="at night"),
        regions=(
            Region(id="a", prompt="a fox", box=LEFT),
            Region(id="b", prompt="an owl", box=Box(0.25, 0, 0.75, 0.5), base_ratio=0.5),
        ),
    )
    graph = nodes(plan, settings=GenerationSettings(width=64, height=64))
    found = weights(graph)
    assert sum(found.values()) == pytest.approx(np.ones((64, 64)))
    fox, owl = found["a fox at night"], found["an owl at night"]
    base, between = found["two animals at night"], found["at night"]
    spots = {(0, 0): (0.75, 0, 0.25, 0), (0, 20): (0, 0.5, 0.5, 0), (63, 63): (0, 0, 0, 1)}
    for spot, told_there in spots.items():
        there = [one[spot] for one in (fox, owl, base, between)]
        assert there == pytest.approx(told_there)


def test_setting_and_style_fill_what_no_region_covers_and_come_back() -> None:
    plan = Plan(
        prompt="a fox", scene=NIGHT, base_ratio=0, regions=(Region(id="a", prompt="x", box=LEFT),)
    )
    again = comfyui.read(comfyui.write(plan).text)
    assert worded(again) == worded(plan)
    assert whole(again) == whole(plan)


def test_what_is_not_said_has_sdxls_values_and_what_is_said_stands() -> None:
    plan = Plan(prompt="a fox", aspect=1.5)
    usual, own = nodes(plan), GenerationSettings(seed=7, scheduler="euler-a", guidance_scale=0)
    assert (usual["2"]["inputs"]["width"], usual["5"]["inputs"]["steps"]) == (1216, 30)
    inputs = nodes(plan, settings=own)["5"]["inputs"]
    assert (inputs["seed"], inputs["sampler_name"], inputs["cfg"]) == (7, "euler_ancestral", 0)
    assert comfyui.read(json.dumps(usual)).aspect == pytest.approx(1216 / 832)
    check(usual)


@pytest.mark.parametrize("scheduler", SCHEDULERS)
def test_every_scheduler_is_valid_or_named_as_lost(scheduler: Any) -> None:
    made = comfyui.write(Plan(prompt="a fox"), GenerationSettings(scheduler=scheduler))
    check(json.loads(made.text))
    assert bool(made.lost) == (scheduler in ("pndm", "tcd"))


def test_what_cannot_be_said_is_named() -> None:
    from PIL import Image

    mask = encode_mask(Image.new("L", (8, 8), 255))
    region = Region(id="a", prompt="a fox", negative="red", box=LEFT, mask=mask)
    lost = comfyui.write(Plan(prompt="a fox", regions=(region,))).lost
    assert [("painted" in one, "negative" in one) for one in lost] == [(True, False), (False, True)]


def area(**inputs: Any) -> str:
    """A workflow by hand: a base prompt over all, and a region by an area."""
    graph = {
        "a": {"class_type": "CLIPTextEncode", "inputs": {"text": "a park", "clip": ["m", 1]}},
        "b": {"class_type": "CLIPTextEncode", "inputs": {"text": "a dog", "clip": ["m", 1]}},
        "n": {"class_type": "CLIPTextEncode", "inputs": {"text": "", "clip": ["m", 1]}},
        "r": inputs,
        "c": {
            "class_type": "ConditioningCombine",
            "inputs": {"conditioning_1": ["a", 0], "conditioning_2": ["r", 0]},
        },
        "l": {"class_type": "EmptyLatentImage", "inputs": {"width": 800, "height": 400}},
        "k": {
            "class_type": "KSampler",
            "inputs": {"positive": ["c", 0], "negative": ["n", 0], "latent_image": ["l", 0]},
        },
    }
    return json.dumps(graph)


@pytest.mark.parametrize(
    ("kind", "place"),
    [
        ("ConditioningSetArea", {"x": 400, "y": 0, "width": 400, "height": 200}),
        ("ConditioningSetAreaPercentage", {"x": 0.5, "y": 0, "width": 0.5, "height": 0.5}),
    ],
)
def test_areas_are_regions_and_strengths_the_base_ratio(kind: str, place: dict[str, Any]) -> None:
    inputs = {"conditioning": ["b", 0], "strength": 3.0, **place}
    plan = comfyui.read(area(class_type=kind, inputs=inputs))
    assert (plan.prompt, plan.aspect) == ("a park", 2.0)
    assert told(plan) == [((("a dog", 1.0),), (0.5, 0.0, 1.0, 0.5), 0.25)]


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("[]", "no workflow"),
        ("{", "no workflow"),
        ("{}", "no KSampler"),
        (area(class_type="ConditioningSetMask", inputs={"conditioning": ["b", 0]}), "links to"),
        (
            area(
                class_type="ConditioningCombine",
                inputs=dict.fromkeys(("conditioning_1", "conditioning_2"), ["r", 0]),
            ),
            "loop",
        ),
        (area(class_type="GLIGENTextBoxApply", inputs={}), "GLIGENTextBoxApply"),
        (area(class_type="ConditioningSetAreaPercentage", inputs={"x": "a"}), "no number for x"),
        (area(class_type="ConditioningSetAreaPercentage", inputs={"x": 10**400}), "for x"),
        (area(class_type="ConditioningSetAreaPercentage", inputs={"width": 0.0}), "box"),
        (area(class_type="CLIPTextEncode", inputs={"text": 3}), "made by a node"),
    ],
)
def test_other_workflows_are_refused_in_one_line(text: str, words: str) -> None:
    with pytest.raises(PlanError, match=words) as error:
        comfyui.read(text)
    assert "\n" not in str(error.value)


JSON = st.one_of(
    st.none(), st.booleans(), st.integers(), st.floats(), st.text(max_size=5)
) | st.just(10**400)


@given(st.data())
def test_a_damaged_workflow_is_a_plan_or_refused(data: st.DataObject) -> None:
    plan = Plan(
        prompt="two",
        scene=NIGHT,
        regions=(
            Region(id="a", prompt="a fox", box=Box(0, 0, 0.6, 0.5)),
            Region(id="b", prompt="an owl", box=RIGHT, base_ratio=0.0),
        ),
    )
    graph = nodes(plan)
    name = data.draw(st.sampled_from(sorted(graph)))
    inside = data.draw(st.sampled_from([graph[name], graph[name]["inputs"], graph]))
    key = data.draw(st.sampled_from(sorted(inside)))
    links = st.tuples(st.sampled_from(sorted(graph)), st.just(0)).map(list)
    inside[key] = data.draw(JSON | links | st.lists(JSON, max_size=2))
    with suppress(PlanError):
        comfyui.read(json.dumps(graph))
