"""Batches of a text that is cut: random windows to train on, and those that are measured on.

Batches are a pure function of seed and step, so that a run can go on, or be looked into, anywhere.
Knows texts as ids, recipes and NumPy; no torch.
"""

from __future__ import annotations

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view
from numpy.typing import NDArray

from model.train.cutting import Ids
from model.train.data import TextData
from model.train.recipe import Recipe


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
