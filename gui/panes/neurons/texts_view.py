"""Reading texts for a neuron: from where, how far, how often it is active, what excites it.

Says what is wanted (`source_wanted`, `reading_wanted`, `end_chosen`) and draws what it is given.
Knows answers; no store.
"""

from __future__ import annotations

from pathlib import Path

from PySide6.QtCore import Signal
from PySide6.QtWidgets import QHBoxLayout, QPushButton, QVBoxLayout, QWidget

from gui import theme
from gui.panes.neurons import words
from gui.panes.neurons.snippets import SnippetLine, Snippets
from gui.widgets.charts.histogram import Histogram
from gui.widgets.choice import Choice
from gui.widgets.control_button import make_primary
from gui.widgets.nest import nest
from gui.widgets.segments import Segments
from gui.widgets.share_line import ShareLine
from gui.widgets.text import Text, as_written
from model.probe.neurons.texts.asks import NeuronTextsFound

WORLD = "story world"
HISTOGRAM = 74


_SOURCE = "Which texts are read: the story world, or a file of yours"


class TextsView(QWidget):
    """Controls, histogram and snippets.

    Signals:
        file_wanted: another file is to be chosen.
        source_chosen: the file that is to be read; empty for the story world.
        reading_wanted: reading begins, goes on or stops.
        end_chosen: ``highest`` or ``lowest``.
    """

    file_wanted = Signal()
    source_chosen = Signal(str)
    reading_wanted = Signal()
    end_chosen = Signal(str)

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._file = ""
        self.source = Choice(self)
        self.source.setAccessibleName("Texts that are read")
        self.source.setToolTip("Which texts are read: the story world, or a file of yours")
        self.source.setMaximumWidth(150)
        self.source.activated.connect(self._choose_source)
        self.ends = Segments(self, font=theme.sans(theme.SMALL_FONT_SIZE))
        self.ends.setAccessibleName("Which texts are shown")
        self.ends.add("highest", "highest", "Texts with the neuron's largest activations")
        self.ends.add("lowest", "lowest", "Texts with its lowest: a gated neuron writes then, too")
        self.ends.chosen.connect(self.end_chosen)
        self.button = QPushButton("Read texts", self)
        self.button.setAccessibleName("Read texts")
        self.button.setToolTip(_READS)
        make_primary(self.button)
        self.button.clicked.connect(self.reading_wanted)
        head = QHBoxLayout()
        head.setSpacing(theme.TIGHT)
        head.addWidget(self.source)
        head.addWidget(self.ends)
        head.addStretch(1)
        head.addWidget(self.button)
        self.line = ShareLine("How much is read", self)
        self.status = Text(parent=self, tone="dim", font=theme.sans(theme.SMALL_FONT_SIZE))
        self.activity = Text(parent=self, tone="dim", font=theme.sans(theme.SMALL_FONT_SIZE))
        self.histogram = Histogram(self)
        self.histogram.setAccessibleName("Histogram of the neuron's activations in the texts")
        self.histogram.toggle_log()  # most tokens leave a neuron near zero
        self.histogram.setFixedHeight(HISTOGRAM)
        self.snippets = Snippets(self)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(2)
        nest(layout, head)
        layout.addWidget(self.line)
        layout.addWidget(self.status)
        layout.addWidget(self.activity)
        layout.addWidget(self.histogram)
        layout.addWidget(self.snippets, 1)
        self.set_source("")

    def set_source(self, file: str) -> None:
        """Which texts are read."""
        self._file = file
        self.source.clear()
        self.source.addItem(WORLD, "")
        if file:
            self.source.addItem(Path(file).name, file)
        self.source.addItem("a file…", None)
        self.source.setCurrentIndex(1 if file else 0)
        self.source.setToolTip(as_written(file) or _SOURCE)

    def _choose_source(self, index: int) -> None:
        chosen = self.source.itemData(index)
        if chosen is None:
            self.set_source(self._file)  # until one is chosen
            self.file_wanted.emit()
        elif chosen != self._file:
            self.source_chosen.emit(chosen)

    @property
    def source_name(self) -> str:
        """Of the texts, in words."""
        return Path(self._file).name if self._file else f"the {WORLD}"

    def show_found(
        self,
        found: NeuronTextsFound | None,
        *,
        reading: bool,
        problem: str,
        gated: bool,
        learning: bool,
    ) -> None:
        """Draw what is known.

        Args:
            found: about the neuron and these texts; None before anything is known.
            reading: whether they are being read just now.
            problem: why they can't be; empty if they can.
            gated: whether the MLP is.
            learning: whether the model learns, so that its weights are others in a moment.
        """
        self.ends.setVisible(gated)
        known = found is not None and found.n_scanned > 0
        at_end = found is not None and found.at_end
        self.button.setText("Stop" if reading else "Read more" if known else "Read texts")
        self.button.setAccessibleName(self.button.text())
        self.button.setEnabled(not learning and (reading or not at_end))
        self.button.setToolTip(
            "Pause or stop the training first: its weights are others at every step"
            if learning
            else "All of the file is read"
            if at_end and not reading
            else "Stop reading; what was read stays"
            if reading
            else _READS
        )
        self.line.set_share(found.share if reading and found is not None else None)
        said = problem or words.progress(found, self.source_name, reading)
        self.status.setText(said)
        self.status.set_tone("warning" if problem else "dim")
        self.status.setToolTip(as_written(said))
        counted = found is not None and found.n_seen > 0
        self.activity.setVisible(known)
        self.histogram.setVisible(counted)
        if found is None or not known:
            self.snippets.set_lines((), "" if problem or reading else _INVITES)
            return
        self.activity.setText(words.activity(found, gated))
        if counted:
            edges = found.edges
            self.histogram.set_counts(
                found.counts_B, float(edges[0]), float(edges[-1]), found.mean, found.deviation
            )
        self.snippets.set_lines(
            [
                SnippetLine(one.pieces, one.at, around[: len(one.pieces)])
                for one, around in zip(found.snippets, found.around_KS, strict=True)
            ],
            "No token of these texts was sent to this neuron's expert.",
        )


_READS = "Read texts with this layer, for all its neurons at once"
_INVITES = (
    "Read texts to see what excites this neuron most. All neurons of the layer are read for at "
    "once, and you can stop at any time."
)
