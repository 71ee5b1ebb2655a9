"""Commands that add: "add a moon top right", "two more stars", "put a dog next to the house"."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace

from rpg.errors import PlanError
from rpg.language.grammar.chunks import noun_phrase
from rpg.language.grammar.elements import RelationKind
from rpg.language.grammar.quantities import number
from rpg.language.grammar.scan import scan
from rpg.language.grammar.tokens import join, tokenize
from rpg.language.lexicon.function_words import DETERMINERS, MAX_COUNT, PRONOUNS
from rpg.language.lexicon.inflect import singular
from rpg.language.lexicon.nouns import WEARABLES, is_animate
from rpg.language.positions import position_in_words
from rpg.language.scene_graph.graph import Entity, entity_of
from rpg.language.scene_graph.parser import parse_elements
from rpg.planners.rules.commands.appearance import give
from rpg.planners.rules.commands.describe import EMPTY
from rpg.planners.rules.commands.destinations import Where, cuts, spread, together
from rpg.planners.rules.commands.patterns import Match, form
from rpg.planners.rules.commands.placement.tree_levels import Placement
from rpg.planners.rules.commands.plan_editor import PlanEditor, RegionNode
from rpg.planners.rules.commands.references import resolve, resolve_or_fail
from rpg.planners.rules.commands.relations import relate
from rpg.planners.rules.commands.setting import change_setting
from rpg.planners.rules.commands.text.setting_phrases import (
    kind_of,
    settings_of,
)
from rpg.planners.rules.layout.splits import split_rows
from rpg.planners.rules.recaption import subprompt
from rpg.planners.rules.scene import count_of, thing_of
from rpg.plans import edits as e
from rpg.plans.geometry import FULL, Box
from rpg.plans.plan import Region
from rpg.plans.scene import Thing

_HELD = Box(0.3, 0.45, 0.7, 0.95)
_VAGUE = 2  # how many "more stars" are
_DEFINITE = DETERMINERS - {"a", "an", "another", "any"}


def _added(editor: PlanEditor, match: Match) -> bool:
    return add(editor, match["rest"])


def add(editor: PlanEditor, text: str) -> bool:
    """Adds what the words name, where they say; False where they name nothing to add."""
    weather = [setting for setting in settings_of(text) if kind_of(setting) != "place"]
    if weather:
        return change_setting(editor, tuple(weather))
    for what, where in cuts(editor, text):
        if where is None and " and " in what and any(w for _, w in cuts(editor, what)):
            return False  # several things with places of their own: one at a time
        entities = entities_named(what)
        if entities and where is not None and _is_put_on(entities, where, text[len(what) :]):
            return give(editor, where.others, what)
        if entities:
            _put_all(editor, entities, where)
            return True
        if where is None and what.split()[0].lower() not in _DEFINITE and settings_of(what):
            return change_setting(editor, settings_of(what))
    return False


def _is_put_on(entities: Sequence[Entity], where: Where, said: str) -> bool:
    """Whether somebody is to wear the things: "add a hat | to the dog", "on the dog"."""
    worn = all(
        entity.head in WEARABLES or entity.noun[-1].lower() in WEARABLES for entity in entities
    )
    somebody = bool(where.others) and all(is_animate(item.head) for item in where.others)
    return (
        worn
        and somebody
        and said.lower().lstrip().startswith(("to ", "on ", "onto "))
        and where.kinds in ((RelationKind.BESIDE,), (RelationKind.ON,))
    )


def entities_named(text: str) -> list[Entity]:
    """The things that the words name, those that stand in others among them; or none."""
    words = text.lower().split()
    if not words or words[0] in _DEFINITE | PRONOUNS:
        return []
    graph = parse_elements(scan(tokenize(text)))
    if graph.negatives or graph.relations or any(t.is_placed for t in graph.entities):
        return []
    for entity in graph.entities:
        entity.place = join(setting.text for setting in graph.settings)
    if graph.entities or settings_of(text):
        return graph.entities
    tokens = tokenize(text)
    found = noun_phrase(tokens, 0) if tokens else None
    whole = found is not None and found[1] == len(tokens) and found[0].words
    return [entity_of(found[0])] if found is not None and whole else []


def _keep_whole(editor: PlanEditor) -> None:
    """Draws what was drawn without regions in one behind the new ones."""
    text = editor.plan.base_prompt or editor.plan.prompt
    if not editor.plan.regions and not editor.before.regions and not text.startswith(EMPTY):
        editor.do(e.AddRegion(region=Region(id="scene-1", prompt=text, box=FULL)))


def _put_all(editor: PlanEditor, entities: Sequence[Entity], where: Where | None) -> None:
    """Adds things, each as many times as it says, with what they hold."""
    _keep_whole(editor)
    outer = [entity for entity in entities if entity.parent not in entities]
    total = len(each_of(entities))
    new: list[str] = []
    if where is not None and total > 1 and together(where):
        place = where.find(editor, min(max(entity.size for entity in outer) * total**0.5, 1.5))
        new += put_into(editor, entities, [replace(place, box=b) for b in shares(place.box, total)])
    else:
        for entity in outer:
            spots = spread(where, entity.count)
            if len(spots) > entity.count:
                _single(entity)
            for spot in spots:
                place = spot.find(editor, entity.size)
                new.append(_put(editor, entity, place, entities, spot))
    editor.last = tuple(new)


def put_into(
    editor: PlanEditor, entities: Sequence[Entity], places: Sequence[Placement]
) -> list[str]:
    """Adds one thing at each place, in order, with what it holds; gives their ids."""
    pairs = zip(each_of(entities), places, strict=True)
    return [_put(editor, one, place, entities) for one, place in pairs]


def each_of(entities: Sequence[Entity]) -> list[Entity]:
    """Every thing as many times as it says, without those that stand in others."""
    return [each for each in entities if each.parent not in entities for _ in range(each.count)]


def shares(box: Box, count: int) -> list[Box]:
    """The box in as many parts, in rows that suit its form."""
    rows = split_rows(count, round(box.width / box.height, 6))
    return [
        Box(x / each, y / len(rows), (x + 1) / each, (y + 1) / len(rows)).within(box)
        for y, each in enumerate(rows)
        for x in range(each)
    ]


def _put(
    editor: PlanEditor,
    entity: Entity,
    place: Placement,
    entities: Sequence[Entity],
    where: Where | None = None,
) -> str:
    """Adds one thing with what it holds; gives its region's id."""
    name = _insert(editor, entity, place, where)
    for each in entities:
        if each.parent is entity:
            _insert(editor, each, Placement(_HELD.within(place.box), name))
    return name


