"""From a recipe to token ids: text is written or read, a tokenizer made, both parts cut.

The text's last tenth is for validation; the story world writes a text of another seed for it, and
a task holds examples out. A text that is too long for the memory is cut into files
(`model.train.token_cache`). Batches are a pure function of seed and step, so that a run can go on,
or be looked into, anywhere.

Knows text, tokenizers and NumPy; no torch, no network, no run folder.
"""

from __future__ import annotations

import hashlib
import sys
from collections.abc import Generator, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view
from numpy.typing import NDArray

from model.counting import counted
from model.slices import finish, retold
from model.tokenizer.client import learning_bpe
from model.tokenizer.tokenizer import Tokenizer
from model.train.cutting import Ids, cut_into_files, dtype_of, ids_of
from model.train.events import Prepared
from model.train.places import names_a_file
from model.train.recipe import WORLD, Recipe
from model.train.tasks.chosen import chosen_task, is_task
from model.train.tasks.examples import examples_of
from model.train.tasks.vocabulary import tokenizer_of
from model.train.text_files import DataError, surveying
from model.train.tokenizer_choice import check_tokenizer_word, tokenizer_at
from model.world.text import count_tokens, documents

__all__ = ["Batches", "DataError", "TextData", "prepare", "read_text", "validation_batches"]

VALIDATION_SHARE = 0.1
# Seeds of validation texts lie far from those that a person types.
VALIDATION_SEED = 1_000_000_007
MOST_HELD = 1 << 24
"""Characters of a text that is held in memory while it is cut; longer ones are cut into files."""
_PART = 1 << 20
"""Characters that are looked at before the next sign of progress."""


@dataclass(frozen=True, slots=True, eq=False)
class TextData:
    """A text, ready to train on.

    Attributes:
        tokenizer: what cut it.
        train_ids, val_ids: one dimension each, uint16 where the vocabulary allows it.
        val_tokens_per_byte: turns a loss per token into one per byte.
        n_bytes: of the whole text in UTF-8.
        sha256: of the whole text in UTF-8, for a resumed run to know it again.
        notes: what a person should know of the text, sentences.
        n_example: tokens of each example of a task, which follow each other; 0 for a text.
        answer_at: the token of an example with which its answer begins: only answers are learned.
    """

    tokenizer: Tokenizer
    train_ids: Ids
    val_ids: Ids
    val_tokens_per_byte: float
    n_bytes: int
    sha256: str
    notes: tuple[str, ...] = ()
    n_example: int = 0
    answer_at: int = 0

    @property
    def rows(self) -> tuple[Ids, Ids]:
        """A task's examples to train on and those held out, ``[N, n_example]`` each."""
        return self.train_ids.reshape(-1, self.n_example), self.val_ids.reshape(-1, self.n_example)


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
    if is_task(recipe.data):
        return (yield from _examples(recipe))
    notes: tuple[str, ...] = ()
    if recipe.data == WORLD:
        seed = recipe.seed
        train_text = yield from writing_world(recipe.data_tokens, seed, "Writing the story world")
        n_val = max(1, round(recipe.data_tokens * VALIDATION_SHARE))
        val_text = yield from writing_world(
            n_val, seed + VALIDATION_SEED, "Writing its validation text"
        )
    else:
        path = Path(recipe.data)
        yield Prepared(f"Reading {path.name}", 0.0)
        survey = yield from retold(
            surveying(path, MOST_HELD), lambda share: Prepared(f"Reading {path.name}", share)
        )
        if survey.text is None:
            ready = yield from cut_into_files(recipe, survey, VALIDATION_SHARE, tokenizer)
            _check_length(recipe, len(ready.train_ids), len(ready.val_ids))
            return TextData(
                tokenizer=ready.tokenizer,
                train_ids=ready.train_ids,
                val_ids=ready.val_ids,
                val_tokens_per_byte=len(ready.val_ids) / ready.facts["n_val_bytes"],
                n_bytes=survey.n_bytes,
                sha256=survey.sha256,
                notes=(*survey.notes, *ready.facts["notes"]),
            )
        notes, text = survey.notes, survey.text
        del survey
        cut = round(len(text) * (1 - VALIDATION_SHARE))
        train_text, val_text = text[:cut], text[cut:]
        del text  # both parts of it are copies
    if tokenizer is None:
        tokenizer = yield from making_tokenizer(recipe, train_text, val_text)
    train_ids = yield from cut_text(train_text, tokenizer, "Cutting the text into tokens")
    val_ids = yield from cut_text(val_text, tokenizer, "Cutting the validation text")
    _check_length(recipe, len(train_ids), len(val_ids))
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
        notes=notes,
    )


