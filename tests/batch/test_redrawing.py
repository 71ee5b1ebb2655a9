"""The picture of a manifest's line drawn again, with a model that has changed since."""

from __future__ import annotations

from pathlib import Path

import pytest
from PIL import Image

from rpg.batch import Work, entries, redrawn
from rpg.errors import SettingsError
from tests.batch.helpers import listed, little, run
from tests.diffusion.test_adapters import add_lora
from tests.pipeline.helpers import same


def test_a_picture_without_a_lora_is_not_drawn_with_one(tmp_path: Path) -> None:
    rpg = little()
    run(Work(tmp_path, listed(tmp_path, [{"prompt": "a red star"}])), rpg)
    entry = next(entries(tmp_path))
    assert entry is not None
    add_lora(rpg.pipe)
    with pytest.raises(SettingsError, match=r"png was made without a LoRA, and one is loaded"):
        redrawn(entry, rpg)
    rpg.pipe.unload_lora_weights()
    with Image.open(tmp_path / entry.file) as image:
        assert same(image, redrawn(entry, rpg))
