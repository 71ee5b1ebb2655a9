"""`rpg batch`: a file of prompts to a folder of pictures; the same command goes on after a stop."""

from __future__ import annotations

import json
from collections.abc import Sequence
from contextlib import closing
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from rpg.batch import Maker, Shard, Work, listing, read
from rpg.batch.events import Counted, Faulty
from rpg.batch.processes import Process
from rpg.batch.report import Report
from rpg.checkpoints import recognised_by_name
from rpg.cli import console, options
from rpg.cli.batch_views import Told, bar, say_listing
from rpg.cli.loading import ModelFlags, quietly, read_adapters
from rpg.cli.options import DTYPES
from rpg.cli.planning import PlannerFlags
from rpg.cli.setting_flags import SettingFlags, with_setting_flags
from rpg.defaults import ModelDefaults, of_model
from rpg.environment import environment
from rpg.metadata import public_name
from rpg.planners import LLMPlanner
from rpg.settings import MAX_IMAGES, GenerationSettings
from rpg.toybox import weights_path

if TYPE_CHECKING:
    from rpg.batch.rows import Fault
    from rpg.planners import Planner

_BATCH = "Batch"
_INTERRUPTED = 130  # what shells expect after Ctrl-C

Rows = Annotated[
    Path,
    typer.Argument(
        help="JSONL, CSV or text with one prompt a line; see docs/batch.md.", show_default=False
    ),
]
Folder = Annotated[
    Path | None,
    typer.Option(
        "--output",
        "-o",
        help="Folder of pictures and manifest. Default: the file's name without its ending.",
        rich_help_panel="Output",
    ),
]
BatchSize = Annotated[
    int,
    typer.Option(
        "--batch-size",
        min=1,
        max=MAX_IMAGES,
        help="Most pictures that are drawn at once: of one prompt, or of prompts planned alike.",
        rich_help_panel=_BATCH,
    ),
]
ShardText = Annotated[
    str | None,
    typer.Option(
        "--shard",
        metavar="I/N",
        help="Draw share I of N; `accelerate launch` says it by itself.",
        rich_help_panel=_BATCH,
    ),
]
Limit = Annotated[
    int | None,
    typer.Option(
        "--limit",
        min=1,
        help="Draw at most so many now. With a batch size, plans up to a window ahead.",
        rich_help_panel=_BATCH,
    ),
]
Retry = Annotated[
    int,
    typer.Option(
        "--retry",
        min=0,
        max=100,
        help="Times to try again, at the end, what failed. The next run does so anyway.",
        rich_help_panel=_BATCH,
    ),
]
DryRun = Annotated[
    bool,
    typer.Option(
        "--dry-run", help="Check all rows and list what would be drawn.", rich_help_panel=_BATCH
    ),
]


@with_setting_flags("image")
def batch(
    rows: Rows,
    output: Folder = None,
    planner: options.PlannerName = "rules",
    planner_model: options.PlannerModel = None,
    base_url: options.BaseUrl = None,
    recaption: options.RecaptionKind = None,
    fallback: options.FallbackKind = None,
    no_plan_cache: options.NoPlanCache = False,
    planner_examples: options.PlannerExamples = None,
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
    vae_tiling: options.VaeTiling = False,
    vae_slicing: options.VaeSlicing = False,
    low_vram: options.LowVram = "auto",
    preset: options.PresetName = None,
    *,
    given: SettingFlags,
    scale: options.Scale = None,
    batch_size: BatchSize = 1,
    shard: ShardText = None,
    limit: Limit = None,
    retry: Retry = 0,
    dry_run: DryRun = False,
    as_json: options.Json = False,
) -> None:
    """Draw every row of a file; what is drawn already is skipped. Rows may say any flag's word."""
    with console.explained(as_json):
        wishes = GenerationSettings().updated(given.words())
        flags = ModelFlags(
            model=model,
            dtype=dtype,
            device=device,
            variant=variant,
            revision=revision,
            lora=read_adapters(lora or ()),
            cpu_offload=cpu_offload,
            vae_tiling=vae_tiling,
            vae_slicing=vae_slicing,
            low_vram=low_vram,
            prediction_type=prediction_type,
            vae=vae,
            config=config,
            embeddings=tuple(embedding or ()),
        )
        if preset is not None:
            wishes = wishes.filled(known_defaults(flags).preset(preset))
        plans = PlannerFlags(
            planner, planner_model, base_url, recaption, fallback, no_plan_cache, planner_examples
        )
        planning = plans.build()
        listed = listing(*read(rows, wishes), maker(flags, planning, recaption, scale))
        process = shared(shard, device, dry_run)
        work = Work(
            folder=output or Path(rows.stem),
            listing=listed,
            batch_size=batch_size,
            shard=process.shard,
            limit=limit,
            retry=retry,
            scale=scale,
        )
        if process.shard.index == 1:
            say_listing(listed)
        if dry_run:
            rehearse(work, flags, planning, as_json)
        else:
            draw(work, replace(flags, device=process.device), planning, process, as_json)


