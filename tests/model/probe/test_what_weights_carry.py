"""Weights times what they carry, by tokens and by words, and what is measured of every head."""

from __future__ import annotations

import numpy as np
import pytest

from model.interventions import AblateHead
from model.probe.mosaic.asks import Mosaic, MosaicFound
from model.probe.on_key.asks import OnKey
from model.probe.pattern.asks import Pattern
from model.probe.routes.asks import Routes
from tests.model.networks import VARIANTS
from tests.model.probe.asking import IDS, Asked

WORDS = (0, 1, 4, 5, 9)
"""Words of 1, 3, 1, 4 and 2 tokens."""
N = len(IDS)


def written(asked: Asked, layer: int) -> np.ndarray:
    """Length of what each head adds from each key, ``[H, Q, S]``: whole vectors, from the trace."""
    c, trace = asked.config, asked.trace
    b = f"blocks.{layer}"
    pattern = trace[f"{b}.attn.hook_pattern"][0].numpy()
    v = trace[f"{b}.attn.hook_v"][0].numpy()
    w = {name: tensor.numpy() for name, tensor in asked.network.state_dict().items()}
    out = w[f"{b}.attn.out.weight"].reshape(c.d_model, c.n_heads, c.d_head)
    found = np.zeros(pattern.shape)
    for head in range(c.n_heads):
        values = v[:, head // (c.n_heads // c.n_kv_heads)]
        vectors = pattern[head][:, :, None] * (values @ out[:, head].T * c.scales.residual)
        if "ln1_post" in c.block_norms(layer):
            if c.norm == "layer":
                vectors = vectors - vectors.mean(-1, keepdims=True)
            scale = trace[f"{b}.ln1_post.hook_scale"][0].numpy()[:, None]
            vectors = vectors / scale * (w[f"{b}.ln1_post.w"] + c.norms.offset)
        found[head] = np.linalg.norm(vectors, axis=-1)
    return found


def by_words(matrix: np.ndarray) -> np.ndarray:
    """Columns summed, rows averaged, word by word."""
    ends = (*WORDS[1:], N)
    rows = [matrix[..., a:b, :].mean(-2) for a, b in zip(WORDS, ends, strict=True)]
    both = np.stack(rows, -2)
    return np.stack([both[..., a:b].sum(-1) for a, b in zip(WORDS, ends, strict=True)], -1)


@pytest.mark.parametrize("name", VARIANTS)
def test_a_weight_times_the_length_of_what_it_carries(name: str) -> None:
    asked = Asked(name)
    expected = written(asked, 1)
    found = asked.ask(Pattern(1, 3, valued=True))
    assert np.allclose(found.values, expected[3], atol=1e-9)
    assert found.shares is None, "they are no shares of attention"
    assert found.largest == pytest.approx(expected[3].max())
    on = asked.ask(OnKey(9, 7))
    assert np.allclose(on.valued_LH[1], expected[:, 9, 7], atol=1e-6)
    pattern = asked.trace["blocks.1.attn.hook_pattern"][0].numpy()
    assert np.allclose(on.weight_LH[1], pattern[:, 9, 7], atol=1e-7)


def test_what_heads_write_together_is_no_longer_than_the_lengths_say() -> None:
    """Against the network's own output: one head alone, nothing else of its layer."""
    asked = Asked("learned")
    z = asked.trace["blocks.0.attn.hook_z"][0, :, 2].numpy()
    out = asked.network.state_dict()["blocks.0.attn.out.weight"].numpy()
    c = asked.config
    both = np.linalg.norm(z @ out[:, 2 * c.d_head : 3 * c.d_head].T, axis=-1)
    lengths = asked.ask(Pattern(0, 2, valued=True)).values
    assert (both <= lengths.sum(-1) + 1e-9).all()
    assert both[0] == pytest.approx(lengths[0, 0]), "the first query reads itself alone"


@pytest.mark.parametrize("name", ["learned", "bidirectional", "window", "bidirectional windows"])
@pytest.mark.parametrize("valued", [False, True])
def test_by_words_columns_are_summed_and_rows_averaged(name: str, valued: bool) -> None:
    asked = Asked(name)
    tokens = asked.trace["blocks.1.attn.hook_pattern"][0].numpy()
    expected = by_words(written(asked, 1) if valued else tokens)
    found = asked.ask(Pattern(1, 2, valued=valued, words=WORDS))
    assert np.allclose(found.values, expected[2], atol=1e-9)
    if not valued:
        assert np.allclose(found.values.sum(-1), 1)
    scores = asked.trace["blocks.1.attn.hook_attn_scores"][0, 2].numpy()
    seen = by_words(np.isfinite(scores).astype(float)) > 0
    assert (found.masked == ~seen).all()
    part = asked.ask(Pattern(1, 2, rows=(1, 4), columns=(2, 5), valued=valued, words=WORDS))
    assert np.allclose(part.values, expected[2][1:4, 2:5])
    tiles = asked.ask(Mosaic(cells=5, valued=valued, words=WORDS))
    assert np.allclose(tiles.maxima[1], np.where(seen, expected, 0), atol=1e-6)
    assert (tiles.masked[1] == ~seen).all()
    assert np.allclose(tiles.shares, asked.ask(Mosaic(cells=16)).shares), "of tokens, as ever"
    on = asked.ask(OnKey(10, 5, WORDS))
    got = on.valued_LH if valued else on.weight_LH
    assert np.allclose(got[1], expected[:, 4, 3], atol=1e-6)


def test_words_are_pooled_like_tokens_where_there_are_too_many() -> None:
    asked = Asked("learned")
    expected = by_words(asked.trace["blocks.0.attn.hook_pattern"][0].numpy())
    found = asked.ask(Mosaic(cells=3, words=WORDS))
    assert (found.block, found.maxima.shape[-1]) == (2, 3)
    assert found.maxima[0, 1, 2, 1] == pytest.approx(expected[1, 4:, 2:4].max(), abs=1e-6)
    pooled = asked.ask(Pattern(0, 1, most=(3, 3), words=WORDS))
    assert pooled.values[2, 1] == pytest.approx(expected[1, 4:, 2:4].max())


@pytest.mark.parametrize("words", [(), WORDS])
@pytest.mark.parametrize("over", ["max", "mean", "heads"])
def test_the_edges_of_the_graph_are_shares_of_the_stream(over, words: tuple[int, ...]) -> None:
    asked = Asked("sandwich")
    heads = ((0, 1), (1, 2)) if over == "heads" else ()
    found = asked.ask(
        Routes(None, over=over, heads=heads, threshold=0.02, valued=True, words=words)
    )
    for layer in range(2):
        stream = asked.trace[f"blocks.{layer}.hook_resid_pre"][0].numpy()
        share = written(asked, layer) / np.linalg.norm(stream, axis=-1)[:, None]
        share = by_words(share) if words else share
        some = share[[h for of, h in heads if of == layer]] if heads else share
        top = some.max(0) if over != "mean" else some.mean(0)
        here = found.layer_E == layer
        pairs = {
            (int(q), int(k)): float(w)
            for q, k, w in zip(
                found.query_E[here], found.key_E[here], found.weight_E[here], strict=True
            )
        }
        expected = {(int(q), int(k)) for q, k in np.argwhere(top >= 0.02)}
        assert set(pairs) == expected
        assert expected
        for (q, k), weight in pairs.items():
            assert weight == pytest.approx(top[q, k], abs=1e-6)


def test_routes_by_words_lead_to_the_word() -> None:
    asked = Asked("learned")
    weights = by_words(asked.trace["blocks.1.attn.hook_pattern"][0].numpy()).max(0)
    found = asked.ask(Routes(2, threshold=0.2, words=WORDS))
    top = {int(k) for q, k in np.argwhere(weights >= 0.2) if q == 2}
    last = found.layer_E == 1
    assert set(found.query_E[last].tolist()) == {2}
    assert set(found.key_E[last].tolist()) == top


@pytest.mark.parametrize("name", ["learned", "bidirectional", "grouped-query", "norms of outputs"])
def test_how_sharp_and_how_strong_each_head_is(name: str) -> None:
    asked = Asked(name)
    found = asked.ask(Mosaic(cells=16, measured=True))
    assert isinstance(found, MosaicFound)
    since = 1 if asked.config.causal else 0
    for layer in range(2):
        pattern = asked.trace[f"blocks.{layer}.attn.hook_pattern"][0].numpy()[:, since:]
        safe = np.where(pattern > 0, pattern, 1)
        entropy = -(pattern * np.log(safe)).sum(-1).mean(-1)
        assert np.allclose(found.entropy[layer], entropy, atol=1e-6)
        strength = written(asked, layer)[:, since:].sum(-1).mean(-1)
        assert np.allclose(found.strength[layer], strength, rtol=1e-5)
    assert {"entropy", "strength"} <= set(found.arrays())
    plain = asked.ask(Mosaic(cells=16))
    assert np.isnan(plain.entropy).all(), "nobody asked"
    assert not {"entropy", "strength"} & set(plain.arrays())


def test_the_sink_is_the_mean_share_of_the_first_token() -> None:
    asked = Asked("learned")
    every = [asked.trace[f"blocks.{at}.attn.hook_pattern"][0, :, 1:, 0].numpy() for at in (0, 1)]
    for hide in (False, True):
        assert asked.ask(Mosaic(16, hide_first=hide)).sink == pytest.approx(np.mean(every), 1e-5)


def test_a_head_that_is_cut_writes_nothing() -> None:
    asked = Asked("learned", interventions=(AblateHead(0, 1),))
    asked.ask(Pattern(1, 1, valued=True))  # of the layer behind it: as it is then
    expected = written(asked, 1)
    assert np.allclose(asked.ask(Pattern(1, 1, valued=True)).values, expected[1])


def test_scores_are_neither_valued_nor_merged_and_words_must_be_words() -> None:
    asked = Asked("learned")
    with pytest.raises(ValueError, match="weights only"):
        asked.ask(Pattern(0, 0, "attn_scores", words=WORDS))
    for words in ((1, 2), (0, 3, 3), (0, N)):
        with pytest.raises(ValueError, match="begin at 0, rise, and end before 11"):
            asked.ask(Mosaic(4, words=words))
