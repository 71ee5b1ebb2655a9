"""Semantic classes of nouns: places, times, parts, people, abstractions."""

from __future__ import annotations

_LAND = """
    beach sand desert dune dunes forest woods jungle rainforest meadow field fields prairie
    savanna savannah countryside mountain mountains mountainside hill hills hillside hilltop
    valley canyon cliff cliffs cave island shore shoreline coast waves terrain trail trails coral
    seashore seaside riverbank bank swamp marsh wilderness tundra plain plains farm farmland
    orchard vineyard park garden gardens backyard yard lawn schoolyard playground pasture grass
    grassland snow ice mud soil ground earth land landscape nature environment habitat reserve
    path
    """
_WATER = """
    water sea ocean lake river pond stream creek pool waves rapids underwater harbour harbor bay
    lagoon
    """
_SKY = """
    sky skies clouds air space moonlight sunlight sunshine starlight rain snowfall fog mist storm
    thunderstorm snowstorm blizzard wind breeze shade shadow shadows dark darkness spotlight
    candlelight lamplight twilight horizon skyline distance mid-air midair cold heat weather
    """
_TIME = """
    night day dawn dusk sunrise sunset noon midnight midday morning afternoon evening daytime
    nighttime daylight daybreak nightfall winter summer spring autumn fall christmas halloween
    weekend season ceremony wedding concert party festival parade protest
    """
_TOWN = """
    street road highway alley alleyway avenue lane sidewalk pavement driveway city town village
    plaza market marketplace fair circus zoo farmyard bridge pier dock port airport station
    platform crossing intersection corner neighborhood neighbourhood downtown suburb rooftop
    balcony terrace patio porch deck racetrack track stadium arena court campus cemetery graveyard
    camp campsite site scene
    """
_ROOM = """
    room kitchen bathroom bedroom living-room hallway corridor hall lobby foyer basement attic
    garage office classroom library laboratory lab studio workshop gym restaurant cafe café bar
    pub shop store supermarket mall museum gallery theater theatre cinema church temple cathedral
    castle palace hospital hotel school university factory warehouse barn stable greenhouse house
    home apartment building background restroom nursery pantry shelter menu club ballroom bakery
    aquarium stage backstage interior indoors outdoors outside wilderness nook cabin dungeon world
    range aisle area zone gymnasium course sandbox swings
    """
