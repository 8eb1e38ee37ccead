"""What flows back from a token's loss: a map of operations by tokens, and the embeddings' share.

An operation that is clicked is walked to. Knows the store.
"""

from __future__ import annotations

import numpy as np
from PySide6.QtCore import Signal
from PySide6.QtWidgets import QWidget

from gui.panes.losses.beside import Beside
from gui.panes.losses.rows import Column, Line, RowList
from gui.session.store import Store
from gui.widgets.heat_map.heat_map import HeatMap
from gui.widgets.heat_map.layout import HeatMapContent
from model.probe.loss_flow.asks import LossFlowFound


class FlowView(Beside):
    """The map, and the list beside it.

    Attributes:
        flow, into: these two.
        found: what is drawn; None for nothing.

    Signals:
        gone: another operation is the one in view.
    """

    gone = Signal()

    def __init__(self, store: Store, parent: QWidget | None = None) -> None:
        self.flow = HeatMap()
        self.flow.setAccessibleName("Gradient of the loss: rows are operations, columns tokens")
        self.into = RowList(
            "How long the gradient into each token's embedding is",
            (Column("", 34, figure=True), Column("into", 0), Column("‖d loss‖", 66, figure=True)),
            2,
        )
        super().__init__(self.flow, self.into, (66, 34), parent)
        self._store = store
        self.found: LossFlowFound | None = None
        self.flow.cell_chosen.connect(self._choose_operation)
        self.flow.describe = self._about_flow
        self.into.chosen.connect(self._light)

    def clear(self) -> None:
        """Nothing is known yet."""
        self.found = None
        self.flow.set_content(None)

    def show_found(self, found: LossFlowFound, tokens: list[str], *, anew: bool) -> None:
        """Draw it.

        Args:
            found: the gradients' lengths.
            tokens: of its columns.
            anew: whether the picture is another one; else only the mark may have moved.
        """
        self.found = found
        if anew:
            finite = found.norm_OT[np.isfinite(found.norm_OT)]
            # A few are far longer than all others: where those begin the colours end.
            limit = float(np.quantile(finite[finite > 0], 0.98)) if (finite > 0).any() else 1.0
            self.flow.set_content(
                HeatMapContent(
                    found.norm_OT,
                    tuple(_short(name) for name in found.names),
                    tuple(tokens),
                    row_title="operations",
                    column_title="tokens",
                    limit=limit or 1.0,
                    beyond=bool((finite > limit).any()),
                    value_title=("length of d loss / d activation", "‖d loss / d x‖"),
                    digits=3,
                )
            )
            most = float(found.embedding_T.max()) or 1.0
            self.into.set_lines(
                [
                    Line((str(at), token, f"{length:.3g}"), length / most)
                    for at, (token, length) in enumerate(
                        zip(tokens, found.embedding_T.tolist(), strict=True)
                    )
                ]
            )
        self.flow.set_marks(line=(self._row_of_operation(found), None))

    def _row_of_operation(self, found: LossFlowFound) -> int | None:
        operations = self._store.operations
        at = self._store.selection.operation
        name = operations[at].output if 0 <= at < len(operations) else ""
        return found.names.index(name) if name in found.names else None

    def _about_flow(self, row: int, at: int) -> str:
        found = self.found
        if found is None or row >= len(found.names) or at >= found.norm_OT.shape[1]:
            return ""
        return (
            f"{found.names[row]} at position {at}\n‖d loss / d activation‖ = "
            f"{found.norm_OT[row, at]:.6g}\nclick to go to this operation"
        )

    def _choose_operation(self, cell: tuple[int | None, int | None]) -> None:
        found = self.found
        if found is None or cell[0] is None or cell[0] >= len(found.names):
            return
        name = found.names[cell[0]]
        for at, op in enumerate(self._store.operations):
            if op.output == name:
                self._store.select(operation=at)
                self.gone.emit()
                return

    def _light(self, position: int) -> None:
        """Show where a token's column is on the map."""
        self.flow.set_lit(None, position)


def _short(name: str) -> str:
    """An activation's name as it fits beside a map."""
    return name.removeprefix("blocks.").replace("hook_", "")
