"""Which windows of a batch are whose."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from model.train.processes.shares import pieces


@given(n=st.integers(1, 40), size=st.integers(1, 9), most=st.integers(0, 7))
def test_every_window_is_in_one_piece_of_one_process(n: int, size: int, most: int) -> None:
    batch = np.arange(3 * n).reshape(n, 3)
    shares = [list(pieces(batch, rank, size, most)) for rank in range(size)]
    assert len({len(share) for share in shares}) == 1, "all go through the network equally often"
    rows = [
        row.tolist()
        for share in shares
        for piece in share
        if piece.weight
        for row in piece.windows_BT
    ]
    assert rows == batch.tolist()
    assert sum(piece.weight for share in shares for piece in share) == pytest.approx(1)
    for share in shares:
        assert [piece.is_last for piece in share] == [False] * (len(share) - 1) + [True]
        for piece in share:
            assert len(piece.windows_BT) >= 1
            assert not most or len(piece.windows_BT) <= most
            assert piece.weight in (0, len(piece.windows_BT) / n)
            if piece.weight:
                assert batch[piece.first].tolist() == piece.windows_BT[0].tolist()


def test_one_process_has_the_batch_itself() -> None:
    batch = np.arange(12).reshape(4, 3)
    (piece,) = pieces(batch, 0, 1)
    assert np.shares_memory(piece.windows_BT, batch)
    assert piece.windows_BT.tolist() == batch.tolist()
    assert piece.weight == 1