def _single(entity: Entity) -> None:
    """Makes one tree of "trees": there will be several of them."""
    noun = entity.noun[-1]
    if singular(noun.lower()) != noun.lower():
        entity.determiner, entity.noun[-1] = "a", singular(noun.lower())


def _insert(
    editor: PlanEditor, entity: Entity, place: Placement, where: Where | None = None
) -> str:
    """Adds one of an entity in a region of its own; gives its id."""
    count = count_of(entity) if entity.crowd else count_of(entity) and 1
    thing = thing_of(entity, "new", count)
    return _insert_thing(editor, thing, entity.head, subprompt(entity), place, where)


def _insert_thing(
    editor: PlanEditor,
    thing: Thing | None,
    noun: str,
    prompt: str,
    place: Placement,
    where: Where | None,
) -> str:
    """Adds a region that shows a thing of the scene that is like this one, or else a new one."""
    name = editor.new_id(noun)
    things: tuple[Thing, ...] = ()
    shows: tuple[str, ...] = ()
    outer = editor.item(place.parent).thing if place.parent else None
    if thing:
        own = {"id": editor.new_thing(noun), "owner": outer.id if outer else ""}
        thing = thing.model_copy(update=own)
        known = None if where and where.kinds else editor.like(thing)
        things, shows = () if known else (thing,), ((known or thing).id,)
    editor.move(place.moves)
    region = Region(id=name, shows=shows, prompt=prompt, box=place.box, z=place.z)
    at = f"inside {place.parent}" if place.parent else position_in_words(place.box)
    edit = e.AddRegion(region=region, things=things, parent=place.parent)
    editor.do(edit, note=f"{name} is new: {prompt!r}, {at}")
    _allow(editor, noun)
    for each in shows:
        relate(editor, each, where)
    return name


