"""The official text form of a plan: a language model's answer, read and written.

::

    Final split ratio: 1,1,1;2,2,3
    Regional Prompt: a red star BREAK a blue moon BREAK grass BREAK a pond

Answers come with bold and headings, code fences and quotes, values on the next line, drafts before
and chatter after; a list of as many items as there are regions needs no BREAK. `read` takes the
last final split ratio and the regional prompt that belongs to it, and refuses with a position what
it would have to guess. Whoever holds the two parts already takes `from_parts`, where every word
counts.

The text says boxes and subprompts only. The prompt, and the base prompt, base ratio and negative
prompt of the whole picture, travel beside it, as they do in the official call. Plans themselves are
made in `rpg.plans.plan`, which calls this module.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from itertools import pairwise
from typing import NamedTuple

from rpg.errors import PlanError
from rpg.plans.geometry import Box, rows_of
from rpg.plans.split_ratio import format_split_ratio, parse_split_ratio

__all__ = ["MAX_CHARS", "PlanText", "RegionText", "from_parts", "has_break", "read", "write"]

MAX_CHARS = 200_000

# Every repetition below is bounded, or of one character class at a known place: time is linear.
_LEAD = r"(?P<lead>^[ \t>#*_`\"'-]{0,20}(?:[a-z0-9]{1,2}[.)][ \t*_`]{1,8})?)?"
_TAIL = (
    r"(?P<closed>[*_`\"']{0,4})[ \t]{0,4}(?:\([a-z][^()\n]{0,60}\))?[*_`\"']{0,4}[ \t]{0,4}"
    r"(?:(?P<colon>[:\uff1a=])[*_`]{0,3}|is[ \t])?"
)
_WORD = r"(?<![^\W_])"  # a word begins here; an underscore before it is emphasis
_FLAGS = re.IGNORECASE | re.MULTILINE
_RATIO = re.compile(
    _LEAD + _WORD + r"(?P<final>final[ \t_]{1,3})?split[ \t_-]{1,3}ratio" + _TAIL, _FLAGS
)
_PROMPT = re.compile(_LEAD + _WORD + r"regional[ \t_]{1,3}prompts?\b" + _TAIL, _FLAGS)
_OPENING = re.compile(r"\s*(?:```\w*\s+)?[\s*_`\"'>]*")
_RULE = re.compile(r"[-*_=]{3,}")
# A whole word in capitals: neither BREAKFAST nor TEA-BREAK nor BREAK's.
_BREAK = re.compile(r"[*`]{0,3}(?<!\w)(?<!\w['\u2019-])BREAK(?!\w|['\u2019-]\w)[*`]{0,3}")
_ITEM = re.compile(
    r"(?:[-*\u2022]|[0-9]{1,2}[.)])\s|region ?[0-9]{1,2} ?(?:\([^()]{0,60}\) ?)?:", re.IGNORECASE
)
_INLINE = re.compile(r"(?<!\S)\(?[0-9]{1,2}[.)] ")
_QUOTES = {'"': '"', "'": "'", "`": "`", "\u201c": "\u201d", "\u00ab": "\u00bb"}


class RegionText(NamedTuple):
    """A region as this form says it.

    Attributes:
        id: r1, r2... in reading order.
        prompt: Its subprompt, in one line.
        box: Its place.
    """

    id: str
    prompt: str
    box: Box


class PlanText(NamedTuple):
    """A plan as this form says it.

    Attributes:
        regions: In reading order.
        reasoning: What stands before the two values.
    """

    regions: tuple[RegionText, ...]
    reasoning: str = ""


def read(text: str) -> PlanText:
    """Read a language model's answer in the official form.

    Raises:
        PlanError: A marker or a subprompt is missing, or their numbers differ; `position` is the
            place in `text`.
        LayoutError: The split ratio cannot be read; likewise.
    """
    if len(text) > MAX_CHARS:
        raise PlanError(f"a text of {len(text)} characters: at most {MAX_CHARS} are read")
    ratio, words = _found(text)
    boxes = parse_split_ratio(text, *_ratio_span(text, ratio, words))
    section = _section(text, words, ratio)
    spans = list(_split(text, *_unquoted_span(text, *section)))
    if len(spans) == len(boxes) + 1 and spans[-1][0] == spans[-1][1]:
        spans.pop()  # a BREAK behind the last one
    if len(spans) == 1 < len(boxes):
        limit = ratio.start if ratio.start > words.start else len(text)
        spans = _listed(text, section, limit, len(boxes)) or spans
    subprompts = [_Subprompt(_cleaned(text[start:end]), start) for start, end in spans]
    reasoning = text[: min(ratio.start, words.start)].strip("` \t\r\n")
    return PlanText(_regions(boxes, subprompts), reasoning)


def from_parts(split_ratio: str, regional_prompt: str) -> PlanText:
    """A split ratio and an "a BREAK b" that are apart already, taken word for word.

    Args:
        split_ratio: Such as "1,1,1;2,2,3".
        regional_prompt: A subprompt for each region, with BREAK between them.

    Raises:
        PlanError: A subprompt is empty, or there are not as many as regions; `position` is the
            place in `regional_prompt`.
        LayoutError: The split ratio cannot be read; `position` is the place in it.
    """
    boxes = parse_split_ratio(split_ratio)
    subprompts = [
        _Subprompt(_one_line(regional_prompt[start:end]), start)
        for start, end in _split(regional_prompt, 0, len(regional_prompt))
    ]
    return PlanText(_regions(boxes, subprompts))


def write(regions: Sequence[RegionText]) -> str:
    """Write regions in the official form, in reading order, one line a value.

    Raises:
        PlanError: There are none, or the form has no words for something in a subprompt.
        LayoutError: The regions do not tile the canvas as rows of columns.
    """
    if not regions:
        raise PlanError("the plan has no regions: there is nothing to write; save it as JSON")
    boxes = [region.box for region in regions]
    ratio = format_split_ratio(boxes)
    by_box = {region.box: _one_line(region.prompt) for region in regions}
    subprompts = [by_box[box] for row in rows_of(boxes) for box in row]
    text = f"Final split ratio: {ratio}\nRegional Prompt: {' BREAK '.join(subprompts)}"
    _check_read_back(text, subprompts)
    return text


def has_break(prompt: str) -> bool:
    """Whether a subprompt holds the word BREAK, which in this form stands between subprompts."""
    return _BREAK.search(prompt) is not None


class _Marker(NamedTuple):
    """Where "Final split ratio:" or "Regional Prompt:" stands, and what comes after."""

    start: int
    word: int  # where the marker's words begin, past the markup before them
    end: int
    anchored: bool  # nothing but markup stands before it in its line
    talk: bool = False  # in the middle of a sentence, and nothing that names a value follows


class _Subprompt(NamedTuple):
    """The words of a region and where they stand."""

    words: str
    position: int


def _found(text: str) -> tuple[_Marker, _Marker]:
    """The last final split ratio and the regional prompt that belongs to it."""
    prompts = list(_prompt_markers(text))
    ratios = _ratio_markers(text, prompts)
    if not ratios:
        raise PlanError(
            "no 'Final split ratio:' with a value in this text: ask for 'Final split ratio: 1,1' "
            "and 'Regional Prompt: a BREAK b'"
        )
    ratio = ratios[-1]
    after = [marker for marker in prompts if marker.start >= ratio.end]
    for marker in sorted(after, key=lambda marker: not marker.anchored):
        start, end = _section(text, marker, ratio)
        if start < end:
            return ratio, marker
    if not after and prompts and _written_before(ratios, prompts):
        return ratio, prompts[-1]
    raise PlanError(
        f"no 'Regional Prompt:' with words after the final split ratio at position {ratio.word}: "
        "write the subprompts there, with BREAK between them",
        ratio.word,
    )


def _written_before(ratios: Sequence[_Marker], prompts: Sequence[_Marker]) -> bool:
    """Whether the last ratio comes after its prompt: all do, or its draft's has one of its own."""
    if prompts[0].start < ratios[0].start:
        return True
    return sum(prompt.start > ratios[-2].start for prompt in prompts) > 1 if ratios[1:] else False


