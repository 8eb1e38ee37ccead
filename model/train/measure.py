"""What is measured of a network between two steps: validation loss, and a text that it writes.

Both are generators that work in slices, so that a request can be answered in between. Knows the
network and the tokenizer; no optimiser, no run folder.
"""

from __future__ import annotations

from collections.abc import Generator, Sequence

import numpy as np
import torch
import torch.nn.functional as F
from numpy.typing import NDArray
from torch import Tensor, nn

from model.generate import generate
from model.interventions.intervention import Intervention
from model.sampling import Sampling
from model.tokenizer.tokenizer import Tokenizer
from model.train.events import Working
from model.train.processes.shares import pieces
from model.train.processes.spread import Spread
from model.train.under import logits_after
from model.transformer import Transformer

_SAMPLE = Sampling(temperature=0.8)
_SLICE = 4
"""Tokens of a sample that are drawn in one go."""


def mean_loss(network: nn.Module, windows_BT: Tensor, answer_at: int = 0) -> Tensor:
    """Mean cross-entropy of every token after its context, nats.

    Args:
        network: a transformer, or what runs one.
        windows_BT: ids, one more than the network reads: the last is only a target.
        answer_at: the token of a window from which on they count; 0 for all that have a context.
    """
    first = max(1, answer_at)
    logits_BTV = network(windows_BT[:, :-1])[:, first - 1 :]
    logits_NV = logits_BTV.flatten(0, 1)
    if logits_NV.dtype is torch.bfloat16:  # sums over the vocabulary need more digits
        logits_NV = logits_NV.float()
    return F.cross_entropy(logits_NV, windows_BT[:, first:].flatten())


def validate(
    spread: Spread,
    batches: Sequence[NDArray[np.int64]],
    device: str,
    step: int,
    most: int = 0,
    dtype: torch.dtype | None = None,
    *,
    answer_at: int = 0,
) -> Generator[Working, None, float]:
    """Mean loss over all tokens of some batches, nats; a slice is a batch.

    Args:
        spread: the network; each of several processes takes its share of every batch.
        batches: windows.
        device: of this process.
        step: for what is told.
        most: windows that go through the network at once; 0 for all of a batch.
        dtype: in which it is computed; None for the weights'.
        answer_at: as of `mean_loss`.
    """
    group = spread.group
    total = 0.0
    n = sum(map(len, batches))
    for done, batch in enumerate(batches):
        for piece in pieces(batch, group.rank, group.size, most):
            # Entered anew for each: the mode must not leak out of a generator that waits.
            with spread.evaluating(), spread.transformer.computing_in(dtype):
                there = torch.from_numpy(piece.windows_BT).to(device)
                loss = mean_loss(spread.evaluated, there, answer_at)
            total += loss.item() * piece.weight * len(batch)
        yield Working(step, "evaluating", done + 1, len(batches))
    return group.sum(torch.tensor(total, dtype=torch.float64)).item() / n


def exact_match(
    spread: Spread,
    batches: Sequence[NDArray[np.int64]],
    device: str,
    step: int,
    answer_at: int,
    most: int = 0,
    dtype: torch.dtype | None = None,
) -> Generator[Working, None, float]:
    """The share of examples whose whole answer is right; a slice is a batch.

    Each token of an answer is the likeliest one after what stands before it, so that these are
    the answers that a greedy generation writes.

    Args:
        spread, device, step, most, dtype: as of `validate`.
        batches: examples, ``[b, T]`` each.
        answer_at: the token with which answers begin.
    """
    group = spread.group
    right = 0.0
    n = sum(map(len, batches))
    for done, batch in enumerate(batches):
        for piece in pieces(batch, group.rank, group.size, most):
            with spread.evaluating(), spread.transformer.computing_in(dtype):
                there = torch.from_numpy(piece.windows_BT).to(device)
                best_BA = spread.evaluated(there[:, :-1])[:, answer_at - 1 :].argmax(-1)
            share = (best_BA == there[:, answer_at:]).all(-1).double().mean().item()
            right += share * piece.weight * len(batch)
        yield Working(step, "evaluating", done + 1, len(batches))
    return group.sum(torch.tensor(right, dtype=torch.float64)).item() / n


def sample(
    transformer: Transformer,
    tokenizer: Tokenizer,
    prompt_ids: Sequence[int],
    n_tokens: int,
    seed: int,
    step: int,
    interventions: Sequence[Intervention] = (),
) -> Generator[Working, None, str]:
    """A text that the network goes on with, the prompt included; a slice is a few tokens."""
    end = tokenizer.end_of_text
    ids = list(prompt_ids)
    steps = generate(
        transformer,
        ids,
        n_tokens,
        _SAMPLE,
        np.random.default_rng((seed, step)),
        stop_ids=() if end is None else (end,),
        logits_of=logits_after(transformer, interventions),
    )
    for done, drawn in enumerate(steps, start=1):
        ids.append(drawn.token_id)
        if done % _SLICE == 0:
            yield Working(step, "sampling", done, n_tokens)
    return tokenizer.decode(ids)
