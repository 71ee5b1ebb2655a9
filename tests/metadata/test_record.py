"""Metadata: what goes into a picture comes out again; hostile pictures are refused."""

from __future__ import annotations

import io
import json
import struct
import time
import zlib
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image, PngImagePlugin

from rpg import metadata
from rpg.errors import MetadataError, SettingsError
from rpg.metadata import Record
from rpg.plans.geometry import Box
from rpg.plans.plan import Plan, Region, encode_mask
from rpg.plans.prompt_weights import clean
from rpg.settings import GenerationSettings
from tests.pngs import SIGNATURE, chunk, header, png

TEXT = st.text(st.characters(codec="utf-8"), max_size=60)
WORDS = TEXT.filter(lambda text: bool(text.strip()))


def record(**changes: Any) -> Record:
    mask = encode_mask(Image.new("L", (8, 8), 255))
    regions = (
        Region(
            id="star",
            prompt="a red star",
            box=Box(0, 0, 0.5, 1),
            negative="blue",
            base_ratio=0.1,
            z=2,
        ),
        Region(id="moon", prompt="a yellow moon", box=Box(0.5, 0, 1, 1), mask=mask),
    )
    plan = Plan(
        prompt="a red star and a yellow moon",
        regions=regions,
        negative="blurry, grey",
        source="rules",
    )
    used = GenerationSettings(
        seed=7, width=64, height=48, num_inference_steps=12, guidance_scale=4.5, scheduler="euler-a"
    )
    return Record(**{"plan": plan, "settings": used, "model": "toybox", **changes})


def region(name: str, x1: float) -> dict[str, object]:
    return {"id": name, "prompt": "b", "box": {"x0": 0, "y0": 0, "x1": x1, "y1": 1}}


def png_with(*chunks: bytes) -> io.BytesIO:
    return io.BytesIO(png(header(60_000, 60_000), *chunks))


def forged(**changes: Any) -> io.BytesIO:
    told = json.loads(record().model_dump_json())
    for path, value in changes.items():
        *parents, last = path.split("__")
        place = told
        for parent in parents:
            place = place[parent]
        place[last] = value
    return png_with(chunk(b"tEXt", b"rpg\0" + json.dumps(told).encode("ascii")))


def test_a_saved_picture_gives_its_record_back(tmp_path: Path) -> None:
    image = Image.effect_noise((32, 24), 80).convert("RGB")
    path = metadata.save(image, tmp_path / "new" / "picture.png", record())
    assert metadata.read(path) == record()
    with Image.open(path) as reopened:
        assert reopened.tobytes() == image.tobytes()
    assert [file.name for file in path.parent.iterdir()] == ["picture.png"]


def test_the_file_is_enlarged_and_says_so(tmp_path: Path) -> None:
    path = metadata.save(Image.new("RGB", (10, 6)), tmp_path / "x.png", record(scale=8))
    with Image.open(path) as reopened:
        assert reopened.size == (80, 48)
    assert metadata.read(path).scale == 8


@given(WORDS, TEXT)
@settings(max_examples=40)
def test_any_words_survive(prompt: str, negative: str) -> None:
    told = record(plan=Plan(prompt=prompt, negative=negative))
    assert metadata.read(io.BytesIO(metadata.encode(Image.new("RGB", (1, 1)), told))) == told


def test_parameters_read_as_other_tools_expect() -> None:
    assert record().parameters() == (
        "a red star and a yellow moon\n"
        "Negative prompt: blurry, grey\n"
        "Steps: 12, Sampler: Euler a, CFG scale: 4.5, Seed: 7, Size: 64x48, "
        "Model: toybox, Version: rpg"
    )


def test_parameters_alone_restore_prompt_and_settings() -> None:
    found = metadata.parse_parameters(record().parameters())
    assert (found.plan.prompt, found.plan.negative) == (
        "a red star and a yellow moon",
        "blurry, grey",
    )
    assert found.plan.regions == ()
    assert found.settings == record().settings


