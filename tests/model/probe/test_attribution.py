"""Direct logit attribution: its parts add up, and each is what the logit loses without it."""

from __future__ import annotations

from collections.abc import Callable, Collection
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor

import model
from model.interventions import AblateHead, Intervention, RemoveNorm, RemoveResidual, ScaleOutput
from model.operations import LOGITS
from model.probe.attribution.asks import Attribution, AttributionFound, By, Part
from model.probe.attribution.walk import ENDS
from model.probe.question import TokenId
from model.trace import record
from resources import STORY_WORLD
from tests.model.networks import VARIANTS
from tests.model.probe.asking import Asked

WITH_LOGITS = [name for name, config in VARIANTS.items() if config.has_logits]
AT, TARGET = 7, 12
WAYS: tuple[By, ...] = ("layer", "head", "neuron")


@torch.no_grad()
def by_hand(asked: Asked, trace: Any, target: int) -> float:
    """The logit before any cap, from what the unembedding reads."""
    unembed = asked.network.unembed
    assert unembed is not None
    x_E = trace[asked.network.operation(LOGITS).inputs[0]][0, AT]
    logit = x_E @ unembed.weight[target]
    if unembed.bias is not None:
        logit = logit + unembed.bias[target]
    return float(logit) * asked.config.scales.logits


@torch.no_grad()
def logit_without(
    asked: Asked, target: int, change: Callable[[str, Tensor], Tensor], loose: Collection[str] = ()
) -> float:
    """The logit with something taken out, all later norms, layers and the head's ratio held.

    Args:
        asked: whom.
        target: whose logit.
        change: what is made of an activation.
        loose: outputs that follow what is changed in front of them.
    """
    clean = asked.trace
    held = {
        op.output
        for op in asked.network.operations
        if op.kind == "norm_scale" or (op.kind in ENDS and op.output not in loose)
    }
    entered: dict[str, Tensor] = {}

    def tap(name: str, tensor: Tensor) -> Tensor:
        if name in held:
            tensor = clean[name]
        if name == "mlm_head.hook_pre":
            entered[name] = tensor
        if name == "mlm_head.hook_post":
            ratio = clean[name] / clean["mlm_head.hook_pre"]
            tensor = entered["mlm_head.hook_pre"] * ratio
        return change(name, tensor)

    ids_BT = torch.tensor([asked.subject.ids])
    return by_hand(asked, record(asked.network, ids_BT, tap=tap), target)


def taking_out(part: Part) -> tuple[Callable[[str, Tensor], Tensor], tuple[str, ...]]:
    """What a part is, as a change of an activation at the position."""

    def change(name: str, tensor: Tensor) -> Tensor:
        if name != part.activation:
            return tensor
        tensor = tensor.clone()
        if part.index is None:
            tensor[0, AT] = 0
        else:
            tensor[0, AT, part.index] = 0
        return tensor

    if part.kind == "head":
        block = f"blocks.{part.layer}"
        return change, (f"{block}.hook_attn_out", f"{block}.attn.hook_out")
    if part.kind == "neuron":
        block = f"blocks.{part.layer}"
        return change, (f"{block}.hook_mlp_out", f"{block}.mlp.hook_out")
    return change, ()


@pytest.mark.parametrize("name", WITH_LOGITS)
def test_the_parts_of_every_kind_of_network_add_up(name: str):
    asked = Asked(name)
    trace = asked.trace
    for by in WAYS:
        found = asked.ask(Attribution(position=AT, target=TokenId(TARGET), by=by, n_neurons=5))
        assert found.logit == pytest.approx(by_hand(asked, trace, TARGET), abs=1e-9)
        assert found.model_logit == pytest.approx(float(trace[LOGITS][0, AT, TARGET]), abs=1e-9)
        assert abs(found.remainder) < 1e-9
        assert sum(part.value for part in found.parts) == pytest.approx(found.logit, abs=1e-9)
        sizes = [abs(part.value) for part in found.parts]
        assert sizes == sorted(sizes, reverse=True)
        assert len({part.name for part in found.parts}) == len(found.parts)
        assert sum(part.kind == "neuron" for part in found.parts) == (5 if by == "neuron" else 0)


