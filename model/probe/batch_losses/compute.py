"""The loss of a batch, some windows a slice. Shape suffixes: B windows, T tokens, V vocabulary."""

from __future__ import annotations

from collections.abc import Generator, Iterator
from dataclasses import dataclass

import numpy as np
import torch
import torch.nn.functional as F

from model.bench import Bench
from model.probe.batch import Batch, as_it_learns, batch_of, pieces, step_of, taken_away
from model.probe.batch_losses.asks import BatchLosses, BatchLossesFound
from model.probe.question import Answer, Array, ProbeError, read_only
from model.subject import Subject


@dataclass(frozen=True, slots=True, eq=False)
class Costs:
    """What is kept of a batch; see `BatchLossesFound`."""

    batch: Batch
    nats_BT: Array
    top_BT: Array


def answer(question: BatchLosses, subject: Subject, bench: Bench) -> Iterator[Answer | None]:
    """A piece of the batch a slice; kept for any prompt.

    Raises:
        ValueError: there is no such batch, or nothing to cut it from.
    """
    if question.worst < 0:
        raise ProbeError("The worst that are listed are 0 or more.")
    kept = bench.found_of(subject.model, subject.step)
    which = (question, taken_away(subject))
    known = kept.get(which)
    if not isinstance(known, Costs):
        batch = yield from batch_of(bench, subject, question.part, question.batch, question.file)
        known = kept[which] = yield from _costs(batch, subject, bench)
    batch, nats_BT, top_BT = known.batch, known.nats_BT, known.top_BT
    yield BatchLossesFound(
        subject=subject,
        question=question,
        ids_BT=read_only(batch.windows_BT.astype(np.int32)),
        nats_BT=read_only(nats_BT),
        top_BT=read_only(top_BT),
        loss=float(nats_BT[:, max(1, batch.text.answer_at) :].astype(np.float64).mean()),
        number=batch.number,
        n_batches=batch.text.n_batches,
        step=step_of(bench, subject),
        source=batch.text.source,
        of_run=batch.text.of_run,
        worst_K2=read_only(_worst(nats_BT, question.worst)),
    )


def _costs(batch: Batch, subject: Subject, bench: Bench) -> Generator[None, None, Costs]:
    """-log p and the likeliest token at every place."""
    network = bench.network(subject)
    runs = as_it_learns(network, subject)
    nats, top = [], []
    for piece_BT in pieces(batch.windows_BT, network):
        bench.network(subject)  # it may have learned on
        with torch.inference_mode():
            logits_BTV = runs(piece_BT[:, :-1])
            wanted_BT = piece_BT[:, 1:]
            of_each = F.cross_entropy(
                logits_BTV.flatten(0, 1), wanted_BT.flatten(), reduction="none"
            )
            nats.append(of_each.view(wanted_BT.shape).float().cpu().numpy())
            top.append(logits_BTV.argmax(-1).cpu().numpy())
        yield None
    B = len(batch.windows_BT)
    nats_BT = np.concatenate([np.full((B, 1), np.nan, np.float32), np.concatenate(nats)], axis=1)
    nats_BT[:, : batch.text.answer_at] = np.nan  # the question of a task is given, not learned
    return Costs(
        batch,
        nats_BT,
        np.concatenate([np.full((B, 1), -1), np.concatenate(top)], axis=1).astype(np.int32),
    )


def _worst(nats_BT: Array, n: int) -> Array:
    """Window and place of the dearest tokens, dearest first; equal ones in reading order."""
    # What is no number is no cost that can be told; infinities are the dearest of all.
    flat = np.where(np.isnan(nats_BT), -np.inf, nats_BT).ravel()
    order = np.argsort(-flat, kind="stable")[: min(n, int((~np.isnan(nats_BT)).sum()))]
    return np.stack(np.unravel_index(order, nats_BT.shape), axis=1).astype(np.int32)
