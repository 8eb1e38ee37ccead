"""Backward passes by hand are those of the plain network."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
import torch
from torch import Tensor

from model.config import Norms, QKNorm, TransformerConfig
from model.network import training_kernels
from model.positions import Rotary
from model.transformer import Transformer

CLASSIC = TransformerConfig(n_layers=2, n_heads=3, d_model=24, d_vocab=17, n_ctx=16)
FAST = replace(
    CLASSIC,
    positions="rotary",
    rotary=Rotary(base=20.0),
    norm="rms",
    norms=Norms(weight=False, embedding=True),
    qk_norm=QKNorm(),
    activation="relu2",
    mlp_bias=False,
    tied_embeddings=False,
)
NETWORKS = {
    "classic": CLASSIC,
    "fast": FAST,
    "rotary without norms of queries": replace(CLASSIC, positions="rotary"),
    "rms norms with weights": replace(CLASSIC, norm="rms"),
    "normed queries that are not turned": replace(FAST, positions="learned", rotary=None),
}
IDS = torch.tensor([[3, 1, 4, 1, 5, 9, 2, 6, 5, 3, 5], [8, 9, 7, 9, 3, 2, 3, 8, 4, 6, 2]])


def made(config: TransformerConfig, dtype: torch.dtype) -> Transformer:
    network = Transformer(config)
    generator = torch.Generator().manual_seed(1)
    with torch.no_grad():
        for name, parameter in network.named_parameters():
            parameter.normal_(float(name.endswith(".w")), 0.3, generator=generator)
    return network.to(dtype).eval()


def gradients(network: Transformer) -> dict[str, Tensor]:
    logits = network(IDS[:, :-1])
    loss = torch.nn.functional.cross_entropy(
        logits.flatten(0, 1).to(torch.promote_types(logits.dtype, torch.float32)),
        IDS[:, 1:].flatten(),
    )
    loss.backward()
    found = {"loss": loss.detach().reshape(1).double()}
    for name, parameter in network.named_parameters():
        assert parameter.grad is not None
        found[name] = parameter.grad.double()
    return found


@pytest.fixture
def everywhere(monkeypatch: pytest.MonkeyPatch) -> None:
    """In float64, where what differs is wrong, and no rounding."""
    monkeypatch.setattr(training_kernels, "wanted", lambda x: x.requires_grad)


@pytest.mark.parametrize("name", NETWORKS)
def test_gradients_are_those_of_the_plain_network(
    name: str, everywhere: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    used: list[Tensor] = []
    attention = training_kernels.causal_attention

    def noted(*args: Any) -> Tensor:
        used.append(args[0])
        return attention(*args)

    monkeypatch.setattr(training_kernels, "causal_attention", noted)
    by_hand = gradients(made(NETWORKS[name], torch.float64))
    assert len(used) == 2  # a layer each
    monkeypatch.setattr(training_kernels, "wanted", lambda x: False)
    plain = gradients(made(NETWORKS[name], torch.float64))
    for key, value in plain.items():
        torch.testing.assert_close(by_hand[key], value, rtol=1e-9, atol=1e-11, msg=key)


@pytest.mark.parametrize("name", ["classic", "fast"])
def test_gradients_in_bfloat16_are_those_of_float32_but_for_rounding(name: str) -> None:
    narrow = made(NETWORKS[name], torch.float32)
    with narrow.computing_in(torch.bfloat16):
        found = gradients(narrow)
    for key, value in gradients(made(NETWORKS[name], torch.float32)).items():
        off = float((found[key] - value).norm() / value.norm())
        assert off < 0.05, (key, off)
    assert all(p.grad.dtype is torch.float32 for p in narrow.parameters() if p.grad is not None)


def test_a_network_computes_in_bfloat16_only_meanwhile() -> None:
    network = made(FAST, torch.float32)
    with torch.inference_mode():
        before = network(IDS)
        with network.computing_in(torch.bfloat16):
            assert network(IDS).dtype is torch.bfloat16
        assert torch.equal(network(IDS), before)


def test_a_network_in_bfloat16_that_is_asked_for_gradients_takes_the_usual_way(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(training_kernels, "causal_attention", None)
    monkeypatch.setattr(training_kernels, "rms_norm", None)
    gradients(made(FAST, torch.bfloat16))


@pytest.mark.parametrize(
    "change",
    [
        {"n_kv_heads": 1},
        {"window": 4},
        {"rotary": Rotary(dim=4)},
        {"rotary": Rotary(interleaved=True)},
        {"norms": Norms(embedding=True)},
        {"causal": False},
    ],
    ids=str,
)
def test_attention_of_another_kind_takes_the_usual_way(
    change: dict[str, Any], everywhere: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(training_kernels, "causal_attention", None)
    gradients(made(replace(FAST, **change), torch.float64))
