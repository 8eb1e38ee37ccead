"""The timeline's bar: buttons, the line of steps, and in words which step every pane shows.

Knows the store; no pane.
"""

from __future__ import annotations

import numpy as np
from PySide6.QtCore import Qt, Signal
from PySide6.QtWidgets import QHBoxLayout, QToolButton, QVBoxLayout, QWidget

from gui import theme
from gui.pace import Later
from gui.session.store import Store
from gui.session.training_run import Run
from gui.widgets.control_button import ControlButton
from gui.widgets.text import Text
from gui.widgets.transport_bar import TransportButton
from gui.window.fact import Fact
from gui.window.timeline.track import Curve, Track, value_at

FRAME_MS = 33


class TimelineBar(QWidget):
    """Under the window, as long as the model in view comes of a training with steps.

    Signals:
        wanted_changed: whether there is something to show.
    """

    wanted_changed = Signal()

    def __init__(self, store: Store, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._store = store
        self._timeline = store.timeline
        self._loss: Curve | None = None
        self._loss_of: tuple[object, int] = (None, 0)
        self.setObjectName("timeline")
        self.back = TransportButton("back", "Step before", "Ctrl+Alt+Left", self)
        self.play = TransportButton("play", "Play the training", "Ctrl+Alt+Space", self)
        self.forward = TransportButton("forward", "Next step", "Ctrl+Alt+Right", self)
        self.speed = QToolButton(self)
        self.speed.setProperty("flat", True)
        self.speed.setFocusPolicy(Qt.FocusPolicy.TabFocus)
        self.speed.setFont(theme.mono(theme.SMALL_FONT_SIZE))
        self.speed.setToolTip("Steps a second while playing; click for the next speed")
        self.track = Track(self)
        self.step = Fact(
            "Step in view",
            "step 888,888 / 888,888",
            font=theme.mono(theme.SMALL_FONT_SIZE + 1),
            tone="text",
        )
        self.name = Text(font=theme.sans(theme.SMALL_FONT_SIZE), elide=Qt.TextElideMode.ElideMiddle)
        self.name.setFixedWidth(self.step.sizeHint().width())
        self.compare = ControlButton("option", self)
        self.compare.setText("B")
        self.compare.setCheckable(True)
        self.compare.setAccessibleName("Compare with this step")
        self.compare.setToolTip(
            "Keep the step in view as B, then travel: panes show A, B or B − A (Ctrl+Alt+B); "
            "Shift+click a step to make it B"
        )
        self.live = QToolButton(self)
        self.live.setCheckable(True)
        self.live.setText("Live")
        self.live.setFocusPolicy(Qt.FocusPolicy.TabFocus)
        self.live.setAccessibleName("Follow the run live")
        self.live.setToolTip("Follow the weights that learn now (Ctrl+Alt+End)")

        said = QVBoxLayout()
        said.setContentsMargins(0, 0, 0, 0)
        said.setSpacing(0)
        said.addStretch(1)
        said.addWidget(self.step)
        said.addWidget(self.name)
        said.addStretch(1)
        row = QHBoxLayout(self)
        row.setContentsMargins(theme.SPACE, 2, theme.SPACE, 2)
        row.setSpacing(theme.TIGHT)
        for widget in (self.back, self.play, self.forward, self.speed):
            row.addWidget(widget)
        row.addWidget(self.track, 1)
        row.addLayout(said)
        row.addWidget(self.compare)
        row.addWidget(self.live)

        timeline = self._timeline
        self.back.clicked.connect(self._back)
        self.play.clicked.connect(timeline.toggle)
        self.forward.clicked.connect(self._forward)
        self.speed.clicked.connect(timeline.next_speed)
        self.compare.clicked.connect(self._compare)
        self.live.clicked.connect(self._go_live)
        self.track.compared.connect(store.comparing.compare_step)
        self.track.sought.connect(self._seek)
        self.track.moved.connect(self._move)
        self.track.toggled.connect(timeline.toggle)
        self._later = Later(self.refresh, FRAME_MS, self)
        self._wanted = False
        timeline.changed.connect(self._changed)
        store.model_changed.connect(self._changed)
        store.run.changed.connect(self._changed)
        store.subject_changed.connect(self._changed)
        store.comparing.changed.connect(self._changed)
        store.theme_changed.connect(self.update)

    @property
    def wanted(self) -> bool:
        """Whether there are steps to travel through."""
        return bool(self._timeline.steps)

    # ------------------------------------------------------------------------- drawing

    def refresh(self) -> None:
        """Read the store."""
        timeline = self._timeline
        if not timeline.steps:
            return
        wanted, live = timeline.wanted, timeline.live
        run = self._run
        newest = run.step if run is not None and timeline.learns else None
        self.track.show_steps([(at.step, at.name) for at in timeline.steps], newest)
        self.track.show_curves(self._loss_curve(run), None)
        self.track.show_place(wanted, live=live)
        self.back.setEnabled(timeline.can_go_back)
        self.forward.setEnabled(timeline.can_go_on)
        compares = self._store.comparing.kind == "step" and self._store.comparing.there
        self.track.show_compared(self._store.comparing.at_step if compares else None)
        self.compare.setChecked(compares)
        self.live.setVisible(timeline.learns)
        self.live.setChecked(live)
        playing = timeline.playing
        if (self.play.glyph == "pause") != playing:
            self.play.glyph = "pause" if playing else "play"
            text = "Pause" if playing else "Play the training"
            self.play.setToolTip(f"{text} (Ctrl+Alt+Space)")
            self.play.setAccessibleName(text)
            self.play.update()
        speed = f"{timeline.speed:g}/s"
        if self.speed.text() != speed:
            self.speed.setText(speed)
            self.speed.setAccessibleName(f"Speed: {timeline.speed:g} steps a second")
        self.step.say(self._said(wanted, run))
        self.step.setToolTip(self.track.words(None if live else wanted))
        self.name.setText("live: as it learns" if live else self._named(wanted, run))

    def _said(self, step: int | None, run: Run | None) -> str:
        if step is None:
            return "step not known"
        last = self._timeline.steps[-1].step if run is None else run.recipe.steps
        return f"step {step:,} / {max(step, last):,}"

    def _named(self, step: int | None, run: Run | None) -> str:
        """The loss there, and the full name of the step where it says more than its number."""
        value = None if step is None else value_at(self._loss, step)
        loss = "" if value is None else f"loss {value:.4f}"
        return loss if run is not None else self._timeline.name

    @property
    def _run(self) -> Run | None:
        """The run that the model in view comes of, if its curve is known."""
        run = self._store.run.shown
        return run if run is not None and self._store.run.in_view(run) else None

    def _loss_curve(self, run: Run | None) -> Curve | None:
        if run is None or not run.steps:
            self._loss, self._loss_of = None, (None, 0)
            return None
        if self._loss_of != (run, len(run.steps)):
            self._loss_of = run, len(run.steps)
            self._loss = Curve(
                "train loss",
                np.array([done.step for done in run.steps], dtype=np.int64),
                np.array([done.train_loss for done in run.steps], dtype=np.float64),
            )
        return self._loss

    def _changed(self) -> None:
        if self.wanted != self._wanted:
            self._wanted = self.wanted
            self.refresh()
            self.wanted_changed.emit()
        elif self._wanted:
            self._later.ask()

    # --------------------------------------------------------------------------- asking

    def _back(self) -> None:
        self._timeline.stop()
        self._timeline.back()

    def _forward(self) -> None:
        self._timeline.stop()
        self._timeline.forward()

    def _move(self, n: int) -> None:
        self._timeline.stop()
        if n < 0:
            self._timeline.back(-n)
        else:
            self._timeline.forward(n)

    def _seek(self, step: object) -> None:
        self._timeline.stop()
        if isinstance(step, int):
            self._timeline.go_to(step)
        else:
            self._timeline.go_live()

    def _compare(self) -> None:
        self._timeline.compare()
        self.refresh()

    def _go_live(self) -> None:
        self._timeline.go_live()
        self.live.setChecked(self._timeline.live)
