"""The question for one position's way through the residual stream."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar, Literal

import numpy as np

from model.probe.question import Answer, Array, Named, Question

After = Literal["embedding", "attention", "mlp", "block", "norm"]


@dataclass(frozen=True, slots=True)
class StreamAt(Question):
    """The stream at one position, after every half block.

    Its length, the angle between any two places of it, and what attention and MLP add: how long
    that is, and whether it lies along the stream (which then grows) or across it (which turns).

    Attributes:
        position: which.
    """

    name: ClassVar[str] = "stream_at"
    title: ClassVar[str] = "the stream at one position"
    position: int


@dataclass(frozen=True, slots=True)
class Station:
    """A place at which the stream is looked at.

    Attributes:
        name: of the activation.
        after: what came before it: the embedding; the sum with what attention or the MLP adds;
            with both at once, where they work side by side; or a norm that the stream itself
            passes.
        layer: of which block; None before the first.
    """

    name: str
    after: After
    layer: int | None


@dataclass(frozen=True, slots=True)
class Write:
    """Something that is added to the stream.

    Attributes:
        name: of the activation.
        of: attention or MLP.
        layer: of which block.
        station: index of the station that is the sum; the one before it is what it is added to.
    """

    name: str
    of: Literal["attention", "mlp"]
    layer: int
    station: int


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class StreamAtFound(Answer):
    """What was found. Shape suffixes: S stations, W writes. Cosines with a zero vector are NaN.

    Attributes:
        stations: in order.
        writes: in order.
        norms_S: ‖stream‖.
        cosines_SS: of the angle between the stream at two stations.
        writes_W: ‖what is added‖.
        cosines_W: of the angle between what is added and the stream that it is added to.
    """

    stations: tuple[Station, ...]
    writes: tuple[Write, ...]
    norms_S: Array
    cosines_SS: Array
    writes_W: Array
    cosines_W: Array

    def arrays(self) -> Mapping[str, Named]:
        names = np.array([station.name for station in self.stations])
        added = {"write": np.array([write.name for write in self.writes])}
        return {
            "norm": Named(self.norms_S, ("station",), {"station": names}),
            "cosine": Named(
                self.cosines_SS, ("station", "other"), {"station": names, "other": names}
            ),
            "write_norm": Named(self.writes_W, ("write",), added),
            "write_cosine": Named(self.cosines_W, ("write",), added),
        }

    def as_rows(self) -> Mapping[str, list[dict[str, Any]]]:
        return {
            "stations": [
                {"name": one.name, "after": one.after, "layer": one.layer, "norm": norm}
                for one, norm in zip(self.stations, self.norms_S.tolist(), strict=True)
            ],
            "writes": [
                {
                    "name": one.name,
                    "of": one.of,
                    "layer": one.layer,
                    "norm": norm,
                    "cosine_with_stream": cosine,
                }
                for one, norm, cosine in zip(
                    self.writes, self.writes_W.tolist(), self.cosines_W.tolist(), strict=True
                )
            ],
        }
