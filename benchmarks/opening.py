"""What opening a checkpoint costs, against reading its tensors with safetensors alone.

GPT-2 small with random weights (124,439,808 parameters, 498 MB in float32) as transformers saves
it, in the page cache. By default safetensors maps the file and reads nothing until a tensor is
used, so a plain `load_file` is timed together with copying each tensor into memory of its own,
which is what opening gives; `backend="pread"` reads them itself. Memory is measured in a child
process that does nothing but open.
"""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
from functools import partial
from pathlib import Path

import torch
from safetensors.torch import load_file
from torch import Tensor

from benchmarks.rows import Row
from benchmarks.trace import in_turns
from model.checkpoint import open_checkpoint, preview, save_checkpoint
from model.config import TransformerConfig
from model.transformer import Transformer

REPEATS = 9
_LIMIT_BYTES = 300 * 10**6
# What a process that has everything imported takes more while it opens the folder. By the kernel's
# high-water mark, not getrusage's, which a child has from its parent.
_CHILD = """
import sys
import torch
from model.checkpoint import open_checkpoint
def memory(name):
    with open("/proc/self/status") as file:
        return 1024 * next(int(line.split()[1]) for line in file if line.startswith(name))
torch.set_num_threads(1)
before = memory("VmRSS")
checkpoint = open_checkpoint(sys.argv[1])
print(memory("VmHWM") - before)
"""


def run() -> list[Row]:
    """Medians in turns: opening, looking only, and the memory at its peak."""
    with tempfile.TemporaryDirectory(prefix="glassformer-bench-") as place:
        folder = _gpt2_small(Path(place) / "gpt2")
        file = folder / "model.safetensors"
        size = file.stat().st_size
        rows = []
        for name, theirs in (
            ("load_file by pread", partial(load_file, file, backend="pread")),
            ("load_file mapped, then copied", partial(_copied, file)),
        ):
            ours, other = in_turns(partial(open_checkpoint, folder), theirs, REPEATS)
            rows.append(
                Row(
                    f"opening GPT-2 small; {name}",
                    1000 * ours,
                    1000 * other,
                    ours / other,
                    "ms",
                    "≤ 1.5 × safetensors",
                )
            )
        look, mapped = in_turns(partial(preview, folder), partial(load_file, file), REPEATS)
        rows.append(
            Row(
                "preview of it; load_file mapped, nothing read",
                1000 * look,
                1000 * mapped,
                look / 0.5,
                "ms",
                "≤ 500 ms",
            )
        )
        if sys.platform == "linux":
            peak = _peak_bytes(folder)
            rows.append(
                Row(
                    "memory that opening takes at its peak; the file",
                    peak / 1e6,
                    size / 1e6,
                    peak / (size + _LIMIT_BYTES),
                    "MB",
                    "≤ file + 300 MB",
                )
            )
    return rows


def _gpt2_small(folder: Path) -> Path:
    network = Transformer(
        TransformerConfig(n_layers=12, n_heads=12, d_model=768, d_vocab=50257, n_ctx=1024)
    )
    network.initialize(torch.Generator().manual_seed(0))
    return save_checkpoint(folder, network, None)


def _copied(file: Path) -> dict[str, Tensor]:
    return {name: tensor.clone() for name, tensor in load_file(file).items()}


def _peak_bytes(folder: Path) -> int:
    done = subprocess.run(
        [sys.executable, "-c", _CHILD, str(folder)],
        check=True,
        capture_output=True,
        text=True,
        cwd=Path(__file__).parent.parent,
        env=os.environ | {"OMP_NUM_THREADS": "1"},
    )
    return int(done.stdout)
