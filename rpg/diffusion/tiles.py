"""Pictures decoded in tiles: always, or where memory ends."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import torch

from rpg._memory import is_out_of_memory, released
from rpg.diffusion.patches import replaced

__all__ = ["TILE", "decoding_again_in_tiles", "tile"]

TILE = 512  # pixels: SDXL's autoencoder would take tiles of 1024, which is its whole canvas
_TILING = ("use_tiling", "use_slicing", "tile_sample_min_size", "tile_latent_min_size")
_DECODED_IN_TILES = "too little memory to decode the picture in one piece: decoded in tiles"


def tile(vae: Any, side: int = TILE) -> None:
    """Decodes and encodes pictures one by one, in tiles of at most `side` pixels.

    diffusers' own tiles have the side that the autoencoder was trained with: SDXL's are 1024
    pixels, which saves nothing on its usual canvas.
    """
    vae.enable_slicing()
    vae.enable_tiling()
    size = getattr(vae, "tile_sample_min_size", None)
    if isinstance(size, int) and size > side:
        vae.tile_latent_min_size = max(1, vae.tile_latent_min_size * side // size)
        vae.tile_sample_min_size = side


@contextmanager
def decoding_again_in_tiles(vae: Any, tell: Callable[[str], None]) -> Iterator[None]:
    """Where there is no memory to decode in one piece, decodes once more in tiles.

    Within the context; what was set before is set again afterwards.

    Args:
        vae: An autoencoder of diffusers; one without tiles is left alone.
        tell: Told when it happens.
    """
    if not hasattr(vae, "tile_latent_min_size"):
        yield
        return
    plain = vae.decode

    def decode(latents: torch.Tensor, *args: Any, **words: Any) -> Any:
        cells = max(latents.shape[-2:])
        try:
            return plain(latents, *args, **words)
        except (MemoryError, RuntimeError) as error:
            in_tiles = vae.use_tiling and cells > vae.tile_latent_min_size
            if in_tiles or cells < 2 or not is_out_of_memory(error):
                raise
            released(error)
        tell(_DECODED_IN_TILES)
        pixels = cells * vae.tile_sample_min_size // vae.tile_latent_min_size
        with _tiles(vae, min(TILE, pixels // 2)):
            return plain(latents, *args, **words)

    with replaced(vae, "decode", decode):
        yield


@contextmanager
def _tiles(vae: Any, side: int) -> Iterator[None]:
    before = {name: getattr(vae, name) for name in _TILING}
    tile(vae, side)
    try:
        yield
    finally:
        for name, value in before.items():
            setattr(vae, name, value)
