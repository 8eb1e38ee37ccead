"""Which views of attention stand beside each other in a given room: a choice, never a squeeze.

Knows rectangles only.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace

from PySide6.QtCore import QRect

from gui.widgets.action_row import HEIGHT

PAD = 4
READOUT_HEIGHT = 20
READOUT_FROM = 380
"""Lower panes have no line of figures below the views; tooltips say the same."""
THREE_COLUMNS = 760
TWO_COLUMNS = 480
GRAPH_BELOW = 620
MATRIX_BELOW = 460
"""Widths and heights from which on a view joins the others, logical pixels."""
STRIP = 200
"""A pinned head's matrix is no larger."""
STRIP_NAME = 26
STRIP_FROM = 560
"""In panes that are this wide the strip stands at the right; else at the bottom."""
CARD_BESIDE = 600
CARD, MATRIX = 340, 250
"""A card is so wide, as long as so much is left for the matrix beside it."""
LINE = HEIGHT + 2
LOW = 330
"""Lower panes give the matrix all of their height; controls stand beside the views, or in the
corner that the matrix leaves free."""
CORNER = 34
"""How wide the matrix' controls are there: one button with a menu."""


@dataclass(frozen=True, slots=True)
class Needed:
    """How wide the rows of controls are, logical pixels.

    Attributes:
        view: the choice of views.
        heads: the mosaic's controls.
        graph: the least that the graph's controls can be used in.
    """

    view: int
    heads: int
    graph: int


@dataclass(frozen=True, slots=True)
class Places:
    """Where everything goes.

    Attributes:
        views: each view that is shown: ``heads``, ``matrix``, ``graph``; and ``pinned``, ``why``.
        rows: the controls of each, and ``view``: the choice of views.
        readout: the line of figures; empty where there is none.
        corner: of the matrix' box, that its controls stand in where the pane is low; else empty.
    """

    views: dict[str, QRect] = field(default_factory=dict)
    rows: dict[str, QRect] = field(default_factory=dict)
    readout: QRect = field(default_factory=QRect)
    corner: QRect = field(default_factory=QRect)

    def left_out(self, wanted: tuple[str, ...]) -> tuple[str, ...]:
        """Which of some views have found no room."""
        return tuple(view for view in wanted if view not in self.views)


def arranged(view: str, width: int, height: int, needed: Needed) -> Places:
    """Find a place for each view, and above it for its controls.

    Args:
        view: the one that was chosen, or ``all`` that find room.
        width, height: of the pane.
        needed: by the controls.
    """
    if height < LOW and width >= TWO_COLUMNS:
        return _low(view, width, height, needed)
    readout = QRect()
    bottom = height - PAD
    if height >= READOUT_FROM:
        bottom -= READOUT_HEIGHT
        readout = QRect(PAD + 2, bottom + 2, width - 2 * PAD - 4, READOUT_HEIGHT)
    top = PAD + LINE
    area = QRect(PAD, top, width - 2 * PAD, max(1, bottom - top))
    used = min(needed.view, area.width())
    rows = {"view": QRect(PAD, PAD, used, HEIGHT)}
    views = _views(view, area)
    least = {"heads": needed.heads, "matrix": 120, "graph": needed.graph}
    for name, box in views.items():
        left = max(box.left(), PAD + used + 10) if box.top() == top else box.left()
        line = QRect(left, box.top() - LINE, box.right() + 1 - left, HEIGHT)
        if box.top() == top and line.width() < least[name]:
            # The choice of views fills the first line.
            box.setTop(box.top() + LINE)
            line = QRect(box.left(), box.top() - LINE, box.width(), HEIGHT)
        rows[name] = line
    return Places(views, rows, readout)


