"""What a checkpoint is before it is opened: sizes, parts, tokenizer, memory by dtype.

Knows a `Preview`; no store.
"""

from __future__ import annotations

from PySide6.QtCore import QRectF, QSize, Qt, Signal
from PySide6.QtGui import QPainter, QPaintEvent
from PySide6.QtWidgets import (
    QAbstractButton,
    QButtonGroup,
    QFormLayout,
    QGridLayout,
    QRadioButton,
    QSizePolicy,
    QVBoxLayout,
    QWidget,
)

from gui import theme
from gui.widgets.parts import part_color, share_words
from gui.widgets.text import Text, as_written, counted, ink_on
from model.preview import Preview, file_size, short_count

AS_STORED = ""


class PreviewCard(QWidget):
    """The widget.

    Signals:
        dtype_changed: another precision was chosen.
    """

    dtype_changed = Signal()

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._preview: Preview | None = None
        small = theme.SMALL_FONT_SIZE
        self.title = Text(parent=self, font=theme.sans(theme.LARGE_FONT_SIZE - 1, bold=True))
        self.subtitle = Text(
            parent=self, tone="dim", font=theme.mono(small), elide=Qt.TextElideMode.ElideMiddle
        )
        self.problem = Text(parent=self, tone="warning", wrap=True)
        self.bar = PartsBar(self)
        self.facts = QWidget(self)
        self._form = QFormLayout(self.facts)
        self._form.setContentsMargins(0, 0, 0, 0)
        self._form.setHorizontalSpacing(2 * theme.SPACE)
        self._form.setVerticalSpacing(3)
        self._values: dict[str, Text] = {}
        for name in ("Format", "Size", "Shape", "Vocabulary", "Tokenizer", "Stored as"):
            value = Text(parent=self.facts, font=theme.sans(small + 0.5), wrap=True)
            label = Text(name, parent=self.facts, tone="dim", font=theme.sans(small + 0.5))
            self._form.addRow(label, value)
            self._values[name] = value
        self.notes = Text(parent=self, tone="dim", font=theme.sans(small), wrap=True)
        self.memory = MemoryChoice(self)
        self.memory.changed.connect(self.dtype_changed)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(theme.SPACE)
        for widget in (
            self.title,
            self.subtitle,
            self.problem,
            self.bar,
            self.facts,
            self.notes,
            self.memory,
        ):
            layout.addWidget(widget)
        layout.addStretch(1)
        self.show_message("")

    @property
    def dtype(self) -> str | None:
        """The precision that a person has chosen; None for what was proposed."""
        return self.memory.dtype

    def show_message(self, words: str) -> None:
        """There is nothing to show: why, or what to do."""
        self._preview = None
        self.title.hide()
        self.subtitle.hide()
        self.problem.set_tone("dim")
        self.problem.setText(words)
        self.problem.setVisible(bool(words))
        for widget in (self.bar, self.facts, self.notes, self.memory):
            widget.hide()

    def show_problem(self, words: str) -> None:
        """Why it was not opened, over what is known of it."""
        self.problem.set_tone("bad")
        self.problem.setText(words)
        self.problem.show()

    def show_preview(self, preview: Preview) -> None:
        """All that is known of a checkpoint."""
        self._preview = p = preview
        known = bool(p.n_params)
        self.title.setVisible(p.problem is None or bool(p.family))
        size = f"  ·  {short_count(p.n_params)}" if known else ""
        self.title.setText(f"{p.title or p.family}{size}" if p.family else p.path)
        self.subtitle.setText(p.path)
        self.subtitle.setToolTip(as_written(p.path))
        self.subtitle.setVisible(self.title.text() != p.path or self.title.isHidden())
        self.problem.setVisible(p.problem is not None)
        self.problem.set_tone("bad")
        self.problem.setText(p.problem or "")
        self.bar.set_parts(tuple(p.parts.items()))
        self.bar.setVisible(known)
        rows = {
            "Format": _joined(p.format, file_size(p.file_bytes) if p.file_bytes else ""),
            "Size": f"{p.n_params:,} parameters" if known else "",
            "Shape": self._shape(p) if p.n_layers else "",
            "Vocabulary": f"{p.d_vocab:,} tokens  ·  context {p.n_ctx:,}" if p.d_vocab else "",
            "Tokenizer": p.tokenizer,
            "Stored as": " + ".join(p.dtypes),
        }
        for name, value in rows.items():
            self._values[name].setText(value)
            self._form.setRowVisible(self._values[name], bool(value))
        self.facts.setVisible(any(rows.values()))
        self.notes.setText("\n".join(p.notes))
        self.notes.setVisible(bool(p.notes))
        self.memory.show_preview(p)
        self.memory.setVisible(bool(p.needed) and (p.problem is None or not p.dtype))

    def _shape(self, p: Preview) -> str:
        heads = counted(p.n_heads, "head")
        if p.n_kv_heads and p.n_kv_heads != p.n_heads:
            heads += f" ({p.n_kv_heads} for keys and values)"
        return f"{counted(p.n_layers, 'layer')} × {heads}  ·  d_model {p.d_model:,}"


