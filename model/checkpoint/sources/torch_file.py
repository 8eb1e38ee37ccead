"""What `torch.save` wrote: the values of the pickle, with every tensor as a place in the file.

Both of its formats: a zip archive, and before torch 1.6 a series of pickles with the numbers
behind them. Torch itself is not asked, for two reasons. It maps the file, and a mapped file that
another program cuts short kills the process; and it reads the old format whole, so that a look
at its shapes costs as much as opening it. The pickle is read by `pickle_reader`, which runs
nothing, whatever it asks for.
"""

from __future__ import annotations

import struct
import zipfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO

from model.checkpoint.errors import CheckpointError
from model.checkpoint.sources.instead import is_instead
from model.checkpoint.sources.pickle_reader import Name, PickleError, read_pickle
from model.checkpoint.stored import (
    ITEM_BYTES,
    MOST_DIMENSIONS,
    MOST_NUMBERS,
    Stamp,
    StoredTensor,
    cut_short,
    read_exactly,
    reading,
)

_STORAGES = {
    "torch.DoubleStorage": "float64",
    "torch.FloatStorage": "float32",
    "torch.HalfStorage": "float16",
    "torch.BFloat16Storage": "bfloat16",
    "torch.LongStorage": "int64",
    "torch.IntStorage": "int32",
    "torch.ShortStorage": "int16",
    "torch.CharStorage": "int8",
    "torch.ByteStorage": "uint8",
    "torch.BoolStorage": "bool",
    "torch.ComplexFloatStorage": "complex64",
    "torch.storage.UntypedStorage": "uint8",
}
_DTYPES = {f"torch.{name}" for name in ITEM_BYTES}
_REBUILD = "torch._utils._rebuild_"
_CALLS = frozenset(
    {
        f"{_REBUILD}tensor",
        f"{_REBUILD}tensor_v2",
        f"{_REBUILD}tensor_v3",
        f"{_REBUILD}parameter",
        f"{_REBUILD}parameter_with_state",
        "torch._tensor._rebuild_from_type_v2",
        "torch.Size",
        "torch.device",
        "collections.OrderedDict",
        "_codecs.encode",
    }
)
_TYPES = frozenset({"torch.nn.parameter.Parameter", "torch.Tensor"})
_LARGEST_PICKLE = 32 * 2**20
_OLD_MAGIC = 0x1950A86A20F9469CFC6C
_OLD_PROTOCOL = 1001


def read_torch_file(path: Path) -> Any:
    """The value that was saved; tensors in it are `StoredTensor` without a name.

    Raises:
        CheckpointError: it is damaged, or holds more than tensors and plain values.
    """
    with reading(path) as (file, stamp):
        start = read_exactly(file, min(4, stamp.size), path)
        file.seek(0)
        try:
            if start == b"PK\x03\x04":
                return _read_zip(file, path, stamp)
            if start[:1] == b"\x80":
                return _read_old(file, path, stamp)
        except PickleError as error:
            raise _refused(path, error) from error
    raise CheckpointError(
        is_instead(path)
        or f"{path} was not written by torch.save: it begins as neither of its formats does. It "
        "was damaged on its way here, or is another kind of file."
    )


@dataclass(frozen=True, slots=True)
class _Storage:
    """Numbers of one dtype in a row, which tensors are views of."""

    dtype: str
    offset: int
    n_bytes: int


