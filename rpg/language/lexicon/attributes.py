"""Adjectives: colours, shapes, materials, sizes and the rest."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

COLOURS = frozenset(
    """
    red orange yellow green blue purple pink brown black white gray grey gold golden silver beige
    tan violet indigo cyan teal turquoise magenta maroon crimson scarlet navy olive lavender lilac
    ivory cream peach coral amber bronze copper khaki mauve burgundy aqua charcoal emerald ruby
    sapphire rainbow multicolored multicoloured colorful colourful colored coloured whitish
    reddish bluish greenish yellowish pinkish brownish greyish grayish orangish blackish purplish
    """.split()
)
SHAPES = frozenset(
    """
    round square circular rectangular triangular oval oblong spherical cubic cubical conical
    cylindrical pyramidal pentagonal hexagonal octagonal diamond teardrop crescent curved angular
    pointed rounded star-shaped heart-shaped oblique elliptical spiral flat crooked twisted jagged
    boxy
    """.split()
)
MATERIALS = frozenset(
    """
    wooden metallic metal plastic rubber leather fabric glass fluffy woolen woollen cotton silk
    silky velvet satin wool denim marble stone stainless steel iron brass copper ceramic porcelain
    clay concrete paper cardboard wicker bamboo furry fuzzy hairy feathery crystal stony earthen
    burlap linen straw sandy icy snowy golden crystal-clear
    """.split()
)
PATTERNS = frozenset(
    """
    striped stripy stripey dotted spotted checkered chequered checked plaid floral patterned
    polka-dot polka-dotted tiled textured speckled marbled paisley zigzag tie-dye
    """.split()
)
FINISHES = frozenset(
    """
    shiny glossy matte smooth rough soft hard bumpy spiky prickly sharp polished rusty rusted
    dusty sleek crisp crunchy crispy cracked peeling translucent transparent opaque iridescent
    shimmering glittering glowing sparkling dull bright dark light pale vivid neon pastel
    rough-edged weathered worn damp wet dry thorny lumpy
    """.split()
)
VISUAL = COLOURS | SHAPES | MATERIALS | PATTERNS | FINISHES

# Area against an ordinary entity's.
SIZES: Mapping[str, float] = {
    **dict.fromkeys("big large oversized".split(), 1.6),
    **dict.fromkeys("huge giant gigantic enormous massive towering colossal immense".split(), 2.4),
    **dict.fromkeys("small little".split(), 0.6),
    **dict.fromkeys("tiny miniature minuscule mini".split(), 0.4),
}

ORDINARY = frozenset(
    """
    tall short long wide narrow thick thin slim slender heavy lightweight deep shallow broad old
    new young ancient modern vintage antique elderly fresh ripe juicy sweet sour bitter spicy tart
    delicious tasty warm hot cold cool chilly chilled frozen wild tame happy sad angry calm quiet
    loud noisy busy empty full clean dirty tidy messy neat beautiful pretty lovely handsome cute
    adorable elegant graceful gorgeous ugly fancy simple plain ornate intricate delicate gentle
    fine rich poor strong weak brave lazy sleepy tired hungry fragrant comfortable cozy cosy
    sturdy rugged rustic dreamy magical mysterious spooky scary friendly silly curly bald bearded
    blonde blond brunette fair lush dense sparse murky clear cloudy sunny rainy foggy misty stormy
    windy starry moonlit sunlit dim greasy slimy sticky slippery steep hollow solid liquid loose
    tight open closed broken whole vibrant bold striking stunning majestic grand royal regal
    medieval futuristic modernist electric electronic digital mechanical wireless portable urban
    rural tropical arctic abstract geometric symmetrical minimal realistic famous similar
    identical different same several other own main first second third fourth last next lone
    solitary lively early prickly late good bad great nice perfect healthy sick living dead
    alive real fake toothy pungent soothing refreshing earthy stylish powerful private public
    rocky grassy leafy mossy muddy sandy fiery snow-covered high-tech tech-savvy matching choppy
    reedy polar tabby scruffy chubby skinny fat muscular wise cheerful joyful playful thoughtful
    skillful skilful careful awesome nearby distant final special dappled bulky bustling breezy
    hazy icy slushy frosty gooey creamy crusty ornamental decorative festive holy sacred haunted
    abandoned ruined lumpy floppy puffy plump velvety compact half upside-down bushy wavy straight
    woolly wooly angled steaming necessary ready visible available able awake asleep upright
    certain
    """.split()
)
# What nobody could see on a picture.
UNSEEN = frozenset("necessary visible available able famous useful important ready".split())
ADJECTIVES = VISUAL | frozenset(SIZES) | ORDINARY

# Adjectives that are nouns as well: one of these may close a noun phrase.
ALSO_NOUNS = frozenset(
    """
    orange gold silver glass rubber leather plastic metal fabric square diamond teardrop crescent
    oval spiral light dark cream peach coral amber bronze copper olive lavender lilac ivory
    charcoal emerald ruby sapphire rainbow cotton silk velvet satin wool denim marble stone steel
    iron brass clay concrete paper cardboard bamboo crystal burlap linen straw zigzag second half
    giant navy tan violet oblong
    """.split()
)

_ENDINGS = ("ous", "ful", "less", "ish", "esque", "-like", "-shaped", "-coloured", "-colored")
_NOT_ENDINGS = frozenset(
    """
    fish dish radish bush relish polish goldfish jellyfish catfish starfish swordfish varnish
    garnish blemish parish finish goulash handful mouthful spoonful armful fistful octopous
    selfish hashish rubbish crawfish crayfish shellfish british mess dress
    """.split()
) - {"british", "selfish"}
_HYPHENED = ("ed", "ing", "shaped", "sized", "like", "style", "wide", "long", "tall", "red", "free")


def is_adjective(word: str) -> bool:
    """Whether the lower-case word is an adjective, by list or by its ending."""
    if word in ADJECTIVES:
        return True
    if word in _NOT_ENDINGS:
        return False
    hyphened = "-" in word and word.endswith(_HYPHENED)
    return hyphened or (len(word) > 5 and word.endswith(_ENDINGS)) or word.endswith("'s")


def is_pure_adjective(word: str) -> bool:
    """Whether the word is an adjective that cannot itself be the entity."""
    return is_adjective(word) and word not in ALSO_NOUNS


def is_visual(word: str) -> bool:
    """Whether the word tells colour, shape, material, pattern or finish."""
    return (
        word in VISUAL
        or word.endswith(("-shaped", "-coloured", "-colored", "ish"))
        and (is_adjective(word))
    )


def size_of(words: Iterable[str]) -> float:
    """Area that the size words ask for, against an ordinary entity's 1; bounded."""
    size = 1.0
    for word in words:
        size *= SIZES.get(word, 1.0)
    return min(max(size, 0.3), 3.0)
