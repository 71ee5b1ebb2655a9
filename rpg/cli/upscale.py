"""`rpg upscale`: a finished picture drawn over at a larger size, under its own plan."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from rpg.cli import console, files, options
from rpg.cli.generate import collected, made_with
from rpg.cli.loading import ModelFlags, read_adapters
from rpg.cli.recording import Recording
from rpg.plans.overlay import shrink
from rpg.session import SHRUNK, own_scale
from rpg.settings import SETTINGS

_FACTOR, _STRENGTH = SETTINGS["upscale"], SETTINGS["upscale_strength"]


def upscale(
    picture: Annotated[Path, typer.Argument(help="The picture, with its plan in it.")],
    factor: Annotated[
        float, typer.Option("--factor", help=f"{_FACTOR.help} (above 1 to 4).")
    ] = 2.0,
    strength: Annotated[
        float | None,
        typer.Option(
            "--strength",
            help=f"{_STRENGTH.sentence}. Default: {_STRENGTH.default}, or a step if that is more.",
        ),
    ] = None,
    tile: Annotated[
        int | None, typer.Option("--tile", help=f"{SETTINGS['upscale_tile'].sentence}.")
    ] = None,
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
    low_vram: options.LowVram = "auto",
    output: options.Output = None,
    scale: options.Scale = None,
    session: options.SessionName = None,
    no_session: options.NoSession = False,
    as_json: options.Json = False,
) -> None:
    """Enlarge a picture and draw it over under its plan, in tiles where it is large."""
    from rpg.editing.inpaint import flattened  # which loads torch

    with console.explained(as_json):
        record = files.read_record(picture)
        shown = flattened(files.read_picture(picture))
        targets, recording = files.Targets(output), Recording.of(session, no_session)
        adapters = read_adapters(lora or ())
        flags = ModelFlags(
            model=model,
            dtype=dtype,
            device=device,
            variant=variant,
            revision=revision,
            lora=adapters,
            cpu_offload=cpu_offload,
            vae_tiling=vae_tiling,
            low_vram=low_vram,
            prediction_type=prediction_type,
            vae=vae,
            config=config,
            embeddings=tuple(embedding or ()),
        )
        rpg = flags.load()
        if not made_with(record, rpg.model, flags):
            console.note(f"made with {record.model}, and drawn over with {rpg.model}")
        times = own_scale(shown, record)
        own = recording.starting_from(shrink(shown, times), record, SHRUNK if times > 1 else 0.0)
        events = rpg.upscale_stream(
            own, record, factor=factor, strength=strength, tile=tile, preview_every=-1.0
        )
        made = collected(recording.stream(events, f"upscale {factor:g} times"))
        recording.say()  # first, so that a file that cannot be written costs no picture
        made.save(targets, scale, draw=False)
        made.report(as_json, recording)
