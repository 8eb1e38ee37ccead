"""The question for the cost surface around the weights."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar, Literal

import numpy as np

from model.probe.question import Answer, Array, Named, Question

MOST = 201
"""Points of a side at most: 40,000 losses."""


@dataclass(frozen=True, slots=True)
class Landscape(Question):
    """The loss of a fixed batch over a plane through the current weights.

    Random directions are scaled filter by filter to the length of the weights' own, biases and
    norms left alone (Li et al. 2018, arXiv:1712.09913). The principal ones are the first two of
    the steps that the run kept, by their Gram matrix.

    Attributes:
        method: random for filter-normalised directions, pca for those of the run's path.
        grid: points of a side, odd; the first answers have 3, 5, 11 and 25 of them.
        radius: how far it goes: of random directions in lengths of the weights' own filters; of
            the path 1 has all of it in view.
        seed: of random directions.
        part: of the text that the batch is cut from.
        batch: its number; of validation from 0, of training the update, from 1; -1 for the first,
            or the one that is learned next.
        file: a text file instead of the run's text.
    """

    name: ClassVar[str] = "landscape"
    title: ClassVar[str] = "cost surface"
    of_text: ClassVar[bool] = False
    later: ClassVar[bool] = True
    method: Literal["random", "pca"] = "random"
    grid: int = 25
    radius: float = 1.0
    seed: int = 0
    part: Literal["training", "validation"] = "validation"
    batch: int = -1
    file: str = ""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class LandscapeFound(Answer):
    """The surface so far. Shape suffixes: X, Y lines of the slice, S kept steps of the run.

    Every number is a measured loss; between coarse lines, which lie unevenly, nothing is known.

    Attributes:
        a_X, b_Y: where the slice was cut: multiples of the two directions, 0 is the weights
            themselves.
        loss_YX: float32 mean loss of the batch, nats; infinite or NaN where it is no number.
        centre: of the weights as they are: the value at a = b = 0.
        unit: of both axes, in words.
        norms: lengths of the two directions, over all weights.
        cosine: between them.
        steps_S: of the run that were kept and lie on the picture; empty where there is no run.
        path_S2: their places on the plane, in the axes' units: the nearest point of it.
        path_loss_S: the loss of each step's own weights on the batch; NaN while it is to come.
        off_S: how far each step lies from the plane, as a share of its distance from the centre.
        share: (of `Answer`) how much is done.
        variance: the share of the path's variance that lies in the plane; NaN without a path.
        n_left_out: kept steps that are not on the picture, for want of memory.
        step: of the weights in the centre; None where it is not known.
        n_weights: numbers that the plane is cut through.
        windows, length: of the batch; tokens that are predicted are their product.
        number: of the batch.
        source: what text it is.
        no_path: why there is no path; empty if there is one.
    """

    a_X: Array
    b_Y: Array
    loss_YX: Array
    centre: float
    unit: str
    norms: tuple[float, float]
    cosine: float
    steps_S: Array
    path_S2: Array
    path_loss_S: Array
    off_S: Array
    variance: float
    n_left_out: int
    step: int | None
    n_weights: int
    windows: int
    length: int
    number: int
    source: str
    no_path: str = ""

    def arrays(self) -> Mapping[str, Named]:
        found = {
            "loss": Named(self.loss_YX, ("b", "a"), {"a": self.a_X, "b": self.b_Y}),
        }
        if len(self.steps_S):
            at = {"step": self.steps_S}
            found |= {
                "path": Named(
                    self.path_S2, ("step", "direction"), {**at, "direction": np.array(["a", "b"])}
                ),
                "path_loss": Named(self.path_loss_S, ("step",), at),
                "path_off_plane": Named(self.off_S, ("step",), at),
            }
        return found

    def as_rows(self) -> Mapping[str, list[dict[str, Any]]]:
        lowest_y, lowest_x = self.lowest
        return {
            "surface": [
                {
                    "centre": self.centre,
                    "lowest": float(self.loss_YX[lowest_y, lowest_x]),
                    "lowest_a": float(self.a_X[lowest_x]),
                    "lowest_b": float(self.b_Y[lowest_y]),
                    "highest": float(np.nanmax(self.loss_YX, initial=-np.inf)),
                    "path_variance_in_plane": self.variance,
                    "step": self.step,
                    "unit": self.unit,
                    "cosine": self.cosine,
                    "text": self.source,
                    "batch": self.number,
                    "windows": self.windows,
                    "length": self.length,
                    "no_path": self.no_path,
                }
            ],
            "path": [
                {
                    "step": int(self.steps_S[at]),
                    "a": float(self.path_S2[at, 0]),
                    "b": float(self.path_S2[at, 1]),
                    "loss": float(self.path_loss_S[at]),
                    "off_plane": float(self.off_S[at]),
                }
                for at in range(len(self.steps_S))
            ],
        }

    @property
    def lowest(self) -> tuple[int, int]:
        """Row and column of the lowest measured loss."""
        known = np.where(np.isfinite(self.loss_YX), self.loss_YX, np.inf)
        row, column = np.unravel_index(int(known.argmin()), known.shape)
        return int(row), int(column)
