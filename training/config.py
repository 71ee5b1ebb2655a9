"""The sizes of Toybox's models and the schedules they are trained on, as data."""

from __future__ import annotations

from dataclasses import dataclass, field, replace

MOST_THINGS = 3  # of a scene that training shows

Size = tuple[int, int]  # width, height in pixels


@dataclass(frozen=True, slots=True)
class Bucket:
    """One canvas size: how often a batch uses it, how large the batch is, how many things it holds.

    Attributes:
        size: width and height in pixels.
        weight: relative share of the batches.
        batch: scenes in a batch.
        counts: relative share of scenes with one, two and three things.
        margin: pixels by which the scenes are wider and higher than the canvas, which shows a part
            of them; the UNet is told which.
        empty: relative share of scenes with no thing, beside `counts`.
    """

    size: Size
    weight: float
    batch: int
    counts: tuple[float, float, float]
    margin: int = 0
    empty: float = 0.0


@dataclass(frozen=True, slots=True)
class Crop:
    """A square part of a square scene: what the autoencoder learns from.

    Attributes:
        canvas: side of the scene in pixels.
        side: side of the part in pixels.
        weight: relative share of the batches.
        batch: parts in a batch.
        counts: how many things the scenes hold, equally often.
    """

    canvas: int
    side: int
    weight: float
    batch: int
    counts: tuple[int, ...] = (1,)


_CROPS = (
    Crop(128, 96, 0.6, 8),
    Crop(128, 128, 0.3, 5),
    Crop(256, 192, 0.07, 2, (2, 3)),
    Crop(256, 256, 0.03, 1, (1, 2, 3)),
)


@dataclass(frozen=True, slots=True)
class AutoencoderConfig:
    """Sizes and schedule of the autoencoder.

    Attributes:
        channels: of each level; every one but the last halves the picture's sides.
        layers: residual blocks of a level; the decoder has one more.
        latent_channels: channels of the latents.
        crops: its diet.
        steps: how long it is trained.
        warmup: steps until the learning rate is full.
        decay: the last share of the steps, over which the learning rate falls to zero.
        learning_rate: at its height.
        ema_decay: of the moving average of the weights.
        noise: what is added to the latents before they are decoded, in their deviations.
        pull: weight of the latents' own size in the loss, which keeps them from growing.
    """

    channels: tuple[int, ...] = (16, 32, 64, 128)
    layers: int = 1
    latent_channels: int = 4
    crops: tuple[Crop, ...] = _CROPS
    steps: int = 16_000
    warmup: int = 1000
    decay: float = 0.3
    learning_rate: float = 4e-4
    ema_decay: float = 0.998
    noise: float = 0.05
    pull: float = 1e-5


@dataclass(frozen=True, slots=True)
class DenoiserConfig:
    """Sizes and schedule of the UNet and its two text encoders, trained together.

    Attributes:
        channels: of each level; the first has no attention.
        layers: residual blocks of a level, each with its attention; the way up has one more.
        transformer_layers: of each attention, one number for all levels or one for each.
        head_dim: channels of an attention head.
        text_width: channels of each text encoder.
        text_layers: layers of each text encoder.
        time_embed_dim: channels of each number of the size conditioning.
        steps: how long it is trained.
        seconds: how long it is trained where the clock decides, at most `steps`; 0: it does not.
        warmup: steps until the learning rate is full.
        decay: the last share of the steps or seconds, over which the learning rate falls to zero.
        learning_rate: at its height.
        relative_rate: the same as a share of each tensor's size, in its place; 0: one rate for all.
        lower_half: how much higher relative rates are on the UNet's last level and in its middle.
        attention_supervision: weight of the loss on which words each thing's cells attend to.
        empty_captions: share of the captions that are left out, for guidance.
        place_captions: share of the captions that name the place alone; what the things of such a
            scene cover does not count then. So the canvas around them is learnt beside things, as
            composition draws it.
        ema_decay: of the moving average of the weights.
        pool: batches whose latents are kept on disk and come again with other noise and other
            words; 0 keeps none.
    """

    channels: tuple[int, ...] = (64, 128)
    layers: int = 2
    transformer_layers: int | tuple[int, ...] = 1
    head_dim: int = 32
    text_width: int = 64
    text_layers: tuple[int, int] = (2, 2)
    time_embed_dim: int = 32
    steps: int = 30_000
    seconds: float = 0.0
    warmup: int = 300
    decay: float = 0.3
    learning_rate: float = 1e-3
    relative_rate: float = 0.0
    lower_half: float = 1.0
    attention_supervision: float = 0.0
    empty_captions: float = 0.1
    place_captions: float = 0.0
    ema_decay: float = 0.999
    pool: int = 0


def schedule(
    step: int, config: AutoencoderConfig | DenoiserConfig, *, began: int = 0, past: float = 0.0
) -> float:
    """Share of the learning rate at `step`: warm-up from `began`, plateau, linear fall to zero.

    `past` is the share of the time that is over, where the clock decides.
    """
    left = max(0.0, 1 - max(step / config.steps, past))
    return min(1.0, (step - began + 1) / config.warmup, left / max(config.decay, 1 / config.steps))


