"""Each intervention does to the network what its words say, against weights changed by hand."""

from __future__ import annotations

import json
import subprocess
import sys
from copy import deepcopy
from dataclasses import replace
from pathlib import Path

import pytest
import torch
from torch import Tensor, nn

import model
from model import interventions
from model.config import TransformerConfig
from model.interventions import (
    KINDS,
    AblateHead,
    CutEdge,
    Intervention,
    PatchActivation,
    RemoveMask,
    RemoveNorm,
    RemovePositions,
    RemoveResidual,
    ScaleHead,
    ScaleOutput,
    SetNeuron,
    SetWeight,
    Steer,
    Window,
    apply,
    from_record,
    to_record,
)
from model.language_model import LanguageModel
from model.network.norm import Norm
from model.network.span import Span
from model.operations import (
    aliases,
    keys_and_values,
    operations,
    output_name,
    parameter_names,
    parameter_sizes,
    streams,
)
from model.parameters import parameter
from model.trace import Trace, record
from model.transformer import Transformer
from tests.model.conftest import PROMPT
from tests.model.networks import BASE, VARIANTS, network, some_ids
from tests.samples.even_attention import EvenAttention

OTHER = (9, 2, 30, 4, 17, 17, 1, 8)
"""Another text, whose activations are put in."""

EXAMPLES: dict[str, Intervention] = {
    "head": AblateHead(1, 2),
    "head to its mean": AblateHead(0, 3, mean=True),
    "attention": ScaleOutput(0, "attn"),
    "MLP": ScaleOutput(1, "mlp", 2.5),
    "neuron": SetNeuron(0, 7, 1.5),
    "weight": SetWeight("blocks.1.mlp.W_out", (3, 2), 2.5),
    "stream around attention": RemoveResidual(1, "attn"),
    "stream around the MLP": RemoveResidual(0, "mlp"),
    "mask": RemoveMask(),
    "mask of a layer": RemoveMask(1),
    "positions": RemovePositions(),
    "norms": RemoveNorm(),
    "a norm": RemoveNorm("blocks.1.ln2"),
    "scaled head": ScaleHead(1, 0, 1.5),
    "block": ScaleOutput(0, "block"),
    "edge": CutEdge(1, 6, 5, head=1),
    "edge of all heads, shared out": CutEdge(0, 6, 6, share=True),
    "patch": PatchActivation("blocks.0.attn.z", OTHER, (6, 5), (1, 2), 3, "a cat"),
    "patch of all positions": PatchActivation("blocks.0.hook_resid_post", OTHER),
    "direction": Steer(0, OTHER, (3, 5), 2.0, (), "queen", "king"),
}
every_example = pytest.mark.parametrize("one", EXAMPLES.values(), ids=list(EXAMPLES))
every_variant = pytest.mark.parametrize("config", VARIANTS.values(), ids=list(VARIANTS))


def traced(config: TransformerConfig, *some: Intervention) -> Trace:
    return record(network(config), some_ids(config), interventions=some)


def logits(transformer: Transformer, config: TransformerConfig) -> Tensor:
    """By the fast path: no line of the traced one."""
    with torch.inference_mode():
        out: Tensor = transformer(some_ids(config))
    return out


def close(ours: Tensor, theirs: Tensor) -> bool:
    return ours.shape == theirs.shape and torch.allclose(ours, theirs, rtol=1e-9, atol=1e-9)


@pytest.mark.parametrize("name", ["learned", "like Llama", "like Gemma 2", "parallel", "experts"])
def test_a_cut_head_is_one_whose_rows_of_w_o_are_zero(name: str):
    config = VARIANTS[name]
    changed = network(config)
    with torch.no_grad():
        parameter(changed, "blocks.1.attn.W_O")[2].zero_()
    trace = traced(config, AblateHead(1, 2))
    assert close(trace.logits, logits(changed, config))
    assert not close(trace.logits, logits(network(config), config))
    assert not trace["blocks.1.attn.z"][:, :, 2].any()
    assert trace["blocks.1.attn.z"][:, :, 1].any()


