"""What a picture remembers: two PNG text chunks, enough to make it again.

`parameters` is AUTOMATIC1111's text, so that every tool reads it; `rpg` is one versioned JSON
object with the plan and the settings, guarded on the way in by the same validation as the form.
Neither ever holds a path or a key: the model is a name, its folder is left out, and nothing here is
taken from the environment.
"""

from __future__ import annotations

import io
import os
import re
import secrets
from contextlib import suppress
from pathlib import Path
from typing import Annotated, BinaryIO, Literal, Self

from PIL.Image import Image
from PIL.PngImagePlugin import PngInfo
from pydantic import BaseModel, ConfigDict, FailFast, Field, ValidationError, model_validator

from rpg._json_size import MAX_VALUES, has_too_many_values
from rpg.errors import MetadataError, RPGError, SettingsError
from rpg.metadata import a1111, dialects, exif, png
from rpg.metadata.foreign import Foreign, usable, whole
from rpg.plans.overlay import MAX_SCALE, enlarge
from rpg.plans.plan import Plan
from rpg.plans.prompt_weights import literal
from rpg.settings import GenerationSettings, explain

Task = Literal["text2img", "img2img", "inpaint", "controlnet"]
_DRAFT_BYTES = 245  # of the name in a draft's, which has ten more: file systems take 255
_HUB_ID = re.compile(r"[A-Za-z0-9][\w.-]*/[\w.-]+")
_NAME = r"^[^\x00-\x1f\x7f\\/]*(/[^\x00-\x1f\x7f\\/]+)?$"


class Record(BaseModel):
    """One picture's making: plan and settings, complete, for this picture alone.

    Attributes:
        version: Of this form: 1 had settings whose base ratio gave way to the plan's, which it goes
            before since 2; up to 2 no setting said the latents' window, which was none, and
            brackets were text, which weight what is in them since. All are read as 3.
        plan: What was drawn, negative and base prompt included.
        settings: As used: nothing left to the model, the seed the picture's own, one picture.
        model: A public name, such as "toybox" or "org/name"; compared, never opened.
        task: The kind of call.
        needs: Inputs that took part and that no text can hold, such as "image" or "latents".
        scale: Times that the saved picture was enlarged for showing, 1 to 64.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    version: Literal[1, 2, 3] = 3
    plan: Plan
    settings: GenerationSettings
    model: Annotated[str, Field(max_length=200, pattern=_NAME)] = ""
    task: Task = "text2img"
    needs: Annotated[
        tuple[Annotated[str, Field(max_length=64)], ...], FailFast(), Field(max_length=32)
    ] = ()
    scale: Annotated[int, Field(ge=1, le=MAX_SCALE)] = 1

    @model_validator(mode="after")
    def _of_today(self) -> Self:
        """Says the same in the form of today; frozen, so past the model's own door."""
        if self.version < 3:
            object.__setattr__(self, "settings", self.settings.model_copy(update={"window": 0}))
            object.__setattr__(self, "plan", self.plan.with_texts(_as_text))
        ratio = self.settings.base_ratio
        if self.version == 1 and ratio is not None and self.plan.says_base_ratio:
            object.__setattr__(self, "plan", self.plan.with_default_ratio(ratio))
            settings = self.settings.model_copy(update={"base_ratio": None})
            object.__setattr__(self, "settings", settings)
        object.__setattr__(self, "version", 3)
        return self

    def parameters(self) -> str:
        """The record in AUTOMATIC1111's form; what that form has no word for is left out."""
        used = self.settings
        pairs = {
            "Steps": used.num_inference_steps,
            "Sampler": used.scheduler and a1111.SAMPLERS[used.scheduler],
            "CFG scale": used.guidance_scale,
            "Seed": used.seed,
            "Size": f"{used.width}x{used.height}" if used.width and used.height else None,
            "Model": self.model or None,
            "Clip skip": used.clip_skip + 1 if used.clip_skip else None,  # where 1 leaves out none
            "Variation seed": used.variation_seed if used.variation_strength else None,
            "Variation seed strength": used.variation_strength or None,
            "Denoising strength": used.upscale_strength if used.upscale > 1 else used.strength,
            "Hires upscale": used.upscale if used.upscale > 1 else None,
            "Hires upscaler": "Lanczos" if used.upscale > 1 else None,
            "Version": "rpg",
        }
        return a1111.write(self.plan.prompt, self.plan.effective_negative, pairs)


def _as_text(owner: object, name: str) -> str:
    """A text in which brackets weight nothing."""
    return literal(getattr(owner, name))


def public_name(model: str | os.PathLike[str]) -> str:
    """The name of a model without its folder: hub ids stay, of a path the last part's stem."""
    text = os.fspath(model)
    if _HUB_ID.fullmatch(text) and not Path(text).exists():
        return text
    name = re.split(r"[\\/]", text.rstrip("\\/"))[-1]
    return re.sub(r"[\x00-\x1f\x7f]|\.(safetensors|ckpt)$", "", name)[:200]


def rescaled(record: Record, scale: int | None) -> Record:
    """The record of the same picture enlarged `scale` times for showing; None leaves it.

    Raises:
        SettingsError: Out of range.
    """
    if scale is None:
        return record
    if not 1 <= scale <= MAX_SCALE:
        raise SettingsError(f"scale: should be between 1 and {MAX_SCALE}, not {scale}")
    return record.model_copy(update={"scale": scale})