@dataclass(frozen=True, slots=True)
class LatentBufferConfig:
    """How a buffer of latents in the device's memory is refreshed.

    Attributes:
        workers: processes that draw scenes.
        size: scenes that are kept of each bucket; new ones take the place of the oldest.
        reuse: how often a scene is seen, on average, before it has to make place.
        chunk: scenes that a worker hands over at a time, all of one bucket.
        captions: of each scene; one of them goes with it each time.
    """

    workers: int
    size: int
    reuse: int = 4
    chunk: int = 64
    captions: int = 2


@dataclass(frozen=True, slots=True)
class Config:
    """Everything a training run is made from.

    Attributes:
        name: what the command line calls it.
        buckets: the UNet's diet in its first `late_from` steps; the latents' mean and deviation
            are measured on it.
        late_buckets: the UNet's diet from there on; none means that `buckets` go on.
        late_from: the step at which the diet changes.
        judged: canvases on which the autoencoder's reconstructions are measured.
        autoencoder: the first stage.
        denoiser: the second stage.
        seed: every random choice follows from it.
        threads: CPU threads.
        device: what torch calls it.
        bfloat16: whether passes run in bfloat16 where torch's autocast thinks it safe.
        save_every: seconds between checkpoints.
        latent_buffer: of scenes in the device's memory; none where latents are kept on disk.
        watched: canvas and number of the pictures that are drawn at every checkpoint.
    """

    name: str
    buckets: tuple[Bucket, ...]
    late_buckets: tuple[Bucket, ...] = ()
    late_from: int = 0
    judged: tuple[Bucket, ...] = (Bucket((256, 256), 1.0, 8, (0.3, 0.3, 0.4)),)
    autoencoder: AutoencoderConfig = field(default_factory=AutoencoderConfig)
    denoiser: DenoiserConfig = field(default_factory=DenoiserConfig)
    seed: int = 0
    threads: int = 2
    device: str = "cpu"
    bfloat16: bool = False
    save_every: float = 300.0
    latent_buffer: LatentBufferConfig | None = None
    watched: tuple[Size, int] = ((128, 128), 24)

    def buckets_at(self, step: int) -> tuple[Bucket, ...]:
        """The UNet's diet at `step`."""
        return self.late_buckets if self.late_buckets and step >= self.late_from else self.buckets


# Small canvases first: they are cheap, teach things, colours and fills, and are what a region's
# crop is.
_EARLY = (
    Bucket((96, 96), 0.3, 42, (1.0, 0.0, 0.0)),
    Bucket((128, 128), 0.36, 24, (1.0, 0.0, 0.0)),
    Bucket((160, 128), 0.06, 20, (1.0, 0.0, 0.0)),
    Bucket((128, 160), 0.06, 20, (1.0, 0.0, 0.0)),
    Bucket((192, 128), 0.05, 16, (0.7, 0.3, 0.0)),
    Bucket((128, 192), 0.05, 16, (0.7, 0.3, 0.0)),
    Bucket((256, 128), 0.05, 12, (0.7, 0.3, 0.0)),
    Bucket((128, 256), 0.05, 12, (0.7, 0.3, 0.0)),
    Bucket((256, 256), 0.06, 6, (0.4, 0.3, 0.3)),
)

# Then larger canvases and more things: how many there are, what belongs to which, and where. A
# model that knows small canvases alone draws its thing on a large one several times.
_LATE = (
    Bucket((128, 128), 0.16, 24, (1.0, 0.0, 0.0)),
    Bucket((160, 128), 0.02, 20, (1.0, 0.0, 0.0)),
    Bucket((128, 160), 0.02, 20, (1.0, 0.0, 0.0)),
    Bucket((192, 128), 0.09, 16, (0.5, 0.5, 0.0)),
    Bucket((128, 192), 0.09, 16, (0.5, 0.5, 0.0)),
    Bucket((256, 128), 0.08, 12, (0.55, 0.45, 0.0)),
    Bucket((128, 256), 0.08, 12, (0.55, 0.45, 0.0)),
    Bucket((192, 192), 0.08, 10, (0.45, 0.45, 0.1)),
    Bucket((384, 128), 0.01, 8, (0.5, 0.3, 0.2)),
    Bucket((128, 384), 0.01, 8, (0.5, 0.3, 0.2)),
    Bucket((128, 128), 0.02, 24, (0.7, 0.3, 0.0), margin=64),
    Bucket((256, 256), 0.34, 6, (0.4, 0.4, 0.2)),
)


