"""Neurons by tokens, one neuron's curve, and what its weights listen to: held to the trace."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest
import torch

from model.interventions import SetNeuron
from model.network.mlp import activate
from model.probe.neurons.asks import Neurons
from model.probe.neurons.curve.asks import NeuronCurve, NeuronCurveFound
from model.probe.neurons.map.asks import NeuronMap, NeuronMapFound
from tests.model.networks import VARIANTS
from tests.model.probe.asking import Asked

AT = 6
LAYER = 1


def every_neuron(asked: Asked, hook: str = "hook_post") -> np.ndarray:
    """One hook of all neurons, ``[T, N]``, from the trace, expert by expert."""
    name = f"blocks.{LAYER}.mlp."
    own = asked.trace[name + hook][0].numpy()
    experts = asked.config.experts
    if experts is None:
        return own
    out = np.full((len(own), experts.n, asked.config.d_mlp), np.nan)
    chosen = asked.trace[name + "hook_expert_indices"][0].numpy()
    for t, place in np.ndindex(*chosen.shape):
        out[t, chosen[t, place]] = own[t, place]
    return out.reshape(len(own), -1)


def written(asked: Asked) -> np.ndarray:
    """What each neuron writes at each token, its length with the activation's sign, ``[T, N]``."""
    mlp: Any = asked.network.requires_grad_(False).get_submodule(f"blocks.{LAYER}.mlp")
    own = every_neuron(asked) * asked.config.scales.residual
    experts = asked.config.experts
    if experts is None:
        return own * mlp.down.weight.norm(dim=0).numpy()
    lengths = np.concatenate([one.down.weight.norm(dim=0).numpy() for one in mlp.experts])
    name = f"blocks.{LAYER}.mlp.hook_expert_"
    chosen, shares = (asked.trace[name + tail][0].numpy() for tail in ("indices", "shares"))
    share = np.zeros((len(own), experts.n))
    np.put_along_axis(share, chosen, shares, 1)
    return own * lengths * np.repeat(share, asked.config.d_mlp, 1)


@pytest.mark.parametrize("name", VARIANTS)
def test_rows_are_the_neurons_that_write_most_anywhere_in_the_text(name: str):
    asked = Asked(name)
    found: NeuronMapFound = asked.ask(NeuronMap(LAYER, n=9))
    own, drawn = every_neuron(asked), written(asked)
    order = np.argsort(-np.nanmax(np.abs(np.nan_to_num(drawn)), 0), kind="stable")
    assert found.rows_R.tolist() == order[:9].tolist()
    assert sorted(found.order_N) == list(range(own.shape[1]))
    np.testing.assert_allclose(found.values_RT, own[:, order[:9]].T, atol=1e-5)
    np.testing.assert_allclose(found.drawn_RT, drawn[:, order[:9]].T, atol=1e-5)
    largest_T = np.nanmax(np.abs(drawn), 1)
    assert found.most == pytest.approx(largest_T.max(), abs=1e-5)
    assert found.limit == pytest.approx(np.sort(largest_T)[9], abs=1e-5)


@pytest.mark.parametrize("name", ["learned", "experts"])
def test_each_cell_knows_its_place_in_the_trace(name: str):
    asked = Asked(name)
    found: NeuronMapFound = asked.ask(NeuronMap(LAYER, by="activation", n=30))
    trace = asked.trace[f"blocks.{LAYER}.mlp.hook_post"]
    n_there = 0
    for row, position in np.ndindex(*found.values_RT.shape):
        index = found.index_of(row, position)
        assert bool(index) == np.isfinite(found.values_RT[row, position])
        if index:
            n_there += 1
            assert float(trace[index]) == pytest.approx(found.values_RT[row, position], abs=1e-5)
    assert n_there > 100


@pytest.mark.parametrize("name", ["learned", "experts", "relu2"])
def test_rows_of_other_orders_and_further_down(name: str):
    asked = Asked(name)
    own = every_neuron(asked)
    by_number = asked.ask(NeuronMap(LAYER, "number", by="activation", first=11, n=5))
    assert by_number.rows_R.tolist() == [11, 12, 13, 14, 15]
    np.testing.assert_allclose(by_number.drawn_RT, own[:, 11:16].T, atol=1e-5)
    here = asked.ask(NeuronMap(LAYER, "token", AT, "activation", first=2, n=3))
    strong = np.nan_to_num(np.abs(own[AT]), nan=-1)
    assert here.rows_R.tolist() == np.argsort(-strong, kind="stable")[2:5].tolist()
    given = asked.ask(NeuronMap(LAYER, by="activation", rows=(9, 2, 5), first=1))
    assert given.rows_R.tolist() == [2, 5]
    np.testing.assert_allclose(given.values_RT, own[:, [2, 5]].T, atol=1e-5)
    assert given.limit == asked.ask(NeuronMap(LAYER, by="activation")).limit, "of the whole layer"
    last = asked.ask(NeuronMap(LAYER, "number", first=own.shape[1] - 2, n=50))
    assert len(last.values_RT) == 2
    with pytest.raises(ValueError, match=rf"first is 0 to {own.shape[1] - 1}"):
        asked.ask(NeuronMap(LAYER, first=own.shape[1]))


