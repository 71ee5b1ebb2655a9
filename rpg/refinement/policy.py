"""What the loop does next, decided from a critique alone. Pure: no torch, no picture, no model.

A region that fails climbs a ladder, a rung with every try that did not mend it::

    SEED     its place is drawn again, as a latent of its own, from another seed
    SQUARE   likewise in the middle of its box, as wide as high; skipped where it is nearly so
    SEED
    WIDER    in a larger mask, with other things' outlines spared
    ALL      the whole picture is drawn again, as the first one was
    REPLAN   likewise, and the planner is told what is wrong, if it can follow

and after the last rung it begins anew. Where something is wrong that no region is to blame for,
where most of them fail, or where there is too much of everything, the whole picture is drawn again
first, and then so that every region is a latent of its own (ALONE), if there are any. A thing too
many in a region that is right otherwise is first drawn over by itself. Edits that a critic proposes
go before, each once.
"""

from __future__ import annotations

import enum
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass

from rpg.critique import Critique, Finding
from rpg.plans.edits import AnyEdit, MoveRegion
from rpg.plans.geometry import Box
from rpg.plans.plan import Plan

__all__ = [
    "APART",
    "IN_PLACE",
    "LADDER",
    "WHOLE",
    "Action",
    "Rung",
    "at_fault",
    "next_action",
    "squarer",
]

WHOLE = ""  # stands for the picture as a whole among regions' ids
_MOST = 0.8  # of the regions
_TURN = 2  # tries with the whole picture, before the regions that fail have theirs
_OBLONG = 1.25  # times as long as wide: what is longer has a squarer place


class Rung(enum.Enum):
    """How far the loop goes to mend what is wrong; the value says it in words."""

    EDIT = "what the critic proposes"
    SEED = "another seed"
    SQUARE = "a squarer place"
    WIDER = "a larger mask"
    ALL = "everything anew"
    ALONE = "everything anew, each region on its own"
    REPLAN = "another plan"


LADDER = (Rung.SEED, Rung.SQUARE, Rung.SEED, Rung.WIDER, Rung.ALL, Rung.REPLAN)
FOR_ALL = (Rung.ALL, Rung.ALONE, Rung.REPLAN)
IN_PLACE = frozenset({Rung.SEED, Rung.SQUARE, Rung.WIDER})
APART = IN_PLACE | {Rung.ALONE}  # every region is a latent of its own


@dataclass(frozen=True)
class Action:
    """What to do in a round.

    Attributes:
        rung: How.
        regions: Ids of the regions to draw again, the worst first; `WHOLE` among them where
            something is wrong that no region is to blame for.
        extra: Places to draw again: of things that stand in no region, or are too many in one.
        around: Regions of which nothing but such a place is drawn again.
        edits: For `Rung.EDIT` and `Rung.SQUARE`.
        said: What is wrong, a sentence for each finding.
    """

    rung: Rung
    regions: tuple[str, ...]
    extra: tuple[Box, ...] = ()
    around: tuple[str, ...] = ()
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
    size: tuple[int, int] = (1, 1),
    tried_edits: Collection[tuple[AnyEdit, ...]] = (),
) -> Action | None:
    """The next thing to do about a picture; None where nothing is wrong with it.

    Args:
        critique: Of the best picture so far.
        plan: What that shows.
        tries: For each region how often it was drawn again in vain; `WHOLE` likewise.
        size: Width and height of the picture, in any unit.
        tried_edits: Proposals that were followed already.
    """
    failed = critique.failed
    if not failed:
        return None
    regions, said = at_fault(failed, plan), tuple(_sentence(finding) for finding in failed)
    if critique.edits and critique.edits not in tried_edits:
        return Action(Rung.EDIT, regions, edits=critique.edits, said=said)
    extra = tuple(_homeless(failed, plan))
    crowded = _is_crowded(critique)
    rung = _rung(failed, plan, tries, placed=bool(extra), crowded=crowded)
    edits = tuple(squarer(plan, regions, size)) if rung is Rung.SQUARE else ()
    if rung is Rung.SQUARE and not edits:
        rung = Rung.SEED
    strays = _strays(failed, plan, tries) if rung is Rung.SEED else []
    around = tuple(dict.fromkeys(name for name, _ in strays))
    return Action(rung, regions, (*extra, *(box for _, box in strays)), around, edits, said)


