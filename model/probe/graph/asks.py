"""The question for the attribution graph of a text."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar, Literal

import numpy as np

from model.probe.metric import Metric
from model.probe.question import Answer, Array, Named, Question

Rule = Literal["auto", "relevance", "gradient"]
Baseline = Literal["zero", "mean"]
ANY = Metric()
EMBEDDING = LOGIT = -1


@dataclass(frozen=True, slots=True)
class Graph(Question):
    """What the embeddings, heads and MLPs at every position did for a token's logit.

    By relevance propagation as in RelP (Jafari et al. 2025): one way back with four rules. Beside
    it stands how well that agrees with really cutting nodes out, one by one.

    Attributes:
        metric: whose logit, or which difference of two; the likeliest token's if none is given.
        position: after which position; of a masked model, in it.
        share: nodes are kept, strongest first, until they hold this share of what all have; 1
            keeps all.
        most: how many nodes are kept at most.
        most_edges: how many edges are kept at most.
        baseline: what a node is compared with: nothing (zero), or its mean over positions but the
            first.
        other: a text of as many tokens whose activations nodes are compared with instead.
        other_ids: its token ids instead.
        heads: by which rule heads are judged; auto takes the one that agrees better with cutting.
        check: how many nodes are really cut out; 0 leaves the check away.
        seed: of the nodes that are drawn for the check.
    """

    name: ClassVar[str] = "graph"
    title: ClassVar[str] = "attribution graph"
    later: ClassVar[bool] = True
    metric: Metric = ANY
    position: int = -1
    share: float = 0.8
    most: int = 60
    most_edges: int = 200
    baseline: Baseline = "zero"
    other: str = ""
    other_ids: tuple[int, ...] = ()
    heads: Rule = "auto"
    check: int = 96
    seed: int = 0


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class GraphFound(Answer):
    """Nodes from strongest to weakest, and edges between them and to the logit.

    Attributes:
        layer_N: of each node; -1 of an embedding.
        head_N: of each node; -1 of an MLP or an embedding.
        position_N: where each stands.
        relevance_N: what it did for the metric, by the rule that its kind is judged by.
        cut_N: by how much the metric falls if it is set to what it is compared with; NaN where
            nobody tried.
        source_E: index of the node that each edge comes from.
        goal_E: index of the node that it leads to; -1 for the logit.
        weight_E: how much of what the goal did came that way, directly, by relevance.
        kept: the share of all nodes' strength that the kept ones have.
        n_nodes: how many nodes there are in all.
        measure: ``logit`` or ``logit difference``; before a soft cap, where there is one.
        target: id of the token that is measured.
        against: id of the token that it is compared with, if any.
        value: the metric.
        explained: the sum of what the embeddings did; the rest came from biases.
        heads_by: the rule that heads are judged by here.
        n_cut: how many nodes were cut out.
        correlation: Pearson's of relevance and cutting, over the nodes that were cut out.
        correlation_heads, correlation_mlps, correlation_embeddings: the same by kind.
        heads_relevance, heads_gradient: the same for heads, by either rule.
    """

    layer_N: Array
    head_N: Array
    position_N: Array
    relevance_N: Array
    cut_N: Array
    source_E: Array
    goal_E: Array
    weight_E: Array
    kept: float
    n_nodes: int
    measure: str
    target: int
    against: int | None
    value: float
    explained: float
    heads_by: str
    n_cut: int = 0
    correlation: float = float("nan")
    correlation_heads: float = float("nan")
    correlation_mlps: float = float("nan")
    correlation_embeddings: float = float("nan")
    heads_relevance: float = float("nan")
    heads_gradient: float = float("nan")

    def node_name(self, node: int) -> str:
        """``head 3.2``, ``MLP 3``, ``embedding`` or ``logit``, without its position."""
        if node == LOGIT:
            return "logit"
        layer, head = int(self.layer_N[node]), int(self.head_N[node])
        if layer == EMBEDDING:
            return "embedding"
        return f"MLP {layer}" if head < 0 else f"head {layer}.{head}"

    def _placed(self, node: int) -> str:
        return f"{self.node_name(node)} at {self.position_N[node]}"

    def arrays(self) -> Mapping[str, Named]:
        nodes = {
            "layer": self.layer_N,
            "head": self.head_N,
            "position": self.position_N,
            "relevance": self.relevance_N,
            "cut": self.cut_N,
        }
        edges = {"source": self.source_E, "goal": self.goal_E, "weight": self.weight_E}
        names = [self._placed(node) for node in range(len(self.layer_N))]
        pairs = zip(self.source_E.tolist(), self.goal_E.tolist())
        paths = [f"{names[one]} → {'logit' if to == LOGIT else names[to]}" for one, to in pairs]
        at, along = {"node": np.array(names, str)}, {"edge": np.array(paths, str)}
        return {
            **{name: Named(values, ("node",), at) for name, values in nodes.items()},
            **{name: Named(values, ("edge",), along) for name, values in edges.items()},
        }
