"""Rotary positions, RMS norms, grouped heads and parallel blocks, held to transformers' networks.

Their checkpoints can't be opened yet; here their weights are mapped by hand, so that the one
network is known to compute what its config says.
"""

from __future__ import annotations

import pytest
import torch
from torch import Tensor, nn
from transformers import LlamaConfig, LlamaForCausalLM, PhiConfig, PhiForCausalLM, PreTrainedModel

from model.config import TransformerConfig
from model.trace import record
from model.transformer import Transformer

# transformers computes the angles in float32 even for a float64 network.
TOLERANCE = 1e-5


def randomize(network: nn.Module) -> None:
    generator = torch.Generator().manual_seed(2)
    with torch.no_grad():
        for name, parameter in network.named_parameters():
            parameter.normal_(float("norm" in name), 0.3, generator=generator)


def joined(attention: nn.Module, kind: str) -> Tensor:
    projections = (getattr(attention, f"{letter}_proj") for letter in "qkv")
    return torch.cat([getattr(projection, kind) for projection in projections])


def assert_equal(ours: Transformer, theirs: PreTrainedModel, state: dict[str, Tensor]) -> None:
    """Logits, residual stream and patterns."""
    ours.load_state_dict(state)
    ours.double().eval()
    theirs.set_attn_implementation("eager")
    ids_BT = torch.randint(0, 61, (2, 19), generator=torch.Generator().manual_seed(1))
    with torch.inference_mode():
        expected = theirs(ids_BT, output_hidden_states=True, output_attentions=True)
        assert (ours(ids_BT) - expected.logits).abs().max() < TOLERANCE
    trace = record(ours, ids_BT)
    for layer in range(ours.config.n_layers):
        pattern = trace[f"blocks.{layer}.attn.hook_pattern"]
        assert (pattern - expected.attentions[layer]).abs().max() < TOLERANCE
        resid = trace[f"blocks.{layer}.hook_resid_pre"]
        assert (resid - expected.hidden_states[layer]).abs().max() < TOLERANCE


@pytest.mark.filterwarnings("ignore::FutureWarning")
def test_rotary_rms_grouped_query_and_gated_equal_llama():
    theirs = LlamaForCausalLM(
        LlamaConfig(
            vocab_size=61,
            hidden_size=24,
            intermediate_size=40,
            num_hidden_layers=2,
            num_attention_heads=6,
            num_key_value_heads=2,
            head_dim=8,
            max_position_embeddings=32,
            rms_norm_eps=2e-5,
            rope_parameters={"rope_type": "default", "rope_theta": 700.0},
        )
    )
    randomize(theirs)
    theirs = theirs.double().eval()
    config = TransformerConfig(
        n_layers=2,
        n_heads=6,
        n_kv_heads=2,
        d_model=24,
        d_head=8,
        d_mlp=40,
        d_vocab=61,
        n_ctx=32,
        norm="rms",
        norm_eps=2e-5,
        positions="rotary",
        rotary_base=700.0,
        activation="silu",
        gated=True,
        attention_bias=False,
        mlp_bias=False,
        tied_embeddings=False,
    )
    state = {
        "embed.weight": theirs.model.embed_tokens.weight,
        "ln_final.w": theirs.model.norm.weight,
        "unembed.weight": theirs.lm_head.weight,
    }
    for layer, block in enumerate(theirs.model.layers):
        state |= {
            f"blocks.{layer}.ln1.w": block.input_layernorm.weight,
            f"blocks.{layer}.attn.qkv.weight": joined(block.self_attn, "weight"),
            f"blocks.{layer}.attn.out.weight": block.self_attn.o_proj.weight,
            f"blocks.{layer}.ln2.w": block.post_attention_layernorm.weight,
            f"blocks.{layer}.mlp.up.weight": block.mlp.up_proj.weight,
            f"blocks.{layer}.mlp.gate.weight": block.mlp.gate_proj.weight,
            f"blocks.{layer}.mlp.down.weight": block.mlp.down_proj.weight,
        }
    assert_equal(Transformer(config).double(), theirs, state)


def test_partial_rotary_and_parallel_blocks_equal_phi():
    theirs = PhiForCausalLM(
        PhiConfig(
            vocab_size=61,
            hidden_size=32,
            intermediate_size=40,
            num_hidden_layers=2,
            num_attention_heads=4,
            max_position_embeddings=32,
            layer_norm_eps=2e-5,
            hidden_act="gelu_new",
            rope_parameters={
                "rope_type": "default",
                "rope_theta": 300.0,
                "partial_rotary_factor": 0.5,
            },
        )
    )
    randomize(theirs)
    theirs.lm_head.bias.data.zero_()  # ours has none
    theirs = theirs.double().eval()
    config = TransformerConfig(
        n_layers=2,
        n_heads=4,
        d_model=32,
        d_mlp=40,
        d_vocab=61,
        n_ctx=32,
        norm_eps=2e-5,
        positions="rotary",
        rotary_base=300.0,
        rotary_dim=4,
        parallel=True,
        tied_embeddings=False,
    )
    state = {
        "embed.weight": theirs.model.embed_tokens.weight,
        "ln_final.w": theirs.model.final_layernorm.weight,
        "ln_final.b": theirs.model.final_layernorm.bias,
        "unembed.weight": theirs.lm_head.weight,
    }
    for layer, block in enumerate(theirs.model.layers):
        state |= {
            f"blocks.{layer}.ln1.w": block.input_layernorm.weight,
            f"blocks.{layer}.ln1.b": block.input_layernorm.bias,
            f"blocks.{layer}.attn.qkv.weight": joined(block.self_attn, "weight"),
            f"blocks.{layer}.attn.qkv.bias": joined(block.self_attn, "bias"),
            f"blocks.{layer}.attn.out.weight": block.self_attn.dense.weight,
            f"blocks.{layer}.attn.out.bias": block.self_attn.dense.bias,
            f"blocks.{layer}.mlp.up.weight": block.mlp.fc1.weight,
            f"blocks.{layer}.mlp.up.bias": block.mlp.fc1.bias,
            f"blocks.{layer}.mlp.down.weight": block.mlp.fc2.weight,
            f"blocks.{layer}.mlp.down.bias": block.mlp.fc2.bias,
        }
    assert_equal(Transformer(config).double(), theirs, state)