# Places that are as often entities to be drawn.
BUILDINGS = frozenset(
    """
    castle palace church temple cathedral hotel school hospital house home apartment building barn
    factory warehouse bridge tent airport station cabin shop store hill mountain tree club world
    island boat pier theater theatre museum
    """.split()
)
# Those of them that come in numbers: "two houses" are two, "a mountain" is a whole range.
COUNTED_PLACES = BUILDINGS - frozenset("hill mountain island world club".split())
PLACES = frozenset(" ".join((_LAND, _WATER, _SKY, _TIME, _TOWN, _ROOM)).split())
TIMES = frozenset(
    (
        _TIME
        + """
    rain storm snowfall fog mist moonlight sunlight sunshine starlight dark darkness twilight
    blizzard candlelight wind weather snowstorm
    """
    ).split()
)
# "Under" these is a setting, not a relation.
OVERHEAD = frozenset(
    """
    sky skies stars moonlight sunlight sunshine starlight sun rain moon clouds water sea ocean
    shade spotlight light lights lamplight candlelight moonlit
    """.split()
)
# Places that entities stand on rather than in.
ON_PLACES = frozenset(
    """
    beach sand ground earth floor street road highway sidewalk pavement grass lawn hill hillside
    hilltop mountain island shore coast cliff bridge pier dock platform rooftop balcony terrace
    patio porch deck court farm stage trail path ice driveway
    """.split()
)
# Settings only where definite and bare: "on the counter", but "a wooden counter" is an entity.
SURFACES = frozenset(
    """
    wall walls counter countertop grill shelf floor ceiling table desk stove oven sink bed carpet
    rug couch sofa bench roof stairs staircase steps windowsill display tray tree trees branch
    branches crowd audience team game end line band bus door doors
    """.split()
)
# What is on these hangs on their front, and does not stand on top.
UPRIGHT = frozenset("wall fence door blackboard whiteboard billboard".split())
ABSTRACT = frozenset(
    """
    atmosphere ambiance ambience seating comfort setup set-up gear rhythm music tune melody song
    lullaby sound noise fun joy happiness sadness love anger fear peace harmony beauty elegance
    view conversation talk chat idea ideas thought thoughts way time moment moments life lives
    bite sip walk ride break rest nap look swing turn trip tour game match race competition
    tournament marathon trick tricks move moves performance performances routine pose speed style
    design shape colour color texture pattern patterns finish contrast theme concept mood emotion
    feeling feelings meaning purpose purposes goal goals help support advice health work job task
    project problem problems plan plans lesson lessons class classes meeting protest celebration
    event birthday relief agreement disagreement applause approval energy power strength skill
    skills art history nature science recipe use cargo background accents accent scene scenery
    future past lecture speech fetch media awe laughter smile grin tears face attention focus news
    information knowledge words story stories care side objects pieces things only picnic journey
    adventure exploration couple sort kind type lot center centre middle object thing tension
    experience dinner breakfast lunch meal fragrance training medicine duty order sleep risk
    favorite choice choices injuries injury destination accommodations marvel masterpiece symbol
    solo testament delight treat oasis wonder retreat challenge puzzle treasure expression melding
    ritual embrace sight reminder escape wonderland centerpiece possibilities survival witness
    passage triumph grandeur most least pair place places
    """.split()
)
# Abstract where they stand without a determiner: "provides light", "plays football".
BARE_IDEAS = frozenset(
    """
    light shade home cover space soccer football basketball tennis frisbee volleyball baseball
    golf hockey cricket rugby chess archery yoga hide-and-seek
    """.split()
)
_ABSTRACT_ENDINGS = ("ness", "ment", "ism", "ship", "hood", "ance", "ence", "ity", "tion", "sion")
_CONCRETE = frozenset(
    """
    monument instrument ornament document apartment fence station carnation decoration invitation
    plantation reservation ambulance entrance conference audience city ship steamship spaceship
    airship battleship university fruit portion television harness witness lioness governess
    cement tournament garment pigment basement pavement cushion mansion pension appliance scallion
    stallion medallion lion onion battalion intersection construction
    """.split()
)

# What something can be drawn inside of.
CONTAINERS = frozenset(
    """
    box bag basket bowl cup mug glass vase jar pot pan bottle bucket barrel crate cage tank
    bathtub tub sink suitcase backpack drawer cupboard cabinet wardrobe closet purse wallet pocket
    nest egg shell car bus truck van boat ship canoe tent tree cart wagon carriage stroller crib
    cradle plate dish tray teacup teapot helmet hat shoe boot circle square triangle heart star
    rectangle oval ring frame window doorway mirror bubble balloon crystal ball globe lantern oven
    fridge refrigerator microwave envelope chest trunk aquarium fishbowl snowglobe cone
    """.split()
)