@pytest.mark.parametrize("name", WITH_LOGITS)
def test_a_part_is_what_the_logit_loses_without_it(name: str):
    asked = Asked(name)
    parts: list[Part] = []
    for by in WAYS:
        parts += asked.ask(Attribution(AT, TokenId(TARGET), by, n_neurons=3)).parts
    whole = by_hand(asked, asked.trace, TARGET)
    tested = set()
    for part in dict.fromkeys(parts):
        if part.kind in ("bias", "other neurons") or part.expert is not None:
            continue
        change, loose = taking_out(part)
        lost = whole - logit_without(asked, TARGET, change, loose)
        assert part.value == pytest.approx(lost, abs=1e-9), part.name
        tested.add(part.kind)
    assert {"embedding", "attention", "head", "mlp"} <= tested


def test_each_expert_counts_by_its_share():
    asked = Asked("experts")
    found = asked.ask(Attribution(AT, TokenId(TARGET), "neuron", n_neurons=2000))
    layers = asked.ask(Attribution(AT, TokenId(TARGET)))
    for layer in range(asked.config.n_layers):
        own = [part for part in found.parts if part.layer == layer]
        neurons = [part for part in own if part.kind == "neuron"]
        assert len({part.expert for part in neurons}) == 2
        whole = next(part.value for part in layers.parts if part.name == f"MLP {layer}")
        assert sum(part.value for part in neurons) == pytest.approx(whole, abs=1e-9)


def test_neurons_that_do_not_stand_alone_count_with_the_others():
    asked = Asked("learned")
    layers = {part.name: part.value for part in asked.ask(Attribution(AT, TokenId(3))).parts}
    for n in (0, 1, 7, 1000):
        found = asked.ask(Attribution(AT, TokenId(3), "neuron", n_neurons=n)).parts
        alone = [part for part in found if part.kind == "neuron"]
        assert len(alone) == min(n, 2 * asked.config.d_mlp)
        for layer in range(2):
            own = [
                part.value
                for part in found
                if part.layer == layer
                and (part.kind in ("neuron", "other neurons") or part.name.startswith("MLP"))
            ]
            assert sum(own) == pytest.approx(layers[f"MLP {layer}"], abs=1e-9)


def test_without_a_target_it_is_the_likeliest_token():
    asked = Asked("like Llama")
    found = asked.ask(Attribution(AT))
    assert found.target == int(asked.trace[LOGITS][0, AT].argmax())


def test_a_soft_cap_is_said_and_the_logit_before_it_is_split():
    found = Asked("capped").ask(Attribution(AT, TokenId(TARGET)))
    assert found.model_logit == pytest.approx(2 * np.tanh(found.logit / 2))
    assert found.note == "The parts add up to the logit before its soft cap of 2."
    assert "SiLU" in Asked("masked without biases").ask(Attribution(AT)).note
    assert Asked("learned").ask(Attribution(AT)).note == ""


CHANGES: dict[str, tuple[Intervention, ...]] = {
    "a head": (AblateHead(0, 2),),
    "a mean head": (AblateHead(1, 1, mean=True),),
    "half an MLP": (ScaleOutput(0, "mlp", 0.5),),
    "no residual": (RemoveResidual(1, "mlp"),),
    "no norms": (RemoveNorm(),),
}


@pytest.mark.parametrize("way", CHANGES)
@pytest.mark.parametrize("name", ["learned", "sandwich", "norms after"])
def test_what_an_intervention_takes_away_is_a_part(name: str, way: str):
    asked = Asked(name, interventions=CHANGES[way])
    for by in WAYS:
        found = asked.ask(Attribution(AT, TokenId(TARGET), by))
        assert found.logit == pytest.approx(by_hand(asked, asked.trace, TARGET), abs=1e-9)
        assert abs(found.remainder) < 1e-9
    if way == "a head":
        assert {part.name: part.value for part in found.parts}["head 0.2"] == 0
    if way == "no residual":
        [change] = [part for part in found.parts if part.kind == "change"]
        assert "hook_resid_post" in change.name
        # What is taken away is all that stood in the stream before it.
        assert change.value != 0


def test_a_network_without_a_head_has_no_logit_to_split():
    with pytest.raises(KeyError, match="no language-model head"):
        Asked("encoder").ask(Attribution(AT))
    with pytest.raises(ValueError, match="no token 33; there are 0 to 32"):
        Asked("learned").ask(Attribution(AT, TokenId(33)))


def test_in_float32_the_remainder_is_small():
    lm = model.open(STORY_WORLD)
    text = "Here comes the king with his crown, and here comes the queen with her"
    for by in WAYS:
        found = lm.ask(text, Attribution(position=-1, by=by))
        assert isinstance(found, AttributionFound)
        assert abs(found.remainder) < 1e-4
        assert found.logit == pytest.approx(float(lm.logits(text)[0, -1].max()), abs=1e-4)
