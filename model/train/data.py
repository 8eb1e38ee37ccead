"""From a recipe to token ids: text is written or read, a tokenizer made, both parts cut.

The text's last tenth is for validation; the story world writes a text of another seed for it.
Batches are a pure function of seed and step, so that a run can go on, or be looked into, anywhere.

Knows text, tokenizers and NumPy; no torch, no network, no run folder.
"""

from __future__ import annotations

import hashlib
import math
import re
from collections.abc import Generator, Iterator
from dataclasses import dataclass
from itertools import chain
from pathlib import Path
from typing import Any

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view
from numpy.typing import NDArray

from model.counting import counted
from model.slices import retold
from model.tokenizer.client import learning_bpe
from model.tokenizer.long_text import cutting
from model.tokenizer.tokenizer import Tokenizer
from model.train.encodings import decoded
from model.train.events import Prepared
from model.train.places import names_a_file
from model.train.preferences import Pair, PreferenceError, pairs_of, read_preferences
from model.train.recipe import WORLD, Recipe
from model.train.tokenizer_choice import check_tokenizer_word, tokenizer_at
from model.world.text import count_tokens, documents

Ids = NDArray[np.unsignedinteger[Any]]

VALIDATION_SHARE = 0.1
# Seeds of validation texts lie far from those that a person types.
VALIDATION_SEED = 1_000_000_007
_OLD_TOKENS = 20_000
"""Of the story world, where its loss shows what is forgotten."""
_PART = 1 << 20
"""Characters that are looked at before the next sign of progress."""


class DataError(ValueError):
    """A text that can't be trained on; the message says why and what is needed."""


@dataclass(frozen=True, slots=True, eq=False)
class TextData:
    """A text, ready to train on.

    Attributes:
        tokenizer: what cut it.
        train_ids, val_ids: one dimension each, uint16 where the vocabulary allows it.
        val_tokens_per_byte: turns a loss per token into one per byte.
        n_bytes: of the whole text in UTF-8.
        sha256: of the whole text in UTF-8, for a resumed run to know it again.
        old_ids: the validation part of a text that the model knew before, of a run that is
            watched for what it forgets.
        pairs: choices of a run that learns preferences; its two texts then are what is preferred.
    """

    tokenizer: Tokenizer
    train_ids: Ids
    val_ids: Ids
    val_tokens_per_byte: float
    n_bytes: int
    sha256: str
    old_ids: Ids | None = None
    pairs: tuple[Pair, ...] = ()


def prepare(
    recipe: Recipe, tokenizer: Tokenizer | None = None
) -> Generator[Prepared, None, TextData]:
    """Make everything that training reads; slow work is cut into slices.

    Args:
        recipe: names the text and the tokenizer.
        tokenizer: taken instead of the recipe's, for a run that goes on.

    Yields:
        Signs of progress.

    Returns:
        The text as ids.

    Raises:
        DataError: the text can't be read, or is too short for the context.
        TokenizerError: the recipe's tokenizer can't be read or made.
    """
    if tokenizer is None and names_a_file(recipe.tokenizer):
        check_tokenizer_word(recipe.tokenizer)  # before a long text is read
    if recipe.objective == "preferences":
        return (yield from _prepare_choices(recipe, tokenizer))
    if recipe.data == WORLD:
        seed = recipe.seed
        train_text = yield from writing_world(recipe.data_tokens, seed, "Writing the story world")
        n_val = max(1, round(recipe.data_tokens * VALIDATION_SHARE))
        val_text = yield from writing_world(
            n_val, seed + VALIDATION_SEED, "Writing its validation text"
        )
    else:
        yield Prepared(f"Reading {Path(recipe.data).name}", 0.0)
        text = read_text(Path(recipe.data))
        cut = round(len(text) * (1 - VALIDATION_SHARE))
        train_text, val_text = text[:cut], text[cut:]
        del text  # both parts of it are copies
    if tokenizer is None:
        tokenizer = yield from making_tokenizer(recipe, train_text, val_text)
    train_ids = yield from cut_text(train_text, tokenizer, "Cutting the text into tokens")
    val_ids = yield from cut_text(val_text, tokenizer, "Cutting the validation text")
    _check_length(recipe, len(train_ids), len(val_ids))
    old_ids = None
    if recipe.old_data:
        old_ids = yield from _old_ids(recipe, tokenizer)
    digest = hashlib.sha256()
    n_train_bytes = yield from _hash(train_text, digest)
    n_val_bytes = yield from _hash(val_text, digest)
    return TextData(
        tokenizer=tokenizer,
        train_ids=train_ids,
        val_ids=val_ids,
        val_tokens_per_byte=len(val_ids) / n_val_bytes,
        n_bytes=n_train_bytes + n_val_bytes,
        sha256=digest.hexdigest(),
        old_ids=old_ids,
    )


