"""Learning a byte-pair encoding, writing its file, and holding tokenizers beside each other."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import ClassVar

from model.messages.base import Request, Result
from model.tokenizer.bpe_history import BpeHistory, BpeSettings


@dataclass(frozen=True, slots=True, kw_only=True)
class LearnBpe(Request):
    """Learn merges from a text, with their history: `Progress`, then `BpeLearnt`. Newest wins.

    Of the three kinds of text the first that is given counts. Stopped by `Cancel`.

    Attributes:
        text: itself.
        path: of a text file.
        world_tokens: of the story world, in its words.
        settings: how it is learnt.
    """

    newest_wins: ClassVar[bool] = True
    text: str = ""
    path: str = ""
    world_tokens: int = 0
    settings: BpeSettings = field(default_factory=BpeSettings)


@dataclass(frozen=True, slots=True, kw_only=True)
class BpeLearnt(Result):
    """How a byte-pair encoding came about.

    Attributes:
        history: every merge.
        words: how the text begins, in the words within which pairs are merged.
    """

    history: BpeHistory
    words: tuple[bytes, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class WriteTokenizer(Request):
    """Write the tokenizer that a history gives, and its text where it has no file of its own.

    Attributes:
        history: of which.
        n_merges: so many of its merges.
        path: of the ``tokenizer.json``, under any name.
        text: written beside it; empty for none.
        text_path: where to.
    """

    history: BpeHistory
    n_merges: int
    path: str
    text: str = ""
    text_path: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class TokenizerWritten(Result):
    """The file is there.

    Attributes:
        path: of the tokenizer.
        vocab_size: its tokens.
    """

    path: str
    vocab_size: int
