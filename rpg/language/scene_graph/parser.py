"""The parser: from elements, in order, to a scene graph."""

from __future__ import annotations

from collections.abc import Sequence

from rpg.language.grammar.elements import (
    Anchor,
    Arrange,
    Attr,
    Delimiter,
    Element,
    Loose,
    NounPhrase,
    Order,
    Prep,
    Pron,
    Rel,
    RowMark,
    Verb,
)
from rpg.language.grammar.heads import head
from rpg.language.grammar.language_id import is_english
from rpg.language.grammar.scan import scan
from rpg.language.grammar.styles import split_style
from rpg.language.grammar.tokens import join, tokenize
from rpg.language.lexicon.function_words import POSSESSIVES
from rpg.language.lexicon.nouns import is_animate
from rpg.language.scene_graph import graph as g
from rpg.language.scene_graph.clause import Clause, Link
from rpg.language.scene_graph.enumerations import merge_enumerations
from rpg.language.scene_graph.group_members import with_members
from rpg.language.scene_graph.parser_state import ParserState
from rpg.language.scene_graph.places import (
    is_idea,
    is_owned,
    opening_place,
    place_of,
    without_scene,
)
from rpg.language.scene_graph.predicates import (
    read_attributes,
    read_prepositional,
    read_verb,
    read_verb_object,
)
from rpg.language.scene_graph.relations import (
    read_anchor,
    read_object,
    read_pronoun,
    read_relation,
)

_DENIABLE = Rel | Prep | Attr | Anchor | Verb


def parse_prompt(prompt: str) -> g.SceneGraph:
    """The scene graph of a prompt; of a prompt that is not English, an empty one with a note."""
    if not is_english(tokenize(prompt)):
        return g.SceneGraph(notes=["this planner reads English only"])
    content, styles = split_style(prompt)
    graph = parse_elements(scan(tokenize(content)))
    graph.styles = styles
    return graph


def parse_elements(elements: Sequence[Element]) -> g.SceneGraph:
    """The entities, relations and settings that the elements tell of."""
    merged = merge_enumerations(with_members(elements))
    state = ParserState(merged)
    for state.at, element in enumerate(merged):
        if state.at >= state.resume and (not state.aside or isinstance(element, Delimiter)):
            if _begins_anew(state, element):
                state.clause = Clause(opening=False)  # "two girls, | one is sleeping"
            _take(state, element)
    state.end_sentence()
    return state.graph


def _take(state: ParserState, element: Element) -> None:
    match element:
        case NounPhrase():
            _noun_phrase(state, element)
        case Pron():
            read_pronoun(state, element)
        case Rel():
            read_relation(state, element)
        case Anchor():
            read_anchor(state, element)
        case Prep() | Loose():
            _small_word(state, element)
        case Verb():
            read_verb(state, element)
        case Attr():
            read_attributes(state, element)
        case Arrange() | Order() | RowMark():
            state.lines.take(element, state.clause)
        case Delimiter():
            _mark(state, element)


def _begins_anew(state: ParserState, element: Element) -> bool:
    """Whether something is said of one alone of several."""
    placed = isinstance(state.near(1), Anchor)
    if not _is_one_of_several(element) or not isinstance(state.near(2 if placed else 1), Verb):
        return False
    return not (_is_member(element) and _is_member(state.near(-2)) and state.clause.join == "and")


def _is_member(element: Element | None) -> bool:
    return isinstance(element, NounPhrase) and bool(element.member)


def _is_one_of_several(element: Element) -> bool:
    """Finds "one", where its noun is left out, "the first", and "the other"."""
    if isinstance(element, NounPhrase):
        return _is_member(element) or element.count == 1 and not element.words
    return isinstance(element, Pron) and element.word == "other"


def _small_word(state: ParserState, element: Prep | Loose) -> None:
    if isinstance(element, Prep):
        state.clause.link = Link(word=element.word)
    else:
        _loose(state, element)


def _loose(state: ParserState, element: Loose) -> None:
    """Leaves out what "not" denies: "a cat not on a mat"."""
    denied, then = state.near(1), state.near(2)
    if element.text.lower() != "not" or not isinstance(denied, _DENIABLE):
        return
    words = denied.word if isinstance(denied, Prep) else _text(denied)
    phrase = then if isinstance(denied, Rel | Prep) and isinstance(then, NounPhrase) else None
    state.resume = state.at + (3 if phrase else 2)
    state.note(join(["not", words, g.text_of(phrase) if phrase else ""]))


