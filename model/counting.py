"""A number with its noun, in singular or plural, or as a place in an order. Knows nothing."""

from __future__ import annotations


def counted(n: int, what: str) -> str:
    """A number with its noun: "1 layer", "4 layers"."""
    return f"{n:,} {what}" if n == 1 else f"{n:,} {what}s"


def ordinal(n: int) -> str:
    """1st, 2nd, 3rd, 11th."""
    last = "th" if n % 100 in (11, 12, 13) else {1: "st", 2: "nd", 3: "rd"}.get(n % 10, "th")
    return f"{n:,}{last}"
