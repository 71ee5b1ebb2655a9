"""Other tools' pictures: read with the same meaning, and what cannot be taken is named."""

from __future__ import annotations

import contextlib
import io
import json
import struct
import time
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from rpg import metadata
from rpg.errors import MetadataError
from rpg.metadata import Record
from rpg.metadata.dialects import comfyui
from rpg.metadata.foreign import usable
from rpg.plans.prompt_weights import read as weighted
from tests.pngs import chunk, header, png

USER_COMMENT, EXIF_TABLE, MAKE, MODEL = 0x9286, 0x8769, 0x010F, 0x0110


def told(**texts: Any) -> tuple[Record, str]:
    """Record and losses of a PNG file with these texts; what is no text is written as JSON."""
    written = {
        name: text if isinstance(text, str) else json.dumps(text) for name, text in texts.items()
    }
    chunks = (
        chunk(b"iTXt", name.encode() + b"\0\0\0\0\0" + text.encode())
        for name, text in written.items()
    )
    record, lost = metadata.read_with_losses(io.BytesIO(png(header(8, 8), *chunks)))
    assert all("\n" not in line and len(line) < 1000 for line in lost)
    return record, "; ".join(lost)


def infotext(line: str, prompt: str = "a red star") -> tuple[Record, str]:
    return told(parameters=f"{prompt}\nSteps: 20, {line}")


def used(record: Record) -> dict[str, Any]:
    """The settings that differ from the defaults."""
    return record.settings.model_dump(exclude_defaults=True)


def runs(text: str) -> list[tuple[str, float]]:
    """A text's pieces with their weights, to four places."""
    return [(piece, round(weight, 4)) for piece, weight in weighted(text).runs]


def graph() -> dict[str, Any]:
    """ComfyUI's own first example, as its program interface takes it."""
    return {
        "3": {
            "class_type": "KSampler",
            "inputs": {
                "seed": 7, "steps": 20, "cfg": 8, "sampler_name": "dpmpp_2m", "denoise": 1,
                "scheduler": "karras", "model": ["4", 0], "positive": ["6", 0],
                "negative": ["7", 0], "latent_image": ["5", 0],
            },
        },
        "4": {
            "class_type": "CheckpointLoaderSimple",
            "inputs": {"ckpt_name": "folder\\dream.safetensors"},
        },
        "5": {
            "class_type": "EmptyLatentImage",
            "inputs": {"batch_size": 1, "width": 512, "height": 768},
        },
        "6": {
            "class_type": "CLIPTextEncode",
            "inputs": {"clip": ["4", 1], "text": "a (red:1.2) star [sharp]"},
        },
        "7": {"class_type": "CLIPTextEncode", "inputs": {"clip": ["4", 1], "text": "blur"}},
        "8": {"class_type": "VAEDecode", "inputs": {"samples": ["3", 0], "vae": ["4", 2]}},
        "9": {"class_type": "SaveImage", "inputs": {"images": ["8", 0]}},
    }  # fmt: skip


OF_GRAPH = {
    "num_inference_steps": 20,
    "guidance_scale": 8.0,
    "seed": 7,
    "width": 512,
    "height": 768,
    "scheduler": "dpm++2m-karras",
}


# A1111 and Forge


def test_a_whole_infotext_of_today() -> None:
    record, lost = told(
        parameters="a red star <lora:glow:0.8>, night\nNegative prompt: blur\nSteps: 25, "
        "Sampler: DPM++ 2M, Schedule type: Karras, CFG scale: 6.5, Seed: 42, Size: 512x768, "
        "Model hash: abc, Model: dream, VAE: other.safetensors, Clip skip: 2, "
        'ADetailer model: face_yolov8n.pt, ADetailer prompt: "a face, smiling", '
        'ADetailer confidence: 0.3, Lora hashes: "glow: 12", Version: v1.10.1\n'
        "Template: a __colour__ star\nNegative Template: blur"
    )
    assert (record.plan.prompt, record.plan.negative) == ("a red star, night", "blur")
    assert used(record) == {
        "num_inference_steps": 25,
        "guidance_scale": 6.5,
        "seed": 42,
        "width": 512,
        "height": 768,
        "scheduler": "dpm++2m-karras",
        "clip_skip": 1,
    }
    assert record.model == "dream"
    assert "LoRA glow (0.8) is not loaded" in lost
    assert lost.endswith("not read: VAE, ADetailer (3 values), Template, Negative Template")


