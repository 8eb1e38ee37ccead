"""The bench: every activation of any positions is a full trace's, however the prompt came about."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from types import SimpleNamespace
from typing import Any, cast

import pytest
import torch

from model.bench import Bench, MovedOnError, stream
from model.bench.stream import Stream
from model.language_model import LanguageModel
from model.network import scores
from model.operations import activation_names, streams
from model.subject import Subject
from model.trace import record
from model.transformer import Transformer
from tests.model.networks import BASE, BY_LENGTH, VARIANTS, network

TIGHT: Any = {"rtol": 0, "atol": 1e-9}
IDS = (3, 17, 8, 1, 30, 4, 4, 22, 9, 11, 2)


def held(transformer: Transformer, bench: Bench | None = None, model: int = 1) -> Bench:
    bench = bench or Bench()
    bench.hold(model, cast("LanguageModel", SimpleNamespace(transformer=transformer)))
    return bench


def assert_same_as_a_trace(
    bench: Bench,
    transformer: Transformer,
    subject: Subject,
    start: int = 0,
    stop: int = 0,
    most: float = 1e-9,
) -> None:
    """All names, for positions start to stop (all if stop is 0), up to a difference."""
    stop = stop or subject.n_tokens
    names = activation_names(transformer.config)
    trace = record(transformer, torch.tensor([subject.ids]), names)
    found = bench.values(subject, names, start, stop)
    assert set(found) == set(names)
    for name in names:
        expected = trace[name]
        axis = 2 if transformer.operation(name).shape == "BHQS" else 1
        expected = expected.narrow(axis, start, stop - start)
        assert found[name].shape == expected.shape, name
        assert bool((found[name].isfinite() == expected.isfinite()).all()), name
        difference = (found[name] - expected).nan_to_num(0.0).abs().max()
        assert float(difference) < most, name


@pytest.fixture(params=VARIANTS, scope="module")
def transformer(request: pytest.FixtureRequest) -> Transformer:
    return network(VARIANTS[request.param])


@pytest.fixture(autouse=True)
def keeps_little(monkeypatch: pytest.MonkeyPatch, request: pytest.FixtureRequest) -> None:
    """Or short prompts would be answered from what was kept of their only run."""
    if "keeps" not in request.keywords:
        monkeypatch.setattr("model.bench.running.KEPT_BYTES", 0)
        monkeypatch.setattr("model.bench.looking.WHOLE_PATTERN", 0)


def test_every_activation_is_that_of_a_trace(transformer: Transformer):
    bench = held(transformer)
    subject = Subject(1, None, IDS)
    assert_same_as_a_trace(bench, transformer, subject)
    assert_same_as_a_trace(bench, transformer, subject, 4, 7)
    assert_same_as_a_trace(bench, transformer, subject, len(IDS) - 1)


def test_text_that_goes_on_is_run_from_where_it_goes_on(
    transformer: Transformer, monkeypatch: pytest.MonkeyPatch
):
    bench = held(transformer)
    ran = positions_run(monkeypatch, transformer)
    bench.stream(Subject(1, None, IDS[:7]))
    grown = Subject(1, None, IDS)
    bench.stream(grown)
    reused = transformer.config.causal and transformer.config not in BY_LENGTH.values()
    assert ran == [7, 4 if reused else 11]
    assert_same_as_a_trace(bench, transformer, grown)
    # What it continues is still what it was.
    assert_same_as_a_trace(bench, transformer, Subject(1, None, IDS[:7]))


def test_an_edit_in_the_middle_reuses_what_lies_before(
    transformer: Transformer, monkeypatch: pytest.MonkeyPatch
):
    bench = held(transformer)
    ran = positions_run(monkeypatch, transformer)
    before = Subject(1, None, IDS)
    bench.stream(before)
    edited = Subject(1, None, (*IDS[:5], 29, *IDS[6:]))
    bench.stream(edited)
    assert ran == [11, 6 if transformer.config.causal else 11]
    assert_same_as_a_trace(bench, transformer, edited)
    assert_same_as_a_trace(bench, transformer, before)


def test_a_little_beginning_of_a_small_network_is_computed_again(
    transformer: Transformer, monkeypatch: pytest.MonkeyPatch
):
    c = transformer.config
    position = c.d_model * (4 * c.n_heads * c.d_head + 2 * c.d_mlp)
    monkeypatch.setattr(stream, "COMPUTED_AGAIN", 5 * position + 1)
    bench = held(transformer)
    ran = positions_run(monkeypatch, transformer)
    before = Subject(1, None, IDS)
    bench.stream(before)
    edited = [Subject(1, None, (*IDS[:at], 29, *IDS[at + 1 :])) for at in (5, 6)]
    for subject in edited:
        bench.stream(subject)
        assert_same_as_a_trace(bench, transformer, subject)
    assert ran == [11, 11, 5 if c.causal else 11]
    assert_same_as_a_trace(bench, transformer, before)


@pytest.mark.parametrize("name", VARIANTS)
def test_in_float32_text_that_goes_on_or_is_edited_is_that_of_a_whole_pass(name: str):
    transformer = network(VARIANTS[name]).float()
    bench = held(transformer)
    for ids in (IDS[:7], IDS, (*IDS[:5], 29, *IDS[6:])):
        assert_same_as_a_trace(bench, transformer, Subject(1, None, ids), most=1e-4)


def test_text_that_becomes_shorter_is_that_of_a_trace(transformer: Transformer):
    bench = held(transformer)
    bench.stream(Subject(1, None, IDS))
    assert_same_as_a_trace(bench, transformer, Subject(1, None, IDS[:7]))


def positions_run(monkeypatch: pytest.MonkeyPatch, transformer: Transformer) -> list[int]:
    """How many positions each run of the network computes, as they come."""
    ran: list[int] = []
    real = transformer.stream

    def counting(ids_BT: torch.Tensor, *arguments: Any) -> Iterator[torch.Tensor]:
        ran.append(ids_BT.shape[1])
        return real(ids_BT, *arguments)

    monkeypatch.setattr(transformer, "stream", counting)
    return ran


def test_two_continuations_of_one_prompt_do_not_disturb_each_other():
    transformer = network(BASE)
    bench = held(transformer)
    start = Subject(1, None, IDS[:5])
    bench.stream(start)
    ways = [Subject(1, None, (*IDS[:5], *more)) for more in ((1, 2, 3), (20, 21), (7,))]
    for way in ways:
        bench.stream(way)
    for subject in (start, *ways):
        assert_same_as_a_trace(bench, transformer, subject)


@pytest.mark.keeps
def test_a_short_prompt_keeps_what_came_by_and_it_is_the_same():
    for name in ("learned", "like Llama", "like Gemma 2", "experts", "alibi"):
        transformer = network(VARIANTS[name])
        bench = held(transformer)
        subject = Subject(1, None, IDS)
        stream = bench.stream(subject)
        assert stream.kept
        assert stream.kept[0].tensors
        assert_same_as_a_trace(bench, transformer, subject)
        assert_same_as_a_trace(bench, transformer, subject, 3, 5)
        grown = Subject(1, None, (*IDS, 5))
        assert_same_as_a_trace(bench, transformer, grown)


def test_what_a_watched_position_does_is_kept():
    transformer = network(VARIANTS["like Llama"])
    bench = held(transformer)
    subject = Subject(1, None, IDS)
    for _ in bench.streaming(subject, watched=(6,)):
        pass
    stream = bench.stream(subject)
    assert [(kept.start, kept.stop) for kept in stream.kept] == [(6, 7)]
    assert_same_as_a_trace(bench, transformer, subject, 6, 7)


def test_one_head_of_some_queries_is_that_of_all(transformer: Transformer):
    bench = held(transformer)
    subject = Subject(1, None, IDS)
    config = transformer.config
    trace = record(transformer, torch.tensor([subject.ids]))
    for layer in range(config.n_layers):
        for tail in ("pattern", "attn_scores"):
            whole_HQS = trace[f"blocks.{layer}.attn.hook_{tail}"][0]
            for heads in ((config.n_heads - 1,), (0, 2), None):
                part = bench.pattern(subject, layer, heads, 3, 8, tail)
                chosen = whole_HQS if heads is None else whole_HQS[list(heads)]
                torch.testing.assert_close(part, chosen[:, 3:8], **TIGHT)
        seen = bench.pattern(subject, layer, (1,), 3, 8, seen_only=True)
        n_keys = seen.shape[-1]
        assert n_keys == (8 if config.causal else len(IDS))
        pattern = trace[f"blocks.{layer}.attn.hook_pattern"][0, 1:2, 3:8]
        torch.testing.assert_close(seen, pattern[..., :n_keys], **TIGHT)


@pytest.mark.keeps
def test_a_short_texts_weights_are_had_once_a_block(
    transformer: Transformer, monkeypatch: pytest.MonkeyPatch
):
    products: list[int] = []
    dot = scores.dot

    def counted(*given: Any, **named: Any) -> Any:
        products.append(1)
        return dot(*given, **named)

    monkeypatch.setattr(scores, "dot", counted)
    bench = held(transformer)
    config, subject = transformer.config, Subject(1, None, IDS)
    trace = record(transformer, torch.tensor([subject.ids]))
    for layer in range(config.n_layers):
        pattern_HQS = trace[f"blocks.{layer}.attn.hook_pattern"][0]
        bench.stream(subject)
        products.clear()
        for heads, rows, (start, stop) in (
            ((1,), None, (3, 8)),
            (None, None, (0, len(IDS))),
            ((0, config.n_heads - 1), (4, 6), (2, 9)),
        ):
            chosen_HQS = pattern_HQS if heads is None else pattern_HQS[list(heads)]
            for seen_only in (False, True):
                found = bench.pattern(
                    subject, layer, heads, start, stop, seen_only=seen_only, queries=rows
                )
                end = stop if seen_only and config.causal else len(IDS)
                at = slice(start, stop) if rows is None else list(rows)
                torch.testing.assert_close(found, chosen_HQS[:, at, :end], **TIGHT)
        assert len(products) <= 1
    assert len(bench.stream(subject).patterns) == config.n_layers
    bench.stream(subject).forget_kept()
    assert not bench.stream(subject).patterns


@pytest.mark.keeps
def test_lengths_are_those_of_a_trace_whether_they_were_noted_or_not(transformer: Transformer):
    bench = held(transformer)
    for ids in (IDS, (*IDS, 5, 6), (*IDS[:4], 29)):  # also of a text that went on, or was edited
        subject = Subject(1, None, ids)
        trace = record(transformer, torch.tensor([ids]))
        sums = [op.output for op in transformer.operations if op.kind == "add"]
        names = [name for name in (*sums, *streams(transformer.config)) if "resid" in name]
        names += [op.output for op in transformer.operations if op.output.endswith("_out")]
        names += names[:1]
        expected = torch.stack([trace[name][0].float().norm(dim=-1) for name in names])
        torch.testing.assert_close(bench.all_lengths(subject, names), expected)
        torch.testing.assert_close(bench.lengths(subject, names[-1]), expected[-1])


def test_an_unknown_name_is_refused():
    bench = held(network(BASE))
    with pytest.raises(KeyError, match="hook_nothing"):
        bench.values(Subject(1, None, IDS), ("blocks.0.hook_nothing",))


def test_a_model_that_is_gone_is_said():
    bench = held(network(BASE))
    bench.stream(Subject(1, None, IDS))
    bench.release(1)
    with pytest.raises(MovedOnError, match="no longer open"):
        bench.values(Subject(1, None, IDS), ("hook_embed",))
    assert bench.n_bytes == 0


def test_what_is_asked_of_a_learning_model_is_about_the_step_that_was_looked_at():
    transformer = network(BASE)
    bench = held(transformer)
    with torch.inference_mode():
        bench.look(1, step=5)
    assert not any(one.is_inference() for one in bench.network_at(1, 5).parameters())
    then = record(transformer, torch.tensor([IDS]), ("blocks.1.hook_resid_post",))
    expected = then["blocks.1.hook_resid_post"].clone()
    with torch.no_grad():
        for parameter in transformer.parameters():
            parameter.mul_(0.5)  # the optimiser goes on
    at_5 = Subject(1, 5, IDS)
    found = bench.values(at_5, ("blocks.1.hook_resid_post",))["blocks.1.hook_resid_post"]
    torch.testing.assert_close(found, expected, **TIGHT)
    bench.look(1, step=6)
    with pytest.raises(MovedOnError, match="learned on since step 5"):
        bench.values(at_5, ("hook_embed",))
    now = bench.values(Subject(1, 6, IDS), ("blocks.1.hook_resid_post",))
    assert not torch.allclose(now["blocks.1.hook_resid_post"], expected)


def test_the_oldest_streams_go_when_the_budget_is_spent():
    transformer = network(BASE)
    one = held(transformer)
    one.stream(Subject(1, None, (0, 1, 2)))
    bench = held(transformer, Bench(budget=int(2.5 * one.n_bytes)))
    subjects = [Subject(1, None, (first, 1, 2)) for first in range(5)]
    for subject in subjects:
        bench.stream(subject)
    assert bench.n_bytes <= bench.budget
    assert [bench.has(subject) for subject in subjects] == [False] * 3 + [True] * 2
    assert_same_as_a_trace(bench, transformer, subjects[0])


def test_so_many_streams_stay_however_small_they_are(monkeypatch: pytest.MonkeyPatch):
    """Every edit looks through them all: an hour of typing must not make it slower."""
    monkeypatch.setattr("model.bench.bench.MOST_STREAMS", 3)
    transformer = network(BASE)
    bench = held(transformer)
    subjects = [Subject(1, None, (first, 1, 2)) for first in range(5)]
    for subject in subjects:
        bench.stream(subject)
        bench.stream(subjects[0])  # what is looked at again and again stays
    assert [bench.has(subject) for subject in subjects] == [True, False, False, True, True]
    assert_same_as_a_trace(bench, transformer, subjects[1])


def test_what_streams_take_is_known_after_they_have_grown():
    transformer = network(replace(BASE, n_ctx=512))
    bench = held(transformer)
    short, long = (tuple(i % 7 for i in range(n)) for n in (5, 300))
    bench.stream(Subject(1, None, short))
    before = bench.n_bytes
    bench.stream(Subject(1, None, long))  # in the same buffers, which grow
    shelf = bench.stream(Subject(1, None, long)).shelf
    assert shelf is bench.stream(Subject(1, None, short)).shelf
    buffers = [*shelf.resid_LTD, *shelf.cache.k_LBGSK, *shelf.cache.v_LBGSK]
    buffers.append(shelf.lengths_NT)
    assert shelf.n_bytes == sum(each.numel() * each.element_size() for each in buffers)
    assert bench.n_bytes > 4 * before


def test_several_that_wait_for_one_stream_drive_it_together():
    transformer = network(BASE)
    bench = held(transformer)
    subject = Subject(1, None, IDS)
    one, other = bench.streaming(subject), bench.streaming(subject)
    shares = [next(one), next(other)]
    assert shares == sorted(shares)
    assert shares[0] < shares[1]
    streams: list[Stream] = []

    def drive(steps: Any) -> None:
        while True:
            try:
                next(steps)
            except StopIteration as stop:
                streams.append(stop.value)
                return

    drive(one)
    drive(other)
    assert streams[0] is streams[1]
    assert_same_as_a_trace(bench, transformer, subject)
