"""The five views of the attention pane: made, drawn from answers and marked with the selection.

Knows the store's answers through the pane, the controls and the pins. Asks nothing, arranges
nothing.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace

import numpy as np
from PySide6.QtGui import QColor

from gui import theme
from gui.panes.attention import difference_words, export, head_kinds, words
from gui.panes.attention.beside import Beside
from gui.panes.attention.columns import Columns
from gui.panes.attention.controls import AttentionControls
from gui.panes.attention.edges import Head, strongest_heads
from gui.panes.attention.graph import AttentionGraph
from gui.panes.attention.graph_ink import by_sign
from gui.panes.attention.head_order import Order, ordered
from gui.panes.attention.matrix_view import MatrixView
from gui.panes.attention.mosaic import HeadMosaic
from gui.panes.attention.pinned_strip import Pinned, PinnedStrip
from gui.panes.attention.pins import Pins
from gui.panes.attention.two_sides import TwoSides
from gui.panes.attention.units import Units, word_starts
from gui.panes.attention.why_card import HOW, WhyCard
from gui.panes.base import Pane
from gui.session.asked import Slot
from gui.session.state import Selection
from model.messages import PromptRead
from model.operations import score_formula
from model.probe.heads.asks import HeadsFound
from model.probe.mosaic.asks import Mosaic, MosaicFound
from model.probe.on_key.asks import OnKeyFound
from model.probe.pattern.asks import Pattern, PatternFound
from model.probe.question import Array, Named
from model.probe.routes.asks import Routes, RoutesFound
from model.probe.routes_difference.asks import RoutesDifferenceFound
from model.probe.why_attends.asks import WhyAttends, WhyAttendsFound

HUES = 7
"""How many heads of a graph have a hue of their own."""


class Views:
    """Widgets, and what they are drawn from.

    Args:
        pane: whose answers are drawn, and in which the views stand.
        controls: choices.
        pins: what is pinned.

    Attributes:
        mosaic, matrix, graph, strip, card: the views.
        reads: the prompt that each draws, by its name.
        units: that prompt's tokens or words, as the view's rows and columns.
        two_sides: of a comparison, whose difference is drawn.
        beside: a second matrix, on the scale of the first.
        has_second: whether that has room.
    """

    def __init__(self, pane: Pane, controls: AttentionControls, pins: Pins) -> None:
        self._pane, self._controls, self._pins = pane, controls, pins
        self.mosaic = HeadMosaic(pane)
        self.matrix = MatrixView(pane)
        self.graph = AttentionGraph(pane)
        self.strip = PinnedStrip(pane)
        self.card = WhyCard(pane)
        self.two_sides = TwoSides(pane.store, pane.other)
        self.beside = Beside(pane, self.matrix, self.two_sides)
        self.has_second = False
        self.reads: dict[str, PromptRead] = {}
        self.units: dict[str, Units] = {}
        self._drawn: dict[str, tuple[object, ...]] = {}
        self._known: dict[bool, tuple[PromptRead, Units]] = {}

    def forget(self) -> None:
        """Another model: nothing of the one before is drawn."""
        self._drawn.clear()
        self.reads.clear()
        self.units.clear()
        self.matrix.clear()
        self.beside.view.clear()
        self.mosaic.set_tiles(None, 0, 0)
        self.graph.set_edges(None, (), 0, "")
        self.strip.set_pinned(())
        self.card.say(HOW)

    def units_of(self, read: PromptRead, *, merged: bool) -> Units:
        """A prompt's tokens, or its words; kept, since thousands take milliseconds."""
        known = self._known.get(merged)
        if known is None or known[0] is not read:
            known = read, Units(read, word_starts(read.tokens) if merged else ())
            self._known[merged] = known
        return known[1]

    def words_of(self, read: PromptRead) -> tuple[int, ...]:
        """The first token of each word, where they are merged; else empty."""
        if not self._controls.words.isChecked():
            return ()
        return self.units_of(read, merged=True).starts

    # ------------------------------------------------------------------------- drawing

    def draw(self, shown: Iterable[str], chosen: Sequence[Head], order: Order) -> None:
        """Draw what is out of date.

        Args:
            shown: names of the views that have room.
            chosen: the heads that were added to the graph.
            order: of the mosaic.
        """
        draws = {
            "heads": lambda: self._draw_mosaic(chosen, order),
            "matrix": self._draw_matrix,
            "second": self._draw_second,
            "graph": self._draw_graph,
            "pinned": self._draw_strip,
            "why": self._draw_card,
        }
        self.has_second = "second" in shown
        if not self.has_second:
            self.matrix.hold_scale(0.0)
        for view in shown:
            if view in draws:  # a card draws itself
                draws[view]()

    def _take(self, view: str, *key: object, slot: str = "", merged: bool = False) -> bool:
        """Whether a view must draw anew; notes what it is drawn from, and with which tokens."""
        found = self._pane.slot(slot or view)
        if found is not None and found.read is not None:
            self.reads[view] = found.read
            self.units[view] = self.units_of(found.read, merged=merged)
        key = (theme.current().name, *key)
        if self._drawn.get(view) == key:
            return False
        self._drawn[view] = key
        return True

    def _draw_mosaic(self, chosen: Sequence[Head], order: Order) -> None:
        pane, model = self._pane, self._pane.store.model
        assert model is not None
        found, kinds = pane.answered("heads", MosaicFound), pane.answered("kinds", HeadsFound)
        on_key = pane.answered("on_key", OnKeyFound) if order.needs_key else None
        merged = found is not None and _words(found.question)
        other = pane.other("heads", MosaicFound)
        if self._take("heads", found, order, kinds, on_key, other, merged=merged):
            n_layers, n_heads = model.config.n_layers, model.config.n_heads
            placed = None if found is None else ordered(order, found, kinds, on_key)
            apart = self.two_sides.of_mosaic(found)
            self.mosaic.set_tiles(found, n_layers, n_heads, placed, kinds, apart)
        is_chosen = self._controls.graph_mode == "chosen"
        self.mosaic.set_chosen(hues(chosen) if is_chosen else {})

    def _draw_matrix(self) -> None:
        pane, looks = self._pane, self._controls.looks
        found, row = pane.answered("matrix", PatternFound), pane.answered("row", PatternFound)
        head = pane.answered("head", PatternFound)
        slot, model = pane.slot("matrix"), pane.store.model
        if found is None or slot is None or slot.read is None or model is None:
            return
        other = pane.other("matrix", PatternFound)
        plain = self.has_second and self.beside.source is not None and self.beside.source.of_other
        key = (found, row, head, looks, other, plain)
        if self._take("matrix", *key, merged=_words(found.question)):
            assert isinstance(found.question, Pattern)
            formula = score_formula(model.config, found.question.layer)
            self._controls.explain_scores(formula)
            apart, labels = self.two_sides.of_matrix(found), self.units["matrix"].labels
            self.matrix.draw(found, row, head, labels, looks, formula, apart, plain=plain)

    def _draw_second(self) -> None:
        model, found = self._pane.store.model, self.matrix.found
        if model is None or found is None:
            return
        assert isinstance(found.question, Pattern)
        formula = score_formula(model.config, found.question.layer)
        self.beside.draw(self._controls.looks, formula)

    def _draw_graph(self) -> None:
        pane = self._pane
        found, slot = pane.answered("graph", RoutesFound), pane.slot("graph")
        model, tiles = pane.store.model, pane.answered("heads", MosaicFound)
        if found is None or slot is None or slot.read is None or model is None:
            return
        same = tiles is not None and tiles.subject == found.subject
        sink = tiles.sink if tiles is not None and same else math.nan
        if isinstance(found, RoutesDifferenceFound):
            self._draw_graph_apart(found)
        elif self._take("graph", found, sink, merged=_words(found.question)):
            question = found.question
            assert isinstance(question, Routes)
            heads = question.heads if question.over == "heads" else strongest_heads(found, HUES)
            self.graph.set_edges(
                found,
                self.units["graph"].labels,
                model.config.n_layers,
                words.routes(found, self.units["graph"], model.config.n_heads, sink),
                hues(heads),
                self._graph_position(found),
            )

    def _draw_graph_apart(self, found: RoutesDifferenceFound) -> None:
        """The edges that differ, on the columns of both texts."""
        slot, model = self._pane.slot("graph"), self._pane.store.model
        if slot is None or slot.read is None or model is None:
            return
        own = self.units_of(slot.read, merged=_words(found.question))
        columns, sides = self.two_sides.columns(found, own), self._pane.store.comparing.sides
        if columns is None:  # of another comparison: the one of now is on its way
            return
        if self._take("graph", found, sides):
            self.units["graph"] = columns
            tones = {1: "accent", -1: "negative"}
            self.graph.set_edges(
                found,
                columns.labels,
                model.config.n_layers,
                difference_words.routes(found, columns, model.config.n_heads, sides),
                position=self._graph_position(found),
                groups=by_sign(found, sides),
                tones={column: tones[whose] for column, whose in columns.alone.items()},
                ends=columns.ends,
            )
        self.units["graph"] = columns

    def _draw_strip(self) -> None:
        pane, model = self._pane, self._pane.store.model
        heads = self._pins.heads(None if model is None else model.config)
        kinds = pane.answered("kinds", HeadsFound)
        answers = []
        for place, head in enumerate(heads):
            found = pane.answered(f"pin{place}", PatternFound)
            # What was asked of another head at this place is not this one's.
            mine = found is not None and _head_of(found) == head
            answers.append(found if mine else None)
        hide = self._controls.hide_first.isChecked()
        merged = any(found is not None and _words(found.question) for found in answers)
        others = [pane.other(f"pin{place}", PatternFound) for place in range(len(heads))]
        key = (*answers, *others, *heads, kinds, hide)
        if self._take("pinned", *key, slot="pin0", merged=merged):
            self.strip.set_pinned(
                [
                    Pinned(
                        head,
                        found,
                        head_kinds.short(kinds, *head),
                        self.two_sides.of_matrix(found, f"pin{place}"),
                    )
                    for place, (head, found) in enumerate(zip(heads, answers, strict=True))
                ],
                hide_first=hide,
            )

    def _draw_card(self) -> None:
        pane, model = self._pane, self._pane.store.model
        slot, found = pane.slot("why"), pane.answered("why", WhyAttendsFound)
        problem = "" if slot is None or slot.is_current else slot.problem
        if slot is None or problem or model is None:
            if self._take("why", problem, slot is None):
                self.card.say(problem or HOW)
        elif found is not None and slot.read is not None:
            assert isinstance(found.question, WhyAttends)
            coming = self.two_sides.why_pending(found.question) and not (
                self._pane.other_waits or self._pane.other_problem("why")
            )
            if coming and self.card.found is not None:
                return  # in a moment: until then the old picture stays
            both = self.two_sides.of_why(found)
            other = self._pane.other("why", WhyAttendsFound)
            alone = self.two_sides.why_alone(found.question, self._pane.other_problem("why"))
            sides = self._pane.store.comparing.sides
            if not self._take("why", found, other if both else alone, sides):
                return
            if both is None:
                self.card.show_answer(found, self.units["why"], model.config, alone)
            else:
                self.card.show_difference(found, self.units["why"], *both)

    def _graph_position(self, found: RoutesFound) -> int:
        """The row and column whose routes are lit: the one that was asked about."""
        question = found.question
        assert isinstance(question, Routes)
        units = self.units["graph"]
        if question.position is not None:
            at = question.position
            return units.column(at) if isinstance(units, Columns) else at
        return self.units["graph"].of(self._pane.store.selection.position)

    def table(self, slot: Slot) -> Mapping[str, Named | Array]:
        """What a view draws as a table with named columns; of a comparison both sides."""
        if slot.read is None or slot.answer is None:
            return {}
        units = self.units_of(slot.read, merged=_words(slot.answer.question))
        if (apart := self.card.apart) is not None and slot.answer is self.card.found:
            return apart.table()
        if isinstance(slot.answer, RoutesDifferenceFound):
            columns = self.two_sides.columns(slot.answer, units)
            if columns is None:
                return {}
            units = columns
        return {
            **export.table(slot.answer, units, self._pane.store.comparing.sides),
            **self.two_sides.exported(slot.answer, self.matrix),
        }

    # ------------------------------------------------------------------------- marking

    def mark(self, selection: Selection, elsewhere: int | None) -> None:
        """Show the selection and the pins in what is drawn; only what changes at once.

        Args:
            selection: of the store.
            elsewhere: a position that the mouse is over in another pane.
        """
        store = self._pane.store
        ids = () if store.subject is None else store.subject.ids
        config = None if store.model is None else store.model.config
        token, heads = self._pins.token(ids), self._pins.heads(config)
        self.mosaic.set_selected(selection.layer, selection.head)
        self.mosaic.set_pinned(frozenset(heads), self._unit("heads", token))
        self.strip.set_marks((selection.layer, selection.head), self._unit("pinned", token))
        if self.is_current(self.matrix.found):
            self.matrix.mark(
                self.in_units(selection, self.units["matrix"]),
                self._unit("matrix", elsewhere),
                self._unit("matrix", token),
            )
            self.beside.mark(
                self.in_units(selection, self.units["matrix"]), self._unit("matrix", token)
            )
        edges = self.graph.edges
        if edges is not None and self.is_current(edges):
            self.graph.set_position(self._graph_position(edges))
            self.graph.set_lit(self._unit("graph", elsewhere))
            self.graph.set_pinned(self._unit("graph", token))

    def is_current(self, found: PatternFound | RoutesFound | None) -> bool:
        """Whether what is drawn is about the prompt in view."""
        return found is not None and found.subject == self._pane.store.subject

    def strongest_key(self) -> int | None:
        """The key that the selected query reads most in the matrix that is drawn, but the first."""
        found = self.matrix.found
        if found is None or not self.is_current(found) or found.block[0] > 1:
            return None
        units = self.units["matrix"]
        row = units.of(self._pane.store.selection.position) - found.rows[0]
        if not 0 <= row < len(found.values):
            return None
        out = found.masked[row] | np.isnan(found.values[row]) | (found.value_columns[row] == 0)
        if out.all():
            return 0
        best = int(np.where(out, -np.inf, found.values[row]).argmax())
        return units.token_of(int(found.value_columns[row][best]))

    @staticmethod
    def in_units(selection: Selection, units: Units) -> Selection:
        """The same with positions as rows and columns count them."""
        key = None if selection.key is None else units.of(selection.key)
        return replace(selection, position=units.of(max(0, selection.position)), key=key)

    def _unit(self, view: str, token: int | None) -> int | None:
        return None if token is None or view not in self.units else self.units[view].of(token)


def _words(question: object) -> bool:
    """Whether what was asked is of words."""
    return isinstance(question, Pattern | Mosaic | Routes) and bool(question.words)


def _head_of(found: PatternFound) -> Head:
    question = found.question
    assert isinstance(question, Pattern)
    return question.layer, question.head


def hues(heads: Iterable[Head]) -> dict[Head, QColor]:
    """A colour for each head."""
    series = theme.current().series
    return {head: QColor(series[i % len(series)]) for i, head in enumerate(heads)}
