"""A large tokenizer in a process of its own, so that nobody waits while it is built.

The library `tokenizers` keeps Python's interpreter to itself while it builds a vocabulary: 0.8 s
for 128,000 tokens, in which no other thread runs and the window stands still. Built in a process of
its own, it can also be given up at once. What is asked again and again (the tokens' bytes, the
special ones) comes over once; a text takes 0.06 ms more.

Knows the tokenizer and its process; no checkpoint, no engine.
"""

from __future__ import annotations

import os
import pickle
import subprocess
import sys
import threading
import weakref
from collections.abc import Generator, Iterable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from model.tokenizer.long_text import LEARNT_AT_ONCE, parts_to_learn_from
from model.tokenizer.replay import Replay
from model.tokenizer.tokenizer import Encoding, Tokenizer, TokenizerError

LARGE_BYTES = 2**20
"""Of a tokenizer's files: from here on building takes a tenth of a second and more."""
LARGE_TOKENS = 30_000
"""The same as a number of tokens."""

_POLL_SECONDS = 0.05
_LEARNT_HERE = 1 << 20
"""Characters from which a tokenizer is learnt before a process of its own would have started."""


@dataclass(frozen=True, slots=True)
class Facts:
    """What is asked of a tokenizer again and again, by the names of `Tokenizer`'s attributes."""

    vocabulary: tuple[bytes, ...]
    n_base_tokens: int
    special_ids: frozenset[int]
    continuing: frozenset[int]
    kind: str
    end_of_text: int | None
    named_end: int | None
    start_of_text: int | None
    mask_id: int | None
    unknown_id: int | None
    notes: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Pieces:
    """A text that was cut, as the library says it.

    Attributes:
        ids: of the tokens.
        offsets: first character and the one after the last, of each.
        special_tokens_mask: 1 for a token that was put around the text.
    """

    ids: list[int]
    offsets: list[tuple[int, int]]
    special_tokens_mask: list[int]


def building(constructor: str, arguments: Sequence[Any]) -> Generator[None, None, Tokenizer | None]:
    """Build a tokenizer apart; between two slices other things can be done, or it is given up.

    Args:
        constructor: name of a class method of `Tokenizer`.
        arguments: for it; they are pickled.

    Returns:
        None where the constructor finds that there is none.

    Raises:
        TokenizerError: as the constructor, or the process ended early.
    """
    try:
        process = _Process()
    except OSError:  # no more processes may be started: then as ever
        built: Tokenizer | None = getattr(Tokenizer, constructor)(*arguments)
        return built
    answer: list[Facts | Exception | None] = []

    def ask() -> None:
        try:
            answer.append(process.ask("build", constructor, tuple(arguments)))
        except Exception as error:  # noqa: BLE001 - raised again by who waits for the answer
            answer.append(error)

    asking = threading.Thread(target=ask, name="tokenizer", daemon=True)
    asking.start()
    facts: Facts | Exception | None = None
    try:
        while asking.is_alive():
            asking.join(_POLL_SECONDS)
            yield
        facts = answer[0]
    finally:
        if not isinstance(facts, Facts):
            process.end()
            asking.join()
    if isinstance(facts, Exception):
        raise facts
    return None if facts is None else TokenizerApart(process, facts)


def learning_bpe(texts: Sequence[str], vocab_size: int) -> Generator[float, None, Tokenizer]:
    """As `Tokenizer.train_bpe`, apart: it tells how far it is, and can be given up at once.

    Args:
        texts: they are handed over piece by piece.
        vocab_size: as of `Tokenizer.train_bpe`.

    Yields:
        The share of the texts that is read, from 0 to 1. What follows takes a while as well.

    Raises:
        TokenizerError: as of `Tokenizer.train_bpe`, or the process ended early.
    """
    total = max(1, sum(len(text) for text in texts))
    try:
        process = _Process() if total > _LEARNT_HERE else None
    except OSError:  # no more processes may be started: then in this one
        process = None
    if process is None:
        yield 0.0
        return Tokenizer.train_bpe(texts, vocab_size)
    answer: list[str | Exception] = []
    done = 0

    def parts() -> Iterator[str]:
        nonlocal done
        for text in texts:
            for part in parts_to_learn_from(text, LEARNT_AT_ONCE):
                yield part
                done += len(part)

    def ask() -> None:
        try:
            answer.append(process.ask("learn_bpe", vocab_size, parts=parts()))
        except Exception as error:  # noqa: BLE001 - raised again by who waits for the answer
            answer.append(error)

    asking = threading.Thread(target=ask, name="tokenizer", daemon=True)
    asking.start()
    try:
        while asking.is_alive():
            asking.join(_POLL_SECONDS)
            yield done / total
    finally:
        process.end()
        asking.join()
    if isinstance(answer[0], Exception):
        raise answer[0]
    return Tokenizer.from_json(answer[0])


