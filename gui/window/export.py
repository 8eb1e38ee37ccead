"""A pane as a file: the picture as PNG or SVG, its numbers as one CSV or npz.

Provenance (program, model, prompt) goes into the file and under the picture, a path of this machine
never. What needs widgets is done at once; the rest is a generator, which another thread may drive
and close early. A file that is there already stays whole until the new one is. Knows no pane.
"""

from __future__ import annotations

import csv
import io
import itertools
import json
import zipfile
from collections.abc import Generator, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np
from numpy.typing import NDArray
from PySide6.QtCore import QBuffer, QByteArray, QIODevice, QSize
from PySide6.QtGui import QImage, QImageWriter, QPainter
from PySide6.QtWidgets import QMainWindow, QWidget

from gui.window.figure import Figure
from gui.window.svg import figure_svg
from gui.window.table import table_of
from model import __version__
from model.probe.question import Named
from model.slices import finish
from model.whole_file import WriteError, whole_file

Writing = Generator[float, None, None]
"""Yields which share is written; the file is there when it ends, and only then."""
SCALE = 2.0
"""Pixels of a PNG to a logical one."""
ROWS = 1000
"""Of a CSV between two yields: a millisecond."""
LONGEST_PROMPT = 300
"""Characters of a prompt under a figure; the file's own words have all of them."""


class ExportError(Exception):
    """A file that can't be written, or nothing to write; the message is for the person."""


def write_picture(widget: QWidget, path: Path, provenance: Mapping[str, str]) -> None:
    """Write a widget as PNG or SVG at once; see `writing_picture`."""
    finish(writing_picture(widget, path, provenance))


def write_data(
    data: Mapping[str, Named | NDArray[Any]], path: Path, provenance: Mapping[str, str]
) -> None:
    """Write named arrays as one file at once; see `writing_data`."""
    finish(writing_data(data, path, provenance))


def writing_picture(widget: QWidget, path: Path, provenance: Mapping[str, str]) -> Writing:
    """A widget as PNG or SVG, by the file's suffix: a pane as a figure, a window as it is (PNG).

    It is painted at once, so that it shows what was seen when it was asked for.

    Raises:
        ExportError: another suffix, nothing is drawn, or (later) the file can't be written.
    """
    figure = Figure(widget, caption(provenance))
    if figure.is_empty:
        raise ExportError("This pane draws nothing now, so there is nothing to export.")
    match path.suffix.lower():
        case ".png":
            image = picture(widget) if isinstance(widget, QMainWindow) else _image(figure)
            for key, value in provenance.items():
                image.setText(key, value)
            return _writing_png(image, path)
        case ".svg":
            title, about = provenance.get("Title", "Glassformer"), json.dumps(dict(provenance))
            return _writing_bytes(figure_svg(figure, title, about).encode(), path)
        case other:
            raise ExportError(f"{other or 'No suffix'} is no picture: .png or .svg is.")


def caption(provenance: Mapping[str, str]) -> tuple[str, ...]:
    """What stands under a figure: its title; the model, the prompt and the program."""
    prompt = " ".join(provenance.get("Prompt", "").split())
    if len(prompt) > LONGEST_PROMPT:
        prompt = f"{prompt[:LONGEST_PROMPT]}…"
    words = [f"Model {provenance['Model']}."] if "Model" in provenance else []
    words += [f"Prompt: “{prompt}”"] if prompt else []
    words += [f"{provenance['Software']}."] if "Software" in provenance else []
    return (provenance.get("Title", ""), "  ".join(words))


def writing_data(
    data: Mapping[str, Named | NDArray[Any]], path: Path, provenance: Mapping[str, str]
) -> Writing:
    """Named arrays as one file, npz or CSV.

    CSV: one table. Its columns are the axes, then a column an array; see `gui.window.table`.
    npz: each array under its name, the names of its axes under ``NAME.axes``, and what the places
    of an axis stand for under ``NAME.AXIS``.

    Raises:
        ExportError: nothing to write, another suffix, or (later) the file can't be written.
    """
    if not data:
        raise ExportError("This pane draws nothing now, so there is nothing to export.")
    match path.suffix.lower():
        case ".npz":
            return _writing_npz(data, path, provenance)
        case ".csv":
            return _writing_csv(data, path, provenance)
        case other:
            raise ExportError(f"{other or 'No suffix'} is no table: .csv or .npz is.")


