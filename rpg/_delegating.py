"""What diffusers' users reach for, handed on to the pipeline held."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self

from rpg.defaults import FILE_NAME, ModelDefaults
from rpg.metadata import write_whole

if TYPE_CHECKING:
    from collections.abc import Sequence

    import torch

    from rpg.diffusion.backbones import Family

__all__ = ["Delegating"]


class Delegating:
    """Properties and methods of diffusers under their own names; the next call sees what they do.

    Attributes:
        pipe: The pipeline held.
        defaults: Values for what calls leave open.
    """

    pipe: Any
    defaults: ModelDefaults
    _family: Family

    @property
    def components(self) -> dict[str, Any]:
        """`DiffusionPipeline.components`."""
        held: dict[str, Any] = self.pipe.components
        return held

    @property
    def scheduler(self) -> Any:
        """The pipeline's `scheduler`; one that is set goes before that of the model's defaults."""
        return self.pipe.scheduler

    @scheduler.setter
    def scheduler(self, value: Any) -> None:
        self.pipe.scheduler = value
        self.defaults = self.defaults.model_copy(update={"scheduler": None})

    @property
    def unet(self) -> Any:
        """The pipeline's `unet`."""
        return self.pipe.unet

    @property
    def transformer(self) -> Any:
        """The pipeline's `transformer`; an `AttributeError` where it has none."""
        return self.pipe.transformer

    @property
    def vae(self) -> Any:
        """The pipeline's `vae`."""
        return self.pipe.vae

    @property
    def device(self) -> torch.device:
        """`DiffusionPipeline.device`."""
        found: torch.device = self.pipe.device
        return found

    @property
    def denoiser(self) -> Any:
        """The model that predicts: the pipeline's `unet`, or what its family has in that place."""
        return self._family.model(self.pipe)

    @property
    def dtype(self) -> torch.dtype:
        """`DiffusionPipeline.dtype`."""
        found: torch.dtype = self.pipe.dtype
        return found

    def to(self, *args: Any, **kwargs: Any) -> Self:
        """Moves the model as `DiffusionPipeline.to` does; returns self."""
        self.pipe.to(*args, **kwargs)
        return self

    def save_pretrained(self, save_directory: str | os.PathLike[str], **kwargs: Any) -> None:
        """`DiffusionPipeline.save_pretrained`, and the defaults as `rpg.json` beside it.

        Raises:
            MetadataError: `rpg.json` cannot be written.
        """
        file, own = Path(save_directory) / FILE_NAME, self.defaults.own(self._family.name)
        if own or file.exists():  # before the rest, which may be uploaded from there
            write_whole(file, json.dumps(own).encode())
        self.pipe.save_pretrained(os.fspath(save_directory), **kwargs)

    def load_lora_weights(
        self, source: Any, adapter_name: str | None = None, **kwargs: Any
    ) -> None:
        """The pipeline's `load_lora_weights`."""
        self.pipe.load_lora_weights(source, adapter_name=adapter_name, **kwargs)

    def unload_lora_weights(self) -> None:
        """The pipeline's `unload_lora_weights`."""
        self.pipe.unload_lora_weights()

    def set_adapters(self, adapter_names: Sequence[str] | str, adapter_weights: Any = None) -> None:
        """The pipeline's `set_adapters`."""
        self.pipe.set_adapters(adapter_names, adapter_weights)

    def fuse_lora(self, **kwargs: Any) -> None:
        """The pipeline's `fuse_lora`."""
        self.pipe.fuse_lora(**kwargs)

    def unfuse_lora(self, **kwargs: Any) -> None:
        """The pipeline's `unfuse_lora`."""
        self.pipe.unfuse_lora(**kwargs)

    def enable_model_cpu_offload(self, gpu_id: int | None = None, device: Any = None) -> None:
        """`DiffusionPipeline.enable_model_cpu_offload`."""
        self.pipe.enable_model_cpu_offload(gpu_id, device)

    def enable_sequential_cpu_offload(self, gpu_id: int | None = None, device: Any = None) -> None:
        """`DiffusionPipeline.enable_sequential_cpu_offload`."""
        self.pipe.enable_sequential_cpu_offload(gpu_id, device)

    def enable_group_offload(self, onload_device: Any, **kwargs: Any) -> None:
        """`DiffusionPipeline.enable_group_offload`."""
        self.pipe.enable_group_offload(onload_device, **kwargs)

    def enable_attention_slicing(self, slice_size: str | int | None = "auto") -> None:
        """`DiffusionPipeline.enable_attention_slicing`."""
        self.pipe.enable_attention_slicing(slice_size)

    def disable_attention_slicing(self) -> None:
        """`DiffusionPipeline.disable_attention_slicing`."""
        self.pipe.disable_attention_slicing()

    def set_progress_bar_config(self, **kwargs: Any) -> None:
        """`DiffusionPipeline.set_progress_bar_config`."""
        self.pipe.set_progress_bar_config(**kwargs)
