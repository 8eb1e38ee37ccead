"""Every probe's answer about a prompt, held to the full trace of it."""

from __future__ import annotations

import numpy as np
import pytest

import model
from model.operations import LOGITS, PROBABILITIES, activation_names
from model.probe.mosaic.asks import Mosaic
from model.probe.next_token.asks import NextToken
from model.probe.number.asks import Number
from model.probe.path.asks import Path, stations
from model.probe.pattern.asks import Pattern
from model.probe.routes.asks import Routes
from model.probe.strongest_head.asks import StrongestHead
from model.probe.surprisal.asks import Surprisal, SurprisalFound
from model.probe.tensors.asks import Tensors
from model.probe.tensors.compute import TooMuchError
from model.probe.tokenized.asks import Tokenized, TokenizedFound
from model.probe.vectors.asks import Vectors
from model.probe.writes.asks import Writes
from model.sampling import (
    CUTS,
    Sampling,
    draw,
    likeliest,
    probabilities,
    rank_of,
    surprisal_bits,
)
from resources import STORY_WORLD
from tests.model.probe.asking import IDS, Asked

CAUSAL = ("learned", "like Llama", "like Gemma 2", "alibi", "window per layer", "parallel")
ALL = (*CAUSAL, "bidirectional windows", "masked", "encoder", "experts", "narrow embedding")
MASKED = -1.0  # no weight is below zero


@pytest.fixture(params=ALL)
def asked(request: pytest.FixtureRequest) -> Asked:
    return Asked(request.param)


def pattern_LHQS(asked: Asked) -> np.ndarray:
    trace = asked.trace
    layers = range(asked.config.n_layers)
    return np.stack([trace[f"blocks.{i}.attn.hook_pattern"][0].numpy() for i in layers])


# ------------------------------------------------------------------------------- vectors


def test_vectors_are_the_traces_own(asked: Asked):
    names = activation_names(asked.config)
    found = asked.ask(Vectors(names=names, position=4, head=2))
    assert set(found.vectors) == set(names)
    trace = asked.trace
    for name, vector in found.vectors.items():
        index = tuple(slice(None) if i is None else i for i in vector.index)
        expected = trace[name].numpy()[index]
        assert vector.values.shape == expected.shape, name
        assert np.allclose(vector.values, expected, rtol=0, atol=1e-9), name