@pytest.mark.parametrize(
    ("line", "scheduler"),
    [
        ("Sampler: DPM++ 2M", "dpm++2m"),
        ("Sampler: DPM++ 2M Karras", "dpm++2m-karras"),
        ("Sampler: DPM++ 2M, Schedule type: Automatic", "dpm++2m-karras"),
        ("Sampler: DPM++ 2M, Schedule type: Uniform", "dpm++2m"),
        ("Sampler: dpmpp_2m", "dpm++2m"),
        ("Sampler: Euler a, Schedule type: Automatic", "euler-a"),
        ("Sampler: PLMS", "pndm"),
        ("Sampler: UniPC", "unipc"),
        ("Sampler: LCM", "lcm"),
    ],
)
def test_samplers_come_with_their_schedule(line: str, scheduler: str) -> None:
    record, lost = infotext(line)
    assert (record.settings.scheduler, lost) == (scheduler, "")


@pytest.mark.parametrize(
    ("line", "scheduler", "says"),
    [
        ("Sampler: DPM++ SDE Karras", None, "sampler DPM++ SDE Karras is none of ours"),
        ("Sampler: DPM++ 2M SDE", None, "sampler DPM++ 2M SDE"),
        ("Sampler: Euler, Schedule type: Karras", "euler", "schedule Karras is not taken"),
        ("Sampler: LMS Karras", "lms", "schedule Karras is not taken"),
        ("Sampler: DPM++ 2M, Schedule type: Beta", "dpm++2m", "schedule Beta is not taken"),
    ],
)
def test_what_no_scheduler_of_ours_does_is_named(
    line: str, scheduler: str | None, says: str
) -> None:
    record, lost = infotext(line)
    assert record.settings.scheduler == scheduler and says in lost


@pytest.mark.parametrize(
    ("line", "words"),
    [
        ("Seed: -1", {}),
        ("Clip skip: 1", {}),
        ("CFG Scale: 7.5", {"guidance_scale": 7.5}),
        ("CFG scale: 1, Distilled CFG Scale: 3.5", {"guidance_scale": 3.5}),
        (
            "Variation seed: 5, Variation seed strength: 0.25",
            {"variation_seed": 5, "variation_strength": 0.25},
        ),
        (
            "Size: 512x512, Denoising strength: 0.45, Hires upscale: 2, Hires upscaler: Lanczos",
            {"width": 512, "height": 512, "upscale": 2.0, "upscale_strength": 0.45},
        ),
        (
            "Size: 512x768, Denoising strength: 0.5, Hires resize: 768x1152",
            {"width": 512, "height": 768, "upscale": 1.5, "upscale_strength": 0.5},
        ),
    ],
)
def test_values_are_taken_in_their_own_meaning(line: str, words: dict[str, Any]) -> None:
    record, lost = infotext(line)
    assert (used(record), lost) == ({"num_inference_steps": 20, **words}, "")


@pytest.mark.parametrize(
    ("line", "says"),
    [
        ("CFG scale: 1000", "guidance 1000 is not taken: it can be 0 to 100"),
        ("CFG scale: nan", "guidance nan is not taken"),
        ("Seed: 99999999999999999999999", "seed 99999999999999999999999 is not taken"),
        ("Seed: 99999999999999999999", "seed 99999999999999999999 is not taken"),
        ("Size: 99999x99999", "width 99999 is not taken"),
        ("Size: 8192x8192", "the size is not taken: 8192x8192 is over"),
        ("Size: large", "size large is no size"),
        ("Clip skip: two", "clip skip two is no number"),
        ("Clip skip: 3", "clip skip 3 is taken as 2, as SD 1.5 counts; with an SDXL model clear"),
        ("Denoising strength: 0.4, Mask blur: 4", "(strength 0.4), which the file does not hold"),
        ("Hires upscale: 8", "upscale 8 is not taken: it can be 1 to 4"),
        ("Hires upscale: 2, Hires upscaler: Latent", "hires upscaler Latent is replaced"),
        ("Hires upscale: 2, Hires steps: 10", "not read: Hires steps"),
        ("Size: 512x512, Hires resize: 512x768, Denoising strength: 1", "has another shape"),
        ("Tiling: True\x1b[2J, RNG: CPU", "not read: Tiling, RNG"),
    ],
)
def test_what_cannot_be_taken_costs_itself_alone(line: str, says: str) -> None:
    record, lost = infotext(f"{line}, Sampler: Euler")
    assert says in lost and "\x1b" not in lost
    assert (record.settings.num_inference_steps, record.settings.scheduler) == (20, "euler")
    assert record.plan.prompt == "a red star" and record.task == "text2img"


