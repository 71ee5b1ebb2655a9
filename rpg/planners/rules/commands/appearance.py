"""Commands that change appearance: "make the house blue", "turn the star into a circle"."""

from __future__ import annotations

from collections.abc import Sequence

from rpg.errors import PlanError
from rpg.language.grammar.tokens import join, tokenize
from rpg.language.lexicon.attributes import size_of
from rpg.language.lexicon.function_words import DETERMINERS
from rpg.language.lexicon.inflect import singular
from rpg.language.scene_graph.graph import entity_of
from rpg.planners.rules.commands.complement import Appearance, read_appearance
from rpg.planners.rules.commands.describe import shared
from rpg.planners.rules.commands.patterns import Match, form
from rpg.planners.rules.commands.plan_editor import PlanEditor, RegionNode
from rpg.planners.rules.commands.references import prefixes, resolve, resolve_list, resolve_or_fail
from rpg.planners.rules.commands.setting import change_setting
from rpg.planners.rules.commands.size import resize
from rpg.planners.rules.commands.text.attribute_kinds import changed
from rpg.planners.rules.commands.text.setting_phrases import settings_in, without_settings
from rpg.planners.rules.commands.text.wording import (
    Mention,
    mentions,
    named,
    subject_of,
    with_name,
    with_words,
)

_BROKEN = frozenset({"and", ",", "not", "no"})  # names nothing that could be looked for
Found = tuple[RegionNode, Mention]

_GIVEN = ("a ", "an ", "some ", "two ", "three ", "its ", "his ")
_MAKE = (
    r"(?:make|turn|paint|colou?r|dye|recolou?r|repaint|tint|change|transform|convert|render|set|have"
    r"|let|draw|give)"
)
_QUALITY = r"(?:colou?r|material|texture|pattern|look|appearance|shape|size|style|finish|hue|shade)"


def _made(editor: PlanEditor, match: Match) -> bool:
    """Finds where the thing ends and what it is to become begins."""
    text = match["rest"]
    for what, become in prefixes(editor, text):
        appearance = read_appearance(become)
        if appearance is not None and (items := resolve_list(editor, what)):
            return apply_appearance(editor, items, appearance)
    return _part_made(editor, text) or _unknown(editor, text)


def _unknown(editor: PlanEditor, text: str) -> bool:
    """Says so where all is plain but the thing: there is no dog to make blue."""
    for what, become in prefixes(editor, text):
        words = what.lower().split()
        tokens = [token.low for token in tokenize(what)]
        definite = words[0] in DETERMINERS and len(words) > 1 and not _BROKEN & set(tokens)
        if definite and read_appearance(become) is not None:
            raise editor.no(what)
    return False


def apply_appearance(
    editor: PlanEditor, items: Sequence[RegionNode], appearance: Appearance
) -> bool:
    """Makes things look so."""
    for item in items:
        mention = subject_of(item.region.prompt)
        if mention is None:
            raise PlanError(f"{item.shown} has no noun to describe: rewrite its prompt instead")
        _apply_to(editor, item, mention, appearance)
    editor.last = tuple(item.id for item in items)
    return True


def _apply_to(
    editor: PlanEditor, item: RegionNode, mention: Mention, appearance: Appearance
) -> None:
    text, post = item.region.prompt, " ".join(appearance.posts)
    old = mention.attributes
    if appearance.noun is not None:
        text = with_name(text, mention, join([_renamed(mention, appearance), post]))
    else:
        attributes = changed(old, appearance.attributes) if appearance.attributes else list(old)
        text = with_words(text, mention, attributes, mention.noun, post)
    if appearance.action:
        text = _acting(text, appearance.action)
    editor.mend(item, text)
    wanted = appearance.size or _size_said(old, appearance)
    if wanted is not None:
        _resize(editor, item.id, wanted, has_size=appearance.size is not None)


def _renamed(mention: Mention, appearance: Appearance) -> str:
    """The new noun with the attributes of the old one that it says nothing against."""
    assert appearance.noun is not None
    entity = entity_of(appearance.noun)
    entity.attributes = changed(mention.attributes, [*appearance.attributes, *entity.attributes])
    return join([entity.name, entity.post])


def _acting(text: str, action: str) -> str:
    """The text with what its subject does now instead of what it did."""
    mention = subject_of(text)
    if mention is None:
        return text
    core = without_settings(text)
    rest = core[core.find(text[mention.start : mention.end]) + mention.end - mention.start :]
    first = rest.split()[:1]
    if first and first[0].endswith("ing"):
        return text.replace(f"{rest}", f" {action}", 1)
    return text.replace(core, f"{core} {action}", 1)


def _size_said(old: Sequence[str], appearance: Appearance) -> tuple[float, float] | None:
    """The change of size that a new word such as "huge" means; None where there is none."""
    fresh = size_of([word.lower() for word in appearance.attributes])
    if fresh == 1.0:
        return None
    ratio = (fresh / size_of([word.lower() for word in old])) ** 0.5
    return None if ratio == 1.0 else (min(max(ratio, 0.5), 1.6),) * 2


def _resize(editor: PlanEditor, name: str, wanted: tuple[float, float], *, has_size: bool) -> None:
    try:
        resize(editor, editor.item(name), wanted)
    except PlanError:
        if has_size:
            raise  # "bigger" is about the box; "huge" is in the words already


