"""The core alone, on two families: no pipeline, no scheduler."""

from __future__ import annotations

import ast
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor

from rpg.diffusion import backbones, regional
from rpg.diffusion.backbones.base import Backbone
from rpg.diffusion.backbones.unet import UNet
from rpg.diffusion.denoiser import RegionalDenoiser
from rpg.diffusion.embeds import RegionalPromptEmbeds
from rpg.diffusion.layout import RegionalLayout
from rpg.diffusion.schedule import Composer, Schedule
from rpg.errors import ModelError
from rpg.plans.geometry import FULL
from rpg.plans.plan import Plan, Region
from tests.diffusion import tiny_dit
from tests.diffusion.helpers import assert_close, assert_differ, draw, halves, split, whole
from tests.diffusion.tiny_dit import DiT, tiny_transformer
from tests.processes import ROOT
from tests.tiny import MAX_TOKENS, WIDTH, tiny_sd15

Family = tuple[Callable[[], Backbone], int]
FAMILIES: dict[str, Family] = {
    "unet": (lambda: UNet(tiny_sd15().unet, 4), WIDTH),
    "dit": (lambda: DiT(tiny_transformer()), WIDTH),
}
COMPOSERS = pytest.mark.parametrize("composer", ["attention", "latent"])
EVERY = pytest.mark.parametrize("family", FAMILIES)


def noise(*shape: int, seed: int) -> Tensor:
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed))


SAMPLE = noise(1, 4, 16, 16, seed=1)
TEXT = noise(1, MAX_TOKENS, WIDTH, seed=2)
NO_TEXT = noise(1, MAX_TOKENS, WIDTH, seed=3)
TIME = torch.tensor([500])


def predicted(
    backbone: Backbone,
    plan: Plan,
    texts: Tensor,
    composer: Composer = "attention",
    branch: Any = "cond",
    base_ratio: float = 0.3,
) -> Tensor:
    layout = RegionalLayout.of(plan, base_ratio=base_ratio)
    embeds, schedule = RegionalPromptEmbeds.of(texts), Schedule(composer)
    sample, text = SAMPLE, {"cond": TEXT, "uncond": NO_TEXT}.get(branch, TEXT)
    if branch == "both":
        sample, text = SAMPLE.repeat(2, 1, 1, 1), torch.cat([NO_TEXT, TEXT])
    timestep = TIME.expand(len(sample))
    with torch.no_grad(), RegionalDenoiser(backbone, layout, embeds, schedule) as denoiser:
        denoiser.at(0, 1)
        return denoiser.predict(sample, timestep, branch, text)


def plain(backbone: Backbone, text: Tensor = TEXT) -> Tensor:
    with torch.no_grad():
        return backbone.predict(SAMPLE, TIME, text, {})


def star(count: int) -> Tensor:
    """So many regions of one text."""
    return noise(1, MAX_TOKENS, WIDTH, seed=4).expand(count, -1, -1)


@EVERY
@COMPOSERS
@pytest.mark.parametrize("base_ratio", [0.0, 0.3])
def test_one_region_with_the_base_prompt_is_the_model(
    family: str, composer: Composer, base_ratio: float
) -> None:
    backbone = FAMILIES[family][0]()
    drawn = predicted(backbone, whole(), TEXT, composer, base_ratio=base_ratio)
    assert_close(drawn, plain(backbone))


@EVERY
def test_identical_regions_are_one(family: str) -> None:
    backbone, many = FAMILIES[family][0](), split("1,2,1;2,1,3")
    one = predicted(backbone, whole(), star(1))
    assert_close(predicted(backbone, many, star(len(many.regions))), one)
    assert_differ(one, plain(backbone))


@EVERY
@COMPOSERS
def test_both_branches_are_each_alone(family: str, composer: Composer) -> None:
    backbone, texts = FAMILIES[family][0](), noise(2, MAX_TOKENS, WIDTH, seed=5)
    both = predicted(backbone, halves(), texts, composer, "both")
    assert_close(both[1:], predicted(backbone, halves(), texts, composer, "cond"))
    assert_close(both[:1], predicted(backbone, halves(), texts, composer, "uncond"))


@EVERY
def test_the_unconditional_branch_of_attention_is_the_model(family: str) -> None:
    backbone, texts = FAMILIES[family][0](), noise(2, MAX_TOKENS, WIDTH, seed=5)
    drawn = predicted(backbone, halves(), texts, "attention", "uncond")
    assert_close(drawn, plain(backbone, NO_TEXT))


