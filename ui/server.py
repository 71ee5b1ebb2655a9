"""From the command line's flags to a running app."""

from __future__ import annotations

import errno
import os
import secrets
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from urllib.parse import urlsplit

import gradio as gr
from gradio.routes import App
from pydantic import SecretStr
from starlette.types import ASGIApp

from rpg.diffusion.memory_plan import LowVram
from rpg.diffusion.quiet import quiet_loading
from rpg.errors import SettingsError
from rpg.pipeline import RPGPipeline
from rpg.session import Sessions
from ui import look
from ui.adapters import Adapters
from ui.api import Endpoints
from ui.endpoints import EndpointPolicy
from ui.guard import Access, Guard, Names, is_loopback
from ui.guard.bodies import MAX_UPLOAD_BYTES
from ui.mcp_server import McpServer
from ui.page import STYLE, page
from ui.planner_choice import PlannerChoice, PlannerKind
from ui.workshop import Workshop

__all__ = ["Serving", "running", "serve"]

_MOST_EVENTS = 1000  # that may wait; the model's own queue is shorter and says so in words
_LOGIN = "After three failed tries each further one has to wait, up to five minutes."
_MOST_TABS = 500  # that are remembered, at 0.4 MB each
_FIRST_PORT, _PORTS = 7860, 100


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
    low_vram: LowVram = "auto"
    host: str = "127.0.0.1"
    port: int | None = None
    allowed_hosts: tuple[str, ...] = ()
    auth: tuple[str, str] | None = field(default=None, repr=False)
    share: bool = False
    mcp: bool = False
    mcp_token: SecretStr | None = None
    open_browser: bool = False
    sessions: str | None = None
    endpoints: tuple[str, ...] = ()
    allow_any_endpoint: bool = False

    @property
    def shared(self) -> bool:
        """Whether others than whoever started it may use the page."""
        lets_others_in = self.share or self.auth is not None or bool(self.allowed_hosts)
        return lets_others_in or not is_loopback(self.host.strip("[]").lower())


class _GuardedApp(App):  # type: ignore[misc]
    """Gradio's app behind the guard, which is outside of all of its middlewares."""

    def __init__(self, access: Access, mcp: McpServer | None) -> None:
        super().__init__(default_response_class=gr.routes.ORJSONResponse)
        self._access, self._mcp = access, mcp

    def build_middleware_stack(self) -> ASGIApp:
        """Starlette's stack, within the guard."""
        return Guard(super().build_middleware_stack(), self._access, self, self._mcp)


def serve(wishes: Serving) -> None:
    """Loads the model and serves until Ctrl-C.

    Raises:
        RPGError: The model cannot be loaded, the adapters are not there, or the address or port
            cannot be had.
    """
    with running(wishes) as blocks:
        blocks.block_thread()


@contextmanager
def running(wishes: Serving) -> Iterator[gr.Blocks]:
    """The app, served for as long as the context lasts; `local_url` says where.

    Raises:
        RPGError: As in `serve`.
    """
    os.environ.setdefault("GRADIO_ANALYTICS_ENABLED", "False")
    names = Names.of(wishes.host, wishes.allowed_hosts)
    port = _free_port(wishes.host, wishes.port)
    shop = _workshop(wishes)
    ends = Endpoints(shop)
    token = _token(wishes)
    access = Access(names, login=wishes.auth is not None, token=token)
    mcp = McpServer(ends) if wishes.mcp else None
    blocks = page(shop, ends)
    blocks.queue(max_size=_MOST_EVENTS, default_concurrency_limit=None, api_open=False)
    try:
        _launch(blocks, wishes, port, _GuardedApp(access, mcp), mcp)
        if blocks.share_url:
            names.allowed.add(urlsplit(blocks.share_url).hostname or "")
        _tell(blocks, wishes, token)
        yield blocks
    finally:
        blocks.close()
        shop.jobs.close()


