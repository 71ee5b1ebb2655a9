"""English inflection: singular, plural, article and present participle, by rules and exceptions."""

from __future__ import annotations

import re

from rpg.language.lexicon.verbs import PARTICIPLES

_IRREGULAR = {
    "people": "person", "men": "man", "women": "woman", "children": "child", "mice": "mouse",
    "geese": "goose", "feet": "foot", "teeth": "tooth", "oxen": "ox", "dice": "dice",
    "leaves": "leaf", "knives": "knife", "wolves": "wolf", "shelves": "shelf", "scarves": "scarf",
    "loaves": "loaf", "calves": "calf", "elves": "elf", "halves": "half", "wives": "wife",
    "thieves": "thief", "hooves": "hoof", "lives": "life", "dwarves": "dwarf", "cacti": "cactus",
    "octopi": "octopus", "fungi": "fungus", "buses": "bus", "gases": "gas", "lenses": "lens",
    "axes": "axe", "heroes": "hero", "potatoes": "potato", "tomatoes": "tomato",
    "mangoes": "mango", "volcanoes": "volcano", "echoes": "echo", "tornadoes": "tornado",
    "zeroes": "zero", "mosquitoes": "mosquito", "quizzes": "quiz", "movies": "movie",
    "cookies": "cookie", "pies": "pie", "ties": "tie", "zombies": "zombie", "selfies": "selfie",
    "hoodies": "hoodie", "brownies": "brownie", "birdies": "birdie", "genies": "genie",
    "smoothies": "smoothie", "calories": "calorie", "prairies": "prairie", "eyries": "eyrie",
    "walruses": "walrus", "cactuses": "cactus", "octopuses": "octopus", "viruses": "virus",
    "crocuses": "crocus", "campuses": "campus", "irises": "iris", "canvases": "canvas",
    "hippopotamuses": "hippopotamus", "platypuses": "platypus", "circuses": "circus",
    "atlases": "atlas", "pancreases": "pancreas", "postmen": "postman", "bookshelves": "bookshelf",
    "penknives": "penknife", "werewolves": "werewolf",
}  # fmt: skip
_SAME = frozenset(
    """
    fish sheep deer shrimp goldfish jellyfish starfish catfish swordfish moose bison salmon trout
    aircraft spacecraft hovercraft series species swine squid cod tuna
    """.split()
)
_ALWAYS_PLURAL = frozenset(
    """
    scissors pants trousers jeans shorts glasses sunglasses goggles tongs pliers tweezers
    headphones earphones binoculars pajamas pyjamas clothes overalls tights leggings chopsticks
    chaps surroundings stairs
    """.split()
)
_IN_PAIRS = frozenset(
    """
    shoes boots gloves socks sandals sneakers heels earrings slippers mittens skis skates stockings
    cufflinks flip-flops eyes hands feet ears wings crutches
    """.split()
)
_SINGULAR_IN_S = frozenset(
    """
    bus gas lens glass dress grass cross class boss mess moss mattress mistress fortress waitress
    actress princess duchess lioness tigress compass canvas cactus octopus walrus hippopotamus
    circus iris bonus virus campus atlas tennis chess brass christmas news billiards darts physics
    mathematics harness wilderness seamstress albatross crocus platypus abacus bass goddess
    eyeglass hourglass business darkness kiss press stress access process success lotus genius
    focus surplus fitness illness witness wireless papyrus hibiscus eucalyptus citrus asparagus
    stimulus thesaurus brontosaurus
    """.split()
)
_PLURAL_NO_S = frozenset({*(_IRREGULAR.keys()), "cattle", "police"}) - {"dice"}


def is_plural(noun: str) -> bool:
    """Whether the lower-case noun looks plural; forms that serve as both count as singular."""
    if noun in _SINGULAR_IN_S or noun in _SAME or len(noun) < 3:
        return False
    if (
        noun in _PLURAL_NO_S
        or noun in _ALWAYS_PLURAL
        or _are_men(noun)
        or noun.endswith("children")
    ):
        return True
    return noun.endswith("s") and not noun.endswith(("ss", "us", "is", "'s"))


def _are_men(noun: str) -> bool:
    others = ("specimen", "abdomen", "stamen", "acumen", "regimen")
    return noun.endswith("men") and len(noun) > 5 and noun not in others


def is_pair(noun: str) -> bool:
    """Whether one of these is called by a plural: "scissors", "pants"."""
    return noun in _ALWAYS_PLURAL


def comes_in_pairs(noun: str) -> bool:
    """Whether "a pair of" these is one entity: "a pair of shoes", but not "a pair of swans"."""
    return noun in _ALWAYS_PLURAL or noun in _IN_PAIRS


def singular(noun: str) -> str:
    """The singular of a lower-case noun; of what is no plural, the noun itself."""
    if noun in _IRREGULAR:
        return _IRREGULAR[noun]
    if _are_men(noun):
        return noun[:-2] + "an"
    if not is_plural(noun) or noun in _ALWAYS_PLURAL:
        return noun
    return _without_s(noun)


def _without_s(noun: str) -> str:
    if noun.endswith("ies") and len(noun) > 4:
        return noun[:-3] + "y"
    if noun.endswith(("sses", "shes", "ches", "xes", "zzes")) or noun in ("echoes", "torpedoes"):
        return noun[:-2]
    return noun[:-1] if noun.endswith("s") else noun


def article(phrase: str) -> str:
    """Says "a" or "an", whichever goes before the phrase."""
    word = phrase.lower().lstrip("\"'(")
    if re.match(r"(hour|honest|heir|honou?r)", word):
        return "an"
    if re.match(r"(uni([^n]|$)|use|usual|u-|eu|one|once|ukulele|ufo)", word):
        return "a"
    return "an" if re.match(r"([aeiou]|8|11\b|18\b)", word) else "a"


def participle(verb: str) -> str:
    """The present participle of a lower-case verb form: "floated", "floats", "flew" -> "-ing"."""
    if verb in PARTICIPLES:
        return PARTICIPLES[verb]
    if verb.endswith("ing"):
        return verb
    if verb.endswith("ied"):
        return verb[:-3] + "ying"
    if verb.endswith("ed") and len(verb) > 4:
        return verb[:-2] + "ing"
    if verb.endswith("ies"):
        return verb[:-3] + "ying"
    if verb.endswith(("shes", "ches", "sses", "xes", "oes")):
        return verb[:-2] + "ing"
    return _from_base(verb[:-1] if verb.endswith("s") and not verb.endswith("ss") else verb)


def _from_base(base: str) -> str:
    if base.endswith("ie"):
        return base[:-2] + "ying"
    if base.endswith("e") and not base.endswith(("ee", "ye", "oe")):
        return base[:-1] + "ing"
    return base + "ing"


_PLURALS = {one: several for several, one in _IRREGULAR.items() if one != several}


def plural(noun: str) -> str:
    """The plural of a lower-case singular noun: "star" -> "stars", "wolf" -> "wolves"."""
    if noun in _SAME or noun in _ALWAYS_PLURAL:
        return noun
    if noun in _PLURALS:
        return _PLURALS[noun]
    if noun.endswith(("man", "child")) and noun not in ("human", "german", "roman", "shaman"):
        return noun[:-2] + "en" if noun.endswith("man") else noun + "ren"
    if noun.endswith(("s", "x", "z", "ch", "sh")):
        return noun + "es"
    if noun.endswith("y") and noun[-2:-1] not in tuple("aeiou"):
        return noun[:-1] + "ies"
    return noun + "s"