def test_a_head_cut_to_its_mean_says_the_same_everywhere():
    before = traced(BASE)
    after = traced(BASE, AblateHead(0, 3, mean=True))
    z_BTHK = before["blocks.0.attn.z"].clone()
    mean_BK = z_BTHK[:, :, 3].sum(1) / 13
    z_BTHK[:, :, 3] = mean_BK[:, None]
    assert close(after["blocks.0.attn.z"], z_BTHK)
    transformer = network(BASE)
    W_O, b_O = (parameter(transformer, f"blocks.0.attn.{name}") for name in ("W_O", "b_O"))
    out_BTD = torch.einsum("bthk,hkd->btd", z_BTHK, W_O) + b_O
    assert close(after["blocks.0.hook_attn_out"], out_BTD)


@pytest.mark.parametrize("factor", [0.0, 2.5])
@pytest.mark.parametrize("part", ["attn", "mlp"])
def test_a_scaled_output_is_that_of_scaled_weights(part: str, factor: float):
    changed = network(BASE)
    block = changed.blocks[1]
    linear = block.attn.out if part == "attn" else block.mlp.down  # type: ignore[union-attr]
    with torch.no_grad():
        linear.weight.mul_(factor)  # type: ignore[union-attr, operator]
        linear.bias.mul_(factor)  # type: ignore[union-attr, operator]
    trace = traced(BASE, ScaleOutput(1, part, factor))  # type: ignore[arg-type]
    assert close(trace.logits, logits(changed, BASE))
    assert not close(trace.logits, logits(network(BASE), BASE))


def test_a_scaled_output_that_is_normed_is_scaled_after_the_norm():
    before = traced(VARIANTS["sandwich"])
    after = traced(VARIANTS["sandwich"], ScaleOutput(0, "mlp", 3.0))
    assert close(after["blocks.0.mlp.hook_out"], before["blocks.0.mlp.hook_out"])
    added = after["blocks.0.hook_resid_post"] - after["blocks.0.hook_resid_mid"]
    assert close(added, 3 * before["blocks.0.hook_mlp_out"])


def test_an_output_that_has_overflowed_is_gone_when_it_is_cut():
    transformer = network(BASE)
    with torch.no_grad():
        transformer.blocks[0].mlp.down.bias.fill_(torch.inf)  # type: ignore[union-attr, operator]
    cut = record(transformer, some_ids(BASE), interventions=[ScaleOutput(0, "mlp")])
    assert cut.logits.isfinite().all()


@pytest.mark.parametrize("name", ["learned", "like Llama"])
def test_a_neuron_that_is_set_adds_its_direction_so_often(name: str):
    config = VARIANTS[name]
    changed = network(config)
    W_out = parameter(changed, "blocks.0.mlp.W_out")
    direction_D = W_out[7].clone()
    with torch.no_grad():
        W_out[7].zero_()
    handle = changed.get_submodule("blocks.0.mlp").register_forward_hook(
        lambda mlp, read, out: out + 1.5 * direction_D
    )
    trace = traced(config, SetNeuron(0, 7, 1.5))
    assert close(trace.logits, logits(changed, config))
    handle.remove()
    assert not close(trace.logits, logits(changed, config))
    assert (trace["blocks.0.mlp.post"][..., 7] == 1.5).all()


@pytest.mark.parametrize("name", ["learned", "like Llama", "alibi", "window", "like Gemma 2"])
def test_without_a_mask_the_network_is_one_that_sees_everything(name: str):
    config = VARIANTS[name]
    seeing = Transformer(replace(config, causal=False, window=None)).double().eval()
    seeing.load_state_dict(network(config).state_dict())
    trace = traced(config, RemoveMask())
    assert close(trace.logits, logits(seeing, config))
    assert not close(trace.logits, logits(network(config), config))
    assert trace["blocks.0.attn.hook_attn_scores"].isfinite().all()


def test_a_mask_can_be_taken_away_in_one_layer():
    trace = traced(BASE, RemoveMask(1))
    above = torch.ones(13, 13, dtype=torch.bool).triu(1)
    assert not trace["blocks.0.attn.hook_pattern"][..., above].any()
    assert (trace["blocks.1.attn.hook_pattern"][..., above] > 0).all()
    assert close(
        trace["blocks.1.attn.hook_pattern"], trace["blocks.1.attn.hook_scaled"].softmax(-1)
    )


