"""The parts of the embedding space's pane, and where they stand in the room that there is.

Knows widgets and sizes; neither store nor messages.
"""

from __future__ import annotations

from PySide6.QtCore import Qt, Signal
from PySide6.QtWidgets import (
    QBoxLayout,
    QHBoxLayout,
    QLineEdit,
    QPushButton,
    QSizePolicy,
    QStackedWidget,
    QVBoxLayout,
    QWidget,
)

from gui import theme
from gui.panes.base import EmptyState, column
from gui.panes.space.choosing import CONTEXT, FILE, MOST, TABLES, TEXT
from gui.panes.space.column import SideColumn
from gui.panes.space.form import Form
from gui.panes.space.forms import FORMS
from gui.panes.space.tools import NO_LIMIT, SpaceTools
from gui.widgets.choice import Choice
from gui.widgets.control_button import make_primary
from gui.widgets.nest import nest
from gui.widgets.point_cloud.view import PointCloudView
from gui.widgets.text import Text
from model.space.projections import PROJECTIONS

SIDE_WIDTH = 268
MIN_WIDTH_FOR_SIDE = 560
MIN_HEIGHT_FOR_BELOW = 460
MIN_WIDTH_FOR_TOOLS = 700
OPEN, OPEN_TEXT = "open…", "open text…"
TOOL_TIP = Qt.ItemDataRole.ToolTipRole