def with_strip(view: str, width: int, height: int, needed: Needed, n_pinned: int) -> Places:
    """The same beside a strip of pinned heads: at the right or, in a narrow pane, at the bottom."""
    if not n_pinned:
        return arranged(view, width, height, needed)
    if width >= STRIP_FROM:
        top = PAD + LINE if height >= LOW else PAD
        each = (height - top - PAD) // n_pinned - STRIP_NAME
        side = max(60, min(each, STRIP, round(0.22 * width)))
        places = arranged(view, width - side - 8, height, needed)
        strip = QRect(width - side - PAD, top, side, height - top - PAD)
    else:
        side = max(60, min(STRIP, (width - 2 * PAD) // n_pinned - 6, round(0.28 * height)))
        places = arranged(view, width, height - side - STRIP_NAME, needed)
        strip = QRect(PAD, height - side - STRIP_NAME, width - 2 * PAD, side + STRIP_NAME - 2)
    return replace(places, views={**places.views, "pinned": strip})


def with_card(places: Places) -> Places:
    """The same with a card, for which the views make room.

    It takes the graph's place, or the mosaic's; one view alone shares its room with it.
    """
    views, rows = dict(places.views), dict(places.rows)
    taken = next((name for name in ("graph", "heads") if name in views and "matrix" in views), "")
    if not taken:
        taken = next((name for name in views if name != "pinned"), "")
    if not taken:
        return places
    box = QRect(views[taken])
    alone = "matrix" not in views or taken == "matrix"
    if alone and box.width() >= CARD_BESIDE:
        card = QRect(box)
        card.setLeft(box.left() + round(0.54 * box.width()) + 8)
        box.setRight(card.left() - 9)
        views[taken], views["why"] = box, card
        return replace(places, views=views, rows=rows)
    del views[taken]
    line = rows.pop(taken, QRect())
    if box.left() <= line.right() and line.left() <= box.left() + 4 and line.bottom() < box.top():
        box.setTop(line.top())  # the controls that stood above are gone
    matrix = QRect(views.get("matrix", QRect()))
    beside = not alone and (box.right() < matrix.left() or matrix.right() < box.left())
    if beside and places.corner.isEmpty():  # some of the matrix' room, too
        line = QRect(rows.get("matrix", QRect()))
        more = min(CARD - box.width(), matrix.width() - MATRIX)
        if more > 0 and taken == "heads":
            box.setRight(box.right() + more)
            matrix.setLeft(matrix.left() + more)
            line.setLeft(max(line.left(), matrix.left()))
        elif more > 0:
            box.setLeft(box.left() - more)
            matrix.setRight(matrix.right() - more)
            line.setRight(matrix.right())
        views["matrix"] = matrix
        if "matrix" in rows:
            rows["matrix"] = line
    views["why"] = box
    return replace(places, views=views, rows=rows)


SECOND, SECOND_NAME = 150, 18
"""Two matrices beside each other are each at least so wide and high; above each is its name."""
SECOND_WIDE = 210
"""The mosaic gives its room where either matrix would be narrower than this."""


def with_second(places: Places) -> Places:
    """The same with a second matrix beside the first, or below it; the same if it finds no room.

    It takes the graph's place, where that stands beside, and in narrow panes the mosaic's.
    """
    views, rows = dict(places.views), dict(places.rows)
    if "matrix" not in views:
        return places
    box = QRect(views["matrix"])
    for name in ("graph", "heads"):
        other = views.get(name)
        # In a low pane the choice of views stands above the mosaic.
        enough = box.width() >= 2 * SECOND_WIDE or not places.corner.isEmpty()
        enough = enough and name == "heads"
        if other is not None and other.bottom() == box.bottom() and not enough:
            box = box.united(other)
            if places.corner.isEmpty():
                box.setTop(max(views["matrix"].top(), other.top()))
            del views[name]
            rows.pop(name, None)
    first, second = QRect(box), QRect(box)
    if box.width() >= box.height() or box.height() < 2 * (SECOND + SECOND_NAME):
        first.setWidth((box.width() - 8) // 2)
        second.setLeft(first.right() + 9)
    else:
        first.setHeight((box.height() - 8) // 2)
        second.setTop(first.bottom() + 9)
    for one in (first, second):
        one.setTop(one.top() + SECOND_NAME)
    if min(first.width(), first.height()) < SECOND:
        return places
    views["matrix"], views["second"] = first, second
    return replace(places, views=views, rows=rows)


EDGE_BESIDE, EDGE_CARD = 560, 330
"""In graphs that are so wide the card of an edge stands at the right; else below."""


def with_edge(places: Places) -> Places:
    """The same with the card of an edge, beside the graph or below it."""
    if "graph" not in places.views:
        return places
    box = QRect(places.views["graph"])
    card = QRect(box)
    if box.width() >= EDGE_BESIDE:
        card.setLeft(box.right() - min(EDGE_CARD, round(0.5 * box.width())))
        box.setRight(card.left() - 7)
    else:
        card.setTop(box.bottom() - round(0.5 * box.height()))
        box.setBottom(card.top() - 5)
    return replace(places, views={**places.views, "graph": box, "edge": card})


def _low(view: str, width: int, height: int, needed: Needed) -> Places:
    """A pane that is wide and low: no line of controls above the matrix."""
    top = PAD + LINE
    rows = {"view": QRect(PAD, PAD, needed.view, HEIGHT)}
    if view != "all":
        side = max(needed.view, needed.graph if view == "graph" else 0)
        rows[view] = QRect(PAD, top, side, HEIGHT)
        left = PAD + side + 8
        return Places({view: QRect(left, 0, width - left - PAD, height)}, rows)
    three = width >= THREE_COLUMNS
    first = max(round(0.32 * width), needed.view + 2 * PAD)
    second = round(0.52 * (width - first)) if three else width - first
    matrix = QRect(first, 0, second - 8, height)
    corner = QRect(first + 2, PAD, CORNER, HEIGHT)
    rows["matrix"] = corner
    rows["heads"] = QRect(PAD, top, first - PAD - 8, HEIGHT)
    heads = QRect(PAD, top + LINE, first - PAD - 8, height - top - LINE)
    views = {"heads": heads, "matrix": matrix}
    if three:
        left = first + second
        views["graph"] = QRect(left, top, width - left - PAD, height - top)
        rows["graph"] = QRect(left, PAD, width - left - PAD, HEIGHT)
    return Places(views, rows, corner=corner)


def _views(view: str, area: QRect) -> dict[str, QRect]:
    if view != "all":
        return {view: QRect(area)}
    x, y, w, h = area.x(), area.y(), area.width(), area.height()
    if w >= THREE_COLUMNS:
        # Where there is little room, the matrix gets it: its cells are what is read.
        little = w < 1000
        first = min(max(round((0.27 if little else 0.3) * w), 210), 560)
        second = round((0.58 if little else 0.52) * (w - first))
        return {
            "heads": QRect(x, y, first - 8, h),
            "matrix": QRect(x + first, y, second - 8, h),
            "graph": QRect(x + first + second, y, w - first - second, h),
        }
    if w >= TWO_COLUMNS:
        first = max(round(0.36 * w), 205)
        above = round(0.56 * h) if h >= GRAPH_BELOW else h
        boxes = {
            "heads": QRect(x, y, first - 8, above),
            "matrix": QRect(x + first, y, w - first, above),
        }
        if h >= GRAPH_BELOW:
            below = y + above + 8 + LINE
            boxes["graph"] = QRect(x, below, w, y + h - below)
        return boxes
    if h >= MATRIX_BELOW:
        above = round(0.4 * h)
        below = y + above + 8 + LINE
        return {"heads": QRect(x, y, w, above), "matrix": QRect(x, below, w, y + h - below)}
    return {"matrix": QRect(area)}
