"""Which row is selected: a token of the vocabulary, a position of the prompt, or a row of a file.

Knows the store's selection; no widget.
"""

from __future__ import annotations

from gui.session.store import Store
from model.messages import VocabularyProjected
from model.space.sources.asks import InContext


class Picking:
    """The one selection, as rows of the table that is drawn.

    Args:
        store: the store.
    """

    def __init__(self, store: Store) -> None:
        self._store = store
        self._row: int | None = None  # of a table that nobody else shows

    def forget(self) -> None:
        """Other rows come into view."""
        self._row = None

    def chosen(self, drawn: VocabularyProjected | None) -> int | None:
        """The selected row."""
        if drawn is None or drawn.source.of_vocabulary:
            return self._store.selection.vocabulary_id
        if isinstance(drawn.source, InContext):
            return self._store.selection.position
        return self._row

    def select(self, drawn: VocabularyProjected | None, row: int) -> None:
        """Select a row, everywhere where it is known."""
        self._row = row
        if drawn is None or drawn.source.of_vocabulary:
            self._store.select(vocabulary_id=row)
        elif isinstance(drawn.source, InContext):
            self._store.select(position=row)
        elif drawn.text is not None and row < len(drawn.text.ids_N):
            self._store.select(vocabulary_id=int(drawn.text.ids_N[row]))  # the token that it is

    def hover(self, drawn: VocabularyProjected | None, row: object) -> None:
        """The mouse is on a row, or on none: the prompt's tokens light up with it."""
        if drawn is None or drawn.source.of_vocabulary:
            ids = () if self._store.subject is None else self._store.subject.ids
            places = [at for at, token in enumerate(ids) if token == row]
            self._store.select(hovered=places[-1] if places else None)
        elif isinstance(drawn.source, InContext):
            self._store.select(hovered=row)