class TokenizerApart(Tokenizer):
    """A tokenizer that was built in another process, which answers for as long as this lives.

    Args:
        process: in which it was built.
        facts: what it said of itself.
    """

    def __init__(self, process: _Process, facts: Facts) -> None:  # the library's own is not here
        self._process = process
        self._settings = {}
        self.notes = facts.notes
        # What `Tokenizer` finds out on first use is known.
        self.__dict__.update(
            vocabulary=facts.vocabulary,
            _tables=(facts.vocabulary, facts.n_base_tokens),
            special_ids=facts.special_ids,
            continuing=facts.continuing,
            kind=facts.kind,
            end_of_text=facts.end_of_text,
            named_end=facts.named_end,
            start_of_text=facts.start_of_text,
            mask_id=facts.mask_id,
            _unknown_id=facts.unknown_id,
        )
        weakref.finalize(self, process.end)

    def encode(self, text: str, add_special: bool = True) -> Encoding:
        clean, pieces, notes = self._process.ask("encode", text, add_special)
        return Encoding(self, clean, pieces, notes)

    def decode(self, ids: Sequence[int]) -> str:
        if any(id < 0 for id in ids):
            raise ValueError(f"Token id {min(ids)} is negative.")
        return str(self._process.ask("decode", list(ids)))

    def replay(self, text: str) -> Replay:
        replay: Replay = self._process.ask("replay", text)
        return replay

    def piece(self, id: int) -> str:
        return str(self._process.ask("piece", id))

    def to_json(self) -> str:
        return str(self._process.ask("to_json"))

    def settings(self) -> dict[str, Any]:
        return dict(self._process.ask("settings"))


class _Process:
    """The other process, asked one thing at a time.

    Raises:
        OSError: it can't be started.
    """

    def __init__(self) -> None:
        root = str(Path(__file__).resolve().parents[2])
        paths = [root, *filter(None, [os.environ.get("PYTHONPATH")])]
        self._turn = threading.Lock()
        self._process = subprocess.Popen(
            [sys.executable, "-P", "-m", "model.tokenizer.process"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            env=os.environ | {"PYTHONPATH": os.pathsep.join(paths)},
            start_new_session=True,  # a Ctrl+C in the terminal is for this process alone
            creationflags=getattr(subprocess, "CREATE_NO_WINDOW", 0),
        )

    def ask(self, name: str, *arguments: Any, parts: Iterable[str] = ()) -> Any:
        """The answer to one request.

        Args:
            name: of a method of the tokenizer's process.
            arguments: for it.
            parts: of a text, for a request that reads one.

        Raises:
            TokenizerError: the tokenizer says no, or the process has ended.
        """
        stdin, stdout = self._process.stdin, self._process.stdout
        assert stdin is not None
        assert stdout is not None
        request = pickle.dumps((name, arguments), protocol=pickle.HIGHEST_PROTOCOL)
        try:
            with self._turn:
                stdin.write(request)
                for part in parts:
                    stdin.write(pickle.dumps(part, protocol=pickle.HIGHEST_PROTOCOL))
                if parts != ():
                    stdin.write(pickle.dumps(None))
                stdin.flush()
                good, value = pickle.load(stdout)
        except (OSError, EOFError, ValueError, pickle.UnpicklingError) as error:
            raise TokenizerError(
                "The tokenizer's own process has ended; was memory short? Open or start it again."
            ) from error
        if not good:
            raise TokenizerError(value)
        return value

    def end(self) -> None:
        """It has nothing to save."""
        self._process.kill()
        self._process.wait()
        for pipe in (self._process.stdin, self._process.stdout):
            if pipe is not None:
                with suppress(OSError):  # what was not written has nowhere to go
                    pipe.close()
