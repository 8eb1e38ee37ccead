"""The columns of the table of weights: what stands in a cell, and what it is sorted by.

Knows tensors, figures and differences; no widget.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from gui.panes.model.two_models import TensorApart
from model import messages as m


@dataclass(frozen=True, slots=True)
class Column:
    """One column.

    Attributes:
        title: in the header.
        tip: what it is.
        text: what stands in a cell; the figures are None until they are known.
        key: what it is sorted by; NaN stands at the end.
        least: width that it asks for, in characters.
        apart: it is of the difference to another model, and shown only while there is one; what
            it is given are then not figures but a `TensorApart`.
    """

    title: str
    tip: str
    text: Callable[[m.WeightTensor, Any], str]
    key: Callable[[m.WeightTensor, Any], Any]
    least: int = 9
    apart: bool = False


def _figure(name: str) -> Callable[[m.WeightTensor, m.WeightFigures | None], float]:
    def key(tensor: m.WeightTensor, figures: m.WeightFigures | None) -> float:
        return math.nan if figures is None else float(getattr(figures, name))

    return key


def _written(name: str) -> Callable[[m.WeightTensor, m.WeightFigures | None], str]:
    def text(tensor: m.WeightTensor, figures: m.WeightFigures | None) -> str:
        return "…" if figures is None else f"{getattr(figures, name):.3g}"

    return text


def _zeros(tensor: m.WeightTensor, figures: m.WeightFigures | None) -> float:
    return math.nan if figures is None else figures.n_zeros / max(1, figures.n)


def _zeros_text(tensor: m.WeightTensor, figures: m.WeightFigures | None) -> str:
    share = _zeros(tensor, figures)
    if math.isnan(share):
        return "…"
    return "0" if share == 0 else f"{share:.2%}" if share >= 5e-5 else f"{share:.0e}"


def _apart_text(name: str, digits: str) -> Callable[[m.WeightTensor, TensorApart | None], str]:
    def text(tensor: m.WeightTensor, apart: TensorApart | None) -> str:
        if apart is None:
            return "—"
        value = float(getattr(apart, name))
        return "0" if value == 0 else f"{value:{digits}}"

    return text


def _apart(name: str) -> Callable[[m.WeightTensor, TensorApart | None], float]:
    def key(tensor: m.WeightTensor, apart: TensorApart | None) -> float:
        return math.nan if apart is None else float(getattr(apart, name))

    return key


COLUMNS: tuple[Column, ...] = (
    Column("Tensor", "TransformerLens' name", lambda t, f: t.name, lambda t, f: t.name, 24),
    Column(
        "‖B−A‖/‖A‖",
        "How far the other model's tensor is from this one: Frobenius norm of B − A over A's",
        _apart_text("relative", ".3g"),
        _apart("relative"),
        12,
        apart=True,
    ),
    Column(
        "max |b−a|",
        "The largest difference of two numbers",
        _apart_text("max_abs", ".3g"),
        _apart("max_abs"),
        apart=True,
    ),
    Column(
        "cos A, B",
        "Cosine of both tensors as vectors",
        _apart_text("cosine", ".5f"),
        _apart("cosine"),
        apart=True,
    ),
    Column(
        "Shape",
        "Sizes of its axes, as TransformerLens has them",
        lambda t, f: "×".join(str(size) for size in t.shape),
        lambda t, f: t.shape,
        11,
    ),
    Column("Numbers", "How many it holds", lambda t, f: f"{t.n:,}", lambda t, f: t.n, 10),
    Column("Mean", "Mean of its numbers", _written("mean"), _figure("mean")),
    Column("Std", "Standard deviation of its numbers", _written("std"), _figure("std")),
    Column("Min", "The least", _written("low"), _figure("low")),
    Column("Max", "The largest", _written("high"), _figure("high")),
    Column("Zeros", "Share of numbers that are exactly 0", _zeros_text, _zeros, 7),
    Column("Norm", "Square root of the sum of squares", _written("norm"), _figure("norm")),
    Column("Type", "How a number is stored in memory", lambda t, f: t.dtype, lambda t, f: t.dtype),
    Column(
        "In the file",
        "Name of the tensor in a Hugging Face file that holds these numbers",
        lambda t, f: t.in_file or (f"is {t.tied_to}" if t.tied_to else "—"),
        lambda t, f: t.in_file,
        34,
    ),
)
