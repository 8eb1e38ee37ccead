"""Too little memory is said in one sentence, by every verb, however early it shows."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from model.cli.shortage import saying_shortage, shortage
from resources import STORY_WORLD

ROOT = Path(__file__).resolve().parents[3]
LIMITED = """
import resource, runpy, sys
limit = int(sys.argv[1]) << 20
resource.setrlimit(resource.RLIMIT_AS, (limit, limit))
sys.argv = ["model", *sys.argv[2:]]
runpy.run_module("model", run_name="__main__")
"""


# 40: Python's own modules. 150 and 300: the loader refuses. 500: torch would end the process.
@pytest.mark.skipif(sys.platform == "win32", reason="only POSIX limits a process so")
@pytest.mark.parametrize("megabytes", [40, 150, 300, 500])
@pytest.mark.parametrize("verb", ["train", "generate"])
def test_a_verb_without_memory_for_its_imports_says_so(
    verb: str, megabytes: int, tmp_path: Path
) -> None:
    run = tmp_path / "run"
    arguments = {
        "train": ["--preset", "tiny", "--out", str(run)],
        "generate": [str(STORY_WORLD), "--prompt", "Once"],
    }
    done = subprocess.run(
        [sys.executable, "-c", LIMITED, str(megabytes), verb, *arguments[verb]],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 2, done.stderr
    assert len(done.stderr.splitlines()) == 1
    assert done.stderr.startswith("There is too little memory")
    assert done.stdout == ""
    assert not run.exists()


@pytest.mark.parametrize(
    ("error", "says"),
    [
        (ImportError("libtorch_cpu.so: failed to map segment from shared object"), "libraries"),
        (MemoryError(), "smaller model"),
        (OSError(12, "Cannot allocate memory"), "smaller model"),
        (RuntimeError("DefaultCPUAllocator: can't allocate memory: you tried"), "smaller model"),
        (RuntimeError("CUDA out of memory. Tried to allocate 2.00 GiB"), "smaller model"),
    ],
)
def test_whoever_says_that_memory_is_out_is_understood(error: Exception, says: str) -> None:
    sentence = shortage(error)
    assert sentence is not None
    assert says in sentence


@pytest.mark.parametrize(
    "error", [ImportError("No module named 'nothing'"), RuntimeError("shape mismatch"), OSError()]
)
def test_another_failure_keeps_its_traceback(error: Exception) -> None:
    before = list(sys.meta_path)
    with pytest.raises(type(error)), saying_shortage():
        raise error
    assert sys.meta_path == before
