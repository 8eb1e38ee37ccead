"""What nodes of a graph are compared with, and set to where they are cut out.

Knows activations by their names; no relevance. Shape suffix: T positions.
"""

from __future__ import annotations

from typing import Literal

import torch
from torch import Tensor

from model.bench import Bench
from model.subject import Subject

Kind = Literal["zero", "mean"]


class Baseline:
    """Nothing, the mean over positions, or what another text has in the same place.

    The mean leaves out the first position, where many models park what they don't need: vectors
    a hundred times as long as all others.

    Args:
        bench: holds the model.
        subject: the text.
        kind: nothing or the mean.
        other: another text of as many tokens, instead.
        stop: positions up to here count.
    """

    def __init__(
        self, bench: Bench, subject: Subject, kind: Kind, other: Subject | None, stop: int
    ) -> None:
        self._bench, self._subject, self._other = bench, subject, other
        self._kind, self._stop = kind, stop

    def of(self, name: str, like_T: Tensor) -> Tensor:
        """Of an activation, ``[T, …]``.

        Args:
            name: the activation's, no alias.
            like_T: the text's own.
        """
        if self._other is not None:
            return self._bench.values(self._other, (name,), 0, self._stop)[name][0]
        if self._kind == "zero" or len(like_T) < 2:
            return torch.zeros_like(like_T)
        return like_T[1:].mean(0, keepdim=True).expand_as(like_T)

    def beyond(self, name: str, own_T: Tensor) -> Tensor:
        """What a text's activation has beyond it."""
        return own_T - self.of(name, own_T)

    def named(self, name: str) -> Tensor:
        """`of`, with the text's own activation looked up."""
        own_T = self._bench.values(self._subject, (name,), 0, self._stop)[name][0]
        return self.of(name, own_T)
