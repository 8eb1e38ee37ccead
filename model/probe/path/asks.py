"""The question for the way of positions through the layers, on the vocabulary's axes."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar, Literal

from model.config import TransformerConfig
from model.probe.question import Answer, Array, Named, Question
from model.space.projections.asks import Direction, PrincipalAxes, SumPlane, WordAxes
from model.space.registry import Projection


@dataclass(frozen=True, slots=True)
class Station:
    """One place at which the residual stream is looked at.

    Attributes:
        name: of the activation.
        label: a few letters.
    """

    name: str
    label: str


def stations(config: TransformerConfig) -> tuple[Station, ...]:
    """The residual stream from the embedding to the last block, in order."""
    found = [Station("hook_embed", "embed")]
    if config.positions in ("learned", "sinusoidal"):
        found.append(Station("blocks.0.hook_resid_pre", "+ position"))
    elif config.norms.embedding:
        found.append(Station("blocks.0.hook_resid_pre", "normed"))
    # Where the stream is normed after each sum, it goes on from there.
    left = "normalized_resid_post" if config.norms.placement == "post" else "resid_post"
    found += [
        Station(f"blocks.{layer}.hook_{left}", f"L{layer}") for layer in range(config.n_layers)
    ]
    return tuple(found)


@dataclass(frozen=True, slots=True)
class Path(Question):
    """Where positions are at every station.

    Attributes:
        positions: which; empty for all.
        matrix: on the axes of which table of token vectors: its first principal ones.
        principal: which three of those, counted from 0.
        plane: of a sum of words, (sign, token id) each, in whose plane the first two axes lie
            instead; empty for none.
        expected: the token to which the third axis goes then; -1 for the nearest.
        plus, minus: the ids of each side of directions that are the axes instead; empty for none.
    """

    name: ClassVar[str] = "path"
    title: ClassVar[str] = "path through the layers"
    positions: tuple[int, ...] = ()
    matrix: Literal["W_E", "W_U"] = "W_E"
    principal: tuple[int, int, int] = (0, 1, 2)
    plane: tuple[tuple[int, int], ...] = ()
    expected: int = -1
    plus: tuple[tuple[int, ...], ...] = ()
    minus: tuple[tuple[int, ...], ...] = ()

    @classmethod
    def on(cls, how: Projection, positions: tuple[int, ...], matrix: Literal["W_E", "W_U"]) -> Path:
        """The question for the axes of a projection that has some."""
        match how:
            case SumPlane():
                return cls(positions, matrix, plane=how.terms, expected=how.expected)
            case WordAxes():
                plus = tuple(direction.plus for direction in how.directions)
                minus = tuple(direction.minus for direction in how.directions)
                return cls(positions, matrix, plus=plus, minus=minus)
            case PrincipalAxes():
                return cls(positions, matrix, principal=how.axes)
        raise ValueError(f"The projection {how.name} has no axes.")

    @property
    def how(self) -> Projection:
        """The projection."""
        if self.plus:
            minus = self.minus or ((),) * len(self.plus)
            sides = zip(self.plus, minus, strict=True)
            return WordAxes(tuple(Direction(plus, less) for plus, less in sides))
        if self.plane:
            return SumPlane(self.plane, self.expected)
        return PrincipalAxes(self.principal)


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class PathFound(Answer):
    """The ways.

    Attributes:
        stations: where the stream was looked at, S of them.
        positions: which positions, P of them.
        projected_PS3: each vector times the three axes, not centred: ``v · axesᵀ``.
        lengths_PS: of the vectors.
    """

    stations: tuple[Station, ...]
    positions: tuple[int, ...]
    projected_PS3: Array
    lengths_PS: Array

    def arrays(self) -> Mapping[str, Named]:
        import numpy as np

        at = {
            "position": np.array(self.positions),
            "station": np.array([station.name for station in self.stations]),
        }
        return {
            "projected": Named(self.projected_PS3, ("position", "station", "axis"), at),
            "length": Named(self.lengths_PS, ("position", "station"), at),
        }