def _text(element: Rel | Attr | Anchor | Verb) -> str:
    return " ".join(element.words) if isinstance(element, Attr) else element.text


def _mark(state: ParserState, mark: Delimiter) -> None:
    clause = state.clause
    state.aside = (state.aside and mark.word == "and") or _begins_aside(state, mark)
    if mark.word == ".":
        state.end_sentence()
    elif state.aside:
        return
    elif mark.word == "clause":
        state.clause = Clause(opening=False)
    elif mark.word == "which":
        clause.relative()
    else:
        clause.listed = clause.listed or mark.word == "and"
        clause.join = "and" if mark.word == "and" else clause.join or ","
        clause.link = None


def _begins_aside(state: ParserState, mark: Delimiter) -> bool:
    """Whether a clause begins that is not drawn: "before ...", "while waiting for the bus"."""
    named = isinstance(state.near(1), NounPhrase)
    return mark.word == "side" or (mark.word == "clause" and not named)


def _noun_phrase(state: ParserState, phrase: NounPhrase) -> None:
    clause = state.clause
    link = _link(state)
    if phrase.negated:
        state.graph.negatives.append(" ".join(phrase.words))
        clause.link, clause.join = None, ""
    elif link is None and opening_place(phrase, clause.opening, state.near(1)):
        place = without_scene(phrase)
        state.add_setting(f"{place_of(place)} {g.text_of(place)}", phrase)
        clause.spoken()
    elif link is None or link.verb is not None:
        _named(state, phrase, link)
    elif link.relation is not None:
        read_object(state, phrase, link)
    else:
        read_prepositional(state, phrase, link)


def _link(state: ParserState) -> Link | None:
    """What ties the phrase to what came before: what was just read, or what "and" continues."""
    clause = state.clause
    if clause.link is not None:
        return clause.link
    if clause.join and clause.last_link is not None:
        if clause.waits_for_second() or not (state.has_own_predicate() or _acts_too(state)):
            return clause.last_link
    return None


def _acts_too(state: ParserState) -> bool:
    """Whether another begins to act: "a girl holding a balloon and | a boy with a kite"."""
    last, here, before = state.clause.last_link, state.near(0), state.near(-2)
    if last is None or last.verb is None:
        return False
    if not isinstance(here, NounPhrase) or not isinstance(before, NounPhrase):
        return False
    return is_animate(head(here)) and not is_animate(head(before))


def _named(state: ParserState, phrase: NounPhrase, link: Link | None) -> None:
    """A phrase that is a subject, or the object of a verb."""
    if link is not None and read_verb_object(state, phrase, link):
        return
    if link is None and _is_no_subject(state, phrase):
        return
    entity = state.resolve(phrase)
    if entity is not None and link is not None:
        state.lines.saw([entity])
        state.clause.linked([entity], link)
    elif entity is not None:
        state.subjects([entity])
    elif g.text_of(phrase):
        state.note(g.text_of(phrase), "names nothing that could be placed")
        state.aside = bool(phrase.member)  # nor is there anything of which it could be said


def _is_tag(phrase: NounPhrase, named: Sequence[g.Entity]) -> bool:
    """Whether a part or a garment is listed after its one owner: "a girl, red hair, blue dress"."""
    bare = not phrase.determiner and phrase.count is None and len(phrase.words) > 1
    one = len(named) == 1 and named[0].count == 1 and is_animate(named[0].head)
    return bare and one and is_owned(phrase)


def _is_no_subject(state: ParserState, phrase: NounPhrase) -> bool:
    """Takes care of what stands like a subject and is none."""
    clause = state.clause
    if clause.join == "," and clause.last and _is_tag(phrase, clause.last):
        text = g.text_of(phrase)
        clause.last[0].post += f", {text}" if clause.last[0].post else f"with {text}"
        clause.spoken()
    elif phrase.determiner in POSSESSIVES and clause.join == "," and clause.predicate:
        state.aside = True  # ", their carvings telling stories"
    elif not clause.opening and is_idea(phrase):
        state.note(g.text_of(phrase))
    elif isinstance(state.near(-1), Pron) and not phrase.determiner and phrase.count is None:
        clause.act(g.text_of(phrase))  # "making it chug"
    else:
        return False
    return True
