"""The heads of an edge: weights, what they write, and tokens, held to float64 NumPy of a trace."""

from __future__ import annotations

import numpy as np
import pytest

from model.interventions import AblateHead, RemoveNorm
from model.parameters import parameter
from model.probe.edge.asks import Edge, EdgeFound
from tests.model.networks import VARIANTS
from tests.model.probe.asking import Asked

LAYER, QUERY, KEY = 1, 8, 2
WITHOUT_NORMS = (RemoveNorm(),)


def numpy(tensor) -> np.ndarray:
    return tensor.detach().double().numpy()


def written(asked: Asked, head: int) -> tuple[np.ndarray, np.ndarray]:
    """What a head adds to the stream at the query: all of it, and what comes from the key."""
    trace, c, b = asked.trace, asked.config, f"blocks.{LAYER}"
    W_KD = numpy(parameter(asked.network, f"{b}.attn.W_O"))[head]
    weight = float(trace[f"{b}.attn.hook_pattern"][0, head, QUERY, KEY])
    value = numpy(trace[f"{b}.attn.hook_v"])[0, KEY, head * c.n_kv_heads // c.n_heads]
    both = []
    for mixed in (numpy(trace[f"{b}.attn.hook_z"])[0, QUERY, head], weight * value):
        out = mixed @ W_KD * c.scales.residual
        if "ln1_post" in c.block_norms(LAYER) and not asked.subject.interventions:
            norm = asked.network.norm_of(f"{b}.ln1_post")
            out = out if norm.rms else out - out.mean()
            scale = float(trace[f"{b}.ln1_post.hook_scale"][0, QUERY, 0])
            out = out * numpy(norm.weight()) / scale
        both.append(out)
    return both[0], both[1]


def logits(asked: Asked, x_D: np.ndarray) -> np.ndarray:
    """Straight to the tokens, with the final norm's scale as it is."""
    network = asked.network
    if network.ln_final is not None and not asked.subject.interventions:
        x_D = x_D if network.ln_final.rms else x_D - x_D.mean()
        scale = float(asked.trace["ln_final.hook_scale"][0, QUERY, 0])
        x_D = x_D * numpy(network.ln_final.weight()) / scale
    if network.project_out is not None:
        x_D = numpy(network.project_out.weight) @ x_D
    assert network.unembed is not None
    return numpy(network.unembed.weight) @ x_D * asked.config.scales.logits


@pytest.mark.parametrize(
    ("variant", "under"),
    [*((name, ()) for name in VARIANTS), ("learned", WITHOUT_NORMS), ("sandwich", WITHOUT_NORMS)],
)
def test_heads_and_tokens_are_those_of_the_trace(variant: str, under: tuple[RemoveNorm, ...]):
    asked = Asked(variant, interventions=under)
    found = asked.ask(Edge(LAYER, QUERY, KEY, heads=3, n=4))
    assert isinstance(found, EdgeFound)
    pattern = numpy(asked.trace[f"blocks.{LAYER}.attn.hook_pattern"])[0, :, QUERY, KEY]
    assert np.allclose(found.weight_H, pattern, atol=1e-6)
    parts = [written(asked, head) for head in range(asked.config.n_heads)]
    lengths = np.array([np.linalg.norm(part) for _, part in parts])
    assert np.allclose(found.write_H, lengths, rtol=1e-5, atol=1e-7)
    stream = np.linalg.norm(numpy(asked.trace[f"blocks.{LAYER}.hook_resid_pre"])[0, QUERY])
    assert np.allclose(found.share_H, lengths / stream, rtol=1e-5, atol=1e-7)
    assert found.head_N.tolist() == np.argsort(-found.write_H, kind="stable")[:3].tolist()
    if not asked.config.has_logits:
        assert found.promoted_NK.size == 0
        assert "scores no tokens" in found.note
        return
    for row, head in enumerate(found.head_N):
        for which, ids, scores in (
            (0, found.promoted_NK, found.promoted_score_NK),
            (1, found.carried_NK, found.carried_score_NK),
        ):
            expected = logits(asked, parts[head][which])
            best = np.sort(expected)[::-1][:4]
            assert np.allclose(scores[row], best, rtol=1e-4, atol=1e-5)
            assert np.allclose(expected[ids[row]], scores[row], rtol=1e-4, atol=1e-5)


def test_what_a_head_of_the_last_layer_promotes_is_what_cutting_it_takes_away():
    """But for the final norm's scale, which is held as it is."""
    asked, found = Asked("learned"), Asked("learned").ask(Edge(LAYER, QUERY, KEY, n=33))
    head = int(found.head_N[0])
    clean, cut = (
        numpy(one.trace[f"blocks.{LAYER}.hook_resid_post"])[0, QUERY]
        for one in (asked, Asked("learned", interventions=(AblateHead(LAYER, head),)))
    )
    # The MLP of the layer reads the head too: its part is no direct one.
    mlp = [
        numpy(one.trace[f"blocks.{LAYER}.hook_mlp_out"])[0, QUERY]
        for one in (asked, Asked("learned", interventions=(AblateHead(LAYER, head),)))
    ]
    taken = logits(asked, clean - cut - (mlp[0] - mlp[1]))
    assert np.allclose(taken[found.promoted_NK[0]], found.promoted_score_NK[0], atol=1e-5)


def test_a_position_that_is_not_there_is_refused():
    with pytest.raises(ValueError, match="no position 11; there are 0 to 10"):
        Asked("learned").ask(Edge(LAYER, QUERY, 11))
