"""What is exported is one whole file, whose columns have names, and nothing about this machine."""

from __future__ import annotations

import csv
import json
from pathlib import Path

import numpy as np
import pytest
from PySide6.QtGui import QImage
from PySide6.QtWidgets import QLabel
from pytestqt.qtbot import QtBot

from gui.window.export import (
    ExportError,
    provenance_of,
    write_data,
    write_picture,
    writing_data,
)
from gui.window.table import table_of
from model.probe.question import Named
from tests.full_disk import FULL, room_for

FACTS = provenance_of("Attention", "story-world", "She\nsang.")
PATTERN = Named(
    np.array([[0.25, 0.75], [0.1, 0.9], [1.0, 0.0]], np.float32),
    ("query", "key"),
    {"query": np.array([4, 6, 8])},
)


def read_csv(path: Path) -> tuple[list[str], list[dict[str, str]]]:
    """Comment lines, and the rows by their columns."""
    lines = path.read_text(encoding="utf-8").splitlines()
    comments = [line for line in lines if line.startswith("#")]
    return comments, list(csv.DictReader(lines[len(comments) :]))


def test_a_matrix_is_a_long_table_with_its_axes_in_front(tmp_path: Path) -> None:
    write_data({"weight": PATTERN}, tmp_path / "a.csv", FACTS)
    comments, rows = read_csv(tmp_path / "a.csv")
    assert "# Prompt: 'She\\nsang.'" in comments
    assert list(rows[0]) == ["query", "key", "weight"]
    assert rows[3] == {"query": "6", "key": "1", "weight": "0.9"}
    values = np.array([row["weight"] for row in rows], np.float32).reshape(3, 2)
    assert np.array_equal(values, PATTERN.values), "not a digit is lost"
    assert list(tmp_path.iterdir()) == [tmp_path / "a.csv"]


def test_arrays_of_one_length_are_columns_of_one_table(tmp_path: Path) -> None:
    data = {"token": np.array(["The", "king"]), "bits": np.array([np.nan, 4.5])}
    write_data(data, tmp_path / "a.csv", FACTS)
    _, rows = read_csv(tmp_path / "a.csv")
    assert rows == [{"token": "The", "bits": "nan"}, {"token": "king", "bits": "4.5"}]


def test_all_that_a_pane_draws_is_one_table_blank_where_a_column_is_not_about_it(
    tmp_path: Path,
) -> None:
    data = {
        "weight": PATTERN,
        "masked": Named(PATTERN.values > 0.5, PATTERN.axes, PATTERN.at),
        "token": Named(np.array(["He", "she", "it"]), ("query",), PATTERN.at),
        "share": Named(np.array(0.5), ()),
    }
    write_data(data, tmp_path / "a.csv", FACTS)
    _, rows = read_csv(tmp_path / "a.csv")
    assert list(rows[0]) == ["query", "key", "weight", "masked", "token", "share"]
    assert len(rows) == 6 + 3 + 1
    assert rows[1] == {
        "query": "4",
        "key": "1",
        "weight": "0.75",
        "masked": "True",
        "token": "",
        "share": "",
    }
    assert rows[7]["query"] == "6"
    assert rows[7]["token"] == "she"
    assert rows[7]["key"] == rows[7]["weight"] == ""
    assert rows[9]["share"] == "0.5"


def test_what_is_measured_every_fifth_step_stands_in_the_line_of_its_step() -> None:
    steps = {"step": np.arange(1, 11)}
    checks = {"step": np.array([0, 5, 10])}
    table = table_of(
        {
            "train_loss": Named(np.arange(10) / 10, ("step",), steps),
            "val_loss": Named(np.array([9.0, 8.0, 7.0]), ("step",), checks),
            "rate": Named(np.arange(10) / 100, ("step",), steps),
        }
    )
    rows = [dict(zip(table.columns, row)) for row in table.rows()]
    assert [row["step"] for row in rows] == list(range(11))
    assert rows[0] == {"step": 0, "train_loss": "", "val_loss": 9.0, "rate": ""}
    assert rows[5] == {"step": 5, "train_loss": 0.4, "val_loss": 8.0, "rate": 0.04}
    assert rows[6]["val_loss"] == ""


