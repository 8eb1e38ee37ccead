"""Passes that begin in the middle are held to whole ones with the same activation put in."""

from __future__ import annotations

from collections.abc import Callable

import pytest
import torch
from torch import Tensor

from model.bench.restart import Restart
from model.interventions import (
    AblateHead,
    Intervention,
    PatchActivation,
    RemoveMask,
    RemoveResidual,
)
from model.network.execute import Tap
from model.operations import streams
from model.slices import finish
from model.trace import record
from tests.model.networks import VARIANTS
from tests.model.probe.asking import IDS, Asked

AT = 8
WITH_A_HEAD = [name for name, config in VARIANTS.items() if config.has_logits]


def putting(name: str, edit: Callable[[Tensor], Tensor]) -> Tap:
    return lambda other, tensor: edit(tensor) if other == name else tensor


def whole_pass(asked: Asked, name: str, edit: Callable[[Tensor], Tensor]) -> Tensor:
    """The scores of a traced pass of the whole text."""
    ids_BT = torch.tensor([asked.subject.ids])
    interventions = asked.subject.interventions
    tap = putting(name, edit)
    with torch.no_grad():
        trace = record(asked.network, ids_BT, ("logits",), tap, interventions)
    return trace["logits"][0, AT]


@pytest.mark.parametrize("name", WITH_A_HEAD)
def test_a_restart_is_a_whole_pass_with_the_activation_put_in(name: str):
    asked = Asked(name)
    first = 5
    restart = Restart(asked.bench, asked.subject, first, AT)
    assert restart.start == (first if asked.config.causal else 0)
    for hook in ("attn.hook_v", "attn.hook_k", "hook_mlp_out"):
        written = f"blocks.1.{hook}"

        def shift(tensor: Tensor, start: int) -> Tensor:
            shifted = tensor.clone()
            shifted[:, first - start] += 0.7
            return shifted

        expected_V = whole_pass(asked, written, lambda tensor: shift(tensor, 0))
        edits = {written: lambda tensor: shift(tensor, restart.start)}
        last_BTD = finish(restart.onwards(1, restart.resid(1, 3), edits))
        found_BV = restart.logits(last_BTD, AT)
        assert found_BV.shape == (3, asked.config.d_vocab)
        assert torch.allclose(found_BV, expected_V.expand(3, -1), rtol=0, atol=1e-9)
        some = restart.logits(last_BTD, AT, torch.tensor([4, 0]))
        assert torch.allclose(some, found_BV[:, [4, 0]], rtol=0, atol=1e-12)


@pytest.mark.parametrize(
    "change",
    [
        *(RemoveMask(1), AblateHead(1, 2, mean=True), RemoveResidual(1, "attn"), AblateHead(0, 0)),
        PatchActivation("blocks.1.hook_attn_out", IDS[::-1], (2, 7)),
    ],
)
@pytest.mark.parametrize("name", ["learned", "like Gemma 2", "norms after"])
def test_interventions_are_done_after_a_restart_too(name: str, change: Intervention):
    asked = Asked(name, interventions=(change,))
    restart = Restart(asked.bench, asked.subject, 5, AT)
    border = streams(asked.config)[1]

    def shift(tensor: Tensor) -> Tensor:
        shifted = tensor.clone()
        shifted[:, 5 - restart.start] *= -1.5
        return shifted

    expected_V = whole_pass(asked, border, shift)
    last_BTD = finish(restart.onwards(1, shift(restart.resid(1, 2))))
    found_BV = restart.logits(last_BTD, AT)
    assert torch.allclose(found_BV, expected_V.expand(2, -1), rtol=0, atol=1e-9)


def test_only_positions_that_can_differ_are_run():
    asked = Asked("like Llama")
    widths = []
    restart = Restart(asked.bench, asked.subject, 6, AT)
    finish(restart.onwards(0, restart.resid(0, 2), keep=lambda _, x: widths.append(x.shape[1])))
    assert widths == [3, 3]
    assert restart.n_at_once == 64
    dynamic = Asked("dynamic")  # its rotations ask how long the whole text is
    assert Restart(dynamic.bench, dynamic.subject, 6, AT).stop == len(IDS)
