"""The attribution graph: one way back, its edges, then how well it agrees with cutting.

The graph by the rules of relevance comes first. Where it is checked, the ordinary gradient goes
back too, some nodes are really cut out, and heads are judged by whichever rule agrees better.

Shape suffixes: N nodes, E edges.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from model.bench import Bench
from model.bench.gradients import Gradients
from model.probe.graph.asks import Graph, GraphFound
from model.probe.graph.baseline import Baseline
from model.probe.graph.check import Cutting, drawn
from model.probe.graph.edges import Edges
from model.probe.graph.nodes import Nodes, WayBack, going_back, strongest
from model.probe.graph.rules import relevance
from model.probe.measuring import Kind, Measure, finite, likeliest_at, place, second_text, tokens_of
from model.probe.question import Answer, Array, ProbeError, read_only
from model.probe.sweeping import Pace, correlation
from model.subject import Subject

MOST_TOKENS = 1024
"""A block's patterns, with what goes back through them, are held whole."""

MARGIN = 0.01
"""By how much gradients must agree better with cutting to judge heads."""


def answer(question: Graph, subject: Subject, bench: Bench) -> Iterator[Answer | None]:
    """A block a slice; the graph first, then again with what the check found.

    Raises:
        ValueError: there is no such place, a token is none, or the text is too long.
        KeyError: the network has no head that scores tokens.
    """
    n = subject.n_tokens
    if n > MOST_TOKENS:
        raise ProbeError(
            f"A graph of {n:,} tokens can't be had at once; shorten the text to {MOST_TOKENS:,}."
        )
    if question.most < 1 or question.check < 0:
        raise ProbeError("A graph has at least one node, and a check not less than none.")
    other = None
    if question.other or question.other_ids:
        named = "comparing"
        other = second_text(bench, subject, question.other, question.other_ids, "other", named)
        for _ in bench.streaming(other):
            yield None
    graph = _Graph(question, subject, other, bench)
    yield from graph.by_relevance()
    checked = question.check > 0 or question.heads == "gradient"
    yield graph.found(0.0 if checked else 1.0)
    yield None
    if checked:
        pace = Pace()
        for _ in graph.checking():
            if graph.share < 1 and pace.is_due():
                yield graph.found(graph.share)
            yield None  # an answer alone ends no slice
        yield from graph.with_edges()
        yield graph.found(1.0)


