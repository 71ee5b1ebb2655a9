"""What `pip install` gives: a package that works by itself, with Toybox and templates inside."""

from __future__ import annotations

import json
import subprocess
import sys
import sysconfig
import zipfile
from pathlib import Path

import pytest
from PIL import Image

ROOT = Path(__file__).parents[1]
FINDS_TEMPLATES = """
from rpg import LLMPlanner, prompts
from rpg.chat import ScriptedChat
LLMPlanner(ScriptedChat([]), cache=False)
print(prompts.folder())
"""


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Built from a copy, so that nothing is left in the working tree."""
    source, out = tmp_path_factory.mktemp("source"), tmp_path_factory.mktemp("wheel")
    for name in ("pyproject.toml", "README.md", "LICENSE", "prompts", "rpg"):
        _run("cp", "-r", str(ROOT / name), str(source))
    _run(
        *(sys.executable, "-m", "pip", "wheel", "--quiet", "--no-deps", "--no-build-isolation"),
        *("--wheel-dir", str(out), str(source)),
    )
    (built,) = out.glob("*.whl")
    return built


def test_the_wheel_holds_the_model_and_nothing_of_ours_that_is_not_the_product(wheel: Path) -> None:
    names = zipfile.ZipFile(wheel).namelist()
    weights = ROOT / "rpg/toybox/weights"
    files = {str(path.relative_to(ROOT)) for path in weights.rglob("*") if path.is_file()}
    assert len(files) > 10 and files <= set(names)
    assert "rpg/toybox/weights/rpg.json" in names
    assert "rpg/py.typed" in names  # type checkers then read our annotations
    assert {f"rpg/_prompts/{path.name}" for path in (ROOT / "prompts").iterdir()} <= set(names)
    assert any(name.endswith(".dist-info/licenses/LICENSE") for name in names)
    tops = {name.split("/")[0] for name in names if ".dist-info/" not in name}
    assert tops == {"rpg"}


def test_the_installed_command_draws(wheel: Path, tmp_path: Path) -> None:
    """In a fresh environment that finds the dependencies where this one has them."""
    _run(sys.executable, "-m", "venv", "--without-pip", str(tmp_path / "venv"))
    python = tmp_path / "venv" / "bin" / "python"
    site = Path(_run(str(python), "-c", "import site; print(site.getsitepackages()[0])").strip())
    _run(
        *(sys.executable, "-m", "pip", "--python", str(python), "install", "--quiet"),
        *("--no-deps", "--no-index", str(wheel)),
    )
    (site / "dependencies.pth").write_text(sysconfig.get_paths()["purelib"] + "\n")
    where = _run(str(python), "-c", "import rpg; print(rpg.__file__)", cwd=tmp_path)
    assert Path(where.strip()).is_relative_to(site)
    found = _run(str(python), "-c", FINDS_TEMPLATES, cwd=tmp_path).split()
    assert all(Path(folder).is_relative_to(site) for folder in found)
    said = _run(
        *(str(python.parent / "rpg"), "generate", "a red star above a blue circle"),
        *("--steps", "2", "--seed", "1", "--json", "-o", "two.png"),
        cwd=tmp_path,
    )
    assert json.loads(said)["images"][0]["path"] == "two.png"
    with Image.open(tmp_path / "two.png") as picture:
        assert picture.width >= 64


def _run(*command: str, cwd: Path | None = None) -> str:
    done = subprocess.run(
        command, cwd=cwd, capture_output=True, text=True, timeout=300, check=False
    )
    assert done.returncode == 0, done.stdout[-1000:] + done.stderr[-2000:]
    return done.stdout
