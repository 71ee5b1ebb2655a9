"""Things that come: "add a moon top right", "two more stars", "put a dog next to the house"."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from rpg import edits as e
from rpg.geometry import Box
from rpg.plan import Region
from rpg.planners.rules.grammar.chunks import noun_phrase
from rpg.planners.rules.grammar.quantities import number
from rpg.planners.rules.grammar.scan import scan
from rpg.planners.rules.grammar.tokens import join, tokenize
from rpg.planners.rules.instructions.board import Board, Item
from rpg.planners.rules.instructions.describe import shared
from rpg.planners.rules.instructions.forms import Match, form
from rpg.planners.rules.instructions.kinds.scene import set_scene
from rpg.planners.rules.instructions.placing import Place
from rpg.planners.rules.instructions.references import refer
from rpg.planners.rules.instructions.scenes import scenes_in, scenes_of, styles_in
from rpg.planners.rules.instructions.where import Where, cuts, spread
from rpg.planners.rules.lexicon.inflect import singular
from rpg.planners.rules.lexicon.words import DETERMINERS
from rpg.planners.rules.reading.reader import read_elements
from rpg.planners.rules.reading.things import Thing, thing_of
from rpg.planners.rules.reasoning import where_is
from rpg.planners.rules.recaption import subprompt

_HELD = Box(0.3, 0.45, 0.7, 0.95)
_VAGUE = 2  # how many "more stars" are
_DEFINITE = DETERMINERS - {"a", "an", "another", "any"}


def _added(board: Board, match: Match) -> bool:
    return add(board, match["rest"])


def add(board: Board, text: str) -> bool:
    """Adds what the words name, where they say; False where they name nothing to add."""
    for what, where in cuts(board, text):
        if where is None and " and " in what and any(w for _, w in cuts(board, what)):
            return False  # several things with places of their own: one at a time
        things = _things(what)
        if things:
            for thing in things:
                _put(board, thing, where, things)
            return True
        if where is None and scenes_of(what):
            return set_scene(board, scenes_of(what))
    return False


def _things(text: str) -> list[Thing]:
    """The things that the words name, those that stand in others among them; or none."""
    words = text.lower().split()
    if not words or words[0] in _DEFINITE:
        return []
    reading = read_elements(scan(tokenize(text)))
    if reading.negatives or reading.relations:
        return []
    if reading.things or scenes_of(text):
        return reading.things
    tokens = tokenize(text)
    found = noun_phrase(tokens, 0) if tokens else None
    whole = found is not None and found[1] == len(tokens) and found[0].words
    return [thing_of(found[0])] if found is not None and whole else []


def _put(board: Board, thing: Thing, where: Where | None, things: Sequence[Thing]) -> None:
    """Adds a thing, as many times as it says, with what it holds."""
    if thing.parent in things:
        return
    inside = [each for each in things if each.parent is thing]
    new = []
    for spot in spread(where, thing.count):
        prompt = _prompt(board, thing)
        place = spot.find(board, thing.size)
        new.append(_insert(board, thing.head, prompt, place))
        for each in inside:
            box = _HELD.within(place.box)
            _insert(board, each.head, _prompt(board, each), Place(box, new[-1]))
    board.last = tuple(new)


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
            new = [_copy(board, like, spot) for spot in spread(where, count or 1)]
            board.last = tuple(new)
            return True
    kind = f"{match['count'] or 'a'} {match['rest']}"
    return count is not None and count < 13 and add(board, kind)


def _like(board: Board, what: str) -> Item | None:
    """What there should be more of; None where nothing like it is there."""
    noun = what.strip()
    found = refer(board, f"all {noun}" if not noun.startswith("of ") else noun[3:])
    return found[-1] if found else None


def _copy(board: Board, like: Item, where: Where) -> str:
    place = where.find(board)
    return _insert(board, like.head, like.region.prompt, place)


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
    r"|there (?:is|are)|make|with|bring in|we need|it needs|sketch)"
)
FORMS = (
    form(
        rf"(?:{_ADD} )?(?:(?P<count>{'|'.join(_counts())}) (?:more|additional|extra|further|other)"
        r"|another|(?P<vague>some more|more|a few more)) (?P<rest>.+)",
        _more,
    ),
    form(rf"{_ADD} (?:also |in )?(?P<rest>.+?)(?: too| as well)?", _added),
    form(r"(?P<rest>(?:an?|one|two|three|some) .+)", _bare),
)
