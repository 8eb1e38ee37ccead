"""What is scaled, cut, put in from another text or added: held to NumPy and to clean passes."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from torch import Tensor

from model.config import TransformerConfig
from model.interventions import (
    AblateHead,
    CutEdge,
    Intervention,
    PatchActivation,
    ScaleHead,
    ScaleOutput,
    SetNeuron,
    Steer,
)
from model.operations import operations, output_name, streams
from model.parameters import parameter
from model.trace import Trace, record
from tests.model.networks import BASE, VARIANTS, network

IDS = (3, 17, 8, 1, 30, 4, 4, 22, 9, 11, 2)
OTHER = (9, 2, 30, 4, 17, 17, 1, 8, 25, 6, 0)
every_variant = pytest.mark.parametrize("config", VARIANTS.values(), ids=list(VARIANTS))


def traced(config: TransformerConfig, *some: Intervention, ids: tuple[int, ...] = IDS) -> Trace:
    return record(network(config), torch.tensor([ids]), interventions=some)


def close(ours: Tensor, theirs: Tensor) -> bool:
    return ours.shape == theirs.shape and torch.allclose(ours, theirs, rtol=1e-9, atol=1e-9)


# ------------------------------------------------------------------------------------ scaling


@every_variant
def test_a_factor_of_one_is_nothing_and_one_of_zero_a_cut(config: TransformerConfig):
    output, clean = output_name(config), traced(config)
    for one in (ScaleHead(0, 2, 1.0), ScaleOutput(1, "block", 1.0), Steer(0, OTHER, (), 0.0)):
        assert torch.equal(traced(config, one)[output], clean[output])
    cut, zero = traced(config, AblateHead(0, 2)), traced(config, ScaleHead(0, 2, 0.0))
    assert torch.equal(cut[output], zero[output])
    both = traced(config, ScaleOutput(1, "attn"), ScaleOutput(1, "mlp"))
    assert torch.equal(traced(config, ScaleOutput(1, "block"))[output], both[output])


@pytest.mark.parametrize("name", ["learned", "like Llama", "parallel", "sandwich", "experts"])
def test_a_block_that_is_cut_leaves_the_stream_as_it_was(name: str):
    config = VARIANTS[name]
    trace = traced(config, ScaleOutput(0, "block"))
    before, after = streams(config)[:2]
    assert torch.equal(trace[before], trace[after])


def test_a_scaled_head_is_one_whose_rows_of_w_o_are_scaled():
    changed = network(BASE)
    with torch.no_grad():
        parameter(changed, "blocks.1.attn.W_O")[2].mul_(1.7)
        expected = changed(torch.tensor([IDS]))
    assert close(traced(BASE, ScaleHead(1, 2, 1.7)).logits, expected)


def test_a_head_that_has_overflowed_is_gone_when_it_is_scaled_to_nothing():
    transformer = network(BASE)
    with torch.no_grad():
        parameter(transformer, "blocks.0.attn.b_V")[1].fill_(torch.inf)
    cut = record(transformer, torch.tensor([IDS]), interventions=[ScaleHead(0, 1)])
    assert cut.logits.isfinite().all()


# -------------------------------------------------------------------------------------- edges


def numpy_of(trace: Trace, name: str) -> np.ndarray:
    found: np.ndarray = trace[name][0].numpy()
    return found


def test_a_cut_edge_takes_away_exactly_what_was_read_of_that_key():
    clean, cut = traced(BASE), traced(BASE, CutEdge(0, 6, 2, head=1))
    pattern_HQS = numpy_of(clean, "blocks.0.attn.pattern").copy()
    weight = pattern_HQS[1, 6, 2]
    pattern_HQS[1, 6, 2] = 0.0
    np.testing.assert_array_equal(numpy_of(cut, "blocks.0.attn.pattern"), pattern_HQS)
    z_THK = numpy_of(clean, "blocks.0.attn.z").copy()
    z_THK[6, 1] -= weight * numpy_of(clean, "blocks.0.attn.v")[2, 1]
    np.testing.assert_allclose(numpy_of(cut, "blocks.0.attn.z"), z_THK, atol=1e-12)


@pytest.mark.parametrize("name", ["learned", "like Gemma 2", "alibi", "bidirectional"])
def test_an_edge_whose_weight_is_shared_out_is_one_that_is_masked(name: str):
    config = VARIANTS[name]
    clean, cut = traced(config), traced(config, CutEdge(1, 6, 5, share=True))
    scores_HS = numpy_of(clean, "blocks.1.attn.attn_scores")[:, 6].copy()
    scores_HS[:, 5] = -np.inf
    weights_HS = np.exp(scores_HS - scores_HS.max(-1, keepdims=True))
    weights_HS /= weights_HS.sum(-1, keepdims=True)
    found_HQS = numpy_of(cut, "blocks.1.attn.pattern")
    np.testing.assert_allclose(found_HQS[:, 6], weights_HS, atol=1e-12)
    rest = [at for at in range(len(IDS)) if at != 6]
    np.testing.assert_array_equal(
        found_HQS[:, rest], numpy_of(clean, "blocks.1.attn.pattern")[:, rest]
    )


def test_a_query_that_may_read_nothing_any_more_reads_nothing():
    edges = tuple(CutEdge(0, 1, key, head=3, share=True) for key in (0, 1))
    trace = traced(BASE, *edges)
    assert not trace["blocks.0.attn.pattern"][0, 3, 1].any()
    assert not trace["blocks.0.attn.z"][0, 1, 3].any()
    assert trace.logits.isfinite().all()


def test_an_edge_beyond_the_text_is_none():
    assert torch.equal(traced(BASE, CutEdge(0, 20, 3)).logits, traced(BASE).logits)
    assert torch.equal(traced(BASE, CutEdge(0, 4, 20)).logits, traced(BASE).logits)


# ------------------------------------------------------------------------------------ patching


@every_variant
def test_patching_everything_gives_what_the_other_text_gives(config: TransformerConfig):
    output, theirs = output_name(config), traced(config, ids=OTHER)
    for name in streams(config):
        patched = traced(config, PatchActivation(name, OTHER))
        assert torch.equal(patched[output], theirs[output]), name


@every_variant
def test_patching_in_what_is_there_anyway_changes_nothing(config: TransformerConfig):
    clean = traced(config)
    patches = [PatchActivation(op.output, IDS) for op in operations(config)]
    fitting = [one for one in patches if not one.refusal(config)]
    assert len(fitting) > 0.7 * len(patches)
    for one in fitting:
        assert close(traced(config, one)[output_name(config)], clean[output_name(config)]), one


@every_variant
def test_a_patched_row_is_the_other_texts_and_the_others_stay(config: TransformerConfig):
    clean, theirs = traced(config), traced(config, ids=OTHER)
    for name in ("blocks.1.attn.z", "blocks.0.attn.v", "blocks.0.attn.k", "blocks.1.mlp_out"):
        name = name.replace("attn.", "attn.hook_").replace(".mlp_out", ".hook_mlp_out")
        patched = traced(config, PatchActivation(name, OTHER, (7, 3), (2, 9)))
        expected = clean[name].clone()
        expected[0, 7], expected[0, 3] = theirs[name][0, 2], theirs[name][0, 9]
        assert torch.equal(patched[name], expected)


def test_one_head_of_an_activation_is_patched_and_no_other():
    clean, theirs = traced(BASE), traced(BASE, ids=OTHER)
    patched = traced(BASE, PatchActivation("blocks.1.attn.q", OTHER, head=2))
    expected = clean["blocks.1.attn.q"].clone()
    expected[:, :, 2] = theirs["blocks.1.attn.q"][:, :, 2]
    assert torch.equal(patched["blocks.1.attn.q"], expected)
    pattern = traced(BASE, PatchActivation("blocks.1.attn.pattern", OTHER, (8,), head=0))
    expected = clean["blocks.1.attn.pattern"].clone()
    expected[:, 0, 8] = theirs["blocks.1.attn.pattern"][:, 0, 8]
    assert torch.equal(pattern["blocks.1.attn.pattern"], expected)


def test_a_shorter_text_is_patched_in_as_far_as_it_goes():
    clean, theirs = traced(BASE), traced(BASE, ids=OTHER[:4])
    for name in ("blocks.0.hook_resid_post", "blocks.0.attn.pattern"):
        patched = traced(BASE, PatchActivation(name, OTHER[:4]))
        axis = 2 if name.endswith("pattern") else 1
        assert torch.equal(patched[name].narrow(axis, 4, 7), clean[name].narrow(axis, 4, 7))
        n_keys = 4 if axis == 2 else patched[name].shape[-1]
        assert torch.equal(patched[name].narrow(axis, 0, 4)[..., :n_keys], theirs[name])


def test_every_sequence_of_a_batch_is_patched():
    batch = torch.tensor([IDS, IDS[::-1]])
    both = record(
        network(BASE), batch, interventions=[PatchActivation("blocks.1.hook_resid_post", OTHER)]
    )
    theirs = traced(BASE, ids=OTHER)
    assert close(both.logits, theirs.logits.expand(2, -1, -1))


# ------------------------------------------------------------------------------------ steering


@pytest.mark.parametrize("name", ["learned", "like Llama", "norms after", "parallel", "encoder"])
def test_a_direction_is_the_difference_of_two_texts_at_their_last_positions(name: str):
    config = VARIANTS[name]
    border = streams(config)[1]
    clean = numpy_of(traced(config), border)
    queen = numpy_of(traced(config, ids=OTHER[:3]), border)[-1]
    king = numpy_of(traced(config, ids=(5, 6)), border)[-1]
    steered = numpy_of(traced(config, Steer(0, OTHER[:3], (5, 6), 1.5)), border)
    np.testing.assert_allclose(steered, clean + 1.5 * (queen - king), atol=1e-12)
    at_one = numpy_of(traced(config, Steer(0, OTHER[:3], (), -2.0, (4, 20))), border)
    clean[4] -= 2 * queen
    np.testing.assert_allclose(at_one, clean, atol=1e-12)


def test_what_is_put_in_comes_of_the_clean_network():
    """The other text is run as it is, whatever else is changed in this one."""
    patch = PatchActivation("blocks.1.hook_resid_post", OTHER)
    cut = traced(BASE, SetNeuron(0, 3, 5.0), AblateHead(0, 1), patch)
    assert torch.equal(cut.logits, traced(BASE, ids=OTHER).logits)