# A GPU takes large batches, and draws whole canvases from the start.
_WIDE = (
    Bucket((128, 128), 0.14, 1536, (1.0, 0.0, 0.0)),
    Bucket((160, 128), 0.02, 1344, (1.0, 0.0, 0.0)),
    Bucket((128, 160), 0.02, 1344, (1.0, 0.0, 0.0)),
    Bucket((192, 128), 0.07, 1152, (0.6, 0.4, 0.0)),
    Bucket((128, 192), 0.07, 1152, (0.6, 0.4, 0.0)),
    Bucket((256, 128), 0.08, 960, (0.6, 0.4, 0.0)),
    Bucket((128, 256), 0.08, 960, (0.6, 0.4, 0.0)),
    Bucket((192, 192), 0.08, 960, (0.45, 0.45, 0.1)),
    Bucket((384, 128), 0.01, 768, (0.5, 0.3, 0.2)),
    Bucket((128, 384), 0.01, 768, (0.5, 0.3, 0.2)),
    Bucket((128, 128), 0.02, 1536, (0.7, 0.3, 0.0), margin=64),
    Bucket((256, 256), 0.4, 672, (0.35, 0.45, 0.2)),
)

# On from an export, where what is left to learn is how many things there are and which word is for
# which: one thing on long canvases, one or two on whole ones, and none where only a place is named,
# as it is for the canvas that a plan's regions leave.
_EXACT_COUNTS = (
    Bucket((128, 128), 0.16, 64, (1.0, 0.0, 0.0), empty=0.09),
    Bucket((192, 128), 0.03, 40, (0.4, 0.6, 0.0), empty=0.18),
    Bucket((128, 192), 0.03, 40, (0.4, 0.6, 0.0), empty=0.18),
    Bucket((256, 128), 0.07, 32, (0.6, 0.4, 0.0), empty=0.18),
    Bucket((128, 256), 0.07, 32, (0.6, 0.4, 0.0), empty=0.18),
    Bucket((256, 160), 0.04, 24, (0.7, 0.3, 0.0), empty=0.18),
    Bucket((160, 256), 0.04, 24, (0.7, 0.3, 0.0), empty=0.18),
    Bucket((192, 192), 0.05, 28, (0.3, 0.7, 0.0), empty=0.18),
    Bucket((256, 256), 0.46, 16, (0.35, 0.5, 0.15), empty=0.15),
    Bucket((384, 256), 0.02, 10, (0.4, 0.4, 0.2), empty=0.3),
    Bucket((256, 384), 0.02, 10, (0.4, 0.4, 0.2), empty=0.3),
    Bucket((384, 384), 0.01, 6, (0.4, 0.4, 0.2), empty=0.4),
)
_WIDE_CROPS = tuple(replace(one, batch=8 * one.batch) for one in _CROPS)

_SHIPPED = DenoiserConfig(
    channels=(64, 128, 192),
    layers=1,
    transformer_layers=(1, 2, 3),
    text_width=128,
    steps=100_000,
    seconds=1_400,
    warmup=300,
    decay=0.8,
)
_ONWARDS = replace(
    _SHIPPED,
    relative_rate=0.0025,
    lower_half=2.0,
    attention_supervision=0.02,
    place_captions=0.07,
    warmup=50,
)
_GPU = Config(
    "gpu",
    _WIDE,
    autoencoder=AutoencoderConfig(crops=_WIDE_CROPS, steps=6_000),
    denoiser=_SHIPPED,
    device="cuda",
    bfloat16=True,
    save_every=60.0,
    latent_buffer=LatentBufferConfig(workers=14, size=102_400, reuse=20, chunk=128),
    watched=((256, 256), 24),
)

CONFIGS = {
    "full": Config(
        "full",
        _EARLY,
        _LATE,
        late_from=19_500,
        autoencoder=AutoencoderConfig(steps=6_000),  # 30 dB are there after 1,700
        denoiser=DenoiserConfig(
            channels=(64, 128, 192),
            layers=1,
            text_width=128,
            steps=54_000,
            warmup=500,
            decay=0.78,
            pool=2400,
        ),
        bfloat16=True,
    ),
    "gpu": _GPU,
    "onwards": Config(
        "onwards",
        _EXACT_COUNTS,
        denoiser=replace(_ONWARDS, seconds=5_600, decay=0.7, ema_decay=0.998, pool=600),
        bfloat16=True,
        watched=((256, 256), 24),
    ),
    "gpu-onwards": replace(_GPU, name="gpu-onwards", denoiser=_ONWARDS),
    "tiny": Config(
        "tiny",
        (
            Bucket((64, 64), 0.4, 4, (1.0, 0.0, 0.0)),
            Bucket((96, 64), 0.4, 4, (0.5, 0.5, 0.0)),
            Bucket((64, 64), 0.2, 4, (1.0, 0.0, 0.0), margin=32),
        ),
        judged=(Bucket((64, 64), 1.0, 2, (1.0, 0.0, 0.0)),),
        autoencoder=AutoencoderConfig(
            channels=(8, 8, 8, 8), crops=(Crop(64, 48, 1.0, 2),), steps=4, warmup=1
        ),
        denoiser=DenoiserConfig(
            channels=(16, 16, 32), layers=1, head_dim=8, text_width=16, steps=6, warmup=1, pool=4
        ),
        threads=1,
        watched=((64, 64), 2),
    ),
}
