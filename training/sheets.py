"""Pictures and figures to watch a run by."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import torch
from PIL import Image
from torch import Tensor


def psnr(first: Tensor, second: Tensor) -> float:
    """Mean peak signal-to-noise ratio in dB of pictures (B, 3, H, W) in [-1, 1]."""
    errors = ((first - second) / 2).square().mean(dim=(1, 2, 3)).clamp(min=1e-10)
    return float((-10 * torch.log10(errors)).mean())


def save_pairs(first: Tensor, second: Tensor, path: Path) -> None:
    """Write pictures (B, 3, H, W) in [-1, 1] as a sheet, the second ones under the first."""
    save_rows([first, second], path)


def save_rows(rows: list[Tensor], path: Path) -> None:
    """Write rows of pictures, each (B, 3, H, W) in [-1, 1], all of one size."""
    sheet = torch.cat([torch.cat(list(row), dim=-1) for row in rows], dim=-2)
    levels = ((sheet.clamp(-1, 1) + 1) * 127.5).round().byte().permute(1, 2, 0)
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(np.ascontiguousarray(levels.numpy())).save(path)
