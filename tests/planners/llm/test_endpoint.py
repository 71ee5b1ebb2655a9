"""The planner at a real endpoint on loopback, from Python and from the command line."""

from __future__ import annotations

import json
import logging
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner, Result

from rpg import metadata
from rpg.chat import OpenAIChat, Timeouts
from rpg.cli import app
from rpg.errors import ChatAccessError, ChatError, PlanError
from rpg.events import Planned, Thinking
from rpg.planners import LLMPlanner, PlanCache
from rpg.plans.plan import Plan
from tests.chat.server import PLAYS, Asked, ChatServer, Reply, serving
from tests.planners.llm.helpers import PROMPT, said
from tests.tiny import tiny_sdxl

KEY = "sk-test-0f9e8d7c6b5a43210fedcba"
QUICK = Timeouts(connect=30, silence=30, total=60, retries=1, longest_wait=0.1, backoff=0.01)
Play = Callable[[Asked], Reply]


def thinking(text: str) -> Play:
    return lambda asked: Reply(text, thoughts="Let me look.")


def at_first(first: str, then: str) -> Play:
    return lambda asked: Reply(then if "cannot be used" in asked.text else first)


MINE: dict[str, Play] = {
    "plans": thinking(said(entities=[], shape="square", colour="red", side=3)),
    "plans-in-a-fence": thinking(f"<think>two</think>Here:\n```json\n{said()}\n```\n"),
    "forgets-a-box": at_first(said(regions=[{"id": "a", "prompt": "star circle"}]), said()),
    "never-plans": lambda asked: Reply("I would put the star on top."),
    "plans-slowly": lambda asked: Reply(said(reasoning="Wait. " * 500), pause=0.02),
}


@pytest.fixture(scope="module")
def server() -> Iterator[ChatServer]:
    with serving() as running:
        yield running


@pytest.fixture(autouse=True)
def _plays(monkeypatch: pytest.MonkeyPatch) -> None:
    for name, play in MINE.items():
        monkeypatch.setitem(PLAYS, name, play)
    monkeypatch.setenv("OPENAI_API_KEY", KEY)
    monkeypatch.delenv("OPENAI_BASE_URL", raising=False)
    monkeypatch.setenv("COLUMNS", "150")


def at(server: ChatServer, play: str, **words: Any) -> LLMPlanner:
    chat = OpenAIChat(server.fresh(play), base_url=server.url, api_key=KEY, timeouts=QUICK)
    return LLMPlanner(chat, **words)


@pytest.mark.parametrize("play", ["plans", "plans-in-a-fence", "forgets-a-box"])
def test_a_plan_from_an_endpoint(server: ChatServer, play: str) -> None:
    made = at(server, play)
    plan = made.plan(PROMPT)
    assert [region.id for region in plan.regions] == ["star-1", "circle-1"]
    assert plan.source == made.chat.name
    (first, *more) = server.asked(made.chat.name)
    assert PROMPT in first.text
    assert first.format == "json_schema"
    assert bool(more) == (play == "forgets-a-box")


def test_it_streams(server: ChatServer) -> None:
    events = list(at(server, "plans").stream(PROMPT))
    text = "".join(event.text for event in events if isinstance(event, Thinking))
    assert text == "Let me look.\nThe star is above the circle: two rows.\n"
    assert isinstance(events[-1], Planned)


def test_closing_the_stream_hangs_up(server: ChatServer) -> None:
    made = at(server, "plans-slowly")
    events = made.stream(PROMPT)
    assert any(isinstance(event, Thinking) and event.text for event in events)
    events.close()
    assert server.left_alone(made.chat.name, within=5)


PLAYED = ["plans", "never-plans", "unauthorised", "no-model", "refuses", "filtered", "failing",
          "truncated", "busy-for-hours", "garbage", "drops", "too-long", "blank"]  # fmt: skip


