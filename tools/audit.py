"""`make audit`: known vulnerabilities of what is installed, product and tools, by pip-audit.

Exit codes: 0 none is known, 1 some are, 3 the vulnerability service could not be asked.
"""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from tools.packages import ROOT, Package, closure

__all__ = ["PIP_AUDIT", "audit"]

PIP_AUDIT = (str(ROOT / ".venv/audit/bin/pip-audit"),)
_SERVICE = "osv"  # knows the Python advisories and GitHub's


def audit(packages: Sequence[Package], pip_audit: Sequence[str] = PIP_AUDIT) -> int:
    """Prints a line for each vulnerability, or one that says how it went; returns the exit code."""
    with tempfile.TemporaryDirectory() as folder:
        pins = Path(folder) / "pins.txt"
        pins.write_text("".join(f"{package.name}=={package.version}\n" for package in packages))
        asked = subprocess.run(
            [
                *pip_audit,
                *("--vulnerability-service", _SERVICE, "--requirement", str(pins)),
                *("--no-deps", "--disable-pip", "--format", "json", "--progress-spinner", "off"),
            ],
            capture_output=True,
            text=True,
            check=False,
        )
    try:
        answers: list[dict[str, Any]] = json.loads(asked.stdout)["dependencies"]
    except (ValueError, KeyError, TypeError):
        reason = (asked.stderr.strip().splitlines() or ["it said nothing"])[-1]
        print(f"The vulnerability service could not be asked: {reason:.200}", file=sys.stderr)
        return 3
    return _told(answers, len(packages))


def _told(answers: list[dict[str, Any]], asked: int) -> int:
    found = [(answer, flaw) for answer in answers for flaw in answer.get("vulns", ())]
    for answer, flaw in found:
        names = ", ".join([flaw["id"], *flaw.get("aliases", ())])
        mended = ", ".join(flaw.get("fix_versions", ())) or "no version yet"
        print(f"{answer['name']} {answer['version']}: {names}; mended in {mended}")
    if found:
        return 1
    known = [answer for answer in answers if "skip_reason" not in answer]
    if len(known) < asked:
        print(f"{asked - len(known)} of {asked} packages could not be checked", file=sys.stderr)
        return 3
    print(f"No known vulnerabilities in {asked} packages")
    return 0


if __name__ == "__main__":
    sys.exit(audit(closure(ROOT / "requirements-dev.txt")))
