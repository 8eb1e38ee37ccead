"""What is gained where things are computed together that don't wait for each other.

Heads of one block, tokens of one text, texts of a batch: one after another against all at once,
each measured. Shape suffixes: B texts, T positions, D d_model, H heads, K d_head.
"""

from __future__ import annotations

from collections.abc import Generator, Iterator
from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor

from model.network.attention import Attention, KVCache
from model.probe.cost.asks import Speedup
from model.probe.cost.passes import fused
from model.probe.cost.timing import Pass, Stopwatch
from model.transformer import Transformer

HEAD_TOKENS = 256
"""Positions of the text whose heads are computed."""
TOGETHER = 32
"""Tokens and texts at most."""
LONG_SECONDS = 0.7
"""One after another for so long: twice as many would say no more."""
TEXT_TOKENS = 32
"""Of each text of a batch."""


@dataclass(frozen=True, slots=True)
class Setting:
    """What is measured with.

    Attributes:
        network: the network.
        ids_BT: tokens enough, of one text.
        watch: times it.
        repeats: of each pass.
    """

    network: Transformer
    ids_BT: Tensor
    watch: Stopwatch
    repeats: int


def speedups(setting: Setting) -> Generator[None, None, tuple[Speedup, ...]]:
    """All of them, few first; no more of a kind once one after another takes long."""
    found: list[Speedup] = []
    config, n_tokens = setting.network.config, setting.ids_BT.shape[1]
    kinds = [(_heads, config.n_heads)]
    if config.causal:
        kinds.append((_tokens, min(TOGETHER, n_tokens)))
    if n_tokens > 1:
        kinds.append((_texts, TOGETHER))
    for timed, most in kinds:
        for n in doubled(most):
            one = yield from timed(setting, n)
            found.append(one)
            if one.one_by_one > LONG_SECONDS:
                break
    return tuple(found)


def doubled(most: int) -> list[int]:
    """1, 2, 4, … and the most itself."""
    powers = [2**i for i in range(most.bit_length()) if 2**i < most]
    return [*powers, most]


def _heads(setting: Setting, n: int) -> Generator[None, None, Speedup]:
    """Products of the first block's heads: queries, keys, values, mixing, output.

    Norms, rotations and biases are the same whichever way, and left out.
    """
    network, config = setting.network, setting.network.config
    attention = network.blocks[0].attn
    assert isinstance(attention, Attention)
    T = min(HEAD_TOKENS, config.n_ctx)
    like = network.embed.weight
    generator = torch.Generator().manual_seed(0)
    x_BTD = torch.randn(1, T, config.d_model, generator=generator).to(like)
    weights = [_of_heads(attention, heads) for heads in [range(n), *_singles(n)]]

    def run(weight: tuple[Tensor, ...]) -> Tensor:
        wq, wk, wv, wo = weight
        q_BHTK, k_BHTK, v_BHTK = (
            F.linear(x_BTD, w).unflatten(-1, (-1, config.d_head)).transpose(1, 2)
            for w in (wq, wk, wv)
        )
        z_BHTK = F.scaled_dot_product_attention(q_BHTK, k_BHTK, v_BHTK, is_causal=config.causal)
        return F.linear(z_BHTK.transpose(1, 2).flatten(2), wo)

    def at_once() -> Iterator[object]:
        run(weights[0])
        yield None

    def one_by_one() -> Iterator[object]:
        out_BTD = run(weights[1])
        for weight in weights[2:]:
            out_BTD = out_BTD + run(weight)
            yield None

    return (yield from _both(setting, "heads", n, one_by_one, at_once))


def _singles(n: int) -> list[range]:
    return [range(head, head + 1) for head in range(n)]


def _of_heads(attention: Attention, heads: range) -> tuple[Tensor, Tensor, Tensor, Tensor]:
    """The weights of some heads as a layer of their own has them; shared keys for each head."""
    config = attention.config
    K, shared_by = config.d_head, config.n_heads // config.n_kv_heads
    q_HKD, k_GKD, v_GKD = (
        part.unflatten(0, (-1, K))
        for part in attention.qkv.weight.split((attention.n_q, attention.n_kv, attention.n_kv))
    )
    of = torch.tensor([head // shared_by for head in heads])
    out_DHK = attention.out.weight.unflatten(1, (-1, K))
    return (
        q_HKD[heads.start : heads.stop].flatten(0, 1),
        k_GKD[of].flatten(0, 1),
        v_GKD[of].flatten(0, 1),
        out_DHK[:, heads.start : heads.stop].flatten(1).contiguous(),
    )


def _tokens(setting: Setting, n: int) -> Generator[None, None, Speedup]:
    """The first tokens of a text, each once the one before it is done, or all in one pass."""
    network, ids_BT = setting.network, setting.ids_BT[:, :n]
    cache = KVCache(network.config, 1, network.embed.weight, n)

    def one_by_one() -> Iterator[object]:
        cache.crop(0)
        for at in range(n):
            yield from fused(network, ids_BT[:, at : at + 1], cache)

    def at_once() -> Iterator[object]:
        cache.crop(0)
        yield from fused(network, ids_BT, cache)

    return (yield from _both(setting, "tokens", n, one_by_one, at_once))


def _texts(setting: Setting, n: int) -> Generator[None, None, Speedup]:
    """One more token of each of several texts; of an encoder the whole of each text."""
    network, config = setting.network, setting.network.config
    like = network.embed.weight
    T = min(TEXT_TOKENS, setting.ids_BT.shape[1])
    ids_BT = setting.ids_BT[:, :T].expand(n, -1)
    if not config.causal:

        def whole(rows: Tensor) -> Iterator[object]:
            yield from fused(network, rows)

        def texts() -> Iterator[object]:
            for row in range(n):
                yield from whole(ids_BT[row : row + 1])

        return (yield from _both(setting, "texts", n, texts, lambda: whole(ids_BT)))

    singles, batch = (
        [KVCache(config, size, like, T) for _ in range(count)] for size, count in ((1, n), (n, 1))
    )
    for caches, size in ((singles, 1), (batch, n)):
        for cache in caches:
            yield from setting.watch.run(fused(network, ids_BT[:size, : T - 1], cache))

    def one_by_one() -> Iterator[object]:
        for cache in singles:
            cache.crop(T - 1)
            yield from fused(network, ids_BT[:1, T - 1 :], cache)

    def at_once() -> Iterator[object]:
        batch[0].crop(T - 1)
        yield from fused(network, ids_BT[:, T - 1 :], batch[0])

    return (yield from _both(setting, "texts", n, one_by_one, at_once))


def _both(
    setting: Setting, what: str, n: int, one_by_one: Pass, at_once: Pass
) -> Generator[None, None, Speedup]:
    for one in (one_by_one, at_once):
        yield from setting.watch.run(one())  # warms up
    slow, fast = yield from setting.watch.in_turn((one_by_one, at_once), setting.repeats)
    return Speedup(what, n, slow.median, fast.median)
