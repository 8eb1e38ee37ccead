"""The question has nothing to choose; the answer is a token."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Longest:
    token_id: int
    length: float
