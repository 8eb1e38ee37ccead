"""The first operation that is not finite is named, and what to do; masks don't count."""

from __future__ import annotations

from collections.abc import Iterator
from types import SimpleNamespace
from typing import cast

import numpy as np
import pytest
import torch

from model.bench import Bench
from model.interventions import RemoveMask
from model.language_model import LanguageModel
from model.probe.next_token.asks import NextToken, NextTokenFound
from model.probe.next_token.compute import answer as next_token
from model.probe.not_finite.asks import NotFiniteFound
from model.probe.not_finite.compute import first_not_finite, is_finite
from model.probe.routes.asks import Over, Routes, RoutesFound
from model.probe.routes.compute import answer as routes
from model.probe.strongest_head.asks import StrongestHead, StrongestHeadFound
from model.probe.strongest_head.compute import answer as strongest
from model.subject import Subject
from model.trace import record
from model.transformer import Transformer
from tests.model.networks import VARIANTS, network, overflowing

IDS = (3, 17, 8, 1, 30, 4)


def benched(made: Transformer) -> Bench:
    bench = Bench()
    bench.hold(1, cast("LanguageModel", SimpleNamespace(transformer=made)))
    return bench


def found(made: Transformer, ids: tuple[int, ...] = IDS, **more: int) -> NotFiniteFound:
    return first_not_finite(Subject(1, None, ids), benched(made), **more)


def last(answers: Iterator[object]) -> object:
    return [answer for answer in answers if answer is not None][-1]


@pytest.mark.parametrize("layer", [0, 1])
def test_the_operation_that_overflows_float16_is_named(layer: int) -> None:
    made = overflowing(layer)
    assert found(made).sentence == ""
    half = found(made.half())
    name = f"blocks.{layer}.hook_mlp_out"
    trace = record(made, torch.tensor([IDS]))
    finite = {n for n in trace.names if trace[n].isfinite().all()}
    before = trace.names[: trace.names.index(name)]
    assert {n for n in before if not n.endswith("scores")} <= finite
    assert name not in finite
    assert half.activation == name
    assert half.sentence == (
        f"{name} (MLP down) is the first that is not finite, at position 0. The model is open in "
        "float16, whose largest number is 65,504: open it in float32."
    )


@pytest.mark.parametrize("name", VARIANTS)
def test_what_a_mask_has_written_does_not_count(name: str) -> None:
    made = network(VARIANTS[name])
    assert found(made).activation == ""
    if RemoveMask().refusal(made.config):
        return  # nothing is masked there
    bench = benched(made)
    assert first_not_finite(Subject(1, None, IDS, (RemoveMask(),)), bench).activation == ""


@pytest.mark.parametrize("name", VARIANTS)
def test_of_every_network_the_operation_that_reads_a_damaged_weight_is_named(name: str) -> None:
    made = network(VARIANTS[name])
    with torch.no_grad():
        made.get_parameter("blocks.1.attn.out.weight")[0, 0] = float("nan")
    trace = record(made, torch.tensor([IDS]))
    first = next(
        n
        for n in trace.names
        if trace[n].isnan().any() or (trace[n].isinf().any() and not n.endswith("scores"))
    )
    assert found(made).activation == first


def test_the_position_where_it_begins_is_told_of_a_text_of_many_windows() -> None:
    made = network(VARIANTS["learned"])
    config = made.config
    n = config.n_ctx
    with torch.no_grad():
        made.embed.weight[5, 0] = float("inf")
    ids = tuple(5 if at == n - 2 else 6 for at in range(n))
    one = found(made, ids)
    assert (one.activation, one.position) == ("hook_embed", n - 2)


def test_logits_alone_are_looked_at_where_they_are_asked_for() -> None:
    made = overflowing()
    with torch.no_grad():
        made.get_parameter("blocks.0.mlp.down.weight").zero_()
        assert made.unembed is not None
        made.unembed.weight.fill_(6e4)
    half = made.half()
    subject, bench = Subject(1, None, IDS), benched(half)
    assert is_finite(subject, bench)
    beyond = ~record(half, torch.tensor([IDS]))["logits"][0].isfinite().all(-1)
    assert 0 < beyond.sum() < len(IDS)
    for position, is_beyond in enumerate(beyond.tolist()):
        one = found(half, position=position)
        assert (one.activation, one.position) == (("logits", position) if is_beyond else ("", 0))


