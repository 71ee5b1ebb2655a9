"""What the loop does next, decided from a critique alone. Pure: no torch, no picture, no model.

A region that fails climbs a ladder, a rung with every try that did not mend it::

    SEED     its place is drawn again from another seed
    WIDER    in a larger mask, with other things' outlines spared
    LATENT   as a latent of its own, without the base prompt; skipped where that was so already
    ALL      the whole picture is drawn again
    REPLAN   the planner is told what is wrong; skipped where it cannot follow

and after the last rung it begins anew. Edits that a critic proposes go before, each once.
"""

from __future__ import annotations

import enum
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass

from rpg.critics.base import Critique, Finding
from rpg.edits import AnyEdit
from rpg.geometry import Box
from rpg.plan import Plan

__all__ = ["WHOLE", "Action", "Rung", "at_fault", "next_action"]

WHOLE = ""  # stands for the picture as a whole among regions' ids
_TOO_MANY = 0.5  # share of the regions at fault from which on all is drawn again at once


class Rung(enum.Enum):
    """How far the loop goes to mend what is wrong; the value says it in words."""

    EDIT = "what the critic proposes"
    SEED = "another seed"
    WIDER = "a larger mask"
    LATENT = "each region on its own"
    ALL = "everything anew"
    REPLAN = "another plan"


LADDER = (Rung.SEED, Rung.WIDER, Rung.LATENT, Rung.ALL, Rung.REPLAN)


@dataclass(frozen=True)
class Action:
    """What to do in a round.

    Attributes:
        rung: How.
        regions: Ids of the regions to draw again, the worst first; `WHOLE` among them where
            something is wrong that no region is to blame for.
        extra: Places to draw again that are no region's.
        edits: For `Rung.EDIT`.
        said: What is wrong, a sentence for each finding.
    """

    rung: Rung
    regions: tuple[str, ...]
    extra: tuple[Box, ...] = ()
    edits: tuple[AnyEdit, ...] = ()
    said: tuple[str, ...] = ()

    @property
    def why(self) -> str:
        """In words, for people."""
        return f"{'; '.join(self.said)}: {self.rung.value}"


def next_action(
    critique: Critique,
    plan: Plan,
    tries: Mapping[str, int],
    *,
    ladder: Sequence[Rung] = LADDER,
    tried_edits: Collection[tuple[AnyEdit, ...]] = (),
) -> Action | None:
    """The next thing to do about a picture; None where nothing is wrong with it.

    Args:
        critique: Of the best picture so far.
        plan: What that shows.
        tries: For each region how often it was drawn again in vain; `WHOLE` likewise.
        ladder: The rungs that there are, in order; at least one.
        tried_edits: Proposals that were followed already.
    """
    failed = critique.failed
    if not failed:
        return None
    regions, said = at_fault(failed, plan), tuple(_sentence(finding) for finding in failed)
    if critique.edits and critique.edits not in tried_edits:
        return Action(Rung.EDIT, regions, edits=critique.edits, said=said)
    extra = tuple(_homeless(failed, plan))
    rung = ladder[max(tries.get(name, 0) for name in regions) % len(ladder)]
    local = [name for name in regions if name != WHOLE]
    many = len(local) > _TOO_MANY * len(plan.layers()) and len(local) > 1
    if Rung.ALL in ladder and (many or not (local or extra)) and rung is not Rung.REPLAN:
        rung = Rung.ALL
    return Action(rung, regions, extra, said=said)


def at_fault(failed: Sequence[Finding], plan: Plan) -> tuple[str, ...]:
    """The regions that findings are about, in the findings' order; `WHOLE` for what is nobody's.

    A thing that should not be there is the fault of the region that it stands in.
    """
    ids: dict[str, None] = {}
    known = {region.id for region in plan.layers()}
    for finding in failed:
        named = [name for name in finding.check.regions if name in known]
        for name in named or _standing_in(finding.box, plan) or [WHOLE]:
            ids[name] = None
    return tuple(ids)


def _standing_in(box: Box | None, plan: Plan) -> list[str]:
    """The uppermost region at the middle of a box."""
    if box is None:
        return []
    inside = [region.id for region in plan.layers() if region.box.contains(*box.center)]
    return inside[-1:]


def _homeless(failed: Sequence[Finding], plan: Plan) -> Iterator[Box]:
    """Places of things that stand in no region."""
    for finding in failed:
        if finding.box is not None and not finding.check.regions:
            if not _standing_in(finding.box, plan):
                yield finding.box


def _sentence(finding: Finding) -> str:
    return f"{finding.check.says} ({finding.seen})" if finding.seen else finding.check.says
