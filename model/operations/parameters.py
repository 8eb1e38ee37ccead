"""What the axes of a parameter are, in TransformerLens' layout, and how long.

Letters as of activations' shapes: V tokens, D d_model, E d_embed, P positions, H heads, G key/value
heads, K d_head, M d_mlp, X experts, Y token types. Knows the config; no weight.
"""

from __future__ import annotations

from model.config import TransformerConfig

_LETTERS = {
    "W_E": "VD",
    "W_pos": "PD",
    "W_U": "DV",
    "W_Q": "HDK",
    "W_K": "GDK",
    "W_V": "GDK",
    "b_Q": "HK",
    "b_K": "GK",
    "b_V": "GK",
    "W_O": "HKD",
    "b_O": "D",
    "W_gate": "DM",
    "b_gate": "M",
    "W_in": "DM",
    "b_in": "M",
    "W_out": "MD",
    "b_out": "D",
    "W_token_type": "YD",
    "W_proj_in": "ED",
    "W_proj_out": "DE",
    "W_router": "DX",
    "b_U": "V",
    "mlm_head.W": "DD",
    "mlm_head.b": "D",
    "q_norm.w": "K",
    "q_norm.b": "K",
    "k_norm.w": "K",
    "k_norm.b": "K",
    "w": "D",
    "b": "D",
}


def parameter_letters(config: TransformerConfig, name: str) -> str | None:
    """By the last two words of a parameter's name, or the last one; None if it is unknown."""
    *_, module, tail = ("", *name.split("."))
    letters = _LETTERS.get(f"{module}.{tail}", _LETTERS.get(tail))
    if name in ("W_E", "W_U") and config.d_embed != config.d_model:
        return letters and letters.replace("D", "E")
    qk = config.qk_norm
    if module in ("q_norm", "k_norm") and qk is not None and qk.over != "head":
        return ("H" if module == "q_norm" else "G") + "K"
    return letters


def parameter_sizes(config: TransformerConfig, name: str) -> tuple[int, ...]:
    """How long each of its axes is; none for a name that is no parameter's."""
    sizes = {
        "V": config.d_vocab,
        "D": config.d_model,
        "P": config.n_ctx + config.position_offset,
        "H": config.n_heads,
        "G": config.n_kv_heads,
        "K": config.d_head,
        "M": config.d_mlp,
        "E": config.d_embed,
        "X": config.experts.n if config.experts is not None else 0,
        "Y": config.n_token_types,
    }
    return tuple(sizes[letter] for letter in parameter_letters(config, name) or "")
