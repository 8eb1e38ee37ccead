"""Prompts whose answers the bundled model knows, and what a fact in a prompt is probably about.

Knows the story world; no model and no widget.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from model.world.facts import ATHLETES


@dataclass(frozen=True, slots=True)
class Example:
    """A prompt whose next word is a fact about some of its words."""

    prompt: str
    about: str


PAIR = ("The capital of Italy is", "The capital of France is")
"""Two prompts that differ in one word, each with an answer that the bundled model knows."""
FACT = Example(f"{ATHLETES[0].name} plays the sport of", ATHLETES[0].name)

_NAME = re.compile(r"[A-Z][\w’'-]+(?: [A-Z][\w’'-]+)*")


def suggested(prompt: str) -> str:
    """The words that a fact is probably about: the last name of several words or none at a start.

    Empty where there is no name.
    """
    names = list(_NAME.finditer(prompt))
    for name in reversed(names):
        begins = name.start() == 0 or prompt[: name.start()].rstrip().endswith((".", "!", "?"))
        if not begins or " " in name.group():
            return name.group()
    return ""
