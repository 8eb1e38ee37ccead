"""The bench under interventions: every activation is that of a full trace under the same ones."""

from __future__ import annotations

import gc
import weakref
from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, ClassVar

import pytest
import torch
from torch import Tensor

from model.bench import Bench
from model.bench.changes import Changes
from model.config import TransformerConfig
from model.interventions import (
    AblateHead,
    CutEdge,
    Intervention,
    PatchActivation,
    RemoveMask,
    RemoveNorm,
    RemovePositions,
    RemoveResidual,
    ScaleHead,
    ScaleOutput,
    SetNeuron,
    SetWeight,
    Steer,
)
from model.operations import activation_names
from model.subject import Subject
from model.trace import Trace, record
from model.transformer import Transformer
from tests.model.bench.test_bench import IDS, TIGHT, held
from tests.model.networks import BASE, UNLIKE, VARIANTS, network, shared_out
from tests.samples.even_attention import EvenAttention


@dataclass(frozen=True, slots=True)
class LongerEmbedding(Intervention):
    """Of the embedding: no block is concerned itself, and all read something else."""

    kind: ClassVar[str] = "longer_embedding"
    every: bool = True

    def operations(self, config: TransformerConfig) -> tuple[str, ...]:
        return ("hook_embed",)

    @property
    def by_position(self) -> bool:
        return self.every

    def change(self, name: str, tensor: Tensor) -> Tensor:
        return tensor * 1.5 if self.every else tensor + tensor.mean(1, keepdim=True)


@dataclass(frozen=True, slots=True)
class MeanKeys(Intervention):
    """Of keys, by what stands at other positions: nothing of the block goes by windows."""

    kind: ClassVar[str] = "mean_keys"

    def operations(self, config: TransformerConfig) -> tuple[str, ...]:
        return ("blocks.1.attn.hook_k",)

    @property
    def by_position(self) -> bool:
        return False

    def change(self, name: str, tensor: Tensor) -> Tensor:
        return tensor - tensor.mean(1, keepdim=True)


@dataclass(frozen=True, slots=True)
class RunningMean(Intervention):
    """By earlier positions only: what was computed stays, and can't be had by a window."""

    kind: ClassVar[str] = "running_mean"

    def operations(self, config: TransformerConfig) -> tuple[str, ...]:
        return ("blocks.0.hook_mlp_out",)

    @property
    def by_position(self) -> bool:
        return False

    @property
    def keeps_prefix(self) -> bool:
        return True

    def change(self, name: str, tensor: Tensor) -> Tensor:
        counts_T = torch.arange(1, tensor.shape[1] + 1, dtype=tensor.dtype)
        return tensor.cumsum(1) / counts_T[:, None]


@dataclass(frozen=True, slots=True)
class SoftLogits(Intervention):
    """Behind the last block."""

    kind: ClassVar[str] = "soft_logits"

    def operations(self, config: TransformerConfig) -> tuple[str, ...]:
        return ("logits",) if config.has_logits else ("ln_final.hook_normalized",)

    def refusal(self, config: TransformerConfig) -> str:
        return "" if config.has_logits or config.norms.final else "There is nothing behind."

    def change(self, name: str, tensor: Tensor) -> Tensor:
        return tensor / 3


OTHER = (9, 2, 30, 4, 17, 17, 1, 8)
"""Another text, shorter than the one that is read."""

