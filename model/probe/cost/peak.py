"""The most memory that tensors take at once while a pass runs, counted operation by operation.

torch keeps no such count on a CPU. Every tensor that an operation gives back is noted with the
storage behind it; after each operation those still alive are added up. What a kernel takes and
gives back inside itself is not seen.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

from torch import Tensor
from torch.multiprocessing.reductions import StorageWeakRef
from torch.utils._python_dispatch import TorchDispatchMode


class Peak(TorchDispatchMode):
    """Counts while it is entered; it may be left and entered again.

    Args:
        not_counted: tensors that were there before, weights: views of them are not new.

    Attributes:
        n_bytes: the most so far.
    """

    def __init__(self, not_counted: Iterator[Tensor]) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self.n_bytes = 0
        self._not_counted = {tensor.untyped_storage()._cdata for tensor in not_counted}
        self._live: dict[int, tuple[StorageWeakRef, int]] = {}

    def __torch_dispatch__(
        self,
        func: Callable[..., Any],
        types: Sequence[type],
        args: Sequence[Any] = (),
        kwargs: Mapping[str, Any] | None = None,
    ) -> Any:
        result = func(*args, **(kwargs or {}))
        for tensor in _tensors(result):
            storage = tensor.untyped_storage()
            if storage._cdata not in self._not_counted:
                ref = StorageWeakRef(storage)
                self._live[ref.cdata] = ref, storage.nbytes()
        self._live = {at: one for at, one in self._live.items() if not one[0].expired()}
        self.n_bytes = max(self.n_bytes, sum(n for _, n in self._live.values()))
        return result


def _tensors(result: Any) -> Iterator[Tensor]:
    if isinstance(result, Tensor):
        yield result
    elif isinstance(result, tuple | list):
        for one in result:
            yield from _tensors(one)
