"""Files of vectors: every format as its tools write it, and what is wrong with its line."""

from __future__ import annotations

import tracemalloc
from pathlib import Path

import numpy as np
import pytest

from model.slices import finish
from model.space.files import FileOfVectors, looks_like_table, reading_file
from model.space.files import found as limits
from model.space.files.found import ordinal
from model.space.registry import SpaceError, TooManyRows

ROWS = np.random.default_rng(3).standard_normal((7, 5)).astype(np.float32)
WORDS = ("the", "king", "queen", "New York", "·", "naïve", "42")


def read(path: Path, sample: int = 1) -> FileOfVectors:
    return finish(reading_file(path, sample))


def lines(labels: tuple[str, ...] = WORDS, apart: str = " ") -> str:
    numbers = [apart.join(f"{number:.7g}" for number in row) for row in ROWS]
    return "".join(f"{word}{apart}{row}\n" for word, row in zip(labels, numbers))


def test_numpy_files_of_any_number_are_read(tmp_path: Path) -> None:
    for dtype in (np.float16, np.float32, np.float64, np.int16, np.uint8):
        rows = (ROWS * 10).astype(dtype) if np.dtype(dtype).kind in "iu" else ROWS.astype(dtype)
        np.save(tmp_path / "rows.npy", np.abs(rows))
        found = read(tmp_path / "rows.npy")
        assert found.rows_ND.dtype == np.float32
        assert np.array_equal(found.rows_ND, np.abs(rows).astype(np.float32))
        assert found.labels[:2] == ("row 0", "row 1")
    np.save(tmp_path / "rows.npy", np.asfortranarray(ROWS))
    assert np.array_equal(read(tmp_path / "rows.npy").rows_ND, ROWS)


def test_an_archive_brings_its_labels_and_says_which_table_is_shown(tmp_path: Path) -> None:
    np.savez(tmp_path / "a.npz", other=ROWS[:3], vectors=ROWS, words=np.array(WORDS))
    found = read(tmp_path / "a.npz")
    assert np.array_equal(found.rows_ND, ROWS)
    assert found.labels == WORDS
    assert found.note == "Of its tables vectors is shown, not other."


def test_what_our_own_verb_writes_is_read_again(tmp_path: Path) -> None:
    np.savez(tmp_path / "p.npz", points=ROWS, axes=np.eye(5), labels=np.array(WORDS))
    found = read(tmp_path / "p.npz")
    assert (found.labels, len(found.rows_ND)) == (WORDS, 7)


@pytest.mark.parametrize("header", ["", "7 5\n"])
def test_word_vectors_as_text_with_spaces_in_words(header: str, tmp_path: Path) -> None:
    path = tmp_path / "glove.txt"
    path.write_text(header + lines(), encoding="utf-8")
    found = read(path)
    assert found.labels == WORDS
    assert np.allclose(found.rows_ND, ROWS, rtol=1e-6)
    path.write_bytes((header + lines()).replace("\n", " \r\n").encode())  # as word2vec ends lines
    assert np.allclose(read(path).rows_ND, ROWS, rtol=1e-6)


def test_a_projectors_vectors_take_their_names_from_beside_them(tmp_path: Path) -> None:
    numbers = "".join("\t".join(f"{n:.7g}" for n in row) + "\n" for row in ROWS)
    (tmp_path / "vectors.tsv").write_text(numbers)
    assert read(tmp_path / "vectors.tsv").labels[0] == "row 0"
    (tmp_path / "metadata.tsv").write_text("\n".join(WORDS) + "\n", encoding="utf-8")
    found = read(tmp_path / "vectors.tsv")
    assert found.labels == WORDS
    assert np.allclose(found.rows_ND, ROWS, rtol=1e-6)
    several = "word\tcount\n" + "".join(f"{word}\t{at}\n" for at, word in enumerate(WORDS))
    (tmp_path / "metadata.tsv").write_text(several, encoding="utf-8")
    assert read(tmp_path / "vectors.tsv").labels == WORDS
    assert read(tmp_path / "vectors.tsv", 3).labels == WORDS[::3]
    (tmp_path / "metadata.tsv").write_text("\n".join(WORDS[:5]) + "\n", encoding="utf-8")
    with pytest.raises(SpaceError, match=r"metadata.tsv names 5 rows; vectors.tsv has 7."):
        read(tmp_path / "vectors.tsv")
    (tmp_path / "metadata.tsv").write_text("word\tcount\na\t1\nb\n", encoding="utf-8")
    with pytest.raises(SpaceError, match=r"Line 3 of metadata.tsv has 1 columns; its heading has"):
        read(tmp_path / "vectors.tsv")


def test_tables_that_numpy_saves_as_text_have_no_names(tmp_path: Path) -> None:
    np.savetxt(tmp_path / "rows.txt", ROWS)
    found = read(tmp_path / "rows.txt")
    assert np.allclose(found.rows_ND, ROWS)
    assert found.labels[0] == "row 0"


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("a 1 2 3\nb 1 2\n", "Line 2 of v.txt has 2 numbers; 3 are expected."),
        ("a 1 2 3\nb 1 2 3 4\n", "Line 2 of v.txt has 4 numbers; 3 are expected."),
        ("a 1 2 3\n\nb 1 x 3\n", "Line 3 of v.txt: “x” is no number."),
        ("2 3\na 1 2 3\nb 1 2\n", "Line 3 of v.txt has 2 numbers; 3 are expected."),
        ("1\t2\t3\n1\t2\n", "Line 2 of v.txt has 2 numbers; 3 are expected."),
        ("1\t2\t3\n1\tb\t3\n", "Line 2 of v.txt: “b” is no number."),
        ("", "v.txt is empty."),
        ("1\n2\n3\n", "v.txt is one-dimensional"),
        ("Once upon a time\n", "Line 1 of v.txt is no vector"),
        ("a nan nan\nb nan nan\n", "Every vector of v.txt holds NaN or infinity."),
    ],
)
def test_what_is_wrong_is_said_with_its_line(text: str, says: str, tmp_path: Path) -> None:
    (tmp_path / "v.txt").write_text(text)
    with pytest.raises(SpaceError) as refused:
        read(tmp_path / "v.txt")
    assert says in str(refused.value)


