"""What each preset is for, in a sentence. Knows their names; no recipe."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

from model.train.tasks.list import TASKS

SENTENCES: Mapping[str, str] = MappingProxyType(
    {
        "minute": "One layer that learns short stories: within minutes on a CPU analogies such as "
        "king − man + woman = queen come true.",
        "story-world": "The bundled model's own recipe, four layers: facts, copying and analogies, "
        "in about half an hour on one core.",
        "fast": "Reaches the loss of classic in a tenth of its time. Choose a text of your own.",
        "classic": "nanoGPT's recipe for a laptop: characters, four layers. Choose a text of your "
        "own.",
        "shakespeare-gpu": "nanoGPT's recipe for one GPU: 10.7M parameters, hours on a CPU. Choose "
        "a text of your own.",
        "tiny": "Seconds on one core, to see that everything works; it learns little.",
    }
    | {name: task.sentence for name, task in TASKS.items()}
)
"""By the preset's name."""
