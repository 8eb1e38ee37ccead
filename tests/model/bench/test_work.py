"""What the bench does not do twice, and that chunks and single rows agree with a trace."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
import torch

from model.bench import looking, running, stream
from model.bench.bench import IN_VIEW
from model.bench.looking import stretches
from model.operations import LOGITS, operations
from model.subject import Subject
from model.trace import record
from model.transformer import Transformer
from tests.model.bench.test_bench import assert_same_as_a_trace, held
from tests.model.networks import BASE, BY_LENGTH, VARIANTS, network

IDS = (3, 17, 8, 1, 30, 4, 4, 22, 9, 11, 2)
TIGHT: Any = {"rtol": 0, "atol": 1e-9}


@pytest.fixture(params=VARIANTS, scope="module")
def transformer(request: pytest.FixtureRequest) -> Transformer:
    return network(VARIANTS[request.param])


def linear_maps(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """Sizes of the weights that are multiplied with, as they come."""
    sizes: list[int] = []
    real = torch.nn.functional.linear

    def counting(x: torch.Tensor, weight: torch.Tensor, *more: Any) -> torch.Tensor:
        sizes.append(weight.numel())
        return real(x, weight, *more)

    monkeypatch.setattr(torch.nn.functional, "linear", counting)
    return sizes


def test_a_text_run_in_chunks_is_that_of_a_trace(
    transformer: Transformer, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(running, "CHUNK", 3)
    monkeypatch.setattr(running, "KEPT_BYTES", 0)
    bench = held(transformer)
    subject = Subject(1, None, IDS)
    slices = sum(1 for _ in bench.streaming(subject, (4,)))
    c = transformer.config
    alone = c.causal and c not in BY_LENGTH.values()
    assert slices == (1 + 4 * c.n_layers if alone else 1 + c.n_layers) - 1
    assert_same_as_a_trace(bench, transformer, subject)
    assert_same_as_a_trace(bench, transformer, subject, 4, 5)
    grown = Subject(1, None, (*IDS, 5, 6, 7, 8))
    assert_same_as_a_trace(bench, transformer, grown)


def test_queries_are_not_computed_again(monkeypatch: pytest.MonkeyPatch):
    transformer = network(VARIANTS["like Llama"])
    monkeypatch.setattr(running, "KEPT_BYTES", 0)
    bench = held(transformer)
    subject = Subject(1, None, IDS)
    bench.stream(subject)
    maps = linear_maps(monkeypatch)
    pattern = bench.pattern(subject, 1)
    assert maps == []
    # Nor where the text went on, or was edited in the middle.
    for other in (Subject(1, None, (*IDS, 5)), Subject(1, None, (*IDS[:5], 29, *IDS[6:]))):
        bench.stream(other)
        maps.clear()
        bench.pattern(other, 1)
        assert maps == []
    expected = record(transformer, torch.tensor([IDS]))["blocks.1.attn.hook_pattern"][0]
    torch.testing.assert_close(pattern, expected, **TIGHT)


def test_queries_of_a_long_text_are_had_again(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(running, "KEPT_BYTES", 0)
    transformer = network(replace(VARIANTS["like Llama"], n_ctx=100))
    one_head = transformer.config.n_layers * transformer.config.d_head * 8
    # Room for the first buffers, none for those of a longer text.
    monkeypatch.setattr(stream, "QUERY_BYTES", one_head * transformer.config.n_heads * 80)
    bench = held(transformer)
    subject = Subject(1, None, IDS)
    short = bench.stream(subject)
    assert short.shelf.queries(0, 0, 5) is not None
    long = Subject(1, None, (*IDS, *range(20), *range(20), *range(30), *range(5)))
    grown = bench.stream(long)
    assert grown.shelf is short.shelf
    assert grown.shelf.queries(0, 0, 5) is None
    assert_same_as_a_trace(bench, transformer, long)


def test_single_queries_are_those_of_all(transformer: Transformer, monkeypatch: pytest.MonkeyPatch):
    c = transformer.config
    trace = record(transformer, torch.tensor([IDS]))
    for room in (stream.QUERY_BYTES, 0):
        monkeypatch.setattr(stream, "QUERY_BYTES", room)
        monkeypatch.setattr(running, "KEPT_BYTES", room)
        monkeypatch.setattr(looking, "WHOLE_PATTERN", room)
        bench = held(transformer)
        for layer in range(c.n_layers):
            for tail in ("pattern", "attn_scores"):
                whole_HQS = trace[f"blocks.{layer}.attn.hook_{tail}"][0]
                for heads in (None, (c.n_heads - 1,)):
                    found = bench.pattern(
                        Subject(1, None, IDS), layer, heads, 1, 10, tail, queries=(1, 2, 9)
                    )
                    chosen = whole_HQS if heads is None else whole_HQS[list(heads)]
                    torch.testing.assert_close(found, chosen[:, [1, 2, 9]], **TIGHT)


def test_positions_are_cut_where_more_than_a_few_lie_between():
    found = list(stretches([1, 2, 5, 20, 21, 40], gap=8))
    assert found == [(1, [1, 2, 5]), (20, [20, 21]), (40, [40])]
    assert list(stretches([])) == []


# What experts write is joined anew, by products of theirs.
@pytest.mark.parametrize("name", [name for name, c in VARIANTS.items() if c.experts is None])
def test_what_a_watched_position_does_costs_no_more_products(
    name: str, monkeypatch: pytest.MonkeyPatch
):
    transformer = network(VARIANTS[name])
    monkeypatch.setattr(running, "KEPT_BYTES", 0)
    bench = held(transformer)
    subject = Subject(1, None, IDS)
    for _ in bench.streaming(subject, watched=(6,)):
        pass
    maps = linear_maps(monkeypatch)
    names = [op.output for op in operations(transformer.config) if op.layer is not None]
    bench.values(subject, names, 6, 7)
    assert maps == []
    bench.values(subject, names, 5, 6)
    assert maps


def test_logits_of_a_position_are_computed_once(monkeypatch: pytest.MonkeyPatch):
    transformer = network(BASE)
    bench = held(transformer)
    subject = Subject(1, None, IDS)
    first = bench.logits(subject, 4, 5)
    maps = linear_maps(monkeypatch)
    assert bench.logits(subject, 4, 5) is not None
    assert bench.values(subject, ("unembed.hook_out",), 4, 5)
    assert maps == []
    other = bench.logits(subject, 5, 6)
    assert maps
    trace = record(transformer, torch.tensor([IDS]))[LOGITS][0]
    torch.testing.assert_close(first, trace[4:5], **TIGHT)
    torch.testing.assert_close(other, trace[5:6], **TIGHT)
    torch.testing.assert_close(bench.logits(subject, 4, 5), trace[4:5], **TIGHT)


def test_prompts_that_are_no_longer_in_view_keep_only_what_the_rest_follows_from():
    transformer = network(BASE)
    bench = held(transformer)
    subjects = [Subject(1, None, (first, *IDS)) for first in range(IN_VIEW + 2)]
    for subject in subjects:
        bench.stream(subject)
    kept = [bool(bench.stream(subject).kept) for subject in subjects]
    assert kept == [False, False, *[True] * IN_VIEW]
    old = bench.stream(subjects[0])
    assert old.shelf.queries(0, 0, 3) is None
    assert old.n_bytes < bench.stream(subjects[-1]).n_bytes
    assert_same_as_a_trace(bench, transformer, subjects[0])
