"""Setting phrases: "night" -> "at night", and their place in a picture's setting."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable

from rpg.language.grammar.chunks import noun_phrase
from rpg.language.grammar.elements import NounPhrase
from rpg.language.grammar.heads import head
from rpg.language.grammar.scan import scan
from rpg.language.grammar.styles import split_style
from rpg.language.grammar.tokens import tokenize
from rpg.language.lexicon.function_words import PREPOSITIONS
from rpg.language.lexicon.inflect import article
from rpg.language.lexicon.nouns import PLACES
from rpg.language.scene_graph.parser import parse_elements
from rpg.language.scene_graph.places import place_of
from rpg.plans.scene import joined

_HOURS = frozenset(
    """
    night day dawn dusk sunrise sunset noon midnight midday morning afternoon evening daytime
    nighttime daylight daybreak nightfall moonlight sunlight sunshine starlight dark darkness
    twilight candlelight
    """.split()
)
_SEASONS = frozenset("winter summer spring autumn fall christmas halloween".split())
_WEATHER = frozenset(
    """
    rain snow snowfall storm thunderstorm snowstorm blizzard fog mist wind breeze weather rainstorm
    """.split()
)
_DAYS = frozenset("day morning afternoon evening".split())
_AT = frozenset("night dawn dusk sunrise sunset noon midnight midday nightfall daybreak".split())
_BARE = {"day": "during the day", "daytime": "in daytime", "nighttime": "at night",
         "space": "in space", "underwater": "under water", "indoors": "indoors",
         "outdoors": "outdoors", "outside": "outside", "dark": "in the dark",
         "darkness": "in the dark", "storm": "in a storm", "halloween": "at Halloween",
         "christmas": "at Christmas", "daylight": "in daylight"}  # fmt: skip
_ADJECTIVES = {"rainy": "in the rain", "snowy": "in the snow", "foggy": "in the fog",
               "misty": "in the mist", "stormy": "in a storm", "sunny": "in the sunshine",
               "windy": "in the wind", "wintry": "in winter", "moonlit": "in the moonlight",
               "sunlit": "in the sunlight"}  # fmt: skip
_NO_ARTICLE = _SEASONS | {"candlelight", "twilight"}
_OPENS = re.compile(
    r"(?P<prep>in|on|at|by|during|under|inside|into|onto|through|near)\s+(?P<rest>\S.*)", re.I
)
_PARTS = re.compile(r"\s*[,;]\s*|\s+(?=(?:in|on|at|by|during|under)\s)", re.IGNORECASE)
_JOINTS = re.compile(r"\s+(?:and\s+)?(?=(?:in|on|at|by|during|under)\s)", re.IGNORECASE)


def setting_of(words: str) -> str | None:
    """The scene that the words name, with its preposition; None where they name none."""
    text = words.strip().lower()
    bare = re.sub(r"^(?:the|a|an) ", "", text)
    if text in _ADJECTIVES or bare in _BARE:
        return _ADJECTIVES.get(text) or _BARE[bare]
    opening = _OPENS.fullmatch(words.strip())
    phrase = _phrase(opening["rest"] if opening else words.strip())
    if phrase is None or not {head(phrase), head(phrase, plural=True)} & PLACES:
        return None
    if opening:
        prep = {"into": "in", "onto": "on"}.get(opening["prep"].lower(), opening["prep"].lower())
        return _with_preposition(phrase, prep)
    return _with_preposition(phrase, _preposition(phrase))


def settings_of(words: str) -> tuple[str, ...]:
    """The scenes that the words name: "a city at night" names two; none where a part is none."""
    whole = setting_of(words)
    if whole is not None:
        return (whole,)
    parts = [setting_of(part) for part in _JOINTS.split(words.strip())]
    settings = tuple(setting for setting in parts if setting is not None)
    return settings if len(settings) == len(parts) else ()


def backdrops_of(words: str) -> tuple[str, ...]:
    """The scenes of a background, which need be no place: "blue", "a brick pattern"."""
    found = settings_of(words)
    if found:
        return found
    tokens = tokenize(words.strip())
    bare = [token.text for token in tokens if token.low not in ("a", "an", "the", "background")]
    plain = all(token.is_word and token.low not in PREPOSITIONS for token in tokens)
    if not plain or not 0 < len(bare) <= 4:
        return ()
    text = f"{' '.join(bare)} background"
    return (f"on {article(text)} {text}",)


def _phrase(words: str) -> NounPhrase | None:
    """The words as one noun phrase, if they are one and no more, and of one thing."""
    tokens = tokenize(words)
    found = noun_phrase(tokens, 0) if tokens else None
    if found is None or found[1] != len(tokens) or not found[0].words:
        return None
    return found[0] if (found[0].count or 1) == 1 else None


def _preposition(phrase: NounPhrase) -> str:
    noun = head(phrase)
    if noun in _AT | _DAYS:
        return "on" if len(phrase.words) > 1 else "at" if noun in _AT else "in"
    return "in" if _HOURS | _SEASONS | _WEATHER >= {noun} else place_of(phrase)


def _with_preposition(phrase: NounPhrase, prep: str) -> str:
    noun, words = head(phrase), " ".join(phrase.words)
    alone = len(phrase.words) == 1
    if alone and prep in ("in", "at") and noun in _BARE:
        return _BARE[noun]
    if alone and (prep == "at" or noun in _NO_ARTICLE):
        return f"{prep} {words}"
    determiner = phrase.determiner
    if alone and noun in _HOURS | _WEATHER:
        determiner = "the"
    elif determiner in ("", "a", "an"):
        plural = head(phrase, plural=True) != noun
        determiner = "" if plural or noun in _NO_ARTICLE | {"snow"} else article(words)
    return " ".join(filter(None, (prep, determiner, words, phrase.post)))


def settings_in(text: str, entities: Collection[str] = ()) -> tuple[str, ...]:
    """The scenes that a text names, as they stand in it, each once; none that holds a thing."""
    content = split_style(text)[0]
    found = (setting.text for setting in parse_elements(scan(tokenize(content))).settings)
    present = dict.fromkeys(setting for setting in found if setting.lower() in text.lower())
    return tuple(setting for setting in present if _noun(setting) not in entities)


def without(text: str, settings: Iterable[str]) -> str:
    """The text without what stands in it of the settings."""
    for setting in settings:
        cut = rf"(?:,? )?\b{re.escape(setting)}(?!\w)"
        text = " ".join(re.sub(cut, "", text, count=1, flags=re.IGNORECASE).split()).strip(" ,")
    return text


def parts_of(setting: str) -> list[str]:
    """A setting's places, times and weather: "in a garden at night" -> the one and the other."""
    return [part.strip() for part in _PARTS.split(setting) if part.strip()]


def with_setting(setting: str, new: str) -> str:
    """A picture's setting with a new one in place of others of its kind.

    Hours, seasons, weather and places are kinds.
    """
    parts = parts_of(setting)
    if new in parts:
        return setting
    return joined("", *(part for part in parts if kind_of(part) != kind_of(new)), new)


def kind_of(setting: str) -> str:
    """Its kind: "hour", "season", "weather" or "place"."""
    noun = _noun(setting)
    kinds = {"hour": _HOURS, "season": _SEASONS, "weather": _WEATHER | {"snow"}}
    return next((name for name, nouns in kinds.items() if noun in nouns), "place")


def _noun(setting: str) -> str:
    """What the scene is: "forest" for "in a dark forest"."""
    opening = _OPENS.fullmatch(setting)
    phrase = _phrase(opening["rest"]) if opening else None
    return head(phrase) if phrase is not None else setting.lower().split()[-1]
