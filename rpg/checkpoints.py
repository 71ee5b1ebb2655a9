"""What published checkpoints ask for, as data: few-step ones, tag-taught ones, and their names.

A name is the weakest evidence that there is: it counts only where neither the file's tensors nor
its metadata nor a configuration says anything, and whatever follows from it is told.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from rpg.settings import Scheduler

__all__ = [
    "DISTILLATIONS",
    "Distillation",
    "PredictionType",
    "Recognised",
    "distillation_named",
    "likes_tags",
    "prediction_named",
    "recognised_by_name",
    "steps_named",
    "zero_snr_named",
]

PredictionType = Literal["epsilon", "v_prediction", "sample"]


@dataclass(frozen=True)
class Distillation:
    """A way to fewer steps, as its authors say that it is to be sampled.

    Attributes:
        title: What it is called.
        name: Regular expression of the names that such files and repositories have.
        steps: Denoising steps where the name says none.
        guidance_scale: 1 or less for none.
        scheduler: As in `GenerationSettings`. Its steps are spaced from the end ("trailing").
        source: The model card that says so.
        side: Pixels across and down that it was taught at, where these are not the family's.
    """

    title: str
    name: str
    steps: int
    guidance_scale: float
    scheduler: Scheduler
    source: str
    side: int = 0


# The first whose name fits counts: special ones before those whose words they hold. A word stands
# alone or begins in a capital, as in `dreamshaperXL_lcm` and `v51HyperVAE`.
DISTILLATIONS: Mapping[str, Distillation] = {
    "dmd2": Distillation(
        "DMD2", r"(?<![A-Za-z])dmd2?(?![a-z])|DMD2?(?![a-z])", 4, 0.0, "lcm", "tianweiy/DMD2"
    ),
    "tcd": Distillation(
        "TCD", r"(?<![A-Za-z])tcd(?![a-z])|TCD(?![a-z])", 4, 0.0, "tcd", "h1t/TCD-SDXL-LoRA"
    ),
    "hyper-cfg": Distillation(
        "Hyper-SD with guidance",
        r"(?i:hyper[-_]?(sd|xl).*cfg)",
        8,
        5.0,
        "ddim",
        "ByteDance/Hyper-SD",
    ),
    "hyper": Distillation(
        "Hyper-SD",
        r"(?i:hyper[-_]?(sd|xl))|(?<![A-Za-z])hyper(?![a-z])|Hyper(?![a-z]|Real)",
        8,
        0.0,
        "ddim",
        "ByteDance/Hyper-SD",
    ),
    "lightning": Distillation(
        "SDXL Lightning", r"(?i:lightning)", 4, 0.0, "euler", "ByteDance/SDXL-Lightning"
    ),
    "lcm": Distillation(
        "LCM",
        r"(?<![A-Za-z])lcm(?![a-z])|LCM(?![a-z])",
        4,
        1.0,
        "lcm",
        "latent-consistency/lcm-lora-sdxl",
    ),
    "lcm-guided": Distillation(
        "LCM that is told its guidance", "", 4, 8.0, "lcm", "latent-consistency/lcm-sdxl"
    ),
    "sd-turbo": Distillation(
        "SD Turbo",
        r"(?i:(?<![a-z])sd[-_]?turbo)",
        4,
        0.0,
        "euler-a",
        "stabilityai/sd-turbo",
        side=512,
    ),
    "sdxl-turbo": Distillation(
        "SDXL Turbo",
        r"(?i:(?<![a-z])sd[-_]?xl[-_]?turbo)",
        4,
        0.0,
        "euler-a",
        "stabilityai/sdxl-turbo",
        side=512,
    ),
    "turbo": Distillation(
        "after SDXL Turbo", r"(?i:turbo)", 4, 0.0, "euler-a", "stabilityai/sdxl-turbo"
    ),
}
# Families of checkpoints whose own cards ask for Danbooru's tags.
_TAGS = re.compile(
    r"pony(?!tail)|illustrious|noob-?ai|animagine|autismmix|kohaku|waifu-?diffusion|anything-?v\d",
    re.IGNORECASE,
)
_PREDICTIONS: Mapping[PredictionType, re.Pattern[str]] = {
    "sample": re.compile(r"1step_x0", re.IGNORECASE),  # SDXL Lightning's
    "v_prediction": re.compile(r"v[-_ ]?pred(?!at)|768-?v|v2-1_768", re.IGNORECASE),
    "epsilon": re.compile(
        r"eps[-_ ]?pred|512-(base|inpainting)|v2-1_512|(?<![a-z])sd[-_]?turbo", re.IGNORECASE
    ),
}
_ZERO_SNR = re.compile(r"zt?[-_]?snr|zero[-_ ]terminal|noob-?ai.*v[-_ ]?pred", re.IGNORECASE)
_STEPS = re.compile(r"(?<!\d)(\d{1,2})[-_ ]?steps?", re.IGNORECASE)
_MOST_STEPS = 16  # of any that is published


@dataclass(frozen=True)
class Recognised:
    """What a model was taken for, and by what.

    Attributes:
        family: Key of the family that draws with it.
        pipeline: Class of the pipeline that a folder names; empty for a file.
        prediction_type: What its UNet predicts, as diffusers' schedulers call it.
        zero_terminal_snr: Whether it was taught on noise without a rest of the picture
            (arXiv 2305.08891).
        distillation: Key of `DISTILLATIONS`; empty for an ordinary model.
        steps: Denoising steps of a distilled one, else 0.
        inpainting: Whether its UNet sees a mask, in nine channels.
        likes: Whether it was taught with sentences or with lists of tags.
        side: Pixels across and down that it was taught at, where not the family's; else 0.
        variant: Of the weights that are read, such as "fp16"; None for the usual ones.
        own_scheduler: Whether the scheduler that comes with it is the one for it.
        scheduler_options: What the scheduler's configuration is given in place of its own values.
        evidence: What was found and by what, a phrase each.
        told: Those of them that the user has not asked for and may not expect.
    """

    family: str
    pipeline: str = ""
    prediction_type: str = "epsilon"
    zero_terminal_snr: bool = False
    distillation: str = ""
    steps: int = 0
    inpainting: bool = False
    likes: Literal["sentences", "tags"] = "sentences"
    side: int = 0
    variant: str | None = None
    own_scheduler: bool = False
    scheduler_options: Mapping[str, Any] = field(default_factory=dict)
    evidence: tuple[str, ...] = ()
    told: tuple[str, ...] = ()


def distillation_named(text: str) -> str:
    """The key of the distillation that a name speaks of; empty for none."""
    rows = DISTILLATIONS.items()
    return next((key for key, row in rows if row.name and re.search(row.name, text)), "")


def recognised_by_name(name: str) -> Recognised:
    """What a model's name alone says of its steps, where nothing of it can be read yet."""
    key = distillation_named(name)
    steps = steps_named(name, DISTILLATIONS[key].steps) if key else 0
    return Recognised("", distillation=key, steps=steps)


def steps_named(text: str, usual: int) -> int:
    """The steps that a name says, such as "sdxl_lightning_8step", else the usual ones."""
    found = _STEPS.search(text)
    said = int(found[1]) if found else 0
    return said if 1 <= said <= _MOST_STEPS else usual


def prediction_named(text: str) -> PredictionType | None:
    """What a model of that name predicts; None where it does not say."""
    return next((kind for kind, names in _PREDICTIONS.items() if names.search(text)), None)


def zero_snr_named(text: str) -> bool:
    """Whether a name says that the model knows pure noise."""
    return bool(_ZERO_SNR.search(text))


def likes_tags(text: str) -> bool:
    """Whether a name is of checkpoints that were taught with lists of tags."""
    return bool(_TAGS.search(text))