class _Tensors:
    """The meaning of the names in a file of `torch.save`.

    Args:
        path, stamp: the file.
        locate: the storage of a key, a dtype and a number of elements.
    """

    def __init__(
        self, path: Path, stamp: Stamp, locate: Callable[[str, str, int], _Storage]
    ) -> None:
        self.path = path
        self.stamp = stamp
        self.locate = locate

    def named(self, name: str) -> Any:
        name = name.replace("__builtin__.", "builtins.")
        if name in _STORAGES or name in _DTYPES or name in _CALLS or name in _TYPES:
            return Name(name)
        raise PickleError(f"it asks for {name}, which could run a program")

    def called(self, function: Any, arguments: tuple[Any, ...]) -> Any:
        name = function.name if isinstance(function, Name) else ""
        match name.removeprefix(_REBUILD), arguments:
            case "tensor" | "tensor_v2", (storage, offset, shape, strides, *_):
                return self._tensor(storage, offset, shape, strides)
            case "tensor_v3", (storage, offset, shape, strides, _, _, Name(dtype), *_):
                if not isinstance(storage, _Storage) or dtype not in _DTYPES:
                    raise TypeError
                typed = _Storage(dtype.removeprefix("torch."), storage.offset, storage.n_bytes)
                return self._tensor(typed, offset, shape, strides)
            case "parameter" | "parameter_with_state", (StoredTensor() as tensor, *_):
                return tensor
            case "torch._tensor._rebuild_from_type_v2", (inner, _, tuple() as inside, *_):
                if inner == function:
                    raise TypeError
                return self.called(inner, inside)
            case "torch.Size", (tuple() as sizes,):
                return sizes
            case "torch.device", _:
                return None
            case "collections.OrderedDict", ():
                return {}
            case "collections.OrderedDict", (list() as pairs,):
                return {str(key): value for key, value in pairs}
            case "_codecs.encode", (str() as text, "latin1" | "latin-1"):
                return text.encode("latin-1")
        raise PickleError(f"it calls {name or 'something'} in an unknown way")

    def persistent(self, key: Any) -> Any:
        match key:
            case ("storage", Name(kind), str() as storage, _, int() as n, *view):
                dtype = _STORAGES.get(kind)
                if dtype is None or not 0 <= n <= MOST_NUMBERS:
                    raise TypeError
                if view and view[0] is not None:
                    raise PickleError("it holds storages within storages, of torch before 0.4")
                return self.locate(storage, dtype, n)
        raise PickleError("it asks for something outside of itself")

    def _tensor(self, storage: Any, offset: Any, shape: Any, strides: Any) -> StoredTensor:
        if not isinstance(storage, _Storage) or len(shape) != len(strides):
            raise TypeError
        for size in (offset, *shape, *strides):
            if isinstance(size, bool) or not isinstance(size, int) or not 0 <= size <= MOST_NUMBERS:
                raise TypeError
        item = ITEM_BYTES[storage.dtype]
        empty = 0 in shape
        # Numbers from the first to the last one, whatever the strides.
        span = 0 if empty else 1 + sum((n - 1) * step for n, step in zip(shape, strides))
        n = 1
        row_major = True
        for size, step in zip(reversed(shape), reversed(strides), strict=True):
            row_major = row_major and (size == 1 or step == n)
            n *= size
        if len(shape) > MOST_DIMENSIONS or n > MOST_NUMBERS:
            raise PickleError("it holds a tensor of an impossible shape")
        if (offset + span) * item > storage.n_bytes:
            raise PickleError(f"a tensor of shape {list(shape)} reaches beyond its numbers")
        return StoredTensor(
            "",
            tuple(shape),
            storage.dtype,
            self.path,
            storage.offset + offset * item,
            span * item,
            self.stamp,
            None if row_major or empty else tuple(strides),
        )


# Since torch 1.6: a zip archive whose members are not compressed


def _read_zip(file: BinaryIO, path: Path, stamp: Stamp) -> Any:
    try:
        with zipfile.ZipFile(file) as archive:
            members = {info.filename: info for info in archive.infolist()}
    except Exception as error:  # zipfile raises half a dozen kinds on damaged directories
        raise CheckpointError(
            f"{path} is no whole archive of torch.save ({str(error)[:100]}); it was cut short or "
            "damaged on its way here. Copy it again."
        ) from error
    pickles = [name for name in members if name.endswith("/data.pkl") and name.count("/") == 1]
    if len(pickles) != 1:
        raise CheckpointError(
            f"{path} is a zip archive, but not of torch.save: it has no data.pkl. Choose the "
            "model's own file."
        )
    root = pickles[0].removesuffix("data.pkl")
    if any(name.startswith(f"{root}code/") for name in members):
        raise CheckpointError(
            f"{path} is a TorchScript program, which is not run here; save the model's "
            "state_dict() with torch.save instead."
        )

    def place(info: zipfile.ZipInfo) -> int:
        """Where a member's contents begin: behind its own header, which the file has, too."""
        file.seek(info.header_offset)
        header = read_exactly(file, 30, path)
        names, extra = struct.unpack("<HH", header[26:30])
        start = info.header_offset + 30 + int(names) + int(extra)
        if header[:4] != b"PK\x03\x04" or start + info.file_size > stamp.size:
            raise PickleError(f"its part {info.filename[-60:]} is damaged")
        if info.compress_type != zipfile.ZIP_STORED or info.flag_bits & 1:
            raise PickleError("its parts are compressed, which torch.save never does")
        return start

    def content(name: str, most: int) -> bytes:
        info = members[name]
        start = place(info)
        if info.file_size > most:
            raise PickleError(f"its {name[-60:]} is too large")
        file.seek(start)
        return read_exactly(file, info.file_size, path)

    if f"{root}byteorder" in members and content(f"{root}byteorder", 16) != b"little":
        raise PickleError("its numbers are in the byte order of other machines")
    found: dict[tuple[str, str], _Storage] = {}

    def locate(key: str, dtype: str, n: int) -> _Storage:
        if (key, dtype) not in found:
            info = members.get(f"{root}data/{key}")
            if info is None:
                raise PickleError(f"its part data/{key[:40]} is missing")
            n_bytes = n * (1 if dtype == "uint8" else ITEM_BYTES[dtype])
            if n_bytes > info.file_size:
                raise PickleError(f"its part data/{key[:40]} has less numbers than it should")
            found[key, dtype] = _Storage(dtype, place(info), n_bytes)
        return found[key, dtype]

    value, _ = read_pickle(content(pickles[0], _LARGEST_PICKLE), _Tensors(path, stamp, locate))
    return value


