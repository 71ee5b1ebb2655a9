"""What the panels of a page have in common: the prompt, the plan, the planner, the place."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import gradio as gr
from pydantic import SecretStr

from ui.endpoints import EndpointPolicy
from ui.plan_book import PlanBook
from ui.planner_choice import PlannerChoice
from ui.settings_form import SettingsForm
from ui.workshop import Workshop

__all__ = ["Place", "PlannerForm", "Shared"]


@dataclass(frozen=True, slots=True)
class Place:
    """Where a tab is.

    Attributes:
        session: Id of its session; empty before the first picture.
        turn: The turn that it looks at.
        news: Counts what happened, so that panels look again.
    """

    session: str = ""
    turn: int | None = None
    news: int = 0

    def at(self, session: str, turn: int | None) -> Place:
        """Another place, or the same one with something new to see."""
        return replace(self, session=session, turn=turn, news=self.news + 1)


class PlannerForm:
    """The fields that choose a planner; the key lives in the tab alone.

    Attributes:
        fields: Components, not yet on the page: kind, model, base URL, key, fallback. As
            inputs of a listener their values go to `chosen`.
    """

    def __init__(self, default: PlannerChoice, endpoints: EndpointPolicy) -> None:
        """Make the fields."""
        self.kind = gr.Radio(
            [("Rules (offline, no key)", "rules"), ("Language model", "openai")],
            value=default.kind,
            label="Planner",
            elem_id="planner-kind",
            render=False,
        )
        self.model = gr.Textbox(
            default.model,
            label="Model",
            info="Its name at the endpoint; empty takes the only one that it has",
            elem_id="planner-model",
            render=False,
        )
        self.base_url = _address(default, endpoints)
        self.key = gr.Textbox(
            label="Key",
            info="Stays in this tab; it is never stored or written down",
            type="password",
            elem_id="planner-key",
            render=False,
        )
        self.fallback = gr.Checkbox(
            default.fallback,
            label="Plan by rules where the model gives no plan",
            elem_id="planner-fallback",
            render=False,
        )
        self.fields = [self.kind, self.model, self.base_url, self.key, self.fallback]

    @staticmethod
    def chosen(kind: Any, model: str, base_url: str, key: str, fallback: bool) -> PlannerChoice:
        """The choice that the fields' values make."""
        return PlannerChoice(kind, model, base_url or "", SecretStr(key or ""), bool(fallback))


def _address(default: PlannerChoice, endpoints: EndpointPolicy) -> gr.Textbox | gr.Dropdown:
    """Where a language model is: typed, or chosen where visitors may not type."""
    names = [name for name, _ in endpoints.listed]
    if not endpoints.free:
        return gr.Dropdown(
            [("The page's own", ""), *((name, name) for name in names)],
            value="",
            label="Endpoint",
            info="Where the language model is",
            elem_id="planner-endpoint",
            render=False,
        )
    offered = f", or {', '.join(names)}" if names else ""
    own = "the page's own" if endpoints.base_url else "OpenAI's"
    return gr.Textbox(
        default.base_url,
        label="Base URL",
        info=f"Such as http://localhost:11434/v1{offered}; empty is {own}",
        elem_id="planner-url",
        render=False,
    )


@dataclass(frozen=True)
class Shared:
    """Components that more than one panel listens to.

    Attributes:
        shop: Does the work.
        prompt: What the picture should show; made here, put on the page by the compose panel.
        planner: Likewise.
        settings: Likewise, by the generate panel.
        book: A `PlanBook`; whoever changes the plan changes this, and all panels follow its
            `change` event.
        place: A `Place`; likewise.
        selected: The tabs of the page, to go to "create", "refine" or "sessions".
    """

    shop: Workshop
    prompt: gr.Textbox
    planner: PlannerForm
    settings: SettingsForm
    book: gr.State
    place: gr.State
    selected: gr.Tabs

    @classmethod
    def of(cls, shop: Workshop, selected: gr.Tabs) -> Shared:
        """Made inside the page's `gr.Blocks`."""
        prompt = gr.Textbox(
            label="Prompt",
            lines=3,
            max_lines=8,
            placeholder="What should be in the picture? Name things, colours, places, counts.",
            elem_id="prompt",
            render=False,
        )
        return cls(
            shop=shop,
            prompt=prompt,
            planner=PlannerForm(shop.planner, shop.endpoints),
            settings=SettingsForm(shop.rpg.defaults),
            book=gr.State(PlanBook()),
            place=gr.State(Place()),
            selected=selected,
        )
