"""Critics by name, for whoever reads names from a command line or a form.

A module of this package offers a critic by a constant `CHOICE`; nothing else has to know it.
"""

from __future__ import annotations

import pkgutil
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cache
from importlib import import_module

import rpg.critics
from rpg.chat.base import ChatModel
from rpg.critique import Critic
from rpg.errors import SettingsError

__all__ = ["NO_CRITIC", "CriticChoice", "asks_model", "choices", "critic_named", "named"]

NO_CRITIC = "none"


@dataclass(frozen=True)
class CriticChoice:
    """A critic that can be chosen by name.

    Attributes:
        name: In lower case, without commas.
        label: On forms.
        help: What it does, after its name in brackets.
        make: Makes it, of the language model chosen, which is None only where it asks none.
        asks_model: Whether it asks a language model that sees.
        world: Public name of the only model whose pictures it can judge; empty: any.
    """

    name: str
    label: str
    help: str
    make: Callable[[ChatModel | None], Critic]
    asks_model: bool = False
    world: str = ""

    def judges(self, model: str) -> bool:
        """Whether it can judge the pictures of a model of this public name."""
        return self.world in ("", model)


@cache
def choices() -> Mapping[str, CriticChoice]:
    """The critics of this package by name; those for one model's pictures come first."""
    modules = [
        import_module(f"rpg.critics.{module.name}")
        for module in pkgutil.iter_modules(rpg.critics.__path__)
        if not module.name.startswith("_")
    ]
    offered = [module.CHOICE for module in modules if hasattr(module, "CHOICE")]
    return {one.name: one for one in sorted(offered, key=lambda one: (not one.world, one.name))}


def named(names: str) -> list[CriticChoice]:
    """The critics of these names, joined by commas; empty for "none".

    Raises:
        SettingsError: There is no critic of the name.
    """
    chosen = list(dict.fromkeys(name.strip().lower() for name in names.split(",")))
    if chosen == [NO_CRITIC]:
        return []
    for name in chosen:
        if name not in choices():
            known = ", ".join([*choices(), NO_CRITIC])
            raise SettingsError(f"no critic {name!r}: choose {known}, or several but none")
    return [choices()[name] for name in chosen]


def asks_model(names: str) -> bool:
    """Whether one of the critics of these names asks a language model that sees.

    Raises:
        SettingsError: There is no critic of the name.
    """
    return any(one.asks_model for one in named(names))


def critic_named(names: str, *, chat: ChatModel | None = None) -> Critic | None:
    """The critic of a name, or a vote of several: "toybox,vlm".

    Args:
        names: Of `choices`, joined by commas.
        chat: The vision model, for critics that ask one.

    Returns:
        None for "none".

    Raises:
        SettingsError: There is no critic of the name, or no model for one that asks.
    """
    chosen = named(names)
    for one in chosen:
        if one.asks_model and chat is None:
            raise SettingsError(
                f"the critic {one.name!r} needs a vision model: say which one to ask"
            )
    critics = [one.make(chat) for one in chosen]
    if len(critics) < 2:
        return critics[0] if critics else None
    from rpg.critics.vote import VotingCritic

    return VotingCritic(critics)