@pytest.mark.parametrize("window", [128, 4])
def test_one_number_a_position_can_be_read_at_all_of_them(
    asked: Asked, window: int, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr("model.probe.vectors.compute.WINDOW", window)
    name = "blocks.1.ln2.hook_scale"
    if name not in asked.trace.names:  # of networks that norm elsewhere
        name = "ln_final.hook_scale" if "ln_final.hook_scale" in asked.trace.names else "input_ids"
    found = asked.ask(Vectors(names=(name,), position=4, along_positions=True))
    assert np.allclose(
        found.vectors[name].values, asked.trace[name].numpy()[0].reshape(len(IDS)), atol=1e-9
    )


def test_vectors_name_their_axis_in_words():
    names = ("hook_embed", "blocks.0.attn.hook_q", "blocks.0.attn.hook_pattern", "input_ids")
    arrays = Asked("learned").ask(Vectors(names=names, position=2)).arrays()
    axes = [named.axes for named in arrays.values()]
    assert axes == [("dimension",), ("dimension",), ("key",), ("position",)]


def test_probabilities_are_those_that_are_sampled():
    asked = Asked("like Llama")
    sampling = Sampling(0.7, top_k=5)
    found = asked.ask(Vectors(names=(PROBABILITIES,), position=3, sampling=sampling))
    expected = probabilities(asked.trace[LOGITS][0, 3].numpy(), sampling)
    assert np.allclose(found.vectors[PROBABILITIES].values, expected, atol=1e-12)


def test_a_name_that_the_network_lacks_is_left_out():
    found = Asked("learned").ask(Vectors(names=("hook_embed", "hook_nothing"), position=0))
    assert list(found.vectors) == ["hook_embed"]


# -------------------------------------------------------------------------------- number


def test_a_number_is_the_traces(asked: Asked):
    trace = asked.trace
    for name in activation_names(asked.config):
        array = trace[name].numpy()
        index = tuple(min(size - 1, 3) if axis else 0 for axis, size in enumerate(array.shape))
        found = asked.ask(Number(of=name, index=index))
        assert found.value is not None, name
        assert found.value == pytest.approx(float(array[index]), abs=1e-9), name


def test_where_there_is_no_such_place_there_is_no_number():
    asked = Asked("learned")
    for index in ((0, 99, 0), (0, 1), (0, 1, -1), (1, 0, 0)):
        assert asked.ask(Number(of="hook_embed", index=index)).value is None
    assert asked.ask(Number(of="hook_nothing", index=(0, 0, 0))).value is None


# ------------------------------------------------------------------------------- pattern


def test_a_head_in_full(asked: Asked):
    whole = pattern_LHQS(asked)
    for layer in range(asked.config.n_layers):
        found = asked.ask(Pattern(layer=layer, head=1))
        assert np.allclose(found.values, whole[layer, 1], rtol=0, atol=1e-9)
        assert found.block == (1, 1)
        assert np.array_equal(found.masked, whole[layer, 1] == 0)
        assert found.largest == pytest.approx(whole[layer, 1].max())
        assert found.largest_but_first == pytest.approx(whole[layer, 1][:, 1:].max())


def test_rows_and_columns_in_view(asked: Asked):
    whole = pattern_LHQS(asked)[1, 2]
    found = asked.ask(Pattern(layer=1, head=2, rows=(3, 9), columns=(2, 6)))
    assert (found.rows, found.columns) == ((3, 9), (2, 6))
    assert np.allclose(found.values, whole[3:9, 2:6], rtol=0, atol=1e-9)
    # What is said of the head is said of all of it.
    assert found.largest == pytest.approx(whole.max())
    of_all = asked.ask(Pattern(layer=1, head=2)).shares
    assert found.shares is not None
    assert found.shares.first == pytest.approx(of_all.first)
    assert found.shares.n_queries == of_all.n_queries


def test_more_rows_than_can_be_drawn_are_drawn_by_their_largest(asked: Asked):
    whole = pattern_LHQS(asked)[0, 3]
    found = asked.ask(Pattern(layer=0, head=3, rows=(1, 11), most=(4, 5)))
    assert found.block == (3, 3)
    n = len(IDS)
    for r in range(found.values.shape[0]):
        for c in range(found.values.shape[1]):
            rows = slice(1 + 3 * r, min(1 + 3 * r + 3, 11))
            columns = slice(3 * c, min(3 * c + 3, n))
            block = whole[rows, columns]
            assert found.values[r, c] == pytest.approx(block.max(), abs=1e-9)
            at = found.value_rows[r, c], found.value_columns[r, c]
            assert whole[at] == pytest.approx(found.values[r, c], abs=1e-9)
            assert found.masked[r, c] == (block == 0).all()


def test_scores_are_the_traces_with_masked_entries_minus_infinity():
    asked = Asked("like Gemma 2")
    found = asked.ask(Pattern(layer=0, head=1, tensor="attn_scores"))
    expected = asked.trace["blocks.0.attn.hook_attn_scores"][0, 1].numpy()
    assert np.allclose(found.values, expected, rtol=0, atol=1e-9)
    assert np.isneginf(found.values[0, 1:]).all()
    assert found.shares is None


def test_shares_are_means_over_the_queries_that_have_such_a_key(asked: Asked):
    whole = pattern_LHQS(asked)[1, 0]
    shares = asked.ask(Pattern(layer=1, head=0)).shares
    assert shares is not None
    first = 1 if asked.config.causal else 0
    assert shares.n_queries == len(IDS) - first
    assert shares.first == pytest.approx(whole[first:, 0].mean())
    assert shares.previous == pytest.approx(np.diagonal(whole, -1).mean())
    assert shares.itself == pytest.approx(np.diagonal(whole)[first:].mean())
    if asked.config.causal:
        assert shares.following is None
    else:
        assert shares.following == pytest.approx(np.diagonal(whole, 1).mean())


def test_what_is_not_summed_is_computed_only_where_it_is_in_view(
    asked: Asked, monkeypatch: pytest.MonkeyPatch
):
    whole = pattern_LHQS(asked)[1, 2]
    looked: list[tuple[int, int]] = []
    pattern = asked.bench.pattern

    def noted(subject, layer, heads, start, stop, *rest, **more):
        looked.append((start, stop))
        return pattern(subject, layer, heads, start, stop, *rest, **more)

    monkeypatch.setattr(asked.bench, "pattern", noted)
    found = asked.ask(Pattern(layer=1, head=2, rows=(6, 8), summed=False))
    assert looked == [(6, 8)]
    assert np.allclose(found.values, whole[6:8], rtol=0, atol=1e-9)
    assert found.shares is None
    assert found.largest == pytest.approx(whole[6:8].max())
    assert found.largest_but_first == pytest.approx(whole[6:8, 1:].max())


def test_one_token_has_nothing_to_share():
    asked = Asked("learned", ids=(4,))
    found = asked.ask(Pattern(layer=0, head=0))
    assert found.shares is None
    assert found.values.tolist() == [[1.0]]


# -------------------------------------------------------------------------------- mosaic


@pytest.mark.parametrize("cells", [100, 11, 5, 3, 1])
@pytest.mark.parametrize("hide_first", [False, True])
def test_tiles_hold_the_largest_weight_of_each_block(asked: Asked, cells: int, hide_first: bool):
    found = asked.ask(Mosaic(cells=cells, hide_first=hide_first))
    whole = pattern_LHQS(asked).copy()
    if hide_first:
        whole[..., 0] = 0
    n, k = len(IDS), found.block
    assert k == -(-n // cells)
    for r in range(-(-n // k)):
        for c in range(-(-n // k)):
            block = whole[:, :, r * k : (r + 1) * k, c * k : (c + 1) * k]
            assert np.allclose(found.maxima[:, :, r, c], block.max((2, 3)), atol=1e-6)
    causal = pattern_LHQS(asked)
    for layer in range(asked.config.n_layers):
        for r in range(-(-n // k)):
            for c in range(-(-n // k)):
                block = causal[layer, :, r * k : (r + 1) * k, c * k : (c + 1) * k]
                assert found.masked[layer, r, c] == (block == 0).all()


def test_tiles_are_cut_into_windows_without_a_seam(monkeypatch: pytest.MonkeyPatch):
    asked = Asked("like Llama")
    whole = asked.ask(Mosaic(cells=4)).maxima
    monkeypatch.setattr("model.probe.mosaic.compute.WINDOW", 4)
    assert np.array_equal(asked.ask(Mosaic(cells=4)).maxima, whole)


def test_a_mosaic_comes_layer_by_layer(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr("model.probe.mosaic.compute.TELL_SECONDS", -1.0)
    answers = Asked("learned").answers(Mosaic(cells=5))
    assert [answer.share for answer in answers] == [0.5, 1.0]
    first = answers[0].maxima  # type: ignore[attr-defined]
    assert np.isnan(first[1]).all()
    assert not np.isnan(first[0]).any()


def test_heads_are_told_apart_by_where_they_look(asked: Asked):
    found = asked.ask(Mosaic(cells=5))
    for layer in range(asked.config.n_layers):
        for head in range(asked.config.n_heads):
            shares = asked.ask(Pattern(layer=layer, head=head)).shares
            expected = (shares.first, shares.previous, shares.itself)
            assert np.allclose(found.shares[layer, head], expected, atol=1e-6)


# -------------------------------------------------------------------------------- routes


def brute_routes(whole, position, threshold, heads, *, hide_first=False):
    """Edges above a threshold of some heads that lead to a position, by walking down."""
    reached, edges = {position}, set()
    for layer in reversed(range(len(whole))):
        found = {
            (layer, head, query, key)
            for of, head in heads
            if of == layer
            for query in reached
            for key in range(whole.shape[-1])
            if whole[layer, head, query, key] >= threshold and not (hide_first and key == 0)
        }
        edges |= found
        reached |= {key for *_, key in found}
    return edges


@pytest.mark.parametrize("hide_first", [False, True])
def test_routes_are_what_reaches_a_position(asked: Asked, hide_first: bool):
    whole = pattern_LHQS(asked)
    heads = ((0, 0), (0, 3), (1, 1), (1, 2))
    question = Routes(position=9, over="heads", heads=heads, threshold=0.15, hide_first=hide_first)
    found = asked.ask(question)
    edges = set(
        zip(*(a.tolist() for a in (found.layer_E, found.head_E, found.query_E, found.key_E)))
    )
    assert edges == brute_routes(whole, 9, 0.15, heads, hide_first=hide_first)
    assert found.total == len(edges)
    weights = [
        whole[place] for place in zip(found.layer_E, found.head_E, found.query_E, found.key_E)
    ]
    assert np.allclose(found.weight_E, weights, atol=1e-9)
    assert (np.diff(found.weight_E) <= 0).all()


def test_of_all_heads_the_largest_names_its_head(asked: Asked):
    whole = pattern_LHQS(asked)
    found = asked.ask(Routes(position=None, over="max", threshold=0.2))
    largest_LQS = whole.max(1)
    assert found.total == int((largest_LQS >= 0.2).sum())
    for layer, head, query, key in zip(found.layer_E, found.head_E, found.query_E, found.key_E):
        assert whole[layer, head, query, key] == largest_LQS[layer, query, key]


def test_means_name_no_head():
    asked = Asked("learned")
    found = asked.ask(Routes(position=None, over="mean", threshold=0.2))
    mean_LQS = pattern_LHQS(asked).mean(1)
    assert found.total == int((mean_LQS >= 0.2).sum())
    assert (found.head_E == -1).all()


def test_only_the_strongest_are_kept_and_how_many_there_are_is_said():
    found = Asked("learned").ask(Routes(position=None, over="max", threshold=0.0, most=7))
    assert len(found) == 7
    assert found.total == 2 * len(IDS) ** 2  # every weight is at least 0, masked ones too
    every = Asked("learned").ask(Routes(position=None, over="max", threshold=0.0)).weight_E
    assert np.array_equal(found.weight_E, every[:7])


def test_edges_to_the_first_token_that_are_hidden_are_counted():
    asked = Asked("learned")
    shown = asked.ask(Routes(position=None, threshold=0.1))
    hidden = asked.ask(Routes(position=None, threshold=0.1, hide_first=True))
    assert hidden.hidden == int((shown.key_E == 0).sum())
    assert hidden.total + hidden.hidden == shown.total


@pytest.mark.parametrize("threshold", [0.08, 0.15])
def test_only_edges_of_what_is_reached_are_counted_as_hidden(asked: Asked, threshold: float):
    whole = pattern_LHQS(asked)
    heads = tuple((layer, 2) for layer in range(len(whole)))
    found = asked.ask(
        Routes(position=8, over="heads", heads=heads, threshold=threshold, hide_first=True)
    )
    edges = brute_routes(whole, 8, threshold, heads, hide_first=True)
    reached, hidden = {8}, 0
    for layer in reversed(range(len(whole))):
        hidden += sum(whole[layer, 2, query, 0] >= threshold for query in reached)
        reached |= {key for of, _, _, key in edges if of == layer}
    assert (found.total, found.hidden) == (len(edges), hidden)


def test_routes_come_layer_by_layer_from_the_top(monkeypatch: pytest.MonkeyPatch):
    asked = Asked("learned")
    whole = asked.ask(Routes(position=9, threshold=0.15))
    monkeypatch.setattr("model.probe.routes.compute.TELL_SECONDS", -1.0)
    first, last = asked.answers(Routes(position=9, threshold=0.15))
    assert first.share == 0.5
    assert set(first.layer_E.tolist()) == {1}  # type: ignore[attr-defined]
    assert first.total == int((whole.layer_E == 1).sum())  # type: ignore[attr-defined]
    assert last.is_whole
    assert np.array_equal(last.weight_E, whole.weight_E)  # type: ignore[attr-defined]


# ---------------------------------------------------------------------------- next token


def test_the_distribution_is_the_one_that_is_drawn_from():
    asked = Asked("like Llama")
    logits_V = asked.trace[LOGITS][0, 6].numpy()
    for sampling in (Sampling(), Sampling(0.5, top_k=4), Sampling(2.0, top_p=0.8), Sampling(0)):
        found = asked.ask(NextToken(position=6, sampling=sampling, n=33, seed=5))
        expected = probabilities(logits_V, sampling)
        assert np.allclose(found.probabilities, expected[found.ids], atol=1e-9)
        assert found.n_kept == int((expected > 0).sum())
        assert found.drawn == draw(expected, np.random.default_rng(5))
        assert np.allclose(found.logits, logits_V[found.ids], atol=1e-9)
        assert (np.diff(found.logits) <= 0).all()
        p = expected[expected > 0]
        assert found.entropy_bits == pytest.approx(-(p * np.log2(p)).sum(), abs=1e-9)


def test_tokens_asked_for_by_name_come_with_their_ranks():
    asked = Asked("like Llama")
    logits_V = asked.trace[LOGITS][0, 2].numpy()
    order = np.argsort(-logits_V, kind="stable")
    last = int(order[-1])
    found = asked.ask(NextToken(position=2, n=3, also=(last, int(order[1]), 999)))
    assert found.ids.tolist() == [*order[:3].tolist(), last]
    assert found.ranks.tolist() == [1, 2, 3, 33]
    assert asked.ask(NextToken(position=2, n=0)).ids.tolist() == order.tolist()
    assert found.drawn is None


def test_a_network_that_diverged_has_no_distribution_and_says_so():
    asked = Asked("like Llama")
    asked.network.get_parameter("blocks.1.mlp.down.weight").data[0, 0] = float("nan")
    found = asked.ask(NextToken(position=2, n=3))
    assert "NaN" in found.problem
    assert np.isnan(found.probabilities).all()


def test_a_network_without_a_head_has_no_logits():
    with pytest.raises(KeyError):
        Asked("encoder").ask(NextToken(position=2))


# -------------------------------------------------------------------------------- others


def test_likeliest_keeps_the_order_and_ties_by_id():
    logits = np.array([1.0, 3.0, 2.0, 3.0, 2.0, 2.0])
    assert likeliest(logits, 4).tolist() == [1, 3, 2, 4]
    assert likeliest(logits, 99).tolist() == [1, 3, 2, 4, 5, 0]
    assert [rank_of(logits, i) for i in (1, 3, 2, 4, 5, 0)] == [1, 2, 3, 4, 5, 6]


def test_a_text_is_summed_in_every_unit():
    asked = Asked("learned")
    found = asked.ask(Surprisal(ranks=True))
    logits_TV = asked.trace[LOGITS][0].double().numpy()
    nats = []
    for i in range(1, len(IDS)):
        row = logits_TV[i - 1]
        nats.append(np.log(np.exp(row - row.max()).sum()) + row.max() - row[IDS[i]])
        ahead = (row > row[IDS[i]]).sum() + (row[: IDS[i]] == row[IDS[i]]).sum()
        assert found.ranks_T[i] == 1 + ahead
    assert found.ranks_T[0] == 0, "nothing predicts the first token"
    assert found.n_predicted == len(nats)
    assert found.total_bits == pytest.approx(sum(nats) / np.log(2))
    assert found.bits_per_token == pytest.approx(np.mean(nats) / np.log(2))
    assert found.perplexity == pytest.approx(np.exp(np.mean(nats)))
    assert np.isnan(found.bits_per_byte), "without a tokenizer there are no bytes"
    (row,) = found.as_rows()["text"]
    assert row["nats"] == pytest.approx(sum(nats))
    assert row["bits_per_byte"] is None
    assert "rank" not in asked.ask(Surprisal()).arrays()


def test_one_token_has_no_mean():
    found = Asked("learned", IDS[:1]).ask(Surprisal(ranks=True))
    assert found.n_predicted == 0
    assert found.total_bits == 0
    assert np.isnan(found.bits_per_token)
    assert found.as_rows()["text"][0]["perplexity"] is None


def test_bytes_of_a_text_are_those_of_the_tokens_that_are_predicted():
    lm = model.open(STORY_WORLD, device="cpu")
    assert lm.tokenizer is not None
    text = "The king lost his crown"
    found = lm.ask(text, Surprisal())
    assert isinstance(found, SurprisalFound)
    first = lm.tokenizer.token_bytes(found.subject.ids[0])
    assert found.bits_per_byte == pytest.approx(found.total_bits / (len(text) - len(first)))
    again = lm.ask("The king lost his crown é", Surprisal())
    assert isinstance(again, SurprisalFound)
    assert again.bytes_T is not None
    assert again.bytes_T.sum() == len("The king lost his crown é".encode())


def test_a_text_is_cut_as_the_prompt_is():
    lm = model.open(STORY_WORLD, device="cpu")
    assert lm.tokenizer is not None
    text = "The queen, née Eva"
    found = lm.ask([[0]], Tokenized(text))
    assert isinstance(found, TokenizedFound)
    tokens = lm.tokenizer.encode(text).tokens
    assert found.ids.tolist() == [token.id for token in tokens]
    assert found.ends.tolist() == [token.char_end for token in tokens]
    assert found.ends[-1] == len(text)
    with pytest.raises(ValueError, match="empty"):
        lm.ask([[0]], Tokenized(""))


def test_no_text_is_cut_without_a_tokenizer():
    with pytest.raises(ValueError, match="reads ids"):
        Asked("learned").ask(Tokenized("The"))


def test_each_token_says_what_left_it_out():
    asked = Asked("like Llama")
    sampling = Sampling(temperature=1.3, top_k=6, min_p=0.4)
    found = asked.ask(NextToken(3, sampling, n=12))
    p = np.sort(probabilities(asked.trace[LOGITS][0, 3].numpy(), Sampling(temperature=1.3)))[::-1]
    expected = ["top k" if i >= 6 else "min p" if p[i] < 0.4 * p[0] else "" for i in range(12)]
    assert [CUTS[i] for i in found.cut_by] == expected
    assert ((found.cut_by > 0) == (found.probabilities == 0)).all()
    assert "min_p=0.4" in found.code()


def test_surprisal_is_that_of_each_token_given_those_before(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr("model.probe.surprisal.compute.AT_ONCE", 4)
    for name in CAUSAL:
        asked = Asked(name)
        found = asked.ask(Surprisal())
        logits_TV = asked.trace[LOGITS][0].numpy()
        expected = [surprisal_bits(logits_TV[i - 1], IDS[i]) for i in range(1, len(IDS))]
        assert np.isnan(found.bits_T[0])
        assert np.allclose(found.bits_T[1:], expected, rtol=0, atol=1e-9)


def test_the_strongest_head_reads_another_token_than_the_first_and_itself(asked: Asked):
    found = asked.ask(StrongestHead(position=7))
    row_LHS = pattern_LHQS(asked)[:, :, 7].copy()
    row_LHS[..., [0, 7]] = MASKED
    layer, head, key = np.unravel_index(row_LHS.argmax(), row_LHS.shape)
    assert (found.layer, found.head, found.key) == (layer, head, key)
    assert found.weight == pytest.approx(row_LHS.max(), abs=1e-9)
    assert Asked("learned", ids=(1, 2)).ask(StrongestHead(position=1)).layer is None


def test_writes_are_mean_ratios_of_lengths(asked: Asked):
    found = asked.ask(Writes())
    trace = asked.trace
    sums = [op for op in asked.network.operations if op.kind == "add" and op.layer is not None]
    expected = {}
    for op in sums:
        stream, *added = (trace[name][0].norm(dim=-1) for name in op.inputs)
        for name, length in zip(op.inputs[1:], added):
            expected[name] = float((length / stream).mean())
    assert found.ratios == pytest.approx(expected, abs=1e-5)  # lengths are kept in float32


def test_tensors_come_whole_with_their_axes():
    asked = Asked("experts")
    names = ("blocks.0.mlp.hook_expert_indices", "blocks.1.mlp.hook_expert_weights")
    found = asked.ask(Tensors(names=names))
    for name in names:
        assert np.allclose(found.tensors[name], asked.trace[name][0].numpy(), atol=1e-9)
    assert found.arrays()[names[0]].axes == ("position", "choice")
    columns = found.arrays()[names[1]].columns()
    assert list(columns) == ["position", "expert", "value"]
    assert len(columns["value"]) == len(IDS) * 5


def test_more_than_can_be_drawn_is_refused(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr("model.probe.tensors.compute.MOST_BYTES", 100)
    with pytest.raises(TooMuchError, match="MB"):
        Asked("learned").ask(Tensors(names=("hook_embed",)))


def test_paths_are_the_stream_on_the_tables_axes():
    from model.probe.geometry.compute import principal_axes

    for name in ("learned", "like Llama", "encoder"):
        asked = Asked(name)
        axes = principal_axes(asked.network.embed.weight.detach(), 3, None).axes_nD
        for positions in ((), (2,), (7, 3)):
            found = asked.ask(Path(positions=positions))
            assert found.positions == (positions or tuple(range(len(IDS))))
            for s, station in enumerate(stations(asked.config)):
                stream_PD = asked.trace[station.name][0][list(found.positions)]
                expected = (stream_PD.float() @ axes.T.float()).numpy()
                assert np.allclose(found.projected_PS3[:, s], expected, atol=1e-4)
                length = stream_PD.norm(dim=-1).numpy()
                assert np.allclose(found.lengths_PS[:, s], length, atol=1e-4)
    with pytest.raises(ValueError, match="wider"):
        Asked("narrow embedding").ask(Path())
