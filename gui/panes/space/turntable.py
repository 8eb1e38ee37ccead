"""A GIF in which the cloud turns once about its upright axis.

Pictures are taken one after the other while the view turns, and written in a thread beside the
window. Knows the view, Pillow and the store's files; no table.
"""

from __future__ import annotations

from dataclasses import replace
from importlib.util import find_spec
from math import pi
from pathlib import Path

from PySide6.QtCore import QObject, QSize, Qt, QTimer
from PySide6.QtGui import QImage
from PySide6.QtWidgets import QFileDialog

from gui.file_dialog import file_dialog
from gui.session.exporting import Writing
from gui.session.state import Notice
from gui.session.store import Store
from gui.widgets.point_cloud.view import PointCloudView

PICTURES = 60
PICTURE_MS = 60
"""Of each in the GIF; a turn takes 3.6 seconds."""
LONGEST_SIDE = 800


class Turntable(QObject):
    """Takes the pictures, then has them written.

    Args:
        store: the store.
        view: the cloud.
    """

    def __init__(self, store: Store, view: PointCloudView) -> None:
        super().__init__(view)
        self._store, self._view = store, view
        self._pictures: list[QImage] = []
        self._path = Path()
        self._start = self._last = view.camera
        self._turning = QTimer(self)
        self._turning.timeout.connect(self._take)

    @property
    def problem(self) -> str:
        """Why there can be none; empty if there can."""
        if find_spec("PIL") is None:
            return "A turntable needs Pillow, not installed here: pip install Pillow."
        if self._view.camera.flat:
            return "A map in 2D does not turn: switch 2D off first."
        return "" if len(self._view.shown_points) else "There is nothing to turn yet."

    def ask_path(self) -> None:
        """Ask for a file, and take it."""
        if self.problem:
            self._store.post(Notice(self.problem, level="warning"))
            return
        dialog = file_dialog(self._view, "Turntable")
        dialog.setAcceptMode(QFileDialog.AcceptMode.AcceptSave)
        dialog.setNameFilter("GIF (*.gif)")
        dialog.setDefaultSuffix("gif")
        dialog.fileSelected.connect(self.take)
        dialog.open()

    def take(self, path: str) -> None:
        """Turn once, then write the file."""
        self._path, self._start = Path(path), self._view.camera
        self._pictures = []
        self._turning.start(0)

    def _take(self) -> None:
        at = len(self._pictures)
        azimuth = (self._start.azimuth + 2 * pi * at / PICTURES + pi) % (2 * pi) - pi
        # A person who turns or leaves meanwhile has it stopped.
        touched = bool(self._pictures) and self._view.camera != self._last
        if touched or not self._view.isVisible():
            self._stop(back=not touched)
            return
        self._last = replace(self._start, azimuth=azimuth)
        picture = self._view.picture_from(self._last)
        self._pictures.append(_small(picture))
        if len(self._pictures) == PICTURES:
            self._store.exporting.start(self._path, writing(self._path, self._pictures))
            self._stop()

    def _stop(self, *, back: bool = True) -> None:
        self._turning.stop()
        self._pictures = []
        if back:
            self._view.set_camera(self._start)


def _small(picture: QImage) -> QImage:
    size = picture.size()
    if max(size.width(), size.height()) > LONGEST_SIDE:
        size = size.scaled(QSize(LONGEST_SIDE, LONGEST_SIDE), Qt.AspectRatioMode.KeepAspectRatio)
        smooth = Qt.TransformationMode.SmoothTransformation
        picture = picture.scaled(size, Qt.AspectRatioMode.IgnoreAspectRatio, smooth)
    return picture.convertToFormat(QImage.Format.Format_RGB888)


def writing(path: Path, pictures: list[QImage]) -> Writing:
    """Write pictures as one GIF, whole or not at all; yields the share that is done."""
    from PIL import Image

    from model.whole_file import whole_file

    frames = []
    for at, picture in enumerate(pictures):
        size = (picture.width(), picture.height())
        data = bytes(picture.constBits())
        frame = Image.frombytes("RGB", size, data, "raw", "RGB", picture.bytesPerLine())
        frames.append(frame.quantize(128, dither=Image.Dither.NONE))
        yield at / len(pictures)
    with whole_file(path, ordinary=True) as file:
        frames[0].save(
            file,
            format="GIF",
            save_all=True,
            append_images=frames[1:],
            duration=PICTURE_MS,
            loop=0,
            disposal=1,
        )
    yield 1.0
