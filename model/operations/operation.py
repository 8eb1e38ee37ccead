"""What one operation is: its names, shapes and words, and a list of them that grows.

Shapes use these letters: B batch, T position, D d_model, E d_embed, H query heads, G key/value
heads, K d_head, M d_mlp, X experts, A active experts, V d_vocab; Q and S are positions of a query
and of a key.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, TypeAlias

from model.config import TransformerConfig

Kind: TypeAlias = Literal[
    "tokens",
    "embed",
    "project_in",
    "pos_embed",
    "token_type_embed",
    "add",
    "norm_scale",
    "norm",
    "query",
    "key",
    "value",
    "rotate",
    "dot",
    "scale",
    "bias",
    "cap",
    "mask",
    "pattern",
    "mix",
    "attn_out",
    "router",
    "expert_weights",
    "expert_indices",
    "expert_shares",
    "mlp_gate",
    "mlp_in",
    "mlp_act",
    "mlp_out",
    "head_dense",
    "head_act",
    "project_out",
    "unembed",
    "softmax",
]
Group: TypeAlias = Literal["embed", "attention", "mlp", "unembed"]

INPUT_IDS = "input_ids"
LOGITS = "logits"
PROBABILITIES = "probabilities"


@dataclass(frozen=True, slots=True)
class Operation:
    """One step of the forward pass.

    Attributes:
        output: full name of the activation written, for example ``blocks.0.attn.hook_q``.
        kind: which computation it is.
        inputs: names of the activations read, in the order of the formula.
        parameters: names of the network's parameters read.
        shape: letters of the output's shape, for example ``BTHK`` (legend above).
        label: a few words for a map or a list.
        formula: one line in the field's notation.
        sentence: what it does, for a person.
        layer: index of the block, or None outside the blocks.
        group: ``"embed"``, ``"attention"``, ``"mlp"`` or ``"unembed"``: for folding a map.
    """

    output: str
    kind: Kind
    inputs: tuple[str, ...]
    parameters: tuple[str, ...]
    shape: str
    label: str
    formula: str
    sentence: str
    layer: int | None = None
    group: Group = "embed"


class Steps(list[Operation]):
    """Operations in the making, all of one layer and group."""

    def __init__(self, layer: int | None, group: Group) -> None:
        super().__init__()
        self.layer = layer
        self.group: Group = group

    def write(
        self,
        output: str,
        kind: Kind,
        inputs: tuple[str, ...],
        parameters: tuple[str, ...],
        shape: str,
        label: str,
        formula: str,
        sentence: str,
    ) -> str:
        """Append an operation; returns the name of what it writes."""
        op = Operation(
            output,
            kind,
            inputs,
            parameters,
            shape,
            label,
            formula,
            sentence,
            self.layer,
            self.group,
        )
        self.append(op)
        return output


def write_norm(
    steps: Steps,
    config: TransformerConfig,
    name: str,
    source: str,
    output: str | None = None,
    bias: bool | None = None,
    shapes: tuple[str, str] = ("BT1", "BTD"),
    symbols: tuple[str, str] = ("r_i", "n_i ="),
    label: str = "",
    sentence: str = "Each vector is brought to a common length, so that no layer meets growing "
    "values.",
) -> str:
    """The two recorded halves of a norm: its scale and its result.

    Args:
        steps: where they are appended.
        config: says which kind of norm.
        name: the norm's, for example ``blocks.0.ln1``.
        source: the activation that is normed.
        output: of the result, if not ``name.hook_normalized``.
        bias: whether it has one, if not as the config says.
        shapes: of the scale and of the result.
        symbols: what the formula calls the source, and how it begins.
        label: if not the kind of norm.
        sentence: what it is for.

    Returns:
        Name of the result.
    """
    rms = config.norm == "rms"
    has_bias = not rms and (config.norms.bias if bias is None else bias)
    has_weight = config.norms.weight
    kind = "RMSNorm" if rms else "LayerNorm"
    weight = f"({config.norms.offset:g} + w)" if config.norms.offset else "w"
    x, result = symbols
    centred = x if rms else f"({x} − mean({x}))"
    scale = steps.write(
        f"{name}.hook_scale",
        "norm_scale",
        (source,),
        (),
        shapes[0],
        f"{label or kind} scale",
        f"σ_i = √(mean({x}²) + ε)" if rms else f"σ_i = √(var({x}) + ε)",
        "How large the numbers of each vector are: the norm divides by it."
        if rms
        else "How far the numbers of each vector lie from their mean: the norm divides by it.",
    )
    return steps.write(
        output or f"{name}.hook_normalized",
        "norm",
        (source, scale),
        (f"{name}.w",) * has_weight + (f"{name}.b",) * has_bias,
        shapes[1],
        label or kind,
        f"{result} {centred} / σ_i" + f" ⊙ {weight}" * has_weight + " + b" * has_bias,
        sentence,
    )


def norm_name(op: Operation) -> str:
    """Whose result an operation of kind ``norm`` is, for example ``blocks.0.ln1``."""
    return op.inputs[1].removesuffix(".hook_scale")


def shape_of(
    op: Operation, config: TransformerConfig, batch: int, position: int
) -> tuple[int, ...]:
    """The shape that an operation writes for a batch and a length."""
    sizes = {
        "B": batch,
        "T": position,
        "Q": position,
        "S": position,
        "D": config.d_model,
        "E": config.d_embed,
        "H": config.n_heads,
        "G": config.n_kv_heads,
        "K": config.d_head,
        "M": config.d_mlp,
        "X": 0 if config.experts is None else config.experts.n,
        "A": 0 if config.experts is None else config.experts.n_active,
        "V": config.d_vocab,
        "1": 1,
    }
    return tuple(sizes[letter] for letter in op.shape)
