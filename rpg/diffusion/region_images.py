"""Reference pictures of single regions: an IP-Adapter (arXiv 2308.06721) that acts in one place.

Beside the pictures that a call gives its adapters, each region may have pictures of its own: its
cells attend to them, and no other cell does.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import torch
from diffusers.models.embeddings import (
    ImageProjection,
    IPAdapterFaceIDImageProjection,
    IPAdapterFaceIDPlusImageProjection,
)
from PIL import Image
from torch import Tensor

from rpg.diffusion.patches import replaced
from rpg.errors import ModelError, SettingsError
from rpg.pictures import loaded

__all__ = ["DEFAULT_IMAGE_SCALE", "RegionImage", "RegionImages", "check_images"]

DEFAULT_IMAGE_SCALE = 0.6
_NO_ADAPTER = "region_images needs an IP-Adapter: load one by load_ip_adapter (rpg: --ip-adapter)"
_NO_ENCODER = (
    "the IP-Adapter was loaded without its image encoder: load it with it, or give embeddings in "
    "place of region_images' pictures"
)
_NO_PICTURES = "the IP-Adapter reads faces: give region_images embeddings of them, no pictures"
_FACES = (IPAdapterFaceIDImageProjection, IPAdapterFaceIDPlusImageProjection)


@dataclass(frozen=True, eq=False)
class RegionImage:
    """What a region's cells attend to beside texts.

    Attributes:
        factors: for each region of all plans how strongly it acts there; zero but for one.
        projection: from the image encoder's embeddings to tokens of the adapter.
        embeds: (1, n, ...), what the image encoder says of n pictures.
        unwanted: likewise of none, for the unguided branch.
    """

    factors: tuple[float, ...]
    projection: torch.nn.Module
    embeds: Tensor
    unwanted: Tensor

    @cached_property
    def tokens(self) -> Mapping[str, Tensor]:
        """By branch (1, n * tokens, D), as the adapter's keys and values are made of them."""
        both = {"cond": self.embeds, "uncond": self.unwanted}
        return {name: self.projection(one[0]).flatten(0, 1)[None] for name, one in both.items()}


class RegionImages:
    """The reference pictures of a call's regions, by the first IP-Adapter that is loaded.

    Args:
        pipe: a diffusers pipeline.
        given: by region, counted over all plans: pictures, or (1, n, ...) embeddings of them, or
            (2, n, ...) with those for the unguided branch first, as `ip_adapter_image_embeds`.
        count: regions of all plans.
        scale: how strongly they act, 0 or more.
    """

    def __init__(self, pipe: Any, given: Mapping[int, Any], count: int, scale: float) -> None:
        """Encode nothing yet."""
        self._pipe, self._given, self._count, self._scale = pipe, given, count, scale

    def encoded(self, device: torch.device) -> tuple[RegionImage, ...]:
        """What the regions attend to, on a device."""
        return tuple(self._encoded(region, one, device) for region, one in self._given.items())

    @contextmanager
    def acting(self, model: Any) -> Iterator[None]:
        """Let a UNet with IP-Adapters be called without pictures for the whole canvas."""
        if not _projections(self._pipe):
            yield
            return
        unet = getattr(model, "_orig_mod", model)
        process = unet.process_encoder_hidden_states

        def processed(encoder_hidden_states: Tensor, added_cond_kwargs: Any) -> Any:
            if "image_embeds" in (added_cond_kwargs or {}):
                return process(encoder_hidden_states, added_cond_kwargs)
            return encoder_hidden_states, []  # as with pictures, of which there are none

        with replaced(unet, "process_encoder_hidden_states", processed):
            yield

    def _encoded(self, region: int, given: Any, device: torch.device) -> RegionImage:
        projection = _projections(self._pipe)[0]
        if isinstance(given, Tensor):
            unwanted, wanted = given.chunk(2) if len(given) == 2 else (given * 0, given)
        else:
            hidden = not isinstance(projection, ImageProjection)
            pictures = [one.convert("RGB") for one in given]
            wanted, unwanted = (
                one[None] for one in self._pipe.encode_image(pictures, device, 1, hidden)
            )
        dtype = next(projection.parameters()).dtype
        factors = tuple(self._scale * (index == region) for index in range(self._count))
        return RegionImage(
            factors, projection, wanted.to(device, dtype), unwanted.to(device, dtype)
        )


def check_images(pipe: Any, images: Mapping[Any, Any], scale: float) -> dict[Any, Any]:
    """A region's pictures as lists, or embeddings as they are; none where `scale` is 0.

    Raises:
        ModelError: the pipeline has no IP-Adapter, or one without what encodes pictures.
        SettingsError: what is given are no pictures, or the scale is none.
    """
    if not isinstance(scale, int | float) or not 0 <= scale < float("inf"):
        raise SettingsError(f"region_image_scale is {scale!r:.80}: must be a number from 0 on")
    if not images:
        return {}
    if not _projections(pipe):
        raise ModelError(_NO_ADAPTER)
    checked = {key: _listed(key, one) for key, one in images.items()}
    if not all(isinstance(one, Tensor) for one in checked.values()):
        if getattr(pipe, "image_encoder", None) is None:
            raise ModelError(_NO_ENCODER)
        if isinstance(_projections(pipe)[0], _FACES):
            raise ModelError(_NO_PICTURES)
    return checked if scale else {}


def _projections(pipe: Any) -> Sequence[torch.nn.Module]:
    """Of the IP-Adapters that are loaded, in their order."""
    held = getattr(getattr(pipe, "unet", None), "encoder_hid_proj", None)
    projections: Sequence[torch.nn.Module] = getattr(held, "image_projection_layers", ())
    return projections


def _listed(key: Any, given: Any) -> Any:
    if isinstance(given, Tensor) and given.ndim > 2 and len(given) in (1, 2):
        return given
    pictures = [given] if isinstance(given, Image.Image) else given
    if not isinstance(pictures, list | tuple) or not pictures:
        raise SettingsError(f"region_images, {key!r:.80}: expected a picture or a list of pictures")
    for one in pictures:
        if not isinstance(one, Image.Image):
            raise SettingsError(f"region_images, {key!r:.80}: {type(one).__name__} is no picture")
        loaded(one, lambda reason: SettingsError(f"region_images, {key!r:.80}: {reason}"))
    return list(pictures)
