"""From a plan to what has to be true of its picture. Pure: no torch, no model, no picture."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from rpg.critics._relations import TargetRelation, relations
from rpg.critics._targets import PICTURE, Target, parse_plan
from rpg.critique import Check
from rpg.language.grammar.elements import RelationKind
from rpg.language.lexicon.function_words import NUMBERS
from rpg.language.lexicon.inflect import article, is_pair, is_plural, plural
from rpg.language.lexicon.nouns import MASS
from rpg.language.positions import position_in_words
from rpg.plans.geometry import Box
from rpg.plans.plan import Plan

__all__ = ["NOTHING_ELSE", "compile_checks", "number_of", "place_in_words"]

NOTHING_ELSE = "count:else"
_WORDS = {number: word for word, number in reversed(list(NUMBERS.items()))}
_LARGEST_WORD = 12


def compile_checks(plan: Plan) -> tuple[Check, ...]:
    """What has to be true of a picture of the plan.

    Every region's thing is there and has its attributes; of each kind there are as many as planned,
    and nothing else catches the eye; neighbours stand as their boxes do, and things as the prompt
    says; the scene is the plan's. The same plan always gives the same checks, in the same order.

    Compile once and keep them: a session that compiled anew after every edit would grade its own
    changes.
    """
    parsed = parse_plan(plan)
    labels = _labels(parsed.targets)
    checks = [
        *(_presence(target) for target in parsed.targets),
        *_attributes(parsed.targets, labels),
        *_counts(parsed.targets),
        *(
            _relation(stands, labels)
            for stands in relations(parsed.targets, parsed.prompt.relations)
        ),
        *(_scene(text, regions) for text, regions in parsed.scenes.items()),
    ]
    return tuple(_distinct(checks))


def place_in_words(box: Box) -> str:
    """Where a box is: "at the top left", "in the middle"; "" for the whole canvas."""
    where = position_in_words(box)
    if where == "the whole canvas":
        return ""
    return where if where.startswith("in ") else f"at the {where}"


def number_of(count: int, thing: str) -> str:
    """A number of things in words: "no star", "one star", "two stars"."""
    if count == 0:
        return f"no {thing}"
    word = _WORDS[count] if count <= _LARGEST_WORD else str(count)
    *most, noun = thing.split()
    several = noun if count == 1 or is_plural(noun.lower()) else plural(noun)
    return " ".join([word, *most, several])


@dataclass(frozen=True, slots=True)
class _Labels:
    """What the targets are called in sentences; with their places where they share a noun."""

    targets: Sequence[Target]
    shared: Counter[str]

    def of(self, target: Target) -> str:
        place = place_in_words(target.box) if self.shared[target.thing] > 1 else ""
        return f"the {target.thing} {place}".rstrip()


def _labels(targets: Sequence[Target]) -> _Labels:
    return _Labels(targets, Counter(target.thing for target in targets))


def _regions(*targets: Target) -> tuple[str, ...]:
    return tuple(target.region for target in targets if target.region != PICTURE)


def _presence(target: Target) -> Check:
    verb = "are" if (target.count or 1) > 1 else "is"
    where = place_in_words(target.box)
    return Check(
        id=":".join(filter(None, ("presence", target.region, target.thing))),
        kind="presence",
        regions=_regions(target),
        says=f"there {verb} {_some(target)} {where}".rstrip(),
        things=(target.thing,),
        count=target.count,
    )


def _some(target: Target) -> str:
    """The thing with its article or number; as it is where it is no thing of our grammar."""
    if not target.noun:
        return f'what is described as "{target.thing}"'
    if target.count is not None and target.count > 1:
        return number_of(target.count, target.thing)
    last = target.thing.split()[-1].lower()
    if target.noun in MASS or is_pair(last):
        return target.thing
    return f"{article(target.thing)} {target.thing}"


def _attributes(targets: Sequence[Target], labels: _Labels) -> Iterator[Check]:
    for target in targets:
        for words in target.attributes:
            plain = " " not in words or words.split()[0].endswith("ing")
            label = labels.of(target)
            yield Check(
                id=":".join(filter(None, ("attribute", target.region, target.thing, words))),
                kind="attribute",
                regions=_regions(target),
                says=f"{label} is {words}" if plain else f"this is true of {label}: {words}",
                things=(target.thing,),
                value=words,
            )


def _counts(targets: Sequence[Target]) -> Iterator[Check]:
    """How many of each kind there are over the whole picture, where the plan says so of all."""
    kinds: dict[str, list[Target]] = {}
    for target in targets:
        kinds.setdefault(_kind(target), []).append(target)
    for kind, group in kinds.items():
        counts = [target.count for target in group]
        if group[0].noun and None not in counts:
            yield _count(kind, sum(count or 0 for count in counts))
    yield Check(
        id=NOTHING_ELSE,
        kind="count",
        says="nothing stands out in the picture that the prompt does not ask for",
        count=0,
    )


def _kind(target: Target) -> str:
    """The thing without its looks: "red star" and "blue star" are stars."""
    words = target.thing.split()
    looks = [word for word in words if word not in target.attributes]
    return " ".join(looks) or target.thing


def _count(kind: str, count: int) -> Check:
    verb = "are" if count > 1 else "is"
    return Check(
        id=f"count:{kind}",
        kind="count",
        says=f"in the whole picture there {verb} exactly {number_of(count, kind)}",
        things=(kind,),
        count=count,
    )


def _relation(stands: TargetRelation, labels: _Labels) -> Check:
    first, *others = stands.targets
    names = [target.region or target.thing for target in stands.targets]
    if len(set(names)) < len(names):
        names = [f"{target.region}/{target.thing}" for target in stands.targets]
    objects = " and ".join(labels.of(target) for target in others)
    joined = ":".join(["relation", names[0], stands.kind.value, *names[1:]])
    return Check(
        id=joined[:400],
        kind="relation",
        regions=_regions(*stands.targets),
        says=f"{labels.of(first)} is {stands.kind.value} {objects}"[:2000],
        things=tuple(target.thing for target in stands.targets),
        value=RelationKind(stands.kind).value,
    )


def _scene(text: str, regions: tuple[str, ...]) -> Check:
    where = f" around {' and '.join(regions)}" if regions else ""
    return Check(
        id=":".join(["scene", text, *regions])[:400],
        kind="scene",
        regions=regions,
        says=f"the scene{where} is {text}"[:2000],
        value=text,
    )


def _distinct(checks: Sequence[Check]) -> Iterator[Check]:
    """Each with an id of its own: words of a prompt may make two alike."""
    given: set[str] = set()
    for check in checks:
        name, number = check.id, 2
        while name in given:
            name, number = f"{check.id[:390]}-{number}", number + 1
        given.add(name)
        yield check if name == check.id else check.model_copy(update={"id": name})
