"""Questions about a subject that is changed on its way: answers are held to its own trace."""

from __future__ import annotations

import numpy as np
import pytest

from model.interventions import AblateHead, Intervention, RemoveMask, RemoveNorm
from model.operations import LOGITS
from model.probe.mosaic.asks import Mosaic
from model.probe.next_token.asks import NextToken
from model.probe.number.asks import Number
from model.probe.pattern.asks import Pattern
from model.probe.routes.asks import Routes
from model.probe.writes.asks import Writes
from tests.model.probe.asking import IDS, Asked
from tests.samples.even_attention import EvenAttention

WAYS: dict[str, tuple[Intervention, ...]] = {
    "no mask": (RemoveMask(),),
    "no mask in one layer": (RemoveMask(1),),
    "even attention": (EvenAttention(0),),
    "no norms": (RemoveNorm(),),
    "a head": (AblateHead(0, 2, mean=True),),
}


@pytest.fixture(params=WAYS)
def way(request: pytest.FixtureRequest) -> tuple[Intervention, ...]:
    return WAYS[request.param]


@pytest.mark.parametrize("name", ["learned", "like Gemma 2", "alibi and window"])
def test_a_head_is_drawn_as_it_is_masked_now(name: str, way: tuple[Intervention, ...]):
    asked = Asked(name, interventions=way)
    trace = asked.trace
    for layer in range(2):
        scores_QS = trace[f"blocks.{layer}.attn.hook_attn_scores"][0, 1].numpy()
        pattern_QS = trace[f"blocks.{layer}.attn.hook_pattern"][0, 1].numpy()
        found = asked.ask(Pattern(layer=layer, head=1))
        assert np.allclose(found.values, pattern_QS, rtol=0, atol=1e-9)
        assert np.array_equal(found.masked, np.isneginf(scores_QS))
        scores = asked.ask(Pattern(layer=layer, head=1, tensor="attn_scores"))
        assert scores.largest == pytest.approx(scores_QS[np.isfinite(scores_QS)].max())


@pytest.mark.parametrize("cells", [64, 4])
def test_tiles_are_masked_where_no_query_may_look_now(cells: int, way: tuple[Intervention, ...]):
    asked = Asked("window per layer", interventions=way)
    found = asked.ask(Mosaic(cells=cells))
    k = found.block
    for layer in range(2):
        scores_QS = asked.trace[f"blocks.{layer}.attn.hook_attn_scores"][0, 0].numpy()
        pattern_HQS = asked.trace[f"blocks.{layer}.attn.hook_pattern"][0].numpy()
        for row in range(found.maxima.shape[2]):
            for column in range(found.maxima.shape[3]):
                cell = np.s_[row * k : (row + 1) * k, column * k : (column + 1) * k]
                assert found.masked[layer, row, column] == np.isneginf(scores_QS[cell]).all()
                largest_H = pattern_HQS[(slice(None), *cell)].max((1, 2))
                assert np.allclose(found.maxima[layer, :, row, column], largest_H, atol=1e-6)


def test_what_is_predicted_and_written_is_of_the_changed_network(way: tuple[Intervention, ...]):
    asked, clean = Asked("like Llama", interventions=way), Asked("like Llama")
    logits_V = asked.trace[LOGITS][0, 6].numpy()
    found = asked.ask(NextToken(position=6, n=5))
    assert found.ids.tolist() == np.argsort(-logits_V, kind="stable")[:5].tolist()
    assert np.allclose(found.logits, logits_V[found.ids], atol=1e-9)
    assert not np.allclose(found.logits, clean.trace[LOGITS][0, 6].numpy()[found.ids])
    number = asked.ask(Number(of="blocks.1.attn.hook_z", index=(0, 4, 1, 2)))
    assert number.value == pytest.approx(float(asked.trace["blocks.1.attn.hook_z"][0, 4, 1, 2]))
    trace = asked.trace
    added, stream = trace["blocks.1.hook_attn_out"][0], trace["blocks.0.hook_resid_post"][0]
    ratio = float((added.norm(dim=-1) / stream.norm(dim=-1)).mean())
    assert asked.ask(Writes()).ratios["blocks.1.hook_attn_out"] == pytest.approx(ratio, abs=1e-5)


def test_without_a_mask_later_tokens_feed_earlier_ones():
    asked = Asked("learned", interventions=(RemoveMask(),))
    found = asked.ask(Routes(position=0, threshold=0.01))
    top = found.layer_E == 1
    assert set(found.key_E[top].tolist()) > {0}
    row_HS = asked.trace["blocks.1.attn.hook_pattern"][0, :, 0].numpy().max(0)
    assert np.count_nonzero(top) == np.count_nonzero(row_HS >= 0.01) <= len(IDS)