# Before torch 1.6: pickles, then each storage's numbers behind their count


def _read_old(file: BinaryIO, path: Path, stamp: Stamp) -> Any:
    # How long the pickles are is not said: nearly always they end within the first mebibyte.
    try:
        return _read_old_within(file, path, stamp, 2**20)
    except PickleError:
        if stamp.size <= 2**20:
            raise
    file.seek(0)
    return _read_old_within(file, path, stamp, _LARGEST_PICKLE)


def _read_old_within(file: BinaryIO, path: Path, stamp: Stamp, most_bytes: int) -> Any:
    data = read_exactly(file, min(stamp.size, most_bytes), path)
    asked: dict[str, tuple[str, int]] = {}

    def note(key: str, dtype: str, n: int) -> _Storage:
        if asked.setdefault(key, (dtype, n)) != (dtype, n):
            raise PickleError(f"its part {key[:40]} has two kinds")
        # The place is not known before the list of keys at the end: found by a second reading.
        return _Storage(dtype, 0, n * ITEM_BYTES[dtype])

    plain = _Tensors(path, stamp, note)
    magic, at = read_pickle(data, plain)
    if magic != _OLD_MAGIC:
        raise PickleError("it is a pickle, but not of torch.save")
    version, at = read_pickle(data, plain, at)
    machine, at = read_pickle(data, plain, at)
    if version != _OLD_PROTOCOL or not isinstance(machine, dict):
        raise PickleError("its version is unknown")
    if machine.get("little_endian") is not True:
        raise PickleError("its numbers are in the byte order of other machines")
    main = at
    _, at = read_pickle(data, plain, main)
    keys, at = read_pickle(data, plain, at)
    if not isinstance(keys, list) or not all(isinstance(key, str) for key in keys):
        raise PickleError("its list of parts is damaged")

    places: dict[str, _Storage] = {}
    for key in keys:
        if key not in asked:
            raise PickleError(f"its part {key[:40]} belongs to nothing")
        dtype, n = asked[key]
        file.seek(at)
        stored = int.from_bytes(read_exactly(file, 8, path), "little")
        at += 8
        if stored != n:
            raise PickleError(f"its part {key[:40]} has {stored} numbers instead of {n}")
        places[key] = _Storage(dtype, at, n * ITEM_BYTES[dtype])
        at += places[key].n_bytes
        if at > stamp.size:
            raise cut_short(path)

    def locate(key: str, dtype: str, n: int) -> _Storage:
        if key not in places:
            raise PickleError(f"its part {key[:40]} is missing")
        return places[key]

    value, _ = read_pickle(data, _Tensors(path, stamp, locate), main)
    return value


def _refused(path: Path, error: PickleError) -> CheckpointError:
    if "could run" in str(error):
        return CheckpointError(
            f"{path} holds more than tensors: {error}, so it is not opened. Where you trust it, "
            "save its state_dict() alone with torch.save, or use transformers' "
            "save_pretrained(FOLDER), which writes model.safetensors."
        )
    return CheckpointError(
        f"{path} can't be read as a file of torch.save: {error}. Copy it again, or save the "
        "model's state_dict() anew."
    )