def test_places_that_are_words_keep_their_order() -> None:
    table = table_of(
        {
            "length": Named(np.array([1.0, 2.0]), ("at",), {"at": np.array(["z", "a"])}),
            "other": Named(np.array([3.0]), ("at",), {"at": np.array(["m"])}),
        }
    )
    assert [tuple(row) for row in table.rows()] == [
        ("z", 1.0, ""),
        ("a", 2.0, ""),
        ("m", "", 3.0),
    ]


def test_an_array_that_is_called_as_an_axis_is_loses_nothing() -> None:
    table = table_of(
        {
            "position": Named(np.array([0.1, 0.2]), ("position",)),
            "norm": Named(np.array([5.0, 6.0]), ("position",)),
        }
    )
    assert table.columns == ("position", "position value", "norm")
    assert list(table.rows()) == [(0, 0.1, 5.0), (1, 0.2, 6.0)]


def test_npz_has_arrays_axes_and_where_they_come_from(tmp_path: Path) -> None:
    write_data({"weight": PATTERN, "plain": np.arange(3)}, tmp_path / "a.npz", FACTS)
    loaded = np.load(tmp_path / "a.npz", allow_pickle=False)
    assert np.array_equal(loaded["weight"], PATTERN.values)
    assert loaded["weight.axes"].tolist() == ["query", "key"]
    assert loaded["weight.query"].tolist() == [4, 6, 8]
    assert loaded["plain"].tolist() == [0, 1, 2]
    assert json.loads(str(loaded["provenance"])) == FACTS


def test_a_model_that_learns_is_named_with_its_step() -> None:
    assert provenance_of("a", "minute", "b", 1200)["Model"] == "minute, training step 1,200"


@pytest.mark.parametrize("name", ["a.csv", "a.npz", "a.png", "a.svg"])
def test_a_file_that_is_there_stays_whole_when_the_disk_is_full(
    qtbot: QtBot, tmp_path: Path, name: str
) -> None:
    path = tmp_path / name
    label = QLabel("Attention")
    qtbot.addWidget(label)

    def write() -> None:
        if path.suffix in (".png", ".svg"):
            write_picture(label, path, FACTS)
        else:
            write_data({"weight": PATTERN}, path, FACTS)

    path.write_bytes(b"old")
    with room_for(100), pytest.raises(ExportError, match=rf"{name} can't be written: {FULL}\."):
        write()
    assert path.read_bytes() == b"old"
    assert list(tmp_path.iterdir()) == [path], "nothing is left beside it"
    write()
    assert path.stat().st_size > 100, "the limit was what it failed at"
    if name == "a.png":
        assert QImage(str(path)).text("Model") == "story-world"


@pytest.mark.parametrize("name", ["a.csv", "a.npz"])
def test_what_is_closed_early_changes_nothing(tmp_path: Path, name: str) -> None:
    many = {"weight": Named(np.zeros((300, 300)), ("query", "key"))}
    path = tmp_path / name
    path.write_bytes(b"old")
    writing = writing_data(many, path, FACTS)
    assert 0 < next(writing) < 1
    writing.close()
    assert path.read_bytes() == b"old"
    assert list(tmp_path.iterdir()) == [path]


def test_a_link_stays_and_the_file_behind_it_is_replaced(tmp_path: Path) -> None:
    (tmp_path / "real.csv").write_text("old")
    (tmp_path / "link.csv").symlink_to("real.csv")
    write_data({"weight": PATTERN}, tmp_path / "link.csv", FACTS)
    assert (tmp_path / "link.csv").is_symlink()
    assert "0.75" in (tmp_path / "real.csv").read_text()


def test_what_cannot_be_written_is_a_sentence(tmp_path: Path) -> None:
    with pytest.raises(ExportError, match="nothing to export"):
        write_data({}, tmp_path / "a.csv", FACTS)
    with pytest.raises(ExportError, match=r"\.txt is no table"):
        write_data({"weight": PATTERN}, tmp_path / "a.txt", FACTS)
    with pytest.raises(ExportError, match="can't be written"):
        write_data({"weight": PATTERN}, tmp_path / "gone" / "a.csv", FACTS)
    assert list(tmp_path.iterdir()) == []
