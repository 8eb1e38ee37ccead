"""The operations describe the network that runs: names, order, shapes, parameters."""

from __future__ import annotations

import pytest
import torch

from model.config import TransformerConfig
from model.operations import (
    INPUT_IDS,
    PROBABILITIES,
    activation_names,
    aliases,
    full_name,
    matching_names,
    operations,
    output_name,
    shape_of,
)
from model.parameters import parameter, parameter_names
from model.trace import record
from tests.model.networks import BASE, VARIANTS, network, some_ids

every_variant = pytest.mark.parametrize("config", VARIANTS.values(), ids=list(VARIANTS))


def test_one_gpt2_block_has_transformerlens_names_in_its_order():
    config = TransformerConfig(n_layers=1, n_heads=2, d_model=8, d_vocab=11, n_ctx=4)
    names = [op.output for op in operations(config)]
    assert names == [
        "input_ids",
        "hook_embed",
        "hook_pos_embed",
        "blocks.0.hook_resid_pre",
        "blocks.0.ln1.hook_scale",
        "blocks.0.ln1.hook_normalized",
        "blocks.0.attn.hook_q",
        "blocks.0.attn.hook_k",
        "blocks.0.attn.hook_v",
        "blocks.0.attn.hook_attn_scores",
        "blocks.0.attn.hook_pattern",
        "blocks.0.attn.hook_z",
        "blocks.0.hook_attn_out",
        "blocks.0.hook_resid_mid",
        "blocks.0.ln2.hook_scale",
        "blocks.0.ln2.hook_normalized",
        "blocks.0.mlp.hook_pre",
        "blocks.0.mlp.hook_post",
        "blocks.0.hook_mlp_out",
        "blocks.0.hook_resid_post",
        "ln_final.hook_scale",
        "ln_final.hook_normalized",
        "logits",
        "probabilities",
    ]


@every_variant
def test_an_operation_reads_only_what_was_written_before(config: TransformerConfig):
    written: set[str] = set()
    for op in operations(config):
        assert set(op.inputs) <= written, op.output
        assert op.output not in written
        written.add(op.output)
        assert op.label
        assert op.formula
        assert op.sentence.endswith((".", "?"))
    # Nothing is computed for nobody.
    read = {name for op in operations(config) for name in op.inputs}
    assert written - read == {PROBABILITIES if config.has_logits else output_name(config)}


@every_variant
def test_shapes_are_those_of_the_tensors(config: TransformerConfig):
    trace = record(network(config), some_ids(config, batch=2, position=13))
    for op in operations(config):
        if op.output != PROBABILITIES:
            assert tuple(trace[op.output].shape) == shape_of(op, config, 2, 13), op.output


@every_variant
def test_the_operations_read_every_parameter_of_the_network(config: TransformerConfig):
    transformer = network(config)
    named = {name: parameter(transformer, name) for name in parameter_names(config)}
    if config.tied_embeddings and config.has_logits:
        assert named.pop("W_U").T.data_ptr() == named["W_E"].data_ptr()
    assert sum(tensor.numel() for tensor in named.values()) == config.n_params
    # Each number of the network appears once: the same sum of squares.
    ours = sum(float(tensor.square().sum()) for tensor in named.values())
    assert ours == pytest.approx(
        sum(float(p.detach().square().sum()) for p in transformer.parameters()), rel=1e-12
    )


def test_parameters_have_transformerlens_shapes():
    config = VARIANTS["like Llama"]
    transformer = network(config)
    shapes = {
        "W_E": (33, 20),
        "W_U": (20, 33),
        "blocks.1.attn.W_Q": (4, 20, 6),
        "blocks.1.attn.W_K": (2, 20, 6),
        "blocks.1.attn.W_V": (2, 20, 6),
        "blocks.1.attn.W_O": (4, 6, 20),
        "blocks.1.mlp.W_gate": (20, 28),
        "blocks.1.mlp.W_in": (20, 28),
        "blocks.1.mlp.W_out": (28, 20),
        "blocks.1.ln2.w": (20,),
        "ln_final.w": (20,),
    }
    for name, shape in shapes.items():
        assert tuple(parameter(transformer, name).shape) == shape, name


def test_the_formulas_of_attention_hold_with_the_named_parameters():
    transformer, ids_BT = network(BASE), some_ids(BASE)
    trace = record(transformer, ids_BT)
    attn = "blocks.1.attn"
    normalized_BTD = trace["blocks.1.ln1.hook_normalized"]

    def weight(name: str):
        return parameter(transformer, f"{attn}.{name}")

    for letter in "qkv":
        expected_BHTK = normalized_BTD[:, None] @ weight(f"W_{letter.upper()}")
        expected_BTHK = expected_BHTK.transpose(1, 2) + weight(f"b_{letter.upper()}")
        assert (trace[f"{attn}.hook_{letter}"] - expected_BTHK).abs().max() < 1e-12
    out_BTD = (trace[f"{attn}.hook_z"].transpose(1, 2) @ weight("W_O")).sum(1) + weight("b_O")
    assert (trace["blocks.1.hook_attn_out"] - out_BTD).abs().max() < 1e-12


def test_an_unknown_parameter_is_refused_with_near_names():
    with pytest.raises(KeyError, match=r"No parameter is called 'blocks.0.attn.WQ'.*attn.W_Q"):
        parameter(network(BASE), "blocks.0.attn.WQ")


def test_names_are_known_with_and_without_hook():
    known = activation_names(BASE)
    assert full_name("blocks.0.attn.pattern", known) == "blocks.0.attn.hook_pattern"
    assert full_name("embed", known) == "hook_embed"
    assert full_name("logits", known) == "logits"
    with pytest.raises(KeyError, match=r"'blocks.0.attn.patern'.*Near it: .*hook_pattern"):
        full_name("blocks.0.attn.patern", known)


