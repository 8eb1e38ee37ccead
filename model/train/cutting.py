"""From text to ids: a text in memory, or one that is longer than the memory, into files.

Knows tokenizers, texts and the cache of cut ones; no network, no run folder.
"""

from __future__ import annotations

import re
from collections.abc import Generator, Iterator
from itertools import chain
from typing import Any

import numpy as np
from numpy.typing import NDArray

from model.slices import retold
from model.tokenizer.client import learning_bpe
from model.tokenizer.long_text import PassingText, cutting_in_parts
from model.tokenizer.tokenizer import Tokenizer
from model.train import token_cache
from model.train.events import Prepared
from model.train.recipe import Recipe
from model.train.text_files import DataError, FileText, Survey
from model.train.token_cache import Entry
from model.train.tokenizer_choice import tokenizer_at

Ids = NDArray[np.unsignedinteger[Any]]

LEARNT_FROM = 1 << 26
"""Characters that BPE is trained on at most; of a longer text they are spread over it."""
_PART = 1 << 20


def dtype_of(tokenizer: Tokenizer) -> type[np.unsignedinteger[Any]]:
    """The smallest type that holds a tokenizer's ids."""
    return np.uint16 if tokenizer.n_tokens <= 1 << 16 else np.uint32


def ids_of(text: str | PassingText, tokenizer: Tokenizer) -> Iterator[tuple[int, Ids]]:
    """A text as ids, those of the whole text.

    Yields:
        How many characters are done, and the ids since the last time.
    """
    dtype = dtype_of(tokenizer)
    if tokenizer.kind != "characters":
        yield from cutting_in_parts(tokenizer, text, dtype)
    elif isinstance(text, str):
        done = 0
        for ids, n in _character_ids(text, tokenizer):
            done += n
            yield done, ids.astype(dtype)
    else:
        yield from _characters_passing(text, tokenizer)


def cut_into_files(
    recipe: Recipe, survey: Survey, share: float, tokenizer: Tokenizer | None
) -> Generator[Prepared, None, Entry]:
    """A long text as ids that are mapped from files: those of the cache, or cut into it.

    Args:
        recipe: names the tokenizer.
        survey: of the text.
        share: of it that is for validation: its end.
        tokenizer: taken instead of the recipe's.

    Raises:
        DataError: the files can't be written.
        TokenizerError: the recipe's tokenizer can't be read or made.
    """
    of_text = recipe.tokenizer == "char" or recipe.bpe_size is not None
    if tokenizer is None and not of_text:
        tokenizer = tokenizer_at(recipe.tokenizer)
    # A tokenizer that is made of the text is named by its kind, so that the next run needs to make
    # none; one that goes on has it already, and finds the same tokens.
    kinds: list[str | Tokenizer] = [recipe.tokenizer] if of_text else []
    kinds += [] if tokenizer is None else [tokenizer]
    for kind in kinds:
        key = token_cache.key_of(survey.sha256, share, kind)
        known = token_cache.read(key)
        if known is not None and (
            tokenizer is None or known.tokenizer.to_json() == tokenizer.to_json()
        ):
            return known
    cut = round(survey.n_characters * (1 - share))
    notes: list[str] = []
    if tokenizer is None:
        if (size := recipe.bpe_size) is None:
            tokenizer = Tokenizer.train_char("".join(sorted(survey.characters)))
        else:
            tokenizer = yield from _learning(survey, cut, size)
            if cut > LEARNT_FROM:
                notes.append(
                    f"The tokenizer was trained on {LEARNT_FROM / 1e6:.0f} million characters that "
                    f"are spread over the {cut / 1e6:,.0f} million to train on."
                )
    dtype = dtype_of(tokenizer)
    most = survey.n_bytes * np.dtype(dtype).itemsize
    with token_cache.writing(key, dtype, most) as writer:
        n_tokens: dict[str, int] = {}
        for name, begin, end in (("train", 0, cut), ("val", cut, survey.n_characters)):
            what = "Cutting the text into tokens" if begin == 0 else "Cutting the validation text"
            yield Prepared(what, 0.0)
            n_tokens[name] = 0
            text = FileText(survey, begin, end)
            for _ in text.opening():
                yield Prepared(what, 0.0)
            with writer.part(name) as add:
                for done, ids in ids_of(text, tokenizer):
                    add(ids)
                    n_tokens[name] += len(ids)
                    yield Prepared(what, done / max(1, end - begin))
        facts = {
            "text": recipe.data,
            "sha256": survey.sha256,
            "tokenizer": recipe.tokenizer,
            "n_train_tokens": n_tokens["train"],
            "n_val_tokens": n_tokens["val"],
            "n_val_bytes": text.n_bytes,
            "notes": notes,
        }
        writer.finish(tokenizer, facts)
    written = token_cache.read(key)
    if written is None:
        raise DataError(
            f"The tokens of {recipe.data} are gone from {token_cache.cache_dir()} as soon as they "
            "were written; start again."
        )
    return written


