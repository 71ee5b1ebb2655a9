"""From the command line's wishes to a running app."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

import gradio as gr

from rpg.chat.addresses import kind_of, literal
from rpg.diffusion.quiet import quiet_loading
from rpg.pipeline import RPGPipeline
from rpg.session import Sessions
from ui import look
from ui.adapters import Adapters
from ui.endpoints import EndpointPolicy
from ui.page import STYLE, page
from ui.planner_choice import PlannerChoice, PlannerKind
from ui.workshop import Workshop

__all__ = ["Serving", "running", "serve"]

_MOST_UPLOAD = "512mb"  # a zip of a long session of large pictures
_MOST_EVENTS = 1000  # that may wait; the model's own queue is shorter and says so in words


@dataclass(frozen=True)
class Serving:
    """What to serve and to whom; the fields are the command line's."""

    model: str | None = None
    planner: PlannerKind = "rules"
    planner_model: str = ""
    base_url: str = ""
    loras: str | None = None
    controlnets: tuple[str, ...] = ()
    dtype: str | None = None
    device: str | None = None
    host: str = "127.0.0.1"
    port: int | None = None
    auth: tuple[str, str] | None = field(default=None, repr=False)
    share: bool = False
    mcp: bool = False
    open_browser: bool = False
    sessions: str | None = None
    endpoints: tuple[str, ...] = ()
    allow_any_endpoint: bool = False

    @property
    def shared(self) -> bool:
        """Whether others than whoever started it may use the page."""
        address = literal(self.host)  # 0.0.0.0 lets everybody in, though it connects to loopback
        alone = kind_of(self.host) == "loopback" if address is None else address.is_loopback
        return self.share or self.auth is not None or not alone


def serve(wishes: Serving) -> None:
    """Loads the model and serves until Ctrl-C.

    Raises:
        RPGError: The model cannot be loaded, or the adapters are not there.
    """
    with running(wishes) as blocks:
        blocks.block_thread()


@contextmanager
def running(wishes: Serving) -> Iterator[gr.Blocks]:
    """The app, served for as long as the context lasts; `local_url` says where.

    Raises:
        RPGError: The model cannot be loaded, or the adapters are not there.
    """
    os.environ.setdefault("GRADIO_ANALYTICS_ENABLED", "False")
    shop = _workshop(wishes)
    blocks = page(shop)
    blocks.queue(max_size=_MOST_EVENTS, default_concurrency_limit=None)
    try:
        blocks.launch(
            server_name=wishes.host,
            server_port=wishes.port,
            auth=wishes.auth,
            share=wishes.share,
            mcp_server=wishes.mcp,
            inbrowser=wishes.open_browser,
            prevent_thread_lock=True,
            max_file_size=_MOST_UPLOAD,
            footer_links=["api", "settings"],
            run_history=False,
            ssr_mode=False,
            theme=look.theme(),
            css=STYLE,
        )
        yield blocks
    finally:
        blocks.close()
        shop.jobs.close()


def _workshop(wishes: Serving) -> Workshop:
    endpoints = EndpointPolicy.of(
        wishes.base_url,
        wishes.endpoints,
        shared=wishes.shared,
        allow_any=wishes.allow_any_endpoint,
    )
    adapters = Adapters.found(wishes.loras, wishes.controlnets)
    with quiet_loading():
        rpg = RPGPipeline.from_pretrained(wishes.model, dtype=wishes.dtype, device=wishes.device)
    choice = PlannerChoice(wishes.planner, wishes.planner_model, wishes.base_url)
    return Workshop(rpg, Sessions(wishes.sessions), choice, adapters, endpoints)