def _joined(*words: str) -> str:
    return "  ·  ".join(word for word in words if word)


class PartsBar(QWidget):
    """Shares of the parameters by part, as one bar."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._parts: tuple[tuple[str, int], ...] = ()
        self.setFixedHeight(20)
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
        self.setAccessibleName("Share of parameters by part")

    def set_parts(self, parts: tuple[tuple[str, int], ...]) -> None:
        """Draw these, in this order."""
        self._parts = tuple((part, n) for part, n in parts if n)
        total = self.total
        lines = [f"{part} {share_words(n, total)}: {n:,}" for part, n in self._parts]
        self.setToolTip("\n".join(lines))
        self.update()

    @property
    def total(self) -> int:
        """How many parameters."""
        return sum(n for _, n in self._parts)

    def spans(self) -> list[tuple[str, QRectF]]:
        """Where each part is drawn."""
        found, x = [], 0.0
        for part, n in self._parts:
            width = self.width() * n / self.total
            found.append((part, QRectF(x, 0, width, self.height())))
            x += width
        return found

    def paintEvent(self, event: QPaintEvent) -> None:
        with QPainter(self) as painter:
            painter.setFont(theme.sans(theme.SMALL_FONT_SIZE - 0.5))
            metrics = painter.fontMetrics()
            for (part, box), (_, n) in zip(self.spans(), self._parts):
                fill = part_color(part)
                painter.fillRect(box.adjusted(0.5, 0, -0.5, 0), fill)
                words = f"{part} {share_words(n, self.total)}"
                if metrics.horizontalAdvance(words) > box.width() - 6:
                    words = part
                if metrics.horizontalAdvance(words) <= box.width() - 6:
                    painter.setPen(ink_on(fill))
                    painter.drawText(box, Qt.AlignmentFlag.AlignCenter, words)


class MemoryChoice(QWidget):
    """One row a precision: what it needs beside what is free.

    Signals:
        changed: another row was chosen.
    """

    changed = Signal()

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._group = QButtonGroup(self)
        self._group.idToggled.connect(self._toggled)
        self._dtypes: list[str] = []
        self._is_chosen = False
        self._grid = QGridLayout(self)
        self._grid.setContentsMargins(0, 0, 0, 0)
        self._grid.setHorizontalSpacing(2 * theme.SPACE)
        self._grid.setVerticalSpacing(3)
        self._grid.setColumnStretch(2, 1)
        self._head = Text(
            parent=self, tone="dim", font=theme.sans(theme.SMALL_FONT_SIZE), wrap=True
        )
        self._grid.addWidget(self._head, 0, 0, 1, 3)

    @property
    def dtype(self) -> str | None:
        """What a person has chosen; None where it is what was proposed."""
        chosen = self._group.checkedId()
        if not self._is_chosen or not 0 <= chosen < len(self._dtypes):
            return None
        return self._dtypes[chosen] or None

    @property
    def choices(self) -> list[QAbstractButton]:
        """The rows, from top to bottom."""
        return self._group.buttons()

    def choose(self, dtype: str) -> None:
        """Choose a row, as a click would; empty for as stored, where no row is that."""
        self._group.button(self._dtypes.index(dtype)).click()

    def show_preview(self, preview: Preview) -> None:
        """What each precision would need."""
        for index in reversed(range(1, self._grid.count())):
            item = self._grid.takeAt(index)
            widget = item.widget() if item is not None else None
            if widget is not None:
                if isinstance(widget, QRadioButton):
                    self._group.removeButton(widget)
                widget.hide()
                widget.deleteLater()
        self._head.setText(
            f"Memory it needs in each precision; {file_size(preview.free_bytes)} are free on "
            f"{preview.device.upper()}"
        )
        stored = preview.stored if preview.stored in preview.needed else ""
        # What is stored has a row of its own only where it is none of the precisions.
        self._dtypes = [*(() if stored else (AS_STORED,)), *preview.needed]
        self._is_chosen = False
        # Where far more is free than is needed, its mark lies beyond the right end.
        most = max((*preview.needed.values(), 1))
        longest = max(most, min(preview.free_bytes, 2 * most))
        for row, dtype in enumerate(self._dtypes):
            what = dtype or "as stored, or what fits"
            if dtype and dtype == stored:
                # The numbers of a quantized file are written out, exactly.
                what += (
                    ", as stored" if set(preview.dtypes) <= set(preview.needed) else ", unpacked"
                )
            needed = preview.needed.get(dtype or preview.dtype, 0)
            fits = needed <= preview.free_bytes
            button = QRadioButton(what, self)
            button.setEnabled(fits)
            button.setToolTip(_tip(dtype, fits=fits, stored=dtype == stored))
            button.clicked.connect(self._note_choice)
            button.setAccessibleName(f"{what}: {file_size(needed)}")
            self._group.addButton(button, row)
            figure = Text(
                file_size(needed),
                parent=self,
                font=theme.mono(theme.SMALL_FONT_SIZE),
                tone="text" if fits else "bad",
                align=Qt.AlignmentFlag.AlignRight,
            )
            bar = MemoryBar(needed / longest, preview.free_bytes / longest, self)
            for column, widget in enumerate((button, figure, bar)):
                self._grid.addWidget(widget, row + 1, column)
                widget.show()
        proposed = preview.dtype
        wanted = proposed or stored if stored else AS_STORED
        first = self._group.button(self._dtypes.index(wanted) if wanted in self._dtypes else 0)
        if first.isEnabled():
            first.setChecked(True)

    def _note_choice(self) -> None:
        """A person has chosen, be it what was proposed: that is what they get."""
        self._is_chosen = True

    def _toggled(self, index: int, checked: bool) -> None:
        if checked:
            self.changed.emit()


def _tip(dtype: str, *, fits: bool, stored: bool) -> str:
    if not fits:
        return "More than is free: the machine would stand still"
    what = {
        AS_STORED: "The precision of the file: no digit is lost",
        "float32": "4 bytes a number: seven digits",
        "bfloat16": "2 bytes a number: two to three digits, float32's range",
        "float16": "2 bytes a number: three to four digits, up to 65,504",
    }.get(dtype, dtype)
    return f"{what}. The file's own: no digit is lost" if stored and dtype else what


class MemoryBar(QWidget):
    """What is needed as a bar; what is free as a line, if it is no more than the bar's room."""

    def __init__(self, needed: float, free: float, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.needed, self.free = needed, free
        self.setMinimumWidth(60)
        self.setFixedHeight(14)

    def sizeHint(self) -> QSize:
        return QSize(160, 14)

    def paintEvent(self, event: QPaintEvent) -> None:
        t = theme.current()
        with QPainter(self) as painter:
            room = self.width() - 2
            line = QRectF(0, 4, room, 6)
            painter.fillRect(line, t.color("raised"))
            fits = self.needed <= self.free
            # As thin as it may be, it is there: at least two pixels.
            width = max(2.0, room * min(1.0, self.needed))
            painter.fillRect(QRectF(0, 4, width, 6), t.color("accent" if fits else "bad"))
            if self.free <= 1:
                x = round(room * self.free)
                painter.fillRect(QRectF(x, 1, 1, 12), t.color("text", 0.6))
