"""The patching pane: a form, a button that runs it, and the map that comes.

Nothing runs before Run is pressed; a run goes on when the pane is hidden, and what came stays until
the next. Knows the store, the forms and the map.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Literal, cast

from PySide6.QtCore import QSize
from PySide6.QtWidgets import QHBoxLayout, QPushButton, QStackedWidget, QWidget

from gui import theme
from gui.panes.base import LAST, EmptyState, Pane, column
from gui.panes.patching import ENTRY, sweep_map, words
from gui.panes.patching.fact_form import FactForm
from gui.panes.patching.pointing import Pointing
from gui.panes.patching.prompts_form import PromptsForm
from gui.panes.patching.sweep_map import SweepMap
from gui.reading import code
from gui.reading.metric import NO_HEAD, AskError, StillReadingError
from gui.session.on_request import OnRequest
from gui.session.store import Store
from gui.widgets.control_button import make_primary
from gui.widgets.heat_map.heat_map import HeatMap
from gui.widgets.nest import nest
from gui.widgets.segments import Segments
from gui.widgets.text import Text, as_written
from model.probe.facts.asks import FactsFound
from model.probe.patch.asks import PatchFound
from model.probe.question import Named

Mode = Literal["prompts", "fact"]
MODES: Mapping[Mode, tuple[str, str]] = {
    "prompts": ("two prompts", "Activation patching: put what B has into A, place by place"),
    "fact": ("a fact", "Causal tracing: hide words by noise, then put one place right again"),
}
FIRST: Mapping[Mode, str] = {
    "prompts": "Type a second prompt, B, and press Run.",
    "fact": "Say which words the fact is about and press Run.",
}
"""While the text is missing that a sweep needs."""
EMPTY: Mapping[Mode, str] = {
    "prompts": "Each cell will say how far A's answer moves to B's when one activation is B's.",
    "fact": "Each cell will say how much of the answer comes back when one place is put right.",
}


class PatchingPane(Pane):
    """The two kinds of sweep.

    Attributes:
        modes: which kind.
        prompts, fact: their forms.
        run_button: begins, or stops what goes on.
        map: the heat map.
        status, sentence: what is measured and how far it is; what the map says here.
        sweeps: what was run of each kind.
    """

    entry = ENTRY
    one_side = "A sweep is of the side in view: it compares two texts itself. Choose A or B."

    def __init__(self, store: Store, parent: QWidget | None = None) -> None:
        super().__init__(store, parent)
        small = theme.sans(theme.SMALL_FONT_SIZE)
        self.sweeps: Mapping[Mode, OnRequest] = {
            mode: OnRequest(store, f"{self.key}: {mode}", self) for mode in MODES
        }
        self.modes = Segments(self, font=small)
        self.modes.setAccessibleName("Which kind of sweep")
        for mode, (text, tip) in MODES.items():
            self.modes.add(mode, text, tip)
        self.modes.chosen.connect(self._on_mode)
        self.status = Text(parent=self, tone="dim", font=small)
        self.run_button = QPushButton("Run", self)
        make_primary(self.run_button)
        self.run_button.setAccessibleName("Run the sweep")
        self.run_button.setToolTip("Nothing is computed before this is pressed")
        self.run_button.clicked.connect(self.run_or_stop)
        self.prompts = PromptsForm(store, self)
        self.fact = FactForm(store, self)
        self._forms = QStackedWidget(self)
        for form in (self.prompts, self.fact):
            self._forms.addWidget(form)
            form.changed.connect(self._on_form)
            form.sent.connect(self.run)
        self.map = HeatMap(self)
        self.map.setAccessibleName("Effect of each place: rows are layers, columns are tokens")
        self.pointing = Pointing(store, self.map, self.prompts, self)
        self._empty = EmptyState(parent=self)
        self.sentence = Text(parent=self, wrap=True, font=small)
        top = QHBoxLayout()
        top.setSpacing(theme.SPACE)
        top.addWidget(self.modes)
        top.addWidget(self.status, 1)
        top.addWidget(self.run_button)
        layout = column(self, spacing=theme.TIGHT)
        nest(layout, top)
        layout.addWidget(self._forms)
        layout.addWidget(self.map, 1)
        layout.addWidget(self._empty, 1)
        layout.addWidget(self.sentence)
        self._drawn: object = None
        self._refusal = ""
        self._runs_when_read = False
        for sweep in self.sweeps.values():
            sweep.changed.connect(self.invalidate)
        store.texts.changed.connect(self._on_read)
        store.subject_changed.connect(self._on_read)
        store.model_changed.connect(self._on_read)
        store.intervening.changed.connect(self.invalidate)
        self._show_form()

    # ------------------------------------------------------------------------- what is run

    @property
    def mode(self) -> Mode:
        return cast(Mode, self.modes.current)

    @property
    def form(self) -> PromptsForm | FactForm:
        """Of the kind that is chosen."""
        return self.prompts if self.mode == "prompts" else self.fact

    @property
    def sweep(self) -> OnRequest:
        """What was run of the kind that is chosen."""
        return self.sweeps[self.mode]

    @property
    def found(self) -> PatchFound | FactsFound | None:
        """The answer that is drawn."""
        answer = self.sweep.answer
        return answer if isinstance(answer, PatchFound | FactsFound) else None

    def run_or_stop(self) -> None:
        """What the button does."""
        if self.sweep.going:
            self.sweep.stop()
        else:
            self.run()

    def run(self) -> None:
        """Begin what the form says; where that can't be, say why."""
        self._refusal, self._runs_when_read = self._cannot(), False
        if not self._refusal:
            self.form.follow()  # the prompt may be new
            try:
                self.sweep.run(self.form.question())
            except AskError as error:
                self._refusal = str(error)
                self._runs_when_read = isinstance(error, StillReadingError)
        self.invalidate()

    def _cannot(self) -> str:
        """Why nothing can be run at all; empty if something can."""
        model = self.store.model
        if model is None:
            return "No model is open. Open a checkpoint first."
        if not model.config.has_logits:
            return NO_HEAD
        return self.store.prompt_problem

    @property
    def drawn_map(self) -> SweepMap | None:
        """What is drawn of the answer."""
        return self.pointing.drawn

    # ----------------------------------------------------------------------------- drawing

    def refresh(self) -> None:
        sweep, found, read = self.sweep, self.found, self.sweep.read
        self.form.follow()
        self.run_button.setText("Stop" if sweep.going else "Run")
        tip = "Stop; what came so far stays" if sweep.going else "Run the sweep (Return in a field)"
        self.run_button.setToolTip(tip)
        self.run_button.setAccessibleName(f"{self.run_button.text()} the sweep")
        self.run_button.setEnabled(self.store.read is not None or sweep.going)
        model = self.store.model
        problem = self._problem()
        there = found is not None and read is not None and model is not None
        self._show_map(problem, there=there)
        status, sentence, tone = "", problem, "warning"
        if found is not None and read is not None and model is not None and self.drawn_map:
            status = words.heading(found, model)
            if not problem:
                sentence, tone = words.here(found, self.drawn_map, read), "text"
        if sweep.going:
            status = f"{sweep.share:.0%} · {status}" if status else f"working, {sweep.share:.0%}"
        self.status.setText(status)
        self.status.setToolTip(as_written(status))
        self.sentence.setText(sentence if there else "")
        self.sentence.set_tone(tone)
        self.sentence.setVisible(there and bool(sentence))
        self.pointing.mark()

    def _problem(self) -> str:
        """What stands in the way, or why the map is not of what is in view."""
        sweep = self.sweep
        if self._refusal:
            return self._refusal
        if sweep.problem:
            return sweep.problem
        if sweep.answer is None:
            return ""
        if sweep.stopped and not sweep.answer.is_whole:
            return "Stopped before all was run. Press Run to begin anew."
        if not sweep.going and not sweep.is_current and self.store.read is not None:
            before = "" if sweep.read is None else f" “{_short(sweep.read.text)}”"
            return f"This is the map of{before} as it was read then. Press Run for what is in view."
        return ""

    def _show_map(self, problem: str, *, there: bool) -> None:
        sweep, found, model = self.sweep, self.found, self.store.model
        self.map.setVisible(there)
        self._empty.setVisible(not there)
        if not there or found is None or sweep.read is None or model is None:
            self._empty.setText(problem or self._cannot() or self._waiting() or self._how())
            self._drawn = None
            self.pointing.show(None, None, None)
            self.map.set_content(None)
            return
        if self._drawn is found:
            return
        another = not isinstance(self._drawn, type(found))
        self._drawn, drawn = found, sweep_map.of_answer(found, sweep.read, model)
        self.pointing.show(found, drawn, sweep.read)
        if drawn is not None:
            self.map.set_content(drawn.content)
            if another and drawn.strongest is not None:
                self.map.reveal(*drawn.strongest)

    def _how(self) -> str:
        """What is still to be done for a map, and what it will say."""
        first = FIRST[self.mode] if self.form.lacks_text else "Press Run."
        return f"{first} {EMPTY[self.mode]}"

    def _waiting(self) -> str:
        return "The first cells are on their way…" if self.sweep.going else ""

    def header_note(self) -> str:
        sweep = self.sweep
        if sweep.going:
            return f"running, {sweep.share:.0%}"
        return "" if sweep.answer is None or sweep.is_current else "of another prompt"

    # ------------------------------------------------------------------------------ actions

    # ------------------------------------------------------------------------------- inside

    def _on_mode(self, _: str) -> None:
        self._refusal = ""
        self._show_form()
        self._drawn = None
        self.invalidate()

    def _show_form(self) -> None:
        """The form of the kind that is chosen, as high as it needs and no more."""
        self._forms.setCurrentWidget(self.form)
        self._fit_form()

    def _fit_form(self) -> None:
        form = self.form
        layout = form.layout()
        width = max(self.width() - 2 * theme.SPACE, 200)
        high = form.sizeHint().height()
        if layout is not None and layout.hasHeightForWidth():
            high = layout.totalHeightForWidth(width)
        self._forms.setFixedHeight(high)

    def resizeEvent(self, event: Any) -> None:
        super().resizeEvent(event)
        self._fit_form()

    def _on_form(self) -> None:
        self._refusal = ""
        self._fit_form()
        self.invalidate()

    def _on_read(self) -> None:
        """The prompt or B is in tokens now."""
        if self._runs_when_read:
            self.run()  # it was pressed while a text was being read
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
            "mode": self.mode,
            **self.prompts.remember(),
            **self.fact.remember(),
            LAST: {**self.prompts.typed(), **self.fact.typed()},
        }

    def recall(self, kept: Mapping[str, Any]) -> None:
        typed = kept.get(LAST)
        typed = typed if isinstance(typed, Mapping) else {}
        if kept.get("mode") in MODES:
            self.modes.set_current(str(kept["mode"]))
        self.prompts.recall(kept, typed)
        self.fact.recall(kept, typed)
        self._show_form()

    def sizeHint(self) -> QSize:
        return QSize(620, 430)


def _short(text: str, most: int = 40) -> str:
    return text if len(text) <= most else f"{text[:most]}…"
