"""One forward pass, recorded: every activation by its TransformerLens name.

A recording asks the executor of `model.transformer` for names. What costs little to have again is
not stored but computed when it is read: the steps towards the scores always, by the functions that
the pass itself runs; all but the residual streams, keys and values where the trace is lazy.

Knows no tokenizer and no checkpoint.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import TypeAlias

import torch
from safetensors import safe_open
from torch import Tensor

from model.config import TransformerConfig
from model.device import keep_freed_memory
from model.interventions import Intervention, Window, apply
from model.interventions.window import Ids, Read
from model.operations import (
    INPUT_IDS,
    LOGITS,
    SCORE_HOOKS,
    Operation,
    activation_names,
    aliases,
    full_name,
    keys_and_values,
    matching_names,
    needed,
    operations,
    streams,
)
from model.tensor_file import write_tensors
from model.tokenizer.tokens import Token
from model.transformer import Tap, Transformer

Compute: TypeAlias = Callable[[Sequence[str]], Mapping[str, Tensor]]
"""Computes activations that are not stored from those that are."""


class Trace(Mapping[str, Tensor]):
    """Recorded activations by name, in the order in which they were computed.

    ``trace["blocks.0.attn.pattern"]`` and ``trace["blocks.0.attn.hook_pattern"]`` are the same.

    Args:
        activations: tensors by full name.
        tokens: the tokens of the text that was run, if it was a text.
        names: what the trace answers to, in order; None for the activations' names.
        compute: gives those of the names that are no activations here.
    """

    def __init__(
        self,
        activations: Mapping[str, Tensor],
        tokens: tuple[Token, ...] | None = None,
        names: Sequence[str] | None = None,
        compute: Compute | None = None,
    ) -> None:
        self._activations = dict(activations)
        self._names = tuple(self._activations if names is None else names)
        self._known = frozenset(self._names)
        self._compute = compute
        self.tokens = tokens

    @property
    def names(self) -> tuple[str, ...]:
        """Full names of what was recorded."""
        return self._names

    @property
    def stored(self) -> tuple[str, ...]:
        """Full names of what is held in memory; the others are computed when they are read."""
        return tuple(self._activations)

    @property
    def input_ids(self) -> Tensor:
        """``[batch, position]``, int64."""
        return self[INPUT_IDS]

    @property
    def logits(self) -> Tensor:
        """``[batch, position, d_vocab]``."""
        return self[LOGITS]

    def __getitem__(self, name: str) -> Tensor:
        name = name if name in self._known else full_name(name, self._names)
        return self.several((name,))[name]

    def several(self, names: Iterable[str]) -> dict[str, Tensor]:
        """Activations by their full names; what isn't stored is computed in one go.

        Raises:
            RuntimeError: the weights have changed since a lazy trace was made.
        """
        names = tuple(names)
        missing = [name for name in names if name not in self._activations]
        computed: Mapping[str, Tensor] = {}
        if missing:
            assert self._compute is not None
            computed = self._compute(missing)
        return {
            name: self._activations[name] if name in self._activations else computed[name]
            for name in names
        }

    def __contains__(self, name: object) -> bool:
        with suppress(KeyError):
            return isinstance(name, str) and bool(full_name(name, self._names))
        return False

    def __iter__(self) -> Iterator[str]:
        return iter(self._names)

    def __len__(self) -> int:
        return len(self._names)

    def save(self, path: str | Path) -> None:
        """Write a safetensors file with every activation under its full name.

        dtypes are kept. The file appears whole or not at all.

        Raises:
            WriteError: the disk refuses.
        """
        # An alias is the same tensor, and is written under both names.
        tensors = self.several(self._names)
        write_tensors(path, tensors, {"format": "pt", "names": json.dumps(self.names)})

    @classmethod
    def load(cls, path: str | Path) -> Trace:
        """Read what `save` wrote."""
        with safe_open(path, framework="pt") as file:
            metadata = file.metadata() or {}
            names = json.loads(metadata["names"]) if "names" in metadata else sorted(file.keys())
            return cls({name: file.get_tensor(name).clone() for name in names})


@torch.inference_mode()
def record(
    transformer: Transformer,
    ids_BT: Tensor,
    names: str | Iterable[str] | None = None,
    tap: Tap | None = None,
    interventions: Iterable[Intervention] = (),
    lazy: bool = False,
) -> Trace:
    """Run the network once and keep what was asked for.

    Args:
        transformer: the network.
        ids_BT: token ids ``[batch, position]``, int64, on the network's device.
        names: a full or short name or a shell pattern over them, or several; None keeps all.
            ``input_ids`` are always kept. What is not asked for is let go as soon as no later
            operation reads it, and not computed where nothing that is asked for hangs on it.
        tap: sees every activation before it is recorded; what it returns is recorded and read by
            later operations.
        interventions: what is changed in this pass; a tap sees what they made of it.
        lazy: run the fast path, whose fused attention rounds otherwise in the last digits, and
            run single operations only for what is asked for: at once what ``names`` says, or
            without names whatever is read later, from the residual stream, keys and values of
            its block. So a long text costs little memory and one name about one block.

    Raises:
        KeyError: a name matches no activation of this network.
        ValueError: the sequence is empty or longer than the context; an intervention does not
            fit the network; a lazy trace with a tap.
    """
    keep_freed_memory()
    transformer.check_length(ids_BT)
    known = activation_names(transformer.config)
    kept = set(known if names is None else matching_names(names, known)) | {INPUT_IDS}
    interventions = tuple(interventions)
    if lazy and tap is not None:
        raise ValueError("A tap is called once for every operation; a lazy trace would not do so.")
    if lazy and names is None:
        return _record_streams(transformer, ids_BT, interventions)
    if lazy and not interventions:
        found = _beside_the_fast_path(transformer, ids_BT, kept)
        order = _plan(transformer.config, frozenset(kept)).names
        return Trace({name: found[name] for name in order})
    window = Window(read=_reading(transformer))
    change, replace = apply(interventions, transformer.config, window)
    if tap is not None:
        change = _one_after_the_other(change, tap)
    plan = _plan(transformer.config, frozenset(kept))
    unseen = change is None and replace is None
    stored = plan.stored if unseen else plan.names
    # A tap of a script sees every operation, whatever is kept.
    ops = plan.needed if tap is None else _plan(transformer.config, frozenset(known)).needed
    found = transformer.execute(ops, {INPUT_IDS: ids_BT}, stored, change, replace)

    def compute(missing: Sequence[str]) -> dict[str, Tensor]:
        with torch.inference_mode():  # reads no weights: these are steps towards scores
            return transformer.compute(missing, found)

    return Trace(found, names=plan.names, compute=compute)


def _reading(transformer: Transformer) -> Read:
    """How an intervention has activations of another text: that runs once for each name."""
    found: dict[tuple[Ids, str], Tensor] = {}

    def read(ids: Ids, name: str, start: int, stop: int) -> Tensor:
        if (ids, name) not in found:
            ids_BT = torch.tensor([ids], device=transformer.embed.weight.device)
            found[ids, name] = record(transformer, ids_BT, name)[name]
        axis = 2 if transformer.operation(name).shape == "BHQS" else 1
        return found[ids, name].narrow(axis, start, stop - start)

    return read


def _one_after_the_other(first: Tap | None, then: Tap) -> Tap:
    return then if first is None else lambda name, tensor: then(name, first(name, tensor))


@dataclass(frozen=True, slots=True)
class _Plan:
    """How names are recorded.

    Attributes:
        names: in the order in which a pass computes them, aliases after what they name.
        stored: what is held: the names, but queries and keys instead of the steps towards the
            scores, which are as large as the scores and follow from them.
        needed: the operations that compute the names.
    """

    names: tuple[str, ...]
    stored: frozenset[str]
    needed: tuple[Operation, ...]


@lru_cache(maxsize=8)
def _plan(config: TransformerConfig, names: frozenset[str]) -> _Plan:
    ops = operations(config)
    also: dict[str, list[str]] = {}
    for alias, name in aliases(config).items():
        also.setdefault(name, []).append(alias)
    ordered: list[str] = []
    stored: set[str] = set()
    reads: tuple[str, ...] = ()
    for op in ops:
        reads = op.inputs if op.kind == "dot" else reads
        named = [name for name in (op.output, *also.get(op.output, ())) if name in names]
        ordered += named
        is_step = op.output.endswith(SCORE_HOOKS.get(op.kind, "…"))
        stored.update(reads if named and is_step else named)
    real = {aliases(config).get(name, name) for name in names}
    return _Plan(tuple(ordered), frozenset(stored), tuple(needed(ops, real, ())))


def _record_streams(
    transformer: Transformer, ids_BT: Tensor, interventions: tuple[Intervention, ...]
) -> Trace:
    """What every activation can be computed from, block by block: a lazy trace."""
    config = transformer.config
    tap, replace = apply(interventions, config, Window(read=_reading(transformer)))
    borders = streams(config)
    read_later = {name for pair in keys_and_values(config) for name in pair}
    stored = {INPUT_IDS: ids_BT}
    if interventions:
        wanted = read_later.union(borders)
        ops = needed(transformer.operations, wanted, ())
        stored |= transformer.execute(ops, stored, wanted, tap, replace)
    else:

        def keep(name: str, tensor: Tensor) -> None:
            if name in read_later:
                stored[name] = tensor.clone()  # often a view of something larger

        stored |= dict(zip(borders, transformer.stream(ids_BT, keep=keep), strict=True))
    stored |= {alias: stored[name] for alias, name in aliases(config).items() if name in stored}
    learned = state_of(transformer)

    def compute(missing: Sequence[str]) -> dict[str, Tensor]:
        if state_of(transformer) != learned:
            raise RuntimeError(
                "The weights have changed since this lazy trace was made, so "
                f"{missing[0]} can't be computed any more; trace again."
            )
        with torch.inference_mode():
            return transformer.compute(missing, stored, tap, replace)

    names = _plan(config, frozenset(activation_names(config))).names
    return Trace(stored, names=names, compute=compute)


def state_of(transformer: Transformer) -> tuple[tuple[int, int], ...]:
    """What is different after the weights were changed: where they are, and how often written."""
    return tuple(
        (p.data_ptr(), 0 if p.is_inference() else p._version) for p in transformer.parameters()
    )


def _beside_the_fast_path(
    transformer: Transformer, ids_BT: Tensor, names: set[str]
) -> dict[str, Tensor]:
    """Named activations from one fast pass: what it has at hand, and what follows from that."""
    borders = streams(transformer.config)
    part_of = {op.output: (op.layer, op.group) for op in transformer.operations}
    wanted: dict[int | str, list[str]] = {}
    for name in names:
        layer, group = part_of[transformer.aliases.get(name, name)]
        wanted.setdefault(group if layer is None else layer, []).append(name)
    found = transformer.compute(wanted.pop("embed"), {INPUT_IDS: ids_BT})
    at_hand: dict[str, Tensor] = {}
    stream = transformer.stream(ids_BT, keep=at_hand.__setitem__)
    resid_BTD = next(stream)
    for layer, border in enumerate(borders[:-1]):
        if not wanted:
            break
        at_hand.clear()
        at_hand[border] = resid_BTD
        resid_BTD = next(stream)
        if layer in wanted:
            computed = transformer.compute(wanted.pop(layer), at_hand)
            # Contiguous, for what it has at hand is often a view of something larger.
            found |= {name: tensor.contiguous() for name, tensor in computed.items()}
    if "unembed" in wanted:
        found |= transformer.compute(wanted["unembed"], {borders[-1]: resid_BTD})
    return found
