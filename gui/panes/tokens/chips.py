"""What chips say and how they look: values, without a place and without a painter."""

from __future__ import annotations

from dataclasses import dataclass

from PySide6.QtGui import QColor


@dataclass(frozen=True, slots=True)
class Tokens:
    """What the chips say, one entry a token.

    Attributes:
        texts: bytes made visible.
        special: which stand for no text of their own; their border is dashed.
        below: the longest that the figure below each can be, as a number of characters.
        carry: what that figure is.
    """

    texts: tuple[str, ...] = ()
    special: frozenset[int] = frozenset()
    below: tuple[int, ...] = ()
    carry: str = ""


@dataclass(frozen=True, slots=True)
class Look:
    """How one chip looks.

    Attributes:
        below: the figure.
        fill: of the box; None is the colour of a button.
        hatched: there is no value, and none will come.
        pending: the value is still to come.
        added: it was put behind the prompt, by the model or by a choice of the person.
    """

    below: str = ""
    fill: QColor | None = None
    hatched: bool = False
    pending: bool = False
    added: bool = False