def _ratio_markers(text: str, prompts: Sequence[_Marker]) -> list[_Marker]:
    """Those called final, then the lines that begin with "Split ratio" and a prompt follows."""
    found = [(marker, bool(match["final"])) for match, marker in _ratios(text)]
    last = prompts[-1].start if prompts else -1
    final = [m for m, called in found if called and not (m.talk and m.start > last)]
    plain = [m for m, called in found if not called and m.anchored]
    if not final:
        return plain
    return final + [m for m in plain if final[-1].start < m.start < last]


def _ratios(text: str) -> Iterator[tuple[re.Match[str], _Marker]]:
    """Every "split ratio" that a value follows, or a colon."""
    for match in _RATIO.finditer(text):
        value = _opened(text, match.end())
        # Without a colon it is talk about the ratio, unless a number follows.
        if match["colon"] or text[value : value + 1] in tuple("0123456789(."):
            anchored = match["lead"] is not None
            talk = not (match["colon"] or anchored)
            yield match, _Marker(match.start(), _word(match), match.end(), anchored, talk)


def _word(match: re.Match[str]) -> int:
    return match.start() if match["lead"] is None else match.end("lead")


def _prompt_markers(text: str) -> Iterator[_Marker]:
    for match in _PROMPT.finditer(text):
        anchored = match["lead"] is not None
        titled = match["closed"] or text[match.end() : match.end() + 1] in ("\n", "\r")
        if match["colon"] or (anchored and titled):
            yield _Marker(match.start(), _word(match), match.end(), anchored)


