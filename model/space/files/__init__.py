"""Reading files of vectors: NumPy, word2vec and GloVe text, projector TSV; a format a file.

Everything is float32 when it is read. A file is read in slices, never held twice, and what is
wrong with it is said with its line. Free of torch.
"""

from __future__ import annotations

from collections.abc import Callable, Generator
from pathlib import Path

from model.space.files.found import MOST_ROWS, FileOfVectors
from model.space.registry import SpaceError

__all__ = ["ENDINGS", "MOST_ROWS", "FileOfVectors", "looks_like_table", "reading_file"]

ENDINGS = (".npy", ".npz", ".tsv", ".txt", ".vec", ".glove", ".w2v")
"""What files of vectors end in."""


def looks_like_table(path: str | Path) -> bool:
    """Whether a path is meant as a file of vectors rather than as a checkpoint."""
    return Path(path).suffix.lower() in ENDINGS and not Path(path).is_dir()


def reading_file(
    path: str | Path, sample: int = 1
) -> Generator[tuple[int, int], None, FileOfVectors]:
    """Read a file of vectors, yielding (done, total) between two slices.

    Args:
        path: of it.
        sample: every ``sample``-th row; 1 for all.

    Raises:
        SpaceError: it is none, or is broken: with the line. `TooManyRows` offers a sample.
    """
    path = Path(path)
    if not path.is_file():
        raise SpaceError(f"{path.name} is no file.")
    reader = _reader(path)
    try:
        read = yield from reader(path, max(1, sample))
    except OSError as error:
        raise SpaceError(f"{path.name} can't be read: {error.strerror or error}.") from error
    except MemoryError:
        raise SpaceError(f"{path.name} does not fit into memory; open a sample of it.") from None
    return read.checked(path.name)


def _reader(path: Path) -> Callable[..., Generator[tuple[int, int], None, FileOfVectors]]:
    from model.space.files import numpy_file, text

    ending = path.suffix.lower()
    if ending in (".npy", ".npz"):
        return numpy_file.reading
    if ending in (".gz", ".zip", ".bz2", ".xz", ".7z"):
        raise SpaceError(f"{path.name} is packed; unpack it first.")
    if ending in (".bin", ".model", ".magnitude"):
        raise SpaceError(
            f"{path.name} holds binary vectors; save them as text (word2vec: -binary 0) or as .npy."
        )
    return text.reading
