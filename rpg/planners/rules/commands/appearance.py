"""Commands that change appearance: "make the house blue", "turn the star into a circle"."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial

from rpg.errors import PlanError
from rpg.language.grammar.tokens import join, tokenize
from rpg.language.lexicon.attributes import size_of
from rpg.language.lexicon.function_words import DETERMINERS
from rpg.language.lexicon.inflect import singular
from rpg.language.scene_graph.graph import entity_of
from rpg.planners.rules.commands.complement import Appearance, read_appearance
from rpg.planners.rules.commands.patterns import Match, form
from rpg.planners.rules.commands.plan_editor import PlanEditor, RegionNode, noun_of
from rpg.planners.rules.commands.references import prefixes, resolve, resolve_list, resolve_or_fail
from rpg.planners.rules.commands.size import resize
from rpg.planners.rules.commands.text.attribute_kinds import changed, changed_looks
from rpg.planners.rules.commands.text.wording import (
    Mention,
    mentions,
    named,
    subject_of,
    with_name,
    with_words,
)
from rpg.plans import edits as e
from rpg.plans.scene import Thing

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
        if item.subject is None:
            raise PlanError(f"{item.shown} has no noun to describe: rewrite its prompt instead")
    editor.reshape(items, lambda thing: _looking(thing, appearance))
    for item in items:
        if (mention := item.subject) is not None:
            _apply_to(editor, item, mention, appearance)
    editor.last = tuple(item.id for item in items)
    return True


def _looking(thing: Thing, appearance: Appearance) -> Thing:
    """The thing as it is to look."""
    entity = entity_of(appearance.noun) if appearance.noun is not None else None
    new = [*appearance.attributes, *(entity.attributes if entity else ())]
    posts = [*filter(None, (entity.post if entity else "", *appearance.posts, appearance.action))]
    old = [one for one in thing.attributes if not (appearance.action and _acts(one))]
    looks = changed_looks(old, new) if new else tuple(old)
    name = join(entity.noun) if entity else thing.name
    return thing.model_copy(
        update={"name": name, "attributes": tuple(dict.fromkeys((*looks, *posts)))}
    )


def _acts(attribute: str) -> bool:
    return attribute.lstrip().partition(" ")[0].endswith("ing")


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
    rest = text[mention.end :] if mention else ""
    if mention and _acts(rest):
        return f"{text[: mention.end]} {action}"
    return f"{text} {action}"


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
            raise editor.which(what, [item for item, _ in found])
        if not found and _place_made(editor, words, appearance):
            return True
        for item, mention in found:
            attributes = changed(mention.attributes, appearance.attributes)
            name = named(item.region.prompt, mention, attributes)
            text = with_name(item.region.prompt, mention, name)
            _part_shaped(editor, item, mention, appearance)
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
        if _is_named(mention, words)
    ]


def _is_named(mention: Mention, words: Sequence[str]) -> bool:
    return mention.head == singular(words[-1]) and set(words[:-1]) <= set(mention.words)


def _part_shaped(
    editor: PlanEditor, item: RegionNode, part: Mention, appearance: Appearance
) -> None:
    """Notes the looks of a part with the thing that has it, or with the part if it is a thing."""

    def change(thing: Thing) -> Thing:
        said = (_reworded(one, part.words, appearance) for one in thing.attributes)
        return thing.model_copy(update={"attributes": tuple(said)})

    editor.reshape([item], change)
    owners = {one.id for one in item.things}
    things = tuple(
        _looking(one, appearance) if one.owner in owners and noun_of(one) == part.head else one
        for one in editor.scene.things
    )
    if things != editor.scene.things:
        editor.do(e.SetScene(things=things))


def _reworded(text: str, words: Sequence[str], appearance: Appearance) -> str:
    """The text with other looks of what it mentions in those words; as it was where it does not."""
    for mention in mentions(text):
        if _is_named(mention, words):
            attributes = changed(mention.attributes, appearance.attributes)
            return with_words(text, mention, attributes, mention.noun)
    return text


def _place_made(editor: PlanEditor, words: Sequence[str], appearance: Appearance) -> bool:
    """Changes the setting that everything is in: "make the beach snowy"."""
    setting = _reworded(editor.scene.setting, words, appearance)
    if setting == editor.scene.setting:
        return False
    editor.do(e.SetScene(setting=setting), note=f"everything is {setting} now")
    return True


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
        own = [mention for mention in mentions(item.core) if new and mention.head == new.head]
        if own and own[0] != item.subject:
            editor.reshape([item], partial(_given_another, gift=gift))
            editor.mend(item, with_name(item.core, own[0], gift))
        else:
            apply_appearance(editor, [item], Appearance(posts=[f"with {gift}"]))
    editor.last = tuple(item.id for item in items)
    return True


def _given_another(thing: Thing, gift: str) -> Thing:
    """The thing with the gift for what it had of that kind."""
    new = subject_of(gift)
    head = new.head if new else ""
    kept = (one for one in thing.attributes if all(each.head != head for each in mentions(one)))
    return thing.model_copy(update={"attributes": (*kept, f"with {gift}")})


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
