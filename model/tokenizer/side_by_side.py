"""One text cut by one tokenizer, with the figures by which tokenizers are compared.

Knows the tokenizer; no file but where it is told to read one, no model.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from model.tokenizer.bpe_history import base_tokenizer
from model.tokenizer.tokenizer import Tokenizer, TokenizerError
from model.tokenizer.tokens import Token

BYTES = "bytes"
CHARACTERS = "char"
BUILT_IN = {
    CHARACTERS: "one token for each character of the text",
    BYTES: "one token for each byte",
}


@dataclass(frozen=True, slots=True)
class CutBy:
    """A text in one tokenizer's tokens.

    Attributes:
        name: of the tokenizer: the path, or a word of `BUILT_IN`.
        kind: what sort it is.
        vocab_size: how many tokens it has.
        tokens: in order, without those that are put around a text.
        n_bytes: of the text in UTF-8.
        unknown: places of tokens that stand for what it has no token for.
        together: pairs of places, first and last, of tokens that are one character together.
        notes: what was replaced or isn't known, a sentence each.
        same_text: whether its tokens give the text back.
    """

    name: str
    kind: str
    vocab_size: int
    tokens: tuple[Token, ...]
    n_bytes: int
    unknown: tuple[int, ...]
    together: tuple[tuple[int, int], ...]
    notes: tuple[str, ...]
    same_text: bool

    @property
    def n_tokens(self) -> int:
        return len(self.tokens)

    @property
    def bytes_per_token(self) -> float:
        return self.n_bytes / max(1, self.n_tokens)

    @property
    def attention_pairs(self) -> int:
        """Scores of one head without a mask: n²."""
        return self.n_tokens**2

    def as_json(self) -> dict[str, Any]:
        return {
            "tokenizer": self.name,
            "kind": self.kind,
            "vocab_size": self.vocab_size,
            "n_tokens": self.n_tokens,
            "bytes_per_token": self.bytes_per_token,
            "attention_pairs": self.attention_pairs,
            "unknown": list(self.unknown),
            "together": [list(pair) for pair in self.together],
            "same_text": self.same_text,
            "notes": list(self.notes),
            "tokens": [
                {
                    "id": token.id,
                    "text": token.text,
                    "bytes": token.bytes.hex(),
                    "start": token.char_start,
                    "end": token.char_end,
                }
                for token in self.tokens
            ],
        }


def cut_by(name: str, tokenizer: Tokenizer, text: str) -> CutBy:
    """Cut a text.

    Raises:
        TokenizerError: the tokenizer fails on it.
    """
    found = tokenizer.encode(text, add_special=False)
    tokens = found.tokens
    unknown = tuple(
        at
        for at, token in enumerate(tokens)
        if tokenizer.unknown_id is not None and token.id == tokenizer.unknown_id
    )
    return CutBy(
        name=name,
        kind=tokenizer.kind,
        vocab_size=tokenizer.n_tokens,
        tokens=tokens,
        n_bytes=len(found.text.encode()),
        unknown=unknown,
        together=_together(tokens),
        notes=found.notes,
        same_text=tokenizer.decode(found.ids) == found.text,
    )


def built_in(word: str, text: str) -> Tokenizer:
    """A tokenizer that needs no file.

    Args:
        word: of `BUILT_IN`.
        text: whose characters are known to the tokenizer of characters.

    Raises:
        TokenizerError: the text is empty.
    """
    if word == CHARACTERS:
        return Tokenizer.train_char(text)
    if word != BYTES:
        raise TokenizerError(f"There is no tokenizer {word!r}: give a path, char or bytes.")
    return base_tokenizer()


def _together(tokens: tuple[Token, ...]) -> tuple[tuple[int, int], ...]:
    """Runs of tokens that touch the same character."""
    runs: list[tuple[int, int]] = []
    first = 0
    for at in range(1, len(tokens) + 1):
        shared = (
            at < len(tokens)
            and tokens[at].char_start < tokens[at - 1].char_end
            and (tokens[at].partial or tokens[at - 1].partial)
        )
        if not shared:
            if at - 1 > first:
                runs.append((first, at - 1))
            first = at
    return tuple(runs)