@EVERY
def test_another_regions_text_leaves_a_regions_latent(family: str) -> None:
    backbone = FAMILIES[family][0]()
    texts = noise(3, MAX_TOKENS, WIDTH, seed=6)
    one = predicted(backbone, halves(), texts[:2], "latent", base_ratio=0.0)
    other = predicted(backbone, halves(), texts[[0, 2]], "latent", base_ratio=0.0)
    assert_close(one[..., :8], other[..., :8], 1e-6)
    assert_differ(one[..., 8:], other[..., 8:])


@EVERY
def test_outside_of_the_schedule_and_of_an_image_it_is_the_model(family: str) -> None:
    backbone = FAMILIES[family][0]()
    layout, schedule = RegionalLayout.of(halves()), Schedule("attention", start=0.5)
    with torch.no_grad(), RegionalDenoiser(backbone, layout, None, schedule) as denoiser:
        denoiser.at(1, 2)
        assert torch.equal(denoiser.predict(SAMPLE, TIME, "cond", TEXT), plain(backbone))
        denoiser.begin_image(RegionalPromptEmbeds.of(noise(2, MAX_TOKENS, WIDTH, seed=5)))
        denoiser.at(0, 2)
        assert torch.equal(denoiser.predict(SAMPLE, TIME, "cond", TEXT), plain(backbone))
        denoiser.at(1, 2)
        assert_differ(denoiser.predict(SAMPLE, TIME, "cond", TEXT), plain(backbone))
    assert torch.equal(backbone.predict(SAMPLE, TIME, TEXT, {}), plain(backbone))


@COMPOSERS
def test_negatives_of_a_second_image_s_regions_act(composer: Composer) -> None:
    """What is kept from image to image is not for texts of another kind."""
    texts, negatives = (noise(2, MAX_TOKENS, WIDTH, seed=seed) for seed in (5, 6))
    without = RegionalPromptEmbeds.of(texts)
    with_own = replace(without, negatives=negatives, own_negative=(True, True))
    backbone, layout = FAMILIES["unet"][0](), RegionalLayout.of(halves())
    sample, told = SAMPLE.repeat(2, 1, 1, 1), torch.cat([NO_TEXT, TEXT])

    def both(denoiser: RegionalDenoiser) -> Tensor:
        with torch.no_grad():
            return denoiser.predict(sample, TIME.expand(2), "both", told)

    with RegionalDenoiser(backbone, layout, with_own, Schedule(composer)) as denoiser:
        expected = both(denoiser)
    with RegionalDenoiser(backbone, layout, without, Schedule(composer)) as denoiser:
        assert_differ(both(denoiser), expected)
        denoiser.begin_image(with_own)
        assert_close(both(denoiser), expected)


@pytest.mark.parametrize(
    ("branch", "rows"), [("both", 1), ((), 1), (("uncond", "cond", "cond"), 2)]
)
def test_rows_and_branches_go_together(branch: Any, rows: int) -> None:
    denoiser = RegionalDenoiser(
        FAMILIES["unet"][0](), RegionalLayout.of(halves()), None, Schedule()
    )
    with pytest.raises(ValueError, match="branches"):
        denoiser.predict(SAMPLE.repeat(rows, 1, 1, 1), TIME, branch, TEXT.repeat(rows, 1, 1))


def test_a_denoiser_that_was_not_entered_says_so() -> None:
    embeds = RegionalPromptEmbeds.of(star(2))
    denoiser = RegionalDenoiser(
        FAMILIES["unet"][0](), RegionalLayout.of(halves()), embeds, Schedule()
    )
    with pytest.raises(RuntimeError, match="with denoiser"):
        denoiser.predict(SAMPLE, TIME, "cond", TEXT)


def test_a_denoiser_can_be_entered_again_but_not_twice_at_once() -> None:
    backbone, embeds = FAMILIES["unet"][0](), RegionalPromptEmbeds.of(star(2))
    denoiser = RegionalDenoiser(backbone, RegionalLayout.of(halves()), embeds, Schedule())
    drawn = []
    for _ in range(2):
        with torch.no_grad(), denoiser:
            drawn.append(denoiser.predict(SAMPLE, TIME, "cond", TEXT))
            for other in (
                denoiser,
                RegionalDenoiser(backbone, RegionalLayout(()), None, Schedule()),
            ):
                with pytest.raises(ModelError, match="already"), other:
                    raise AssertionError("entered")
        with pytest.raises(RuntimeError, match="with denoiser"):
            denoiser.predict(SAMPLE, TIME, "cond", TEXT)
    assert torch.equal(*drawn)
    assert_differ(drawn[0], plain(backbone))


