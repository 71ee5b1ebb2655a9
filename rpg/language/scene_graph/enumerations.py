"""Enumerations of a counted group: "three cars, a red one, a blue one, ..." is three cars."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace

from rpg.language.grammar.elements import Arrange, Attr, Delimiter, Element, Loose, NounPhrase
from rpg.language.grammar.heads import head
from rpg.language.lexicon.attributes import COLOURS
from rpg.language.lexicon.nouns import GENERAL, GENERAL_PEOPLE, is_person
from rpg.language.scene_graph.graph import is_elliptic

_COMMA = Delimiter(",")
_OPENERS = (_COMMA, Delimiter(":"), Loose("-"), Loose("–"), Loose("—"))
_JOINS = (_COMMA, Delimiter("and"))


def merge_enumerations(elements: Iterable[Element]) -> list[Element]:
    """The elements with every enumerated group given once.

    Where its members have no noun of their own they become parts of the group, as in "three cars,
    one red and two blue"; where they have one, the counted group is left out.
    """
    out, at = list(elements), 0
    while at < len(out):
        group = out[at]
        if isinstance(group, NounPhrase) and (group.count or 1) > 1:
            mark = at + 1
            if mark < len(out) and isinstance(out[mark], Arrange):  # "three cups in a row: ..."
                mark += 1
            if mark < len(out) and out[mark] in _OPENERS:
                _merge(out, at, mark, group)
        at += 1
    return out


def _merge(out: list[Element], at: int, mark: int, group: NounPhrase) -> None:
    """Changes `out`, where a list follows the group at `at` and a mark, if it is the group's."""
    places = list(_member_starts(out, mark + 1))
    arrangement = out[at + 1 : mark]
    parts = {place: _part(out[place]) for place in places[: group.count]}
    members = [(place, part) for place, part in parts.items() if part is not None]
    named = _members_adding_up(group, [out[place] for place in places], listed=out[mark] == _COMMA)
    if len(members) == group.count:
        for place, part in members:
            out[place] = part
        out[members[-1][0] + 1 : members[-1][0] + 1] = arrangement
        del out[at + 1 : mark]
    elif named:
        out[places[named - 1] + 1 : places[named - 1] + 1] = arrangement
        del out[at : mark + 1]


def _member_starts(out: Sequence[Element], at: int) -> Iterator[int]:
    """Where each member of the list that begins at `at` begins."""
    begins = True
    while at < len(out) and out[at] != Delimiter("."):
        if begins and out[at] not in _JOINS:
            yield at
        begins = out[at] in _JOINS
        at += 1


def _part(member: Element) -> NounPhrase | None:
    """Makes "one red" of "red" and of "a red one"; None of what has a noun of its own."""
    if isinstance(member, Attr) and len(member.words) == 1 and member.words[0].lower() in COLOURS:
        return NounPhrase("", 1, member.words)
    if not isinstance(member, NounPhrase) or (member.count or 1) > 1 or not is_elliptic(member):
        return None
    looks = member.words[:-1] if member.words[-1:] == ("one",) else member.words
    return replace(member, determiner="", count=1, words=looks) if looks else None


def _members_adding_up(group: NounPhrase, members: Sequence[Element], *, listed: bool) -> int:
    """How many members with nouns make up the group; 0 where they are its neighbours in a list."""
    number = 0
    for place, member in enumerate(members, 1):
        if not isinstance(member, NounPhrase) or is_elliptic(member) or member.member:
            return 0
        if listed and not _is_kind_of(member, group):
            return 0
        number += member.count or 1
        if number == group.count:
            return place if place > 1 else 0
    return 0


def _is_kind_of(member: NounPhrase, group: NounPhrase) -> bool:
    noun, kind = head(member), head(group)
    return noun == kind or kind in GENERAL or (kind in GENERAL_PEOPLE and is_person(noun))