def test_parameters_of_another_tool_with_unknown_words_and_quotes() -> None:
    text = (
        "masterpiece,\na cat: on a mat\nNegative prompt: dog\nbird\n"
        "Steps: 30, Sampler: DPM++ 2M, Schedule type: Karras, CFG scale: 7, Seed: 42, "
        "Size: 512x768, "
        'Model hash: abc, Model: "a, b/c", Lora hashes: "x: 1, y: 2", Version: v1.9'
    )
    found = metadata.parse_parameters(text)
    assert found.plan.prompt == "masterpiece,\na cat: on a mat"
    assert found.plan.negative == "dog\nbird"
    used = found.settings
    assert (used.num_inference_steps, used.seed, used.width, used.height) == (30, 42, 512, 768)
    assert used.scheduler == "dpm++2m-karras"


@pytest.mark.parametrize("keyword", [b"tEXt", b"zTXt", b"iTXt"])
def test_every_kind_of_text_chunk_is_read_before_and_after_the_pixels(keyword: bytes) -> None:
    text = record().model_dump_json().encode()
    coded = {
        b"tEXt": b"rpg\0" + text,
        b"zTXt": b"rpg\0\0" + zlib.compress(text),
        b"iTXt": b"rpg\0\1\0en\0\0" + zlib.compress(text),
    }[keyword]
    pixels = chunk(b"IDAT", b"whatever")
    assert metadata.read(png_with(chunk(keyword, coded), pixels)) == record()
    assert metadata.read(png_with(pixels, chunk(keyword, coded))) == record()


@pytest.mark.parametrize(
    ("changes", "named"),
    [
        ({"settings__num_inference_steps": 10**9}, "num_inference_steps"),
        ({"settings__width": 10**9}, "width"),
        ({"settings__seed": 2**64}, "seed"),
        ({"settings__guidance_scale": "Infinity"}, "guidance_scale"),
        ({"settings__num_images_per_prompt": 10**6}, "num_images_per_prompt"),
        ({"settings__model": "/etc/passwd"}, "model"),
        ({"model": "../../secret/model"}, "model"),
        ({"model": "/root/model.safetensors"}, "model"),
        ({"model": "C:\\models\\x"}, "model"),
        ({"model": "a\x1b[2J"}, "model"),
        ({"scale": 10**6}, "scale"),
        ({"scale": 0}, "scale"),
        ({"version": 4}, "version"),
        ({"task": "rm -rf"}, "task"),
        ({"needs": ["x" * 65]}, "needs"),
        ({"needs": ["x"] * 33}, "needs"),
        ({"callback": "os.system"}, "callback"),
        ({"plan__prompt": ""}, "prompt"),
        ({"plan__prompt": "x" * 20000}, "prompt"),
        ({"plan__regions": [region("a", x1=9)]}, "box"),
        ({"plan__regions": [region(str(i), x1=1) for i in range(200)]}, "200 regions"),
        ({"plan": [1, 2]}, "plan"),
    ],
)  # fmt: skip
def test_forged_chunks_are_refused_like_the_form(changes: dict[str, Any], named: str) -> None:
    with pytest.raises(MetadataError) as refusal:
        metadata.read(forged(**changes))
    assert named in str(refusal.value)
    assert "\n" not in str(refusal.value)
    assert len(str(refusal.value)) < 500