def test_a_seed_of_64_bits_draws_the_same_noise() -> None:
    record, lost = infotext(f"Seed: {2**64 - 5}")
    assert record.settings.seed == 2**63 - 5
    assert f"seed {2**64 - 5} is written as {2**63 - 5}" in lost


def test_a_long_line_of_an_extension_hides_no_setting() -> None:
    faces = ", ".join(f'ADetailer prompt {n}nd: "{"a face, " * 40}"' for n in range(2, 22))
    record, lost = infotext(f"Seed: 3, {faces}, CFG scale: 4")
    assert used(record) == {"num_inference_steps": 20, "seed": 3, "guidance_scale": 4.0}
    assert lost == "not read: ADetailer (20 values)"


@pytest.mark.parametrize("text", ["None", "", "null\nSteps: 20", '{"a": 1}', "[1, 2]"])
def test_what_is_no_prompt_is_refused(text: str) -> None:
    with pytest.raises(MetadataError, match="no prompt"):
        told(parameters=text)


@pytest.mark.parametrize("text", ["[red] star", "{red|blue} star", "none of them", '"a star"'])
def test_brackets_and_quotes_alone_are_no_json(text: str) -> None:
    assert told(parameters=text)[0].plan.prompt == text


def test_signs_that_weight_nothing_there_weight_nothing_here() -> None:
    text = infotext("Seed: 1", "C++ (red)1.3 (blue)+ [faint] (big:1.2)")[0].plan.prompt
    assert runs(text) == [
        ("C++ ", 1.0), ("red", 1.1), (" 1.3 ", 1.0), ("blue", 1.1), ("+ ", 1.0),
        ("faint", 0.9091), (" ", 1.0), ("big", 1.2),
    ]  # fmt: skip


def test_our_own_clip_skip_comes_back() -> None:
    first, _ = infotext("Clip skip: 2")
    assert "Clip skip: 2" in first.parameters()
    assert told(parameters=first.parameters())[0].settings == first.settings


def test_what_is_more_than_words_in_a_prompt_is_named() -> None:
    record, lost = infotext("Seed: 1", "a red star BREAK night, [cat:dog:0.5] AND [faint]")
    assert record.plan.prompt == "a red star BREAK night, [cat:dog:0.5] AND [faint]"
    assert lost == "; ".join(
        f"{cut} in the prompt is read as words" for cut in ("BREAK", "[cat:dog:0.5]", "AND")
    )


# Fooocus, SwarmUI, InvokeAI, NovelAI

FOOOCUS = {
    "adm_guidance": "(1.5, 0.8, 0.3)",
    "base_model": "juggernautXL_v8",
    "base_model_hash": "aeb7e9e689",
    "clip_skip": 2,
    "full_prompt": ["cinematic still a red star . emotional", "a red star, deep focus"],
    "guidance_scale": 4.0,
    "lora_combined_1": "offset : 0.1",
    "loras": [["offset", 0.1, "4852686128"]],
    "metadata_scheme": "fooocus",
    "negative_prompt": "blur",
    "performance": "Speed",
    "prompt": "a red star",
    "refiner_model": "None",
    "resolution": "(1152, 896)",
    "sampler": "dpmpp_2m_sde_gpu",
    "scheduler": "karras",
    "seed": "127589946317439009",
    "sharpness": 2.0,
    "steps": 30,
    "styles": "['Fooocus V2']",
    "vae": "Default (model)",
    "version": "Fooocus v2.5.5",
}
OF_FOOOCUS = {
    "num_inference_steps": 30,
    "guidance_scale": 4.0,
    "seed": 127589946317439009,
    "width": 1152,
    "height": 896,
}