def test_no_wider_precision_is_offered_where_the_model_has_it() -> None:
    made = network(VARIANTS["learned"]).float()
    with torch.no_grad():
        made.embed.weight.fill_(float("nan"))
    assert "open in float32, which is wide enough: its weights are damaged" in found(made).sentence
    assert "open in bfloat16: open it in float32" in found(made.bfloat16()).sentence


def test_a_prediction_that_can_not_be_made_says_where_that_began() -> None:
    half = overflowing().half()
    subject, bench = Subject(1, None, IDS), benched(half)
    answer = last(next_token(NextToken(position=3), subject, bench))
    assert isinstance(answer, NextTokenFound)
    assert answer.problem.startswith("The model gave NaN as a logit")
    assert "blocks.0.hook_mlp_out" in answer.problem
    assert "open it in float32" in answer.problem
    assert np.isnan(answer.probabilities).all()


@pytest.mark.parametrize("over", ["max", "mean", "heads"])
def test_routes_count_the_rows_whose_weights_are_no_numbers(over: Over) -> None:
    half = overflowing().half()
    subject, bench = Subject(1, None, IDS), benched(half)
    heads = ((1, 0), (1, 2))
    question = Routes(position=None, over=over, heads=heads, threshold=0.01)
    answer = last(routes(question, subject, bench))
    assert isinstance(answer, RoutesFound)
    assert answer.no_number == len(IDS) * (2 if over == "heads" else 1)
    assert np.isfinite(answer.weight_E).all()
    assert set(answer.layer_E.tolist()) <= {0}


def test_the_heads_that_have_numbers_are_drawn_beside_one_that_has_none() -> None:
    made = network(VARIANTS["learned"])
    subject = Subject(1, None, IDS)
    question = Routes(position=None, over="max", threshold=0.05)
    d_head = made.config.d_head
    with torch.no_grad():  # the queries of head 0 of the last block
        made.get_parameter("blocks.1.attn.qkv.weight")[:d_head] = float("nan")
    trace = record(made, torch.tensor([IDS]))
    weights = trace["blocks.1.attn.hook_pattern"][0]
    assert weights[0].isnan().all()
    assert weights[1:].isfinite().all()
    answer = last(routes(question, subject, benched(made)))
    assert isinstance(answer, RoutesFound)
    of_last = answer.layer_E == 1
    assert of_last.sum() == int((weights[1:].amax(0) >= 0.05).sum())
    assert 0 not in answer.head_E[of_last]
    assert answer.no_number == len(IDS)


def test_the_strongest_head_is_one_that_has_numbers() -> None:
    half = overflowing().half()
    subject, bench = Subject(1, None, IDS), benched(half)
    answer = last(strongest(StrongestHead(position=5), subject, bench))
    assert isinstance(answer, StrongestHeadFound)
    assert answer.layer == 0
    assert 0 <= answer.weight <= 1
    with torch.no_grad():
        half.embed.weight.fill_(float("nan"))
    answer = last(strongest(StrongestHead(position=5), subject, benched(half)))
    assert isinstance(answer, StrongestHeadFound)
    assert answer.layer is None


@pytest.mark.parametrize("name", ["learned", "like Llama"])
def test_a_norm_of_long_vectors_is_the_same_traced_as_fused_in_float16(name: str) -> None:
    norm = network(VARIANTS[name]).half().norm_of("blocks.0.ln1")
    x_BTD = torch.full((1, 1, 20), 900.0).half()
    x_BTD[..., ::2] = -700
    traced = norm.normalize(x_BTD, norm.scale(x_BTD))
    assert (x_BTD.square() > 65504).all()
    assert traced.isfinite().all()
    torch.testing.assert_close(traced, norm(x_BTD), atol=5e-3, rtol=5e-3)
