"""Scenes of every operation of every kind of network: each panel's cell is the tensor's number."""

from __future__ import annotations

import numpy as np
import pytest

from model.parameters import parameter
from model.probe.scene.asks import Panel, Scene, SceneFound
from model.sampling import Sampling
from tests.model.networks import VARIANTS
from tests.model.probe.asking import IDS, Asked


def cells(panel: Panel) -> list[tuple[int, int]]:
    """Some of a panel: corners and one in the middle."""
    rows, columns = panel.values_RC.shape
    return [(0, 0), (rows - 1, columns - 1), (rows // 2, columns // 2), (rows - 1, 0)]


def number(asked: Asked, trace, name: str, place: tuple[int, ...]) -> float:
    if name == "input_ids":
        return float(asked.subject.ids[place[1]])
    return float(trace[name][place] if name in trace else parameter(asked.network, name)[place])


@pytest.mark.parametrize("variant", VARIANTS)
def test_every_cell_is_the_number_that_it_names(variant: str):
    asked = Asked(variant)
    trace = asked.trace
    for op in asked.network.operations:
        found = asked.ask(Scene(op.output, 7, 3, most_rows=16, most_columns=24))
        assert found.panels, op.output
        for panel in found.panels:
            if panel.role in ("parts", "rest") or panel.name == "probabilities":
                continue  # sums of products, and what the network itself doesn't compute
            if panel.role == "weight" and op.kind == "attn_out":
                continue  # heads and dimensions in one row: held below
            for cell in cells(panel):
                value = number(asked, trace, panel.name, panel.place(*cell))
                assert panel.values_RC[cell] == pytest.approx(value, abs=1e-6), (op.output, panel)


def test_what_is_written_comes_last_and_what_is_read_first():
    found = Asked("learned").ask(Scene("blocks.0.mlp.hook_pre", 4))
    assert [panel.role for panel in found.panels] == ["in", "weight", "bias", "out"]
    x, w, b, out = (panel.values_RC for panel in found.panels)
    assert out == pytest.approx(x @ w + b, abs=1e-5)


def test_a_query_meets_all_keys_and_each_step_is_there():
    asked = Asked("like Gemma 2")
    found: SceneFound = asked.ask(Scene("blocks.1.attn.hook_dot", 6, 2))
    kinds = [asked.network.operation(panel.name).kind for panel in found.all_of("chain")]
    assert kinds[0] == "dot"
    assert kinds[-1] == "pattern"
    assert "cap" in kinds
    query, keys = found.all_of("in")
    assert keys.letters == "SK"
    assert keys.n_rows == len(IDS)
    dots = found.all_of("chain")[0].values_RC[0]
    assert dots == pytest.approx(keys.values_RC @ query.values_RC[0], rel=1e-4)


def test_of_many_keys_those_that_are_read_most_are_shown():
    asked = Asked("learned")
    weights = asked.trace["blocks.1.attn.hook_pattern"][0, 2, 9].numpy()
    found = asked.ask(Scene("blocks.1.attn.hook_pattern", 9, 2, key=1, most_keys=4))
    shown = list(found.panel("in", 1).at_rows)
    assert shown == sorted(shown)
    assert len(shown) == 4
    assert {1, 9} < {*shown}
    assert int(weights.argmax()) in shown
    for panel in found.all_of("chain"):
        assert list(panel.at_columns) == shown
    values = asked.ask(Scene("blocks.1.attn.hook_z", 9, 2, key=1, most_keys=4))
    assert list(values.panel("in", 1).at_rows) == shown
    assert values.panel("in").values_RC[0] == pytest.approx(weights[shown], abs=1e-6)


def test_heads_add_up_to_what_is_joined():
    for variant in ("learned", "scaled", "like Llama"):
        asked = Asked(variant)
        found = asked.ask(Scene("blocks.1.attn.hook_out", 5))
        if not found.panels:
            found = asked.ask(Scene("blocks.1.hook_attn_out", 5))
        heads, out, bias = found.panel("parts"), found.panel("out"), found.panel("bias")
        assert heads is not None
        assert out is not None
        added = 0 if bias is None else bias.values_RC[0] * asked.config.scales.residual
        total = heads.values_RC.sum(0) + added
        assert total == pytest.approx(out.values_RC[0], abs=1e-5)


def test_blocks_show_the_number_farthest_from_zero():
    asked = Asked("learned")
    panel = asked.ask(Scene("blocks.0.mlp.hook_pre", 4, most_rows=5, most_columns=7)).panel(
        "weight"
    )
    assert panel is not None
    assert not panel.is_whole
    assert panel.values_RC.shape == (5, 7)
    whole = parameter(asked.network, panel.name).numpy()
    assert panel.values_RC[0, 0] == pytest.approx(
        whole[np.unravel_index(np.abs(whole[:4, :4]).argmax(), (4, 4))]
    )


def test_a_row_is_fetched_from_among_its_neighbours():
    asked = Asked("positions from row 2")
    found = asked.ask(Scene("hook_pos_embed", 6))
    table, out = found.panel("table"), found.panel("out")
    assert table is not None
    assert out is not None
    assert table.values_RC[list(table.at_rows).index(8)] == pytest.approx(out.values_RC[0])


def test_tokens_are_scored_and_shared_by_the_sampling():
    asked = Asked("untied")
    logits = asked.trace["logits"][0, -1].numpy()
    found = asked.ask(Scene("probabilities", 10, sampling=Sampling(temperature=0.5), n_tokens=3))
    assert [each.id for each in found.scored] == list(np.argsort(-logits)[:3])
    powers = np.exp((logits - logits.max()) / 0.5)
    assert found.scored[0].share == pytest.approx(powers.max() / powers.sum())
    compared = asked.ask(Scene("logits", 10, n_tokens=3))
    table, x = compared.panel("table"), compared.panel("in")
    assert table is not None
    assert x is not None
    scores = table.values_RC @ x.values_RC[0]
    assert scores == pytest.approx([each.score for each in compared.scored], abs=1e-5)


def test_pairs_turn_by_the_angle_that_is_told():
    for variant in ("rotary", "partly rotary", "interleaved rotary"):
        found = Asked(variant).ask(Scene("blocks.0.attn.hook_rot_q", 7, 1))
        before, after = found.panel("in"), found.panel("out")
        assert before is not None
        assert after is not None
        for (a, b), angle in zip(found.pairs, found.angles):
            turned = complex(*before.values_RC[0, [a, b]]) * np.exp(1j * angle)
            assert complex(*after.values_RC[0, [a, b]]) == pytest.approx(turned, abs=1e-5)


def test_lengths_and_angles_of_a_sum():
    asked = Asked("learned")
    found = asked.ask(Scene("blocks.0.hook_resid_mid", 3))
    trace = asked.trace
    for name in ("blocks.0.hook_attn_out", "blocks.0.hook_resid_mid"):
        assert found.lengths[name] == pytest.approx(float(trace[name][0, 3].norm()), rel=1e-5)
    a, b = trace["blocks.0.hook_attn_out"][0, 3], trace["blocks.0.hook_resid_mid"][0, 3]
    cosine = float(a @ b / (a.norm() * b.norm()))
    assert found.cosines["blocks.0.hook_attn_out"] == pytest.approx(cosine, abs=1e-6)


def test_of_experts_the_one_that_counts_most_is_drawn():
    asked = Asked("experts")
    chosen = int(asked.trace["blocks.0.mlp.hook_expert_indices"][0, 4, 0])
    found = asked.ask(Scene("blocks.0.mlp.hook_pre", 4))
    weight = found.panel("weight")
    assert weight is not None
    assert weight.name == f"blocks.0.mlp.experts.{chosen}.W_gate"
    assert len(found.all_of("weight")) == 1


def test_an_operation_that_is_not_there_has_no_scene():
    assert Asked("learned").ask(Scene("blocks.7.attn.hook_q", 0)).panels == ()


def test_neurons_that_write_most_and_all_others_add_up_to_what_the_mlp_writes():
    for variant in ("learned", "scaled", "like Llama"):
        asked = Asked(variant)
        found = asked.ask(Scene("blocks.1.hook_mlp_out", 6, most_keys=5))
        h, table, parts, rest = (found.panel(role) for role in ("in", "table", "parts", "rest"))
        bias = found.panel("bias")
        w_out = parameter(asked.network, "blocks.1.mlp.W_out").numpy()
        scale = asked.config.scales.residual
        written = np.abs(h.values_RC[0]) * np.linalg.norm(w_out, axis=1)
        assert list(parts.at_rows) == list(np.argsort(-written)[:5])
        for row, neuron in enumerate(parts.at_rows):
            assert table.values_RC[row] == pytest.approx(w_out[neuron])
            assert parts.values_RC[row] == pytest.approx(
                h.values_RC[0, neuron] * w_out[neuron] * scale
            )
        added = 0 if bias is None else bias.values_RC[0] * scale
        total = parts.values_RC.sum(0) + rest.values_RC[0] + added
        assert total == pytest.approx(found.panel("out").values_RC[0], abs=1e-6)


def test_each_neuron_is_told_the_tokens_that_it_promotes_now():
    asked = Asked("learned")
    question = Scene("blocks.1.hook_mlp_out", 6, most_keys=3)
    coarse, whole = (found for found in asked.answers(question) if isinstance(found, SceneFound))
    assert not coarse.is_whole
    assert coarse.promoted == ()
    fired, parts = whole.panel("in"), whole.panel("parts")
    assert fired is not None
    assert parts is not None
    assert parts.at_rows is not None
    w_out = parameter(asked.network, "blocks.1.mlp.W_out").numpy()
    w_u = parameter(asked.network, "W_U").numpy()
    gain = parameter(asked.network, "ln_final.w").numpy()
    h = fired.values_RC[0]
    for neuron, tokens in zip(parts.at_rows, whole.promoted):
        row = h[neuron] * w_out[neuron]
        effect = ((row - row.mean()) * gain) @ w_u
        assert [id for id, _ in tokens] == list(np.argsort(-effect)[:4])
        assert tokens[0][1] == pytest.approx(effect.max(), rel=1e-5)


@pytest.mark.parametrize("variant", ["experts", "plain experts"])
def test_routing_shows_scores_weights_shares_and_what_each_expert_writes(variant: str):
    asked = Asked(variant)
    trace, at = asked.trace, 5
    for hook in ("hook_router", "hook_expert_weights", "hook_expert_indices", "hook_expert_shares"):
        found = asked.ask(Scene(f"blocks.1.mlp.{hook}", at))
        x, table = found.panel("in"), found.panel("table")
        scores, weights, shares = found.all_of("chain")
        assert scores.values_RC[0] == pytest.approx(table.values_RC @ x.values_RC[0], abs=1e-6)
        assert weights.values_RC.sum() == pytest.approx(1)
        chosen = found.panel("in", 1).values_RC[0]
        assert list(chosen) == trace["blocks.1.mlp.hook_expert_indices"][0, at].tolist()
        assert shares.values_RC[0] == pytest.approx(
            trace["blocks.1.mlp.hook_expert_shares"][0, at].numpy()
        )
        parts = found.panel("parts")
        assert list(parts.at_rows) == list(chosen)
        written = trace["blocks.1.hook_mlp_out"][0, at].numpy()
        assert parts.values_RC.sum(0) == pytest.approx(written, abs=1e-6)


def test_each_token_has_its_place_on_the_line_from_which_is_drawn():
    asked = Asked("untied")
    found = asked.ask(Scene("probabilities", 10, sampling=Sampling(1.4, top_k=5), n_tokens=7))
    shares = found.panel("out").values_RC[0]
    assert found.n_kept == 5
    logits = asked.trace["logits"][0, 10].numpy()
    own = np.exp(logits) / np.exp(logits).sum()
    for each in found.scored:
        assert each.before == pytest.approx(shares[: each.id].sum())
        assert each.own == pytest.approx(own[each.id])
    assert sum(each.share > 0 for each in found.scored) == 5


def test_a_position_of_sines_stands_among_its_neighbours():
    found = Asked("sinusoidal").ask(Scene("hook_pos_embed", 6, most_keys=5))
    table = found.panel("table")
    assert list(table.at_rows) == [4, 5, 6, 7, 8]
    assert table.values_RC[2] == pytest.approx(found.panel("out").values_RC[0])
    assert table.place(0, 3) == (0, 4, 3)