@pytest.mark.parametrize(
    ("stream", "reason"),
    [
        (io.BytesIO(b""), "not a PNG"),
        (io.BytesIO(b"<svg onload=alert(1)>"), "not a PNG"),
        (io.BytesIO(SIGNATURE), "cut short"),
        (io.BytesIO(SIGNATURE + struct.pack(">I", 2**31) + b"IDAT"), "cut short"),
        (png_with(), "carries no plan"),
        (io.BytesIO(SIGNATURE + struct.pack(">I", 2**32 - 1) + b"tEXt"), "text chunk of"),
        (io.BytesIO(SIGNATURE + struct.pack(">I", 50) + b"tEXtrpg\0{"), "cut short"),
        (png_with(chunk(b"tEXt", b"rpg\0{}")[:-4] + b"\0\0\0\0"), "checksum"),
        (png_with(chunk(b"tEXt", b"rpg\0{")), "not valid"),
        (png_with(chunk(b"tEXt", b"rpg\0" + b"[" * 100_000)), "not valid"),
        (png_with(chunk(b"iTXt", b"rpg\0\0\0\0\0\xff\xfe")), "UTF-8"),
        (png_with(chunk(b"zTXt", b"rpg\0\0nonsense")), "damaged"),
        (png_with(chunk(b"zTXt", b"rpg\0\0" + zlib.compress(b" " * 10**8))), "over"),
        (png_with(chunk(b"tEXt", b"parameters\0 \nSteps: 20")), "prompt"),
    ],
)  # fmt: skip
def test_hostile_files_are_refused_without_decoding_a_pixel(
    stream: io.BytesIO, reason: str
) -> None:
    with pytest.raises(MetadataError, match=reason):
        metadata.read(stream)


@given(st.binary(max_size=300))
@settings(max_examples=150)
def test_no_bytes_cause_anything_but_a_refusal(noise: bytes) -> None:
    for stream in (
        io.BytesIO(noise),
        io.BytesIO(SIGNATURE + noise),
        png_with(chunk(b"iTXt", b"rpg\0" + noise)),
    ):
        with pytest.raises(MetadataError):
            metadata.read(stream)


@given(TEXT)
@settings(max_examples=100)
def test_any_parameters_text_is_read_or_refused(text: str) -> None:
    try:
        assert metadata.parse_parameters(text).plan.prompt in text
    except MetadataError as error:
        assert "not valid" in str(error)


def test_reading_what_is_not_there_says_so(tmp_path: Path) -> None:
    with pytest.raises(MetadataError, match=r"cannot read .*gone\.png: No such file"):
        metadata.read(tmp_path / "gone.png")
    with pytest.raises(MetadataError, match="cannot read"):
        metadata.read("nul\0byte.png")


def test_a_picture_saved_by_another_program_is_explained(tmp_path: Path) -> None:
    Image.new("RGB", (4, 4)).save(tmp_path / "plain.png")
    with pytest.raises(MetadataError, match="re-saved"):
        metadata.read(tmp_path / "plain.png")


def test_a_failed_write_keeps_the_old_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    target = tmp_path / "x.png"
    target.write_bytes(b"old")

    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("rpg.metadata.record.os.replace", full)
    with pytest.raises(MetadataError, match="No space left"):
        metadata.save(Image.new("RGB", (4, 4)), target, record())
    assert target.read_bytes() == b"old"
    assert list(tmp_path.iterdir()) == [target]


@pytest.mark.parametrize(
    ("name", "reason"), [("file/x.png", "File exists"), ("星" * 90 + ".png", "File name too long")]
)
def test_where_no_file_can_be_is_said(tmp_path: Path, name: str, reason: str) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(MetadataError, match=f"cannot write .*{reason}"):
        metadata.save(Image.new("RGB", (4, 4)), tmp_path / name, record())
    assert [path.name for path in tmp_path.iterdir()] == ["file"]


def test_the_longest_names_can_be_written(tmp_path: Path) -> None:
    for name in ("星" * 83 + ".png", "x" * 251 + ".png"):
        assert metadata.read(metadata.save(Image.new("RGB", (4, 4)), tmp_path / name, record()))


def test_public_names_hold_no_folder(tmp_path: Path) -> None:
    assert metadata.public_name("stabilityai/stable-diffusion-xl-base-1.0").endswith("xl-base-1.0")
    assert metadata.public_name("/home/me/secret/juggernaut.safetensors") == "juggernaut"
    assert metadata.public_name("C:\\Users\\me\\model.ckpt") == "model"
    assert metadata.public_name(tmp_path) == tmp_path.name
    assert metadata.public_name("models/") == "models"
    assert (
        Record(**{**dict(record()), "model": metadata.public_name("a\n\x1b/b\x00c")}).model == "bc"
    )


