"""Files that are given as the model: each is named, and told what to do with; one line each."""

from __future__ import annotations

import json
import struct
from pathlib import Path

import pytest
from safetensors.torch import save_file

from rpg.diffusion import load_pipeline, load_single_file
from rpg.diffusion.adapters import loras
from rpg.diffusion.controlnets import load_controlnet
from rpg.diffusion.file_kinds import header, kind_of
from rpg.errors import ModelError
from tests.diffusion.headers import (
    CLIP_L,
    FIRST,
    LABELS,
    LDM,
    OPEN_CLIP,
    SD1,
    SD2,
    VAE_LDM,
    WHOLE_15,
    WHOLE_SD2,
    WHOLE_XL,
    Shapes,
    under,
    unet_diffusers,
    unet_ldm,
    written,
)
from tests.tiny import tiny_controlnet, tiny_sd15, tiny_sdxl

BLOCK = LDM + "input_blocks.4.1.transformer_blocks.0.attn2.to_k"
DRAWN_WITH: list[tuple[str, Shapes]] = [
    ("sd15", WHOLE_15),
    ("sd15", {**under(LDM, unet_ldm(channels=9)), **FIRST, **SD1}),
    ("sd15", {**WHOLE_15, **under("model_ema.", {"diffusion_modelout2weight": (4, 320, 3, 3)})}),
    ("sdxl", WHOLE_XL),
    ("sdxl", {**WHOLE_XL, **under(LDM, {"input_blocks.0.0.weight": (320, 9, 3, 3)})}),
]
# What the file is, as its makers call it; and a word of what to do.
OTHERS: list[tuple[str, str, Shapes]] = [
    ("a VAE", "one part", VAE_LDM),
    ("a VAE", "one part", FIRST),
    (
        "a VAE",
        "--vae",
        {
            "encoder.down_blocks.0.resnets.0.conv1.weight": (128, 128, 3, 3),
            "decoder.up_blocks.0.resnets.0.conv1.weight": (512, 512, 3, 3),
        },
    ),
    (
        "a LoRA",
        "--loras",
        {
            "lora_unet_down_blocks_0_attentions_0_proj_in.lora_down.weight": (16, 320),
            "lora_unet_down_blocks_0_attentions_0_proj_in.lora_up.weight": (320, 16),
            "lora_unet_down_blocks_0_attentions_0_proj_in.alpha": (),
            "lora_te_text_model_encoder_layers_0_mlp_fc1.lora_down.weight": (16, 768),
        },
    ),
    ("a LoRA", "--loras", {"lora_unet_double_blocks_0_img_attn_proj.lora_down.weight": (16, 3072)}),
    ("a LoRA", "--loras", {"lora_te2_text_model_encoder_layers_0_mlp_fc1.alpha": ()}),
    (
        "a LoRA",
        "--loras",
        {"unet.down_blocks.1.attentions.0.transformer_blocks.0.attn1.to_q.lora_A.weight": (4, 640)},
    ),
    ("a LoRA", "--loras", {"unet.mid_block.attentions.0.proj_in.lora.down.weight": (4, 1280)}),
    (
        "a LoRA",
        "--loras",
        {"base_model.model.down_blocks.1.attn1.to_k.lora_B.default.weight": (640, 4)},
    ),
    ("a LoRA", "--loras", {"lora_unet_input_blocks_4_1_proj_in.lokr_w1": (8, 8)}),
    ("a LoRA", "--loras", {"lora_unet_mid_block_attentions_0_proj_in.hada_w1_a": (1280, 8)}),
    (
        "a LoRA",
        "--loras",
        {"down_blocks.0.attentions.0.attn1.processor.to_q_lora.down.weight": (4, 320)},
    ),
    ("a UNet alone", "one part", unet_diffusers()),
    ("a UNet alone", "one part", {**unet_diffusers(2048), "add_embedding.linear_1.weight": (9, 9)}),
    ("a UNet alone", "one part", unet_ldm()),
    ("a UNet alone", "one part", under(LDM, unet_ldm())),
    ("a UNet alone", "one part", under(LDM, {**unet_ldm(cross=2048), **LABELS})),
    ("without its vae", "one part", {**under(LDM, unet_ldm()), **SD1}),
    ("without its text", "one part", {**under(LDM, unet_ldm()), **FIRST}),
    ("a text encoder", "one part", CLIP_L),
    ("a text encoder", "one part", OPEN_CLIP),
    (
        "a text encoder",
        "one part",
        {
            "encoder.block.0.layer.0.SelfAttention.k.weight": (4096, 4096),
            "shared.weight": (32128, 4096),
        },
    ),
    (
        "an image encoder",
        "one part",
        {"vision_model.encoder.layers.0.mlp.fc1.weight": (5120, 1280)},
    ),
    ("a language model", "--planner", {"model.layers.0.self_attn.q_proj.weight": (896, 896)}),
    ("a textual inversion", "--embedding", {"emb_params": (8, 768)}),
    ("a textual inversion", "inversion", {"clip_l": (8, 768), "clip_g": (8, 1280)}),
    ("a textual inversion", "inversion", {"<cat-toy>": (768,)}),
    ("a textual inversion", "inversion", {"midjourney": (1, 768)}),
    (
        "a ControlNet",
        "--controlnet",
        {
            **under("control_model.", unet_ldm()),
            "control_model.input_hint_block.0.weight": (16, 3, 3, 3),
            "control_model.zero_convs.0.0.weight": (320, 320, 1, 1),
        },
    ),
    ("a ControlNet", "--controlnet", {**unet_ldm(), "input_hint_block.0.weight": (16, 3, 3, 3)}),
    (
        "a ControlNet",
        "--controlnet",
        {**unet_diffusers(), "controlnet_cond_embedding.conv_in.weight": (16, 3, 3, 3)},
    ),
    (
        "a ControlNet of LoRA's form",
        "--controlnet",
        {"lora_controlnet": (), "input_blocks.0.0.weight": (320, 4, 3, 3)},
    ),
    (
        "a T2I-Adapter",
        "--controlnet",
        {"body.0.block1.weight": (320, 320, 3, 3), "conv_in.weight": (9,)},
    ),
    ("a T2I-Adapter", "--controlnet", {"adapter.body.0.resnets.0.block1.weight": (320, 320, 3, 3)}),
    (
        "an IP-Adapter",
        "--ip-adapter",
        {"image_proj.proj.weight": (3072, 1024), "ip_adapter.1.to_k_ip.weight": (320, 768)},
    ),
    ("an upscaler", "enlarges", {"model.1.sub.0.RDB1.conv1.0.weight": (32, 64, 3, 3)}),
    (
        "an upscaler",
        "enlarges",
        {"conv_first.weight": (64, 3, 3, 3), "body.0.rdb1.conv1.weight": (9,)},
    ),
    ("a Stable Diffusion 2 checkpoint", "--prediction-type", WHOLE_SD2),
    (
        "a Stable Diffusion upscaler's",
        "regions need",
        {
            **under(LDM, {**unet_ldm(channels=7, cross=1024), "label_emb.weight": (1000, 1024)}),
            **FIRST,
            **SD2,
        },
    ),
    (
        "a Stable Diffusion 2 unCLIP",
        "regions need",
        {
            **under(LDM, {**unet_ldm(cross=1024), **LABELS}),
            **FIRST,
            **SD2,
            "noise_augmentor.data_mean": (1, 1024),
        },
    ),
    (
        "an InstructPix2Pix",
        "regions need",
        {**under(LDM, unet_ldm(channels=8)), **FIRST, **SD1},
    ),
    (
        "the SDXL refiner",
        "base",
        {
            **under(LDM, {**unet_ldm(cross=1280, width=384), **LABELS}),
            **FIRST,
            **under("conditioner.embedders.0.model.", OPEN_CLIP),
        },
    ),
    (
        "a Stable Video Diffusion",
        "regions need",
        {
            **under(LDM, {**unet_ldm(channels=8, cross=1024), **LABELS}),
            LDM + "input_blocks.1.0.time_stack.in_layers.0.weight": (320,),
            "conditioner.embedders.0.open_clip.model.visual.proj": (1280, 1024),
        },
    ),
    (
        "a Stable Diffusion 3",
        "regions need",
        {LDM + "joint_blocks.0.context_block.adaLN_modulation.1.bias": (9216,), **FIRST},
    ),
    ("a FLUX", "regions need", {"double_blocks.0.img_attn.norm.key_norm.scale": (128,)}),
    ("a FLUX", "regions need", {LDM + "double_blocks.0.img_attn.qkv.weight": (9216, 3072)}),
    ("a FLUX", "regions need", {"single_transformer_blocks.0.proj_mlp.weight": (12288, 3072)}),
    (
        "a PixArt or Sana",
        "regions need",
        {
            "blocks.0.cross_attn.q_linear.weight": (1152, 1152),
            "y_embedder.y_embedding": (120, 4096),
        },
    ),
    (
        "an AnimateDiff",
        "regions",
        {"down_blocks.0.motion_modules.0.temporal_transformer.norm.bias": (9,)},
    ),
    ("a Playground v2.5", "folder", {**WHOLE_XL, "edm_mean": (4,), "edm_std": (4,)}),
    ("a CosXL", "regions need", {**WHOLE_XL, "edm_vpred.sigma_max": (), "edm_vpred.sigma_min": ()}),
    (
        "an LCM that is told its guidance",
        "folder",
        {**unet_diffusers(), "time_embedding.cond_proj.weight": (320, 256)},
    ),
    (
        "a quantised file",
        "fp16",
        {**WHOLE_XL, f"{BLOCK}.weight.absmax": (9,), f"{BLOCK}.weight.quant_map": (16,)},
    ),
    ("a quantised file", "fp16", {**WHOLE_XL, LDM + "scaled_fp8": (0,)}),
    ("a quantised file", "fp16", {**WHOLE_XL, f"{BLOCK}.comfy_quant": (30,)}),
    ("a quantised file", "fp16", {f"{BLOCK}.qweight": (9, 9), f"{BLOCK}.wscales": (9, 9)}),
    ("a tiny VAE", "previews", {"encoder.0.weight": (64, 3, 3, 3), "decoder.1.weight": (64, 4)}),
    ("a tiny VAE", "previews", {"decoder.layers.1.conv.0.weight": (64, 64, 3, 3)}),
    ("no checkpoint that we know", "'layer1.conv.weight'", {"layer1.conv.weight": (64, 3, 7, 7)}),
    ("no checkpoint that we know", "no tensors", {}),
]


