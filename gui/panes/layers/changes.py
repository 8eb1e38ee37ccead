"""Where a network is changed: which rows of the map say so, and how it looks.

Knows interventions in words, by the operations that they change; no store.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from PySide6.QtCore import QLineF, QRectF, Qt
from PySide6.QtGui import QPainter, QPen

from gui import theme
from gui.panes.layers.map_layout import Row
from model.config import TransformerConfig
from model.interventions import Intervention
from model.operations import Operation

Changes = Mapping[int, tuple[str, ...]]
"""What is done to an operation, in words, by its index."""


def changes(
    some: Iterable[Intervention], config: TransformerConfig, operations: Sequence[Operation]
) -> Changes:
    """What interventions do to each operation that they change; those that fit, if any don't."""
    found: dict[int, tuple[str, ...]] = {}
    index = {op.output: at for at, op in enumerate(operations)}
    for one in some:
        names = () if one.refusal(config) else one.operations(config)
        for at in (index[name] for name in names if name in index):
            found[at] = (*found.get(at, ()), one.words)
    return found


def of_row(row: Row, changed: Changes) -> tuple[str, ...]:
    """What is done to the operations of a row; a block's parts say it, not its head."""
    if row.kind == "section":
        return ()
    words = (said for at in range(row.first, row.last + 1) for said in changed.get(at, ()))
    return tuple(dict.fromkeys(words))


def paint_mark(painter: QPainter, box: QRectF) -> None:
    """A bar at the left end of a row, crossed: what comes out here is not the model's own."""
    t = theme.current()
    painter.setPen(Qt.PenStyle.NoPen)
    painter.setBrush(t.color("negative"))
    painter.drawRoundedRect(QRectF(box.left(), box.top(), 3, box.height()), 1.5, 1.5)
    painter.setPen(QPen(t.color("negative"), 1.6))
    x, y, arm = box.left() - 6.0, box.center().y(), 3.0
    painter.drawLines(
        [QLineF(x - arm, y - arm, x + arm, y + arm), QLineF(x - arm, y + arm, x + arm, y - arm)]
    )
