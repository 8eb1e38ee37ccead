"""The panes: a folder each, with all its parts, and a line each in the list below.

A pane knows the session, `gui.reading` and `gui.widgets`, never another pane nor the window. A part
is born in its pane's folder; it moves to `gui/widgets` when a second pane needs it. The entries
that stand here are free of Qt.
"""

from __future__ import annotations

from collections.abc import Iterable
from importlib import import_module

from gui.panes.entry import PaneEntry

PACKAGES = (
    "gui.panes.prompt",
    "gui.panes.tokens",
    "gui.panes.layers",
    "gui.panes.stage",
    "gui.panes.neurons",
    "gui.panes.attention",
    "gui.panes.residual",
    "gui.panes.space",
    "gui.panes.prediction",
    "gui.panes.continuations",
    "gui.panes.training",
    "gui.panes.finetune",
    "gui.panes.preferences",
    "gui.panes.curves",
    "gui.panes.scaling",
    "gui.panes.runs",
    "gui.panes.losses",
    "gui.panes.landscape",
    "gui.panes.inspector",
    "gui.panes.interventions",
    "gui.panes.patching",
    "gui.panes.bpe",
    "gui.panes.tokenizer",
    "gui.panes.angles",
    "gui.panes.circuit",
    "gui.panes.cost",
    "gui.panes.model",
)
"""In the order in which they are made, and in which their commands stand in a menu."""


def entries(packages: Iterable[str]) -> tuple[PaneEntry, ...]:
    """What is known of panes before they are made: the ``ENTRY`` of each package."""
    return tuple(import_module(package).ENTRY for package in packages)


PANES = entries(PACKAGES)
