"""What reading and continuing a text should cost, by counting: no clock, no network.

Two FLOPs a weight and a token (a product and a sum), and four a number of a head for every pair of
a query and a key that it may see (q · k, and the weighted sum of values). Norms, softmax and the
nonlinearity are left out: they grow with the text as the weights' share does, and are far smaller.

Knows a config; free of torch.
"""

from __future__ import annotations

from model.config import TransformerConfig


def cache_numbers(config: TransformerConfig, n_tokens: int) -> int:
    """Keys and values that continuing a text of so many tokens reads, as numbers.

    Of a layer with a sliding window only those within it: a cache need not keep the others. None
    where a query looks ahead: every key and value is another once the text goes on.
    """
    if not config.causal:
        return 0
    kept = sum(seen_at_once(config, layer, n_tokens) for layer in range(config.n_layers))
    return 2 * config.n_kv_heads * config.d_head * kept


def numbers_a_token(config: TransformerConfig) -> int:
    """Keys and values of one token in all layers, 2 · layers · kv heads · d_head."""
    return 2 * config.n_layers * config.n_kv_heads * config.d_head


def seen_at_once(config: TransformerConfig, layer: int, n_tokens: int) -> int:
    """How many keys the last query of a text may see in a layer."""
    window = config.window_at(layer)
    return n_tokens if window is None else min(n_tokens, window)


def read_flops(config: TransformerConfig, n_tokens: int) -> float:
    """Of reading a text whole, with the scores of the token after it."""
    per_token = 2 * weights_a_token(config)
    seen = sum(pairs(config, layer, n_tokens) for layer in range(config.n_layers))
    return n_tokens * per_token + _attention(config, seen) + _head(config)


def decode_flops(config: TransformerConfig, n_tokens: int) -> float:
    """Of the last token of a text alone, where all before it lie in a cache."""
    seen = sum(seen_at_once(config, layer, n_tokens) for layer in range(config.n_layers))
    return 2 * weights_a_token(config) + _attention(config, seen) + _head(config)


def decode_numbers(config: TransformerConfig, n_tokens: int) -> int:
    """Weights and cached numbers that one token reads: what memory must bring."""
    head = config.d_vocab * config.d_embed if config.has_logits else 0
    return weights_a_token(config) + head + cache_numbers(config, n_tokens)


def weights_a_token(config: TransformerConfig) -> int:
    """Weights of the blocks that one token meets: of experts only those that it is sent to."""
    parts = config.parameter_counts()
    mlp, experts = parts["mlp"], config.experts
    if experts is not None:
        router = config.n_layers * experts.n * config.d_model
        mlp = (mlp - router) * experts.n_active // experts.n + router
    return parts["attention"] + mlp


def pairs(config: TransformerConfig, layer: int, n_tokens: int) -> int:
    """Pairs of a query and a key that it may see, in a layer."""
    window = config.window_at(layer)
    n = n_tokens
    if config.causal:
        w = n if window is None else min(n, window)
        return w * (w + 1) // 2 + (n - w) * w
    reach = n if window is None else min(n, window // 2)
    return n * n if reach >= n - 1 else n * (2 * reach + 1) - reach * (reach + 1)


def _attention(config: TransformerConfig, n_pairs: int) -> int:
    return 4 * config.n_heads * config.d_head * n_pairs


def _head(config: TransformerConfig) -> int:
    """Scores of one position."""
    return 2 * config.d_vocab * config.d_embed if config.has_logits else 0
