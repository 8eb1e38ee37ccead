"""Who takes part in a run: this process alone, or as one of those that torchrun has started.

What is agreed goes over gloo, on the processor, also where gradients go over NCCL: it notices at
once when a process is gone. Knows torch.distributed; no network, no text, no run folder.
"""

from __future__ import annotations

import gc
import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import timedelta
from typing import Any, TypeVar

import torch
import torch.distributed as dist
from torch import Tensor
from torch.distributed.device_mesh import DeviceMesh, init_device_mesh
from torch.distributed.distributed_c10d import PrefixStore
from torch.distributed.rendezvous import rendezvous

from model.counting import counted
from model.device import choose_device
from model.train.run_folder import RunError

T = TypeVar("T")

PATIENCE = timedelta(hours=2)
"""How long processes wait for one that is busy: the first one cuts the text while others wait."""


class OtherEndedError(RunError):
    """Another process of the run has failed, and says why itself."""


class LostError(OtherEndedError):
    """Another process of the run is gone: nobody has said why."""


class Group:
    """The processes of a run. Every method but the properties is called by all of them.

    Args:
        rank: number of this process, from 0; process 0 writes the run folder.
        size: how many there are.
        local_size: how many of them are on this machine.
    """

    def __init__(self, rank: int = 0, size: int = 1, local_size: int = 1) -> None:
        self.rank = rank
        self.size = size
        self.local_size = local_size
        self._mesh: DeviceMesh | None = None

    def mesh(self, device: str) -> DeviceMesh:
        """All processes in a row, over which a network is put in shards; the same one each time.

        Args:
            device: of this process: ``cpu``, or ``cuda:1``.
        """
        if self._mesh is None:
            self._mesh = init_device_mesh(device.partition(":")[0], (self.size,))
        return self._mesh

    def let_go_of_mesh(self) -> None:
        """Take the processes' group from the mesh, which torch's caches keep for good.

        They are four, and nothing empties them all; the mesh's own dict of groups is as private,
        but one, and the mesh is of no more use without its group.
        """
        if self._mesh is not None:
            getattr(self._mesh, "_pg_registry", {}).clear()
            self._mesh = None

    @property
    def is_first(self) -> bool:
        """Whether this process is the one that writes."""
        return self.rank == 0

    @property
    def is_alone(self) -> bool:
        """Whether there is no other one."""
        return self.size == 1

    def any(self, flag: bool) -> bool:
        """Whether it is true in one process at least."""
        if self.is_alone:
            return flag
        raised = torch.tensor(int(flag))
        dist.all_reduce(raised, dist.ReduceOp.MAX)
        return bool(raised)

    def sum(self, values: Tensor) -> Tensor:
        """The sum over all processes, in place; on the values' own device."""
        if not self.is_alone:
            dist.all_reduce(values)
        return values

    def first(self, action: Callable[[], T]) -> T:
        """What the first process gets by an action, which only it does; its failure is all's.

        Raises:
            OtherEndedError: in the others, where it failed.
        """
        if self.is_alone:
            return action()
        failure: Exception | None = None
        box: list[Any] = [None, None]
        if self.is_first:
            try:
                box[0] = action()
            except Exception as error:  # noqa: BLE001 - raised again below, here as it is
                failure, box[1] = error, str(error)
        dist.broadcast_object_list(box, 0)
        if failure is not None:
            raise failure
        if box[1] is not None:
            raise OtherEndedError(f"Process 0 can't go on: {box[1]}")
        return box[0]

    def first_only(self, action: Callable[[], T]) -> T | None:
        """What the first process gets by an action; None in the others, whose failure it is too.

        Raises:
            OtherEndedError: in the others, where it failed.
        """
        return self.together(lambda: action() if self.is_first else None)

    def together(self, action: Callable[[], T]) -> T:
        """What this process gets by an action that all do; where it fails in one, it fails in all.

        Raises:
            OtherEndedError: in those that would have gone on.
        """
        if self.is_alone:
            return action()
        failure: Exception | None = None
        result: Any = None
        try:
            result = action()
        except Exception as error:  # noqa: BLE001 - raised again below
            failure = error
        said: list[Any] = [None] * self.size
        dist.all_gather_object(said, None if failure is None else str(failure))
        if failure is not None:
            raise failure
        for rank, why in enumerate(said):
            if why is not None:
                raise OtherEndedError(f"Process {rank} of the run can't go on: {why}")
        return result

    def hand(self, value: Any) -> Any:
        """A value of the first process, nested as it likes, for all: tensors go one by one.

        Args:
            value: dicts, lists, tuples and plain values with tensors in them; not looked at in
                the other processes.
        """
        if self.is_alone:
            return value
        tensors: list[Tensor] = []
        box = [_packed(value, tensors) if self.is_first else None]
        dist.broadcast_object_list(box, 0)
        received: list[Tensor] = []
        for at in _tensors_in(box[0]):
            mine = tensors[at.number].detach().cpu().contiguous() if self.is_first else at.empty()
            dist.broadcast(mine, 0)
            received.append(mine)
        return value if self.is_first else _unpacked(box[0], received)


ALONE = Group()
"""A run by this process only."""


