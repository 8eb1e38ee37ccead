"""A token as it stands in a sentence. Knows no store, no widget.

Labels and chips show the space before a token as a dot, since “her” and “ her” are two tokens. In a
sentence the dot is a riddle to whoever reads it for the first time; the label beside it has it.
"""

from __future__ import annotations

from model.tokenizer.tokens import SPACE


def quoted(token: str) -> str:
    """A token in quotes, without the sign of the space before it: ``“her”``.

    Args:
        token: as the window writes it, ``·her``.
    """
    return f"“{token.removeprefix(SPACE) or token}”"
