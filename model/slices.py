"""Work in slices: a generator that yields between two slices and returns its value at the end."""

from __future__ import annotations

from collections.abc import Callable, Generator
from typing import TypeVar

Slice = TypeVar("Slice")
Other = TypeVar("Other")
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


def retold(
    steps: Generator[Slice, None, Value], tell: Callable[[Slice], Other]
) -> Generator[Other, None, Value]:
    """The same work, which yields something else between its slices.

    Args:
        steps: the work; closed with this generator.
        tell: what is yielded instead of a slice.
    """
    try:
        while True:
            try:
                step = next(steps)
            except StopIteration as stop:
                value: Value = stop.value
                return value
            yield tell(step)
    finally:
        steps.close()
