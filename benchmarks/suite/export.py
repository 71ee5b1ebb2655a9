"""Pictures for other suites' own evaluators, in the folders and under the names that they read.

    T2I-CompBench    OUT/samples/<prompt>_<index of 6 digits>.png
    GenEval          OUT/<row of 5 digits>/metadata.jsonl and .../samples/<index of 4 digits>.png

T2I-CompBench's evaluators read the prompt back from the file's name, up to its first underscore, so
prompts are written into names as they are, as that suite's own script does. That script breaks off
at a prompt that cannot be a name; here such prompts are left out and listed, and the others keep
their indices.
"""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from PIL import Image

from rpg import metadata
from rpg.batch import Shard
from rpg.errors import MetadataError, RPGError, SettingsError
from rpg.plans.plan import Plan

if TYPE_CHECKING:
    from rpg.pipeline import RPGPipeline

__all__ = ["PER_PROMPT", "Export", "Fault", "Prompt", "SuiteName", "read_prompts"]

SuiteName = Literal["t2i-compbench", "geneval"]
PER_PROMPT: Mapping[SuiteName, int] = {"t2i-compbench": 10, "geneval": 4}  # in their own scripts
_LONGEST_NAME = 255  # bytes, on every file system in use
_ABOUT = "rpg.json"


@dataclass(frozen=True)
class Prompt:
    """A row of a suite's file.

    Attributes:
        row: From 0.
        text: The prompt.
        entry: GenEval's own line, to be written beside the pictures.
    """

    row: int
    text: str
    entry: str = ""


@dataclass(frozen=True)
class Fault:
    """A prompt that was not drawn, and why."""

    row: int
    text: str


@dataclass(frozen=True)
class Export:
    """A run over a suite's prompts.

    Attributes:
        suite: Whose.
        folder: Where everything goes.
        prompts: All of the file.
        per_prompt: Pictures of each.
        seed: Of each prompt's first picture; the next one's is one more, as in both suites.
        method: "rpg" plans and composes; "plain" is the pipeline alone, for comparison.
    """

    suite: SuiteName
    folder: Path
    prompts: Sequence[Prompt]
    per_prompt: int
    seed: int
    method: Literal["rpg", "plain"] = "rpg"

    def about(self, **more: Any) -> dict[str, Any]:
        """What pictures of one folder must have in common."""
        said = {"suite": self.suite, "seed": self.seed, "method": self.method, **more}
        return said | ({"per_prompt": self.per_prompt} if self.suite == "t2i-compbench" else {})

    def claim(self, about: dict[str, Any]) -> None:
        """Note in the folder what is drawn into it, or see that it is the same.

        Raises:
            SettingsError: The folder holds the pictures of another run.
        """
        path = self.folder / _ABOUT
        text = json.dumps(about, sort_keys=True)
        if path.exists() and path.read_text("utf-8") != text:
            raise SettingsError(f"{self.folder} holds another run, see {path}: name another --out")
        metadata.write_whole(path, text.encode())

    def path(self, prompt: Prompt, index: int) -> Path:
        """Where picture `index` of a prompt goes."""
        if self.suite == "geneval":
            return self.folder / f"{prompt.row:05}" / "samples" / f"{index:04}.png"
        number = prompt.row * self.per_prompt + index
        return self.folder / "samples" / f"{prompt.text}_{number:06}.png"

    def unnameable(self) -> list[Fault]:
        """The prompts that cannot be part of a file's name."""
        if self.suite == "geneval":
            return []
        return [Fault(one.row, why) for one in self.prompts if (why := _unnameable(one.text))]

    def run(self, load: Callable[[], RPGPipeline], shard: Shard) -> Iterator[Prompt | Fault]:
        """Draw what is missing of a process's share, every `count`-th row; tells of each row.

        Args:
            load: Gives the pipeline, with its planner, once something is to be drawn.
            shard: Which share.
        """
        left_out = {fault.row for fault in self.unnameable()}
        rpg: RPGPipeline | None = None
        for prompt in self.prompts[shard.index - 1 :: shard.count]:
            todo = [i for i in range(self.per_prompt) if not _is_picture(self.path(prompt, i))]
            if prompt.row not in left_out and todo:
                rpg = rpg or load()
                try:
                    self._draw(rpg, prompt, todo, shard)
                except RPGError as error:
                    yield Fault(prompt.row, str(error))
                    continue
            yield prompt

    def _draw(self, rpg: RPGPipeline, prompt: Prompt, todo: Sequence[int], shard: Shard) -> None:
        if self.suite == "geneval":
            beside = self.path(prompt, 0).parents[1] / "metadata.jsonl"
            metadata.write_whole(beside, prompt.entry.encode())
        plan = self._plan(rpg, prompt)
        for index in todo:  # one by one, so that a picture does not depend on which are there
            out: Any = rpg(plan=plan, seed=self.seed + index)
            data = metadata.encode(out.images[0], metadata.rescaled(out.records[0], 1))
            self._put(self.path(prompt, index), data, shard)

    def _plan(self, rpg: RPGPipeline, prompt: Prompt) -> Plan:
        """That of the prompt's pictures, if there are any: a language model may change its mind."""
        if self.method == "plain":
            return Plan(prompt=prompt.text)
        for index in range(self.per_prompt):
            try:
                return metadata.read(self.path(prompt, index)).plan
            except MetadataError:
                continue
        return rpg.plan(prompt.text)

    def _put(self, path: Path, data: bytes, shard: Shard) -> None:
        """Whole or not at all, by way of the folder above: evaluators read all that is beside."""
        draft = self.folder / f".draft-{shard.index}.png"
        path.parent.mkdir(parents=True, exist_ok=True)
        draft.write_bytes(data)
        os.replace(draft, path)


def read_prompts(suite: SuiteName, file: Path) -> list[Prompt]:
    """The rows of a suite's file: a prompt a line (what follows a tab is not its), or JSON lines.

    Raises:
        SettingsError: The file cannot be read, or a line is not of that form.
    """
    try:
        lines = file.read_text("utf-8").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        raise SettingsError(f"--prompts {file}: {error}") from None
    if suite == "geneval":
        return [_entry(file, row, line) for row, line in enumerate(lines)]
    return [Prompt(row, line.split("\t")[0]) for row, line in enumerate(lines)]


def _entry(file: Path, row: int, line: str) -> Prompt:
    try:
        prompt = json.loads(line)["prompt"]
        if isinstance(prompt, str):
            return Prompt(row, prompt, line)
    except (ValueError, TypeError, KeyError):
        pass
    raise SettingsError(f'{file}, line {row + 1}: expected JSON with a "prompt"')


def _unnameable(text: str) -> str:
    """Why a prompt cannot be a name that the evaluators read back; empty if it can."""
    if "/" in text or "\0" in text:
        return f"a file's name cannot hold a slash: {text!r:.80}"
    if "_" in text:
        return f"the evaluators read a name up to its first underscore: {text!r:.80}"
    size = len(f"{text}_000000.png".encode())
    return f"too long for a file's name, {size} bytes: {text!r:.80}" if size > _LONGEST_NAME else ""


def _is_picture(path: Path) -> bool:
    try:
        with Image.open(path) as picture:
            picture.verify()
    except (OSError, SyntaxError):
        return False
    return True