EXAMPLES: dict[str, tuple[Intervention, ...]] = {
    "head": (AblateHead(1, 2),),
    "head to its mean": (AblateHead(0, 3, mean=True),),
    "last head to its mean": (AblateHead(1, 0, mean=True),),
    "attention": (ScaleOutput(0, "attn"),),
    "MLP": (ScaleOutput(1, "mlp", 2.5),),
    "neuron": (SetNeuron(0, 7, 1.5),),
    "weight of the MLP": (SetWeight("blocks.0.mlp.W_in", (3, 7), 2.5),),
    "weight of a query": (SetWeight("blocks.1.attn.W_Q", (1, 4, 2), -3.0),),
    "two weights of values": (
        SetWeight("blocks.0.attn.W_V", (0, 4, 2), -3.0),
        SetWeight("blocks.0.attn.W_V", (0, 1, 1), 2.0),
    ),
    "weight of an embedding": (SetWeight("W_E", (IDS[2], 4), 1.5),),
    "weight of the unembedding": (SetWeight("W_U", (2, 5), 4.0),),
    "weight of a norm": (SetWeight("ln_final.w", (3,), 2.0),),
    "stream around attention": (RemoveResidual(1, "attn"),),
    "stream around the MLP": (RemoveResidual(0, "mlp"),),
    "mask": (RemoveMask(),),
    "mask of the first layer": (RemoveMask(0),),
    "mask of the last layer": (RemoveMask(1),),
    "positions": (RemovePositions(),),
    "a norm": (RemoveNorm("blocks.1.ln2"),),
    "the final norm": (RemoveNorm("ln_final"),),
    "scaled head": (ScaleHead(0, 1, 1.7),),
    "block": (ScaleOutput(1, "block", 0.3),),
    "edge": (CutEdge(1, 5, 3, head=2),),
    "edge of all heads, shared out": (CutEdge(0, 5, 4, share=True),),
    "edges of a whole row": tuple(CutEdge(0, 1, key, 1, share=True) for key in (0, 1)),
    "stream of another text": (PatchActivation("blocks.0.hook_resid_post", OTHER),),
    "some positions of it": (PatchActivation("blocks.1.mlp.post", OTHER, (6, 2), (1, 2)),),
    "a head of it": (PatchActivation("blocks.0.attn.z", OTHER, head=1),),
    "keys of it": (PatchActivation("blocks.0.attn.k", OTHER, (0, 4, 5)),),
    "a pattern of it": (PatchActivation("blocks.1.attn.pattern", OTHER, head=0),),
    "its embedding": (PatchActivation("hook_embed", OTHER, (3,)),),
    "what attention adds there": (PatchActivation("blocks.1.attn_out", OTHER, (4,)),),
    "direction": (Steer(0, OTHER[:3], OTHER[3:5], 1.5),),
    "direction at one position": (Steer(1, (4,), (), -2.0, (5,)),),
    "pattern": (EvenAttention(1),),
    "embedding": (LongerEmbedding(),),
    "embedding by all": (LongerEmbedding(every=False),),
    "keys by all": (MeanKeys(),),
    "running mean": (RunningMean(),),
    "logits": (SoftLogits(),),
    "several": (
        AblateHead(0, 1),
        ScaleOutput(0, "mlp", 0.5),
        RemoveMask(1),
        ScaleOutput(1, "attn"),
    ),
}


@pytest.fixture(autouse=True)
def keeps_little_in_small_windows(
    monkeypatch: pytest.MonkeyPatch, request: pytest.FixtureRequest
) -> None:
    """Or a short prompt would be answered from what was kept, and run in one window."""
    monkeypatch.setattr("model.bench.stepwise.WINDOW", 4)
    if "keeps" not in request.keywords:
        monkeypatch.setattr("model.bench.running.KEPT_BYTES", 0)
        monkeypatch.setattr("model.bench.looking.WHOLE_PATTERN", 0)


@pytest.fixture(params=VARIANTS, scope="module")
def transformer(request: pytest.FixtureRequest) -> Transformer:
    return network(VARIANTS[request.param])


def fitting(config: TransformerConfig) -> dict[str, tuple[Intervention, ...]]:
    return {
        name: some
        for name, some in EXAMPLES.items()
        if not any(one.refusal(config) for one in some)
    }


def some_fitting(config: TransformerConfig) -> list[tuple[Intervention, ...]]:
    """Of the examples that fit those that this network shall try."""
    name = next(name for name, other in VARIANTS.items() if other == config)
    fit = fitting(config)
    return [fit[example] for example in shared_out(name, EXAMPLES) if example in fit]


@lru_cache(maxsize=64)  # tests of one network come after each other and ask for the same
def traced(transformer: Transformer, subject: Subject) -> Trace:
    ids_BT = torch.tensor([subject.ids])
    return record(transformer, ids_BT, interventions=subject.interventions)


def assert_same(found: Tensor, expected: Tensor, what: object) -> None:
    assert found.shape == expected.shape, what
    assert bool((found.isfinite() == expected.isfinite()).all()), what
    difference = (found - expected).nan_to_num(0.0).abs().max()
    assert float(difference) < 1e-9, (what, float(difference))


def assert_as_traced(
    bench: Bench, transformer: Transformer, subject: Subject, *windows: tuple[int, int]
) -> None:
    """Every name, of these positions; and lengths that were noted on the way."""
    names = activation_names(transformer.config)
    trace = traced(transformer, subject)
    for start, stop in windows or ((0, subject.n_tokens),):
        found = bench.values(subject, names, start, stop)
        expected = {}
        for name in names:
            axis = 2 if transformer.operation(name).shape == "BHQS" else 1
            expected[name] = trace[name].narrow(axis, start, stop - start)
            assert found[name].shape == expected[name].shape, (subject.interventions, name)
        # All in one: tensor by tensor the comparison would take longer than what it compares.
        ours, theirs = (
            torch.cat([one[name].reshape(-1) for name in names]) for one in (found, expected)
        )
        if not torch.allclose(ours, theirs, rtol=0, atol=1e-9, equal_nan=True):
            for name in names:
                assert_same(found[name], expected[name], (subject.interventions, name, start, stop))
            raise AssertionError(f"signs of infinities: {subject.interventions, start, stop}")
    for op in transformer.operations:
        if op.output.endswith(("hook_attn_out", "hook_mlp_out", "hook_resid_mid")):
            noted_T = bench.lengths(subject, op.output)
            expected_T = trace[op.output][0].float().norm(dim=-1)
            assert noted_T.shape == expected_T.shape
            assert torch.allclose(noted_T, expected_T, rtol=1e-5, atol=1e-6), op.output


