"""One block: attention and MLP around the residual stream, with norms where they stand."""

from __future__ import annotations

from collections.abc import Callable

from model.config import BlockNorm, TransformerConfig
from model.operations.attention import attention
from model.operations.mlp import mlp
from model.operations.operation import Group, Operation, Steps, write_norm

_ADDED = "What the block found is added to the residual stream, for the next block."
_OUTPUT_SENTENCE = "What is to be added is brought to a common length first."


def block(config: TransformerConfig, layer: int, stream: str) -> tuple[list[Operation], str]:
    """The operations of one block.

    Args:
        config: of the network.
        layer: its index.
        stream: name of the residual stream that it reads.

    Returns:
        The operations, and the name of the stream that it leaves.
    """
    b = f"blocks.{layer}"
    norms = config.block_norms(layer)
    before = config.norms.placement != "post"
    through = config.norms.placement == "stream"
    ops: list[Operation] = []

    def normed(name: BlockNorm, source: str, group: Group, result: str = "n_i =") -> str:
        if name not in norms:
            return source
        steps = Steps(layer, group)
        written = write_norm(steps, config, f"{b}.{name}", source, symbols=("r_i", result))
        ops.extend(steps)
        return written

    def sublayer(
        make: Callable[[TransformerConfig, int, str, str, str], Steps],
        source: str,
        inner: str,
        hook: str,
        post: BlockNorm,
    ) -> str:
        """Attention or MLP, and the norm of its output where there is one."""
        symbol = "r_i" if source == stream else "n_i"
        if post not in norms:
            ops.extend(make(config, layer, source, hook, symbol))
            return hook
        steps = make(config, layer, source, inner, symbol)
        ops.extend(steps)
        last = Steps(layer, steps.group)
        letter = "a_i" if make is attention else "m_i"
        write_norm(
            last,
            config,
            f"{b}.{post}",
            inner,
            hook,
            symbols=(letter, f"{letter} ←"),
            label="Output norm",
            sentence=_OUTPUT_SENTENCE,
        )
        ops.extend(last)
        return hook

    def add(
        output: str, inputs: tuple[str, ...], label: str, formula: str, sentence: str, group: Group
    ) -> str:
        steps = Steps(layer, group)
        steps.write(output, "add", inputs, (), "BTD", label, formula, sentence)
        ops.extend(steps)
        return output

    if through:
        stream = source = normed("ln1", stream, "attention", "r_i ←")
    else:
        source = normed("ln1", stream, "attention") if before else stream
    attn_out = sublayer(attention, source, f"{b}.attn.hook_out", f"{b}.hook_attn_out", "ln1_post")
    if config.parallel:
        mlp_source = source if config.norms.shared else normed("ln2", stream, "mlp")
        mlp_out = sublayer(mlp, mlp_source, f"{b}.mlp.hook_out", f"{b}.hook_mlp_out", "ln2_post")
        stream = add(
            f"{b}.hook_resid_post",
            (stream, attn_out, mlp_out),
            "+ attention + MLP",
            "r_i ← r_i + a_i + m_i",
            _ADDED,
            "mlp",
        )
        return ops, stream
    stream = add(
        f"{b}.hook_resid_mid",
        (stream, attn_out),
        "+ attention",
        "r_i ← r_i + a_i",
        "What attention found is added to the residual stream; nothing is overwritten.",
        "attention",
    )
    if through:
        stream = mlp_source = normed("ln2", stream, "mlp", "r_i ←")
    elif before:
        mlp_source = normed("ln2", stream, "mlp")
    else:
        stream = mlp_source = normed("ln1", stream, "attention", "r_i ←")
    mlp_out = sublayer(mlp, mlp_source, f"{b}.mlp.hook_out", f"{b}.hook_mlp_out", "ln2_post")
    stream = add(
        f"{b}.hook_resid_post",
        (stream, mlp_out),
        "+ MLP",
        "r_i ← r_i + m_i",
        _ADDED,
        "mlp",
    )
    return ops, stream if before else normed("ln2", stream, "mlp", "r_i ←")
