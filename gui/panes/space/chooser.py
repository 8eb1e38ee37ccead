"""The choices above the cloud at work: which table, on which axes, out of which file.

Knows the store, the choices and what is looked at; of the pane nothing.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import PurePath

from PySide6.QtCore import QObject, Signal
from PySide6.QtWidgets import QFileDialog

from gui.file_dialog import file_dialog
from gui.panes.space.body import OPEN, OPEN_TEXT, SpaceBody
from gui.panes.space.choosing import FILE, TEXT, Choosing, kind_of
from gui.panes.space.form import Looked
from gui.panes.space.nearness import Nearness
from gui.panes.space.rows import Rows
from gui.session.store import Store
from model.messages import FIRST_AXES
from model.space.files import ENDINGS
from model.space.projections import PROJECTIONS
from model.space.registry import Projection, entry_of
from model.space.sources.asks import TextInContext

PRINCIPAL, PLANE, WORDS = "pca", "plane", "words"


class Chooser(QObject):
    """Asks for what is chosen. A sum of words is drawn in its own plane, unless a person says no.

    Args:
        store: the store.
        body: where the choices stand.
        near: what is looked at.
        rows: gives the names of the rows in view.

    Signals:
        table_changed: another table is asked for: what was typed about the rows is over.
        changed: another choice, whether or not something is asked for it.
        flat_wanted: how a projection is best looked at: on two axes, or on three.

    Attributes:
        choosing: what is chosen.
        hint: what is missing before what is chosen can be drawn; empty for nothing.
    """

    table_changed = Signal()
    changed = Signal()
    flat_wanted = Signal(bool)

    def __init__(
        self, store: Store, body: SpaceBody, near: Nearness, rows: Callable[[], Rows]
    ) -> None:
        super().__init__(body)
        self._store, self._body, self._near, self._rows = store, body, near, rows
        self.choosing = Choosing(store)
        self.hint = ""
        self._before = PRINCIPAL  # what is gone back to when a sum is over
        self._wants_plane = True
        self._flat = False
        body.source_chosen.connect(self.choose_source)
        body.projection_chosen.connect(self._projection_chosen)
        body.sample_wanted.connect(self._open_sample)
        body.run.clicked.connect(self._run)
        body.most_chosen.connect(self._choose_most)
        body.tools.text_wanted.connect(self.ask_text)
        body.tools.file_wanted.connect(self.ask_file)
        for form in body.forms.values():
            form.changed.connect(self._form_changed)
        self.offer()

    # ------------------------------------------------------------------------- sources

    def offer(self) -> None:
        """List what can be drawn of the model that is open."""
        model = self._store.model
        file = self.choosing.file
        self._body.offer_sources(
            model=model is not None,
            tied=model is not None and model.config.tied_embeddings,
            file="" if file is None else file.title,
            text=PurePath(self.choosing.text_path).name,
        )
        self._body.show_source(self.choosing.kind)

    def choose_source(self, key: str) -> None:
        """Another table."""
        if key == OPEN:
            self.ask_file()
            return
        if key == OPEN_TEXT:
            self.ask_text()
            return
        if key != self.choosing.kind:
            before, self.choosing.kind = self.choosing.kind, key
            self._body.show_source(key)
            if {before, key} != {"W_E", "W_U"}:  # rows of both are the same tokens
                self._leave_rows()
            self.choosing.read_text()
        self.follow()
        self.changed.emit()

    def open_file(self, path: str, sample: int = 1) -> None:
        """A table out of a file."""
        self.choosing.open(path, sample)
        self.offer()
        self._leave_rows()
        self.follow()
        self.changed.emit()

    def open_text(self, path: str) -> None:
        """A text file's tokens in context: the residual stream, unless another part is chosen."""
        choosing = self.choosing
        choosing.text_path = path
        if not choosing.is_text:
            choosing.kind = f"{TEXT}resid_post"
        self.offer()
        self._leave_rows()
        choosing.read_text()
        self.follow()
        self.changed.emit()

    def ask_text(self) -> None:
        """Ask for a text file, and open it."""
        dialog = file_dialog(
            self._body,
            "Open a text: its tokens are drawn in context",
            mode=QFileDialog.FileMode.ExistingFile,
        )
        dialog.setNameFilters(["Text (*.txt *.md *.text *.csv *.py)", "All files (*)"])
        dialog.fileSelected.connect(self.open_text)
        dialog.open()

    def _choose_most(self, most: int) -> None:
        self.choosing.most = most
        self.choosing.read_text()
        self._leave_rows()
        self.follow()
        self.changed.emit()

    def ask_file(self) -> None:
        """Ask for a file, and open it."""
        dialog = file_dialog(self._body, "Open vectors", mode=QFileDialog.FileMode.ExistingFile)
        endings = " ".join(f"*{ending}" for ending in ENDINGS)
        dialog.setNameFilters([f"Vectors ({endings})", "All files (*)"])
        dialog.fileSelected.connect(self.open_file)
        dialog.open()

    def _open_sample(self) -> None:
        file = self.choosing.file
        if file is not None and self._store.tables.sample:
            self.open_file(file.path, self._store.tables.sample)

    def _leave_rows(self) -> None:
        self.show_projection(PRINCIPAL)
        for form in self._body.forms.values():
            form.forget_rows()
        self.table_changed.emit()

    # --------------------------------------------------------------------- projections

    @property
    def name(self) -> str:
        """Of the projection that is chosen."""
        return str(self._body.projections.currentData())

    def show_projection(self, name: str) -> None:
        """Choose a projection; nothing is asked for yet."""
        if name != self.name:
            self._body.show_projection(name)
            self._want_flat()

    def choose_projection(self, name: str) -> None:
        """Draw it so."""
        self._body.show_projection(name)
        self._projection_chosen(name)

    def _form_changed(self) -> None:
        if self._body.form.flat != self._flat:  # a map in 3D is asked for, or one in a plane
            self._want_flat()
        self.follow()
        self.changed.emit()

    def _want_flat(self) -> None:
        self._flat = self._body.form.flat
        self.flat_wanted.emit(self._flat)

    def _projection_chosen(self, name: str) -> None:
        if self._near.origin == "sum":
            self._wants_plane = name == PLANE
        if name != PLANE:
            self._before = name
        self._want_flat()
        self.follow()
        self.changed.emit()

    def begin_sum(self) -> None:
        """A sum is meant: from now on it is seen in its own plane, where it is what it claims."""
        if self._wants_plane and self.name == PRINCIPAL:
            self.show_projection(PLANE)

    def end_sum(self) -> None:
        """The sum is over: back to what was there before."""
        if self.name == PLANE and self._wants_plane:
            self.show_projection(self._before)

    def projection(self) -> Projection | None:
        """What is set; None where something is missing."""
        near = self._near
        terms = near.terms if near.origin == "sum" else ()
        return self._body.form.projection(Looked(self._rows(), terms, near.expected))

    def follow(self) -> None:
        """Ask for what is chosen, if that isn't asked already and begins by itself."""
        self.choosing.note_read(self._store.vocabulary)
        self.choosing.follow_text()
        entry = entry_of(PROJECTIONS, self.name)
        how = self.projection()
        form = self._body.form
        self.hint = form.problem or self._text_hint or form.hint
        self._show_run(on_request=entry.on_request, ready=how is not None)
        if entry.on_request:
            # Of another table the principal axes are drawn until a person has it mapped.
            source, drawn = self.choosing.source, self._store.vocabulary
            drawing = self._store.tables.drawing
            comes = drawing is not None and drawing.source == source
            if source is not None and not comes and (drawn is None or drawn.source != source):
                self.choosing.follow(FIRST_AXES)
            return
        # Where something is missing, the principal axes are drawn until it is there.
        self.choosing.follow(how or FIRST_AXES)

    @property
    def _text_hint(self) -> str:
        """That something else of the text is chosen than is drawn."""
        text, wanted = self.choosing.text, self.choosing.text_wanted()
        if wanted is None or not self.choosing.is_stale or self._reads_text:
            return ""
        if self.choosing.stopped or text is None:
            return f"reading was stopped: Run reads {PurePath(wanted.path).name}"
        return f"drawn is {text.title}: Run reads {wanted.title}"

    @property
    def _reads_text(self) -> bool:
        """Whether a text is being read."""
        drawing = self._store.tables.drawing
        return drawing is not None and isinstance(drawing.source, TextInContext)

    def _show_run(self, *, on_request: bool, ready: bool) -> None:
        drawing = self._store.tables.drawing
        runs = drawing is not None and on_request and drawing.how.name == self.name
        runs = runs or self._reads_text
        stale = self.choosing.is_stale
        self._body.show_most(self.choosing.most if self.choosing.is_text else None)
        self._body.show_run(shown=on_request or runs or stale)
        self._body.run.setText("Stop" if runs else "Run")
        self._body.run.setEnabled(ready or runs or stale)

    def _run(self) -> None:
        drawing = self._store.tables.drawing
        how = self.projection()
        if self._reads_text:
            self._store.tables.stop_drawing()
            self.choosing.stopped = True
            self.choosing.forget_asked()
            self._show_run(on_request=False, ready=True)
            self.changed.emit()
            return
        if self.choosing.is_stale:
            self.choosing.read_text()
            self.choosing.forget_asked()
        elif drawing is not None and drawing.how.name == self.name:
            self._store.tables.stop_drawing()
            self.choosing.forget_asked()
        elif how is not None:
            self.choosing.follow(how)
        self.follow()
        self.changed.emit()

    # ------------------------------------------------------------------- what is in view

    def model_changed(self) -> None:
        """Another model is in view."""
        self.choosing.forget()
        if self.choosing.kind != FILE:
            self.show_projection(PRINCIPAL)
            for form in self._body.forms.values():
                form.forget_rows()
        self.offer()

    @property
    def missing(self) -> str:
        """Why what is chosen can't even be asked for; empty if it can."""
        if self.choosing.stopped:
            return f"Reading was stopped. Run reads {PurePath(self.choosing.text_path).name}."
        alone = self.choosing.source is None and self._store.model is not None
        return "Type a prompt: what its tokens become in the model is drawn here." if alone else ""

    @property
    def is_drawn(self) -> bool:
        """Whether the table in view is of the kind that is chosen."""
        drawn = self._store.vocabulary
        return drawn is not None and kind_of(drawn.source) == self.choosing.kind