def _prepare_choices(
    recipe: Recipe, tokenizer: Tokenizer | None
) -> Generator[Prepared, None, TextData]:
    """Of a run that learns preferences."""
    yield Prepared(f"Reading {Path(recipe.data).name}", 0.0)
    text = read_text(Path(recipe.data))
    if tokenizer is None:
        tokenizer = yield from making_tokenizer(recipe, "", "")
    try:
        pairs = pairs_of(read_preferences(text, recipe.data), tokenizer, recipe.n_ctx)
    except PreferenceError as error:
        raise DataError(str(error)) from error
    old_ids = (yield from _old_ids(recipe, tokenizer)) if recipe.old_data else None
    ids = np.array([i for one in pairs for i in one.chosen_ids], dtype=np.uint32)
    raw = text.encode("utf-8")
    return TextData(
        tokenizer=tokenizer,
        train_ids=ids,
        val_ids=np.array(pairs[0].prompt_ids, dtype=np.uint32),
        val_tokens_per_byte=math.nan,
        n_bytes=len(raw),
        sha256=hashlib.sha256(raw).hexdigest(),
        old_ids=old_ids,
        pairs=tuple(pairs),
    )


def _old_ids(recipe: Recipe, tokenizer: Tokenizer) -> Generator[Prepared, None, Ids]:
    """The validation part of the text whose loss shows what is forgotten."""
    what = "Reading the older text"
    if recipe.old_data == WORLD:
        text = yield from writing_world(_OLD_TOKENS, recipe.seed + VALIDATION_SEED, what)
    else:
        yield Prepared(what, 0.0)
        text = read_text(Path(recipe.old_data))
        text = text[round(len(text) * (1 - VALIDATION_SHARE)) :]
    ids = yield from cut_text(text, tokenizer, what)
    if len(ids) <= recipe.n_ctx:
        raise DataError(
            f"The last tenth of {recipe.old_data} gives {counted(len(ids), 'token')}, and a "
            f"context of {recipe.n_ctx} needs {recipe.n_ctx + 1}: take a longer text to watch "
            "what is forgotten, or a smaller context."
        )
    return ids


def read_text(path: Path) -> str:
    """A text file in UTF-8, or in UTF-16 or UTF-32 with a mark at its start that says so.

    Raises:
        DataError: it can't be read, is empty, or is no text.
    """
    try:
        raw = path.read_bytes()
    except FileNotFoundError:
        raise DataError(f"There is no file {path}. Give a text file, or 'world'.") from None
    except IsADirectoryError:
        raise DataError(f"{path} is a folder; give one text file.") from None
    except OSError as error:
        raise DataError(f"{path} can't be read: {error.strerror or error}.") from error
    try:
        text = decoded(raw)
    except ValueError as error:
        raise DataError(f"{path} {error}") from error
    if not text or text.isspace():
        raise DataError(f"{path} is empty; there is nothing to learn from.")
    return text


def sha256_of_text(path: Path) -> str | None:
    """The sha256 of a file's text in UTF-8, as in `TextData`; None where it is no text."""
    try:
        return hashlib.sha256(read_text(path).encode("utf-8")).hexdigest()
    except DataError:
        return None


def making_tokenizer(
    recipe: Recipe, train_text: str, val_text: str
) -> Generator[Prepared, None, Tokenizer]:
    """The recipe's tokenizer, trained or read.

    Raises:
        TokenizerError: it can't be made or read.
    """
    what = "Making the tokenizer"
    yield Prepared(what, 0.0)
    if recipe.tokenizer == "char":
        # Of both parts: a character that only the validation text has would be no token at all.
        characters: set[str] = set()
        for part in _parts(train_text, val_text):
            characters.update(part)
            yield Prepared(what, 0.0)
        return Tokenizer.train_char("".join(sorted(characters)))
    if (size := recipe.bpe_size) is not None:
        # Of the training text alone, whose merges it learns.
        learning = learning_bpe([train_text], size)
        return (yield from retold(learning, lambda share: Prepared(what, share)))
    return tokenizer_at(recipe.tokenizer)