def _allow(editor: PlanEditor, head: str) -> None:
    """Takes what is wanted now out of what should not be there."""
    unwanted = [part.strip() for part in editor.plan.negative.split(",")]
    kept = [part for part in unwanted if not _is_one(part, head)]
    if len(kept) < len(unwanted):
        editor.do(e.SetBase(negative=", ".join(kept)))
    absent = tuple(part for part in editor.scene.absent if not _is_one(part, head))
    if absent != editor.scene.absent:
        editor.do(e.SetScene(absent=absent))


def _is_one(words: str, head: str) -> bool:
    return bool(words.strip()) and singular(words.lower().split()[-1]) == head


def _more(editor: PlanEditor, match: Match) -> bool:
    """Reads "two more stars", "another red star", "one more of them"."""
    word = match["count"]
    count = 1 if not word or word in ("a", "an", "one") else number(word.lower())
    if match["vague"]:
        count = _VAGUE
    for what, where in cuts(editor, match["rest"]):
        like = _like(editor, what) if count else None
        if like is not None:
            new = [copy(editor, like, spot) for spot in spread(where, count or 1)]
            editor.last = tuple(new)
            return True
    kind = f"{match['count'] or 'a'} {match['rest']}"
    return count is not None and count < 13 and add(editor, kind)


def _like(editor: PlanEditor, what: str) -> RegionNode | None:
    """What there should be more of; None where nothing like it is there."""
    noun = what.strip()
    found = resolve(editor, f"all {noun}" if not noun.startswith("of ") else noun[3:])
    return found[-1] if found else None


def copy(editor: PlanEditor, like: RegionNode, where: Where) -> str:
    """Adds another one of a thing; gives its region's id."""
    thing, place = like.thing, where.find(editor)
    one = thing and thing.model_copy(update={"count": thing.count and 1})
    return _insert_thing(editor, one, like.head, like.region.prompt, place, where)


def _copied(editor: PlanEditor, match: Match) -> bool:
    """Reads "duplicate the dog", "copy the star to the bottom right"."""
    times = 2 if match["twice"] else number((match["times"] or "one").lower())
    if times is None or times > MAX_COUNT:
        return False
    items, where = _copied_where(editor, match["what"])
    spots = [(each, spot) for each in items for spot in spread(where, times)]
    editor.last = tuple([copy(editor, each, spot) for each, spot in spots])
    return True


def _copied_where(editor: PlanEditor, text: str) -> tuple[tuple[RegionNode, ...], Where | None]:
    """The things, and the place; none where it is needed to tell which things are meant.

    Raises:
        PlanError: Nothing in the plan is meant, or several things could be.
    """
    for what, where in cuts(editor, text):
        try:
            return resolve_or_fail(editor, what), where
        except PlanError as error:
            why = error
    raise why


def _bare(editor: PlanEditor, match: Match) -> bool:
    """Reads "a moon above the house": a thing that is new, with a place."""
    text = match["rest"]
    placed = any(where is not None for _, where in cuts(editor, text))
    return placed and add(editor, text)


def _counts() -> Iterator[str]:
    yield from (
        "an?",
        "one",
        "two",
        "three",
        "four",
        "five",
        "six",
        "seven",
        "eight",
        "nine",
        r"\d+",
    )


_ADD = (
    r"(?:add|put|place|insert|draw|include|give (?:me|us|it)|create|paint|show|introduce|throw in"
    r"|drop in|have|i want|i'd like|i would like|i need|want|let there be|there (?:should|must) be"
    r"|there (?:is|are)|with|bring in|we need|it needs|sketch)"
)
FORMS = (
    form(
        rf"(?:{_ADD} )?(?:(?P<count>{'|'.join(_counts())}) (?:more|additional|extra|further|other)"
        r"|another|(?P<vague>some more|more|a few more)) (?P<rest>.+)",
        _more,
    ),
    form(rf"{_ADD} (?:also |in )?(?P<rest>.+?)(?: too| as well)?", _added),
    form(
        r"(?:duplicate|clone|copy) (?P<what>.+?)(?: (?:(?P<twice>twice)|(?P<times>\w+) times))?",
        _copied,
    ),
    form(r"(?P<rest>(?:an?|one|two|three|some) .+)", _bare),
)
