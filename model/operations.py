"""The forward pass as an ordered list of named operations.

What the network does, as data: each operation has a name (the activation that it writes, under
its TransformerLens name), the activations and parameters that it reads, the shape of what it
writes, a formula and a sentence. The traced path of `model.transformer` executes this very list,
the window draws it, the command line saves its outputs; so another architecture draws itself.

Knows the config, but neither weights nor torch.

Shapes use these letters: B batch, T position, D d_model, H query heads, G key/value heads,
K d_head, M d_mlp, V d_vocab; Q and S are positions of a query and of a key.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from fnmatch import fnmatchcase
from types import MappingProxyType
from typing import Literal

from model.config import TransformerConfig

Kind = Literal[
    "tokens",
    "embed",
    "pos_embed",
    "add",
    "norm_scale",
    "norm",
    "query",
    "key",
    "value",
    "rotate",
    "scores",
    "pattern",
    "mix",
    "attn_out",
    "mlp_gate",
    "mlp_in",
    "mlp_act",
    "mlp_out",
    "unembed",
    "softmax",
]

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
    group: Literal["embed", "attention", "mlp", "unembed"] = "embed"


def operations(config: TransformerConfig) -> tuple[Operation, ...]:
    """Every operation of the network, in the order in which it runs.

    The first is the tokens themselves (``input_ids``), the last but one the logits; the last,
    ``probabilities``, is the softmax that prediction applies and is no part of the network.
    """
    ops: list[Operation] = [
        Operation(
            INPUT_IDS,
            "tokens",
            (),
            (),
            "BT",
            "Tokens",
            "t = tokenize(text)",
            "The text is cut into tokens; the network sees only their ids.",
        ),
        Operation(
            "hook_embed",
            "embed",
            (INPUT_IDS,),
            ("W_E",),
            "BTD",
            "Embed",
            "x_i = W_E[t_i]",
            "Each id fetches its row of the embedding table: the token's vector, "
            "the same wherever it stands.",
        ),
    ]
    resid = "hook_embed"
    if config.positions in ("learned", "sinusoidal"):
        learned = config.positions == "learned"
        ops.append(
            Operation(
                "hook_pos_embed",
                "pos_embed",
                (INPUT_IDS,),
                ("W_pos",) if learned else (),
                "BTD",
                "Position",
                "p_i = W_pos[i]" if learned else "p_i = [sin(i/10000^(2k/D)), cos(…)]",
                "Each position has a vector of its own"
                + (", learned like the embedding." if learned else ": sines of many wavelengths."),
            )
        )
        ops.append(
            Operation(
                "blocks.0.hook_resid_pre",
                "add",
                ("hook_embed", "hook_pos_embed"),
                (),
                "BTD",
                "Embed + position",
                "r_i = x_i + p_i",
                "Token and position vectors are added: the residual stream begins.",
            )
        )
        resid = "blocks.0.hook_resid_pre"
    for layer in range(config.n_layers):
        block = _block(config, layer, resid)
        ops.extend(block)
        resid = f"blocks.{layer}.hook_resid_post"
    ops.extend(_norm(config, "ln_final", resid, None, "unembed"))
    ops.append(
        Operation(
            LOGITS,
            "unembed",
            ("ln_final.hook_normalized",),
            ("W_E",) if config.tied_embeddings else ("W_U",),
            "BTV",
            "Unembed",
            "logits = x · W_Eᵀ" if config.tied_embeddings else "logits = x · W_U",
            "The vector at each position is compared with one vector per token of the "
            "vocabulary: a score for each token that might come next.",
            None,
            "unembed",
        )
    )
    ops.append(
        Operation(
            PROBABILITIES,
            "softmax",
            (LOGITS,),
            (),
            "BTV",
            "Softmax",
            "p = exp(logits / τ) / Σ exp(logits / τ)",
            "Scores become probabilities that sum to one; the temperature τ sharpens or "
            "flattens them.",
            None,
            "unembed",
        )
    )
    return tuple(ops)


def _norm(
    config: TransformerConfig,
    name: str,
    source: str,
    layer: int | None,
    group: Literal["attention", "mlp", "unembed"],
) -> list[Operation]:
    """The two recorded halves of a norm: its scale and its result."""
    rms = config.norm == "rms"
    kind_name = "RMSNorm" if rms else "LayerNorm"
    scale = f"{name}.hook_scale"
    return [
        Operation(
            scale,
            "norm_scale",
            (source,),
            (),
            "BT1",
            f"{kind_name} scale",
            "σ_i = √(mean(r_i²) + ε)" if rms else "σ_i = √(var(r_i) + ε)",
            "How long the vector at each position is"
            + ("." if rms else ", once its mean is taken away."),
            layer,
            group,
        ),
        Operation(
            f"{name}.hook_normalized",
            "norm",
            (source, scale),
            (f"{name}.w",) if rms else (f"{name}.w", f"{name}.b"),
            "BTD",
            kind_name,
            "n_i = r_i / σ_i ⊙ w" if rms else "n_i = (r_i − mean(r_i)) / σ_i ⊙ w + b",
            "Every position's vector is brought to a common length before it is read, "
            "so that no layer has to cope with growing values.",
            layer,
            group,
        ),
    ]


def _block(config: TransformerConfig, layer: int, resid: str) -> list[Operation]:
    b = f"blocks.{layer}"
    attn = f"{b}.attn"
    ops = _norm(config, f"{b}.ln1", resid, layer, "attention")
    normalized = f"{b}.ln1.hook_normalized"

    def add(
        output: str,
        kind: Kind,
        inputs: tuple[str, ...],
        parameters: tuple[str, ...],
        shape: str,
        label: str,
        formula: str,
        sentence: str,
        group: Literal["attention", "mlp"] = "attention",
    ) -> None:
        ops.append(
            Operation(
                output, kind, inputs, parameters, shape, label, formula, sentence, layer, group
            )
        )

    def bias(*names: str) -> tuple[str, ...]:
        return names if config.attention_bias else ()

    plus_b = " + b" if config.attention_bias else ""
    for letter, kind, heads, says in (
        ("q", "query", "H", "What each position looks for, one query per head."),
        ("k", "key", "G", "What each position offers to be found by, one key per head."),
        ("v", "value", "G", "What each position hands over when it is attended to."),
    ):
        add(
            f"{attn}.hook_{letter}",
            kind,  # type: ignore[arg-type]
            (normalized,),
            (f"{attn}.W_{letter.upper()}", *bias(f"{attn}.b_{letter.upper()}")),
            f"BT{heads}K",
            {"q": "Queries", "k": "Keys", "v": "Values"}[letter],
            f"{letter}_i = n_i · W_{letter.upper()}{plus_b}",
            says,
        )
    query, key = f"{attn}.hook_q", f"{attn}.hook_k"
    if config.positions == "rotary":
        for letter, heads in (("q", "H"), ("k", "G")):
            add(
                f"{attn}.hook_rot_{letter}",
                "rotate",
                (f"{attn}.hook_{letter}",),
                (),
                f"BT{heads}K",
                "Rotate queries" if letter == "q" else "Rotate keys",
                f"{letter}_i ← R(i) {letter}_i",
                "Pairs of dimensions turn by an angle that grows with the position, so that "
                "query · key depends on how far apart they are.",
            )
        query, key = f"{attn}.hook_rot_q", f"{attn}.hook_rot_k"
    masked = ", −∞ for j > i" if config.causal else ""
    add(
        f"{attn}.hook_attn_scores",
        "scores",
        (query, key),
        (),
        "BHQS",
        "Q · K / √d",
        f"s_ij = q_i · k_j / √d_head{masked}",
        "Every query meets every key"
        + (" up to its own position; later ones are masked." if config.causal else "."),
    )
    add(
        f"{attn}.hook_pattern",
        "pattern",
        (f"{attn}.hook_attn_scores",),
        (),
        "BHQS",
        "Softmax" if not config.causal else "Mask, softmax",
        "A_ij = exp(s_ij) / Σ_j exp(s_ij)",
        "Scores become weights: each row says how one position divides its attention, "
        "and sums to one.",
    )
    add(
        f"{attn}.hook_z",
        "mix",
        (f"{attn}.hook_pattern", f"{attn}.hook_v"),
        (),
        "BTHK",
        "× V",
        "z_i = Σ_j A_ij v_j",
        "Each head takes the weighted mean of the values it attends to.",
    )
    add(
        f"{b}.hook_attn_out",
        "attn_out",
        (f"{attn}.hook_z",),
        (f"{attn}.W_O", *bias(f"{attn}.b_O")),
        "BTD",
        "Join heads",
        f"a_i = concat(z_i) · W_O{plus_b}",
        "The heads' results are joined and mapped back to the width of the residual stream.",
    )
    if config.parallel:
        mlp_source = normalized
    else:
        add(
            f"{b}.hook_resid_mid",
            "add",
            (resid, f"{b}.hook_attn_out"),
            (),
            "BTD",
            "+ attention",
            "r_i ← r_i + a_i",
            "What attention found is added to the residual stream; nothing is overwritten.",
        )
        ops.extend(_norm(config, f"{b}.ln2", f"{b}.hook_resid_mid", layer, "mlp"))
        mlp_source = f"{b}.ln2.hook_normalized"

    mlp = f"{b}.mlp"
    mlp_b = " + b" if config.mlp_bias else ""
    act = _ACTIVATION_FORMULA[config.activation]

    def mlp_bias(*names: str) -> tuple[str, ...]:
        return names if config.mlp_bias else ()

    if config.gated:
        # TransformerLens: hook_pre is the gate before the activation, hook_pre_linear the
        # value that it multiplies, hook_post their product.
        add(
            f"{mlp}.hook_pre",
            "mlp_gate",
            (mlp_source,),
            (f"{mlp}.W_gate", *mlp_bias(f"{mlp}.b_gate")),
            "BTM",
            "MLP gate",
            f"g_i = n_i · W_gate{mlp_b}",
            "Each gate asks one question of the vector.",
            "mlp",
        )
        add(
            f"{mlp}.hook_pre_linear",
            "mlp_in",
            (mlp_source,),
            (f"{mlp}.W_in", *mlp_bias(f"{mlp}.b_in")),
            "BTM",
            "MLP up",
            f"u_i = n_i · W_in{mlp_b}",
            "And a value for each gate to let through.",
            "mlp",
        )
        add(
            f"{mlp}.hook_post",
            "mlp_act",
            (f"{mlp}.hook_pre", f"{mlp}.hook_pre_linear"),
            (),
            "BTM",
            f"{act} × up",
            f"h_i = {act}(g_i) ⊙ u_i",
            "The gate decides how much of each value passes.",
            "mlp",
        )
    else:
        add(
            f"{mlp}.hook_pre",
            "mlp_in",
            (mlp_source,),
            (f"{mlp}.W_in", *mlp_bias(f"{mlp}.b_in")),
            "BTM",
            "MLP up",
            f"u_i = n_i · W_in{mlp_b}",
            "Each neuron asks one question of the vector at its position.",
            "mlp",
        )
        add(
            f"{mlp}.hook_post",
            "mlp_act",
            (f"{mlp}.hook_pre",),
            (),
            "BTM",
            act,
            f"h_i = {act}(u_i)",
            "A neuron whose answer is positive fires; the others stay almost silent.",
            "mlp",
        )
    add(
        f"{b}.hook_mlp_out",
        "mlp_out",
        (f"{mlp}.hook_post",),
        (f"{mlp}.W_out", *mlp_bias(f"{mlp}.b_out")),
        "BTD",
        "MLP down",
        f"m_i = h_i · W_out{mlp_b}",
        "Each firing neuron adds its own direction.",
        "mlp",
    )
    add(
        f"{b}.hook_resid_post",
        "add",
        (resid, f"{b}.hook_attn_out", f"{b}.hook_mlp_out")
        if config.parallel
        else (f"{b}.hook_resid_mid", f"{b}.hook_mlp_out"),
        (),
        "BTD",
        "+ attention + MLP" if config.parallel else "+ MLP",
        "r_i ← r_i + a_i + m_i" if config.parallel else "r_i ← r_i + m_i",
        "What the block found is added to the residual stream, which goes on to the next block.",
        "mlp",
    )
    return ops


_ACTIVATION_FORMULA: Mapping[str, str] = MappingProxyType(
    {"gelu_tanh": "GELU", "gelu": "GELU", "relu": "ReLU", "relu2": "ReLU²", "silu": "SiLU"}
)


def aliases(config: TransformerConfig) -> dict[str, str]:
    """Names that researchers type for a tensor that an operation writes under another name.

    Returns:
        alias -> name of the recorded activation, for example ``blocks.1.hook_resid_pre`` ->
        ``blocks.0.hook_resid_post``. The tensors are the same, not copies.
    """
    same = {
        f"blocks.{layer}.hook_resid_pre": f"blocks.{layer - 1}.hook_resid_post"
        for layer in range(1, config.n_layers)
    }
    if config.positions not in ("learned", "sinusoidal"):
        same["blocks.0.hook_resid_pre"] = "hook_embed"
    same["unembed.hook_in"] = "ln_final.hook_normalized"
    same["unembed.hook_out"] = LOGITS
    return same


def activation_names(config: TransformerConfig) -> tuple[str, ...]:
    """Every name that a trace answers to: recorded activations in order, then aliases."""
    recorded = tuple(op.output for op in operations(config) if op.output != PROBABILITIES)
    return recorded + tuple(aliases(config))


def full_name(name: str, known: Iterable[str]) -> str:
    """The full TransformerLens name for a name with or without ``hook_``.

    ``blocks.0.attn.pattern`` and ``blocks.0.attn.hook_pattern`` mean the same.

    Raises:
        KeyError: no known activation has that name; the message offers near ones.
    """
    known = tuple(known)
    if name in known:
        return name
    head, _, tail = name.rpartition(".")
    hooked = f"{head}.hook_{tail}" if head else f"hook_{tail}"
    if hooked in known:
        return hooked
    from difflib import get_close_matches

    near = get_close_matches(name, known, n=3)
    hint = f" Near it: {', '.join(near)}." if near else ""
    raise KeyError(f"No activation is called {name!r}.{hint}")


def matching_names(globs: Iterable[str], known: Iterable[str]) -> tuple[str, ...]:
    """The known names that any of the globs matches, in the known order.

    A glob is a shell pattern over full or short names: ``*.attn.hook_pattern``, ``blocks.0.*``.

    Raises:
        KeyError: a glob matches nothing.
    """
    known = tuple(known)
    chosen: set[str] = set()
    for glob in globs:
        hits = {
            name
            for name in known
            if fnmatchcase(name, glob) or fnmatchcase(name.replace("hook_", ""), glob)
        }
        if not hits:
            raise KeyError(f"No activation matches {glob!r}.")
        chosen |= hits
    return tuple(name for name in known if name in chosen)


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
        "H": config.n_heads,
        "G": config.n_kv_heads,
        "K": config.d_head,
        "M": config.d_mlp,
        "V": config.d_vocab,
        "1": 1,
    }
    return tuple(sizes[letter] for letter in op.shape)