def test_neither_path_nor_key_is_written(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", "sk-secret-key")
    monkeypatch.setenv("RPG_MODEL", str(tmp_path))
    data = metadata.encode(
        Image.new("RGB", (2, 2)), record(model=metadata.public_name(tmp_path / "m"))
    )
    assert b"sk-secret-key" not in data
    assert str(tmp_path).encode() not in data


def test_rescaling_is_bounded() -> None:
    assert metadata.rescaled(record(scale=8), None).scale == 8
    assert metadata.rescaled(record(scale=8), 1).scale == 1
    with pytest.raises(SettingsError, match="scale"):
        metadata.rescaled(record(), 65)


def test_other_programs_find_the_chunks(tmp_path: Path) -> None:
    path = metadata.save(Image.new("RGB", (2, 2)), tmp_path / "x.png", record())
    with Image.open(path) as reopened:
        assert isinstance(reopened, PngImagePlugin.PngImageFile)
        assert reopened.text["parameters"] == record().parameters()
        assert json.loads(reopened.text["rpg"])["version"] == 3


def test_a_record_of_very_many_faults_is_refused_at_the_first(tmp_path: Path) -> None:
    """Each fault that is told takes a thousand times the room of what it is about."""
    record = Record(plan=Plan(prompt="x"), settings=GenerationSettings())
    whole = json.loads(record.model_dump_json())
    for count, says in [(24_000, "needs"), (2_000_000, "values")]:
        text = json.dumps({**whole, "needs": [[] for _ in range(count)]})
        begun = time.process_time()
        with pytest.raises(MetadataError, match=says):
            metadata.parse(text)
        assert time.process_time() - begun < 2  # ten and more where all faults are told


@pytest.mark.parametrize(("own", "of_plan"), [(None, None), (0.1, None), (None, 0.4), (0.1, 0.4)])
def test_base_ratios_of_version_1_mean_what_they_meant(
    own: float | None, of_plan: float | None
) -> None:
    """There the region's went before the plan's, and the plan's before that of the settings."""
    first = {**region("a", x1=0.5), "base_ratio": own}
    plan = {"prompt": "p", "regions": [first, region("b", x1=1)], "base_ratio": of_plan}
    old = {"version": 1, "plan": plan, "settings": {"base_ratio": 0.2}}
    now = metadata.parse(json.dumps(old))
    settings, plans = now.settings.base_ratio, now.plan.base_ratio
    for number, one in enumerate(now.plan.regions):
        meant = next(
            ratio for ratio in (own if number == 0 else None, of_plan, 0.2) if ratio is not None
        )
        found = next(ratio for ratio in (settings, one.base_ratio, plans) if ratio is not None)
        assert found == meant
    assert now.settings.window == 0  # there a region was its box alone
    assert metadata.parse(now.model_dump_json()) == now


def test_brackets_were_text_once_and_are_still_in_pictures_of_then() -> None:
    one = {**region("a", x1=1), "prompt": "cat (blue:1.3)"}
    plan = {"prompt": "a (red) cat", "regions": [one]}
    old = metadata.parse(json.dumps({"version": 2, "plan": plan, "settings": {}})).plan
    now = metadata.parse(json.dumps({"version": 3, "plan": plan, "settings": {}})).plan
    assert (clean(old.prompt), clean(old.regions[0].prompt)) == ("a (red) cat", "cat (blue:1.3)")
    assert (clean(now.prompt), clean(now.regions[0].prompt)) == ("a red cat", "cat blue")
    assert (
        metadata.parse(Record(plan=old, settings=GenerationSettings()).model_dump_json()).plan
        == old
    )
