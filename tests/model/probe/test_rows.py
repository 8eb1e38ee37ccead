"""An activation of many positions: whole, in windows, in blocks, for every kind of network."""

from __future__ import annotations

import numpy as np
import pytest

from model.operations import PROBABILITIES
from model.probe.rows.asks import Rows, RowsFound
from tests.model.networks import VARIANTS
from tests.model.probe.asking import IDS, Asked

N = len(IDS)


def held(asked: Asked, found: RowsFound) -> None:
    """Every cell is the tensor's number, at the index that it says."""
    tensor = asked.trace[found.activation].double().numpy()
    assert found.values_RC.size
    for (row, column), value in np.ndenumerate(found.values_RC):
        if not found.masked_RC[row, column]:
            place = found.place(row, column)
            assert value == pytest.approx(float(tensor[place]), rel=2e-4, abs=2e-5)


@pytest.mark.parametrize("variant", VARIANTS)
def test_every_operation_is_there_for_all_positions(variant: str) -> None:
    asked = Asked(variant)
    for op in asked.network.operations:
        found = asked.ask(Rows(op.output, head=3))
        if op.output == PROBABILITIES:
            assert not found.activation
            continue
        assert found.activation == op.output
        assert found.values_RC.shape[0] == N
        assert found.rows == (0, N)
        held(asked, found)


def test_a_window_is_a_part_of_the_whole() -> None:
    asked = Asked()
    whole = asked.ask(Rows("blocks.1.attn.hook_q", head=2))
    part = asked.ask(Rows("blocks.1.attn.hook_q", head=2, rows=(4, 7)))
    assert part.rows == (4, 7)
    np.testing.assert_allclose(part.values_RC, whole.values_RC[4:7], rtol=1e-4, atol=1e-5)
    assert part.place(0, 1) == (0, 4, 2, 1)


@pytest.mark.parametrize("most", [(4, 6), (3, 100), (100, 5)])
def test_of_a_block_the_number_farthest_from_0_is_drawn(most: tuple[int, int]) -> None:
    asked = Asked()
    tensor = asked.trace["blocks.0.hook_resid_post"][0].double().numpy()
    found = asked.ask(Rows("blocks.0.hook_resid_post", most=most))
    down, across = found.block
    assert found.values_RC.shape[0] <= most[0]
    assert found.values_RC.shape[1] <= most[1]
    held(asked, found)
    for (row, column), value in np.ndenumerate(found.values_RC):
        block = tensor[row * down : (row + 1) * down, column * across : (column + 1) * across]
        assert abs(value) == pytest.approx(np.abs(block).max(), rel=1e-4)


def test_blocks_of_a_window_say_where_they_stand_in_the_whole() -> None:
    asked = Asked()
    found = asked.ask(Rows("blocks.0.hook_resid_post", rows=(4, 11), most=(3, 5)))
    assert found.block[0] == 3
    assert found.rows_RC.min() >= 4
    held(asked, found)


def test_what_a_query_may_not_look_at_is_masked() -> None:
    for name in ("attn_scores", "pattern"):
        found = Asked().ask(Rows(f"blocks.0.attn.hook_{name}"))
        np.testing.assert_array_equal(found.masked_RC, np.triu(np.ones((N, N), bool), 1))
        assert np.isfinite(found.values_RC).all()
    both = next(name for name, config in VARIANTS.items() if not config.causal)
    assert not Asked(both).ask(Rows("blocks.0.attn.hook_pattern")).masked_RC.any()


def test_a_block_is_masked_where_all_of_it_is() -> None:
    found = Asked().ask(Rows("blocks.0.attn.hook_pattern", most=(4, 4)))
    high = found.block[0]
    wanted = [[column * high > row * high + high - 1 for column in range(4)] for row in range(4)]
    np.testing.assert_array_equal(found.masked_RC, wanted)


def test_its_arrays_have_names() -> None:
    named = Asked().ask(Rows("blocks.0.attn.hook_pattern", rows=(2, 5))).arrays()
    assert list(named) == ["blocks.0.attn.hook_pattern"]
    table = named["blocks.0.attn.hook_pattern"].columns()
    assert set(table) == {"query", "key", "value"}
    assert set(table["query"].tolist()) == {2, 3, 4}