class SpaceBody(QWidget):
    """What is drawn and how, a search, tools; below it the cloud and its column, or a sentence.

    Attributes:
        sources, projections: which table, and how it is drawn.
        search: where a row or a sum of words is typed.
        tools: the buttons beside it.
        forms: what can be set of each projection, by its name.
        most: how much of a text is read.
        run: begins a projection that takes long, or stops it.
        caption: what the picture keeps.
        view: the cloud.
        side: the column beside it, or below.
        status: the line below.
        empty: the sentence.
        sample: opens a sample of a file that is too large.

    Signals:
        source_chosen: key of a source.
        projection_chosen: name of a projection.
        sample_wanted: the sample was pressed.
        most_chosen: so many tokens of a text are to be read at most.
    """

    source_chosen = Signal(str)
    projection_chosen = Signal(str)
    sample_wanted = Signal()
    most_chosen = Signal(int)

    def __init__(self, parent: QWidget) -> None:
        super().__init__(parent)
        self._source_key: object = None
        self._tall_enough = True
        self.sources = Choice()
        self.sources.setAccessibleName("Which vectors")
        self.sources.setToolTip("Which vectors: of the vocabulary, of the prompt, or of a file")
        self.sources.setSizeAdjustPolicy(
            Choice.SizeAdjustPolicy.AdjustToMinimumContentsLengthWithIcon
        )
        self.sources.setMinimumContentsLength(9)
        self.sources.activated.connect(self._source_activated)
        self.projections = Choice()
        self.projections.setAccessibleName("On which axes")
        self.projections.setMinimumContentsLength(9)
        self.projections.setSizeAdjustPolicy(
            Choice.SizeAdjustPolicy.AdjustToMinimumContentsLengthWithIcon
        )
        self.projections.setToolTip("On which axes, or by which method, the vectors are drawn")
        self.projections.activated.connect(self._projection_activated)
        self.search = QLineEdit()
        self.search.setPlaceholderText("Find a token, or king - man + woman = queen")
        self.search.setClearButtonEnabled(True)
        self.search.setMinimumWidth(140)
        self.search.setAccessibleName("Search the vocabulary, or a sum of words")
        self.search.setToolTip(
            "Type a part of a token: Enter selects the first, arrow keys another.\n"
            "Or a sum of words such as king - man + woman; behind = may stand the word that you\n"
            "expect, whose rank is told. In quotes a token is taken byte by byte\n"
            '(" king" has a space before it); #812 is an id. Escape clears.\n'
            "Ctrl+click adds a point to the sum, Ctrl+Shift+click takes it away; so do P and M\n"
            "where the mouse is, and a right click. Backspace takes back what came last."
        )
        self.tools = SpaceTools()
        self.forms: dict[str, Form] = {}
        self._form_stack = QStackedWidget()
        self._form_stack.setSizePolicy(QSizePolicy.Policy.Ignored, QSizePolicy.Policy.Fixed)
        for entry in PROJECTIONS:
            if entry.name in FORMS:
                form = FORMS[entry.name]()
                self.forms[entry.name] = form
                self._form_stack.addWidget(form)
                self.projections.addItem(entry.title, entry.name)
                at = self.projections.count() - 1
                self.projections.setItemData(at, entry.sentence, TOOL_TIP)
        self.run = QPushButton("Run")
        self.run.setAccessibleName("Run this projection, or stop it")
        self.run.setToolTip("This takes a while: it begins when you say so, and can be stopped")
        make_primary(self.run)
        self.run.hide()
        self.most = Choice()
        self.most.setAccessibleName("Tokens of the text, at most")
        self.most.setToolTip("How many tokens are read, from the beginning of the text")
        for n in MOST:
            self.most.addItem(f"first {n:,} tokens", n)
        self.most.activated.connect(lambda _: self.most_chosen.emit(self.most.currentData()))
        self.most.hide()
        self.caption = Text(font=theme.sans(theme.SMALL_FONT_SIZE), wrap=True)
        self.view = PointCloudView()
        self.view.setAccessibleName("Tokens in space")
        self.column = SideColumn()
        self.side = self.column.near
        self.status = Text(tone="dim", font=theme.sans(theme.SMALL_FONT_SIZE))
        self.empty = EmptyState()
        self.sample = QPushButton()
        self.sample.setAccessibleName("Open a sample of this file")
        self.sample.setToolTip("Read only a part of the vectors, evenly spaced")
        self.sample.clicked.connect(self.sample_wanted)
        self._lay_out()

    def _lay_out(self) -> None:
        self._top = QBoxLayout(QBoxLayout.Direction.LeftToRight)
        self._top.setSpacing(theme.TIGHT)
        choices = QHBoxLayout()
        choices.setSpacing(theme.TIGHT)
        choices.addWidget(self.sources, 1)
        choices.addWidget(self.projections, 1)
        search = QHBoxLayout()
        search.setSpacing(theme.TIGHT)
        search.addWidget(self.search, 1)
        search.addWidget(self.tools)
        nest(self._top, choices, 1)
        nest(self._top, search, 2)
        self._second = QWidget()
        second = QHBoxLayout(self._second)
        second.setContentsMargins(0, 0, 0, 0)
        second.addWidget(self._form_stack, 1)
        second.addWidget(self.most)
        second.addWidget(self.run)
        drawn = QWidget()
        seen = column(drawn, margin=0, spacing=theme.TIGHT)
        seen.addWidget(self.caption)
        seen.addWidget(self.view, 1)
        self._middle = QBoxLayout(QBoxLayout.Direction.LeftToRight)
        self._middle.setSpacing(theme.SPACE)
        self._middle.setContentsMargins(0, 0, 0, 0)
        self._middle.addWidget(drawn, 1)
        self._middle.addWidget(self.column)
        content = QWidget()
        content.setLayout(self._middle)
        nothing = QWidget()
        in_nothing = QVBoxLayout(nothing)
        in_nothing.addWidget(self.empty, 1)
        in_nothing.addWidget(self.sample, 0, Qt.AlignmentFlag.AlignCenter)
        in_nothing.addStretch(1)
        self._stack = QStackedWidget()
        # Pages of one size: what is shown first is laid out at once.
        self._stack.addWidget(nothing)
        self._stack.addWidget(content)
        inner = column(self, margin=0, spacing=theme.TIGHT)
        nest(inner, self._top)
        inner.addWidget(self._second)
        inner.addWidget(self._stack, 1)
        inner.addWidget(self.status)

    # ------------------------------------------------------------------- what is chosen

    def offer_sources(self, *, model: bool, tied: bool, file: str, text: str = "") -> None:
        """List what can be drawn.

        Args:
            model: a model is open.
            tied: it has one table of tokens.
            file: the name of the file of vectors that is open; empty for none.
            text: the name of the text that is open; empty for none.
        """
        wanted = list(TABLES)[: 1 if tied else 2] if model else []
        listed = [(key, *TABLES[key]) for key in wanted]
        listed += [(key, *CONTEXT[key]) for key in CONTEXT] if model else []
        if model and text:
            listed += [
                (f"{TEXT}{key}", f"{title} · {text}", tip.replace("the prompt's", f"{text}'s"))
                for key, (title, tip) in CONTEXT.items()
            ]
        listed += [(FILE, file, "The file that was opened")] if file else []
        listed.append((OPEN, "Open vectors…", "Out of a file: .npy, .npz, word2vec, GloVe, TSV"))
        if model:
            listed.append((OPEN_TEXT, "Open a text…", "The tokens of a text file, in context"))
        offered = [
            (self.sources.itemData(at), self.sources.itemText(at))
            for at in range(self.sources.count())
        ]
        if offered == [(key, text) for key, text, _ in listed]:
            return
        current = self.sources.currentData()
        self.sources.clear()
        for key, text, tip in listed:
            self.sources.addItem(text, key)
            self.sources.setItemData(self.sources.count() - 1, tip, TOOL_TIP)
        self.show_source(current)

    def show_source(self, key: object) -> None:
        """Which table is drawn; nothing is asked for."""
        at = self.sources.findData(key)
        self.sources.setCurrentIndex(max(0, at))
        self._source_key = self.sources.currentData()

    def show_projection(self, name: str) -> None:
        """How it is drawn; nothing is asked for."""
        self.projections.setCurrentIndex(self.projections.findData(name))
        self._form_stack.setCurrentWidget(self.forms[name])
        self._show_second()

    @property
    def form(self) -> Form:
        """Of the projection that is chosen."""
        return self.forms[self.projections.currentData()]

    def _source_activated(self) -> None:
        key = str(self.sources.currentData())
        if key in (OPEN, OPEN_TEXT):
            self.show_source(self._source_key)
        else:
            self._source_key = key
        self.source_chosen.emit(key)

    def _projection_activated(self) -> None:
        self._form_stack.setCurrentWidget(self.form)
        self._show_second()
        self.projection_chosen.emit(str(self.projections.currentData()))

    # ------------------------------------------------------------------------- the room

    def show_sentence(self, sentence: str, sample: int = 0) -> None:
        """There is nothing to draw, and why; empty: there is.

        Args:
            sentence: what is said.
            sample: what can be opened instead: every so many-th row; 0 for nothing.
        """
        self._stack.setCurrentIndex(0 if sentence else 1)
        self.sample.setVisible(sample > 0)
        if sentence:
            self.sample.setText(f"Open one vector in {sample:,}")
            self.empty.setText(sentence)

    def show_most(self, most: int | None) -> None:
        """How much of a text is read; None where none is."""
        self.most.setVisible(most is not None)
        self.most.setCurrentIndex(max(0, self.most.findData(most)))

    def show_run(self, *, shown: bool) -> None:
        """Whether what is chosen begins only when a person says so."""
        self.run.setVisible(shown)
        self._show_second()

    def _show_second(self) -> None:
        """The line of the form, where there is something in it and room for it."""
        needed = not (self.form.is_empty and self.run.isHidden() and self.most.isHidden())
        self._second.setVisible(self._tall_enough and needed)

    def arrange(self, width: int, height: int) -> None:
        """Fit a place."""
        beside = width >= MIN_WIDTH_FOR_SIDE
        below = height >= MIN_HEIGHT_FOR_BELOW and width >= 220
        directions = QBoxLayout.Direction
        self._middle.setDirection(directions.LeftToRight if beside else directions.TopToBottom)
        self.column.setVisible(beside or below)
        self.column.setFixedWidth(min(SIDE_WIDTH, width * 2 // 5))
        if not beside:
            self.column.setMinimumWidth(0)
            self.column.setMaximumWidth(NO_LIMIT)
        self.column.setMaximumHeight(NO_LIMIT if beside else height * 2 // 5)
        narrow = width < MIN_WIDTH_FOR_TOOLS
        self._top.setDirection(directions.TopToBottom if width < 470 else directions.LeftToRight)
        # Where there is little height, the picture gets it.
        self.caption.setVisible(height >= 300)
        self._tall_enough = height >= 240
        self._show_second()
        # Where there is little room, the search field gets it.
        self.tools.arrange(narrow=narrow)
