"""What pointing at a bar does: it selects everywhere, shows the exact number, goes to the prompt.

Knows the store and answers; no widget.
"""

from __future__ import annotations

from gui.panes.prediction import words
from gui.panes.prediction.answers import asked, position_of, row_of
from gui.reading.inspecting import inspected
from gui.session.store import Store
from model.messages import PromptRead
from model.operations import PROBABILITIES
from model.probe.attribution.asks import Part
from model.probe.next_token.asks import NextTokenFound


def choose(store: Store, read: PromptRead, found: NextTokenFound, token_id: int) -> None:
    """Select a token of the vocabulary everywhere and show its probability exactly.

    Args:
        store: whose selection.
        read: the prompt that the answer is about.
        found: the answer that was clicked.
        token_id: which of its tokens; nothing happens if it is none.
    """
    row, model = row_of(found, token_id), store.model
    if model is None or row is None:
        return
    at = position_of(found)
    logit, rank = words.repr32(found.logits[row]), int(found.ranks[row])
    # Made before the selection asks anew: what is said is about the answer that was clicked.
    chosen = inspected(
        model,
        read,
        PROBABILITIES,
        (0, at, token_id),
        float(found.probabilities[row]),
        words.chosen_note(model, read, token_id, at, logit, rank),
        sampling=asked(found).sampling,
    )
    store.select(vocabulary_id=token_id)
    store.inspect(chosen)


def go_to_part(store: Store, part: Part) -> None:
    """Select what wrote a part of the logit, wherever it is shown."""
    ops = store.operations
    at = next((i for i, op in enumerate(ops) if op.output == part.activation), None)
    if at is not None:
        store.select(operation=at)
    if part.layer is not None:
        store.select(layer=part.layer)
    if part.kind in ("head", "neuron"):
        store.select(**{part.kind: part.index})


def append(
    store: Store, read: PromptRead, at: int, found: NextTokenFound | None, token_id: int
) -> None:
    """Let the prompt go on with a token after a position, or put it in the mask's place.

    Of bars that are still those of an earlier prompt nothing is put into the one of now.

    Args:
        store: whose prompt.
        read: the prompt that the bars are about.
        at: the position after which they are.
        found: the bars.
        token_id: what is put.
    """
    if read.text != store.prompt:
        return
    if words.head_of(store) == "mlm":
        store.masking.fill(at, token_id)
    else:
        row = row_of(found, token_id)
        chance = [] if row is None or found is None else [found.probabilities[row]]
        store.adding.put(read, at, [token_id], "forced", list(map(float, chance)))