def _part_made(editor: PlanEditor, text: str) -> bool:
    """A part that a subprompt mentions: "make the roof red"."""
    for what, become in prefixes(editor, text):
        appearance = read_appearance(become, noun=False)
        words = [word.lower() for word in what.split() if word.lower() not in DETERMINERS]
        if appearance is None or appearance.size or not words or not appearance.attributes:
            continue
        found = _mentioned(editor, words)
        if len(found) > 1:
            return _place_made(editor, found[0], appearance) or _ambiguous(editor, what, found)
        for item, mention in found:
            attributes = changed(mention.attributes, appearance.attributes)
            name = named(item.region.prompt, mention, attributes)
            text = with_name(item.region.prompt, mention, name)
            editor.mend(item, text, (mention.words, name))
            editor.last = (item.id,)
            return True
    return False


def _mentioned(editor: PlanEditor, words: Sequence[str]) -> list[Found]:
    """Where subprompts mention the last of the words, with the others as attributes."""
    return [
        (item, mention)
        for item in editor.items
        for mention in mentions(item.region.prompt)
        if mention.head == singular(words[-1]) and set(words[:-1]) <= set(mention.words)
    ]


def _place_made(editor: PlanEditor, found: Found, appearance: Appearance) -> bool:
    """Changes the scene that everything is in: "make the beach snowy"."""
    settings = shared([settings_in(item.region.prompt) for item in editor.items if item.core])
    for setting in settings:
        for mention in mentions(setting):
            if mention.words == found[1].words:
                attributes = changed(mention.attributes, appearance.attributes)
                return change_setting(
                    editor, (with_words(setting, mention, attributes, mention.noun),)
                )
    return False


def _ambiguous(editor: PlanEditor, what: str, found: Sequence[Found]) -> bool:
    raise editor.which(what, [item for item, _ in found])


def _quality(editor: PlanEditor, match: Match) -> bool:
    """Reads "change the colour of the house to blue", "the house's colour"."""
    appearance = read_appearance(match["become"])
    if appearance is None and match["become"]:
        appearance = read_appearance(f"a {match['become']}")
    return appearance is not None and apply_appearance(
        editor, resolve_or_fail(editor, match["what"]), appearance
    )


def _given(editor: PlanEditor, match: Match) -> bool:
    """Reads "give the man a red hat": part of what the man is described as."""
    for what, gift in prefixes(editor, match["rest"]):
        items = resolve_list(editor, what)
        if items and gift.lstrip().lower().startswith(_GIVEN):
            colour = gift.lower().removesuffix(" colour").removesuffix(" color")
            if colour != gift.lower():
                appearance = read_appearance(colour.split(" ", 1)[-1])
                return appearance is not None and apply_appearance(editor, items, appearance)
            return not _goes_on(editor, gift) and give(editor, items, gift)
    return False


def _goes_on(editor: PlanEditor, gift: str) -> bool:
    """Whether another is given something too: "a red hat and | the dog a blue hat"."""
    second = gift.partition(" and ")[2]
    return any(resolve_list(editor, what) for what, _ in prefixes(editor, second))


def give(editor: PlanEditor, items: Sequence[RegionNode], gift: str) -> bool:
    """Adds to a description what its subject has; another one of the kind goes."""
    new = subject_of(gift)
    for item in items:
        own = [mention for mention in mentions(item.core)[1:] if new and mention.head == new.head]
        if own:
            editor.mend(
                item, item.region.prompt.replace(item.core, with_name(item.core, own[0], gift))
            )
        else:
            apply_appearance(editor, [item], Appearance(posts=[f"with {gift}"]))
    editor.last = tuple(item.id for item in items)
    return True


def _only(editor: PlanEditor, match: Match) -> bool:
    """Reads "the star should be blue"."""
    appearance = read_appearance(match["become"])
    items = resolve(editor, match["what"]) if appearance is not None else None
    return (
        appearance is not None and bool(items) and apply_appearance(editor, items or (), appearance)
    )


FORMS = (
    form(
        rf"(?:{_MAKE}|switch) (?:the )?{_QUALITY} of (?P<what>.+?) (?:to be |into |to |be |as )?"
        r"(?P<become>\S+(?: \S+)?)",
        _quality,
    ),
    form(
        rf"(?:{_MAKE}|switch) (?P<what>.+?)(?:'s|s') {_QUALITY} (?:to be |into |to |be )?"
        r"(?P<become>.+)",
        _quality,
    ),
    form(r"give (?P<rest>.+)", _given),
    form(rf"{_MAKE} (?P<rest>.+?)(?: instead)?", _made),
    form(
        r"(?:i want |i'd like |i would like )?(?P<what>.+?) (?:should (?:be|look|become)|must be"
        r"|has to be|have to be|needs to be|need to be|to be|shall be) (?P<become>.+)",
        _only,
    ),
    form(r"(?P<what>.+?) (?:should|must|has to|have to|needs to|need to) (?P<become>.+)", _only),
    form(r"(?P<what>the .+?|it|they) (?:is|are|in) (?:now )?(?P<become>.+)", _only),
)
