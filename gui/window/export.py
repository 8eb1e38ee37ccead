"""A pane as a file: the picture as PNG or SVG, its numbers as CSV or npz.

Provenance (program, model, prompt) goes into the file. Knows panes by their base class.
"""

from __future__ import annotations

import csv
import html
import io
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PySide6.QtCore import QPoint, QRect, QSize
from PySide6.QtGui import QImage, QPainter
from PySide6.QtSvg import QSvgGenerator
from PySide6.QtWidgets import QWidget

from model import __version__


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
            if not image.save(str(path)):
                raise ExportError(f"{path} can't be written. Choose another folder.")
        case ".svg":
            generator = QSvgGenerator()
            generator.setFileName(str(path))
            generator.setSize(QSize(widget.width(), widget.height()))
            generator.setViewBox(QRect(QPoint(0, 0), widget.size()))
            generator.setTitle(html.escape(provenance.get("Title", "Glassformer")))
            generator.setDescription(html.escape(json.dumps(dict(provenance))))
            painter = QPainter()
            if not painter.begin(generator):
                raise ExportError(f"{path} can't be written. Choose another folder.")
            widget.render(painter, QPoint(0, 0))
            painter.end()
        case other:
            raise ExportError(f"{other or 'No suffix'} is no picture: .png or .svg is.")


def write_data(
    data: Mapping[str, NDArray[Any]], path: Path, provenance: Mapping[str, str]
) -> list[Path]:
    """Write named arrays as one npz, or as CSV.

    CSV: arrays of one dimension and one length become the columns of one file; every other array
    becomes a file of its own, ``NAME-array.csv``, with its indices in front of each value where it
    has more than two dimensions.

    Returns:
        The files written.

    Raises:
        ExportError: nothing to write, another suffix, or a file can't be written.
    """
    if not data:
        raise ExportError("This pane draws nothing now, so there is nothing to export.")
    try:
        match path.suffix.lower():
            case ".npz":
                arrays = {key: np.asarray(value) for key, value in data.items()}
                arrays["provenance"] = np.array(json.dumps(dict(provenance)))
                # Through memory: a file that exists is a whole file.
                buffer = io.BytesIO()
                np.savez_compressed(buffer, allow_pickle=False, **arrays)
                path.write_bytes(buffer.getvalue())
                return [path]
            case ".csv":
                return _write_csv(data, path, provenance)
            case other:
                raise ExportError(f"{other or 'No suffix'} is no table: .csv or .npz is.")
    except OSError as error:
        raise ExportError(f"{path} can't be written: {error.strerror}.") from error


def _write_csv(
    data: Mapping[str, NDArray[Any]], path: Path, provenance: Mapping[str, str]
) -> list[Path]:
    columns = {key: np.asarray(v) for key, v in data.items() if np.ndim(v) == 1}
    lengths = {column.size for column in columns.values()}
    written = []
    if len(lengths) == 1:
        _write_rows(path, provenance, list(columns), zip(*columns.values(), strict=True))
        written.append(path)
        rest = {key: v for key, v in data.items() if key not in columns}
    else:
        rest = dict(data)
    for key, value in rest.items():
        array = np.asarray(value)
        own = path.with_name(f"{path.stem}-{key.replace('/', '_')}.csv") if len(data) > 1 else path
        if array.ndim <= 1:
            _write_rows(own, provenance, [key], ([item] for item in np.atleast_1d(array)))
        elif array.ndim == 2:
            _write_rows(own, provenance, [str(i) for i in range(array.shape[1])], array)
        else:
            header = [f"index_{axis}" for axis in range(array.ndim)] + [key]
            rows = ((*index, item) for index, item in np.ndenumerate(array))
            _write_rows(own, provenance, header, rows)
        written.append(own)
    return written


def _write_rows(path: Path, provenance: Mapping[str, str], header: list[str], rows: Any) -> None:
    with path.open("w", newline="", encoding="utf-8", errors="backslashreplace") as file:
        file.writelines(f"# {key}: {value!r}\n" for key, value in provenance.items())
        writer = csv.writer(file)
        writer.writerow(header)
        writer.writerows(rows)


def provenance_of(title: str, model: str, prompt: str) -> dict[str, str]:
    """Where a figure comes from."""
    return {
        "Title": title,
        "Software": f"Glassformer {__version__}",
        "Model": model,
        "Prompt": prompt,
    }
