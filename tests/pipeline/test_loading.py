"""Loading: folders, environment, sharing."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import torch

from rpg.errors import ModelError
from rpg.pipeline import RPGOutput, RPGPipeline
from tests.pipeline.helpers import PROMPT, HalvesPlanner, called, same


def test_a_saved_model_loads_with_its_own_defaults_and_draws_the_same(
    pipe: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = tmp_path / "little"
    pipe.save_pretrained(folder)
    (folder / "rpg.json").write_text('{"width": 32, "height": 32, "num_inference_steps": 3}')
    loaded = RPGPipeline.from_pretrained(folder, planner=HalvesPlanner(), device="cpu")
    loaded.pipe.set_progress_bar_config(disable=True)
    output = loaded(PROMPT, seed=1)
    assert isinstance(output, RPGOutput)
    assert output.records[0].model == "little"
    assert str(tmp_path) not in output.records[0].model_dump_json()
    assert same(
        output.images[0],
        called(RPGPipeline.from_pipe(pipe, planner=HalvesPlanner()), PROMPT, seed=1).images[0],
    )
    monkeypatch.setenv("RPG_MODEL", str(folder))
    assert RPGPipeline.from_pretrained().model == "little"


def test_a_model_that_does_not_fit_says_how_it_may(
    pipe: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_: Any, **__: Any) -> Any:
        raise torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 2 EiB")

    pipe.save_pretrained(tmp_path)
    monkeypatch.setattr(type(pipe), "to", full)
    with pytest.raises(ModelError, match="does not fit on cpu; .*offload"):
        RPGPipeline.from_pretrained(tmp_path, device="cpu")


def test_another_rpg_pipeline_shares_model_and_planner(rpg: RPGPipeline) -> None:
    other = RPGPipeline.from_pipe(rpg)
    assert (other.pipe, other.planner) == (rpg.pipe, rpg.planner)


def test_the_rule_planner_is_the_default(pipe: Any) -> None:
    rpg = RPGPipeline.from_pipe(pipe)
    assert rpg.plan("a red star to the left of a blue moon").source == "rules"
    assert len(called(rpg, "a red star to the left of a blue moon").plans[0].layers()) == 2
