"""The names of activations: all that a trace answers to, aliases, short forms and patterns."""

from __future__ import annotations

from collections.abc import Iterable
from difflib import get_close_matches
from fnmatch import fnmatchcase

from model.config import TransformerConfig
from model.operations.operation import LOGITS, PROBABILITIES, Operation
from model.operations.scores import SCORE_HOOKS, SCORES


def aliases_of(
    ops: Iterable[Operation], streams: tuple[str, ...], config: TransformerConfig
) -> dict[str, str]:
    """Aliases from the operations and from the names of the stream before and after each block.

    Args:
        ops: of the network.
        streams: ``streams[l]`` is what block ``l`` reads; the last is what the last block left.
        config: of the network.
    """
    written = {op.output: op for op in ops}
    same: dict[str, str] = {}
    for op in written.values():
        # Where nothing is masked, the last step before the softmax writes the scores.
        if op.kind in SCORE_HOOKS and op.output.endswith(SCORES):
            same[op.output.replace(SCORES, SCORE_HOOKS[op.kind])] = op.output
    if config.norms.embedding:
        same["hook_full_embed"] = streams[0]
    for layer in range(config.n_layers):
        b = f"blocks.{layer}"
        if f"{b}.hook_resid_pre" not in written:
            same[f"{b}.hook_resid_pre"] = streams[layer]
        for norm in ("ln1_post", "ln2_post"):
            if norm in config.block_norms(layer):
                hook = f"{b}.hook_attn_out" if norm == "ln1_post" else f"{b}.hook_mlp_out"
                same[f"{b}.{norm}.hook_normalized"] = hook
        if config.norms.placement == "post":
            same[f"{b}.hook_normalized_resid_post"] = streams[layer + 1]
    if LOGITS in written:
        same["unembed.hook_in"] = written[LOGITS].inputs[0]
        same["unembed.hook_out"] = LOGITS
    return same


def recorded_names(ops: Iterable[Operation]) -> tuple[str, ...]:
    """What a trace records: every operation's output but the probabilities."""
    return tuple(op.output for op in ops if op.output != PROBABILITIES)


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
    near = get_close_matches(name, known, n=3)
    hint = f" Near it: {', '.join(near)}." if near else ""
    raise KeyError(f"No activation is called {name!r}.{hint}")


def matching_names(globs: str | Iterable[str], known: Iterable[str]) -> tuple[str, ...]:
    """The known names that any of the globs matches, in the known order; one may stand alone.

    A glob is a shell pattern over full or short names: ``*.attn.hook_pattern``, ``blocks.0.*``.

    Raises:
        KeyError: a glob matches nothing.
    """
    known = tuple(known)
    exact = frozenset(known)
    chosen: set[str] = set()
    for glob in (globs,) if isinstance(globs, str) else globs:
        if glob in exact:  # the usual case, and a trace asks for all of them by name
            chosen.add(glob)
            continue
        hits = {
            name
            for name in known
            if fnmatchcase(name, glob) or fnmatchcase(name.replace("hook_", ""), glob)
        }
        if not hits:
            near = get_close_matches(glob, known, n=3)
            hint = f" Near it: {', '.join(near)}." if near else ""
            raise KeyError(f"No activation matches {glob!r}.{hint}")
        chosen |= hits
    return tuple(name for name in known if name in chosen)
