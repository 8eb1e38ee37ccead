"""What the attribution graph says: nodes, edges, its sentence, and how well it was checked.

Pure functions of the answer, tokens and the model's description; no store, no widget.
"""

from __future__ import annotations

import math

import numpy as np

from gui.reading.numbers import short
from gui.reading.quoting import quoted
from model.counting import counted
from model.messages import ModelInfo, PromptRead
from model.probe.graph.asks import LOGIT, Graph, GraphFound

CHECKED = 96
"""Nodes that a check cuts out."""


def measured(found: GraphFound, model: ModelInfo) -> str:
    """``logit of “·her”``."""
    target = model.token_text(found.target)
    if found.against is None:
        return f"{found.measure} of {quoted(target)}"
    return f"{found.measure} {quoted(target)} − {quoted(model.token_text(found.against))}"


def heading(found: GraphFound, model: ModelInfo) -> str:
    """What is measured and what it is, and how much of the graph is there."""
    n = len(found.layer_N)
    return (
        f"{measured(found, model)} = {found.value:.4g}; {n} of {found.n_nodes:,} nodes hold "
        f"{found.kept:.0%} of what all did"
    )


def placed(found: GraphFound, node: int, read: PromptRead) -> str:
    """``head 2.1 at “·lost” (3)``."""
    if node == LOGIT:
        return "the logit"
    at = int(found.position_N[node])
    name = found.node_name(node)
    if name == "embedding":
        return f"{quoted(read.tokens[at].text)} ({at})"
    return f"{name} at {quoted(read.tokens[at].text)} ({at})"


def hover_node(found: GraphFound, node: int, read: PromptRead, model: ModelInfo) -> str:
    """What hovering a node says."""
    if node == LOGIT:
        explained = f"The embeddings did {found.explained:.4g} of it, biases the rest"
        return f"{measured(found, model)}: {found.value:.5g}\n{explained}"
    share = float(found.relevance_N[node])
    title = placed(found, node, read)
    if found.node_name(node) == "embedding":
        title = f"embedding of {title}"
    lines = [title]
    lines.append(f"did {share:+.4g} for the {found.measure}, by {_rule(found, node)}")
    fall = float(found.cut_N[node])
    if math.isfinite(fall):
        lines.append(f"really cut out, the metric falls by {fall:+.4g}")
    n_in, n_out = int((found.goal_E == node).sum()), int((found.source_E == node).sum())
    lines.append(f"{counted(n_in, 'edge')} in, {n_out} out")
    return "\n".join(lines)


def _rule(found: GraphFound, node: int) -> str:
    return found.heads_by if found.head_N[node] >= 0 else "relevance"


def hover_edge(found: GraphFound, edge: int, read: PromptRead) -> str:
    """What hovering an edge says."""
    source, goal = int(found.source_E[edge]), int(found.goal_E[edge])
    weight = float(found.weight_E[edge])
    ends = f"{placed(found, source, read)} → {placed(found, goal, read)}"
    lines = [ends, f"{weight:+.4g} came directly that way"]
    if goal != LOGIT:
        whole = float(found.relevance_N[goal])
        if whole:
            lines.append(f"{weight / whole:.0%} of what {placed(found, goal, read)} did")
    return "\n".join(lines)


def here(found: GraphFound, read: PromptRead) -> str:
    """What the graph says of this text."""
    if not len(found.relevance_N):
        return "No part of the network did anything for it."
    done = found.relevance_N
    order = [int(node) for node in np.argsort(-done, kind="stable")]
    most = [
        f"{placed(found, node, read)} {signed(done[node])}" for node in order[:3] if done[node] > 0
    ]
    against = order[-1]
    said = f"Most was done by {', '.join(most)}" if most else "Nothing speaks for it"
    if done[against] < 0:
        said += f"; most against it by {placed(found, against, read)} {signed(done[against])}"
    path = strongest_path(found)
    if len(path) > 1:
        ways = " → ".join(placed(found, node, read) for node in path)
        said += f". The strongest way: {ways}"
    return f"{said}."


def signed(value: float) -> str:
    """A number in a sentence."""
    return f"{value:+.2f}".replace("-", "−")


def strongest_path(found: GraphFound) -> list[int]:
    """From an embedding, or as far as it goes, to the logit along the strongest edges."""
    path = [LOGIT]
    while True:
        into = np.flatnonzero(found.goal_E == path[-1])
        into = into[found.weight_E[into] > 0]
        if not len(into):
            return path[::-1]
        path.append(int(found.source_E[into[found.weight_E[into].argmax()]]))


def check(found: GraphFound) -> str:
    """How well relevance agrees with really cutting, or that nobody has looked."""
    question = found.question
    assert isinstance(question, Graph)
    heads = f"heads judged by {found.heads_by}"
    if not found.n_cut:
        return f"Not checked against real ablation yet; {heads}."
    so_far = "" if found.is_whole else " so far"
    kinds = (
        ("heads", found.correlation_heads),
        ("MLPs", found.correlation_mlps),
        ("embeddings", found.correlation_embeddings),
    )
    of_kinds = ", ".join(f"{name} {_r(value)}" for name, value in kinds if math.isfinite(value))
    said = (
        f"Measured correlation with real ablation{so_far}: {_r(found.correlation)} over "
        f"{found.n_cut} nodes"
    )
    said += f" ({of_kinds})" if of_kinds else ""
    other = found.heads_gradient if found.heads_by == "relevance" else found.heads_relevance
    name = "gradient" if found.heads_by == "relevance" else "relevance"
    beside = f", {name} would have {_r(other)}" if math.isfinite(other) else ""
    return f"{said}; {heads}{beside}."


def _r(value: float) -> str:
    return short(value, 2) if not math.isfinite(value) else f"{value:.2f}"
