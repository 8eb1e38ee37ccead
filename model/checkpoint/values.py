"""Reading config.json: typed values out of a mapping that anyone may have written.

Every function names the file and the key that it can't use. Knows no family.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any, TypeVar

from model.checkpoint.errors import CheckpointError

# Far above any published model: what exceeds it is a damaged file, and building it would only
# exhaust the memory.
LARGEST = 100_000_000
MOST_LAYERS = 2_000

T = TypeVar("T")


class Config(dict[str, Any]):
    """The keys of a config.json, or of what stands for it in another format.

    Args:
        values: the keys.
        where: what a message calls it: a path, or "the metadata of model.gguf".
    """

    def __init__(self, values: Mapping[str, Any], where: str) -> None:
        super().__init__(values)
        self.where = where


def where(hf: Mapping[str, Any]) -> str:
    """What a message calls the config."""
    return hf.where if isinstance(hf, Config) else "config.json"


def spelled(hf: Mapping[str, Any], *keys: str) -> str:
    """Which of several names of one key a config uses; the first if it uses none."""
    return next((key for key in keys if hf.get(key) is not None), keys[0])


def whole(hf: Mapping[str, Any], key: str, default: int | None, most: int = LARGEST) -> int:
    """A positive whole number; the default where the key is missing or null."""
    value = hf.get(key)
    if value is None:
        if default is None:
            raise CheckpointError(f"{where(hf)} has no {key!r}; the network's size is unknown.")
        return default
    if isinstance(value, bool) or not isinstance(value, int) or not 1 <= value <= most:
        raise CheckpointError(
            f"{where(hf)}: {key!r} is {_shown(value)}; a whole number from 1 to {most} fits."
        )
    return value


def number(
    hf: Mapping[str, Any], key: str, default: float, low: float = 0.0, high: float = math.inf
) -> float:
    """A finite number within bounds, both included; the default where the key is missing."""
    value = hf.get(key)
    if value is None:
        return default
    if isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value):
        raise CheckpointError(f"{where(hf)}: {key!r} is {_shown(value)}; a number fits.")
    if not low <= value <= high:
        bounds = f"from {low:g} to {high:g}" if math.isfinite(high) else f"of {low:g} or more"
        raise CheckpointError(f"{where(hf)}: {key!r} is {_shown(value)}; a number {bounds} fits.")
    return float(value)


def flag(hf: Mapping[str, Any], key: str, default: bool) -> bool:
    """True or false; the default where the key is missing or null."""
    value = hf.get(key)
    if value is None:
        return default
    if not isinstance(value, bool):
        raise CheckpointError(f"{where(hf)}: {key!r} is {_shown(value)}; true or false fits.")
    return value


def choice(hf: Mapping[str, Any], key: str, default: str, known: Mapping[str, T]) -> T:
    """What one of some known names stands for."""
    value = hf.get(key)
    name = default if value is None else value
    if not isinstance(name, str) or name not in known:
        raise CheckpointError(
            f"{where(hf)}: {key!r} is {_shown(name)}; supported are {', '.join(known)}."
        )
    return known[name]


def must_be(hf: Mapping[str, Any], key: str, wanted: bool) -> None:
    """Refuse a switch that changes the network in a way not built here; missing means wanted."""
    if flag(hf, key, wanted) is not wanted:
        raise CheckpointError(
            f"{where(hf)} sets {key!r} to {str(not wanted).lower()}; "
            "that variant of the network is not supported, and would give wrong numbers."
        )


def _shown(value: object) -> str:
    text = repr(value)
    return text if len(text) <= 60 else text[:57] + "…"
