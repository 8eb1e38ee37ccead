"""The batch that a question about a loss is about, and the loss of a network on it.

Knows the bench and the batches of texts; no question. Shape suffixes: B windows, T tokens of one
(one more than the network reads: the last is only predicted).
"""

from __future__ import annotations

from collections.abc import Generator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from model.bench import Bench
from model.interventions import Intervention, RemoveMask, RemoveNorm, RemoveResidual
from model.probe.question import ProbeError
from model.subject import Subject
from model.tokenizer.tokenizer import TokenizerError
from model.train.batch_text import BatchText, NoBatchError, Part, of_file, of_run
from model.train.data import DataError
from model.train.events import Prepared
from model.train.measure import mean_loss
from model.train.record import run_dir_of
from model.train.run_folder import RunError, step_of_snapshot
from model.train.under import Under
from model.transformer import Transformer

NEXT = -1
"""The number of the batch that is learned next, or of the first one for validation."""
SCORES_AT_ONCE = 1 << 24
"""Numbers that a piece's logits may be: 64 MB in float32."""
FLOPS = 20_000_000_000
"""Of a piece's forward pass: a tenth of a second of a core."""


@dataclass(frozen=True, slots=True, eq=False)
class Batch:
    """Windows of a text.

    Attributes:
        windows_BT: token ids.
        number: of training, the update that learns from it; of validation from 0.
        text: what they are cut from.
    """

    windows_BT: NDArray[np.int64]
    number: int
    text: BatchText


def batch_of(
    bench: Bench, subject: Subject, part: Part, number: int, file: str
) -> Generator[None, None, Batch]:
    """A batch, its text made in slices where it isn't there.

    Raises:
        ProbeError: the model predicts no next token, has no tokenizer, or the text can't be had.
        MovedOnError: the model isn't open any more.
    """
    config = bench.network(subject).config
    if config.no_continuation:
        raise ProbeError(f"{config.no_continuation} So a text has no loss token by token.")
    text = yield from text_of(bench, subject, part, file)
    if number == NEXT:
        number = (step_of(bench, subject) or 0) + 1 if part == "training" else 0
    try:
        windows_BT = text.batch(number)
    except NoBatchError as error:
        raise ProbeError(str(error)) from error
    if windows_BT.max() >= config.d_vocab:
        raise ProbeError("The tokenizer has tokens that the network has no scores for.")
    return Batch(windows_BT, number, text)


def text_of(
    bench: Bench, subject: Subject, part: Part, file: str
) -> Generator[None, None, BatchText]:
    """What batches are cut from; made once a model.

    Raises:
        ProbeError: as of `batch_of`.
    """
    kept = bench.held(subject.model).texts
    key = (file, part)
    while kept.get(key) is _BEING_MADE:  # for another question
        yield
    known = kept.get(key)
    if isinstance(known, BatchText):
        return known
    kept[key] = _BEING_MADE
    try:
        for _ in (steps := _Making(_making(bench, subject, part, file))):
            yield
        kept[key] = steps.text
        return steps.text
    except (RunError, DataError, TokenizerError) as error:
        raise ProbeError(str(error)) from error
    finally:
        if kept.get(key) is _BEING_MADE:
            del kept[key]


class _Making:
    """The slices of making a text, which is there after the last."""

    def __init__(self, steps: Generator[Prepared, None, BatchText]) -> None:
        self._steps = steps
        self.text: BatchText

    def __iter__(self) -> Generator[Prepared, None, None]:
        self.text = yield from self._steps


def _making(
    bench: Bench, subject: Subject, part: Part, file: str
) -> Generator[Prepared, None, BatchText]:
    tokenizer = bench.tokenizer(subject.model)
    if tokenizer is None:
        raise ProbeError("This checkpoint has no tokenizer, so no text can be cut into batches.")
    run_dir = None if file else run_of(bench, subject)
    if run_dir is not None:
        return of_run(run_dir, tokenizer, part)
    return of_file(
        str(Path(file).expanduser()) if file else "",
        tokenizer,
        bench.network(subject).config.n_ctx,
        part,
    )


def run_of(bench: Bench, subject: Subject) -> Path | None:
    """The run folder that a model comes of."""
    path = bench.held(subject.model).lm_path
    return None if path is None else run_dir_of(path)


def step_of(bench: Bench, subject: Subject) -> int | None:
    """The training step of a subject's weights, where it is known."""
    if subject.step is not None:
        return subject.step
    held = bench.held(subject.model)
    if held.steps.own is not None:
        return held.steps.own
    return None if held.lm_path is None else step_of_snapshot(held.lm_path)


def pieces(windows_BT: NDArray[np.int64], network: Transformer) -> list[Tensor]:
    """The batch in parts whose scores fit the memory and whose pass is a slice of work.

    A small network takes all of it at once: its loss is then that of the training, to the last bit.
    """
    length = windows_BT.shape[1] - 1
    n_weights = sum(parameter.numel() for parameter in network.parameters())
    rows = min(
        SCORES_AT_ONCE // (length * network.config.d_vocab), FLOPS // (2 * length * n_weights)
    )
    rows = max(1, rows)
    device = network.embed.weight.device
    return [
        torch.from_numpy(windows_BT[at : at + rows]).to(device)
        for at in range(0, len(windows_BT), rows)
    ]


def taken_away(subject: Subject) -> tuple[Intervention, ...]:
    """Of a subject's interventions those that take away what a recipe can leave out.

    They are about the network, whatever it reads; of all others a batch knows nothing.
    """
    kinds = (RemoveResidual, RemoveMask, RemoveNorm)
    return tuple(one for one in subject.interventions if isinstance(one, kinds))


def as_it_learns(network: Transformer, subject: Subject) -> nn.Module:
    """What gives the logits of a batch: the network, or what is left where parts are taken away."""
    without = taken_away(subject)
    return Under(network, without) if without else network


def losing(
    network: nn.Module, pieces: Sequence[Tensor], answer_at: int = 0
) -> Generator[None, None, float]:
    """Mean cross-entropy of all tokens that are learned, nats; a piece a slice."""
    total, n = 0.0, sum(map(len, pieces))
    for piece_BT in pieces:
        # Entered anew for each: the mode must not leak out of a generator that waits.
        with torch.inference_mode():
            loss = mean_loss(network, piece_BT, answer_at).item()
        if len(pieces) == 1:
            return loss
        total += loss * len(piece_BT)
        yield
    return total / n


_BEING_MADE = object()
