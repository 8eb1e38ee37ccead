"""Attribution graph: which embeddings, heads and MLPs made a token likely, and through which."""

from __future__ import annotations

from gui.panes.entry import Command, PaneEntry
from gui.session.conditions import has_prompt

ENTRY = PaneEntry(
    key="circuit",
    title="Attribution graph",
    hint="Which embeddings, heads and MLPs made a token likely, and through which others, by "
    "relevance propagation; beside it how well that agrees with really cutting them out.",
    made_by="gui.panes.circuit.pane:CircuitPane",
    commands=(
        Command(
            id="run_circuit",
            text="Draw the &attribution graph",
            tip="Find which heads and MLPs made the token likely, and through which others",
            menu="Model",
            does="run",
            when=has_prompt,
            in_front=True,
        ),
    ),
)
