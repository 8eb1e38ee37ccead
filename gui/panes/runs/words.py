"""What the Runs pane says of runs: how a branch stands to its parent, which run is the best.

Knows what is read of run folders; no widget.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np

from model.counting import counted
from model.train.branching.tree import RunNode, words_of_changes


def against_parent(node: RunNode, parent: RunNode | None) -> tuple[int, float] | None:
    """A branch's validation loss minus its parent's.

    Returns:
        The last step that both have validated after the departure, and the difference in nats per
        token; None where there is none.
    """
    if parent is None or node.branch is None:
        return None
    common = np.intersect1d(node.val_steps, parent.val_steps)
    common = common[common > node.branch.step]
    if not len(common):
        return None
    at = int(common[-1])
    mine = float(node.val_loss[node.val_steps == at][-1])
    its = float(parent.val_loss[parent.val_steps == at][-1])
    return at, mine - its


def said_of_all(nodes: Sequence[RunNode]) -> str:
    """How many runs there are, and which has the lowest validation loss."""
    folder = f"{counted(len(nodes), 'run')}"
    losses = [(node.best_loss, node) for node in nodes if node.best_loss is not None]
    if not losses:
        return f"{folder}; none has been validated yet."
    loss, best = min(losses, key=lambda pair: pair[0])
    step = int(best.val_steps[int(np.nanargmin(best.val_loss))])
    n_texts = len({node.recipe.data for _, node in losses if node.recipe is not None})
    other = " Losses on different texts can't be compared." if n_texts > 1 else ""
    return f"{folder}; lowest validation loss: {best.name}, {loss:.4f} at step {step:,}.{other}"


def said_of_one(node: RunNode, by_path: Mapping[str, RunNode]) -> str:
    """What a run is, in a sentence or two."""
    if node.problem:
        return f"{node.name}: {node.problem}"
    if node.branch is None:
        return f"{node.name} began anew" + _trained(node)
    parent = by_path.get(node.parent)
    name = parent.name if parent is not None else Path(node.branch.parent).name
    gone = "" if parent is not None else ", whose folder is gone"
    changes = words_of_changes(node, parent)
    what = f" with {arrows(changes)}" if changes else ""
    if parent is not None and not changes:
        what = " with nothing changed"
    optimiser = {
        "kept": "Its optimiser is the parent's.",
        "repeated": "Its optimiser is the parent's, had by repeating.",
        "fresh": "Its optimiser began anew.",
    }[node.branch.optimiser]
    found = against_parent(node, parent)
    compared = ""
    if found is not None:
        at, apart = found
        lower = "lower" if apart < 0 else "higher"
        same = f"as good as the parent's at step {at:,}"
        compared = f" Validation loss {abs(apart):.4f} {lower} than the parent's at step {at:,}."
        if apart == 0:
            compared = f" Its validation loss is {same}."
    note = node.branch.note or optimiser
    ends = f" It diverged at step {node.step:,}." if node.diverged else ""
    return (
        f"{node.name} leaves {name}{gone} at step {node.branch.step:,}{what}."
        f"{ends}{compared} {note}" + (f" {node.writer} trains it." if node.writer else "")
    )


def arrows(changes: str) -> str:
    """Changes as they read in a window."""
    return changes.replace(" -> ", " \u2192 ")


def _trained(node: RunNode) -> str:
    if node.writer:
        return f"; {node.writer} trains it."
    if node.diverged:
        return (
            f" and diverged at step {node.step:,}: its loss or gradient was no finite number, so "
            "it has ended."
        )
    return f" and has done {node.step:,} steps."