def _examples(recipe: Recipe) -> Generator[Prepared, None, TextData]:
    """A task's examples; its vocabulary is known, also to a run that goes on."""
    chosen = chosen_task(recipe.data)
    what = f"Writing examples of {chosen.task.title.lower()}"
    yield Prepared(what, 0.0)
    tokenizer = tokenizer_of(chosen)
    found = examples_of(chosen, recipe.data_tokens // chosen.n_tokens, recipe.seed)
    n_train, n_held_out = len(found.train_NT), len(found.held_out_NT)
    if recipe.batch_size > n_train:
        raise DataError(
            f"A batch of {recipe.batch_size:,} is more than the {counted(n_train, 'example')} that "
            f"there are to train on: set batch_size to {n_train} at most, or raise data_tokens."
        )
    train_ids, val_ids = found.train_NT.ravel(), found.held_out_NT.ravel()
    n_bytes = [len(tokenizer.decode(ids.tolist()).encode()) for ids in (train_ids, val_ids)]
    answers = found.held_out_NT[:, chosen.answer_at :].ravel()
    n_answer_bytes = len(tokenizer.decode(answers.tolist()).encode())
    digest = hashlib.sha256(train_ids.astype("<u2").tobytes() + val_ids.astype("<u2").tobytes())
    yield Prepared(what, 1.0)
    return TextData(
        tokenizer=tokenizer,
        train_ids=train_ids,
        val_ids=val_ids,
        val_tokens_per_byte=len(answers) / n_answer_bytes,
        n_bytes=sum(n_bytes),
        sha256=digest.hexdigest(),
        notes=(
            f"{chosen.task.title}: {n_train:,} of {chosen.n_questions:,} questions to train on, "
            f"{n_held_out:,} others held out.",
        ),
        n_example=chosen.n_tokens,
        answer_at=chosen.answer_at,
    )


def read_text(path: Path) -> str:
    """The text of a file or folder: UTF-8, or UTF-16 or UTF-32 with a mark at its start.

    Raises:
        DataError: it can't be read, is empty, or is no text.
    """
    text = finish(surveying(path, sys.maxsize)).text
    assert text is not None  # all of it is held
    return text


def sha256_of_text(path: Path) -> str | None:
    """The sha256 of a place's text in UTF-8, as in `TextData`; None where it is no text."""
    try:
        return finish(surveying(path, 0)).sha256
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
        apart: tokens from one window to the next; a task's are its examples, one after the other.
        answer_at: the token of a window from which on all are targets.
    """

    def __init__(
        self,
        ids: Ids,
        batch_size: int,
        n_ctx: int,
        seed: int,
        *,
        apart: int = 1,
        answer_at: int = 0,
    ) -> None:
        # A view: row i is the window that begins at token i times `apart`.
        self._windows = sliding_window_view(ids, n_ctx + 1)[::apart]
        self._batch_size = batch_size
        self._seed = seed
        self._apart = apart
        self.answer_at = answer_at

    def at(self, step: int) -> NDArray[np.int64]:
        """The batch of update number ``step``, ``[B, n_ctx + 1]``."""
        if self._apart > 1 and self._batch_size == len(self._windows):
            return self._windows.astype(np.int64)  # each example once, the full batch
        # Philox is counter-based (Salmon et al. 2011): the step chooses its place in the stream.
        generator = np.random.Generator(np.random.Philox(key=self._seed, counter=[0, 0, 0, step]))
        starts = generator.integers(len(self._windows), size=self._batch_size)
        return self._windows[starts].astype(np.int64)


def batches_of(data: TextData, recipe: Recipe) -> Batches:
    """What a recipe trains on."""
    return Batches(
        data.train_ids,
        recipe.batch_size,
        recipe.n_ctx,
        recipe.seed,
        apart=data.n_example or 1,
        answer_at=data.answer_at,
    )


def example_batches(rows_NT: Ids, batch_size: int, n_batches: int) -> list[NDArray[np.int64]]:
    """A task's examples in their order, ``[b, T]`` each.

    Args:
        rows_NT: examples.
        batch_size: of a batch; the last may have fewer.
        n_batches: how many at most; 0 takes all examples.
    """
    n = min(len(rows_NT), n_batches * batch_size) if n_batches else len(rows_NT)
    return [rows_NT[i : min(i + batch_size, n)].astype(np.int64) for i in range(0, n, batch_size)]


def validation_of(data: TextData, recipe: Recipe) -> list[NDArray[np.int64]]:
    """What a recipe is measured on: never trained on, and always the same."""
    if data.n_example:
        return example_batches(data.rows[1], recipe.batch_size, recipe.eval_batches)
    return validation_batches(data.val_ids, recipe.batch_size, recipe.n_ctx, recipe.eval_batches)


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
    dtype = dtype_of(tokenizer)
    yield Prepared(what, 0.0)
    if not text:
        return np.empty(0, dtype=dtype)
    found: list[Ids] = []
    for done, ids in ids_of(text, tokenizer):
        found.append(ids)
        yield Prepared(what, done / len(text))
    return np.concatenate(found)


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
