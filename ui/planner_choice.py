"""Which planner a tab has chosen, and the planner itself."""

from __future__ import annotations

import threading
from dataclasses import asdict, dataclass, field
from functools import partial
from typing import Literal, get_args

from pydantic import SecretStr

from rpg.errors import SettingsError
from rpg.planners import LLMPlanner, Planner, RulePlanner
from ui.endpoints import EndpointPolicy

__all__ = ["PLANNERS", "PlannerChoice", "PlannerKind"]

PlannerKind = Literal["rules", "openai"]
PLANNERS: tuple[PlannerKind, ...] = get_args(PlannerKind)


@dataclass(frozen=True)
class PlannerChoice:
    """A tab's planner.

    Attributes:
        kind: "rules", or "openai" for a language model behind OpenAI's API, hosted or local.
        model: Its name; empty takes the only one that the endpoint has.
        base_url: Where it is, an address or a name of the operator's list; empty takes the
            operator's own.
        key: The tab's own. It never shows.
        fallback: Whether the rule planner plans where the model gives nothing of use.
    """

    kind: PlannerKind = "rules"
    model: str = ""
    base_url: str = ""
    key: SecretStr = field(default=SecretStr(""), repr=False)
    fallback: bool = False

    def planner(self, endpoints: EndpointPolicy, cancel: threading.Event | None = None) -> Planner:
        """The planner. Where no model is named, the endpoint is asked which it has.

        Args:
            endpoints: Which addresses may be asked, and with whose key.
            cancel: Set, it ends every wait for the endpoint, now and while the planner is used.

        Raises:
            Cancelled: `cancel` was set.
            ChatError: The model cannot be found, the address or the key is none or not allowed.
            SettingsError: There is no such planner.
        """
        if self.kind == "rules":
            return RulePlanner()
        if self.kind != "openai":
            raise SettingsError(f"no planner {self.kind!r}: choose {' or '.join(PLANNERS)}")
        from rpg.chat import OpenAIChat

        route = endpoints.route(self.base_url, self.key)
        named = self.model.strip()
        make = partial(OpenAIChat, named) if named else OpenAIChat.found
        chat = make(**asdict(route), cancel=cancel)
        return LLMPlanner(chat, fallback="rules" if self.fallback else None)
