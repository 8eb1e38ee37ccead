"""A config in words: what is there and what is unusual, one short line a field.

Knows the config's own fields and nothing of families.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import MISSING, Field, fields, is_dataclass
from itertools import groupby
from typing import Any

from model.config import TransformerConfig


def described(config: TransformerConfig) -> dict[str, str]:
    """The fields of a config and their values in words.

    A group shows only what is not its usual value, and a field that says nothing is left out;
    layers in a row that are alike are counted: ``window: 4 × 512, none``.
    """
    words = {
        field.name: text
        for field in fields(config)
        if (text := _of(getattr(config, field.name))) is not None
    }
    if config.d_embed == config.d_model:
        del words["d_embed"]
    return words


def _of(value: Any) -> str | None:
    if value is None or (value == 0 and not isinstance(value, bool)):
        return None
    if isinstance(value, tuple):
        return ", ".join(_runs(value))
    if is_dataclass(value):
        return _group(value) or None
    if isinstance(value, bool):
        return "yes" if value else "no"
    return f"{value:g}" if isinstance(value, float) else str(value)


def _group(value: Any) -> str:
    """What is unusual in a group of choices: ``placement sandwich, offset 1``."""
    shown = [
        field.name
        for field in fields(value)
        if field.init and (field.name == "base" or getattr(value, field.name) != _usual(field))
    ]
    text = ", ".join(f"{name} {_inner(getattr(value, name))}" for name in shown)
    kind = getattr(value, "kind", None)
    return text if kind is None else f"{kind} ({text})"


def _inner(value: Any) -> str:
    if isinstance(value, tuple):
        return f"{value[0]:g} … {value[-1]:g}"
    return _of(value) or "none"


def _usual(field: Field[Any]) -> Any:
    return None if field.default is MISSING else field.default


def _runs(values: Iterable[Any]) -> list[str]:
    counted = [(value, len(list(same))) for value, same in groupby(values)]
    if len(counted) > 6:
        # Patterns like local, local, global: each kind once, with how many layers have it.
        kinds = list(dict.fromkeys(value for value, _ in counted))
        counted = [(kind, sum(n for value, n in counted if value == kind)) for kind in kinds]
    texts = [(_of(value) or "none", n) for value, n in counted]
    texts = [(f"({text})" if ", " in text else text, n) for text, n in texts]
    return [text if n == 1 else f"{n} × {text}" for text, n in texts]