def test_fooocus_in_its_own_scheme() -> None:
    record, lost = told(parameters=FOOOCUS, fooocus_scheme="fooocus")
    assert (record.plan.prompt, record.plan.negative) == ("a red star", "blur")
    assert used(record) == OF_FOOOCUS  # 2 leaves out none in SDXL
    assert record.model == "juggernautXL_v8"
    assert lost == (
        "sampler dpmpp_2m_sde_gpu is none of ours: the model's own is used; "
        "LoRA offset (0.1) is not loaded: load it yourself; "
        "not read: adm_guidance, sharpness, styles"
    )


def test_fooocus_in_the_other_scheme() -> None:
    record, lost = told(
        parameters="a red star\nNegative prompt: blur\nSteps: 30, Sampler: Euler a, Seed: 9, "
        "Size: 1152x896, CFG scale: 4, Sharpness: 2, Styles: \"['Fooocus V2']\", "
        "Base model: juggernautXL_v8, Base model hash: aeb7, Version: Fooocus v2.5.5",
        fooocus_scheme="a1111",
    )
    assert record.model == "juggernautXL_v8" and record.settings.seed == 9
    assert lost == "not read: Sharpness, Styles"


def test_swarmui() -> None:
    said = {
        "prompt": "a red star <segment:face> a smile",
        "negativeprompt": "blur",
        "model": "SDXL/some/dream",
        "seed": 570186683,
        "steps": 28,
        "cfgscale": 6.0,
        "aspectratio": "8:5",
        "width": 1216,
        "height": 768,
        "sampler": "euler_ancestral",
        "scheduler": "normal",
        "refinercontrolpercentage": 0.4,
        "refinermethod": "PostApply",
        "refinerupscale": 1.5,
        "loras": ["sub/glow"],
        "loraweights": ["0.7"],
        "zeronegative": True,
        "swarm_version": "0.9.5.0",
    }
    record, lost = told(parameters={"sui_image_params": said, "sui_extra_data": {}})
    assert (record.plan.prompt, record.plan.negative) == ("a red star", "blur")
    assert used(record) == {
        "num_inference_steps": 28,
        "guidance_scale": 6.0,
        "seed": 570186683,
        "width": 1216,
        "height": 768,
        "scheduler": "euler-a",
        "upscale": 1.5,
        "upscale_strength": 0.4,
    }
    assert record.model == "dream"
    assert "<segment:face> on is not read" in lost and "LoRA glow (0.7)" in lost
    assert lost.endswith("not read: zeronegative")


@pytest.mark.parametrize(
    "model", [{"name": "Dream XL", "base": "sdxl"}, {"model_name": "Dream XL"}]
)
def test_invokeai(model: dict[str, str]) -> None:
    said = {
        "generation_mode": "txt2img",
        "positive_prompt": "a red++ star",
        "negative_prompt": "blur",
        "width": 512,
        "height": 640,
        "seed": 2718281828,
        "rand_device": "cpu",
        "cfg_scale": 6.0,
        "cfg_rescale_multiplier": 0.5,
        "steps": 28,
        "scheduler": "dpmpp_2m_k",
        "clip_skip": 1,
        "model": model,
        "loras": [{"model": {"name": "glow"}, "weight": 0.85}],
        "controlnets": [],
        "ipAdapters": [{"weight": 1}],
        "app_version": "5.6.0",
    }
    record, lost = told(invokeai_metadata=said)
    assert (record.plan.prompt, record.plan.negative) == ("a red++ star", "blur")
    assert used(record) == {
        "num_inference_steps": 28,
        "guidance_scale": 6.0,
        "guidance_rescale": 0.5,
        "seed": 2718281828,
        "width": 512,
        "height": 640,
        "scheduler": "dpm++2m-karras",
        "clip_skip": 1,
    }
    assert record.model == "Dream XL"
    assert lost == "LoRA glow (0.85) is not loaded: load it yourself; not read: ipAdapters"


