"""What all composers share: the room, words for positions and tokens, a vector with its name."""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import numpy as np
from PySide6.QtCore import QPointF, QRectF, Qt
from PySide6.QtGui import QFontMetricsF

from gui import theme
from gui.panes.stage.marks import Grid, Lines, Mark, Words, color_limit, figure
from gui.reading.quoting import quoted
from model import messages as m
from model.operations import Operation
from model.probe.scene.asks import Panel, Scene, SceneFound

LEFT, RIGHT = Qt.AlignmentFlag.AlignLeft, Qt.AlignmentFlag.AlignRight
CENTER = Qt.AlignmentFlag.AlignHCenter
LINE = 16.0
"""Height of a line of words."""
STRIP = 18.0
"""Height of a vector that lies."""
LABEL = 92.0
"""Width of the names on the left."""
LARGEST_CELL = 30.0
NOTE = 92.0
"""Width of what stands behind a vector."""
EXPERT = re.compile(r"\.experts\.(\d+)\.")
"""Which expert of a mixture has a parameter."""


@dataclass(frozen=True, slots=True)
class Scenery:
    """What a composer is given.

    Attributes:
        found: the scene's answer.
        op: the operation.
        model: whose tokens they are.
        read: the prompt that the answer is about.
        room: where to draw.
        selected_key: a key that is told apart, or None.
        other: the scene of the other side of a comparison, where the difference is shown.
        other_name: what that side is called.
    """

    found: SceneFound
    op: Operation
    model: m.ModelInfo
    read: m.PromptRead
    room: QRectF
    selected_key: int | None = None
    other: SceneFound | None = None
    other_name: str = "before"

    def token(self, position: int) -> str:
        """The token at a position."""
        if not 0 <= position < self.read.n_tokens:
            return ""
        return self.model.token_text(self.read.subject.ids[position])

    def told(self, position: int) -> str:
        """The token at a position in a sentence; with the position, if the text has it twice."""
        ids = self.read.subject.ids
        several = 0 <= position < len(ids) and ids.count(ids[position]) > 1
        return quoted(self.token(position)) + (f" ({position:,})" if several else "")

    @property
    def position(self) -> int:
        """The one that the scene is of."""
        return min(self.asked.position, self.read.n_tokens - 1)

    @property
    def asked(self) -> Scene:
        """What the answer answers."""
        assert isinstance(self.found.question, Scene)
        return self.found.question


Composer = Callable[[Scenery], list[Mark]]


NAMES = {
    "embed": "token",
    "token_embed": "token",
    "pos_embed": "position",
    "token_type_embed": "type",
    "embed_sum": "stream",
    "resid_pre": "stream",
    "resid_mid": "stream",
    "resid_post": "stream",
    "attn_out": "attention",
    "mlp_out": "MLP",
    "normalized": "normed",
    "pre_linear": "up",
    "logits": "logits",
}
"""What parts of a network are called on the stage; a tooltip has the tensor's full name."""


def called(name: str) -> str:
    """What a tensor is called in a label: a word, or the last part of its name."""
    last = symbol(name)
    if last == "out":
        return "attention" if ".attn." in name else "MLP"
    return NAMES.get(last, last)


def symbol(name: str) -> str:
    """The last part of a tensor's name: ``hook_q`` as q, ``W_Q`` as it is."""
    last = name.rpartition(".")[2]
    return last.removeprefix("hook_")


def vector(
    marks: list[Mark], label: str, panel: Panel, box: QRectF, *, note: str = "", tone: str = "text"
) -> Grid:
    """A lying vector with its name on the left and a note on the right; appends and returns it."""
    marks.append(
        Words(
            label,
            QRectF(box.left(), box.top(), LABEL - 8, box.height()),
            tone,
            RIGHT,
            theme.mono(theme.SMALL_FONT_SIZE),
        )
    )
    room = box.width() - LABEL - (NOTE if note else 8.0)
    strip = QRectF(box.left() + LABEL, box.top(), max(10.0, room), box.height())
    wide = min(strip.width(), panel.values_RC.shape[1] * LARGEST_CELL)
    limit = color_limit(panel.values_RC)
    panel = fitted(panel, int(strip.width()))
    grid = Grid(panel, QRectF(strip.topLeft(), strip.size()), limit=limit)
    grid.box.setWidth(wide)
    marks.append(grid)
    if note:
        marks.append(
            Words(
                note,
                QRectF(strip.left() + wide + 8, box.top(), 160, box.height()),
                "dim",
                font=theme.mono(theme.SMALL_FONT_SIZE),
            )
        )
    return grid


def fitted(panel: Panel, most: int) -> Panel:
    """A single row that has at most so many cells: of a longer one blocks, as everywhere.

    A block shows the number farthest from 0, as those do that the worker pools.
    """
    values = panel.values_RC
    n = values.shape[1]
    across = -(-n // max(1, most))
    if across == 1 or not panel.is_whole:
        return panel
    starts = np.arange(0, n, across)
    sizes = np.nan_to_num(np.abs(values[0].astype(np.float64)), nan=np.inf)
    at = np.array([start + int(sizes[start : start + across].argmax()) for start in starts])
    return replace(
        panel,
        values_RC=values[:, at],
        rows_RC=np.zeros((1, len(at)), dtype=np.int64),
        columns_RC=at[None],
    )


def caption(text: str, box: QRectF, align: Qt.AlignmentFlag = CENTER, tone: str = "dim") -> Words:
    """A line of small words."""
    return Words(text, box, tone, align, theme.sans(theme.SMALL_FONT_SIZE))


def worded(texts: Sequence[str], box: QRectF, align: Qt.AlignmentFlag = CENTER) -> Words:
    """A line of small words: of several wordings, longest first, the first that has room."""
    metrics = QFontMetricsF(theme.sans(theme.SMALL_FONT_SIZE))
    fit = (text for text in texts if metrics.horizontalAdvance(text) <= box.width())
    return caption(next(fit, texts[-1]), box, align)


def over(text: str, box: QRectF, room: QRectF, tone: str = "dim") -> Words:
    """Small words above a box: in its middle, or beginning with it where they are wider."""
    font = theme.sans(theme.SMALL_FONT_SIZE)
    wide = QFontMetricsF(font).horizontalAdvance(text) + 4
    if wide <= box.width():
        return caption(text, above(box), tone=tone)
    line = above(box)
    line.setWidth(min(wide, room.right() - box.left()))
    return caption(text, line, LEFT, tone)


def above(box: QRectF) -> QRectF:
    """The line above a box."""
    return QRectF(box.left(), box.top() - LINE - 1, box.width(), LINE)


def below(box: QRectF) -> QRectF:
    """The line below a box."""
    return QRectF(box.left(), box.bottom() + 1, box.width(), LINE)


def arrow(x1: float, y1: float, x2: float, y2: float, tone: str = "faint") -> Lines:
    """From one point to another."""
    return Lines((QPointF(x1, y1), QPointF(x2, y2)), tone, arrow=True)


def text_width(text: str) -> float:
    """Of small figures."""
    return QFontMetricsF(theme.mono(theme.SMALL_FONT_SIZE)).horizontalAdvance(text)


def size(length: float) -> str:
    """A length in three digits, or that it is none."""
    return f"{length:.3g}" if math.isfinite(length) else figure(length)


def length_note(panel: Panel, lengths: dict[str, float] | object) -> str:
    """How long a vector is, behind its strip."""
    length = float(np.linalg.norm(panel.values_RC.astype(np.float64)))
    return f"length {size(length)}"