@pytest.mark.parametrize(
    ("array", "says"),
    [
        (np.zeros(9), "v.npy is one-dimensional"),
        (np.zeros((2, 3, 4)), "of shape (2, 3, 4)"),
        (np.zeros((3, 2), complex), "complex128, not real numbers"),
        (np.zeros((0, 4)), "v.npy holds no vectors"),
        (np.zeros((4, 0)), "v.npy holds no vectors"),
        (np.array([["a", "b"]]), "not real numbers"),
    ],
)
def test_arrays_that_are_no_table_are_refused(array: np.ndarray, says: str, tmp_path: Path) -> None:
    np.save(tmp_path / "v.npy", array)
    with pytest.raises(SpaceError) as refused:
        read(tmp_path / "v.npy")
    assert says in str(refused.value)


def test_nothing_is_unpickled_and_broken_files_are_told(tmp_path: Path) -> None:
    np.save(tmp_path / "o.npy", np.array([[object()]], dtype=object), allow_pickle=True)
    (tmp_path / "b.npy").write_bytes(b"\x93NUMPY nothing")
    (tmp_path / "b.npz").write_bytes(b"PK nothing")
    (tmp_path / "b.txt").write_bytes(b"\0\1\2" * 99)
    np.savez(tmp_path / "n.npz", one=np.zeros(3))
    for name, says in (
        ("o.npy", "can be read safely"),
        ("b.npy", "can be read safely"),
        ("b.npz", "no archive of NumPy's"),
        ("b.txt", "is no text"),
        ("n.npz", "no two-dimensional table of numbers; it holds one (3,)"),
        ("missing.npy", "missing.npy is no file."),
    ):
        with pytest.raises(SpaceError) as refused:
            read(tmp_path / name)
        assert says in str(refused.value)
    for name, says in (("a.gz", "unpack it first"), ("a.bin", "save them as text")):
        (tmp_path / name).write_bytes(b"x")
        with pytest.raises(SpaceError) as refused:
            read(tmp_path / name)
        assert says in str(refused.value)


def test_vectors_that_are_not_finite_are_left_out_and_counted(tmp_path: Path) -> None:
    rows = ROWS.astype(np.float64)
    rows[2, 1], rows[4, 0] = np.nan, 1e300
    np.save(tmp_path / "v.npy", rows)
    found = read(tmp_path / "v.npy")
    assert found.note == "2 of 7 vectors hold NaN or infinity and are left out."
    assert found.labels == ("row 0", "row 1", "row 3", "row 5", "row 6")
    assert np.array_equal(found.rows_ND, ROWS[[0, 1, 3, 5, 6]])


@pytest.mark.parametrize("kind", ["npy", "npz", "header", "glove"])
def test_of_too_many_rows_a_sample_is_offered_that_can_be_opened(
    kind: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(limits, "MOST_ROWS", 50)
    monkeypatch.setattr(limits, "SAMPLE_ROWS", 20)
    rows = np.arange(120, dtype=np.float32)[:, None] * np.ones(3, np.float32)
    text = "".join(f"w{at} {at} {at} {at}\n" for at in range(120))
    path = tmp_path / {"npy": "v.npy", "npz": "v.npz"}.get(kind, "v.txt")
    match kind:
        case "npy":
            np.save(path, rows)
        case "npz":
            np.savez(path, rows)
        case "header":
            path.write_text("120 3\n" + text)
        case "glove":
            path.write_text(text)
    with pytest.raises(TooManyRows, match=r"about 120 vectors; up to 50 .*every 6th") as refused:
        read(path)
    assert (refused.value.n_rows, refused.value.sample) == (120, 6)
    found = read(path, refused.value.sample)
    assert np.array_equal(found.rows_ND, rows[::6])
    assert found.note == "A sample: every 6th of about 120 vectors."
    if kind in ("header", "glove"):
        assert found.labels[:3] == ("w0", "w6", "w12")


def test_a_table_is_never_held_twice(tmp_path: Path) -> None:
    rows = np.random.default_rng(0).standard_normal((40_000, 30)).astype(np.float32)
    np.save(tmp_path / "v.npy", rows)
    np.savetxt(tmp_path / "v.txt", rows[:4000], fmt="%.4f")
    for name, n_bytes in (("v.npy", rows.nbytes), ("v.txt", rows.nbytes // 10)):
        tracemalloc.start()
        read(tmp_path / name)
        _, most = tracemalloc.get_traced_memory()
        tracemalloc.stop()
        assert most <= 2 * n_bytes + 6e6, "and its labels and slices"


def test_what_is_meant_as_a_table_is_known_by_its_name(tmp_path: Path) -> None:
    assert looks_like_table("/x/glove.6B.50d.TXT")
    assert not looks_like_table("/x/model.safetensors")
    (tmp_path / "folder.npy").mkdir()
    assert not looks_like_table(tmp_path / "folder.npy")
    assert [ordinal(n) for n in (2, 3, 11, 12, 21, 1113)] == [
        *("2nd", "3rd", "11th", "12th", "21st", "1,113th")
    ]
