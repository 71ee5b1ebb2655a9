"""The flags that are no settings; named as in `diffusers-cli run` where they mean the same."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal

import typer

from rpg.defaults import Preset
from rpg.plans.overlay import MAX_SCALE

_SOURCE, _MODEL, _HOW, _OUT = "What to draw", "Model", "How to draw", "Output"
_PLANNER, _FOLLOWED = "Planner", "What to follow"

Dtype = Literal["auto", "float16", "fp16", "bfloat16", "bf16", "float32", "fp32"]
CpuOffload = Literal["model", "group"]
Prediction = Literal["epsilon", "v_prediction"]
PlannerKind = Literal["rules", "openai", "local"]
Recaption = Literal["joint", "separate"]
Fallback = Literal["rules"]
DTYPES = {"auto": None, "fp16": "float16", "bf16": "bfloat16", "fp32": "float32"}

Prompt = Annotated[
    str | None, typer.Argument(help="What should be in the picture.", show_default=False)
]
PlanFile = Annotated[
    Path | None,
    typer.Option(
        "--plan",
        help="Draw this plan: JSON, as `rpg plan --json` prints, or what `--form` of that writes "
        "for ComfyUI, Regional Prompter or Forge Couple.",
        rich_help_panel=_SOURCE,
    ),
]
From = Annotated[
    Path | None,
    typer.Option(
        "--from",
        help="Restore prompt, plan and settings of a picture; other flags change them.",
        rich_help_panel=_SOURCE,
    ),
]
PlannerName = Annotated[
    PlannerKind,
    typer.Option(
        "--planner",
        help="rules: grammar, offline. openai: a language model behind OpenAI's API, hosted or "
        "local; its key comes from OPENAI_API_KEY. local: one loaded here.",
        rich_help_panel=_PLANNER,
    ),
]
PlannerModel = Annotated[
    str | None,
    typer.Option(
        "--planner-model",
        help="Language model at the base URL (default: the only one that it has), or for local its "
        "folder or hub id.",
        rich_help_panel=_PLANNER,
    ),
]
BaseUrl = Annotated[
    str | None,
    typer.Option(
        "--base-url",
        metavar="URL",
        help="Where the language model is, e.g. http://localhost:11434/v1. Default: "
        "OPENAI_BASE_URL, else OpenAI.",
        rich_help_panel=_PLANNER,
    ),
]
RecaptionKind = Annotated[
    Recaption | None,
    typer.Option(
        "--recaption",
        help="Recaption and plan in one question or in two. Default: joint.",
        rich_help_panel=_PLANNER,
    ),
]
FallbackKind = Annotated[
    Fallback | None,
    typer.Option(
        "--fallback",
        help="What plans if the language model fails. Default: nothing, it is an error.",
        rich_help_panel=_PLANNER,
    ),
]
PlanForm = Annotated[
    Literal["json", "text", "flux", "ideogram", "comfyui", "regional-prompter", "forge-couple"]
    | None,
    typer.Option(
        "--form",
        help="Print the plan alone: as JSON, in the official text form, as FLUX.2 or Ideogram 4 "
        "read layouts in their prompts, or for ComfyUI, Regional Prompter or Forge Couple.",
    ),
]
PlannerExamples = Annotated[
    str | None,
    typer.Option(
        "--planner-examples",
        help="Worked examples that the language model is shown: a number, or auto for as many as "
        "fit its context (default).",
        metavar="N|auto",
        rich_help_panel=_PLANNER,
    ),
]
NoPlanCache = Annotated[
    bool,
    typer.Option(
        "--no-plan-cache",
        help="Ask again even if the language model made this plan before, and do not keep it.",
        rich_help_panel=_PLANNER,
    ),
]

Model = Annotated[
    str | None,
    typer.Option(
        "--model",
        "-m",
        help="Folder, .safetensors file or hub id. Default: RPG_MODEL, else the bundled Toybox.",
        rich_help_panel=_MODEL,
    ),
]
DtypeName = Annotated[
    Dtype, typer.Option("--dtype", help="Number format of the weights.", rich_help_panel=_MODEL)
]
Device = Annotated[
    str | None,
    typer.Option(
        "--device-map", "--device", help="Such as cuda, cuda:1, mps or cpu.", rich_help_panel=_MODEL
    ),
]
Variant = Annotated[
    str | None,
    typer.Option(
        "--variant",
        help='Weight variant, e.g. "fp16". Default: the usual weights, else the only ones.',
        rich_help_panel=_MODEL,
    ),
]
Revision = Annotated[
    str | None, typer.Option("--revision", help="Branch, tag or commit.", rich_help_panel=_MODEL)
]
Vae = Annotated[
    str | None,
    typer.Option(
        "--vae",
        help="Autoencoder in place of the model's: .safetensors file, folder or hub id.",
        rich_help_panel=_MODEL,
    ),
]
Config = Annotated[
    Path | None,
    typer.Option(
        "--config",
        metavar="FOLDER",
        help="Configuration of a single file, in diffusers' layout; without, the hub's.",
        rich_help_panel=_MODEL,
    ),
]
PredictionKind = Annotated[
    Prediction | None,
    typer.Option(
        "--prediction-type",
        help="What the model predicts, where it does not say so itself: epsilon or v_prediction.",
        rich_help_panel=_MODEL,
    ),
]
Lora = Annotated[
    list[str] | None,
    typer.Option(
        "--lora",
        metavar="JSON",
        help='\'{"lora_id": "...", "lora_scale": 0.8, "weight_name": "..."}\'; repeat to stack.',
        rich_help_panel=_MODEL,
    ),
]
Embedding = Annotated[
    list[Path] | None,
    typer.Option(
        "--embedding",
        metavar="FILE",
        help="Textual inversion, .safetensors; its file's name is a word in prompts. Repeatable.",
        rich_help_panel=_MODEL,
    ),
]
RegionLora = Annotated[
    list[str] | None,
    typer.Option(
        "--region-lora",
        metavar="REGION=FILE[:WEIGHT]",
        help='A LoRA that acts in one region: its id, its number or words, as in "the '
        'knight=armour.safetensors:0.8"; repeat for more.',
        rich_help_panel=_MODEL,
    ),
]
RegionImage = Annotated[
    list[str] | None,
    typer.Option(
        "--region-image",
        metavar="REGION=PICTURE",
        help="A reference picture for one region, named likewise; needs --ip-adapter.",
        rich_help_panel=_MODEL,
    ),
]
RegionImageScale = Annotated[
    float | None,
    typer.Option(
        "--region-image-scale",
        min=0,
        help="How strongly reference pictures act. Default: 0.6.",
        rich_help_panel=_MODEL,
    ),
]
IpAdapter = Annotated[
    Path | None,
    typer.Option(
        "--ip-adapter",
        help="IP-Adapter for --region-image: a .safetensors file, or a folder with one.",
        rich_help_panel=_MODEL,
    ),
]
IpImageEncoder = Annotated[
    Path | None,
    typer.Option(
        "--ip-image-encoder",
        help="Its image encoder's folder. Default: image_encoder beside the file.",
        rich_help_panel=_MODEL,
    ),
]
Offload = Annotated[
    CpuOffload | None,
    typer.Option("--cpu-offload", help="Offload to the CPU between uses.", rich_help_panel=_MODEL),
]
LowVram = Annotated[
    Literal["auto", "on", "off"],
    typer.Option(
        "--low-vram",
        help="Save memory of the graphics card: where it has too little (auto), always or never. "
        "--cpu-offload goes before it.",
        rich_help_panel=_MODEL,
    ),
]
VaeTiling = Annotated[
    bool, typer.Option("--vae-tiling", help="Decode in tiles: less memory.", rich_help_panel=_MODEL)
]
VaeSlicing = Annotated[
    bool,
    typer.Option("--vae-slicing", help="Decode one by one: less memory.", rich_help_panel=_MODEL),
]

ControlImage = Annotated[
    Path | None,
    typer.Option(
        "--control-image",
        metavar="FILE",
        help="Picture that the drawing follows, as --controlnet wants it: edges, depths, a pose.",
        rich_help_panel=_FOLLOWED,
    ),
]
ControlNet = Annotated[
    str | None,
    typer.Option(
        "--controlnet",
        metavar="FOLDER",
        help="What follows it: folder, hub id or .safetensors file of a ControlNet; folder or hub "
        "id of a union ControlNet or T2I-Adapter.",
        rich_help_panel=_FOLLOWED,
    ),
]
ControlMode = Annotated[
    str | None,
    typer.Option(
        "--control-mode",
        metavar="NAME",
        help="What the control image shows, for a union ControlNet: canny, depth, openpose, ...",
        rich_help_panel=_FOLLOWED,
    ),
]
ControlScale = Annotated[
    float | None,
    typer.Option(
        "--control-scale",
        min=0.0,
        max=2.0,
        help="How strongly it is followed. Default: 1.",
        rich_help_panel=_FOLLOWED,
    ),
]

PresetName = Annotated[
    Preset | None,
    typer.Option(
        "--preset",
        help="fast: fewer steps, chosen for the model. --steps, --scheduler and --guidance-end go "
        "before it.",
        rich_help_panel=_HOW,
    ),
]

Output = Annotated[
    Path | None,
    typer.Option(
        "--output",
        "-o",
        help="PNG file or folder. A file that is there is replaced, and that is said. Without -o: "
        "out.png, or the first of out-2.png, ... that is free.",
        rich_help_panel=_OUT,
    ),
]
Scale = Annotated[
    int | None,
    typer.Option(
        "--scale",
        min=1,
        max=MAX_SCALE,
        help="Times the saved picture is enlarged; 1 keeps its own pixels. Default: the model's.",
        rich_help_panel=_OUT,
    ),
]
DrawPlan = Annotated[
    bool,
    typer.Option(
        "--draw-plan",
        help="Also write NAME-plan.png with the regions drawn on it.",
        rich_help_panel=_OUT,
    ),
]
SessionName = Annotated[
    str | None,
    typer.Option(
        "--session",
        metavar="SESSION",
        help='Record in this session: id, its beginning, or "last". Default: a new one, or for an '
        "edit that of the picture.",
        rich_help_panel=_OUT,
    ),
]
NoSession = Annotated[
    bool, typer.Option("--no-session", help="Record nothing.", rich_help_panel=_OUT)
]
Json = Annotated[
    bool, typer.Option("--json", help="Print JSON on stdout, for programs.", rich_help_panel=_OUT)
]
