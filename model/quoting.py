"""Paths in commands that a person copies into a shell. Knows shells' quotes; no command."""

from __future__ import annotations

import os
import shlex
from pathlib import Path


def quoted(path: str | Path) -> str:
    """A path as one word of a command, whatever its name holds; as it is where that is one."""
    if os.name != "nt":
        return shlex.quote(str(path))
    plain = str(path).replace("\\", "").replace(":", "")
    return str(path) if shlex.quote(plain) == plain else f'"{path}"'
