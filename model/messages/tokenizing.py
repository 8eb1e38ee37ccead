"""Learning a byte-pair encoding, writing its file, and holding tokenizers beside each other."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

from model.messages.base import Request, Result
from model.tokenizer.bpe_history import BpeHistory, BpeSettings
from model.tokenizer.chat import Chat, Turn
from model.tokenizer.replay import Replay
from model.tokenizer.side_by_side import CutBy
from model.tokenizer.tokens import Token


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
        text_path: where to; where another file lies there, under the next free name beside it.
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
        text_path: of its text; empty where none was written.
    """

    path: str
    vocab_size: int
    text_path: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class CountTokens(Request):
    """How often each token of the model in view occurs in a text: `Progress`, `TokensCounted`.

    Newest wins. Stopped by `Cancel`. Of the two kinds of text the first that is given counts.

    Attributes:
        path: of a text file.
        world_tokens: of the story world, in its words.
    """

    newest_wins: ClassVar[bool] = True
    path: str = ""
    world_tokens: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class TokensCounted(Result):
    """How often each occurs.

    Attributes:
        counts: ``[V]`` by id.
        n_bytes: of the text, in UTF-8.
    """

    counts: NDArray[np.int64]
    n_bytes: int


@dataclass(frozen=True, slots=True, kw_only=True)
class PutInTemplate(Request):
    """What the chat template of the model in view makes of turns: `TemplateApplied`. Newest wins.

    Attributes:
        turns: what was said.
        answer_begins: whether the text ends where the model's answer begins.
    """

    newest_wins: ClassVar[bool] = True
    turns: tuple[Turn, ...]
    answer_begins: bool = True


@dataclass(frozen=True, slots=True, kw_only=True)
class TemplateApplied(Result):
    """Turns as the model reads them.

    Attributes:
        chat: the text, and whose words are whose.
        tokens: of the text, without those that the tokenizer puts around every text.
    """

    chat: Chat
    tokens: tuple[Token, ...]


OPEN_MODEL, OWN = "open model", "BPE film"
"""Names of tokenizers that are no files: the model's in view, and one that was learnt here."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ReplayText(Request):
    """How the tokenizer of the model in view cuts a text, step by step: `TextReplayed`.

    Newest wins.
    """

    newest_wins: ClassVar[bool] = True
    text: str


@dataclass(frozen=True, slots=True, kw_only=True)
class TextReplayed(Result):
    """Each step.

    Attributes:
        replay: of the text.
        vocabulary: the bytes of the tokens that occur, by id.
    """

    replay: Replay
    vocabulary: Mapping[int, bytes]


@dataclass(frozen=True, slots=True, kw_only=True)
class CompareTokenizers(Request):
    """Cut one text by several tokenizers: `TokenizersCompared`. Newest wins.

    Attributes:
        text: it.
        names: `OPEN_MODEL`, `OWN`, words of `side_by_side.BUILT_IN`, or paths.
        own: what `OWN` is.
        n_merges: so many of its merges.
    """

    newest_wins: ClassVar[bool] = True
    text: str
    names: tuple[str, ...]
    own: BpeHistory | None = None
    n_merges: int = 0


@dataclass(frozen=True, slots=True)
class NotCut:
    """A tokenizer that can't be read or fails, and why."""

    name: str
    problem: str


@dataclass(frozen=True, slots=True, kw_only=True)
class TokenizersCompared(Result):
    """The text in the tokens of each, in the order of the names."""

    text: str
    cuts: tuple[CutBy | NotCut, ...]
