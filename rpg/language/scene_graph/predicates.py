"""Parses predicates: verbs and prepositions with their objects, and predicative attributes."""

from __future__ import annotations

from rpg.language.grammar.elements import (
    Anchor,
    Attr,
    Delimiter,
    NounPhrase,
    Pron,
    Rel,
    RelationKind,
    Verb,
)
from rpg.language.grammar.heads import head, heads
from rpg.language.lexicon.function_words import POSSESSIVES
from rpg.language.lexicon.inflect import participle
from rpg.language.lexicon.nouns import HEAD, VESSELS, is_animate
from rpg.language.lexicon.verbs import (
    CARRYING,
    CONTACT,
    COPULAS,
    PASSIVE,
    STATIVE,
    VERB_RELATIONS,
)
from rpg.language.scene_graph import graph as g
from rpg.language.scene_graph.clause import Clause, Link, verb_link
from rpg.language.scene_graph.parser_state import ParserState
from rpg.language.scene_graph.places import (
    RESTING,
    PhraseRole,
    belongs_to_setting,
    is_bodily,
    is_owned,
    is_place,
    is_plain,
    opening_place,
    place_of,
    prepositional,
)

# What stands for a verb that is a form of "to be", and for one after a preposition.
BEING, SERVING, HAVING = "being", "serving", "having"


def read_verb(state: ParserState, verb: Verb) -> None:
    """A verb: what its subjects do, and what awaits its object."""
    clause = state.clause
    if clause.inverted is not None and not clause.subjects:
        return
    if clause.link is not None and clause.link.word:
        clause.act(f"{clause.link.word} {verb.text}")
        clause.link = Link(verb=SERVING)
        return
    if verb.bare and not clause.join and _names_actor(clause):
        clause.relative()
    clause.begin_verb()
    if verb.have or not verb.text or verb.text in STATIVE:
        _stative(state, verb)
    else:
        _active(state, verb)


def _names_actor(clause: Clause) -> bool:
    """Whether the object named last does what follows: "next to a boy eating an ice cream"."""
    related = clause.last_link is not None and clause.last_link.relation is not None
    one = len(clause.last) == 1 and clause.last[0].count == 1
    return related and one and is_animate(clause.last[0].head)


def _stative(state: ParserState, verb: Verb) -> None:
    """A verb that only joins its subject to something."""
    clause = state.clause
    clause.verb = verb.text
    if verb.have:
        clause.link = Link(verb=HAVING)
    elif verb.text in COPULAS and clause.subjects:
        clause.link = Link(verb=BEING)
    elif verb.text:
        clause.link = Link(verb=verb.text)


def _active(state: ParserState, verb: Verb) -> None:
    clause = state.clause
    follows = isinstance(state.near(1), NounPhrase | Pron)
    passive = verb.passive or (verb.text in PASSIVE and not follows)
    word = clause.verb = verb.text if passive else participle(verb.text)
    if clause.acts_alone():
        if word not in clause.subjects[0].actions:
            clause.act(word)
    elif not follows:
        clause.act_together(word)
    if follows:
        clause.link = Link(verb=word)


def read_verb_object(state: ParserState, phrase: NounPhrase, link: Link) -> bool:
    """The object of a verb; False if it is to become an entity without relation to the subject."""
    clause, verb = state.clause, link.verb or ""
    if verb == BEING or (verb == SERVING and not g.has_visual(phrase)):
        _not_drawn(state, phrase, verb)
    elif verb == HAVING and clause.subjects and is_owned(phrase):
        clause.own(f"with {g.text_of(phrase)}")
    elif belongs_to_setting(phrase):
        _setting(state, phrase, verb)
    elif clause.acts_alone():
        return _done_to(state, phrase, link)
    elif clause.subjects and _is_worn(phrase, verb):
        clause.own(f"{verb} {g.text_of(phrase)}")
    else:
        return _verb_relation(state, phrase, verb)
    clause.link = None
    return True