def test_novelai() -> None:
    said = {
        "prompt": "a {{red}} star, [faint], 1.5::big::, (plain)",
        "uc": "blur",
        "steps": 28,
        "scale": 5.0,
        "uncond_scale": 1.0,
        "cfg_rescale": 0.5,
        "seed": 987654321,
        "width": 832,
        "height": 1216,
        "sampler": "k_euler_ancestral",
        "noise_schedule": "native",
        "sm": True,
        "sm_dyn": False,
        "request_type": "PromptGenerateRequest",
    }
    record, lost = told(Software="NovelAI", Description="a red star", Comment=said)
    assert runs(record.plan.prompt) == [
        ("a ", 1.0), ("red", 1.1025), (" star, ", 1.0), ("faint", 0.9524),
        (", ", 1.0), ("big", 1.5), (", (plain)", 1.0),
    ]  # fmt: skip
    assert record.plan.negative == "blur"
    assert used(record) == {
        "num_inference_steps": 28,
        "guidance_scale": 5.0,
        "guidance_rescale": 0.5,
        "seed": 987654321,
        "width": 832,
        "height": 1216,
        "scheduler": "euler-a",
    }
    assert lost == "not read: sm"


def test_characters_of_novelai_stand_in_the_prompt() -> None:
    caption = {"base_caption": "stars", "char_captions": [{"char_caption": "a red one"}]}
    said = {"prompt": "stars", "seed": 1, "v4_prompt": {"caption": caption}}
    record, lost = told(Software="NovelAI", Comment=said)
    assert record.plan.prompt == "stars, a red one" and "places of 1 characters" in lost


# ComfyUI


def test_a_graph_that_was_run() -> None:
    record, lost = told(prompt=graph(), workflow={"nodes": "not read where there is the other"})
    assert runs(record.plan.prompt) == [
        ("a ", 1.0), ("red", 1.2), (" star [sharp]", 1.0),
    ]  # fmt: skip
    assert (record.plan.negative, record.model, lost) == ("blur", "dream", "")
    assert used(record) == OF_GRAPH


def test_values_come_from_other_nodes_too() -> None:
    nodes = graph()
    nodes["3"]["inputs"]["seed"] = ["20", 0]
    nodes["6"]["inputs"]["text"] = ["21", 0]
    nodes["20"] = {"class_type": "Seed (rgthree)", "inputs": {"seed": 99}}
    nodes["21"] = {"class_type": "Reroute", "inputs": {"": ["22", 0]}}
    nodes["22"] = {"class_type": "PrimitiveString", "inputs": {"value": "a moon"}}
    record, lost = told(prompt=nodes)
    assert (record.settings.seed, record.plan.prompt, lost) == (99, "a moon", "")


def test_a_graph_of_parts_for_a_model_with_distilled_guidance() -> None:
    nodes = graph()
    nodes["3"] = {
        "class_type": "SamplerCustomAdvanced",
        "inputs": {
            "noise": ["11", 0], "guider": ["12", 0], "sampler": ["13", 0], "sigmas": ["14", 0],
            "latent_image": ["5", 0],
        },
    }  # fmt: skip
    nodes["11"] = {"class_type": "RandomNoise", "inputs": {"noise_seed": 2**64 - 1}}
    nodes["12"] = {
        "class_type": "BasicGuider",
        "inputs": {"model": ["16", 0], "conditioning": ["15", 0]},
    }
    nodes["13"] = {"class_type": "KSamplerSelect", "inputs": {"sampler_name": "euler"}}
    nodes["14"] = {
        "class_type": "BasicScheduler",
        "inputs": {"scheduler": "simple", "steps": 4, "denoise": 1, "model": ["16", 0]},
    }
    nodes["15"] = {
        "class_type": "FluxGuidance",
        "inputs": {"guidance": 3.5, "conditioning": ["6", 0]},
    }
    nodes["16"] = {
        "class_type": "LoraLoaderModelOnly",
        "inputs": {"lora_name": "sub/glow.safetensors", "strength_model": 0.6, "model": ["4", 0]},
    }
    record, lost = told(prompt=nodes)
    assert used(record) == {
        "num_inference_steps": 4,
        "guidance_scale": 3.5,
        "seed": 2**63 - 1,
        "width": 512,
        "height": 768,
        "scheduler": "euler",
    }
    assert (record.plan.negative, record.model) == ("", "dream")
    assert "LoRA glow (0.6)" in lost and "schedule simple is not taken" in lost


