"""Opening a picture: prompt, plan and settings come back from what a file carries."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import gradio as gr

from rpg import metadata
from rpg.errors import MetadataError, RPGError, SettingsError
from rpg.metadata import Record
from rpg.plans.plan import MAX_PLAN_BYTES, Plan
from rpg.session import adopted
from rpg.settings import GenerationSettings
from ui.lines import line
from ui.plan_book import PlanBook
from ui.refine_parts import on
from ui.shared import Place, Shared
from ui.uploads import read_picture

if TYPE_CHECKING:
    from ui.workshop import Workshop

__all__ = ["Found", "build", "found_in", "into_history"]

_BROUGHT = {
    "image": "a picture to start from",
    "mask_image": "a mask",
    "control_image": "a ControlNet with its picture",
    "controlnet": "a ControlNet",
    "control_mode": "a union ControlNet's mode",
    "embedding": "a textual inversion",
    "ip_adapter_image": "an IP-Adapter picture",
    "lora": "a LoRA",
    "latents": "its own noise",
    "prediction_type": "another prediction type",
    "vae": "another autoencoder",
}
Updates = dict[Any, Any]


@dataclass(frozen=True)
class Found:
    """What a file carries.

    Attributes:
        plan: What was drawn.
        settings: How; None where the file says nothing of it.
        record: All of it; None for a plan alone.
        lines: What was found and what was not, in words.
    """

    plan: Plan
    settings: GenerationSettings | None
    record: Record | None
    lines: tuple[str, ...]


def found_in(path: str, model: str) -> Found:
    """What a picture or a plan's file carries; no pixel is decoded.

    Args:
        path: Of the file.
        model: Public name of the model of now.

    Raises:
        RPGError: Nothing, or nothing that can be trusted; says what.
    """
    if Path(path).suffix.lower() == ".json":
        plan = _plan_in(Path(path))
        return Found(plan, None, None, (f"Found a plan of {_regions(plan)}; settings stay.",))
    try:
        record, lost = metadata.read_with_losses(path)
    except MetadataError as error:
        raise MetadataError(str(error).replace(path, Path(path).name)) from None
    return Found(
        record.plan, _usable(record, model), record, (*_told(record, model), *map(_sentence, lost))
    )


def into_history(shop: Workshop, path: str) -> tuple[str, int]:
    """Makes a picture a turn, so that it can be changed: its session and turn.

    A picture that a session holds already is found there; any other becomes the first turn of a
    new session, at the size that it was drawn.

    Raises:
        RPGError: It carries no plan, is no picture, or cannot be stored.
    """
    record = metadata.read(path)
    shown = read_picture(path)
    assert shown is not None  # there is a path
    session, turn = adopted(shop.sessions, shown, record)
    session.branch(turn)
    return session.id, turn


def build(shared: Shared) -> None:
    """Puts the panel on the page."""
    with gr.Accordion("Open a picture", open=False, elem_id="restore-panel"):
        file = gr.File(
            label="A picture made here or by another tool, or a plan as JSON",
            height=120,
            elem_id="restore",
        )
        said = gr.HTML(elem_id="restore-said")
        keep = gr.Button("Put this picture into the history", visible=False, elem_id="restore-keep")

    def restore(path: str | None, book: PlanBook) -> Updates:
        return {said: "", keep: gr.Button(visible=False)} | _restored(
            shared, said, keep, path, book
        )

    def to_history(path: str | None, place: Place) -> Updates:
        if path is None:
            return {said: line("Choose a picture first.", problem=True)}
        try:
            session, turn = into_history(shared.shop, path)
        except RPGError as error:
            return {said: line(str(error).replace(path, Path(path).name), problem=True)}
        at = place.at(session, turn)
        return {said: "", shared.place: at, shared.selected: gr.Tabs(selected="refine")}

    form = [shared.book, shared.prompt, *shared.settings.fields]
    on([file.upload, file.clear], restore, [file, shared.book], [said, keep, *form])
    on([keep.click], to_history, [file, shared.place], [said, shared.place, shared.selected])


def _restored(shared: Shared, said: Any, keep: Any, path: str | None, book: PlanBook) -> Updates:
    """What the form becomes; nothing of it changes where the file carries nothing."""
    if path is None:
        return {}
    try:
        found = found_in(path, shared.shop.rpg.model)
    except RPGError as error:
        return {said: line(str(error), problem=True)}
    updates: Updates = {
        said: "".join(map(line, found.lines)),
        keep: gr.Button(visible=found.record is not None),
        shared.book: book.with_plan(found.plan),
        shared.prompt: found.plan.prompt,
    }
    if found.settings is not None:
        shown = shared.settings.reopened(found.settings, found.plan, seed=True)
        updates |= dict(zip(shared.settings.fields, shown, strict=True))
    return updates


def _plan_in(path: Path) -> Plan:
    try:
        if path.stat().st_size > MAX_PLAN_BYTES:
            raise SettingsError(f"{path.name} is over {MAX_PLAN_BYTES:,} bytes: that is no plan")
        return Plan.from_json(path.read_bytes())
    except OSError as error:
        raise MetadataError(f"cannot read {path.name}: {error.strerror}") from None


def _usable(record: Record, model: str) -> GenerationSettings:
    """Settings for the form; the size of another model's pictures is left to this one."""
    less: dict[str, Any] = {"strength": None}  # goes with a picture to start from
    if record.model not in ("", model):
        less |= {"width": None, "height": None}
    return record.settings.model_copy(update=less)


def _told(record: Record, model: str) -> Sequence[str]:
    whole = bool(record.plan.regions) or record.plan.source != "parameters"
    lines = [f"Found the prompt, a plan of {_regions(record.plan)} and the settings."]
    if not whole:
        lines = ["Found the prompt and the settings. Such pictures carry no regions: plan them."]
    if record.model not in ("", model):
        used = record.settings
        size = f" ({used.width}x{used.height})" if used.size else ""
        lines.append(
            f"It was drawn with {record.model}, not {model}: it will look different, and its "
            f"size{size} is left to this model."
        )
    brought = [_BROUGHT.get(name, name) for name in record.needs]
    if brought:
        lines.append(
            f"It took {_listed(brought)}, which the file does not hold: bring it again for the "
            "same picture."
        )
    return lines


def _sentence(said: str) -> str:
    return f"{said[0].upper()}{said[1:]}."


def _regions(plan: Plan) -> str:
    count = len(plan.layers())
    return f"{count} region{'' if count == 1 else 's'}"


def _listed(words: Sequence[str]) -> str:
    *first, last = words
    return f"{', '.join(first)} and {last}" if first else last
