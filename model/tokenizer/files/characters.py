"""One token a character, from a table of ids, as nanoGPT's ``meta.pkl`` has it."""

from __future__ import annotations

from collections.abc import Mapping

import tokenizers
from tokenizers import Regex, decoders, models, pre_tokenizers

from model.tokenizer.files.errors import TokenizerError, refusing
from model.tokenizer.files.found import MOST_TOKENS, Found

ANY_CHARACTER = r"[\s\S]"


def from_table(ids: Mapping[str, int], where: str) -> Found:
    """A tokenizer of characters without an unknown token: what it doesn't know is left out.

    Args:
        ids: character -> id.
        where: the file, for messages.

    Raises:
        TokenizerError: the table is empty or is none of characters and ids.
    """
    if not ids:
        raise TokenizerError(f"The table of characters in {where} is empty.")
    for character, id in ids.items():
        fits = isinstance(character, str) and len(character) == 1
        if not fits or isinstance(id, bool) or not isinstance(id, int) or not 0 <= id < MOST_TOKENS:
            raise TokenizerError(
                f"{where}: {character!r} -> {id!r} is no character with an id; only tables of "
                "single characters can be read."[:300]
            )
    if len(set(ids.values())) != len(ids):
        raise TokenizerError(f"{where} gives several characters the same id; it is damaged.")
    with refusing(f"{where} gives no tokenizer", "copy it anew."):
        # BPE without merges: one token a character, and without an unknown token it leaves out
        # what it doesn't know, where a word model would refuse the whole text.
        inner = tokenizers.Tokenizer(models.BPE(dict(ids), []))
        inner.pre_tokenizer = pre_tokenizers.Split(Regex(ANY_CHARACTER), "isolated")
        inner.decoder = decoders.Fuse()
    return Found(inner)
