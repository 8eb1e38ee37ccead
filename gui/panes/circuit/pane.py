"""The attribution graph: what is measured, the graph, and how well it agrees with real cutting.

Nothing runs before Run is pressed; a run goes on when the pane is hidden, and what came stays until
the next. Knows the store and its own parts.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any, cast

from PySide6.QtCore import QSize, Qt
from PySide6.QtWidgets import QHBoxLayout, QLineEdit, QPushButton, QSlider, QWidget

from gui import theme
from gui.panes.base import LAST, EmptyState, Pane, column
from gui.panes.circuit import ENTRY, words
from gui.panes.circuit.pointing import Pointing
from gui.panes.circuit.view import CircuitView
from gui.reading import code
from gui.reading.metric import NO_HEAD, AskError, StillReadingError, metric_of
from gui.session.on_request import OnRequest
from gui.session.store import Store
from gui.widgets.choice import Choice
from gui.widgets.control_button import ControlButton, make_primary
from gui.widgets.flow import FlowLayout
from gui.widgets.nest import nest
from gui.widgets.segments import Segments
from gui.widgets.text import Text, as_written
from gui.widgets.where_choice import WhereChoice
from model.probe.graph.asks import Baseline, Graph, GraphFound, Rule
from model.probe.question import Named

EMPTY = (
    "Press Run to see which embeddings, heads and MLPs made this token likely, and through which "
    "others."
)
RULES: Mapping[Rule, tuple[str, str]] = {
    "auto": ("auto", "Heads by relevance; once checked, by the rule that agrees better"),
    "relevance": ("relevance", "Heads by relevance propagation (RelP), as all other nodes"),
    "gradient": ("gradient", "Heads by the ordinary gradient"),
}
BASELINES: Mapping[Baseline, str] = {"zero": "compared with 0", "mean": "compared with its mean"}
MOST, MOST_EDGES, AT_FIRST = 80, 240, 40
LONG = 64
"""Tokens from which on not all have a column, so that a label says which it is."""


class CircuitPane(Pane):
    """The graph.

    Attributes:
        target, against, where: whose logit.
        rules, baseline: how it is found.
        run_button: begins, or stops what goes on.
        check_button: asks how well it agrees with cutting.
        slider: how many edges are drawn.
        view: the graph.
        status, sentence, checked: what is measured; what it says here; how well it was checked.
        work: what was run.
    """

    entry = ENTRY
    one_side = "An attribution graph explains a token of one side. Choose A or B, then Run."

    def __init__(self, store: Store, parent: QWidget | None = None) -> None:
        super().__init__(store, parent)
        small = theme.sans(theme.SMALL_FONT_SIZE)
        self.work = OnRequest(store, f"{self.key}: graph", self)
        self.target = self._field("the likeliest", "The token whose logit is explained")
        self.against = self._field("no other", "A token whose logit is taken off; may be empty")
        self.where = WhereChoice(self)
        self.rules = Segments(self, font=small)
        self.rules.setAccessibleName("By which rule heads are judged")
        for rule, (text, tip) in RULES.items():
            self.rules.add(rule, text, tip)
        self.baseline = Choice(self)
        self.baseline.setFont(small)
        self.baseline.setAccessibleName("What a node is compared with")
        self.baseline.setToolTip(
            "What a node is compared with: nothing (0), or its mean over the tokens but the first"
        )
        for key, text in BASELINES.items():
            self.baseline.addItem(text, key)
        self.status = Text(parent=self, tone="dim", font=small)
        self.run_button = QPushButton("Run", self)
        make_primary(self.run_button)
        self.run_button.setAccessibleName("Run the attribution graph")
        self.run_button.setToolTip("Nothing is computed before this is pressed")
        self.run_button.clicked.connect(self.run_or_stop)
        self.slider = QSlider(Qt.Orientation.Horizontal, self)
        self.slider.setRange(1, MOST_EDGES)
        self.slider.setValue(AT_FIRST)
        self.slider.setFixedWidth(120)
        self.slider.setAccessibleName("How many edges are drawn")
        self.slider.setToolTip("How many edges are drawn, the strongest first")
        self.slider.valueChanged.connect(self._on_slider)
        self.n_edges = Text(parent=self, tone="dim", font=theme.mono(theme.SMALL_FONT_SIZE))
        self.check_button = ControlButton("press", self)
        self.check_button.setText("check by cutting")
        self.check_button.setToolTip(
            f"Really cut out {words.CHECKED} nodes, one by one, and compare: takes as many passes"
        )
        self.check_button.setAccessibleName("Check by cutting")
        self.check_button.clicked.connect(self.check)
        self.view = CircuitView(self)
        self.pointing = Pointing(store, self.view, self)
        self._empty = EmptyState(parent=self)
        self.sentence = Text(parent=self, wrap=True, font=small)
        self.checked = Text(parent=self, tone="dim", wrap=True, font=small)
        self._lay_out_parts()
        self._drawn: GraphFound | None = None
        self._refusal = ""
        self._runs_when_read = False
        self.work.changed.connect(self.invalidate)
        store.subject_changed.connect(self._on_subject)
        store.model_changed.connect(self._on_subject)
        store.intervening.changed.connect(self.invalidate)

    def _lay_out_parts(self) -> None:
        top = QHBoxLayout()
        top.setSpacing(theme.SPACE)
        top.addWidget(self.status, 1)
        top.addWidget(self.run_button)
        flow = QWidget(self)
        row = FlowLayout(flow)
        for widget in (
            Text("why", self, tone="dim"),
            self.target,
            Text("−", self, tone="dim"),
            self.against,
            self.where,
            self.baseline,
            _together(Text("heads by", self, tone="dim"), self.rules),
            _together(self.slider, self.n_edges),
        ):
            row.addWidget(widget)
        below = QHBoxLayout()
        below.setSpacing(theme.SPACE)
        below.addWidget(self.checked, 1)
        below.addWidget(self.check_button)
        layout = column(self, spacing=theme.TIGHT)
        nest(layout, top)
        layout.addWidget(flow)
        layout.addWidget(self.view, 1)
        layout.addWidget(self._empty, 1)
        layout.addWidget(self.sentence)
        nest(layout, below)

    def _field(self, name: str, tip: str) -> QLineEdit:
        field = QLineEdit(self)
        field.setFont(theme.sans(theme.SMALL_FONT_SIZE))
        field.setPlaceholderText(name)
        field.setAccessibleName(tip)
        field.setToolTip(tip)
        field.setFixedWidth(92)
        field.returnPressed.connect(self.run)
        return field

    # ------------------------------------------------------------------------- what is run

    @property
    def found(self) -> GraphFound | None:
        """The answer that is drawn."""
        return self.work.found(GraphFound)

    def question(self) -> Graph:
        """What would be run now.

        Raises:
            AskError: something is missing or can't be.
        """
        store = self.store
        model = store.model
        if model is None:
            raise AskError("No model is open. Open a checkpoint first.")
        if not model.config.has_logits:
            raise AskError(NO_HEAD)
        if store.read is None:
            raise AskError(store.prompt_problem or "Type a prompt first.")
        if store.is_reading:
            raise StillReadingError("The prompt is being read…")
        return Graph(
            metric=metric_of(model, self.target.text(), self.against.text()),
            position=store.measured_position(at_selected=self.where.at_selected),
            share=0.95,
            most=MOST,
            most_edges=MOST_EDGES,
            baseline=cast(Baseline, self.baseline.currentData()),
            heads=cast(Rule, self.rules.current),
            check=0,
        )

    def run_or_stop(self) -> None:
        """What the button does."""
        if self.work.going:
            self.work.stop()
        else:
            self.run()

    def run(self) -> None:
        """Find the graph of what is in view; where that can't be, say why."""
        self._run(0)

    def check(self) -> None:
        """Find how well it agrees with really cutting nodes out."""
        self._run(words.CHECKED)

    def _run(self, n_cut: int) -> None:
        try:
            question = self.question()
        except AskError as error:
            self._refusal = str(error)
            self._runs_when_read = isinstance(error, StillReadingError)
        else:
            self._refusal, self._runs_when_read = "", False
            self.work.run(replace(question, check=n_cut))
        self.invalidate()

    # ----------------------------------------------------------------------------- drawing

    def refresh(self) -> None:
        work, found, read, model = self.work, self.found, self.work.read, self.store.model
        self.where.set_masked(model is not None and model.config.head == "mlm")
        self.run_button.setText("Stop" if work.going else "Run")
        tip = "Stop; what came so far stays" if work.going else "Find the graph (Return in a field)"
        self.run_button.setToolTip(tip)
        self.run_button.setAccessibleName(f"{self.run_button.text()} the attribution graph")
        self.run_button.setEnabled(self.store.read is not None or work.going)
        there = found is not None and read is not None and model is not None
        for widget in (self.view, self.sentence, self.checked, self.check_button):
            widget.setVisible(there)
        self._empty.setVisible(not there)
        problem = self._problem()
        status = ""
        if found is None or read is None or model is None:
            self._empty.setText(
                problem or ("Going back through the blocks…" if work.going else EMPTY)
            )
            self._drawn = None
            self.pointing.show(None, None)
            self.view.set_graph(None)
        else:
            status = words.heading(found, model)
            self._show(found)
            self.sentence.setText(problem or words.here(found, read))
            self.sentence.set_tone("warning" if problem else "text")
            self.sentence.setToolTip(as_written(words.here(found, read)))
            said = words.check(found)
            self.checked.setText(said)
            self.checked.setToolTip(as_written(said))
            self.check_button.setEnabled(not work.going and work.is_current)
        if work.going:
            status = f"{work.share:.0%} · {status}" if status else f"working, {work.share:.0%}"
        self.status.setText(status)
        self.status.setToolTip(as_written(status))
        self._say_edges()
        self.pointing.mark()

    def _problem(self) -> str:
        """What stands in the way, or why the graph is not of what is in view."""
        work = self.work
        if self._refusal:
            return self._refusal
        if work.problem:
            return work.problem
        model = self.store.model
        if model is not None and not model.config.has_logits:
            return NO_HEAD
        if work.answer is None:
            return self.store.prompt_problem
        if not work.going and not work.is_current and self.store.read is not None:
            return "This is the graph of what was in view before. Press Run for what is now."
        return ""

    def _show(self, found: GraphFound) -> None:
        read, model = self.work.read, self.store.model
        if found is self._drawn or read is None or model is None:
            return
        question = found.question
        assert isinstance(question, Graph)
        self._drawn = found
        self.pointing.show(found, read)
        self.slider.setMaximum(max(1, len(found.weight_E)))
        self.view.set_n_edges(self.slider.value())
        self.view.set_graph(
            found,
            [_label(read.tokens[at].text, at, found) for at in range(read.n_tokens)],
            model.config.n_layers,
            question.position % found.subject.n_tokens,
            f"{model.token_text(found.target)} {found.value:.3g}",
            "logits" if found.measure == "logit" else "logits of difference",
        )

    def _on_slider(self, n: int) -> None:
        self.view.set_n_edges(n)
        self._say_edges()
        self.pointing.mark()

    def _say_edges(self) -> None:
        found = self.found
        n = 0 if found is None else len(found.weight_E)
        shown = min(self.slider.value(), n) if n else self.slider.value()
        self.n_edges.setText(f"{shown} of {n} edges" if n else "edges")

    def header_note(self) -> str:
        work = self.work
        if work.going:
            return f"running, {work.share:.0%}"
        return "" if work.answer is None or work.is_current else "of another prompt"

    # ------------------------------------------------------------------------------ actions

    def _on_subject(self) -> None:
        if self._runs_when_read:
            self.run()  # it was pressed while the prompt was being read
            return
        self._refusal = ""
        self.invalidate()

    def code(self) -> str:
        return code.of_answers({} if self.found is None else {"found": self.found})

    def export_data(self) -> Mapping[str, Named | Any]:
        found = self.found
        return {} if found is None else dict(found.arrays())

    def remember(self) -> dict[str, Any]:
        return {
            "rule": self.rules.current,
            "baseline": self.baseline.currentData(),
            "edges": self.slider.value(),
            LAST: {"target": self.target.text(), "against": self.against.text()},
        }

    def recall(self, kept: Mapping[str, Any]) -> None:
        if kept.get("rule") in RULES:
            self.rules.set_current(str(kept["rule"]))
        self.baseline.setCurrentIndex(max(0, self.baseline.findData(kept.get("baseline"))))
        edges = kept.get("edges")
        if isinstance(edges, int) and not isinstance(edges, bool):
            self.slider.setValue(edges)
        typed = kept.get(LAST)
        if isinstance(typed, Mapping):
            self.target.setText(str(typed.get("target", "")))
            self.against.setText(str(typed.get("against", "")))

    def sizeHint(self) -> QSize:
        return QSize(620, 430)


def _label(text: str, at: int, found: GraphFound) -> str:
    """A token; in a long text, where others between are left out, with its position."""
    return f"{text} {at}" if found.subject.n_tokens > LONG else text


def _together(*widgets: QWidget) -> QWidget:
    """Widgets that wrap to the next line as one."""
    group = QWidget()
    row = QHBoxLayout(group)
    row.setContentsMargins(0, 0, 0, 0)
    row.setSpacing(theme.TIGHT)
    for widget in widgets:
        row.addWidget(widget)
    return group
