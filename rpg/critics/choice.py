"""Critics by name, for whoever reads names from a command line or a form."""

from __future__ import annotations

from rpg.chat.base import ChatModel
from rpg.critique import Critic
from rpg.errors import SettingsError

__all__ = ["CRITICS", "critic_named"]

CRITICS = ("toybox", "vlm", "none")


def critic_named(names: str, *, chat: ChatModel | None = None) -> Critic | None:
    """The critic of a name, or a vote of several: "toybox,vlm".

    Args:
        names: Of `CRITICS`, joined by commas.
        chat: The vision model that "vlm" asks.

    Returns:
        None for "none".

    Raises:
        SettingsError: There is no critic of the name, or "vlm" has no model to ask.
    """
    chosen = [name.strip().lower() for name in names.split(",")]
    for name in chosen:
        if name not in CRITICS or (name == "none" and len(chosen) > 1):
            known = ", ".join(CRITICS)
            raise SettingsError(f"no critic {name!r}: choose {known}, or several but none")
    critics = [_made(name, chat) for name in dict.fromkeys(chosen) if name != "none"]
    if len(critics) < 2:
        return critics[0] if critics else None
    from rpg.critics.vote import VotingCritic

    return VotingCritic(critics)


def _made(name: str, chat: ChatModel | None) -> Critic:
    if name == "toybox":
        from rpg.critics.toybox import ToyboxCritic

        return ToyboxCritic()
    if chat is None:
        raise SettingsError("the critic 'vlm' needs a vision model: say which one to ask")
    from rpg.critics.vlm import VLMCritic

    return VLMCritic(chat)
