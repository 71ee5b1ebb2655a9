"""Things that come: "add a moon top right", "two more stars", "put a dog next to the house"."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace

from rpg.errors import PlanError
from rpg.planners.rules.grammar.chunks import noun_phrase
from rpg.planners.rules.grammar.elements import Kind
from rpg.planners.rules.grammar.quantities import number
from rpg.planners.rules.grammar.scan import scan
from rpg.planners.rules.grammar.tokens import join, tokenize
from rpg.planners.rules.instructions.board import Board, Item
from rpg.planners.rules.instructions.describe import shared
from rpg.planners.rules.instructions.forms import Match, form
from rpg.planners.rules.instructions.kinds.look import give
from rpg.planners.rules.instructions.kinds.scene import set_scene
from rpg.planners.rules.instructions.references import must_refer, refer
from rpg.planners.rules.instructions.scenes import kind_of, scenes_in, scenes_of, styles_in
from rpg.planners.rules.instructions.stage import Place
from rpg.planners.rules.instructions.where import Where, cuts, spread, together
from rpg.planners.rules.layout.splits import split_rows
from rpg.planners.rules.lexicon.inflect import singular
from rpg.planners.rules.lexicon.nouns import WEARABLES, is_animate
from rpg.planners.rules.lexicon.words import DETERMINERS, MAX_COUNT, PRONOUNS
from rpg.planners.rules.reading.reader import read_elements
from rpg.planners.rules.reading.things import Thing, thing_of
from rpg.planners.rules.reasoning import where_is
from rpg.planners.rules.recaption import subprompt
from rpg.plans import edits as e
from rpg.plans.geometry import Box
from rpg.plans.plan import Region

_HELD = Box(0.3, 0.45, 0.7, 0.95)
_VAGUE = 2  # how many "more stars" are
_DEFINITE = DETERMINERS - {"a", "an", "another", "any"}


def _added(board: Board, match: Match) -> bool:
    return add(board, match["rest"])


def add(board: Board, text: str) -> bool:
    """Adds what the words name, where they say; False where they name nothing to add."""
    weather = [scene for scene in scenes_of(text) if kind_of(scene) != "place"]
    if weather:
        return set_scene(board, tuple(weather))
    for what, where in cuts(board, text):
        if where is None and " and " in what and any(w for _, w in cuts(board, what)):
            return False  # several things with places of their own: one at a time
        things = things_named(what)
        if things and where is not None and _is_put_on(things, where, text[len(what) :]):
            return give(board, where.others, what)
        if things:
            _put_all(board, things, where)
            return True
        if where is None and what.split()[0].lower() not in _DEFINITE and scenes_of(what):
            return set_scene(board, scenes_of(what))
    return False


def _is_put_on(things: Sequence[Thing], where: Where, said: str) -> bool:
    """Whether somebody is to wear the things: "add a hat | to the dog", "on the dog"."""
    worn = all(thing.head in WEARABLES or thing.noun[-1].lower() in WEARABLES for thing in things)
    somebody = bool(where.others) and all(is_animate(item.head) for item in where.others)
    return (
        worn
        and somebody
        and said.lower().lstrip().startswith(("to ", "on ", "onto "))
        and where.kinds in ((Kind.BESIDE,), (Kind.ON,))
    )


def things_named(text: str) -> list[Thing]:
    """The things that the words name, those that stand in others among them; or none."""
    words = text.lower().split()
    if not words or words[0] in _DEFINITE | PRONOUNS:
        return []
    reading = read_elements(scan(tokenize(text)))
    if reading.negatives or reading.relations or any(t.is_placed for t in reading.things):
        return []
    for thing in reading.things:
        thing.place = join(scene.text for scene in reading.scenes)
    if reading.things or scenes_of(text):
        return reading.things
    tokens = tokenize(text)
    found = noun_phrase(tokens, 0) if tokens else None
    whole = found is not None and found[1] == len(tokens) and found[0].words
    return [thing_of(found[0])] if found is not None and whole else []


def _put_all(board: Board, things: Sequence[Thing], where: Where | None) -> None:
    """Adds things, each as many times as it says, with what they hold."""
    outer = [thing for thing in things if thing.parent not in things]
    total = len(each_of(things))
    new: list[str] = []
    if where is not None and total > 1 and together(where):
        place = where.find(board, min(max(thing.size for thing in outer) * total**0.5, 1.5))
        new += put_into(board, things, [replace(place, box=b) for b in shares(place.box, total)])
    else:
        for thing in outer:
            spots = spread(where, thing.count)
            if len(spots) > thing.count:
                _single(thing)
            for spot in spots:
                new.append(_put(board, thing, spot.find(board, thing.size), things))
    board.last = tuple(new)


def put_into(board: Board, things: Sequence[Thing], places: Sequence[Place]) -> list[str]:
    """Adds one thing at each place, in order, with what it holds; gives their ids."""
    pairs = zip(each_of(things), places, strict=True)
    return [_put(board, one, place, things) for one, place in pairs]


def each_of(things: Sequence[Thing]) -> list[Thing]:
    """Every thing as many times as it says, without those that stand in others."""
    return [each for each in things if each.parent not in things for _ in range(each.count)]


def shares(box: Box, count: int) -> list[Box]:
    """The box in as many parts, in rows that suit its form."""
    rows = split_rows(count, round(box.width / box.height, 6))
    return [
        Box(x / each, y / len(rows), (x + 1) / each, (y + 1) / len(rows)).within(box)
        for y, each in enumerate(rows)
        for x in range(each)
    ]


def _put(board: Board, thing: Thing, place: Place, things: Sequence[Thing]) -> str:
    """Adds one thing with what it holds; gives its id."""
    name = _insert(board, thing.head, _prompt(board, thing), place)
    for each in things:
        if each.parent is thing:
            _insert(board, each.head, _prompt(board, each), Place(_HELD.within(place.box), name))
    return name


def _single(thing: Thing) -> None:
    """Makes one tree of "trees": there will be several of them."""
    noun = thing.noun[-1]
    if singular(noun.lower()) != noun.lower():
        thing.determiner, thing.noun[-1] = "a", singular(noun.lower())


def _prompt(board: Board, thing: Thing) -> str:
    """The thing in the scene and the style that everything shares."""
    cores = [item.region.prompt for item in board.items if item.core]
    scenes = shared([scenes_in(prompt) for prompt in cores])
    return subprompt(thing, join(scenes), shared([styles_in(prompt) for prompt in cores]))


def _insert(board: Board, head: str, prompt: str, place: Place) -> str:
    name = board.new_id(head)
    board.move(place.moves)
    region = Region(id=name, prompt=prompt, box=place.box, z=place.z)
    where = f"inside {place.parent}" if place.parent else where_is(place.box)
    note = f"{name} is new: {prompt!r}, {where}"
    board.do(e.AddRegion(region=region, parent=place.parent), note=note)
    _allow(board, head)
    return name


def _allow(board: Board, head: str) -> None:
    """Takes what is wanted now out of what should not be there."""
    unwanted = [part.strip() for part in board.plan.negative.split(",")]
    kept = [part for part in unwanted if singular(part.lower().split()[-1] if part else "") != head]
    if len(kept) < len(unwanted):
        board.do(e.SetBase(negative=", ".join(kept)))


def _more(board: Board, match: Match) -> bool:
    """Reads "two more stars", "another red star", "one more of them"."""
    word = match["count"]
    count = 1 if not word or word in ("a", "an", "one") else number(word.lower())
    if match["vague"]:
        count = _VAGUE
    for what, where in cuts(board, match["rest"]):
        like = _like(board, what) if count else None
        if like is not None:
            new = [copy(board, like, spot) for spot in spread(where, count or 1)]
            board.last = tuple(new)
            return True
    kind = f"{match['count'] or 'a'} {match['rest']}"
    return count is not None and count < 13 and add(board, kind)


def _like(board: Board, what: str) -> Item | None:
    """What there should be more of; None where nothing like it is there."""
    noun = what.strip()
    found = refer(board, f"all {noun}" if not noun.startswith("of ") else noun[3:])
    return found[-1] if found else None


def copy(board: Board, like: Item, where: Where) -> str:
    """Adds another one of a thing; gives its id."""
    place = where.find(board)
    return _insert(board, like.head, like.region.prompt, place)


def _copied(board: Board, match: Match) -> bool:
    """Reads "duplicate the dog", "copy the star to the bottom right"."""
    times = 2 if match["twice"] else number((match["times"] or "one").lower())
    if times is None or times > MAX_COUNT:
        return False
    items, where = _copied_where(board, match["what"])
    spots = [(each, spot) for each in items for spot in spread(where, times)]
    board.last = tuple([copy(board, each, spot) for each, spot in spots])
    return True


def _copied_where(board: Board, text: str) -> tuple[tuple[Item, ...], Where | None]:
    """The things, and the place; none where it is needed to tell which things are meant.

    Raises:
        PlanError: Nothing in the plan is meant, or several things could be.
    """
    for what, where in cuts(board, text):
        try:
            return must_refer(board, what), where
        except PlanError as error:
            why = error
    raise why


def _bare(board: Board, match: Match) -> bool:
    """Reads "a moon above the house": a thing that is new, with a place."""
    text = match["rest"]
    placed = any(where is not None for _, where in cuts(board, text))
    return placed and add(board, text)


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
