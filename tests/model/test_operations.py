"""The operations describe the network that runs: names, order, shapes, parameters."""

from __future__ import annotations

from dataclasses import replace

import pytest
import torch

from model.config import Caps, Scales, TransformerConfig
from model.operations import (
    INPUT_IDS,
    PROBABILITIES,
    activation_names,
    aliases,
    full_name,
    keys_and_values,
    matching_names,
    needed,
    operations,
    output_name,
    parameter_names,
    shape_of,
    streams,
)
from model.parameters import parameter
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
        "blocks.0.attn.hook_dot",
        "blocks.0.attn.hook_scaled",
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
        ("learned", "blocks.0.attn.hook_dot", "s_ij = q_i · k_j"),
        ("learned", "blocks.0.attn.hook_scaled", "s_ij ← s_ij / √d_head"),
        ("learned", "blocks.0.attn.hook_attn_scores", "s_ij ← −∞ for j > i"),
        ("window", "blocks.0.attn.hook_attn_scores", "s_ij ← −∞ unless i − 5 < j ≤ i"),
        ("alibi", "blocks.0.attn.hook_biased", "s_ij ← s_ij − m_h (i − j)"),
        ("alibi", "blocks.0.attn.hook_attn_scores", "s_ij ← −∞ for j > i"),
        ("like Gemma 2", "blocks.1.attn.hook_scaled", "s_ij ← 0.3 s_ij"),
        ("like Gemma 2", "blocks.1.attn.hook_capped", "s_ij ← 5 tanh(s_ij / 5)"),
        ("bidirectional", "blocks.0.attn.hook_attn_scores", "s_ij ← s_ij / √d_head"),
        ("bidirectional windows", "blocks.0.attn.hook_attn_scores", "s_ij ← −∞ for |i − j| > 3"),
        ("bidirectional windows", "blocks.1.attn.hook_attn_scores", "s_ij ← s_ij / √d_head"),
        ("positions from row 2", "hook_pos_embed", "p_i = W_pos[i + 2]"),
        ("masked", "hook_embed_sum", "r_i = x_i + p_i + y_i"),
        ("biased unembedding", "logits", "logits = x · W_U + b"),
    ],
)
def test_formulas_say_what_the_config_says(name: str, output: str, says: str):
    assert formulas(name)[output] == says


@pytest.mark.parametrize(
    ("config", "steps"),
    [
        (BASE, "dot scaled attn_scores"),
        (VARIANTS["alibi"], "dot scaled biased attn_scores"),
        (VARIANTS["like Gemma 2"], "dot scaled capped attn_scores"),
        (replace(VARIANTS["alibi"], caps=Caps(scores=2.0)), "dot scaled biased capped attn_scores"),
        # Where nothing is masked the last step writes the scores, and its own name is an alias.
        (VARIANTS["bidirectional"], "dot attn_scores"),
        (replace(VARIANTS["encoder"], caps=Caps(scores=2.0)), "dot scaled attn_scores"),
        (replace(VARIANTS["bidirectional"], scales=Scales(scores=1.0)), "attn_scores"),
        (replace(BASE, scales=Scales(scores=1.0)), "dot attn_scores"),
    ],
    ids=str,
)
def test_each_step_towards_the_scores_is_an_operation(config: TransformerConfig, steps: str):
    chain = [op for op in operations(config) if op.layer == 1 and op.shape == "BHQS"]
    hooks = [f"blocks.1.attn.hook_{step}" for step in (*steps.split(), "pattern")]
    assert [op.output for op in chain] == hooks
    # Each reads the one before it and nothing else; the first reads queries and keys.
    assert [op.inputs for op in chain[1:]] == [(hook,) for hook in hooks[:-1]]
    assert len(chain[0].inputs) == 2
    own = {"dot": "dot", "scale": "scaled", "cap": "capped", "bias": "biased"}
    last = own.get(chain[-2].kind)
    same = {} if last is None else {f"blocks.1.attn.hook_{last}": "blocks.1.attn.hook_attn_scores"}
    assert {k: v for k, v in aliases(config).items() if k.startswith("blocks.1.attn.")} == same


def test_the_steps_towards_the_scores_hold_with_their_formulas():
    config = replace(VARIANTS["alibi"], caps=Caps(scores=2.0), n_kv_heads=2)
    trace = record(network(config), some_ids(config))
    attn = "blocks.1.attn"
    q_BTHK, k_BTGK = trace[f"{attn}.q"], trace[f"{attn}.k"]
    i, j, head = 9, 4, 3
    score = q_BTHK[0, i, head] @ k_BTGK[0, j, 1]  # two heads share a key
    assert trace[f"{attn}.dot"][0, head, i, j] == pytest.approx(float(score), rel=1e-12)
    score = score / 6**0.5
    assert trace[f"{attn}.scaled"][0, head, i, j] == pytest.approx(float(score), rel=1e-12)
    score = score - 2.0 ** (-8 * (head + 1) / 4) * (i - j)
    assert trace[f"{attn}.biased"][0, head, i, j] == pytest.approx(float(score), rel=1e-12)
    score = 2 * torch.tanh(score / 2)
    assert trace[f"{attn}.capped"][0, head, i, j] == pytest.approx(float(score), rel=1e-12)
    assert trace[f"{attn}.attn_scores"][0, head, i, j] == trace[f"{attn}.capped"][0, head, i, j]
    assert trace[f"{attn}.attn_scores"][0, head, j, i] == -torch.inf
    assert trace[f"{attn}.capped"][0, head, j, i] > -2


def test_the_fewest_operations_lead_from_what_is_there_to_what_is_wanted():
    ops = operations(BASE)

    def outputs(wanted: str, *have: str) -> list[str]:
        return [op.output for op in needed(ops, (wanted,), have)]

    assert outputs("blocks.1.attn.hook_q", "blocks.0.hook_resid_post") == [
        "blocks.1.ln1.hook_scale",
        "blocks.1.ln1.hook_normalized",
        "blocks.1.attn.hook_q",
    ]
    assert outputs("blocks.1.hook_resid_post", "blocks.1.hook_resid_post") == []
    q_and_k = ("blocks.0.attn.hook_q", "blocks.0.attn.hook_k")
    assert outputs("blocks.0.attn.hook_scaled", *q_and_k) == [
        "blocks.0.attn.hook_dot",
        "blocks.0.attn.hook_scaled",
    ]
    assert outputs("logits") == [op.output for op in ops[:-1]]
    with pytest.raises(KeyError, match=r"No operation writes blocks\.9\.hook_resid_post"):
        outputs("blocks.9.hook_resid_post")


@every_variant
def test_streams_keys_and_values_are_what_a_block_reads(config: TransformerConfig):
    ops = {op.output: op for op in operations(config)}
    borders = streams(config)
    assert len(borders) == config.n_layers + 1
    for layer, (keys, values) in enumerate(keys_and_values(config)):
        name = f"blocks.{layer}.hook_resid_pre"
        assert borders[layer] == aliases(config).get(name, name)
        [dot] = [op for op in ops.values() if op.layer == layer and op.kind == "dot"]
        [mix] = [op for op in ops.values() if op.layer == layer and op.kind == "mix"]
        assert (dot.inputs[1], mix.inputs[1]) == (keys, values)
        # With these three a block's operations read nothing that another block wrote.
        last = needed(tuple(ops.values()), (borders[layer + 1],), (borders[layer], keys, values))
        assert {op.layer for op in last} == {layer}


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
