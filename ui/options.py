"""The app's command line."""

from __future__ import annotations

import logging
from typing import Annotated, Literal

import typer
from pydantic import SecretStr

from rpg.environment import environment
from rpg.errors import RPGError, SettingsError

__all__ = ["app", "main"]


def main() -> None:
    """`python app.py`."""
    # What transformers misses here (torchvision) is never used: no need to tell the user.
    logging.getLogger("transformers.utils.import_utils").setLevel(logging.ERROR)
    app()


app = typer.Typer(add_completion=False, pretty_exceptions_enable=False)  # they show values


@app.command()
def _app(
    model: Annotated[
        str | None,
        typer.Option(help="Folder, .safetensors file or hub id. Default: RPG_MODEL, else Toybox."),
    ] = None,
    loras: Annotated[
        str | None,
        typer.Option(metavar="FOLDER", help="Offer the .safetensors files in it as LoRAs."),
    ] = None,
    controlnet: Annotated[
        list[str] | None,
        typer.Option(metavar="NAME=FOLDER_OR_ID", help="Offer a ControlNet; repeatable."),
    ] = None,
    planner: Annotated[
        Literal["rules", "openai"],
        typer.Option(help="rules: offline. openai: a language model behind OpenAI's API."),
    ] = "rules",
    planner_model: Annotated[
        str, typer.Option(help="Language model; default: the only one at the base URL.")
    ] = "",
    base_url: Annotated[
        str, typer.Option(metavar="URL", help="Where it is. Default: OPENAI_BASE_URL.")
    ] = "",
    planner_endpoint: Annotated[
        list[str] | None,
        typer.Option(
            metavar="NAME=URL",
            help="Offer an endpoint, whose key is in RPG_KEY_<NAME>; repeatable.",
        ),
    ] = None,
    allow_any_endpoint: Annotated[
        bool,
        typer.Option(
            "--allow-any-endpoint", help="Let visitors of a shared page type any base URL."
        ),
    ] = False,
    dtype: Annotated[
        Literal["auto", "float32", "float16", "bfloat16"], typer.Option(help="Numbers' format.")
    ] = "auto",
    device: Annotated[str | None, typer.Option(help="cuda, mps, cpu. Default: the best.")] = None,
    low_vram: Annotated[
        Literal["auto", "on", "off"],
        typer.Option(help="Save memory of the graphics card; auto: where it has too little."),
    ] = "auto",
    host: Annotated[str, typer.Option(help="0.0.0.0 lets other machines in.")] = "127.0.0.1",
    port: Annotated[
        int | None, typer.Option(min=0, max=65535, help="Default: the first free from 7860.")
    ] = None,
    allowed_host: Annotated[
        list[str] | None,
        typer.Option(
            metavar="NAME",
            help="Answer to this name, too, such as rpg.example.org behind a proxy; repeatable.",
        ),
    ] = None,
    auth: Annotated[
        str | None,
        typer.Option(metavar="USER:PASSWORD", help="Ask for these. Or RPG_AUTH, unseen by others."),
    ] = None,
    share: Annotated[bool, typer.Option(help="A public address, for three days.")] = False,
    mcp: Annotated[bool, typer.Option(help="Offer the API as MCP tools, too.")] = False,
    mcp_token: Annotated[
        str | None,
        typer.Option(
            metavar="TOKEN",
            help="Programs have to send it. Or RPG_MCP_TOKEN, unseen by others. With --auth "
            "and none, one is made and printed.",
        ),
    ] = None,
    open_browser: Annotated[
        bool, typer.Option("--open/--no-open", help="Open a browser window.")
    ] = False,
) -> None:
    """RPG in the browser: plan a picture, move its regions, draw it, change it in words."""
    from ui.server import Serving, serve

    try:
        said = environment()
        serve(
            Serving(
                model=model,
                loras=loras,
                controlnets=tuple(controlnet or ()),
                planner=planner,
                planner_model=planner_model,
                base_url=base_url,
                dtype=None if dtype == "auto" else dtype,
                device=device,
                low_vram=low_vram,
                host=host,
                port=port,
                allowed_hosts=tuple(allowed_host or ()),
                auth=_pair(auth or _secret(said.auth)),
                share=share,
                mcp=mcp,
                mcp_token=_checked_token(mcp_token or _secret(said.mcp_token)),
                open_browser=open_browser,
                endpoints=tuple(planner_endpoint or ()),
                allow_any_endpoint=allow_any_endpoint,
            )
        )
    except RPGError as error:
        typer.secho(str(error), fg="red", err=True)
        raise typer.Exit(2) from None


def _secret(held: SecretStr | None) -> str | None:
    return held.get_secret_value() if held is not None else None


def _checked_token(text: str | None) -> SecretStr | None:
    if text is None:
        return None
    if not text.isascii() or not text.isprintable() or " " in text or not text:
        raise SettingsError("--mcp-token: write letters, digits and signs without spaces")
    return SecretStr(text)


def _pair(text: str | None) -> tuple[str, str] | None:
    if text is None:
        return None
    user, colon, password = text.partition(":")
    if not (user and colon and password):
        raise SettingsError("--auth: write USER:PASSWORD")
    return user, password
