"""The tokens as a table with named columns. Knows answers; no store, no widget."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from gui.panes.tokens.two_sides import TwoSides
from model.messages import PromptRead
from model.probe.surprisal.asks import SurprisalFound


def columns(
    read: PromptRead, texts: Sequence[str], found: SurprisalFound | None, sides: TwoSides | None
) -> Mapping[str, NDArray[Any]]:
    """A row a token.

    Args:
        read: the prompt.
        texts: its tokens as they are written.
        found: surprisals, if they are of this prompt.
        sides: of a comparison whose difference is shown.
    """
    data: dict[str, NDArray[Any]] = {
        "position": np.arange(read.n_tokens),
        "id": np.array(read.subject.ids),
        "text": np.array(texts),
        "bytes": np.array([token.bytes.hex(" ") for token in read.tokens]),
        "char_start": np.array([token.char_start for token in read.tokens]),
        "char_end": np.array([token.char_end for token in read.tokens]),
    }
    if found is not None and found.subject == read.subject:
        data |= {name: named.values for name, named in found.arrays().items()}
        if sides is not None and read.n_tokens == len(sides.apart_T):
            data |= sides.columns()
    return data