class Batches:
    """Random windows of a text, the same for the same seed and step.

    Args:
        ids: the training text.
        batch_size: windows per batch.
        n_ctx: tokens that are read per window; one more is the last target.
        seed: of the choice.
    """

    def __init__(self, ids: Ids, batch_size: int, n_ctx: int, seed: int) -> None:
        # A view: row i is the window that begins at token i.
        self._windows = sliding_window_view(ids, n_ctx + 1)
        self._batch_size = batch_size
        self._seed = seed

    def at(self, step: int) -> NDArray[np.int64]:
        """The batch of update number ``step``, ``[B, n_ctx + 1]``."""
        # Philox is counter-based (Salmon et al. 2011): the step chooses its place in the stream.
        generator = np.random.Generator(np.random.Philox(key=self._seed, counter=[0, 0, 0, step]))
        starts = generator.integers(len(self._windows), size=self._batch_size)
        return self._windows[starts].astype(np.int64)


def validation_batches(
    ids: Ids, batch_size: int, n_ctx: int, n_batches: int
) -> list[NDArray[np.int64]]:
    """Windows spread evenly over a text, always the same.

    Args:
        ids: the validation text.
        batch_size: windows per batch; the last batch may have fewer.
        n_ctx: tokens read per window.
        n_batches: how many batches at most; 0 takes the text window by window to its end.

    Returns:
        Batches ``[b, n_ctx + 1]``.
    """
    n_whole = (len(ids) - 1) // n_ctx
    n = min(n_whole, n_batches * batch_size) if n_batches else n_whole
    last = len(ids) - 1 - n_ctx
    starts = np.arange(n) * n_ctx if n == n_whole else np.linspace(0, last, n).astype(np.int64)
    windows = sliding_window_view(ids, n_ctx + 1)
    return [windows[starts[i : i + batch_size]].astype(np.int64) for i in range(0, n, batch_size)]


def writing_world(n_tokens: int, seed: int, what: str) -> Generator[Prepared, None, str]:
    """At least ``n_tokens`` words of the world, a document a line, as `model.world` writes it."""
    yield Prepared(what, 0.0)
    lines: list[str] = []
    n = 0
    for document in documents(seed):
        if n >= n_tokens:
            break
        lines.append(document)
        n += count_tokens(document) + 1
        if len(lines) % 1024 == 0:
            yield Prepared(what, min(1.0, n / n_tokens))
    return "\n".join(lines) + "\n"


def cut_text(text: str, tokenizer: Tokenizer, what: str) -> Generator[Prepared, None, Ids]:
    """A long text as ids, piece by piece."""
    dtype: type[np.unsignedinteger[Any]] = np.uint16 if tokenizer.n_tokens <= 1 << 16 else np.uint32
    yield Prepared(what, 0.0)
    if not text:
        return np.empty(0, dtype=dtype)
    if tokenizer.kind == "characters":
        found: list[Ids] = []
        done = 0
        for ids, n in _character_ids(text, tokenizer):
            found.append(ids.astype(dtype))
            done += n
            yield Prepared(what, done / len(text))
        return np.concatenate(found)
    steps = cutting(tokenizer, text, dtype)
    return (yield from retold(steps, lambda done: Prepared(what, done / len(text))))


def _parts(*texts: str) -> Iterator[str]:
    for text in texts:
        for start in range(0, len(text), _PART):
            yield text[start : start + _PART]


def _hash(text: str, digest: Any) -> Generator[Prepared, None, int]:
    """Add a text to a checksum; how many bytes it has in UTF-8."""
    n_bytes = 0
    for part in _parts(text):
        raw = part.encode("utf-8")
        digest.update(raw)
        n_bytes += len(raw)
        yield Prepared("Cutting the validation text", 1.0)
    return n_bytes


def _character_ids(text: str, tokenizer: Tokenizer) -> Iterator[tuple[NDArray[np.int64], int]]:
    """A text by a character tokenizer, by table look-ups: 100 times faster than its encode.

    Yields:
        Ids, and of how many characters they are. The name of a special token is one id.
    """
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
        end = len(text) if match is None else match.start()
        for part in _parts(text[start:end]):
            yield table[np.frombuffer(part.encode("utf-32-le"), dtype=np.uint32)], len(part)
        if match is not None:
            start = match.end()
            yield np.array([names[match[0]]]), start - end


def _check_length(recipe: Recipe, n_train: int, n_val: int) -> None:
    least = recipe.n_ctx + 1
    if n_train < least or n_val < least:
        where = "story world's text" if recipe.data == WORLD else f"text in {recipe.data}"
        share = VALIDATION_SHARE if n_val < least else 1 - VALIDATION_SHARE
        raise DataError(
            f"The {where} is too short: it gives {counted(n_train, 'token')} for training and "
            f"{n_val:,} for validation, and a context of {recipe.n_ctx} needs {least:,} of each. "
            f"Take at least {round(least / share):,} tokens of text, or a smaller context."
        )
