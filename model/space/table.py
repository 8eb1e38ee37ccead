"""A table of vectors, with what was found of it.

Knows tensors; neither where they come from, nor what is asked. Shapes: N rows, D width.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TypeVar, cast

import torch
from torch import Tensor

from model.probe.geometry.compute import ROWS_AT_ONCE
from model.space.text_rows import TextRows

T = TypeVar("T")


class VectorTable:
    """Many vectors of one width.

    Args:
        rows_ND: any floating dtype, any device; not copied, not written to.
        name: for people, ``W_E``.
        labels: what each row is called; empty where the rows are the tokens of a vocabulary.
        note: what a person should know of it, a sentence; empty for nothing.
        text: which token of a text each row is; None where they are none.
        found: where what is found of it is kept, if it is to live longer than this.

    Attributes:
        rows_ND, name, labels, note, text: as given.
    """

    def __init__(
        self,
        rows_ND: Tensor,
        name: str,
        labels: Sequence[str] = (),
        note: str = "",
        text: TextRows | None = None,
        found: dict[object, object] | None = None,
    ) -> None:
        self.rows_ND = rows_ND.detach()
        self.name = name
        self.labels = tuple(labels)
        self.note = note
        self.text = text
        self._found: dict[object, object] = {} if found is None else found

    def __len__(self) -> int:
        return len(self.rows_ND)

    def knows(self, key: object) -> bool:
        """Whether something was found already."""
        return key in self._found

    def known(self, key: object, find: Callable[[], T]) -> T:
        """What was found once is kept: the norms, the axes."""
        if key not in self._found:
            self._found[key] = find()
        return cast("T", self._found[key])

    @property
    def norms_N(self) -> Tensor:
        """float32, the length of every row."""
        return self.known("norms", self._norms)

    def _norms(self) -> Tensor:
        return torch.cat([rows.float().norm(dim=1) for rows in self.rows_ND.split(ROWS_AT_ONCE)])

    def times(self, vectors_DQ: Tensor) -> Tensor:
        """Every row's dot product with some vectors, float32 ``[N, Q]`` (or ``[N]`` with one)."""
        if self.rows_ND.dtype == torch.float32:
            if vectors_DQ.ndim == 2 and vectors_DQ.shape[1] == 1:
                # A matrix times a vector: a fifth faster than times a matrix of one column.
                return (self.rows_ND @ vectors_DQ[:, 0].float())[:, None]
            return self.rows_ND @ vectors_DQ.float()
        parts = [rows.float() @ vectors_DQ.float() for rows in self.rows_ND.split(ROWS_AT_ONCE)]
        return torch.cat(parts)

    def vector(self, row: int) -> Tensor:
        """One row, float32."""
        return self.rows_ND[row].float()