def encode(image: Image, record: Record | None, *, enlarged: bool = False) -> bytes:
    """A PNG file of the picture; with a record enlarged by its scale and carrying both chunks.

    Args:
        image: At the model's own size; or as it is shown, where `enlarged`.
        record: What it was made with; None for what is no picture of a plan.
        enlarged: Whether it has been enlarged already.
    """
    info = PngInfo()
    if record is not None:
        image = image if enlarged else enlarge(image, record.scale)
        info.add_text("parameters", record.parameters())
        info.add_text("rpg", record.model_dump_json())
    buffer = io.BytesIO()
    image.save(buffer, format="PNG", pnginfo=info)
    return buffer.getvalue()


def save(
    image: Image,
    path: str | os.PathLike[str],
    record: Record | None,
    *,
    enlarged: bool = False,
) -> Path:
    """Writes what `encode` makes to `path`, whole or not at all; missing folders are made.

    Raises:
        MetadataError: The file cannot be written.
    """
    return write_whole(Path(path), encode(image, record, enlarged=enlarged))


def write_whole(target: Path, data: bytes) -> Path:
    """Puts `data` at `target` in one move, so that a crash leaves the old file or the new one.

    Raises:
        MetadataError: The file cannot be written.
    """
    name = os.fsencode(target.name[:100])[:_DRAFT_BYTES].decode(errors="ignore")
    draft = target.with_name(f".{name}.{secrets.token_hex(4)}")
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        with open(draft, "xb") as stream:
            stream.write(data)
        os.replace(draft, target)
    except OSError as error:
        with suppress(OSError):  # what let no draft be made lets none be removed
            draft.unlink()
        raise MetadataError(f"cannot write {target}: {error.strerror or error}") from error
    return target


def read(source: str | os.PathLike[str] | BinaryIO) -> Record:
    """The record of a picture, as `read_with_losses`, without what is lost."""
    return read_with_losses(source)[0]


def read_with_losses(source: str | os.PathLike[str] | BinaryIO) -> tuple[Record, tuple[str, ...]]:
    """The record of a picture: of its `rpg` chunk, else of what another tool wrote.

    Nothing is decoded but texts: chunks of a PNG file, EXIF data of a JPEG or WebP file. Another
    tool's picture has a plan without regions. Its settings come in our meaning; what we have no
    word for, and what is out of range, is left out and named.

    Returns:
        The record, and a line for each thing that another tool's picture says and it does not.

    Raises:
        MetadataError: Not a readable picture, no such text, or an `rpg` chunk that the form would
            refuse.
    """
    texts = _texts_of(source)
    if "rpg" in texts:
        return parse(texts["rpg"]), ()
    found = dialects.read(texts)
    if found is not None:
        return _of_foreign(found)
    if texts.keys() & {"parameters", "prompt", "workflow", "invokeai_metadata"}:
        raise MetadataError("the picture's parameters are not valid: they say no prompt")
    raise MetadataError(
        "the picture carries no plan or settings; was it re-saved by another program?"
    )


def parse(text: str) -> Record:
    """The record in the text of an `rpg` chunk.

    Raises:
        MetadataError: Not JSON, of another version, or out of range; says what.
    """
    if has_too_many_values(text.encode("utf-8", "surrogatepass")):
        raise MetadataError(f"the picture's rpg chunk is not valid: over {MAX_VALUES:,} values")
    try:
        return Record.model_validate_json(text)
    except ValidationError as error:
        raise MetadataError(f"the picture's rpg chunk is not valid: {explain(error)}") from None


def parse_parameters(text: str) -> Record:
    """The record in the text of a `parameters` chunk, as other tools write it.

    Raises:
        MetadataError: No prompt.
    """
    found = dialects.read({"parameters": text})
    if found is None:
        raise MetadataError("the picture's parameters are not valid: they say no prompt")
    return _of_foreign(found)[0]


def _of_foreign(found: Foreign) -> tuple[Record, tuple[str, ...]]:
    used, lost = usable(found.settings)
    try:
        texts = {"prompt": whole(found.prompt), "negative": whole(found.negative)}
        plan = Plan(**texts, source="parameters")
        record = Record(plan=plan, settings=used, model=public_name(whole(found.model)))
    except ValidationError as error:
        raise MetadataError(f"the picture's parameters are not valid: {explain(error)}") from None
    except RPGError as error:
        raise MetadataError(f"the picture's parameters are not valid: {error}") from None
    return record, (*found.losses(), *lost)


def _texts_of(source: str | os.PathLike[str] | BinaryIO) -> dict[str, str]:
    if not isinstance(source, (str, os.PathLike)):
        return _texts(source)
    try:
        with open(source, "rb") as stream:
            return _texts(stream)
    except (OSError, ValueError) as error:
        if isinstance(error, MetadataError):
            raise
        raise MetadataError(
            f"cannot read {source!s:.200}: {getattr(error, 'strerror', error)}"
        ) from error


def _texts(stream: BinaryIO) -> dict[str, str]:
    """The texts of a picture by their keywords."""
    begin = stream.read(12)
    if begin.startswith(png.SIGNATURE):
        stream.seek(len(png.SIGNATURE) - len(begin), 1)
        return png.text_chunks(stream, dialects.KEYWORDS | {"rpg"})
    if begin.startswith(b"\xff\xd8\xff"):
        stream.seek(2 - len(begin), 1)
        return exif.jpeg_texts(stream)
    if begin.startswith(b"RIFF") and begin.endswith(b"WEBP"):
        return exif.webp_texts(stream)
    raise MetadataError("not a PNG file, nor JPEG or WebP; no others carry their plan or settings")
