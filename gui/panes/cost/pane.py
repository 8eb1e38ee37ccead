"""The pane: the cache of the text in view, and three charts of what was measured.

The cache is asked for like anything that is seen. Nothing is measured before Measure is pressed;
it goes on when the pane is hidden, and what came stays until another model comes. Knows the store
and its own parts; no other pane.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Literal, cast

from PySide6.QtCore import QSize
from PySide6.QtWidgets import QHBoxLayout, QPushButton, QStackedWidget, QWidget

from gui import theme
from gui.panes.base import EmptyState, Pane, column
from gui.panes.cost import ENTRY, words
from gui.panes.cost.cache_map import CacheMap, Shown
from gui.panes.cost.chart import LogChart
from gui.panes.cost.curves import Picture, memory_picture, speed_picture, time_picture
from gui.panes.cost.gauge import Gauge
from gui.reading import code
from gui.session.on_request import OnRequest
from gui.session.store import Store
from gui.widgets.choice import Choice
from gui.widgets.control_button import make_primary
from gui.widgets.nest import nest
from gui.widgets.segments import Segments
from gui.widgets.text import Text, as_written
from model.messages import ModelInfo
from model.preview import file_size
from model.probe.cache.asks import Cache, CacheFound
from model.probe.cost.asks import Cost, CostFound
from model.probe.question import Named, Question

View = Literal["cache", "time", "memory", "parallel"]
VIEWS: Mapping[View, tuple[str, str]] = {
    "cache": ("Cache", "What the cache holds of this text: a row a layer, a column a position"),
    "time": ("Time", "Seconds of reading a text and of one more token, by the text's length"),
    "memory": ("Memory", "The most bytes that tensors take at once, by the text's length"),
    "parallel": ("At once", "One after another against all at once: heads, tokens, texts"),
}
PICTURES: Mapping[View, Callable[[CostFound], Picture]] = {
    "time": time_picture,
    "memory": memory_picture,
    "parallel": speed_picture,
}
EMPTY = (
    "Press Measure. Texts of 16 tokens and more are read and continued, with fused and explicit "
    "attention, with and without the cache; their times become curves here."
)
USUAL = 512
"""Tokens of the longest text, where a person chooses nothing and the context holds so many."""
CONTEXT = 0
"""Stands for the whole context among the lengths that can be chosen."""


class CostPane(Pane):
    """What context costs.

    Attributes:
        views: which picture.
        longest: how long texts become.
        run_button: begins to measure, or stops it.
        map: the cache.
        gauge: how full it is.
        chart: the curves.
        sentence, note: what the picture says here, and how it was had.
        measuring: what was measured.
    """

    entry = ENTRY
    one_side = "Time and memory are measured of the side in view. Choose A or B for the other."

    def __init__(self, store: Store, parent: QWidget | None = None) -> None:
        super().__init__(store, parent)
        small = theme.sans(theme.SMALL_FONT_SIZE)
        self.measuring = OnRequest(store, f"{self.key}: measuring", self)
        self._runs = 0
        self._drawn: object = None
        self._wanted = USUAL
        self.views = Segments(self, font=small)
        self.views.setAccessibleName("Which picture of the cost")
        for key, (text, tip) in VIEWS.items():
            self.views.add(key, text, tip)
        self.longest = Choice(self)
        self.longest.setFont(small)
        self.longest.setAccessibleName("Longest text to measure")
        self.longest.setToolTip(
            "Up to how many tokens: twice as long takes at least twice the time"
        )
        self.run_button = QPushButton("Measure", self)
        self.run_button.setToolTip("Measure what context costs on this machine")
        self.run_button.setAccessibleName("Measure: the cost of context")
        make_primary(self.run_button)
        self.status = Text(parent=self, tone="dim", font=small)
        top = QHBoxLayout()
        top.setSpacing(theme.SPACE)
        top.addWidget(self.views)
        top.addWidget(self.status, 1)
        for widget in (self.longest, self.run_button):
            top.addWidget(widget)

        self.sentence = Text(parent=self, wrap=True)
        self.map = CacheMap(self)
        self.gauge = Gauge(self)
        self.chart = LogChart(self)
        self._empty = EmptyState(parent=self)
        self._stack = QStackedWidget(self)
        for picture in (self.map, self.chart, self._empty):
            self._stack.addWidget(picture)
        self.note = Text(parent=self, tone="dim", font=small, wrap=True)
        layout = column(self, spacing=theme.TIGHT)
        nest(layout, top)
        layout.addWidget(self.sentence)
        layout.addWidget(self._stack, 1)
        layout.addWidget(self.gauge)
        layout.addWidget(self.note)

        self.views.chosen.connect(self._on_view)
        self.longest.activated.connect(self._on_longest)
        self.run_button.clicked.connect(self.measure)
        self.map.chosen.connect(self._select)
        self.measuring.changed.connect(self.invalidate)
        store.selection_changed.connect(self._mark)
        store.model_changed.connect(self._on_model)
        store.run.changed.connect(self.invalidate)
        self._on_model()

    # ------------------------------------------------------------------------- questions

    @property
    def view(self) -> View:
        return cast("View", self.views.current)

    @property
    def found(self) -> CostFound | None:
        """What was measured of the model in view."""
        return self.measuring.found(CostFound)

    def questions(self) -> Mapping[str, Question]:
        """The cache, while it is looked at; as many columns as pixels could tell apart."""
        if self.view != "cache" or self.store.model is None:
            return {}
        room = max(64, self.width() // 2)
        return {"cache": Cache(columns=1 << (room - 1).bit_length())}

    # --------------------------------------------------------------------------- actions

    @property
    def refusal(self) -> str:
        """Why nothing can be measured now; empty if it can."""
        if self.store.model is None:
            return "No model is open. Open a checkpoint first."
        if self.store.read is None:
            return self.store.prompt_problem or "Type a prompt first: it is read before measuring."
        if self.store.run.running:
            return "A run is training, which would be timed as well. Stop it, then measure."
        return ""

    def measure(self) -> None:
        """Begin to measure the model in view, or stop it."""
        if self.measuring.going:
            self.measuring.stop()
        elif not self.refusal:
            self._runs += 1  # what is known already is measured again
            self.measuring.run(Cost(self.longest.currentData(), run=self._runs))
            if self.view == "cache":
                self.views.set_current("time")
                self.ask()
        self.invalidate()

    def _on_view(self, _: str) -> None:
        self.ask()
        self.invalidate()

    def _on_longest(self, _: int) -> None:
        self._wanted = self.longest.currentData()

    def _on_model(self) -> None:
        """Offer the lengths that the model can read."""
        model = self.store.model
        self.longest.clear()
        if model is not None:
            n_ctx = model.config.n_ctx
            for n in (2**power for power in range(6, 30)):
                if n < n_ctx:
                    self.longest.addItem(f"up to {n:,} tokens", n)
            self.longest.addItem(f"up to the limit, {n_ctx:,}", CONTEXT)
            at = self.longest.findData(self._wanted)
            self.longest.setCurrentIndex(self.longest.count() - 1 if at < 0 else at)
        self.invalidate()

    def _select(self, layer: int, position: int) -> None:
        self.store.select(layer=layer, position=position)

    def _mark(self) -> None:
        """Where the selection is needs no answer."""
        self.map.mark(self.store.selection.layer, self.store.selection.position)

    # --------------------------------------------------------------------------- drawing

    def refresh(self) -> None:
        going, refusal = self.measuring.going, self.refusal
        self.run_button.setText("Stop" if going else "Measure" if self.found is None else "Again")
        tip = (
            "Stop; what was measured stays"
            if going
            else "Nothing is measured before this is pressed"
        )
        self.run_button.setToolTip(as_written(refusal or tip))
        self.run_button.setAccessibleName(f"{self.run_button.text()}: the cost of context")
        self.run_button.setEnabled(going or not refusal)
        self.longest.setEnabled(not going and not refusal)
        self.status.setText(f"measuring, {self.measuring.share:.0%}" if going else "")
        if self.view == "cache":
            self._refresh_cache()
        else:
            self._refresh_chart()

    def _refresh_cache(self) -> None:
        slot, model = self.slot("cache"), self.store.model
        found = self.answered("cache", CacheFound)
        if slot is None or model is None or found is None or slot.read is None:
            why = "" if slot is None else slot.problem
            self._say_nothing(why or self.store.prompt_problem or self._no_prompt())
            return
        self._stack.setCurrentWidget(self.map)
        config, selection = model.config, self.store.selection
        if self._drawn is not found:
            self._drawn = found
            tokens = tuple(token.text for token in slot.read.tokens)
            shown = Shown(found, _slots(found.n_tokens, config.n_ctx), _windows(model), tokens)
        else:
            assert self.map.shown is not None
            shown = self.map.shown
        self.map.show_cache(shown, (selection.layer, selection.position))
        self.sentence.setText(words.of_cache(found, config))
        self.map.setAccessibleDescription(self.sentence.text())
        self.note.setText(f"{words.formula(found)}. {words.held(found)}")
        self.gauge.setVisible(config.causal)
        full = found.bytes_per_token * config.n_ctx
        self.gauge.show_share(
            found.cache_bytes / full,
            found.buffer_bytes / full,
            f"{found.n_tokens:,} tokens",
            f"{config.n_ctx:,} tokens",
        )
        self._show_words()

    def _refresh_chart(self) -> None:
        found, problem = self.found, self.measuring.problem
        picture = None if found is None else PICTURES[self.view](found)
        self.gauge.hide()
        if found is None or picture is None or not picture.curves:
            self._say_nothing(problem or self._waiting() or self.refusal or EMPTY)
            return
        self._stack.setCurrentWidget(self.chart)
        drawn = found, self.view
        if self._drawn != drawn:
            self._drawn = drawn
            self.chart.setAccessibleName(VIEWS[self.view][1])
            self.chart.set_picture(picture)
        self.sentence.setText(problem or words.of_measuring(found, self.view))
        said = words.how(found, self.view)
        if self.measuring.stopped and not found.is_whole:
            said = f"Stopped after {found.n_measured:,} tokens. {said}"
        self.note.setText(said)
        self._show_words()

    def _waiting(self) -> str:
        if not self.measuring.going:
            found = self.found
            if self.view == "parallel" and found is not None:
                return "It was stopped before heads, tokens and texts were timed, which comes last."
            return ""
        if self.view == "parallel":
            return "Heads, tokens and texts are timed last, after all lengths."
        return "The first lengths are being timed…"

    def _no_prompt(self) -> str:
        if self.store.model is None:
            return "Open a model to see what its cache holds."
        return "" if self.store.read is not None else "Type a prompt to see its keys and values."

    def _say_nothing(self, why: str) -> None:
        self._drawn = None
        self._empty.setText(why)
        self._stack.setCurrentWidget(self._empty)
        self.gauge.hide()
        self.sentence.setText("")
        self.note.setText("")
        self._show_words()

    def _show_words(self) -> None:
        for text in (self.sentence, self.note):
            text.setVisible(bool(text.text()))

    def apply_theme(self) -> None:
        self.map.redraw()
        self.chart.redraw()

    def header_note(self) -> str:
        if self.measuring.going:
            return f"measuring, {self.measuring.share:.0%}"
        found = self.answered("cache", CacheFound)
        return file_size(found.cache_bytes) if self.view == "cache" and found is not None else ""

    # ---------------------------------------------------------------------------- ways out

    def _answer(self) -> CacheFound | CostFound | None:
        """What is drawn."""
        return self.answered("cache", CacheFound) if self.view == "cache" else self.found

    def code(self) -> str:
        answer = self._answer()
        return code.of_answers({} if answer is None else {"found": answer})

    def export_data(self) -> Mapping[str, Named]:
        answer = self._answer()
        return {} if answer is None else dict(answer.arrays())

    def remember(self) -> dict[str, Any]:
        return {"view": self.view, "longest": self._wanted}

    def recall(self, kept: Mapping[str, Any]) -> None:
        if kept.get("view") in VIEWS:
            self.views.set_current(str(kept["view"]))
        longest = kept.get("longest")
        if isinstance(longest, int) and not isinstance(longest, bool) and longest >= 0:
            self._wanted = longest
            self._on_model()

    def sizeHint(self) -> QSize:
        return QSize(620, 430)


def _slots(n_tokens: int, n_ctx: int) -> int:
    """Positions that the picture has room for: a quarter is free, so that one sees it fill."""
    return min(n_ctx, max(16, n_tokens + max(4, n_tokens // 4)))


def _windows(model: ModelInfo) -> tuple[int | None, ...]:
    """How far back each layer looks; nothing is passed where a query looks ahead."""
    config = model.config
    if not config.causal:
        return (None,) * config.n_layers
    return tuple(config.window_at(layer) for layer in range(config.n_layers))