# "With" these comes what they hold: "a vase with yellow flowers".
VESSELS = frozenset("vase pot basket bowl cup mug glass plate jar bucket dish tray platter".split())
PARTS = frozenset(
    """
    lid handle hair eyes eye ears ear nose mouth legs leg arms arm hands hand feet neck tail wings
    wing fur feathers feather mane horns horn antlers roof windows window door doors chimney
    wheels wheel sail sails seat seats back cushions trunk leaves petals stem stripes stripe dots
    dot spots spot pattern collar sleeves sleeve buttons pockets pocket laces strap straps beard
    moustache mustache smile teeth fangs claws paws whiskers beak scales shell edges edge corners
    frame border rim base spout faucet numbers pages cover label logo flap spokes studs pearls
    scoop cone shelves reflection stitching boom chaps lights topping toppings sprinkles icing
    frosting filling crust spikes thorns branches roots trim fixtures tiles
    ponytail ponytails pigtail pigtails braid braids bangs freckles nails shoulder shoulders
    """.split()
)
HEAD = frozenset(
    """
    head hair ear ears eye eyes nose mouth beak teeth neck mane forehead chin lips shoulder
    shoulders ponytail braid braids hat cap helmet crown turban
    """.split()
)
# With those among `PARTS`: what something can be on or in that somebody has about them.
BODY = HEAD | frozenset("lap knee knees finger fingers wrist chest".split())
WEARABLES = frozenset(
    """
    shirt t-shirt jeans pants trousers shorts skirt dress gown suit jacket coat sweater hoodie
    vest uniform costume robe cloak cape hat cap helmet crown scarf tie gloves socks shoes boots
    sandals sneakers heels glasses sunglasses goggles mask necklace earrings bracelet watch ring
    belt backpack apron kimono bikini swimsuit overalls chaps headphones blouse outfit clothes
    clothing armor armour tuxedo veil wig bandana
    raincoat overcoat spacesuit tracksuit sweatshirt jumper cardigan poncho turban beret
    """.split()
)
_PEOPLE = """
    person people man men woman women boy boys girl girls child children kid kids baby babies
    toddler teenager adult lady gentleman couple group crowd family friend friends team band bride
    groom mother father mom dad parent son daughter brother sister grandmother grandfather chef
    cook king queen prince princess knight soldier pirate nurse guard athlete student artist
    musician guitarist pianist violinist cyclist scientist astronaut captain clown monk nun ninja
    samurai wizard witch elf fairy robot alien ghost zombie superhero coach model customer judge
    gymnast surfer skier skater wearer therapist detective referee activist activists fisherman
    firefighter policeman woodcarver mechanic craftsman cowboy human someone guy
    """
_ANIMALS = """
    dog puppy cat kitten bird horse pony cow bull sheep lamb goat pig rabbit bunny mouse rat frog
    turtle tortoise lion tiger bear wolf fox deer elephant giraffe zebra monkey gorilla camel
    kangaroo koala panda squirrel hamster snake lizard dragon crocodile dinosaur fish goldfish
    shark whale dolphin octopus penguin duck duckling goose swan chicken hen rooster parrot owl
    eagle crow raven dove pigeon bee butterfly spider ant insect ladybug donkey unicorn hedgehog
    raccoon seal otter beaver crab lobster peacock flamingo hippopotamus rhino leopard cheetah
    greyhound firefly shrimp jay canary
    """