def maker(
    flags: ModelFlags, planner: Planner, recaption: options.Recaption | None, scale: int | None
) -> Maker:
    """What pictures depend on beside their rows; known before a model is loaded."""
    name = known_defaults(flags).name or public_name(source_of(flags))
    dtype = DTYPES.get(flags.dtype, flags.dtype) or environment().dtype
    adapters = [(public_name(one.lora_id), one.lora_scale, one.weight_name) for one in flags.lora]
    said = {
        "revision": flags.revision,
        "prediction_type": flags.prediction_type,
        "vae": public_name(flags.vae) if flags.vae else None,
        "dtype": dtype or ("float16" if flags.cpu_offload else None),
        "lora": adapters or None,
        "embeddings": [file.stem for file in flags.embeddings] or None,
        "scale": scale,
    }
    how = {key: value for key, value in said.items() if value is not None}
    by = "rules"
    if isinstance(planner, LLMPlanner):
        by = f"{planner.chat.name} {recaption or 'joint'}"
    return Maker(name, by, json.dumps(how, sort_keys=True) if how else "")


def source_of(flags: ModelFlags) -> str:
    """The model's folder, file or hub id."""
    return flags.model or environment().model or str(weights_path())


def known_defaults(flags: ModelFlags) -> ModelDefaults:
    """The model's, as far as they are known before it is loaded: presets are all families' own."""
    source = source_of(flags)
    return of_model(Path(source), "", recognised_by_name(public_name(source)))


def shared(shard: str | None, device: str | None, dry_run: bool) -> Process:
    """Which share is this process's: as said, else as a launcher says."""
    if shard is not None or dry_run:
        return Process(Shard.parse(shard) if shard is not None else Shard(), device)
    with quietly():
        return Process.found(device or environment().device)


def rehearse(work: Work, flags: ModelFlags, planner: Planner, as_json: bool) -> None:
    """Says what would be drawn."""
    told = Told()
    for event in work.rehearse(flags.load, planner):
        told.hear(event)
    if as_json:
        console.put(json.dumps({"would_draw": told.wanted} | told.summary()))
    else:
        told.show_wanted()
    end(work, told.failed)


def draw(work: Work, flags: ModelFlags, planner: Planner, process: Process, as_json: bool) -> None:
    """Draws, and says what became of it.

    Raises:
        RPGError: What ended the run.
    """
    told, report = Told(), None
    try:
        with bar(work.shard.index == 1) as seen, closing(work.run(flags.load, planner)) as events:
            for event in events:
                told.hear(event)
                seen(event)
                if isinstance(event, Counted):
                    report = Report(work.folder, work.shard, bad_rows(work))
                elif isinstance(event, Faulty) and report is not None:
                    report.add(event.fault)
    except KeyboardInterrupt:
        console.say("stopped; the same command goes on from here", style="yellow")
        finish(work, told, report, as_json)
        raise typer.Exit(_INTERRUPTED) from None
    finish(work, told, report, as_json)
    process.wait()
    end(work, told.failed)


def bad_rows(work: Work) -> Sequence[Fault]:
    """Those that this process tells of."""
    return work.listing.faults if work.shard.index == 1 else ()


def finish(work: Work, told: Told, report: Report | None, as_json: bool) -> None:
    """What was drawn and what was not, for people or programs."""
    problems = str(report.path) if report is not None and report.faults else None
    summary = told.summary()
    if as_json:
        where = {"folder": str(work.folder), "problems": problems}
        share = {"shard": [work.shard.index, work.shard.count], "bad_rows": len(bad_rows(work))}
        console.put(json.dumps(where | share | summary))
        return
    counts = "{drawn} drawn, {there_before} there before, {failed} failed, {left} left"
    console.put(f"{work.folder}: {counts.format(**summary)}, {len(bad_rows(work))} bad rows")
    if problems is not None:
        console.say(f"what was not drawn, and why: {problems}", style="yellow")


def end(work: Work, failed: int) -> None:
    """An exit code that says whether every row has its picture."""
    if failed:
        raise typer.Exit(1)
    if bad_rows(work):
        raise typer.Exit(2)
