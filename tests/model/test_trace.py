"""A trace holds what was asked for, under the names that researchers type."""

from __future__ import annotations

import sys
from dataclasses import replace
from pathlib import Path

import pytest
import torch
from safetensors import safe_open
from torch import Tensor

import model
from model.config import TransformerConfig
from model.language_model import LanguageModel
from model.network.run import run
from model.operations import (
    Operation,
    activation_names,
    aliases,
    keys_and_values,
    operations,
    streams,
)
from model.trace import Trace, record
from tests.model.conftest import PROMPT
from tests.model.networks import BASE, VARIANTS, network, some_ids


@pytest.fixture(scope="module")
def lm(gpt2_folder: Path) -> LanguageModel:
    return model.open(gpt2_folder, device="cpu")


def test_a_trace_holds_every_activation_by_default(lm: LanguageModel):
    trace = lm.trace(PROMPT)
    assert set(trace.names) == set(activation_names(lm.config))
    assert torch.equal(trace.input_ids, lm.ids(PROMPT))
    assert trace.logits.shape == (1, trace.input_ids.shape[1], 311)
    assert trace.tokens is not None
    assert b"".join(token.bytes for token in trace.tokens).decode() == PROMPT
    assert [token.id for token in trace.tokens] == trace.input_ids[0].tolist()


def test_short_names_mean_the_same(lm: LanguageModel):
    trace = lm.trace([1, 2, 3])
    assert trace["blocks.0.attn.pattern"] is trace["blocks.0.attn.hook_pattern"]
    assert "blocks.0.attn.pattern" in trace
    assert "blocks.9.attn.pattern" not in trace
    assert trace.tokens is None
    with pytest.raises(KeyError, match=r"No activation is called 'blocks\.0\.attn\.hook_patter'"):
        trace["blocks.0.attn.hook_patter"]


def test_only_what_is_asked_for_is_kept(lm: LanguageModel):
    trace = lm.trace(PROMPT, names=["*.attn.hook_pattern", "blocks.1.resid_pre"])
    assert trace.names == (
        "input_ids",
        "blocks.0.attn.hook_pattern",
        "blocks.1.hook_resid_pre",
        "blocks.1.attn.hook_pattern",
        "blocks.2.attn.hook_pattern",
    )
    full = lm.trace(PROMPT)
    for name in trace:
        assert torch.equal(trace[name], full[name])
    alone = lm.trace(PROMPT, names="*.attn.hook_pattern")
    assert alone.names == lm.trace(PROMPT, names=["*.attn.hook_pattern"]).names
    with pytest.raises(KeyError, match=r"matches 'blocks\.0\.hook_mlp_uot'. Near it: blocks\.0"):
        lm.trace(PROMPT, names="blocks.0.hook_mlp_uot")
    with pytest.raises(KeyError, match=r"No activation matches 'blocks\.3"):
        lm.trace(PROMPT, names=["blocks.3.*"])


def may_look(config: TransformerConfig, layer: int, n: int) -> torch.Tensor:
    """Which key each query may see, written down in another way than the network does."""
    window = config.window_at(layer)
    return torch.tensor(
        [
            [
                (j <= i and (window is None or i - j < window))
                if config.causal
                else (window is None or 2 * abs(i - j) <= window)
                for j in range(n)
            ]
            for i in range(n)
        ]
    )


@pytest.mark.parametrize("config", VARIANTS.values(), ids=list(VARIANTS))
def test_rows_of_a_pattern_sum_to_one_and_what_is_masked_is_exactly_zero(config: TransformerConfig):
    trace = record(network(config), some_ids(config))
    for layer in range(config.n_layers):
        seen_QS = may_look(config, layer, 13)
        pattern_BHQS = trace[f"blocks.{layer}.attn.hook_pattern"]
        scores_BHQS = trace[f"blocks.{layer}.attn.hook_attn_scores"]
        assert (pattern_BHQS.sum(-1) - 1).abs().max() < 1e-12
        assert (pattern_BHQS[..., ~seen_QS] == 0).all()
        assert (scores_BHQS[..., ~seen_QS] == -torch.inf).all()
        assert (pattern_BHQS[..., seen_QS] > 0).all()


def test_the_trace_of_a_prefix_is_the_prefix_of_the_trace():
    transformer, ids_BT = network(BASE), some_ids(BASE)
    whole, prefix = record(transformer, ids_BT), record(transformer, ids_BT[:, :7])
    for name in whole:
        ours, theirs = prefix[name], whole[name]
        if name.endswith(("hook_pattern", "hook_attn_scores", "hook_scaled", "hook_dot")):
            theirs = theirs[:, :, :7, :7]
        else:
            theirs = theirs[:, :7]
        assert torch.allclose(ours, theirs, rtol=0, atol=1e-12), name


def test_the_residual_stream_is_the_sum_of_what_was_written_to_it():
    trace = record(network(BASE), some_ids(BASE))
    total = trace["hook_embed"] + trace["hook_pos_embed"]
    for layer in range(BASE.n_layers):
        total = total + trace[f"blocks.{layer}.attn_out"] + trace[f"blocks.{layer}.mlp_out"]
    assert (total - trace[f"blocks.{BASE.n_layers - 1}.hook_resid_post"]).abs().max() < 1e-12


