"""Follows instructions: takes them apart, finds their form, and says what was not understood."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

from rpg.errors import PlanError
from rpg.planners.rules.grammar.tokens import tokenize
from rpg.planners.rules.instructions.board import Board
from rpg.planners.rules.instructions.describe import describe
from rpg.planners.rules.instructions.kinds import (
    add,
    look,
    move,
    remove,
    replace,
    scene,
    size,
    style,
)
from rpg.planners.rules.instructions.scenes import with_scene
from rpg.planners.rules.instructions.styles import styles_of, with_style
from rpg.planners.rules.instructions.wording import mentions, with_name
from rpg.planners.rules.lexicon.inflect import singular
from rpg.planners.rules.reasoning import where_is
from rpg.plans import edits as e
from rpg.plans.plan import MAX_PROMPT_CHARS, Plan

_FORMS = (
    *move.SWAPPING, *style.FORMS, *scene.FORMS, *replace.FORMS, *size.FORMS, *remove.FORMS,
    *move.FORMS, *add.FORMS, *look.FORMS, *move.BARE,
)  # fmt: skip
_MOST = 40
_LONGEST = 300
_MOST_REASONING = 100_000
_POLITE = re.compile(
    r"(?:please|now|then|also|and|ok|okay|so|just|can you|could you|would you|will you|kindly|maybe"
    r"|i want you to|i(?:'d| would) like you to|let's|let us|go ahead and|next|finally|first|but"
    r"|instead|hey|well)\b[ ,]*",
    re.IGNORECASE,
)
_THANKS = re.compile(r"[ ,]*\b(?:please|thanks|thank you|now|ok)[ .!]*$", re.IGNORECASE)
_STOP = re.compile(r"\s*(?:[.;!?\n]+(?=\s|$)|,?\s*\b(?:and )?then\b,?)\s*", re.IGNORECASE)
_JOINT = re.compile(
    r"\s*(?:,\s*(?:and|but|also)\b|,|\band\b|\bbut\b|&|\bwhile\b)\s*", re.IGNORECASE
)
_VERBS = (
    "make turn change add remove delete erase move shift push slide bring drag nudge put place set"
    " insert draw include replace swap exchange switch enlarge shrink double take get drop lose"
    " raise lift lower render redraw duplicate clone copy paint recolour recolor give keep scale no"
).split()
_OPENS = re.compile(rf"(?:also |please |then )?(?:{'|'.join(_VERBS)})\b", re.IGNORECASE)
_EXAMPLES = (
    "'make the house blue', 'turn the star into a circle', 'add a moon top right', 'remove the "
    "tree', 'move the star to the left of the house', 'swap the star and the moon', 'make it "
    "night', 'make it a watercolor', 'make the house bigger', 'two more stars', 'no clouds'"
)


@dataclass(frozen=True, slots=True)
class Followed:
    """What an instruction comes to.

    Attributes:
        edits: Make the plan what was asked for.
        notes: What was done, in words, one line each.
    """

    edits: tuple[e.Edit, ...]
    notes: tuple[str, ...]


def follow(plan: Plan, instruction: str) -> Followed:
    """Edits of the plan that do what the instruction says.

    Args:
        plan: From any planner. Regions that stay keep their ids.
        instruction: One or several, joined by "and", commas, "then" or full stops. English.

    Raises:
        PlanError: It is empty or too long, is not understood, names something that is not in the
            plan or could be several things, or there is no room for it.
    """
    text = " ".join(instruction.replace("’", "'").split(" "))
    if not text.strip(" .,;!?\n\t"):
        raise PlanError(f"the instruction is empty: say what to change, such as {_EXAMPLES}")
    if len(text) > MAX_PROMPT_CHARS:
        raise PlanError(
            f"the instruction has {len(text):,} characters: shorten it to {MAX_PROMPT_CHARS:,}"
        )
    board = Board(plan)
    commands = list(_commands(text))
    if not commands:
        raise _not_understood(text)
    if len(commands) > _MOST:
        raise PlanError(f"{len(commands)} instructions at once: give at most {_MOST}")
    for command in commands:
        if len(command) > _LONGEST:
            raise PlanError(f"one instruction of {len(command)} characters: at most {_LONGEST}")
        if not _obey(board, command):
            raise _not_understood(command)
    _retell(board)
    return Followed(e.diff(plan, board.plan), (*board.notes, *board.moved()))


def _not_understood(text: str) -> PlanError:
    return PlanError(f"did not understand {text.strip()[:200]!r}; understood are {_EXAMPLES}")


def revise(plan: Plan, instruction: str, *, source: str) -> Plan:
    """The plan as the instruction wants it; its reasoning says what was done, and what moved.

    Raises:
        PlanError: As `follow`.
    """
    done = follow(plan, instruction)
    notes = [f"Done: {note}." for note in done.notes] or ["Nothing had to change."]
    reasoning = "\n".join([f"Asked for: {instruction.strip()}", *notes])[:_MOST_REASONING]
    return e.apply(plan, done.edits).model_copy(update={"reasoning": reasoning, "source": source})


def _commands(text: str) -> Iterator[str]:
    """The single instructions: parted by full stops, and by "and" or commas before a verb."""
    for sentence in _STOP.split(text):
        start = 0
        for joint in _JOINT.finditer(sentence):
            if _OPENS.match(sentence, joint.end()):
                yield from _plain(sentence[start : joint.start()])
                start = joint.end()
        yield from _plain(sentence[start:])


def _plain(command: str) -> Iterator[str]:
    """The instruction without politeness, unless nothing is left of it."""
    text = " ".join(command.split())
    while (polite := _POLITE.match(text)) is not None:
        text = text[polite.end() :]
    text = _THANKS.sub("", text).strip(" ,.:!?")
    if text:
        yield text


def _obey(board: Board, command: str) -> bool:
    """Does one instruction; False where it is not understood."""
    return _obey_whole(board, command) or _obey_parts(board, command)


def _obey_whole(board: Board, command: str) -> bool:
    for form in _FORMS:
        match = form.pattern.fullmatch(command)
        if match is not None and form.follow(board, match):
            return True
    return False


def _obey_parts(board: Board, command: str) -> bool:
    """Reads "make the star red and the moon blue": the verb serves for both."""
    verb = command.split()[0]
    for joint in _JOINT.finditer(command):
        first, second = command[: joint.start()], command[joint.end() :]
        if first.strip() and second.strip() and _obey_whole(board, first):
            return _obey(board, f"{verb} {second}") or _obey(board, second)
    return False


def _retell(board: Board) -> None:
    """Brings the prompt and the base prompt up to date."""
    plan = board.plan
    if plan.regions == board.before.regions and not (board.scenes or board.styles):
        return
    prompt = _retold(board, plan.prompt)
    base = _retold(board, plan.base_prompt) if plan.base_prompt else ""
    board.do(e.SetBase(prompt=prompt, base_prompt=base))


def _retold(board: Board, text: str) -> str:
    """The text with new words for what is called otherwise now; anew where more has changed."""
    told = _renamed(board, text) if _shape(board.before) == _shape(board.plan) else None
    told = told or describe(board.plan, board.before)
    things = {item.head for item in board.items}
    for scene_text in board.scenes:
        told = with_scene(told, scene_text, things)
    for style_text in board.styles:
        told = with_style(told, style_text, styles_of(board.before))
    return told[:MAX_PROMPT_CHARS]


def _shape(plan: Plan) -> dict[str, tuple[str, str, int]]:
    """What is where, in the words of a description."""
    return {item.id: (item.parent, where_is(item.box), item.region.z) for item in Board(plan).items}


def _renamed(board: Board, text: str) -> str | None:
    """The text with the new names in place; None where one cannot be put in for certain."""
    for words, name in board.renamed:
        if not words:
            return None
        alike = [mention for mention in mentions(text) if mention.head == singular(words[-1])]
        exact = [mention for mention in alike if mention.words == words]
        looser = [mention for mention in alike if set(mention.words) <= set(words)]
        found = exact or looser
        if len(found) > 1 or (alike and not found) or (not exact and len(alike) > 1):
            return None
        if not found and _still_told(words[-1], text) and not _still_told(words[-1], name):
            return None
        text = with_name(text, found[0], name) if found else text  # what is not told stays untold
    return text


def _still_told(noun: str, text: str) -> bool:
    """Whether the text has the noun anywhere: "a cabin scene" tells of a cabin."""
    return singular(noun) in {singular(token.low) for token in tokenize(text)}
