"""A scrolled surface painted in two layers, for maps, mosaics and graphs.

The ground holds what the data say and is kept as a picture; the overlay holds what the mouse and
the selection say and is painted anew each time, so that hovering never redraws the data. Fixed
margins (axes, legends) are the subclass's business: it paints in viewport coordinates and
subtracts the scroll position where it wants to scroll.

Knows the theme; nothing of models.
"""

from __future__ import annotations

import html
import math
from functools import partial

from PySide6.QtCore import QPoint, QRectF, QSize, QSizeF, Qt, QTimer, Signal
from PySide6.QtGui import (
    QColor,
    QContextMenuEvent,
    QHelpEvent,
    QHideEvent,
    QMouseEvent,
    QPaintEngine,
    QPainter,
    QPaintEvent,
    QPixmap,
    QResizeEvent,
)
from PySide6.QtWidgets import QAbstractScrollArea, QFrame, QToolTip, QWidget

from gui import theme
from gui.widgets.figure import is_figure
from gui.widgets.focus_ring import draw_focus
from gui.widgets.tips import Tips

CAPTION_HEIGHT = 20
"""The line at the bottom of a view that says what is drawn."""
SLICE_SECONDS = 0.005
"""A large ground gives the window back after this long, and goes on in a moment."""


class Canvas(QAbstractScrollArea):
    """Base of the painted views.

    A subclass paints its data in `paint_ground` and the rest in `paint_overlay`, calls `redraw`
    when the data have changed and ``viewport().update()`` when only the overlay has.

    Signals:
        menu_requested: a place in the viewport where a menu was asked for (None by a key: of what
            is selected), and where that is on the screen.
    """

    menu_requested = Signal(object, object)

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        Tips(self.viewport(), self.show_tip, partial(self.hover, None))
        self.setFrameShape(QFrame.Shape.NoFrame)
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.viewport().setMouseTracking(True)
        self.viewport().setAutoFillBackground(False)
        # It paints every pixel of itself: nothing that lies beneath has to be painted before.
        self.viewport().setAttribute(Qt.WidgetAttribute.WA_OpaquePaintEvent)
        self.setAutoFillBackground(False)
        self._ratio = 0.0
        self._ground: QPixmap | None = None
        self._ground_key: tuple[object, ...] = ()
        self._unfinished = QTimer(self)
        self._unfinished.setSingleShot(True)
        self._unfinished.timeout.connect(self._go_on)
        self.horizontalScrollBar().valueChanged.connect(self.redraw)
        self.verticalScrollBar().valueChanged.connect(self.redraw)

    # -------------------------------------------------------------- for subclasses

    def lay_out(self) -> None:
        """Find sizes and places for the present size; called on every resize."""

    def paint_ground(self, painter: QPainter) -> None:
        """Paint the data, in viewport coordinates; the panel's colour is already there."""
        raise NotImplementedError

    def paint_more(self, painter: QPainter, seconds: float) -> bool:
        """Go on with the ground for about this long; returns whether it is complete.

        Called after `paint_ground`, and again from the event loop until it returns True.
        """
        return True

    def paint_overlay(self, painter: QPainter) -> None:
        """Paint selection and hover over the ground."""

    def hover(self, at: QPoint | None) -> None:
        """The mouse is there, or has left."""

    def press(self, at: QPoint, modifiers: Qt.KeyboardModifier) -> None:
        """The left button went down there."""

    def tooltip(self, at: QPoint) -> str:
        """What to say about a place; nothing if empty."""
        return ""

    def redraw(self) -> None:
        """The data have changed."""
        self._ground = None
        self.viewport().update()

    def scroll_over(self, content: QSizeF, window: QSizeF) -> None:
        """Set the scroll bars for a content that is seen through a window of this size."""
        for bar, size, seen in (
            (self.horizontalScrollBar(), content.width(), window.width()),
            (self.verticalScrollBar(), content.height(), window.height()),
        ):
            bar.setRange(0, max(0, math.ceil(size - seen - 0.5)))
            bar.setPageStep(max(1, math.floor(seen)))
            bar.setSingleStep(24)

    def scroll_to(self, box: QRectF, window: QRectF) -> None:
        """Bring a box into the window through which the content is seen."""
        for bar, low, high, start, end in (
            (self.horizontalScrollBar(), box.left(), box.right(), window.left(), window.right()),
            (self.verticalScrollBar(), box.top(), box.bottom(), window.top(), window.bottom()),
        ):
            if low < start:
                bar.setValue(bar.value() - math.ceil(start - low))
            elif high > end:
                bar.setValue(bar.value() + math.ceil(high - end))

    @property
    def ratio(self) -> float:
        """How many pixels of what is painted on a logical pixel has."""
        return self._ratio or self.devicePixelRatioF()

    @property
    def scrolled(self) -> QPoint:
        """By how much the content is moved to the left and up."""
        return QPoint(self.horizontalScrollBar().value(), self.verticalScrollBar().value())

    # ------------------------------------------------------------------ machinery

    def paintEvent(self, event: QPaintEvent) -> None:
        with QPainter(self.viewport()) as painter:
            vector = is_vector(painter)
            if vector:  # an exported figure keeps its letters and curves
                painter.fillRect(self.viewport().rect(), theme.current().color("panel"))
                self.paint_ground(painter)
                self.paint_more(painter, math.inf)
                self._ground = None  # what was half done has lost its place
            else:
                # An exported picture may have more pixels than the screen.
                self._ratio = painter.deviceTransform().m11()
                painter.drawPixmap(0, 0, self._ground_picture())
            self.paint_overlay(painter)
            if self.hasFocus() and not is_figure():
                draw_focus(painter, QRectF(self.viewport().rect()))

    def finish(self) -> None:
        """Complete the ground at once, for pictures and tests."""
        self._ground_picture()
        self._continue(math.inf)
        self.viewport().update()

    def _ground_picture(self) -> QPixmap:
        ratio = self.ratio
        size = self.viewport().size()
        key = (size, ratio, theme.current().name)
        if self._ground is None or key != self._ground_key:
            ground = QPixmap(size * ratio)
            ground.setDevicePixelRatio(ratio)
            ground.fill(QColor(theme.current().panel))
            # Ended whatever happens: a painter that outlives its pixmap ends the program.
            with QPainter(ground) as painter:
                self.paint_ground(painter)
            self._ground, self._ground_key = ground, key
            on_screen = ratio == self.devicePixelRatioF()
            self._continue(SLICE_SECONDS if on_screen else math.inf)
        assert self._ground is not None
        return self._ground

    def _go_on(self) -> None:
        if self._ground is not None:  # otherwise it is painted anew from the start
            self._continue(SLICE_SECONDS)
            self.viewport().update()

    def _continue(self, seconds: float) -> None:
        assert self._ground is not None
        with QPainter(self._ground) as painter:
            complete = self.paint_more(painter, seconds)
        if complete:
            self._unfinished.stop()
        else:
            self._unfinished.start(0)

    def hideEvent(self, event: QHideEvent) -> None:
        super().hideEvent(event)
        # Of some forty views few are seen at a time, and each picture is one to five megabytes.
        self._unfinished.stop()
        self._ground = None

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        self._ground = None
        self.lay_out()

    def show_tip(self, event: QHelpEvent) -> None:
        """Say what there is to say where the mouse is."""
        # Tokens may look like HTML; they are shown as they are.
        lines = html.escape(self.tooltip(event.pos())).replace("\n", "<br>")
        tip = f"<p style='white-space: pre'>{lines}</p>" if lines else ""
        QToolTip.showText(event.globalPos(), tip, self.viewport())

    def mouseMoveEvent(self, event: QMouseEvent) -> None:
        self.hover(event.position().toPoint())

    def mousePressEvent(self, event: QMouseEvent) -> None:
        if event.button() == Qt.MouseButton.LeftButton:
            self.press(event.position().toPoint(), event.modifiers())

    def contextMenuEvent(self, event: QContextMenuEvent) -> None:
        by_key = event.reason() == QContextMenuEvent.Reason.Keyboard
        self.menu_requested.emit(None if by_key else event.pos(), event.globalPos())
        event.accept()

    def mouseReleaseEvent(self, event: QMouseEvent) -> None:
        event.accept()

    def minimumSizeHint(self) -> QSize:
        return QSize(60, 50)


def is_vector(painter: QPainter) -> bool:
    """Whether it paints into a figure of curves and letters, not of pixels."""
    return painter.paintEngine().type() in _VECTOR_ENGINES


_VECTOR_ENGINES = (
    QPaintEngine.Type.SVG,
    QPaintEngine.Type.Pdf,
    QPaintEngine.Type.Picture,
)
