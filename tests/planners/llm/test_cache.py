"""Plans kept: found again by all that they depend on, bounded, never in the way."""

from __future__ import annotations

import json
import shutil
import sqlite3
import threading
from pathlib import Path
from typing import Any

import pytest

from rpg import prompts
from rpg.chat import ScriptedChat
from rpg.chat.answers import json_schema
from rpg.errors import ChatError, PlanError
from rpg.planners import LLMPlanner, PlanCache
from rpg.planners.base import ModelNotes
from rpg.planners.llm.schema import PlanAnswer
from rpg.plans.plan import Plan
from tests.planners.llm.helpers import PROMPT, cats, planner, said


@pytest.fixture
def cache(tmp_path: Path) -> PlanCache:
    return PlanCache(tmp_path / "plans")


def plan(prompt: str = "x") -> Plan:
    return Plan(prompt=prompt)


def test_a_plan_is_asked_for_once(cache: PlanCache) -> None:
    made, chat = planner([said()], cache=cache)
    first = made.plan(PROMPT)
    again = planner([], cache=cache)[0].plan(f" {PROMPT} ")
    assert first == again
    assert len(chat.asked) == 1


def test_the_default_folder_is_the_users(_own_cache_folder: Path) -> None:
    planner([said()], cache=True)[0].plan(PROMPT)
    assert [path.name for path in _own_cache_folder.rglob("*") if path.is_file()] == [
        "plans.sqlite3"
    ]
    assert planner([], cache=True)[0].plan(PROMPT).source == "scripted"


def test_switched_off_nothing_is_written(_own_cache_folder: Path) -> None:
    made, chat = planner([said(), said()], cache=False)
    assert made.plan(PROMPT) == made.plan(PROMPT)
    assert len(chat.asked) == 2
    assert not any(_own_cache_folder.iterdir())


def test_whatever_the_plan_depends_on_is_in_the_key(cache: PlanCache, tmp_path: Path) -> None:
    folder = shutil.copytree(prompts.folder(), tmp_path / "templates")
    before = planner([said()], cache=cache)[0].plan(PROMPT)

    def asks(
        *call: Any, name: str = "scripted", notes: ModelNotes | None = None, **words: Any
    ) -> bool:
        chat = ScriptedChat([said(), said()], name=name)
        planner = LLMPlanner(chat, cache=cache, **words)
        (planner.noted(notes) if notes else planner).plan(
            *call[:1], **(call[1] if call[1:] else {})
        )
        return bool(chat.asked)

    assert not asks(PROMPT)
    assert not asks(PROMPT, templates=folder)
    assert not asks(PROMPT, fallback="rules")
    assert asks(PROMPT + "!")
    assert asks(PROMPT, name="another")
    assert asks(PROMPT, recaption="separate")
    assert asks(PROMPT, examples=2)
    assert asks(PROMPT, notes=ModelNotes(sizes=((64, 64),)))
    assert asks(PROMPT, notes=ModelNotes(sizes=((64, 64),), region_side=32))
    assert not asks(PROMPT, notes=ModelNotes(sizes=((64, 64),)))
    assert asks(PROMPT, {"previous": before, "instruction": "make the star green"})
    assert asks(PROMPT, {"previous": before, "instruction": "make the star pink"})
    masked = before.model_copy(update={"reasoning": "otherwise"})
    assert asks(PROMPT, {"previous": masked, "instruction": "make the star pink"})
    template = folder / "plan.txt"
    template.write_text(template.read_text().replace("You plan", "You kindly plan"))
    assert asks(PROMPT, templates=folder)
    examples = folder / "plan.examples.json"
    examples.write_text(examples.read_text().replace("teapot", "kettle"))
    assert asks(PROMPT, templates=folder)
    assert not asks(PROMPT, templates=folder)


def test_a_plan_of_another_endpoint_is_not_served(cache: PlanCache) -> None:
    """A hostile endpoint may call its model as it likes; models without an address stay as is."""

    def asks(base_url: str | None) -> bool:
        chat = ScriptedChat([said()], name="gpt-5")
        if base_url is not None:
            chat.base_url = base_url  # type: ignore[attr-defined]
        LLMPlanner(chat, cache=cache).plan(PROMPT)
        return bool(chat.asked)

    evil, good = "https://evil.example/v1", "https://api.openai.com/v1"
    assert [asks(url) for url in (evil, good, evil, good)] == [True, True, False, False]
    assert [asks(None), asks(None)] == [True, False]


