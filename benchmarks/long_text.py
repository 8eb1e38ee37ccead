"""Memory of cutting a long text into tokens: a gigabyte beside a tenth of it.

Each is prepared as a run prepares it, in a process of its own with an empty cache, and a few
thousand windows are drawn from the tokens. What counts is the peak of what the process holds until
then; pages of the mapped files, which the system takes back when it needs them, are told beside it.
The texts are the story world's, its documents in many orders.
"""

from __future__ import annotations

import os
import random
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from benchmarks.rows import Row

SIZES_MB = (100, 1000)
BPE_MB = (20, 200)
"""BPE cuts slower: a fifth is enough to see whether its memory grows."""
PROMISED = "≤ 1.3 × a tenth of the text"

_CHILD = """
import resource, sys, time
from dataclasses import replace
from model.slices import finish
from model.train.data import batches_of, prepare
from model.train.presets import PRESETS
def most():
    if sys.platform == "linux":  # what getrusage says there is the parent's as well
        with open("/proc/self/status") as status:
            return next(int(line.split()[1]) for line in status if line.startswith("VmHWM"))
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
recipe = replace(PRESETS["tiny"], data=sys.argv[1], tokenizer=sys.argv[2])
began = time.perf_counter()
data = finish(prepare(recipe))
peak = most() / 1024
batches = batches_of(data, recipe)
for step in range(500):
    batches.at(step)
mapped = most() / 1024 - peak
print(peak, mapped, time.perf_counter() - began,
      len(data.train_ids) + len(data.val_ids))
"""


def run() -> list[Row]:
    """A row for characters, one for a byte-pair encoding: peak memory in MB."""
    rows = []
    for tokenizer, sizes in (("char", SIZES_MB), ("bpe:1024", BPE_MB)):
        small, large = (_peak(size, tokenizer) for size in sizes)
        name = f"cutting {sizes[1]:,} MB of text ({tokenizer}), peak memory"
        rows.append(Row(name, large, small, large / small, "MB", PROMISED))
    return rows


def _peak(size_mb: int, tokenizer: str) -> float:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "text.txt"
        _write(path, size_mb)
        env = os.environ | {"GLASSFORMER_CACHE_DIR": folder}
        began = time.perf_counter()
        done = subprocess.run(
            [sys.executable, "-c", _CHILD, str(path), tokenizer],
            env=env,
            capture_output=True,
            text=True,
            check=True,
        )
        peak, mapped, seconds, n_tokens = map(float, done.stdout.split())
        of_all = f"{seconds:.1f} s of {time.perf_counter() - began:.1f}"
        print(
            f"{size_mb:,} MB, {tokenizer}: {n_tokens:,.0f} tokens, {peak:,.0f} MB, then "
            f"{mapped:,.0f} MB of mapped pages, {of_all}",
            file=sys.stderr,
        )
        return peak


def _write(path: Path, size_mb: int) -> None:
    from model.world import write

    documents = write(1_000_000, 0).splitlines()
    dice, n = random.Random(0), 0
    with path.open("w", encoding="utf-8", newline="\n") as file:
        while n < size_mb * 1_000_000:
            dice.shuffle(documents)
            n += file.write("\n".join(documents) + "\n")


if __name__ == "__main__":
    for row in run():
        print(f"{row.name}: {row.ours:,.0f} {row.unit}, ratio {row.ratio:.3f} ({row.target})")
