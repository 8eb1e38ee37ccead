"""The column beside the embedding space: what was asked, and the tokens that answer it.

Knows messages and texts; not the store.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace

from PySide6.QtCore import Qt, Signal
from PySide6.QtWidgets import QVBoxLayout, QWidget

from gui import theme
from gui.panes.space.lookup import Lookup
from gui.panes.space.rows import Rows
from gui.panes.space.scene import is_sum
from gui.panes.space.similarities import Similarities, said
from gui.panes.space.token_list import Row, TokenList
from gui.reading.token_search import LIMIT, Expression
from gui.widgets.segments import Segments
from gui.widgets.text import Text
from model.messages import NeighboursFound, VocabularyProjected

TextOf = Callable[[int], str]
HISTOGRAM_HEIGHT = 92
BEFORE, AFTER = 4, 4
"""Tokens around a row of a text."""
ROOM_FOR_HISTOGRAM = 330
METRICS = (
    ("cosine", "cosine", "Near is what points the same way"),
    ("dot", "dot", "Near is what has a large dot product: long vectors win"),
    ("euclidean", "distance", "Near is what lies close by: Euclidean distance"),
)


class SpaceSide(QWidget):
    """A title, a sentence, a list of tokens, and how near all others are.

    Signals:
        token_chosen: id of a token that was clicked in the list.
        token_hovered: id of the token under the mouse, or None.
        metric_chosen: what near is to mean.
    """

    token_chosen = Signal(int)
    token_hovered = Signal(object)
    metric_chosen = Signal(str)

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.title = Text(font=theme.mono(bold=True))
        self.detail = Text(
            tone="dim",
            font=theme.sans(theme.SMALL_FONT_SIZE),
            wrap=True,
        )
        self.detail.setAlignment(Qt.AlignmentFlag.AlignLeft | Qt.AlignmentFlag.AlignTop)
        # Room for two lines at all times: the list below stays where it is.
        self.detail.setMinimumHeight(2 * self.detail.fontMetrics().lineSpacing())
        self.metrics = Segments(font=theme.sans(theme.SMALL_FONT_SIZE))
        for key, text, tip in METRICS:
            self.metrics.add(key, text, tip)
        self.metrics.chosen.connect(self.metric_chosen)
        self.list = TokenList()
        self.list.setAccessibleName("Neighbours, or tokens found")
        self.list.token_chosen.connect(self.token_chosen)
        self.list.token_hovered.connect(self.token_hovered)
        self.histogram = Similarities()
        self.histogram.setFixedHeight(HISTOGRAM_HEIGHT)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(theme.TIGHT)
        layout.addWidget(self.title)
        layout.addWidget(self.detail)
        layout.addWidget(self.metrics, 0, Qt.AlignmentFlag.AlignLeft)
        layout.addWidget(self.list, 1)
        layout.addWidget(self.histogram)
        self._found: NeighboursFound | None = None

    def show_answers(
        self,
        lookup: Lookup,
        found: NeighboursFound | None,
        vocabulary: VocabularyProjected,
        chosen: int | None,
        problem: str = "",
    ) -> None:
        """What was looked for, or else what is near what is asked about.

        Args:
            lookup: what was typed, and how tokens are written.
            found: the neighbours; None while there are none.
            vocabulary: the cloud that they lie in.
            chosen: the token that is selected.
            problem: why there are no neighbours.
        """
        answers = False
        if lookup.problem:
            self.show_sentence("", lookup.said)
        elif lookup.matches is not None:
            self.show_matches(lookup.matches, lookup.rows)
        elif problem:
            self.show_sentence("Neighbours", problem)
        elif found is None or not found.terms:
            self.show_sentence("Neighbours", "Click a token, or type a word.")
        else:
            answers = True
            length = float(vocabulary.norms[found.terms[0][1]])
            self.show_answer(found, length, chosen, lookup.rows)
        self._found = found if answers else None
        self._show_histogram()

    def show_sentence(self, title: str, sentence: str) -> None:
        """No tokens: what to do, or what went wrong."""
        self._say(title, sentence)
        self.list.set_rows([])

    def show_matches(self, ids: Sequence[int], names: Rows) -> None:
        """What a search found; the first is lit."""
        count = f"{len(ids):,}{' or more' if len(ids) >= LIMIT else ''}"
        self._say("Tokens found", f"{count}. Arrow keys, then Enter selects." if ids else "None.")
        rows = [in_context(Row(token, names.text(token)), names) for token in ids]
        if rows != list(self.list.rows):
            self.list.set_rows(rows, 0)

    def show_answer(
        self, found: NeighboursFound, length: float, chosen: int | None, names: Rows
    ) -> None:
        """The neighbours of a token, or of a sum with their ranks.

        Args:
            found: what the engine found.
            length: of the vector, for a single token.
            chosen: the token to light.
            names: how a token is written, and what stands around it.
        """
        text_of = names.text
        words = tuple(text_of(token) for _, token in found.terms)
        what = "id" if found.source.of_vocabulary else "row"
        sentence = f"{what} {found.terms[0][1]} · length {length:.4f}\nnearest in {found.matrix}. "
        if is_sum(found.terms):
            sentence = (
                f"Nearest in {found.matrix} by {found.question.metric}. Rank # leaves the words "
                "of the sum out, “all” counts them. "
            )
        answer = found.found
        if answer.rank:
            sentence = (
                f"{text_of(found.question.expected)} is number {answer.rank_without:,} without "
                f"the words of the sum, {answer.rank:,} with them. "
            )
        self._say(str(Expression(found.terms, words)), sentence + said(answer))
        self.list.set_metric(found.question.metric)
        self.metrics.set_current(found.question.metric)
        rows = [in_context(row, names) for row in answer_rows(found, text_of)]
        self.list.set_rows(rows, found.ids.index(chosen) if chosen in found.ids else None)

    def _show_histogram(self) -> None:
        found = self._found
        self.metrics.setVisible(found is not None)
        self.histogram.setVisible(found is not None and self.height() >= ROOM_FOR_HISTOGRAM)
        self.histogram.show_found(None if found is None else found.found)

    def _say(self, title: str, sentence: str) -> None:
        if (title, sentence) != (self.title.text(), self.detail.text()):
            self.title.setText(title)
            self.detail.setText(sentence)


def in_context(row: Row, names: Rows) -> Row:
    """The same row with the words around it, where it stands in a text."""
    stands = names.stands(row.token_id)
    if not stands:
        return row
    before, after = names.context(row.token_id, BEFORE, AFTER)
    return replace(row, before=before, after=after, stands=stands)


def answer_rows(found: NeighboursFound, text_of: TextOf) -> list[Row]:
    """Neighbours as rows; ranks with and without the words of a sum."""
    ranked = is_sum(found.terms)
    rows: list[Row] = []
    n_others = 0
    for rank, (token, cosine, own) in enumerate(zip(found.ids, found.values, found.own), start=1):
        n_others += not own
        without = n_others if ranked and not own else 0
        rows.append(Row(token, text_of(token), cosine, rank if ranked else 0, without, own))
    return rows
