"""Which table is drawn, and how: what was chosen, as a request to the store.

A table in context follows the selection: the layer, the head, the prompt. Knows the store and what
sources there are; no widget.
"""

from __future__ import annotations

from pathlib import Path

from gui.session.store import Store
from model import messages as m
from model.space.registry import Projection, Source
from model.space.sources.asks import BY_HEAD, InContext, TableFile, TokenTable

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


class Choosing:
    """What is asked for.

    Attributes:
        kind: a key of `TABLES` or `CONTEXT`, or `FILE`.
        file: the file that was opened last.
    """

    def __init__(self, store: Store) -> None:
        self._store = store
        self.kind = "W_E"
        self.file: TableFile | None = None
        self._asked: tuple[Source, Projection] | None = (m.EMBEDDING, m.FIRST_AXES)

    def forget(self) -> None:
        """Another model comes into view: its embedding, unless a file is looked at."""
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
        self.kind = FILE

    @property
    def source(self) -> Source | None:
        """The table that is chosen; None while it can't be asked for."""
        if self.kind == FILE:
            return self.file
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
        if source is None or (source, how) == self._asked:
            return
        self._asked = source, how
        self._store.project_vocabulary(source, how)


def kind_of(source: Source) -> str:
    """The key under which a source is chosen."""
    if isinstance(source, TokenTable):
        return source.matrix
    return source.part if isinstance(source, InContext) else FILE
