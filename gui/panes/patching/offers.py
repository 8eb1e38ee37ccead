"""What can be done to the model at a cell of a map: put that activation in, or cut what is there.

Knows answers, interventions and the config; no store, no widget.
"""

from __future__ import annotations

from gui.panes.patching import words
from gui.panes.patching.sweep_map import Cell
from gui.reading import intervening as reading
from gui.reading.intervening import Offer
from model.config import TransformerConfig
from model.interventions import PatchActivation
from model.operations import streams
from model.probe.facts.asks import FactsFound
from model.probe.patch.asks import OF_HEADS, Patch, PatchFound


def offers(
    found: PatchFound | FactsFound, cell: Cell, config: TransformerConfig, other: str
) -> tuple[Offer, ...]:
    """What a menu offers, the patch first.

    Args:
        found: the map.
        cell: of it.
        config: of the network.
        other: the second prompt as it is typed; empty where that is not known any more.
    """
    own: tuple[Offer, ...] = ()
    if isinstance(found, PatchFound):
        patch = patched(found, cell, config, other)
        if patch is not None:
            own = (Offer("Patch this in", patch, patch.refusal(config)),)
    if cell.head is not None and _is_of_query_heads(found):
        own += reading.of_head(config, cell.layer, cell.head)
    return own + reading.of_layer(config, cell.layer)


def patched(
    found: PatchFound, cell: Cell, config: TransformerConfig, other: str
) -> PatchActivation | None:
    """The intervention that does what a cell did; None where B has no token there."""
    question = found.question
    assert isinstance(question, Patch)
    name = words.activation(cell, question.kind)
    if question.kind == "residual":
        name = streams(config)[cell.layer]
    if cell.position is None:
        places = [at for at, source in enumerate(found.sources) if source >= 0]
    else:
        places = [cell.position] if found.sources[cell.position] >= 0 else []
    if not places:
        return None
    sources = tuple(found.sources[at] for at in places)
    return PatchActivation(
        name,
        question.clean_ids,
        tuple(places),
        sources if sources != tuple(places) else (),
        head=cell.head if question.kind in OF_HEADS else None,
        text=other,
    )


def _is_of_query_heads(found: PatchFound | FactsFound) -> bool:
    question = found.question
    return isinstance(question, Patch) and question.kind not in ("k", "v")
