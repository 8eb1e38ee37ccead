"""Reads pickles without running them.

A pickle is a program for a small stack machine, and Python's own reader lets it call anything.
This one executes only what builds plain values, lists, tuples and dicts. Whatever else a pickle
names, a class, a function, an object on disk, goes to the caller's `Meaning`, which knows the few
that it understands and refuses the rest; nothing is ever imported or called by name.

Also bounded where Python's reader is not: number of operations, size of what is made.
"""

from __future__ import annotations

import struct
from dataclasses import dataclass
from typing import Any, NoReturn, Protocol

# About a second's work; a tensor takes 35 operations.
_MOST_OPERATIONS = 500_000
_LARGEST_NUMBER_BYTES = 4_096


class PickleError(ValueError):
    """A pickle that can't be read; the message is a clause that says why."""


@dataclass(frozen=True, slots=True)
class Name:
    """Something that a pickle names, for example ``collections.OrderedDict``. Only the name."""

    name: str


class Meaning(Protocol):
    """What the names in a pickle stand for."""

    def named(self, name: str) -> Any:
        """The value for a name, inert; raises `PickleError` if the name is not known."""

    def called(self, function: Any, arguments: tuple[Any, ...]) -> Any:
        """The value of a call; raises `PickleError` if the function is not known."""

    def persistent(self, key: Any) -> Any:
        """The value of something outside of the pickle."""


class Nothing:
    """The meaning of a pickle that may hold plain values only: no name is known."""

    def named(self, name: str) -> Any:
        raise PickleError(f"it asks for {name}, which could run a program")

    def called(self, function: Any, arguments: tuple[Any, ...]) -> Any:
        raise PickleError("it calls a function")

    def persistent(self, key: Any) -> Any:
        raise PickleError("it asks for something outside of itself")


_MARK = object()


def read_pickle(data: bytes | memoryview, meaning: Meaning, start: int = 0) -> tuple[Any, int]:
    """The value of a pickle.

    Args:
        data: what holds it.
        meaning: of its names.
        start: where it begins.

    Returns:
        The value, and where the pickle ends.

    Raises:
        PickleError: it is damaged, too large, or asks for more than its meaning has.
    """
    machine = _Machine(memoryview(data), meaning, start)
    try:
        value = machine.run()
    except PickleError:
        raise
    except (IndexError, KeyError, ValueError, TypeError, struct.error, OverflowError) as error:
        raise PickleError(f"it is damaged at byte {machine.at}") from error
    return value, machine.at