def test_a_long_text_is_read_in_parts_and_not_held(monkeypatch: pytest.MonkeyPatch):
    """The same rows, however few tokens are looked at together."""
    asked = Asked("experts")
    whole = asked.ask(NeuronMap(LAYER, n=20))
    monkeypatch.setattr("model.probe.neurons.map.compute.AT_ONCE", 4)
    monkeypatch.setattr("model.probe.neurons.map.compute.HELD", 0)
    monkeypatch.setattr("model.probe.neurons.hidden.AT_ONCE", 4)
    parts = asked.ask(NeuronMap(LAYER, n=20))
    np.testing.assert_allclose(whole.drawn_RT, parts.drawn_RT, atol=1e-6)
    assert whole.rows_R.tolist() == parts.rows_R.tolist()
    curve = asked.ask(NeuronCurve(LAYER, 30))
    np.testing.assert_allclose(curve.post_T, every_neuron(asked)[:, 30], atol=1e-9)


@pytest.mark.parametrize("name", VARIANTS)
def test_a_neurons_points_lie_on_its_curve(name: str):
    asked = Asked(name)
    neuron = 17 if asked.config.experts is None else 2 * asked.config.d_mlp + 17
    found: NeuronCurveFound = asked.ask(NeuronCurve(LAYER, neuron))
    np.testing.assert_allclose(found.pre_T, every_neuron(asked, "hook_pre")[:, neuron], atol=1e-9)
    np.testing.assert_allclose(found.post_T, every_neuron(asked)[:, neuron], atol=1e-9)
    own = activate(torch.from_numpy(found.pre_T.copy()), asked.config.activation).numpy()
    if asked.config.gated:
        linear = every_neuron(asked, "hook_pre_linear")[:, neuron]
        assert found.linear_T is not None
        np.testing.assert_allclose(found.linear_T, linear, atol=1e-9)
        own = own * linear
    else:
        assert found.linear_T is None
    np.testing.assert_allclose(found.post_T, own, atol=1e-6)
    there = found.pre_T[np.isfinite(found.pre_T)]
    assert (found.curve_x[0], found.curve_x[-1]) == (
        min(-3, there.min(initial=0)),
        max(3, there.max(initial=0)),
    )
    np.testing.assert_allclose(
        found.curve_y,
        activate(torch.from_numpy(found.curve_x.copy()), asked.config.activation).numpy(),
    )


def test_a_clamped_neuron_leaves_its_curve():
    asked = Asked("gelu", interventions=(SetNeuron(LAYER, 3, 2.5),))
    curve = asked.ask(NeuronCurve(LAYER, 3))
    assert np.all(curve.post_T == 2.5)
    assert not np.allclose(curve.pre_T, curve.pre_T[0])
    rows = asked.ask(NeuronMap(LAYER, "number", by="activation", first=3, n=1))
    assert np.all(rows.values_RT == 2.5)


@pytest.mark.parametrize(
    "name",
    ["learned", "gated", "experts", "narrow embedding", "parallel", "scaled", "like Gemma 2",
     "parallel with two norms", "norms after", "norms of outputs"],
)  # fmt: skip
def test_what_a_neuron_hears_is_what_each_embedding_puts_into_it(name: str):
    """Held to the MLP itself, reading one embedding: W_in, or W_gate of a gated MLP."""
    asked = Asked(name)
    config, network = asked.config, asked.network.requires_grad_(False)
    neuron = 17 if config.experts is None else 2 * config.d_mlp + 17
    block: Any = network.blocks[LAYER]
    mlp = block.mlp if config.experts is None else block.mlp.experts[2]
    linear = mlp.gate if config.gated else mlp.up
    embed_VD = network.embed.weight * config.scales.embedding
    if network.project_in is not None:
        embed_VD = network.project_in(embed_VD)
    for fold in (False, True):
        x_VD = embed_VD
        norm = {"norms after": None, "norms of outputs": None}.get(name, block.ln2 or block.ln1)
        if fold and norm is not None:
            x_VD = x_VD if config.norm == "rms" else x_VD - x_VD.mean(-1, keepdim=True)
            x_VD = x_VD * (norm.w + config.norms.offset)
        score_V = x_VD @ linear.weight[17]
        found = asked.ask(Neurons(layer=LAYER, position=AT, neuron=neuron, n=5, fold_norm=fold))
        best, worst = score_V.argsort(descending=True)[:5], score_V.argsort()[:5]
        assert found.heard_ids.tolist() == best.tolist()
        np.testing.assert_allclose(found.heard_scores, score_V[best], atol=1e-9)
        assert found.ignored_ids.tolist() == worst.tolist()
        np.testing.assert_allclose(found.ignored_scores, score_V[worst], atol=1e-9)


def test_places_that_are_not_there_are_said():
    for asked, why in (
        (NeuronMap(9), "There is no layer 9; there are 0 to 1"),
        (NeuronCurve(0, 28), "There is no neuron 28; there are 0 to 27"),
        (replace(NeuronMap(0), n=0), "n is 1 or more"),
    ):
        with pytest.raises(ValueError, match=why):
            Asked().ask(asked)
