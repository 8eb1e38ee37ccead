"""The batches of a run, or of any text, to be looked at again.

A run's batches are a pure function of its text, its seed and the number of the update, so that each
can be had again, before or after it was learned from. The text is read or written once more, and
held to its checksum. A model without a run folder has the story world's text, or a file's.

Knows run folders, recipes and tokenizers; no network.
"""

from __future__ import annotations

from collections.abc import Generator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from model.counting import counted
from model.tokenizer.tokenizer import Tokenizer
from model.train.batches import Batches, example_batches, validation_batches
from model.train.cutting import Ids
from model.train.data import VALIDATION_SEED, TextData, cut_text, prepare, writing_world
from model.train.events import Prepared
from model.train.recipe import WORLD, Recipe
from model.train.resuming import as_it_was, check_text
from model.train.run_folder import read_recipe
from model.train.tasks.chosen import chosen_task, is_task

Part = Literal["training", "validation"]
PARTS: tuple[Part, ...] = ("training", "validation")

WINDOWS, LENGTH = 4, 64
"""Windows of a batch, and tokens that are read of each, where no recipe says otherwise."""
WORLD_TOKENS = 8_000
"""Of the story world's text, where no run says how long it is."""


class NoBatchError(ValueError):
    """There is no such batch; the message says which there are."""


@dataclass(frozen=True, slots=True, eq=False)
class BatchText:
    """Where batches are cut from.

    Attributes:
        part: of the text.
        ids: of that part, one dimension.
        batch_size, n_ctx, seed, eval_batches: as of a `Recipe`.
        source: what text it is, a few words.
        of_run: whether it is what the model learned from, or was measured on.
        n_example: tokens of each example of a task; 0 for a text.
        answer_at: the token of a window from which on a loss is counted; 0 for all.
    """

    part: Part
    ids: Ids
    batch_size: int
    n_ctx: int
    seed: int
    eval_batches: int
    source: str
    of_run: bool
    n_example: int = 0
    answer_at: int = 0

    @property
    def n_batches(self) -> int:
        """How many different ones there are; 0 where each update has another."""
        if self.part == "training":
            return 0
        n_whole = (len(self.ids) - 1) // self.n_ctx
        if self.n_example:
            n_whole = len(self.ids) // self.n_example
        most = self.eval_batches * self.batch_size
        n = min(n_whole, most) if most else n_whole
        return -(-n // self.batch_size)

    def batch(self, number: int) -> NDArray[np.int64]:
        """One batch, ``[B, n_ctx + 1]``: the last of a row is only predicted.

        Args:
            number: of training, the update that learns from it, from 1; of validation from 0.

        Raises:
            NoBatchError: there is none of that number, or the text is shorter than one window.
        """
        if len(self.ids) <= self.n_ctx:
            raise NoBatchError(
                f"The {self.part} part of the text has {counted(len(self.ids), 'token')}, fewer "
                f"than the {self.n_ctx + 1:,} of one window. Choose a longer text."
            )
        if self.part == "training":
            if number < 1:
                raise NoBatchError("Training batches are counted from 1, as the updates are.")
            apart = self.n_example or 1
            batches = Batches(self.ids, self.batch_size, self.n_ctx, self.seed, apart=apart)
            return batches.at(number)
        if not 0 <= number < self.n_batches:
            raise NoBatchError(
                f"There is no validation batch {number}; there are 0 to {self.n_batches - 1}."
            )
        if self.n_example:
            rows_NT = self.ids.reshape(-1, self.n_example)
            return example_batches(rows_NT, self.batch_size, self.eval_batches)[number]
        every = validation_batches(self.ids, self.batch_size, self.n_ctx, self.eval_batches)
        return every[number]


def of_data(data: TextData, recipe: Recipe, part: Part) -> BatchText:
    """The batches of a run whose text is at hand."""
    ids = data.train_ids if part == "training" else data.val_ids
    text = _of(recipe, ids, part, _words(recipe), of_run=True)
    return replace(text, n_example=data.n_example, answer_at=data.answer_at)


def of_run(run_dir: Path, tokenizer: Tokenizer, part: Part) -> Generator[Prepared, None, BatchText]:
    """The batches of a run, its text read or written again.

    Raises:
        RunError: the folder holds no run, or its text is gone or is another one.
        DataError: the text can't be read.
    """
    own = read_recipe(run_dir)
    recipe = as_it_was(own, run_dir, tokenizer)
    if recipe.data == WORLD and part == "validation":
        # A text of its own, a tenth as long: the other one need not be written for it.
        n = max(1, round(recipe.data_tokens * 0.1))
        text = yield from writing_world(n, recipe.seed + VALIDATION_SEED, _WRITES)
        ids = yield from cut_text(text, tokenizer, "Cutting the validation text")
        return _of(recipe, ids, part, _words(recipe), of_run=True)
    data = yield from prepare(recipe, tokenizer)
    check_text(recipe, run_dir, data)
    return of_data(data, recipe, part)


def of_file(
    file: str, tokenizer: Tokenizer, n_ctx: int, part: Part
) -> Generator[Prepared, None, BatchText]:
    """Batches of a text file, or of the story world where the name is empty.

    Args:
        file: a text file.
        tokenizer: cuts it.
        n_ctx: that the network reads at most.
        part: of a file, validation is the last tenth.

    Raises:
        DataError: the file can't be read, or is too short.
    """
    recipe = replace(
        Recipe(),
        data=file or WORLD,
        data_tokens=WORLD_TOKENS,
        batch_size=WINDOWS,
        n_ctx=min(n_ctx, LENGTH),
        eval_batches=0,
    )
    data = yield from prepare(recipe, tokenizer)
    ids = data.train_ids if part == "training" else data.val_ids
    return _of(recipe, ids, part, _words(recipe), of_run=False)


def _of(recipe: Recipe, ids: Ids, part: Part, source: str, *, of_run: bool) -> BatchText:
    return BatchText(
        part=part,
        ids=ids,
        batch_size=recipe.batch_size,
        n_ctx=recipe.n_ctx,
        seed=recipe.seed,
        eval_batches=recipe.eval_batches,
        source=source,
        of_run=of_run,
    )


def _words(recipe: Recipe) -> str:
    if is_task(recipe.data):
        return chosen_task(recipe.data).task.title.lower()
    return "the story world" if recipe.data == WORLD else Path(recipe.data).name


_WRITES = "Writing the story world's validation text"
