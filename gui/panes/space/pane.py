"""The embedding space: every token of the vocabulary in 3D, exact principal components.

Reads the projection and the neighbours from the store and asks it for others; asks where positions
are on their way through the layers. What is marked is composed in `gui.panes.space.scene` and
`gui.panes.space.marks` and drawn by `gui.widgets.point_cloud.view`.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Literal

from numpy.typing import NDArray
from PySide6.QtCore import QEvent, QObject, QSize, Qt
from PySide6.QtGui import QKeyEvent, QResizeEvent
from PySide6.QtWidgets import QBoxLayout, QHBoxLayout, QLineEdit, QStackedWidget, QWidget

from gui import theme
from gui.panes.base import EmptyState, Pane, column
from gui.panes.space import ENTRY, framing, marks, scene, words
from gui.panes.space.arrays import arrays_of
from gui.panes.space.cloud import Cloud
from gui.panes.space.nearness import Nearness
from gui.panes.space.side import SpaceSide
from gui.panes.space.tools import NO_LIMIT, SpaceTools
from gui.reading.token_search import Expression, TokenSearch, Unknown
from gui.session.store import Store
from gui.widgets.point_cloud.overlay import Line, Mark, Overlay
from gui.widgets.point_cloud.view import PointCloudView
from gui.widgets.text import Text
from model.config import TransformerConfig
from model.messages import VocabularyProjected
from model.probe.path.asks import Path
from model.probe.question import Named, Question

SIDE_WIDTH = 252
MIN_WIDTH_FOR_SIDE = 560
MIN_HEIGHT_FOR_BELOW = 460
MIN_WIDTH_FOR_TOOLS = 520


class SpacePane(Pane):
    """The vocabulary as a cloud, with neighbours, sums of words and ways through the layers."""

    entry = ENTRY

    def __init__(self, store: Store, parent: QWidget | None = None) -> None:
        super().__init__(store, parent)
        self._search: TokenSearch | None = None
        self._near = Nearness(store)
        self._cloud = Cloud(self)
        self._cloud.waited.connect(self.invalidate)
        self._matches: tuple[int, ...] | None = None
        self._problem = ""
        self._bring_into_sight = False
        self._drawn: object = None
        self._ambient: list[int] = []
        self._texts: dict[int, str] = {}
        self._listed_hover: int | None = None
        self._seen: tuple[int, tuple[int, ...], int | None] = (-1, (), None)
        self._build()
        store.vocabulary_changed.connect(self.ask)
        for signal in (store.vocabulary_changed, store.neighbours_changed):
            signal.connect(self.invalidate)
        store.subject_changed.connect(self._subject_changed)
        store.model_changed.connect(self._model_changed)
        store.selection_changed.connect(self._selection_changed)

    # ------------------------------------------------------------------------ building

    def _build(self) -> None:
        self.search = QLineEdit()
        self.search.setPlaceholderText("Find a token, or king - man + woman")
        self.search.setClearButtonEnabled(True)
        self.search.setMinimumWidth(90)
        self.search.setAccessibleName("Search the vocabulary, or a sum of words")
        self.search.setToolTip(
            "Type a part of a token: Enter selects the first, arrow keys another.\n"
            "Or a sum of words such as king - man + woman. In quotes a token is taken byte by\n"
            'byte (" king" has a space before it); #812 is an id. Escape clears.'
        )
        self.search.textEdited.connect(self._typed)
        self.search.returnPressed.connect(self._entered)
        self.search.installEventFilter(self)
        self.tools = SpaceTools()
        self.tools.table_chosen.connect(self._table_chosen)
        self.tools.colors_changed.connect(self._recolor)
        self.tools.extent_changed.connect(self._extent_changed)
        self.tools.path_changed.connect(self._path_changed)
        self.tools.changed.connect(self.invalidate)
        self.tools.reset_wanted.connect(self.reset_view)

        self.view = PointCloudView()
        self.view.setAccessibleName("Tokens in space")
        self.view.setAccessibleDescription(self.entry.hint)
        self.view.point_hovered.connect(self._hovered)
        self.view.point_clicked.connect(self._choose)
        self.view.points_moved.connect(self._compose)
        self.view.installEventFilter(self)
        self.side = SpaceSide()
        self.side.token_chosen.connect(self.choose)
        self.side.token_hovered.connect(self._list_hovered)
        self.status = Text(tone="dim", font=theme.sans(theme.SMALL_FONT_SIZE))
        self.empty = EmptyState()

        top = QHBoxLayout()
        top.setSpacing(theme.TIGHT)
        top.addWidget(self.search, 1)
        top.addWidget(self.tools)
        self._body = QBoxLayout(QBoxLayout.Direction.LeftToRight)
        self._body.setSpacing(theme.SPACE)
        self._body.addWidget(self.view, 1)
        self._body.addWidget(self.side)
        self._content = QWidget()
        inner = column(self._content, margin=0, spacing=theme.TIGHT)
        inner.addLayout(top)
        inner.addLayout(self._body, 1)
        inner.addWidget(self.status)
        # Pages of one size: what is shown first is laid out at once.
        self._pages = QStackedWidget()
        self._pages.addWidget(self.empty)
        self._pages.addWidget(self._content)
        column(self).addWidget(self._pages)

    # ------------------------------------------------------------------------- commands

    def focus_search(self) -> None:
        """Put the cursor into the search field."""
        self.search.setFocus(Qt.FocusReason.ShortcutFocusReason)
        self.search.selectAll()

    def reset_view(self) -> None:
        """The first view again."""
        self.view.reset_view()

    def show_expression(self, text: str) -> None:
        """Show a sum of words, or a word, as if it had been typed and entered."""
        self.search.setText(text)
        self._typed(text)
        self._entered()

    def header_note(self) -> str:
        return "" if self._cloud.vocabulary is None else words.header(self._cloud.vocabulary)

    def export_data(self) -> Mapping[str, Named | NDArray[Any]]:
        """The cloud and its axes, the neighbours, the paths as they are drawn."""
        vocabulary = self._cloud.vocabulary
        if vocabulary is None:
            return {}
        return arrays_of(
            vocabulary, self._near.answer, self._cloud.found, self._cloud.paths, self._text
        )

    def apply_theme(self) -> None:
        self._drawn = None  # the points take the new theme's colours
        self.side.list.redraw()

    # ------------------------------------------------------------ what the person does

    def _typed(self, text: str) -> None:
        self._problem = ""
        self._matches = None
        search = self._token_search()
        if search is not None and text.strip():
            found = search.expression(text)
            if isinstance(found, Expression):
                self._near.want(found.terms, "sum")
            elif isinstance(found, Unknown):
                # While a sum grows, its last word is looked for.
                self._matches = search.find(found.word) if found.word else None
            else:
                self._matches = search.find(text)
        elif self._near.origin == "sum":
            self._ask_position()
        self.invalidate()

    def _entered(self) -> None:
        search, text = self._token_search(), self.search.text()
        if search is None or not text.strip():
            return
        found = search.expression(text)
        if isinstance(found, Unknown):
            self._problem, self._matches = found.message, None
        elif isinstance(found, Expression):
            self._bring_into_sight = True
            self._near.want(found.terms, "sum")
        elif self._matches:
            self.choose(self._matches[self.side.list.current or 0])
        elif not search.find(text):
            self._problem, self._matches = f"No token holds “{text.strip()}”.", None
        else:
            self.choose(search.find(text)[0])
        self.invalidate()

    def choose(self, token: int) -> None:
        """Select a token that was found by its name, and bring it into view."""
        self._choose(token)
        if self._cloud.vocabulary is not None:
            self.view.bring_back(self._cloud.vocabulary.points[token])

    def _choose(self, token: int) -> None:
        """A token was pointed at: select it everywhere and show what is near it."""
        # One of a sum's answers leaves the sum as it is; a word that was looked for ends it.
        keep = self._matches is None and self._near.holds(token)
        self._matches, self._problem = None, ""
        self.store.select(vocabulary_id=token)
        if not keep:
            self._near.want(((1, token),), "token")
        self._inspect(token)
        self.invalidate()

    def _hovered(self, index: object) -> None:
        over = isinstance(index, int)
        shape = Qt.CursorShape.PointingHandCursor if over else Qt.CursorShape.ArrowCursor
        self.view.setCursor(shape)
        tokens = () if self.store.read is None else self.store.read.tokens
        places = [at for at, token in enumerate(tokens) if token.id == index]
        self.store.select(hovered=places[-1] if places else None)
        self._compose()

    def _list_hovered(self, token: object) -> None:
        self._listed_hover = token if isinstance(token, int) else None
        self._compose()

    def _path_changed(self) -> None:
        self.ask()
        self.invalidate()

    def _extent_changed(self) -> None:
        self.ask()
        self._find_paths()
        self._set_home()
        self.invalidate()

    def _recolor(self) -> None:
        self._drawn = None
        self.invalidate()

    def _table_chosen(self, name: str) -> None:
        if self.store.vocabulary is not None and self.store.vocabulary.matrix != name:
            self.store.project_vocabulary("W_U" if name == "W_U" else "W_E")

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        if isinstance(event, QKeyEvent) and event.type() == QEvent.Type.KeyPress:
            key = event.key()
            if key == Qt.Key.Key_Escape and (self.search.text() or self._near.origin != "position"):
                self.search.clear()
                self._matches, self._problem = None, ""
                self._ask_position()
                self.invalidate()
                return True
            if watched is self.search and key in (Qt.Key.Key_Up, Qt.Key.Key_Down):
                self.side.list.step(-1 if key == Qt.Key.Key_Up else 1)
                self._compose()
                return True
        return super().eventFilter(watched, event)

    # -------------------------------------------------------------- what the store says

    def _model_changed(self) -> None:
        model = self.store.model
        self._search = None
        self._texts = {}
        self._matches, self._problem = None, ""
        self._drawn = None
        self._near.forget()
        self._cloud.forget()
        self.tools.set_table("W_E")
        self._arrange_tools()
        search = self._token_search() if self.search.text().strip() else None
        if search is not None and model is not None:
            # A sum that is watched goes on in the next model, if it has those words.
            found = search.expression(self.search.text())
            if isinstance(found, Expression):
                self._near.terms, self._near.origin = found.terms, "sum"
        self.invalidate()

    def _subject_changed(self) -> None:
        """Other tokens: they are marked together with their path, if one is to come."""
        if self._near.origin == "position" and self.isVisible():
            self._near.send()
        if not self._path_is_coming():
            self.invalidate()

    def _path_is_coming(self) -> bool:
        slot = self.slot("path")
        return slot is not None and not slot.is_current and not slot.problem

    def _selection_changed(self) -> None:
        """Another position, or another token of the vocabulary, is asked about from outside."""
        selection, subject = self.store.selection, self.store.subject
        position, seen_ids, seen_token = self._seen
        token = selection.vocabulary_id
        ids = () if subject is None else subject.ids
        self._seen = (selection.position, ids, token)
        if token is not None and token != seen_token:
            if self._near.terms != ((1, token),) and not self._near.holds(token):
                self._near.terms, self._near.origin = ((1, token),), "token"
        elif seen_ids == ids and position != selection.position and self._near.origin == "token":
            self._near.origin = "position"
        if seen_ids == ids or not self._path_is_coming():
            self.invalidate()

    # ------------------------------------------------------------------------ questions

    def _ask_position(self) -> None:
        self._near.want_position()
        self.view.leave_part()

    def questions(self) -> Mapping[str, Question]:
        """Where the selected position is at each layer, or all are, on the axes that are drawn."""
        vocabulary, model = self.store.vocabulary, self.store.model
        position = self.store.selection.position
        if not self.tools.path.isChecked() or vocabulary is None or model is None or position < 0:
            return {}
        if is_wider(model.config):
            return {}
        matrix: Literal["W_E", "W_U"] = "W_U" if vocabulary.matrix == "W_U" else "W_E"
        positions = () if self.tools.all_paths.isChecked() else (position,)
        return {"path": Path(positions=positions, matrix=matrix)}

    def _token_search(self) -> TokenSearch | None:
        if self._search is None and self.store.model is not None:
            self._search = TokenSearch(self.store.model)
        return self._search

    def _text(self, token: int) -> str:
        if token not in self._texts:
            model = self.store.model
            self._texts[token] = f"‹{token}›" if model is None else model.token_text(token)
        return self._texts[token]

    # ------------------------------------------------------------------------- drawing

    def refresh(self) -> None:
        self._cloud.take(self.store.vocabulary, self.slot("path"))
        vocabulary = self._cloud.vocabulary
        self._pages.setCurrentWidget(self.empty if vocabulary is None else self._content)
        if vocabulary is None:
            self.empty.setText(
                "Open a checkpoint to see its vocabulary in space."
                if self.store.model is None
                else "Finding the axes along which the vocabulary varies most…"
            )
            return
        self._near.send()
        self._find_paths()
        if vocabulary is not self._drawn:
            self._drawn = vocabulary
            self._draw_points(vocabulary)
        self._compose()
        self._fill_side(vocabulary)
        if self._bring_into_sight and self._near.answer is not None:
            self._bring_into_sight = False
            self._show_sum()

    def _draw_points(self, vocabulary: VocabularyProjected) -> None:
        self.tools.set_table(vocabulary.matrix)
        self._ambient = framing.outermost(vocabulary)
        rgb = framing.colors(vocabulary, by_length=self.tools.norm.isChecked())
        run = self.store.run.current
        learning = run is not None and run.running and not run.paused
        self.view.set_points(vocabulary.points, rgb, calm=learning)
        self._set_home()

    def _set_home(self) -> None:
        """What a reset shows: the cloud without its outliers, and the paths at true length."""
        vocabulary = self._cloud.vocabulary
        if vocabulary is None:
            return
        self.view.set_home(framing.home(vocabulary, self.view.extent, self._cloud.paths))

    def _show_sum(self) -> None:
        """Turn and zoom to where a sum is, its arrows seen from the front."""
        found, vocabulary = self._near.answer, self._cloud.vocabulary
        if found is None or vocabulary is None or not scene.is_sum(found.terms):
            return
        self.view.show_part(*framing.sum_frame(found, vocabulary))

    def _find_paths(self) -> None:
        """The newest paths that lie in the cloud that is drawn."""
        true_length = self.tools.true_length.isChecked()
        self._cloud.find_paths(self.slot("path"), true_length=true_length)

    def _compose(self) -> None:
        """Put together what is drawn over the points, at the places where they are now."""
        vocabulary, points = self._cloud.vocabulary, self.view.shown_points
        if vocabulary is None or len(points) != len(vocabulary.points):
            return
        selection, read, found = self.store.selection, self.store.read, self._near.answer
        lines, all_marks = scene.axis_lines(self.view.extent, vocabulary.variance_kept)
        all_marks += marks.pointed((self.view.hovered, self._listed_hover), points, self._text)
        all_marks += marks.chosen(selection.vocabulary_id, points, self._text)
        if self._matches is not None:
            lit = self.side.list.current or 0
            all_marks += marks.matches(self._matches, lit, points, self._text)
        elif found is not None and found.terms:
            start = scene.place(points[found.terms[0][1]])
            arrows: list[Line] = []
            if scene.is_sum(found.terms):
                arrows, start = scene.sum_lines(found.terms, points, scene.origin(vocabulary))
                all_marks += marks.terms(found, points, self._text)
                all_marks.append(Mark(start, "", scene.SUM_TONE, ring=9))
            lines += [*scene.neighbour_lines(found, start, points), *arrows]
            all_marks += marks.neighbours(found, points, self._text)
        if read is not None:
            all_marks += marks.prompt(
                read.tokens, selection.position, selection.hovered, points, self._text
            )
        if self._cloud.paths is not None:
            path_lines, path_marks = scene.path_lines(self._cloud.paths, selection.position)
            lines += path_lines
            all_marks += path_marks
        ambient = self._ambient if self.tools.labels.isChecked() else ()
        ranked = marks.labelled_once(all_marks)
        self.view.set_overlay(Overlay(tuple(lines), ranked, ambient, self._text))
        self._say(vocabulary)

    # ----------------------------------------------------------------- words and numbers

    def _fill_side(self, vocabulary: VocabularyProjected) -> None:
        found = self._near.answer
        if self._problem:
            self.side.show_sentence("", self._problem)
        elif self._matches is not None:
            self.side.show_matches(self._matches, self._text)
        elif found is None or not found.terms:
            self.side.show_sentence("Neighbours", "Click a token, or type a word.")
        else:
            length = float(vocabulary.norms[found.terms[0][1]])
            chosen = self.store.selection.vocabulary_id
            self.side.show_answer(found, length, chosen, self._text)

    def _say(self, vocabulary: VocabularyProjected) -> None:
        """The line below: a problem, what the mouse is on, or what there is to know."""
        token = self.view.hovered
        if self._problem:
            tone, text = "warning", self._problem
        elif token is not None and token < len(vocabulary.points):
            tone, text = "text", words.token(vocabulary, token, self._text(token))
        else:
            tone, text = "dim", " · ".join(self._notes(vocabulary))
        self.status.set_tone(tone)
        if text != self.status.text():
            self.status.setText(text)

    def _notes(self, vocabulary: VocabularyProjected) -> list[str]:
        notes: list[str] = []
        if self.view.fallback_reason:
            notes.append(f"software view: {self.view.fallback_reason}")
        slot, model = self.slot("path"), self.store.model
        waits = self.store.asked.waits(self.key)
        if slot is not None and slot.problem:
            notes.append(f"path: {slot.problem}")
        elif waits is not None:
            notes.append(words.path_waits(waits.share))
        elif self._cloud.paths is not None:
            notes.append(words.path(vocabulary, self._cloud.paths))
        elif self.tools.path.isChecked() and model is not None and is_wider(model.config):
            notes.append(words.PATH_WIDER)
        if self.tools.norm.isChecked():
            notes.append(words.colors(vocabulary))
        return [*notes, words.MANUAL]

    def _inspect(self, token: int) -> None:
        vocabulary, model = self._cloud.vocabulary, self.store.model
        if vocabulary is not None and model is not None:
            self.store.inspect(
                words.inspected(vocabulary, self._near.answer, token, self._text, model.dtype)
            )

    # ---------------------------------------------------------------------------- sizes

    def _arrange_tools(self) -> None:
        model = self.store.model
        self.tools.arrange(
            tied=model is None or model.config.tied_embeddings,
            # Where there is little room, the search field gets it.
            narrow=self.width() < MIN_WIDTH_FOR_TOOLS,
        )

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        beside = self.width() >= MIN_WIDTH_FOR_SIDE
        below = self.height() >= MIN_HEIGHT_FOR_BELOW and self.width() >= 220
        directions = QBoxLayout.Direction
        self._body.setDirection(directions.LeftToRight if beside else directions.TopToBottom)
        self.side.setVisible(beside or below)
        self.side.setFixedWidth(min(SIDE_WIDTH, self.width() * 2 // 5))
        if not beside:
            self.side.setMinimumWidth(0)
            self.side.setMaximumWidth(NO_LIMIT)
        self.side.setMaximumHeight(NO_LIMIT if beside else self.height() * 2 // 5)
        self._arrange_tools()

    def sizeHint(self) -> QSize:
        return QSize(900, 600)

    def minimumSizeHint(self) -> QSize:
        return QSize(180, 120)


def is_wider(config: TransformerConfig) -> bool:
    """Whether the residual stream has no place among the vectors of the table."""
    return config.d_embed != config.d_model
