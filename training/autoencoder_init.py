"""Initialization of the autoencoder: the mean colour of every cell, instead of random weights.

An AutoencoderKL with random weights takes most of a short run to learn what colour a flat area has:
its normalizations take the absolute level away. Here eight channels of the trunk carry red, green
and blue, their opposites and two constants from end to end. The constants keep the normalizations
from acting on the rest, and as silu(x) - silu(-x) = x, the opposites undo the activations. All
residual branches begin at zero. Everything but the constants is trained from there on: to read
them would be a bias that one step of the optimizer moves a hundred times as far as any other.
"""

from __future__ import annotations

import torch
from diffusers import AutoencoderKL
from diffusers.models.downsampling import Downsample2D
from diffusers.models.resnet import ResnetBlock2D
from diffusers.models.upsampling import Upsample2D
from torch import Tensor, nn

_LEVEL = 8.0  # of the constants
_PASSED = 8  # channels: red, green, blue, their opposites, both constants


@torch.no_grad()
def init_with_means(vae: AutoencoderKL) -> None:
    """Set the weights of an untrained autoencoder with one group per normalization.

    Args:
        vae: at least eight channels at every level, at least three in the latents.
    """
    for module in vae.modules():
        if isinstance(module, ResnetBlock2D):
            nn.init.zeros_(module.conv2.weight)
            _bias(module.conv2).zero_()
            if module.conv_shortcut is not None:
                _pass_on(module.conv_shortcut, [(0, 0)], 1.0)
        elif isinstance(module, Downsample2D):
            _pass_on(module.conv, [(0, 0), (0, 1), (1, 0), (1, 1)], 0.25)
        elif isinstance(module, Upsample2D):
            _pass_on(module.conv, [(1, 1)], 1.0)
    for half in (vae.encoder, vae.decoder):
        _spread(half.conv_in)
        _gather(half.conv_out)
    _identity(vae.quant_conv, [(0, 0), (1, 1), (2, 2)])
    _identity(vae.post_quant_conv, [(0, 0), (1, 1), (2, 2)])


def hold_constants(vae: AutoencoderKL) -> None:
    """Keep training from changing the constants, and from reading them past a normalization."""
    for module in vae.modules():
        if isinstance(module, ResnetBlock2D):
            _hold(module.conv2, reads=False)
            if module.conv_shortcut is not None:
                _hold(module.conv_shortcut)
        elif isinstance(module, Downsample2D | Upsample2D):
            _hold(module.conv)
    for half in (vae.encoder, vae.decoder):
        _hold(half.conv_in, reads=False)


def _hold(conv: nn.Conv2d, *, reads: bool = True) -> None:
    def without(gradient: Tensor) -> Tensor:
        held = gradient.clone()
        held[6:_PASSED] = 0
        if reads and held.ndim == 4:
            held[:, 6:_PASSED] = 0
        return held

    conv.weight.register_hook(without)  # type: ignore[no-untyped-call]
    _bias(conv).register_hook(without)  # type: ignore[no-untyped-call]


def _pass_on(conv: nn.Conv2d, taps: list[tuple[int, int]], weight: float) -> None:
    """Let the passed channels through; colours as a sum over taps, constants by one tap."""
    conv.weight[:_PASSED] = 0
    conv.weight[:, 6:_PASSED] = 0  # the constants would drown what the other channels learn
    _bias(conv)[:_PASSED] = 0
    for channel in range(_PASSED):
        if channel < 6:
            for y, x in taps:
                conv.weight[channel, channel, y, x] = weight
        else:
            conv.weight[(channel, channel, *taps[0])] = 1.0


def _spread(conv: nn.Conv2d) -> None:
    """Three channels -> themselves, their opposites and the constants."""
    conv.weight[:_PASSED] = 0
    _bias(conv)[:_PASSED] = 0
    for channel in range(3):
        conv.weight[channel, channel, 1, 1] = 1.0
        conv.weight[channel + 3, channel, 1, 1] = -1.0
    _bias(conv)[6], _bias(conv)[7] = _LEVEL, -_LEVEL


def _gather(conv: nn.Conv2d) -> None:
    """The passed channels, normalized and activated -> the three they came from."""
    width = conv.in_channels
    scale = _LEVEL * (2 / width) ** 0.5  # the deviation that the constants give the whole
    conv.weight[:3] = 0
    _bias(conv)[:3] = 0
    for channel in range(3):
        conv.weight[channel, channel, 1, 1] = scale
        conv.weight[channel, channel + 3, 1, 1] = -scale


def _identity(conv: nn.Conv2d, pairs: list[tuple[int, int]]) -> None:
    for out, into in pairs:
        conv.weight[out] = 0
        _bias(conv)[out] = 0
        conv.weight[out, into] = 1.0


def _bias(conv: nn.Conv2d) -> Tensor:
    assert conv.bias is not None
    return conv.bias
