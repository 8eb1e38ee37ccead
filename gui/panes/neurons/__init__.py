"""Neurons: a layer's MLP at every token, what one neuron writes and hears, the texts it answers."""

from __future__ import annotations

from gui.panes.entry import Command, PaneEntry
from gui.session.conditions import has_model, has_prompt

ENTRY = PaneEntry(
    key="neurons",
    title="Neurons",
    hint="The MLP's neurons at every token, the strongest first; what the selected one writes, "
    "what it hears, and the texts that excite it. Arrow keys move through neurons and tokens.",
    made_by="gui.panes.neurons.pane:NeuronsPane",
    commands=(
        Command(
            id="find_neuron",
            text="Find a neuro&n…",
            tip="Type the number of a neuron of the selected layer",
            menu="Model",
            does="find_neuron",
            keys="Ctrl+Alt+N",
            when=has_model,
            in_front=True,
            separator=True,
        ),
        Command(
            id="cut_neuron",
            text="C&ut neuron",
            tip="Clamp the selected neuron to 0 at every token, or take that back",
            menu="Model",
            does="toggle_cut",
            when=has_prompt,
            in_front=True,
        ),
        Command(
            id="read_neuron_texts",
            text="Rea&d texts for neurons",
            tip="Read texts for what excites the neurons of this layer, or stop reading",
            menu="Model",
            does="toggle_reading",
            when=has_prompt,
            in_front=True,
        ),
    ),
)
