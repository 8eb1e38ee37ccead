"""What the cache holds: the keys and values of a trace, and their bytes."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch

from model.interventions import AblateHead, ScaleOutput
from model.operations import keys_and_values
from model.probe.cache.asks import Cache, CacheFound
from tests.model.networks import BASE, VARIANTS
from tests.model.probe.asking import IDS, Asked


@pytest.mark.parametrize("name", VARIANTS)
def test_lengths_are_those_of_a_trace(name: str):
    one = Asked(name)
    found = one.ask(Cache())
    assert isinstance(found, CacheFound)
    trace = one.trace
    for layer, (key, value) in enumerate(keys_and_values(one.config)):
        for which, lengths_GC in ((key, found.k_LGC[layer]), (value, found.v_LGC[layer])):
            expected_SG = torch.linalg.vector_norm(trace[which][0], dim=-1)
            np.testing.assert_allclose(lengths_GC, expected_SG.T, rtol=1e-5, atol=1e-6)
    assert found.k_LGC.shape == (one.config.n_layers, one.config.n_kv_heads, len(IDS))


def test_bytes_are_those_of_the_tensors():
    one = Asked("grouped-query")
    found = one.ask(Cache())
    stream = one.bench.stream(one.subject)
    tensors = [kv for layer in range(2) for kv in (stream.keys(layer), stream.values(layer))]
    held = sum(tensor.numel() * tensor.element_size() for tensor in tensors)
    assert found.cache_bytes == found.needed_bytes == held
    assert held == 2 * 2 * 2 * 6 * 8 * len(IDS)
    assert found.bytes_per_token * len(IDS) == held
    assert found.formula == "2 · 2 layers · 2 kv heads · 6 numbers · 8 bytes · 11 tokens"
    assert held < found.buffer_bytes < found.stream_bytes == stream.n_bytes


def test_neighbouring_positions_share_a_column():
    one = Asked()
    fine, coarse = one.ask(Cache()), one.ask(Cache(columns=4))
    assert coarse.starts_C.tolist() == [0, 3, 6, 9]
    assert [coarse.positions(column) for column in (0, 3)] == [(0, 3), (9, 11)]
    for column in range(4):
        first, last = coarse.positions(column)
        expected = fine.k_LGC[:, :, first:last].mean(-1)
        np.testing.assert_allclose(coarse.k_LGC[:, :, column], expected, rtol=1e-6)


def test_a_window_is_read_no_farther_than_it_reaches():
    found = Asked("window per layer").ask(Cache())
    per_layer = found.cache_bytes // 2
    assert found.needed_bytes == per_layer + per_layer * 3 // len(IDS)


def test_of_an_encoder_nothing_can_be_kept():
    found = Asked("encoder").ask(Cache())
    assert found.needed_bytes == 0
    assert found.cache_bytes > 0


def test_what_interventions_change_is_seen():
    clean = Asked().ask(Cache())
    cut = Asked(interventions=(ScaleOutput(0, "mlp", 0.0),)).ask(Cache())
    np.testing.assert_allclose(cut.k_LGC[0], clean.k_LGC[0], rtol=1e-6)
    assert not np.allclose(cut.k_LGC[1], clean.k_LGC[1], rtol=1e-3)
    assert Asked(interventions=(AblateHead(0, 1),)).ask(Cache()).code().count("AblateHead(") == 1


def test_a_column_is_the_least():
    with pytest.raises(ValueError, match="columns is 0"):
        Asked().ask(replace(Cache(), columns=0))


def test_rows_add_up():
    found = Asked("like Llama").ask(Cache())
    rows = found.as_rows()["layers"]
    assert sum(row["cache_bytes"] for row in rows) == found.cache_bytes
    assert len(rows) == BASE.n_layers