def test_without_a_residual_connection_the_stream_is_what_was_added():
    config, (block, _) = BASE, network(BASE).blocks
    around_attention = traced(config, RemoveResidual(0, "attn"))
    attn_out = around_attention["blocks.0.hook_attn_out"]
    assert torch.equal(around_attention["blocks.0.hook_resid_mid"], attn_out)
    with torch.inference_mode():
        expected = attn_out + block.mlp(block.ln2(attn_out))  # type: ignore[operator]
    assert close(around_attention["blocks.0.hook_resid_post"], expected)
    around_mlp = traced(config, RemoveResidual(0, "mlp"))
    with torch.inference_mode():
        expected = block.mlp(block.ln2(around_mlp["blocks.0.hook_resid_mid"]))  # type: ignore[operator]
    assert close(around_mlp["blocks.1.hook_resid_pre"], expected)
    assert close(around_mlp["blocks.0.hook_resid_mid"], traced(config)["blocks.0.hook_resid_mid"])


def test_a_parallel_block_has_one_residual_connection_around_both_parts():
    config = VARIANTS["parallel"]
    trace = traced(config, RemoveResidual(1, "mlp"))
    both = trace["blocks.1.hook_attn_out"] + trace["blocks.1.hook_mlp_out"]
    assert torch.equal(trace["blocks.1.hook_resid_post"], both)


@every_variant
def test_without_norms_the_network_is_one_whose_norms_pass_on_what_they_read(
    config: TransformerConfig,
):
    passing = network(config)
    norms = {
        name: module
        for name, module in passing.named_modules()
        if isinstance(module, Norm) and not name.endswith(("q_norm", "k_norm"))
    }
    if not norms:
        with pytest.raises(ValueError, match="has no norms anyway"):
            traced(config, RemoveNorm())
        return
    for name in norms:
        passing.set_submodule(name, nn.Identity())
    trace = traced(config, RemoveNorm())
    output = trace[output_name(config)]
    assert close(output, logits(passing, config))
    assert not close(output, logits(network(config), config))
    for op in [op.output for op in operations(config)]:
        of_heads = "q_norm" in op or "k_norm" in op
        if op.endswith("hook_scale"):
            assert bool((trace[op] == 1).all()) is not of_heads, op


def test_one_norm_is_taken_away_and_the_others_stay():
    changed = network(BASE)
    changed.set_submodule("blocks.1.ln2", nn.Identity())
    trace = traced(BASE, RemoveNorm("blocks.1.ln2"))
    assert close(trace.logits, logits(changed, BASE))
    mid = trace["blocks.1.hook_resid_mid"]
    assert torch.equal(trace["blocks.1.ln2.hook_normalized"], mid)


@pytest.mark.parametrize(
    "name", ["learned", "sinusoidal", "rotary", "rotary per layer", "alibi", "encoder"]
)
def test_without_positions_the_network_is_one_that_was_never_told_them(name: str):
    config = VARIANTS[name]
    untold = Transformer(replace(config, positions="none", rotary=None, alibi=None)).double().eval()
    untold.load_state_dict(network(config).state_dict(), strict=False)
    trace = traced(config, RemovePositions())
    output = trace[output_name(config)]
    assert close(output, logits(untold, config))
    assert not close(output, logits(network(config), config))


def fitting(config: TransformerConfig) -> list[Intervention]:
    return [one for one in EXAMPLES.values() if not one.refusal(config)]


@every_variant
def test_what_is_upstream_stays_and_what_is_named_is_downstream(config: TransformerConfig):
    before, real = traced(config), aliases(config)
    for one in fitting(config):
        after = traced(config, one)
        downstream = set(one.operations(config))
        for op in operations(config):
            if downstream & set(op.inputs):
                downstream.add(op.output)
        for name in before:
            if real.get(name, name) not in downstream:
                assert torch.equal(before[name], after[name]), (one, name)
        first = next(name for name in before if name in downstream)
        assert not torch.equal(before[first], after[first]), one
        assert not torch.equal(before[output_name(config)], after[output_name(config)]), one


