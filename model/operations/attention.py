"""The operations of one attention layer, from what it reads to what it writes."""

from __future__ import annotations

from model.config import TransformerConfig
from model.operations.operation import Kind, Steps, write_norm
from model.operations.scores import write_scores
from model.operations.words import scaled

_LETTERS: tuple[tuple[str, Kind, str, str, str], ...] = (
    ("q", "query", "H", "Queries", "What each position looks for, one query per head."),
    ("k", "key", "G", "Keys", "What each position offers to be found by, one key per head."),
    ("v", "value", "G", "Values", "What each position hands over when it is attended to."),
)


def attention(
    config: TransformerConfig, layer: int, source: str, output: str, symbol: str = "n_i"
) -> Steps:
    """Queries, keys and values; scores; pattern; the mixed values; the way back to the stream.

    Args:
        config: of the network.
        layer: index of the block.
        source: name of the activation that is read.
        output: name of the activation that is written.
        symbol: what formulas call the activation that is read.
    """
    steps = Steps(layer, "attention")
    attn = f"blocks.{layer}.attn"
    clip = config.caps.qkv
    read = {}
    for letter, kind, heads, label, says in _LETTERS:
        upper = letter.upper()
        product = f"{symbol} · W_{upper}" + (" + b" if config.qkv_bias else "")
        read[letter] = steps.write(
            f"{attn}.hook_{letter}",
            kind,
            (source,),
            (f"{attn}.W_{upper}", f"{attn}.b_{upper}")
            if config.qkv_bias
            else (f"{attn}.W_{upper}",),
            f"BT{heads}K",
            label,
            f"{letter}_i = " + (product if clip is None else f"clip({product}, ±{clip:g})"),
            says,
        )
    if config.qk_norm is not None:
        for letter, heads in (("q", "H"), ("k", "G")):
            joined = config.qk_norm.over == "all heads"
            read[letter] = write_norm(
                steps,
                config,
                f"{attn}.{letter}_norm",
                read[letter],
                bias=config.qk_norm.bias,
                symbols=(f"{letter}_i", f"{letter}_i ←"),
                label="Query norm" if letter == "q" else "Key norm",
                shapes=("BT11" if joined else f"BT{heads}1", f"BT{heads}K"),
                sentence="Brought to a common length, so that no score grows out of bounds: "
                + ("all heads together." if joined else "each head by itself."),
            )
    if config.rotary_at(layer) is not None:
        for letter, heads in (("q", "H"), ("k", "G")):
            read[letter] = steps.write(
                f"{attn}.hook_rot_{letter}",
                "rotate",
                (read[letter],),
                (),
                f"BT{heads}K",
                "Rotate queries" if letter == "q" else "Rotate keys",
                f"{letter}_i ← R(i) {letter}_i",
                "Pairs of dimensions turn with the position: query · key then depends on the "
                "distance.",
            )
    scores = write_scores(steps, config, layer, read["q"], read["k"])
    pattern = steps.write(
        f"{attn}.hook_pattern",
        "pattern",
        (scores,),
        (),
        "BHQS",
        "Softmax",
        "A_ij = exp(s_ij) / Σ_j exp(s_ij)",
        "Scores become weights: each row says how one position divides its attention, "
        "and sums to one.",
    )
    mixed = steps.write(
        f"{attn}.hook_z",
        "mix",
        (pattern, read["v"]),
        (),
        "BTHK",
        "Weighted values",
        "z_i = Σ_j A_ij v_j",
        "Each head takes the weighted mean of the values it attends to.",
    )
    product = "concat(z_i) · W_O" + (" + b" if config.out_bias else "")
    steps.write(
        output,
        "attn_out",
        (mixed,),
        (f"{attn}.W_O", f"{attn}.b_O") if config.out_bias else (f"{attn}.W_O",),
        "BTD",
        "Join heads",
        f"a_i = {scaled(product, config.scales.residual)}",
        "The heads' results are joined and mapped back to the width of the residual stream.",
    )
    return steps
