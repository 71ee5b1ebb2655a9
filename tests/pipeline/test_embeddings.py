"""Textual inversions given at loading: words in every text, and remembered where they are used."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
from safetensors.torch import save_file

from rpg.errors import ModelError
from rpg.generation.reproducibility import lacking
from rpg.pipeline import RPGPipeline
from tests.pipeline.helpers import PROMPT, HalvesPlanner, called, same
from tests.tiny import WIDTH, tiny_sd15

TAUGHT = f"{PROMPT} in MoonStyle"


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    made = tmp_path_factory.mktemp("embeddings")
    tiny_sd15().save_pretrained(made / "model")
    save_file({"emb_params": 3 * torch.randn(2, WIDTH)}, made / "MoonStyle.safetensors")
    return made


def test_a_word_given_at_loading_is_drawn_and_remembered_where_it_is_used(folder: Path) -> None:
    embeddings = [folder / "MoonStyle.safetensors"]
    plain, taught = (
        RPGPipeline.from_pretrained(
            folder / "model", planner=HalvesPlanner(), device="cpu", embeddings=one
        )
        for one in ((), str(embeddings[0]))
    )
    outputs = [called(rpg, TAUGHT, seed=1) for rpg in (plain, taught)]
    assert not same(outputs[0].images[0], outputs[1].images[0])
    record = outputs[1].records[0]
    assert (outputs[0].records[0].needs, record.needs) == ((), ("embedding",))
    said = lacking(record, record.model, plain.pipe, "file")
    assert said == "with embedding, which the file does not hold"
    assert not lacking(record, record.model, taught.pipe, "file")
    unused = called(taught, PROMPT, seed=1)
    assert unused.records[0].needs == ()
    assert same(unused.images[0], called(plain, PROMPT, seed=1).images[0])


def test_a_file_that_is_no_embedding_is_refused_before_the_model_is_loaded(folder: Path) -> None:
    save_file({"lora_unet_x.lora_down.weight": torch.zeros(2, 2)}, folder / "lora.safetensors")
    with pytest.raises(ModelError, match="is a LoRA; an embedding has"):
        RPGPipeline.from_pretrained("no/such/model", embeddings=[folder / "lora.safetensors"])
