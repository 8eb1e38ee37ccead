"""The lines of Python of attention: heads, rotations, scores, the mixed values."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from model.probe.scene.code.wanted import Made, Wanted


def _heads(letter: str) -> Callable[[Wanted], Made]:
    def made(w: Wanted) -> Made:
        product = 'torch.einsum("btd,hdk->bthk", x, W)' + (" + b" if w.has_bias else "")
        written: tuple[str, ...] = (f"x = {w.read()}", *w.weight("W"), f"{letter} = {product}")
        clip = w.config.caps.qkv
        if clip is not None:
            written = (*written, f"{letter} = {letter}.clamp(-{clip!r}, {clip!r})")
        return Made(written, letter)

    return made


def _rotate(w: Wanted) -> Made:
    assert w.op.layer is not None
    rotary = w.config.rotary_at(w.op.layer)
    assert rotary is not None
    dim = w.config.rotary_dim(rotary)
    T: tuple[str, ...] = ("T = x.shape[1]",)
    turn: tuple[str, ...]
    if rotary.scaling is None:
        n = rotary.odd_dim or dim
        turn = (
            f"speed = {rotary.base!r} ** (-torch.arange(0, {n}, 2) / {n})  # radians a position",
            "angle = torch.arange(T)[:, None] * speed",
            "cos, sin = angle.cos()[:, None], angle.sin()[:, None]",
        )
    else:
        T = ("from model.network.rotary import rotation", *T)
        turn = (
            f"cos, sin = rotation(lm.config.rotary_at({w.op.layer}), lm.config, 0, T, x)",
            "cos, sin = cos[:, None], sin[:, None]",
        )
    if rotary.interleaved:
        pairs = f"a, b = x[..., 0:{dim}:2], x[..., 1:{dim}:2]"
        both = "turned = torch.stack((a * cos - b * sin, b * cos + a * sin), -1).flatten(-2)"
    else:
        half = dim // 2
        pairs = f"a, b = x[..., :{half}], x[..., {half}:{dim}]"
        both = "turned = torch.cat((a * cos - b * sin, b * cos + a * sin), -1)"
    end: tuple[str, ...] = ()
    if dim < w.config.d_head:
        end = (f"turned = torch.cat((turned, x[..., {dim}:]), -1)",)
    start = (f"x = {w.read()}",)
    last = ("turned = turned.to(x.dtype)",)
    return Made((*start, *T, *turn, pairs, both, *end, *last), "turned")


def _shared(w: Wanted, name: str) -> str:
    """Keys or values, one for each query head."""
    times = w.config.n_heads // w.config.n_kv_heads
    return name if times == 1 else f"{name}.repeat_interleave({times}, 2)"


def _dot(w: Wanted) -> Made:
    product = f's = torch.einsum("bqhk,bshk->bhqs", q, {_shared(w, "k")})'
    return Made((f"q = {w.read()}", f"k = {w.read(1)}", product), "s")


def _scale(w: Wanted) -> Made:
    assert w.op.layer is not None
    usual = w.config.scales.scores is None and not w.config.scales.by_layer
    how = f"/ {w.config.d_head} ** 0.5" if usual else f"* {w.config.score_scale(w.op.layer)!r}"
    return Made((f"s = {w.read()} {how}",), "s")


def _bias(w: Wanted) -> Made:
    alibi, H = w.config.alibi, w.config.n_heads
    assert alibi is not None
    s = f"s = {w.read()}"
    if H & (H - 1) or alibi.bfloat16:  # slopes that have no short formula
        return Made(
            (
                "from model.network.span import alibi_bias",
                s,
                "T = s.shape[-1]",
                f"s = s + alibi_bias(lm.config.alibi, {H}, 0, T, T, s)",
            ),
            "s",
        )
    return Made(
        (
            s,
            f"h = torch.arange(1, {H + 1})",
            f"slope = {alibi.scale!r} * 2.0 ** (-{alibi.max_bias!r} * h / {H})",
            "i = torch.arange(s.shape[-1])",
            "s = s - slope[:, None, None] * (i[:, None] - i)",
        ),
        "s",
    )


def _cap(w: Wanted) -> Made:
    limit = w.config.caps.scores
    return Made((f"s = {limit!r} * torch.tanh({w.read()} / {limit!r})",), "s")


def _mask(w: Wanted) -> Made:
    assert w.op.layer is not None
    window = w.config.window_at(w.op.layer)
    seen = "j <= i" if window is None else f"(j <= i) & (j > i - {window})"
    if not w.config.causal:
        assert window is not None
        seen = f"(i - j).abs() <= {window // 2}"
    return Made(
        (
            f"s = {w.read()}",
            "j = torch.arange(s.shape[-1])",
            "i = j[:, None]",
            f"s = s.masked_fill(~({seen}), -torch.inf)",
        ),
        "s",
    )


def _pattern(w: Wanted) -> Made:
    return Made((f"A = {w.read()}.softmax(-1)",), "A")


def _mix(w: Wanted) -> Made:
    product = f'z = torch.einsum("bhqs,bshk->bqhk", A, {_shared(w, "v")})'
    return Made((f"A = {w.read()}", f"v = {w.read(1)}", product), "z")


def _join(w: Wanted) -> Made:
    product = 'torch.einsum("bthk,hkd->btd", z, W)' + (" + b" if w.has_bias else "")
    return Made((f"z = {w.read()}", *w.weight("W"), f"a = {w.times(product)}"), "a")


WRITERS: Mapping[str, Callable[[Wanted], Made]] = {
    "query": _heads("q"),
    "key": _heads("k"),
    "value": _heads("v"),
    "rotate": _rotate,
    "dot": _dot,
    "scale": _scale,
    "bias": _bias,
    "cap": _cap,
    "mask": _mask,
    "pattern": _pattern,
    "mix": _mix,
    "attn_out": _join,
}
"""By the kind of operation."""
