"""The endpoints for programs, called as programs call them, and as MCP tools."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path
from typing import Any

import httpx
import pytest
from gradio_client import Client, handle_file
from gradio_client.exceptions import AppError
from mcp import ClientSession
from mcp.client.streamable_http import streamable_http_client
from PIL import Image

from rpg import metadata
from rpg.planners import RulePlanner
from rpg.plans.overlay import shrink
from rpg.toybox.detector import detect
from tests.ui.conftest import PATIENCE, serving

PROMPT = "a red star above a blue circle"
TOOLS = {"plan", "generate", "edit", "refine", "review"}


@pytest.fixture(scope="module")
def url(tmp_path_factory: pytest.TempPathFactory) -> Any:
    """An app that offers MCP tools, too."""
    with serving(tmp_path_factory.mktemp("api"), "--mcp") as address:
        yield address


@pytest.fixture(scope="module")
def app(url: str) -> Client:
    kept = {"timeout": PATIENCE}
    return Client(url, verbose=False, analytics_enabled=False, httpx_kwargs=kept)


def things(path: str) -> list[tuple[str | None, str | None]]:
    with Image.open(path) as picture:
        own = shrink(picture.convert("RGB"), metadata.read(Path(path)).scale)
    return sorted((found.colour, found.name) for found in detect(own))


def test_plan_generate_edit_refine_review(app: Client) -> None:
    plan = app.predict(PROMPT, api_name="/plan")
    assert [region["prompt"] for region in plan["regions"]] == ["a red star", "a blue circle"]
    picture = app.predict(PROMPT, plan, 5, {"guidance_scale": 6.0}, api_name="/generate")
    assert things(picture) == [("blue", "circle"), ("red", "star")]
    record = metadata.read(picture)
    assert (record.settings.seed, record.settings.guidance_scale) == (5, 6.0)
    assert record.settings.num_inference_steps == 6  # a third of Toybox's: tests/conftest.py
    fast = app.predict(PROMPT, plan, 5, {"preset": "fast"}, api_name="/generate")
    assert metadata.read(fast).settings.num_inference_steps == 4
    assert json.loads(record.plan.to_json()) == plan

    edited = app.predict(handle_file(picture), "make the star green", 5, api_name="/edit")
    assert things(edited) == [("blue", "circle"), ("green", "star")]
    assert metadata.read(edited).plan.prompt == "a green star above a blue circle"
    assert app.predict(handle_file(edited), api_name="/review")["score"] == 1.0
    refined = app.predict(handle_file(edited), 1, api_name="/refine")
    assert Path(refined).read_bytes() == Path(edited).read_bytes()


def test_refining_draws_again_what_is_wrong(app: Client) -> None:
    wrong = app.predict(PROMPT, {"prompt": "a red star"}, 3, api_name="/generate")
    record = metadata.read(wrong)
    plan = RulePlanner().plan(PROMPT)
    settings = record.settings.updated({"width": 256, "height": 256})
    with Image.open(wrong) as image:
        path = metadata.save(
            image,
            Path(wrong).with_name("wrong.png"),
            record.model_copy(update={"plan": plan, "settings": settings}),
            enlarged=True,
        )
    before = app.predict(handle_file(str(path)), api_name="/review")
    assert not all(finding["holds"] for finding in before["findings"])
    refined = app.predict(handle_file(str(path)), 4, api_name="/refine")
    assert app.predict(handle_file(refined), api_name="/review")["score"] > before["score"]


@pytest.mark.parametrize(
    ("name", "arguments", "said"),
    [
        ("/plan", ["  "], "the prompt is empty"),
        ("/generate", [PROMPT, None, 2**70], "seed"),
        ("/generate", [PROMPT, None, 1, {"steps": 3}], "steps: is not a setting"),
        ("/generate", [PROMPT, None, 1, {"preset": ["fast"]}], "one of fast"),
        ("/generate", [PROMPT, {"prompt": "x", "regions": "y"}], "regions"),
        ("/edit", [None, "make the star green"], "no picture"),
        ("/refine", [None, 101], "rounds"),
        ("/refine", [None, 1, -5], "seconds"),
    ],
)
def test_what_cannot_be_is_said(app: Client, name: str, arguments: list[Any], said: str) -> None:
    with pytest.raises(AppError, match=said):
        app.predict(*arguments, api_name=name)


def test_a_picture_without_a_plan_is_refused_in_words(app: Client, tmp_path: Path) -> None:
    Image.new("RGB", (64, 64)).save(tmp_path / "bare.png")
    (tmp_path / "text.png").write_text("no picture")
    for name in ("bare.png", "text.png"):
        with pytest.raises(AppError) as refused:
            app.predict(handle_file(str(tmp_path / name)), "make it red", api_name="/edit")
        assert "Traceback" not in str(refused.value) and len(str(refused.value)) < 300


def test_nothing_else_is_offered(app: Client) -> None:
    offered = app.view_api(return_format="dict", print_info=False)
    assert set(offered["named_endpoints"]) == {f"/{name}" for name in TOOLS}
    assert not offered["unnamed_endpoints"]


def test_mcp_tools(url: str) -> None:
    async def used() -> tuple[set[str], Any]:
        async with (
            httpx.AsyncClient(timeout=PATIENCE) as http,
            streamable_http_client(f"{url}/gradio_api/mcp/", http_client=http) as (
                reading,
                writing,
                _,
            ),
            ClientSession(reading, writing) as client,
        ):
            await client.initialize()
            tools = {tool.name for tool in (await client.list_tools()).tools}
            words = {"prompt": PROMPT, "seed": 3, "settings": {"num_inference_steps": 4}}
            return tools, await client.call_tool("generate", words)

    tools, answer = asyncio.run(used())
    assert tools == TOOLS
    assert not answer.isError, answer
    assert "image" in {part.type for part in answer.content}