def _not_drawn(state: ParserState, phrase: NounPhrase, verb: str) -> None:
    text = g.text_of(phrase)
    if verb == SERVING and state.clause.acts_alone():
        state.clause.act(text)
    else:
        state.note(text, "says what something is or is for, not what to draw")


def _setting(state: ParserState, phrase: NounPhrase, verb: str) -> None:
    """Reads "filled the gallery": the setting; "shared a laugh": nothing to draw."""
    if opening_place(phrase, True, Verb("", have=True)):
        state.add_setting(f"{place_of(phrase)} {g.text_of(phrase)}", phrase)
    elif state.clause.acts_alone():
        state.clause.act(g.text_of(phrase))
    elif not phrase.determiner and all(is_animate(one.head) for one in state.clause.subjects):
        state.clause.act_together(f"{verb} {g.text_of(phrase)}")
    else:
        state.note(f"{verb} {g.text_of(phrase)}")


def _is_worn(phrase: NounPhrase, verb: str) -> bool:
    """Whether all of several subjects have it about them: "both wearing a hat", "shaking hands"."""
    bare = not phrase.determiner and phrase.count is None and not g.has_visual(phrase)
    return is_owned(phrase) and (verb == "wearing" or bare)


def _done_to(state: ParserState, phrase: NounPhrase, link: Link) -> bool:
    """What one person or animal does to something; False if to another that stands apart."""
    verb, bare = link.verb or "", not (phrase.determiner or phrase.count)
    owned = phrase.determiner in POSSESSIVES or bare
    if is_animate(head(phrase)) and not owned and verb not in CARRYING:
        return False
    text = g.text_of(phrase)
    has = verb == HAVING and state.clause.verb != HAVING  # "having a picnic" is a deed
    state.clause.act(f"with {text}" if has else text)
    definite = phrase.determiner in ("a", "an", "the") or phrase.count is not None
    if verb in CONTACT | CARRYING and (definite or g.has_visual(phrase)):
        state.hold(phrase)
    state.clause.linked([], link)
    return True


def _verb_relation(state: ParserState, phrase: NounPhrase, verb: str) -> bool:
    if verb not in VERB_RELATIONS or not state.clause.subjects:
        return False
    entity = state.resolve(phrase)
    if entity is not None:
        state.related([entity], verb_link(verb, state.clause))
    return True


def read_prepositional(state: ParserState, phrase: NounPhrase, link: Link) -> None:
    """A phrase after a preposition that is no relation by itself."""
    clause, text = state.clause, f"{link.word} {g.text_of(phrase)}"
    use = _use(state, phrase, link.word)
    clause.link = None
    if use is PhraseRole.WORN:
        _worn(state, phrase, text)
    elif use is PhraseRole.SETTING:
        state.add_setting(f"{link.word} {_with_second_place(state, phrase)}", phrase)
    elif isinstance(use, RelationKind):
        _plain_relation(state, use, phrase, link)
    elif use is PhraseRole.ENTITY:
        _companion(state, phrase, link)
    elif use is PhraseRole.LEFT_OUT:
        state.note(text)
    else:
        clause.act(text)
        if use is PhraseRole.HELD:
            state.hold(phrase)


def _use(state: ParserState, phrase: NounPhrase, word: str) -> PhraseRole | RelationKind:
    """What the phrase is, where what was named before and what comes next may say."""
    if word == "with" and isinstance(state.near(1), Anchor):
        return PhraseRole.ENTITY  # "running with a lighthouse in the background"
    if word in ("in", "on", "at") and phrase.determiner in POSSESSIVES and is_bodily(phrase):
        return PhraseRole.WORN
    if word in RESTING and state.discourse.known(phrase) is not None:
        return RESTING[word]
    return prepositional(word, phrase, state.clause, joined=_is_joined(state, phrase))


