"""Direct preference optimisation (Rafailov et al. 2023, arXiv:2305.18290).

Of a prompt x the continuation y_w is preferred to y_l. With π the network that learns and π_ref the
network as it was, the *margin* of a pair is

    β [log π(y_w|x) − log π_ref(y_w|x)] − β [log π(y_l|x) − log π_ref(y_l|x)]

and its loss −log σ(margin): log 2 before the first step, less once y_w has gained on y_l. Knows the
network and pairs in tokens; no file, no optimiser.

Shapes: P pairs, S sequences (the chosen ones, then the rejected), T positions, V tokens.
"""

from __future__ import annotations

from collections.abc import Generator, Sequence
from dataclasses import dataclass

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from model.train.preferences import Pair
from model.transformer import Transformer

AT_ONCE = 16
"""Pairs that go through the network together where nothing is learned."""


@dataclass(frozen=True, slots=True)
class Margins:
    """What the network makes of every pair.

    Attributes:
        margins: one a pair; above 0 the preferred text has gained on the other.
        chosen, rejected: log π − log π_ref of both texts, nats.
        loss: mean of −log σ(margin).
    """

    margins: tuple[float, ...]
    chosen: tuple[float, ...]
    rejected: tuple[float, ...]
    loss: float

    @property
    def share(self) -> float:
        """Of how many pairs the margin is above 0."""
        return sum(margin > 0 for margin in self.margins) / len(self.margins)


def log_probabilities(network: nn.Module, pairs: Sequence[Pair], device: str = "cpu") -> Tensor:
    """Σ log π of the tokens of every continuation, ``[2, P]``: chosen, then rejected; nats."""
    sequences = [(p.prompt_ids, p.chosen_ids) for p in pairs]
    sequences += [(p.prompt_ids, p.rejected_ids) for p in pairs]
    longest = max(len(prompt) + len(text) for prompt, text in sequences)
    ids_ST = torch.zeros(len(sequences), longest, dtype=torch.int64)
    counts_ST = torch.zeros(len(sequences), longest)
    for row, (prompt, text) in enumerate(sequences):
        end = len(prompt) + len(text)
        ids_ST[row, :end] = torch.tensor((*prompt, *text))
        counts_ST[row, len(prompt) : end] = 1
    ids_ST, counts_ST = ids_ST.to(device), counts_ST.to(device)
    # What is padded comes after all that counts, and a causal network looks back only.
    logits_STV = network(ids_ST[:, :-1])
    minus_S_T = F.cross_entropy(
        logits_STV.flatten(0, 1).float(), ids_ST[:, 1:].flatten(), reduction="none"
    )
    each_S = -(minus_S_T.view(len(sequences), -1) * counts_ST[:, 1:]).sum(1)
    return each_S.view(2, len(pairs))


def dpo_margins(policy_2P: Tensor, reference_2P: Tensor, beta: float) -> Tensor:
    """The margin of every pair, ``[P]``."""
    gained_2P = policy_2P - reference_2P
    return beta * (gained_2P[0] - gained_2P[1])


def dpo_loss(policy_2P: Tensor, reference_2P: Tensor, beta: float) -> Tensor:
    """Mean of −log σ(margin)."""
    return -F.logsigmoid(dpo_margins(policy_2P, reference_2P, beta)).mean()


class Preferring:
    """A network that learns what a person prefers.

    Args:
        network: as it is before anything is learned: its probabilities are the reference's.
        pairs: the choices.
        beta: how little it may move away from the reference: higher is less.
        batch_size: pairs a step; all of them where there are no more.
        seed: of which pairs a step takes.
    """

    def __init__(
        self,
        network: Transformer,
        pairs: Sequence[Pair],
        beta: float,
        batch_size: int,
        seed: int,
    ) -> None:
        self.pairs = tuple(pairs)
        self._network, self._beta = network, beta
        self._batch_size, self._seed = batch_size, seed
        self._device = str(network.embed.weight.device)
        with torch.no_grad():
            parts = [log_probabilities(network, some, self._device) for some in self._bunches()]
        self.reference_2P = torch.cat(parts, dim=1)

    def loss(self, step: int) -> Tensor:
        """Of the pairs of update number ``step``; differentiable."""
        chosen = list(range(len(self.pairs)))
        if len(chosen) > self._batch_size:
            generator = np.random.Generator(
                np.random.Philox(key=self._seed, counter=[0, 0, 0, step])
            )
            chosen = generator.choice(len(chosen), self._batch_size, replace=False).tolist()
        policy_2P = log_probabilities(self._network, [self.pairs[i] for i in chosen], self._device)
        return dpo_loss(policy_2P, self.reference_2P[:, chosen], self._beta)

    def measure(self) -> Generator[float, None, Margins]:
        """Of all pairs, as the network is now; yields the share done."""
        parts: list[Tensor] = []
        for done, some in enumerate(self._bunches(), 1):
            with torch.inference_mode():
                parts.append(log_probabilities(self._network, some, self._device).cpu())
            yield min(1.0, done * AT_ONCE / len(self.pairs))
        policy_2P, reference_2P = torch.cat(parts, dim=1), self.reference_2P.cpu()
        gained_2P = policy_2P - reference_2P
        margins = dpo_margins(policy_2P, reference_2P, self._beta)
        return Margins(
            tuple(margins.tolist()),
            tuple(gained_2P[0].tolist()),
            tuple(gained_2P[1].tolist()),
            float(-F.logsigmoid(margins.double()).mean()),
        )

    def _bunches(self) -> list[tuple[Pair, ...]]:
        return [self.pairs[at : at + AT_ONCE] for at in range(0, len(self.pairs), AT_ONCE)]