def _rung(
    failed: Sequence[Finding],
    plan: Plan,
    tries: Mapping[str, int],
    *,
    placed: bool,
    crowded: bool,
) -> Rung:
    """How to go on.

    What is wrong everywhere cannot be mended in places. Where drawing everything anew did not mend
    it either, the critic may be wrong about it, and places have their turn.

    Args:
        failed: What is wrong.
        plan: What is drawn.
        tries: In vain so far.
        placed: Whether something is wrong in places that are no region's.
        crowded: Whether there is too much of everything.
    """
    regions = at_fault(failed, plan)
    local = [name for name in regions if name != WHOLE]
    so_far = max(tries.get(name, 0) for name in local or regions)
    placed = placed or bool(local)
    if not placed or WHOLE in at_fault([one for one in failed if _place_of(one) is None], plan):
        for_all = tries.get(WHOLE, 0)
    else:
        most = crowded or _is_most(len(local), len(plan.layers()))
        for_all = so_far if most else _TURN
    if for_all < _TURN or not placed:
        rungs = FOR_ALL if plan.layers() else (Rung.ALL, Rung.REPLAN)
        return rungs[for_all % len(rungs)]
    return LADDER[so_far % len(LADDER)]


def _is_most(failed: int, regions: int) -> bool:
    """Whether so many failed regions are a failure of the whole: all of two, most of more."""
    return failed == regions == 2 or (failed >= 3 and failed >= _MOST * regions)


def _is_crowded(critique: Critique) -> bool:
    """Whether there are too many of most kinds: a wrong number, while none of them is missing."""
    missing = {
        name
        for one in critique.findings
        if one.check.kind == "presence" and not one.holds
        for name in one.check.ids
    }
    counted = [one for one in critique.findings if one.check.kind == "count" and one.check.count]
    over = [one for one in counted if not one.holds and missing.isdisjoint(one.check.ids)]
    return len(over) > 1 and len(over) >= _MOST * len(counted)


def _strays(
    failed: Sequence[Finding], plan: Plan, tries: Mapping[str, int]
) -> list[tuple[str, Box]]:
    """Places of things too many, each with the region that it stands in.

    A region that something else is wrong with, or that was tried already, is drawn as a whole.
    """
    named = {name for one in failed for name in one.regions or one.check.regions}
    found = [
        (name, one.box)
        for one in failed
        if one.check.kind == "count" and one.box is not None and not one.check.regions
        for name in _standing_in(one.box, plan)
        if name not in named and not tries.get(name, 0)
    ]
    around = {name for name, _ in found}
    return found if len(around) < len(plan.layers()) else []  # something has to stay to be drawn


def squarer(plan: Plan, ids: Collection[str], size: tuple[int, int]) -> Iterator[MoveRegion]:
    """Moves of oblong regions into the middle of their boxes, as wide as high.

    Models draw a thing once and whole where the canvas of a region is about as wide as high.

    Args:
        plan: What is drawn.
        ids: Regions to move where they are oblong; those painted by hand are left.
        size: Width and height of the picture, in any unit.
    """
    for region in plan.layers():
        wide, high = region.box.width * size[0], region.box.height * size[1]
        side = min(wide, high)
        if region.id in ids and region.mask is None and max(wide, high) > _OBLONG * side:
            x, y = region.box.center
            half_x, half_y = side / size[0] / 2, side / size[1] / 2
            yield MoveRegion(id=region.id, box=Box(x - half_x, y - half_y, x + half_x, y + half_y))


def at_fault(failed: Sequence[Finding], plan: Plan) -> tuple[str, ...]:
    """The regions that findings are about, in the findings' order; `WHOLE` for what is nobody's.

    A thing that should not be there is the fault of the region that it stands in.
    """
    ids: dict[str, None] = {}
    known = {region.id for region in plan.layers()}
    for finding in failed:
        concerned = finding.regions or finding.check.regions
        named = [name for name in concerned if name in known]
        for name in named or _standing_in(_place_of(finding), plan) or [WHOLE]:
            ids[name] = None
    return tuple(ids)


def _place_of(finding: Finding) -> Box | None:
    """Where that is; a wrong setting is everywhere, whatever a critic points at."""
    return None if finding.check.kind == "scene" else finding.box


def _standing_in(box: Box | None, plan: Plan) -> list[str]:
    """The uppermost region at the middle of a box."""
    if box is None:
        return []
    inside = [region.id for region in plan.layers() if region.box.contains(*box.center)]
    return inside[-1:]


def _homeless(failed: Sequence[Finding], plan: Plan) -> Iterator[Box]:
    """Places of things that stand in no region."""
    for finding in failed:
        box = _place_of(finding)
        if box is not None and not finding.check.regions and not _standing_in(box, plan):
            yield box


def _sentence(finding: Finding) -> str:
    return f"{finding.check.says} ({finding.seen})" if finding.seen else finding.check.says
