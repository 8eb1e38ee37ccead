"""A tokenizer that answers over two pipes: the program that `model.tokenizer.client` starts.

Reads pickled requests ``(name, arguments)`` from stdin and writes pickled replies to stdout,
``(True, value)`` or ``(False, message)``, until stdin ends. Both ends are ours; no file is
unpickled. Knows the tokenizer; no torch, no checkpoint.
"""

from __future__ import annotations

import os
import pickle
import sys
from collections.abc import Sequence
from typing import Any, BinaryIO

from model.tokenizer.client import Facts, Pieces
from model.tokenizer.replay import Replay
from model.tokenizer.tokenizer import Tokenizer, TokenizerError


class _Served:
    """The requests, a method each.

    Args:
        requests: where the parts of a text follow a request.
    """

    def __init__(self, requests: BinaryIO) -> None:
        self._requests = requests
        self._tokenizer: Tokenizer | None = None

    def build(self, constructor: str, arguments: Sequence[Any]) -> Facts | None:
        """Call ``Tokenizer.<constructor>``; None where it finds that there is no tokenizer."""
        built = getattr(Tokenizer, constructor)(*arguments)
        self._tokenizer = built
        if built is None:
            return None
        fields = {name: getattr(built, name) for name in Facts.__slots__}
        return Facts(**fields)

    def learn_bpe(self, vocab_size: int) -> str:
        """Learn from the parts of a text that follow on stdin, up to None; its tokenizer.json."""
        parts = iter(lambda: pickle.load(self._requests), None)
        try:
            return Tokenizer.train_bpe(parts, vocab_size).to_json()
        finally:
            for _ in parts:  # refused before it was read
                pass

    def encode(self, text: str, add_special: bool) -> tuple[str, Pieces, tuple[str, ...]]:
        found = self._built.encode(text, add_special)
        inner = found.pieces
        pieces = Pieces(list(inner.ids), list(inner.offsets), list(inner.special_tokens_mask))
        return found.text, pieces, found.notes

    def decode(self, ids: Sequence[int]) -> str:
        return self._built.decode(ids)

    def replay(self, text: str) -> Replay:
        return self._built.replay(text)

    def piece(self, id: int) -> str:
        return self._built.piece(id)

    def to_json(self) -> str:
        return self._built.to_json()

    def settings(self) -> dict[str, Any]:
        return self._built.settings()

    @property
    def _built(self) -> Tokenizer:
        assert self._tokenizer is not None
        return self._tokenizer


def serve(requests: BinaryIO, replies: BinaryIO) -> None:
    """Answer until there is nothing more to read."""
    served = _Served(requests)
    while True:
        try:
            name, arguments = pickle.load(requests)
        except EOFError:
            return
        reply: tuple[bool, Any]
        try:
            reply = True, getattr(served, name)(*arguments)
        except (TokenizerError, ValueError) as error:
            reply = False, str(error)
        pickle.dump(reply, replies, protocol=pickle.HIGHEST_PROTOCOL)
        replies.flush()


def main() -> None:
    """Serve stdin; what a library prints goes to stderr."""
    with os.fdopen(os.dup(1), "wb") as replies:
        os.dup2(2, 1)
        serve(sys.stdin.buffer, replies)


if __name__ == "__main__":
    main()
