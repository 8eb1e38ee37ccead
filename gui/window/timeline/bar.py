"""The timeline's bar: buttons, the line of steps, and in words which step every pane shows.

Knows the store; no pane.
"""

from __future__ import annotations

import numpy as np
from PySide6.QtCore import Qt, Signal
from PySide6.QtWidgets import QHBoxLayout, QToolButton, QVBoxLayout, QWidget

from gui import theme
from gui.pace import Later
from gui.session.conditions import can_branch
from gui.session.step_measures import Measure
from gui.session.store import Store
from gui.session.training_run import Run
from gui.widgets.choice import Choice
from gui.widgets.control_button import ControlButton
from gui.widgets.nest import nest
from gui.widgets.text import Text, as_written
from gui.widgets.transport_bar import TransportButton
from gui.window.fact import Fact
from gui.window.timeline.track import Curve, Track, value_at
from model.probe.heads.asks import LEAST

FRAME_MS = 33
MEASURES: tuple[tuple[Measure | None, str, str], ...] = (
    (None, "loss", "Only the training loss"),
    ("rank", "queen's rank", "Of queen for king − man + woman; 1 is nearest, and at the top"),
    ("analogies", "analogies", "Share of the gendered analogies whose answer is nearest"),
    ("facts", "facts", "Share of the story world's facts that it completes"),
    ("induction", "induction", "The highest induction score of all heads, from 0 to 1"),
)
"""What can be drawn, its title, and what it is."""


class TimelineBar(QWidget):
    """Under the window, as long as the model in view comes of a training with steps.

    Signals:
        wanted_changed: whether there is something to show.
        branch_requested: a run shall begin at the step in view.
    """

    wanted_changed = Signal()
    branch_requested = Signal()

    def __init__(self, store: Store, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._store = store
        self._timeline = store.timeline
        self._loss: Curve | None = None
        self._loss_of: tuple[object, int] = (None, 0)
        self._measured: Curve | None = None
        self._measured_of: object = None
        self.setObjectName("timeline")
        self.back = TransportButton("back", "Step before", "Ctrl+Alt+Left", self)
        self.play = TransportButton("play", "Play the training", "Ctrl+Alt+Space", self)
        self.forward = TransportButton("forward", "Next step", "Ctrl+Alt+Right", self)
        self.speed = QToolButton(self)
        self.speed.setProperty("flat", True)
        self.speed.setFocusPolicy(Qt.FocusPolicy.TabFocus)
        self.speed.setFont(theme.mono(theme.SMALL_FONT_SIZE))
        self.speed.setAccessibleName("Speed")
        self.speed.setToolTip("Steps a second while playing; click for the next speed")
        self.measure = Choice(self)
        for key, title, tip in MEASURES:
            self.measure.addItem(title, key)
            self.measure.setItemData(self.measure.count() - 1, tip, Qt.ItemDataRole.ToolTipRole)
        self.measure.setFocusPolicy(Qt.FocusPolicy.TabFocus)
        self.measure.setAccessibleName("Curve beside the loss")
        self.measure.setToolTip("What is drawn over the steps beside the loss")
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
        self.compare.setText("Compare")
        self.compare.setCheckable(True)
        self.compare.setAccessibleName("Compare with this step")
        self.compare.setToolTip(
            "Keep the step in view as B, then travel: panes show A, B or B − A (Ctrl+Alt+B); "
            "Shift+click a step to make it B"
        )
        self.branch = ControlButton("press", self)
        self.branch.setText("Branch…")
        self.branch.setAccessibleName("Branch from this step")
        self.branch.setToolTip(
            "A run with other settings that begins at the step in view, with its weights, "
            "optimiser and batches (Ctrl+Shift+R)"
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
        row.addWidget(self.measure)
        row.addWidget(self.track, 1)
        nest(row, said)
        row.addWidget(self.compare)
        row.addWidget(self.branch)
        row.addWidget(self.live)

        timeline = self._timeline
        self.back.clicked.connect(self._back)
        self.play.clicked.connect(timeline.toggle)
        self.forward.clicked.connect(self._forward)
        self.speed.clicked.connect(timeline.next_speed)
        self.measure.activated.connect(self._choose_measure)
        self.compare.clicked.connect(self._compare)
        self.branch.clicked.connect(self.branch_requested)
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
        store.step_measures.changed.connect(self._changed)
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
        self.track.show_curves(self._loss_curve(run), self._measured_curve())
        self.track.show_mark(*self._mark())
        self.track.show_place(wanted, live=live)
        self.back.setEnabled(timeline.can_go_back)
        self.forward.setEnabled(timeline.can_go_on)
        compares = self._store.comparing.kind == "step" and self._store.comparing.there
        self.track.show_compared(self._store.comparing.at_step if compares else None)
        self.compare.setChecked(compares)
        self.branch.setVisible(run is not None)
        self.branch.setEnabled(can_branch(self._store))
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
        self.name.setToolTip(as_written(self.name.text()))

    def _said(self, step: int | None, run: Run | None) -> str:
        if step is None:
            return "step not known"
        last = self._timeline.steps[-1].step if run is None else run.recipe.steps
        return f"step {step:,} / {max(step, last):,}"

    def _named(self, step: int | None, run: Run | None) -> str:
        """What was measured there, and the full name where it says more than the number."""
        measures = self._store.step_measures
        if measures.measure is not None and step is not None:
            title = {key: title for key, title, _ in MEASURES}[measures.measure]
            known = measures.measured.get(step)
            if known is None:
                return f"{title}: {measures.n_left} steps to go"
            return f"{title} {float(getattr(known, measures.measure)):.3g}"
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
                run.losses["step"].astype(np.int64),
                run.losses["train_loss"],
            )
        return self._loss

    def _measured_curve(self) -> Curve | None:
        measures = self._store.step_measures
        if measures.measure is None:
            return None
        steps, values = measures.values(measures.measure)
        title = next(title for key, title, _ in MEASURES if key == measures.measure)
        is_rank = measures.measure == "rank"
        known = steps, values, measures.measure
        if self._measured is None or self._measured_of != known:
            self._measured_of = known
            self._measured = Curve(
                title,
                np.array(steps, dtype=np.int64),
                np.array(values, dtype=np.float64),
                dots=True,
                low=1.0 if is_rank else 0.0,
                high=None if is_rank else 1.0,
                log=is_rank,
                upside_down=is_rank,
            )
        return self._measured

    def _mark(self) -> tuple[int | None, str]:
        """The step at which an induction head has formed, and what to say of it."""
        measures = self._store.step_measures
        if measures.measure != "induction":
            return None, ""
        found = measures.first_above("induction", LEAST["induction"])
        if found is None:
            return None, ""
        return found.step, f"head {found.layer}.{found.head} is an induction head from here"

    def _choose_measure(self, index: int) -> None:
        self._store.step_measures.choose(self.measure.itemData(index))

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
