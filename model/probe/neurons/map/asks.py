"""The question for a layer's neurons at every token, the rows that are seen."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar, Literal

from model.probe.neurons.asks import By
from model.probe.question import Answer, Array, Named, Question

Order = Literal["text", "token", "number"]


@dataclass(frozen=True, slots=True)
class NeuronMap(Question):
    """A layer's neurons at every token of the text, some rows of them in an order.

    Of a mixture, a neuron's number counts on through the experts (`Neurons`).

    Attributes:
        layer: of which block.
        order: strongest anywhere in the text first, or at one token, or by their numbers.
        position: the token of the order ``token``.
        by: a neuron is strong by the length of what it writes, or by its activation alone.
        first: how many neurons of the order are passed over.
        n: how many follow.
        rows: these neurons instead of an order, by their numbers.
    """

    name: ClassVar[str] = "neuron_map"
    title: ClassVar[str] = "neurons at every token"
    layer: int
    order: Order = "text"
    position: int = -1
    by: By = "write"
    first: int = 0
    n: int = 64
    rows: tuple[int, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class NeuronMapFound(Answer):
    """Some rows, and what concerns them all.

    Attributes:
        order_N: all neurons' numbers in the order, or those that were asked for; the rows are
            those from ``question.first`` on.
        values_RT: activations of the rows; NaN where a token isn't sent to a neuron's expert.
        length_R: of each row, what it writes for an activation of one.
        share_RT: of a mixture, the share of the row's expert at each token; else None.
        place_RT: of a mixture, as which of the chosen experts the row's is asked there, NaN where
            it isn't; else None.
        limit: how strong the strongest neuron of a token is at nine tokens of ten, of the whole
            layer: a few tokens, the first one above all, may have far stronger ones.
        most: how strong the strongest neuron of any token is.
        d_mlp: neurons of the MLP, or of one expert.
    """

    order_N: Array
    values_RT: Array
    length_R: Array
    share_RT: Array | None
    place_RT: Array | None
    limit: float
    most: float
    d_mlp: int

    @property
    def asked(self) -> NeuronMap:
        """The question."""
        assert isinstance(self.question, NeuronMap)
        return self.question

    @property
    def rows_R(self) -> Array:
        """The neurons of the rows."""
        first = self.asked.first
        return self.order_N[first : first + len(self.values_RT)]

    @property
    def drawn_RT(self) -> Array:
        """Activations; or, by what they write, its length with the activation's sign."""
        if self.asked.by == "activation":
            return self.values_RT
        written_RT = self.values_RT * self.length_R[:, None]
        return written_RT if self.share_RT is None else written_RT * self.share_RT

    def index_of(self, row: int, position: int) -> tuple[int, ...]:
        """Where a cell's activation stands in ``hook_post``; empty where there is none."""
        neuron = int(self.rows_R[row])
        if self.place_RT is None:
            return 0, position, neuron
        place = float(self.place_RT[row, position])
        if place != place:
            return ()
        return 0, position, int(place), neuron % self.d_mlp

    def arrays(self) -> Mapping[str, Named]:
        at = {"neuron": self.rows_R}
        axes = ("neuron", "position")
        found = {
            "activation": Named(self.values_RT, axes, at),
            "write_length": Named(self.length_R, ("neuron",), at),
        }
        if self.share_RT is not None:
            found["expert_share"] = Named(self.share_RT, axes, at)
        return found

    @property
    def n_bytes(self) -> int:
        times = 1 if self.share_RT is None else 3
        return self.order_N.nbytes + times * self.values_RT.nbytes