@every_variant
def test_a_lazy_trace_reads_what_the_full_one_records(config: TransformerConfig):
    transformer, ids_BT = network(config), some_ids(config)
    for one in fitting(config):
        full = traced(config, one)
        lazy = record(transformer, ids_BT, interventions=[one], lazy=True)
        assert set(lazy.stored) < set(full.stored)
        for name in full if config is BASE else one.operations(config):
            assert torch.equal(lazy[name], full[name]), (one, name)
        last = output_name(config)
        named = record(transformer, ids_BT, (last,), interventions=[one], lazy=True)
        assert torch.equal(named[last], full[last])


@pytest.mark.parametrize("name", ["learned", "like Llama", "alibi", "like Gemma 2"])
@every_example
def test_a_window_is_changed_as_it_is_in_the_whole_text(name: str, one: Intervention):
    config = VARIANTS[name]
    transformer, full = network(config), traced(config, one)

    def read(ids: tuple[int, ...], name: str, start: int, stop: int) -> Tensor:
        axis = 2 if transformer.operation(name).shape == "BHQS" else 1
        return record(transformer, torch.tensor([ids]))[name].narrow(axis, start, stop - start)

    tap, replacement = apply([one], config, Window(5, read))
    span = Span(config, 5, 3, full.logits, n_keys=13)
    for layer, both in enumerate(keys_and_values(config)):
        border = streams(config)[layer]
        have = {key: full[key] for key in both} | {border: full[border][:, 5:8]}
        wanted = streams(config)[layer + 1]
        with torch.inference_mode():
            found = transformer.compute((wanted,), have, tap, replacement, span)[wanted]
        named = {op.output for op in operations(config) if op.layer == layer}
        if one.by_position or not named & set(one.operations(config)):
            assert close(found, full[wanted][:, 5:8])
        else:
            assert not close(found, full[wanted][:, 5:8])


@pytest.mark.parametrize("name", ["learned", "rotary", "alibi"])
@every_example
def test_a_prefix_stays_right_where_it_is_said_to(name: str, one: Intervention):
    config = VARIANTS[name]
    whole = traced(config, one).logits[:, :7]
    prefix = record(network(config), some_ids(config)[:, :7], interventions=[one]).logits
    assert close(prefix, whole) == one.keeps_prefix


