"""The operations of one MLP, or of a mixture of experts in its place."""

from __future__ import annotations

from model.config import Experts, TransformerConfig
from model.counting import counted
from model.operations.operation import Kind, Steps
from model.operations.words import ACTIVATIONS, scaled


def mlp(
    config: TransformerConfig, layer: int, source: str, output: str, symbol: str = "n_i"
) -> Steps:
    """The hidden layer and the way back to the stream.

    TransformerLens: ``hook_pre`` of a gated MLP is the gate before the activation,
    ``hook_pre_linear`` the value that it multiplies, ``hook_post`` their product.

    Args:
        config: of the network.
        layer: index of the block.
        source: name of the activation that is read.
        output: name of the activation that is written.
        symbol: what formulas call the activation that is read.
    """
    steps = Steps(layer, "mlp")
    name = f"blocks.{layer}.mlp"
    experts = config.experts
    indices: tuple[str, ...] = ()
    shares: tuple[str, ...] = ()
    if experts is not None:
        share, index = _routing(steps, experts, name, source, symbol)
        shares, indices = (share,), (index,)
    shape = "BTM" if experts is None else "BTAM"
    suffix = "" if experts is None else "^e"
    bias = " + b" if config.mlp_bias else ""
    act = ACTIVATIONS[config.activation]

    def parameters(which: str) -> tuple[str, ...]:
        places = [name] if experts is None else [f"{name}.experts.{e}" for e in range(experts.n)]
        kinds = ("W", "b") if config.mlp_bias else ("W",)
        return tuple(f"{place}.{kind}_{which}" for place in places for kind in kinds)

    def linear(hook: str, kind: Kind, which: str, label: str, letter: str, says: str) -> str:
        return steps.write(
            f"{name}.{hook}",
            kind,
            (source, *indices),
            parameters(which),
            shape,
            label,
            f"{letter}_i{suffix} = {symbol} · W_{which}{suffix}{bias}",
            says,
        )

    if config.gated:
        gate = linear(
            "hook_pre",
            "mlp_gate",
            "gate",
            "MLP gate",
            "g",
            "Each neuron has a gate: the vector times a column of the gate's own matrix.",
        )
        up = linear(
            "hook_pre_linear",
            "mlp_in",
            "in",
            "MLP up",
            "u",
            "Beside its gate each neuron gets a value, of which the gate lets a part through.",
        )
        hidden = steps.write(
            f"{name}.hook_post",
            "mlp_act",
            (gate, up),
            (),
            shape,
            f"{act} × up",
            f"h_i{suffix} = {act}(g_i{suffix}) ⊙ u_i{suffix}",
            "The gate decides how much of each value passes.",
        )
    else:
        up = linear(
            "hook_pre",
            "mlp_in",
            "in",
            "MLP up",
            "u",
            "Each neuron asks one question of the vector: how much of its own direction is in it?",
        )
        hidden = steps.write(
            f"{name}.hook_post",
            "mlp_act",
            (up,),
            (),
            shape,
            act,
            f"h_i{suffix} = {act}(u_i{suffix})",
            "A neuron whose answer is positive fires; the others stay almost silent.",
        )
    product = f"h_i · W_out{bias}" if experts is None else f"Σ_e w_ie (h_i^e · W_out^e{bias})"
    steps.write(
        output,
        "mlp_out",
        (hidden, *shares, *indices),
        parameters("out"),
        "BTD",
        "MLP down",
        f"m_i = {scaled(product, config.scales.residual)}",
        "Each neuron adds a direction of its own to the stream, as strongly as it fires."
        if experts is None
        else "Each firing neuron adds its own direction, as much as its expert was given.",
    )
    return steps


def _routing(
    steps: Steps, experts: Experts, name: str, source: str, symbol: str
) -> tuple[str, str]:
    """Which experts each position is sent to, and how much each of them counts."""
    one = experts.n_active == 1
    router = steps.write(
        f"{name}.hook_router",
        "router",
        (source,),
        (f"{name}.W_router",),
        "BTX",
        "Router",
        f"ρ_i = {symbol} · W_router",
        f"Each position is compared with {counted(experts.n, 'expert')}.",
    )
    weights = steps.write(
        f"{name}.hook_expert_weights",
        "expert_weights",
        (router,),
        (),
        "BTX",
        "Expert weights",
        "π_i = exp(ρ_i) / Σ exp(ρ_i)",
        "The scores of the experts become weights that sum to one.",
    )
    indices = steps.write(
        f"{name}.hook_expert_indices",
        "expert_indices",
        (weights,),
        (),
        "BTA",
        f"Top {counted(experts.n_active, 'expert')}",
        f"e_i = the {'' if one else f'{experts.n_active} '}largest of π_i",
        "Only the expert with the largest weight is asked."
        if one
        else f"Only the {experts.n_active} experts with the largest weights are asked.",
    )
    shares = steps.write(
        f"{name}.hook_expert_shares",
        "expert_shares",
        (weights, indices),
        (),
        "BTA",
        "Expert shares",
        "w_ie = π_ie / Σ_e π_ie" if experts.normalized else "w_ie = π_ie",
        "How much each of them counts"
        + ("; the shares of the chosen sum to one." if experts.normalized else "."),
    )
    return shares, indices