def _learning(survey: Survey, end: int, size: int) -> Generator[Prepared, None, Tokenizer]:
    """Train BPE on the text to train on; of a very long one on pieces all over it."""
    what = "Making the tokenizer"
    yield Prepared(what, 0.0)
    # Of a text that is taken whole no word is cut: it gives the tokenizer that it gives in memory.
    n_each = end if end <= LEARNT_FROM else _PART
    n_all = -(-end // n_each)
    n_taken = min(n_all, LEARNT_FROM // n_each)
    taken = {i * n_all // n_taken for i in range(n_taken)}
    texts: list[str] = []
    text = FileText(survey, 0, end)
    for i in range(n_all):
        piece = text[i * n_each : min((i + 1) * n_each, end)]
        text.let_go((i + 1) * n_each)
        if i in taken:
            texts.append(piece)
        yield Prepared(what, 0.0)
    return (yield from retold(learning_bpe(texts, size), lambda share: Prepared(what, share)))


def _characters_passing(text: PassingText, tokenizer: Tokenizer) -> Iterator[tuple[int, Ids]]:
    """As `_character_ids`, of a text that is never held whole."""
    dtype = dtype_of(tokenizer)
    # The name of a special token is one id: no piece may end within one.
    longest = max((len(tokenizer.piece(id)) for id in tokenizer.special_ids), default=0)
    begin = 0
    while begin < len(text):
        end = min(begin + _PART, len(text))
        piece = text[begin : min(end + longest, len(text))]
        at = 0
        for ids, n in _character_ids(piece, tokenizer, end - begin):
            at += n
            yield begin + at, ids.astype(dtype)
        begin += at
        text.let_go(begin)


def _character_ids(
    text: str, tokenizer: Tokenizer, stop: int | None = None
) -> Iterator[tuple[NDArray[np.int64], int]]:
    """A text by a character tokenizer, by table look-ups: 100 times faster than its encode.

    Args:
        text: any.
        tokenizer: of characters.
        stop: the character at which it ends, or behind a special token's name that it is in.

    Yields:
        Ids, and of how many characters they are. The name of a special token is one id.
    """
    stop = len(text) if stop is None else stop
    table = np.full(0x110000, tokenizer.unknown_id or 0, dtype=np.int64)
    names: dict[str, int] = {}
    for id, raw in enumerate(tokenizer.vocabulary):
        if id in tokenizer.special_ids:
            names[raw.decode("utf-8")] = id
        elif raw:
            table[ord(raw.decode("utf-8"))] = id
    longest_first = sorted(names, key=len, reverse=True)
    special = re.compile("|".join(map(re.escape, longest_first)) or r"(?!)")
    start = 0
    for match in chain(special.finditer(text), (None,)):
        end = stop if match is None else min(match.start(), stop)
        for first in range(start, end, _PART):
            part = text[first : min(first + _PART, end)]
            yield table[np.frombuffer(part.encode("utf-32-le"), dtype=np.uint32)], len(part)
        if match is None or match.start() >= stop:
            return
        start = match.end()
        yield np.array([names[match[0]]]), start - match.start()
