"""The lines of Python of the stream: both ends of the network, sums and norms."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from model.probe.scene.code.wanted import Made, Wanted


def _tokens(w: Wanted) -> Made:
    return Made(("ids = lm.ids(text)",), "ids")


def _embed(w: Wanted) -> Made:
    row = f'lm.parameter("W_E")[{w.read()}]'
    scale = w.config.scales.embedding
    return Made((f"x = {row}" + ("" if scale == 1 else f" * {scale!r}"),), "x")


def _positions(w: Wanted) -> Made:
    T = f"T = {w.read()}.shape[1]"
    if w.op.parameters:
        first = w.config.position_offset
        rows = f"{first} : {first} + T" if first else ":T"
        return Made((T, f"p = {w.parameter()}[None, {rows}]"), "p")
    D = w.config.d_model
    return Made(
        (
            T,
            f"angle = torch.arange(T)[:, None] / 10_000 ** (torch.arange(0, {D}, 2) / {D})",
            f"p = torch.stack((angle.sin(), angle.cos()), -1).flatten(-2)[None, :, :{D}]",
            'p = p.to(lm.parameter("W_E").dtype)',
        ),
        "p",
    )


def _token_type(w: Wanted) -> Made:
    return Made((f"y = {w.parameter()}[0].expand(*{w.read()}.shape, -1)",), "y")


def _add(w: Wanted) -> Made:
    letters = "rab"[: len(w.op.inputs)]
    read = tuple(f"{letter} = {w.read(at)}" for at, letter in enumerate(letters))
    return Made((*read, f"r = {' + '.join(letters)}"), "r")


def _axes(w: Wanted) -> str:
    joined = w.config.qk_norm is not None and w.config.qk_norm.over == "all heads"
    return "(-2, -1)" if joined and w.op.output.rsplit(".", 2)[-2] in ("q_norm", "k_norm") else "-1"


def _norm_scale(w: Wanted) -> Made:
    how = {
        "rms": f"x.square().mean({_axes(w)}, keepdim=True)",
        "layer": f"x.var({_axes(w)}, keepdim=True, correction=0)",
    }[w.config.norm]
    return Made((f"x = {w.read()}", f"sigma = ({how} + {w.config.norm_eps!r}).sqrt()"), "sigma")


def _norm(w: Wanted) -> Made:
    config = w.config
    centred = "x" if config.norm == "rms" else f"(x - x.mean({_axes(w)}, keepdim=True))"
    if not w.op.parameters:
        lines = (f"x = {w.read()}", f"sigma = {w.read(1)}", f"n = {centred} / sigma")
        return Made(lines, "n")
    weight = f"({config.norms.offset!r} + w)" if config.norms.offset else "w"
    n = f"n = {centred} / sigma * {weight}" + (" + b" if w.has_bias else "")
    return Made((f"x = {w.read()}", f"sigma = {w.read(1)}", *w.weight("w"), n), "n")


def _unembed(w: Wanted) -> Made:
    W = "W.T" if w.config.tied_embeddings else "W"
    product = f"x @ {W}" + (" + b" if w.has_bias else "")
    if w.config.scales.logits != 1:
        product = f"({product}) * {w.config.scales.logits!r}"
    cap = w.config.caps.logits
    ends = () if cap is None else (f"logits = {cap!r} * torch.tanh(logits / {cap!r})",)
    return Made((f"x = {w.read()}", *w.weight("W"), f"logits = {product}", *ends), "logits")


def _probabilities(w: Wanted) -> Made:
    s, at = w.sampling, f"[0, {w.position}]"
    if s.temperature > 0 and s.top_k == 0 and s.top_p == 1:
        divided = "" if s.temperature == 1 else f" / {s.temperature!r}"
        return Made((f"p = ({w.read(0, at)}{divided}).double().softmax(-1)",), "p", at)
    how = f"model.Sampling(temperature={s.temperature!r}, top_k={s.top_k}, top_p={s.top_p!r})"
    return Made((f"p = model.probabilities({w.read(0, at)}, {how})",), "p", at)


WRITERS: Mapping[str, Callable[[Wanted], Made]] = {
    "tokens": _tokens,
    "embed": _embed,
    "pos_embed": _positions,
    "token_type_embed": _token_type,
    "add": _add,
    "norm_scale": _norm_scale,
    "norm": _norm,
    "unembed": _unembed,
    "softmax": _probabilities,
}
"""By the kind of operation."""
