"""One forward pass, recorded: every activation by its TransformerLens name.

Recording is one tap on the traced path of `model.transformer`; an intervention is another, and
sees the activation before it is recorded. Knows no tokenizer and no checkpoint.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path

import torch
from safetensors import safe_open
from torch import Tensor

from model.device import keep_freed_memory
from model.operations import INPUT_IDS, LOGITS, activation_names, full_name, matching_names
from model.tensor_file import write_tensors
from model.tokenizer.tokens import Token
from model.transformer import Tap, Transformer


class Trace(Mapping[str, Tensor]):
    """Recorded activations by name, in the order in which they were computed.

    ``trace["blocks.0.attn.pattern"]`` and ``trace["blocks.0.attn.hook_pattern"]`` are the same.

    Args:
        activations: tensors by full name.
        tokens: the tokens of the text that was run, if it was a text.
    """

    def __init__(
        self, activations: Mapping[str, Tensor], tokens: tuple[Token, ...] | None = None
    ) -> None:
        self._activations = dict(activations)
        self.tokens = tokens

    @property
    def names(self) -> tuple[str, ...]:
        """Full names of what was recorded."""
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
        found = self._activations.get(name)
        return self._activations[full_name(name, self._activations)] if found is None else found

    def __contains__(self, name: object) -> bool:
        try:
            return isinstance(name, str) and bool(full_name(name, self._activations))
        except KeyError:
            return False

    def __iter__(self) -> Iterator[str]:
        return iter(self._activations)

    def __len__(self) -> int:
        return len(self._activations)

    def save(self, path: str | Path) -> None:
        """Write a safetensors file with every activation under its full name.

        dtypes are kept. The file appears whole or not at all.

        Raises:
            OSError: the disk refuses.
        """
        path = Path(path)
        seen: set[int] = set()
        tensors = {}
        for name, tensor in self._activations.items():
            # An alias is the same tensor; the format wants one in memory of its own.
            alias = tensor.untyped_storage().data_ptr() in seen
            seen.add(tensor.untyped_storage().data_ptr())
            tensors[name] = tensor.clone() if alias else tensor
        try:
            write_tensors(path, tensors, {"format": "pt", "names": json.dumps(self.names)})
        except OSError as error:
            raise OSError(f"{path} can't be written: {error.strerror or error}.") from error

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
) -> Trace:
    """Run the traced path once and keep what was asked for.

    Args:
        transformer: the network.
        ids_BT: token ids ``[batch, position]``, int64, on the network's device.
        names: a full or short name or a shell pattern over them, or several; None keeps all.
            ``input_ids`` are always kept. What is not asked for is let go as soon as no later
            operation reads it.
        tap: an intervention, called before an activation is recorded; what it returns is
            recorded and read by later operations.

    Raises:
        KeyError: a name matches no activation of this network.
        ValueError: the sequence is empty or longer than the context.
    """
    keep_freed_memory()
    known = activation_names(transformer.config)
    kept = set(known if names is None else matching_names(names, known)) | {INPUT_IDS}
    activations: dict[str, Tensor] = {}

    def keep(name: str, tensor: Tensor) -> Tensor:
        if tap is not None:
            tensor = tap(name, tensor)
        if name in kept:
            activations[name] = tensor
        return tensor

    transformer.traced(ids_BT, keep)
    return Trace(activations)
