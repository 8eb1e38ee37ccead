"""What the pane asks: pure functions of what is shown and selected.

Knows questions; no store, no widget.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from gui.panes.residual import tiles
from gui.panes.residual.controls import View
from model.config import TransformerConfig
from model.probe.attribution.asks import Attribution
from model.probe.lens.asks import Lens
from model.probe.norms.asks import Norms, Of
from model.probe.question import Question, TokenId
from model.probe.stream_at.asks import StreamAt

AROUND = 8
"""Positions that are asked for before the first picture says which are seen."""


@dataclass(frozen=True, slots=True)
class Choices:
    """What is shown.

    Attributes:
        view: of the pane.
        of: whose lengths.
        position: that is selected.
        watched: the token that is watched; None for the network's own answer.
        by_token: whether the colours of the lens are about that token.
    """

    view: View
    of: Of
    position: int
    watched: int | None
    by_token: bool

    @property
    def token(self) -> TokenId | None:
        return None if self.watched is None else TokenId(self.watched)

    @property
    def in_cells(self) -> int | None:
        """The token that cells are asked about: another one only where it would be seen."""
        return self.watched if self.by_token else None


def questions(
    choices: Choices, config: TransformerConfig, n_tokens: int, seen: tuple[range, range]
) -> Mapping[str, Question]:
    """By the names under which the pane finds the answers.

    Args:
        choices: what is shown.
        config: of the network.
        n_tokens: of the prompt.
        seen: borders and positions in view; empty before the first picture.
    """
    at = choices.position
    if choices.view == "angles":
        return {"stream": StreamAt(at)}
    if choices.view == "writes":
        asked: dict[str, Question] = {"norms": Norms(choices.of), "stream": StreamAt(at)}
        if config.has_logits:
            asked["why"] = Attribution(at, choices.token, "layer")
        return asked
    if not config.has_logits:
        return {}
    column = Lens((at,), choices.token, watch_final=choices.watched is None)
    asked = {"column": column}
    for tile in tiles.tiles_in(*_within(seen, config.n_layers + 1, n_tokens, at)):
        question = tiles.question(tile, config.n_layers + 1, n_tokens, choices.in_cells)
        asked[tiles.name_of(tile)] = question
    return asked


def _within(
    seen: tuple[range, range], n_borders: int, n_tokens: int, at: int
) -> tuple[range, range]:
    """What is in view of a text that may be another than the one that is drawn."""
    rows, columns = seen
    if not rows or not columns:
        return range(n_borders), range(max(0, at - AROUND), min(n_tokens, at + AROUND))
    first = min(columns.start, n_tokens - 1)
    return range(rows.start, min(rows.stop, n_borders)), range(
        first, max(first + 1, min(columns.stop, n_tokens))
    )
