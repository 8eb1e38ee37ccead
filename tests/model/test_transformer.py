"""The fast path, the traced path and transformers compute the same numbers."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
import torch
from torch import Tensor
from transformers import GPT2LMHeadModel

from model.checkpoint import open_checkpoint
from model.config import Caps, ConfigError, Experts, MaskedHead, Norms, TransformerConfig
from model.operations import (
    INPUT_IDS,
    LOGITS,
    PROBABILITIES,
    aliases,
    operations,
    output_name,
)
from model.positions import Alibi, Rotary
from model.trace import record
from model.transformer import KVCache, Transformer
from tests.model.networks import BASE, BY_LENGTH, VARIANTS, network, some_ids

every_variant = pytest.mark.parametrize("config", VARIANTS.values(), ids=list(VARIANTS))
both_precisions = pytest.mark.parametrize(
    ("dtype", "tolerance"), [(torch.float32, 1e-4), (torch.float64, 1e-9)], ids=["f32", "f64"]
)


def difference(ours: Tensor, theirs: Tensor) -> float:
    assert ours.shape == theirs.shape
    assert ours.dtype == theirs.dtype
    return float((ours - theirs).abs().max())


@both_precisions
@pytest.mark.parametrize("folder", ["gpt2_folder", "untied_folder"])
def test_both_paths_equal_transformers(
    folder: str,
    dtype: torch.dtype,
    tolerance: float,
    ids_BT: Tensor,
    request: pytest.FixtureRequest,
):
    path: Path = request.getfixturevalue(folder)
    theirs = GPT2LMHeadModel.from_pretrained(path, attn_implementation="eager", dtype=dtype).eval()
    last_resid: list[Tensor] = []
    theirs.transformer.ln_f.register_forward_pre_hook(lambda _, x: last_resid.append(x[0]))
    with torch.inference_mode():
        expected = theirs(ids_BT, output_hidden_states=True, output_attentions=True)
        ours = open_checkpoint(path, dtype).transformer
        fast_BTV = ours(ids_BT)
    trace = record(ours, ids_BT)

    assert expected.logits.std() > 1  # small numbers would agree by being small
    assert difference(fast_BTV, expected.logits) < tolerance
    assert difference(trace.logits, expected.logits) < tolerance
    n_layers = ours.config.n_layers
    for layer in range(n_layers):
        resid_pre = trace[f"blocks.{layer}.hook_resid_pre"]
        assert difference(resid_pre, expected.hidden_states[layer]) < tolerance
        pattern = trace[f"blocks.{layer}.attn.hook_pattern"]
        assert difference(pattern, expected.attentions[layer]) < tolerance
    assert difference(trace[f"blocks.{n_layers - 1}.hook_resid_post"], last_resid[0]) < tolerance
    assert difference(trace["ln_final.hook_normalized"], expected.hidden_states[-1]) < tolerance


@every_variant
def test_the_fast_path_equals_the_traced_path(config: TransformerConfig):
    transformer, ids_BT = network(config), some_ids(config)
    with torch.inference_mode():
        fast_BTV = transformer(ids_BT)
    assert fast_BTV.std() > 0.1
    assert difference(record(transformer, ids_BT)[output_name(config)], fast_BTV) < 1e-9


@every_variant
@pytest.mark.parametrize("dtype", [torch.bfloat16, torch.float16])
def test_both_paths_run_in_half_precision(config: TransformerConfig, dtype: torch.dtype):
    transformer, ids_BT = network(config), some_ids(config)
    with torch.inference_mode():
        exact = transformer(ids_BT)
        transformer.to(dtype)
        fast = transformer(ids_BT)
    trace = record(transformer, ids_BT)
    traced = trace[output_name(config)]
    for name, tensor in trace.items():
        if name.endswith(("hook_expert_weights", "hook_expert_shares")):
            assert tensor.dtype == torch.float32  # which experts are asked hangs on its digits
        elif name.endswith(("hook_expert_indices", INPUT_IDS)):
            assert tensor.dtype == torch.int64
        else:
            assert tensor.dtype == dtype, name
    for rough in (fast, traced):
        assert rough.dtype == dtype
        both = torch.stack((rough.double().flatten(), exact.flatten()))
        assert both.corrcoef()[0, 1] > (0.9 if config.experts else 0.99)  # a close race may turn


@every_variant
def test_every_parameter_learns(config: TransformerConfig):
    transformer, ids_BT = network(config), some_ids(config)
    transformer(ids_BT).square().mean().backward()
    for name, parameter in transformer.named_parameters():
        if ".experts." in name and parameter.grad is None:
            continue  # nobody was sent to it
        assert parameter.grad is not None, name
        assert torch.isfinite(parameter.grad).all(), name
        # Adding one number to all of a query's scores changes nothing.
        assert parameter.grad.any() or name.endswith("k_norm.b"), name


def test_a_norm_around_one_keeps_the_digits_of_its_weight_in_half_precision():
    config = VARIANTS["norms around one"]
    norm = network(config).ln_final
    assert norm is not None
    assert norm.w is not None
    with torch.no_grad():
        norm.w.fill_(0.003)  # 1.003 is 1.0 in bfloat16
    x_BTD = torch.randn(1, 1000, config.d_model, generator=torch.Generator().manual_seed(0))
    with torch.inference_mode():
        exact = norm(x_BTD.double())
        norm.bfloat16()
        rough = norm(x_BTD.bfloat16())
        traced = norm.normalize(x_BTD.bfloat16(), norm.scale(x_BTD.bfloat16()))
    assert rough.dtype == traced.dtype == torch.bfloat16
    # Rounded up as often as down, a mean over many keeps what each alone has lost.
    assert (rough.double() / exact).mean() == pytest.approx(1, abs=0.0005)
    assert (traced.double() / exact).mean() == pytest.approx(1, abs=0.0005)


@pytest.mark.parametrize("name", [n for n, c in VARIANTS.items() if c.causal])
@pytest.mark.parametrize("pieces", [(13,), (1,) * 13, (5, 1, 4, 3)], ids=str)
def test_a_cached_pass_in_pieces_equals_one_pass(name: str, pieces: tuple[int, ...]):
    config = VARIANTS[name]
    transformer, ids_BT = network(config), some_ids(config)
    if name in BY_LENGTH:  # longer, a pass over all of it rotates what the cache holds anew
        ids_BT, pieces = ids_BT[:, :9], tuple(min(n, 9) for n in pieces[:9])
        pieces = pieces if sum(pieces) == 9 else (5, 1, 3)
    with torch.inference_mode():
        whole_BTV = transformer(ids_BT)
        cache = KVCache(config, batch=2, like=transformer.embed.weight)
        parts = [transformer(piece, cache) for piece in ids_BT.split(pieces, dim=1)]
    assert cache.length == ids_BT.shape[1]
    assert difference(torch.cat(parts, dim=1), whole_BTV) < 1e-9


def test_a_cache_grows_with_the_text_up_to_the_context():
    config = replace(BASE, n_ctx=700)
    transformer, ids_BT = network(config), some_ids(config, position=700)
    cache = KVCache(config, batch=2, like=transformer.embed.weight)
    sizes = []
    with torch.inference_mode():
        whole_BTV = transformer(ids_BT)
        for piece in ids_BT.split((250, 10, 1, 439), dim=1):
            last_BTV = transformer(piece, cache)
            sizes.append(cache.k_LBGSK[-1].shape[2])
    assert sizes == [256, 512, 512, 700]
    assert difference(last_BTV, whole_BTV[:, -439:]) < 1e-9


def test_a_cropped_cache_goes_on_from_there():
    transformer, ids_BT = network(BASE), some_ids(BASE)
    other_BT = ids_BT.clone()
    other_BT[:, 6:] = (other_BT[:, 6:] + 1) % BASE.d_vocab
    with torch.inference_mode():
        cache = KVCache(BASE, batch=2, like=transformer.embed.weight)
        transformer(ids_BT, cache)
        cache.crop(6)
        after_BTV = transformer(other_BT[:, 6:], cache)
        assert difference(after_BTV, transformer(other_BT)[:, 6:]) < 1e-9


def test_scoring_the_last_position_alone_gives_its_row():
    transformer, ids_BT = network(BASE), some_ids(BASE)
    with torch.inference_mode():
        last_B1V = transformer(ids_BT, last_only=True)
        assert difference(last_B1V, transformer(ids_BT)[:, -1:]) < 1e-9


@every_variant
def test_every_operation_can_be_run_again_from_its_recorded_inputs(config: TransformerConfig):
    transformer, ids_BT = network(config), some_ids(config)
    trace = record(transformer, ids_BT)
    with torch.inference_mode():
        for op in operations(config):
            if op.output in (INPUT_IDS, PROBABILITIES):
                continue
            again = transformer.run(op, [trace[name] for name in op.inputs])
            assert torch.equal(again, trace[op.output]), op.output
        if not config.has_logits:
            return
        last = operations(config)[-1]
        probabilities = transformer.run(last, [trace[LOGITS]])
    assert last.output == PROBABILITIES
    assert difference(probabilities.sum(-1), torch.ones(2, 13, dtype=torch.float64)) < 1e-12


@every_variant
def test_taps_are_called_in_the_order_of_the_operations(config: TransformerConfig):
    called: list[str] = []

    def tap(name: str, tensor: Tensor) -> Tensor:
        called.append(name)
        return tensor

    with torch.inference_mode():
        network(config).traced(some_ids(config), tap)
    expected: list[str] = []
    for op in operations(config):
        if op.output != PROBABILITIES:
            expected.append(op.output)
            expected += [alias for alias, name in aliases(config).items() if name == op.output]
    assert called == expected


@every_variant
@pytest.mark.parametrize(
    "where", ["blocks.0.attn.hook_pattern", "blocks.1.hook_mlp_out", "blocks.0.attn.hook_v"]
)
def test_an_intervention_changes_what_reads_it_and_nothing_else(
    config: TransformerConfig, where: str
):
    transformer, ids_BT = network(config), some_ids(config)

    def tap(name: str, tensor: Tensor) -> Tensor:
        return tensor * 0.5 if name == where else tensor

    before, after = record(transformer, ids_BT), record(transformer, ids_BT, tap=tap)
    downstream = {where}
    for op in operations(config):
        if downstream & set(op.inputs):
            downstream.add(op.output)
    downstream |= {alias for alias, name in aliases(config).items() if name in downstream}
    assert output_name(config) in downstream
    changed = {name for name in before.names if not torch.equal(before[name], after[name])}
    # Which experts are the best may stay as it was.
    may_stay = {name for name in before.names if name.endswith("hook_expert_indices")}
    if config.experts is not None and config.experts.n_active == 1 and config.experts.normalized:
        may_stay |= {name for name in before.names if name.endswith("hook_expert_shares")}
    assert changed - may_stay == downstream & set(before.names) - may_stay
    assert torch.equal(after[where], before[where] * 0.5)


def test_an_intervention_on_an_alias_acts_from_there_on():
    transformer, ids_BT = network(BASE), some_ids(BASE)

    def tap(name: str, tensor: Tensor) -> Tensor:
        return torch.zeros_like(tensor) if name == "blocks.1.hook_resid_pre" else tensor

    trace = record(transformer, ids_BT, tap=tap)
    assert trace["blocks.0.hook_resid_post"].abs().min() > 0
    assert not trace["blocks.1.hook_resid_pre"].any()
    # Nothing but attention writes to an empty stream.
    assert torch.equal(trace["blocks.1.hook_resid_mid"], trace["blocks.1.hook_attn_out"])


def test_a_position_sees_nothing_that_comes_after_it():
    transformer, ids_BT = network(BASE), some_ids(BASE)
    other_BT = ids_BT.clone()
    other_BT[:, 8:] = (other_BT[:, 8:] + 1) % BASE.d_vocab
    with torch.inference_mode():
        one_BTV, other_BTV = transformer(ids_BT), transformer(other_BT)
    assert torch.equal(one_BTV[:, :8], other_BTV[:, :8])
    assert not torch.equal(one_BTV[:, 8:], other_BTV[:, 8:])


@every_variant
def test_the_config_counts_the_parameters_that_there_are(config: TransformerConfig):
    transformer = Transformer(config)
    assert sum(p.numel() for p in transformer.parameters()) == config.n_params
    counts = config.parameter_counts()
    in_mlps = [p for name, p in transformer.named_parameters() if ".mlp." in name]
    assert counts["mlp"] == sum(p.numel() for p in in_mlps)
    norms = [p for name, p in transformer.named_parameters() if name.endswith((".w", ".b"))]
    assert counts["norm"] == sum(p.numel() for p in norms)
    ends = ("unembed.", "mlm_head.dense", "project_out")
    at_the_end = [p for name, p in transformer.named_parameters() if name.startswith(ends)]
    assert counts["unembedding"] == sum(p.numel() for p in at_the_end)


def test_gpt2_small_has_the_published_number_of_parameters():
    config = TransformerConfig(n_layers=12, n_heads=12, d_model=768, d_vocab=50257, n_ctx=1024)
    assert config.n_params == 124_439_808
    assert config.parameter_counts()["mlp"] / config.n_params == pytest.approx(0.455, abs=5e-4)


def test_dropout_acts_in_training_and_only_there():
    transformer = network(replace(BASE, dropout=0.5))
    ids_BT = some_ids(BASE)
    with torch.no_grad():
        assert torch.equal(transformer(ids_BT), transformer(ids_BT))
        transformer.train()
        assert not torch.equal(transformer(ids_BT), transformer(ids_BT))


def test_initial_weights_are_small_and_repeatable():
    transformer = Transformer(replace(BASE, d_model=200, d_mlp=400))
    transformer.initialize(torch.Generator().manual_seed(1))
    first = {name: p.detach().clone() for name, p in transformer.named_parameters()}
    transformer.initialize(torch.Generator().manual_seed(1))
    for name, parameter in transformer.named_parameters():
        assert torch.equal(parameter, first[name])
    assert first["embed.weight"].std() == pytest.approx(0.02, rel=0.05)
    # 1 / sqrt(2 n_layers) of it, since 2 n_layers maps write to the residual stream.
    assert first["blocks.0.mlp.down.weight"].std() == pytest.approx(0.01, rel=0.05)
    assert (first["blocks.1.ln2.w"] == 1).all()
    assert (first["blocks.1.mlp.up.bias"] == 0).all()


@pytest.mark.parametrize(
    ("shape", "says"),
    [((1, 25), "25 tokens are more than the model's context of 24"), ((1, 0), "no token to run")],
)
def test_a_sequence_that_does_not_fit_is_refused(shape: tuple[int, int], says: str):
    ids_BT = torch.zeros(shape, dtype=torch.long)
    transformer = network(BASE)
    with pytest.raises(ValueError, match=says):
        transformer(ids_BT)
    with pytest.raises(ValueError, match=says):
        record(transformer, ids_BT)


@pytest.mark.parametrize(
    ("changes", "says"),
    [
        ({"n_layers": 0}, "n_layers is 0; it must be at least 1"),
        ({"n_heads": 3, "d_head": 0}, "d_model 20 does not divide into 3 heads"),
        ({"n_kv_heads": 3}, "4 query heads can't share 3 key/value heads evenly"),
        ({"positions": "rotary", "rotary": Rotary(dim=3)}, "rotary dim 3 must be even"),
        ({"positions": "rotary", "rotary": (Rotary(),)}, "rotary has 1 entries for 2 layers"),
        ({"rotary": Rotary()}, "rotary is given if and only if positions are 'rotary'"),
        ({"alibi": Alibi()}, "alibi is given if and only if positions are 'alibi'"),
        ({"position_offset": 2, "positions": "none"}, "position_offset is a row of a learned"),
        ({"window": 0}, "A window holds at least one key"),
        ({"norm": "batch"}, "norm is 'batch'; known are layer, rms"),
        ({"head": "classifier"}, "head is 'classifier'; known are lm, mlm, none"),
        ({"norms": Norms(placement="post"), "parallel": True}, "Parallel blocks are built with"),
        ({"norms": Norms(placement="output", first=False)}, "can lack the first"),
        ({"experts": Experts(2, 3)}, "3 of 2 experts can't be active"),
        ({"masked_head": MaskedHead()}, "masked_head is given if and only if head is 'mlm'"),
        ({"head": "none", "tied_embeddings": False}, "Without a head there is no unembedding"),
        ({"caps": Caps(logits=0.0)}, "The cap of logits is 0.0; it must be positive"),
    ],
)
def test_a_config_that_fits_no_network_says_why(changes: dict[str, object], says: str):
    with pytest.raises(ConfigError, match=says):
        replace(BASE, **changes)  # type: ignore[arg-type]
