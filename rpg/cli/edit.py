"""`rpg edit`: a picture changed by an instruction; all that the change leaves keeps its bytes."""

from __future__ import annotations

import json
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from PIL import ImageOps

from rpg import metadata
from rpg.cli import console, files, options
from rpg.cli.loading import ModelFlags, read_adapters
from rpg.cli.planning import PlannerFlags
from rpg.cli.recording import Recording
from rpg.cli.setting_flags import SettingFlags, with_setting_flags
from rpg.errors import MetadataError, SettingsError
from rpg.events import Edited, Failed, Notice, Rendered, Step
from rpg.planners import LLMPlanner, Planner
from rpg.planners.base import checked_prompt
from rpg.plans.edits import to_json
from rpg.plans.overlay import put_into, shrink
from rpg.session import SHRUNK, own_scale
from rpg.settings import GenerationSettings

if TYPE_CHECKING:
    from PIL.Image import Image

    from rpg.metadata import Record
    from rpg.pipeline import RPGPipeline
    from rpg.plans.plan import Plan


@with_setting_flags("canvas", "count", "variation", "upscaling")
def edit(
    picture: Annotated[Path, typer.Argument(help="The picture to change.")],
    instruction: Annotated[
        str, typer.Argument(help='The change in words, such as "make the star green".')
    ],
    mask: Annotated[
        Path | None,
        typer.Option("--mask", help="Picture that is white where to draw. Default: found out."),
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
    prediction_type: options.PredictionKind = None,
    vae: options.Vae = None,
    config: options.Config = None,
    lora: options.Lora = None,
    embedding: options.Embedding = None,
    cpu_offload: options.Offload = None,
    low_vram: options.LowVram = "auto",
    *,
    given: SettingFlags,
    output: options.Output = None,
    session: options.SessionName = None,
    no_session: options.NoSession = False,
    as_json: options.Json = False,
) -> None:
    """Change a picture by an instruction. Outside the mask every byte stays as it was."""
    with console.explained(as_json):
        wishes, wish = given.words(), checked_prompt(instruction, "instruction")
        planning = PlannerFlags(planner, planner_model, base_url).build()
        shown = _flat(files.read_picture(picture))
        known = _known(picture, shown, planning)
        painted = ImageOps.exif_transpose(files.read_picture(mask)) if mask is not None else None
        targets = files.Targets(output)
        recording = Recording.of(session, no_session)
        adapters = read_adapters(lora or ())
        flags = ModelFlags(
            model=model,
            dtype=dtype,
            device=device,
            variant=variant,
            revision=revision,
            lora=adapters,
            cpu_offload=cpu_offload,
            low_vram=low_vram,
            prediction_type=prediction_type,
            vae=vae,
            config=config,
            embeddings=tuple(embedding or ()),
        )
        rpg = flags.load()
        rpg.planner = planning
        _tell_lost(known.record, rpg)
        _use_sam(rpg, sam)
        made = _drawn(rpg, known, wish, painted, wishes, recording)
        recording.say()  # first, so that a file that cannot be written costs no picture
        path = targets.save(made.shown, made.record, enlarged=True)
        _report(path, made, as_json, recording)


@dataclass(frozen=True)
class _Known:
    """A picture and what is known of it.

    Attributes:
        shown: As it was saved.
        scale: Times that it was enlarged.
        record: What it shows, and how it was drawn, as far as is known.
    """

    shown: Image
    scale: int
    record: Record


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
        record = files.read_record(path)
    except MetadataError as error:
        if not isinstance(planner, LLMPlanner):
            raise SettingsError(
                f"{path}: {error}; to have its plan made by looking at it, add --planner openai "
                "and a model that sees"
            ) from error
        from rpg.planners.llm.captioning import described

        console.say(f"{path} carries no plan: {planner.chat.name} describes it")
        return _Known(shown, 1, _from_outside(described(shown, planner.chat)))
    return _Known(shown, own_scale(shown, record), record)


def _from_outside(plan: Plan) -> Record:
    """The record of a picture that was not drawn from its plan."""
    return metadata.Record(
        plan=plan, settings=GenerationSettings(), task="img2img", needs=("image",)
    )


def _flat(image: Image) -> Image:
    """Upright and in RGB, as it will be saved."""
    from rpg.editing.inpaint import flattened

    return flattened(image)


def _tell_lost(record: Record, rpg: RPGPipeline) -> None:
    from rpg.generation.reproducibility import acting, without

    if said := without(record, acting(rpg.pipe, rpg.brought)):
        console.note(said)


def _use_sam(rpg: RPGPipeline, checkpoint: str | None) -> None:
    if checkpoint is not None:
        from rpg.editing.sam import Sam2

        rpg.segmenter = Sam2(checkpoint, device=rpg.pipe.device)


def _drawn(
    rpg: RPGPipeline,
    known: _Known,
    instruction: str,
    painted: Image | None,
    wishes: dict[str, Any],
    recording: Recording,
) -> _Made:
    """Draws the change with a progress bar.

    Raises:
        RPGError: What planning or drawing failed with.
    """
    own = recording.starting_from(
        shrink(known.shown, known.scale), known.record, 0.0 if known.scale == 1 else SHRUNK
    )
    events = rpg.edit_stream(
        own,
        known.record.plan,
        instruction,
        settings=known.record.settings.lasting().updated(wishes),
        mask_image=painted,
        preview_every=-1.0,
    )
    edited: Edited | None = None
    with console.progress() as bar, closing(recording.stream(events, instruction)) as told:
        for event in told:
            match event:
                case Step(i=i, n=n):
                    bar(i, n)
                case Edited():
                    edited = event
                case Notice(text=text):
                    console.note(text)
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


def _report(path: Path, made: _Made, as_json: bool, recording: Recording) -> None:
    if as_json:
        summary = {
            "path": str(path),
            "seed": made.record.settings.seed,
            "edits": json.loads(made.edits),
            "plan": made.record.plan.model_dump(mode="json"),
        }
        console.put(json.dumps(summary | recording.summary()))
    else:
        console.put(f"wrote {path} (seed {made.record.settings.seed})")