def provenance_of(title: str, model: str, prompt: str, step: int | None = None) -> dict[str, str]:
    """Where a figure comes from.

    Args:
        title: what it shows.
        model: its name; a path would tell strangers about this machine.
        prompt: that was read.
        step: of the training, of a model that learns.
    """
    return {
        "Title": title,
        "Software": f"Glassformer {__version__}",
        "Model": model if step is None else f"{model}, training step {step:,}",
        "Prompt": prompt,
    }


# ------------------------------------------------------------------------------ pictures


def picture(widget: QWidget, scale: float = SCALE) -> QImage:
    """A widget as it is on the screen, at a scale."""
    image = _blank(widget.size(), scale)
    widget.render(image)
    return image


def _image(figure: Figure) -> QImage:
    image = _blank(figure.size, SCALE)
    with QPainter(image) as painter:
        figure.paint(painter)
    return image


def _blank(size: QSize, scale: float) -> QImage:
    image = QImage(size * scale, QImage.Format.Format_ARGB32_Premultiplied)
    image.setDevicePixelRatio(scale)
    image.fill(0)
    return image


def _writing_png(image: QImage, path: Path) -> Writing:
    buffer = QBuffer()
    buffer.open(QIODevice.OpenModeFlag.WriteOnly)
    if not QImageWriter(buffer, QByteArray(b"png")).write(image):
        raise ExportError(f"{path} can't be written: the picture is too large.")
    yield from _writing_bytes(bytes(buffer.data().data()), path)


def _writing_bytes(content: bytes, path: Path) -> Writing:
    with _whole(path) as file:
        file.write(content)
        yield 1.0


# ---------------------------------------------------------------------------------- data


def _writing_csv(
    data: Mapping[str, Named | NDArray[Any]], path: Path, provenance: Mapping[str, str]
) -> Writing:
    table = table_of(data)
    total = max(1, sum(len(part) for part in table.parts))
    with _whole(path) as file:
        text = io.TextIOWrapper(file, encoding="utf-8", errors="backslashreplace", newline="")
        text.writelines(f"# {key}: {value!r}\n" for key, value in provenance.items())
        writer = csv.writer(text)
        writer.writerow(table.columns)
        rows, done = table.rows(), 0
        while chunk := list(itertools.islice(rows, ROWS)):
            writer.writerows(chunk)
            done += len(chunk)
            yield done / total
        text.detach()


def _writing_npz(
    data: Mapping[str, Named | NDArray[Any]], path: Path, provenance: Mapping[str, str]
) -> Writing:
    """As NumPy writes it, array by array."""
    arrays = _arrays(data)
    arrays["provenance"] = np.array(json.dumps(dict(provenance)))
    total, done = sum(array.nbytes for array in arrays.values()), 0
    with _whole(path) as file, zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as packed:
        for name, array in arrays.items():
            with packed.open(f"{name}.npy", "w", force_zip64=True) as part:
                np.lib.format.write_array(part, array, allow_pickle=False)
            done += array.nbytes
            yield done / total


def _arrays(data: Mapping[str, Named | NDArray[Any]]) -> dict[str, NDArray[Any]]:
    arrays: dict[str, NDArray[Any]] = {}
    for key, value in data.items():
        if not isinstance(value, Named):
            arrays[key] = np.asarray(value)
            continue
        arrays[key] = value.values
        arrays[f"{key}.axes"] = np.array(value.axes)
        for axis, places in value.at.items():
            arrays[f"{key}.{axis}"] = np.asarray(places)
    return arrays


@contextmanager
def _whole(path: Path) -> Iterator[BinaryIO]:
    """The file, whole at the end of the block.

    Raises:
        ExportError: it can't be written.
    """
    try:
        with whole_file(path) as file:
            yield file
    except WriteError as error:
        raise ExportError(str(error)) from error
