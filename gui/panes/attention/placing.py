"""Puts the views of attention and their controls where they have been given room.

Knows widgets and rectangles; nothing of what is drawn.
"""

from __future__ import annotations

from collections.abc import Mapping

from PySide6.QtCore import QRect, QSize
from PySide6.QtWidgets import QWidget

from gui.panes.attention.arrangement import Places
from gui.panes.attention.controls import AttentionControls
from gui.panes.attention.views import Views
from gui.panes.base import EmptyState


def place_all(
    views: Views,
    controls: AttentionControls,
    edge_card: QWidget,
    problems: Mapping[str, tuple[EmptyState, str]],
    places: Places,
    *,
    there: bool,
) -> None:
    """Place everything, and show what has room.

    Args:
        views: the views.
        controls: their rows.
        edge_card: the card of an edge.
        problems: of each view, where is said why it can't be drawn, and why; empty if it can.
        places: where.
        there: whether there is anything to draw.
    """
    widgets = {"heads": views.mosaic, "matrix": views.matrix.map, "graph": views.graph}
    for view, widget in widgets.items():
        problem, wrong = problems[view]
        shown, box = there and view in places.views, places.views.get(view, QRect())
        widget.setGeometry(box)
        widget.setVisible(shown and not wrong)
        problem.setGeometry(box)
        problem.setText(wrong)
        problem.setVisible(shown and bool(wrong))
    for name, card in {"pinned": views.strip, "why": views.card, "edge": edge_card}.items():
        card.setGeometry(places.views.get(name, QRect()))
        card.setVisible(there and name in places.views)
    rows = {
        "view": controls.view_row,
        "heads": controls.heads_row,
        "matrix": controls.matrix_row,
        "graph": controls.graph_row,
    }
    for name, row in rows.items():
        row.setVisible(there and name in places.rows)
        row.setGeometry(places.rows.get(name, QRect()))
    controls.matrix_row.raise_()
    place_second(views, places, there=there)


def place_second(views: Views, places: Places, *, there: bool) -> None:
    """Both matrices, in order: A is at the left."""
    corner = QSize(0, 0) if places.corner.isEmpty() else places.corner.size()
    views.matrix.map.set_corner(corner)
    second = places.views.get("second")
    views.beside.show(second is not None and there)
    if second is not None:
        views.beside.place(places.views["matrix"], second, corner)
