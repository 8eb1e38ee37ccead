"""A pane as a file: the picture as PNG or SVG, its numbers as one CSV or npz.

Provenance (program, model, prompt) goes into the file, a path of this machine never. A file that is
there already stays whole until the new one is. Knows panes by their base class.
"""

from __future__ import annotations

import csv
import html
import io
import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PySide6.QtCore import QBuffer, QByteArray, QIODevice, QPoint, QRect, QSize
from PySide6.QtGui import QImage, QImageWriter, QPainter
from PySide6.QtSvg import QSvgGenerator
from PySide6.QtWidgets import QWidget

from gui.window.table import table_of
from model import __version__
from model.probe.question import Named


class ExportError(Exception):
    """A file that can't be written, or nothing to write; the message is for the person."""


def picture(widget: QWidget, scale: float = 2.0) -> QImage:
    """A widget as an image, at a scale."""
    size = widget.size()
    image = QImage(size * scale, QImage.Format.Format_ARGB32_Premultiplied)
    image.setDevicePixelRatio(scale)
    image.fill(0)
    widget.render(image)
    return image


def write_picture(widget: QWidget, path: Path, provenance: Mapping[str, str]) -> None:
    """Write a widget as PNG or SVG, by the file's suffix.

    Raises:
        ExportError: another suffix, or the file can't be written.
    """
    match path.suffix.lower():
        case ".png":
            image = picture(widget)
            for key, value in provenance.items():
                image.setText(key, value)
            buffer = QBuffer()
            buffer.open(QIODevice.OpenModeFlag.WriteOnly)
            if not QImageWriter(buffer, QByteArray(b"png")).write(image):
                raise ExportError(f"{path} can't be written: the picture is too large.")
        case ".svg":
            buffer = QBuffer()
            buffer.open(QIODevice.OpenModeFlag.WriteOnly)
            generator = QSvgGenerator()
            generator.setOutputDevice(buffer)
            generator.setSize(QSize(widget.width(), widget.height()))
            generator.setViewBox(QRect(QPoint(0, 0), widget.size()))
            generator.setTitle(html.escape(provenance.get("Title", "Glassformer")))
            generator.setDescription(html.escape(json.dumps(dict(provenance))))
            painter = QPainter()
            if not painter.begin(generator):
                raise ExportError(f"{path} can't be written: there is nothing to draw.")
            widget.render(painter, QPoint(0, 0))
            painter.end()
        case other:
            raise ExportError(f"{other or 'No suffix'} is no picture: .png or .svg is.")
    with _whole(path) as beside:
        beside.write_bytes(buffer.data().data())


def write_data(
    data: Mapping[str, Named | NDArray[Any]], path: Path, provenance: Mapping[str, str]
) -> None:
    """Write named arrays as one file, npz or CSV.

    CSV: one table. Its columns are the axes, then a column an array; see `gui.window.table`.
    npz: each array under its name, the names of its axes under ``NAME.axes``, and what the places
    of an axis stand for under ``NAME.AXIS``.

    Raises:
        ExportError: nothing to write, another suffix, or a file can't be written.
    """
    if not data:
        raise ExportError("This pane draws nothing now, so there is nothing to export.")
    match path.suffix.lower():
        case ".npz":
            with _whole(path) as beside, beside.open("wb") as packed:
                arrays = _arrays(data)
                arrays["provenance"] = np.array(json.dumps(dict(provenance)))
                np.savez_compressed(packed, allow_pickle=False, **arrays)
        case ".csv":
            table = table_of(data)
            head = io.StringIO()
            head.writelines(f"# {key}: {value!r}\n" for key, value in provenance.items())
            with (
                _whole(path) as beside,
                beside.open("w", newline="", encoding="utf-8", errors="backslashreplace") as text,
            ):
                text.write(head.getvalue())
                writer = csv.writer(text)
                writer.writerow(table.columns)
                writer.writerows(table.rows())
        case other:
            raise ExportError(f"{other or 'No suffix'} is no table: .csv or .npz is.")


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
def _whole(path: Path) -> Iterator[Path]:
    """Gives a path beside another; what was written there takes its place, or nothing changes.

    Raises:
        ExportError: it can't be written.
    """
    beside = path.with_name(f".{path.name}.part")
    try:
        yield beside
        beside.replace(path)
    except OSError as error:
        raise ExportError(f"{path} can't be written: {error.strerror or error}.") from error
    finally:
        with suppress(OSError):  # its folder is no folder, or is gone
            beside.unlink(missing_ok=True)


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
