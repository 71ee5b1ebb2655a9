"""The flags of settings do the same in every command that draws."""

from __future__ import annotations

from pathlib import Path

import pytest

from rpg import metadata
from tests.cli.helpers import PROMPT, rpg

FLAGS = {
    "--steps": ("num_inference_steps", 3),
    "--guidance-scale": ("guidance_scale", 4.0),
    "--guidance-end": ("guidance_end", 0.5),
    "--guidance-rescale": ("guidance_rescale", 0.25),
    "--negative-prompt": ("negative_prompt", "rain"),
    "--composer": ("composer", "attention"),
    "--base-ratio": ("base_ratio", 0.3),
    "--start": ("start", 0.1),
    "--end": ("end", 0.9),
    "--feather": ("feather", 0.2),
    "--share": ("share", 0.6),
    "--scheduler": ("scheduler", "ddim"),
    "--clip-skip": ("clip_skip", 1),
    "--seed": ("seed", 11),
}
COMMANDS = {
    "generate": ("generate", PROMPT, "-o", "out/a.png"),
    "refine": ("refine", PROMPT, "--critic", "none", "-o", "out/a.png"),
    "edit": ("edit", "before.png", "make the star green", "-o", "out/a.png"),
    "batch": ("batch", "rows.txt", "-o", "out"),
}


@pytest.mark.parametrize("command", COMMANDS.values(), ids=COMMANDS)
def test_every_flag_reaches_the_picture(command: tuple[str, ...]) -> None:
    rpg("generate", PROMPT, "--steps", "1", "-o", "before.png")
    Path("rows.txt").write_text(PROMPT)
    words = [word for flag, (_, value) in FLAGS.items() for word in (flag, value)]
    rpg(*command, *words)
    (picture,) = Path("out").glob("*.png")
    record = metadata.read(picture)
    said = {**record.settings.model_dump(), "negative_prompt": record.plan.negative}
    assert {name: said[name] for name, _ in FLAGS.values()} == dict(FLAGS.values())


def test_flags_that_mean_nothing_to_a_command_are_unknown() -> None:
    for words in (("edit", "a.png", "x", "--size", "8x8"), ("refine", PROMPT, "-n", 2),
                  ("generate", PROMPT, "--strength", 0.5)):  # fmt: skip
        assert "No such option" in rpg(*words, code=2).stderr


@pytest.mark.parametrize(
    ("flag", "value", "says"),
    [
        ("--clip-skip", "13", "clip_skip: "),
        ("--size", "8", "--size '8': expected WIDTHxHEIGHT"),
        ("--start", "0.95", "start 0.95 must be less than end 0.9"),
    ],
)
def test_what_cannot_be_is_one_line_that_names_it(flag: str, value: str, says: str) -> None:
    said = rpg("generate", PROMPT, "--end", "0.9", flag, value, code=2).stderr
    assert says in said and len(said.strip().splitlines()) == 1
