"""The one error that reading a tokenizer raises, and how the library's own become it."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager


class TokenizerError(ValueError):
    """A tokenizer that can't be read or made; the message says what is wrong and what to do."""


@contextmanager
def refusing(what: str, remedy: str) -> Iterator[None]:
    """Turn whatever the library raises into a sentence: what is wrong, then what to do.

    A panic of its Rust code (tokenizers 0.23: a damaged character map, a regular expression that
    gives up) arrives as a BaseException, which would end the worker.

    Args:
        what: the file, or the key in it, and what is wrong with it.
        remedy: what to do.
    """
    try:
        yield
    except TokenizerError:
        raise
    except BaseException as error:
        if not isinstance(error, Exception) and type(error).__name__ != "PanicException":
            raise
        raise TokenizerError(f"{what} ({first_line(error)}); {remedy}") from error


def first_line(error: BaseException) -> str:
    """What an exception says, short."""
    said = str(error).strip().split("\n")[0][:200]
    return said or type(error).__name__
