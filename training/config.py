"""The sizes of Toybox's models and the schedules they are trained on, as data."""

from __future__ import annotations

from dataclasses import dataclass, field

Size = tuple[int, int]  # width, height in pixels


@dataclass(frozen=True, slots=True)
class Bucket:
    """One canvas size: how often a batch uses it, how large the batch is, how many things it holds.

    Attributes:
        size: width and height in pixels.
        weight: relative share of the batches.
        batch: scenes in a batch.
        counts: relative share of scenes with one, two and three things.
    """

    size: Size
    weight: float
    batch: int
    counts: tuple[float, float, float]


@dataclass(frozen=True, slots=True)
class AutoencoderConfig:
    """Sizes and schedule of the autoencoder."""

    channels: tuple[int, ...] = (16, 32, 64)
    layers: int = 1
    latent_channels: int = 4
    steps: int = 3500
    batch: int = 24
    learning_rate: float = 2e-3
    kl_weight: float = 1e-6


@dataclass(frozen=True, slots=True)
class DenoiserConfig:
    """Sizes and schedule of the UNet and its two text encoders, trained together."""

    channels: tuple[int, ...] = (64, 128)
    layers: int = 2
    head_dim: int = 32
    text_width: int = 64
    text_layers: tuple[int, int] = (2, 2)
    time_embed_dim: int = 32
    steps: int = 30_000
    warmup: int = 300
    decay: float = 0.3  # the last share of the steps, over which the learning rate falls to zero
    learning_rate: float = 1e-3
    empty_captions: float = 0.1
    ema_decay: float = 0.999
    min_snr: float = 5.0


@dataclass(frozen=True, slots=True)
class Config:
    """Everything a training run is made from.

    Attributes:
        name: what the command line calls it.
        buckets: the diet of the autoencoder, and of the UNet's first `late_from` steps.
        late_buckets: the UNet's diet from there on; none means that `buckets` go on.
        late_from: the step at which the diet changes.
        autoencoder: the first stage.
        denoiser: the second stage.
        seed: every random choice follows from it.
        threads: CPU threads.
        device: what torch calls it.
    """

    name: str
    buckets: tuple[Bucket, ...]
    late_buckets: tuple[Bucket, ...] = ()
    late_from: int = 0
    autoencoder: AutoencoderConfig = field(default_factory=AutoencoderConfig)
    denoiser: DenoiserConfig = field(default_factory=DenoiserConfig)
    seed: int = 0
    threads: int = 2
    device: str = "cpu"

    def buckets_at(self, step: int) -> tuple[Bucket, ...]:
        """The UNet's diet at `step`."""
        return self.late_buckets if self.late_buckets and step >= self.late_from else self.buckets


# Small canvases first: they are cheap, teach colours and shapes, and are what a region's crop is.
_EARLY = (
    Bucket((32, 32), 0.38, 64, (1.0, 0.0, 0.0)),
    Bucket((48, 32), 0.08, 48, (0.7, 0.3, 0.0)),
    Bucket((32, 48), 0.08, 48, (0.7, 0.3, 0.0)),
    Bucket((48, 48), 0.12, 32, (0.6, 0.4, 0.0)),
    Bucket((64, 32), 0.06, 40, (0.4, 0.6, 0.0)),
    Bucket((32, 64), 0.06, 40, (0.4, 0.6, 0.0)),
    Bucket((64, 64), 0.18, 24, (0.3, 0.35, 0.35)),
    Bucket((96, 64), 0.02, 16, (0.2, 0.3, 0.5)),
    Bucket((96, 96), 0.02, 12, (0.2, 0.3, 0.5)),
)

# Then whole canvases: outlines of large things, and how many things there are.
_LATE = (
    Bucket((32, 32), 0.14, 64, (1.0, 0.0, 0.0)),
    Bucket((48, 32), 0.06, 48, (0.7, 0.3, 0.0)),
    Bucket((32, 48), 0.06, 48, (0.7, 0.3, 0.0)),
    Bucket((48, 48), 0.14, 32, (0.6, 0.4, 0.0)),
    Bucket((64, 32), 0.05, 40, (0.4, 0.6, 0.0)),
    Bucket((32, 64), 0.05, 40, (0.4, 0.6, 0.0)),
    Bucket((64, 64), 0.42, 24, (0.6, 0.2, 0.2)),
    Bucket((96, 64), 0.05, 16, (0.3, 0.3, 0.4)),
    Bucket((96, 96), 0.03, 12, (0.3, 0.3, 0.4)),
)


def _widened(buckets: tuple[Bucket, ...], factor: int) -> tuple[Bucket, ...]:
    return tuple(Bucket(b.size, b.weight, b.batch * factor, b.counts) for b in buckets)


CONFIGS = {
    "cpu": Config("cpu", _EARLY, _LATE, late_from=6500, denoiser=DenoiserConfig(steps=13_000)),
    "gpu": Config(
        "gpu",
        _widened(_EARLY, 8),
        _widened(_LATE, 8),
        late_from=10_000,
        autoencoder=AutoencoderConfig(channels=(32, 64, 128), steps=20_000, batch=128),
        denoiser=DenoiserConfig(channels=(96, 192), text_width=96, steps=40_000),
        device="cuda",
    ),
    "tiny": Config(
        "tiny",
        (Bucket((16, 16), 0.5, 4, (1.0, 0.0, 0.0)), Bucket((24, 16), 0.5, 4, (0.5, 0.5, 0.0))),
        autoencoder=AutoencoderConfig(channels=(8, 8, 8), steps=4, batch=4),
        denoiser=DenoiserConfig(
            channels=(16, 32), layers=1, head_dim=8, text_width=16, steps=6, warmup=1
        ),
        threads=1,
    ),
}
