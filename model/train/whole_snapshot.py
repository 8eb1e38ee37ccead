"""Whether a snapshot is all there: one that is being copied or synchronised may not be yet.

Knows the files of a model folder and the header of safetensors; no torch.
"""

from __future__ import annotations

import json
import struct
from pathlib import Path

_LONGEST_HEADER = 1 << 27


def is_whole(snapshot: Path) -> bool:
    """Whether a model folder is all there: its config, and every file of weights in full length."""
    try:
        json.loads((snapshot / "config.json").read_bytes())
        names = {file.name for file in snapshot.glob("*.safetensors")}
        index = snapshot / "model.safetensors.index.json"
        if index.exists():
            names |= set(json.loads(index.read_bytes())["weight_map"].values())
        return bool(names) and all(_is_whole_file(snapshot / name) for name in names)
    except (OSError, ValueError, KeyError, AttributeError, TypeError, struct.error):
        return False


def _is_whole_file(path: Path) -> bool:
    """Whether a file of safetensors is as long as its header says."""
    with path.open("rb") as file:
        (length,) = struct.unpack("<Q", file.read(8))
        if length > _LONGEST_HEADER:
            return False
        header = json.loads(file.read(length))
    ends = [entry["data_offsets"][1] for name, entry in header.items() if name != "__metadata__"]
    return path.stat().st_size == 8 + length + max(ends, default=0)