def _opened(text: str, start: int) -> int:
    """Where a value begins, past blank lines, a code fence's opening and emphasis."""
    match = _OPENING.match(text, start)
    return match.end() if match else start


def _ratio_span(text: str, ratio: _Marker, words: _Marker) -> tuple[int, int]:
    """The ratio's line, and the next one where the line ends in a separator."""
    limit = words.start if words.start > ratio.start else len(text)
    start = end = min(_opened(text, ratio.end), limit)
    while end < limit:
        newline = text.find("\n", end, limit)
        line = text[end : newline if newline >= 0 else limit].rstrip(" \t\r*_`\"'.")
        done = newline < 0 or not line.endswith((";", ","))
        if done:
            return start, end + len(line)
        end = newline + 1
    return start, end


def _section(text: str, words: _Marker, ratio: _Marker) -> tuple[int, int]:
    """The regional prompt: to a blank line that no BREAK stands at, a heading, a fence or a rule.

    Returns:
        Start and end in `text`; both the same where there are no words.
    """
    limit = ratio.start if ratio.start > words.start else len(text)
    start = end = words.end
    blank, open_ended = False, True
    for line, at in _lines(text, words.end, limit):
        bare = line.strip()
        if not bare:
            blank = True
        elif start == end and bare.startswith("```"):
            continue
        elif _ends_section(line) or (blank and not open_ended and not _leads_on(bare)):
            break
        else:
            start = start if start < end else at + len(line) - len(line.lstrip())
            end = at + len(line.rstrip())
            blank, open_ended = False, bare.rsplit(None, 1)[-1].strip("*`") == "BREAK"
    return start, end


def _lines(text: str, start: int, end: int) -> Iterator[tuple[str, int]]:
    while start < end:
        newline = text.find("\n", start, end)
        stop = newline + 1 if newline >= 0 else end
        yield text[start:stop], start
        start = stop


