"""Which tensors of a Hugging Face file hold which parameter of the network.

Found by sending stand-ins that hold no numbers through the family's own ``state_to_hf``: each
remembers which module it came from through every reshape. So no family says its names twice.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

import torch
from torch import Tensor

from model.checkpoint.families import FAMILIES
from model.operations import parameter_names
from model.parameters import parameter
from model.transformer import Transformer

# Where our fused tensor is several in the file: the letter of ours in the names of theirs.
_PROJECTIONS = {
    "Q": re.compile(r"\.(q|query|wq)(_|\.|$)|\.q_(proj|lin)\b", re.IGNORECASE),
    "K": re.compile(r"\.(k|key|wk)(_|\.|$)|\.k_(proj|lin)\b", re.IGNORECASE),
    "V": re.compile(r"\.(v|value|wv)(_|\.|$)|\.v_(proj|lin)\b", re.IGNORECASE),
}


def file_names(family: str, transformer: Transformer) -> dict[str, str]:
    """TransformerLens' name of each parameter -> the name in a file, several with commas.

    Parameters that no name is found for are left out; all are, for a family that is not known.
    """
    known = FAMILIES.get(family)
    if known is None:
        return {}
    state = transformer.state_dict()
    named = {name: _Named.of(name, tensor) for name, tensor in state.items()}
    try:
        in_file = known.state_to_hf(named, transformer.config)
    except Exception:  # noqa: BLE001 - a name that is not found is a gap in a table, no failure
        return {}
    theirs: dict[str, list[str]] = {}
    for name, tensor in in_file.items():
        for module in _origins(tensor):
            theirs.setdefault(module, []).append(name)
    modules: dict[int, str] = {}
    for name, tensor in state.items():
        # Of two tied ones the first: the other is not in the file.
        modules.setdefault(tensor.untyped_storage().data_ptr(), name)
    found = {}
    for name in parameter_names(transformer.config):
        place = parameter(transformer, name).untyped_storage().data_ptr()
        names = _narrowed(name, theirs.get(modules.get(place, ""), []))
        if names:
            found[name] = ", ".join(names)
    return found


def _narrowed(name: str, names: list[str]) -> list[str]:
    """Of several tensors that ours is joined from, those that its letter names."""
    tail = name.rpartition(".")[2]
    if len(names) > 1 and tail[:2] in ("W_", "b_") and tail[2:] in _PROJECTIONS:
        own = [other for other in names if _PROJECTIONS[tail[2:]].search(other)]
        return own or names
    return names


class _Named(Tensor):
    """A tensor without numbers that remembers the modules that it is made from."""

    origins: frozenset[str]

    @classmethod
    def of(cls, name: str, like: Tensor) -> _Named:
        empty = torch.empty(like.shape, dtype=like.dtype, device="meta")
        named: _Named = empty.as_subclass(cls)
        named.origins = frozenset({name})
        return named

    @classmethod
    def __torch_function__(
        cls,
        func: Any,
        types: Any,
        args: tuple[Any, ...] = (),
        kwargs: Mapping[str, Any] | None = None,
    ) -> Any:
        if func is torch.cat:
            # On the meta device it would import torch's compiler, which takes seconds.
            parts = args[0]
            shape = (sum(len(part) for part in parts), *parts[0].shape[1:])
            result: Any = torch.empty(shape, device="meta").as_subclass(cls)
        else:
            result = super().__torch_function__(  # type: ignore[no-untyped-call]
                func, types, args, dict(kwargs or {})
            )
        origins = _origins([args, list((kwargs or {}).values())])
        for one in result if isinstance(result, tuple | list) else (result,):
            if isinstance(one, _Named):
                one.origins = origins
        return result


def _origins(value: Any) -> frozenset[str]:
    if isinstance(value, _Named):
        return getattr(value, "origins", frozenset())
    if isinstance(value, tuple | list):
        return frozenset().union(*(_origins(one) for one in value))
    return frozenset()