class _Graph:
    """One question's graph, as far as it is known."""

    def __init__(
        self, question: Graph, subject: Subject, other: Subject | None, bench: Bench
    ) -> None:
        self._question, self._subject, self._bench = question, subject, bench
        config = bench.network(subject).config
        self._at = place(question.position, subject.n_tokens, "position")
        target, against = tokens_of(question.metric, bench, subject)
        if target is None:
            target = likeliest_at(bench, subject, self._at)
        kind: Kind = "logit" if against is None else "logit difference"
        self._measure = Measure(kind, target, against)
        self._way = Gradients(bench, subject, self._at, relevance(config), straight=True)
        self._baseline = Baseline(bench, subject, question.baseline, other, self._way.stop)
        self._relevance: WayBack | None = None
        self._gradient_N: Array | None = None
        self._falls_N = np.zeros(0)
        self._to_cut = np.zeros(0, np.intp)
        self._kept = np.zeros(0, np.intp)
        self._held = 0.0
        self._edges = (np.zeros(0, np.intp), np.zeros(0, np.intp), np.zeros(0))
        self._heads_by = "gradient" if question.heads == "gradient" else "relevance"
        self._value = float("nan")

    @property
    def _nodes(self) -> Nodes:
        assert self._relevance is not None
        return self._relevance.nodes

    def by_relevance(self) -> Iterator[None]:
        """The way back by the rules, the strongest nodes and their edges."""
        self._relevance = yield from going_back(
            self._way, self._measure, self._bench, self._subject, self._baseline
        )
        self._value = finite(self._way.number, self._bench, self._subject, self._at)
        self._falls_N = np.full(len(self._nodes), np.nan)
        yield from self.with_edges()

    def with_edges(self) -> Iterator[None]:
        """The strongest nodes by the rule that counts now, and what leads from one to another."""
        assert self._relevance is not None
        nodes = self._judged()
        kept, self._held = strongest(nodes, self._question.share, self._question.most)
        if np.array_equal(kept, self._kept):
            return
        edges = Edges(self._way, self._relevance, kept, self._baseline)
        yield from edges.steps()
        self._kept, self._edges = kept, edges.columns(self._question.most_edges)

    # -------------------------------------------------------------------------- check

    def checking(self) -> Iterator[None]:
        """The ordinary gradient, then cutting; at last by which rule heads are judged."""
        question, bench, subject = self._question, self._bench, self._subject
        gradients = Gradients(bench, subject, self._at, straight=True)
        found = yield from going_back(gradients, self._measure, bench, subject, self._baseline)
        self._gradient_N = found.nodes.relevance_N
        if question.check:
            by = (self._nodes.relevance_N, self._gradient_N)
            self._to_cut = drawn(self._nodes, by, question.check, question.seed)
            cutting = Cutting(
                bench, subject, self._measure, self._at, self._baseline, self._uncut()
            )
            yield from cutting.cut(self._nodes, self._to_cut, self._falls_N)
        if question.heads == "auto":
            relevance, gradient = self._agreement_of_heads()
            # Two rules in one graph are harder to compare than one: only for a real gain.
            self._heads_by = "gradient" if gradient > relevance + MARGIN else "relevance"

    def _uncut(self) -> float:
        """The metric as cutting measures it: after a soft cap, where there is one."""
        logits_1V = self._bench.logits(self._subject, self._at, self._at + 1)
        ids = self._measure.ids(logits_1V)
        return float(self._measure.of(logits_1V if ids is None else logits_1V[:, ids]))

    @property
    def share(self) -> float:
        """Of the nodes that are to be cut."""
        if not len(self._to_cut):
            return 0.0
        return float(np.isfinite(self._falls_N[self._to_cut]).mean())

    def _agreement_of_heads(self) -> tuple[float, float]:
        """Of heads with cutting, by relevance and by gradient."""
        if self._gradient_N is None:
            return float("nan"), float("nan")
        heads, falls = self._nodes.are_heads, self._falls_N
        return (
            correlation(self._nodes.relevance_N[heads], falls[heads]),
            correlation(self._gradient_N[heads], falls[heads]),
        )

    # ------------------------------------------------------------------------- answer

    def _judged(self) -> Nodes:
        """The nodes, heads by the rule that counts now."""
        nodes = self._nodes
        if self._heads_by == "relevance" or self._gradient_N is None:
            return nodes
        relevance_N = np.where(nodes.are_heads, self._gradient_N, nodes.relevance_N)
        return Nodes(nodes.layer_N, nodes.head_N, nodes.position_N, relevance_N)

    def found(self, share: float) -> GraphFound:
        """What is known so far."""
        nodes, kept = self._judged(), self._kept
        source, goal, weight = self._edges
        falls, is_embedding, is_head = self._falls_N, nodes.are_embeddings, nodes.are_heads

        def agreement(of: Array) -> float:
            return correlation(nodes.relevance_N[of], falls[of])

        by_relevance, by_gradient = self._agreement_of_heads()
        return GraphFound(
            subject=self._subject,
            question=self._question,
            share=share,
            layer_N=read_only(nodes.layer_N[kept]),
            head_N=read_only(nodes.head_N[kept]),
            position_N=read_only(nodes.position_N[kept]),
            relevance_N=read_only(nodes.relevance_N[kept]),
            cut_N=read_only(falls[kept]),
            source_E=read_only(source),
            goal_E=read_only(goal),
            weight_E=read_only(weight),
            kept=self._held,
            n_nodes=len(nodes),
            measure=self._measure.kind,
            target=self._measure.target,
            against=self._measure.against,
            value=self._value,
            explained=float(nodes.relevance_N[is_embedding].sum()),
            heads_by=self._heads_by if self._gradient_N is not None else "relevance",
            n_cut=int(np.isfinite(falls).sum()),
            correlation=agreement(np.ones(len(nodes), bool)),
            correlation_heads=agreement(is_head),
            correlation_mlps=agreement(~is_head & ~is_embedding),
            correlation_embeddings=agreement(is_embedding),
            heads_relevance=by_relevance,
            heads_gradient=by_gradient,
        )