def test_the_schema_is_in_the_key() -> None:
    assert PlanCache.key(json_schema(PlanAnswer)) != PlanCache.key({})


def test_neither_failures_nor_the_rules_plans_are_kept(cache: PlanCache) -> None:
    stood_in = planner([ChatError("gone")], cache=cache, fallback="rules")[0].plan(PROMPT)
    assert stood_in.source.startswith("rules")
    with pytest.raises(PlanError):
        planner(["no", "no"], cache=cache)[0].plan(PROMPT)
    assert planner([said()], cache=cache)[0].plan(PROMPT).source == "scripted"


def test_the_oldest_unused_go_first(tmp_path: Path) -> None:
    cache = PlanCache(tmp_path, limit=3)
    for key in "abc":
        cache.put(key, plan(key))
    assert cache.get("a") == plan("a")
    cache.put("d", plan("d"))
    assert [key for key in "abcd" if cache.get(key)] == ["a", "c", "d"]


CORRUPT = {
    "no JSON": "{",
    "another plan form": '{"prompt": "x", "regions": 3}',
    "a plan that cannot be": json.dumps({"prompt": ""}),
    "bytes": b"\xff\x00",
    "nothing": None,
    "a number": 3,
}


@pytest.mark.parametrize("entry", CORRUPT.values(), ids=CORRUPT.keys())
def test_corrupt_entries_are_ignored_and_replaced(cache: PlanCache, entry: Any) -> None:
    cache.put("a", plan())
    with sqlite3.connect(cache.path) as database:
        database.execute("UPDATE plans SET plan = ?", (entry,))
    database.close()
    assert cache.get("a") is None
    cache.put("a", plan())
    assert cache.get("a") == plan()


@pytest.mark.parametrize("content", [b"", b"no database at all, but a long text" * 99])
def test_a_corrupt_file_is_made_anew(cache: PlanCache, content: bytes) -> None:
    cache.path.parent.mkdir()
    cache.path.write_bytes(content)
    assert cache.get("a") is None
    cache.put("a", plan())
    assert cache.get("a") == plan()


def test_a_file_damaged_in_the_middle(cache: PlanCache) -> None:
    for number in range(20):
        cache.put(str(number), plan("x" * 7000))
    data = bytearray(cache.path.read_bytes())
    data[5000:60000] = b"\xa5" * 55000
    cache.path.write_bytes(data)
    for number in range(20):
        cache.get(str(number))
    cache.put("a", plan())
    cache.put("a", plan())
    assert cache.get("a") == plan()


@pytest.mark.parametrize("blocked", ["a file", "a folder"])
def test_where_nothing_can_be_written_planning_goes_on(tmp_path: Path, blocked: str) -> None:
    if blocked == "a file":
        (tmp_path / "here").write_text("in the way")
    else:
        (tmp_path / "here" / "plans.sqlite3").mkdir(parents=True)
    made, chat = planner([said(), said()], cache=PlanCache(tmp_path / "here"))
    assert made.plan(PROMPT) == made.plan(PROMPT)
    assert len(chat.asked) == 2


def test_many_threads_at_once(cache: PlanCache) -> None:
    def work(number: int) -> None:
        for _ in range(5):
            cache.put(str(number), plan(str(number)))
            found.append(cache.get(str(number)) in (None, plan(str(number))))

    found: list[bool] = []
    threads = [threading.Thread(target=work, args=(number,)) for number in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert found == [True] * 30
    assert cache.get("3") == plan("3")


def test_a_plan_from_the_cache_streams_too(cache: PlanCache) -> None:
    planner([json.dumps(cats(3))], cache=cache)[0].plan("three cats")
    (event,) = planner([], cache=cache)[0].stream("three cats")
    assert len(event.plan.regions) == 3  # type: ignore[union-attr]
