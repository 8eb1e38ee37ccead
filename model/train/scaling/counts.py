"""How large a size is and what training it costs, by counting: no clock, no network.

Two counts of parameters, as the two papers have them: Kaplan et al. (arXiv:2001.08361) leave out
all embeddings, Hoffmann et al. (arXiv:2203.15556) count every weight. Two counts of compute: six a
parameter and token (6ND), and every product and sum of the matrices and of attention.

Knows a config; no torch.
"""

from __future__ import annotations

from typing import Literal

from model.config import TransformerConfig
from model.probe.cost.formulas import head_weights, pairs, weights_a_token

ParameterCount = Literal["all", "blocks"]
COUNT_WORDS: dict[ParameterCount, str] = {
    "blocks": "parameters without embeddings",
    "all": "all parameters",
}
_FORWARD_AND_BACK = 3
"""Going back takes two products for each one forward: for the inputs and for the weights."""


def n_parameters(config: TransformerConfig, count: ParameterCount) -> int:
    """Parameters of a network.

    Args:
        config: of the network.
        count: ``all`` of them, tied ones once; or ``blocks``, without the embeddings of tokens and
            positions and without the unembedding.
    """
    counts = config.parameter_counts()
    if count == "all":
        return sum(counts.values())
    return counts["attention"] + counts["mlp"] + counts["norm"]


def training_flops(config: TransformerConfig) -> float:
    """FLOPs of training on one token, at the length of the whole context.

    Two a weight and token, four a number of a head for every pair of a query and a key that it may
    see, three times that with the way back. Norms, softmax, nonlinearity and the optimiser are left
    out.
    """
    n_ctx = config.n_ctx
    forward = 2.0 * n_ctx * (weights_a_token(config) + head_weights(config))
    seen = sum(pairs(config, layer, n_ctx) for layer in range(config.n_layers))
    forward += 4.0 * config.n_heads * config.d_head * seen
    return _FORWARD_AND_BACK * forward / n_ctx
