"""What a network does before it has learned."""

from __future__ import annotations

import math
from dataclasses import replace

import pytest
import torch

from model.first_weights import FirstWeights
from model.trace import record
from model.train.presets import PRESETS
from model.transformer import Transformer

CONFIG = replace(PRESETS["fast"].config(d_vocab=65), n_ctx=40)
IDS = torch.arange(40)[None] % 65


def new(first: FirstWeights, seed: int = 0) -> Transformer:
    network = Transformer(CONFIG)
    network.initialize(torch.Generator().manual_seed(seed), first=first)
    return network.eval()


def test_outputs_of_zero_leave_the_stream_as_it_is_and_all_tokens_as_likely() -> None:
    network = new(FirstWeights(0.08, zero_outputs=True))
    trace = record(network, IDS)
    assert torch.equal(trace["blocks.1.hook_resid_post"], trace["blocks.0.hook_resid_pre"])
    probabilities = trace["logits"].softmax(-1)
    torch.testing.assert_close(probabilities, torch.full_like(probabilities, 1 / 65))


@pytest.mark.parametrize("offsets", [(1, 2, 3), (0, 5)])
def test_heads_look_as_far_back_as_they_are_told(offsets: tuple[int, ...]) -> None:
    trace = record(new(FirstWeights(0.08, offsets=offsets)), IDS)
    for layer in range(CONFIG.n_layers):
        pattern_HQS = trace[f"blocks.{layer}.attn.hook_pattern"][0, :, 8:]
        query_Q = torch.arange(8, 40)
        for head, offset in enumerate(offsets):
            most = pattern_HQS[head].argmax(-1) == query_Q - offset
            assert most.float().mean() > 0.8, (layer, head)  # what tokens say is there, too
            there = pattern_HQS[head].gather(-1, (query_Q - offset)[:, None]).mean()
            assert there > 0.25, (layer, head, there)
    plain = record(new(FirstWeights(0.08)), IDS)["blocks.0.attn.hook_pattern"][0, :, 8:]
    query_Q = torch.arange(8, 40)
    assert plain.gather(-1, (query_Q - 1).expand(3, -1)[..., None]).mean() < 0.15


def test_the_usual_first_weights_are_gpt2s() -> None:
    network = Transformer(replace(PRESETS["classic"].config(d_vocab=65)))
    network.initialize(torch.Generator().manual_seed(0), 0.02)
    for name, parameter in network.named_parameters():
        if parameter.ndim < 2:
            assert bool((parameter == float(name.endswith(".w"))).all()), name
            continue
        writes = name.endswith((".out.weight", ".down.weight"))
        expected = 0.02 / math.sqrt(8) if writes else 0.02
        assert float(parameter.detach().std()) == pytest.approx(expected, rel=0.05), name
