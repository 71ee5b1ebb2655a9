"""Several critics: means, abstentions, failures; and critics by name."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import pytest
from PIL import Image

from rpg.chat import ScriptedChat
from rpg.critics import (
    Check,
    Critic,
    Critique,
    Finding,
    ToyboxCritic,
    VLMCritic,
    VotingCritic,
    compile_checks,
    critic_named,
)
from rpg.errors import Cancelled, ChatError, ChatRefusal, RPGError, SettingsError
from rpg.planners import RulePlanner
from rpg.plans.edits import Edit, ModifyRegion, RemoveRegion
from rpg.plans.geometry import Box
from rpg.plans.plan import Plan
from rpg.toybox.renderer import render
from rpg.toybox.scene import Scene, Thing

from .answers import reviewer

PLAN = RulePlanner().plan("a red star in the snow")
RED = "attribute:star:red"
IMAGE = render(Scene(128, 128, (Thing("star", "orange", 64, 64, 80),), "in the snow"))


@dataclass
class Fixed:
    """Gives one check its score, all others 1; or fails."""

    score: float = 1.0
    seen: str = ""
    box: Box | None = None
    unknown: bool = False
    edits: tuple[Edit, ...] = ()
    error: RPGError | None = None
    asked: list[tuple[Check, ...]] = field(default_factory=list)

    def review(
        self, image: Image.Image, plan: Plan, *, checks: Sequence[Check] | None = None
    ) -> Critique:
        assert checks is not None
        self.asked.append(tuple(checks))
        if self.error is not None:
            raise self.error
        findings = [
            Finding(check=c, score=self.score, seen=self.seen, box=self.box, unknown=self.unknown)
            if c.id == RED
            else Finding(check=c, score=1)
            for c in checks
        ]
        return Critique.of(findings, self.edits)


def red(critics: Sequence[Critic], by: str = "mean") -> Finding:
    critique = VotingCritic(critics, by=by).review(IMAGE, PLAN)  # type: ignore[arg-type]
    return next(finding for finding in critique.findings if finding.check.id == RED)


@pytest.mark.parametrize(
    ("by", "scores", "wanted"),
    [
        ("mean", (0.0, 0.2, 1.0), 0.4),
        ("median", (0.0, 0.2, 1.0), 0.2),
        ("median", (0.0, 1.0), 0.5),
        ("mean", (0.3,), 0.3),
    ],
)
def test_votes_make_a_score(by: str, scores: tuple[float, ...], wanted: float) -> None:
    assert red([Fixed(score) for score in scores], by).score == pytest.approx(wanted)


def test_what_the_doubters_saw_is_told_together() -> None:
    place = Box(0, 0, 0.5, 0.5)
    finding = red([Fixed(0.1, "orange", place), Fixed(0.0, "pink"), Fixed(0.1, "orange")])
    assert finding.seen == "pink; orange"
    assert finding.box == place
    outvoted = red([Fixed(0.1, "orange"), Fixed(1.0), Fixed(1.0)])
    assert (outvoted.seen, outvoted.box) == ("", None)


def test_who_cannot_judge_has_no_vote() -> None:
    shy = Fixed(0.5, "cannot tell", unknown=True)
    assert red([shy, Fixed(0.0, "orange")]).score == 0
    assert red([shy, Fixed(1.0)]).score == 1
    all_shy = red([shy, shy])
    assert (all_shy.score, all_shy.unknown) == (0.5, True)


def test_all_are_asked_about_the_same_checks() -> None:
    critics = [Fixed(), Fixed()]
    critique = VotingCritic(critics).review(IMAGE, PLAN)
    assert critics[0].asked == critics[1].asked == [compile_checks(PLAN)]
    kept = compile_checks(PLAN)[:1]
    assert len(VotingCritic(critics).review(IMAGE, PLAN, checks=kept).findings) == 1
    assert critique.score == 1


def test_a_critic_that_fails_is_left_out_and_the_reason_kept() -> None:
    critique = VotingCritic([Fixed(error=ChatRefusal("it will not")), Fixed(0.2)]).review(
        IMAGE, PLAN
    )
    assert critique.notes == ("Fixed has no vote: it will not",)
    assert next(one.score for one in critique.findings if one.check.id == RED) == 0.2


def test_if_all_fail_the_first_reason_is_raised() -> None:
    failing = [Fixed(error=ChatRefusal("one")), Fixed(error=ChatError("two"))]
    with pytest.raises(ChatRefusal, match="one"):
        VotingCritic(failing).review(IMAGE, PLAN)


def test_a_wish_to_stop_is_no_failure_of_one_critic() -> None:
    with pytest.raises(Cancelled):
        VotingCritic([Fixed(error=Cancelled("stop")), Fixed()]).review(IMAGE, PLAN)


def test_edits_are_one_critics() -> None:
    first = (ModifyRegion(id="star-1", prompt="a star"),)
    second = (RemoveRegion(id="star-1"),)
    critics = [Fixed(), Fixed(edits=first), Fixed(edits=second)]
    assert VotingCritic(critics).review(IMAGE, PLAN).edits == first


def test_measuring_and_asking_vote_together() -> None:
    chat = ScriptedChat(reviewer({"the star is red": (4, "a reddish star")}))
    critique = VotingCritic([ToyboxCritic(), VLMCritic(chat)]).review(IMAGE, PLAN)
    (finding,) = critique.failed
    measured = ToyboxCritic().review(IMAGE, PLAN).failed[0].score
    assert finding.score == pytest.approx((measured + 0.4) / 2)
    assert set(finding.seen.split("; ")) == {"the star is orange, not red", "a reddish star"}


@pytest.mark.parametrize(("critics", "by"), [([], "mean"), ([Fixed()], "loudest")])
def test_a_vote_needs_critics_and_a_way(critics: list[Critic], by: str) -> None:
    with pytest.raises(SettingsError):
        VotingCritic(critics, by=by)  # type: ignore[arg-type]


def test_critics_by_name() -> None:
    chat = ScriptedChat([])
    assert critic_named("none") is None
    assert isinstance(critic_named("toybox"), ToyboxCritic)
    vlm = critic_named(" VLM ", chat=chat)
    assert isinstance(vlm, VLMCritic)
    assert vlm.chat is chat
    both = critic_named("toybox,vlm", chat=chat)
    assert isinstance(both, VotingCritic)
    assert [type(one) for one in both.critics] == [ToyboxCritic, VLMCritic]
    assert isinstance(critic_named("toybox,toybox"), ToyboxCritic)


@pytest.mark.parametrize("names", ["", "clip", "toybox,none", "toybox,", "vlm"])
def test_names_that_name_no_critic(names: str) -> None:
    with pytest.raises(SettingsError, match="critic"):
        critic_named(names)


def test_a_critique_is_the_mean_of_its_findings() -> None:
    checks = compile_checks(PLAN)
    findings = [Finding(check=check, score=n % 2) for n, check in enumerate(checks)]
    assert Critique.of(findings).score == pytest.approx(
        sum(n % 2 for n in range(len(checks))) / len(checks)
    )
    assert Critique.of([]).score == 1
    assert all(not finding.holds for finding in Critique.of(findings).failed)
