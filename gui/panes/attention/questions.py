"""What the attention pane asks: of what is shown, and of the selection, the questions.

Pure: knows choices, selection and questions; no store, no widget.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass, field
from typing import Any

from gui.panes.attention.edges import Head
from gui.panes.attention.head_order import Order
from gui.panes.attention.window import WHOLE, Window
from gui.session.state import Selection
from model.probe.heads.asks import Heads
from model.probe.mosaic.asks import Mosaic
from model.probe.on_key.asks import OnKey
from model.probe.pattern.asks import Pattern
from model.probe.question import Question
from model.probe.routes.asks import Over, Routes
from model.probe.why_attends.asks import WhyAttends

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
        valued: weights times what they carry.
        words: first token of each word, where tokens are merged; empty for tokens.
        order: of the mosaic: which heads stand where.
        pinned: the heads of the strip.
        key: the key that heads are ordered and held to by; None for none.
        why: whether it is asked why the head attends.
    """

    tensor: str = "pattern"
    hide_first: bool = False
    mode: str = "max"
    chosen: Sequence[Head] = field(default_factory=tuple)
    threshold: float = 0.3
    all_positions: bool = False
    valued: bool = False
    words: tuple[int, ...] = ()
    order: Order = field(default_factory=Order)
    pinned: Sequence[Head] = field(default_factory=tuple)
    key: int | None = None
    why: bool = False

    @property
    def of_matrix(self) -> dict[str, Any]:
        """What else its question says: of scores there are neither values nor words."""
        if self.tensor != "pattern":
            return {}
        return {"valued": self.valued, "words": self.words}


LABELLED, LABELLED_LIVE = 300_000_000, 10_000_000
"""Heads of models with more parameters, and with fewer already while they learn, are labelled only
where they are put in groups: it takes as long as to read some hundred tokens."""
MEASURED = 256
"""Up to so many tokens heads are measured whatever their order: it takes a moment."""
PINNED_SIDE = 96
"""The most cells along a side of a pinned head's matrix."""


def questions(
    views: Collection[str],
    selection: Selection,
    n_tokens: int,
    choices: Choices,
    window: Window,
    side: int,
    *,
    query: int = 0,
    kinds: bool = True,
) -> dict[str, Question]:
    """The questions by the pane's names for them.

    Args:
        views: that are shown.
        selection: of the store.
        n_tokens: rows of a matrix: tokens, or words; as many positions does `selection` count.
        choices: of the controls.
        window: of the matrix that is in view.
        side: device pixels of a mosaic's tile.
        query: the selected token, whatever rows are.
        kinds: whether heads are labelled.

    Returns:
        ``head``: what is said of the selected head; ``row``: all of the selected query, of a long
        text; ``matrix``, ``heads``, ``graph``, ``pin0``, …: what is drawn; ``kinds``: the heads'
        labels; ``on_key``: what each reads of the selected key; ``why``: why this one reads it.
    """
    layer, head = selection.layer, selection.head
    at = min(max(selection.position, 0), n_tokens - 1)
    asked: dict[str, Question] = {
        "head": Pattern(layer, head, rows=(0, 1), columns=(0, 1)),
    }
    if "matrix" in views:
        if n_tokens > LONG:
            row = (at, at + 1)
            asked["row"] = Pattern(
                layer,
                head,
                choices.tensor,
                row,
                None,
                (1, n_tokens),
                summed=False,
                **choices.of_matrix,
            )
        asked["matrix"] = Pattern(
            layer,
            head,
            choices.tensor,
            window.queries,
            window.keys,
            window.most,
            summed=False,
            **choices.of_matrix,
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
            position=None if choices.all_positions else at,
            over=over,
            heads=heads,
            threshold=choices.threshold,
            hide_first=choices.hide_first,
            valued=choices.valued,
            words=choices.words,
        )
    if "heads" in views:
        # As few cells as make the same blocks: another size of the pane asks nothing new.
        block = -(-n_tokens // max(1, side))
        asked["heads"] = Mosaic(
            cells=-(-n_tokens // block),
            hide_first=choices.hide_first,
            valued=choices.valued,
            words=choices.words,
            measured=n_tokens <= MEASURED or choices.order.needs_measures,
        )
        if choices.order.needs_key and choices.key is not None:
            asked["on_key"] = OnKey(query, choices.key, choices.words)
    if "pinned" in views:
        most = (PINNED_SIDE, PINNED_SIDE) if n_tokens > WHOLE else (WHOLE, WHOLE)
        for place, (layer_of, head_of) in enumerate(choices.pinned):
            asked[f"pin{place}"] = Pattern(
                layer_of,
                head_of,
                most=most,
                summed=False,
                valued=choices.valued,
                words=choices.words,
            )
    if choices.why and choices.key is not None:
        asked["why"] = WhyAttends(layer, head, query, choices.key)
    if kinds:  # whatever is read, once for a model: after what is looked at
        asked["kinds"] = Heads()
    return asked
