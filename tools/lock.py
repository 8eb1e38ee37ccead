"""Writes the lock files from the ranges in pyproject.toml. Run by `make lock`; needs `uv`.

One lock serves Python 3.11 and newer on Linux, macOS and Windows: what only some of them need
carries an environment marker. There are no hashes, because the build of torch differs by machine.
What torch's default Linux build pulls in (CUDA and triton) goes to a file of constraints instead:
which build a machine gets can't be told by a marker.
"""

from __future__ import annotations

import subprocess
import tempfile
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
OLDEST_PYTHON = "3.11"
# Held below the newest: the latest version whose CPU build we can test with everywhere we build.
HELD = ["torch==2.13.0"]
CUDA_PREFIXES = ("cuda-", "nvidia-", "triton==")


def resolve(*options: str) -> list[str]:
    """Returns the pinned lines that uv finds for the ranges in pyproject.toml."""
    with tempfile.TemporaryDirectory() as folder:
        held = Path(folder) / "held.txt"
        held.write_text("\n".join(HELD), encoding="utf-8")
        command = ["uv", "pip", "compile", "--quiet", "--universal", "--no-annotate", "--no-header"]
        command += ["--python-version", OLDEST_PYTHON, "--constraint", str(held), *options]
        done = subprocess.run(command, cwd=ROOT, check=True, capture_output=True, text=True)
    return done.stdout.splitlines()


def write(name: str, purpose: str, lines: list[str]) -> None:
    """Writes one lock file with a line that says what it is for."""
    header = f"# {purpose}\n# Written by `make lock` from pyproject.toml; not edited by hand.\n"
    (ROOT / name).write_text(header + "\n".join(lines) + "\n", encoding="utf-8")


def main() -> None:
    """Resolves once for running and once for running and testing, then sorts lines into files."""
    run = resolve("pyproject.toml")
    both = resolve("pyproject.toml", "--group", "test")
    if moved := set(run) - set(both):
        raise SystemExit(f"the test group moves versions that running uses: {sorted(moved)}")
    cuda = [line for line in run if line.startswith(CUDA_PREFIXES)]
    write("requirements.lock", "What running needs.", [line for line in run if line not in cuda])
    write("requirements-test.lock", "What the tests need besides.", sorted(set(both) - set(run)))
    write("requirements-cuda.lock", "Constraints for what torch's Linux build pulls in.", cuda)


if __name__ == "__main__":
    main()