@pytest.mark.parametrize(
    "upscaler",
    [
        {"upscale_method": "bislerp", "scale_by": 1.5, "samples": ["3", 0]},
        {"upscale_method": "bislerp", "width": 768, "height": 1152, "samples": ["3", 0]},
    ],
)
def test_a_second_pass_over_the_enlarged_latent(upscaler: dict[str, Any]) -> None:
    nodes = graph()
    nodes["30"] = {"class_type": "LatentUpscale", "inputs": upscaler}
    again = {**nodes["3"]["inputs"], "latent_image": ["30", 0], "denoise": 0.5, "seed": 8}
    nodes["31"] = {"class_type": "KSampler", "inputs": again}
    nodes["8"]["inputs"]["samples"] = ["31", 0]
    record, lost = told(prompt=nodes)
    assert used(record) == {**OF_GRAPH, "upscale": 1.5, "upscale_strength": 0.5}
    assert lost == ""


def test_conditions_that_are_put_together() -> None:
    nodes = graph()
    nodes["3"]["inputs"]["positive"] = ["40", 0]
    nodes["40"] = {
        "class_type": "ConditioningCombine",
        "inputs": {"conditioning_1": ["41", 0], "conditioning_2": ["42", 0]},
    }
    nodes["41"] = {
        "class_type": "ControlNetApplyAdvanced",
        "inputs": {"positive": ["6", 0], "negative": ["7", 0], "strength": 1.0},
    }
    nodes["42"] = {"class_type": "CLIPTextEncode", "inputs": {"text": "a moon"}}
    nodes["43"] = {"class_type": "CLIPSetLastLayer", "inputs": {"stop_at_clip_layer": -2}}
    nodes["42"]["inputs"]["clip"] = ["43", 0]
    record, lost = told(prompt=nodes)
    assert record.plan.prompt == "a moon, a (red:1.2) star \\[sharp\\]"
    assert record.plan.negative == "blur" and record.settings.clip_skip == 1
    assert "2 positive texts" in lost and "not read: ControlNetApplyAdvanced" in lost


def test_a_graph_that_begins_with_a_picture() -> None:
    nodes = graph()
    nodes["5"] = {"class_type": "VAEEncode", "inputs": {"pixels": ["50", 0]}}
    nodes["50"] = {"class_type": "LoadImage", "inputs": {"image": "a.png"}}
    nodes["3"]["inputs"]["denoise"] = 0.6
    record, lost = told(prompt=nodes)
    assert (record.settings.strength, record.settings.width) == (None, None)
    assert "drawn from another picture (strength 0.6)" in lost


@pytest.mark.parametrize("control", [["randomize"], []])
def test_a_graph_as_it_is_edited(control: list[str]) -> None:
    def node(number: int, kind: str, values: list[Any], **links: int) -> dict[str, Any]:
        ends = [{"name": name, "link": link} for name, link in links.items()]
        return {"id": number, "type": kind, "widgets_values": values, "inputs": ends, "mode": 0}

    sampler = [7, *control, 20, 8, "dpmpp_2m", "karras", 1]
    ends = {"model": 1, "positive": 2, "negative": 3, "latent_image": 4}
    nodes = [
        node(3, "KSampler", sampler, **ends),
        node(4, "CheckpointLoaderSimple", ["dream.safetensors"]),
        node(5, "EmptyLatentImage", [512, 768, 1]),
        node(6, "CLIPTextEncode", ["a red star"]),
        node(7, "CLIPTextEncode", ["blur"]),
        node(8, "VAEDecode", [], samples=5),
        node(9, "SaveImage", ["ComfyUI"], images=6),
    ]
    origins = [(1, 4, 3), (2, 6, 3), (3, 7, 3), (4, 5, 3), (5, 3, 8), (6, 8, 9)]
    links = [[number, source, 0, target, 0, "X"] for number, source, target in origins]
    record, lost = told(workflow={"nodes": nodes, "links": links})
    assert (record.plan.prompt, record.plan.negative) == ("a red star", "blur")
    assert (used(record), record.model, lost) == (OF_GRAPH, "dream", "")


# Files of other kinds


def saved(kind: str, exif: Image.Exif) -> io.BytesIO:
    stream = io.BytesIO()
    Image.new("RGB", (8, 8)).save(stream, kind, exif=exif)
    stream.seek(0)
    return stream


