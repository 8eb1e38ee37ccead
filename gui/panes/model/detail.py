"""One parameter tensor in detail: figures, histogram, image, singular values.

Arranges the views by the room there is: side by side, or one of them at a time. Knows messages
and what it is given; no store.
"""

from __future__ import annotations

import math
from typing import Literal

import numpy as np
from PySide6.QtCore import QRect, Qt, QTimer, Signal
from PySide6.QtGui import QAction, QActionGroup, QResizeEvent
from PySide6.QtWidgets import (
    QComboBox,
    QHBoxLayout,
    QProgressBar,
    QToolButton,
    QVBoxLayout,
    QWidget,
)

from gui import theme
from gui.panes.model.by_hand import NumberRow
from gui.panes.model.matrix_image import MatrixImage
from gui.panes.model.matrix_picture import MatrixPicture, color_limit
from gui.widgets.action_row import HEIGHT, ActionRow
from gui.widgets.charts.histogram import Histogram
from gui.widgets.charts.spectrum import Spectrum
from gui.widgets.nest import nest
from gui.widgets.text import Text, as_written
from model import messages as m
from model.counting import counted
from model.probe.weights.matrix_layout import MatrixLayout

View = Literal["matrix", "histogram", "singular"]
VIEWS: dict[View, tuple[str, str]] = {
    "matrix": ("Matrix", "The numbers as an image"),
    "histogram": ("Histogram", "How often each value occurs"),
    "singular": ("Singular values", "How strongly the matrix stretches each of its directions"),
}
WAITS = "Its numbers are being looked at…"
WAITS_AFTER_MS = 200
SIDE_BY_SIDE = 480
ON_TOP = 300


