"""B − A at every operation and of every tensor, held to NumPy in float64."""

from __future__ import annotations

from dataclasses import replace
from types import SimpleNamespace
from typing import Any, cast

import numpy as np
import pytest
import torch

from model.bench import Bench
from model.interventions import AblateHead, Intervention, RemoveMask
from model.language_model import LanguageModel
from model.parameters import parameter
from model.probe.answering import whole_answer
from model.probe.difference.asks import Difference, DifferenceFound
from model.probe.difference.compute import answer
from model.probe.question import Question
from model.probe.weight_difference.asks import WeightDifference, WeightDifferenceFound
from model.subject import Subject
from model.trace import Trace, record
from model.transformer import Transformer
from tests.model.networks import VARIANTS, network

A_IDS = (3, 17, 8, 1, 30, 4, 4, 22, 9, 11, 2)
B_IDS = (3, 17, 9, 1, 30, 4, 5, 22, 9, 11, 2)
LONGER = (3, 17, 6, 8, 1, 30, 4, 4, 22, 9, 11, 2)
PAIRS = tuple((at, at if at < 2 else at + 1) for at in range(len(A_IDS)))


def another(name: str) -> Transformer:
    """The same network with other weights, near to the first's."""
    changed = network(VARIANTS[name])
    generator = torch.Generator().manual_seed(5)
    with torch.no_grad():
        for weight in changed.parameters():
            weight.add_(0.05 * torch.randn(weight.shape, generator=generator))
    return changed


def bench_of(a: Transformer, b: Transformer) -> Bench:
    bench = Bench()
    for at, one in enumerate((a, b), 1):
        bench.hold(at, cast("LanguageModel", SimpleNamespace(transformer=one)))
    return bench


def trace_of(one: Transformer, ids: tuple[int, ...], some: tuple[Intervention, ...] = ()) -> Trace:
    return record(one, torch.tensor([ids]), interventions=some)


def ask(question: Question, subject: Subject, bench: Bench) -> Any:
    return whole_answer(question, subject, bench)


def numbers(trace: Trace, op: Any, at: list[int]) -> np.ndarray:
    """``[P, …]`` float64 of some positions, with 0 for what a mask hides; keys likewise."""
    array = trace[op.output][0].double().numpy()
    if op.shape.endswith("QS"):
        return np.moveaxis(array[:, at][:, :, at], 1, 0).reshape(len(at), -1)
    return array[at].reshape(len(at), -1)


@pytest.mark.parametrize("name", sorted(VARIANTS))
def test_every_operation_is_compared_as_numpy_does(name: str):
    a, b = network(VARIANTS[name]), another(name)
    found = ask(
        Difference(Subject(2, None, LONGER), PAIRS), Subject(1, None, A_IDS), bench_of(a, b)
    )
    assert isinstance(found, DifferenceFound)
    ops = {op.output: op for op in a.operations}
    left = {op.output for op in a.operations} - set(found.names)
    kinds = {ops[one].kind for one in left}
    assert kinds <= {"tokens", "expert_indices", "unembed", "softmax"}
    trace_a, trace_b = trace_of(a, A_IDS), trace_of(b, LONGER)
    at_a, at_b = [pair[0] for pair in PAIRS], [pair[1] for pair in PAIRS]
    for at, one in enumerate(found.names):
        x, y = numbers(trace_a, ops[one], at_a), numbers(trace_b, ops[one], at_b)
        hidden = np.isinf(x) | np.isinf(y)
        x, y = np.where(hidden, 0, x), np.where(hidden, 0, y)
        with np.errstate(divide="ignore", invalid="ignore"):
            rows = np.linalg.norm(y - x, axis=1) / np.linalg.norm(x, axis=1)
        rows = np.where(np.abs(y - x).max(1) == 0, 0, rows)
        whole = np.linalg.norm(y - x) / np.linalg.norm(x)
        cosine = (x * y).sum() / np.linalg.norm(x) / np.linalg.norm(y)
        assert found.relative_N[at] == pytest.approx(whole, rel=1e-4, abs=1e-6), one
        assert found.max_abs_N[at] == pytest.approx(np.abs(y - x).max(), rel=1e-4, abs=1e-5), one
        assert found.cosine_N[at] == pytest.approx(cosine, abs=1e-5), one
        np.testing.assert_allclose(found.relative_NP[at], rows, rtol=1e-3, atol=1e-5, err_msg=one)


def test_what_is_predicted_is_compared_in_bits():
    a, b = network(VARIANTS["learned"]), another("learned")
    found = ask(Difference(Subject(2, None, B_IDS)), Subject(1, None, A_IDS), bench_of(a, b))
    logits_a = trace_of(a, A_IDS)["logits"][0].double().numpy()
    logits_b = trace_of(b, B_IDS)["logits"][0].double().numpy()

    def logs(logits: np.ndarray) -> np.ndarray:
        shifted = logits - logits.max(1, keepdims=True)
        out: np.ndarray = shifted - np.log(np.exp(shifted).sum(1, keepdims=True))
        return out

    p, q = logs(logits_a), logs(logits_b)
    np.testing.assert_allclose(
        found.kl_bits_P, (np.exp(p) * (p - q)).sum(1) / np.log(2), rtol=1e-3, atol=1e-6
    )
    np.testing.assert_array_equal(found.top_a_P, p.argmax(1))
    np.testing.assert_array_equal(found.top_b_P, q.argmax(1))
    assert found.agreement == (p.argmax(1) == q.argmax(1)).mean()


