"""What a step moved: how far each tensor went, and one of them as a picture.

Knows answers; no store.
"""

from __future__ import annotations

import math

import numpy as np
from PySide6.QtCore import Signal
from PySide6.QtWidgets import QWidget

from gui.panes.losses import words
from gui.panes.losses.beside import Beside
from gui.panes.losses.rows import Column, Line, RowList
from gui.widgets.heat_map.heat_map import HeatMap
from gui.widgets.heat_map.layout import HeatMapContent
from model.probe.weights_moved.asks import WeightsMovedFound


class MovedView(Beside):
    """The list, and the picture beside it.

    Attributes:
        tensors, picture: these two.
        found: what is drawn; None for nothing.

    Signals:
        tensor_chosen: a tensor's name: that is to be the picture.
    """

    tensor_chosen = Signal(str)

    def __init__(self, parent: QWidget | None = None) -> None:
        self.tensors = RowList(
            "How far each tensor moved",
            (
                Column("tensor", 0),
                Column("‖Δ‖", 62, figure=True),
                Column("‖Δ‖/‖W‖", 66, figure=True),
            ),
            2,
        )
        self.picture = HeatMap()
        self.picture.setAccessibleName("What moved of one tensor")
        self.picture.set_fit(True)
        super().__init__(self.tensors, self.picture, (1, 1), parent)
        self.found: WeightsMovedFound | None = None
        self.tensors.chosen.connect(self._choose_tensor)
        self.tensors.describe = self._about_tensor

    def show_found(self, found: WeightsMovedFound) -> None:
        """Draw it."""
        self.found = found
        finite = found.relative_N[np.isfinite(found.relative_N)]
        most = float(finite.max()) if len(finite) else 0.0
        lines = [
            Line(
                (name, f"{norm:.3g}", f"{relative:.2%}" if math.isfinite(relative) else "new"),
                min(relative / most, 1.0) if most > 0 else 0.0,
            )
            for name, norm, relative in zip(
                found.names, found.norm_N.tolist(), found.relative_N.tolist(), strict=True
            )
        ]
        self.tensors.set_lines(lines, found.names.index(found.drawn))
        limit = float(np.nanmax(np.abs(found.picture_RC), initial=0.0))
        rows, columns = found.picture_RC.shape
        self.picture.set_content(
            HeatMapContent(
                found.picture_RC,
                tuple(str(row * found.block[0]) for row in range(rows)),
                tuple(str(at * found.block[1]) for at in range(columns)),
                row_title="rows",
                column_title="columns",
                kind="diverging",
                limit=limit or 1.0,
                value_title=("change of each weight", "Δ weight"),
                digits=4,
            )
        )

    def _about_tensor(self, line: int) -> str:
        found = self.found
        if found is None or line >= len(found.names):
            return ""
        return words.about_moved(found, line)

    def _choose_tensor(self, line: int) -> None:
        found = self.found
        if found is not None and line < len(found.names):
            self.tensor_chosen.emit(found.names[line])
