"""A network that learns under interventions: without residual connections, a mask or norms.

Its weights are an ordinary network's. It is run operation by operation, as it is wherever people
look at it under the same interventions. Knows the network and interventions; no recipe.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from model.checkpoint.fitting import TRAINED_WITHOUT
from model.interventions.applying import apply
from model.interventions.intervention import Intervention
from model.operations import INPUT_IDS, PROBABILITIES, output_name
from model.transformer import Transformer


class Under(nn.Module):
    """Runs a network, which keeps its parameters.

    Args:
        transformer: that is run.
        interventions: under which.
    """

    def __init__(self, transformer: Transformer, interventions: Sequence[Intervention]) -> None:
        super().__init__()
        self._transformer = transformer
        self._tap, self._replace = apply(interventions, transformer.config)
        self._operations = [op for op in transformer.operations if op.output != PROBABILITIES]
        self._output = output_name(transformer.config)

    def forward(self, ids_BT: Tensor) -> Tensor:
        """Logits, ``[B, T, V]``."""
        return self._transformer.execute(
            self._operations, {INPUT_IDS: ids_BT}, (self._output,), self._tap, self._replace
        )[self._output]


def extra_of(step: int, interventions: Sequence[Intervention]) -> dict[str, Any]:
    """What config.json of a run's network says besides its shape.

    Args:
        step: updates that it has had.
        interventions: under which it learned: whoever runs it otherwise runs another network.
    """
    without = [one.words for one in interventions]
    return {"training_step": step} | ({TRAINED_WITHOUT: without} if without else {})


def logits_after(
    transformer: Transformer, interventions: Sequence[Intervention]
) -> Callable[[Sequence[int]], NDArray[np.float32]] | None:
    """What gives the logits after some ids, for `model.generate`; None where nothing is changed."""
    if not interventions:
        return None
    under = Under(transformer, interventions)

    def logits_of(ids: Sequence[int]) -> NDArray[np.float32]:
        there = torch.tensor([list(ids)], device=transformer.embed.weight.device)
        found: NDArray[np.float32] = under(there)[0, -1].float().cpu().numpy()
        return found

    return logits_of
