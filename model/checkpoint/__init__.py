"""Checkpoints on disk: open what people have, safely, and save what was trained.

checkpoint = open_checkpoint("path/to/gpt2")
save_checkpoint("runs/mine/snapshots/step-000100", transformer, tokenizer)

Nothing in a file is ever run: numbers, JSON, and of a pickle only what builds plain values.
"""

from __future__ import annotations

from model.checkpoint.errors import CheckpointError
from model.checkpoint.opening import Checkpoint, open_checkpoint
from model.checkpoint.previewing import preview
from model.checkpoint.saving import save_checkpoint

__all__ = [
    "Checkpoint",
    "CheckpointError",
    "open_checkpoint",
    "preview",
    "save_checkpoint",
]