@pytest.fixture
def registered(monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
    monkeypatch.setattr(backbones.registry, "FAMILIES", dict(backbones.FAMILIES))
    backbones.register(tiny_dit.FAMILY)
    yield tiny_dit.tiny_dit()


@pytest.mark.parametrize("composer", ["attention", "latent", "latent+attention"])
def test_a_family_of_one_file_is_drawn_with(registered: Any, composer: Any) -> None:
    """Registered, and no other file touched: `regional` draws with its pipelines."""
    pipe = registered
    pipe.set_progress_bar_config(disable=True)
    stock = draw(pipe)
    with regional(pipe, whole(), composer=composer):
        assert_close(draw(pipe), stock)
    with regional(pipe, halves(), composer=composer):
        drawn = draw(pipe, num_inference_steps=4)
    with regional(pipe, halves(right="green sea"), composer=composer):
        assert_differ(draw(pipe, num_inference_steps=4), drawn)
    assert torch.equal(draw(pipe), stock)
    long = Region(id="long", prompt="many more words than one chunk holds", box=FULL)
    with regional(pipe, Plan(prompt="a scene", regions=(long,)), composer=composer):
        assert_differ(draw(pipe), stock)


def test_without_its_file_it_is_refused_by_name() -> None:
    with pytest.raises(ModelError, match=r"^TinyDiTPipeline: regions need .*\Z"):
        with regional(tiny_dit.tiny_dit(), halves()):
            pass


def test_a_family_is_one_file_and_a_line_in_two_others(tmp_path: Path) -> None:
    """In a copy of the tree: the file, its registration, its numbers; then a call draws with it."""
    package = tmp_path / "rpg"
    _copied(ROOT / "rpg", package)
    (tmp_path / "tests").mkdir()
    for name in ("__init__.py", "tiny.py"):
        (tmp_path / "tests" / name).write_text((ROOT / "tests" / name).read_text())
    source = (ROOT / "tests/diffusion/tiny_dit.py").read_text()
    (package / "diffusion/backbones/tiny_dit.py").write_text(source)
    registry = package / "diffusion/backbones/registry.py"
    _edit(registry, "(SDXL, SD15)", "(SDXL, SD15, FAMILY)")
    _edit(registry, "import SD15, SDXL\n", f"import SD15, SDXL\n{_IMPORT}")
    _edit(
        package / "defaults.py",
        '    "sdxl": M',
        '    "tiny-dit": ModelDefaults(width=64),\n    "sdxl": M',
    )
    done = subprocess.run(
        [sys.executable, "-c", _DRAWN], cwd=tmp_path, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout.split() == ["tiny-dit", "64", "True"]


_IMPORT = "from rpg.diffusion.backbones.tiny_dit import FAMILY\n"
_DRAWN = """
import torch
from rpg.diffusion import regional
from rpg.diffusion.backbones import family
from rpg.diffusion.backbones.tiny_dit import tiny_dit
from rpg.plans.geometry import Box
from rpg.plans.plan import Plan, Region

pipe = tiny_dit()
pipe.set_progress_bar_config(disable=True)

def drawn(*regions):
    call = {"num_inference_steps": 2, "height": 64, "width": 64}
    with regional(pipe, Plan(prompt="a scene", regions=regions), composer="attention"):
        return pipe("a scene", generator=torch.Generator().manual_seed(0), **call).images

left = Region(id="left", prompt="red star", box=Box(0, 0, 0.5, 1))
print(family(pipe).name, family(pipe).defaults.width, not torch.equal(drawn(left), drawn()))
"""


def _copied(source: Path, target: Path) -> None:
    """The package's modules, without weights."""
    for file in source.rglob("*.py"):
        copy = target / file.relative_to(source)
        copy.parent.mkdir(parents=True, exist_ok=True)
        copy.write_text(file.read_text())


def _edit(file: Path, before: str, after: str) -> None:
    text = file.read_text()
    assert text.count(before) == 1, file
    file.write_text(text.replace(before, after))


def test_the_core_names_no_pipeline() -> None:
    """What composes knows models, layouts and texts; adapters alone know what calls them."""
    core = ("denoiser", "latent", "attention", "crops", "state", "token_layout", "layout", "masks")
    for name in core:
        tree = ast.parse((ROOT / f"rpg/diffusion/{name}.py").read_text())
        used = {node.id for node in ast.walk(tree) if isinstance(node, ast.Name)}
        used |= {node.attr for node in ast.walk(tree) if isinstance(node, ast.Attribute)}
        assert not used & {"pipe", "do_classifier_free_guidance", "_num_timesteps"}, name
