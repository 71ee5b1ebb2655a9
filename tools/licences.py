"""Writes docs/licences.md: the licence of every package that the product runs on."""

from __future__ import annotations

from tools.packages import ROOT, Package, closure

__all__ = ["COMMAND", "HEAD", "page"]

COMMAND = "python -m tools.licences > docs/licences.md"
HEAD = f"""# Licences

This page is written from the installed packages' own metadata by

```console
$ {COMMAND}
```

- The product is under the [MIT licence](../LICENSE), and so are Toybox's weights, which are trained
  here on pictures that the product's own code draws.
- **Models that you load** (SDXL, SD 1.5, LoRAs, ControlNets, language models) have licences of
  their own. Some forbid uses or sale. Read them where you get the models.
- The table lists what `requirements.txt` installs on Linux, with Python 3.11 and the CPU build of
  torch; no tool for tests or checks is among it. Versions of packages that `requirements.txt` does
  not name may differ where you install them.
- The CUDA build of torch brings more: NVIDIA's libraries (`nvidia-*`), under NVIDIA's own licence,
  which is not an open one, and `triton`, under MIT.
- No package is under the GPL or AGPL. MPL-2.0 asks that changes of a package's own files stay open;
  we change none.
- Wheels hold compiled libraries of others, whose licences lie beside them in `*.dist-info`. Who
  passes on an image or an installed folder passes these on, too: OpenCV's wheel holds FFmpeg
  (LGPL-2.1); the wheels of OpenCV, NumPy and SciPy hold GCC's runtime (GPL-3.0 with the GCC runtime
  exception, which frees programs that use it) and libquadmath (LGPL-2.1).

| package | version | licence |
|---|---|---|
"""


def page(packages: list[Package]) -> str:
    """The whole page."""
    rows = (f"| {package.name} | {package.version} | {package.licence} |\n" for package in packages)
    return HEAD + "".join(rows)


if __name__ == "__main__":
    print(page(closure(ROOT / "requirements.txt")), end="")
