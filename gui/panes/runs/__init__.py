"""Runs: those of a folder as a tree of branches, and in what their recipes differ."""

from __future__ import annotations

from gui.panes.entry import Command, PaneEntry
from gui.session.conditions import has_run

ENTRY = PaneEntry(
    key="runs",
    title="Runs",
    hint="The runs beside the one that is shown, each branch under the run it comes of, and the "
    "settings in which they differ. A tick draws a run's curve over the others; Enter opens it.",
    made_by="gui.panes.runs.pane:RunsPane",
    commands=(
        Command(
            id="read_runs",
            text="&Read the runs again",
            tip="Look what has come to the folder of runs since",
            menu="Training",
            does="read_again",
            when=has_run,
            in_front=True,
        ),
        Command(
            id="export_events",
            text="Export as &TensorBoard events…",
            tip="Write the numbers of the run that is shown to a folder that TensorBoard reads",
            menu="Training",
            does="ask_export_events",
            when=has_run,
        ),
    ),
)
