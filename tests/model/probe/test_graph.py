"""The attribution graph: relevance adds up, edges are slopes, agreement is measured."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor

import model
from model.interventions import AblateHead, Intervention, RemoveNorm, RemoveResidual, ScaleOutput
from model.network.execute import Replace, Run, Tap
from model.operations import INPUT_IDS, Operation, streams
from model.probe.answering import answering
from model.probe.graph.asks import LOGIT, Graph, GraphFound
from model.probe.graph.rules import FIXED
from model.probe.metric import Metric
from model.probe.question import TokenId
from model.trace import record
from resources import STORY_WORLD
from tests.model.conftest import PROMPT
from tests.model.networks import VARIANTS
from tests.model.probe.asking import IDS, Asked

AT = 9
DIFFERENCE = Metric(target=TokenId(5), against=TokenId(7))
ALL = Graph(metric=DIFFERENCE, position=AT, share=1.0, most=10_000, most_edges=100_000, check=0)
Place = tuple[int, ...]
OTHER = (3, 17, 8, 2, 30, 4, 9, 22, 9, 11, 2)
WITH_A_HEAD = [
    name for name, config in VARIANTS.items() if config.has_logits and config.caps.logits is None
]


class Frozen:
    """A text's pass with everything held fixed that the rules hold fixed; the rest is linear.

    What is fixed is taken from a pass of the network itself; gates are half of each factor.
    """

    def __init__(self, asked: Asked) -> None:
        self._asked = asked
        with torch.no_grad():
            self.known = self._pass(None)

    def difference(self, tap: Tap | None) -> float:
        """The difference of two logits with activations changed on the way."""
        logits_V = self.run(tap)["logits"][0, AT]
        return float(logits_V[5] - logits_V[7])

    def run(self, tap: Tap | None = None, other: Replace | None = None) -> dict[str, Tensor]:
        """All activations, with some changed on the way."""
        with torch.no_grad():
            return self._pass(self.known, tap, other)

    def _pass(
        self,
        known: dict[str, Tensor] | None,
        tap: Tap | None = None,
        other: Replace | None = None,
    ) -> dict[str, Tensor]:
        network = self._asked.network

        def replace(op: Operation, inputs: Sequence[Tensor], run: Run) -> Tensor | None:
            if other is not None and (found := other(op, inputs, run)) is not None:
                return found
            if known is None:
                return None
            if op.kind in FIXED:
                return known[op.output]
            if op.kind in ("mlp_act", "head_act"):
                own = known[op.inputs[0]]
                slope = known[op.output] / own
                if op.kind == "mlp_act" and network.config.gated:
                    up = known[op.inputs[1]]
                    act = known[op.output] / up
                    return 0.5 * (inputs[0] * act / own * up + act * inputs[1])
                return inputs[0] * slope
            return None

        names = [op.output for op in network.operations if op.kind not in ("tokens", "softmax")]
        ops = [op for op in network.operations if op.kind != "softmax"]
        ids_BT = torch.tensor([IDS])
        return network.execute(ops, {INPUT_IDS: ids_BT}, names, tap, replace)


def name_of(asked: Asked, layer: int, head: int) -> str:
    if layer < 0:
        return streams(asked.config)[0]
    return f"blocks.{layer}.attn.hook_z" if head >= 0 else f"blocks.{layer}.hook_mlp_out"


def place_of(head: int, position: int) -> Place:
    return (0, position, head) if head >= 0 else (0, position)


@pytest.mark.parametrize("name", WITH_A_HEAD)
def test_relevance_is_what_a_linear_pass_loses_with_the_node(name: str):
    """With all fixed that the rules fix, the pass is linear: a node's share is what it brings."""
    asked = Asked(name)
    found: GraphFound = asked.ask(ALL)
    assert len(found.layer_N) == found.n_nodes
    assert found.kept == pytest.approx(1)
    frozen = Frozen(asked)
    whole = frozen.difference(None)
    assert whole == pytest.approx(found.value, abs=1e-9)
    for node in (0, 3, 11, 29, found.n_nodes // 2):
        layer, head = int(found.layer_N[node]), int(found.head_N[node])
        name, place = name_of(asked, layer, head), place_of(head, int(found.position_N[node]))

        def tap(other: str, tensor: Tensor, name: str = name, place: Place = place) -> Tensor:
            if other != name:
                return tensor
            tensor = tensor.clone()
            tensor[place] = 0
            return tensor

        lost = whole - frozen.difference(tap)
        assert found.relevance_N[node] == pytest.approx(lost, abs=1e-8), (layer, head)


@pytest.mark.parametrize("name", ["like Llama", "experts", "no positions", "gated"])
def test_without_biases_the_embeddings_explain_all(name: str):
    asked = Asked(name)
    with torch.no_grad():
        for key, parameter in asked.network.named_parameters():
            if key.endswith(("bias", ".b")):
                parameter.zero_()
    found = asked.ask(ALL)
    assert found.explained == pytest.approx(found.value, abs=1e-9)


@pytest.mark.parametrize(
    "name",
    [
        "learned",
        "like Llama",
        "norms around one",
        "window per layer",
        "parallel",
        "norms after",
        "sandwich",
        "experts",
        "masked",
        "alibi",
    ],
)
def test_edges_are_finite_differences_of_the_fixed_pass(name: str):
    """A node's part is added to what another node alone reads; all else is as it was."""
    asked = Asked(name)
    found: GraphFound = asked.ask(ALL)
    frozen = Frozen(asked)
    base = frozen.difference(None)
    nodes = list(zip(found.layer_N.tolist(), found.head_N.tolist(), found.position_N.tolist()))
    edges = list(zip(found.source_E.tolist(), found.goal_E.tolist(), found.weight_E.tolist()))
    rest = [edge for edge in edges if edge[1] != LOGIT and nodes[edge[0]][0] < 0]
    heads = [edge for edge in rest if nodes[edge[1]][1] >= 0 and nodes[edge[1]][0] == 0]
    mlps = [edge for edge in rest if nodes[edge[1]][1] < 0 and nodes[edge[1]][0] == 0]
    assert heads
    assert mlps
    for source, goal, weight in (*heads[:3], *mlps[:2]):
        _, head, position = nodes[goal]
        at = nodes[source][2]
        hook = "attn.hook_v" if head >= 0 else "hook_pre"
        moved = _read_more(asked, frozen, "attention" if head >= 0 else "mlp", at)
        written = name_of(asked, 0, head)
        place = place_of(head, position)
        with torch.no_grad():
            changed = moved[written][place]

        def tap(
            other: str,
            tensor: Tensor,
            written: str = written,
            place: Place = place,
            changed: Tensor = changed,
        ) -> Tensor:
            if other != written:
                return tensor
            tensor = tensor.clone()
            tensor[place] = changed
            return tensor

        assert frozen.difference(tap) - base == pytest.approx(weight, abs=1e-8), (hook, source)


def _read_more(asked: Asked, frozen: Frozen, group: str, at: int) -> dict[str, Tensor]:
    """What the first block writes where a sublayer reads the token's vector at a position twice.

    The vector as the sublayer finds it in the stream, norms on the stream passed.
    """
    border = streams(asked.config)[0]
    known = frozen.known
    part = torch.zeros_like(known[border])
    part[0, at] = known[border][0, at]
    writers = {op.output: op for op in asked.network.operations}
    out = "blocks.0.hook_attn_out" if group == "attention" else "blocks.0.hook_mlp_out"
    read = out
    on_stream = {border, "blocks.0.hook_resid_mid"}
    if asked.config.norms.placement == "post":
        on_stream.add("blocks.0.ln1.hook_normalized")
    while read not in on_stream:
        read = writers[read].inputs[0]
    if read == "blocks.0.ln1.hook_normalized":  # the stream's own norm is linear with its scale
        norm, scale = asked.network.norm_of("blocks.0.ln1"), known["blocks.0.ln1.hook_scale"]
        part = norm.normalize(part, scale) - norm.normalize(torch.zeros_like(part), scale)
    ours = {op.output for op in asked.network.operations if op.layer == 0}

    def replace(op: Operation, inputs: Sequence[Tensor], run: Run) -> Tensor | None:
        on_its_way = op.kind in ("add", "norm_scale") or op.output in on_stream
        if op.output not in ours or on_its_way or read not in op.inputs:
            return None
        if op.group != group and not op.output.endswith("ln1.hook_normalized"):
            return None
        more = [one + part if name == read else one for name, one in zip(op.inputs, inputs)]
        return run(more)

    return frozen.run(None, replace)


@pytest.mark.parametrize("name", ["like Llama", "experts"])
def test_without_biases_edges_into_a_node_add_up_to_it(name: str):
    asked = Asked(name)
    found: GraphFound = asked.ask(ALL)
    into = np.zeros(found.n_nodes)
    goals = found.goal_E != LOGIT
    np.add.at(into, found.goal_E[goals], found.weight_E[goals])
    inner = found.layer_N >= 0
    assert np.allclose(into[inner], found.relevance_N[inner], rtol=0, atol=1e-9)
    to_logit = found.weight_E[~goals].sum()
    assert to_logit == pytest.approx(found.value, abs=1e-9)
    names = {found.node_name(int(node)) for node in (*found.source_E, *found.goal_E)}
    assert {"logit", "embedding", "MLP 0", "MLP 1", "head 1.3"} <= names


@pytest.mark.parametrize(
    "change",
    [ScaleOutput(0, "attn", 0.3), RemoveResidual(1, "attn"), AblateHead(0, 2), RemoveNorm()],
)
def test_under_interventions_edges_still_add_up(change: Intervention):
    asked = Asked("like Llama", interventions=(change,))
    found: GraphFound = asked.ask(ALL)
    goals = found.goal_E != LOGIT
    into = np.zeros(found.n_nodes)
    np.add.at(into, found.goal_E[goals], found.weight_E[goals])
    # A head that is cut hands nothing on, whatever it is told.
    left = (found.layer_N >= 0) & (found.relevance_N != 0)
    assert np.allclose(into[left], found.relevance_N[left], rtol=0, atol=1e-9)
    assert found.weight_E[~goals].sum() == pytest.approx(found.value, abs=1e-9)


@pytest.mark.parametrize("baseline", ["zero", "mean", "other"])
def test_cutting_is_a_whole_pass_with_the_node_set(baseline: str):
    asked = Asked("like Gemma 2")
    more: Any = {"other_ids": OTHER} if baseline == "other" else {"baseline": baseline}
    asked_for = Graph(metric=DIFFERENCE, position=AT, check=40, most=20, **more)
    found: GraphFound = asked.ask(asked_for)
    assert found.n_cut == 40
    trace = asked.trace
    other = record(asked.network, torch.tensor([OTHER]))

    def difference(logits_BTV: Tensor) -> float:
        return float(logits_BTV[0, AT, 5] - logits_BTV[0, AT, 7])

    tried = np.flatnonzero(np.isfinite(found.cut_N))
    assert len(tried) >= 3
    for node in tried[:6]:
        layer, head = int(found.layer_N[node]), int(found.head_N[node])
        name, place = name_of(asked, layer, head), place_of(head, int(found.position_N[node]))
        own = trace[name]
        to = {
            "zero": torch.zeros_like(own),
            "mean": own[:, 1 : AT + 1].mean(1, keepdim=True).expand_as(own),
            "other": other[name],
        }[baseline]

        def tap(written: str, tensor: Tensor, name: str = name, place: Place = place) -> Tensor:
            if written != name:
                return tensor
            tensor = tensor.clone()
            tensor[place] = to[place]  # noqa: B023
            return tensor

        cut = record(asked.network, torch.tensor([IDS]), ("logits",), tap)["logits"]
        fall = difference(trace["logits"]) - difference(cut)
        assert found.cut_N[node] == pytest.approx(fall, abs=1e-9)


def test_correlations_are_of_the_nodes_that_were_cut(gpt2_folder: Path):
    lm = model.open(gpt2_folder, device="cpu")
    found = lm.ask(PROMPT, Graph(check=10_000, share=1.0, most=10_000, heads="relevance"))
    assert isinstance(found, GraphFound)
    assert found.n_cut == found.n_nodes == len(found.cut_N)
    for of, said in (
        (found.head_N >= -1, found.correlation),
        (found.head_N >= 0, found.correlation_heads),
        ((found.head_N < 0) & (found.layer_N >= 0), found.correlation_mlps),
        (found.layer_N < 0, found.correlation_embeddings),
    ):
        expected = np.corrcoef(found.relevance_N[of], found.cut_N[of])[0, 1]
        assert said == pytest.approx(expected, abs=1e-9)
    assert found.heads_relevance == found.correlation_heads
    by_gradient = lm.ask(PROMPT, Graph(check=10_000, share=1.0, most=10_000, heads="gradient"))
    assert isinstance(by_gradient, GraphFound)
    assert by_gradient.heads_by == "gradient"
    assert by_gradient.correlation_heads == pytest.approx(found.heads_gradient)
    auto = lm.ask(PROMPT, Graph(check=10_000))
    assert isinstance(auto, GraphFound)
    better = found.heads_gradient > found.heads_relevance + 0.01
    assert auto.heads_by == ("gradient" if better else "relevance")


def test_the_graph_agrees_with_patching_on_the_story_world():
    """Against another text, as the method was published; and, less so, against nothing."""
    lm = model.open(STORY_WORLD, device="cpu")
    metric = Metric(" Rome", against=" Paris")
    found = lm.ask(
        "The capital of Italy is", Graph(metric=metric, other="The capital of France is", check=200)
    )
    assert isinstance(found, GraphFound)
    assert found.correlation > 0.97
    assert min(found.correlation_heads, found.correlation_mlps) > 0.97
    best = int(found.position_N[found.layer_N < 0][0])
    assert lm.tokenizer.decode([found.subject.ids[best]]) == " Italy"  # type: ignore[union-attr]
    alone = lm.ask("The capital of Italy is", Graph(metric=metric, check=200))
    assert isinstance(alone, GraphFound)
    assert alone.correlation_heads > 0.85


def test_the_graph_is_there_before_its_check():
    asked = Asked("learned")
    question = Graph(metric=DIFFERENCE, position=AT, check=30)
    steps = list(answering(question)(question, asked.subject, asked.bench))
    answers = [one for one in steps if isinstance(one, GraphFound)]
    assert answers[0].share == 0
    assert answers[0].n_cut == 0
    assert np.isnan(answers[0].correlation)
    assert len(answers[0].source_E) > 0
    assert answers[-1].n_cut == 30
    assert len(steps) > 12, "in slices"
    few = asked.ask(Graph(metric=DIFFERENCE, position=AT, check=0, share=0.5, most_edges=7))
    assert 0.5 <= few.kept < 0.7
    assert len(few.source_E) == 7
    strength = np.abs(few.relevance_N)
    assert np.array_equal(strength, np.sort(strength)[::-1])


def test_what_has_no_graph_is_said(gpt2_folder: Path, monkeypatch: pytest.MonkeyPatch):
    lm = model.open(gpt2_folder, device="cpu")
    for asked, why in (
        (Graph(most=0), "at least one node"),
        (Graph(other="The queen"), "as many in both"),
        (Graph(metric=Metric(against=TokenId(3))), "no target"),
    ):
        with pytest.raises(ValueError, match=why):
            lm.ask(PROMPT, asked)
    with pytest.raises(KeyError, match="no language-model head"):
        Asked("encoder").ask(ALL)
    monkeypatch.setattr("model.probe.graph.compute.MOST_TOKENS", 4)
    with pytest.raises(ValueError, match="shorten the text to 4"):
        lm.ask(PROMPT, Graph())


def test_scores_are_explained_before_their_soft_cap():
    asked = Asked("like Gemma 2")
    cap = asked.config.caps.logits
    assert cap is not None
    logits_V = asked.trace["logits"][0, AT]
    before = cap * torch.atanh(logits_V / cap)
    found = asked.ask(ALL)
    assert found.value == pytest.approx(float(before[5] - before[7]), abs=1e-6)
    assert found.weight_E[found.goal_E == LOGIT].sum() == pytest.approx(found.value, abs=1e-6)
