"""What flows back through single blocks is held to differences of whole passes."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor

from model.bench.gradients import Gradients
from model.interventions import (
    AblateHead,
    Intervention,
    PatchActivation,
    RemoveNorm,
    RemoveResidual,
    ScaleOutput,
)
from model.operations import streams
from model.trace import record
from tests.model.networks import VARIANTS
from tests.model.probe.asking import Asked

AT = 8
STEP = 1e-5
WITH_A_HEAD = [name for name, config in VARIANTS.items() if config.has_logits]


def number(scores_1V: Tensor) -> Tensor:
    return scores_1V[0, 0] - 0.5 * scores_1V[0, 1]


def moved(asked: Asked, name: str, direction: Tensor, by: float) -> float:
    """The number of a whole pass with an activation moved."""

    def tap(other: str, tensor: Tensor) -> Tensor:
        return tensor + by * direction if other == name else tensor

    ids_BT = torch.tensor([asked.subject.ids])
    trace = record(asked.network, ids_BT, ("logits",), tap, asked.subject.interventions)
    logits_V = trace["logits"][0, AT]
    return float(logits_V[3] - 0.5 * logits_V[7])


def assert_slopes(asked: Asked, hooks: tuple[str, ...]) -> None:
    names = {layer: tuple(f"blocks.{layer}.{hook}" for hook in hooks) for layer in range(2)}
    way = Gradients(asked.bench, asked.subject, AT)
    blocks = list(way.of(number, torch.tensor([3, 7]), names))
    assert [block.layer for block in blocks] == [1, 0]
    generator = torch.Generator().manual_seed(2)
    for block in blocks:
        grads = {streams(asked.config)[block.layer]: block.before, **block.of}
        for name, grad in grads.items():
            direction = torch.randn(grad.shape, generator=generator, dtype=grad.dtype)
            slope = float((grad * direction).sum())
            wide = torch.zeros_like(asked.trace[name])
            wide[tuple(slice(0, n) for n in direction.shape)] = direction
            up, down = (moved(asked, name, wide, by) for by in (STEP, -STEP))
            assert slope == pytest.approx((up - down) / (2 * STEP), rel=1e-5, abs=1e-7), name


@pytest.mark.parametrize("name", WITH_A_HEAD)
def test_gradients_are_the_slopes_of_whole_passes(name: str):
    assert_slopes(Asked(name), ("attn.hook_z", "attn.hook_k", "hook_mlp_out"))


OTHER = (5, 5, 9, 30, 2, 1, 8, 8, 8, 3, 0)


@pytest.mark.parametrize(
    "change",
    [
        AblateHead(0, 1, mean=True),
        RemoveResidual(1, "mlp"),
        RemoveNorm("blocks.1.ln1"),
        ScaleOutput(0, "attn", 1.7),
        PatchActivation("blocks.0.hook_mlp_out", OTHER, (2, 7)),
    ],
)
def test_interventions_are_gone_back_through(change: Intervention):
    assert_slopes(Asked("like Gemma 2", interventions=(change,)), ("attn.hook_v", "hook_attn_out"))


@pytest.mark.parametrize("name", ["learned", "parallel", "norms after", "sandwich"])
def test_what_came_through_each_sublayer_adds_up_with_the_stream(name: str):
    """In all, what reaches the stream through attention, through the MLP and beside them."""
    asked = Asked(name)
    way = Gradients(asked.bench, asked.subject, AT)
    names = {layer: (f"blocks.{layer}.hook_mlp_out",) for layer in range(2)}
    for block in way.of(number, torch.tensor([3, 7]), names):
        assert set(block.read) == {"attention", "mlp"}
        assert all(float(grad.abs().max()) > 0 for grad in block.read.values())
        if asked.config.norms.placement == "pre" and asked.config.parallel:
            total = block.after + block.read["attention"] + block.read["mlp"]
            assert torch.allclose(block.before, total, rtol=0, atol=1e-10)


def test_parameters_are_left_alone():
    for asks in (True, False):
        asked = Asked("like Llama")
        asked.network.requires_grad_(asks)
        way = Gradients(asked.bench, asked.subject, AT)
        blocks = list(way.of(number, torch.tensor([3, 7]), {0: ("blocks.0.hook_mlp_out",)}))
        assert all(not block.before.requires_grad for block in blocks)
        assert all(parameter.grad is None for parameter in asked.network.parameters())