def test_every_activation_is_that_of_a_trace(transformer: Transformer):
    bench = held(transformer)
    for some in fitting(transformer.config).values():
        subject = Subject(1, None, IDS, some)
        assert_as_traced(bench, transformer, subject, (0, 11), (4, 7), (10, 11))


def test_and_of_what_went_on_or_was_edited(transformer: Transformer):
    for some in some_fitting(transformer.config):
        bench = held(transformer)
        begun = Subject(1, None, IDS[:7], some)
        bench.stream(begun)
        grown = Subject(1, None, IDS, some)
        assert_as_traced(bench, transformer, grown, (0, 11), (5, 9))
        edited = Subject(1, None, (*IDS[:5], 29, *IDS[6:]), some)
        assert_as_traced(bench, transformer, edited, (0, 11), (3, 7))
        assert_as_traced(bench, transformer, begun)
        assert_as_traced(bench, transformer, grown)


@pytest.mark.parametrize("kept", [0, 2**16], ids=["had again", "kept"])
def test_one_head_of_some_queries_is_that_of_the_trace(
    transformer: Transformer, kept: int, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr("model.bench.looking.WHOLE_PATTERN", kept)
    config = transformer.config
    bench = held(transformer)
    for some in some_fitting(config):
        subject = Subject(1, None, IDS, some)
        trace = traced(transformer, subject)
        for layer in range(config.n_layers):
            for tail in ("pattern", "attn_scores"):
                whole_HQS = trace[f"blocks.{layer}.attn.hook_{tail}"][0]
                for heads in ((config.n_heads - 1,), (0, 2), None):
                    part = bench.pattern(subject, layer, heads, 3, 8, tail)
                    chosen = whole_HQS if heads is None else whole_HQS[list(heads)]
                    assert_same(part, chosen[:, 3:8], (some, layer, tail))
            seen = bench.pattern(subject, layer, (1,), 3, 8, seen_only=True)
            whole_QS = trace[f"blocks.{layer}.attn.hook_pattern"][0, 1:2, 3:8]
            assert_same(seen, whole_QS[..., : seen.shape[-1]], (some, layer))
            assert not whole_QS[..., seen.shape[-1] :].any(), "what is left out is nothing"


@pytest.mark.keeps
@pytest.mark.parametrize("name", UNLIKE)
def test_a_clean_run_that_is_there_is_gone_on_from(name: str, monkeypatch: pytest.MonkeyPatch):
    transformer = network(VARIANTS[name])
    ran = blocks_run(monkeypatch, transformer)
    for some in fitting(transformer.config).values():
        bench = held(transformer)
        bench.stream(Subject(1, None, IDS))
        changes = Changes(some, transformer.config)
        first = changes.first
        for ids in changes.reads:  # other texts run whole, once
            bench.stream(Subject(1, None, ids))
        ran.clear()
        subject = Subject(1, None, IDS, some)
        bench.stream(subject)
        assert not [layer for layer in ran if layer < first], "these are known"
        assert_as_traced(bench, transformer, subject, (0, 11), (4, 7))
        # The text goes on, first without the interventions: again the clean one is there.
        bench.stream(Subject(1, None, (*IDS, 5, 6)))
        grown = Subject(1, None, (*IDS, 5, 6), some)
        assert_as_traced(bench, transformer, grown, (0, 13), (4, 12))
        assert_as_traced(bench, transformer, Subject(1, None, IDS))


def test_what_was_noted_of_a_prefix_goes_on_with_what_the_clean_run_noted():
    transformer = network(BASE)
    for some in fitting(BASE).values():
        bench = held(transformer)
        bench.stream(Subject(1, None, IDS[:7], some))
        bench.stream(Subject(1, None, IDS))
        assert_as_traced(bench, transformer, Subject(1, None, IDS, some))


def test_blocks_that_nothing_concerns_run_fused(monkeypatch: pytest.MonkeyPatch):
    transformer = network(BASE)
    ran = blocks_run(monkeypatch, transformer)
    for some, fused in (
        ((AblateHead(1, 2),), [0]),
        ((ScaleOutput(0, "mlp"),), [1]),
        ((SoftLogits(),), [0, 1]),
        ((LongerEmbedding(),), [0, 1]),
        ((RemoveMask(),), []),
    ):
        ran.clear()
        held(transformer).stream(Subject(1, None, IDS, some))
        assert ran == fused


def blocks_run(monkeypatch: pytest.MonkeyPatch, transformer: Transformer) -> list[int]:
    """Which blocks run by the fused path, as they come."""
    ran: list[int] = []
    for layer, block in enumerate(transformer.blocks):
        real = block.forward

        def counting(*arguments: Any, layer: int = layer, real: Any = real) -> Any:
            ran.append(layer)
            return real(*arguments)

        monkeypatch.setattr(block, "forward", counting)
    return ran


def test_a_long_block_is_a_slice_a_window():
    transformer = network(BASE)
    clean, cut = held(transformer), held(transformer)
    steps = sum(1 for _ in clean.streaming(Subject(1, None, IDS)))
    in_windows = Subject(1, None, IDS, (AblateHead(1, 0),))  # of 4, 4 and 3 positions
    shares: list[float] = list(cut.streaming(in_windows))
    assert len(shares) == steps + 2
    assert shares == sorted(shares)


def test_what_is_given_up_in_the_middle_is_not_left_half():
    transformer = network(BASE)
    bench = held(transformer)
    subject = Subject(1, None, IDS, (AblateHead(1, 0),))
    steps: Iterator[float] = bench.streaming(subject)
    for _ in range(3):
        next(steps)
    bench.abandon(subject)
    assert not bench.has(subject)
    assert_as_traced(bench, transformer, subject)


def test_only_a_layers_own_attention_concerns_it():
    def concerned(*some: Intervention) -> list[int]:
        changes = Changes(some, BASE)
        return [layer for layer in range(BASE.n_layers) if changes.concerns(layer)]

    assert concerned(RemoveMask(1)) == [1]
    assert concerned(EvenAttention(0)) == [0]
    assert concerned(RemoveMask()) == [0, 1]
    # Weights of one head are had by themselves from queries and keys, whatever was done to these.
    assert concerned(ScaleOutput(0, "attn"), AblateHead(1, 2), MeanKeys()) == []


def test_what_does_not_fit_the_network_is_said_and_nothing_is_kept():
    bench = held(network(BASE))
    with pytest.raises(ValueError, match="There is no layer 7; there are 0 to 1"):
        bench.stream(Subject(1, None, IDS, (AblateHead(7, 0),)))
    assert bench.n_bytes == 0
    bench.stream(Subject(1, None, IDS))


def test_an_intervention_that_sees_all_positions_is_not_gone_on_from():
    """Its prefix isn't that of the longer text: the very thing that a stream must not reuse."""
    transformer = network(BASE)
    bench = held(transformer)
    some = (AblateHead(0, 3, mean=True),)
    bench.stream(Subject(1, None, IDS[:7], some))
    grown = bench.stream(Subject(1, None, IDS, some))
    assert grown.known == 0
    cut = (AblateHead(0, 3),)
    bench.stream(Subject(1, None, IDS[:7], cut))
    assert bench.stream(Subject(1, None, IDS, cut)).known == 7
    expected = traced(transformer, Subject(1, None, IDS, some))["logits"]
    found = bench.values(Subject(1, None, IDS, some), ("logits",))["logits"]
    torch.testing.assert_close(found, expected, **TIGHT)


def test_another_text_is_run_in_slices_before_and_only_once(monkeypatch: pytest.MonkeyPatch):
    transformer = network(BASE)
    ran = blocks_run(monkeypatch, transformer)
    bench = held(transformer)
    some = (Steer(1, OTHER, OTHER[:3]), PatchActivation("blocks.1.mlp.post", OTHER, (2,)))
    n_slices = sum(1 for _ in bench.streaming(Subject(1, None, IDS, some)))
    assert n_slices > 2 * BASE.n_layers, "both other texts a block a slice"
    assert bench.has(Subject(1, None, OTHER))
    ran.clear()
    bench.stream(Subject(1, None, (*IDS, 3), some))
    assert ran == [0], "block 1 is changed, and the other texts are known"


def test_who_gives_up_gives_up_the_other_text_as_well():
    bench = held(network(BASE))
    subject = Subject(1, None, IDS, (Steer(1, OTHER),))
    steps = bench.streaming(subject)
    next(steps)
    bench.abandon(subject)
    assert not bench.has(subject)
    assert not bench.has(Subject(1, None, OTHER))
    assert bench.n_bytes == 0


def test_a_bench_that_read_another_text_is_let_go():
    """Nothing may hold it in a circle: a program that rarely looks for those would keep it."""
    bench = held(network(BASE))
    bench.stream(Subject(1, None, IDS, (Steer(0, OTHER),)))
    gone = weakref.ref(bench)
    gc.disable()
    try:
        del bench
        assert gone() is None
    finally:
        gc.enable()
