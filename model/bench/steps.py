"""The weights of other steps of a model on the bench: where they are, and the last few in memory.

Knows how a step is read (`model.checkpoint.opening`); no subject, no stream.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Generator
from pathlib import Path

import torch

from model.checkpoint.opening import reading_step
from model.slices import finish
from model.transformer import Transformer

AT_LEAST = 2
"""Steps that are kept whatever they take: the one in view, and the one that it is compared with."""


class StepWeights:
    """Of one model.

    Args:
        like: the model's network; other steps are read in its dtype, to where it lies.

    Attributes:
        own: the step that ``like`` is of; None for a model that learns, or where it is not known.
        paths: by step, what is read.
    """

    def __init__(self, like: Transformer) -> None:
        self.own: int | None = None
        self.paths: dict[int, Path] = {}
        self._like = like
        self._device = str(like.embed.weight.device)
        self._loaded: OrderedDict[int, Transformer] = OrderedDict()
        self._one = sum(p.numel() * p.element_size() for p in like.parameters())

    @property
    def n_bytes(self) -> int:
        """Memory that steps take besides the model itself."""
        return self._one * len(self._loaded)

    def has(self, step: int) -> bool:
        """Whether a step's weights are in memory."""
        return step == self.own or step in self._loaded

    def knows(self, step: int | None) -> bool:
        """Whether a step can be had, now and later."""
        return step is not None and (step == self.own or step in self.paths)

    def reading(self, step: int) -> Generator[None, None, Transformer]:
        """A step's network, read in slices if it isn't there.

        Raises:
            KeyError: nobody knows where it is.
            CheckpointError: it can't be read, or is another network.
        """
        if step == self.own:
            return self._like
        if step not in self._loaded:
            slices = reading_step(self.paths[step], self._like, self._device)
            try:
                while True:
                    try:
                        # Whoever looks at activations asks in inference mode: weights that are
                        # made there are of no use to gradients, for as long as they are kept.
                        with torch.inference_mode(False):
                            next(slices)
                    except StopIteration as stop:
                        network: Transformer = stop.value
                        break
                    yield
            finally:
                slices.close()
            self._loaded[step] = network
        self._loaded.move_to_end(step)
        return self._loaded[step]

    def network(self, step: int) -> Transformer:
        """The same at once."""
        return finish(self.reading(step))

    def keep_within(self, n_bytes: int) -> None:
        """Let go of the steps that were looked at longest ago, until the rest takes so much."""
        while len(self._loaded) > AT_LEAST and self.n_bytes > n_bytes:
            self._loaded.popitem(last=False)
