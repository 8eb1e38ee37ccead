"""The form for two prompts: the other text, what is put in, and what is measured.

Knows the store; asks for the other text's tokens and nothing else.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, cast

from PySide6.QtCore import QSignalBlocker
from PySide6.QtWidgets import QHBoxLayout, QVBoxLayout, QWidget

from gui import theme
from gui.panes.patching import words
from gui.panes.patching.examples import PAIR
from gui.panes.patching.form import SweepForm
from gui.reading.metric import AskError, StillReadingError, metric_of
from gui.session.store import Store
from gui.widgets.choice import Choice
from gui.widgets.control_button import ControlButton
from gui.widgets.flow import FlowLayout
from gui.widgets.nest import nest
from gui.widgets.segments import Segments
from gui.widgets.text import Text, as_written
from model.probe.metric import Metric
from model.probe.patch.asks import OF_HEADS, By, Kind, Patch

KINDS: Mapping[Kind, tuple[str, str]] = {
    "residual": ("residual", "The residual stream that a block reads"),
    "attention": ("attention", "What the attention of a block adds to the stream"),
    "mlp": ("MLP", "What the MLP of a block adds to the stream"),
    "z": ("heads", "What single heads hand on (z)"),
    "q": ("q", "The queries of single heads"),
    "k": ("k", "The keys of single heads"),
    "v": ("v", "The values of single heads"),
    "pattern": ("pattern", "The rows of single heads' attention patterns"),
}
MEASURES: Mapping[By, tuple[str, str]] = {
    "difference": ("logit difference", "The logit of one token minus that of another"),
    "probability": ("probability", "The probability of one token"),
    "kl": ("KL divergence", "How far the whole distribution is from that of B, in nats"),
}


class PromptsForm(SweepForm):
    """What is run between two prompts.

    Attributes:
        other: the second prompt, B.
        note: how its tokens lie beside those of A.
        kinds: what is put in.
        spans: of heads, whether each token by itself or the whole text at once.
        measure, target, against, where: the metric.
    """

    def __init__(self, store: Store, parent: QWidget | None = None) -> None:
        super().__init__(store, parent)
        self.other = self.field(
            "another prompt, best as long as this one in tokens",
            "A is the prompt in view. B's activations are put into it, one after another",
        )
        self.example = ControlButton("press", self)
        self.example.setText("example")
        self.example.setToolTip(f"Compare “{PAIR[0]}” with “{PAIR[1]}”")
        self.example.setAccessibleName("Take an example")
        self.example.clicked.connect(self.take_example)
        self.note = Text(parent=self, tone="dim", font=theme.sans(theme.SMALL_FONT_SIZE))
        small = theme.sans(theme.SMALL_FONT_SIZE)
        self.kinds = Segments(self, font=small)
        self.kinds.setAccessibleName("What is put in")
        for kind, (text, tip) in KINDS.items():
            self.kinds.add(kind, text, tip)
        self.spans = Segments(self, font=small)
        self.spans.setAccessibleName("At which tokens")
        self.spans.add("whole", "whole text", "All tokens at once: a cell is a head of a layer")
        self.spans.add("token", "each token", "Token by token: a row is a head")
        for segments in (self.kinds, self.spans):
            segments.chosen.connect(self._on_segment)
        self.measure = Choice(self)
        self.measure.setFont(small)
        self.measure.setAccessibleName("What is measured")
        self.measure.setToolTip("What is measured after each pass")
        self.measure.setSizeAdjustPolicy(self.measure.SizeAdjustPolicy.AdjustToContents)
        self.measure.activated.connect(self.changed)
        for by, (text, _) in MEASURES.items():
            self.measure.addItem(text, by)
        tip = "a token, with or without its space; empty takes the likeliest token after"
        self.target = self.field("B's answer", f"The token that counts: {tip} B", 110)
        self.against = self.field("A's answer", f"The token it is compared with: {tip} A", 110)
        self._minus = Text("−", self, tone="dim")
        first = QHBoxLayout()
        first.setSpacing(theme.TIGHT)
        first.addWidget(Text("B", self, tone="dim"))
        first.addWidget(self.other, 1)
        first.addWidget(self.example)
        kinds = QWidget(self)
        row = FlowLayout(kinds)
        for segments in (self.kinds, self.spans):
            row.addWidget(segments)
        flow = QWidget(self)
        row = FlowLayout(flow)
        for widget in (
            self.measure,
            self.target,
            self._minus,
            self.against,
            self.where,
        ):
            row.addWidget(widget)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(theme.TIGHT)
        nest(layout, first)
        layout.addWidget(self.note)
        layout.addWidget(kinds)
        layout.addWidget(flow)
        self.changed.connect(self.follow)
        self.follow()

    def _on_segment(self, _: str) -> None:
        self.changed.emit()

    # ----------------------------------------------------------------------- what is typed

    @property
    def kind(self) -> Kind:
        return cast(Kind, self.kinds.current)

    @property
    def by(self) -> By:
        return cast(By, self.measure.currentData())

    def take_example(self) -> None:
        """Two prompts that differ in one word."""
        with QSignalBlocker(self):
            self.other.setText(PAIR[1])
            self.target.clear()
            self.against.clear()
        self.store.set_prompt(PAIR[0])
        self.changed.emit()

    def follow(self) -> None:
        """Show what belongs to what is chosen, and how B's tokens lie beside A's."""
        self.spans.setVisible(self.kind in OF_HEADS)
        self.target.setVisible(self.by != "kl")
        for widget in (self._minus, self.against):
            widget.setVisible(self.by == "difference")
        self.follow_model()
        note, tone = self._note()
        self.note.setText(note)
        self.note.set_tone(tone)
        self.note.setToolTip(as_written(note))

    def _note(self) -> tuple[str, str]:
        store, text = self.store, self.other.text()
        if store.read is None or store.model is None or not text.strip():
            return "A is the prompt in view; type B, in which a word or two are others.", "dim"
        cut = store.texts.cut(text)
        if cut is None:
            return "…", "dim"
        if cut.problem:
            return cut.problem, "warning"
        return words.beside(store.read, cut.ids, store.model, self.kind)

    @property
    def lacks_text(self) -> bool:
        """Whether the second prompt is missing."""
        return not self.other.text().strip()

    def question(self) -> Patch:
        """What would be run now.

        Raises:
            AskError: something is missing or can't be.
        """
        store, text = self.store, self.other.text()
        if store.model is None or store.read is None:
            raise AskError("Open a model and type a prompt first.")
        if store.is_reading:
            raise StillReadingError("The prompt is being read…")
        if not text.strip():
            raise AskError("Type a second prompt, B, first; or press example, for two prompts.")
        cut = store.texts.cut(text)
        if cut is None:
            raise StillReadingError("B is being read…")
        if cut.problem:
            raise AskError(cut.problem)
        if cut.ids == store.read.subject.ids:
            raise AskError("B has the same tokens as A. Change a word in it.")
        metric = Metric()
        if self.by != "kl":
            against = self.against.text() if self.by == "difference" else ""
            metric = metric_of(store.model, self.target.text(), against)
        # Where both texts lead to the same token, that token's log probability is measured.
        by: By = "auto" if self.by == "difference" and metric.is_open else self.by
        return Patch(
            clean_ids=cut.ids,
            kind=self.kind,
            metric=metric,
            by=by,
            align=len(cut.ids) != store.read.n_tokens,
            position=self.position,
            together=self.kind in OF_HEADS and self.spans.current == "whole",
        )

    # ------------------------------------------------------------------------------ memory

    def remember(self) -> dict[str, Any]:
        """The choices; what is typed is `typed`."""
        return {"kind": self.kind, "span": self.spans.current, "measure": self.by}

    def typed(self) -> dict[str, str]:
        """The texts."""
        fields = {"other": self.other, "target": self.target, "against": self.against}
        return {name: field.text() for name, field in fields.items()}

    def recall(self, kept: Mapping[str, Any], typed: Mapping[str, Any]) -> None:
        """Take up what was remembered; what is no such choice is passed over."""
        with QSignalBlocker(self):
            if kept.get("kind") in KINDS:
                self.kinds.set_current(str(kept["kind"]))
            if kept.get("span") in ("whole", "token"):
                self.spans.set_current(str(kept["span"]))
            at = self.measure.findData(kept.get("measure"))
            self.measure.setCurrentIndex(max(at, 0))
            for name, field in (
                ("other", self.other),
                ("target", self.target),
                ("against", self.against),
            ):
                field.setText(str(typed.get(name, "")))
        self.follow()