def test_globs_choose_names_in_order():
    known = activation_names(BASE)
    assert matching_names(["blocks.*.attn.pattern", "*.hook_q"], known) == (
        "blocks.0.attn.hook_q",
        "blocks.0.attn.hook_pattern",
        "blocks.1.attn.hook_q",
        "blocks.1.attn.hook_pattern",
    )
    with pytest.raises(KeyError, match=r"No activation matches 'blocks\.7\.\*'"):
        matching_names(["blocks.7.*"], known)


@every_variant
def test_every_layer_has_a_residual_stream_before_and_after(config: TransformerConfig):
    names = activation_names(config)
    for layer in range(config.n_layers):
        assert f"blocks.{layer}.hook_resid_pre" in names
        assert f"blocks.{layer}.hook_resid_post" in names
    assert len(names) == len(set(names))
    assert set(aliases(config).values()) <= set(names)
    assert names[0] == INPUT_IDS
    assert PROBABILITIES not in names


def formulas(name: str) -> dict[str, str]:
    return {op.output: op.formula for op in operations(VARIANTS[name])}


@pytest.mark.parametrize(
    ("name", "output", "says"),
    [
        ("learned", "blocks.0.attn.hook_q", "q_i = n_i · W_Q + b"),
        ("norms of outputs", "blocks.0.attn.hook_q", "q_i = r_i · W_Q + b"),
        ("norms of outputs", "blocks.0.hook_attn_out", "a_i ← (a_i − mean(a_i)) / σ_i ⊙ w + b"),
        ("norms after", "blocks.1.ln2.hook_normalized", "r_i ← (r_i − mean(r_i)) / σ_i ⊙ w + b"),
        ("norms after", "blocks.0.mlp.hook_pre", "u_i = r_i · W_in + b"),
        ("first norm left out", "blocks.0.attn.hook_v", "v_i = r_i · W_V + b"),
        ("first norm left out", "blocks.1.attn.hook_v", "v_i = n_i · W_V + b"),
        ("norms around one", "ln_final.hook_normalized", "n_i = r_i / σ_i ⊙ (1 + w)"),
        ("qk norm of a head", "blocks.0.attn.k_norm.hook_scale", "σ_i = √(mean(k_i²) + ε)"),
        ("experts", "blocks.0.hook_mlp_out", "m_i = Σ_e w_ie (h_i^e · W_out^e)"),
        ("plain experts", "blocks.0.mlp.hook_expert_shares", "w_ie = π_ie"),
        ("scaled", "hook_embed", "x_i = 4.5 W_E[t_i]"),
        ("scaled", "blocks.0.hook_attn_out", "a_i = 0.6 (concat(z_i) · W_O + b)"),
        ("scaled", "logits", "logits = 0.25 x · W_Eᵀ"),
        ("capped", "blocks.1.attn.hook_k", "k_i = clip(n_i · W_K + b, ±0.8)"),
        ("capped", "logits", "logits = 2 tanh((x · W_Eᵀ) / 2)"),
        (
            "window",
            "blocks.0.attn.hook_attn_scores",
            "s_ij = q_i · k_j / √d_head, −∞ unless i − 5 < j ≤ i",
        ),
        (
            "alibi",
            "blocks.0.attn.hook_attn_scores",
            "s_ij = q_i · k_j / √d_head − m_h (i − j), −∞ for j > i",
        ),
        ("positions from row 2", "hook_pos_embed", "p_i = W_pos[i + 2]"),
        ("masked", "hook_embed_sum", "r_i = x_i + p_i + y_i"),
        ("biased unembedding", "logits", "logits = x · W_U + b"),
    ],
)
def test_formulas_say_what_the_config_says(name: str, output: str, says: str):
    assert formulas(name)[output] == says


def test_an_output_norm_writes_what_is_added_and_keeps_what_was_before():
    config = VARIANTS["sandwich"]
    trace = record(network(config), some_ids(config))
    before, after = trace["blocks.0.attn.hook_out"], trace["blocks.0.hook_attn_out"]
    assert not torch.equal(before, after)
    assert trace["blocks.0.ln1_post.hook_normalized"] is after
    resid = trace["blocks.0.hook_resid_pre"] + after
    assert torch.equal(resid, trace["blocks.0.hook_resid_mid"])


def test_routing_is_traced():
    config = VARIANTS["experts"]
    transformer = network(config)
    trace = record(transformer, some_ids(config))
    mlp = "blocks.1.mlp"
    weights, indices = trace[f"{mlp}.hook_expert_weights"], trace[f"{mlp}.hook_expert_indices"]
    assert (weights.sum(-1) - 1).abs().max() < 1e-12
    assert torch.equal(indices, weights.argsort(-1, descending=True)[..., :2])
    shares = trace[f"{mlp}.hook_expert_shares"]
    assert (shares.sum(-1) - 1).abs().max() < 1e-12
    # One position by hand, with the named parameters.
    expected = torch.zeros(config.d_model, dtype=torch.float64)
    n_D = trace["blocks.1.ln2.hook_normalized"][0, 3]
    for share, e in zip(shares[0, 3], indices[0, 3].tolist(), strict=True):
        names = (f"{mlp}.experts.{e}.{which}" for which in ("W_gate", "W_in", "W_out"))
        gate, up, out = (parameter(transformer, name) for name in names)
        expected += share * ((torch.nn.functional.silu(n_D @ gate) * (n_D @ up)) @ out)
    assert (trace["blocks.1.hook_mlp_out"][0, 3] - expected).abs().max() < 1e-12
