"""A direction is added to the residual stream: what one text has there and another has not."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

from model.config import TransformerConfig
from model.interventions.intervention import (
    Intervention,
    no_ids,
    no_layer,
    out_of_range,
    positions_words,
    quoted,
)
from model.interventions.window import Ids, Window
from model.operations import streams

if TYPE_CHECKING:
    from torch import Tensor


@dataclass(frozen=True, slots=True)
class Steer(Intervention):
    """A steering vector (activation addition, Turner et al. 2023, arXiv 2308.10248).

    The vector is the residual stream after a block at the last position of one text, minus that of
    another; both run as they are.

    Attributes:
        layer: index of the block behind which it is added.
        plus: tokens of the text, or the word, towards which it leads.
        minus: tokens of the one from which it leads away; empty subtracts nothing.
        factor: how often it is added; below 0 it leads the other way, 0 changes nothing.
        positions: where it is added; everywhere if empty.
        plus_text, minus_text: both as they were typed, for who reads it.
    """

    kind: ClassVar[str] = "steer"
    title: ClassVar[str] = "Add a steering direction"

    layer: int
    plus: Ids
    minus: Ids = ()
    factor: float = 1.0
    positions: Ids = ()
    plus_text: str = ""
    minus_text: str = ""

    def operations(self, config: TransformerConfig) -> tuple[str, ...]:
        return (streams(config)[self.layer + 1],)

    def refusal(self, config: TransformerConfig) -> str:
        why = no_layer(config, self.layer) or no_ids(config, self.plus, "The text to steer to")
        if not why and self.minus:
            why = no_ids(config, self.minus, "The text to steer from")
        for at in self.positions:
            why = why or out_of_range("position", at, config.n_ctx)
        return why

    @property
    def words(self) -> str:
        towards = quoted(self.plus_text, self.plus)
        if self.minus:
            towards += f" − {quoted(self.minus_text, self.minus)}"
        return (
            f"+ {self.factor:g} × ({towards}) after layer {self.layer}"
            f"{positions_words(self.positions)}"
        )

    @property
    def reads(self) -> tuple[Ids, ...]:
        return (self.plus, self.minus) if self.minus else (self.plus,)

    def change_in(self, name: str, tensor: Tensor, window: Window) -> Tensor:
        rows = window.rows(self.positions, tensor.shape[1])
        if not rows or not self.factor:
            return tensor
        vector_BD = self._last(name, self.plus, window)
        if self.minus:
            vector_BD = vector_BD - self._last(name, self.minus, window)
        resid_BTD = tensor.clone()
        resid_BTD[:, rows] += self.factor * vector_BD[:, None].to(tensor.dtype)
        return resid_BTD

    def _last(self, name: str, ids: Ids, window: Window) -> Tensor:
        """The stream at a text's last position, ``[1, D]``."""
        return window.read(ids, name, len(ids) - 1, len(ids))[:, -1]
