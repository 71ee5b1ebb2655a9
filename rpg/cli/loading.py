"""The pipeline that the command line's model flags ask for."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pydantic import BaseModel, ConfigDict, ValidationError

from rpg._loading import first_line, loading
from rpg.cli import console
from rpg.cli.options import DTYPES, CpuOffload, Dtype, Prediction
from rpg.errors import ModelError, SettingsError

if TYPE_CHECKING:
    from rpg.diffusion.memory_plan import LowVram
    from rpg.pipeline import RPGPipeline

_LORA = '{"lora_id": "FILE, FOLDER OR HUB ID", "lora_scale": 1.0, "weight_name": "FILE IN IT"}'


class Adapter(BaseModel):
    """One LoRA: where it is, how strongly it acts, and which of several files."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    lora_id: str
    adapter_name: str
    lora_scale: float = 1.0
    weight_name: str | None = None


@dataclass(frozen=True, kw_only=True)
class ModelFlags:
    """The flags of the panel "Model", as given."""

    model: str | None = None
    dtype: Dtype = "auto"
    device: str | None = None
    variant: str | None = None
    revision: str | None = None
    lora: tuple[Adapter, ...] = ()
    cpu_offload: CpuOffload | None = None
    vae_tiling: bool = False
    vae_slicing: bool = False
    low_vram: LowVram = "auto"
    prediction_type: Prediction | None = None
    vae: str | None = None
    config: Path | None = None
    embeddings: tuple[Path, ...] = ()
    ip_adapter: Path | None = None
    ip_image_encoder: Path | None = None

    def load(self) -> RPGPipeline:
        """The pipeline; imports torch.

        Raises:
            ModelError: It cannot be loaded, or not in the way asked for.
        """
        with quietly():
            from rpg.pipeline import RPGPipeline

            rpg = RPGPipeline.from_pretrained(self.model, **self._words())
        for found in rpg.recognised.told:
            console.note(f"recognised {found}")
        _attach(rpg.pipe, self.lora)
        if self.ip_adapter is not None:
            from rpg.diffusion.ip_adapters import load_ip_adapter

            load_ip_adapter(rpg.pipe, self.ip_adapter, self.ip_image_encoder)
        self._spare_memory(rpg.pipe)
        return rpg

    def _words(self) -> dict[str, Any]:
        """What `from_pretrained` is told; with offloading the weights wait on the CPU, in half."""
        dtype = DTYPES.get(self.dtype, self.dtype)
        words = {
            "dtype": dtype or ("float16" if self.cpu_offload else None),
            "device": "cpu" if self.cpu_offload else self.device,
            "variant": self.variant,
            "revision": self.revision,
            "low_vram": "off" if self.cpu_offload else self.low_vram,
            "prediction_type": self.prediction_type,
            "vae": self.vae,
            "config": self.config and str(self.config),
            "embeddings": self.embeddings,
        }
        return {name: value for name, value in words.items() if value is not None}

    def _spare_memory(self, pipe: Any) -> None:
        from rpg.diffusion.backbones import device_named
        from rpg.diffusion.tiles import tile

        if self.vae_tiling:
            tile(pipe.vae)
        if self.vae_slicing:
            pipe.vae.enable_slicing()
        try:
            if self.cpu_offload == "model":
                device_named(self.device)  # else that it is missing would show while drawing
                pipe.enable_model_cpu_offload(device=self.device)
            if self.cpu_offload == "group":
                device = device_named(self.device or "cuda")
                pipe.enable_group_offload(device, offload_type="leaf_level")
        except Exception as error:
            raise ModelError(f"--cpu-offload {self.cpu_offload}: {first_line(error)}") from error


@contextmanager
def quietly() -> Iterator[None]:
    """For importing and loading models: without the libraries' bars and asides; imports torch."""
    from rpg.diffusion.quiet import quiet_loading

    with quiet_loading():
        yield


def read_adapters(texts: Iterable[str]) -> tuple[Adapter, ...]:
    """The `--lora` values, as diffusers-cli reads them.

    Raises:
        SettingsError: A value is no JSON object with a `lora_id`.
    """
    return tuple(_read_adapter(text, number) for number, text in enumerate(texts))


def _read_adapter(text: str, number: int) -> Adapter:
    try:
        found = json.loads(text)
        return Adapter.model_validate({"adapter_name": f"lora_{number}", **found})
    except json.JSONDecodeError as error:
        said = f"--lora {text!r:.80}: not JSON ({error.msg}); write '{_LORA}'"
        raise SettingsError(said) from None
    except (TypeError, ValidationError):
        raise SettingsError(f"--lora {text!r:.80}: expected {_LORA}") from None


def _attach(pipe: Any, adapters: Sequence[Adapter]) -> None:
    from rpg.diffusion.quiet import quiet_adapters
    from rpg.diffusion.recognition import lora_advice

    for one in adapters:
        if advice := lora_advice(one.lora_id, one.weight_name):
            console.note(advice)
        options = {"weight_name": one.weight_name} if one.weight_name else {}
        _check_lora(one)
        what = f"the LoRA {one.lora_id}, which may be made for another kind of model"
        with loading(what), quiet_adapters():
            pipe.load_lora_weights(
                one.lora_id, adapter_name=one.adapter_name, use_safetensors=True, **options
            )
    if adapters:
        with loading("the LoRAs, of which one holds nothing that fits this model"):
            pipe.set_adapters(
                [one.adapter_name for one in adapters], [one.lora_scale for one in adapters]
            )


def _check_lora(one: Adapter) -> None:
    """Looks at a file that is here; a hub id is the library's to judge.

    Raises:
        ModelError: It is no LoRA.
        SettingsError: It is a folder of several, and none is named.
    """
    from rpg.diffusion.sources import check_lora

    source = Path(one.lora_id)
    if source.is_dir() and one.weight_name is None:
        names = sorted(file.name for file in source.glob("*.safetensors"))
        if len(names) > 1:
            said = f"--lora: {source} holds {len(names)} files; name one as weight_name: "
            raise SettingsError(said + ", ".join(names))
    file = source / one.weight_name if one.weight_name else source
    if file.is_file():
        check_lora(file)
