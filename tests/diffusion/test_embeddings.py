"""Textual inversions: in regions' texts as in any other, for every encoder, or refused."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import save_file
from torch import Tensor

from rpg.diffusion import regional
from rpg.diffusion.embeddings import Embedding, load_embedding
from rpg.errors import ModelError
from tests.diffusion.helpers import assert_close, assert_differ, draw, halves, whole
from tests.tiny import WIDTH, tiny_sd15, tiny_sdxl, tiny_tokenizer

COMPOSERS = pytest.mark.parametrize("composer", ["attention", "latent", "latent+attention"])


def xl() -> Any:
    """With a tokenizer for each encoder, as checkpoints have them."""
    pipe = tiny_sdxl()
    pipe.register_modules(tokenizer_2=tiny_tokenizer())
    return pipe


def vectors(count: int, seed: int = 0, width: int = WIDTH) -> Tensor:
    return 3 * torch.randn(count, width, generator=torch.Generator().manual_seed(seed))


def a1111(folder: Path, pair: bool, count: int = 2, name: str = "MoonStyle") -> Path:
    """As A1111 saves one; for SDXL it has two tensors."""
    tensors = {"clip_g": vectors(count, 1), "clip_l": vectors(count, 2)}
    file = folder / f"{name}.safetensors"
    save_file(tensors if pair else {"emb_params": vectors(count)}, file)
    return file


@pytest.mark.parametrize("make", [xl, tiny_sd15])
@COMPOSERS
def test_a_word_that_was_taught_acts_in_its_region(
    make: Any, composer: Any, tmp_path: Path
) -> None:
    pipe = make()
    load_embedding(pipe, Embedding.read(a1111(tmp_path, make is xl)))

    def drawn(words: str) -> Tensor:
        with regional(pipe, halves(right=f"{words} sea"), composer=composer):
            return draw(pipe)

    assert_differ(drawn("MoonStyle"), drawn(""))
    assert torch.equal(drawn("MoonStyle"), drawn("moonstyle"))  # all its vectors, however written
    with regional(pipe, whole("MoonStyle"), composer=composer):
        assert_close(draw(pipe, prompt="MoonStyle"), draw(pipe, prompt="moonstyle"))


def test_every_vector_and_every_encoder_counts(tmp_path: Path) -> None:
    drawn = []
    for changed in (None, "clip_l", "clip_g"):
        pipe, tensors = xl(), {"clip_g": vectors(3, 1), "clip_l": vectors(3, 2)}
        if changed:
            tensors[changed][-1] *= -1
        save_file(tensors, tmp_path / "word.safetensors")
        load_embedding(pipe, Embedding.read(tmp_path / "word.safetensors"))
        with regional(pipe, halves(left="a word"), composer="attention"):
            drawn.append(draw(pipe))
    assert_differ(drawn[0], drawn[1])
    assert_differ(drawn[0], drawn[2])


def test_a_files_own_word_goes_before_its_name(tmp_path: Path) -> None:
    """As diffusers' training script saves one."""
    file = tmp_path / "learned_embeds.safetensors"
    save_file({"<Cat-Toy>": vectors(1)[0]}, file)
    assert Embedding.read(file).token == "<cat-toy>"
    save_file({"string_to_param.*": vectors(1)}, file)
    assert Embedding.read(file).token == "learned_embeds"


def test_what_does_not_fit_is_named_and_changes_nothing(tmp_path: Path) -> None:
    cases = [
        (xl, {"emb_params": vectors(1, width=768)}, "is for Stable Diffusion 1.5, .* SDXL$"),
        (xl, {"emb_params": vectors(1, width=1024)}, "is for Stable Diffusion 2"),
        (xl, {"emb_params": vectors(1)}, "another family"),
        (tiny_sd15, {"clip_l": vectors(1, width=768), "clip_g": vectors(1, width=1280)}, "SDXL, "),
    ]
    for make, tensors, message in cases:
        pipe = make()
        before = len(pipe.tokenizer), pipe.text_encoder.get_input_embeddings().num_embeddings
        save_file(tensors, tmp_path / "x.safetensors")
        with pytest.raises(ModelError, match=f"^the embedding x .*{message}"):
            load_embedding(pipe, Embedding.read(tmp_path / "x.safetensors"))
        after = len(pipe.tokenizer), pipe.text_encoder.get_input_embeddings().num_embeddings
        assert after == before


def test_a_word_that_is_there_is_refused(tmp_path: Path) -> None:
    pipe, file = tiny_sd15(), a1111(tmp_path, False)
    load_embedding(pipe, Embedding.read(file))
    with pytest.raises(ModelError, match="a word 'moonstyle' already; rename the file"):
        load_embedding(pipe, Embedding.read(file))


@pytest.mark.parametrize(
    ("tensors", "message"),
    [
        ({"lora_unet_x.lora_down.weight": torch.zeros(2, 2)}, "is a LoRA"),
        ({"strange": torch.zeros(2, 3, 4)}, "no embedding: it holds 1 tensors"),
        ({"clip_g": vectors(1), "emb_params": vectors(1)}, "clip_l and clip_g"),
    ],
)
def test_a_file_of_something_else(tensors: dict[str, Tensor], message: str, tmp_path: Path) -> None:
    save_file(tensors, tmp_path / "x.safetensors")
    with pytest.raises(ModelError, match=message):
        Embedding.read(tmp_path / "x.safetensors")
