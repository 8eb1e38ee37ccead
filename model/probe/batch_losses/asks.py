"""The question for the loss of a batch, token by token."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar, Literal

import numpy as np

from model.probe.question import Answer, Array, Named, Question


@dataclass(frozen=True, slots=True)
class BatchLosses(Question):
    """-log p of every token of a batch of the training or validation text.

    Of a model without a run folder the text is the story world's, or a file's.

    Attributes:
        part: training or validation.
        batch: of training, the update that learns from it, from 1; of validation from 0; -1 for
            the one that is learned next, or the first.
        file: a text file instead of the run's text.
        worst: how many of the dearest tokens are listed.
    """

    name: ClassVar[str] = "batch_losses"
    title: ClassVar[str] = "loss of a batch"
    of_text: ClassVar[bool] = False
    part: Literal["training", "validation"] = "training"
    batch: int = -1
    file: str = ""
    worst: int = 20


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class BatchLossesFound(Answer):
    """The batch. Shape suffixes: B windows, T tokens of one, K worst tokens.

    Attributes:
        ids_BT: the tokens; the last of a window is predicted but not read.
        nats_BT: float32 -log p of each token after those before it, natural logarithm; NaN for
            the first of a window, which nothing predicts.
        top_BT: id of the token that was likeliest in its place; -1 for the first.
        loss: mean of all but those first ones: the loss of this batch.
        number: of the batch; see `BatchLosses`.
        n_batches: how many there are; 0 where each update has another.
        step: of the weights; None where that is not known.
        source: what text it is.
        of_run: whether it is the text of the model's own training.
        worst_K2: window and place of the dearest tokens, dearest first.
    """

    ids_BT: Array
    nats_BT: Array
    top_BT: Array
    loss: float
    number: int
    n_batches: int
    step: int | None
    source: str
    of_run: bool
    worst_K2: Array

    def arrays(self) -> Mapping[str, Named]:
        return {
            "nats": Named(self.nats_BT, ("window", "place")),
            "id": Named(self.ids_BT, ("window", "place")),
            "likeliest_id": Named(self.top_BT, ("window", "place")),
            "worst": Named(self.worst_K2, ("rank", "at")),
        }

    def as_rows(self) -> Mapping[str, list[dict[str, Any]]]:
        return {
            "batch": [
                {
                    "loss": self.loss,
                    "bits": self.loss / math.log(2),
                    "number": self.number,
                    "step": self.step,
                    "text": self.source,
                    "of_run": self.of_run,
                    "windows": len(self.ids_BT),
                    "tokens": int(np.isfinite(self.nats_BT).sum()),
                }
            ],
            "worst": [
                {
                    "window": int(row),
                    "place": int(at),
                    "id": int(self.ids_BT[row, at]),
                    "nats": float(self.nats_BT[row, at]),
                    "likeliest_id": int(self.top_BT[row, at]),
                }
                for row, at in self.worst_K2
            ],
        }