def commented(comment: bytes | str, *, own_table: bool = True) -> Image.Exif:
    exif = Image.Exif()
    (exif.get_ifd(EXIF_TABLE) if own_table else exif)[USER_COMMENT] = comment
    return exif


@pytest.mark.parametrize("kind", ["JPEG", "WEBP"])
@pytest.mark.parametrize(
    "coded",
    [
        lambda text: b"UNICODE\0" + text.encode("utf-16-be"),
        lambda text: b"UNICODE\0" + text.encode("utf-16-le"),
        lambda text: b"ASCII\0\0\0" + text.encode(),
        lambda text: bytes(8) + text.encode(),
    ],
)
def test_jpeg_and_webp_carry_it_in_a_comment(kind: str, coded: Any) -> None:
    text = "a réd star\nNegative prompt: blur\nSteps: 12, Sampler: Euler a, Seed: 5"
    record, lost = metadata.read_with_losses(saved(kind, commented(coded(text))))
    assert (record.plan.prompt, record.plan.negative) == ("a réd star", "blur")
    assert used(record) == {"num_inference_steps": 12, "scheduler": "euler-a", "seed": 5}
    assert lost == ()


@pytest.mark.parametrize("kind", ["JPEG", "WEBP"])
def test_fooocus_writes_its_comment_beside_the_table(kind: str) -> None:
    exif = commented(json.dumps(FOOOCUS), own_table=False)
    assert used(metadata.read(saved(kind, exif))) == OF_FOOOCUS


def test_graphs_in_a_webp() -> None:
    exif = Image.Exif()
    exif[MODEL], exif[MAKE] = f"prompt:{json.dumps(graph())}", 'workflow:{"nodes": []}'
    assert used(metadata.read(saved("WEBP", exif))) == OF_GRAPH


def exif_of(*entries: tuple[int, int, int, int]) -> bytes:
    """EXIF data with these entries: tag, type, count, place."""
    packed = b"".join(struct.pack("<HHII", *entry) for entry in entries)
    return b"II*\0" + struct.pack("<IH", 8, len(entries)) + packed


def in_jpeg(data: bytes) -> bytes:
    segment = b"Exif\0\0" + data
    return b"\xff\xd8\xff\xe1" + struct.pack(">H", len(segment) + 2) + segment + b"\xff\xd9"


def in_webp(data: bytes, length: int | None = None) -> bytes:
    return (
        b"RIFF\0\0\0\0WEBPEXIF" + struct.pack("<I", len(data) if length is None else length) + data
    )


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (b"\xff\xd8\xff\xe1", "cut short"),
        (b"\xff\xd8\xff\xe1\0\0", "no length"),
        (b"\xff\xd8\xff\xe1\xff\xffExif", "cut short"),
        (b"\xff\xd8\xff\xe0\0\2\0\0\0\0", "does not begin"),
        (b"\xff\xd8" + b"\xff\xe0\0\2" * 20_000, "over 10,000 segments"),
        (b"\xff\xd8\xff\xd9" + bytes(9), "carries no plan"),
        (in_jpeg(b""), "carries no plan"),
        (in_jpeg(b"II*\0\xff\xff\xff\xff"), "carries no plan"),
        (in_jpeg(exif_of((USER_COMMENT, 7, 2**32 - 1, 8))), "carries no plan"),
        (in_jpeg(exif_of((USER_COMMENT, 99, 9, 8))), "carries no plan"),
        (in_jpeg(exif_of((EXIF_TABLE, 4, 1, 8))), "carries no plan"),
        (in_webp(b"", 2**32 - 1), "EXIF data of 4,294,967,295 bytes"),
        (in_webp(b"II", 100), "cut short"),
        (b"RIFF\0\0\0\0WEBP" + b"VP8 \0\0\0\0" * 20_000, "over 10,000 chunks"),
        (b"GIF89a" + bytes(20), "not a PNG file, nor JPEG or WebP"),
    ],
)
def test_hostile_files_are_refused(data: bytes, reason: str) -> None:
    with pytest.raises(MetadataError, match=reason):
        metadata.read(io.BytesIO(data))


@given(st.binary(max_size=200))
@settings(max_examples=100)
def test_no_exif_causes_anything_but_a_refusal(noise: bytes) -> None:
    for data in (
        in_jpeg(noise),
        in_webp(noise),
        in_jpeg(exif_of((USER_COMMENT, 7, 200, 8)) + noise),
    ):
        try:
            metadata.read(io.BytesIO(data))
        except MetadataError as error:
            assert "\n" not in str(error)


VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8)
    | st.sampled_from(["3", "5", "6", "CLIPTextEncode", 10**400]),
    lambda inner: st.lists(inner, max_size=3)
    | st.dictionaries(st.text(max_size=4), inner, max_size=3),
    max_leaves=6,
)  # fmt: skip


@given(st.data())
@settings(max_examples=150)
def test_any_value_anywhere_is_read_or_named(data: st.DataObject) -> None:
    nodes = graph()
    for node in data.draw(st.lists(st.sampled_from(sorted(nodes)), max_size=4)):
        name = data.draw(st.sampled_from([*sorted(nodes[node]["inputs"]), "scale_by"]))
        nodes[node]["inputs"][name] = data.draw(VALUES)
    swarm = {**dict.fromkeys(("prompt", "model", "", " "), "a"), "seed": data.draw(VALUES)}
    swarm |= {name: data.draw(VALUES) for name in ("loras", "clipstopatlayer", "refinerupscale")}
    fooocus = {**FOOOCUS, data.draw(st.sampled_from(sorted(FOOOCUS))): data.draw(VALUES)}
    for texts in (
        {"prompt": nodes},
        {"parameters": {"sui_image_params": swarm}},
        {"parameters": fooocus},
        {"invokeai_metadata": {"positive_prompt": "a", "seed": data.draw(VALUES), "loras": [{}]}},
        {"Software": "NovelAI", "Comment": {"prompt": "a", "v4_prompt": data.draw(VALUES)}},
    ):
        try:
            record, _ = told(**texts)
        except MetadataError:
            continue
        assert record.plan.prompt.strip()


@pytest.mark.parametrize("text", ["[" * 200_000, '{"a":' * 100_000, "9" * 100_000])
@pytest.mark.parametrize("name", ["prompt", "workflow", "Comment", "invokeai_metadata"])
def test_deep_and_long_json_is_refused(name: str, text: str) -> None:
    with pytest.raises(MetadataError):
        told(**{name: text})


def test_a_graph_of_rings_costs_little() -> None:
    """Every node is the next one's source, and every other one samples."""
    count = 1500
    nodes = {
        str(at): {
            "class_type": "SaveImage" if at % 2 else "KSampler",
            "inputs": {
                "seed": 1,
                "latent_image": [str((at + 1) % count), 0],
                "positive": [str((at + 7) % count), 0],
            },
        }
        for at in range(count)
    }
    begun = time.process_time()
    with pytest.raises(MetadataError, match="no prompt"):
        told(prompt=nodes)
    assert time.process_time() - begun < 5  # over a minute where every chain is followed to its end


@pytest.mark.parametrize(
    "unit", ["[a:", " ", "a\n", "Steps: 1\n", "<lora:", "++", "(", 'A: "', "{"]
)
def test_long_texts_cost_no_more_than_their_length(unit: str) -> None:
    text = "x" + unit * (2**20 // len(unit)) + "x"
    begun = time.process_time()
    for texts in ({"parameters": text}, {"Software": "NovelAI", "Comment": {"prompt": text}}):
        with contextlib.suppress(MetadataError):
            told(**texts)
    assert time.process_time() - begun < 10  # minutes where spaces are read again from every one


def test_halves_of_letters_cost_no_prompt() -> None:
    said = '{"prompt": "a \\ud800 star", "base_model": "m\\udfff", "sampler": "\\ud800"}'
    record, lost = told(parameters=said)
    assert (record.plan.prompt, record.model) == ("a ? star", "m?")
    assert "sampler ? is none of ours" in lost


def test_words_out_of_range_cost_nothing_else() -> None:
    good, lost = usable({"seed": True, "num_inference_steps": [1], "width": 64, "height": 64})
    assert (good.seed, good.num_inference_steps, good.width, good.height) == (None, None, 64, 64)
    assert len(lost) == 2


def test_a_text_of_comfyui_keeps_its_square_brackets() -> None:
    assert runs(comfyui.spoken("[a] (b:1.5)")) == [("[a] ", 1.0), ("b", 1.5)]
