"""The tables of docs/scale.md are the script's, its counts those of a network that is run."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
import torch
from torch.autograd.graph import saved_tensors_hooks

from model.config import TransformerConfig
from model.train.loop import train
from model.train.measure import mean_loss
from model.train.presets import PRESETS
from model.train.state import STATE_FILE
from model.transformer import Transformer
from tools import scale

SHAPES = [
    TransformerConfig(n_layers=3, n_heads=4, d_model=64, d_vocab=31, n_ctx=48),
    TransformerConfig(
        n_layers=3,
        n_heads=4,
        d_model=64,
        d_vocab=31,
        n_ctx=48,
        positions="rotary",
        tied_embeddings=False,
    ),
]


def kept_bytes(config: TransformerConfig, n_windows: int) -> int:
    """What autograd keeps of a forward pass, besides the weights."""
    network = Transformer(config)
    weights = {p.untyped_storage().data_ptr() for p in network.parameters()}
    kept: dict[int, int] = {}

    def keep(tensor: torch.Tensor) -> torch.Tensor:
        storage = tensor.untyped_storage()
        if storage.data_ptr() not in weights:
            kept[storage.data_ptr()] = storage.nbytes()
        return tensor

    windows = torch.randint(config.d_vocab, (n_windows, config.n_ctx + 1))
    with saved_tensors_hooks(keep, lambda tensor: tensor):
        loss = mean_loss(network, windows)
        total = sum(kept.values())
    assert loss.requires_grad
    return total


@pytest.mark.parametrize("config", SHAPES, ids=["learned", "rotary"])
def test_a_block_keeps_what_is_counted(config: TransformerConfig) -> None:
    one, more = (kept_bytes(scale.config_of(config, n_layers), n_windows=4) for n_layers in (1, 3))
    tokens = 4 * config.n_ctx
    counted = scale.F * tokens * scale.block_activations(config)
    assert (more - one) / 2 == pytest.approx(counted, rel=0.01)


@pytest.mark.parametrize("config", [*SHAPES, *(plan.config for plan in scale.PLANS)])
def test_blocks_and_the_rest_are_all_parameters(config: TransformerConfig) -> None:
    with torch.device("meta"):
        network = Transformer(config, empty=True)
    assert sum(p.numel() for p in network.parameters()) == config.n_params
    assert sum(p.numel() for p in network.blocks[0].parameters()) == scale.block_params(config)


def test_disk_and_rows_are_those_of_a_run(tmp_path: Path) -> None:
    recipe = replace(
        PRESETS["tiny"], steps=12, d_model=128, eval_every=0, sample_every=0, data_tokens=3_000
    )
    (started,) = [
        event for event in train(recipe, tmp_path / "run") if type(event).__name__ == "Started"
    ]
    config = started.config  # type: ignore[union-attr]
    weights = (tmp_path / "run/snapshots/step-000012/model.safetensors").stat().st_size
    assert weights == pytest.approx(scale.snapshot_bytes(config), rel=0.02)
    state = (tmp_path / "run" / STATE_FILE).stat().st_size
    assert state == pytest.approx(scale.state_bytes(config), rel=0.03)
    rows = (tmp_path / "run/metrics.csv").read_text().splitlines()[-3:-1]
    assert all(0.7 < (len(row) + 1) / scale.row_bytes() < 1.6 for row in rows)


def test_communication_by_its_definition() -> None:
    """Two rings counted by hand: 3 processes, 12 numbers."""
    config = scale.SMALL.config
    n = config.n_params
    # Reduce-scatter, then all-gather: each sends 2 of 3 parts in either.
    assert scale.ddp_traffic(config, 3) == pytest.approx((2 * n / 3 + 2 * n / 3) * 4)
    outside = n - 12 * scale.block_params(config)
    once = 2 / 3 * 4 * (3 * 12 * scale.block_params(config) + 2 * outside)
    assert scale.fsdp_traffic(config, 3, 1) == pytest.approx(once)
    assert scale.fsdp_traffic(config, 3, 5) == pytest.approx(5 * once)
    assert scale.bandwidth(scale.MACHINE, 8) > scale.bandwidth(scale.MACHINE, 16)


def test_gpt_2s_operations_are_the_known_ones() -> None:
    # 6 × 124M a token for its matrices (its table is one, as the unembedding), and attention.
    per_token = scale.flops(scale.SMALL.config)
    assert per_token == pytest.approx(6 * 124e6 + 6 * 12 * 1024 * 768, rel=0.01)


def test_the_document_has_the_scripts_tables() -> None:
    text = scale.DOCUMENT.read_text(encoding="utf-8")
    assert scale.tables() in text, "run python tools/scale.py --write"
