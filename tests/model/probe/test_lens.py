"""The logit lens, held to a forward of its own in NumPy from the stream at every border."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from model.interventions import AblateHead, Intervention, RemoveNorm, SetWeight
from model.operations import streams
from model.probe.lens import compute
from model.probe.lens.asks import Lens
from model.probe.question import TokenId
from model.probe.until.asks import Until
from tests.model.networks import VARIANTS
from tests.model.probe.asking import IDS, Asked

WITH_LOGITS = [name for name, config in VARIANTS.items() if config.has_logits]


def normed(x_TD: np.ndarray, asked: Asked) -> np.ndarray:
    """The final norm of each row, by its own mean and length."""
    norm, config = asked.network.ln_final, asked.config
    if norm is None:
        return x_TD
    weight_D = 1.0 if norm.w is None else norm.w.detach().numpy() + config.norms.offset
    if config.norm == "rms":
        length_T1 = np.sqrt((x_TD**2).mean(-1, keepdims=True) + config.norm_eps)
        return x_TD / length_T1 * weight_D
    centred_TD = x_TD - x_TD.mean(-1, keepdims=True)
    length_T1 = np.sqrt((centred_TD**2).mean(-1, keepdims=True) + config.norm_eps)
    bias = 0.0 if norm.b is None else norm.b.detach().numpy()
    return centred_TD / length_T1 * weight_D + bias


def by_hand(asked: Asked, x_TD: np.ndarray) -> np.ndarray:
    """Logits from the stream, ``[T, V]``."""
    network, config = asked.network, asked.config
    x_TD = normed(x_TD, asked)
    if network.project_out is not None:
        x_TD = x_TD @ network.project_out.weight.detach().numpy().T
    assert network.unembed is not None
    logits_TV = x_TD @ network.unembed.weight.detach().numpy().T
    if network.unembed.bias is not None:
        logits_TV = logits_TV + network.unembed.bias.detach().numpy()
    logits_TV = logits_TV * config.scales.logits
    cap = config.caps.logits
    return logits_TV if cap is None else cap * np.tanh(logits_TV / cap)


@pytest.mark.parametrize(
    "name", ["learned", "rms", "like Gemma 2", "norms after", "parallel", "narrow embedding"]
)
def test_every_border_is_read_through_a_norm_of_its_own(name: str):
    asked = Asked(name)
    trace = asked.trace
    found = asked.ask(Lens(watched=TokenId(5)))
    assert found.names == streams(asked.config)
    for border, stream in enumerate(found.names):
        logits_TV = by_hand(asked, trace[stream][0].numpy())
        exp_TV = np.exp(logits_TV - logits_TV.max(-1, keepdims=True))
        p_TV = exp_TV / exp_TV.sum(-1, keepdims=True)
        best_T, rows = logits_TV.argmax(-1), np.arange(len(IDS))
        assert np.array_equal(found.ids_LP[border], best_T)
        assert np.allclose(found.logits_LP[border], logits_TV[rows, best_T], atol=1e-9)
        assert np.allclose(found.probabilities_LP[border], p_TV[rows, best_T], atol=1e-9)
        assert np.allclose(found.entropies_LP[border], -(p_TV * np.log2(p_TV)).sum(-1), atol=1e-9)
        assert np.allclose(found.watched_logits_LP[border], logits_TV[:, 5], atol=1e-9)
        assert np.allclose(found.watched_probabilities_LP[border], p_TV[:, 5], atol=1e-9)
        rank_T = (logits_TV > logits_TV[:, 5:6]).sum(-1) + 1
        assert found.watched_ranks_LP[border].tolist() == rank_T.tolist()


def test_the_scale_of_the_last_layer_is_not_used_below_it():
    """Which is how a lens goes wrong without anybody noticing."""
    asked = Asked("learned")
    trace, network = asked.trace, asked.network
    assert network.ln_final is not None
    assert network.unembed is not None
    early_TD = trace[streams(asked.config)[1]][0]
    scale_T1 = trace["ln_final.hook_scale"][0]
    wrong_TV = network.unembed(network.ln_final.normalize(early_TD, scale_T1)).detach().numpy()
    found = asked.ask(Lens())
    assert np.abs(found.logits_LP[1] - wrong_TV.max(-1)).min() > 1e-3


@pytest.mark.parametrize("name", WITH_LOGITS)
def test_at_the_last_border_it_is_what_the_network_says_bit_for_bit(name: str):
    asked = Asked(name)
    found = asked.ask(Lens(watched=TokenId(7)))
    logits_TV = asked.bench.logits(asked.subject).numpy()
    assert np.array_equal(found.logits_LP[-1], logits_TV.max(-1))
    assert np.array_equal(found.ids_LP[-1], logits_TV.argmax(-1))
    assert np.array_equal(found.watched_logits_LP[-1], logits_TV[:, 7])


def test_only_the_positions_that_are_asked_for_are_read(monkeypatch: pytest.MonkeyPatch):
    asked = Asked("like Llama")
    whole = asked.ask(Lens(watched=TokenId(3)))
    monkeypatch.setattr(compute, "NUMBERS", 70)
    monkeypatch.setattr(compute, "LEAST_ROWS", 1)  # two rows at once
    some = asked.ask(Lens(positions=(9, 2, 3, -1), watched=TokenId(3)))
    assert some.positions_P.tolist() == [9, 2, 3, 10]
    for name, named in some.arrays().items():
        expected = whole.arrays()[name].values[..., [9, 2, 3, 10]]
        assert np.allclose(named.values, expected, rtol=0, atol=1e-12), name
    assert [some.place_of(at) for at in (3, 4)] == [2, None]
    assert "watched_rank" not in asked.ask(Lens()).arrays()


def test_only_the_borders_that_are_asked_for_are_read():
    asked = Asked("like Llama")
    whole, names = asked.ask(Lens(watched=TokenId(3))), streams(asked.config)
    for borders, places in (((2, 0), [2, 0]), ((1,), [1]), ((-1,), [2])):
        some = asked.ask(Lens(watched=TokenId(3), borders=borders))
        assert some.names == tuple(names[at] for at in places)
        assert some.borders_L.tolist() == places
        assert [row["border"] for row in some.as_rows()["layers"]] == places
        for name, named in some.arrays().items():
            expected = whole.arrays()[name].values
            expected = expected[places] if expected.ndim == 2 else expected
            assert np.allclose(named.values, expected, rtol=0, atol=1e-12), name
    with pytest.raises(ValueError, match="no border 3; there are 0 to 2"):
        asked.ask(Lens(borders=(3,)))


@pytest.mark.parametrize("borders", [(), (0, 1)])
def test_the_final_answer_of_each_position_is_watched_on_its_way(borders: tuple[int, ...]):
    asked = Asked("learned")
    final_P = asked.bench.logits(asked.subject).argmax(-1).tolist()
    assert len(set(final_P)) > 2, "or one token would do"
    found = asked.ask(Lens(watch_final=True, borders=borders))
    assert found.watched_ids_P.tolist() == final_P
    each = asked.ask(Lens(watch_each=tuple(final_P), borders=borders))
    for at, token in enumerate(final_P):
        alone = asked.ask(Lens(positions=(at,), watched=TokenId(token), borders=borders))
        for name in ("watched_rank", "watched_probability", "watched_logit"):
            expected = alone.arrays()[name].values[:, 0]
            for one in (found, each):
                assert np.allclose(one.arrays()[name].values[:, at], expected, atol=1e-12), name
    if not borders:
        assert (found.watched_ranks_LP[-1] == 1).all()


def test_equal_logits_rank_by_their_ids_whichever_is_watched():
    asked = Asked("untied")
    assert asked.network.unembed is not None
    asked.network.unembed.weight.data[[4, 9, 20]] = asked.network.unembed.weight.data[9].clone()
    ranks = [asked.ask(Lens(watched=TokenId(at))).watched_ranks_LP for at in (4, 9, 20)]
    assert np.array_equal(ranks[1], ranks[0] + 1)
    assert np.array_equal(ranks[2], ranks[0] + 2)


def test_what_is_watched_is_one_thing():
    asked = Asked("learned")
    with pytest.raises(ValueError, match="one of these"):
        asked.ask(Lens(watched=TokenId(2), watch_final=True))
    with pytest.raises(ValueError, match="2 tokens to watch for 3 positions"):
        asked.ask(Lens(positions=(0, 1, 2), watch_each=(4, 5)))
    with pytest.raises(ValueError, match="no token 77"):
        asked.ask(Lens(positions=(0, 1), watch_each=(4, 77)))


def test_positions_come_in_order_and_those_to_come_say_so(monkeypatch: pytest.MonkeyPatch):
    asked = Asked("learned")
    monkeypatch.setattr(compute, "NUMBERS", 4 * 33)
    monkeypatch.setattr(compute, "LEAST_ROWS", 1)
    monkeypatch.setattr(compute, "TELL_SECONDS", -1.0)
    first, *_, last = asked.answers(Lens())
    assert first.share == pytest.approx(4 / len(IDS))
    there = first.arrays()["id"].values
    assert (there[:, :4] >= 0).all()
    assert (there[:, 4:] == -1).all()
    assert np.isnan(first.arrays()["probability"].values[:, 4:]).all()
    assert last.is_whole
    assert (last.arrays()["id"].values >= 0).all()


def test_it_reads_the_changed_network():
    way: tuple[Intervention, ...] = (AblateHead(0, 2),)
    asked, clean = Asked("like Llama", interventions=way), Asked("like Llama")
    found, before = asked.ask(Lens()), clean.ask(Lens())
    assert np.array_equal(found.logits_LP[0], before.logits_LP[0]), "the embedding is as it was"
    assert not np.allclose(found.logits_LP[1], before.logits_LP[1])
    logits_TV = by_hand(asked, asked.trace[found.names[1]][0].numpy())
    assert np.allclose(found.logits_LP[1], logits_TV.max(-1), atol=1e-9)


@pytest.mark.parametrize(
    "change", [RemoveNorm(), RemoveNorm("ln_final"), SetWeight("ln_final.w", (3,), 9.0)]
)
def test_every_border_is_read_by_the_head_as_it_is_now(change: Intervention):
    asked = Asked("learned", interventions=(change,))
    found = asked.ask(Lens())
    norm = asked.network.ln_final
    assert norm is not None
    assert norm.w is not None
    with torch.no_grad():
        if isinstance(change, RemoveNorm):
            asked.network.ln_final = None
        else:
            norm.w[3] = 9.0
    for row, name in enumerate(found.names):
        logits_TV = by_hand(asked, asked_stream(change, name))
        assert np.allclose(found.logits_LP[row], logits_TV.max(-1), atol=1e-9), name
        assert found.ids_LP[row].tolist() == logits_TV.argmax(-1).tolist()
    until = Asked("learned", interventions=(change,)).ask(
        Until("token_is", 4, token=TokenId(int(found.ids_LP[1, 4])))
    )
    assert until.token == found.ids_LP[1, 4]


def asked_stream(change: Intervention, name: str) -> np.ndarray:
    return Asked("learned", interventions=(change,)).trace[name][0].numpy()


def test_a_network_without_a_head_says_why_there_is_no_lens():
    with pytest.raises(KeyError, match="no language-model head"):
        Asked("encoder").ask(Lens())
    with pytest.raises(ValueError, match="no token 40; there are 0 to 32"):
        Asked("learned").ask(Lens(watched=TokenId(40)))
    with pytest.raises(ValueError, match="no position 11"):
        Asked("learned").ask(Lens(positions=(11,)))


def test_a_network_that_diverged_has_a_lens_below_where_it_did():
    asked = Asked("like Llama")
    asked.network.get_parameter("blocks.1.mlp.down.weight").data[0, 0] = float("nan")
    found = asked.ask(Lens())
    assert np.isfinite(found.probabilities_LP[:2]).all()
    assert np.isnan(found.probabilities_LP[2]).all()
