"""The tokenizer of a task: one token a symbol, and ``<unk>`` for everything else.

Knows the library `tokenizers`; no examples.
"""

from __future__ import annotations

import tokenizers
from tokenizers import AddedToken, Regex, decoders, models, pre_tokenizers

from model.tokenizer.files.characters import ANY_CHARACTER
from model.tokenizer.tokenizer import UNKNOWN, Tokenizer
from model.train.tasks.chosen import FIRST, Chosen


def tokenizer_of(chosen: Chosen) -> Tokenizer:
    """A task's tokenizer."""
    vocab = {UNKNOWN: 0} | {symbol: FIRST + i for i, symbol in enumerate(chosen.symbols)}
    pattern = chosen.task.pattern
    inner = tokenizers.Tokenizer(models.WordLevel(vocab, unk_token=UNKNOWN))
    inner.pre_tokenizer = pre_tokenizers.Split(
        Regex(f"{pattern}|{ANY_CHARACTER}" if pattern else ANY_CHARACTER), "isolated"
    )
    inner.decoder = decoders.Fuse()
    inner.add_special_tokens([AddedToken(UNKNOWN, special=True)])
    return Tokenizer.from_json(inner.to_str())
