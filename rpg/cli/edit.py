"""`rpg edit`: a picture changed by an instruction; all that the change leaves keeps its bytes."""

from __future__ import annotations

import json
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from rpg import metadata
from rpg.cli import console, files, options
from rpg.cli.loading import ModelFlags, read_adapters
from rpg.cli.planning import PlannerFlags
from rpg.drawing import put_into, shrink
from rpg.edits import to_json
from rpg.errors import MetadataError, SettingsError
from rpg.events import Edited, Failed, Notice, Rendered, Step
from rpg.planners import LLMPlanner, Planner
from rpg.settings import GenerationSettings

if TYPE_CHECKING:
    from PIL.Image import Image

    from rpg.metadata import Record
    from rpg.pipeline import RPGPipeline
    from rpg.plan import Plan


def edit(
    picture: Annotated[Path, typer.Argument(help="The picture to change.")],
    instruction: Annotated[
        str, typer.Argument(help='The change in words, such as "make the star green".')
    ],
    mask: Annotated[
        Path | None,
        typer.Option("--mask", help="Picture that is white where to draw. Default: found out."),
    ] = None,
    strength: Annotated[
        float | None,
        typer.Option("--strength", help="How far from the old picture, to 1. Default: 0.9 or 1."),
    ] = None,
    sam: Annotated[
        str | None,
        typer.Option(
            "--sam", metavar="CHECKPOINT", help="Find outlines with SAM 2, by folder or hub id."
        ),
    ] = None,
    planner: options.PlannerName = "rules",
    planner_model: options.PlannerModel = None,
    base_url: options.BaseUrl = None,
    model: options.Model = None,
    dtype: options.DtypeName = "auto",
    device: options.Device = None,
    variant: options.Variant = None,
    revision: options.Revision = None,
    lora: options.Lora = None,
    cpu_offload: options.Offload = None,
    seed: options.Seed = None,
    steps: options.Steps = None,
    guidance_scale: options.Guidance = None,
    output: options.Output = None,
    as_json: options.Json = False,
) -> None:
    """Change a picture by an instruction. Outside the mask every byte stays as it was."""
    with console.explained(as_json):
        wishes = {
            "seed": seed,
            "num_inference_steps": steps,
            "guidance_scale": guidance_scale,
            "strength": strength,
        }
        planning = PlannerFlags(planner, planner_model, base_url).build()
        shown = _flat(files.read_picture(picture))
        known = _known(picture, shown, planning)
        painted = files.read_picture(mask) if mask is not None else None
        (path,) = files.targets(output, 1)
        flags = ModelFlags(
            model, dtype, device, variant, revision, read_adapters(lora or ()), cpu_offload
        )
        rpg = flags.load()
        rpg.planner = planning
        _use_sam(rpg, sam)
        made = _drawn(rpg, known, instruction, painted, wishes)
        metadata.save(made.shown, path, made.record, enlarged=True)
        _report(path, made, as_json)


@dataclass(frozen=True)
class _Known:
    """A picture and what is known of it.

    Attributes:
        shown: As it was saved.
        scale: Times that it was enlarged.
        plan: What it shows.
        settings: How it was drawn, as far as is known.
    """

    shown: Image
    scale: int
    plan: Plan
    settings: GenerationSettings


@dataclass(frozen=True)
class _Made:
    """The changed picture, as it is to be saved."""

    shown: Image
    record: Record
    edits: str


def _known(path: Path, shown: Image, planner: Planner) -> _Known:
    """What the picture carries, else what a model that sees makes of it.

    Raises:
        SettingsError: It carries no plan and nobody can look at it.
    """
    try:
        record = metadata.read(path)
    except MetadataError as error:
        if not isinstance(planner, LLMPlanner):
            raise SettingsError(
                f"{path}: {error}; to have its plan made by looking at it, add --planner openai "
                "and a model that sees"
            ) from error
        from rpg.planners.llm.captioning import described

        console.say(f"{path} carries no plan: {planner.chat.name} describes it")
        return _Known(shown, 1, described(shown, planner.chat), GenerationSettings())
    kept = {"composer", "base_ratio", "share", "feather", "guidance_scale", "scheduler"}
    kept |= {"num_inference_steps", "guidance_rescale", "clip_skip"}
    settings = GenerationSettings(**record.settings.model_dump(include=kept))
    return _Known(shown, _scale(shown, record), record.plan, settings)


def _flat(image: Image) -> Image:
    """Upright and in RGB, as it will be saved."""
    from rpg.diffusion.inpaint import flattened

    return flattened(image)


def _scale(shown: Image, record: Record) -> int:
    """Times that the file's picture is larger than it was drawn; 1 if it was resized since."""
    used, scale = record.settings, record.scale
    sizes = ((used.width, shown.width), (used.height, shown.height))
    return scale if all(own is not None and own * scale == now for own, now in sizes) else 1


def _use_sam(rpg: RPGPipeline, checkpoint: str | None) -> None:
    if checkpoint is not None:
        from rpg.diffusion.sam import Sam2

        rpg.contours = Sam2(checkpoint, device=rpg.pipe.device)


def _drawn(
    rpg: RPGPipeline,
    known: _Known,
    instruction: str,
    painted: Image | None,
    wishes: dict[str, float | int | None],
) -> _Made:
    """Draws the change with a progress bar.

    Raises:
        RPGError: What planning or drawing failed with.
    """
    events = rpg.edit_stream(
        shrink(known.shown, known.scale),
        known.plan,
        instruction,
        settings=known.settings.updated(wishes),
        mask_image=painted,
        preview_every=-1.0,
    )
    edited: Edited | None = None
    with console.progress() as bar, closing(events):
        for event in events:
            match event:
                case Step(i=i, n=n):
                    bar(i, n)
                case Edited():
                    edited = event
                case Notice(text=text):
                    console.say(f"note: {text}", style="yellow")
                case Rendered(images=images, records=records) if edited is not None:
                    record = metadata.rescaled(records[0], known.scale)
                    shown = _into(known, images[0], painted or edited.mask)
                    return _Made(shown, record, to_json(edited.edits))
                case Failed(error=error):
                    raise error
    raise AssertionError("an edit ends with a picture or a failure")


def _into(known: _Known, own: Image, mask: Image | None) -> Image:
    """The picture as it is saved, changed where the mask is white: that of the user, if painted."""
    if known.scale == 1 or mask is None:
        return own
    grey = mask.convert("L")
    fits = grey.size in (own.size, known.shown.size)
    return put_into(known.shown, own, grey if fits else grey.resize(known.shown.size))


def _report(path: Path, made: _Made, as_json: bool) -> None:
    if as_json:
        summary = {
            "path": str(path),
            "seed": made.record.settings.seed,
            "edits": json.loads(made.edits),
            "plan": made.record.plan.model_dump(mode="json"),
        }
        console.put(json.dumps(summary))
        return
    console.put(f"wrote {path} (seed {made.record.settings.seed})")