def refusal(path: Path) -> str:
    with pytest.raises(ModelError) as refused:
        load_single_file(path, device="cpu")
    said = str(refused.value)
    assert "\n" not in said and path.name in said and len(said) < 500
    return said


@pytest.mark.parametrize(("family", "shapes"), DRAWN_WITH)
def test_checkpoints_are_of_their_family(family: str, shapes: Shapes, tmp_path: Path) -> None:
    kind = kind_of(header(written(shapes, tmp_path / "x.safetensors")))
    assert kind is not None and kind.family == family


@pytest.mark.parametrize(("name", "advice", "shapes"), OTHERS)
def test_other_files_are_named_with_what_to_do(
    name: str, advice: str, shapes: Shapes, tmp_path: Path
) -> None:
    said = refusal(written(shapes, tmp_path / "x.safetensors"))
    assert name in said and advice in said


@pytest.mark.parametrize(
    ("content", "says"),
    [
        (b"PK\3\4" + bytes(600), "pickle"),
        (b"\x80\x02\x8a\nl\xfc\x9cF\xf9 j\xa8P\x19.\x80\x02M", "pickle"),
        (b"GGUF\3\0\0\0" + bytes(600), "GGUF"),
        (b"version https://git-lfs.github.com/spec/v1\noid sha256:ab\nsize 9\n", "git lfs pull"),
        (b"<!DOCTYPE html>\n<html><head><title>401", "web page"),
        (b"\n <HTML>", "web page"),
        (b"Entry not found", "text file"),
        (b'{"weight_map": {}}', "text file"),
        (b"", "empty"),
        (bytes(5000), "no safetensors"),
        (struct.pack("<Q", 2**62) + b"{", "no safetensors"),
        (struct.pack("<Q", 4000) + b'{"a": ', "cut short"),
        (struct.pack("<Q", 20) + b'{"a": {"shape": [1] ', "damaged"),
    ],
)
@pytest.mark.parametrize("suffix", [".safetensors", ".ckpt", ".gguf", ".bin"])
def test_files_that_are_no_safetensors(
    content: bytes, says: str, suffix: str, tmp_path: Path
) -> None:
    path = tmp_path / f"model{suffix}"
    path.write_bytes(content)
    assert says in refusal(path)


