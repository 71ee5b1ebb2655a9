"""The interpreter: splits an instruction into commands and applies the first pattern that fits."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from rpg.errors import PlanError
from rpg.language.grammar.quotations import masked
from rpg.language.grammar.styles import split_style
from rpg.language.grammar.tokens import tokenize
from rpg.language.lexicon.inflect import singular
from rpg.language.positions import position_in_words
from rpg.planners.rules.commands import (
    add,
    appearance,
    inscribe,
    move,
    remove,
    replace,
    setting,
    size,
    style,
)
from rpg.planners.rules.commands.describe import describe
from rpg.planners.rules.commands.patterns import CommandPattern
from rpg.planners.rules.commands.plan_editor import PlanEditor
from rpg.planners.rules.commands.relations import settle_relations
from rpg.planners.rules.commands.text.setting_phrases import (
    kind_of,
    parts_of,
    settings_in,
    without,
)
from rpg.planners.rules.commands.text.wording import content_of, mentions, with_name
from rpg.planners.rules.lifting import lifted
from rpg.planners.rules.written import parted
from rpg.plans import edits as e
from rpg.plans.plan import MAX_PROMPT_CHARS, Plan
from rpg.plans.scene import Scene, joined

_FORMS = (
    *move.SWAPPING, *style.FORMS, *setting.FORMS, *replace.FORMS, *size.FORMS, *remove.FORMS,
    *move.FORMS, *add.FORMS, *appearance.FORMS, *move.BARE,
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
class Revision:
    """What an instruction comes to.

    Attributes:
        edits: Make the plan what was asked for.
        notes: What was done, in words, one line each.
    """

    edits: tuple[e.Edit, ...]
    notes: tuple[str, ...]


def follow(plan: Plan, instruction: str) -> Revision:
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
    editor = PlanEditor(lifted(plan))
    commands = list(_commands(text))
    if not commands:
        raise _not_understood(text)
    if len(commands) > _MOST:
        raise PlanError(f"{len(commands)} instructions at once: give at most {_MOST}")
    for command in commands:
        if len(command) > _LONGEST:
            raise PlanError(f"one instruction of {len(command)} characters: at most {_LONGEST}")
        if not _apply(editor, command):
            raise _not_understood(command)
    settle_relations(editor)
    _update_prompts(editor)
    return Revision(e.diff(plan, editor.plan), (*editor.notes, *editor.moved()))


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
    bare = masked(text)  # nothing parts what is to be written
    for start, end in _sentences(bare):
        for joint in _JOINT.finditer(bare, start, end):
            if _OPENS.match(bare, joint.end(), end):
                yield from _plain(text[start : joint.start()])
                start = joint.end()
        yield from _plain(text[start:end])


def _sentences(text: str) -> Iterator[tuple[int, int]]:
    """Where the sentences of a text begin and end."""
    begin = 0
    for stop in _STOP.finditer(text):
        yield begin, stop.start()
        begin = stop.end()
    yield begin, len(text)


def _plain(command: str) -> Iterator[str]:
    """The instruction without politeness, unless nothing is left of it."""
    text = " ".join(command.split())
    while (polite := _POLITE.match(text)) is not None:
        text = text[polite.end() :]
    text = _THANKS.sub("", text).strip(" ,.:!?")
    if text:
        yield text


def _apply(editor: PlanEditor, command: str) -> bool:
    """Does one instruction; False where it is not understood."""
    if _apply_pattern(editor, command, inscribe.FORMS):
        return True
    bare, written = parted(command)
    if written and bare and _apply(editor, bare):
        inscribe.write_on_last(editor, command)
        return True
    return _apply_pattern(editor, command) or _apply_parts(editor, command)


def _apply_pattern(
    editor: PlanEditor, command: str, forms: Sequence[CommandPattern] = _FORMS
) -> bool:
    for form in forms:
        match = form.pattern.fullmatch(command)
        if match is not None and form.follow(editor, match):
            return True
    return False


def _apply_parts(editor: PlanEditor, command: str) -> bool:
    """Reads "make the star red and the moon blue": the verb serves for both."""
    verb = command.split()[0]
    for joint in _JOINT.finditer(masked(command)):
        first, second = command[: joint.start()], command[joint.end() :]
        if first.strip() and second.strip() and _apply_pattern(editor, first):
            return _apply(editor, f"{verb} {second}") or _apply(editor, second)
    return False


def _update_prompts(editor: PlanEditor) -> None:
    """Brings the prompt and the base prompt up to date."""
    plan, before = editor.plan, editor.before
    if plan.regions == before.regions and _ends(plan.scene) == _ends(before.scene):
        return
    prompt = _updated_prompt(editor, plan.prompt)
    base = _updated_prompt(editor, plan.base_prompt) if plan.base_prompt else ""
    editor.do(e.SetBase(prompt=prompt, base_prompt=base))


def _ends(scene: Scene) -> tuple[str, str]:
    return scene.setting, scene.style


def _updated_prompt(editor: PlanEditor, text: str) -> str:
    """The text with new words for what is called otherwise now; anew where more has changed."""
    same = _shape(editor.before) == _shape(editor.plan)
    prompt = _renamed(editor, text) if same else None
    if prompt is not None:
        prompt = _reset(editor, prompt)
    return (prompt or _described(editor, text))[:MAX_PROMPT_CHARS]


def _described(editor: PlanEditor, text: str) -> str:
    """The plan in words; with setting and style of the old text where the scene has none."""
    prompt = describe(editor.plan)
    if any(_ends(editor.plan.scene)):
        return prompt
    return joined(prompt, *_settings_in(editor, text), *split_style(text)[1])


def _settings_in(editor: PlanEditor, text: str) -> tuple[str, ...]:
    return settings_in(
        text, {item.head for item in (*editor.items, *PlanEditor(editor.before).items)}
    )


def _reset(editor: PlanEditor, text: str) -> str | None:
    """The text with the setting and style of now; None where it lacks the setting there was."""
    before, after = editor.before.scene, editor.plan.scene
    if before.setting != after.setting and before.setting:
        at = text.lower().find(before.setting.lower())
        if at < 0:
            return None
        text = f"{text[:at]}{after.setting}{text[at + len(before.setting) :]}"
    elif before.setting != after.setting:
        kinds = {kind_of(part) for part in parts_of(after.setting)}
        text = without(text, (one for one in _settings_in(editor, text) if kind_of(one) in kinds))
        end = content_of(text)[1]
        text = f"{joined(text[:end], after.setting)}{text[end:]}"
    if before.style != after.style:
        content = without(split_style(text)[0], [before.style] if before.style else [])
        text = joined(content.strip(" ,."), after.style)
    return text


def _shape(plan: Plan) -> dict[str, tuple[str, str, int]]:
    """What is where, in the words of a description."""
    return {
        item.id: (item.parent, position_in_words(item.box), item.region.z)
        for item in PlanEditor(plan).items
    }


def _renamed(editor: PlanEditor, text: str) -> str | None:
    """The text with the new names in place; None where one cannot be put in for certain."""
    for words, name in editor.renamed:
        if not words:
            return None
        alike = [mention for mention in mentions(text) if mention.head == singular(words[-1])]
        exact = [mention for mention in alike if mention.words == words]
        looser = [mention for mention in alike if set(mention.words) <= set(words)]
        found = exact or looser
        if len(found) > 1 or (alike and not found) or (not exact and len(alike) > 1):
            return None
        if not found and _names(words[-1], text) and not _names(words[-1], name):
            return None
        text = with_name(text, found[0], name) if found else text  # what is not told stays untold
    return text


def _names(noun: str, text: str) -> bool:
    """Whether the text has the noun anywhere: "a cabin scene" tells of a cabin."""
    return singular(noun) in {singular(token.low) for token in tokenize(text)}
