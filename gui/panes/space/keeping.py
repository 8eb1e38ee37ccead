"""What the embedding space wants to know at the next start.

Knows the widgets, by which metric something is near, and the kept views; no store.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from gui.panes.space.body import SpaceBody
from gui.panes.space.chooser import WORDS
from gui.panes.space.grouping import Grouping
from gui.panes.space.nearness import Nearness
from model.space.projections.asks import TSNE, UMAP
from model.space.questions.asks import METRICS

MAPS = (TSNE.name, UMAP.name)


def kept(body: SpaceBody, near: Nearness, grouping: Grouping) -> dict[str, Any]:
    """It, as JSON has it."""
    return {
        "metric": near.metric,
        "axes": body.forms[WORDS].kept(),
        "suite": body.column.suite.editor.kept(),
        "pairs": body.column.along.editor.kept(),
        "maps": [body.forms[name].kept() for name in MAPS],
        "views": grouping.kept(),
    }


def recall(kept: Mapping[str, Any], body: SpaceBody, near: Nearness, grouping: Grouping) -> None:
    """The same, taken up again; what isn't as it should be is passed over."""
    if kept.get("metric") in METRICS:
        near.metric = kept["metric"]
        body.side.metrics.set_current(near.metric)
    body.forms[WORDS].recall(kept.get("axes"))
    body.column.suite.editor.recall(kept.get("suite"))
    body.column.along.editor.recall(kept.get("pairs"))
    maps = kept.get("maps")
    for name, form in zip(MAPS, maps if isinstance(maps, list) else ()):
        body.forms[name].recall(form)
    grouping.recall(kept.get("views"))