@pytest.mark.parametrize("play", PLAYED)
def test_the_key_appears_nowhere(
    server: ChatServer, play: str, caplog: pytest.LogCaptureFixture, _own_cache_folder: Path
) -> None:
    caplog.set_level(logging.DEBUG)
    made = at(server, play)
    seen = [repr(made.chat)]
    try:
        seen.append(made.plan(PROMPT).to_json())
    except (ChatError, PlanError) as error:
        reason: BaseException | None = error
        while reason is not None:
            seen += [str(reason), repr(reason), repr(vars(reason))]
            reason = reason.__cause__ or reason.__context__
    stood_in = at(server, play, fallback="rules").plan(PROMPT)
    seen += [stood_in.to_json(), caplog.text]
    assert all(KEY not in text and KEY[8:] not in text for text in seen)
    for file in _own_cache_folder.rglob("*"):
        assert not file.is_file() or KEY.encode() not in file.read_bytes()
    assert any(asked.headers.get("authorization", "").endswith(KEY)
               for asked in server.asked(made.chat.name))  # fmt: skip


def test_nothing_of_the_endpoint_is_in_the_cache(server: ChatServer, tmp_path: Path) -> None:
    cache = PlanCache(tmp_path)
    at(server, "plans", cache=cache).plan(PROMPT)
    content = cache.path.read_bytes()
    assert b"star-1" in content
    for word in (KEY, server.url, "127.0.0.1", str(Path.home())):
        assert word.encode() not in content


@pytest.mark.parametrize(
    ("play", "error"),
    [("unauthorised", ChatAccessError), ("failing", ChatError), ("never-plans", PlanError)],
)
def test_without_a_fallback_it_fails(server: ChatServer, play: str, error: type[Exception]) -> None:
    with pytest.raises(error):
        at(server, play).plan(PROMPT)


# The command line


def rpg(*arguments: str, code: int = 0) -> Result:
    result = CliRunner().invoke(app, list(arguments))
    assert result.exit_code == code, (result.output, result.exception)
    assert KEY not in result.output
    return result


def options(server: ChatServer, play: str) -> list[str]:
    return ["--planner", "openai", "--base-url", server.url, "--planner-model", server.fresh(play)]


def test_plan_shows_the_reasoning_on_stderr_and_the_plan_on_stdout(server: ChatServer) -> None:
    result = rpg("plan", PROMPT, *options(server, "plans"))
    assert result.stderr == "Let me look.\nThe star is above the circle: two rows.\n"
    assert "a red star" in result.stdout
    assert "x   0 to 100, y   0 to  50" in result.stdout
    assert "two rows" not in result.stdout


def test_plan_json_prints_the_plan_alone(server: ChatServer) -> None:
    result = rpg("plan", PROMPT, *options(server, "plans"), "--recaption", "separate", "--json")
    plan = Plan.from_json(result.stdout)
    assert plan.source.startswith("plans#")
    assert len(server.asked(plan.source)) == 2


def test_planner_check_asks_the_real_question(server: ChatServer) -> None:
    flags = options(server, "plans")[2:]
    found = json.loads(rpg("planner-check", *flags, "--planner-examples", "2", "--json").stdout)
    asked = server.asked(flags[-1])[-1]
    assert "harbour market" in asked.text
    assert "with 2 examples" in found["findings"]["question"]["words"]
    assert found["findings"]["plan"]["words"].startswith("2 things in 2 regions, in ")


def test_the_plan_in_a_form_of_another_model(server: ChatServer) -> None:
    result = rpg("plan", PROMPT, *options(server, "plans"), "--form", "ideogram")
    elements = json.loads(result.stdout)["compositional_deconstruction"]["elements"]
    assert [one["bbox"] for one in elements] == [[0, 0, 500, 1000], [500, 0, 1000, 1000]]


def test_a_plan_is_cached_unless_it_is_not_to_be(server: ChatServer) -> None:
    flags = options(server, "plans")
    for words in ([], [], ["--no-plan-cache"]):
        result = rpg("plan", PROMPT, *flags, *words)
        assert "two rows" in result.stdout + result.stderr
    assert len(server.asked(flags[-1])) == 2


