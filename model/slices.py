"""Work in slices: a generator that yields between two slices and returns its value at the end."""

from __future__ import annotations

from collections.abc import Callable, Generator
from typing import TypeVar

Slice = TypeVar("Slice")
Value = TypeVar("Value")


def finish(
    steps: Generator[Slice, None, Value], each: Callable[[Slice], object] | None = None
) -> Value:
    """Drive a generator to its value.

    Args:
        steps: the work; closed when ``each`` raises.
        each: called with everything that it yields on the way.
    """
    try:
        while True:
            try:
                step = next(steps)
            except StopIteration as stop:
                value: Value = stop.value
                return value
            if each is not None:
                each(step)
    finally:
        steps.close()
