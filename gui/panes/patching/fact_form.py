"""The form for a fact: what it is about, what is restored, how strong the noise is.

Knows the store and, for an example of the bundled model, the story world; asks nothing.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, cast

from PySide6.QtCore import QSignalBlocker, Qt
from PySide6.QtWidgets import QHBoxLayout, QVBoxLayout, QWidget

from gui import theme
from gui.panes.patching.examples import FACT, suggested
from gui.panes.patching.form import SweepForm
from gui.reading.metric import AskError, StillReadingError, metric_of
from gui.session.store import Store
from gui.widgets.control_button import ControlButton
from gui.widgets.flow import FlowLayout
from gui.widgets.nest import nest
from gui.widgets.number_boxes import DecimalBox, WholeBox
from gui.widgets.segments import Segments
from gui.widgets.text import Text, as_written
from model.probe.facts.asks import Facts, Kind
from model.probe.facts.words import tokens_of_words

KINDS: Mapping[Kind, tuple[str, str]] = {
    "mlp": ("MLP", "What the MLPs of neighbouring blocks add to the stream at one token"),
    "attention": ("attention", "What the attention of neighbouring blocks adds at one token"),
    "residual": ("residual", "The residual stream that one block reads at one token"),
}


class FactForm(SweepForm):
    """What is run about a fact.

    Attributes:
        about: words of the prompt that are hidden.
        target: the fact's answer.
        kinds: what is restored.
        noise, samples, together: how.
        example: puts a fact that the bundled model knows into the prompt.
    """

    def __init__(self, store: Store, parent: QWidget | None = None) -> None:
        super().__init__(store, parent)
        self.about = self.field(
            "about: words of the prompt", "Whom or what the fact is about: noise hides these words"
        )
        self.target = self.field(
            "the answer", "The token that counts; empty takes the likeliest one", 120
        )
        self.example = ControlButton("press", self)
        self.example.setText("example")
        self.example.setToolTip(f"Take a fact that the bundled model knows: “{FACT.prompt} …”")
        self.example.setAccessibleName("Take an example")
        self.example.clicked.connect(self.take_example)
        self.note = Text(parent=self, tone="dim", font=theme.sans(theme.SMALL_FONT_SIZE))
        self.kinds = Segments(self, font=theme.sans(theme.SMALL_FONT_SIZE))
        self.kinds.setAccessibleName("What is restored")
        for kind, (text, tip) in KINDS.items():
            self.kinds.add(kind, text, tip)
        self.kinds.chosen.connect(self._on_kind)
        self.noise = DecimalBox(0.01, 100, "noise", "from 0.01 to 100", self)
        self.noise.setAccessibleName("Noise")
        self.noise.setToolTip("Standard deviation of the noise, in those of all embeddings")
        self.noise.setValue(3.0)
        self.samples = WholeBox(1, 200, "number of samples", self)
        self.samples.setAccessibleName("Samples of the noise")
        self.samples.setToolTip("How often noise is drawn; cells are means")
        self.samples.setValue(10)
        self.together = WholeBox(0, 100, "number of layers", self, special="a fifth")
        self.together.setAccessibleName("Layers restored together")
        self.together.setToolTip("How many neighbouring layers are restored together")
        self._layers = Text("layers", self, tone="dim")
        for box in (self.noise, self.samples, self.together):
            box.setFont(theme.mono(theme.SMALL_FONT_SIZE))
            box.setAlignment(Qt.AlignmentFlag.AlignRight)
            box.setFixedHeight(theme.CONTROL_HEIGHT)
            box.setFixedWidth(box.fontMetrics().horizontalAdvance("a fifth") + 14)
            box.valueChanged.connect(self._on_number)
            box.refusals.tell = self._refuse
        first = QHBoxLayout()
        first.setSpacing(theme.TIGHT)
        first.addWidget(self.about, 1)
        first.addWidget(Text("→", self, tone="dim"))
        first.addWidget(self.target)
        first.addWidget(self.example)
        flow = QWidget(self)
        row = FlowLayout(flow)
        for widget in (
            self.kinds,
            self.together,
            self._layers,
            Text("noise ×", self, tone="dim"),
            self.noise,
            Text("samples", self, tone="dim"),
            self.samples,
            self.where,
        ):
            row.addWidget(widget)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(theme.TIGHT)
        nest(layout, first)
        layout.addWidget(self.note)
        layout.addWidget(flow)
        self.changed.connect(self.follow)
        self._suggested = ""
        self._refusal = ""
        self.follow()

    def _on_kind(self, _: str) -> None:
        self.changed.emit()

    def _on_number(self, _: float) -> None:
        self._refusal = ""
        self.changed.emit()

    def _refuse(self, why: str) -> None:
        self._refusal = why
        self.follow()

    @property
    def kind(self) -> Kind:
        return cast(Kind, self.kinds.current)

    def take_example(self) -> None:
        """Read a fact that the bundled model knows."""
        with QSignalBlocker(self):
            self.about.setText(FACT.about)
            self.target.clear()
        self._suggested = FACT.about
        self.store.set_prompt(FACT.prompt)
        self.changed.emit()

    def follow(self) -> None:
        """Fill in what the fact is about where nobody typed it, and say which tokens it is."""
        read = self.store.read
        is_own = self.about.text() == self._suggested
        if read is not None and is_own and not self.store.is_reading:
            self._suggested = suggested(read.text)
            self.about.setText(self._suggested)
        for widget in (self.together, self._layers):
            widget.setVisible(self.kind != "residual")
        self.follow_model()
        note, tone = self._note()
        self.note.setText(note)
        self.note.set_tone(tone)
        self.note.setToolTip(as_written(note))

    def _note(self) -> tuple[str, str]:
        if self._refusal:
            return self._refusal, "warning"
        read, about = self.store.read, self.about.text().strip()
        if read is None or not about:
            return "Noise hides some words; then one place at a time is put right again.", "dim"
        if self.store.is_reading:
            return "The prompt is being read…", "dim"
        place = self._place
        if place is None:
            return f"“{about}” does not stand in the prompt.", "warning"
        first, last = place
        hidden = " ".join(token.text for token in read.tokens[first : last + 1])
        where = f"position {first}" if first == last else f"positions {first} to {last}"
        return f"Noise hides {where}: {hidden}", "dim"

    @property
    def _place(self) -> tuple[int, int] | None:
        """First and last position of what is hidden."""
        read, model = self.store.read, self.store.model
        if read is None or model is None:
            return None
        special = model.special_ids
        raw = [b"" if token.id in special else token.bytes for token in read.tokens]
        return tokens_of_words(raw, self.about.text())

    @property
    def lacks_text(self) -> bool:
        """Whether the words that the fact is about are missing."""
        return not self.about.text().strip()

    def question(self) -> Facts:
        """What would be run now.

        Raises:
            AskError: something is missing or can't be.
        """
        store = self.store
        if store.model is None or store.read is None:
            raise AskError("Open a model and type a prompt first.")
        if store.is_reading:
            raise StillReadingError("The prompt is being read…")
        if not self.about.text().strip():
            raise AskError("Say what the fact is about: words of the prompt.")
        place = self._place
        if place is None:
            raise AskError(f"“{self.about.text().strip()}” does not stand in the prompt.")
        first, last = place
        return Facts(
            first=first,
            last=last,
            kind=self.kind,
            metric=metric_of(store.model, self.target.text()),
            position=self.position,
            window=0 if self.kind == "residual" else self.together.value(),
            noise=self.noise.value(),
            samples=self.samples.value(),
        )

    # ------------------------------------------------------------------------------ memory

    def remember(self) -> dict[str, Any]:
        """The choices; what is typed is `typed`."""
        return {
            "restored": self.kind,
            "noise": self.noise.value(),
            "samples": self.samples.value(),
            "window": self.together.value(),
        }

    def typed(self) -> dict[str, str]:
        """The texts; what was filled in by itself will be again."""
        about = self.about.text()
        return {"about": "" if about == self._suggested else about, "answer": self.target.text()}

    def recall(self, kept: Mapping[str, Any], typed: Mapping[str, Any]) -> None:
        """Take up what was remembered; what is no such choice is passed over."""
        with QSignalBlocker(self):
            if kept.get("restored") in KINDS:
                self.kinds.set_current(str(kept["restored"]))
            noise = kept.get("noise")
            if isinstance(noise, int | float) and not isinstance(noise, bool):
                self.noise.setValue(float(noise))
            for name, box in (("samples", self.samples), ("window", self.together)):
                value = kept.get(name)
                if isinstance(value, int) and not isinstance(value, bool):
                    box.setValue(min(max(value, box.minimum()), box.maximum()))
            self.about.setText(str(typed.get("about", "")))
            self.target.setText(str(typed.get("answer", "")))
        self.follow()
