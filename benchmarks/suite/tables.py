"""The figures as Markdown, and their place in a document."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from rpg.errors import SettingsError

__all__ = ["markdown", "put_into"]

BEGIN, END = "<!-- figures of the last full run: begin -->", "<!-- end -->"


def markdown(found: Mapping[str, Any]) -> str:
    """All tables of a run."""
    parts = [_about(found)]
    if "tables" in found:
        parts += [
            _section("Score, by category", _shares(found["tables"]["score"], "category")),
            _section("All right, by category", _shares(found["tables"]["strict"], "category")),
            _section("All right, by number of things", _shares(found["by things"], "things")),
            _section("Differences, paired over prompts", _differences(found["differences"])),
            _section("Cost of a picture", _costs(found["costs"])),
        ]
    parts += [
        _section(f"Ablation: {name}", _ablation(of))
        for name, of in found["ablations"].items()
        if of["points"]
    ]
    return "\n\n".join(parts) + "\n"


def put_into(document: Path, text: str) -> None:
    """Replace what stands between the document's two marks.

    Raises:
        SettingsError: The marks are not there.
    """
    whole = document.read_text("utf-8")
    head, begin, rest = whole.partition(BEGIN)
    _, end, tail = rest.partition(END)
    if not (begin and end):
        raise SettingsError(f"{document} has no {BEGIN} ... {END} to put the tables between")
    document.write_text(f"{head}{BEGIN}\n\n{text}\n{END}{tail}", "utf-8")


def _about(found: Mapping[str, Any]) -> str:
    setup, prompts, judge = found["setup"], found["prompts"], found["judge"]
    named = ", ".join(f"{share:.2%} at {size}" for size, share in judge["named"].items())
    right = ", ".join(f"{share:.1%} {name}" for name, share in judge["right"].items())
    return (
        f"Model {setup['model']} (weights {setup['weights'][:8]}), {setup['steps']} steps, seed "
        f"{setup['seed']}; {prompts['complete']} of {prompts['asked']} prompts drawn in all "
        f"variants. Shares in percent with 95% intervals.\n\n"
        f"The judge's own error: of the things in {judge['scenes']} freshly drawn scenes it names "
        f"{named}; of the prompts' ground truths, drawn by the renderer, it calls all right "
        f"{right}."
    )


def _section(title: str, body: str) -> str:
    return f"### {title}\n\n{body}"


def _shares(table: Mapping[str, Any], first: str) -> str:
    variants = list(next(iter(table.values()))["arms"])
    rows = [
        [group, str(of["n"]), *(_interval(of["arms"][variant]) for variant in variants)]
        for group, of in table.items()
    ]
    return _grid([first, "n", *variants], rows)


def _differences(found: Sequence[Mapping[str, Any]]) -> str:
    rows = [
        [f"{one['arm']} minus {one['than']}", one["measure"], _interval(one, signed=True)]
        for one in found
    ]
    return _grid(["variants", "measure", "difference"], rows)


def _costs(found: Mapping[str, Any]) -> str:
    rows = [
        [
            variant,
            f"{of['pictures']:.2f}",
            f"{of['calls']:.1f}",
            f"{of['cost']:.2f}",
            f"{of['seconds']:.2f}",
        ]
        for variant, of in found.items()
    ]
    return _grid(["variant", "pictures drawn", "UNet calls", "in plain pictures", "seconds"], rows)


def _ablation(found: Mapping[str, Any]) -> str:
    rows = [
        [label, _interval(of["score"]), _interval(of["strict"])]
        for label, of in found["points"].items()
    ]
    return _grid([f"n = {found['n']}", "score", "all right"], rows)


def _interval(of: Mapping[str, float], *, signed: bool = False) -> str:
    mean, low, high = (100 * of[name] for name in ("mean", "low", "high"))
    return (
        f"{mean:+.1f} [{low:+.1f}, {high:+.1f}]"
        if signed
        else f"{mean:.1f} [{low:.0f}, {high:.0f}]"
    )


def _grid(head: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    lines = [head, ["---"] * len(head), *rows]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)
