"""The buttons above the embedding space: what is drawn over it, how it is coloured and looked at.

Knows what can be chosen and what is; draws and asks nothing itself.
"""

from __future__ import annotations

from PySide6.QtCore import Signal
from PySide6.QtGui import QAction
from PySide6.QtWidgets import QHBoxLayout, QWidget

from gui.widgets.action_row import ActionRow
from gui.widgets.control_button import SIGN

NO_LIMIT = 16_777_215  # QWIDGETSIZE_MAX


class SpaceTools(QWidget):
    """Choices, and one row of buttons for them.

    Attributes:
        flat: whether the first two axes are seen alone.
        path, all_paths, true_length: the ways through the layers.
        norm, labels: how points are coloured and named.
        trails: whether it is drawn where words came from.
        open_file, open_text: a table out of a file, or of a text's tokens.
        write_tsv, turntable: files that are written.
        reset: the first view again.

    Signals:
        flat_changed: two axes, or three.
        colors_changed: of the points.
        path_changed: paths are drawn, or not.
        extent_changed: paths may now reach farther, or less far.
        changed: another choice.
        reset_wanted: the first view was asked for.
        file_wanted: a file of vectors is to be opened.
        text_wanted: a text is, whose tokens are drawn in context.
    """

    flat_changed = Signal()
    colors_changed = Signal()
    extent_changed = Signal()
    path_changed = Signal()
    changed = Signal()
    reset_wanted = Signal()
    file_wanted = Signal()
    text_wanted = Signal()

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.flat = self._toggle(
            "2D", "The first two axes alone, as on paper: a drag moves, nothing turns"
        )
        self.flat.toggled.connect(self.flat_changed)
        self.path = self._toggle(
            "Path",
            "The selected token's way through the layers: its residual stream",
            on=True,
            sign="path",
        )
        self.path.toggled.connect(self._path_toggled)
        self.all_paths = self._toggle(
            "All paths", "The paths of all positions of the prompt", sign="all_paths"
        )
        self.all_paths.toggled.connect(self.extent_changed)
        self.true_length = self._toggle(
            "True length",
            "Draw residual vectors as long as they are. Otherwise all are scaled to the mean\n"
            "length of the table's vectors, so that only directions are compared.",
            sign="length",
        )
        self.true_length.toggled.connect(self.extent_changed)
        self.norm = self._toggle(
            "Norm", "Colour each token by the length of its vector", sign="norm"
        )
        self.norm.toggled.connect(self.colors_changed)
        self.labels = self._toggle(
            "Labels", "Name as many tokens as find room", on=True, sign="labels"
        )
        self.labels.toggled.connect(self.changed)
        self.reset = QAction("Reset", self)
        self.reset.setProperty(SIGN, "reset")
        self.reset.setToolTip("The first view again (double click, Home)")
        self.reset.triggered.connect(self.reset_wanted)
        self.open_file = QAction("Open vectors…", self)
        self.open_file.setToolTip("Vectors out of a file: .npy, .npz, word2vec or GloVe text, TSV")
        self.open_file.triggered.connect(self.file_wanted)
        self.open_text = QAction("Open a text, in context…", self)
        self.open_text.setToolTip("A text file's tokens: any activation of the model, for each")
        self.open_text.triggered.connect(self.text_wanted)
        self.write_tsv = QAction("Write vectors.tsv, metadata.tsv…", self)
        self.write_tsv.setToolTip(
            "For other projectors: all vectors and their names, or only those that are lit"
        )
        self.trails = self._toggle(
            "Trails", "Where the words in view came from, at the steps that were seen", on=True
        )
        self.trails.toggled.connect(self.changed)
        self.turntable = QAction("Turntable as GIF…", self)
        self.turntable.setToolTip("A picture that turns once about the upright axis")
        self.row = ActionRow(
            (
                self.flat,
                self.path,
                self.all_paths,
                self.true_length,
                self.norm,
                self.labels,
                self.reset,
            ),
            "What is drawn",
            only_in_menu=(
                self.trails,
                self.open_file,
                self.open_text,
                self.write_tsv,
                self.turntable,
            ),
        )
        layout = QHBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.addWidget(self.row)

    def arrange(self, *, narrow: bool) -> None:
        """Fit a place; where it is narrow, all goes into one menu."""
        self.row.setMaximumWidth(self.row.minimumSizeHint().width() if narrow else NO_LIMIT)

    def _toggle(self, text: str, tip: str, *, on: bool = False, sign: str = "") -> QAction:
        action = QAction(text, self)
        action.setCheckable(True)
        action.setChecked(on)
        action.setToolTip(tip)
        action.setProperty(SIGN, sign)
        return action

    def _path_toggled(self, on: bool) -> None:
        self.all_paths.setEnabled(on)
        self.true_length.setEnabled(on)
        self.path_changed.emit()
