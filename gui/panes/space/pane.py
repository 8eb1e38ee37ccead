"""The embedding space: every token of the vocabulary in 3D, exact principal components.

Reads the projection and the neighbours from the store and asks it for others; asks where positions
are on their way through the layers. What is typed is looked up in `gui.panes.space.lookup`, what is
marked is put together in `gui.panes.space.picture` and drawn by `gui.widgets.point_cloud.view`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Literal

from numpy.typing import NDArray
from PySide6.QtCore import QEvent, QObject, QSize, Qt
from PySide6.QtGui import QKeyEvent, QResizeEvent
from PySide6.QtWidgets import QWidget

from gui.panes.base import Pane, column
from gui.panes.space import ENTRY, framing, scene, words
from gui.panes.space.arrays import arrays_of
from gui.panes.space.body import SpaceBody
from gui.panes.space.cloud import Cloud, same_axes
from gui.panes.space.lookup import Lookup
from gui.panes.space.nearness import Nearness
from gui.panes.space.picture import Picture
from gui.panes.space.plane import Axes
from gui.reading import code
from gui.session.store import Store
from model.messages import VocabularyProjected
from model.probe.path.asks import Path
from model.probe.question import Named, Question


class SpacePane(Pane):
    """The vocabulary as a cloud, with neighbours, sums of words and ways through the layers."""

    entry = ENTRY
    one_side = "One table of vectors is drawn, on axes of its own. Choose A or B to see either."

    def __init__(self, store: Store, parent: QWidget | None = None) -> None:
        super().__init__(store, parent)
        self._lookup = Lookup(store)
        self._near = Nearness(store)
        self._cloud = Cloud(self)
        self._cloud.waited.connect(self.invalidate)
        self._vocabulary: Sequence[bytes] = ()
        self._axes = Axes(store, self._near)
        self._bring_into_sight = False
        self._drawn: object = None
        self._ambient: list[int] = []
        self._listed_hover: int | None = None
        self._seen: tuple[int, tuple[int, ...], int | None] = (-1, (), None)
        self._build()
        store.vocabulary_changed.connect(self._ask_anew)
        store.neighbours_changed.connect(self.invalidate)
        store.subject_changed.connect(self._subject_changed)
        store.model_changed.connect(self._model_changed)
        store.selection_changed.connect(self._selection_changed)

    # ------------------------------------------------------------------------ building

    def _build(self) -> None:
        self._body = SpaceBody(self)
        self.search, self.tools, self.view = self._body.search, self._body.tools, self._body.view
        self.side, self.status = self._body.side, self._body.status
        self.search.textEdited.connect(self._typed)
        self.search.returnPressed.connect(self._entered)
        self.search.installEventFilter(self)
        self.tools.table_chosen.connect(self._table_chosen)
        self.tools.plane_changed.connect(self._plane_changed)
        self.tools.colors_changed.connect(self._recolor)
        self.tools.extent_changed.connect(self._extent_changed)
        self.tools.path_changed.connect(self._ask_anew)
        self.tools.changed.connect(self.invalidate)
        self.tools.reset_wanted.connect(self.reset_view)
        self.view.setAccessibleDescription(self.entry.hint)
        self.view.point_hovered.connect(self._hovered)
        self.view.point_clicked.connect(self._choose)
        self.view.points_moved.connect(self._compose)
        self.view.installEventFilter(self)
        self.side.token_chosen.connect(self.choose)
        self.side.token_hovered.connect(self._list_hovered)
        column(self).addWidget(self._body)

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
        drawn, newest = self._cloud.vocabulary, self.store.vocabulary
        if drawn is not None and newest is not None and same_axes(drawn, newest):
            drawn = newest  # in a moment it is; all headers change to another step at once
        return "" if drawn is None else words.header(drawn)

    def export_data(self) -> Mapping[str, Named | NDArray[Any]]:
        """The cloud and its axes, the neighbours, the paths as they are drawn."""
        vocabulary = self._cloud.vocabulary
        if vocabulary is None:
            return {}
        near, cloud = self._near.answer, self._cloud
        return arrays_of(vocabulary, near, cloud.found, cloud.paths, self._lookup.text)

    def code(self) -> str:
        """The cloud's axes, the neighbours that are listed, the paths."""
        vocabulary = self._cloud.vocabulary
        if vocabulary is None:
            return ""
        lines = code.of_vocabulary(vocabulary, self._near.answer)
        return code.together(lines, super().code())

    def apply_theme(self) -> None:
        self._drawn = None  # the points take the new theme's colours
        self.side.list.redraw()

    # ------------------------------------------------------------ what the person does

    def _typed(self, text: str) -> None:
        terms = self._lookup.type(text)
        if terms:
            self._near.want(terms, "sum")
        elif not text.strip() and self._near.origin == "sum":
            self._ask_position()
        self.invalidate()

    def _entered(self) -> None:
        meant = self._lookup.enter(self.search.text())
        matches = self._lookup.matches
        if isinstance(meant, tuple) and meant:
            self._bring_into_sight = True
            self._near.want(meant, "sum")
        elif isinstance(meant, int):
            self.choose(meant)
        elif meant is None and matches:
            self.choose(matches[self.side.list.current or 0])
        self.invalidate()

    def choose(self, token: int) -> None:
        """Select a token that was found by its name, and bring it into view."""
        self._choose(token)
        if self._cloud.vocabulary is not None:
            self.view.bring_back(self._cloud.vocabulary.points[token])

    def _choose(self, token: int) -> None:
        """A token was pointed at: select it everywhere and show what is near it."""
        # One of a sum's answers leaves the sum as it is; a word that was looked for ends it.
        keep = self._lookup.matches is None and self._near.holds(token)
        self._lookup.end()
        self.store.select(vocabulary_id=token)
        if not keep:
            self._near.want(((1, token),), "token")
        self._inspect(token)
        self.invalidate()

    def _hovered(self, index: object) -> None:
        ids = () if self.store.subject is None else self.store.subject.ids
        places = [at for at, token in enumerate(ids) if token == index]
        self.store.select(hovered=places[-1] if places else None)
        self._compose()

    def _list_hovered(self, token: object) -> None:
        self._listed_hover = token if isinstance(token, int) else None
        self._compose()

    def _extent_changed(self) -> None:
        self.ask()
        self._find_paths()
        self._set_home()
        self.invalidate()

    def _ask_anew(self) -> None:
        self.ask()
        self.invalidate()

    def _recolor(self) -> None:
        self._drawn = None
        self.invalidate()

    def _table_chosen(self, name: str) -> None:
        if self.store.vocabulary is not None and self.store.vocabulary.matrix != name:
            self._axes.show_table(name)

    def _plane_changed(self) -> None:
        # Where it goes is seen whole: the sum, from the front of its plane.
        self._bring_into_sight = self._near.origin == "sum"
        self.invalidate()

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        if isinstance(event, QKeyEvent) and event.type() == QEvent.Type.KeyPress:
            key = event.key()
            if key == Qt.Key.Key_Escape and (self.search.text() or self._near.origin != "position"):
                self.search.clear()
                self._lookup.end()
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
        self._drawn = None
        for part in (self._lookup, self._near, self._cloud, self._axes):
            part.forget()
        watched = self.view.shows_part
        vocabulary = () if self.store.model is None else self.store.model.vocabulary
        if vocabulary != self._vocabulary:
            # What was looked at, and whence, says nothing of other words.
            self._vocabulary = vocabulary
            self.view.start_anew()
        self.tools.set_table("W_E")
        self._arrange()
        # A sum that is watched goes on in the next model, if it has those words.
        terms = self._lookup.sum_of(self.search.text())
        if terms:
            self._near.terms, self._near.origin = terms, "sum"
            self._bring_into_sight = watched
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
        if words.is_wider(model.config):
            return {}
        matrix: Literal["W_E", "W_U"] = "W_U" if vocabulary.matrix == "W_U" else "W_E"
        positions = () if self.tools.all_paths.isChecked() else (position,)
        return {"path": Path(positions=positions, matrix=matrix, plane=vocabulary.plane)}

    # ------------------------------------------------------------------------- drawing

    def refresh(self) -> None:
        self._cloud.take(self.store.vocabulary, self.slot("path"))
        vocabulary = self._cloud.vocabulary
        why = words.why_empty(self.store.model) if vocabulary is None else ""
        self._body.show_sentence(why)
        if vocabulary is None:
            return
        self._near.send()
        self._axes.follow(in_plane=self.tools.plane.isChecked())
        self._find_paths()
        if vocabulary is not self._drawn:
            self._drawn = vocabulary
            self._draw_points(vocabulary)
        self._compose()
        near, chosen = self._near.answer, self.store.selection.vocabulary_id
        self.side.show_answers(self._lookup, near, vocabulary, chosen)
        there = near is not None and vocabulary.plane == self._axes.plane
        if self._bring_into_sight and there:
            self._bring_into_sight = False
            self._show_sum()

    def _draw_points(self, vocabulary: VocabularyProjected) -> None:
        self.tools.set_table(vocabulary.matrix)
        self._ambient = framing.outermost(vocabulary)
        rgb = framing.colors(vocabulary, by_length=self.tools.norm.isChecked())
        run = self.store.run.current
        learning = run is not None and self.store.run.running and not run.paused
        self.view.set_points(vocabulary.points, rgb, calm=learning)
        self._set_home()
        if self.view.shows_part:
            self._show_sum()  # it goes where its words go, until a person looks elsewhere

    def _set_home(self) -> None:
        """What a reset shows: the cloud without its outliers, and the paths at true length."""
        drawn, extent = self._cloud.vocabulary, self.view.extent
        if drawn is not None:
            self.view.set_home(framing.home(drawn, extent, self._cloud.paths))

    def _show_sum(self) -> None:
        """Turn and zoom to where a sum is, its arrows seen from the front."""
        found, drawn = self._near.answer, self._cloud.vocabulary
        if found is not None and drawn is not None and scene.is_sum(found.terms):
            self.view.show_part(*framing.sum_frame(found, drawn))

    def _find_paths(self) -> None:
        """The newest paths that lie in the cloud that is drawn."""
        true_length = self.tools.true_length.isChecked()
        self._cloud.find_paths(self.slot("path"), true_length=true_length)

    def _compose(self) -> None:
        """Put together what is drawn over the points, at the places where they are now."""
        vocabulary, points = self._cloud.vocabulary, self.view.shown_points
        if vocabulary is None or len(points) != len(vocabulary.points):
            return
        read = self.store.read
        picture = Picture(
            vocabulary=vocabulary,
            points=points,
            extent=self.view.extent,
            found=self._near.answer,
            matches=self._lookup.matches,
            lit=self.side.list.current or 0,
            paths=self._cloud.paths,
            tokens=() if read is None else read.tokens,
            selection=self.store.selection,
            pointed=(self.view.hovered, self._listed_hover),
            ambient=self._ambient if self.tools.labels.isChecked() else (),
            text_of=self._lookup.text,
        )
        self.view.set_overlay(picture.overlay())
        self._say(vocabulary)

    # ----------------------------------------------------------------- words and numbers

    def _say(self, vocabulary: VocabularyProjected) -> None:
        """The line below: a problem, what the mouse is on, or what there is to know."""
        token = self.view.hovered
        if self._lookup.problem:
            tone, text = "warning", self._lookup.problem
        elif token is not None and token < len(vocabulary.points):
            tone, text = "text", words.token(vocabulary, token, self._lookup.text(token))
        else:
            tone, text = "dim", " · ".join(self._notes(vocabulary))
        self.status.set_tone(tone)
        self.status.setText(text)

    def _notes(self, vocabulary: VocabularyProjected) -> list[str]:
        slot, model = self.slot("path"), self.store.model
        why = self.view.fallback_reason
        notes = [f"software view: {why}" if why else ""]
        if vocabulary.plane:
            notes.append(words.plane(vocabulary, self._lookup.text))
        elif self.tools.plane.isChecked() and self._near.origin != "sum":
            notes.append(words.NO_SUM)
        wider = self.tools.path.isChecked() and model is not None and words.is_wider(model.config)
        problem = "" if slot is None else slot.problem
        waits, paths = self.store.asked.waits(self.key), self._cloud.paths
        notes.append(words.path_note(vocabulary, problem, waits, paths, wider=wider))
        if self.tools.norm.isChecked():
            notes.append(words.colors(vocabulary))
        return [*filter(None, notes), words.MANUAL]

    def _inspect(self, token: int) -> None:
        drawn, model, near = self._cloud.vocabulary, self.store.model, self._near.answer
        if drawn is not None and model is not None:
            text_of = self._lookup.text
            self.store.inspect(words.inspected(drawn, near, token, text_of, model.dtype))

    def _arrange(self) -> None:
        model = self.store.model
        tied = model is None or model.config.tied_embeddings
        self._body.arrange(self.width(), self.height(), tied=tied)

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        self._arrange()

    def sizeHint(self) -> QSize:
        return QSize(900, 600)

    def minimumSizeHint(self) -> QSize:
        return QSize(180, 120)
