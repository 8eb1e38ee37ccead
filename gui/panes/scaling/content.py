"""Table, curves and law of a queue with their words, and how they share the room.

Wide, all of it stands beside each other; high, the table stands above one picture; else one of the
three is in sight. Knows records and fits; no store.
"""

from __future__ import annotations

from PySide6.QtWidgets import QHBoxLayout, QVBoxLayout, QWidget

from gui import theme
from gui.panes.base import EmptyState
from gui.panes.scaling import words
from gui.panes.scaling.controls import ScalingControls
from gui.panes.scaling.curves_view import Along, CurvesView
from gui.panes.scaling.exponents_view import ExponentsView
from gui.panes.scaling.law_view import LawView
from gui.panes.scaling.sizes_table import SizesTable
from gui.widgets.text import Text
from model.train.scaling.counts import ParameterCount
from model.train.scaling.fit import LawFit
from model.train.scaling.folder import QueueRecord
from model.train.scaling.published import remark, verdict

WIDE, HIGH = 900, 560
"""From this width on table and pictures stand beside each other; from this height on above."""
ROOMY, VERY_HIGH = 600, 760
"""From these heights on the exponents, and how the law was fitted, have room under it."""


class ScalingContent(QWidget):
    """All that is drawn of a queue.

    Attributes:
        table, curves, law, exponents: the pictures.
        rules, sentence, note: what is equal, what the law says, how it was fitted.
        no_curves, no_law: what stands in their places before there are any.
    """

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        small = theme.sans(theme.SMALL_FONT_SIZE)
        self.table = SizesTable(self)
        self.curves = CurvesView(self)
        self.law = LawView(self)
        self.no_curves = EmptyState(words.EMPTY_CURVES, self)
        self.no_law = EmptyState("", self)
        self.exponents = ExponentsView(self)
        self.rules = Text(parent=self, wrap=True, tone="dim", font=small)
        self.rules.setAccessibleName("Terms of the sizes")
        self.sentence = Text(parent=self, wrap=True, font=small)
        self.sentence.setAccessibleName("What the law says")
        self.note = Text(parent=self, wrap=True, tone="dim", font=small)
        self.note.setAccessibleName("How it was fitted")
        self._has_fit = False
        self._wide: bool | None = None
        self._lay_out()

    def _lay_out(self) -> None:
        self._left, self._right, self._law_words = QWidget(self), QWidget(self), QWidget(self)
        self._left_box, self._right_box, said = (
            QVBoxLayout(part) for part in (self._left, self._right, self._law_words)
        )
        for box in (self._left_box, self._right_box, said):
            box.setContentsMargins(0, 0, 0, 0)
            box.setSpacing(theme.TIGHT)
        self._left_box.addWidget(self.table)
        self._left_box.addWidget(self.rules)
        self._left_box.addStretch(1)
        for picture in (self.curves, self.no_curves, self.law, self.no_law):
            self._right_box.addWidget(picture, 1)
        for part in (self.sentence, self.exponents, self.note):
            said.addWidget(part)
        self._body = QHBoxLayout(self)
        self._body.setContentsMargins(0, 0, 0, 0)
        self._body.setSpacing(theme.SPACE)
        self._body.addWidget(self._left)
        self._body.addWidget(self._right)

    def show_queue(
        self,
        record: QueueRecord,
        fit: LawFit | None,
        fit_problem: str,
        count: ParameterCount,
        along: Along,
    ) -> None:
        """Draw a queue, and the law of what is done of it."""
        self._has_fit = fit is not None
        self.table.show_record(record)
        self.rules.setText(" ".join(record.plan.rules()))
        self.curves.show_record(record, along, count)
        self.law.show_law(record, fit, count)
        self.exponents.show_fit(fit)
        self.no_law.setText(fit_problem or words.empty_law(record))
        if fit is None:
            self.sentence.setText(self.no_law.text())
        else:
            self.sentence.setText(f"{verdict(fit)} {words.of_law(fit, count)}.")
            self.note.setText(f"{words.how(fit)} {remark(fit)}")
        self.law.setAccessibleDescription(self.sentence.text())

    def light(self, at: int) -> None:
        """What the mouse is over in one picture is brought out in all; -1 for none."""
        self.curves.light(at)
        self.law.light(at)
        if at < 0:
            self.table.clearSelection()
        else:
            self.table.selectRow(at)

    def arrange(self, width: int, height: int, controls: ScalingControls) -> None:
        """Share the room of a pane of a size."""
        wide, tall = width >= WIDE, width < WIDE and height >= HIGH
        low = not wide and not tall
        view = controls.views.current
        if tall and view == "sizes":
            view = "curves"
        curves, law = wide or view == "curves", wide or view == "law"
        controls.show_views(wide=wide, low=low, curves=curves, law=law)
        empty, points, fit = self.curves.is_empty, bool(self.law.points()), self._has_fit
        self._left.setVisible(not low or view == "sizes")
        self._right.setVisible(not low or view != "sizes")
        self.curves.setVisible(curves and not empty)
        self.no_curves.setVisible(curves and empty)
        self.law.setVisible(law and points)
        self.no_law.setVisible(law and not points)
        self._law_words.setVisible(law and points)
        self.exponents.setVisible(fit and (wide or height >= ROOMY))
        self.note.setVisible(fit and (wide or height >= VERY_HIGH))
        self.rules.setVisible(not tall)
        across, down = QHBoxLayout.Direction.LeftToRight, QHBoxLayout.Direction.TopToBottom
        self._body.setDirection(across if wide else down)
        self._body.setStretch(0, 9 if wide else 0)
        self._body.setStretch(1, 16)
        if wide != self._wide:
            self._wide = wide
            # Beside the pictures its words stand under the table, which has room there.
            if wide:
                self._left_box.insertWidget(2, self._law_words)
            else:
                self._right_box.addWidget(self._law_words)
        # Not all rows where the pictures would lose their half of the height.
        most = height // 3 if tall else height
        self.table.setFixedHeight(max(90, min(self.table.wanted_height(), most)))

    def apply_theme(self) -> None:
        """Take new colours."""
        self.table.apply_theme()
        for view in (self.curves, self.law, self.exponents):
            view.redraw()
