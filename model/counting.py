"""A number with its noun, in singular or plural. Knows nothing."""

from __future__ import annotations


def counted(n: int, what: str) -> str:
    """A number with its noun: "1 layer", "4 layers"."""
    return f"{n:,} {what}" if n == 1 else f"{n:,} {what}s"
