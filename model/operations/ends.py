"""The operations before the first block and after the last."""

from __future__ import annotations

from model.config import TransformerConfig
from model.operations.operation import INPUT_IDS, LOGITS, PROBABILITIES, Steps, write_norm
from model.operations.words import ACTIVATIONS, capped, scaled


def embedding(config: TransformerConfig) -> tuple[Steps, str]:
    """From the tokens to the residual stream.

    Returns:
        The operations, and the name of the stream that the first block reads.
    """
    steps = Steps(None, "embed")
    steps.write(
        INPUT_IDS,
        "tokens",
        (),
        (),
        "BT",
        "Tokens",
        "t = tokenize(text)",
        "The text is cut into tokens; the network sees only their ids.",
    )
    projected = config.d_embed != config.d_model
    stream = steps.write(
        "hook_token_embed" if projected else "hook_embed",
        "embed",
        (INPUT_IDS,),
        ("W_E",),
        "BTE" if projected else "BTD",
        "Embed",
        f"x_i = {scaled('W_E[t_i]', config.scales.embedding)}",
        "Each id fetches its row of the embedding table: the token's vector, "
        "the same wherever it stands.",
    )
    if projected:
        stream = steps.write(
            "hook_embed",
            "project_in",
            (stream,),
            ("W_proj_in",),
            "BTD",
            "Widen",
            "x_i ← x_i · W_in",
            "The table's vectors are narrower than the residual stream; a matrix widens them.",
        )
    summands, label, formula = [stream], "Embed", "r_i = x_i"
    if config.positions in ("learned", "sinusoidal"):
        summands.append(_positions(steps, config))
        label, formula = label + " + position", formula + " + p_i"
    if config.n_token_types:
        summands.append(_token_types(steps))
        label, formula = label + " + type", formula + " + y_i"
    if len(summands) > 1:
        stream = steps.write(
            "hook_embed_sum" if config.norms.embedding else "blocks.0.hook_resid_pre",
            "add",
            tuple(summands),
            (),
            "BTD",
            label,
            formula,
            "The vectors of token and place are added: the residual stream begins."
            if config.n_token_types
            else "Token and position vectors are added: the residual stream begins.",
        )
    if config.norms.embedding:
        stream = write_norm(
            steps,
            config,
            "embed.ln",
            stream,
            symbols=("r_i", "r_i ←"),
            sentence="The vectors are brought to a common length: the residual stream begins.",
        )
    return steps, stream


def _positions(steps: Steps, config: TransformerConfig) -> str:
    learned = config.positions == "learned"
    row = f"i + {config.position_offset}" if config.position_offset else "i"
    return steps.write(
        "hook_pos_embed",
        "pos_embed",
        (INPUT_IDS,),
        ("W_pos",) if learned else (),
        "BTD",
        "Position",
        f"p_i = W_pos[{row}]" if learned else "p_i = [sin(i/10000^(2k/D)), cos(…)]",
        "Each position has a vector of its own"
        + (", learned like the embedding." if learned else ": sines of many wavelengths."),
    )


def _token_types(steps: Steps) -> str:
    return steps.write(
        "hook_token_type_embed",
        "token_type_embed",
        (INPUT_IDS,),
        ("W_token_type",),
        "BTD",
        "Token type",
        "y_i = W_type[0]",
        "Each position is told which text it belongs to; here there is one, the first.",
    )


def head(config: TransformerConfig, stream: str) -> Steps:
    """From the residual stream to the scores of tokens, as far as the network has any.

    Args:
        config: of the network.
        stream: name of what the last block left.
    """
    steps = Steps(None, "unembed")
    if config.norms.final:
        stream = write_norm(steps, config, "ln_final", stream)
    if not config.has_logits:
        return steps
    if config.masked_head is not None:
        act = ACTIVATIONS[config.masked_head.activation]
        bias = config.masked_head.bias
        stream = steps.write(
            "mlm_head.hook_pre",
            "head_dense",
            (stream,),
            ("mlm_head.W", "mlm_head.b") if bias else ("mlm_head.W",),
            "BTD",
            "Head",
            f"h_i = {'n_i' if config.norms.final else 'r_i'} · W" + (" + b" if bias else ""),
            "Before tokens are scored, the vector at each position is transformed once more.",
        )
        stream = steps.write(
            "mlm_head.hook_post",
            "head_act",
            (stream,),
            (),
            "BTD",
            act,
            f"h_i ← {act}(h_i)",
            "What is negative is let through hardly or not at all.",
        )
        stream = write_norm(steps, config, "mlm_head.ln", stream, symbols=("h_i", "h_i ←"))
    if config.d_embed != config.d_model:
        stream = steps.write(
            "hook_project_out",
            "project_out",
            (stream,),
            ("W_proj_out",),
            "BTE",
            "Narrow",
            f"x_i = {'n_i' if config.norms.final else 'r_i'} · W_out",
            "The residual stream is wider than the table's vectors; a matrix narrows it.",
        )
    product = "x · W_Eᵀ" if config.tied_embeddings else "x · W_U"
    product = scaled(product + (" + b" if config.unembed_bias else ""), config.scales.logits)
    matrix = "W_E" if config.tied_embeddings else "W_U"
    steps.write(
        LOGITS,
        "unembed",
        (stream,),
        (matrix, "b_U") if config.unembed_bias else (matrix,),
        "BTV",
        "Unembed",
        f"logits = {capped(product, config.caps.logits)}",
        "A score for every token of the vocabulary that might "
        + ("come next" if config.head == "lm" else "stand here")
        + ": its vector times this one.",
    )
    steps.write(
        PROBABILITIES,
        "softmax",
        (LOGITS,),
        (),
        "BTV",
        "Softmax",
        "p = exp(logits / τ) / Σ exp(logits / τ)",
        "Scores become probabilities that sum to one; the temperature τ sharpens or flattens them.",
    )
    return steps