class _Machine:
    """The stack machine: a stack, a memo, a place in the data."""

    def __init__(self, data: memoryview, meaning: Meaning, start: int) -> None:
        self.data = data
        self.meaning = meaning
        self.at = start
        self.stack: list[Any] = []
        self.memo: dict[int, Any] = {}

    def run(self) -> Any:
        for _ in range(_MOST_OPERATIONS):
            if self.at == len(self.data):
                raise PickleError("it ends before it is complete")
            operation = chr(self.data[self.at])
            self.at += 1
            if operation == ".":
                return self.stack.pop()
            self.do(operation)
        raise PickleError("it has too many parts")

    # The data

    def take(self, n: int) -> bytes:
        end = self.at + n
        if n < 0 or end > len(self.data):
            raise PickleError("it ends before it is complete")
        taken = bytes(self.data[self.at : end])
        self.at = end
        return taken

    def number(self, n_bytes: int) -> int:
        return int.from_bytes(self.take(n_bytes), "little")

    def signed(self) -> int:
        return int.from_bytes(self.take(4), "little", signed=True)

    def line(self) -> str:
        # Only names and old text numbers are lines; they are short.
        window = bytes(self.data[self.at : self.at + 1_000])
        length = window.index(b"\n")
        self.at += length + 1
        return window[:length].decode("utf-8")

    # The stack

    def push(self, value: Any) -> None:
        self.stack.append(value)

    def to_mark(self) -> list[Any]:
        """What lies above the topmost mark; both are taken off."""
        for place in range(len(self.stack) - 1, -1, -1):
            if self.stack[place] is _MARK:
                taken = self.stack[place + 1 :]
                del self.stack[place:]
                return taken
        raise IndexError

    def do(self, operation: str) -> None:
        """Execute one operation, named by the letter that stands for it."""
        match operation:
            # Values
            case "N":
                self.push(None)
            case "\x88" | "\x89":
                self.push(operation == "\x88")
            case "K":
                self.push(self.number(1))
            case "M":
                self.push(self.number(2))
            case "J":
                self.push(self.signed())
            case "\x8a":
                self.push(self.long(self.number(1)))
            case "\x8b":
                self.push(self.long(self.number(4)))
            case "G":
                self.push(struct.unpack(">d", self.take(8))[0])
            case "I":
                text = self.line()
                self.push(text == "01" if text in ("00", "01") else int(text))
            case "X":
                self.push(self.take(self.number(4)).decode("utf-8", "surrogatepass"))
            case "\x8c":
                self.push(self.take(self.number(1)).decode("utf-8", "surrogatepass"))
            case "\x8d":
                self.push(self.take(self.number(8)).decode("utf-8", "surrogatepass"))
            case "U":  # a Python 2 string
                self.push(self.take(self.number(1)).decode("latin-1"))
            case "T":
                self.push(self.take(self.number(4)).decode("latin-1"))
            case "C":
                self.push(self.take(self.number(1)))
            case "B":
                self.push(self.take(self.number(4)))
            # Containers
            case ")":
                self.push(())
            case "\x85" | "\x86" | "\x87":
                n = ord(operation) - 0x84
                values = self.stack[-n:]
                if len(values) < n or any(value is _MARK for value in values):
                    raise IndexError
                self.stack[-n:] = [tuple(values)]
            case "t":
                self.push(tuple(self.to_mark()))
            case "]":
                self.push([])
            case "l":
                self.push(self.to_mark())
            case "a":
                value = self.stack.pop()
                _as_list(self.stack[-1]).append(value)
            case "e":
                values = self.to_mark()
                _as_list(self.stack[-1]).extend(values)
            case "}":
                self.push({})
            case "d":
                self.push(_filled({}, self.to_mark()))
            case "s":
                value, key = self.stack.pop(), self.stack.pop()
                _filled(self.stack[-1], [key, value])
            case "u":
                values = self.to_mark()
                _filled(self.stack[-1], values)
            # Names
            case "c":
                module, name = self.line(), self.line()
                self.push(self.meaning.named(f"{module}.{name}"))
            case "\x93":
                name, module = self.stack.pop(), self.stack.pop()
                if not isinstance(name, str) or not isinstance(module, str):
                    raise TypeError
                self.push(self.meaning.named(f"{module}.{name}"[:200]))
            case "R" | "\x81":
                arguments, function = self.stack.pop(), self.stack.pop()
                if not isinstance(arguments, tuple):
                    raise TypeError
                self.push(self.meaning.called(function, arguments))
            case "Q":
                self.push(self.meaning.persistent(self.stack.pop()))
            case "b":
                # The state of an object, for example a dict's attributes: nothing that we read.
                self.stack.pop()
                if not isinstance(self.stack[-1], dict):
                    raise PickleError("it sets the state of an object")
            # The machine itself
            case "(":
                self.push(_MARK)
            case "0":
                self.stack.pop()
            case "q":
                self.memo[self.number(1)] = self.stack[-1]
            case "r":
                self.memo[self.number(4)] = self.stack[-1]
            case "\x94":
                self.memo[len(self.memo)] = self.stack[-1]
            case "h":
                self.push(self.memo[self.number(1)])
            case "j":
                self.push(self.memo[self.number(4)])
            case "\x80":
                self.number(1)
            case "\x95":
                self.number(8)
            case _:
                self.unknown(operation)

    def long(self, n_bytes: int) -> int:
        if n_bytes > _LARGEST_NUMBER_BYTES:
            raise PickleError("it holds a number of thousands of digits")
        return int.from_bytes(self.take(n_bytes), "little", signed=True)

    def unknown(self, operation: str) -> NoReturn:
        if operation in "io\x92\x82\x83\x84\x90\x8f\x91P\x96\x97\x98":
            raise PickleError("it makes objects that no file of weights needs")
        raise PickleError(f"it is damaged at byte {self.at - 1}")


def _as_list(value: Any) -> list[Any]:
    if type(value) is not list:
        raise TypeError
    return value


def _filled(made: Any, pairs: list[Any]) -> dict[Any, Any]:
    if type(made) is not dict or len(pairs) % 2:
        raise TypeError
    for key, value in zip(pairs[::2], pairs[1::2], strict=True):
        # Only plain keys: the hash of a deeply nested tuple overflows Python's own stack.
        if not isinstance(key, str | int | float | bytes | None):
            raise PickleError("it has a dict whose keys are no plain values")
        made[key] = value
    return made
