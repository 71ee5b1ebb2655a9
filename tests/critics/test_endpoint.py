"""The vision critic against a server on loopback: answers as endpoints give them."""

from __future__ import annotations

import json
from collections.abc import Iterator

import pytest
from PIL import Image

from rpg.chat import OpenAIChat, Timeouts
from rpg.critics import VLMCritic, compile_checks
from rpg.errors import ChatAccessError, ChatError, ChatImageError, ChatLengthError, ChatRefusal
from rpg.planners import RulePlanner
from tests.chat.server import PLAYS, Asked, ChatServer, Play, Reply, serving

from .answers import reviewed

KEY = "sk-test-0ff1cec0ffee5ecre7"
QUICK = Timeouts(connect=30, silence=30, total=60, retries=1, longest_wait=1.0, backoff=0.01)
PLAN = RulePlanner().plan("a red star left of a blue moon at night")
IMAGE = Image.new("RGB", (128, 64), "navy")
WRONG = {"the star is red": (2, "an orange star")}


def _answer(asked: Asked) -> str:
    """By what it is asked first: a second request quotes the answer in between."""
    first = asked.body["messages"][1]["content"]
    text = first if isinstance(first, str) else "\n".join(p.get("text", "") for p in first)
    return json.dumps(reviewed(text, WRONG))


def _short_of_room(asked: Asked) -> Reply:
    room = asked.body.get("max_tokens") or asked.body.get("max_completion_tokens") or 0
    if room >= 8192:
        return Reply(_answer(asked))
    return Reply(_answer(asked)[:40], finish="length")


def _blank_at_first(asked: Asked) -> Reply:
    return Reply("  \n ") if asked.number == 0 else Reply(_answer(asked))


OURS: dict[str, Play] = {
    "reviews": lambda asked: Reply(_answer(asked)),
    "reviews-fenced": lambda asked: Reply(f"Here:\n```json\n{_answer(asked)}\n```\nDone."),
    "reviews-think": lambda asked: Reply(f"<think>{{hm}}</think>\n{_answer(asked)}"),
    "reviews-aside": lambda asked: Reply(_answer(asked), thoughts="a star, I think"),
    "reviews-truncated-once": _short_of_room,
    "reviews-blank-once": _blank_at_first,
    "reviews-unstreamed": lambda asked: Reply(_answer(asked), streams=False),
}


@pytest.fixture(scope="module")
def server() -> Iterator[ChatServer]:
    with pytest.MonkeyPatch.context() as patch, serving() as running:
        for name, play in OURS.items():
            patch.setitem(PLAYS, name, play)
        yield running


def critic(server: ChatServer, play: str, *, text_only: bool = False) -> tuple[VLMCritic, str]:
    chat = OpenAIChat(server.fresh(play), base_url=server.url, api_key=KEY, timeouts=QUICK)
    return VLMCritic(chat, text_only=text_only), chat.name


@pytest.mark.parametrize("play", OURS)
def test_however_the_answer_comes(server: ChatServer, play: str) -> None:
    made, name = critic(server, play)
    critique = made.review(IMAGE, PLAN)
    assert [finding.seen for finding in critique.failed] == ["an orange star"]
    assert tuple(finding.check for finding in critique.findings) == compile_checks(PLAN)
    assert all("[image]" in asked.text for asked in server.asked(name))
    assert server.asked(name)[0].format == "json_schema"


@pytest.mark.parametrize(
    ("play", "error"),
    [
        ("truncated", ChatLengthError),
        ("refuses", ChatRefusal),
        ("filtered", ChatRefusal),
        ("blank", ChatError),
        ("unauthorised", ChatAccessError),
        ("failing", ChatError),
        ("drops", ChatError),
        ("fenced", ChatError),  # JSON, but no review
    ],
)
def test_no_review_is_one_clear_error(
    server: ChatServer, play: str, error: type[ChatError]
) -> None:
    with pytest.raises(error) as caught:
        critic(server, play)[0].review(IMAGE, PLAN)
    assert KEY not in str(caught.value)
    assert "\n" not in str(caught.value)


def test_a_model_without_eyes(server: ChatServer) -> None:
    with pytest.raises(ChatImageError):
        critic(server, "blind")[0].review(IMAGE, PLAN)


def test_a_model_without_eyes_may_review_the_plan(server: ChatServer) -> None:
    def blind(asked: Asked) -> Reply:
        return Reply(_answer(asked)) if "[image]" not in asked.text else PLAYS["blind"](asked)

    with pytest.MonkeyPatch.context() as patch:
        patch.setitem(PLAYS, "reviews-blind", blind)
        made, _ = critic(server, "reviews-blind", text_only=True)
        critique = made.review(IMAGE, PLAN)
    assert max(finding.score for finding in critique.findings) == 0.5
    assert [finding.seen for finding in critique.failed] == ["an orange star"]
