"""What a token's probability is made of: e to its logit over the sum of all that can be drawn.

The other numbers are taken apart by the worker (`model.probe.terms`); of this one the scene has
all that is told. Knows a scene and pieces; no store, no widget.
"""

from __future__ import annotations

import math

from gui.panes.stage.marks import figure
from gui.panes.stage.pieces import Piece, Target
from gui.panes.stage.scenes.kit import Scenery
from model.operations import LOGITS
from model.probe.scene.asks import Scored

OTHERS = 2
"""Tokens that are told beside the one."""


def share_pieces(scenery: Scenery, id: int) -> list[Piece]:
    """What the line says of a token; empty where the scene doesn't have it.

    Args:
        scenery: of the softmax over the vocabulary.
        id: of the token.
    """
    found, sampling = scenery.found, scenery.asked.sampling
    one = next((each for each in found.scored if each.id == id), None)
    if one is None:
        return []
    text = scenery.model.token_text(id)
    said = [Piece(f"p = {figure(one.share, 3)}", f"token {id:,} {text}", "text")]
    if math.isnan(one.share):
        return said
    to = Target(LOGITS, (0, scenery.position, id))
    if sampling.temperature == 0:
        word = "the largest is taken" if one.share else "not the largest"
        return [*said, Piece(figure(one.score), f"logit: {word}", "dim", to, to)]
    if not one.share:
        return [*said, Piece(figure(one.score), "logit: left out of the draw", "dim", to, to)]
    others = [each for each in found.scored if each.share > 0 and each.id != id][:OTHERS]
    return [
        *said,
        _power(scenery, one, "accent"),
        Piece(f"÷ Σ of {found.n_kept:,}", "all of them", "dim"),
        *(_power(scenery, each, "dim") for each in others),
    ]


def _power(scenery: Scenery, one: Scored, tone: str) -> Piece:
    """Return e to a token's logit, over the temperature; it leads to the logit."""
    temperature = scenery.asked.sampling.temperature
    over = "" if temperature == 1 else f" / {temperature:g}"
    to = Target(LOGITS, (0, scenery.position, one.id))
    word = scenery.model.token_text(one.id)
    return Piece(f"e^{{{figure(one.score)}{over}}}", word, tone, to, to, is_formula=True)