def started_by_torchrun() -> bool:
    """Whether this process is one of several that torchrun, or the like, has started."""
    return all(name in os.environ for name in ("RANK", "WORLD_SIZE", "MASTER_ADDR", "MASTER_PORT"))


def writes_here() -> bool:
    """Whether this process is the one of its run that writes and tells."""
    return not started_by_torchrun() or os.environ["RANK"] == "0"


def is_restart() -> bool:
    """Whether torchrun has started the processes anew after one of them failed."""
    return os.environ.get("TORCHELASTIC_RESTART_COUNT", "0") not in ("", "0")


@contextmanager
def joined(wanted: str) -> Iterator[tuple[Group, str]]:
    """Take part in the run for which torchrun has started this process; alone without it.

    Args:
        wanted: the device, as `choose_device` takes it.

    Yields:
        The group, and this process's own device: ``cuda:1`` for the second one of a machine.

    Raises:
        DeviceError: the device can't be used.
        RunError: the processes can't reach each other, or there are more of them than GPUs.
    """
    if not started_by_torchrun():
        yield ALONE, choose_device(wanted).name
        return
    rank, size = int(os.environ["RANK"]), int(os.environ["WORLD_SIZE"])
    local, local_size = (int(os.environ.get(k, "0")) for k in ("LOCAL_RANK", "LOCAL_WORLD_SIZE"))
    n_gpus = torch.cuda.device_count() if wanted in ("auto", "cuda") else 0
    if n_gpus and local >= n_gpus:
        raise RunError(
            f"This machine has {counted(n_gpus, 'GPU')} and {local_size} processes: start as many "
            "as it has GPUs (--nproc-per-node), or compute on the processor (--device cpu)."
        )
    if n_gpus:
        torch.cuda.set_device(local)
    device = choose_device(wanted).name
    if device == "mps":
        raise RunError("Processes can't train together on MPS; take --device cpu, or start one.")
    if device == "cuda":
        device = f"cuda:{local}"
    try:
        store, *_ = next(rendezvous("env://", timeout=PATIENCE))
        # The launcher keeps the store when it starts processes anew, and torch 2.13 gives them the
        # addresses of those that are gone: "Connection refused". Each attempt gets keys of its own.
        attempt = os.environ.get("TORCHELASTIC_RESTART_COUNT", "0")
        dist.init_process_group(
            "cpu:gloo,cuda:nccl" if device.startswith("cuda") else "gloo",
            store=PrefixStore(f"attempt-{attempt}", store),
            rank=rank,
            world_size=size,
            timeout=PATIENCE,
        )
    except (RuntimeError, ValueError) as error:
        raise RunError(
            f"Process {rank} of {size} can't reach the others: {error} See that the address given "
            "to torchrun (--rdzv-endpoint) is that of a machine that all can reach."
        ) from error
    group = Group(rank, size, max(1, local_size))
    try:
        with naming_the_lost(group):
            yield group, device
    finally:
        # gloo's threads end with the last one that knows the group: a network in shards, which is
        # a cycle, and its mesh. A thread that still lets go of what was sent last when Python has
        # ended is ended by it, and the process with "terminate called without an active exception".
        gc.collect()
        group.let_go_of_mesh()
        dist.destroy_process_group()


@contextmanager
def naming_the_lost(group: Group) -> Iterator[None]:
    """Turn a broken connection to another process into a sentence.

    Raises:
        LostError: in place of what gloo or NCCL say.
    """
    try:
        yield
    except RuntimeError as error:
        if group.is_alone or not _is_of_connection(error):
            raise
        raise LostError(
            f"Another process of the run has ended, so process {group.rank} of {group.size} ends "
            "too. What was saved stays: go on with --resume, with as many processes as you like."
        ) from error


def _is_of_connection(error: RuntimeError) -> bool:
    said = str(error).lower()
    return isinstance(error, dist.DistError) or any(
        word in said for word in ("gloo", "nccl", "connection closed", "connection reset")
    )


class _At:
    """In place of a tensor: which one it is."""

    __slots__ = ("dtype", "number", "shape")

    def __init__(self, number: int, tensor: Tensor) -> None:
        self.number = number
        self.shape = tuple(tensor.shape)
        self.dtype = tensor.dtype

    def empty(self) -> Tensor:
        return torch.empty(self.shape, dtype=self.dtype)


def _packed(value: Any, tensors: list[Tensor]) -> Any:
    if isinstance(value, Tensor):
        tensors.append(value)
        return _At(len(tensors) - 1, value)
    if isinstance(value, dict):
        return {key: _packed(item, tensors) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return type(value)([_packed(item, tensors) for item in value])
    return value


def _tensors_in(value: Any) -> Iterator[_At]:
    if isinstance(value, _At):
        yield value
    elif isinstance(value, dict):
        for item in value.values():
            yield from _tensors_in(item)
    elif isinstance(value, list | tuple):
        for item in value:
            yield from _tensors_in(item)


def _unpacked(value: Any, tensors: list[Tensor]) -> Any:
    if isinstance(value, _At):
        return tensors[value.number]
    if isinstance(value, dict):
        return {key: _unpacked(item, tensors) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return type(value)([_unpacked(item, tensors) for item in value])
    return value
