"""Pictures that are followed: each kind of model in the pipeline of its own, whole or refused."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import diffusers
import pytest
import torch
from safetensors.torch import load_file, save_file

from rpg.diffusion import regional, sibling
from rpg.diffusion.canvas import size_multiple
from rpg.diffusion.controlnets import load_controlnet
from rpg.errors import ModelError
from tests.diffusion.helpers import assert_close, assert_differ, draw, halves, split, whole
from tests.diffusion.test_siblings import picture
from tests.tiny import (
    XL_BLOCKS,
    tiny_controlnet,
    tiny_sd15,
    tiny_sdxl,
    tiny_t2i_adapter,
    tiny_union_controlnet,
)

COMPOSERS = pytest.mark.parametrize("composer", ["attention", "latent", "latent+attention"])


def xl() -> Any:
    return tiny_sdxl(**XL_BLOCKS)


def plain(make: Any) -> tuple[Any, str]:
    pipe = make()
    return sibling(pipe, "controlnet", controlnet=tiny_controlnet(pipe)), "image"


def union(make: Any) -> tuple[Any, str]:
    pipe = make()
    net = tiny_union_controlnet(pipe, types=8)
    return sibling(pipe, "controlnet", controlnet=net), "control_image"


def adapter(make: Any) -> tuple[Any, str]:
    pipe = make()
    return sibling(pipe, "controlnet", controlnet=tiny_t2i_adapter(pipe)), "image"


KINDS = [
    (plain, xl, "StableDiffusionXLControlNetPipeline", {}),
    (union, xl, "StableDiffusionXLControlNetUnionPipeline", {"control_mode": 6}),
    (adapter, xl, "StableDiffusionXLAdapterPipeline", {}),
    (adapter, tiny_sd15, "StableDiffusionAdapterPipeline", {}),
]


@pytest.mark.parametrize(("kind", "make", "name", "words"), KINDS)
@COMPOSERS
def test_every_kind_has_its_pipeline_and_takes_regions(
    kind: Any, make: Any, name: str, words: dict[str, Any], composer: Any
) -> None:
    pipe, follows = kind(make)
    assert type(pipe).__name__ == name
    call = {**words, follows: picture(0).resize((64, 64))}
    stock = draw(pipe, **call)
    with regional(pipe, whole(), composer=composer):
        assert_close(draw(pipe, **call), stock)
    with regional(pipe, split("1,2", base_ratio=0.3), composer=composer):
        ours = draw(pipe, **call)
        other = draw(pipe, **{**call, follows: picture(1).resize((64, 64))})
    assert_differ(ours, stock)
    assert_differ(ours, other)
    assert torch.equal(draw(pipe, **call), stock)


def test_the_modes_of_a_union_differ() -> None:
    pipe, _ = union(xl)
    call = {"control_image": picture(0).resize((64, 64))}
    with regional(pipe, halves(), composer="attention"):
        drawn = [draw(pipe, **call, control_mode=mode) for mode in (0, 7)]
    assert_differ(*drawn)


def test_sides_are_what_a_t2i_adapter_can_halve() -> None:
    assert size_multiple(adapter(xl)[0]) == 16
    assert size_multiple(adapter(tiny_sd15)[0]) == 8
    assert size_multiple(xl()) == 8


def test_a_sibling_with_what_was_held() -> None:
    for pipe, _ in (union(xl), adapter(xl), plain(xl)):
        assert sibling(pipe, "controlnet") is pipe
        assert type(sibling(pipe, "text2img")).__name__ == "StableDiffusionXLPipeline"


def test_siblings_that_diffusers_has_not() -> None:
    pipe = xl()
    net = tiny_union_controlnet(pipe)
    with pytest.raises(ModelError, match=r"a union ControlNet: .* no pipeline .* 1\.5"):
        sibling(tiny_sd15(), "controlnet", controlnet=net)
    for strange, said in (
        ([net, net], "ControlNetUnionModel"),
        (pipe.unet, "UNet2D"),
        ([], "empty"),
    ):
        with pytest.raises(ModelError, match=said):
            sibling(pipe, "controlnet", controlnet=strange)


def same_weights(one: Any, other: Any) -> bool:
    mine, theirs = one.state_dict(), other.state_dict()
    return mine.keys() == theirs.keys() and all(torch.equal(mine[k], theirs[k]) for k in mine)


@pytest.mark.parametrize(
    "made",
    [tiny_controlnet, tiny_union_controlnet, lambda pipe: tiny_union_controlnet(pipe, types=8)],
    ids=["plain", "union", "promax"],
)
def test_a_folder_and_a_file_are_loaded_whole(made: Any, tmp_path: Path) -> None:
    pipe = xl()
    net = made(pipe)
    net.save_pretrained(tmp_path)
    file = tmp_path / "diffusion_pytorch_model.safetensors"
    for source in (tmp_path, file):
        loaded = load_controlnet(source, pipe)
        assert type(loaded) is type(net) and same_weights(loaded, net)
        assert not loaded.training and loaded.device == pipe.device


def test_an_adapter_is_loaded_from_its_folder(tmp_path: Path) -> None:
    for name, pipe, other in (("xl", xl(), tiny_sd15()), ("15", tiny_sd15(), xl())):
        net = tiny_t2i_adapter(pipe)
        net.save_pretrained(tmp_path / name)
        assert same_weights(load_controlnet(tmp_path / name, pipe), net)
        with pytest.raises(ModelError, match="another family"):
            load_controlnet(tmp_path / name, other)


def test_a_union_under_the_name_of_a_plain_one_is_a_union(tmp_path: Path) -> None:
    """As its makers publish it: by the field, or by the weights where the field lacks too."""
    pipe = xl()
    net = tiny_union_controlnet(pipe, types=8)
    net.save_pretrained(tmp_path)
    config = json.loads((tmp_path / "config.json").read_text())
    config["_class_name"] = "ControlNetModel"
    for without in ((), ("num_control_type", "num_trans_channel", "num_proj_channel")):
        said = {name: value for name, value in config.items() if name not in without}
        (tmp_path / "config.json").write_text(json.dumps(said))
        assert same_weights(load_controlnet(tmp_path, pipe), net)


@pytest.mark.parametrize("change", ["one more", "one less"])
def test_weights_that_would_be_dropped_or_made_up_are_refused(change: str, tmp_path: Path) -> None:
    pipe = xl()
    tiny_controlnet(pipe).save_pretrained(tmp_path)
    file = tmp_path / "diffusion_pytorch_model.safetensors"
    weights = load_file(file)
    if change == "one more":
        weights["another.weight"] = torch.zeros(3)
    else:
        del weights["conv_in.bias"]
    save_file(weights, file)
    said = "unexpected keys, such as another" if change == "one more" else "missing keys, such as"
    with pytest.raises(ModelError, match=said):
        load_controlnet(tmp_path, pipe)
    with pytest.raises(ModelError, match="not those of the usual build"):
        load_controlnet(file, pipe)


_LDM = (  # from diffusers' names to those of the original code, in this order
    (r"^time_embedding\.linear_1", "time_embed.0"),
    (r"^time_embedding\.linear_2", "time_embed.2"),
    (r"^conv_in", "input_blocks.0.0"),
    (r"^down_blocks\.0\.resnets\.0", "input_blocks.1.0"),
    (r"^down_blocks\.0\.attentions\.0", "input_blocks.1.1"),
    (r"^down_blocks\.0\.downsamplers\.0\.conv", "input_blocks.2.0.op"),
    (r"^down_blocks\.1\.resnets\.0", "input_blocks.3.0"),
    (r"^down_blocks\.1\.attentions\.0", "input_blocks.3.1"),
    (r"^mid_block\.resnets\.0", "middle_block.0"),
    (r"^mid_block\.attentions\.0", "middle_block.1"),
    (r"^mid_block\.resnets\.1", "middle_block.2"),
    (r"^controlnet_down_blocks\.(\d)", r"zero_convs.\1.0"),
    (r"^controlnet_mid_block", "middle_block_out.0"),
    (r"^controlnet_cond_embedding\.conv_in", "input_hint_block.0"),
    (r"^controlnet_cond_embedding\.conv_out", "input_hint_block.14"),
)
_RESNET = {
    "norm1": "in_layers.0",
    "conv1": "in_layers.2",
    "time_emb_proj": "emb_layers.1",
    "norm2": "out_layers.0",
    "conv2": "out_layers.3",
    "conv_shortcut": "skip_connection",
}


def original(name: str) -> str:
    """A tensor of a ControlNet under the name that the original code gives it."""
    for pattern, other in _LDM:
        name = re.sub(pattern, other, name)
    if found := re.match(r"controlnet_cond_embedding\.blocks\.(\d)(.*)", name):
        return f"control_model.input_hint_block.{2 * int(found[1]) + 2}{found[2]}"
    if ".transformer_blocks" not in name:
        for part, other in _RESNET.items():
            name = name.replace(f".{part}.", f".{other}.")
    return f"control_model.{name}"


def test_a_file_in_the_original_layout(tmp_path: Path) -> None:
    pipe = tiny_sd15()
    kind: Any = diffusers.ControlNetModel
    net = kind.from_unet(pipe.unet, conditioning_embedding_out_channels=(4, 6, 8, 10))
    names = {name: original(name) for name in net.state_dict()}
    file = tmp_path / "control_sd15_canny.safetensors"
    save_file({names[name]: value.clone() for name, value in net.state_dict().items()}, file)
    assert same_weights(load_controlnet(file, pipe), net)
