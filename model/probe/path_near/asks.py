"""The question for what is near a position's vector at every station of its way."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar, Literal

import numpy as np

from model.probe.path.asks import Station
from model.probe.question import Answer, Array, Named, Question
from model.space.questions.asks import Metric


@dataclass(frozen=True, slots=True)
class PathNear(Question):
    """Which tokens' vectors are near the residual stream of a position, after every layer?

    Raw: the stream as it is, without the final norm, against the whole table. By dot product with
    ``W_U`` it is the logit lens without that norm.

    Attributes:
        position: whose stream.
        k: how many tokens at every station.
        matrix: vectors of which table.
        metric: cosine, dot product, or Euclidean distance (small is near).
    """

    name: ClassVar[str] = "path_near"
    title: ClassVar[str] = "neighbours through the layers"
    position: int
    k: int = 12
    matrix: Literal["W_E", "W_U"] = "W_E"
    metric: Metric = "cosine"


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class PathNearFound(Answer):
    """The nearest at every station. Shape suffixes: S stations, k tokens, D d_model.

    Attributes:
        stations: where the stream was looked at.
        ids_Sk: nearest first; -1 where the vector points nowhere or is not finite.
        values_Sk: how near each is; NaN there.
        vectors_SD: the stream itself.
    """

    stations: tuple[Station, ...]
    ids_Sk: Array
    values_Sk: Array
    vectors_SD: Array

    @property
    def turned_S(self) -> Array:
        """The cosine of each station's vector with the first one's."""
        return cosines(self.vectors_SD, self.vectors_SD[:1])

    def cosines_with(self, other: PathNearFound) -> Array:
        """The cosine of each station's vector with that of another text's position there."""
        return cosines(self.vectors_SD, other.vectors_SD)

    def arrays(self) -> Mapping[str, Named]:
        at = {"station": np.array([station.name for station in self.stations])}
        return {
            "token": Named(self.ids_Sk, ("station", "place"), at),
            "nearness": Named(self.values_Sk, ("station", "place"), at),
            "vector": Named(self.vectors_SD, ("station", "dimension"), at),
            "turned": Named(self.turned_S, ("station",), at),
        }

    def as_rows(self) -> Mapping[str, list[dict[str, Any]]]:
        return {
            "neighbours": [
                {"after": station.label, "name": station.name, "id": token, "nearness": value}
                for station, ids, values in zip(
                    self.stations, self.ids_Sk.tolist(), self.values_Sk.tolist(), strict=True
                )
                for token, value in zip(ids, values, strict=True)
                if token >= 0
            ]
        }


def cosines(a_SD: Array, b_SD: Array) -> Array:
    """Row by row, in float64; NaN where a vector is zero or not finite."""
    a, b = a_SD.astype(np.float64), b_SD.astype(np.float64)
    with np.errstate(divide="ignore", invalid="ignore"):
        found = (a * b).sum(1) / (np.linalg.norm(a, axis=1) * np.linalg.norm(b, axis=1))
    return np.clip(np.where(np.isfinite(found), found, np.nan), -1, 1)
