"""What is not a number stays so where attention is fused, however short the text."""

from __future__ import annotations

import pytest
import torch

from model.config import TransformerConfig
from model.network.attention import KVCache
from model.transformer import Transformer
from tests.model.networks import VARIANTS


def broken(config: TransformerConfig) -> Transformer:
    """A network with one number that is none, in the first head's queries."""
    torch.manual_seed(0)
    network = Transformer(config).eval()
    with torch.no_grad():
        network.get_parameter("blocks.0.attn.qkv.weight")[0, 0] = float("nan")
    return network


@pytest.mark.parametrize("name", VARIANTS)
def test_scores_that_are_no_numbers_give_none(name: str) -> None:
    config = VARIANTS[name]
    with torch.no_grad():
        out = broken(config)(torch.arange(5)[None] % config.d_vocab)
    assert out.isnan().all()


@pytest.mark.parametrize("n", [1, 2, 15, 16])
def test_so_it_is_at_every_length_and_token_by_token(n: int) -> None:
    config = next(iter(VARIANTS.values()))
    network = broken(config)
    ids_BT = torch.arange(n)[None] % config.d_vocab
    with torch.no_grad():
        assert network(ids_BT).isnan().all()
        cache = KVCache(config, 1, network.embed.weight)
        for at in range(n):
            assert network(ids_BT[:, at : at + 1], cache=cache).isnan().all()
