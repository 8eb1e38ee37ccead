"""One line about the run that goes on, while its own pane is out of sight.

Knows the store and what is measured of a run; no pane.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import PurePath

from PySide6.QtCore import QPointF, QSize, Qt, Signal
from PySide6.QtGui import QHideEvent, QPainter, QPaintEvent, QPen, QShowEvent
from PySide6.QtWidgets import QHBoxLayout, QPushButton, QSizePolicy, QWidget

from gui import theme
from gui.pace import Later
from gui.session.store import Store
from gui.widgets.text import Text, as_written
from gui.window.fact import Fact
from model.train.events import StepDone
from model.train.metrics import measure

FRAME_MS = 250  # digits that change faster can't be read
NAME_WIDTH = 110
MOST_POINTS = 80


class RunLine(QWidget):
    """Name, step, loss, its curve, and two buttons; nothing while there is no run to tell of.

    Signals:
        show_requested: the run is to be seen with all its curves.
        came_or_went: there is a run to tell of, or no longer.
    """

    show_requested = Signal()
    came_or_went = Signal()

    def __init__(self, store: Store, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._store = store
        self._seen_elsewhere = False
        self.name = Text(
            font=theme.sans(theme.SMALL_FONT_SIZE + 0.5, bold=True),
            elide=Qt.TextElideMode.ElideMiddle,
        )
        self.name.setMaximumWidth(NAME_WIDTH)
        self.figures = Fact(
            "Run",
            "step 88,888 / 88,888 · train 8.8888",
            font=theme.mono(theme.SMALL_FONT_SIZE),
            tone="text",
        )
        self.curve = Sparkline(self)
        self.pause = QPushButton("Pause", self)
        self.pause.setFixedWidth(QPushButton("Resume").sizeHint().width())
        self.pause.setAccessibleName("Pause the run")
        self.pause.setToolTip("Hold the run, or let it go on (Ctrl+P)")
        self.pause.clicked.connect(self._toggle_pause)
        self.show_button = QPushButton("Show", self)
        self.show_button.setToolTip("The run with its curves, in Train")
        self.show_button.setAccessibleName("Show the run")
        self.show_button.clicked.connect(self.show_requested)
        row = QHBoxLayout(self)
        row.setContentsMargins(0, 0, 0, 0)
        row.setSpacing(theme.SPACE)
        for widget in (self.name, self.figures, self.curve, self.pause, self.show_button):
            row.addWidget(widget)
        self._later = Later(self.refresh, FRAME_MS, self)
        store.run.changed.connect(self._changed)
        store.asked.delivered.connect(self._changed)  # the step that is told is another
        store.model_changed.connect(self._changed)
        store.theme_changed.connect(self.update)
        self.hide()

    def set_seen_elsewhere(self, seen: bool) -> None:
        """Whether the run's own pane is in sight, which says all this and more."""
        self._seen_elsewhere = seen
        self.refresh()

    def refresh(self) -> None:
        """Read the store."""
        going, run = self._store.run, self._store.run.current
        self.setVisible(self._wanted)
        if not going.going:
            return
        # Where there are two models, the switch between them names the run.
        named = self._store.opened is not None and going.model is not None
        self.name.setVisible(going.starting is not None or not named)
        if going.starting is not None or run is None:
            starting = going.starting
            self.name.setText("" if starting is None else PurePath(starting.run_dir).name)
            self.figures.say("getting ready")
            self.curve.show_losses(())
            self.pause.setEnabled(False)
            return
        self.name.setText(run.name)
        self.name.setToolTip(as_written(run.run_dir))
        told = going.told(run)
        said = f"step {0 if told is None else told.step:,} / {run.started.recipe.steps:,}"
        if told is not None:
            loss = measure("train_loss")
            said += f" · {loss.title} {loss.text(told.train_loss)}"
            self.figures.setToolTip(f"{loss.sentence}, {loss.unit}")
        self.figures.say(said)
        self.curve.show_losses(run.steps)
        self.pause.setEnabled(True)
        self.pause.setText("Resume" if run.paused else "Pause")
        self.pause.setAccessibleName(f"{self.pause.text()} the run")

    def showEvent(self, event: QShowEvent) -> None:
        super().showEvent(event)
        self.came_or_went.emit()

    def hideEvent(self, event: QHideEvent) -> None:
        super().hideEvent(event)
        self.came_or_went.emit()

    @property
    def _wanted(self) -> bool:
        """Whether a run goes on of which nothing else in sight tells."""
        run = self._store.run
        return run.going and not (self._seen_elsewhere and run.shown is run.current)

    def _changed(self) -> None:
        """At once, where it comes or goes."""
        shown = self._wanted
        if shown == self.isHidden():
            self.refresh()
        elif shown:
            self._later.ask()

    def _toggle_pause(self) -> None:
        run = self._store.run.current
        if run is not None and run.running:
            if run.paused:
                self._store.run.resume()
            else:
                self._store.run.pause()


class Sparkline(QWidget):
    """The loss from the first step to the last, a few pixels high."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.losses: tuple[float, ...] = ()
        self.setAccessibleName("Training loss")
        self.setSizePolicy(QSizePolicy.Policy.Preferred, QSizePolicy.Policy.Fixed)

    def show_losses(self, steps: Sequence[StepDone]) -> None:
        """Draw the losses of steps; of many, every so-manieth and the last."""
        every = max(1, -(-len(steps) // MOST_POINTS))
        losses = tuple(step.train_loss for step in steps[::every])
        if steps and (len(steps) - 1) % every:
            losses = (*losses, steps[-1].train_loss)
        if losses != self.losses:
            self.losses = losses
            which = "every step" if every == 1 else f"every {every:,}th step"
            self.setToolTip(
                f"Training loss of {which}: {losses[0]:.4f} to {losses[-1]:.4f}" if losses else ""
            )
            self.update()

    def sizeHint(self) -> QSize:
        return QSize(90, 20)

    def minimumSizeHint(self) -> QSize:
        return QSize(24, 20)

    def place(self, index: int) -> QPointF:
        """Where a loss is drawn."""
        low, high = min(self.losses), max(self.losses)
        share = (self.losses[index] - low) / (high - low) if high > low else 0.5
        across = index / max(1, len(self.losses) - 1)
        return QPointF(
            1 + across * (self.width() - 3), self.height() - 3 - share * (self.height() - 6)
        )

    def paintEvent(self, event: QPaintEvent) -> None:
        if len(self.losses) < 2:
            return
        with QPainter(self) as painter:
            painter.setRenderHint(QPainter.RenderHint.Antialiasing)
            painter.setPen(QPen(theme.current().color("accent"), 1))
            painter.drawPolyline([self.place(index) for index in range(len(self.losses))])
