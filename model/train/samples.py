"""What a run wrote while it learned, in its folder: a line of JSON a sample.

    samples.jsonl           {"step": 200, "text": "…"}

How the file grows is `model.train.run_writing`'s. Knows no torch.
"""

from __future__ import annotations

import json
from pathlib import Path

from model.train.events import Sampled

SAMPLES_FILE = "samples.jsonl"


def sample_line(sample: Sampled) -> str:
    """A sample as it stands in the file, in ASCII and without the end of the line."""
    return json.dumps({"step": sample.step, "text": sample.text})


def read_samples(run_dir: Path, last_step: int) -> tuple[Sampled, ...]:
    """A run's samples by step, also while it is being written.

    Args:
        run_dir: the run folder.
        last_step: of the run: what was written after it is of steps that a kill has undone.

    Returns:
        One a step, the newest where a run that was resumed wrote it again. What is no sample is
        passed over; none where there is no file.
    """
    found: dict[int, Sampled] = {}
    try:
        lines = (run_dir / SAMPLES_FILE).read_bytes().split(b"\n")
    except OSError:
        return ()
    for line in lines:
        try:
            values = json.loads(line)
            sample = Sampled(values["step"], values["text"])
        except (ValueError, KeyError, TypeError, RecursionError):
            continue
        if type(sample.step) is int and isinstance(sample.text, str) and sample.step <= last_step:
            found[sample.step] = sample
    return tuple(found[step] for step in sorted(found))