class WeightDetail(QWidget):
    """The widget.

    Signals:
        part_chosen: index of a head, or None for all of the tensor.
        singular_values_requested: they are to be found.
        cancel_requested: they are not, after all.
    """

    part_chosen = Signal(object)
    singular_values_requested = Signal()
    cancel_requested = Signal()

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        small = theme.SMALL_FONT_SIZE
        self._tensor: m.WeightTensor | None = None
        self.title = Text(parent=self, font=theme.mono(), elide=Qt.TextElideMode.ElideLeft)
        self.shape_text = Text(parent=self, tone="dim", font=theme.mono(small))
        self.file_text = Text(
            parent=self, tone="dim", font=theme.mono(small), elide=Qt.TextElideMode.ElideMiddle
        )
        self.figures = Text(parent=self, tone="dim", font=theme.mono(small), wrap=True)
        self.part = QComboBox(self)
        self.part.setToolTip("All heads side by side, or one of them alone")
        self.part.setAccessibleName("Head")
        self.part.setFont(theme.sans(small))
        self.part.setFixedHeight(HEIGHT)
        self.part.activated.connect(self._part_activated)
        self._views = QActionGroup(self)
        for key, (text, tip) in VIEWS.items():
            action = QAction(text, self)
            action.setToolTip(tip)
            action.setCheckable(True)
            action.setData(key)
            action.setChecked(key == "matrix")
            self._views.addAction(action)
        self._views.triggered.connect(self._arrange)
        self.view_row = ActionRow(self._views.actions(), "Views of the tensor", self)
        self.histogram = Histogram(self)
        self.image = MatrixImage(self)
        self.waits = Text(WAITS, self.image.viewport(), tone="dim", wrap=True)
        self.waits.move(theme.SPACE, theme.SPACE)
        self.waits.hide()
        self._late = QTimer(self)
        self._late.setSingleShot(True)
        self._late.setInterval(WAITS_AFTER_MS)
        self._late.timeout.connect(self._say_it_waits)
        self.singular = SingularValues(self)
        self.singular.requested.connect(self.singular_values_requested)
        self.singular.cancelled.connect(self.cancel_requested)
        self._head = QWidget(self)
        head = QVBoxLayout(self._head)
        head.setContentsMargins(theme.SPACE, theme.TIGHT, theme.SPACE, 0)
        head.setSpacing(2)
        line = QHBoxLayout()
        line.setSpacing(theme.SPACE)
        line.addWidget(self.title, 1)
        line.addWidget(self.part)
        second = QHBoxLayout()
        second.setSpacing(2 * theme.SPACE)
        second.addWidget(self.shape_text)
        second.addWidget(self.file_text, 1)
        nest(head, line)
        nest(head, second)
        head.addWidget(self.figures)
        self.number = NumberRow(self._head)
        self.number.shown_or_hidden.connect(self._arrange)
        head.addWidget(self.number)
        head.addStretch(1)

    # ------------------------------------------------------------------------ contents

    def show_tensor(self, tensor: m.WeightTensor, axes: str, part: int | None) -> None:
        """Another tensor, of which nothing else is known yet.

        Args:
            tensor: which.
            axes: what its axes are, in words.
            part: the head that is looked at, or None for all.
        """
        # What was found of another tensor, or of another head, is not this one's.
        self.histogram.set_counts(np.zeros(0, np.int64), 0.0, 0.0, math.nan, math.nan)
        if tensor != self._tensor:
            self._tensor = tensor
            self.part.clear()
            n_parts = tensor.shape[0] if len(tensor.shape) == 3 else 0
            self.part.addItems(["all heads", *(f"head {index}" for index in range(n_parts))])
            self.part.setVisible(n_parts > 1)
            self.title.setText(tensor.name)
            self.title.setToolTip(as_written(tensor.name))
            shape = " × ".join(str(size) for size in tensor.shape)
            self.shape_text.setText(f"[{shape}] {axes}" if axes else f"[{shape}]")
            self.file_text.setText(_file_words(tensor))
            self.file_text.setToolTip(as_written(_file_words(tensor)))
            self.figures.setText("")
        self.part.setCurrentIndex(0 if part is None else part + 1)
        self._late.start()
        self._arrange()

    def _say_it_waits(self) -> None:
        """Millions of numbers take a while to be looked at."""
        room = self.image.viewport().width() - 2 * theme.SPACE
        self.waits.resize(room, self.waits.heightForWidth(room))
        self.waits.show()

    def show_figures(self, figures: m.WeightFigures | None) -> None:
        """Of the whole tensor."""
        words = "" if figures is None else figure_words(figures)
        if words != self.figures.text():
            self.figures.setText(words)
            self.figures.setToolTip(words)
            self._arrange()

    def show_examined(self, found: m.WeightExamined, axes: tuple[str, str]) -> None:
        """Histogram and picture.

        Args:
            found: what the worker found.
            axes: what the rows and the columns of the matrix are.
        """
        self._late.stop()
        self.waits.hide()
        self.histogram.set_counts(found.counts, found.low, found.high, found.mean, found.std)
        limit, note = color_limit(found.low, found.high, found.rms)
        self.image.set_picture(
            MatrixPicture(
                n_rows=found.layout.n_rows,
                n_columns=found.layout.n_columns,
                rows=found.rows,
                columns=found.columns,
                block=found.block,
                values_RC=found.values,
                rows_RC=found.value_rows,
                columns_RC=found.value_columns,
                limit=limit,
                row_title=axes[0],
                column_title=axes[1],
                note=note,
                row_group=_group(found.layout, found.layout.rows),
                column_group=_group(found.layout, found.layout.columns),
            )
        )

    @property
    def view(self) -> View:
        """The view that is shown where there is room for one."""
        found: View = self._views.checkedAction().data()
        return found

    def set_view(self, view: View) -> None:
        """Choose it, as a click would."""
        next(a for a in self._views.actions() if a.data() == view).trigger()

    def apply_theme(self) -> None:
        """Take new colours."""
        self.image.apply_theme()
        for canvas in (self.histogram, self.singular.curve):
            canvas.redraw()

    # ------------------------------------------------------------------------- places

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        self._arrange()

    def _arrange(self) -> None:
        width, height = self.width(), self.height()
        self.file_text.setVisible(width > 420)
        self.shape_text.setVisible(height > 170)
        self.figures.setWordWrap(height > 230)
        layout = self._head.layout()
        assert layout is not None
        layout.invalidate()
        tall = layout.totalHeightForWidth(width)
        if tall < 0:  # no line wraps
            tall = layout.totalSizeHint().height()
        top = min(tall, max(40, height // 2))
        self._head.setGeometry(0, 0, width, top)
        rest = QRect(0, top, width, max(0, height - top))
        views = (self.image, self.histogram, self.singular)
        wide, high = rest.width() >= SIDE_BY_SIDE, rest.height() >= ON_TOP
        self.view_row.setVisible(not (wide or high))
        if wide:
            left = min(max(200, int(rest.width() * 0.38)), 420)
            half = rest.height() // 2
            if rest.height() < 150:
                # Three in a row.
                third = rest.width() // 4
                self._place(
                    QRect(2 * third, rest.y(), rest.width() - 2 * third, rest.height()),
                    QRect(0, rest.y(), third, rest.height()),
                    QRect(third, rest.y(), third, rest.height()),
                )
                return
            self._place(
                QRect(left, rest.y(), rest.width() - left, rest.height()),
                QRect(0, rest.y(), left, half),
                QRect(0, rest.y() + half, left, rest.height() - half),
            )
            return
        if high:
            share = rest.height() // 4
            self._place(
                QRect(0, rest.y(), rest.width(), rest.height() - 2 * share),
                QRect(0, rest.bottom() + 1 - 2 * share, rest.width(), share),
                QRect(0, rest.bottom() + 1 - share, rest.width(), share),
            )
            return
        self.view_row.setGeometry(theme.SPACE, rest.y(), width - 2 * theme.SPACE, HEIGHT)
        below = rest.adjusted(0, HEIGHT + 2, 0, 0)
        shown = {"matrix": self.image, "histogram": self.histogram, "singular": self.singular}
        for view in views:
            view.setVisible(view is shown[self.view])
            view.setGeometry(below)

    def _place(self, image: QRect, histogram: QRect, singular: QRect) -> None:
        for view, box in (
            (self.image, image),
            (self.histogram, histogram),
            (self.singular, singular),
        ):
            view.setGeometry(box)
            view.setVisible(True)

    def _part_activated(self, index: int) -> None:
        self.part_chosen.emit(None if index == 0 else index - 1)


class SingularValues(QWidget):
    """The curve, with what is known of it above: the rank, or how far the search is.

    Signals:
        requested: the button that finds them was pressed.
        cancelled: the button that stops it was pressed.
    """

    requested = Signal()
    cancelled = Signal()

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.curve = Spectrum(self)
        self.words = Text(parent=self, tone="dim", font=theme.sans(theme.SMALL_FONT_SIZE))
        self.button = QToolButton(self)
        self.button.setFont(theme.sans(theme.SMALL_FONT_SIZE))
        self.button.clicked.connect(self._pressed)
        self.progress = QProgressBar(self)
        self.progress.setTextVisible(False)
        self.progress.setRange(0, 1000)
        self.progress.setFixedWidth(80)
        self.progress.setAccessibleName("How far the singular values are")
        self._searching = False
        line = QHBoxLayout()
        line.setContentsMargins(theme.SPACE, 0, theme.SPACE, 0)
        line.setSpacing(theme.SPACE)
        line.addWidget(self.words, 1)
        line.addWidget(self.progress)
        line.addWidget(self.button)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 2, 0, 0)
        layout.setSpacing(0)
        nest(layout, line)
        layout.addWidget(self.curve, 1)
        self.show_nothing("", offer=False)

    def show_nothing(self, words: str, *, offer: bool) -> None:
        """There are none; perhaps they can be asked for."""
        self._searching = False
        self.curve.set_values(np.zeros(0), 0.0)
        self.words.setText(words)
        self.words.setToolTip(words)
        self.progress.hide()
        self.button.setVisible(offer)
        self.button.setText("Find them")
        self.button.setAccessibleName("Find the singular values")
        self.button.setToolTip("Compute all singular values; the window stays free meanwhile")

    def show_progress(self, share: float) -> None:
        """They are being found."""
        self._searching = True
        self.words.setText("singular values")
        self.progress.setValue(round(1000 * share))
        self.progress.show()
        self.button.setText("Cancel")
        self.button.setAccessibleName("Stop finding the singular values")
        self.button.setToolTip("Stop finding the singular values")
        self.button.show()

    def show_values(self, found: m.SingularValuesFound) -> None:
        """There they are."""
        self._searching = False
        self.curve.set_values(found.values, found.effective_rank)
        n = len(found.values)
        words = f"effective rank {found.effective_rank:.1f} of {n:,}"
        self.words.setText(words)
        self.words.setToolTip(
            "exp of the entropy of the singular values' shares (Roy and Vetterli 2007): n where "
            "all directions are stretched alike, 1 where there is only one"
        )
        self.progress.hide()
        self.button.hide()

    def _pressed(self) -> None:
        (self.cancelled if self._searching else self.requested).emit()


def figure_words(figures: m.WeightFigures) -> str:
    """Figures in one line that breaks between two of them."""
    zeros = figures.n_zeros / max(1, figures.n)
    parts = [
        counted(figures.n, "number"),
        f"mean {figures.mean:.4g}",
        f"std {figures.std:.4g}",
        f"min {figures.low:.4g}",
        f"max {figures.high:.4g}",
        f"zeros {zeros:.2%}" if figures.n_zeros else "no zeros",
        f"norm {figures.norm:.4g}",
    ]
    if figures.n_not_finite:
        parts.append(f"{figures.n_not_finite:,} not finite")
    return "  ".join(part.replace(" ", "\u00a0") for part in parts)


def _group(layout: MatrixLayout, axes: tuple[int, ...]) -> int:
    """How many rows, or columns, a head has; 0 where there is one axis only."""
    return layout.shape[axes[-1]] if len(axes) > 1 else 0


def _file_words(tensor: m.WeightTensor) -> str:
    if tensor.tied_to:
        return f"the same numbers as {tensor.tied_to}"
    return f"in the file: {tensor.in_file}" if tensor.in_file else ""
