"""What flows back from a token's loss, held to finite differences in float64."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from torch import Tensor

from model.interventions import AblateHead
from model.operations import INPUT_IDS, LOGITS
from model.probe.loss_flow.asks import LossFlow
from model.probe.question import ProbeError, TokenId
from tests.model.networks import VARIANTS, network
from tests.model.probe.asking import IDS, Asked

KINDS = (
    "learned",
    "rotary",
    "alibi",
    "gated",
    "experts",
    "normed embedding",
    "norms of outputs",
    "grouped-query",
    "narrow embedding",
    "capped",
    "scaled",
    "parallel",
    "like Gemma 2",
)
AT = 7


def in_float64(name: str, *changes: AblateHead) -> Asked:
    one = Asked(name, IDS, changes)
    one.network.double()
    return one


def loss(one: Asked, name: str, push: Tensor) -> float:
    """-log p of the token behind `AT`, where something is added to an activation."""

    def tap(own: str, tensor: Tensor) -> Tensor:
        return tensor + push if own == name else tensor

    ops = [op for op in one.network.operations if op.output != "probabilities"]
    with torch.no_grad():
        found = one.network.execute(ops, {INPUT_IDS: torch.tensor([IDS])}, (LOGITS,), tap)
    return float(-found[LOGITS][0, AT].log_softmax(-1)[IDS[AT + 1]])


@pytest.mark.parametrize("kind", KINDS)
def test_lengths_are_those_of_finite_differences(kind: str):
    one = in_float64(kind)
    found = one.ask(LossFlow(position=AT))
    assert found.nats == pytest.approx(loss(one, "", torch.zeros(1)), rel=1e-9)
    trace = one.trace
    rng = np.random.default_rng(3)
    # Vectors of one position, a number at a time: the length of their gradient is theirs.
    table = next(op.output for op in one.network.operations if op.kind == "embed")
    last = one.config.n_layers - 1
    for name, at in (
        (table, 2),
        (table, AT),
        ("blocks.0.attn.hook_z", 4),
        (f"blocks.{last}.hook_resid_post", AT),
        (f"blocks.{last}.attn.hook_k", 1),
        ("logits", AT),
    ):
        if name not in found.names:
            continue
        value = trace[name]
        n = value[0, at].numel()
        some = rng.choice(n, size=min(n, 24), replace=False)
        slopes = []
        for i in some:
            push = torch.zeros_like(value, memory_format=torch.contiguous_format)
            push[0, at].view(-1)[int(i)] = 1e-5
            slopes.append((loss(one, name, push) - loss(one, name, -push)) / 2e-5)
        share = float(np.square(slopes).sum())
        whole = found.norm_OT[found.names.index(name), at] ** 2
        if len(some) == n:
            assert whole == pytest.approx(share, rel=1e-5, abs=1e-12), name
        else:
            assert share <= whole * (1 + 1e-6), name


def test_nothing_flows_into_what_comes_later():
    found = in_float64("learned").ask(LossFlow(position=4))
    assert found.embedding_T.shape == (5,)
    assert (found.embedding_T > 0).all()


def test_a_longer_vector_changes_the_loss_by_what_is_said():
    one = in_float64("learned")
    found = one.ask(LossFlow(position=AT))
    value = one.trace["hook_embed"]
    push = torch.zeros_like(value)
    push[0, 3] = 1e-6 * value[0, 3]
    slope = (loss(one, "hook_embed", push) - loss(one, "hook_embed", -push)) / 2e-6
    assert found.along_T[3] == pytest.approx(slope, rel=1e-5)


def test_an_ablated_head_passes_nothing_back():
    clean = in_float64("learned").ask(LossFlow(position=AT))
    heads = network(VARIANTS["learned"]).config.n_heads
    cut = in_float64("learned", *(AblateHead(0, head) for head in range(heads)))
    found = cut.ask(LossFlow(position=AT))
    row = found.names.index("blocks.0.attn.hook_v")
    assert (found.norm_OT[row] == 0).all()
    assert clean.norm_OT[clean.names.index("blocks.0.attn.hook_v")].max() > 0


def test_another_target_has_another_loss():
    one = in_float64("learned")
    own, other = one.ask(LossFlow(position=AT)), one.ask(LossFlow(AT, TokenId(5)))
    assert (own.target, other.target) == (IDS[AT + 1], 5)
    assert own.nats != other.nats


def test_behind_the_last_token_it_is_the_likeliest_that_is_predicted():
    one = Asked("learned")
    found = one.ask(LossFlow(position=len(IDS) - 1))
    assert found.target == int(one.trace["logits"][0, -1].argmax())


def test_a_network_that_predicts_no_next_token_says_so():
    with pytest.raises(ProbeError, match="fills masks"):
        Asked("masked").ask(LossFlow(position=2))


def test_weights_keep_no_gradient():
    one = Asked("learned")
    one.ask(LossFlow(position=AT))
    assert all(parameter.grad is None for parameter in one.network.parameters())
