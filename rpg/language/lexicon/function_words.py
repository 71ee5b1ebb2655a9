"""Function words: the closed classes of English (determiners, pronouns, numbers), in lower case."""

from __future__ import annotations

from collections.abc import Mapping

ARTICLES = frozenset({"a", "an", "the"})
POSSESSIVES = frozenset("my your his her its our their".split())
DEMONSTRATIVES = frozenset("this that these those".split())
DETERMINERS = (
    ARTICLES | POSSESSIVES | DEMONSTRATIVES | frozenset({"another", "each", "every", "any"})
)
VAGUE = frozenset("some many several few numerous various countless multiple lots".split())
NEGATORS = frozenset({"no", "without"})

NUMBERS: Mapping[str, int] = {
    word: value
    for value, word in enumerate(
        """
    one two three four five six seven eight nine ten eleven twelve thirteen fourteen fifteen
    sixteen seventeen eighteen nineteen twenty
    """.split(),
        start=1,
    )
} | {"single": 1, "thirty": 30, "forty": 40, "fifty": 50, "hundred": 100, "thousand": 1000}
MAX_COUNT = 12

PRONOUNS = frozenset("it they them he she him both himself herself itself themselves".split())
PLURAL_PRONOUNS = frozenset({"they", "them", "both", "these", "those", "themselves"})
EACH_OTHER = "each other"
# Places in a line, from 0; the last from its end.
ORDINALS: Mapping[str, int] = {
    "first": 0, "second": 1, "third": 2, "fourth": 3, "fifth": 4, "sixth": 5, "last": -1,
}  # fmt: skip
MIDDLE = frozenset("middle center centre central".split())
PLURALS = PLURAL_PRONOUNS | {"their"}
OTHER_PRONOUNS = frozenset(
    """
    i you we us me who whom which what that there here this everyone someone something nothing
    anything everything everybody somebody one's oneself
    """.split()
)

BE = frozenset("is are was were be been being am isn't aren't 's 're".split())
AUXILIARIES = BE | frozenset(
    "has have had having do does did will would can could should may might must".split()
)
AND = frozenset({"and", "&", "plus", "or", "n"})
CLAUSE_WORDS = frozenset(
    """
    while whereas but as when where because since before after until although though if so then
    than whose
    """.split()
)
# Clauses that tell when, why or after what: not what is seen.
SIDE_CLAUSES = frozenset(
    "before after until since because so if though although unless than".split()
)
PREPOSITIONS = frozenset(
    """
    of in on at with for from to by into onto upon off out up down through across along past
    toward towards during among amid amidst amongst against about around over via per within
    inside outside like throughout near under beneath underneath behind beside besides below above
    between atop without
    """.split()
)
ADVERBS = frozenset(
    """
    very quite rather just directly immediately slightly too also again together apart away back
    forth not never always often almost nearly here there still only even side once twice straight
    close high low outdoors indoors alone nearby perfectly forward backward home
    """.split()
)
# Words in -ly that are no adverbs.
NOT_ADVERBS = frozenset(
    """
    butterfly fly dragonfly firefly family lily jelly belly bully ally assembly early friendly
    ugly silly curly lovely woolly wooly hilly holly jolly lonely lively elderly daily only
    jellyfly housefly ply reply supply anomaly monopoly doily smelly burly prickly wrinkly bubbly
    unlikely sparkly crinkly frilly gnarly pearly oily wobbly cuddly ghostly heavenly deadly
    """.split()
)
