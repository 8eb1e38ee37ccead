"""Which table is drawn, and how: what was chosen, as a request to the store.

A table in context follows the selection: the layer, the head, the prompt. Knows the store and what
sources there are; no widget.
"""

from __future__ import annotations

from pathlib import Path
from time import monotonic

from gui.session.store import Store
from gui.session.tables import MOVED_ON
from model import messages as m
from model.space.registry import Projection, Source
from model.space.sources.asks import (
    BY_HEAD,
    InContext,
    TableFile,
    TextInContext,
    TokenTable,
)

TABLES = {
    "W_E": ("W_E  tokens in", "The vectors by which tokens enter the model"),
    "W_U": ("W_U  tokens out", "The vectors with which the model's last vector is compared"),
}
CONTEXT = {
    "resid_post": ("Residual stream", "Of the prompt's tokens, after the selected layer"),
    "q": ("Queries", "Of the prompt's tokens, of the selected layer and head"),
    "k": ("Keys", "Of the prompt's tokens, of the selected layer and head"),
    "v": ("Values", "Of the prompt's tokens, of the selected layer and head"),
    "mlp_out": ("MLP output", "Of the prompt's tokens, of the selected layer"),
}
FILE = "file"
TEXT = "text "
"""Before a key of `CONTEXT`: the same of a text file's tokens."""
MOST = (2_000, 20_000, 100_000)
"""Tokens of a text that are read at most, to choose from."""
QUICK_SECONDS = 1.0
"""A text that is read in less is read again by itself when another layer is selected."""


class Choosing:
    """What is asked for.

    Attributes:
        kind: a key of `TABLES` or `CONTEXT`, or `FILE`, or `TEXT` and a key of `CONTEXT`.
        file: the file of vectors that was opened last.
        text_path: the text that was opened last; empty for none.
        most: tokens of it that are read at most.
        text: what of it was asked for last; None for nothing.
        stopped: whether a person has stopped the reading of it.
    """

    def __init__(self, store: Store) -> None:
        self._store = store
        self.kind = "W_E"
        self.file: TableFile | None = None
        self.text_path = ""
        self.most = MOST[1]
        self.text: TextInContext | None = None
        self.stopped = False
        self._began = 0.0
        self._took = float("inf")
        self._asked: tuple[Source, Projection] | None = (m.EMBEDDING, m.FIRST_AXES)

    def forget(self) -> None:
        """Another model comes into view: its embedding, unless a file is looked at."""
        self.text, self.stopped = None, False
        if self.kind != FILE:
            self.kind = "W_E"
            self._asked = (m.EMBEDDING, m.FIRST_AXES)

    def open(self, path: str, sample: int = 1) -> None:
        """A file from now on."""
        try:
            changed = Path(path).stat().st_mtime_ns
        except OSError:
            changed = 0  # who reads it says why it can't be
        self.file = TableFile(path, sample, changed)
        self.kind, self.stopped = FILE, False

    # ------------------------------------------------------------------- a text's tokens

    @property
    def is_text(self) -> bool:
        """Whether a text's tokens are chosen."""
        return self.kind.startswith(TEXT)

    def text_wanted(self) -> TextInContext | None:
        """What is chosen of the text now: the layer and head are the selected ones."""
        model, subject = self._store.model, self._store.subject
        if model is None or not self.text_path or not self.is_text:
            return None
        try:
            changed = Path(self.text_path).stat().st_mtime_ns
        except OSError:
            changed = 0  # who reads it says why it can't be
        part, selection = self.kind.removeprefix(TEXT), self._store.selection
        before, run = self.text, self._store.run.current
        step = None if subject is None else subject.step
        if before is not None and run is not None and self._store.run.running and not run.paused:
            step = before.step  # of a model that learns it isn't read at every step
        return TextInContext(
            self.text_path,
            model.model_id,
            step,
            () if subject is None else subject.interventions,
            part,
            selection.layer,
            selection.head if part in BY_HEAD else 0,
            self.most,
            changed,
        )

    def read_text(self) -> None:
        """Have it read as it is chosen now."""
        self.text, self.stopped = self.text_wanted(), False
        self._began, self._took = monotonic(), float("inf")

    def note_read(self, drawn: m.VocabularyProjected | None) -> None:
        """What came: how long the text took that was asked for, or that it was given up."""
        tables = self._store.tables
        refused = self._asked is not None and tables.refused == self.text is not None
        if refused and tables.problem == MOVED_ON:
            self.stopped = True
        if drawn is not None and drawn.source == self.text and self._took == float("inf"):
            self._took = monotonic() - self._began

    @property
    def is_stale(self) -> bool:
        """Whether something else of the text is chosen than was read."""
        return self.is_text and (self.stopped or self.text_wanted() != self.text)

    def follow_text(self) -> None:
        """Read it anew by itself, if that takes no time."""
        if self.is_text and not self.stopped and (self.text is None or self._took < QUICK_SECONDS):
            wanted = self.text_wanted()
            if wanted != self.text:
                self.read_text()

    @property
    def source(self) -> Source | None:
        """The table that is chosen; None while it can't be asked for."""
        if self.kind == FILE:
            return self.file
        if self.is_text:
            return self.text
        if self.kind == "W_U":
            return TokenTable("W_U")
        if self.kind == "W_E":
            return m.EMBEDDING
        subject, selection = self._store.subject, self._store.selection
        if subject is None:
            return None
        head = selection.head if self.kind in BY_HEAD else 0
        return InContext(subject, self.kind, selection.layer, head)

    def forget_asked(self) -> None:
        """What was asked is stopped: the same may be asked again."""
        self._asked = None

    def follow(self, how: Projection) -> None:
        """Ask for it so, if that isn't asked already."""
        source = self.source
        if source is None or self.stopped or (source, how) == self._asked:
            return
        self._asked = source, how
        self._store.project_vocabulary(source, how)


def kind_of(source: Source) -> str:
    """The key under which a source is chosen."""
    if isinstance(source, TokenTable):
        return source.matrix
    if isinstance(source, TextInContext):
        return f"{TEXT}{source.part}"
    return source.part if isinstance(source, InContext) else FILE
