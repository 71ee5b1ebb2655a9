"""Wording: the texts that a plan is drawn from. The one place where a scene becomes prose.

A region is told its own prompt, then the setting, then the style; what no region covers is told
setting and style alone, so that no thing of the plan comes up there a second time. Where a text
would be longer than the model reads at once, style and setting are shortened, phrase by phrase.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass

from rpg.plans.geometry import FULL, covered
from rpg.plans.plan import Plan
from rpg.plans.prompt_weights import read
from rpg.plans.scene import Scene, joined

__all__ = ["Wording", "worded"]

Fits = Callable[[str], bool]

_PHRASES = re.compile(r"[^\s,;](?:[^,;]*[^\s,;])?")


@dataclass(frozen=True, slots=True)
class Wording:
    """The texts of one plan, beside its `effective_base_prompt` and `effective_negative`.

    Attributes:
        regions: of every region in painting order; see `Plan.layers`.
        leftover: of what no region covers; empty where the base prompt is drawn there, as plans
            without a setting or style want it, or where nothing is left over.
        shortened: what had to be left out of which text, a sentence each.
    """

    regions: tuple[str, ...]
    leftover: str
    shortened: tuple[str, ...] = ()


def worded(plan: Plan, fits: Fits | None = None, *, empty: str = "") -> Wording:
    """The texts that a plan is drawn from.

    Args:
        plan: what is drawn.
        fits: whether the model reads a text at once; None: all are. A prompt that is too long in
            itself is left whole, and goes to the model in pieces.
        empty: what is told of leftover canvas by a scene of things that names neither setting nor
            style.
    """
    scene, texts, shortened = plan.scene, [], []
    for region in plan.layers():
        text, left_out = _fitted(region.prompt, scene, fits)
        texts.append(text)
        if left_out:
            shortened.append(f'region "{region.id}" is drawn without "{left_out}": no room for it')
    rest = joined(scene.setting, scene.style) or (empty if scene.things else "")
    leftover = rest if rest and plan.layers() and not _is_covered(plan) else ""
    return Wording(tuple(texts), leftover, tuple(shortened))


def _fitted(prompt: str, scene: Scene, fits: Fits | None) -> tuple[str, str]:
    """A region's text within what the model reads at once, and what was left out for it."""
    setting, style = scene.setting, scene.style
    text = joined(prompt, setting, style)
    if fits is None or text == prompt or fits(text) or not fits(prompt):
        return text, ""
    settings, styles = _phrases(setting), _phrases(style)
    gone: list[str] = []
    while (styles or settings) and not fits(_said(prompt, settings, styles)):
        gone.insert(0, (styles or settings).pop())
    return _said(prompt, settings, styles), ", ".join(gone)


def _said(prompt: str, settings: list[str], styles: list[str]) -> str:
    return joined(prompt, ", ".join(settings), ", ".join(styles))


def _phrases(text: str) -> list[str]:
    """The phrases of a text, each with its weights."""
    weighted = read(text)
    spans = [match.span() for match in _PHRASES.finditer(weighted.clean)]
    return [part.text for part in weighted.parts(spans)]


def _is_covered(plan: Plan) -> bool:
    """Whether regions cover the whole canvas; one with a painted mask counts for nothing."""
    return covered(FULL, [region.box for region in plan.layers() if region.mask is None])
