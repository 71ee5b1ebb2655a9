"""Pictures of other tools on the command line: drawn with what they say, the rest is told."""

from __future__ import annotations

from pathlib import Path

from PIL import Image

from rpg import metadata
from tests.cli.helpers import rpg

COMMENT = (
    "a red star\nNegative prompt: blur\nSteps: 3, Sampler: Euler a, CFG scale: 900, Seed: 5, "
    "Size: 40x24, Model: dream, ADetailer model: face"
)


def test_a_jpeg_of_another_tool_is_drawn_and_what_is_lost_is_told(model: Path) -> None:
    exif = Image.Exif()
    exif.get_ifd(0x8769)[0x9286] = b"UNICODE\0" + COMMENT.encode("utf-16-be")
    Image.new("RGB", (40, 24)).save("other.jpg", exif=exif)
    said = rpg("generate", "--from", "other.jpg", "-m", model, "-o", "again.png").stderr
    assert "note: guidance 900 is not taken: it can be 0 to 100" in said
    assert "note: not read: ADetailer model" in said
    record = metadata.read("again.png")
    assert (record.plan.prompt, record.plan.negative) == ("a red star", "blur")
    used = record.settings
    assert (used.num_inference_steps, used.scheduler, used.seed) == (3, "euler-a", 5)
    assert (used.width, used.height) == (40, 24)
