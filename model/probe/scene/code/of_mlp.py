"""The lines of Python of MLPs, mixtures of experts and other linear maps."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from model.probe.scene.code.wanted import Made, Wanted

ACTIVATIONS = {
    "gelu_tanh": 'torch.nn.functional.gelu({}, approximate="tanh")',
    "gelu": "torch.nn.functional.gelu({})",
    "relu": "{}.relu()",
    "relu2": "{}.relu().square()",
    "silu": "torch.nn.functional.silu({})",
    "quick_gelu": "{0} * torch.sigmoid(1.702 * {0})",
    "gelu_10": "torch.nn.functional.gelu({}).clamp(-10, 10)",
    "mish": "torch.nn.functional.mish({})",
    "tanh": "{}.tanh()",
    "sigmoid": "{}.sigmoid()",
    "relu6": "torch.nn.functional.relu6({})",
    "leaky_relu": "torch.nn.functional.leaky_relu({})",
    "hardswish": "torch.nn.functional.hardswish({})",
    "laplace": "0.5 * (1 + torch.erf(({} - 0.707107) / (0.282095 * 2**0.5)))",
    "sqrtsoftplus": "torch.nn.functional.softplus({}).sqrt()",
    "linear": "{}",
}


def _expert_weights(w: Wanted) -> Made:
    wide = ".float()" if w.is_half else ""
    return Made((f"pi = {w.read()}{wide}.softmax(-1)",), "pi")


def _linear(letter: str) -> Callable[[Wanted], Made]:
    def made(w: Wanted) -> Made:
        if w.config.experts is not None and w.op.kind in ("mlp_in", "mlp_gate"):
            return _of_experts(w, letter)
        product = "x @ W" + (" + b" if w.has_bias else "")
        return Made((f"x = {w.read()}", *w.weight("W"), f"{letter} = {product}"), letter)

    return made


def _of_experts(w: Wanted, letter: str) -> Made:
    """One expert after the other, at the positions that were sent to it."""
    weight, bias = _expert_names(w)
    return Made(
        (
            f"x = {w.read()}",
            f"experts = {w.read(1)}  # [batch, position, place]",
            f"{letter} = x.new_zeros(*experts.shape, {w.config.d_mlp})",
            *_each_expert(weight, bias),
            f"    {letter}[where] = x[where[:2]] @ W{' + b' if bias else ''}",
        ),
        letter,
    )


def _each_expert(weight: str, bias: str) -> tuple[str, ...]:
    """Begins a loop over the experts that were chosen: ``W``, ``b``, and where each was."""
    return (
        "for e in experts.unique().tolist():",
        f"    W = lm.parameter({weight})",
        *((f"    b = lm.parameter({bias})",) if bias else ()),
        "    where = (experts == e).nonzero(as_tuple=True)",
    )


def _expert_names(w: Wanted) -> tuple[str, str]:
    """The parameters of an expert as f-strings of its number."""
    both = [name for name in w.op.parameters if ".experts.0." in name]
    found = [f'f"{name.replace(".experts.0.", ".experts.{e}.")}"' for name in both]
    return found[0], found[1] if len(found) > 1 else ""


def _activation(w: Wanted) -> Made:
    act = ACTIVATIONS[w.config.activation]
    if not w.config.gated:
        return Made((f"h = {act.format(w.read())}",), "h")
    return Made((f"g = {w.read()}", f"u = {w.read(1)}", f"h = {act.format('g')} * u"), "h")


def _head_activation(w: Wanted) -> Made:
    assert w.config.masked_head is not None
    act = ACTIVATIONS[w.config.masked_head.activation]
    return Made((f"h = {act.format(w.read())}",), "h")


def _down(w: Wanted) -> Made:
    if w.config.experts is None:
        product = "h @ W" + (" + b" if w.has_bias else "")
        return Made((f"h = {w.read()}", *w.weight("W"), f"m = {w.times(product)}"), "m")
    weight, bias = _expert_names(w)
    total = w.times("each.sum(2)")
    return Made(
        (
            f"h = {w.read()}",
            f"shares = {w.read(1)}",
            f"experts = {w.read(2)}  # [batch, position, place]",
            f"each = h.new_zeros(*experts.shape, {w.config.d_model}, dtype=shares.dtype)",
            *_each_expert(weight, bias),
            f"    each[where] = shares[where][:, None] * (h[where] @ W{' + b' if bias else ''})",
            f"m = ({total}).to(h.dtype)",
        ),
        "m",
    )


def _choose(w: Wanted) -> Made:
    assert w.config.experts is not None
    return Made((f"e = {w.read()}.topk({w.config.experts.n_active}).indices",), "e")


def _share(w: Wanted) -> Made:
    assert w.config.experts is not None
    chosen = f"w = {w.read()}.gather(-1, e)"
    sum_to_one = ("w = w / w.sum(-1, keepdim=True)",) if w.config.experts.normalized else ()
    return Made((f"e = {w.read(1)}", chosen, *sum_to_one), "w")


WRITERS: Mapping[str, Callable[[Wanted], Made]] = {
    "project_in": _linear("x"),
    "router": _linear("rho"),
    "expert_weights": _expert_weights,
    "expert_indices": _choose,
    "expert_shares": _share,
    "mlp_gate": _linear("g"),
    "mlp_in": _linear("u"),
    "mlp_act": _activation,
    "mlp_out": _down,
    "head_dense": _linear("h"),
    "head_act": _head_activation,
    "project_out": _linear("x"),
}
"""By the kind of operation."""
