"""One update after another: batch, loss, gradients, clipping, optimiser.

The part of training that must be quick. Knows the network and its batches; no events, no files.

Shape suffixes: B batch, T position (one more than the network reads: the last is only a target).
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from model.lora.adapter import Adapting
from model.train.batches import Batches
from model.train.dpo import Preferring
from model.train.measure import mean_loss
from model.train.measuring import Measuring
from model.train.optimiser import clip, grad_norm, gradients, optimiser_of, set_rate
from model.train.processes.sharded_state import load_shards
from model.train.processes.shares import Windows, pieces
from model.train.processes.spread import Spread, full_of, take_optimiser, take_whole
from model.train.recipe import Recipe
from model.train.run_folder import STATE, RunError
from model.train.state import TrainingState
from model.train.under import Under


@dataclass(frozen=True, slots=True)
class Update:
    """The numbers of one update; not finite ones mean that the weights were left as they were."""

    step: int
    lr: float
    train_loss: float
    grad_norm: float

    @property
    def finite(self) -> bool:
        return math.isfinite(self.train_loss) and math.isfinite(self.grad_norm)


class Updates:
    """A network that is being trained.

    Args:
        spread: the network over the processes, changed in place; in evaluation mode whenever no
            update is going on.
        recipe: batch size, learning rate and the rest.
        batches: the training text; None where preferences are learned.
        adapting: what of the network learns, where that is an adapter of it alone.
        preferring: what is learned, where that is no text.

    Attributes:
        recipe: its rates are read before each update; another one may take its place.
        step: updates that the network has had.
        measuring: looks at gradients and weights around an update, and changes neither.
        compute_dtype: in which losses are computed, None for the weights'.
    """

    def __init__(
        self,
        spread: Spread,
        recipe: Recipe,
        batches: Batches | None,
        adapting: Adapting | None = None,
        preferring: Preferring | None = None,
    ) -> None:
        self.spread = spread
        under = recipe.interventions(spread.transformer.config.n_layers)
        if under and not spread.group.is_alone:
            raise RunError(
                "Without residual connections, a mask or norms a network is trained by one "
                "process: start it without torchrun."
            )
        if under:
            spread.network = spread.evaluated = Under(spread.transformer, under)
        self.transformer = transformer = spread.transformer
        self.adapting = adapting
        self.preferring = preferring
        learns = transformer if adapting is None else adapting.adapter
        self.compute_dtype = torch.bfloat16 if recipe.precision == "bfloat16" else None
        self.optimiser = optimiser_of(learns, recipe, self.compute_dtype or torch.float32)
        self.step = 0
        self.recipe = recipe
        self._batches = batches
        self._device = transformer.embed.weight.device
        # A GPU computes while Python goes on; waiting for each loss would leave it idle.
        self._late = self._device.type != "cpu"
        self._in_flight: tuple[int, float, Tensor] | None = None
        self.measuring: Measuring | None = None

    def advance(self) -> Update | None:
        """Make the next update.

        Returns:
            Its numbers. On a GPU those of the update before, which are there by now, and None
            at the first.
        """
        if not self._late:
            return self._update_on_cpu()
        before, self._in_flight = self._in_flight, self._enqueue()
        return None if before is None else _read(*before)

    def land(self) -> Update | None:
        """The numbers of the update that is still on its way, if there is one."""
        before, self._in_flight = self._in_flight, None
        return None if before is None else _read(*before)

    def take(self, state: TrainingState, run_dir: Path) -> None:
        """Go on from a saved state, whole or in shards, into a network of either kind.

        Raises:
            RunError: it is damaged, or of another network.
        """
        if state.shards:
            folder = run_dir / STATE / state.shards
            load_shards(folder, self.transformer, self.optimiser, self.spread.group)
        else:
            take_whole(self.transformer, state.transformer)
            take_optimiser(self.optimiser, state.optimiser)
        if self.adapting is not None:
            self.adapting.adapter.load_state_dict(state.adapter)
            self.adapting.write()
        self.step = state.step

    def adapter_state(self) -> dict[str, Tensor]:
        """The factors of an adapter that learns; empty where there is none."""
        return {} if self.adapting is None else self.adapting.adapter.state_dict()

    def weights_are_finite(self) -> bool:
        """Whether every weight is a finite number; asked by all processes."""
        return self.spread.weights_are_finite()

    def _update_on_cpu(self) -> Update:
        # The numbers are there at once: an update that would ruin the weights is not made, and
        # gradients that are short enough are not multiplied by one.
        step, lr = self.step + 1, self.recipe.learning_rate(self.step + 1)
        loss, norm = self._backward(step)
        if self.measuring is not None:
            self.measuring.before(step)
        update = _read(step, lr, torch.stack((loss, full_of(norm))))
        if update.finite:
            limit = self.recipe.grad_clip
            if limit and update.grad_norm > limit:
                clip(self.optimiser, limit, norm)
            self._apply(lr)
            if self.measuring is not None:
                self.measuring.after(step)
        self.optimiser.zero_grad(set_to_none=True)
        return update

    def _enqueue(self) -> tuple[int, float, Tensor]:
        step, lr = self.step + 1, self.recipe.learning_rate(self.step + 1)
        loss, norm = self._backward(step)
        if self.measuring is not None:
            self.measuring.before(step)
        if self.recipe.grad_clip:
            clip(self.optimiser, self.recipe.grad_clip, norm)
        self._apply(lr)
        if self.measuring is not None:
            self.measuring.after(step)
        self.optimiser.zero_grad(set_to_none=True)
        return step, lr, torch.stack((loss, full_of(norm)))

    def _backward(self, step: int) -> tuple[Tensor, Tensor]:
        """Loss and norm of the gradients of a step, which lie at the parameters then."""
        group, most = self.spread.group, self.recipe.micro_batch
        if self.preferring is not None:
            return self._backward_of_choices(self.preferring, step)
        assert self._batches is not None
        loss: Tensor | None = None
        for piece in pieces(self._batches.at(step), group.rank, group.size, most):
            with self.spread.syncing(piece.is_last), self._dropping(step, piece.first):
                mean = self._mean_loss(piece.windows_BT)
                # What stands for the whole batch: its pieces' losses sum to the batch's mean.
                part = mean if piece.weight == 1 else mean * piece.weight
                (part if group.is_alone else part * self.spread.factor).backward()
            loss = part.detach() if loss is None else loss + part.detach()
        assert loss is not None  # a batch has one piece at least
        if self.adapting is not None:
            self.adapting.pull_back()
        return group.sum(loss), grad_norm(gradients(self.optimiser))

    def _backward_of_choices(self, preferring: Preferring, step: int) -> tuple[Tensor, Tensor]:
        with self._dropping(step, 0):
            loss = preferring.loss(step)
            loss.backward()
        if self.adapting is not None:
            self.adapting.pull_back()
        return loss.detach(), grad_norm(gradients(self.optimiser))

    def _mean_loss(self, windows_BT: Windows) -> Tensor:
        there = torch.from_numpy(windows_BT).to(self._device, non_blocking=True)
        with self.transformer.computing_in(self.compute_dtype):
            answer_at = 0 if self._batches is None else self._batches.answer_at
            return mean_loss(self.spread.network, there, answer_at)

    def _apply(self, lr: float) -> None:
        set_rate(self.optimiser, lr)
        self.optimiser.step()
        if self.adapting is not None:
            self.adapting.write()
        self.step += 1

    @contextmanager
    def _dropping(self, step: int, first: int) -> Iterator[None]:
        """Training mode while dropout draws, from a seed of the step's own.

        So a run that is resumed drops the same, in other processes and pieces something else.

        Args:
            step: which.
            first: the row of the batch with which the piece begins.
        """
        if not self.recipe.dropout:
            yield
            return
        of = (self.recipe.seed, step, first) if first else (self.recipe.seed, step)
        words = np.random.SeedSequence(of).generate_state(1, np.uint64)
        seed = int(words[0] >> np.uint64(1))
        on_cpu = self._device.type == "cpu"
        state = torch.default_generator.get_state() if on_cpu else None
        if on_cpu:
            torch.default_generator.manual_seed(seed)
        else:
            getattr(torch, self._device.type).manual_seed(seed)
        self.transformer.train()
        try:
            yield
        finally:
            self.transformer.eval()
            if state is not None:  # the person's own script may count on it
                torch.default_generator.set_state(state)


def _read(step: int, lr: float, loss_and_norm: Tensor) -> Update:
    train_loss, norm = loss_and_norm.tolist()
    return Update(step, lr, train_loss, norm)