@pytest.mark.parametrize("left", [7, 60, 0.5, -1])
def test_a_file_that_was_cut_short(left: float, tmp_path: Path) -> None:
    path = written(WHOLE_15, tmp_path / "x.safetensors")
    size = path.stat().st_size
    with path.open("r+b") as file:
        file.truncate(int(size * left) if 0 < left < 1 else int(left) % size)
    assert "cut short" in refusal(path) or left == 7


def test_folders_and_names_of_nothing(tmp_path: Path) -> None:
    assert "folder" in refusal(tmp_path)
    assert "No such file" in refusal(tmp_path / "missing.safetensors")
    for name in ("./foo", "../foo/bar", "/foo/bar", "C:\\foo\\bar", "~/foo", "foo", "a/b.ckpt", ""):
        with pytest.raises(ModelError, match="no such folder or file|no model_index"):
            load_pipeline(name, device="cpu")


def test_only_the_header_is_read(tmp_path: Path) -> None:
    """A file of 2 GB in name, whose weights are not there to be read."""
    path = written({**VAE_LDM, "encoder.big": (1024, 1024, 1024)}, tmp_path / "x.safetensors")
    assert "a VAE" in refusal(path)


def test_a_lora_that_is_something_else(tmp_path: Path) -> None:
    path = written(VAE_LDM, tmp_path / "x.safetensors")
    with pytest.raises(ModelError, match="^the LoRA x is a VAE and no LoRA$"):
        with loras(tiny_sd15(), [(path, 1.0)]):
            pass