def test_a_recording_does_not_change_when_the_weights_do():
    transformer, ids_BT = network(BASE), some_ids(BASE)
    trace = record(transformer, ids_BT)
    before = {name: trace[name].clone() for name in trace}
    with torch.no_grad():
        for parameter in transformer.parameters():
            parameter.zero_()
    for name in trace:
        assert torch.equal(trace[name], before[name]), name


@pytest.mark.skipif(sys.platform != "linux", reason="only glibc can be asked to keep memory")
def test_a_trace_reuses_the_memory_of_the_one_before():
    import resource

    def page_faults() -> int:
        return resource.getrusage(resource.RUSAGE_SELF).ru_minflt

    config = replace(BASE, n_ctx=256, d_model=64, d_mlp=512)
    transformer, ids_BT = network(config), some_ids(config, batch=8, position=256)
    trace = record(transformer, ids_BT)
    n_bytes = sum(trace[op.output].nbytes for op in transformer.operations[:-1])
    assert n_bytes > 64 * 2**20  # otherwise glibc would keep it anyway
    for _ in range(2):
        del trace
        before = page_faults()
        trace = record(transformer, ids_BT)
        new_faults = page_faults() - before
    assert new_faults < n_bytes / 4096 / 10
    del trace


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64, torch.bfloat16])
def test_a_saved_trace_comes_back_bit_by_bit(gpt2_folder: Path, tmp_path: Path, dtype: torch.dtype):
    trace = model.open(gpt2_folder, device="cpu", dtype=dtype).trace([[1, 2, 3, 4], [9, 8, 7, 6]])
    path = tmp_path / "trace.safetensors"
    trace.save(path)
    again = Trace.load(path)
    assert again.names == trace.names
    for name in trace:
        assert (
            again[name].dtype
            == trace[name].dtype
            == (torch.int64 if name == "input_ids" else dtype)
        )
        assert torch.equal(again[name], trace[name]), name
    # Other programs read it without us.
    with safe_open(path, framework="np") as file:
        if dtype is not torch.bfloat16:
            assert (
                file.get_tensor("blocks.1.hook_resid_pre")
                == trace["blocks.1.hook_resid_pre"].numpy()
            ).all()


def test_a_trace_that_can_not_be_written_leaves_nothing(lm: LanguageModel, tmp_path: Path):
    trace = lm.trace([1, 2, 3])
    (tmp_path / "taken").mkdir()
    with pytest.raises(OSError, match="taken can't be written"):
        trace.save(tmp_path / "taken")
    with pytest.raises(OSError, match="can't be written: No such file or directory"):
        trace.save(tmp_path / "nowhere" / "trace.safetensors")
    assert [path.name for path in tmp_path.iterdir()] == ["taken"]


def test_a_replaced_trace_file_is_readable_like_any_other(lm: LanguageModel, tmp_path: Path):
    ordinary = tmp_path / "ordinary"
    ordinary.touch()
    path = tmp_path / "trace.safetensors"
    for ids in ([1, 2, 3], [4, 5]):
        lm.trace(ids).save(path)
        assert Trace.load(path).input_ids.tolist() == [ids]
    assert path.stat().st_mode == ordinary.stat().st_mode


@pytest.mark.parametrize("config", VARIANTS.values(), ids=list(VARIANTS))
@pytest.mark.parametrize("dtype", [torch.float32, torch.float64, torch.bfloat16], ids=str)
def test_what_is_computed_on_reading_is_bit_by_bit_what_the_pass_computed(
    config: TransformerConfig, dtype: torch.dtype
):
    transformer, ids_BT = network(config).to(dtype), some_ids(config)
    # A tap sees every operation by itself; without one scores are written over each other.
    watched = record(transformer, ids_BT, tap=lambda name, tensor: tensor)
    trace = record(transformer, ids_BT)
    assert watched.stored == watched.names == trace.names
    for name in trace:
        assert torch.equal(trace[name], watched[name]), name
    steps = {"hook_dot", "hook_scaled", "hook_biased", "hook_capped"} | {"hook_attn_scores"}
    chain = [op for op in operations(config) if op.output.rpartition(".")[2] in steps]
    assert {name for name in trace.names if name not in trace.stored} == {
        op.output for op in chain if not op.output.endswith("hook_attn_scores")
    }


def test_a_step_towards_the_scores_can_be_asked_for_alone(lm: LanguageModel):
    trace = lm.trace(PROMPT, names="*.attn.hook_scaled")
    assert trace.names == ("input_ids", *(f"blocks.{i}.attn.hook_scaled" for i in range(3)))
    full = lm.trace(PROMPT)
    for name in trace:
        assert torch.equal(trace[name], full[name])
    # What it is computed from isn't answered: it was not asked for.
    with pytest.raises(KeyError, match="No activation is called"):
        trace["blocks.0.attn.hook_q"]


