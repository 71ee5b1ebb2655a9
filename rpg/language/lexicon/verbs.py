"""Verb forms, verbs that are also nouns, and verbs that state a spatial relation."""

from __future__ import annotations

from collections.abc import Mapping

# base:past forms:participle. Forms here are hardly ever nouns.
_IRREGULAR = """
sit:sat:sitting stand:stood:standing hold:held:holding hang:hung:hanging lie:lay,lain:lying
fly:flew,flown:flying swim:swam,swum:swimming sing:sang,sung:singing shine:shone:shining
fall:fell,fallen:falling drive:drove,driven:driving speed:sped:speeding write:wrote,written:writing
sleep:slept:sleeping grow:grew,grown:growing keep:kept:keeping lead:led:leading run:ran:running
eat:ate,eaten:eating drink:drank,drunk:drinking ride:rode,ridden:riding throw:threw,thrown:throwing
catch:caught:catching swing:swung:swinging spin:spun:spinning sink:sank,sunk:sinking
tell:told:telling make:made:making take:took,taken:taking give:gave,given:giving go:went,gone:going
come:came:coming wear:wore,worn:wearing hide:hid,hidden:hiding bring:brought:bringing
stick:stuck:sticking wake:woke:waking break:broke,broken:breaking bend:bent:bending
cling:clung:clinging creep:crept:creeping feed:fed:feeding fling:flung:flinging
freeze:froze,frozen:freezing kneel:knelt:kneeling leap:leapt:leaping rise:rose,risen:rising
cut:cut:cutting beat:beat:beating spread:spread:spreading shoot:shot:shooting build:built:building
begin:began:beginning stride:strode:striding rest::resting put:put:putting set:set:setting
see:saw,seen:seeing find:found:finding get:got:getting leave:left:leaving teach:taught:teaching
sweep:swept:sweeping cast:cast:casting hit:hit:hitting
blow:blew,blown:blowing draw:drew,drawn:drawing burst:burst:bursting weave:wove,woven:weaving
strike:struck:striking fight:fought:fighting hear:heard:hearing meet:met:meeting send:sent:sending
tear:tore,torn:tearing win:won:winning sell:sold:selling say:said:saying bind:bound:binding
bite:bit,bitten:biting choose:chose,chosen:choosing dig:dug:digging know:knew,known:knowing
"""
# Regular verbs whose base and -s forms are hardly ever nouns.
_STRICT = """
carry provide serve boil bake attract illuminate decorate release float sail jump crawl climb lean
contain include feature appear enter walk-by adorn display-on wander graze soar perch nap hover
lounge gallop crouch gaze smile-at grasp chase follow belong accompany occupy depict flutter
surround encircle
""".split()
# Doubling or otherwise irregular participles of regular verbs.
_DOUBLED = """
hop jog hug pet nap grab knit mop pat rub sip skip slip step stop trim wrap chop clap dig drag
fit shop tap tug chat drip grin hum plan nod wag drop flip jot skid snap snug strum sun swap
shrug scrub ship pin zip beg bob hit win let quit split shed
""".split()

PARTICIPLES: dict[str, str] = {}
STRICT_VERBS: set[str] = set()
# Nouns as much as verbs: verbs only with strong evidence.
_EITHER = frozenset(
    """
    fly swing drink ride break swim run drive sleep catch cut beat spread shot rose set saw found
    blow draw strike fight tear win bit bite left fell speed lead feed leap spin sink stick throw
    build hide rest put bend led stop ship leaves flies drinks rides runs drives sets puts sticks
    stands stand rests catches cuts swings takes leads leaps spins sinks builds swims breaks lay
    finds sees nap naps perch float floats display crawl climb lounge climbs crawls jump jumps
    """.split()
)


def _third_person(base: str) -> str:
    if base.endswith("y") and base[-2] not in "aeiou":
        return base[:-1] + "ies"
    return base + ("es" if base.endswith(("ch", "sh", "ss", "x", "go")) else "s")


def _register() -> None:
    for entry in _IRREGULAR.split():
        base, past, ing = entry.split(":")
        forms = [base, _third_person(base)]
        forms += [form for form in past.split(",") if form]
        PARTICIPLES.update(dict.fromkeys(forms, ing))
        STRICT_VERBS.update(form for form in forms if form not in _EITHER)
    for base in _STRICT:
        STRICT_VERBS.update({base, _third_person(base)} - _EITHER)
    for base in _DOUBLED:
        ing = base + base[-1] + "ing"
        PARTICIPLES.update({base: ing, base + "s": ing, base + base[-1] + "ed": ing})


_register()

