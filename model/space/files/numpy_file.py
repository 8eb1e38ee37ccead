"""A table in a ``.npy`` or ``.npz`` file: headers first, nothing is unpickled."""

from __future__ import annotations

import zipfile
from collections.abc import Callable, Generator
from pathlib import Path
from typing import Any

import numpy as np
from numpy.lib import format as npy
from numpy.typing import NDArray

from model.space.files.found import FileOfVectors, refuse_too_many, sampled
from model.space.registry import SpaceError

ROWS = 16_384
NAMES = ("vectors", "embeddings", "embedding", "points", "W_E", "arr_0")
"""Of several tables in one file the first that is called so."""

Reading = Generator[tuple[int, int], None, FileOfVectors]


def reading(path: Path, sample: int) -> Reading:
    """Read it in slices.

    Raises:
        SpaceError: it is no such file, or holds no table of numbers.
    """
    if path.suffix.lower() == ".npz":
        return (yield from _reading_npz(path, sample))
    try:
        array = np.load(path, mmap_mode="r", allow_pickle=False)
    except (ValueError, EOFError) as error:
        raise SpaceError(f"{path.name} is no array of NumPy's that can be read safely.") from error
    shape, dtype = array.shape, array.dtype
    del array

    def part(start: int, stop: int) -> NDArray[Any]:
        # Mapped anew each time: pages that were read would count as memory while the map stands.
        return np.load(path, mmap_mode="r", allow_pickle=False)[start:stop:sample]

    return (yield from _taking(part, shape, dtype, path.name, sample, ()))


def _taking(
    part: Callable[[int, int], NDArray[Any]],
    shape: tuple[int, ...],
    dtype: np.dtype[Any],
    name: str,
    sample: int,
    labels: tuple[str, ...],
) -> Generator[tuple[int, int], None, FileOfVectors]:
    """Rows part by part, as float32; ``part`` gives every ``sample``-th row of a span."""
    _refuse_shape(shape, dtype, name)
    n_all, width = shape
    refuse_too_many(name, n_all, sample, width)
    rows = np.empty((-(-n_all // sample), width), np.float32)
    step = ROWS * sample
    for at, start in enumerate(range(0, n_all, step)):
        with np.errstate(over="ignore"):  # what is too large for float32 is infinite, and said
            rows[at * ROWS : (at + 1) * ROWS] = part(start, min(start + step, n_all))
        yield min(start + step, n_all), n_all
    return FileOfVectors(rows, labels[::sample], sampled(n_all, sample))


def _refuse_shape(shape: tuple[int, ...], dtype: np.dtype[Any], name: str) -> None:
    if len(shape) != 2:
        how = "one-dimensional" if len(shape) == 1 else f"of shape {shape}"
        raise SpaceError(f"{name} is {how}; a table has two dimensions, one row a vector.")
    if dtype.kind not in "fiub":
        raise SpaceError(f"{name} holds {dtype}, not real numbers.")


def _reading_npz(path: Path, sample: int) -> Reading:
    try:
        with zipfile.ZipFile(path) as packed:
            heads = {
                member.filename.removesuffix(".npy"): _head(packed, member)
                for member in packed.infolist()
                if member.filename.endswith(".npy")
            }
    except (zipfile.BadZipFile, ValueError) as error:
        raise SpaceError(f"{path.name} is no archive of NumPy's that can be read.") from error
    tables = [
        key for key, (shape, dtype) in heads.items() if len(shape) == 2 and dtype.kind in "fi"
    ]
    if not tables:
        held = ", ".join(f"{key} {shape}" for key, (shape, _) in heads.items()) or "nothing"
        raise SpaceError(f"{path.name} has no two-dimensional table of numbers; it holds {held}.")
    chosen = next((name for name in NAMES if name in tables), tables[0])
    shape, _ = heads[chosen]
    refuse_too_many(path.name, shape[0], sample, shape[1])
    yield 0, shape[0]
    with np.load(path, allow_pickle=False) as archive:
        labels = _labels(archive, heads, shape[0])
        array = archive[chosen]
        if array.dtype == np.float32 and sample == 1:
            _refuse_shape(array.shape, array.dtype, path.name)
            read = FileOfVectors(np.ascontiguousarray(array), labels)  # it is ours: no second one
        else:
            read = yield from _taking(
                lambda start, stop: array[start:stop:sample],
                *(array.shape, array.dtype, path.name, sample, labels),
            )
    if len(tables) > 1:
        others = ", ".join(key for key in tables if key != chosen)
        note = f"Of its tables {chosen} is shown, not {others}."
        return FileOfVectors(read.rows_ND, read.labels, " ".join(filter(None, (read.note, note))))
    return read


def _head(packed: zipfile.ZipFile, member: zipfile.ZipInfo) -> tuple[tuple[int, ...], Any]:
    """Shape and dtype, without the numbers."""
    with packed.open(member) as stream:
        version = npy.read_magic(stream)
        read = npy.read_array_header_1_0 if version == (1, 0) else npy.read_array_header_2_0
        shape, _, dtype = read(stream)
        return shape, dtype


def _labels(archive: Any, heads: dict[str, tuple[tuple[int, ...], Any]], n: int) -> tuple[str, ...]:
    """A row of words beside the table: its labels."""
    for key, (shape, dtype) in heads.items():
        if shape == (n,) and dtype.kind in "US":
            words = archive[key]
            words = np.char.decode(words, "utf-8", "replace") if dtype.kind == "S" else words
            return tuple(words.tolist())
    return ()
