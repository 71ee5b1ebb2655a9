"""Every form that a plan is written in, and which of them a text is."""

from __future__ import annotations

from collections.abc import Callable

from rpg.dialects import comfyui, forge_couple, regional_prompter
from rpg.plans.exports import Exported, flux_json, ideogram_json
from rpg.plans.plan import Plan

__all__ = ["FORMS", "read"]

FORMS: dict[str, Callable[[Plan], Exported]] = {
    "json": lambda plan: Exported(plan.to_json()),
    "text": lambda plan: Exported(plan.to_rpg_text()),
    "flux": lambda plan: Exported(flux_json(plan)),
    "ideogram": lambda plan: Exported(ideogram_json(plan)),
    "comfyui": comfyui.write,
    "regional-prompter": regional_prompter.write,
    "forge-couple": forge_couple.write,
}
"""How a plan can be written: our own JSON, the official text form, and other tools' words."""


def read(text: str) -> Plan:
    """The plan in a text: our own JSON, or what other tools read of those in `FORMS`.

    Raises:
        PlanError: it is none of them, or holds no plan; says where.
    """
    if text.lstrip().startswith("{"):
        return comfyui.read(text) if comfyui.is_workflow(text) else Plan.from_json(text)
    if forge_couple.is_prompt(text):
        return forge_couple.read(text)
    if regional_prompter.is_prompt(text):
        return regional_prompter.read(text)
    return Plan.from_json(text)