# Regular pasts whose base ends in e: "danced" -> "dancing" needs no rule, these need none either.
NOUN_ED = frozenset(
    """
    bed shed sled seed weed reed steed breed feed speed creed red deed bobsled flatbed seabed
    hundred sacred naked wicked moped biped riverbed tweed seaweed hatred kindred thoroughbred
    flowerbed indeed need bred fled ted fred greed heed aged
    """.split()
)
NOUN_ING = frozenset(
    """
    painting building drawing clothing earring ring string king wing thing ceiling railing morning
    evening wedding spring sibling dumpling duckling pudding icing lightning lighting stocking
    carving engraving awning sling flooring fencing bedding filling topping frosting dressing
    lining covering opening crossing landing parking setting gathering meeting seedling sapling
    herring starling gosling darling viking seating during cutting sterling bowling plumbing
    siding paneling housing wiring ending beginning pingpong stitching crowning blessing bling
    """.split()
)
# "a snow covered street": the participle belongs to the noun before it.
COMPOUND_ED = frozenset(
    """
    covered filled shaped colored coloured flavored flavoured themed powered lined studded based
    made sized framed tiled paved capped tipped trimmed textured patterned painted wrapped roofed
    lit coated dipped topped driven legged haired eyed headed winged tailed faced sided
    """.split()
)
# Words that may be nouns too, as their third persons may: "a hug" and "hugs".
_NOUNS_TOO = """
    mix cook stir measure display shape slice pound hook light watch park play cover show face
    hold rest nap perch wash stack water paint plant hammer brush comb iron bake guard attract
    supply store house book cross circle ring star frame top line fill join touch support
    reflect read mark hug kiss pet push pull drag kick lick chew bite smell sniff lift drop wave
    flash shine look wait work talk laugh stretch smile walk dance hop skate surf ski march
    drift wheel point stare jot pour roll toss grab squeeze bounce juggle balance spill smash
    crush wrap tie scratch tickle pat mow chop peel fry grill film record shake admire fix
    repair steer tow haul stroke spray groom squash
""".split()
# Verbs before a determiner, or agreeing with a subject.
EITHER_WORDS = _EITHER.union(
    _NOUNS_TOO, map(_third_person, _NOUNS_TOO), ("opens", "closes", "cleans", "sails")
)
INTRANSITIVE = frozenset(
    """
    rest rests nap naps perch lay rose stand stands float floats swim swims fly flies run runs
    walk walks look looks wait waits work works talk talks jump jumps dance dances park parks
    flash smile smiles laugh laughs hop hops climb climbs crawl crawls lean leans jot sink sinks
    fell sleep sleeps play plays drift drifts lounge march marches point points stare stares hang
    sit cut cuts spread shot
    """.split()
)

# What follows says what the subject is.
COPULAS = frozenset(
    " made became become becomes seemed seem seems remain remained remains make makes".split(" ")
)
# Verbs that say nothing a picture could show beyond what else is said.
STATIVE = frozenset(
    """
    placed located positioned situated arranged found seen shown used made contrasted visible
    necessary displayed attached mounted become became seem seems appear appears have has had
    include includes contain contains feature features consist depicted set put provided needed
    kept met owned known called named being been fascinated struggled completed parked surrounded
    scattered covered
    """.split()
) - {"parked", "scattered"}

# The subject touches the object: it is drawn inside the subject's region.
CONTACT = frozenset(
    """
    holding carrying playing riding reading eating drinking sipping hugging cuddling using
    painting cooking making fixing repairing pushing pulling washing petting knitting typing
    licking chewing biting lifting building sculpting weaving waxing strumming mowing slicing
    stirring mixing kicking catching driving planting raking kissing brushing grabbing grooming
    tasting seasoning preparing twirling bouncing flying juggling sketching drawing writing
    creating cleaning peeling cutting chopping opening selling
    """.split()
)
CARRYING = frozenset("holding carrying riding hugging petting cuddling feeding grooming".split())
# Participles that tell a state where they follow their noun: "a car parked by the road".
PASSIVE = frozenset(
    """
    parked stacked wrapped filled tied chained mounted painted lit framed folded broken dressed
    seated crowned closed opened carved scattered decorated balanced suspended nestled frozen
    hidden driven worn hung woven torn thrown placed gathered arranged set cut built stuck
    """.split()
)
POSES = frozenset(
    "sitting standing lying leaning sleeping kneeling crouching relaxing resting".split()
)

VERB_RELATIONS: Mapping[str, str] = {
    "covering": "on", "crossing": "on", "topping": "on", "surrounding": "around",
    "containing": "contains", "carrying": "below", "supporting": "below", "hiding": "front",
    "following": "beside", "facing": "beside", "touching": "beside", "chasing": "beside",
    "blocking": "front", "obscuring": "front", "passing": "beside", "marking": "on",
    "embracing": "on", "covered": "on", "framing": "around", "encircling": "around",
    "overlooking": "above",
}  # fmt: skip
