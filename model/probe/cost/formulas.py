"""What reading and continuing a text should cost, by counting: no clock, no network.

Two FLOPs a weight and a token (a product and a sum), and four a number of a head for every pair of
a query and a key that it may see (q · k, and the weighted sum of values). Biases, norms, softmax
and the nonlinearity are left out: they are far smaller.

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
    return n_tokens * per_token + _attention(config, seen) + 2 * head_weights(config)


def decode_flops(config: TransformerConfig, n_tokens: int) -> float:
    """Of the last token of a text alone, where all before it lie in a cache."""
    seen = sum(seen_at_once(config, layer, n_tokens) for layer in range(config.n_layers))
    return 2 * weights_a_token(config) + _attention(config, seen) + 2 * head_weights(config)


def decode_numbers(config: TransformerConfig, n_tokens: int) -> int:
    """Weights and cached numbers that one token reads: what memory must bring."""
    weights = weights_a_token(config) + head_weights(config)
    return weights + cache_numbers(config, n_tokens)


def weights_a_token(config: TransformerConfig) -> int:
    """Weights of the matrices that each token meets: of experts only those that it is sent to."""
    c = config
    heads, kv = c.n_heads * c.d_head, c.n_kv_heads * c.d_head
    attention = c.d_model * (heads + 2 * kv) + heads * c.d_model
    mlp = (3 if c.gated else 2) * c.d_model * c.d_mlp
    if c.experts is not None:
        mlp = c.experts.n_active * mlp + c.experts.n * c.d_model
    return c.n_layers * (attention + mlp) + _projection(c)


def head_weights(config: TransformerConfig) -> int:
    """Weights of the matrices that only the position meets whose token is told."""
    if not config.has_logits:
        return 0
    masked = config.d_model**2 if config.head == "mlm" else 0
    return config.d_vocab * config.d_embed + _projection(config) + masked


def _projection(config: TransformerConfig) -> int:
    """Between a narrow embedding and the stream."""
    return config.d_model * config.d_embed if config.d_embed != config.d_model else 0


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