def _launch(blocks: gr.Blocks, wishes: Serving, port: int, app: App, mcp: McpServer | None) -> None:
    try:
        blocks.launch(
            server_name=wishes.host,
            server_port=port,
            auth=wishes.auth,
            auth_message=_LOGIN,
            share=wishes.share,
            mcp_server=False,
            inbrowser=wishes.open_browser,
            prevent_thread_lock=True,
            max_file_size=MAX_UPLOAD_BYTES,
            state_session_capacity=_MOST_TABS,
            footer_links=["api", "settings"],
            run_history=False,
            ssr_mode=False,
            theme=look.theme(),
            css=STYLE,
            app_kwargs={"lifespan": mcp.lifespan} if mcp is not None else None,
            _app=app,
        )
    except OSError as error:
        if "empty port" not in str(error):
            raise SettingsError(f"the page cannot be served: {error}") from None
        raise SettingsError(f"port {port} is taken: choose another with --port") from None
    except ValueError as error:
        if "localhost" not in str(error):
            raise
        raise SettingsError(
            "the page cannot reach itself on this machine: a proxy is in the way; set "
            "NO_PROXY=localhost,127.0.0.1 and try again"
        ) from None


def _tell(blocks: gr.Blocks, wishes: Serving, token: SecretStr | None) -> None:
    """What the operator has to know of MCP, on the terminal."""
    if not wishes.mcp:
        return
    address = f"{(blocks.share_url or blocks.local_url).rstrip('/')}/gradio_api/mcp/"
    print(f"* MCP tools at: {address}", flush=True)
    if token is not None and wishes.mcp_token is None:
        print(
            f"* They ask for `Authorization: Bearer {token.get_secret_value()}`, made for this "
            "run; choose your own with RPG_MCP_TOKEN",
            flush=True,
        )


def _token(wishes: Serving) -> SecretStr | None:
    """What programs log in with: a new one where a login leaves MCP clients no other way in."""
    if wishes.mcp_token is None and wishes.mcp and wishes.auth is not None:
        return SecretStr(secrets.token_urlsafe(24))
    return wishes.mcp_token


def _free_port(host: str, port: int | None) -> int:
    """A port that can be listened at.

    Raises:
        SettingsError: There is none, or the host is no address of this machine.
    """
    wanted = [port] if port is not None else range(_FIRST_PORT, _FIRST_PORT + _PORTS)
    for one in wanted:
        try:
            _try_port(host.strip("[]"), one)
        except socket.gaierror:
            raise SettingsError(f"--host {host!r:.100}: there is no such host") from None
        except OSError as error:
            if error.errno == errno.EADDRNOTAVAIL:
                raise SettingsError(
                    f"--host {host!r:.100}: this machine has no such address; 0.0.0.0 is all of its"
                ) from None
            if error.errno in (errno.EACCES, errno.EPERM):
                raise SettingsError(
                    f"port {one}: this user may not listen there; choose one above 1023 with --port"
                ) from None
        else:
            return one
    if port is not None:
        raise SettingsError(f"port {port} is taken: choose another with --port, or leave it out")
    last = _FIRST_PORT + _PORTS - 1
    raise SettingsError(f"the ports {_FIRST_PORT} to {last} are taken: choose one with --port")


def _try_port(host: str, port: int) -> None:
    """Listens for a moment, at the address and, as Gradio will, on loopback.

    Raises:
        OSError: That cannot be.
    """
    for address in dict.fromkeys([host, "127.0.0.1"]):
        found = socket.getaddrinfo(address, port, type=socket.SOCK_STREAM)[0]
        with socket.socket(found[0], socket.SOCK_STREAM) as probe:
            if os.name != "nt":  # where it would let a taken port pass
                probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            probe.bind(found[4])


def _workshop(wishes: Serving) -> Workshop:
    endpoints = EndpointPolicy.of(
        wishes.base_url,
        wishes.endpoints,
        shared=wishes.shared,
        allow_any=wishes.allow_any_endpoint,
    )
    adapters = Adapters.found(wishes.loras, wishes.controlnets)
    with quiet_loading():
        rpg = RPGPipeline.from_pretrained(
            wishes.model, dtype=wishes.dtype, device=wishes.device, low_vram=wishes.low_vram
        )
    choice = PlannerChoice(wishes.planner, wishes.planner_model, wishes.base_url)
    return Workshop(rpg, Sessions(wishes.sessions), choice, adapters, endpoints)
