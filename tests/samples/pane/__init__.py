"""Stream length: a pane as somebody else would add it. Its line in the list is all there is to do.

It lies here so that a test adds it and uses it; it is also the shortest pane to begin from.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from gui.panes.entry import Command, PaneEntry

if TYPE_CHECKING:
    from gui.session.store import Store


def has_prompt(store: Store) -> bool:
    """A prompt was read."""
    return store.read is not None


ENTRY = PaneEntry(
    key="stream_length",
    title="Stream length",
    hint="How long every token's vector in the residual stream is after the selected layer",
    made_by="tests.samples.pane.pane:StreamLengthPane",
    commands=(
        Command(
            id="sort_by_length",
            text="So&rt by stream length",
            tip="The longest vector first, or in the order of the text",
            menu="View",
            does="toggle_sorted",
            keys="Ctrl+Alt+L",
            in_front=True,
            separator=True,
        ),
        Command(
            id="longest_stream",
            text="Select the l&ongest stream",
            tip="Go to the token whose vector is longest",
            menu="Model",
            does="select_longest",
            when=has_prompt,
            in_front=True,
        ),
    ),
)