_KINDS = {
    "dog": "puppy poodle corgi terrier retriever labrador bulldog beagle dachshund husky greyhound "
    "collie spaniel dalmatian chihuahua pug rottweiler",
    "cat": "kitten tabby",
    "horse": "pony foal stallion mare",
    "cow": "calf bull ox",
    "sheep": "lamb ram ewe",
    "pig": "piglet",
    "rabbit": "bunny hare",
    "deer": "fawn stag doe",
    "duck": "duckling",
    "chicken": "hen rooster chick",
    "bird": "duck duckling goose swan chicken hen rooster chick parrot owl eagle crow raven dove "
    "pigeon penguin peacock flamingo jay canary robin sparrow seagull gull hawk falcon heron stork "
    "woodpecker hummingbird finch swallow magpie",
    "fish": "goldfish shark salmon trout",
    "flower": "rose tulip daisy lily sunflower poppy daffodil orchid peony dandelion lavender",
    "tree": "oak pine palm birch willow maple fir spruce cypress",
    "car": "taxi sedan limousine convertible",
    "boat": "sailboat rowboat canoe kayak gondola ship yacht",
    "house": "cottage cabin hut villa mansion",
    "chair": "armchair stool",
    "cup": "mug teacup",
}
_LISTED = {one for words in _KINDS.values() for one in words.split()}
KINDS_OF = {  # what else one may be called who counts: a puppy is a dog, a duckling duck and bird
    one: tuple(kind for kind, words in _KINDS.items() if one in words.split()) for one in _LISTED
}
PEOPLE = frozenset(_PEOPLE.split())
ANIMALS = frozenset(_ANIMALS.split())
FEMALE = frozenset(
    """
    woman girl lady bride mother mom daughter sister grandmother queen princess witch nun actress
    waitress lioness cow hen
    """.split()
)
MALE = frozenset(
    """
    man boy gentleman guy groom father dad son brother grandfather king prince wizard monk waiter
    cowboy fisherman policeman craftsman bull rooster
    """.split()
)
_AGENT_ENDINGS = ("ist", "man", "woman", "person", "boy", "girl")
_AGENTS = frozenset(
    """
    teacher painter dancer singer writer actor actress performer photographer baker barber builder
    farmer gardener hiker runner rider driver sailor doctor professor waiter waitress player
    worker officer bartender carpenter engineer programmer potter sculptor designer trainer hunter
    swimmer climber juggler magician electrician plumber tailor weaver jogger reader explorer
    biker crafter puppeteer zookeeper beekeeper goalkeeper keeper skateboarder snowboarder
    wrestler boxer golfer shopper traveler traveller commuter lifeguard blacksmith bodybuilder
    drummer fisherman fishermen librarian veterinarian
    """.split()
)

MASS = frozenset(
    """
    snow sand water grass rain ice ink moss jewelry jewellery cutlery furniture milk coffee tea
    wine beer juice honey jam butter cheese bread rice soup sugar salt flour chocolate cream fire
    smoke fog mist dust mud soil dirt lava hair fur wood metal paper gold silver cloth fabric
    leather plastic lace clothing foliage food fruit produce meat seafood vegetation lettuce
    garlic corn wheat hay straw flooring tile wax toast bacon sushi pasta lasagna equipment
    traffic blush lipstick cotton-candy lightning sunlight moonlight money luggage ivy denim
    popcorn spaghetti curry lotion perfume air bark stone skin asphalt pavement
    """.split()
)
# Words for a group whose members are named after it: "two fruits: an apple and a pear".
GENERAL = frozenset(
    "shape object thing item fruit vegetable animal pet creature vehicle toy figure".split()
)
GENERAL_PEOPLE = frozenset("person people child kid friend human".split())
UNIQUE = frozenset("wind sun sky sea ocean earth horizon world moonlight universe".split())
CANVAS = frozenset(
    """
    picture image photo photograph canvas frame scene screen painting drawing page composition
    view shot illustration
    """.split()
)
# Entities that mean a crowd or a measure: the noun that counts comes after "of".
MEASURES = frozenset("pair couple dozen row column line stack grid".split())


def is_abstract(noun: str) -> bool:
    """Whether the singular noun names nothing that could be drawn in a place of its own."""
    if noun in ABSTRACT:
        return True
    return len(noun) > 6 and noun.endswith(_ABSTRACT_ENDINGS) and noun not in _CONCRETE


def is_person(noun: str) -> bool:
    """Whether the singular noun names people."""
    return noun in PEOPLE or noun in _AGENTS or (len(noun) > 5 and noun.endswith(_AGENT_ENDINGS))


def agrees(pronoun: str, noun: str) -> bool:
    """Whether the lower-case pronoun may stand for what the singular noun names."""
    if pronoun in ("he", "him", "his"):
        return is_animate(noun) and noun not in FEMALE
    if pronoun in ("she", "her"):
        return is_animate(noun) and noun not in MALE
    return pronoun not in ("it", "its") or not is_person(noun)


def is_animate(noun: str) -> bool:
    """Whether the singular noun names people or animals."""
    return noun in ANIMALS or is_person(noun)
