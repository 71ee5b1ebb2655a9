"""What the app does, without a page: planning, drawing, editing and refining as jobs.

Everything that the page, the API and MCP tools offer is a call of this. Pictures are stored in a
session the moment they are there.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Collection, Generator, Mapping
from concurrent.futures import Future
from contextlib import AbstractContextManager, nullcontext, suppress
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from rpg.critics.choice import asks_model, critic_named
from rpg.errors import SessionError, SettingsError
from rpg.events import Critiqued, Event, Notice, Planned, Rendered
from rpg.generation.reproducibility import lacking
from rpg.planners import LLMPlanner, Planner, RulePlanner
from rpg.planners.base import noted, streamed
from rpg.plans.plan import Plan
from rpg.session import Session, Sessions, recorded
from rpg.settings import GenerationSettings
from ui.adapters import Adapters
from ui.endpoints import EndpointPolicy
from ui.jobs import Job, Jobs, Kind
from ui.pictures import PictureFiles
from ui.planner_choice import PlannerChoice

if TYPE_CHECKING:
    from PIL.Image import Image

    from rpg.critique import Critic
    from rpg.metadata import Record
    from rpg.pipeline import Editing, RPGPipeline
    from rpg.refinement.budget import Budget

__all__ = ["VARIATIONS", "Workshop"]

VARIATIONS, VARIATION = 4, 0.2  # pictures of a click, and how far their noise goes

Events = Generator[Event, None, None]
Within = Callable[[], AbstractContextManager[Mapping[str, Any] | None]]


@dataclass
class Workshop:
    """The model, the sessions and the queues behind every tab.

    Attributes:
        rpg: Draws.
        sessions: Keeps.
        jobs: Queues.
        planner: What a tab that chose nothing plans with.
        adapters: LoRAs and ControlNets on offer.
        endpoints: Where tabs' planners may be asked, and with whose key.
        files: Pictures for the browser.
    """

    rpg: RPGPipeline
    sessions: Sessions
    planner: PlannerChoice = PlannerChoice()
    adapters: Adapters = field(default_factory=Adapters)
    endpoints: EndpointPolicy = EndpointPolicy()
    jobs: Jobs = field(default_factory=Jobs)
    files: PictureFiles = field(default_factory=PictureFiles)

    def plan(
        self,
        prompt: str,
        choice: PlannerChoice | None = None,
        *,
        previous: Plan | None = None,
        instruction: str | None = None,
        settings: GenerationSettings | None = None,
    ) -> Job:
        """Plans a prompt, or a change of a plan; the snapshot's `plan` is the outcome.

        Args:
            prompt: What the picture should show.
            choice: The planner; None takes the app's own.
            previous: As in `rpg.planners.base.Planner`.
            instruction: Likewise.
            settings: What it is to be drawn with; their canvas is the one planned for.
        """
        stop = threading.Event()

        def work() -> Events:
            chosen = (choice or self.planner).planner(self.endpoints, stop)
            planner = noted(chosen, self.rpg.notes(settings))
            told = streamed(planner, prompt, previous=previous, instruction=instruction)
            for event in told:
                if isinstance(event, Planned):  # what it cannot draw, before anything is drawn
                    yield from map(Notice, self.rpg.advice(event.plan))
                yield event

        return self.jobs.think(work, stop=stop)

    def generate(
        self,
        plan: Plan,
        settings: GenerationSettings,
        *,
        session: str = "",
        within: Within = nullcontext,
    ) -> Job:
        """Draws a plan; every picture is a turn of its own, and the first is then the head.

        Args:
            plan: What to draw.
            settings: How.
            session: Where the turns go; empty begins a new session, which the job names.
            within: A context that the model's thread draws in; the words that it gives, if any,
                join the call.
        """
        kept = self.sessions.open(session) if session else self.sessions.create()

        def work() -> Events:
            with within() as words:
                events = self.rpg.stream(plan=plan, settings=settings, **(words or {}))
                yield from recorded(kept, events, parent=None)

        return self._drawn("generate", work, kept, onto=True)

    def upscale(self, session: str, turn: int) -> Job:
        """Draws a turn's picture over at twice the size; a child of the turn.

        Raises:
            SessionError: There is no such session or turn.
            SettingsError: It was drawn with a LoRA that is not loaded, or without one that is.
        """
        kept = self.sessions.open(session)
        record = kept.turn(turn).made.record
        self._check_alike(record, held=set(record.needs) - {"lora"})

        def work() -> Events:
            events = self.rpg.upscale_stream(kept.image(turn), record)
            yield from recorded(kept, events, parent=turn, instruction="upscale twice")

        return self._drawn("generate", work, kept, onto=True)

    def vary(self, session: str, turn: int) -> Job:
        """Draws four variations of a turn's picture; children of the turn.

        Raises:
            SessionError: There is no such session or turn.
            SettingsError: It was made with what the session does not hold.
        """
        kept = self.sessions.open(session)
        record = kept.turn(turn).made.record
        self._check_alike(record)
        wishes = {"variation_strength": VARIATION, "num_images_per_prompt": VARIATIONS}
        own = record.settings.reset("variation", "upscaling").updated(wishes)

        def work() -> Events:
            events = self.rpg.stream(plan=record.plan, settings=own)
            yield from recorded(kept, events, parent=turn, instruction="vary")

        return self._drawn("generate", work, kept, onto=True)

    def _check_alike(self, record: Record, held: Collection[str] = ()) -> None:
        if lacks := lacking(
            record, self.rpg.model, self.rpg.pipe, "session", (*held, *self.rpg.brought)
        ):
            raise SettingsError(f"the picture was made {lacks}")

    def plain(self, plan: Plan, settings: GenerationSettings) -> Job:
        """Draws the prompt with the plain pipeline, no region at work. Nothing is stored."""
        alone = Plan(prompt=plan.prompt, negative=plan.effective_negative)
        return self.jobs.draw(lambda: self.rpg.stream(plan=alone, settings=settings), kind="plain")

    def propose(self, session: str, turn: int, after: Plan) -> Editing:
        """What would be drawn anew of a turn's picture to show another plan; draws nothing.

        Raises:
            PlanError: It shows that already.
            SessionError: There is no such session or turn.
        """
        kept = self.sessions.open(session)
        return self.rpg.propose(kept.image(turn), kept.turn(turn).plan, after)

    def edit(
        self,
        session: str,
        turn: int,
        after: Plan,
        *,
        mask: Image | None = None,
        instruction: str = "",
        seed: int | None = None,
    ) -> Job:
        """Makes the picture of a turn show another plan; a child of the turn.

        Args:
            session: The session.
            turn: Whose picture is changed.
            after: What it is to show.
            mask: Where to draw, white; None finds out.
            instruction: The user's words.
            seed: None draws one.

        Raises:
            SessionError: There is no such session or turn.
        """
        kept = self.sessions.open(session)
        was = kept.turn(turn)
        used = was.settings.lasting().updated({"seed": seed})

        def work() -> Events:
            words: dict[str, Any] = {} if mask is None else {"mask_image": mask}
            events = self.rpg.edit_stream(kept.image(turn), was.plan, after, settings=used, **words)
            yield from recorded(kept, events, parent=turn, instruction=instruction)

        return self._drawn("edit", work, kept)

    def refine(
        self,
        session: str,
        turn: int,
        bounds: Budget,
        *,
        critic: str = "",
        choice: PlannerChoice | None = None,
    ) -> Job:
        """Reviews a turn's picture and draws again what is wrong, round after round.

        Args:
            session: The session.
            turn: Where to begin.
            bounds: How much it may cost.
            critic: Names of critics; empty takes the model's own.
            choice: The planner, which is asked for another plan, and which looks as critic "vlm".
                It is made before the work takes its place in the queue: it may have to be looked
                for on a server, which keeps nobody else waiting.

        Raises:
            SessionError: There is no such session or turn.
            SettingsError: Rules cannot look.
        """
        kept = self.sessions.open(session)
        begin = kept.image(turn), kept.turn(turn).made.record
        chosen, stop = self._chosen(choice, critic), threading.Event()
        found = self.jobs.prepare(lambda: chosen.planner(self.endpoints, stop))

        def work() -> Events:
            planner = found.result()
            judge = self._judge(critic, planner)
            events = self._planning_with(planner).refine_stream(
                critic=judge, begin_with=begin, **bounds.model_dump()
            )
            yield from recorded(kept, events, parent=turn)

        return self._drawn("refine", work, kept, needs=found, stop=stop)

    def review(
        self, session: str, turn: int, *, critic: str = "", choice: PlannerChoice | None = None
    ) -> Job:
        """Has a critic look at a turn's picture and writes down what it says; draws nothing.

        Args:
            session: The session.
            turn: Whose picture is looked at.
            critic: As in `refine`.
            choice: As in `refine`.

        Raises:
            SessionError: There is no such session or turn.
            SettingsError: Rules cannot look.
        """
        kept = self.sessions.open(session)
        was = kept.turn(turn)
        chosen, stop = self._chosen(choice, critic), threading.Event()

        def work() -> Events:
            looking = bool(critic) and asks_model(critic)
            planner = chosen.planner(self.endpoints, stop) if looking else RulePlanner()
            judge = self._judge(critic, planner)
            said = judge.review(kept.image(turn), was.plan)
            kept.criticise(turn, said)
            yield Critiqued(said, True, said.score, 0)

        return self.jobs.think(work, stop=stop)

    def _chosen(self, choice: PlannerChoice | None, critic: str) -> PlannerChoice:
        """Who plans, and looks at pictures where `critic` asks for that.

        Raises:
            SettingsError: Rules cannot look.
        """
        chosen = choice or self.planner
        if critic and asks_model(critic) and chosen.kind == "rules":
            raise SettingsError(
                "to let a model look at pictures, choose a language model as planner"
            )
        return chosen

    def _judge(self, names: str, planner: Planner) -> Critic:
        """The critics of these names, else the one that knows the model's world.

        Raises:
            SettingsError: There is no such critic, or nobody who could judge.
        """
        chat = planner.chat if isinstance(planner, LLMPlanner) else None
        judge = (critic_named(names, chat=chat) if names else None) or self.rpg.critic
        if judge is None:
            raise SettingsError("choose a language model that sees as planner: it can look then")
        return judge

    def _planning_with(self, planner: Planner) -> RPGPipeline:
        """The same model with a tab's own planner."""
        from rpg.pipeline import RPGPipeline

        own = RPGPipeline.from_pipe(self.rpg, planner=planner)
        own.segmenter, own.critic = self.rpg.segmenter, self.rpg.critic
        own.ground_strength = self.rpg.ground_strength
        return own

    def _drawn(
        self,
        kind: Kind,
        work: Callable[[], Events],
        session: Session,
        *,
        onto: bool = False,
        needs: Future[Planner] | None = None,
        stop: threading.Event | None = None,
    ) -> Job:
        """Queues work whose pictures the session keeps; `onto` moves the head to the first."""
        seen = {turn.id for turn in session.turns}

        def turns(event: Rendered) -> tuple[int, ...]:
            new = [turn for turn in session.turns if turn.id not in seen]
            mine = tuple(turn.id for turn in new if turn.made.record in event.records)
            seen.update(mine)
            if onto and mine:
                session.refresh().branch(mine[0])
            return mine

        return self.jobs.draw(
            work,
            kind=kind,
            session=session.id,
            turns=turns,
            after=lambda: self._tidied(session),
            needs=needs,
            stop=stop,
        )

    def _tidied(self, session: Session) -> None:
        """Leaves no session behind that nothing came of."""
        with suppress(SessionError):  # deleted by somebody meanwhile
            if not session.turns:
                self.sessions.delete(session.id)
