"""Names that wrappers put before, or between, the names of a network's tensors.

What compiles a network, spreads it over machines or computes it anew to save memory keeps the
network as an attribute of its own, and saves that attribute's name. Such names may stand in any
place and any order, several times. Knows no format and no family.
"""

from __future__ import annotations

from collections.abc import Mapping

from model.checkpoint.errors import CheckpointError
from model.checkpoint.stored import StoredTensor

WRAPPERS = frozenset(
    {
        "_orig_mod",  # torch.compile
        "module",  # DataParallel, DistributedDataParallel, DeepSpeed
        "_fsdp_wrapped_module",  # torch's FSDP
        "_fpw_module",  # the same before torch 2
        "_checkpoint_wrapped_module",  # activations that are computed anew
        "_forward_module",  # Lightning Fabric's strategies
        "_original_module",
        "_wrapped_module",
        "_wrapped_model",
    }
)
# peft's, around each map that an adapter changes; the map itself once the adapter is left out.
_ADAPTED = "base_layer"
_ADAPTERS = ("lora_", "ia3_", "vera_", "hada_", "oft_", "boft_", "adapter_", "prompt_")


def unwrapped(tensors: Mapping[str, StoredTensor]) -> dict[str, StoredTensor]:
    """The same tensors under the network's own names.

    Raises:
        CheckpointError: two of them would have one name.
    """
    left_by = WRAPPERS
    if not any(has_adapter(name) for name in tensors):
        left_by = WRAPPERS | {_ADAPTED}
    found: dict[str, StoredTensor] = {}
    for name, tensor in tensors.items():
        parts = name.split(".")
        own = ".".join(part for part in parts if part not in left_by)
        other = found.setdefault(own, tensor)
        if place(other) != place(tensor):
            left = next(part for part in (*parts, *other.name.split(".")) if part in left_by)
            raise CheckpointError(
                f"{tensor.path} holds {other.name!r} and {tensor.name!r}, which are one name "
                f"without {left!r}, which a wrapper left; which one is meant can't be told. Save "
                "the network alone, by its own state_dict()."
            )
    return found


def has_adapter(name: str) -> bool:
    """Whether a tensor is of an adapter that peft keeps beside the network's own."""
    return any(part.startswith(_ADAPTERS) for part in name.split("."))


def place(tensor: StoredTensor) -> tuple[object, ...]:
    """Where its numbers lie: two names of one place are one tensor."""
    return tensor.path, tensor.offset, tensor.n_bytes, tensor.shape, tensor.strides