def test_a_controlnet_that_is_something_else_or_for_another_family(tmp_path: Path) -> None:
    tiny_controlnet(tiny_sdxl()).save_pretrained(tmp_path / "xl")
    weights = tmp_path / "xl" / "diffusion_pytorch_model.safetensors"
    with pytest.raises(ModelError, match="another family"):
        load_controlnet(weights, tiny_sd15())
    weights.unlink()  # refused all the same: no weight is read
    with pytest.raises(ModelError, match="another family"):
        load_controlnet(tmp_path / "xl", tiny_sd15())
    vae = written(VAE_LDM, tmp_path / "x.safetensors")
    with pytest.raises(ModelError, match="x is a VAE and no ControlNet"):
        load_controlnet(vae, tiny_sd15())
    for name in ("FluxControlNetModel", "UNet2DConditionModel", None):
        (tmp_path / "config.json").write_text(json.dumps({"_class_name": name}))
        with pytest.raises(ModelError, match=f"{name} is neither a ControlNet nor a T2I-Adapter"):
            load_controlnet(tmp_path, tiny_sd15())


def test_a_folder_of_another_pipeline_is_refused_by_its_index(tmp_path: Path) -> None:
    index = tmp_path / "model_index.json"
    for name in ("FluxPipeline", "StableDiffusion3Pipeline", "PixArtAlphaPipeline"):
        index.write_text(json.dumps({"_class_name": name}))
        with pytest.raises(ModelError, match=f"{name}: regions need SDXL or SD 1.5"):
            load_pipeline(tmp_path, device="cpu")
    for text in ("[]", "{", "{}", '{"_class_name": ["a", "b"]}'):
        index.write_text(text)
        with pytest.raises(ModelError):
            load_pipeline(tmp_path, device="cpu")


def test_a_unet_with_all_other_parts_given_is_taken(tmp_path: Path) -> None:
    pipe = tiny_sd15()
    pipe.save_pretrained(tmp_path / "folder")
    save_file(pipe.unet.state_dict(), tmp_path / "one.safetensors")
    given = {name: part for name, part in pipe.components.items() if part and name != "unet"}
    config = str(tmp_path / "folder")
    loaded = load_single_file(tmp_path / "one.safetensors", config=config, device="cpu", **given)
    assert loaded.unet is not pipe.unet
