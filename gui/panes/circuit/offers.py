"""What can be cut at a node or an edge of the graph. Knows answers and the config; no widget."""

from __future__ import annotations

from dataclasses import replace

from gui.reading import intervening as reading
from gui.reading.intervening import Offer
from model.config import TransformerConfig
from model.interventions import ScaleOutput
from model.probe.graph.asks import LOGIT, GraphFound


def of_node(found: GraphFound, node: int, config: TransformerConfig) -> tuple[Offer, ...]:
    """A head or an MLP, at every token (the graph is about one); nothing of an embedding."""
    layer, head = int(found.layer_N[node]), int(found.head_N[node])
    if layer < 0:
        return ()
    if head >= 0:
        some = reading.of_head(config, layer, head)
    else:
        cut = ScaleOutput(layer, "mlp")
        some = (Offer(f"Cut MLP of layer {layer}", cut, cut.refusal(config)),)
    return tuple(replace(one, words=f"{one.words}, at every token") for one in some)


def of_edge(found: GraphFound, edge: int, config: TransformerConfig) -> tuple[Offer, ...]:
    """What a head reads at one token; otherwise what an edge leads to."""
    source, goal = int(found.source_E[edge]), int(found.goal_E[edge])
    if goal == LOGIT:
        return of_node(found, source, config)
    layer, head = int(found.layer_N[goal]), int(found.head_N[goal])
    if head < 0:
        return of_node(found, goal, config)
    query, key = int(found.position_N[goal]), int(found.position_N[source])
    return reading.of_edge(config, layer, head, query, key) + of_node(found, goal, config)