@pytest.mark.parametrize("name", VARIANTS)
def test_a_set_weight_is_the_network_with_that_weight(name: str):
    config = VARIANTS[name]
    transformer, ids_BT = network(config), some_ids(config)
    before = deepcopy(transformer.state_dict())
    for weight in parameter_names(config):
        index = tuple(size // 2 for size in parameter_sizes(config, weight))
        if weight == "W_E":
            index = (int(ids_BT[0, 1]), *index[1:])
        one = SetWeight(weight, index, -1.75)
        last = output_name(config)
        found = record(transformer, ids_BT, (last,), interventions=[one])[last]
        own = parameter(transformer, weight)[index].clone()
        with torch.no_grad():
            parameter(transformer, weight)[index] = -1.75
            expected = record(transformer, ids_BT, (last,))[last]
            parameter(transformer, weight)[index] = own
        assert torch.equal(found, expected), weight
    assert all(torch.equal(tensor, before[key]) for key, tensor in transformer.state_dict().items())


def test_weights_that_are_not_there_are_refused_and_two_of_one_matrix_both_count():
    assert "no parameter blocks.9.mlp.W_in" in SetWeight("blocks.9.mlp.W_in", (0, 0)).refusal(BASE)
    assert "has 2 axes" in SetWeight("blocks.0.mlp.W_in", (0,)).refusal(BASE)
    assert "axis 1" in SetWeight("blocks.0.mlp.W_in", (0, 9999)).refusal(BASE)
    transformer, ids_BT = network(BASE), some_ids(BASE)
    one, other = (SetWeight("blocks.0.attn.W_Q", (1, at, 3), 2.0) for at in (4, 5))
    found = record(transformer, ids_BT, interventions=[one, other]).logits
    matrix = parameter(transformer, one.name)
    own = matrix.clone()
    with torch.no_grad():
        for each in (one, other):
            matrix[each.index] = each.value
        expected = record(transformer, ids_BT).logits
        matrix[:] = own
    assert torch.equal(found, expected)


def test_several_follow_each_other_and_a_tap_sees_what_they_made():
    seen: dict[str, Tensor] = {}

    def tap(name: str, tensor: Tensor) -> Tensor:
        seen[name] = tensor
        return tensor * 10 if name == "blocks.0.hook_mlp_out" else tensor

    some = [ScaleOutput(0, "mlp", 2.0), ScaleOutput(0, "mlp", 3.0), RemoveMask(), AblateHead(0, 1)]
    trace = record(network(BASE), some_ids(BASE), tap=tap, interventions=some)
    block = network(BASE).blocks[0]
    with torch.inference_mode():
        mlp_out = block.mlp(block.ln2(trace["blocks.0.hook_resid_mid"]))  # type: ignore[operator]
    assert close(seen["blocks.0.hook_mlp_out"], 6 * mlp_out)
    assert close(trace["blocks.0.hook_mlp_out"], 60 * mlp_out)
    assert trace["blocks.0.attn.hook_attn_scores"].isfinite().all()
    assert not trace["blocks.0.attn.hook_z"][:, :, 1].any()


@pytest.mark.parametrize(
    ("name", "one", "says"),
    [
        ("learned", AblateHead(2, 0), "There is no layer 2; there are 0 to 1"),
        ("learned", AblateHead(1, 4), "There is no head 4; there are 0 to 3"),
        ("learned", SetNeuron(0, -1), "There is no neuron -1; there are 0 to 27"),
        ("learned", RemoveMask(5), "There is no layer 5"),
        ("learned", ScaleOutput(0, "head"), "or block for both, not 'head'"),  # type: ignore[arg-type]
        ("learned", ScaleHead(0, 9), "There is no head 9; there are 0 to 3"),
        ("learned", CutEdge(0, 40, 1), "There is no position 40; there are 0 to 23"),
        ("learned", CutEdge(0, 4, -1), "There is no position -1"),
        ("learned", CutEdge(0, 4, 1, head=4), "There is no head 4"),
        ("learned", PatchActivation("blocks.0.resid", (1,)), "No activation is called"),
        ("learned", PatchActivation("hook_embed", ()), "The other text is empty"),
        ("learned", PatchActivation("hook_embed", (1,) * 33), "has 33 tokens; this network reads"),
        ("learned", PatchActivation("hook_embed", (1, 99)), "There is no token 99"),
        ("learned", PatchActivation("hook_embed", (1, 2), (5,)), "there is no position 5"),
        ("learned", PatchActivation("hook_embed", (1, 2), (5, 6), (1,)), "2 positions can't be"),
        ("learned", PatchActivation("hook_embed", (1,), head=0), "is of no single head"),
        ("learned", PatchActivation("blocks.0.attn.q", (1,), head=4), "There is no head 4"),
        ("learned", PatchActivation("input_ids", (1,)), "change the prompt instead"),
        ("learned", PatchActivation("blocks.0.attn.attn_scores", (1,)), "patch the pattern"),
        ("learned", Steer(0, ()), "The text to steer to is empty"),
        ("learned", Steer(2, (1,)), "There is no layer 2"),
        ("learned", Steer(0, (1,), (99,)), "There is no token 99"),
        ("learned", RemoveResidual(0, "head"), "parts are attn and mlp, not 'head'"),  # type: ignore[arg-type]
        ("experts", SetNeuron(0, 1), "Each expert has neurons of its own"),
        ("parallel", RemoveResidual(0, "attn"), "one residual connection leads around both"),
        ("bidirectional", RemoveMask(), "Nothing is masked here"),
        ("learned", RemoveNorm("blocks.0.ln3"), "has no norm blocks.0.ln3"),
        ("no positions", RemovePositions(), "isn't told positions anyway"),
    ],
)
def test_what_does_not_fit_the_network_is_refused(name: str, one: Intervention, says: str):
    with pytest.raises(ValueError, match=says):
        traced(VARIANTS[name], one)


def test_an_intervention_on_what_no_operation_writes_is_refused():
    class Astray(EvenAttention):
        def operations(self, config: TransformerConfig) -> tuple[str, ...]:
            return ("blocks.1.hook_resid_pre",)  # an alias

    with pytest.raises(ValueError, match=r"No operation writes blocks\.1\.hook_resid_pre"):
        traced(BASE, Astray(0))


@every_example
def test_an_intervention_is_a_value_that_a_file_can_hold(one: Intervention):
    assert from_record(json.loads(json.dumps(to_record(one)))) == one
    assert hash(one) == hash(deepcopy(one))
    assert one.words
    assert one.title
    assert type(one) in KINDS
    assert len({kind.kind for kind in KINDS}) == len(KINDS)


def test_a_record_that_is_none_says_what_there_is():
    with pytest.raises(
        ValueError, match=r"no intervention 'cut'; there are ablate_head, scale_head"
    ):
        from_record({"kind": "cut", "layer": 1})
    with pytest.raises(ValueError, match=r"ablate_head can't be read from \{'layer': 1\}"):
        from_record({"kind": "ablate_head", "layer": 1})
    with pytest.raises(ValueError, match="unexpected keyword argument 'depth'"):
        from_record({"kind": "ablate_head", "layer": 1, "head": 2, "depth": 3})


@pytest.mark.parametrize(
    ("record", "says"),
    [
        ({"kind": "ablate_head", "layer": "1", "head": 0}, "layer is a whole number, not '1'"),
        ({"kind": "ablate_head", "layer": True, "head": 0}, "layer is a whole number, not True"),
        ({"kind": "ablate_head", "layer": 1, "head": 0, "mean": 1}, "mean is true or false, not 1"),
        ({"kind": "scale_head", "layer": 1, "head": 0, "factor": "x"}, "factor is a number"),
        ({"kind": "scale_head", "layer": 1, "head": 0, "factor": 1e999}, "a number, not inf"),
        ({"kind": "scale_output", "layer": 1, "part": "head"}, "part is one of attn, mlp, block"),
        ({"kind": "steer", "layer": 1, "plus": "queen"}, "plus is a list of whole numbers"),
        ({"kind": "steer", "layer": 1, "plus": [1, "2"]}, "plus is a whole number, not '2'"),
    ],
)
def test_a_record_with_a_value_of_another_type_is_refused(record: dict[str, object], says: str):
    with pytest.raises(ValueError, match=says):
        from_record(record)


def test_a_record_may_have_a_whole_number_for_a_factor_and_one_id_for_several():
    one = from_record({"kind": "steer", "layer": 1, "plus": 7, "factor": 2})
    assert one == Steer(1, (7,), (), 2.0)
    assert from_record({"kind": "remove_mask", "layer": None}) == RemoveMask()


def test_interventions_are_free_of_torch():
    code = "import sys, model.interventions as i; i.AblateHead(1, 2); print('torch' in sys.modules)"
    said = subprocess.run(
        [sys.executable, "-c", code], check=True, timeout=60, capture_output=True, text=True
    )
    assert said.stdout == "False\n"


def test_a_kind_is_added_by_a_file_and_a_line(gpt2_folder: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(interventions, "KINDS", (*KINDS, EvenAttention))
    one = from_record({"kind": "even_attention", "layer": 1})
    assert one == EvenAttention(1)
    lm: LanguageModel = model.open(gpt2_folder, device="cpu")
    for lazy in (True, False):
        trace = lm.trace(PROMPT, interventions=(one,), lazy=lazy)
        pattern_QS = trace["blocks.1.attn.pattern"][0, 0]
        n = len(pattern_QS)
        even_QS = torch.tensor(
            [[1 / (i + 1) if j <= i else 0.0 for j in range(n)] for i in range(n)]
        )
        assert torch.allclose(pattern_QS, even_QS)
        assert not torch.allclose(trace["blocks.0.attn.pattern"][0, 0], even_QS)