def _worn(state: ParserState, phrase: NounPhrase, text: str) -> None:
    """Reads "with a bow in her hair": drawn inside her region; "standing on her head" is a deed."""
    clause, bearer = state.clause, _bearer(state)
    if bearer is not None:
        for entity in clause.last:
            entity.put_inside(bearer, held="head" if heads(phrase) & HEAD else "hand")
        clause.subjects, clause.last, clause.last_link = [bearer], [bearer], None
    elif clause.acts_alone():
        clause.act(text)
    else:
        clause.own(text)


def _bearer(state: ParserState) -> g.Entity | None:
    """Who has what was named last in the hand or in the hair: the last one named before it."""
    entities, named = state.clause.last, state.graph.entities
    if not entities or (state.clause.last_link is None and is_animate(entities[0].head)):
        return None
    before = named[: named.index(entities[0])]
    return next((one for one in reversed(before) if is_animate(one.head)), None)


def _is_joined(state: ParserState, phrase: NounPhrase) -> bool:
    """Whether both this phrase and the one that "and" adds say how they differ."""
    second = state.near(2)
    if state.near(1) != Delimiter("and") or not isinstance(second, NounPhrase):
        return False
    alike = second.determiner == phrase.determiner
    return alike and not is_plain(phrase) and not is_plain(second)


def _with_second_place(state: ParserState, phrase: NounPhrase) -> str:
    """The place as text, with another that "and" joins to it: "across the lake and the marsh"."""
    second, after = state.near(2), state.near(3)
    alone = g.text_of(phrase)
    if (
        state.near(1) != Delimiter("and")
        or not isinstance(second, NounPhrase)
        or not is_place(second)
    ):
        return alone
    if second.determiner != phrase.determiner or not (after is None or after == Delimiter(".")):
        return alone
    state.resume = state.at + 3
    return f"{alone} and {g.text_of(second)}"


def _plain_relation(state: ParserState, kind: RelationKind, phrase: NounPhrase, link: Link) -> None:
    """Reads "on a table", "in a box": the subject may still come."""
    clause = state.clause
    subjects = clause.subjects_for_relation() if clause.subjects else None
    entity = state.resolve(phrase)
    if entity is not None:
        state.related([entity], Link(relation=Rel((kind,), link.word), subjects=subjects))


def _companion(state: ParserState, phrase: NounPhrase, link: Link) -> None:
    """Reads "with a dog": an entity of its own, and the subject of what is said next."""
    entity = state.resolve(phrase)
    if entity is None:
        return
    state.lines.saw([entity])
    clause = state.clause
    if clause.verb and clause.subjects:
        clause.linked([entity], link)
        return
    clause.companion([entity], link)
    if _is_vessel(clause.owner) and not _placed_next(state):
        state.relate(Rel((RelationKind.CONTAINS,), link.word), clause.owner, [entity])


def _is_vessel(entities: list[g.Entity]) -> bool:
    return len(entities) == 1 and entities[0].count == 1 and entities[0].head in VESSELS


def _placed_next(state: ParserState) -> bool:
    """Whether the list goes on to where it stands: "a plate with a fork and a knife next to it"."""
    step = 1
    while isinstance(state.near(step), NounPhrase) or state.near(step) in (
        Delimiter("and"),
        Delimiter(","),
    ):
        step += 1
    following = state.near(step)
    back = isinstance(following, Rel) and (following.pronoun or following.implied)
    return bool(back) or isinstance(following, Anchor) or isinstance(state.near(step + 1), Pron)


def read_attributes(state: ParserState, attr: Attr) -> None:
    """Reads "is red", "sits empty", "one red and the other blue"."""
    clause, before = state.clause, state.near(-1)
    if clause.join and isinstance(state.near(1), Anchor) and clause.last:
        state.subjects([state.discourse.another(list(attr.words))])
    elif isinstance(before, Verb) and before.text and clause.subjects:
        for entity in clause.subjects:
            entity.actions.append(" ".join(attr.words))
    elif clause.last:
        for entity in clause.subjects if before == Verb("") else clause.last:
            entity.describe(attr.words)
    elif state.graph.entities:
        state.subjects([state.discourse.another(list(attr.words))])