def test_before_and_after_differ_from_the_cut_on():
    a = network(VARIANTS["learned"])
    cut = Subject(1, None, A_IDS, (AblateHead(1, 2),))
    found = ask(Difference(cut), Subject(1, None, A_IDS), bench_of(a, a))
    relative = dict(zip(found.names, found.relative_N, strict=True))
    assert relative["blocks.0.hook_resid_post"] < 1e-6
    assert relative["blocks.1.attn.hook_pattern"] < 1e-6
    assert relative["blocks.1.attn.hook_z"] > 0.1
    assert relative["blocks.1.hook_resid_post"] > 0.01


def test_scores_that_only_one_mask_hides_are_left_out():
    a = network(VARIANTS["learned"])
    unmasked = Subject(1, None, A_IDS, (RemoveMask(),))
    found = ask(Difference(unmasked), Subject(1, None, A_IDS), bench_of(a, a))
    relative = dict(zip(found.names, found.relative_N, strict=True))
    assert np.isfinite(list(relative.values())).all()
    assert relative["blocks.0.attn.hook_attn_scores"] < 1e-6
    assert relative["blocks.0.attn.hook_pattern"] > 0.1


def test_a_nan_is_not_hidden():
    a, b = network(VARIANTS["learned"]), network(VARIANTS["learned"])
    with torch.no_grad():
        b.embed.weight[A_IDS[3]] = float("nan")
    found = ask(Difference(Subject(2, None, A_IDS)), Subject(1, None, A_IDS), bench_of(a, b))
    at = found.names.index("hook_embed")
    assert np.isnan(found.relative_N[at])
    assert np.isnan(found.relative_NP[at, 3])
    assert found.relative_NP[at, 2] == 0


def test_texts_of_other_lengths_must_say_what_is_compared():
    a = network(VARIANTS["learned"])
    steps = answer(Difference(Subject(1, None, LONGER)), Subject(1, None, A_IDS), bench_of(a, a))
    with pytest.raises(ValueError, match="A has 11 tokens and B 12"):
        list(steps)


def test_only_what_both_have_in_one_shape_is_compared():
    a = network(VARIANTS["learned"])
    b = network(replace(VARIANTS["learned"], n_layers=3, d_mlp=32))
    found = ask(Difference(Subject(2, None, A_IDS)), Subject(1, None, A_IDS), bench_of(a, b))
    assert "blocks.1.hook_resid_post" in found.names
    assert "blocks.1.mlp.hook_post" in found.left_out
    assert "blocks.2.hook_resid_post" in found.left_out
    assert found.no_predictions == ""


def test_vectors_of_other_spaces_are_not_subtracted():
    a, b = network(VARIANTS["learned"]), network(replace(VARIANTS["learned"], d_model=24))
    found = ask(Difference(Subject(2, None, A_IDS)), Subject(1, None, A_IDS), bench_of(a, b))
    assert found.names == ()
    assert np.isfinite(found.kl_bits_P).all()


# -------------------------------------------------------------------------------- weights


@pytest.mark.parametrize("name", ["learned", "like Llama", "gated"])
def test_every_tensor_is_compared_as_numpy_does(name: str):
    a, b = network(VARIANTS[name]), another(name)
    with torch.no_grad():
        b.blocks[0].get_parameter("mlp.down.weight").copy_(
            a.blocks[0].get_parameter("mlp.down.weight")
        )
    found = ask(WeightDifference(2), Subject(1, None, (0,)), bench_of(a, b))
    assert isinstance(found, WeightDifferenceFound)
    assert found.left_out == ()
    for at, one in enumerate(found.names):
        x, y = (parameter(each, one).double().numpy() for each in (a, b))
        norm = np.linalg.norm(x)
        expected = np.linalg.norm(y - x) / norm if norm else np.inf
        assert found.relative_N[at] == pytest.approx(expected, rel=1e-6)
        assert found.max_abs_N[at] == pytest.approx(np.abs(y - x).max(), rel=1e-9)
        assert (found.n_changed_N[at], found.n_N[at]) == ((x != y).sum(), x.size)
    same = found.names.index("blocks.0.mlp.W_out")
    assert (found.relative_N[same], found.n_changed_N[same]) == (0, 0)
    assert found.cosine_N[same] == pytest.approx(1)


def test_tensors_of_other_shapes_are_said_in_words():
    a = network(VARIANTS["learned"])
    b = network(replace(VARIANTS["learned"], n_layers=1, d_mlp=32))
    found = ask(WeightDifference(2), Subject(1, None, (0,)), bench_of(a, b))
    assert "blocks.0.mlp.W_in: 20 × 28 in A, 20 × 32 in B" in found.left_out
    assert "blocks.1.attn.W_Q: only A has it" in found.left_out
    assert "blocks.0.attn.W_Q" in found.names


def test_weights_are_compared_once_whatever_is_read():
    a, b = network(VARIANTS["learned"]), another("learned")
    bench = bench_of(a, b)
    first = ask(WeightDifference(2), Subject(1, None, (0,)), bench)
    with torch.no_grad():
        b.embed.weight.zero_()
    again = ask(WeightDifference(2), Subject(1, None, (3, 4)), bench)
    assert again.subject.ids == (3, 4)
    np.testing.assert_array_equal(again.relative_N, first.relative_N)
