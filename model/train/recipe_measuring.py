"""Measuring what a recipe will take: parameters, memory and time of a few of its own updates.

The network is made, and learns from random tokens for a moment; its numbers are the machine's, only
the sum over all steps is reckoned. Knows recipe, updates and network; no run folder.
"""

from __future__ import annotations

import time
from collections.abc import Generator, Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np
import torch
from torch import Tensor

from model.tokenizer.tokenizer import TokenizerError
from model.train.batches import Batches
from model.train.estimate import Estimate
from model.train.measure import mean_loss
from model.train.optimiser import warm_up
from model.train.parts import with_precision
from model.train.places import names_a_file
from model.train.processes.group import ALONE
from model.train.processes.spread import spread_out
from model.train.recipe import Recipe, RecipeError
from model.train.tasks.chosen import chosen_task, is_task
from model.train.tokenizer_choice import tokenizer_at
from model.train.updates import Updates

MOST_SECONDS = 1.5
"""So long steps are measured, after the first; one at least."""
MOST_STEPS = 20
CHARACTERS = 100
"""Assumed of a text whose characters are its tokens: how many it has is known once it is read."""


def measuring(recipe: Recipe, device: str) -> Generator[float, None, Estimate]:
    """Measure a recipe, in slices of an update each.

    Yields:
        How much is done, 0 to 1.

    Raises:
        RecipeError: it can't be run.
        TokenizerError: its tokenizer can't be read.
    """
    recipe.validate()
    if recipe.tuning:
        raise RecipeError(
            "The time of a fine-tuning is not measured before it begins: start it, and its first "
            "steps tell."
        )
    d_vocab = _vocabulary(recipe)
    config = recipe.config(d_vocab)
    yield 0.0
    warm_up()
    recipe = with_precision(recipe, device)
    spread = spread_out(
        config, ALONE, device, sharded=False, seed=recipe.seed, first=recipe.first_weights
    )
    yield 0.1
    n = max(4 * recipe.n_ctx, 4_096) + 1
    ids = np.random.default_rng(0).integers(d_vocab, size=n).astype(np.uint32)
    batches = Batches(ids, recipe.batch_size, recipe.n_ctx, 0)
    updates = Updates(spread, recipe, batches)
    with _counting(set(map(_place, spread.transformer.parameters()))) as kept:
        updates.advance()
        updates.land()
    yield 0.3
    seconds: list[float] = []
    while len(seconds) < MOST_STEPS and sum(seconds) < MOST_SECONDS:
        began = time.perf_counter()
        updates.advance()
        updates.land()
        seconds.append(time.perf_counter() - began)
        yield 0.3 + 0.6 * max(len(seconds) / MOST_STEPS, min(1.0, sum(seconds) / MOST_SECONDS))
    began = time.perf_counter()
    with spread.evaluating(), spread.transformer.computing_in(updates.compute_dtype):
        windows = torch.from_numpy(batches.at(1)).to(device)
        float(mean_loss(spread.evaluated, windows))
    forward = time.perf_counter() - began
    parameters = list(spread.transformer.parameters())
    n_params = sum(p.numel() for p in parameters)
    state = (value for kept_of in updates.optimiser.state.values() for value in kept_of.values())
    return Estimate(
        recipe=recipe,
        n_params=n_params,
        d_vocab=d_vocab,
        step_seconds=float(np.median(seconds)),
        forward_seconds=forward,
        n_steps_measured=len(seconds),
        weights_bytes=2 * sum(p.numel() * p.element_size() for p in parameters),
        optimiser_bytes=sum(v.numel() * v.element_size() for v in state if isinstance(v, Tensor)),
        activation_bytes=sum(kept.values()),
    )


def _vocabulary(recipe: Recipe) -> int:
    if recipe.bpe_size is not None:
        return recipe.bpe_size
    if names_a_file(recipe.tokenizer):
        found = tokenizer_at(recipe.tokenizer)
        if not found.n_tokens:
            raise TokenizerError(f"{recipe.tokenizer} has no tokens.")
        return found.n_tokens
    if is_task(recipe.data):
        return chosen_task(recipe.data).d_vocab
    return CHARACTERS


@contextmanager
def _counting(weights: set[int]) -> Iterator[dict[int, int]]:
    """The bytes of what is kept for the backward pass, by place in memory; without the weights."""
    kept: dict[int, int] = {}

    def pack(tensor: Tensor) -> Tensor:
        place = _place(tensor)
        if place not in weights:
            kept[place] = max(kept.get(place, 0), tensor.untyped_storage().nbytes())
        return tensor

    def unpack(tensor: Any) -> Any:
        return tensor

    with torch.autograd.graph.saved_tensors_hooks(pack, unpack):
        yield kept


def _place(tensor: Tensor) -> int:
    return tensor.untyped_storage().data_ptr()