def _ends_section(line: str) -> bool:
    bare = line.strip()
    rule = _RULE.fullmatch(bare) is not None
    markers = (_RATIO.match(line), _PROMPT.match(line))
    titled = any(match and match["lead"] is not None and match["colon"] for match in markers)
    return rule or titled or bare.startswith(("```", "# ", "## ", "### ", "#### "))


def _leads_on(bare: str) -> bool:
    return bare.split(None, 1)[0].strip("*`") == "BREAK"


def _split(text: str, start: int, end: int) -> Iterator[tuple[int, int]]:
    """Start and end of the parts between the BREAKs, white space left out."""
    for match in _BREAK.finditer(text, start, end):
        yield _stripped(text, start, match.start())
        start = match.end()
    yield _stripped(text, start, end)


def _listed(text: str, section: tuple[int, int], limit: int, count: int) -> list[tuple[int, int]]:
    """As many items or lines as there are regions, where they stand in a list without BREAK."""
    start, end = section
    lines = [_stripped(text, at, at + len(line)) for line, at in _lines(text, start, limit)]
    items = [span for span in lines if _ITEM.match(text[slice(*span)].lstrip("*"))]
    within = [_stripped(text, at, at + len(line)) for line, at in _lines(text, start, end)]
    inline = [match.start() for match in _INLINE.finditer(text, start, end)]
    numbered = [_stripped(text, a, b) for a, b in pairwise([*inline, end])] if inline else []
    for spans in (items, within, numbered):
        if len(spans) == count and spans[0][0] == start:
            return spans
    return []


def _stripped(text: str, start: int, end: int) -> tuple[int, int]:
    part = text[start:end]
    return start + len(part) - len(part.lstrip()), max(start, start + len(part.rstrip()))


def _cleaned(part: str) -> str:
    """A subprompt without bold, a list's bullet or number, "Region 0:" and quotes around it."""
    words = _one_line(part.replace("**", ""))
    for _ in range(2):
        item = _ITEM.match(words)
        words = words[item.end() :].strip() if item else words
    start, end = _unquoted_span(words, 0, len(words))
    return words[start:end].strip()


def _unquoted_span(text: str, start: int, end: int) -> tuple[int, int]:
    """The span without the quotes around it, where they are one pair and not the words' own."""
    closing = _QUOTES.get(text[start : start + 1])
    if closing is None or end - start < 2 or text[end - 1] != closing:
        return start, end
    inside = text[start + 1 : end - 1]
    return (start, end) if text[start] in inside or closing in inside else (start + 1, end - 1)


def _one_line(words: str) -> str:
    return " ".join(words.split())


def _regions(boxes: Sequence[Box], subprompts: Sequence[_Subprompt]) -> tuple[RegionText, ...]:
    for number, (words, position) in enumerate(subprompts, 1):
        if not words:
            raise PlanError(
                f"subprompt {number} of {len(subprompts)} is empty at position {position}: write "
                "words between the BREAKs, or take one BREAK out",
                position,
            )
    if len(boxes) != len(subprompts):
        raise PlanError(
            f"the split ratio makes {len(boxes)} regions, but the regional prompt has "
            f"{len(subprompts)} subprompts: write one for each region, with BREAK between them",
            subprompts[0].position,
        )
    return tuple(
        RegionText(f"r{number}", words, box)
        for number, (box, (words, _)) in enumerate(zip(boxes, subprompts, strict=True), 1)
    )


def _check_read_back(text: str, subprompts: Sequence[str]) -> None:
    """Refuse words that the reader would take for markup, or for a marker."""
    try:
        again = [region.prompt for region in read(text).regions]
    except PlanError as error:
        raise PlanError(
            f"the official text form cannot say this plan ({error}); save it as JSON"
        ) from error
    if again != list(subprompts):
        changed = next((w for w, a in zip(subprompts, again, strict=False) if w != a), "")
        raise PlanError(
            f"the subprompt {changed[:60]!r} would be read back as other words; save the plan as "
            "JSON"
        )
