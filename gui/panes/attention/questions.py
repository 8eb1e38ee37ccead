"""What the attention pane asks: of what is shown, and of the selection, the questions.

Pure: knows choices, selection and questions; no store, no widget.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass, field

from gui.panes.attention.edges import Head
from gui.panes.attention.window import Window
from gui.session.state import Selection
from model.probe.heads.asks import Heads
from model.probe.mosaic.asks import Mosaic
from model.probe.pattern.asks import Pattern
from model.probe.question import Question
from model.probe.routes.asks import Over, Routes

LONG = 64
"""From so many tokens on a matrix has the colours' range of the selected query: with a hundred
keys each, no weight is near 1."""


@dataclass(frozen=True, slots=True)
class Choices:
    """What a person has chosen.

    Attributes:
        tensor: of the matrix.
        hide_first: leave the first token out.
        mode: of the graph: ``max``, ``mean``, ``head`` or ``chosen``.
        chosen: the heads that were added to the graph.
        threshold: the least weight of an edge.
        all_positions: whether the graph shows more than the routes to the selected one.
    """

    tensor: str = "pattern"
    hide_first: bool = False
    mode: str = "max"
    chosen: Sequence[Head] = field(default_factory=tuple)
    threshold: float = 0.3
    all_positions: bool = False


def questions(
    views: Collection[str],
    selection: Selection,
    n_tokens: int,
    choices: Choices,
    window: Window,
    side: int,
    *,
    kinds: bool = True,
) -> dict[str, Question]:
    """The questions by the pane's names for them.

    Args:
        views: that are shown.
        selection: of the store.
        n_tokens: of the prompt.
        choices: of the controls.
        window: of the matrix that is in view.
        side: device pixels of a mosaic's tile.
        kinds: whether heads are labelled.

    Returns:
        ``head``: what is said of the selected head; ``row``: all of the selected query, of a long
        text; ``matrix``, ``heads``, ``graph``: what is drawn; ``kinds``: the heads' labels.
    """
    layer, head = selection.layer, selection.head
    query = min(max(selection.position, 0), n_tokens - 1)
    asked: dict[str, Question] = {
        "head": Pattern(layer, head, rows=(0, 1), columns=(0, 1)),
    }
    if "matrix" in views:
        if n_tokens > LONG:
            row = (query, query + 1)
            asked["row"] = Pattern(
                layer, head, choices.tensor, row, None, (1, n_tokens), summed=False
            )
        asked["matrix"] = Pattern(
            layer,
            head,
            choices.tensor,
            window.queries,
            window.keys,
            window.most,
            summed=False,
        )
    if "graph" in views:
        over: Over = "heads"
        heads: tuple[Head, ...] = ()
        match choices.mode:
            case "max":
                over = "max"
            case "mean":
                over = "mean"
            case "head":
                heads = ((layer, head),)
            case _:
                heads = tuple(choices.chosen)
        asked["graph"] = Routes(
            position=None if choices.all_positions else query,
            over=over,
            heads=heads,
            threshold=choices.threshold,
            hide_first=choices.hide_first,
        )
    if "heads" in views:
        # As few cells as make the same blocks: another size of the pane asks nothing new.
        block = -(-n_tokens // max(1, side))
        asked["heads"] = Mosaic(cells=-(-n_tokens // block), hide_first=choices.hide_first)
    if kinds:  # whatever is read, once for a model: after what is looked at
        asked["kinds"] = Heads()
    return asked
