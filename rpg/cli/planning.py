"""The planner that the command line's planner flags ask for, and its plan while it is made."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from rpg.cli import console
from rpg.cli.loading import quietly
from rpg.cli.options import Fallback, PlannerKind, Recaption
from rpg.errors import ChatError, SettingsError
from rpg.events import Notice, Thinking
from rpg.planners import LLMPlanner, Planner, RulePlanner
from rpg.planners.base import plan_with_events

if TYPE_CHECKING:
    from rpg.chat import ChatModel, OpenAIChat
    from rpg.plans.plan import Plan


@dataclass(frozen=True)
class PlannerFlags:
    """The flags of the panel "Planner", as given."""

    planner: PlannerKind = "rules"
    model: str | None = None
    base_url: str | None = None
    recaption: Recaption | None = None
    fallback: Fallback | None = None
    no_cache: bool = False
    examples: str | None = None

    def check_unused(self) -> None:
        """Refuses flags where nothing is planned.

        Raises:
            SettingsError: Any is given.
        """
        if self != PlannerFlags():
            raise SettingsError("the plan is given already: leave out the planner's flags")

    def build(self) -> Planner:
        """The planner; nothing is asked yet, but where the model is left open.

        Raises:
            SettingsError: Flags that do not go together.
            ChatError: The language model cannot be found.
            ModelError: It cannot be loaded.
        """
        if self.planner == "rules":
            if self != PlannerFlags():
                raise SettingsError(
                    "the other planner flags are for language models: add --planner openai or local"
                )
            return RulePlanner()
        return LLMPlanner(
            self._chat(),
            recaption=self.recaption or "joint",
            fallback=self.fallback,
            cache=not self.no_cache,
            examples=examples_of(self.examples),
        )

    def _chat(self) -> ChatModel:
        if self.planner == "local":
            return self._loaded()
        from rpg.chat import ScriptedChat

        try:
            return hosted(self.model, self.base_url)
        except ChatError as error:
            if self.fallback is None:
                raise
            return ScriptedChat([error], name="the language model")  # so the plan tells of it

    def _loaded(self) -> ChatModel:
        if self.model is None:
            raise SettingsError("--planner local: name a folder or hub id with --planner-model")
        if self.base_url is not None:
            raise SettingsError("--base-url is for --planner openai")
        with quietly():
            from rpg.chat import LocalChat

            return LocalChat.from_pretrained(self.model)


def examples_of(text: str | None) -> int | Literal["auto"]:
    """How many worked examples a flag asks for.

    Raises:
        SettingsError: It is neither a number from 0 on nor "auto".
    """
    if text is None or text == "auto":
        return "auto"
    if not (text.isascii() and text.isdigit() and len(text) < 4):
        raise SettingsError(f"--planner-examples {text[:20]!r}: give a number from 0 on, or auto")
    return int(text)


def hosted(model: str | None, base_url: str | None) -> OpenAIChat:
    """The language model at an address that the user named, which gets the environment's key.

    Args:
        model: Its name; None: the only one that the endpoint has.
        base_url: None: `OPENAI_BASE_URL`, else OpenAI's.

    Raises:
        ChatError: The model cannot be found.
    """
    from rpg.chat import OpenAIChat
    from rpg.chat.hosted import operators_key

    if model is None:
        return OpenAIChat.found(base_url=base_url, api_key=operators_key())
    return OpenAIChat(model, base_url=base_url, api_key=operators_key())


def planned(planner: Planner, prompt: str) -> tuple[Plan, bool]:
    """The plan, and whether its reasoning was shown while it was made.

    Raises:
        RPGError: As the planner does.
    """
    aloud = _Aloud()
    try:
        plan = plan_with_events(planner, prompt, aloud.hear)
    finally:
        aloud.end_line()
    return plan, bool(aloud.said) and plan.reasoning in aloud.said


class _Aloud:
    """Says on stderr what a planner thinks, as it comes."""

    def __init__(self) -> None:
        self.said = ""  # since it last began anew
        self._open = False  # whether a line has begun

    def hear(self, event: Thinking | Notice) -> None:
        """Says what there is to say."""
        if isinstance(event, Notice):
            self.end_line()
            console.note(event.text)
        elif event.restart:
            self.end_line()
            self.said = ""
            console.say(event.text, style="yellow")
        elif event.text:
            console.say(event.text, style="dim", end="")
            self.said += event.text
            self._open = not event.text.endswith("\n")

    def end_line(self) -> None:
        """Whatever comes next stands on a line of its own."""
        if self._open:
            console.say("")
        self._open = False