def test_the_second_question_is_shown(server: ChatServer) -> None:
    result = rpg("plan", PROMPT, *options(server, "forgets-a-box"))
    assert "Asked again: regions.0.box: Field required." in result.stderr
    assert "star-1" not in result.stdout and "a red star" in result.stdout


@pytest.mark.parametrize(
    ("play", "code", "words"),
    [
        ("unauthorised", 2, "refuses the key (401)"),
        ("failing", 1, "500"),
        ("refuses", 1, "I will not draw that"),
        ("never-plans", 1, "gave no plan that can be drawn"),
    ],
)
def test_a_failure_is_one_line_and_an_exit_code(
    server: ChatServer, play: str, code: int, words: str
) -> None:
    result = rpg("plan", PROMPT, *options(server, play), "--json", code=code)
    last = result.stderr.strip().splitlines()[-1]
    assert last.startswith("error: ") and words in last
    assert words in json.loads(result.stdout)["error"]["message"]


def test_the_flags_address_gets_the_environments_key(server: ChatServer) -> None:
    flags = options(server, "plans")
    rpg("plan", PROMPT, *flags)
    assert server.asked(flags[-1])[0].headers["authorization"] == f"Bearer {KEY}"


@pytest.mark.parametrize("flags", [["--base-url", "http://127.0.0.1:9/v1"], []])
def test_the_rules_stand_in_and_say_so(server: ChatServer, flags: list[str]) -> None:
    named = options(server, "never-plans") if not flags else ["--planner", "openai", *flags]
    result = rpg("plan", PROMPT, *named, "--fallback", "rules")
    assert "note: the rule planner stands in for" in result.stderr
    assert "The rule planner stands in for" in result.stdout
    assert "x   0 to 100, y   0 to  50" in result.stdout


@pytest.mark.parametrize(
    ("flags", "complaint"),
    [
        (["--planner-model", "x"], "add --planner openai or local"),
        (["--no-plan-cache"], "add --planner openai or local"),
        (["--planner", "openai", "--planner-model", "x", "--planner-examples", "-1"], "from 0 on"),
        (["--planner", "local"], "name a folder or hub id"),
        (["--planner", "local", "--planner-model", "x", "--base-url", "http://x/v1"], "is for"),
    ],
)
def test_flags_that_do_not_go_together(flags: list[str], complaint: str) -> None:
    assert complaint in rpg("plan", PROMPT, *flags, code=2).stderr


def test_generate_refuses_a_planner_where_the_plan_is_given(tmp_path: Path) -> None:
    file = tmp_path / "plan.json"
    file.write_text(Plan(prompt="a star").to_json())
    result = rpg("generate", "--plan", str(file), "--planner", "openai", code=2)
    assert "the plan is given already" in result.stderr


def test_generate_draws_the_models_plan(
    server: ChatServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    tiny_sdxl().save_pretrained(tmp_path / "tiny")
    monkeypatch.setenv("RPG_MODEL", str(tmp_path / "tiny"))
    monkeypatch.setenv("RPG_DEVICE", "cpu")
    picture = tmp_path / "out.png"
    flags = options(server, "plans")
    drawn = ["--size", "32x32", "--steps", "1", "--output", str(picture)]
    result = rpg("generate", PROMPT, *flags, *drawn)
    assert "Let me look.\nThe star is above the circle: two rows.\n" in result.stderr
    plan = metadata.read(picture).plan
    assert (plan.source, plan.regions[1].id) == (flags[-1], "circle-1")
    assert KEY.encode() not in picture.read_bytes()


def test_a_blank_prompt_asks_nobody(server: ChatServer) -> None:
    flags = options(server, "plans")
    assert "the prompt is empty" in rpg("plan", "  ", *flags, code=2).stderr
    assert server.asked(flags[-1]) == []