@pytest.fixture
def ops_run(monkeypatch: pytest.MonkeyPatch) -> list[Operation]:
    """Every operation that is run from now on."""
    ran: list[Operation] = []

    def watched(network, op, inputs, **how):
        ran.append(op)
        return run(network, op, inputs, **how)

    monkeypatch.setattr("model.network.execute.run", watched)
    return ran


@pytest.mark.parametrize("config", VARIANTS.values(), ids=list(VARIANTS))
def test_a_lazy_trace_answers_every_name_by_one_block(
    config: TransformerConfig, ops_run: list[Operation]
):
    transformer, ids_BT = network(config), some_ids(config)
    full, lazy = record(transformer, ids_BT), record(transformer, ids_BT, lazy=True)
    assert lazy.names == full.names
    keys_values = {name for pair in keys_and_values(config) for name in pair}
    held = {aliases(config).get(name, name) for name in lazy.stored}
    assert held == {"input_ids", *streams(config), *keys_values}
    layer_of = {op.output: op.layer for op in operations(config)}
    for name in lazy:
        ops_run.clear()
        assert lazy[name].shape == full[name].shape
        if lazy[name].dtype == torch.int64:
            assert torch.equal(lazy[name], full[name])
        else:
            # -inf where it is -inf, and the same within rounding elsewhere.
            assert torch.allclose(lazy[name], full[name], rtol=1e-9, atol=1e-9), name
        assert {op.layer for op in ops_run} <= {layer_of[aliases(config).get(name, name)]}


def test_a_lazy_trace_is_saved_whole(lm: LanguageModel, tmp_path: Path, ops_run: list[Operation]):
    lazy, full = lm.trace(PROMPT, lazy=True), lm.trace(PROMPT)
    ops_run.clear()
    lazy.save(tmp_path / "lazy.safetensors")
    assert len(ops_run) == len(set(ops_run))  # each once, however many names follow from it
    again = Trace.load(tmp_path / "lazy.safetensors")
    assert again.names == full.names
    for name in full:
        assert torch.allclose(again[name], full[name], atol=1e-4), name


def test_a_lazy_trace_is_not_read_with_other_weights():
    transformer, ids_BT = network(BASE), some_ids(BASE)
    trace = record(transformer, ids_BT, lazy=True)
    stream = trace["blocks.0.hook_resid_post"].clone()
    with torch.no_grad():
        transformer.get_parameter("blocks.0.mlp.up.weight").mul_(2)
    with pytest.raises(RuntimeError, match=r"weights have changed.*blocks\.1\.attn\.hook_pattern"):
        trace["blocks.1.attn.hook_pattern"]
    assert torch.equal(trace["blocks.1.hook_resid_pre"], stream)  # this was stored


@pytest.mark.parametrize("config", VARIANTS.values(), ids=list(VARIANTS))
def test_named_activations_beside_the_fast_path_are_those_of_the_trace(config: TransformerConfig):
    transformer, ids_BT = network(config), some_ids(config)
    full = record(transformer, ids_BT)
    for names in (list(full.names), ["blocks.0.*"], ["*.hook_pattern", "*.hook_scale"]):
        some = record(transformer, ids_BT, names, lazy=True)
        assert some.names == record(transformer, ids_BT, names).names
        assert some.stored == some.names
        for name in some:
            assert some[name].shape == full[name].shape
            assert some[name].dtype == full[name].dtype
            assert torch.allclose(some[name], full[name], rtol=1e-9, atol=1e-9), name


@pytest.mark.parametrize("lazy", [True, False])
def test_no_block_is_run_that_nothing_hangs_on(lazy: bool, ops_run: list[Operation]):
    transformer, ids_BT = network(BASE), some_ids(BASE)
    seen: list[int] = []
    for layer, block in enumerate(transformer.blocks):
        block.register_forward_hook(lambda *_, layer=layer: seen.append(layer))
    record(transformer, ids_BT, "blocks.0.attn.hook_pattern", lazy=lazy)
    assert seen == ([0] if lazy else [])
    assert "blocks.0.attn.hook_pattern" in {op.output for op in ops_run}
    assert {op.layer for op in ops_run} <= {None, 0}
    assert not {op.group for op in ops_run} & {"mlp", "unembed"}


def test_a_tap_is_not_called_by_a_lazy_trace(lm: LanguageModel):
    with pytest.raises(ValueError, match="A tap is called once for every operation"):
        lm.trace(PROMPT, tap=lambda name, tensor: tensor, lazy=True)


def test_taps_of_a_script_compose_with_recording(lm: LanguageModel):
    seen: list[str] = []

    def cut(name: str, tensor: Tensor) -> Tensor:
        seen.append(name)
        return torch.zeros_like(tensor) if name == "blocks.1.hook_mlp_out" else tensor

    trace = lm.trace(PROMPT, names=["blocks.1.*"], tap=cut)
    assert not trace["blocks.1.mlp_out"].any()
    assert torch.equal(trace["blocks.1.resid_post"], trace["blocks.1.resid_mid"])
    assert "blocks.2.attn.hook_pattern" in seen  # a tap sees also what is not kept
