"""Why a query attends to a key: pairs of parts that add up to the model's own score."""

from __future__ import annotations

import numpy as np
import pytest

import model
from model.interventions import AblateHead, PatchActivation, ScaleOutput
from model.probe.why_attends.asks import BIASES, CHANGE, WhyAttends, WhyAttendsFound
from resources import STORY_WORLD
from tests.model.networks import VARIANTS
from tests.model.numpy_forward import forward
from tests.model.probe.asking import IDS, Asked


def why(asked: Asked, layer: int = 1, head: int = 2, query: int = 9, key: int = 7):
    found = asked.ask(WhyAttends(layer, head, query, key))
    assert isinstance(found, WhyAttendsFound)
    return found


@pytest.mark.parametrize("name", VARIANTS)
def test_the_pairs_add_up_to_the_score_that_the_model_has(name: str) -> None:
    asked = Asked(name)
    found = why(asked)
    trace = asked.trace
    scores = trace["blocks.1.attn.hook_attn_scores"][0, 2]
    assert found.capped == pytest.approx(float(scores[9, 7]), abs=1e-9)
    assert found.weight == pytest.approx(
        float(trace["blocks.1.attn.hook_pattern"][0, 2, 9, 7]), abs=1e-12
    )
    assert found.values_QK.sum() + found.bias == pytest.approx(found.score, abs=1e-9)
    assert abs(found.remainder) < 1e-9
    cap = asked.config.caps.scores
    capped = found.score if cap is None else cap * np.tanh(found.score / cap)
    assert capped == pytest.approx(found.capped, abs=1e-9)
    assert (found.bias != 0) == (asked.config.alibi is not None)
    # Everything that was written before, on both sides, and nothing else.
    written = {"embedding", "attention 0", "MLP 0"}
    assert written <= set(found.query_parts) == set(found.key_parts)


def test_each_pair_is_the_product_of_what_its_parts_wrote() -> None:
    """LayerNorm with its recorded scale, W_Q and W_K, in NumPy from the published formulas."""
    asked = Asked("learned")
    found = why(asked)
    c = asked.config
    written: dict[str, np.ndarray] = {}

    def tap(what: str, layer: int, x: np.ndarray) -> np.ndarray:
        if layer == 0:
            written[what] = x
        elif what == "resid":
            written["read"] = x
        return x

    forward(asked.network, IDS, tap)
    w = {name: tensor.numpy() for name, tensor in asked.network.state_dict().items()}
    parts = {
        "embedding": w["embed.weight"][list(IDS)],
        "position": w["pos_embed.weight"][: len(IDS)],
        "attention 0": written["attn"],
        "MLP 0": written["mlp"],
    }
    read = written["read"]
    assert np.allclose(sum(parts.values()), read)
    scale = np.sqrt(read.var(-1, keepdims=True) + c.norm_eps)
    n = c.n_heads * c.d_head
    ln_w, ln_b = w["blocks.1.ln1.w"], w["blocks.1.ln1.b"]
    matrix, bias = w["blocks.1.attn.qkv.weight"], w["blocks.1.attn.qkv.bias"]

    def side(name: str, at: int, start: int) -> np.ndarray:
        rows = slice(start + 2 * c.d_head, start + 3 * c.d_head)  # head 2
        if name == BIASES:
            return matrix[rows] @ ln_b + bias[rows]
        x = parts[name][at]
        return matrix[rows] @ ((x - x.mean()) / scale[at] * ln_w)

    for i, one in enumerate(found.query_parts):
        for j, other in enumerate(found.key_parts):
            expected = side(one, 9, 0) @ side(other, 7, n) / np.sqrt(c.d_head)
            assert found.values_QK[i, j] == pytest.approx(expected, abs=1e-9), (one, other)
    assert found.query_parts == ("embedding", "position", "attention 0", "MLP 0", BIASES)


def test_queries_and_keys_are_turned_before_they_meet() -> None:
    """Rotary and grouped heads: pairs of dimensions of halves, in NumPy."""
    asked = Asked("like Llama")
    found = why(asked)
    c, trace = asked.config, asked.trace
    w = {name: tensor.numpy() for name, tensor in asked.network.state_dict().items()}
    embedded = trace["hook_embed"][0].numpy()
    read = trace["blocks.1.hook_resid_pre"][0].numpy()
    scale = np.sqrt((read**2).mean(-1, keepdims=True) + c.norm_eps)
    normed = embedded / scale * w["blocks.1.ln1.w"]

    def turned(x: np.ndarray, at: int) -> np.ndarray:
        half = c.d_head // 2
        angle = at / 10000.0 ** (np.arange(half) / half)
        a, b = x[:half], x[half:]
        cos, sin = np.cos(angle), np.sin(angle)
        return np.concatenate((a * cos - b * sin, b * cos + a * sin))

    matrix, n_q = w["blocks.1.attn.qkv.weight"], c.n_heads * c.d_head
    q = matrix[2 * c.d_head : 3 * c.d_head] @ normed[9]
    k = matrix[n_q + c.d_head : n_q + 2 * c.d_head] @ normed[7]  # two heads share keys
    expected = turned(q, 9) @ turned(k, 7) / np.sqrt(c.d_head)
    at = found.query_parts.index("embedding"), found.key_parts.index("embedding")
    assert found.values_QK[at] == pytest.approx(expected, rel=1e-5)  # angles of float32


@pytest.mark.parametrize("name", ["learned", "encoder", "sandwich", "rotary"])
def test_what_an_intervention_changed_is_in_the_parts(name: str) -> None:
    for change in (AblateHead(0, 1), ScaleOutput(0, "mlp")):
        asked = Asked(name, interventions=(change,))
        found = why(asked)
        scores = asked.trace["blocks.1.attn.hook_attn_scores"][0, 2]
        assert found.capped == pytest.approx(float(scores[9, 7]), abs=1e-9)
        assert abs(found.remainder) < 1e-9
    mlp = found.query_parts.index("MLP 0")
    assert not found.values_QK[mlp].any(), "it writes nothing"


def test_a_changed_query_is_a_part_of_its_own() -> None:
    other = tuple(reversed(IDS))
    patch = PatchActivation("blocks.1.attn.hook_q", other, positions=(9,))
    found = why(Asked("learned", interventions=(patch,)))
    assert CHANGE in found.query_parts
    assert CHANGE not in found.key_parts or not found.values_QK[:, -1].any()
    assert abs(found.remainder) < 1e-9


def test_what_may_not_be_read_is_refused_with_a_remedy() -> None:
    asked = Asked("learned")
    with pytest.raises(ValueError, match=r"9 may not look at position 10.*Choose a key"):
        asked.ask(WhyAttends(1, 2, 9, 10))
    with pytest.raises(ValueError, match="no head 4; there are 0 to 3"):
        asked.ask(WhyAttends(1, 4, 9, 7))
    with pytest.raises(ValueError, match="no position 11"):
        asked.ask(WhyAttends(1, 2, 11, 7))


def test_the_strongest_pairs_come_first() -> None:
    lm = model.open(STORY_WORLD)
    found = lm.ask("The king lost his crown", WhyAttends(2, 1, 4, 1))
    assert isinstance(found, WhyAttendsFound)
    values = [abs(value) for *_, value in found.strongest(1000)]
    assert values == sorted(values, reverse=True)
    assert len(values) == found.values_QK.size == len(found.as_rows()["pairs"])
