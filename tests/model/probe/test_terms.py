"""What a number is made of: every number of every kind of network, put together again."""

from __future__ import annotations

import math

import numpy as np
import pytest

from model.interventions import AblateHead
from model.operations import PROBABILITIES, shape_of
from model.parameters import parameter
from model.probe.terms.asks import Factor, Terms, TermsFound
from tests.model.networks import VARIANTS
from tests.model.probe.asking import IDS, Asked


def indices(asked: Asked, name: str, n: int = 3) -> list[tuple[int, ...]]:
    """Some places of an activation, early and late ones."""
    op = asked.network.operation(name)
    shape = shape_of(op, asked.config, 1, len(IDS))
    generator = np.random.default_rng(len(name))
    found = [tuple(int(generator.integers(size)) for size in shape) for _ in range(n)]
    return [*found, tuple(size - 1 for size in shape)]


def together(found: TermsFound) -> float:
    """The number, from what the answer says it is made of."""
    bias = 0.0 if found.bias is None else found.bias.value
    total = math.fsum([*(term.value for term in found.terms), found.rest, bias])
    assert found.value is not None
    return total if found.how == "sum" and not found.outer else found.value - found.remainder


@pytest.mark.parametrize("variant", VARIANTS)
def test_every_number_is_put_together_again(variant: str):
    asked = Asked(variant)
    trace = asked.trace
    for op in asked.network.operations:
        if op.kind == "tokens" or op.output == PROBABILITIES:
            continue
        for index in indices(asked, op.output):
            found = asked.ask(Terms(op.output, index, 4))
            value = float(trace[op.output][index])
            assert found.value == pytest.approx(value, rel=1e-9, abs=1e-9)
            if math.isfinite(value):
                assert together(found) == pytest.approx(value, rel=1e-6, abs=1e-7), op.output
            assert abs(found.remainder) < 1e-6, (op.output, index)
            sizes = [abs(term.value) for term in found.terms]
            assert sizes == sorted(sizes, reverse=True)
            for term in found.terms:
                for factor in term.factors:
                    assert factor.value == pytest.approx(number(asked, trace, factor), abs=1e-9)


def number(asked: Asked, trace, factor: Factor) -> float:
    """What stands in the tensor that a factor names."""
    if not factor.name:
        return factor.value
    if factor.name in trace:
        return float(trace[factor.name][factor.index])
    return float(parameter(asked.network, factor.name)[factor.index])


@pytest.mark.parametrize("variant", ["learned", "like Llama", "experts", "alibi"])
def test_terms_multiply_their_factors(variant: str):
    asked = Asked(variant)
    for op in asked.network.operations:
        if op.kind in ("query", "dot", "mix", "attn_out", "mlp_in", "mlp_out", "unembed"):
            found = asked.ask(Terms(op.output, indices(asked, op.output)[0]))
            for term in found.terms:
                product = math.prod(factor.value for factor in term.factors)
                assert term.value == pytest.approx(product, abs=1e-12)


def test_a_head_reads_one_key_most():
    asked = Asked("learned")
    weights = asked.trace["blocks.1.attn.hook_pattern"][0, 2, -1]
    values = asked.trace["blocks.1.attn.hook_v"][0, :, 2, 3]
    found = asked.ask(Terms("blocks.1.attn.hook_z", (0, len(IDS) - 1, 2, 3)))
    assert found.axis == "key"
    assert found.n_terms == len(IDS)
    assert found.terms[0].at == int((weights * values).abs().argmax())


def test_a_share_names_the_one_whose_it_is():
    asked = Asked("learned")
    found = asked.ask(Terms("blocks.0.attn.hook_pattern", (0, 1, 6, 2), 2))
    assert found.how == "softmax"
    assert found.chosen is not None
    assert found.chosen.at == 2
    total = math.fsum([*(term.value for term in found.terms), found.rest])
    assert found.chosen.value / total == pytest.approx(found.value)


def test_it_says_who_reads_the_number():
    asked = Asked("learned")
    found = asked.ask(Terms("blocks.0.hook_resid_mid", (0, 1, 2)))
    assert "blocks.0.ln2.hook_normalized" in found.feeds
    assert "blocks.0.hook_resid_post" in found.feeds


def test_what_an_intervention_changed_is_a_remainder():
    asked = Asked("learned", interventions=(AblateHead(0, 2),))
    found = asked.ask(Terms("blocks.0.attn.hook_z", (0, 5, 2, 1)))
    assert found.value == 0
    assert abs(found.remainder) > 1e-3
    assert found.remainder == pytest.approx(
        -math.fsum([*(term.value for term in found.terms), found.rest])
    )


@pytest.mark.parametrize(
    ("of", "index"),
    [
        ("blocks.0.attn.hook_q", (0, 99, 0, 0)),
        ("blocks.0.attn.hook_q", (0, 1, 0)),
        ("blocks.9.attn.hook_q", (0, 1, 0, 0)),
        ("input_ids", (0, 1)),
    ],
)
def test_a_place_that_is_not_there_has_no_value(of: str, index: tuple[int, ...]):
    found = Asked("learned").ask(Terms(of, index))
    assert found.value is None
    assert not found.arrays()
