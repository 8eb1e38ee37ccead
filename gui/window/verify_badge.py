"""Whether the open model's numbers equal its original's: one line, a click compares.

Knows the store.
"""

from __future__ import annotations

import html

from PySide6.QtCore import QPointF, QRectF, QSize, Qt
from PySide6.QtGui import QFontMetrics, QPainter, QPaintEvent
from PySide6.QtWidgets import QAbstractButton, QSizePolicy, QWidget

from gui import theme
from gui.session.state import Notice
from gui.session.store import Store
from gui.widgets.focus_ring import draw_focus

HOW = (
    "Click to run the same tokens through the original, by the library transformers where it is "
    "installed (pip install transformers), or by a reference.safetensors in the model's folder "
    "(python -m model verify FOLDER --write-reference makes one)."
)
DOT = 14


class VerifyBadge(QAbstractButton):
    """The widget. A click verifies, or stops a verification that is going."""

    def __init__(self, store: Store, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._store = store
        self.setFont(theme.sans(theme.SMALL_FONT_SIZE + 0.5))
        self.setFocusPolicy(Qt.FocusPolicy.TabFocus)
        self.setAttribute(Qt.WidgetAttribute.WA_Hover)
        self.setCursor(Qt.CursorShape.PointingHandCursor)
        self.setSizePolicy(QSizePolicy.Policy.Preferred, QSizePolicy.Policy.Fixed)
        self.clicked.connect(self._clicked)
        for signal in (store.verifying.changed, store.model_changed, store.theme_changed):
            signal.connect(self.refresh)
        self.refresh()

    @property
    def tone(self) -> str:
        """The colour of the dot."""
        found = self._store.verifying.verdict
        if self._store.verifying.going:
            return "accent"
        if found is None:
            return "faint"
        if found.problem is not None:
            return "warning"
        return "good" if found.equal else "bad"

    def refresh(self) -> None:
        """Read the store."""
        store, found = self._store, self._store.verifying.verdict
        model = store.model
        self.setVisible(model is not None and not model.training)
        if store.verifying.going:
            text, tip = "verifying …  cancel", "Comparing with the original; click to stop"
        elif found is None:
            text, tip = "not verified", f"Nobody has compared this model with its original. {HOW}"
        elif found.problem is not None:
            text, tip = "not verified", f"{found.problem}\n\n{HOW}"
        else:
            text = found.line
            size = f"{found.max_abs_logit_difference:.3g}"
            tip = "\n".join(
                (
                    f"Against {found.against}, both in {found.dtype}: the largest difference of a "
                    f"number is {size}, rounding is up to {found.tolerance:.2g}.",
                    *found.notes,
                    f"It took {found.seconds:.1f} s. Click to compare again.",
                )
            )
        self.setText(text)
        self.setToolTip(f"<p>{html.escape(tip, quote=False)}</p>".replace("\n", "<br>"))
        self.setAccessibleName(f"Verification: {text}")
        self.updateGeometry()
        self.update()

    def sizeHint(self) -> QSize:
        metrics = QFontMetrics(self.font())
        width = metrics.horizontalAdvance(self.text()) + DOT + 2 * theme.SPACE
        return QSize(width, metrics.height() + 4)

    def minimumSizeHint(self) -> QSize:
        return QSize(DOT + 2 * theme.SPACE + 40, self.sizeHint().height())

    def paintEvent(self, event: QPaintEvent) -> None:
        t = theme.current()
        with QPainter(self) as painter:
            painter.setRenderHint(QPainter.RenderHint.Antialiasing)
            if self.underMouse() or self.hasFocus():
                painter.setPen(Qt.PenStyle.NoPen)
                painter.setBrush(t.color("raised"))
                painter.drawRoundedRect(self.rect(), theme.RADIUS, theme.RADIUS)
            painter.setPen(Qt.PenStyle.NoPen)
            painter.setBrush(t.color(self.tone))
            painter.drawEllipse(QPointF(theme.SPACE + 3, self.height() / 2), 3, 3)
            painter.setPen(t.color("text" if self.tone in ("good", "bad") else "dim"))
            painter.setFont(self.font())
            box = self.rect().adjusted(theme.SPACE + DOT - 2, 0, -theme.TIGHT, 0)
            shown = QFontMetrics(self.font()).elidedText(
                self.text(), Qt.TextElideMode.ElideRight, box.width()
            )
            painter.drawText(box, Qt.AlignmentFlag.AlignVCenter | Qt.AlignmentFlag.AlignLeft, shown)
            if self.hasFocus():
                draw_focus(painter, QRectF(self.rect()))

    def _clicked(self) -> None:
        store = self._store
        if store.verifying.going:
            store.verifying.cancel()
        else:
            store.verifying.changed.connect(self._say_problem)
            store.verifying.start()

    def _say_problem(self) -> None:
        """Whoever asked hears at once why there is no answer."""
        if self._store.verifying.going:
            return
        self._store.verifying.changed.disconnect(self._say_problem)
        found = self._store.verifying.verdict
        if found is not None and found.problem is not None:
            self._store.post(Notice(f"Not verified: {found.problem}", level="warning"))
